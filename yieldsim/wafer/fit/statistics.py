"""Counts on each wafer map: fails, fails by radius, and pairs of fails by distance.

There is one count per wafer, because dies of a wafer are not independent and wafers are assumed to
be. Means are pooled: each wafer has the weight of its tested dies, so a wafer with four of them
hardly counts. Standard errors of the means are those of ratios of sums over wafers.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from yieldsim.wafer.fit.radii import RadialBins, by_shape, die_radii
from yieldsim.wafer.maps.wafer_maps import FAIL, NONE, WaferMaps

__all__ = [
    "LAGS",
    "LEAST_FAILS",
    "MapStatistics",
    "Pooled",
    "TargetMoments",
    "joined_statistics",
    "measure",
    "merged",
    "pooled",
    "spread_weights",
    "stack",
    "target_moments",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Distances in dies along rows and columns. The first gives the neighbour ratio, the others the size
# of the blocks.
LAGS = (1, 2, 3, 4, 6, 8, 12)
# Part of a fail that a bin of the radius with few fails gets at the mean rate of all bins.
_SHRINK, LEAST_FAILS = 0.5, 6


@dataclass(frozen=True)
class MapStatistics:
    """Counts on each wafer.

    Attributes
    ----------
    fails, dies : int64[wafer], dies that failed, and tested dies.
    places : int64[wafer], the most dies on any wafer of this grid: ``dies``, or more where a wafer
        was tested in part.
    ring_fails, ring_dies : int64[wafer, bin], the same within each bin of the radius.
    pair_fails, pair_dies : int64[wafer, lag], pairs of dies at each of ``LAGS`` that both failed,
        and all pairs of tested dies there.
    """

    fails: Ints
    dies: Ints
    places: Ints
    ring_fails: Ints
    ring_dies: Ints
    pair_fails: Ints
    pair_dies: Ints

    @property
    def fail(self) -> Floats:
        """Share of each wafer's dies that failed, float64[wafer]."""
        return np.asarray(self.fails / self.dies)

    @property
    def radial(self) -> Floats:
        """The same within each bin of the radius, float64[wafer, bin]; nan without dies."""
        return _ratio(self.ring_fails, self.ring_dies)

    @property
    def pairs(self) -> Floats:
        """Share of each wafer's pairs that both failed, float64[wafer, lag]; nan without pairs."""
        return _ratio(self.pair_fails, self.pair_dies)

    def select(self, wafers: Ints | NDArray[np.bool_]) -> MapStatistics:
        """Return the figures of these wafers."""
        return MapStatistics(*(getattr(self, key.name)[wafers] for key in fields(self)))


def joined_statistics(parts: list[MapStatistics]) -> MapStatistics:
    """Return the counts of several sets of wafers as one."""
    keys = [key.name for key in fields(MapStatistics)]
    return MapStatistics(*(np.concatenate([getattr(p, key) for p in parts]) for key in keys))


def stack(maps: WaferMaps, rows: int, cols: int, wafers: Ints) -> NDArray[np.uint8]:
    """Return maps of one grid as uint8[wafer, row, column]."""
    cells = maps.offset[wafers][:, None] + np.arange(rows * cols)
    return maps.die[cells].reshape(len(wafers), rows, cols)


def measure(maps: WaferMaps, bins: RadialBins) -> MapStatistics:
    """Return the counts of every map, in the order of the wafers."""
    wafers, lags = len(maps), len(LAGS)
    counts = {
        key: np.zeros((wafers, *more), np.int64)
        for key, more in (
            ("fails", ()),
            ("dies", ()),
            ("places", ()),
            ("ring_fails", (bins.size,)),
            ("ring_dies", (bins.size,)),
            ("pair_fails", (lags,)),
            ("pair_dies", (lags,)),
        )
    }
    for rows, cols, some in by_shape(maps):
        codes = stack(maps, rows, cols, some)
        ring = bins.of(die_radii(rows, cols)[:, :, 0]).ravel()
        in_ring = (ring[:, None] == np.arange(bins.size)).astype(np.float32)
        for flags, what in ((codes > NONE, "dies"), (codes == FAIL, "fails")):
            flat = flags.reshape(len(some), -1)
            counts[what][some] = np.count_nonzero(flat, axis=1)
            # whole numbers far below 2^24: exact in float32
            counts[f"ring_{what}"][some] = np.rint(flat.astype(np.float32) @ in_ring)
            for i, lag in enumerate(LAGS):
                counts[f"pair_{what}"][some, i] = _pairs(flags, lag)
            if what == "dies":
                counts["places"][some] = counts["dies"][some].max()
    return MapStatistics(**counts)


def merged(figures: MapStatistics, bins: RadialBins) -> tuple[MapStatistics, RadialBins]:
    """Join bins of the radius until each has LEAST_FAILS fails and passes, or three are left.

    A bin without a die is always joined to another, until two are left.
    """
    groups = [[k] for k in range(bins.size)]
    fails, dies = figures.ring_fails.sum(axis=0), figures.ring_dies.sum(axis=0)
    while len(groups) > 2:
        rare = [min(fails[g].sum(), (dies - fails)[g].sum()) for g in groups]
        none = [not dies[g].any() for g in groups]
        if not any(none) and (len(groups) <= 3 or min(rare) >= LEAST_FAILS):
            break
        k = none.index(True) if any(none) else int(np.argmin(rare))
        sides = [j for j in (k - 1, k + 1) if 0 <= j < len(groups)]
        j = min(sides, key=lambda side: rare[side])
        groups[min(k, j)] += groups.pop(max(k, j))
    first = [g[0] for g in groups]
    edges = np.append(bins.edges[first], bins.edges[-1])
    rings = (
        np.add.reduceat(part, first, axis=1) for part in (figures.ring_fails, figures.ring_dies)
    )
    ring_fails, ring_dies = rings
    return (
        replace(figures, ring_fails=ring_fails, ring_dies=ring_dies),
        RadialBins(edges, 0.5 * (edges[:-1] + edges[1:])),
    )


def _pairs(flags: NDArray[np.bool_], lag: int) -> Ints:
    """Count pairs of set cells ``lag`` apart along a row or a column, for each map."""
    down = np.count_nonzero(flags[:, lag:] & flags[:, :-lag], axis=(1, 2))
    across = np.count_nonzero(flags[:, :, lag:] & flags[:, :, :-lag], axis=(1, 2))
    return np.asarray(down + across)


def _ratio(part: Ints, whole: Ints) -> Floats:
    return np.where(whole > 0, part / np.maximum(whole, 1), np.nan)


def spread_weights(figures: MapStatistics) -> Floats:
    """Return each wafer's weight in the spread between wafers, float64[wafer]; they sum to 1.

    It is the number of dies times the share of the wafer's places that were tested: the yield of a
    few dies is mostly noise and says little about the wafer.
    """
    weight = figures.dies.astype(np.float64) ** 2 / figures.places
    return np.asarray(weight / weight.sum())


@dataclass(frozen=True)
class Pooled:
    """Ratios of sums over wafers, float64[column], and each wafer's influence, [wafer, column].

    The influences have mean 0; their covariance divided by the number of wafers is that of the
    ratios. Where no wafer has a denominator the ratio is nan and the influence 0.
    """

    means: Floats
    influence: Floats


def pooled(part: NDArray[np.number], whole: NDArray[np.number]) -> Pooled:
    """Return sums of ``part`` over sums of ``whole``, both [wafer, column]."""
    total = whole.sum(axis=0)
    safe = np.where(total > 0.0, total, 1.0)
    means = np.where(total > 0.0, part.sum(axis=0) / safe, np.nan)
    known = np.nan_to_num(means)
    return Pooled(means, (part - known * whole) * (len(part) / safe))


@dataclass(frozen=True)
class TargetMoments:
    """The observed moments, each wafer's influence on them, and their errors."""

    means: Floats  # [bin..., variance, pairs at the least distance that occurs]
    influence: Floats  # [wafer, moment]
    near: int  # that distance, as a place in LAGS
    lags: Floats  # [lag], pairs at larger distances
    lag_influence: Floats  # [wafer, lag]
    lag_index: Ints
    lag_dies: Ints  # [lag], pairs of dies there
    error: Floats  # [moment]


def target_moments(figures: MapStatistics) -> TargetMoments:
    """Return the moments that a fit must meet."""
    wafers = len(figures.dies)
    radial = pooled(figures.ring_fails, figures.ring_dies)
    weight = spread_weights(figures)
    off = figures.fail - float(weight @ figures.fail)
    # the mean is estimated from the same wafers, hence the factor (n / (n - 1) for equal weights)
    free = 1.0 / max(1.0 - float((weight**2).sum()), 1e-9) if wafers > 1 else 0.0
    variance = free * float(weight @ off**2)
    variance_influence = wafers * weight * (free * off**2 - variance)
    pairs = pooled(figures.pair_fails, figures.pair_dies)
    index = np.flatnonzero(figures.pair_dies.sum(axis=0) > 0)
    near, far = (int(index[0]), index[1:]) if len(index) else (0, index)
    means = np.concatenate([_shrunk(figures), [variance, np.nan_to_num(pairs.means[near])]])
    influence = np.column_stack([radial.influence, variance_influence, pairs.influence[:, near]])
    return TargetMoments(
        means=means,
        influence=influence,
        near=near,
        lags=pairs.means[far],
        lag_influence=pairs.influence[:, far],
        lag_index=far,
        lag_dies=figures.pair_dies.sum(axis=0)[far],
        error=_errors(figures, means, influence, near),
    )


def _shrunk(figures: MapStatistics) -> Floats:
    """Return the share of fails in each bin of the radius, inside (0, 1), pooled over wafers.

    Bins with few fails or passes are shrunk a little towards the mean of all. The mean over all
    dies does not change.
    """
    fails, dies = (
        part.sum(axis=0).astype(np.float64) for part in (figures.ring_fails, figures.ring_dies)
    )
    rate = float(fails.sum() / dies.sum())
    passes_rarer = rate > 0.5
    rare, chance = (dies - fails, 1.0 - rate) if passes_rarer else (fails, rate)
    if rare.min() < LEAST_FAILS:
        expected = dies * chance
        rare = expected * (rare + _SHRINK) / np.maximum(expected + _SHRINK, 1e-300)
        rare *= dies.sum() * chance / rare.sum()
    share = np.where(dies > 0.0, rare / np.maximum(dies, 1.0), chance)
    return np.asarray(1.0 - share if passes_rarer else share)


def _errors(figures: MapStatistics, means: Floats, influence: Floats, near: int) -> Floats:
    """Return standard errors of the moments, at least those of independent dies."""
    size, wafers = figures.ring_fails.shape[1], len(influence)
    error = np.sqrt((influence**2).mean(axis=0) / wafers)
    dies = np.maximum(figures.ring_dies.sum(axis=0), 1)
    plain = np.zeros(size + 2)
    plain[:size] = np.sqrt(means[:size] * (1.0 - means[:size]) / dies)
    rate = float(figures.fails.sum() / figures.dies.sum())
    noise = rate * (1.0 - rate) / float(figures.dies.mean())
    plain[size] = noise * np.sqrt(2.0 / max(wafers - 1, 1))
    pairs = max(int(figures.pair_dies[:, near].sum()), 1)
    plain[size + 1] = np.sqrt(max(rate * rate * pairs, 1.0)) / pairs
    return np.maximum(error, plain)
