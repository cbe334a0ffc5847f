"""Estimates with intervals, from standard errors on the scale where they are symmetric."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Estimate", "alpha_estimate", "positive_estimate", "weighted_mean"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """A figure with its interval, whose ends may be inf."""

    value: float
    low: float
    high: float


def weighted_mean(
    densities: Floats, weights: Floats, log_covariance: Floats
) -> tuple[float, float]:
    """Return a weighted mean of the densities and the standard error of its logarithm."""
    mean = float(weights @ densities)
    slope = weights * densities / mean
    return mean, math.sqrt(max(0.0, float(slope @ log_covariance @ slope)))


def positive_estimate(value: float, log_error: float, quantile: float) -> Estimate:
    """Return an estimate whose interval is symmetric in the logarithm."""
    factor = math.exp(min(quantile * log_error, 700.0))
    return Estimate(value, value / factor, value * factor)


def alpha_estimate(spread: float, error: float, quantile: float) -> Estimate:
    """Return alpha from 1 / alpha. Its interval is symmetric in sqrt(1 / alpha), a relative SD."""
    if spread <= 0.0:
        most = max(0.0, spread + quantile * error)
        return Estimate(math.inf, _inverse(most), math.inf)
    root = math.sqrt(spread)
    half = quantile * error / (2.0 * root)
    # near 0 the interval of the root is too wide, and the plain one is better
    low = max(0.0, root - half) ** 2 if root > half else 0.0
    high = min((root + half) ** 2, spread + 2.0 * quantile * error)
    return Estimate(_inverse(spread), _inverse(high), _inverse(low))


def _inverse(spread: float) -> float:
    return 1.0 / spread if spread > 0.0 else math.inf
