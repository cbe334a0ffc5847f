"""Mean and quantiles of a sample, each with its Monte Carlo standard error.

The quantile is linear between order statistics: with n values in rising order it
stands at the place h = 1 + (n - 1) p (type 7 of Hyndman and Fan 1996, doi:10.2307/2684934).

Its standard error is that of Maritz and Jarrett (1978, doi:10.1080/01621459.1978.10480027), the
bootstrap's in closed form: the k-th order statistic of a resample equals x_(i) with probability
``w_i = I(i/n; k, n-k+1) - I((i-1)/n; k, n-k+1)``, where I is the regularized incomplete beta
function, so ``se^2 = sum w_i x_(i)^2 - (sum w_i x_(i))^2``. The place k may be fractional (Harrell
and Davis 1982, doi:10.1093/biomet/69.3.635); here k = h. The draws are taken as
independent: for Sobol' draws the error is too large rather than too small.

Where realizations have weights, all figures and errors are those of `weighted`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import betainc

from yieldsim.analysis.statistics.weighted import weighted_mean, weighted_quantiles

P10_P50_P90 = (0.1, 0.5, 0.9)
STATISTICS = ("mean", "p10", "p50", "p90", "se_mean", "se_p10", "se_p50", "se_p90")
# Beyond this many standard deviations of the order's place the weights are below 1e-15.
_WINDOW_SD = 8.5


@dataclass(frozen=True)
class QuantileRule:
    """How the quantile ``p`` and its error follow from a few order statistics.

    These are the ones from ``low`` to ``high``, with their ``weights``.
    """

    p: float
    place: float
    low: int
    high: int
    weights: np.ndarray


def quantile_rule(p: float, n: int) -> QuantileRule:
    """The rule for a sample of ``n`` values. Raises ValueError unless 0 < p < 1 and n >= 1."""
    if not 0.0 < p < 1.0 or n < 1:
        raise ValueError(f"needs 0 < p < 1 and n >= 1, got p = {p}, n = {n}")
    place = (n - 1) * p
    spread = _WINDOW_SD * np.sqrt(n * p * (1.0 - p)) + _WINDOW_SD**2 + 2.0
    low = max(0, int(place - spread))
    high = min(n, int(place + spread) + 2)
    edges = np.arange(low, high + 1) / n
    cumulative = betainc(place + 1.0, n - place, edges)
    # the small weights outside the window go to its ends
    cumulative[0], cumulative[-1] = 0.0, 1.0
    return QuantileRule(p, place, low, high, np.diff(cumulative))


def sample_quantiles(
    values: np.ndarray, probabilities: tuple[float, ...], weights: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Quantiles and their standard errors along the last axis.

    ``values`` has the shape (..., n), ``weights`` (n), both results (..., len(probabilities)). The
    error of a single value is NaN.
    """
    if weights is not None:
        return weighted_quantiles(values, weights, probabilities)
    n = values.shape[-1]
    rules = [quantile_rule(p, n) for p in probabilities]
    shape = (*values.shape[:-1], len(rules))
    quantile, error = np.empty(shape), np.empty(shape)
    for index in np.ndindex(values.shape[:-1]):
        column = _partly_sorted(values[index], rules)
        for q, rule in enumerate(rules):
            quantile[*index, q], error[*index, q] = _apply(column, rule)
    return quantile, error if n > 1 else np.full(shape, np.nan)


def _partly_sorted(column: np.ndarray, rules: list[QuantileRule]) -> np.ndarray:
    """The values, sorted within the windows of the rules.

    For many values this is several times faster than sorting all of them.
    """
    n = column.size
    windows = sum(rule.high - rule.low for rule in rules)
    if windows * 4 > n:
        return np.sort(column)
    edges = sorted({edge for r in rules for edge in (r.low, r.high - 1)})
    column = np.partition(column, edges)
    for rule in rules:
        column[rule.low : rule.high].sort()
    return column


def _apply(column: np.ndarray, rule: QuantileRule) -> tuple[float, float]:
    below = int(rule.place)
    above = min(below + 1, column.size - 1)
    share = rule.place - below
    value = column[below] + share * (column[above] - column[below])
    # centred first: squares of large figures with a small spread would cancel
    centred = column[rule.low : rule.high] - value
    mean = rule.weights @ centred
    variance = rule.weights @ (centred - mean) ** 2
    return float(value), float(np.sqrt(variance))


def mean_and_error(
    values: np.ndarray, weights: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and its standard error (sd / sqrt n) along the last axis; NaN for a single value."""
    if weights is not None:
        return weighted_mean(values, weights)
    n = values.shape[-1]
    mean, error = np.empty(values.shape[:-1]), np.full(values.shape[:-1], np.nan)
    for index in np.ndindex(mean.shape):  # a row at a time, as NumPy copies what it takes the sd of
        mean[index] = values[index].mean()
        if n > 1:
            error[index] = values[index].std(ddof=1) / np.sqrt(n)
    return mean, error


def statistics(values: np.ndarray, weights: np.ndarray | None = None) -> dict[str, float | None]:
    """Mean, P10, P50, P90 of a sample (n) and their errors as plain numbers."""
    mean, se_mean = mean_and_error(values, weights)
    quantile, se_quantile = sample_quantiles(values, P10_P50_P90, weights)
    numbers = [float(mean), *quantile.tolist(), float(se_mean), *se_quantile.tolist()]
    return named(STATISTICS, numbers)


def share_error(share: np.ndarray, n: int) -> np.ndarray:
    """Standard error of a share of ``n`` independent realizations; NaN for a single one.

    sqrt(p (1 - p) / (n - 1)), the error of the mean of zeros and ones. It is zero for a share of 0
    or 1, where 3 / n bounds the other share at 95 % (the rule of three, Hanley and Lippman-Hand
    1983, doi:10.1001/jama.1983.03330370053031).
    """
    return np.sqrt(share * (1.0 - share) / (n - 1)) if n > 1 else np.full(np.shape(share), np.nan)


def share_and_error(
    hits: np.ndarray, weights: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """The share of ``hits`` (..., n), which are true or false, and its standard error."""
    if weights is not None:
        return weighted_mean(hits.astype(np.float64), weights)
    share = hits.mean(axis=-1)
    return share, share_error(share, hits.shape[-1])


def named(names: Iterable[str], numbers: Sequence[float]) -> dict[str, float | None]:
    """Numbers under their names; None for what is not finite, which JSON cannot hold."""
    kept = (number if math.isfinite(number) else None for number in numbers)
    return dict(zip(names, kept, strict=True))
