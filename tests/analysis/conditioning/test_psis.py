"""Pareto smoothing: known shapes are found, and weights stay what they must be."""

import math

import numpy as np
import pytest

from yieldsim.analysis.conditioning.psis import FEWEST, pareto_fit, smoothed_weights


def pareto(k: float, count: int, seed: int) -> np.ndarray:
    """Values of a generalized Pareto distribution of scale 1, in rising order."""
    u = np.random.default_rng(seed).random(count)
    return np.sort(np.expm1(-k * np.log1p(-u)) / k)


@pytest.mark.parametrize("k", [-0.4, 0.2, 0.5, 0.7, 1.1])
def test_the_shape_of_a_pareto_distribution_is_found(k: float) -> None:
    count, fits = 1_000, 40
    found = np.array([pareto_fit(3.0 * pareto(k, count, seed)) for seed in range(fits)])
    # k is drawn towards 0.5 with the weight of ten values. The estimate has the error
    # (1 + k) / sqrt(count) (Zhang and Stephens 2009), the mean of 40 a sixth of it: four of these.
    # Its bias is of the order of 1 / count, of which five are allowed.
    expected = (count * k + 10 * 0.5) / (count + 10)
    error = 4 * (1 + abs(k)) / math.sqrt(count * fits) + 5 / count
    assert found[:, 0].mean() == pytest.approx(expected, abs=error)
    # the scale likewise, with the relative error sqrt(2 (1 + k) / count)
    assert found[:, 1].mean() == pytest.approx(3.0, rel=4 * math.sqrt(4 / count / fits) + 0.01)


@pytest.mark.parametrize("k", [0.3, 0.6, 0.9])
def test_ratios_with_a_pareto_tail_have_its_shape(k: float) -> None:
    # the excess of a Pareto variable over any level is one of the same shape
    n = 40_000
    weights, found = smoothed_weights(np.log(1.0 + pareto(k, n, 3)))
    count = 3 * math.sqrt(n)
    expected = (count * k + 5) / (count + 10)
    assert found == pytest.approx(expected, abs=4 * (1 + k) / math.sqrt(count))
    assert weights.sum() == pytest.approx(1.0, rel=1e-12)


def test_smoothing_keeps_the_order_and_the_smaller_weights() -> None:
    ratios = np.random.default_rng(4).standard_normal(500) * 1.5
    plain = np.exp(ratios - ratios.max())
    weights, _ = smoothed_weights(ratios)
    assert np.array_equal(np.argsort(weights), np.argsort(ratios))
    scale = weights.min() / plain.min()
    tail = math.ceil(3 * math.sqrt(500))
    small = np.sort(weights)[:-tail] / np.sort(plain)[:-tail]
    np.testing.assert_allclose(small, scale, rtol=1e-12)
    assert weights.max() <= scale * (1.0 + 1e-12)  # none above the largest there was


def test_smoothing_lowers_the_error_of_heavy_weights() -> None:
    # x ~ N(0, 1) weighted to N(0, 1.5^2): the ratios have an infinite variance, and their sum
    # is dominated by a few. The published behaviour is a smaller error of the smoothed mean square.
    plain, smoothed = [], []
    for seed in range(200):
        x = np.random.default_rng(seed).standard_normal(300)
        ratios = 0.5 * x**2 * (1.0 - 1.0 / 1.5**2)
        raw = np.exp(ratios)
        plain.append(raw @ x**2 / raw.sum())
        smoothed.append(smoothed_weights(ratios)[0] @ x**2)
    errors = [np.sqrt(np.mean((np.array(own) - 2.25) ** 2)) for own in (plain, smoothed)]
    assert errors[1] < errors[0]


def test_equal_ratios_have_no_tail() -> None:
    weights, k = smoothed_weights(np.full(100, -7.0))
    assert k == -math.inf
    np.testing.assert_allclose(weights, 0.01, rtol=1e-12)


def test_a_few_realizations_with_all_weight_cannot_be_smoothed() -> None:
    ratios = np.full(100, -1e6)
    ratios[:3] = 0.0
    weights, k = smoothed_weights(ratios)
    assert k == math.inf
    assert weights[:3].tolist() == pytest.approx([1 / 3] * 3)


@pytest.mark.parametrize("ratios", [np.zeros(FEWEST - 1), np.full(50, np.nan)])
def test_ratios_that_make_no_weights_are_refused(ratios: np.ndarray) -> None:
    with pytest.raises(ValueError, match="finite ratios"):
        smoothed_weights(ratios)
