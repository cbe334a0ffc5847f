"""From what works on a die to its bin: systematic loss, speed and leakage, test.

Legend: a die's *class* says which bins' demands on cores it meets, best first, the last class none;
its *cell* which demands on speed and leakage, as (speed cell) * (leakage cells) + leakage cell.
``bin_of`` int64[class, cell] is the bin, or the number of bins for scrap.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from yieldsim.kernels.inverse import normal_ppf
from yieldsim.kernels.jit import bare_jit, inline_jit
from yieldsim.kernels.philox import (
    STREAM_LEAKAGE,
    STREAM_SPEED,
    STREAM_TEST,
    noise_uniform,
    seeded_words,
    uniform_open,
)

__all__ = [
    "Sorting",
    "cell_chances",
    "cell_of",
    "normal_pair_below",
    "parametric_shift",
    "sort_die",
]

_DIE = np.uint32(0)
_LOT = np.uint32(1)
_WAFER = np.uint32(2)
_ZERO = np.uint32(0)
_TWO_PI = 2.0 * math.pi
_FAR = 38.0  # beyond it a normal tail is zero


class Sorting(NamedTuple):
    """What is asked of a die beyond its working parts.

    ``survive`` float64[die] is the systematic yield; ``bins`` the number of bins; ``escape`` and
    ``overkill`` probabilities. ``speed_cuts`` float64[cut] rise, ``leakage_cuts`` likewise, both in
    units of the quantity (leakage: its logarithm). ``site`` float64[2, die] are means of the two on
    each site, ``sd`` float64[3, 2] by (lot, wafer, die) and ``correlation`` float64[3]. ``nodes``
    float64[2, node] are points and weights of Gauss and Legendre on (0, 1).
    """

    seed: Any
    bins: Any
    bin_of: NDArray[np.int64]
    survive: NDArray[np.float64]
    has_systematic: Any
    escape: Any
    overkill: Any
    has_parametric: Any
    speed_cuts: NDArray[np.float64]
    leakage_cuts: NDArray[np.float64]
    site: NDArray[np.float64]
    sd: NDArray[np.float64]
    correlation: NDArray[np.float64]
    nodes: NDArray[np.float64]


@inline_jit
def _pair(sorting: Any, level: Any, draw: Any, entity: Any, realization: Any) -> Any:
    """Two correlated normals of one level, times their standard deviations."""
    z0 = normal_ppf(noise_uniform(sorting.seed, draw, entity, STREAM_SPEED, realization))
    z1 = normal_ppf(noise_uniform(sorting.seed, draw, entity, STREAM_LEAKAGE, realization))
    r = sorting.correlation[level]
    mixed = r * z0 + math.sqrt(1.0 - r * r) * z1
    return sorting.sd[level, 0] * z0, sorting.sd[level, 1] * mixed


@bare_jit
def parametric_shift(sorting: Any, lot: Any, wafer: Any) -> Any:
    """Speed and log leakage of the wafer over those of the mean wafer."""
    lot_speed, lot_leakage = _pair(sorting, 0, _ZERO, _LOT, lot)
    wafer_speed, wafer_leakage = _pair(sorting, 1, _ZERO, _WAFER, wafer)
    return lot_speed + wafer_speed, lot_leakage + wafer_leakage


@inline_jit
def _cell(cuts: Any, value: Any) -> Any:
    """How many cuts a value reaches."""
    count = 0
    for cut in cuts:
        count += value >= cut
    return count


@bare_jit
def cell_of(sorting: Any, die: Any, wafer: Any, shift_speed: Any, shift_leakage: Any) -> Any:
    """Draw a die's speed and leakage; returns its cell."""
    speed, leakage = _pair(sorting, 2, np.uint32(die), _DIE, wafer)
    speed += sorting.site[0, die] + shift_speed
    leakage += sorting.site[1, die] + shift_leakage
    row = _cell(sorting.speed_cuts, speed)
    return row * (sorting.leakage_cuts.shape[0] + 1) + _cell(sorting.leakage_cuts, leakage)


@inline_jit
def needs_draws(sorting: Any) -> Any:
    """Whether a die's bin hangs on more than its class."""
    tested = sorting.escape > 0.0 or sorting.overkill > 0.0
    return sorting.has_parametric or sorting.has_systematic or tested


@bare_jit
def sort_die(
    sorting: Any, works: Any, die: Any, wafer: Any, shift_speed: Any, shift_leakage: Any
) -> Any:
    """(bin shipped in, true bin) of a die of class ``works``; the number of bins is scrap."""
    bins = sorting.bins
    true = bins
    if works < sorting.bin_of.shape[0] - 1:
        cell = 0
        if sorting.has_parametric:
            cell = cell_of(sorting, die, wafer, shift_speed, shift_leakage)
        true = sorting.bin_of[works, cell]
    if not sorting.has_systematic and sorting.escape == 0.0 and sorting.overkill == 0.0:
        return true, true
    w0, w1, _, _ = seeded_words(sorting.seed, np.uint32(die), _DIE, STREAM_TEST, wafer)
    if uniform_open(w0) >= sorting.survive[die]:
        true = bins
    u = uniform_open(w1)
    if true < bins:
        return (bins if u < sorting.overkill else true), true
    return (bins - 1 if u < sorting.escape else bins), true


@inline_jit
def normal_below(z: Any) -> Any:
    """Standard normal distribution function."""
    return 0.5 * math.erfc(-z * math.sqrt(0.5))


@inline_jit
def normal_pair_below(h: Any, k: Any, r: Any, nodes: Any) -> Any:
    """P(X < h, Y < k) of two standard normals with correlation r.

    Z. Drezner, G. O. Wesolowsky, "On the computation of the bivariate normal integral", J. Statist.
    Comput. Simul. 35 (1990) 101-107: Phi(h) Phi(k) plus an integral over the arcsine of r, here by
    Gauss and Legendre. With 32 nodes right to 1e-7 for |r| <= 0.99 (test_normal_pair).
    """
    product = normal_below(h) * normal_below(k)
    if r == 0.0 or abs(h) > _FAR or abs(k) > _FAR:
        return product
    top = math.asin(r)
    total = 0.0
    for node in range(nodes.shape[1]):
        s = math.sin(top * nodes[0, node])
        c2 = 1.0 - s * s
        total += nodes[1, node] * math.exp(-0.5 * (h * h + k * k - 2.0 * h * k * s) / c2)
    return min(max(product + top * total / _TWO_PI, 0.0), 1.0)


@inline_jit
def _edge(cuts: Any, cell: Any, mean: Any, sd: Any) -> Any:
    """The lower edge of a cell in standard deviations; infinite edges stay so."""
    if cell == 0:
        return -np.inf
    if cell > cuts.shape[0]:
        return np.inf
    if sd == 0.0:
        return np.inf if cuts[cell - 1] > mean else -np.inf
    return (cuts[cell - 1] - mean) / sd


@bare_jit
def cell_chances(
    sorting: Any, die: Any, shift_speed: Any, shift_leakage: Any, below: Any, out: Any
) -> None:
    """Fill ``out`` float64[cell] with P(cell) of a die, given its wafer's shifts.

    ``below`` float64[speed cells + 1, leakage cells + 1] is work space.
    """
    rows, columns = sorting.speed_cuts.shape[0] + 1, sorting.leakage_cuts.shape[0] + 1
    mean_speed = sorting.site[0, die] + shift_speed
    mean_leakage = sorting.site[1, die] + shift_leakage
    for i in range(rows + 1):
        h = _edge(sorting.speed_cuts, i, mean_speed, sorting.sd[2, 0])
        for j in range(columns + 1):
            k = _edge(sorting.leakage_cuts, j, mean_leakage, sorting.sd[2, 1])
            below[i, j] = normal_pair_below(h, k, sorting.correlation[2], sorting.nodes)
    for i in range(rows):
        for j in range(columns):
            inside = below[i + 1, j + 1] - below[i, j + 1] - below[i + 1, j] + below[i, j]
            out[i * columns + j] = max(0.0, inside)
