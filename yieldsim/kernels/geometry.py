"""Gross die on a round wafer: exact counts by geometry, row by row.

The grid: die centres lie at ``((i + offset_x) pitch_x, (j + offset_y) pitch_y)`` for all integers
i, j, measured from the wafer's centre. Offsets are in pitches: (0, 0) puts a die's centre on the
wafer's centre, (0.5, 0.5) puts the crossing of two scribe lines there. The pitch is the die plus
the scribe line. A die counts when its four corners, scribe line not included, lie within the usable
radius; there is no quick reject on the half diagonal, which would drop legal dies.

Lengths are in mm. A corner that lies on the usable radius counts: the radius is widened by the
relative tolerance ``RADIUS_TOLERANCE`` (0.15 nm on a 300 mm wafer), far above float rounding and
far below anything a stepper can place.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from yieldsim.kernels.jit import inline_jit, jit

__all__ = [
    "RADIUS_TOLERANCE",
    "best_offset",
    "count_best_of_four",
    "count_dies",
    "die_sites",
]

RADIUS_TOLERANCE = 1e-9
# Wafer radius over pitch, both ways together, up to which best_offset tries all crossings: their
# number grows with the square. 150 is a square die of 2 mm on a 300 mm wafer.
_MOST_CELLS = 150.0
_GRID_STEPS = 64


@inline_jit
def _row_range(row_y: Any, pitch_x: Any, die_w: Any, die_h: Any, radius: Any, offset_x: Any) -> Any:
    """Return the first and the last column of the row centred at ``row_y`` (last < first: none)."""
    top = abs(row_y) + 0.5 * die_h
    if top > radius:
        return 0, -1
    limit = math.sqrt((radius - top) * (radius + top)) - 0.5 * die_w
    if limit < 0.0:
        return 0, -1
    limit /= pitch_x
    return math.ceil(-limit - offset_x), math.floor(limit - offset_x)


@jit
def count_dies(
    pitch_x: float,
    pitch_y: float,
    die_w: float,
    die_h: float,
    usable_radius: float,
    offset_x: float,
    offset_y: float,
) -> int:
    """Return the number of whole dies within the usable radius, in O(rows)."""
    radius = usable_radius * (1.0 + RADIUS_TOLERANCE)
    first_row = math.ceil(-radius / pitch_y - offset_y)
    last_row = math.floor(radius / pitch_y - offset_y)
    count = 0
    for row in range(first_row, last_row + 1):
        row_y = (row + offset_y) * pitch_y
        first, last = _row_range(row_y, pitch_x, die_w, die_h, radius, offset_x)
        if last >= first:
            count += last - first + 1
    return count


@jit
def count_best_of_four(
    pitch_x: float, pitch_y: float, die_w: float, die_h: float, usable_radius: float
) -> int:
    """Return the largest count among the four grids shifted by nothing or half a pitch."""
    best = 0
    for half_x in range(2):
        for half_y in range(2):
            count = count_dies(
                pitch_x, pitch_y, die_w, die_h, usable_radius, 0.5 * half_x, 0.5 * half_y
            )
            best = max(best, count)
    return best


@jit
def die_sites(
    pitch_x: float,
    pitch_y: float,
    die_w: float,
    die_h: float,
    usable_radius: float,
    offset_x: float,
    offset_y: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the centres x_mm and y_mm, float64[die], of the dies that ``count_dies`` counts.

    Ordered by row from the bottom, then by column from the left.
    """
    dies = count_dies(pitch_x, pitch_y, die_w, die_h, usable_radius, offset_x, offset_y)
    x_mm = np.empty(dies, np.float64)
    y_mm = np.empty(dies, np.float64)
    radius = usable_radius * (1.0 + RADIUS_TOLERANCE)
    first_row = math.ceil(-radius / pitch_y - offset_y)
    last_row = math.floor(radius / pitch_y - offset_y)
    die = 0
    for row in range(first_row, last_row + 1):
        row_y = (row + offset_y) * pitch_y
        first, last = _row_range(row_y, pitch_x, die_w, die_h, radius, offset_x)
        for column in range(first, last + 1):
            x_mm[die] = (column + offset_x) * pitch_x
            y_mm[die] = row_y
            die += 1
    return x_mm, y_mm


@jit
def _arc_centres(
    pitch_x: float, pitch_y: float, die_w: float, die_h: float, radius: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the centres x, y of the circles on which a shifted grid gains or loses a die.

    By symmetry all distinct shifts in mm lie in [0, pitch_x / 2] x [0, pitch_y / 2]. There a die in
    column >= 0 has its outermost corner on the right, any other on the left; likewise for rows. The
    die is inside while the shift is within ``radius`` of minus that corner's place at shift zero.
    """
    columns = math.ceil(radius / pitch_x) + 1
    rows = math.ceil(radius / pitch_y) + 1
    x = np.empty((2 * columns + 1) * (2 * rows + 1), np.float64)
    y = np.empty_like(x)
    arcs = 0
    for column in range(-columns, columns + 1):
        corner_x = column * pitch_x + (0.5 * die_w if column >= 0 else -0.5 * die_w)
        near_x = min(abs(corner_x), abs(corner_x + 0.5 * pitch_x))
        far_x = max(abs(corner_x), abs(corner_x + 0.5 * pitch_x))
        for row in range(-rows, rows + 1):
            corner_y = row * pitch_y + (0.5 * die_h if row >= 0 else -0.5 * die_h)
            near_y = min(abs(corner_y), abs(corner_y + 0.5 * pitch_y))
            far_y = max(abs(corner_y), abs(corner_y + 0.5 * pitch_y))
            inside = math.hypot(near_x, near_y) <= radius * (1.0 + RADIUS_TOLERANCE)
            if inside and math.hypot(far_x, far_y) >= radius:
                x[arcs] = -corner_x
                y[arcs] = -corner_y
                arcs += 1
    return x[:arcs], y[:arcs]


@jit
def _best_crossing(
    pitch_x: float,
    pitch_y: float,
    die_w: float,
    die_h: float,
    radius: float,
    best: tuple[int, float, float],
) -> tuple[int, float, float]:
    """Return the better of ``best`` and the counts at all crossings of two arcs."""
    x, y = _arc_centres(pitch_x, pitch_y, die_w, die_h, radius)
    slack = radius * RADIUS_TOLERANCE
    for a in range(x.shape[0]):
        for b in range(a):
            dx = x[b] - x[a]
            dy = y[b] - y[a]
            half = 0.5 * math.hypot(dx, dy)
            if half < slack or half > radius:
                continue
            # The crossings lie on the perpendicular bisector of the two centres.
            along = 0.5 * math.sqrt((radius - half) * (radius + half)) / half
            for side in (-1.0, 1.0):
                shift_x = 0.5 * (x[a] + x[b]) - side * along * dy
                shift_y = 0.5 * (y[a] + y[b]) + side * along * dx
                if not -slack <= shift_x <= 0.5 * pitch_x + slack:
                    continue
                if not -slack <= shift_y <= 0.5 * pitch_y + slack:
                    continue
                u = shift_x / pitch_x
                v = shift_y / pitch_y
                count = count_dies(pitch_x, pitch_y, die_w, die_h, radius, u, v)
                if count > best[0]:
                    best = (count, u, v)
    return best


@jit
def _best_on_grid(
    pitch_x: float,
    pitch_y: float,
    die_w: float,
    die_h: float,
    radius: float,
    best: tuple[int, float, float],
) -> tuple[int, float, float]:
    """Return the better of ``best`` and the counts on a grid of offsets, refined once."""
    step = 0.5 / _GRID_STEPS
    for level in range(2):
        centre_x = 0.25 if level == 0 else best[1]
        centre_y = 0.25 if level == 0 else best[2]
        for i in range(_GRID_STEPS + 1):
            for j in range(_GRID_STEPS + 1):
                u = centre_x + (i - _GRID_STEPS // 2) * step
                v = centre_y + (j - _GRID_STEPS // 2) * step
                count = count_dies(pitch_x, pitch_y, die_w, die_h, radius, u, v)
                if count > best[0]:
                    best = (count, u, v)
        step *= 2.0 / _GRID_STEPS
    return best


@jit
def best_offset(
    pitch_x: float, pitch_y: float, die_w: float, die_h: float, usable_radius: float
) -> tuple[int, float, float]:
    """Return (count, offset_x, offset_y) of the grid offset with the most dies.

    Exact for dies of about 2 mm and up on a 300 mm wafer: the count is constant between the arcs on
    which some die touches the usable radius, and touching counts, so the best offset is found at a
    crossing of two arcs or at a corner of the cell of distinct offsets. For smaller dies, of which
    a wafer holds tens of thousands, a refined grid of offsets is searched instead.
    """
    best = (-1, 0.0, 0.0)
    for half_x in range(2):
        for half_y in range(2):
            u = 0.5 * half_x
            v = 0.5 * half_y
            count = count_dies(pitch_x, pitch_y, die_w, die_h, usable_radius, u, v)
            if count > best[0]:
                best = (count, u, v)
    if usable_radius * (1.0 / pitch_x + 1.0 / pitch_y) <= _MOST_CELLS:
        return _best_crossing(pitch_x, pitch_y, die_w, die_h, usable_radius, best)
    return _best_on_grid(pitch_x, pitch_y, die_w, die_h, usable_radius, best)
