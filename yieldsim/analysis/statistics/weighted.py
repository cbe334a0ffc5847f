"""Weighted mean, quantiles and shares of a sample, each with its Monte Carlo standard error.

Weights ``w`` add up to 1. The quantile is the smallest value of which at least a share ``p`` of the
weight is not above it, NumPy's ``method="inverted_cdf"``. (xarray's own weighted quantile is wrong
for few uneven weights: of 1, 10 and 100 with the weights 10, 10 and 5 it takes 60 for the largest.)

Errors use an effective sample size. Kish's (1965) is ``1 / sum w^2``, the number of independent
draws from the weighted distribution that would be as precise. For a figure that is correlated with
the weights it is larger or smaller. The weighted mean m of a figure y has the variance
``sum w^2 (y - m)^2`` (the delta method for a quotient of means), as if there were
``n = sum w (y - m)^2 / sum w^2 (y - m)^2`` draws. This is the effective sample size of the figure.
For weights that are unrelated to y it is Kish's, and for equal weights the number of realizations.
Errors then follow as for a plain sample:

- of a mean, ``sqrt(sum w (y - m)^2 / (n - 1))``;
- of a share p, the mean of zeros and ones, ``sqrt(p (1 - p) / (n - 1))``;
- of a quantile, Maritz and Jarrett's (see `standard_error`) with the shares of weight in place of
  ranks, and with the n of the share that lies below the quantile.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import betainc

_WINDOW_SD = 8.5  # beyond, order statistics have no weight in double precision


def effective_sample_size(weights: np.ndarray) -> float:
    """Kish's effective sample size ``(sum w)^2 / sum w^2`` of weights of any scale."""
    scaled = np.asarray(weights, dtype=np.float64) / np.max(weights)
    return float(scaled.sum() ** 2 / (scaled**2).sum())


def weighted_quantile(
    values: np.ndarray, weights: np.ndarray, q: float | Sequence[float]
) -> np.ndarray:
    """Quantiles along the last axis, as ``np.quantile(..., method="inverted_cdf", weights=...)``.

    ``values`` (..., n), ``weights`` (n) of any scale, ``q`` from 0 to 1. Returns (...) for a single
    ``q``, else (..., len(q)).
    """
    values = np.asarray(values)
    levels = np.atleast_1d(np.asarray(q, dtype=np.float64))
    found = np.empty((*values.shape[:-1], len(levels)), dtype=np.float64)
    for index in np.ndindex(values.shape[:-1]):
        ordered, below, _ = _ordered(values[index], weights)
        found[index] = ordered[_places(below, levels)]
    return found[..., 0] if np.ndim(q) == 0 else found


def weighted_quantiles(
    values: np.ndarray, weights: np.ndarray, probabilities: Sequence[float]
) -> tuple[np.ndarray, np.ndarray]:
    """`weighted_quantile` and the standard error of each, both (..., len(probabilities))."""
    levels = np.asarray(probabilities, dtype=np.float64)
    shape = (*values.shape[:-1], len(levels))
    quantile, error = np.empty(shape), np.empty(shape)
    for index in np.ndindex(values.shape[:-1]):
        ordered, below, own = _ordered(values[index], weights)
        places = _places(below, levels)
        quantile[index] = ordered[places]
        squares = np.cumsum(own**2)
        for i, (p, place) in enumerate(zip(levels.tolist(), places.tolist(), strict=True)):
            spread = squares[place] * (1.0 - p) ** 2 + (squares[-1] - squares[place]) * p**2
            error[*index, i] = _quantile_error(ordered, below, p, place, p * (1.0 - p) / spread)
    return quantile, error


def _ordered(values: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The values in rising order, the share of the weight up to each, and their weights."""
    order = np.argsort(values)
    own = np.asarray(weights, dtype=np.float64)[order]
    below = np.cumsum(own)
    return np.asarray(values, dtype=np.float64)[order], below / below[-1], own / below[-1]


def _places(below: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """The index of each quantile. A value of zero weight is never a quantile."""
    first = int(np.searchsorted(below, 0.0, side="right"))
    places: np.ndarray = np.clip(np.searchsorted(below, levels, side="left"), first, None)
    return np.minimum(places, len(below) - 1)


def _quantile_error(
    ordered: np.ndarray, below: np.ndarray, p: float, place: int, effective: float
) -> float:
    """Maritz and Jarrett's error of the quantile at a place, of ``effective`` draws."""
    n = max(1.0, effective)
    middle, reach = below[place], _WINDOW_SD * np.sqrt(p * (1.0 - p) / n) + _WINDOW_SD**2 / n
    low = int(np.searchsorted(below, middle - reach, side="left"))
    high = int(np.searchsorted(below, middle + reach, side="right")) + 1
    edges = np.concatenate([[below[low - 1] if low else 0.0], below[low:high]])
    cumulative = betainc((n - 1.0) * p + 1.0, n - (n - 1.0) * p, edges)
    cumulative[0], cumulative[-1] = 0.0, 1.0  # what lies outside goes to the ends
    shares = np.diff(cumulative)
    # centred first: squares of large figures with a small spread would cancel
    centred = ordered[low:high] - ordered[place]
    mean = shares @ centred
    return float(np.sqrt(shares @ (centred - mean) ** 2))


def weighted_mean(values: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weighted mean and its standard error along the last axis; NaN if one draw has all weight."""
    mean, error = np.empty(values.shape[:-1]), np.full(values.shape[:-1], np.nan)
    own = np.asarray(weights, dtype=np.float64) / np.sum(weights)
    for index in np.ndindex(mean.shape):
        mean[index] = own @ values[index]
        squares = (values[index] - mean[index]) ** 2
        variance, of_mean = float(own @ squares), float(own**2 @ squares)
        if variance == 0.0:
            error[index] = 0.0 if np.count_nonzero(own) > 1 else np.nan
        elif variance > of_mean:  # an effective sample size above 1
            error[index] = np.sqrt(variance / (variance / of_mean - 1.0))
    return mean, error


def weighted_sd(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weighted standard deviation along the last axis.

    The variance is divided by ``1 - sum w^2``, which is (n - 1) / n for equal weights; NaN if one
    draw has all weight.
    """
    own = np.asarray(weights, dtype=np.float64) / np.sum(weights)
    mean = values @ own
    variance: np.ndarray = (values - mean[..., None]) ** 2 @ own
    rest = 1.0 - float(own @ own)
    return np.sqrt(variance / rest) if rest > 0.0 else np.full(mean.shape, np.nan)
