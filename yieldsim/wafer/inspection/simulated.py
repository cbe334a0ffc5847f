"""Simulated wafers as an inspection that sees every defect on a die."""

from __future__ import annotations

import numpy as np

from yieldsim.wafer.inspection.inspection import Found, Inspection
from yieldsim.wafer.simulate import WaferResult

__all__ = ["inspections"]

_MARKS = {"bottom": "DOWN", "left": "LEFT", "top": "UP", "right": "RIGHT"}


def inspections(result: WaferResult, device: str = "") -> list[Inspection]:
    """Return the wafers simulated at `points`, by lot; a defect's class is its layer from 1, or 0.

    Die (0, 0) is the one nearest to the wafer's centre. All dies are inspected, without scribes.
    """
    assert result.defects is not None
    sites, defects = result.sites, result.defects
    middle = int(np.argmin(np.hypot(sites.x_mm, sites.y_mm)))
    corner = (
        float(sites.x_mm[middle] - 0.5 * sites.width_mm),
        float(sites.y_mm[middle] - 0.5 * sites.height_mm),
    )
    index_x, index_y = sites.column - sites.column[middle], sites.row - sites.row[middle]
    dies = np.column_stack([index_x, index_y])
    wafers = []
    for number, lot in enumerate(result.lots.tolist()):
        some = defects.wafer == result.first_wafer + number
        die = defects.die[some]
        found = Found(
            index_x=index_x[die],
            index_y=index_y[die],
            across_mm=defects.x_mm[some] - sites.x_mm[die] + 0.5 * sites.width_mm,
            up_mm=defects.y_mm[some] - sites.y_mm[die] + 0.5 * sites.height_mm,
            size_um=defects.size_um[some],
            kind=defects.layer[some] + 1,
        )
        wafers.append(
            Inspection(
                lot=str(lot),
                wafer=str(result.first_wafer + number),
                step="simulated",
                device=device,
                diameter_mm=sites.wafer.diameter_mm,
                pitch_mm=(sites.pitch_x_mm, sites.pitch_y_mm),
                centre_mm=(-corner[0], -corner[1]),
                dies=dies,
                area_mm2=len(dies) * sites.width_mm * sites.height_mm,
                found=found,
                mark=_MARKS[sites.wafer.side],
                classes={int(k): f"layer {k}" if k else "defect" for k in np.unique(found.kind)},
            )
        )
    return wafers
