"""The map of `yieldsim dies` in characters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from yieldsim.errors import UsageError

if TYPE_CHECKING:
    from yieldsim.wafer.geometry.sites import Sites
    from yieldsim.wafer.geometry.turned import Side

__all__ = ["picture"]

_WIDEST_MAP = 400


def picture(sites: Sites, side: Side) -> list[str]:
    """Return the map's lines, top row first: `#` and `=` for dies of neighbouring fields.

    Characters are about twice as high as wide, so a die is several characters wide to keep the
    wafer round, or one where the dies are too many.
    """
    from yieldsim.wafer.geometry.turned import turned_picture

    across = sites.shape[1] if side in ("bottom", "top") else sites.shape[0]
    if across > _WIDEST_MAP:
        allowed = f"<= {_WIDEST_MAP} columns"
        raise UsageError("--map", "too many dies across", got=across, allowed=allowed)
    marks = np.full(sites.shape, ".")
    dark = (sites.field_column + sites.field_row) % 2
    marks[sites.row, sites.column] = np.where(dark, "=", "#")
    shown = turned_picture(marks[::-1], side)
    ratio = sites.pitch_x_mm / sites.pitch_y_mm
    wide = round(2.0 * (ratio if side in ("bottom", "top") else 1.0 / ratio))
    wide = max(1, min(wide, _WIDEST_MAP // max(across, 1)))
    return ["".join(mark * wide for mark in line) for line in shown.tolist()]
