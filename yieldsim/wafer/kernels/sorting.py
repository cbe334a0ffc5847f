"""From the working parts of a die to its bin: systematic loss, speed and leakage, test.

Legend: a die's *class* says which bins' demands on cores it meets, the best class first, the last
one meeting none. Its *cell* says which demands on speed and leakage it meets, and is numbered
(speed cell) * (leakage cells) + leakage cell. ``bin_of`` int64[class, cell] is the bin; the number
of bins means scrap.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from yieldsim.kernels.inverse import normal_ppf
from yieldsim.kernels.jit import bare_jit, inline_jit, stage_jit
from yieldsim.kernels.philox import (
    STREAM_LEAKAGE,
    STREAM_SPEED,
    STREAM_TEST,
    noise_uniform,
    seeded_words,
    uniform_open,
)

__all__ = [
    "ParametricLevel",
    "ParametricShift",
    "Sorting",
    "cell_chances",
    "cell_of",
    "needs_draws",
    "normal_pair_below",
    "parametric_shift",
    "sort_die",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_DIE = np.uint32(0)
_LOT = np.uint32(1)
_WAFER = np.uint32(2)
_ZERO = np.uint32(0)
_TWO_PI = 2.0 * math.pi
_FAR = 38.0  # beyond it a normal tail is zero


class ParametricLevel(NamedTuple):
    """Spread of speed (GHz) and of the logarithm of leakage between lots, wafers or dies."""

    speed_sd: float
    leakage_sd: float
    correlation: float


class ParametricShift(NamedTuple):
    """Speed and log leakage of a wafer less those of the mean wafer."""

    speed: float
    leakage: float


class Sorting(NamedTuple):
    """How dies become bins once it is known which of their parts work.

    ``survive`` float64[die] is the systematic yield; ``bins`` the number of bins; ``escape`` and
    ``overkill`` are probabilities, ``escape_bins`` float64[bin] those of the bins that a scrap die
    which passes the test ships in. ``speed_cuts`` and ``leakage_cuts`` float64[cut] rise, in GHz
    and in logarithms of watts. ``site_speed`` and ``site_leakage`` float64[die] are their means on
    each site. ``nodes`` and ``weights`` float64[node] are those of Gauss and Legendre on (0, 1).
    """

    seed: np.uint64
    bins: int
    bin_of: Ints
    survive: Floats
    has_systematic: bool
    escape: float
    escape_bins: Floats
    overkill: float
    has_parametric: bool
    speed_cuts: Floats
    leakage_cuts: Floats
    site_speed: Floats
    site_leakage: Floats
    lot: ParametricLevel
    wafer: ParametricLevel
    die: ParametricLevel
    nodes: Floats
    weights: Floats


@stage_jit
def _pair(
    seed: np.uint64, level: ParametricLevel, draw: np.uint32, entity: np.uint32, number: np.uint32
) -> tuple[float, float]:
    """Return two correlated normals of one level, times their standard deviations."""
    z0 = normal_ppf(noise_uniform(seed, draw, entity, STREAM_SPEED, number))
    z1 = normal_ppf(noise_uniform(seed, draw, entity, STREAM_LEAKAGE, number))
    r = level.correlation
    mixed = r * z0 + math.sqrt(1.0 - r * r) * z1
    return level.speed_sd * z0, level.leakage_sd * mixed


@stage_jit
def parametric_shift(sorting: Sorting, lot: np.uint32, wafer: np.uint32) -> ParametricShift:
    """Draw the shift of a wafer: its lot's and its own."""
    lot_speed, lot_leakage = _pair(sorting.seed, sorting.lot, _ZERO, _LOT, lot)
    speed, leakage = _pair(sorting.seed, sorting.wafer, _ZERO, _WAFER, wafer)
    return ParametricShift(lot_speed + speed, lot_leakage + leakage)


@inline_jit
def _cell(cuts: Floats, value: float) -> int:
    """Return how many cuts a value reaches."""
    count = 0
    for cut in cuts:
        count += value >= cut
    return count


@inline_jit
def cell_of(sorting: Sorting, die: int, wafer: np.uint32, shift: ParametricShift) -> int:
    """Draw a die's speed and leakage, and return its cell."""
    speed, leakage = _pair(sorting.seed, sorting.die, np.uint32(die), _DIE, wafer)
    speed += sorting.site_speed[die] + shift.speed
    leakage += sorting.site_leakage[die] + shift.leakage
    row = _cell(sorting.speed_cuts, speed)
    return row * (sorting.leakage_cuts.shape[0] + 1) + _cell(sorting.leakage_cuts, leakage)


@inline_jit
def needs_draws(sorting: Sorting) -> bool:
    """Whether a die's bin depends on more than its class."""
    tested = sorting.escape > 0.0 or sorting.overkill > 0.0
    return sorting.has_parametric or sorting.has_systematic or tested


@stage_jit
def sort_die(
    sorting: Sorting, works: int, die: int, wafer: np.uint32, shift: ParametricShift
) -> tuple[int, int]:
    """Return (bin shipped in, true bin) of a die of class ``works``."""
    bins = sorting.bins
    true = bins
    if works < sorting.bin_of.shape[0] - 1:
        cell = 0
        if sorting.has_parametric:
            cell = cell_of(sorting, die, wafer, shift)
        true = sorting.bin_of[works, cell]
    if not sorting.has_systematic and sorting.escape == 0.0 and sorting.overkill == 0.0:
        return true, true
    w0, w1, _, _ = seeded_words(sorting.seed, np.uint32(die), _DIE, STREAM_TEST, wafer)
    if uniform_open(w0) >= sorting.survive[die]:
        true = bins
    u = uniform_open(w1)
    if true < bins:
        return (bins if u < sorting.overkill else true), true
    return (_escape_bin(sorting, u / sorting.escape) if u < sorting.escape else bins), true


@inline_jit
def _escape_bin(sorting: Sorting, u: float) -> int:
    """Return the bin that a scrap die ships in, by a uniform."""
    reached = 0.0
    for b in range(sorting.bins - 1):
        reached += sorting.escape_bins[b]
        if u < reached:
            return b
    return sorting.bins - 1


@inline_jit
def normal_below(z: float) -> float:
    """Return the standard normal distribution function."""
    return 0.5 * math.erfc(-z * math.sqrt(0.5))


@inline_jit
def normal_pair_below(h: float, k: float, r: float, nodes: Floats, weights: Floats) -> float:
    """Return P(X < h, Y < k) of two standard normals with correlation r.

    Z. Drezner, G. O. Wesolowsky, "On the computation of the bivariate normal integral", J. Statist.
    Comput. Simul. 35 (1990) 101-107: Phi(h) Phi(k) plus an integral over the arcsine of r, here by
    Gauss and Legendre. With 32 nodes the error is below 1e-7 for |r| <= 0.99 (test_normal_pair).
    """
    product = normal_below(h) * normal_below(k)
    if r == 0.0 or abs(h) > _FAR or abs(k) > _FAR:
        return product
    top = math.asin(r)
    total = 0.0
    for node in range(nodes.shape[0]):
        s = math.sin(top * nodes[node])
        c2 = 1.0 - s * s
        total += weights[node] * math.exp(-0.5 * (h * h + k * k - 2.0 * h * k * s) / c2)
    return min(max(product + top * total / _TWO_PI, 0.0), 1.0)


@inline_jit
def _edge(cuts: Floats, cell: int, mean: float, sd: float) -> float:
    """Return the lower edge of a cell in standard deviations; infinite edges stay infinite."""
    if cell == 0:
        return -np.inf
    if cell > cuts.shape[0]:
        return np.inf
    if sd == 0.0:
        return np.inf if cuts[cell - 1] > mean else -np.inf
    return (cuts[cell - 1] - mean) / sd


@bare_jit
def cell_chances(
    sorting: Sorting, die: int, shift: ParametricShift, below: Floats, out: Floats
) -> None:
    """Fill ``out`` float64[cell] with P(cell) of a die, given its wafer's shift.

    ``below`` float64[speed cells + 1, leakage cells + 1] is work space.
    """
    rows, columns = sorting.speed_cuts.shape[0] + 1, sorting.leakage_cuts.shape[0] + 1
    mean_speed = sorting.site_speed[die] + shift.speed
    mean_leakage = sorting.site_leakage[die] + shift.leakage
    for i in range(rows + 1):
        h = _edge(sorting.speed_cuts, i, mean_speed, sorting.die.speed_sd)
        for j in range(columns + 1):
            k = _edge(sorting.leakage_cuts, j, mean_leakage, sorting.die.leakage_sd)
            r = sorting.die.correlation
            below[i, j] = normal_pair_below(h, k, r, sorting.nodes, sorting.weights)
    for i in range(rows):
        for j in range(columns):
            inside = below[i + 1, j + 1] - below[i, j + 1] - below[i + 1, j] + below[i, j]
            out[i * columns + j] = max(0.0, inside)
