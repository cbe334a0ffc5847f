"""The floorplans of a supply model's dies as tables of bins by density."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from yieldsim.model import Model
from yieldsim.sampling import Sampler

if TYPE_CHECKING:
    from yieldsim.wafer.bin_table import BinTable

_WAFER = ("diameter_mm", "edge_exclusion_mm", "scribe_mm")


def floorplan_tables(model: Model, sampler: Sampler) -> list[BinTable | None]:
    """The table of each die that has a floorplan, for the medians of its size and of the wafer.

    Raises ModelError under the die's path for a floorplan that is none.
    """
    if all(die.floorplan is None for die in model.dies.values()):
        return [None] * len(model.dies)
    from yieldsim.wafer.bin_table import bin_table, floorplan_model

    median = sampler.medians()
    wafer = {key: median[f"wafer.{key}"] for key in _WAFER}
    tables: list[BinTable | None] = []
    for name, die in model.dies.items():
        if die.floorplan is None:
            tables.append(None)
            continue
        size = median[f"dies.{name}.width_mm"], median[f"dies.{name}.height_mm"]
        tables.append(
            bin_table(floorplan_model(f"dies.{name}.floorplan", die.floorplan.root, wafer, *size))
        )
    return tables


def stacked_tables(
    tables: Sequence[BinTable | None], bins: int
) -> tuple[np.ndarray, list[tuple[int, int, int]], np.ndarray]:
    """Coefficients (die, cell, bin, 4); each die's (is there, first, cells); its killing part."""
    cells = [1 if one is None else len(one.pieces.coefficients) for one in tables]
    stacked = np.zeros((len(tables), max(cells), bins, 4))
    rows = []
    for d, one in enumerate(tables):
        if one is not None:
            stacked[d, : cells[d], : len(one.bins)] = one.pieces.coefficients
        rows.append((int(one is not None), 0 if one is None else one.pieces.first, cells[d]))
    return stacked, rows, np.array([1.0 if one is None else one.kill for one in tables])
