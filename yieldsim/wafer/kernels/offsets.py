"""The grid offset with the most blocks, exactly: a search of all places where the count changes.

A block is inside for a closed set of shifts of the grid, bounded by arcs of circles (a corner on
the usable radius, a corner at the notch's keep-out) and by horizontal lines (a lower edge on the
flat or at the keep-out). The count is constant between these curves, and on a curve a block counts.
Take the uppermost shift of a patch with the largest count, within the box of distinct shifts. It
lies on the box's border or where two curves cross. It cannot lie on one arc alone, since the box
holds no highest point of a circle that bounds a patch from above. Nor can it lie on a line, because
lines bound patches from below. So all crossings of arcs with each other and with the border are
tried, and the corners of the box. Shifts are in mm, offsets in pitches.

The box: a grid mirrored left to right has as many blocks, so shifts in x span half a pitch. Without
flat and notch the same holds for y; with one of them shifts in y span the whole pitch.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from yieldsim.kernels.jit import inline_jit, jit
from yieldsim.wafer.kernels.geometry import (
    RADIUS_TOLERANCE,
    Blocks,
    Usable,
    block_half_size,
    count_blocks,
    count_fields,
)

__all__ = ["GRID_STEPS", "best_alignment", "best_half_pitch", "best_offset"]

# Wafer radius over pitch, both ways together, up to which best_offset tries all crossings: the time
# grows a little faster than the square. 1000 is a pitch of 0.3 mm on a 300 mm wafer: about 10 s.
_MOST_CELLS = 1000.0
GRID_STEPS = 64


@inline_jit
def _shift_box(blocks: Blocks, usable: Usable) -> Any:
    """Return the bounds right, low, high in mm of the distinct shifts; the left one is 0."""
    pitch_x = blocks.columns * blocks.pitch_x
    pitch_y = blocks.rows * blocks.pitch_y
    whole = usable.notch_radius > 0.0 or usable.flat_y > -usable.radius
    return 0.5 * pitch_x, (-0.5 * pitch_y if whole else 0.0), 0.5 * pitch_y


@inline_jit
def _meets(x: float, y: float, radius: float, box: Any, slack: float) -> Any:
    """Tell whether the circle passes through the box of shifts."""
    right, low, high = box
    near = math.hypot(max(-x, 0.0, x - right), max(low - y, 0.0, y - high))
    far = math.hypot(max(abs(x), abs(x - right)), max(abs(y - low), abs(y - high)))
    return near <= radius + slack and far >= radius - slack


@jit
def _edge_arcs(blocks: Blocks, usable: Usable) -> NDArray[np.float64]:
    """Return x, y, radius, float64[arc, 3], of the circles on which an outermost corner of a block
    meets the usable radius: it is inside while the shift is within the circle.
    """
    half_w, half_h = block_half_size(blocks)
    pitch_x = blocks.columns * blocks.pitch_x
    pitch_y = blocks.rows * blocks.pitch_y
    radius = usable.radius
    box = _shift_box(blocks, usable)
    columns = math.ceil(radius / pitch_x) + 1
    rows = math.ceil(radius / pitch_y) + 1
    arcs = np.empty(((2 * columns + 1) * (2 * rows + 1) * 2, 3), np.float64)
    count = 0
    for column in range(-columns, columns + 1):
        # A block in column >= 0 has its outermost corner on the right, any other on the left.
        x = -column * pitch_x - (half_w if column >= 0 else -half_w)
        for row in range(-rows, rows + 1):
            for side in (-1.0, 1.0):
                inner = row * pitch_y + (box[2] if side > 0.0 else box[1])
                y = -row * pitch_y - side * half_h
                if side * inner > 0.0 and _meets(x, y, radius, box, radius * RADIUS_TOLERANCE):
                    arcs[count, 0], arcs[count, 1], arcs[count, 2] = x, y, radius
                    count += 1
    return arcs[:count]


@jit
def _notch_arcs(blocks: Blocks, usable: Usable) -> NDArray[np.float64]:
    """Return x, y, radius, float64[arc, 3], of the circles on which a lower corner of a block's
    lowest dies meets the keep-out of the notch: it is clear while the shift is outside.
    """
    half_h = block_half_size(blocks)[1]
    pitch_y = blocks.rows * blocks.pitch_y
    radius = usable.notch_radius
    box = _shift_box(blocks, usable)
    columns = math.ceil((radius + 0.5 * blocks.die_w + box[0]) / blocks.pitch_x) + 1
    rows = math.ceil(usable.radius / pitch_y) + 1
    arcs = np.empty(((2 * columns + 1) * (2 * rows + 1) * 2, 3), np.float64)
    count = 0
    if radius <= 0.0:
        return arcs[:0]
    for column in range(-columns, columns + 1):
        # Dies of a block of an even number of columns lie half a pitch off its centre.
        centre = (column + 0.5 * ((blocks.columns - 1) % 2)) * blocks.pitch_x
        for row in range(-rows, rows + 1):
            y = usable.notch_y - row * pitch_y + half_h
            for side in (-0.5, 0.5):
                x = -centre - side * blocks.die_w
                if _meets(x, y, radius, box, usable.radius * RADIUS_TOLERANCE):
                    arcs[count, 0], arcs[count, 1], arcs[count, 2] = x, y, radius
                    count += 1
    return arcs[:count]


@inline_jit
def _better(blocks: Blocks, usable: Usable, box: Any, x: float, y: float, best: Any) -> Any:
    """Return the better of ``best`` and the count at the shift x, y in mm, if it is in the box."""
    right, low, high = box
    slack = usable.radius * RADIUS_TOLERANCE
    if -slack <= x <= right + slack and low - slack <= y <= high + slack:
        u = x / (blocks.columns * blocks.pitch_x)
        v = y / (blocks.rows * blocks.pitch_y)
        count = count_blocks(blocks, usable, u, v)
        if count > best[0]:
            return count, u, v
    return best


@jit
def _best_on_border(
    blocks: Blocks, usable: Usable, arcs: NDArray[np.float64], best: tuple[int, float, float]
) -> tuple[int, float, float]:
    """Return the better of ``best`` and the counts where the box's border meets an arc, or at its
    corners.
    """
    box = _shift_box(blocks, usable)
    for y in box[1:]:
        best = _better(blocks, usable, box, 0.0, y, best)
        best = _better(blocks, usable, box, box[0], y, best)
        for a in range(arcs.shape[0]):
            away = abs(y - arcs[a, 1])
            if away <= arcs[a, 2]:
                reach = math.sqrt((arcs[a, 2] - away) * (arcs[a, 2] + away))
                best = _better(blocks, usable, box, arcs[a, 0] - reach, y, best)
                best = _better(blocks, usable, box, arcs[a, 0] + reach, y, best)
    for x in (0.0, box[0]):
        for a in range(arcs.shape[0]):
            away = abs(x - arcs[a, 0])
            if away <= arcs[a, 2]:
                reach = math.sqrt((arcs[a, 2] - away) * (arcs[a, 2] + away))
                best = _better(blocks, usable, box, x, arcs[a, 1] - reach, best)
                best = _better(blocks, usable, box, x, arcs[a, 1] + reach, best)
    return best


@jit
def _best_crossing(
    blocks: Blocks, usable: Usable, arcs: NDArray[np.float64], best: tuple[int, float, float]
) -> tuple[int, float, float]:
    """Return the better of ``best`` and the counts at all crossings of two arcs."""
    box = _shift_box(blocks, usable)
    for a in range(arcs.shape[0]):
        for b in range(a):
            dx = arcs[b, 0] - arcs[a, 0]
            dy = arcs[b, 1] - arcs[a, 1]
            apart2 = dx * dx + dy * dy
            if apart2 < (usable.radius * RADIUS_TOLERANCE) ** 2:
                continue
            # The crossings lie on the line at right angles to that of the centres, at this part of
            # the way from a to b.
            part = 0.5 + 0.5 * (arcs[a, 2] - arcs[b, 2]) * (arcs[a, 2] + arcs[b, 2]) / apart2
            away2 = arcs[a, 2] ** 2 / apart2 - part * part
            # arcs that touch have a point in common even if rounding parts them
            if away2 < -0.4 * RADIUS_TOLERANCE:
                continue
            away = math.sqrt(max(away2, 0.0))
            for side in (-away, away):
                x = arcs[a, 0] + part * dx - side * dy
                y = arcs[a, 1] + part * dy + side * dx
                best = _better(blocks, usable, box, x, y, best)
    return best


@jit
def _best_on_grid(
    blocks: Blocks, usable: Usable, best: tuple[int, float, float]
) -> tuple[int, float, float]:
    """Return the better of ``best`` and the counts on a grid of shifts, refined once."""
    right, low, high = _shift_box(blocks, usable)
    for level in range(2):
        scale = 1.0 if level == 0 else 2.0 / GRID_STEPS
        centre_x = 0.5 * right if level == 0 else best[1] * blocks.columns * blocks.pitch_x
        centre_y = 0.5 * (low + high) if level == 0 else best[2] * blocks.rows * blocks.pitch_y
        for i in range(GRID_STEPS + 1):
            for j in range(GRID_STEPS + 1):
                x = centre_x + (i / GRID_STEPS - 0.5) * right * scale
                y = centre_y + (j / GRID_STEPS - 0.5) * (high - low) * scale
                u = x / (blocks.columns * blocks.pitch_x)
                v = y / (blocks.rows * blocks.pitch_y)
                count = count_blocks(blocks, usable, u, v)
                if count > best[0]:
                    best = (count, u, v)
    return best


@jit
def best_half_pitch(blocks: Blocks, usable: Usable) -> tuple[int, float, float]:
    """Return (count, offset_x, offset_y) of the best shift by whole halves of a die's pitch.

    Offsets are in pitches of blocks: for single dies the four of 0 and 0.5.
    """
    best = (-1, 0.0, 0.0)
    for i in range(2 * blocks.columns):
        for j in range(2 * blocks.rows):
            u = 0.5 * i / blocks.columns
            v = 0.5 * j / blocks.rows
            count = count_blocks(blocks, usable, u, v)
            if count > best[0]:
                best = (count, u, v)
    return best


@jit
def best_offset(blocks: Blocks, usable: Usable) -> tuple[int, float, float, bool]:
    """Return (count, offset_x, offset_y, exact) of the offset with the most blocks.

    It is exact for pitches of about 0.3 mm and more on a 300 mm wafer. For smaller ones a grid of
    ``GRID_STEPS + 1`` offsets each way is tried, and a finer one around its best.
    """
    best = best_half_pitch(blocks, usable)
    across = 1.0 / (blocks.columns * blocks.pitch_x) + 1.0 / (blocks.rows * blocks.pitch_y)
    if usable.radius * across > _MOST_CELLS:
        best = _best_on_grid(blocks, usable, best)
        return best[0], best[1], best[2], False
    arcs = np.concatenate((_edge_arcs(blocks, usable), _notch_arcs(blocks, usable)))
    best = _best_on_border(blocks, usable, arcs, best)
    best = _best_crossing(blocks, usable, arcs, best)
    return best[0], best[1], best[2], True


@jit
def best_alignment(
    fields: Blocks, usable: Usable, die_x: float, die_y: float
) -> tuple[int, float, float]:
    """Return (fields, offset_x, offset_y) of the fewest fields that hold the dies of a grid.

    ``die_x`` and ``die_y`` place the grid in pitches of dies; the offsets are in those of fields.
    """
    best = (-1, 0.0, 0.0)
    for i in range(fields.columns):
        for j in range(fields.rows):
            u = (die_x + 0.5 * (fields.columns - 1) + i) / fields.columns
            v = (die_y + 0.5 * (fields.rows - 1) + j) / fields.rows
            # offsets beyond half a pitch repeat a place
            u -= 1.0 if u > 0.5 else 0.0
            v -= 1.0 if v > 0.5 else 0.0
            count = count_fields(fields, usable, u, v)
            if best[0] < 0 or count < best[0]:
                best = (count, u, v)
    return best
