"""The interval of each figure of a fit.

With few fails or few wafers the sandwich estimator of the method of moments gives intervals that
are too narrow. So it is used only where wafers and fails are many. Elsewhere

- the mean yield, the faults per die, the spread of the yield and alpha_wafer use the region of the
  likelihood of the wafers' fails (`likelihood.py`), and never less than the exact interval of
  independent dies;
- alpha_region uses the exact interval of the effective number of adjacent pairs that both failed,
  at every size of the blocks that fits as well;
- the ratio of a bin's dies uses the exact interval of the effective number of their fails.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from yieldsim.wafer.fit.intervals.estimate import Estimate, alpha_of, combined, count_factors
from yieldsim.wafer.fit.intervals.evidence import Evidence, Level, level_of
from yieldsim.wafer.fit.intervals.levels import by_likelihood, by_sandwich
from yieldsim.wafer.fit.law import DieLaw
from yieldsim.wafer.fit.moments import moments
from yieldsim.wafer.fit.solve import MOST_SPREAD, Solution
from yieldsim.wafer.fit.statistics import pooled

__all__ = ["all_intervals"]

Floats = NDArray[np.float64]

# The sandwich alone from this many wafers and fails; it widens intervals from this many wafers.
_MANY_WAFERS, _MANY_FAILS, _SOME_WAFERS = 400, 1000, 60


def all_intervals(e: Evidence) -> dict[str, Any]:
    """Return the estimates, profile and covariance of `ClusterFit`."""
    size, densities = e.bins.size, e.best.densities
    covariance, level, alpha_region = _covariance(e), level_of(e), _region(e)
    many = e.wafers >= _MANY_WAFERS and e.figures.fails.sum() >= _MANY_FAILS
    levels = by_sandwich(e, level, covariance)
    if e.exact and not many:
        likely = by_likelihood(e, level, 1.0 / alpha_region.high)
        # the law may be wrong, as for maps of several products: the sandwich does not need it
        levels = {
            name: one.wider(levels[name]) if e.wafers >= _SOME_WAFERS else one
            for name, one in likely.items()
        }
    disc, on_dies = (
        weight * densities / float(weight @ densities)
        for weight in (e.bins.disc_weights(), e.design.share @ e.design.hats)
    )
    # log d0 = log faults + log of the disc's mean over that of the dies
    slope = disc - on_dies
    shape = e.quantile * math.sqrt(max(0.0, float(slope @ covariance[:size, :size] @ slope)))
    known = levels["faults_per_die"]
    whole = float(e.bins.disc_weights() @ densities)
    d0 = level.faults * whole / float(e.design.share @ e.design.hats @ densities)
    factors = (known.low / level.faults, known.high / level.faults)
    ratio, low, high = _profile(e, level, d0)
    return {
        **levels,
        "d0_per_die": combined(d0, factors, (math.exp(-shape), math.exp(shape))),
        "alpha_region": alpha_region,
        "ratio": ratio,
        "ratio_low": low,
        "ratio_high": high,
        "covariance": covariance,
    }


def _covariance(e: Evidence) -> Floats:
    """Return the parameters' covariance: the sandwich, but at least that of independent dies."""
    wafers, count = e.best.per_wafer.shape
    # the parameters took part in the fit: HC1 of MacKinnon and White (1985)
    free = max(wafers - count, wafers // 2, 1)
    sandwich = e.best.per_wafer.T @ e.best.per_wafer / (wafers * free)
    size = e.bins.size
    least = e.best.by_moment[:, :size] ** 2 @ _luck(e, max(1.0, e.design_effect(e.best.region)))
    scale = np.sqrt(np.maximum(1.0, least / np.maximum(np.diag(sandwich), 1e-300)))
    scale[size:] = 1.0
    # a scaled-up row keeps its correlations, unless it had no variance at all
    scaled = sandwich * np.minimum(np.outer(scale, scale), 1e12)
    index = np.arange(size)
    scaled[index, index] = np.maximum(np.diag(scaled)[:size], least[:size])
    return np.asarray(scaled)


def _luck(e: Evidence, effect: float) -> Floats:
    """Return the variance of each bin's share of fails, ``effect`` times that of single dies."""
    rates, dies = e.target.means[: e.bins.size], e.figures.ring_dies.sum(axis=0)
    return np.asarray(effect * rates * (1.0 - rates) / np.maximum(dies, 1))


def _region(e: Evidence) -> Estimate:
    """Return alpha_region, whose interval holds that of every size of the blocks that fits."""
    ends = [_region_ends(e, solution) for solution in e.fitting]
    return alpha_of(e.best.region, min(low for low, _ in ends), max(high for _, high in ends))


def _region_ends(e: Evidence, s: Solution) -> tuple[float, float]:
    """Return the interval of 1 / alpha_region at one size of the blocks.

    The number of adjacent pairs that both failed, given fails by radius and their spread between
    wafers, is taken as Poisson, with an effective number where pairs cluster.
    """
    near, wafers = e.target.near, e.wafers
    total = max(float(e.figures.pair_dies[:, near].sum()), 1.0)
    counted = float(e.figures.pair_fails[:, near].sum())
    seen, effective = counted / total, counted
    # the error of the pairs beside the other moments, from that of the spread they determine
    error = math.sqrt(float((s.per_wafer[:, -1] ** 2).sum()) / (wafers * max(wafers - 1, 1)))
    error *= e.quantile / e.normal / max(abs(float(s.by_moment[-1, -1])), 1e-300)
    if counted and error > 0.0:
        effective = min(counted, (seen / error) ** 2)
    factors = count_factors(effective, e.confidence)
    # without a pair the exact interval of none
    low, high = (f * (seen or 1.0 / total) for f in factors)
    spreads = np.concatenate([[0.0], np.geomspace(1e-3, MOST_SPREAD, 40)])
    rates = DieLaw(s.wafer, s.region).fails(s.densities)
    got = [  # by the law, at this yield and spread between wafers
        moments(e.design, s.block, DieLaw(s.wafer, r).faults(rates), s.wafer, r).pairs[near]
        for r in spreads.tolist()
    ]
    rising = np.maximum.accumulate(got)
    ends = np.interp([low, high], rising, spreads)
    return float(ends[0]), (math.inf if high >= rising[-1] else float(ends[1]))


def _profile(e: Evidence, level: Level, d0: float) -> tuple[Floats, Floats, Floats]:
    """Return the faults of each bin's dies over the disc's mean, with the interval.

    Beside a steep edge the nodes of a piecewise-linear profile lie above and below the density; the
    mean of a bin's dies is what the maps show.
    """
    rates, step = e.target.means[: e.bins.size], 1e-4
    up, down = (np.log(e.law.faults(rates * factor)) for factor in (1.0 + step, 1.0 - step))
    slope = (up - down) / (2.0 * step * rates)
    shifts = pooled(e.figures.ring_fails, e.figures.ring_dies).influence * slope
    shifts -= (shifts @ (level.share * level.rings / level.faults))[:, None]  # of all dies
    variance = (shifts**2).sum(axis=0) / (e.wafers * max(e.wafers - 1, 1))
    # one wafer does not show how its bins vary: clusters of its dies widen the luck of the dies
    effect = 1.0 if e.wafers > 1 else max(1.0, e.design_effect(e.best.region))
    variance = np.maximum(variance * (e.quantile / e.normal) ** 2, slope**2 * _luck(e, effect))
    ends = [count_factors(1.0 / max(v, 1e-12), e.confidence) for v in variance]
    low, high = (np.array(part) for part in zip(*ends, strict=True))
    ratio = level.rings / d0
    return ratio, ratio * low, ratio * np.minimum(high, 1e300)
