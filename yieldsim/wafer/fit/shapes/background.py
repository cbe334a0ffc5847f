"""The background of maps: the profile by radius, and each wafer's density.

The density of a wafer is not its share of fails, which holds the luck of its dies as well: wafers
drawn with these shares would spread too much. The distribution over wafers is the nonparametric
maximum of the likelihood (Laird 1978, doi:10.1080/01621459.1978.10480103) by the EM algorithm. Each
wafer gets a draw from it, given its own fails, so the draws of all wafers have that distribution.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from yieldsim.wafer.fit.radii import SUBPOINTS, RadialBins, by_shape, die_radii
from yieldsim.wafer.fit.statistics import stack
from yieldsim.wafer.maps.wafer_maps import FAIL, WaferMaps

__all__ = ["Background", "fit_background"]

Floats = NDArray[np.float64]

# Faults per die that a wafer may have: two in a million to nearly all dies failed.
_SUPPORT = np.linspace(np.log(2e-6), np.log(6.0), 161)
_EM_STEPS, _ROUNDS, _PROFILE_STEPS = 150, 3, 12
_FEW = 0.5  # fails added to each bin, so that none has a density of 0 or a jump from few fails


@dataclass(frozen=True)
class Background:
    """Faults per die float64[wafer] where the profile is 1, and the profile float64[node]."""

    faults: Floats
    profile: Floats


@dataclass(frozen=True)
class _Counts:
    """By wafer and bin of the radius: fails, dies float64[wafer, bin]; weights [wafer, bin, node].

    The weights of the profile's nodes in the mean density of a bin depend on the grid alone.
    """

    fails: Floats
    dies: Floats
    kind: NDArray[np.int64]
    weights: Floats

    def spread(self, profile: Floats) -> Floats:
        """Return the profile's mean over each bin of each wafer, float64[wafer, bin]."""
        return np.asarray((self.weights @ profile)[self.kind])


def fit_background(maps: WaferMaps, rest: WaferMaps, bins: RadialBins, seed: int) -> Background:
    """Fit the dies of ``rest``, which has those of ``maps`` without signatures."""
    counts = _count(maps, rest, bins)
    luck = np.random.default_rng([seed, 0x5E]).random((2, len(maps)))
    profile = np.ones(bins.size)
    faults = np.ones(len(maps))
    for _ in range(_ROUNDS):
        faults = _draw(counts, counts.spread(profile), luck)
        for _ in range(_PROFILE_STEPS):
            spread = counts.spread(profile)
            wanted = (-np.expm1(-faults[:, None] * spread) * counts.dies).sum(axis=0)
            profile = profile * (counts.fails.sum(axis=0) + _FEW) / (wanted + _FEW)
        faults *= (level := float(bins.disc_weights() @ profile))
        profile = profile / level
    return Background(faults, profile)


def _count(maps: WaferMaps, rest: WaferMaps, bins: RadialBins) -> _Counts:
    fails, dies = np.zeros((2, len(maps), bins.size))
    kind = np.zeros(len(maps), np.int64)
    weights = []
    for number, (rows, cols, some) in enumerate(by_shape(maps)):
        kind[some] = number
        ring = bins.of(die_radii(rows, cols)[:, :, 0]).ravel()
        inside = (ring[:, None] == np.arange(bins.size)).astype(np.float64)
        flat = stack(rest, rows, cols, some).reshape(len(some), -1)
        fails[some], dies[some] = (flat == FAIL) @ inside, (flat > 0) @ inside
        hats = bins.hats(die_radii(rows, cols, SUBPOINTS)).mean(axis=2).reshape(-1, bins.size)
        # cells without a die do not count: in the corners of a grid the profile is that of the edge
        used = inside * (flat > 0).sum(axis=0)[:, None]
        weights.append((used.T @ hats) / np.maximum(used.sum(axis=0), 1.0)[:, None])
    return _Counts(fails, dies, kind, np.array(weights))


def _draw(counts: _Counts, spread: Floats, luck: Floats) -> Floats:
    """Return a draw of each wafer's density from the distribution over wafers, given its fails."""
    fails, dies = counts.fails.sum(axis=1), counts.dies.sum(axis=1)
    chance = np.empty((len(dies), len(_SUPPORT)))
    for k, log in enumerate(_SUPPORT):
        failed = -np.expm1(-np.exp(log) * spread) * counts.dies
        chance[:, k] = failed.sum(axis=1) / np.maximum(dies, 1.0)
    chance = np.clip(chance, 1e-12, 1.0 - 1e-12)
    log_of = fails[:, None] * np.log(chance) + (dies - fails)[:, None] * np.log1p(-chance)
    likelihood = np.exp(log_of - log_of.max(axis=1, keepdims=True))
    weight = np.full(len(_SUPPORT), 1.0 / len(_SUPPORT))
    for _ in range(_EM_STEPS):
        weight = weight * (likelihood / (likelihood @ weight)[:, None]).mean(axis=0)
    below = np.cumsum(likelihood * weight, axis=1)
    place = (below < luck[0][:, None] * below[:, -1:]).sum(axis=1)
    step = _SUPPORT[1] - _SUPPORT[0]
    return np.asarray(
        np.exp(_SUPPORT[np.minimum(place, len(_SUPPORT) - 1)] + step * (luck[1] - 0.5))
    )
