"""The wafers seen: signatures and background of fitted maps, as tables of a wafer model."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from yieldsim.units import MM2_PER_CM2
from yieldsim.wafer.compile.profile import disc_mean
from yieldsim.wafer.fit.radii import RadialBins
from yieldsim.wafer.fit.shapes.background import Background, fit_background
from yieldsim.wafer.fit.shapes.cells import signature_cells, spread_out
from yieldsim.wafer.maps.wafer_maps import NONE, WaferMaps
from yieldsim.wafer.model.process import Profile
from yieldsim.wafer.model.seen_signatures import runs_of

__all__ = ["Library", "Marked", "find_cells", "make_library", "process_tables"]

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Marked:
    """Maps, the cells under signatures as text of a model, and the maps without signatures."""

    maps: WaferMaps
    cells: tuple[str, ...]
    rest: WaferMaps

    @property
    def dies(self) -> Ints:
        """Tested dies of each wafer, int64[wafer]."""
        return np.add.reduceat(self.maps.die > NONE, self.maps.offset[:-1]).astype(np.int64)

    def select(self, wafers: Ints) -> Marked:
        """Return those of these wafers."""
        cells = tuple(self.cells[w] for w in wafers)
        return Marked(self.maps.select(wafers), cells, self.rest.select(wafers))


@dataclass(frozen=True)
class Library:
    """Marked maps and the background fitted to them."""

    marked: Marked
    bins: RadialBins
    background: Background


def find_cells(maps: WaferMaps) -> Marked:
    """Find the signatures on each map."""
    die, cells = maps.die.copy(), []
    for wafer in range(len(maps)):
        grid = maps.grid(wafer)
        marked, rest = signature_cells(grid)
        die[maps.offset[wafer] : maps.offset[wafer + 1]][~rest.ravel()] = NONE
        cells.append(runs_of(spread_out(marked, grid > NONE)))
    return Marked(maps, tuple(cells), replace(maps, die=die))


def make_library(marked: Marked, bins: RadialBins, seed: int) -> Library:
    """Fit the background of marked maps."""
    return Library(marked, bins, fit_background(marked.maps, marked.rest, bins, seed))


def process_tables(
    library: Library, wafers: Ints, die_mm2: float, radius_mm: float, rim: float
) -> dict[str, Any]:
    """Return [process] of a model whose wafers are like these of the library.

    ``rim`` is the usable radius that the maps' grids reach, as a share of ``radius_mm``.
    """
    maps, faults = library.marked.maps, library.background.faults[wafers]
    mean = float(faults.mean())
    rho = np.round(library.bins.nodes * rim, 6).tolist()
    ratio = [float(f"{value:.6g}") for value in library.background.profile]
    # D0 is the mean over the disc of the profile as the model normalizes it
    level = disc_mean(Profile(rho=tuple(rho), ratio=tuple(ratio)), radius_mm)
    return {
        "d0_per_cm2": mean * level * MM2_PER_CM2 / die_mm2,
        "profile": {"rho": rho, "ratio": ratio},
        "seen_signatures": {
            "rows": maps.rows[wafers].tolist(),
            "cols": maps.cols[wafers].tolist(),
            "ratio": [float(f"{value:.6g}") for value in faults / mean],
            "cells": [library.marked.cells[w] for w in wafers],
        },
    }
