"""The interval of each figure of a fit.

Few fails or few wafers make the sandwich of the method of moments too sure, so it serves only where
wafers and fails are many. Elsewhere

- the mean yield, the faults per die, the spread of the yield and alpha_wafer have the region of the
  likelihood of the wafers' fails (`likelihood.py`), never less than the exact interval of
  independent dies;
- alpha_region has the exact interval of the effective number of adjacent pairs that both failed, at
  every size of the blocks that fits as well;
- a bin's ratio has the exact interval of the effective number of its fails.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2, norm
from scipy.stats import t as student_t

from yieldsim.wafer.fit.estimate import (
    Estimate,
    alpha_of,
    binomial_interval,
    combined,
    count_factors,
    spread_of_mean,
)
from yieldsim.wafer.fit.law import DieLaw, chances, places_of, uneven
from yieldsim.wafer.fit.likelihood import likelihood_surface
from yieldsim.wafer.fit.moments import Design, gamma_nodes, moments, within
from yieldsim.wafer.fit.radii import RadialBins
from yieldsim.wafer.fit.solve import MOST_SPREAD, Solution
from yieldsim.wafer.fit.statistics import (
    MapStatistics,
    TargetMoments,
    pooled,
    spread_weights,
)
from yieldsim.wafer.maps.wafer_maps import WaferMaps

__all__ = ["Evidence", "all_intervals"]

Floats = NDArray[np.float64]

# From so many wafers and fails on the sandwich serves.
_MANY_WAFERS, _MANY_FAILS = 400, 1000
# A spread 1 / alpha_wafer such as lots have: a third of the mean density from wafer to wafer.
_PLAUSIBLE = 0.1


@dataclass(frozen=True)
class Evidence:
    """What the intervals come from; ``fitting`` are the solutions about as good as the ``best``."""

    maps: WaferMaps
    figures: MapStatistics
    bins: RadialBins
    design: Design
    target: TargetMoments
    best: Solution
    fitting: list[Solution]
    confidence: float

    @property
    def wafers(self) -> int:
        """Number of wafers."""
        return len(self.figures.dies)

    @property
    def quantile(self) -> float:
        """Student's t for these wafers, or the normal one for a single wafer."""
        tail = 0.5 + 0.5 * self.confidence
        if self.wafers < 2:
            return float(norm.ppf(tail))
        return float(student_t.ppf(tail, self.wafers - 1))


def all_intervals(e: Evidence) -> dict[str, Any]:
    """Return the estimates, profile and covariance of `ClusterFit`."""
    size = e.bins.size
    law = DieLaw(max(e.best.wafer, 0.0), max(e.best.region, 0.0))
    covariance = _covariance(e)
    rates = e.target.means[:size]
    factor, by_luck = uneven(places_of(e.maps, e.bins), law, size)
    share = e.figures.ring_dies.sum(axis=0) / e.figures.dies.sum()
    even = law.faults(rates)
    faults = float(share @ (even * factor))
    fail = float(e.figures.fails.sum() / e.figures.dies.sum())
    alpha_region = _region(e, law)
    many = e.wafers >= _MANY_WAFERS and e.figures.fails.sum() >= _MANY_FAILS
    sd = math.sqrt(max(float(e.target.means[size]), 0.0))
    if many:
        levels = _by_sandwich(e, law, covariance, fail, faults, sd)
    else:
        extra = _extra_error(rates, share, even, by_luck, law, faults, e)
        levels = _by_likelihood(e, law, even, fail, faults, sd, extra, 1.0 / alpha_region.high)
    log_covariance = covariance[:size, :size]
    disc, on_dies = e.bins.disc_weights(), e.design.share @ e.design.hats
    whole = float(disc @ e.best.densities) / float(on_dies @ e.best.densities)
    d0 = faults * whole
    slope = disc * e.best.densities / float(disc @ e.best.densities)
    slope = slope - on_dies * e.best.densities / float(on_dies @ e.best.densities)
    shape = e.quantile * math.sqrt(max(0.0, float(slope @ log_covariance @ slope)))
    known = levels["faults_per_die"]
    ratio, low, high = _profile(e, disc, log_covariance)
    return {
        **levels,
        "d0_per_die": combined(
            d0, (known.low / faults, known.high / faults), (math.exp(-shape), math.exp(shape))
        ),
        "alpha_region": alpha_region,
        "ratio": ratio,
        "ratio_low": low,
        "ratio_high": high,
        "covariance": covariance,
    }


def _covariance(e: Evidence) -> Floats:
    """Return the parameters' covariance: the sandwich, and no less than independent dies give."""
    wafers, count = e.best.per_wafer.shape
    # the parameters took part in the fit: HC1 of MacKinnon and White (1985)
    free = max(wafers - count, wafers // 2, 1)
    sandwich = e.best.per_wafer.T @ e.best.per_wafer / (wafers * free)
    size = e.bins.size
    dies = np.maximum(e.figures.ring_dies.sum(axis=0), 1)
    rates = e.target.means[:size]
    effect = max(1.0, _design_effect(e))
    plain = effect * rates * (1.0 - rates) / dies
    slope = e.best.by_moment[:, :size]
    least = np.einsum("ij,j,ij->i", slope, plain, slope)
    scale = np.sqrt(np.maximum(1.0, least / np.maximum(np.diag(sandwich), 1e-300)))
    scale[size:] = 1.0
    # a scaled-up row keeps its correlations, unless it had no variance at all
    scaled = sandwich * np.minimum(np.outer(scale, scale), 1e12)
    index = np.arange(size)
    scaled[index, index] = np.maximum(np.diag(scaled)[:size], least[:size])
    return np.asarray(scaled)


def _design_effect(e: Evidence, region: float | None = None) -> float:
    """Return the variance of a wafer's fails at its own density over that of independent dies."""
    densities = e.best.densities
    region = max(e.best.region, 0.0) if region is None else region
    got = within(e.design, e.best.block, densities, region)
    fail = _mean_fail(e, region)
    return max(0.5, got / (fail * (1.0 - fail) * float(e.design.single.sum())))


def _mean_fail(e: Evidence, region: float) -> float:
    return float(e.design.share @ DieLaw(0.0, region).fails(e.design.hats @ e.best.densities))


def _extra_error(
    rates: Floats,
    share: Floats,
    even: Floats,
    by_luck: Floats,
    law: DieLaw,
    faults: float,
    e: Evidence,
) -> float:
    """Return the relative error of the faults that their common scale does not have."""
    step = 1e-4
    slope = (law.fails(even * (1.0 + step)) - law.fails(even * (1.0 - step))) / (2.0 * step)
    variance = float(share**2 @ (rates * (1.0 - rates) / np.maximum(e.figures.ring_dies.sum(axis=0), 1)))
    scale = variance / float(share @ slope) ** 2
    own = float(share**2 @ by_luck) / faults**2
    return math.sqrt(max(0.0, own - scale))


def _by_sandwich(
    e: Evidence, law: DieLaw, covariance: Floats, fail: float, faults: float, sd: float
) -> dict[str, Estimate]:
    """Return the four figures with intervals from the influence of each wafer."""
    size, q = e.bins.size, e.quantile
    mean = pooled(e.figures.fails[:, None], e.figures.dies[:, None])
    error = q * float(np.sqrt((mean.influence**2).mean() / e.wafers))
    on_dies = e.design.share @ e.design.hats
    log_error = q * spread_of_mean(e.best.densities, on_dies, covariance[:size, :size])
    sd_error = q * float(e.target.error[size]) / (2.0 * sd) if sd > 0.0 else 0.0
    spread = q * math.sqrt(covariance[size, size])
    return {
        "mean_yield": Estimate(1.0 - fail, max(0.0, 1.0 - fail - error), min(1.0, 1.0 - fail + error)),
        "sd_yield": Estimate(sd, max(0.0, sd - sd_error), sd + sd_error),
        "faults_per_die": combined(faults, (math.exp(-log_error), math.exp(log_error))),
        "alpha_wafer": alpha_of(law.wafer, *_root_interval(law.wafer, spread)),
    }


def _root_interval(spread: float, half: float) -> tuple[float, float]:
    """Return an interval symmetric in sqrt(1 / alpha), a relative SD, but near 0 the plain one."""
    root = math.sqrt(spread)
    part = half / (2.0 * root) if root > 0.0 else math.inf
    low = (root - part) ** 2 if root > part else 0.0
    return low, min((root + part) ** 2, spread + 2.0 * half)


def _by_likelihood(
    e: Evidence,
    law: DieLaw,
    even: Floats,
    fail: float,
    faults: float,
    sd: float,
    extra: float,
    least_region: float,
) -> dict[str, Estimate]:
    """Return the four figures with intervals from the likelihood of the wafers' fails."""
    effect = _design_effect(e)
    share = e.figures.ring_dies / e.figures.dies[:, None]
    chance = chances(even, share, law.region)
    surface = likelihood_surface(e.figures.fails, e.figures.dies, effect, chance)
    threshold = _threshold(e, effect)
    region = surface.region(threshold)
    z = float(norm.ppf(0.5 + 0.5 * e.confidence))
    # figures that rise with density and spread have their ends on the region's boundary
    pooled_share = e.figures.ring_dies.sum(axis=0) / e.figures.dies.sum()
    mixed = chances(even, pooled_share[None, :], law.region)
    weight = spread_weights(e.figures)
    noise = effect * float((weight / e.figures.dies).sum())

    def follow(spread: float, x: float) -> tuple[float, float]:
        g, w = gamma_nodes(spread)
        m = mixed(x + np.log(np.maximum(g, 1e-300)))[0]
        mean = float(w @ m)
        return mean, float(w @ m**2) - mean**2 + noise * float(w @ (m * (1.0 - m)))

    best = surface.best
    top, _ = follow(surface.spreads[best], surface.peak[best])
    ends = [
        follow(s, x)
        for s, low, high in zip(region.spread, region.low, region.high, strict=True)
        for x in (low, high)
    ]
    means, variances = (np.array(part) for part in zip(*ends, strict=True))
    less = min(1.0, _design_effect(e, least_region) / effect)
    total, fails = float(e.figures.dies.sum()), float(e.figures.fails.sum())
    exact = binomial_interval(fails, total, e.confidence)
    odds = _logit(fail) - _logit(top)
    low = min(exact[0], _expit(_logit(float(means.min())) + odds))
    high = max(exact[1], _expit(_logit(float(means.max())) + odds))
    there = float(surface.peak[best])
    reach = (
        math.exp(float(region.low.min()) - there),
        math.exp(float(region.high.max()) - there),
    )
    exact_faults = law.faults(np.array([*exact, fail]))
    factors = (
        min(reach[0], float(exact_faults[0] / exact_faults[2])),
        max(reach[1], float(exact_faults[1] / exact_faults[2])),
    )
    spread = surface.spread_interval(float(chi2.ppf(e.confidence, 1)))
    return {
        "mean_yield": Estimate(1.0 - fail, 1.0 - high, 1.0 - low),
        "sd_yield": Estimate(
            sd, math.sqrt(max(0.0, less * variances.min())), math.sqrt(variances.max())
        ).with_inside(sd),
        "faults_per_die": combined(
            faults, factors, (math.exp(-z * extra), math.exp(z * extra))
        ),
        "alpha_wafer": alpha_of(law.wafer, *spread),
    }


def _threshold(e: Evidence, effect: float) -> float:
    """Return the threshold of twice the log likelihood ratio for figures of the mean.

    For a mean of n wafers with unknown variance between them the ratio is n log(1 + t^2 / (n - 1)).
    With few fails a wafer, luck within wafers decides, whose variance is known. Between the two the
    threshold follows the part of the variance that a spread of _PLAUSIBLE would have.
    """
    n, known = e.wafers, float(chi2.ppf(e.confidence, 1))
    if n < 2:
        return known
    fails, dies = float(e.figures.fails.sum()), float(e.figures.dies.sum())
    luck = effect * n * (1.0 - fails / dies) / fails
    unknown = n * math.log1p(e.quantile**2 / (n - 1))
    return known + (unknown - known) * _PLAUSIBLE / (_PLAUSIBLE + luck)


def _region(e: Evidence, law: DieLaw) -> Estimate:
    """Return alpha_region, whose interval holds that of every size of the blocks that fits."""
    ends = [_region_ends(e, solution) for solution in e.fitting]
    return alpha_of(law.region, min(low for low, _ in ends), max(high for _, high in ends))


def _region_ends(e: Evidence, s: Solution) -> tuple[float, float]:
    """Return the interval of 1 / alpha_region at one size of the blocks.

    The adjacent pairs that both failed, given fails by radius and their spread between wafers, are
    taken for a Poisson number, effective where they cluster.
    """
    size, near = e.bins.size, e.target.near
    slope = float(s.by_moment[-1, -1])
    wafers = e.wafers
    free = max(wafers - 1, 1)
    error = math.sqrt(float((s.per_wafer[:, -1] ** 2).sum()) / (wafers * free))
    counted = float(e.figures.pair_fails[:, near].sum())
    total = max(float(e.figures.pair_dies[:, near].sum()), 1.0)
    seen = counted / total
    spread_of_pairs = error / max(abs(slope), 1e-300) * e.quantile / float(norm.ppf(0.5 + 0.5 * e.confidence))
    effective = min(counted, (seen / spread_of_pairs) ** 2) if spread_of_pairs > 0.0 and counted else counted
    if counted:
        low, high = (seen * f for f in count_factors(effective, e.confidence))
    else:
        low, high = 0.0, count_factors(1e-300, e.confidence)[1] * 1e-300 / total
    # the pairs that the law gives, at fixed spread between wafers and yield
    spreads = np.concatenate([[0.0], np.geomspace(1e-3, MOST_SPREAD, 40)])
    wafer = max(s.wafer, 0.0)
    base = DieLaw(wafer, max(s.region, 0.0)).fails(s.densities)
    got = np.array(
        [
            moments(e.design, s.block, DieLaw(wafer, r).faults(base), wafer, r).pairs[near]
            for r in spreads
        ]
    )
    # the fit meets the pairs exactly where it can: what is left is a miss of this inversion
    got = np.maximum.accumulate(got)
    ends = np.interp([low, high], got, spreads)
    return float(ends[0]), (math.inf if high >= got[-1] else float(ends[1]))


def _profile(e: Evidence, disc: Floats, log_covariance: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the profile of mean 1 over the disc, with its interval at each node."""
    densities = e.best.densities
    mean = float(disc @ densities)
    slope = np.eye(e.bins.size) - disc * densities / mean  # log ratio = log density - log mean
    variance = np.maximum(np.diag(slope @ log_covariance @ slope.T), 0.0)
    adjust = (e.quantile / float(norm.ppf(0.5 + 0.5 * e.confidence))) ** 2
    ratio = densities / mean
    ends = [count_factors(1.0 / max(v * adjust, 1e-12), e.confidence) for v in variance]
    low, high = (np.array(part) for part in zip(*ends, strict=True))
    return ratio, ratio * low, ratio * np.minimum(high, 1e300)


def _logit(p: float) -> float:
    p = min(max(p, 1e-12), 1.0 - 1e-12)
    return math.log(p / (1.0 - p))


def _expit(x: float) -> float:
    return 1.0 / (1.0 + math.exp(-x))
