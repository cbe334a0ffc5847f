"""Gross die on a round wafer: exact counts by geometry, row by row.

The grid: die centres lie at ``((i + offset_x) pitch_x, (j + offset_y) pitch_y)`` for all integers
i, j, measured from the wafer's centre. Offsets are in pitches: (0, 0) puts a die's centre on the
wafer's centre, (0.5, 0.5) the crossing of two scribe lines. The pitch is the die plus the scribe
line. A die counts when its four corners, scribe line not included, lie within the usable radius.

``Usable`` also has a flat (dies lie above a horizontal line) or a notch (dies keep out of a small
disc), both at the bottom. ``Blocks`` are groups of columns x rows dies that count together, such as
the fields of a reticle; their offset is in pitches of the block.

Lengths are in mm. A corner that lies on the usable radius counts: the radius is widened by the
relative tolerance ``RADIUS_TOLERANCE`` (0.15 nm on a 300 mm wafer), far above float rounding and
far below what a stepper can place. Flat and notch have the same tolerance.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from yieldsim.kernels.jit import inline_jit, jit

__all__ = [
    "RADIUS_TOLERANCE",
    "Blocks",
    "Usable",
    "block_half_size",
    "block_places",
    "count_best_of_four",
    "count_blocks",
    "count_dies",
    "count_fields",
]

RADIUS_TOLERANCE = 1e-9


class Blocks(NamedTuple):
    """Dies that count together: ``columns`` x ``rows`` of them, on the pitch of the dies."""

    pitch_x: float
    pitch_y: float
    die_w: float
    die_h: float
    columns: int
    rows: int


class Usable(NamedTuple):
    """Where a die may lie: a disc, less what is below ``flat_y`` (-inf: no flat) and less the disc
    of ``notch_radius`` (0: no notch) round the notch, ``notch_y`` below the centre.
    """

    radius: float
    flat_y: float
    notch_y: float
    notch_radius: float


@inline_jit
def _row_range(
    row_y: float, pitch_x: float, die_w: float, die_h: float, radius: float, offset_x: float
) -> Any:
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


@inline_jit
def block_half_size(blocks: Blocks) -> Any:
    """Return half the width and height of a block, without the scribe line round it."""
    half_w = 0.5 * ((blocks.columns - 1) * blocks.pitch_x + blocks.die_w)
    half_h = 0.5 * ((blocks.rows - 1) * blocks.pitch_y + blocks.die_h)
    return half_w, half_h


@inline_jit
def _notch_columns(
    blocks: Blocks, usable: Usable, bottom: float, slack: float, offset_x: float
) -> Any:
    """Return the first and the last column of blocks, their lower edge at ``bottom``, that the
    notch hits in some die.

    The lowest dies of a block are the nearest to the notch, as no die reaches below its centre. A
    die is hit when the notch's disc reaches further to the side than the die's nearer edge.
    """
    away = max(bottom - usable.notch_y, 0.0)
    reach = usable.notch_radius - slack
    if away >= reach:
        return 0, -1
    limit = (math.sqrt((reach - away) * (reach + away)) + 0.5 * blocks.die_w) / blocks.pitch_x
    shift = offset_x * blocks.columns - 0.5 * (blocks.columns - 1)
    first = math.floor(-limit - shift) + 1
    last = math.ceil(limit - shift) - 1
    if last < first:
        return 0, -1
    return math.floor(first / blocks.columns), math.floor(last / blocks.columns)


@inline_jit
def _block_columns(
    blocks: Blocks, usable: Usable, row: int, offset_x: float, offset_y: float
) -> Any:
    """Return the first and last column of a row of blocks, and of the hole the notch makes in it.

    The hole lies within the row; where last < first there is no row or no hole.
    """
    half_w, half_h = block_half_size(blocks)
    radius = usable.radius * (1.0 + RADIUS_TOLERANCE)
    slack = usable.radius * RADIUS_TOLERANCE
    pitch_x = blocks.columns * blocks.pitch_x
    row_y = (row + offset_y) * (blocks.rows * blocks.pitch_y)
    bottom = row_y - half_h
    if bottom < usable.flat_y - slack:
        return 0, -1, 0, -1
    first, last = _row_range(row_y, pitch_x, 2.0 * half_w, 2.0 * half_h, radius, offset_x)
    if last < first:
        return 0, -1, 0, -1
    hole_first, hole_last = _notch_columns(blocks, usable, bottom, slack, offset_x)
    return first, last, max(first, hole_first), min(last, hole_last)


@inline_jit
def _rows(blocks: Blocks, usable: Usable, offset_y: float) -> Any:
    """Return the first row of blocks that may hold a block and the one after the last."""
    rows = usable.radius * (1.0 + RADIUS_TOLERANCE) / (blocks.rows * blocks.pitch_y)
    return math.ceil(-rows - offset_y), math.floor(rows - offset_y) + 1


@jit
def count_blocks(blocks: Blocks, usable: Usable, offset_x: float, offset_y: float) -> int:
    """Return the number of blocks all of whose dies are usable; offsets in pitches of blocks."""
    count = 0
    first_row, end_row = _rows(blocks, usable, offset_y)
    for row in range(first_row, end_row):
        first, last, hole, end = _block_columns(blocks, usable, row, offset_x, offset_y)
        count += max(last - first + 1, 0) - max(end - hole + 1, 0)
    return count


@jit
def block_places(
    blocks: Blocks, usable: Usable, offset_x: float, offset_y: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return column and row, int64[block], of the blocks that ``count_blocks`` counts.

    Ordered by row from the bottom, then by column from the left; block (0, 0) has its centre at
    the offset.
    """
    count = count_blocks(blocks, usable, offset_x, offset_y)
    columns = np.empty(count, np.int64)
    rows = np.empty(count, np.int64)
    block = 0
    first_row, end_row = _rows(blocks, usable, offset_y)
    for row in range(first_row, end_row):
        first, last, hole, end = _block_columns(blocks, usable, row, offset_x, offset_y)
        for column in range(first, last + 1):
            if not hole <= column <= end:
                columns[block] = column
                rows[block] = row
                block += 1
    return columns, rows


@jit
def count_fields(fields: Blocks, usable: Usable, offset_x: float, offset_y: float) -> int:
    """Return the number of fields with at least one usable die; offsets in pitches of fields."""
    dies = Blocks(fields.pitch_x, fields.pitch_y, fields.die_w, fields.die_h, 1, 1)
    shift_x = offset_x * fields.columns - 0.5 * (fields.columns - 1)
    shift_y = offset_y * fields.rows - 0.5 * (fields.rows - 1)
    most = math.ceil(usable.radius / (fields.columns * fields.pitch_x) + abs(offset_x)) + 1
    seen = np.zeros(2 * most + 1, np.bool_)
    count = 0
    first_row, end_row = _rows(dies, usable, shift_y)
    for row in range(first_row, end_row):
        if row % fields.rows == 0:
            seen[:] = False
        first, last, hole, end = _block_columns(dies, usable, row, shift_x, shift_y)
        if last < first:
            continue
        for field in range(first // fields.columns, last // fields.columns + 1):
            left = max(first, field * fields.columns)
            right = min(last, (field + 1) * fields.columns - 1)
            in_hole = hole <= left and right <= end
            if not in_hole and not seen[field + most]:
                seen[field + most] = True
                count += 1
    return count
