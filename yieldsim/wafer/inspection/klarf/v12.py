"""KLARF 1.0 to 1.2: statements that end in a semicolon, lengths in um.

What stands before the first ``WaferID`` holds for all wafers of the file; later statements replace
it. ``DefectList`` has one row a line, of the columns that ``DefectRecordSpec`` names. A defect with
images is followed by a line for each of them, which is left out.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from yieldsim.errors import ModelError
from yieldsim.wafer.inspection.inspection import Found, Inspection
from yieldsim.wafer.inspection.klarf.numbers import number_table
from yieldsim.wafer.inspection.klarf.parts import (
    UM_PER_MM,
    defects_of,
    first_number,
    numbers_of,
    together,
)

__all__ = ["read"]

_KEYWORD = re.compile(rb"\s*([A-Za-z]\w*)")
_REST = re.compile(rb'(?:"[^"]*"|[^;"]+)*')
_WORD = re.compile(r'"([^"]*)"|([^\s"]+)')
_IMAGE_COLUMNS = ("IMAGELIST", "IMAGECOUNT")
_VERSIONS = ("1.0", "1.1", "1.2")


class _Wafer:
    """Statements that hold for a wafer, its die plan, its classes and its defects."""

    def __init__(self, before: _Wafer | None = None) -> None:
        self.fields: dict[str, list[str]] = dict(before.fields) if before else {}
        self.plan: list[NDArray[np.int64]] = []
        self.shared_plan: list[NDArray[np.int64]] = []
        if before is not None:
            self.shared_plan = before.plan or before.shared_plan
        self.areas_mm2: list[float] = []
        self.classes: dict[int, str] = dict(before.classes) if before else {}
        self.columns: list[str] = list(before.columns) if before else []
        self.found: Found | None = None


def read(where: str, data: bytes) -> list[Inspection]:
    """Return the inspections of a file. Raises ModelError, with the wafer."""
    wafer, wafers = _Wafer(), []
    ended = False
    for name, content in _statements(where, data):
        key = name.lower()
        if key == "fileversion":
            _check_version(where, _words(content))
        elif key in ("waferid", "lotid"):
            if wafer.found is not None:  # what follows is of the next wafer
                wafers.append(wafer)
                wafer = _Wafer(wafer)
            wafer.fields[key] = _words(content)
        elif key == "endoffile":
            ended = True
            break
        else:
            _take(f"{where}: wafer {_text(wafer, 'waferid')}", wafer, key, content)
    if not ended:
        raise ModelError(where, "cut short", allowed="a whole KLARF file, to EndOfFile;")
    return [_inspection(where, part) for part in [*wafers, wafer] if part.found is not None]


def _statements(where: str, data: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield keyword and content of each statement."""
    place = 0
    while (match := _KEYWORD.match(data, place)) is not None:
        name = match[1].decode("latin-1")
        if name.lower() == "endoffile":
            yield name, b""
            return
        if name.lower() == "defectlist":  # numbers only: no quotes to look for
            end = data.find(b";", match.end())
        else:
            rest = _REST.match(data, match.end())
            end = -1 if rest is None else rest.end()
        if end < 0 or data[end : end + 1] != b";":
            raise ModelError(f"{where} {name}", "cut short", allowed="a statement up to its ;")
        yield name, data[match.end() : end]
        place = end + 1
    rest_of_file = data[place:].strip()
    if rest_of_file:
        got = rest_of_file[:20].decode("latin-1")
        raise ModelError(where, "no statement of KLARF", got=got, allowed="Keyword values;")


def _check_version(where: str, words: list[str]) -> None:
    version = ".".join(words[:2])
    if version not in _VERSIONS:
        allowed = f"{', '.join(_VERSIONS)}, or 1.8 in its own form"
        raise ModelError(f"{where} FileVersion", "unknown", got=version, allowed=allowed)


def _words(content: bytes) -> list[str]:
    return [a or b for a, b in _WORD.findall(content.decode("utf-8", "replace"))]


def _text(wafer: _Wafer, key: str) -> str:
    return " ".join(wafer.fields.get(key, []))


def _take(where: str, wafer: _Wafer, key: str, content: bytes) -> None:
    """Take one statement into the wafer's."""
    if key in ("sampletestplan", "sampledieplan"):
        wafer.plan.append(_plan(f"{where} SampleTestPlan", content))
    elif key == "areapertest":
        wafer.areas_mm2.append(numbers_of(f"{where} AreaPerTest", _words(content), 1)[0] * 1e-6)
    elif key == "classlookup":
        wafer.classes.update(_classes(f"{where} ClassLookup", _words(content)))
    elif key == "defectrecordspec":
        wafer.columns = [word.upper() for word in _words(content)[1:]]
    elif key == "defectlist":
        if not wafer.columns:
            allowed = "DefectRecordSpec before it"
            raise ModelError(f"{where} DefectList", "has no columns", allowed=allowed)
        spare = 1 if wafer.columns[-1] in _IMAGE_COLUMNS else 0
        place = f"{where} DefectList"
        rows = number_table(place, content, b"\n", len(wafer.columns), spare)
        found = defects_of(where, wafer.columns, rows, UM_PER_MM)
        wafer.found = found if wafer.found is None else together(wafer.found, found)
    else:
        wafer.fields[key] = _words(content)


def _plan(where: str, content: bytes) -> NDArray[np.int64]:
    """Return the dies of a plan: their number, then x and y of each."""
    values = number_table(where, content.replace(b"\n", b" "), b"\n", len(content.split()))
    flat = values.ravel()
    if not flat.size or flat.size != 1 + 2 * flat[0] or np.any(flat != np.floor(flat)):
        got = f"{flat.size - 1} numbers after the count {flat[0]:g}" if flat.size else "nothing"
        raise ModelError(where, "wrong plan", got=got, allowed="a count, then x and y of each die")
    if np.any(np.abs(flat) > 2**31):
        raise ModelError(where, "no index", got=np.abs(flat).max(), allowed="whole numbers")
    return flat[1:].astype(np.int64).reshape(-1, 2)


def _classes(where: str, words: list[str]) -> dict[int, str]:
    try:
        pairs = list(zip(words[1::2], words[2::2], strict=False))
        return {int(number): name for number, name in pairs}
    except ValueError:
        got, allowed = " ".join(words[:6]), "a count, then number and name of each class"
        raise ModelError(where, "wrong classes", got=got, allowed=allowed) from None


def _inspection(where: str, wafer: _Wafer) -> Inspection:
    name = _text(wafer, "waferid")
    place = f"{where}: wafer {name}"
    for key in ("DiePitch", "SampleCenterLocation"):
        if key.lower() not in wafer.fields:
            raise ModelError(place, f"lacks {key}", allowed="two numbers, um")
    pitch, centre = (
        [v / UM_PER_MM for v in numbers_of(f"{place} {key}", wafer.fields[key.lower()], 2)]
        for key in ("DiePitch", "SampleCenterLocation")
    )
    origin = [0.0, 0.0]
    if "dieorigin" in wafer.fields:
        words = wafer.fields["dieorigin"]
        origin = [v / UM_PER_MM for v in numbers_of(f"{place} DieOrigin", words, 2)]
    plan = wafer.plan or wafer.shared_plan
    dies = np.unique(np.concatenate(plan), axis=0) if plan else np.zeros((0, 2), np.int64)
    area = math.fsum(wafer.areas_mm2) or len(dies) * pitch[0] * pitch[1]
    size = wafer.fields.get("samplesize", ["1", "300"])
    assert wafer.found is not None
    return Inspection(
        lot=_text(wafer, "lotid"),
        wafer=name,
        step=_text(wafer, "stepid"),
        device=_text(wafer, "deviceid"),
        diameter_mm=first_number({"size": size[1:]}, "size", 300.0),
        pitch_mm=(pitch[0], pitch[1]),
        centre_mm=(centre[0] - origin[0], centre[1] - origin[1]),
        dies=dies,
        area_mm2=area,
        found=wafer.found,
        classes=wafer.classes,
        mark=_text(wafer, "orientationmarklocation").upper() or "DOWN",
    ).check(place)
