"""Simulated wafers as maps and arrays for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from yieldsim.wafer.maps.bins import BinNames, TwoBins, word
from yieldsim.wafer.maps.formats.npz import columns_of, npz_bytes
from yieldsim.wafer.maps.wafer_maps import FAIL, NONE, PASS, WaferMaps, maps_from_grids
from yieldsim.wafer.simulate import WaferResult

__all__ = ["save_arrays", "wafer_maps"]


def wafer_maps(result: WaferResult, label: str = "") -> WaferMaps:
    """Return the maps of simulated wafers with their bins, top row first; shipped dies pass.

    ``result`` must have been simulated with ``keep_maps``, at `points` or `dies`.
    """
    assert result.bin_map is not None
    rows, columns = result.sites.shape
    cell = (rows - 1 - result.sites.row, result.sites.column)
    names = TwoBins(BinNames("wafers"))
    words = [word(PASS, names.hard.number(name)) for name in result.bins]
    grids = np.full((len(result.bin_map), rows, columns), NONE, np.int64)
    grids[:, *cell] = np.array([*words, word(FAIL)])[result.bin_map]  # the last is scrap
    wafers = [str(result.first_wafer + number) for number in range(len(grids))]
    pitch = [(result.sites.pitch_x_mm, result.sites.pitch_y_mm)] * len(grids)
    lots = [str(lot) for lot in result.lots.tolist()]
    labels = [label] * len(grids)
    return maps_from_grids(list(grids), labels, wafers, lots=lots, pitch_mm=pitch, bins=names)


def save_arrays(path: str | Path, result: WaferResult, label: str = "") -> None:
    """Write the arrays of formats/npz.py and, beside them, bins, densities, places and defects.

    ``bin`` uint8[wafer, die] (number of bins: scrap), ``bin_names``, ``density_per_cm2``
    float64[wafer, die], ``x_mm``, ``y_mm``, ``row``, ``column``, ``die_in_field`` [die] with rows
    from the bottom; at `points` ``defect_wafer``, ``_x_mm``, ``_y_mm``, ``_layer``,
    ``_size_um`` and ``_killed``. Raises OSError.
    """
    maps, sites = wafer_maps(result, label), result.sites
    arrays: dict[str, Any] = {
        **columns_of(maps),
        "bin": np.asarray(result.bin_map),
        "bin_names": np.array(result.bins),
        "density_per_cm2": np.asarray(result.density),
        "x_mm": sites.x_mm,
        "y_mm": sites.y_mm,
        "row": sites.row,
        "column": sites.column,
        "die_in_field": sites.die_in_field,
    }
    if result.defects is not None:
        arrays |= {
            "defect_wafer": result.defects.wafer,
            "defect_x_mm": result.defects.x_mm,
            "defect_y_mm": result.defects.y_mm,
            "defect_layer": result.defects.layer,
            "defect_size_um": result.defects.size_um,
            "defect_killed": result.defects.killed,
        }
    Path(path).write_bytes(npz_bytes(arrays))
