"""Wafers whose notch or flat is not at the bottom, by turning wafer and grid together.

Searches and counts have the notch at the bottom. A die of w x h mm on a wafer with the notch at the
left is a die of h x w mm on the wafer turned by a quarter, against the clock. A place (x, y) is
then at (-y, x).
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from yieldsim.wafer.kernels.geometry import Blocks

__all__ = ["QUARTERS", "Side", "turned_back", "turned_blocks", "turned_pair", "turned_places"]

Side = Literal["bottom", "left", "top", "right"]
# quarters of a turn, against the clock, that bring a side to the bottom
QUARTERS: dict[Side, int] = {"bottom": 0, "left": 1, "top": 2, "right": 3}

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]


def turned_pair(pair: tuple[float, float], quarters: int) -> tuple[float, float]:
    """Return a place or an offset after quarter turns; a negative number turns back."""
    x, y = pair
    for _ in range(quarters % 4):
        x, y = -y, x
    return x + 0.0, y + 0.0  # no minus zero


def turned_places(x: Floats, y: Floats, quarters: int) -> tuple[Floats, Floats]:
    """Return places after quarter turns; a negative number turns back."""
    for _ in range(quarters % 4):
        x, y = -y, x
    return x, y


def turned_blocks(blocks: Blocks, quarters: int) -> Blocks:
    """Return blocks of dies on the turned wafer."""
    if quarters % 2 == 0:
        return blocks
    return Blocks(
        blocks.pitch_y, blocks.pitch_x, blocks.die_h, blocks.die_w, blocks.rows, blocks.columns
    )


def turned_back(
    column: Integers, row: Integers, columns: int, rows: int, quarters: int
) -> tuple[Integers, Integers]:
    """Return columns and rows, of a grid of ``columns`` x ``rows``, before the wafer was turned."""
    for _ in range(quarters % 4):
        column, row = row, columns - 1 - column
        columns, rows = rows, columns
    return column, row
