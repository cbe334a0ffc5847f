"""Estimates with intervals that hold for a handful of fails as well as for a million."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv, chdtri

__all__ = [
    "Estimate",
    "alpha_of",
    "binomial_interval",
    "combined",
    "count_factors",
    "spread_of_mean",
]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """A figure with its interval, whose ends may be inf."""

    value: float
    low: float
    high: float

    def with_inside(self, value: float) -> Estimate:
        """Return an estimate whose interval holds this value too."""
        return Estimate(self.value, min(self.low, value), max(self.high, value))

    def wider(self, other: Estimate) -> Estimate:
        """Return the estimate with the interval that holds that of ``other`` too."""
        return Estimate(self.value, min(self.low, other.low), max(self.high, other.high))


def spread_of_mean(densities: Floats, weights: Floats, log_covariance: Floats) -> float:
    """Return the standard error of the logarithm of a weighted mean of densities."""
    slope = weights * densities / float(weights @ densities)
    return math.sqrt(max(0.0, float(slope @ log_covariance @ slope)))


def binomial_interval(part: float, whole: float, confidence: float) -> tuple[float, float]:
    """Return the exact interval of a share (Clopper and Pearson 1934)."""
    tail = 0.5 * (1.0 - confidence)
    low = 0.0 if part <= 0.0 else float(betaincinv(part, whole - part + 1.0, tail))
    high = 1.0 if part >= whole else float(betaincinv(part + 1.0, whole - part, 1.0 - tail))
    return low, high


def count_factors(count: float, confidence: float) -> tuple[float, float]:
    """Return the ends of the exact Poisson interval (Garwood 1936) over the count itself.

    ``count`` may be an effective number: what a figure's relative variance is the inverse of. For 0
    the upper end is the interval's own.
    """
    tail = 0.5 * (1.0 - confidence)
    low = 0.5 * float(chdtri(2.0 * count, 1.0 - tail)) if count > 0.0 else 0.0
    high = 0.5 * float(chdtri(2.0 * count + 2.0, tail))
    return (low / count, high / count) if count > 0.0 else (0.0, high)


def combined(value: float, *factors: tuple[float, float]) -> Estimate:
    """Return a value with an interval from independent errors, each given by factors low and high.

    Their logarithms add in square (Zou and Donner 2008).
    """
    below = math.hypot(*(math.log(max(low, 1e-300)) for low, _ in factors))
    above = math.hypot(*(math.log(max(high, 1e-300)) for _, high in factors))
    return Estimate(value, value * math.exp(-below), value * math.exp(min(above, 700.0)))


def alpha_of(spread: float, low: float, high: float) -> Estimate:
    """Return alpha from 1 / alpha and its interval; a spread of 0 or less is no clustering."""
    return Estimate(_inverse(spread), _inverse(max(high, spread)), _inverse(min(low, spread)))


def _inverse(spread: float) -> float:
    return 1.0 / spread if spread > 1e-9 else math.inf
