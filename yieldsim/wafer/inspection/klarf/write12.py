"""KLARF 1.2, in the plain form that other readers take: a row a line, each begun by a blank."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from yieldsim.wafer.inspection.inspection import Inspection
from yieldsim.wafer.inspection.klarf.parts import UM_PER_MM, quoted, summary_row

__all__ = ["text"]

_COLUMNS = (
    "DEFECTID XREL YREL XINDEX YINDEX XSIZE YSIZE DEFECTAREA DSIZE CLASSNUMBER TEST CLUSTERNUMBER "
    "ROUGHBINNUMBER FINEBINNUMBER REVIEWSAMPLE IMAGECOUNT IMAGELIST"
)

_STAMP = "01-01-00 00:00:00"  # what is written does not depend on the time
_REST = " 1 0 0 0 0 0 0"  # test, cluster, bins, review, no images


def text(wafers: Sequence[Inspection]) -> str:
    """Return one file of all wafers; they must share step, device, diameter and pitch."""
    return "\n".join(_lines(wafers)) + "\n"


def _lines(wafers: Sequence[Inspection]) -> Iterator[str]:
    first = wafers[0]
    yield "FileVersion 1 2;"
    yield f"FileTimestamp {_STAMP};"
    yield 'InspectionStationID "yieldsim" "simulation" "1";'
    yield "SampleType WAFER;"
    yield f"ResultTimestamp {_STAMP};"
    yield f"LotID {quoted(first.lot)};"
    yield f"SampleSize 1 {first.diameter_mm:.12g};"
    yield f"DeviceID {quoted(first.device)};"
    yield f'SetupID "yieldsim" {_STAMP};'
    yield f"StepID {quoted(first.step)};"
    yield "SampleOrientationMarkType NOTCH;"
    yield f"OrientationMarkLocation {first.mark};"
    yield f"DiePitch {_um(first.pitch_mm[0])} {_um(first.pitch_mm[1])};"
    yield "DieOrigin 0.0 0.0;"
    names = sorted(first.classes.items())
    if names:
        yield f"ClassLookup {len(names)}"
        rows = [f" {number} {quoted(name)}" for number, name in names]
        yield from [*rows[:-1], f"{rows[-1]};"]
    lot = first.lot
    for slot, wafer in enumerate(wafers, 1):
        if wafer.lot != lot:
            lot = wafer.lot
            yield f"LotID {quoted(lot)};"
        yield from _wafer(wafer, slot)
    yield "EndOfFile;"


def _wafer(wafer: Inspection, slot: int) -> Iterator[str]:
    yield f"WaferID {quoted(wafer.wafer)};"
    yield f"Slot {slot};"
    yield f"SampleCenterLocation {_um(wafer.centre_mm[0])} {_um(wafer.centre_mm[1])};"
    yield "InspectionTest 1;"
    plan = [f" {x} {y}" for x, y in wafer.dies.tolist()]
    if plan:
        yield f"SampleTestPlan {len(plan)}"
        yield from [*plan[:-1], f"{plan[-1]};"]
    yield f"AreaPerTest {wafer.area_mm2 * UM_PER_MM**2:.10e};"
    yield f"DefectRecordSpec {len(_COLUMNS.split())} {_COLUMNS} ;"
    found = wafer.found
    size = np.nan_to_num(found.size_um)
    places = zip(
        (found.across_mm * UM_PER_MM).tolist(),
        (found.up_mm * UM_PER_MM).tolist(),
        found.index_x.tolist(),
        found.index_y.tolist(),
        size.tolist(),
        found.kind.tolist(),
        strict=True,
    )
    rows = [
        f" {i} {across:.4f} {up:.4f} {x} {y} {s:.4f} {s:.4f} {s * s:.4f} {s:.4f} {kind}{_REST}"
        for i, (across, up, x, y, s, kind) in enumerate(places, 1)
    ]
    yield "DefectList" if rows else "DefectList;"
    yield from [*rows[:-1], f"{rows[-1]};"] if rows else []
    yield "SummarySpec 5 TESTNO NDEFECT DEFDENSITY NDIE NDEFDIE ;"
    yield "SummaryList"
    yield f" {summary_row(wafer)};"


def _um(length_mm: float) -> str:
    return f"{length_mm * UM_PER_MM:.10e}"
