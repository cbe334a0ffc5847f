import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import norm

from tests.examples import examples
from yieldsim.analysis.statistics.standard_error import mean_and_error
from yieldsim.analysis.statistics.weighted import (
    effective_sample_size,
    weighted_mean,
    weighted_quantile,
    weighted_quantiles,
)

LEVELS = (0.1, 0.5, 0.9)


def test_the_largest_of_few_uneven_weights_is_the_largest() -> None:
    # xarray's weighted quantile says 60
    values, weights = np.array([1.0, 10.0, 100.0]), np.array([10.0, 10.0, 5.0])
    assert weighted_quantile(values, weights, [0.0, 0.4, 0.41, 0.8, 0.81, 1.0]).tolist() == [
        *(1.0, 1.0),
        *(10.0, 10.0),
        *(100.0, 100.0),
    ]


@pytest.mark.skipif(np.__version__ < "2", reason="np.quantile takes no weights before NumPy 2")
@given(
    values=arrays(float, (2, 12), elements=st.integers(0, 9).map(float)),
    weights=arrays(float, 12, elements=st.one_of(st.just(0.0), st.floats(1e-6, 10.0))),
    q=st.lists(st.floats(0.0, 1.0), min_size=1, max_size=5),
)
@examples(200)
def test_weighted_quantiles_are_those_of_numpy(
    values: np.ndarray, weights: np.ndarray, q: list[float]
) -> None:
    weights[0] += 0.5  # some weight at least
    expected = [np.quantile(v, q, method="inverted_cdf", weights=weights) for v in values]
    np.testing.assert_array_equal(weighted_quantile(values, weights, q), expected)


def test_equal_weights_have_the_errors_of_a_plain_sample() -> None:
    values = np.random.default_rng(2).lognormal(size=(2, 300))
    weights = np.full(300, 0.7)
    assert effective_sample_size(weights) == pytest.approx(300.0, rel=1e-12)
    for plain, weighted in zip(mean_and_error(values), weighted_mean(values, weights), strict=True):
        np.testing.assert_allclose(weighted, plain, rtol=1e-12)


def test_a_realization_twice_is_one_of_twice_the_weight() -> None:
    values = np.array([3.0, 1.0, 7.0, 5.0])
    twice, weights = np.repeat(values, [1, 2, 1, 2]), np.array([1.0, 2.0, 1.0, 2.0])
    assert weighted_mean(values, weights)[0] == pytest.approx(twice.mean(), rel=1e-15)
    expected = np.quantile(twice, LEVELS, method="inverted_cdf")
    np.testing.assert_array_equal(weighted_quantile(values, weights, LEVELS), expected)


def test_realizations_without_weight_change_nothing() -> None:
    rng = np.random.default_rng(4)
    values, weights = rng.standard_normal(400), np.repeat([0.0, 1.0], 200) * rng.random(400)
    some = weighted_quantiles(values[200:], weights[200:], LEVELS)
    for all_of, kept in zip(weighted_quantiles(values, weights, LEVELS), some, strict=True):
        np.testing.assert_allclose(all_of, kept, rtol=1e-12)  # rounding of sums in another order


def test_one_realization_with_all_weight_has_no_error() -> None:
    values, weights = np.array([1.0, 2.0, 3.0]), np.array([0.0, 1.0, 0.0])
    assert effective_sample_size(weights) == 1.0
    mean, error = weighted_mean(values, weights)
    assert mean == 2.0
    assert np.isnan(error)


@pytest.mark.statistical
def test_errors_cover_the_truth_as_often_as_they_say() -> None:
    # prior N(0, 1), a figure y = 1.2 seen with the error 0.7: the posterior is
    # N(y / (1 + s^2), s^2 / (1 + s^2)), and the realizations of y are the inputs
    n, runs, seen, spread = 1_000, 1_000, 1.2, 0.7
    variance = spread**2 / (1.0 + spread**2)
    centre = seen / (1.0 + spread**2)
    rng = np.random.default_rng(8)
    inside = np.zeros((runs, 1 + len(LEVELS)))
    for run in range(runs):
        x = rng.standard_normal(n)
        weights = np.exp(-0.5 * ((x - seen) / spread) ** 2)
        mean, of_mean = weighted_mean(x, weights)
        quantile, error = weighted_quantiles(x, weights, LEVELS)
        truth = centre + math.sqrt(variance) * norm.ppf(LEVELS)
        inside[run, 0] = abs(mean - centre) < 1.96 * of_mean
        inside[run, 1:] = np.abs(quantile - truth) < 1.96 * error
    # 95 % of 1,000 runs are known to 0.7 %, four of these; and the asymptotic formulas hold to
    # the order of 1 / sqrt(effective sample size), here 440, of two tails of 2.5 %
    np.testing.assert_allclose(inside.mean(axis=0), 0.95, atol=4 * 0.007 + 0.05 / math.sqrt(440))
