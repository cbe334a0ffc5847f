"""KLARF 1.8: the same figures as records and lists, lengths in whole nm."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from yieldsim.wafer.inspection.inspection import Inspection
from yieldsim.wafer.inspection.klarf.parts import NM_PER_MM, STAMP, quoted, summary_row

__all__ = ["text"]

_COLUMNS = (
    "int32 DEFECTID, int32 XREL, int32 YREL, int32 XINDEX, int32 YINDEX, int32 XSIZE, int32 YSIZE, "
    "float DEFECTAREA, int32 DSIZE, int32 CLASSNUMBER, int32 TEST"
)
_NM_PER_UM = 1000.0


def text(wafers: Sequence[Inspection]) -> str:
    """Return one file of all wafers; they must share step, device, diameter and pitch."""
    # some readers drop line ends, so that a blank must part the lines
    return " \n".join(line.replace("\n", " \n") for line in _lines(wafers)) + "\n"


def _lines(wafers: Sequence[Inspection]) -> Iterator[str]:
    date, time = STAMP.split()
    yield 'Record FileRecord "1.8"\n{'
    yield f'Field FileTimestamp 2 {{"{date}", "{time}"}}'
    for lot in dict.fromkeys(wafer.lot for wafer in wafers):
        yield from _lot([wafer for wafer in wafers if wafer.lot == lot])
    yield "}\nEndOfFile;"


def _lot(wafers: Sequence[Inspection]) -> Iterator[str]:
    first, (date, time) = wafers[0], STAMP.split()
    yield f"Record LotRecord {quoted(first.lot)}\n{{"
    yield f"Field DeviceID 1 {{{quoted(first.device)}}}"
    yield f"Field DiePitch 2 {{{_nm(first.pitch_mm[0])}, {_nm(first.pitch_mm[1])}}}"
    yield 'Field InspectionStationID 3 {"yieldsim", "simulation", "1"}'
    yield f'Field OrientationMarkLocation 1 {{"{first.mark}"}}'
    yield f'Field RecipeID 3 {{"yieldsim", "{date}", "{time}"}}'
    yield f'Field ResultTimestamp 2 {{"{date}", "{time}"}}'
    yield 'Field SampleOrientationMarkType 1 {"NOTCH"}'
    yield f"Field SampleSize 2 {{1, {_nm(first.diameter_mm)}}}"
    yield 'Field SampleType 1 {"WAFER"}'
    yield f"Field StepID 1 {{{quoted(first.step)}}}"
    if first.classes:
        rows = [f"{number} {quoted(name)}" for number, name in sorted(first.classes.items())]
        yield from _list("ClassLookupList", "int32 CLASSNUMBER, string CLASSNAME", rows)
    for slot, wafer in enumerate(wafers, 1):
        yield from _wafer(wafer, slot)
    yield "}"


def _wafer(wafer: Inspection, slot: int) -> Iterator[str]:
    yield f"Record WaferRecord {quoted(wafer.wafer)}\n{{"
    yield "Field DieOrigin 2 {0, 0}"
    yield (f"Field SampleCenterLocation 2 {{{_nm(wafer.centre_mm[0])}, {_nm(wafer.centre_mm[1])}}}")
    yield f"Field SlotNumber 1 {{{slot}}}"
    yield from _list("DefectList", _COLUMNS, _defects(wafer))
    yield 'Record TestRecord "1"\n{'
    yield f"Field AreaPerTest 1 {{{wafer.area_mm2 * NM_PER_MM**2:.10e}}}"
    plan = [f"{x} {y}" for x, y in wafer.dies.tolist()]
    yield from _list("SampleTestPlanList", "int32 XINDEX, int32 YINDEX", plan)
    yield "}"
    yield "Record SummaryRecord\n{"
    columns = "int32 TESTNO, int32 NDEFECT, float DEFDENSITY, int32 NDIE, int32 NDEFDIE"
    yield from _list("TestSummaryList", columns, [summary_row(wafer)])
    yield "}\n}"


def _defects(wafer: Inspection) -> list[str]:
    found = wafer.found
    across, up = (
        np.rint(place * NM_PER_MM).astype(int) for place in (found.across_mm, found.up_mm)
    )
    size = np.rint(np.nan_to_num(found.size_um) * _NM_PER_UM).astype(int)
    columns = (across, up, found.index_x, found.index_y, size, found.kind)
    return [
        f"{i} {a} {b} {x} {y} {s} {s} {float(s) * s:.6g} {s} {kind} 1"
        for i, (a, b, x, y, s, kind) in enumerate(
            zip(*(c.tolist() for c in columns), strict=True), 1
        )
    ]


def _list(name: str, columns: str, rows: Sequence[str]) -> Iterator[str]:
    yield f"List {name}\n{{"
    yield f"Columns {columns.count(',') + 1} {{ {columns} }}"
    yield f"Data {len(rows)}\n{{"
    yield from (f"{row} ;" for row in rows)
    yield "}\n}"


def _nm(length_mm: float) -> str:
    return f"{round(length_mm * NM_PER_MM)}"
