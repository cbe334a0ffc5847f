"""The die sites of a wafer: the grid placed on it, each die's place and its reticle coordinates.

Numbers of columns and rows run from 0, columns from the left, rows from the bottom. Grids are
placed and counted on the wafer turned so that notch or flat is at the bottom, and turned back.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from yieldsim.closed_form import require
from yieldsim.errors import UsageError
from yieldsim.wafer.geometry.outline import Reticle, WaferOutline
from yieldsim.wafer.geometry.turned import (
    QUARTERS,
    turned_back,
    turned_blocks,
    turned_pair,
    turned_places,
)
from yieldsim.wafer.kernels.geometry import Blocks, Usable, block_places, count_blocks, count_fields
from yieldsim.wafer.kernels.offsets import GRID_STEPS, best_alignment, best_half_pitch, best_offset

__all__ = [
    "Grid",
    "Reticle",
    "Sites",
    "WaferOutline",
    "make_sites",
    "place_grid",
    "turned_grid",
]

_LEAST_DIE_MM = 0.05
# Thirteen arrays of so many dies take half a gigabyte; no real wafer has them.
_MOST_SITES = 5_000_000


@dataclass(frozen=True)
class Grid:
    """A grid of fields of dies, placed on a wafer; without a reticle a field is one die.

    ``offset_x`` and ``offset_y`` are in pitches of fields: (0, 0) puts a field's centre on the
    wafer's centre. ``search`` tells how they were found: ``given``, ``half-pitches`` (the best of
    all shifts by halves of a die's pitch), ``all-offsets`` (the best there is) or
    ``grid-of-N-offsets`` (the best of so many). ``fields_whole`` have all their dies on the wafer,
    ``fields_partial`` some. ``usable`` is that of the wafer turned by ``quarters`` of a turn,
    against the clock, which brings notch or flat to the bottom.
    """

    fields: Blocks
    usable: Usable
    offset_x: float
    offset_y: float
    partial_fields: bool
    search: str
    gross_die: int
    fields_whole: int
    fields_partial: int
    quarters: int = 0

    @property
    def dies_per_field(self) -> int:
        """Dies that one field prints."""
        return self.fields.columns * self.fields.rows

    @property
    def die_offset(self) -> tuple[float, float]:
        """The place of the field's first die in pitches of dies, for the field at the offset."""
        return _die_offset(self.fields, (self.offset_x, self.offset_y))


@dataclass(frozen=True, eq=False)
class Sites:
    """The dies of one wafer, by row from the bottom, then by column from the left.

    ``x_mm, y_mm`` float64[die] are centres; ``column, row`` int64[die] the place in the grid of
    dies, which is ``shape`` = (rows, columns); ``field_column, field_row`` int64[die] the place of
    the die's field among fields; ``column_in_field, row_in_field`` int64[die] its place in it, and
    ``die_in_field`` = row_in_field * columns of a field + column_in_field.
    """

    x_mm: NDArray[np.float64]
    y_mm: NDArray[np.float64]
    column: NDArray[np.int64]
    row: NDArray[np.int64]
    die_in_field: NDArray[np.int64]
    column_in_field: NDArray[np.int64]
    row_in_field: NDArray[np.int64]
    field_column: NDArray[np.int64]
    field_row: NDArray[np.int64]
    shape: tuple[int, int]
    wafer: WaferOutline
    grid: Grid

    def __len__(self) -> int:
        return self.x_mm.size

    @property
    def width_mm(self) -> float:
        """Width of a die without its scribe line, mm."""
        return self.grid.fields.die_w

    @property
    def height_mm(self) -> float:
        """Height of a die without its scribe line, mm."""
        return self.grid.fields.die_h

    @property
    def pitch_x_mm(self) -> float:
        """From one die's centre to the next, mm."""
        return self.grid.fields.pitch_x

    @property
    def pitch_y_mm(self) -> float:
        """From one row's centres to the next, mm."""
        return self.grid.fields.pitch_y

    @property
    def field_columns(self) -> int:
        """Columns of dies in a field."""
        return self.grid.fields.columns

    @property
    def field_rows(self) -> int:
        """Rows of dies in a field."""
        return self.grid.fields.rows

    @property
    def usable_radius_mm(self) -> float:
        """The wafer's radius less the edge exclusion, mm."""
        return self.wafer.usable_radius_mm

    @cached_property
    def field(self) -> NDArray[np.int64]:
        """Number of the die's field, int64[die], from 0 without gaps: fields in order of rows."""
        columns = int(self.field_column.max(initial=0)) + 1
        return np.unique(self.field_row * columns + self.field_column, return_inverse=True)[1]


def place_grid(
    wafer: WaferOutline,
    die_width_mm: float,
    die_height_mm: float,
    reticle: Reticle | None = None,
    offset: tuple[float, float] | None = None,
    partial_fields: bool = True,
    optimize: bool = False,
) -> Grid:
    """Place the grid of dies on the wafer and count them, without listing them.

    ``offset`` is in pitches of the field grid (of the die grid, where there is no reticle). Without
    it all shifts by halves of a die's pitch are tried; with ``optimize`` all offsets. With a
    reticle and partial fields, of the alignments of fields that print the same dies the one with
    the fewest fields is taken.

    Raises
    ------
    UsageError : a die larger than the field or the usable wafer, a size that is not a positive
        number, an offset beyond one pitch or together with ``optimize``.
    """
    usable = wafer.usable()
    quarters = QUARTERS[wafer.side]
    fields = turned_blocks(_fields(wafer, die_width_mm, die_height_mm, reticle), quarters)
    blocks = _single(fields) if partial_fields else fields
    if offset is not None:
        if optimize:
            raise UsageError("offset", "clashes with optimize", got=offset, allowed="one of them")
        u, v = turned_pair(_checked_offset(offset), quarters)
        search = "given"
    else:
        u, v, search = _search(blocks, usable, optimize)
        if partial_fields and reticle is not None:
            _, u, v = best_alignment(fields, usable, u, v)
    grid = _counted(fields, usable, (u, v), partial_fields, search)
    return replace(turned_grid(replace(grid, quarters=-quarters)), quarters=quarters)


def turned_grid(grid: Grid) -> Grid:
    """Return a grid as it lies on the wafer turned so that notch or flat is at the bottom."""
    offset_x, offset_y = turned_pair((grid.offset_x, grid.offset_y), grid.quarters)
    fields = turned_blocks(grid.fields, grid.quarters)
    return replace(grid, fields=fields, offset_x=offset_x, offset_y=offset_y, quarters=0)


def _counted(
    fields: Blocks, usable: Usable, offset: tuple[float, float], partial_fields: bool, search: str
) -> Grid:
    """Return the grid at the offset, with its dies and fields counted."""
    whole = int(count_blocks(fields, usable, *offset))
    if partial_fields:
        dies = int(count_blocks(_single(fields), usable, *_die_offset(fields, offset)))
        partial = int(count_fields(fields, usable, *offset)) - whole
    else:
        dies = whole * fields.columns * fields.rows
        partial = 0
    return Grid(fields, usable, *offset, partial_fields, search, dies, whole, partial)


def make_sites(wafer: WaferOutline, grid: Grid) -> Sites:
    """Return the die sites of a grid that ``place_grid`` placed on the wafer.

    A die site lies on the usable wafer with its four corners, clear of flat and notch. With
    partial fields a die counts wherever the rest of its field lies; without, only if all dies
    of its field are sites.

    Raises
    ------
    UsageError : more sites than can be listed.
    """
    if grid.gross_die > _MOST_SITES:
        raise UsageError(
            "dies on the wafer", "too many to list", got=grid.gross_die, allowed=f"<= {_MOST_SITES}"
        )
    turned = turned_grid(grid)
    column, row = _places(turned)
    x_mm, y_mm = _centres(turned, column, row)
    columns, rows = turned.fields.columns, turned.fields.rows
    field_column, field_row = column // columns, row // rows
    column_in_field, row_in_field = column % columns, row % rows
    if grid.quarters:
        x_mm, y_mm = turned_places(x_mm, y_mm, -grid.quarters)
        column, row = _back(column, row, grid.quarters)
        field_column, field_row = _back(field_column, field_row, grid.quarters)
        inside = (column_in_field, row_in_field, columns, rows)
        column_in_field, row_in_field = turned_back(*inside, grid.quarters)
        order = np.lexsort((column, row))
        x_mm, y_mm, column, row = x_mm[order], y_mm[order], column[order], row[order]
        field_column, field_row = field_column[order], field_row[order]
        column_in_field, row_in_field = column_in_field[order], row_in_field[order]
    return Sites(
        x_mm=x_mm,
        y_mm=y_mm,
        column=_from_zero(column),
        row=_from_zero(row),
        die_in_field=row_in_field * grid.fields.columns + column_in_field,
        column_in_field=column_in_field,
        row_in_field=row_in_field,
        field_column=_from_zero(field_column),
        field_row=_from_zero(field_row),
        shape=(_extent(row), _extent(column)),
        wafer=wafer,
        grid=grid,
    )


def _places(grid: Grid) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return column and row of each die, by row from the bottom, then from the left."""
    columns, rows = grid.fields.columns, grid.fields.rows
    if grid.partial_fields:
        return block_places(_single(grid.fields), grid.usable, *grid.die_offset)
    places = block_places(grid.fields, grid.usable, grid.offset_x, grid.offset_y)
    column = (places[0][:, None, None] * columns + np.arange(columns)).repeat(rows, 1).ravel()
    row = (places[1][:, None] * rows + np.arange(rows)).repeat(columns, 1).ravel()
    order = np.lexsort((column, row))
    return column[order], row[order]


def _centres(
    grid: Grid, column: NDArray[np.int64], row: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    shift_x, shift_y = grid.die_offset
    return (
        np.asarray((column + shift_x) * grid.fields.pitch_x, np.float64),
        np.asarray((row + shift_y) * grid.fields.pitch_y, np.float64),
    )


def _back(
    column: NDArray[np.int64], row: NDArray[np.int64], quarters: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return places in a grid before the wafer was turned, counted from 0."""
    return turned_back(_from_zero(column), _from_zero(row), _extent(column), _extent(row), quarters)


def _fields(wafer: WaferOutline, width: float, height: float, reticle: Reticle | None) -> Blocks:
    """Check the die and return the fields of dies."""
    require("die_width_mm", width, least=_LEAST_DIE_MM)
    require("die_height_mm", height, least=_LEAST_DIE_MM)
    if math.hypot(width, height) > 2.0 * wafer.usable_radius_mm:
        raise UsageError(
            "die_width_mm, die_height_mm",
            "die larger than the usable wafer",
            got=f"{width:g} x {height:g} mm",
            allowed=f"a diagonal <= {2.0 * wafer.usable_radius_mm:g} mm",
        )
    scribe = wafer.scribe_mm
    columns, rows = (1, 1) if reticle is None else reticle.dies(width, height, scribe)
    pitch_x, pitch_y = float(width + scribe), float(height + scribe)
    return Blocks(pitch_x, pitch_y, float(width), float(height), columns, rows)


def _single(fields: Blocks) -> Blocks:
    """Return the same dies, each counting alone."""
    return fields._replace(columns=1, rows=1)


def _die_offset(fields: Blocks, offset: tuple[float, float]) -> tuple[float, float]:
    """Turn an offset in pitches of fields into that of a field's first die in pitches of dies."""
    return (
        offset[0] * fields.columns - 0.5 * (fields.columns - 1),
        offset[1] * fields.rows - 0.5 * (fields.rows - 1),
    )


def _checked_offset(offset: tuple[float, float]) -> tuple[float, float]:
    u, v = require("offset", offset, least=-1.0, most=1.0)
    return float(u), float(v)


def _search(blocks: Blocks, usable: Usable, optimize: bool) -> tuple[float, float, str]:
    """Return the best offset in pitches of blocks, and how it was searched for."""
    if not optimize:
        _, u, v = best_half_pitch(blocks, usable)
        return u, v, "half-pitches"
    _, u, v, exact = best_offset(blocks, usable)
    return u, v, "all-offsets" if exact else f"grid-of-{2 * (GRID_STEPS + 1) ** 2}-offsets"


def _from_zero(number: NDArray[np.int64]) -> NDArray[np.int64]:
    return number - number.min() if number.size else number


def _extent(number: NDArray[np.int64]) -> int:
    return int(np.ptp(number)) + 1 if number.size else 0
