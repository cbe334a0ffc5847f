"""The map of `yieldsim dies` in characters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from yieldsim.errors import UsageError

if TYPE_CHECKING:
    from yieldsim.wafer.geometry.sites import Sites

__all__ = ["picture"]

_WIDEST_MAP = 400


def picture(sites: Sites) -> list[str]:
    """Return the map's lines, top row first: `#` and `=` for dies of neighbouring fields.

    Characters are about twice as high as wide, so a die is several characters wide to keep the
    wafer round, or one where the dies are too many.
    """
    across = sites.shape[1]
    if across > _WIDEST_MAP:
        allowed = f"<= {_WIDEST_MAP} columns"
        raise UsageError("--map", "too many dies across", got=across, allowed=allowed)
    marks = np.full(sites.shape, ".")
    dark = (sites.field_column + sites.field_row) % 2
    marks[sites.row, sites.column] = np.where(dark, "=", "#")
    wide = round(2.0 * sites.pitch_x_mm / sites.pitch_y_mm)
    wide = max(1, min(wide, _WIDEST_MAP // max(across, 1)))
    return ["".join(mark * wide for mark in line) for line in marks[::-1].tolist()]
