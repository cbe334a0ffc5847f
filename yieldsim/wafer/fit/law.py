"""The marginal law of one die, the mean density over the places of a wafer, and what g changes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, psi
from scipy.stats import binom

from yieldsim.wafer.fit.moments import gamma_nodes, pass_chance
from yieldsim.wafer.fit.radii import RadialBins, by_shape, die_radii
from yieldsim.wafer.fit.statistics import stack
from yieldsim.wafer.maps.wafer_maps import FAIL, NONE, WaferMaps

__all__ = ["DieLaw", "Places", "chances", "places_of", "uneven"]

Floats = NDArray[np.float64]

_LOG_X = np.linspace(-30.0, 25.0, 1101)
# A place's own rate needs this many wafers of its grid.
_LEAST_WAFERS = 5
# A bin keeps its mean rate if the noise of its places is above this part of its faults.
_MOST_LUCK = 0.1
# Beyond this 1 / alpha, which few fails can suggest, a place's rate says too little on its faults.
_MOST_CURVED = 2.0


@dataclass(frozen=True)
class DieLaw:
    """P(a die of x mean faults fails), with gamma factors between wafers and between blocks."""

    wafer: float
    region: float

    def fails(self, x: Floats) -> Floats:
        """Return the chance to fail at mean faults x."""
        g, weight = gamma_nodes(self.wafer)
        return np.asarray(1.0 - pass_chance(np.multiply.outer(x, g), self.region) @ weight)

    def faults(self, fail: Floats) -> Floats:
        """Return the mean faults at which a die fails with this chance."""
        table = np.log(np.maximum(self.fails(np.exp(_LOG_X)), 1e-300))
        known = np.log(np.clip(fail, 1e-12, 1.0 - 1e-12))
        rising = np.concatenate([[True], np.diff(np.maximum.accumulate(table)) > 0.0])
        return np.asarray(np.exp(np.interp(known, table[rising], _LOG_X[rising])))

    @property
    def spread(self) -> float:
        """1 / alpha of one gamma with the variance of the product of both."""
        return (1.0 + self.wafer) * (1.0 + self.region) - 1.0


@dataclass(frozen=True)
class Places:
    """Tested dies and fails at each place of each grid, int64[place], with its bin and grid."""

    dies: NDArray[np.int64]
    fails: NDArray[np.int64]
    ring: NDArray[np.int64]
    grid: NDArray[np.int64]


def places_of(maps: WaferMaps, bins: RadialBins) -> Places:
    """Return counts by place, over the wafers of each grid that has enough of them."""
    parts = [np.zeros((4, 0), np.int64)]
    for number, (rows, cols, some) in enumerate(by_shape(maps)):
        if len(some) < _LEAST_WAFERS:
            continue
        codes = stack(maps, rows, cols, some)
        dies = np.count_nonzero(codes > NONE, axis=0).ravel()
        fails = np.count_nonzero(codes == FAIL, axis=0).ravel()
        ring = bins.of(die_radii(rows, cols)[:, :, 0].ravel())
        grid = np.full(len(ring), number)
        parts.append(np.stack([dies, fails, ring, grid])[:, dies > 0])
    return Places(*np.concatenate(parts, axis=1))


def uneven(places: Places, law: DieLaw, bins: int) -> tuple[Floats, Floats]:
    """Return how far the mean faults of a bin exceed those of its mean rate, and their variance.

    Where the places of a bin have different rates, its faults are not those of its mean rate,
    because the logarithm is not linear. The first array, float64[bin], is the factor; the second
    is the variance of a bin's mean faults for independent dies. For n tested dies of which s pass,
    Gamma(s + 1) Gamma(n + 1 + k) / (Gamma(s + 1 + k) Gamma(n + 1)) has the mean (1 - p)^-k but for
    the chance that none passes, with k = 1 / alpha; in the limit it is a sum of 1 / j. Its mean
    over places is compared with its expectation if all places of the bin on a grid had one
    rate: grids of unlike rates are wafers of unlike rates, which alpha_wafer counts.
    """
    factor, variance = np.ones(bins), np.zeros(bins)
    k = min(law.spread, _MOST_CURVED)
    for b in range(bins):
        here = places.ring == b
        n, failed, grid = places.dies[here], places.fails[here], places.grid[here]
        total, fails = int(n.sum()), int(failed.sum())
        if not 0 < fails < total:
            continue
        got, alike = float(n @ _faults(n, n - failed, k)), 0.0
        for one in np.unique(grid):
            on = grid == one
            rate = float(failed[on].sum() / n[on].sum())
            for m, count in zip(*np.unique(n[on], return_counts=True), strict=True):
                alike += float(m * count) * _if_alike(int(m), rate, k)
        p = np.clip((failed + fails / total) / (n + 1.0), 1e-12, 1.0 - 1e-3)
        slope = (1.0 - p) ** (-k - 1.0)
        luck = float((n * p * (1.0 - p) * slope**2).sum()) / total**2
        if alike > 0.0 and math.sqrt(luck) < _MOST_LUCK * got / total:
            factor[b], variance[b] = got / alike, luck
    return factor, variance


def _faults(dies: NDArray[np.int64], passed: NDArray[np.int64], k: float) -> Floats:
    """Return the estimated faults per die at a place, from its dies and how many of them pass."""
    n, s = dies + 1.0, passed + 1.0
    if k < 1e-6:
        return np.asarray(psi(n) - psi(s))
    return np.asarray(np.expm1(gammaln(s) + gammaln(n + k) - gammaln(s + k) - gammaln(n)) / k)


def _if_alike(dies: int, rate: float, k: float) -> float:
    """Return the expectation of `_faults` for independent dies that fail at this rate."""
    passed = np.arange(dies + 1)
    return float(binom.pmf(passed, dies, 1.0 - rate) @ _faults(np.array(dies), passed, k))


def chances(densities: Floats, share: Floats, region: float) -> Callable[[Floats], Floats]:
    """Return the function of log g that gives each wafer's P(fail), float64[wafer, point]."""

    def chance(x: Floats) -> Floats:
        fails = 1.0 - pass_chance(np.multiply.outer(densities, np.exp(x)), region)
        return np.asarray(np.clip(share @ fails, 1e-300, 1.0 - 1e-12))

    return chance
