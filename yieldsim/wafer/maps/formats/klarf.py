"""Inspections in KLARF as wafer maps: an inspected die fails if it has a defect, else it passes.

This format is only read, because a map does not say where on its die a defect lies.
`yieldsim.wafer.inspection` has the defects themselves, and writes them.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from yieldsim.errors import ModelError
from yieldsim.wafer.inspection.klarf.files import is_klarf, load_klarf
from yieldsim.wafer.maps.options import ReadOptions
from yieldsim.wafer.maps.places import grid_of_places
from yieldsim.wafer.maps.wafer_maps import FAIL, PASS, WaferMaps, maps_from_grids

__all__ = ["load", "recognizes"]

_DEGREES = {"DOWN": 0, "LEFT": 90, "UP": 180, "RIGHT": 270}


def recognizes(head: bytes) -> bool:
    """Whether a file that begins so may be KLARF."""
    return is_klarf(head)


def load(path: Path, options: ReadOptions) -> WaferMaps:
    """Read all wafers of a file. Raises ModelError, with the wafer, and OSError."""
    options.refuse_bins(str(path))
    wafers = load_klarf(path)
    grids = []
    for one in wafers:
        where = f"{path}: wafer {one.wafer}"
        if not len(one.dies):
            allowed = "SampleTestPlan with the dies inspected"
            raise ModelError(where, "does not list the dies inspected", allowed=allowed)
        code = np.where(one.per_die() > 0, FAIL, PASS).astype(np.uint8)
        grids.append(grid_of_places(where, one.dies[:, 0], -one.dies[:, 1], code)[0])
    options.note(f"{path}: inspection, not test: a die fails where a defect was found")
    names, lots = [one.wafer for one in wafers], [one.lot for one in wafers]
    labels, pitches = [""] * len(wafers), [one.pitch_mm for one in wafers]
    notches = [_DEGREES.get(one.mark, -1) for one in wafers]
    return maps_from_grids(grids, labels, names, str(path), lots, pitches, notch=notches)
