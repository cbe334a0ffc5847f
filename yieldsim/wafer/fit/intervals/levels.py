"""Intervals of the mean yield, the faults per die, the spread of the yield and alpha_wafer."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

from yieldsim.wafer.fit.intervals.estimate import (
    Estimate,
    alpha_of,
    binomial_interval,
    combined,
    spread_of_mean,
)
from yieldsim.wafer.fit.intervals.evidence import Evidence, Level
from yieldsim.wafer.fit.intervals.likelihood import Region, Surface, likelihood_surface
from yieldsim.wafer.fit.law import chances
from yieldsim.wafer.fit.moments import gamma_nodes
from yieldsim.wafer.fit.statistics import pooled, spread_weights

__all__ = ["by_likelihood", "by_sandwich"]

Floats = NDArray[np.float64]

# A spread 1 / alpha_wafer such as lots have: a third of the mean density from wafer to wafer.
_PLAUSIBLE = 0.1
# The spread of independent dies is known to a hundredth, as the profile is.
_LUCK_KNOWN = 0.99


def by_sandwich(e: Evidence, level: Level, covariance: Floats) -> dict[str, Estimate]:
    """Return the four figures with intervals from each wafer's influence (sandwich)."""
    size, q, good, sd = e.bins.size, e.quantile, 1.0 - level.fail, level.sd
    mean = pooled(e.figures.fails[:, None], e.figures.dies[:, None])
    error = q * float(np.sqrt((mean.influence**2).mean() / e.wafers))
    on_dies = e.design.share @ e.design.hats
    log_error = q * spread_of_mean(e.best.densities, on_dies, covariance[:size, :size])
    sd_error = q * float(e.target.error[size]) / (2.0 * sd) if sd > 0.0 else 0.0
    spread = q * math.sqrt(covariance[size, size])
    return {
        "mean_yield": Estimate(good, max(0.0, good - error), min(1.0, good + error)),
        "sd_yield": Estimate(sd, max(0.0, sd - sd_error), sd + sd_error),
        "faults_per_die": combined(level.faults, (math.exp(-log_error), math.exp(log_error))),
        "alpha_wafer": alpha_of(e.best.wafer, *_root_interval(e.best.wafer, spread)),
    }


def _root_interval(spread: float, half: float) -> tuple[float, float]:
    """Return an interval symmetric in sqrt(1 / alpha), a relative SD, but near 0 the plain one."""
    root = math.sqrt(spread)
    part = half / (2.0 * root) if root > 0.0 else math.inf
    low = (root - part) ** 2 if root > part else 0.0
    return low, min((root + part) ** 2, spread + 2.0 * half)


def by_likelihood(e: Evidence, level: Level, least_region: float) -> dict[str, Estimate]:
    """Return the four figures with intervals from the likelihood of the wafers' fails.

    ``least_region`` is the low end of 1 / alpha_region.
    """
    effect = e.design_effect(e.best.region)
    each = e.figures.ring_dies / e.figures.dies[:, None]
    surface = likelihood_surface(
        e.figures.fails, e.figures.dies, effect, chances(level.even, each, e.best.region)
    )
    region = surface.region(_threshold(e, effect))
    means, variances, top = _follow(e, level, effect, surface, region)
    low, high = _fail_interval(e, level, means, top)
    there = float(surface.peak[surface.best])
    reach = [math.exp(float(end) - there) for end in (region.low.min(), region.high.max())]
    exact = binomial_interval(
        float(e.figures.fails.sum()), float(e.figures.dies.sum()), e.confidence
    )
    faults = e.law.faults(np.array([*exact, level.fail]))
    factors = (
        min(reach[0], float(faults[0] / faults[2])),
        max(reach[1], float(faults[1] / faults[2])),
    )
    extra = math.exp(e.normal * level.extra)
    least = min(1.0, e.design_effect(least_region) / effect) * float(variances.min())
    spread = surface.spread_interval(float(chi2.ppf(e.confidence, 1)))
    return {
        "mean_yield": Estimate(1.0 - level.fail, 1.0 - high, 1.0 - low),
        "sd_yield": Estimate(
            level.sd, _LUCK_KNOWN * math.sqrt(max(0.0, least)), math.sqrt(variances.max())
        ).with_inside(level.sd),
        "faults_per_die": combined(level.faults, factors, (1.0 / extra, extra)),
        "alpha_wafer": alpha_of(e.best.wafer, *spread),
    }


def _follow(
    e: Evidence, level: Level, effect: float, surface: Surface, region: Region
) -> tuple[Floats, Floats, float]:
    """Return mean fails and variance of the yield along the region's bounds, and at its top.

    Both rise with density and with spread, or nearly so: their ends lie on the bounds.
    """
    mixed = chances(level.even, level.share[None, :], e.best.region)
    noise = effect * float((spread_weights(e.figures) / e.figures.dies).sum())

    def moments(spread: float, x: float) -> tuple[float, float]:
        g, w = gamma_nodes(spread)
        m = mixed(x + np.log(np.maximum(g, 1e-300)))[0]
        mean = float(w @ m)
        return mean, float(w @ m**2) - mean**2 + noise * float(w @ (m * (1.0 - m)))

    bounds = zip(region.spread, region.low, region.high, strict=True)
    ends = np.array([moments(s, x) for s, low, high in bounds for x in (low, high)])
    top, _ = moments(float(surface.spreads[surface.best]), float(surface.peak[surface.best]))
    return ends[:, 0], ends[:, 1], top


def _fail_interval(e: Evidence, level: Level, means: Floats, top: float) -> tuple[float, float]:
    """Return the interval of the mean fails, moved to the pooled estimate by its odds."""
    fails, dies = float(e.figures.fails.sum()), float(e.figures.dies.sum())
    low, high = binomial_interval(fails, dies, e.confidence)
    moved = _logit(level.fail) - _logit(top)
    return (
        min(low, _expit(_logit(float(means.min())) + moved)),
        max(high, _expit(_logit(float(means.max())) + moved)),
    )


def _threshold(e: Evidence, effect: float) -> float:
    """Return the threshold of twice the log likelihood ratio for figures of the mean.

    For a mean of n wafers with unknown variance between them the ratio is n log(1 + t^2 / (n - 1)).
    With few fails a wafer the noise within wafers dominates, and its variance is known. In between
    the threshold follows the part of the variance that a spread of _PLAUSIBLE would have.
    """
    n, known = e.wafers, float(chi2.ppf(e.confidence, 1))
    fails, dies = float(e.figures.fails.sum()), float(e.figures.dies.sum())
    luck = effect * n * (1.0 - fails / dies) / fails
    unknown = n * math.log1p(e.quantile**2 / max(n - 1, 1))
    return known + (unknown - known) * _PLAUSIBLE / (_PLAUSIBLE + luck)


def _logit(p: float) -> float:
    p = min(max(p, 1e-12), 1.0 - 1e-12)
    return math.log(p / (1.0 - p))


def _expit(x: float) -> float:
    return 1.0 / (1.0 + math.exp(-x))
