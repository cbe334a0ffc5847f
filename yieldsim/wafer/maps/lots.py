"""Wafer maps lot by lot: yields, and fails stacked die by die."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from yieldsim.wafer.maps.wafer_maps import FAIL, NONE, PASS, WaferMaps

__all__ = ["LotFigures", "chance_of_lots", "lot_figures", "stacked"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class LotFigures:
    """A lot: its wafers (their places in the maps), dies and yields of each, and over all dies."""

    lot: str
    wafers: NDArray[np.int64]
    dies: NDArray[np.int64]
    yields: Floats

    @property
    def mean(self) -> float:
        """Passing dies over dies tested, of the whole lot."""
        return float((self.yields * self.dies).sum() / self.dies.sum())

    @property
    def sd(self) -> float:
        """Standard deviation of the yield between wafers; nan for one wafer."""
        return float(self.yields.std(ddof=1)) if len(self.yields) > 1 else float("nan")


def lot_figures(maps: WaferMaps) -> list[LotFigures]:
    """Return the lots in the order in which they occur."""
    starts = maps.offset[:-1]
    dies = np.add.reduceat((maps.die > NONE).astype(np.int64), starts)
    passed = np.add.reduceat((maps.die == PASS).astype(np.int64), starts)
    found = []
    for lot in dict.fromkeys(maps.lot.tolist()):
        wafers = np.flatnonzero(maps.lot == lot)
        found.append(LotFigures(lot, wafers, dies[wafers], passed[wafers] / dies[wafers]))
    return found


def chance_of_lots(lots: Sequence[LotFigures]) -> float:
    """Return the chance that yields of like lots differ by as much as these.

    By the analysis of variance of the wafers' yields; nan where fewer than two lots have two wafers
    or more, or where the wafers of no lot differ.
    """
    from scipy.stats import f_oneway  # its import takes longer than small maps

    yields = [lot.yields for lot in lots if len(lot.yields) > 1]
    if len(yields) < 2 or all(np.ptp(part) == 0.0 for part in yields):
        return float("nan")
    return float(f_oneway(*yields).pvalue)


def stacked(maps: WaferMaps, wafers: NDArray[np.int64]) -> tuple[Floats, int]:
    """Return the share of fails at each place, nan where no die was tested, and the wafers used.

    Wafers are aligned by their dies, without the empty rows and columns around them. Wafers whose
    dies span a different grid than most are left out.
    """
    grids = [_trimmed(maps.grid(int(w))) for w in wafers]
    shapes = [grid.shape for grid in grids]
    shape = max(dict.fromkeys(shapes), key=shapes.count)
    same = np.stack([grid for grid in grids if grid.shape == shape])
    tested = (same > NONE).sum(axis=0)
    fails = (same == FAIL).sum(axis=0)
    return np.where(tested > 0, fails / np.maximum(tested, 1), np.nan), len(same)


def _trimmed(grid: NDArray[np.uint8]) -> NDArray[np.uint8]:
    rows, columns = np.flatnonzero(grid.any(axis=1)), np.flatnonzero(grid.any(axis=0))
    return grid[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
