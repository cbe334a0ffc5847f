"""Wafers whose notch or flat is not at the bottom, by turning wafer and grid together.

The search and the counts have the notch at the bottom. A die of w x h mm on a wafer with the notch
at the left is a die of h x w mm on the wafer turned by a quarter.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from yieldsim.wafer.geometry.outline import Reticle
from yieldsim.wafer.geometry.sites import Grid

__all__ = ["Side", "turned_offset", "turned_picture", "turned_reticle", "upright"]

Side = Literal["bottom", "left", "top", "right"]
# quarters of a turn, against the clock, that bring a side to the bottom
_QUARTERS = {"bottom": 0, "left": 1, "top": 2, "right": 3}


def turned_reticle(reticle: Reticle | None, side: Side) -> Reticle | None:
    """Return the reticle on the turned wafer."""
    if reticle is None or _QUARTERS[side] % 2 == 0:
        return reticle
    return Reticle(reticle.field_height_mm, reticle.field_width_mm, reticle.rows, reticle.columns)


def turned_offset(offset: tuple[float, float] | None, side: Side) -> tuple[float, float] | None:
    """Return the offset on the turned wafer."""
    return None if offset is None else _turned(offset, _QUARTERS[side])


def upright(grid: Grid, side: Side) -> Grid:
    """Return a grid of the turned wafer with sizes and offset as on the wafer itself."""
    quarters = _QUARTERS[side]
    offset_x, offset_y = _turned((grid.offset_x, grid.offset_y), -quarters % 4)
    fields = grid.fields
    if quarters % 2:
        fields = type(fields)(
            fields.pitch_y, fields.pitch_x, fields.die_h, fields.die_w, fields.rows, fields.columns
        )
    return replace(grid, fields=fields, offset_x=offset_x, offset_y=offset_y)


def turned_picture(marks: NDArray[np.str_], side: Side) -> NDArray[np.str_]:
    """Return a picture of the turned wafer, top row first, as the wafer itself looks."""
    return np.rot90(marks, -_QUARTERS[side])


def _turned(offset: tuple[float, float], quarters: int) -> tuple[float, float]:
    u, v = offset
    for _ in range(quarters):
        u, v = -v, u
    return u + 0.0, v + 0.0  # no minus zero
