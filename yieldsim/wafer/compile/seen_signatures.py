"""Signatures seen on maps as the kernels take them."""

from __future__ import annotations

import numpy as np

from yieldsim.units import MM2_PER_CM2
from yieldsim.wafer.geometry.sites import Sites
from yieldsim.wafer.kernels.signatures import SeenWafers
from yieldsim.wafer.model.seen_signatures import SeenSignatures, seen_cells

__all__ = ["compile_seen"]

_PARTS = 16  # of a die, as the kernel has them
_AROUND = tuple((i, j) for i in (-1, 0, 1) for j in (-1, 0, 1) if (i, j) != (0, 0))


def compile_seen(seen: SeenSignatures | None, sites: Sites) -> SeenWafers:
    """Return the wafers seen, laid on the grid of the sites; none without the table."""
    cells = [seen_cells(seen, wafer) for wafer in range(len(seen.cells))] if seen else []
    sizes = np.array([part.size for part in cells], np.int64)
    grid_rows, grid_cols = sites.shape
    # a die of the maps over a die of the model, each a part of its grid
    ratio = grid_rows * grid_cols / np.maximum(sizes, 1)
    least = np.maximum(1, np.ceil(0.5 * _PARTS * np.minimum(1.0, ratio) - 1e-9))
    area_cm2 = sites.width_mm * sites.height_mm / MM2_PER_CM2
    struck = seen.struck_faults if seen else 0.0
    return SeenWafers(
        rows=np.array([part.shape[0] for part in cells], np.int64),
        cols=np.array([part.shape[1] for part in cells], np.int64),
        first=np.append(0, np.cumsum(sizes)).astype(np.int64),
        cell=np.concatenate([part.ravel() for part in cells] or [np.zeros(0, np.bool_)]),
        ratio=np.array(seen.ratio if seen else (), np.float64),
        least=least.astype(np.int64),
        marked=np.array([part.any() for part in cells], np.bool_),
        row=np.asarray(grid_rows - 1 - sites.row, np.int64),
        column=np.asarray(sites.column, np.int64),
        grid_rows=int(grid_rows),
        grid_cols=int(grid_cols),
        beside=_beside(sites) if seen else np.zeros((len(_AROUND), 0), np.int64),
        symmetric=bool(seen and seen.symmetric),
        struck_per_cm2=float(struck / area_cm2),
    )


def _beside(sites: Sites) -> np.ndarray:
    """Return the dies around each die, int64[8, die], -1 where no die lies."""
    rows, cols = sites.shape
    at = np.full((rows + 2, cols + 2), -1, np.int64)
    at[sites.row + 1, sites.column + 1] = np.arange(len(sites))
    return np.stack([at[sites.row + 1 + i, sites.column + 1 + j] for i, j in _AROUND])
