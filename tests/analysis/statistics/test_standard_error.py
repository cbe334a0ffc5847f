import itertools
import math

import numpy as np
import pytest
from scipy.special import betainc
from scipy.stats import norm

from yieldsim.analysis.statistics.standard_error import (
    mean_and_error,
    quantile_rule,
    sample_quantiles,
)

LEVELS = (0.1, 0.25, 0.5, 0.9)


@pytest.mark.parametrize("n", [1, 2, 3, 10, 257, 4_001, 60_000])
def test_quantiles_are_those_of_numpy(n: int) -> None:
    # 60,000 values take the partly sorted way, the smaller samples the fully sorted one
    values = np.random.default_rng(n).lognormal(size=(3, n))
    quantile, _ = sample_quantiles(values, LEVELS)
    # the interpolation is written differently: equal but for a few roundings
    np.testing.assert_allclose(quantile, np.quantile(values, LEVELS, axis=1).T, rtol=1e-14)


def test_values_with_ties_and_zeros_are_handled() -> None:
    values = np.repeat([0.0, 5.0], [40_000, 20_000])
    quantile, error = sample_quantiles(values, (0.5, 0.9))
    assert quantile.tolist() == [0.0, 5.0]
    assert error.tolist() == [0.0, 0.0]


def test_the_error_is_the_exact_bootstrap_of_the_median() -> None:
    # all 5^5 resamples of five values: no simulation, so only rounding separates the two
    values = np.array([2.0, 3.0, 5.0, 9.0, 20.0])
    medians = [sorted(resample)[2] for resample in itertools.product(values, repeat=5)]
    quantile, error = sample_quantiles(values, (0.5,))
    assert quantile[0] == 5.0
    assert error[0] == pytest.approx(np.std(medians), rel=1e-12)


def test_the_window_holds_all_weight_that_matters() -> None:
    n, p = 20_000, 0.1
    rule = quantile_rule(p, n)
    place = (n - 1) * p
    everywhere = np.diff(betainc(place + 1.0, n - place, np.arange(n + 1) / n))
    assert rule.high - rule.low < n / 4  # else the test would compare the thing with itself
    # 8.5 standard deviations of the place: far below the rounding of the weights
    np.testing.assert_allclose(rule.weights, everywhere[rule.low : rule.high], atol=1e-14)
    assert math.fsum(everywhere[: rule.low]) + math.fsum(everywhere[rule.high :]) < 1e-13


@pytest.mark.statistical
@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_the_error_of_a_quantile_is_its_spread_over_many_runs(p: float) -> None:
    n, runs = 400, 2_000
    values = np.random.default_rng(20).standard_normal((runs, n))
    quantile, error = sample_quantiles(values, (p,))
    expected = math.sqrt(p * (1 - p) / n) / norm.pdf(norm.ppf(p))
    # A standard deviation of 2,000 runs is known to 1 / sqrt(2 runs) = 1.6 %, four of these; and
    # the asymptotic formula itself holds to the order of 1 / sqrt(n) = 5 %.
    tolerance = 4 / math.sqrt(2 * runs) + 1 / math.sqrt(n)
    assert quantile.std() == pytest.approx(expected, rel=tolerance)
    assert math.sqrt((error**2).mean()) == pytest.approx(quantile.std(), rel=tolerance)


@pytest.mark.statistical
def test_the_error_of_a_mean_is_its_spread_over_many_runs() -> None:
    n, runs = 50, 4_000
    values = np.random.default_rng(21).exponential(size=(runs, n))
    mean, error = mean_and_error(values)
    # For exponentials sd = mean = 1. The mean of the runs' means has the error 1 / sqrt(n runs),
    # the mean square of se n has the relative error sqrt((kurtosis - 1) / (n runs)), kurtosis 9.
    assert mean.mean() == pytest.approx(1.0, abs=4 / math.sqrt(n * runs))
    assert (error**2).mean() * n == pytest.approx(1.0, rel=4 * math.sqrt(8 / (n * runs)))


def test_large_figures_with_a_small_spread_do_not_cancel() -> None:
    values = np.random.default_rng(5).standard_normal(1_001)
    _, error = sample_quantiles(values, (0.5,))
    _, shifted = sample_quantiles(values + 1e9, (0.5,))
    # a value near 1e9 is rounded to 1e-7, the error is 4e-2
    assert shifted[0] == pytest.approx(error[0], rel=1e-5)


def test_one_value_has_a_quantile_and_no_error() -> None:
    quantile, error = sample_quantiles(np.array([[7.0]]), (0.1, 0.9))
    mean, mean_error = mean_and_error(np.array([7.0]))
    assert quantile.tolist() == [[7.0, 7.0]]
    assert mean == 7.0
    assert np.isnan(error).all()
    assert np.isnan(mean_error)


@pytest.mark.parametrize(("p", "n"), [(0.0, 5), (1.0, 5), (-0.1, 5), (0.5, 0), (math.nan, 5)])
def test_impossible_quantiles_are_refused(p: float, n: int) -> None:
    with pytest.raises(ValueError, match="0 < p < 1"):
        quantile_rule(p, n)
