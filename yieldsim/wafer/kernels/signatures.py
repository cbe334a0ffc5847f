"""Signatures: means of narrow lines, rings and spots over a die, and those seen on fitted maps.

A Gaussian line narrower than the small rectangles that tile a die may miss their middles, so its
mean over a rectangle is used. The places of signatures seen are whole numbers in quarters of a die,
so no rounding decides which die is struck.

Legend: ``width`` is the Gaussian's standard deviation; ``half_x``, ``half_y``, or ``sides`` for
both, are half the rectangle's sides, all in one unit.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from yieldsim.kernels.jit import bare_jit, inline_jit, stage_jit
from yieldsim.kernels.philox import STREAM_SEEN_SIGNATURE, seeded_words, word_below

__all__ = [
    "CLEAR",
    "SPARED",
    "STRUCK",
    "SeenWafers",
    "apply_marks",
    "line_mean",
    "mark_dies",
    "ring_mean",
    "scratch_mean",
    "seen_wafer",
    "spot_mean",
]

_FAR = 7.0  # widths beyond which a Gaussian is zero: e^-24.5
_THIN = 1e-3  # widths below which an extent is taken as 0, which changes the mean by 2e-7
_ROOT_HALF = math.sqrt(0.5)
_ROOT_HALF_PI = math.sqrt(0.5 * math.pi)

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

CLEAR, SPARED, STRUCK = 0, 1, 2
_PARTS = 4  # of a die along each side
_BESIDE = 8  # dies around a die
_ZERO = np.uint32(0)


@inline_jit
def _once(t: float, width: float) -> float:
    """Return the integral of exp(-(t / width)^2 / 2) from zero."""
    return width * _ROOT_HALF_PI * math.erf(t / width * _ROOT_HALF)


@inline_jit
def _twice(t: float, width: float) -> float:
    """Return an integral of `_once`."""
    z = t / width
    return t * _once(t, width) + width * width * math.exp(-0.5 * z * z)


@inline_jit
def _mean(t: float, width: float, half: float) -> float:
    """Return the mean of exp(-(t / width)^2 / 2) over t - half .. t + half."""
    if half < _THIN * width:
        z = t / width
        return math.exp(-0.5 * z * z)
    return (_once(t + half, width) - _once(t - half, width)) / (2.0 * half)


@inline_jit
def line_mean(t: float, width: float, half_x: float, half_y: float) -> float:
    """Return the mean over a rectangle of a straight line at distance ``t`` from its middle.

    ``half_x``, ``half_y`` are the half sides projected across the line. Distances are then a sum of
    two uniform numbers, over which the Gaussian is integrated exactly.
    """
    less, more = min(half_x, half_y), max(half_x, half_y)
    if abs(t) > less + more + _FAR * width:
        return 0.0
    if less < _THIN * width:
        return _mean(t, width, more)
    a, b = more + less, more - less
    total = _twice(t + a, width) - _twice(t + b, width) - _twice(t - b, width)
    return max(0.0, (total + _twice(t - a, width)) / (4.0 * less * more))


@inline_jit
def _line_integral(s: float, width: float, half_length: float) -> float:
    """Return the integral from zero along a line that ends in half a Gaussian."""
    size = abs(s)
    if size > half_length:
        size = half_length + _once(size - half_length, width)
    return math.copysign(size, s)


@inline_jit
def scratch_mean(
    along: float,
    across: float,
    cos: float,
    sin: float,
    width: float,
    half_length: float,
    sides: tuple[float, float],
) -> float:
    """Return the mean of a scratch in direction (cos, sin), its middle (along, across) away.

    Along and across are averaged separately, which is exact except for rectangles at its ends.
    """
    half_x, half_y = sides
    mean = line_mean(across, width, half_x * abs(sin), half_y * abs(cos))
    if mean == 0.0:
        return 0.0
    half = math.hypot(half_x * cos, half_y * sin)
    upper = _line_integral(along + half, width, half_length)
    return mean * (upper - _line_integral(along - half, width, half_length)) / (2.0 * half)


@inline_jit
def ring_mean(x: float, y: float, radius: float, width: float, sides: tuple[float, float]) -> float:
    """Return the mean of a ring around the origin, straight within the rectangle about (x, y)."""
    r = math.hypot(x, y)
    if r == 0.0:
        return line_mean(radius, width, sides[0], 0.0)
    return line_mean(r - radius, width, sides[0] * abs(x) / r, sides[1] * abs(y) / r)


@inline_jit
def spot_mean(x: float, y: float, width: float, sides: tuple[float, float]) -> float:
    """Return the mean of a round spot at the origin, exactly."""
    return _mean(x, width, sides[0]) * _mean(y, width, sides[1])


class SeenWafers(NamedTuple):
    """Wafers whose maps were fitted, and the dies of the simulated wafer.

    By wafer seen: ``rows``, ``cols`` its grid, ``first`` where its cells begin in ``cell``
    bool[cell] (top row first; true under a signature), ``ratio`` its background density over D0,
    ``least`` the parts of a die that a signature must cover to strike it, ``marked`` whether it
    has a signature. ``row`` (from the top) and ``column`` int64[die] are places in a grid of
    ``grid_rows`` x ``grid_cols``; ``beside`` int64[8, die] are the dies around each, -1 where no
    die lies. With ``symmetric`` a wafer is drawn in one of the four symmetries of its grid.
    """

    rows: Ints
    cols: Ints
    first: Ints
    cell: NDArray[np.bool_]
    ratio: Floats
    least: Ints
    marked: NDArray[np.bool_]
    row: Ints
    column: Ints
    grid_rows: int
    grid_cols: int
    beside: Ints
    symmetric: bool
    struck_per_cm2: float


@stage_jit
def seen_wafer(seen: SeenWafers, seed: np.uint64, wafer: np.uint32) -> tuple[Any, Any]:
    """Draw which of the wafers seen a wafer is like, and in which symmetry."""
    w0, w1, _, _ = seeded_words(seed, _ZERO, _ZERO, STREAM_SEEN_SIGNATURE, wafer)
    ways = 4 if seen.symmetric else 1
    return np.int64(word_below(w0, seen.ratio.shape[0])), np.int64(word_below(w1, ways))


@bare_jit
def mark_dies(seen: SeenWafers, which: int, symmetry: int, marks: Ints) -> None:
    """Fill ``marks`` int64[die] with STRUCK, SPARED (beside a struck die) or CLEAR."""
    dies = marks.shape[0]
    rows, cols, first = seen.rows[which], seen.cols[which], seen.first[which]
    down, across = _PARTS * seen.grid_rows, _PARTS * seen.grid_cols
    for die in range(dies):
        covered = 0
        for j in range(_PARTS):
            y = _PARTS * seen.row[die] + j
            if symmetry & 1:
                y = down - 1 - y
            start = first + (2 * y + 1) * rows // (2 * down) * cols
            for i in range(_PARTS):
                x = _PARTS * seen.column[die] + i
                if symmetry & 2:
                    x = across - 1 - x
                covered += seen.cell[start + (2 * x + 1) * cols // (2 * across)]
        marks[die] = STRUCK if covered >= seen.least[which] else CLEAR
    for die in range(dies):
        if marks[die] != STRUCK:
            continue
        for k in range(_BESIDE):
            other = seen.beside[k, die]
            if other >= 0 and marks[other] == CLEAR:
                marks[other] = SPARED


@stage_jit
def apply_marks(seen: SeenWafers, marks: Ints, density: Floats) -> None:
    """Change ``density`` float64[die]: none on spared dies, that of a signature on struck ones."""
    for die in range(density.shape[0]):
        if marks[die] == SPARED:
            density[die] = 0.0
        elif marks[die] == STRUCK:
            density[die] += seen.struck_per_cm2
