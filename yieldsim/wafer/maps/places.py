"""A grid of codes from a list of dies with their places."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from yieldsim.errors import ModelError
from yieldsim.wafer.maps.bins import RESULT
from yieldsim.wafer.maps.options import Retest
from yieldsim.wafer.maps.wafer_maps import FAIL, NONE, PASS

__all__ = ["MOST_CELLS", "MOST_PLACE", "PlacedGrid", "grid_of_places"]

MOST_CELLS = 10_000_000
MOST_PLACE = 1_000_000
_RANK = np.zeros(3, np.uint8)  # for "best": a pass counts before a fail, a fail before no die
_RANK[[NONE, FAIL, PASS]] = 0, 1, 2


class PlacedGrid(NamedTuple):
    """A wafer's grid, row and column of its first cell, and how many dies were listed again."""

    grid: NDArray[np.integer]
    first: tuple[int, int]
    again: int


def grid_of_places(
    where: str,
    x: NDArray[np.int64],
    y: NDArray[np.int64],
    code: NDArray[np.integer],
    retest: Retest = "last",
) -> PlacedGrid:
    """Return the grid of one wafer, of codes or words, y down and x to the right.

    Raises ModelError at ``where`` for a place or a grid that no wafer has.
    """
    if not len(x):
        raise ModelError(where, "holds no die", allowed="at least one die")
    for name, axis in (("x", x), ("y", y)):
        far = axis[np.abs(axis) > MOST_PLACE]
        if len(far):
            allowed = f"-{MOST_PLACE} to {MOST_PLACE}"
            raise ModelError(where, f"{name} of a die out of range", got=far[0], allowed=allowed)
    row, column = y - y.min(), x - x.min()
    rows, columns = int(row.max()) + 1, int(column.max()) + 1
    if rows * columns > MOST_CELLS:
        allowed = f"at most {MOST_CELLS:,} cells"
        raise ModelError(where, "grid too large", got=f"{rows} x {columns}", allowed=allowed)
    cell = row * columns + column
    again = len(cell) - int(np.count_nonzero(np.bincount(cell, minlength=1)))
    if again:
        order = np.arange(len(cell))
        if retest == "first":
            order = order[::-1]
        elif retest == "best":
            order = np.argsort(_RANK[code & RESULT], kind="stable")
        cell, code = cell[order], code[order]
    grid = np.full(rows * columns, NONE, code.dtype)
    grid[cell] = code  # of repeated places NumPy keeps the last
    return PlacedGrid(grid.reshape(rows, columns), (int(y.min()), int(x.min())), again)
