"""Moments of wafer maps under clustered defects: closed form except for one quadrature.

The law (Stapper 1989; Koren, Koren and Stapper 1993): a die at radius rho fails with probability
1 - exp(-x), x = a(rho) G_wafer G_tile, where a is its mean number of faults and both G are gamma of
mean 1, with shapes alpha_wafer and alpha_region; a tile is a square of dies that share one G. So

    P(some dies of one tile all pass | G_wafer = g) = (1 + g sum(a) / alpha_region)^-alpha_region

and tiles are independent given g. Everything below is sums of this over pairs of dies, and over g.
Dies of nearly equal radius share one value of a, which turns pairs of dies into pairs of bins.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.special import gammaincinv, roots_legendre

from yieldsim.wafer.fit.radii import SUBPOINTS, RadialBins, by_shape, die_radii, tiles
from yieldsim.wafer.fit.statistics import LAGS, stack
from yieldsim.wafer.maps.wafer_maps import NONE, WaferMaps

__all__ = [
    "Design",
    "Moments",
    "Together",
    "gamma_nodes",
    "make_design",
    "moments",
    "pass_chance",
    "within",
]

Floats = NDArray[np.float64]

_NODES, _WEIGHTS = roots_legendre(24)
_PROBABILITIES, _SHARES = 0.5 * (_NODES + 1.0), 0.5 * _WEIGHTS
# Below this 1 / alpha the gamma counts as 1, which changes the moments by less than this.
_LEAST = 1e-9


@dataclass(frozen=True)
class Moments:
    """Expected figures: fail float, radial float64[bin], variance float, pairs float64[lag]."""

    fail: float
    radial: Floats
    variance: float
    pairs: Floats


@dataclass(frozen=True)
class Together:
    """Pairs of dies within one tile, by their bins i and j, int64[pair of bins].

    tile : float64[pair of bins], sum over a wafer's such pairs of 1 / dies^2.
    same : float64[lag, pair of bins], share of the pairs at each lag that are such pairs.
    """

    i: NDArray[np.int64]
    j: NDArray[np.int64]
    tile: Floats
    same: Floats


@dataclass(frozen=True)
class Design:
    """How the dies of a set of maps fall into bins, tiles and pairs.

    Shares are pooled over wafers, except ``grid_share``, ``single`` and ``tile`` of `Together`,
    which describe the spread between wafers: there each wafer has the weight that was given.

    Attributes
    ----------
    hats : float64[fine, node], weight of the profile's nodes in the density of a fine bin.
    share : float64[fine], share of the dies.
    radial : float64[bin, fine], share of a bin's dies; rows sum to 1.
    grids, grid_share : float64[grid, fine], float64[grid], as ``share`` for each size of grid.
    single : float64[fine], sum over a wafer's dies of 1 / dies^2.
    pairs : float64[lag, fine * fine], share of the pairs at each lag.
    ends : float64[lag, fine], share of the pairs' two ends; the sum over bins is 2.
    together : for each size of the blocks, the pairs that lie within one tile.
    """

    hats: Floats
    share: Floats
    radial: Floats
    grids: Floats
    grid_share: Floats
    single: Floats
    pairs: Floats
    ends: Floats
    together: dict[int, Together]


def make_design(
    maps: WaferMaps, bins: RadialBins, blocks: tuple[int, ...], weight: Floats
) -> Design:
    """Return the design of these maps for tiles of each size in ``blocks``, in dies.

    ``weight`` float64[wafer] is each wafer's part in the spread between wafers, with sum 1.
    """
    fine = RadialBins(edges := bins.fine_edges(), 0.5 * (edges[:-1] + edges[1:]))
    size, lags = fine.size, len(LAGS)
    hats, radial = np.zeros((size, bins.size)), np.zeros((bins.size, size))
    share, single = np.zeros(size), np.zeros(size)
    tile = {b: np.zeros((size, size)) for b in blocks}
    pairs = np.zeros((lags, size * size))
    same = {b: np.zeros((lags, size * size)) for b in blocks}
    grids, grid_share = [], []
    for rows, cols, some in by_shape(maps):
        valid = stack(maps, rows, cols, some) > NONE
        count = valid.sum(axis=0, dtype=np.float64)
        rho = die_radii(rows, cols)[:, :, 0]
        place, ring = fine.of(rho).ravel(), bins.of(rho).ravel()
        here = np.bincount(place, count.ravel(), size)
        share += here
        grids.append(here / here.sum())
        grid_share.append(float(weight[some].sum()))
        density = bins.hats(die_radii(rows, cols, SUBPOINTS)).mean(axis=2)
        weighted = count.reshape(-1, 1) * density.reshape(-1, bins.size)
        np.add.at(hats, place, weighted)
        np.add.at(radial, (ring, place), count.ravel())
        # few maps have missing dies: pairs within tiles use the mean map of this grid
        mean_map = count / len(some)
        squares = float((weight[some] / valid.sum(axis=(1, 2))).sum()) / float(mean_map.sum())
        single += squares * np.bincount(place, mean_map.ravel(), size)
        number = {b: tiles(rows, cols, b) for b in blocks}
        for b in blocks:
            tile[b] += squares * _pairs_in_tiles(number[b], place, mean_map, size)
        for i, lag in enumerate(LAGS):
            _add_lag(valid, lag, place.reshape(rows, cols), number, size, pairs[i], i, same)
    seen = np.maximum(pairs.sum(axis=1), 1.0)[:, None]
    pairs /= seen
    square = pairs.reshape(lags, size, size)
    return Design(
        hats=hats / np.maximum(share, 1e-300)[:, None],
        share=share / share.sum(),
        radial=radial / np.maximum(radial.sum(axis=1), 1.0)[:, None],
        grids=np.array(grids),
        grid_share=np.array(grid_share),
        single=single,
        pairs=pairs,
        ends=square.sum(axis=1) + square.sum(axis=2),
        together={b: _together(tile[b], same[b] / seen) for b in blocks},
    )


def _together(tile: Floats, same: Floats) -> Together:
    i, j = np.nonzero((tile > 0.0) | same.any(axis=0).reshape(tile.shape))
    return Together(i, j, tile[i, j], same[:, i * len(tile) + j])


def _pairs_in_tiles(
    number: NDArray[np.int64], place: NDArray[np.int64], weight: Floats, size: int
) -> Floats:
    """Return the pairs (ordered, of two different dies) within tiles, float64[fine, fine]."""
    flat = weight.ravel()
    shape = (int(number.max()) + 1, size)
    counts = csr_array((flat, (number.ravel(), place)), shape=shape)
    table = (counts.T @ counts).toarray()
    table[np.diag_indices(size)] -= np.bincount(place, flat**2, size)
    return np.asarray(table)


def _add_lag(
    valid: NDArray[np.bool_],
    lag: int,
    place: NDArray[np.int64],
    number: dict[int, NDArray[np.int64]],
    size: int,
    pairs: Floats,
    i: int,
    same: dict[int, Floats],
) -> None:
    """Add the pairs of tested dies ``lag`` apart along both axes, over all maps."""
    whole, rest = slice(None), (slice(lag, None), slice(None, -lag))
    for ahead, behind in (
        ((rest[0], whole), (rest[1], whole)),
        ((whole, rest[0]), (whole, rest[1])),
    ):
        if place[ahead].size == 0:
            continue
        weight = (
            np.count_nonzero(valid[:, *ahead] & valid[:, *behind], axis=0).ravel().astype(float)
        )
        key = (place[ahead] * size + place[behind]).ravel()
        pairs += np.bincount(key, weight, size * size)
        for b, table in number.items():
            together = (table[ahead] == table[behind]).ravel()
            same[b][i] += np.bincount(key[together], weight[together], size * size)


def moments(
    maps_design: Design, block: int, densities: Floats, wafer_spread: float, region_spread: float
) -> Moments:
    """Return the expected figures.

    densities : float64[node], mean faults per die at the profile's nodes. wafer_spread and
    region_spread are 1 / alpha. Below 0, where no gamma exists, the moments go on as the mirror
    image of those above 0, so that an estimate may fall on either side of "no clustering" and its
    error stays symmetric.
    """
    a = maps_design.hats @ densities
    if wafer_spread < 0.0 or region_spread < 0.0:
        up = (abs(wafer_spread), abs(region_spread))
        base = (max(wafer_spread, 0.0), max(region_spread, 0.0))
        at_zero, mirrored = (
            _moments(maps_design, block, a, *base),
            _moments(maps_design, block, a, *up),
        )
        return Moments(
            2.0 * at_zero.fail - mirrored.fail,
            2.0 * at_zero.radial - mirrored.radial,
            2.0 * at_zero.variance - mirrored.variance,
            2.0 * at_zero.pairs - mirrored.pairs,
        )
    return _moments(maps_design, block, a, wafer_spread, region_spread)


def _moments(maps_design: Design, block: int, a: Floats, wafer: float, region: float) -> Moments:
    g, weight = gamma_nodes(wafer)
    passes = pass_chance(g[:, None] * a, region)  # [node of g, fine]
    mean = weight @ passes
    per_grid = passes @ maps_design.grids.T
    total = float(weight @ (per_grid @ maps_design.grid_share))
    between = float(weight @ (per_grid**2 @ maps_design.grid_share)) - total**2
    within = float(weight @ ((passes * (1.0 - passes)) @ maps_design.single))
    apart = (passes * weight[:, None]).T @ passes
    some = maps_design.together[block]
    both = weight @ pass_chance(g[:, None] * (a[some.i] + a[some.j]), region)
    excess = both - apart[some.i, some.j]  # covariance of two dies of one tile, given the wafer
    both_pass = maps_design.pairs @ apart.ravel() + some.same @ excess
    whole = 0.5 * maps_design.ends.sum(axis=1)
    return Moments(
        fail=1.0 - float(maps_design.share @ mean),
        radial=1.0 - maps_design.radial @ mean,
        variance=between + within + float(some.tile @ excess),
        pairs=whole - maps_design.ends @ mean + both_pass,
    )


def within(maps_design: Design, block: int, densities: Floats, region_spread: float) -> float:
    """Return the variance of the share of fails on a wafer of mean density: single dies, tiles."""
    a, some = maps_design.hats @ densities, maps_design.together[block]
    passes = pass_chance(a, region_spread)
    both = pass_chance(a[some.i] + a[some.j], region_spread) - passes[some.i] * passes[some.j]
    return float(maps_design.single @ (passes * (1.0 - passes)) + some.tile @ both)


def pass_chance(x: Floats, spread: float) -> Floats:
    """P(no fault) at mean x, spread = 1 / alpha."""
    if spread < _LEAST:
        return np.asarray(np.exp(-x))
    return np.asarray(np.exp(-np.log1p(spread * x) / spread))


def gamma_nodes(spread: float) -> tuple[Floats, Floats]:
    """Return nodes and weights of a gamma of mean 1: Gauss-Legendre in its probability."""
    if spread < _LEAST:
        return np.ones(1), np.ones(1)
    return gammaincinv(1.0 / spread, _PROBABILITIES) * spread, _SHARES
