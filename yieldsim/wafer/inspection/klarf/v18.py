"""KLARF 1.8: records, fields and lists in braces, lengths in nm.

``Record FileRecord "1.8" { Record LotRecord "LOT" { Record WaferRecord "01" { ... } } }`` with
``Field NAME count {values}`` and ``List NAME { Columns n {type name, ...} Data n {row; row; ...}
}``. A field or list that a wafer lacks is taken from its lot.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from yieldsim.errors import ModelError
from yieldsim.wafer.inspection.inspection import Found, Inspection
from yieldsim.wafer.inspection.klarf.numbers import number_table
from yieldsim.wafer.inspection.klarf.parts import NM_PER_MM, defects_of, numbers_of

__all__ = ["read"]

_TOKEN = re.compile(
    rb'\s*(?:(Record|Field|List|Columns|Data)\s+(\w+)(?:\s+("[^"]*"|[\w.+-]+))?\s*\{|(\})|(EndOfFile))'
)
_BRACES = re.compile(rb'"[^"]*"|[{}]')
_VALUE = re.compile(r'"([^"]*)"|([^\s",]+)')
_ROW = re.compile(r'((?:"[^"]*"|[^;"])*);?')
_IMAGES = re.compile(rb"\bImages\s+\d+\s*\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}")
_STRING = re.compile(rb'"[^"]*"')
_NO_IMAGES = re.compile(rb"\bN\b")
_DEEPEST = 32
_LARGEST_MM = 1000.0


@dataclass
class _List:
    columns: list[str] = field(default_factory=list)
    types: list[str] = field(default_factory=list)
    data: bytes = b""


@dataclass
class _Record:
    kind: str
    name: str
    fields: dict[str, list[str]] = field(default_factory=dict)
    lists: dict[str, _List] = field(default_factory=dict)
    records: list[_Record] = field(default_factory=list)

    def all(self, kind: str) -> list[_Record]:
        """The records of a kind inside, at any depth."""
        inner = [found for record in self.records for found in record.all(kind)]
        return [record for record in self.records if record.kind == kind] + inner


def read(where: str, data: bytes) -> list[Inspection]:
    """Return the inspections of a file. Raises ModelError, with the wafer."""
    root = _parse(where, data)
    found = []
    for lot in root.all("lotrecord"):
        for wafer in lot.all("waferrecord"):
            found.append(_inspection(f"{where}: wafer {wafer.name}", lot, wafer))
    return found


def _parse(where: str, data: bytes) -> _Record:
    root = _Record("", "")
    stack: list[_Record | _List] = [root]
    place, ended = 0, False
    while (match := _TOKEN.match(data, place)) is not None:
        place = match.end()
        kind, name, value, closes, end = match.groups()
        if end:
            ended = True
            break
        if closes:
            if len(stack) == 1:
                raise ModelError(where, "closes more braces than it opens", allowed="pairs of {}")
            stack.pop()
            continue
        opened = _open(where, stack[-1], kind.decode(), name.decode(), _plain(value))
        if opened is not None:
            stack.append(opened)
            if len(stack) > _DEEPEST:
                raise ModelError(where, "records too deep", allowed=f"{_DEEPEST} levels")
            continue
        stop = _closing(where, data, place)
        _content(where, stack[-1], kind.decode(), name.decode(), data[place:stop])
        place = stop + 1
    if not ended or len(stack) > 1:
        got = data[place : place + 20].decode("latin-1")
        problem = "cut short, or no record of KLARF 1.8"
        raise ModelError(where, problem, got=got, allowed="whole records, then EndOfFile;")
    return root


def _open(
    where: str, inside: _Record | _List, kind: str, name: str, value: str
) -> _Record | _List | None:
    """Return the record or list that begins, None for what holds values."""
    if kind not in ("Record", "List"):
        return None
    if isinstance(inside, _List):
        raise ModelError(where, f"{kind} inside a list", got=name, allowed="Columns and Data")
    if kind == "Record":
        record = _Record(name.lower(), value)
        inside.records.append(record)
        return record
    made = _List()
    inside.lists[name.lower()] = made
    return made


def _closing(where: str, data: bytes, place: int) -> int:
    """Return where the brace closes that opened before ``place``."""
    simple = data.find(b"}", place)
    if simple >= 0 and data.find(b"{", place, simple) < 0 and data.find(b'"', place, simple) < 0:
        return simple
    depth = 1
    for match in _BRACES.finditer(data, place):
        if match[0] in (b"{", b"}"):
            depth += 1 if match[0] == b"{" else -1
            if not depth:
                return match.start()
    raise ModelError(where, "cut short", allowed="a closing brace for each opening one")


def _content(where: str, inside: _Record | _List, kind: str, name: str, data: bytes) -> None:
    """Take a field's values, or a list's columns or rows."""
    if isinstance(inside, _Record):
        if kind != "Field":
            raise ModelError(where, f"{kind} outside a list", got=name, allowed="Field")
        inside.fields[name.lower()] = _values(data)
    elif kind == "Columns":
        pairs = [part.split() for part in data.decode("latin-1").split(",")]
        if any(len(pair) != 2 for pair in pairs):
            raise ModelError(where, "wrong Columns", got=pairs[0], allowed="type name, type name")
        inside.types = [pair[0].lower() for pair in pairs]
        inside.columns = [pair[1].upper() for pair in pairs]
    else:
        inside.data = data


def _plain(value: bytes | None) -> str:
    return "" if value is None else value.decode("utf-8", "replace").strip('"')


def _values(data: bytes) -> list[str]:
    return [a or b for a, b in _VALUE.findall(data.decode("utf-8", "replace"))]


def _inspection(where: str, lot: _Record, wafer: _Record) -> Inspection:
    fields = lot.fields | wafer.fields
    for name in ("DiePitch", "SampleCenterLocation"):
        if name.lower() not in fields:
            raise ModelError(where, f"lacks {name}", allowed="two numbers, nm")
    pitch, centre, origin = (
        [v / NM_PER_MM for v in numbers_of(f"{where} {name}", fields[name.lower()], 2)]
        if name.lower() in fields
        else [0.0, 0.0]
        for name in ("DiePitch", "SampleCenterLocation", "DieOrigin")
    )
    plan = _plan(where, lot, wafer)
    tests = [lists for lists in wafer.all("testrecord") if "areapertest" in lists.fields]
    areas = [numbers_of(f"{where} AreaPerTest", t.fields["areapertest"], 1)[0] for t in tests]
    return Inspection(
        lot=lot.name,
        wafer=wafer.name,
        step=" ".join(fields.get("stepid", [])),
        device=" ".join(fields.get("deviceid", [])),
        diameter_mm=_diameter(where, fields),
        pitch_mm=(pitch[0], pitch[1]),
        centre_mm=(centre[0] - origin[0], centre[1] - origin[1]),
        dies=plan,
        area_mm2=sum(areas) / NM_PER_MM**2 or len(plan) * pitch[0] * pitch[1],
        found=_defects(where, wafer),
        classes=_classes(where, lot, wafer),
        mark=" ".join(fields.get("orientationmarklocation", [])).upper() or "DOWN",
    ).check(where)


def _diameter(where: str, fields: dict[str, list[str]]) -> float:
    """Return the wafer's diameter, mm; files state it in nm, some in mm."""
    if len(fields.get("samplesize", [])) < 2:
        return 300.0
    size = numbers_of(f"{where} SampleSize", fields["samplesize"], 2)[1]
    return size if size < _LARGEST_MM else size / NM_PER_MM


def _plan(where: str, lot: _Record, wafer: _Record) -> NDArray[np.int64]:
    tables = [
        record.lists["sampletestplanlist"]
        for record in [wafer, *wafer.all("testrecord"), lot]
        if "sampletestplanlist" in record.lists
    ]
    dies = []
    for table in tables:
        rows = number_table(f"{where} SampleTestPlanList", table.data, b";", len(table.columns))
        try:
            place = [table.columns.index(name) for name in ("XINDEX", "YINDEX")]
        except ValueError:
            got, allowed = ", ".join(table.columns), "XINDEX, YINDEX"
            raise ModelError(
                f"{where} SampleTestPlanList", "wrong Columns", got=got, allowed=allowed
            ) from None
        if np.any(rows[:, place] != np.floor(rows[:, place])) or np.any(np.abs(rows) > 2**31):
            raise ModelError(f"{where} SampleTestPlanList", "no index", allowed="whole numbers")
        dies.append(rows[:, place].astype(np.int64))
    return np.unique(np.concatenate(dies), axis=0) if dies else np.zeros((0, 2), np.int64)


def _defects(where: str, wafer: _Record) -> Found:
    table = wafer.lists.get("defectlist")
    if table is None:
        return defects_of(where, ("XREL", "YREL", "XINDEX", "YINDEX"), np.zeros((0, 4)), NM_PER_MM)
    data = table.data
    for kind in set(table.types):
        if "image" in kind:
            data = _NO_IMAGES.sub(b"0", _IMAGES.sub(b"0", data) if b"Images" in data else data)
    if b'"' in data:
        data = _STRING.sub(b"0", data)
    rows = number_table(f"{where} DefectList", data, b";", len(table.columns))
    return defects_of(where, table.columns, rows, NM_PER_MM)


def _classes(where: str, lot: _Record, wafer: _Record) -> dict[int, str]:
    table = wafer.lists.get("classlookuplist") or lot.lists.get("classlookuplist")
    if table is None:
        return {}
    named: dict[int, str] = {}
    for row in _ROW.findall(table.data.decode("utf-8", "replace")):
        values = _values(row.encode())
        if len(values) >= 2:
            try:
                named[int(values[0])] = values[1]
            except ValueError:
                allowed = "number and name"
                raise ModelError(
                    f"{where} ClassLookupList", "wrong row", got=row, allowed=allowed
                ) from None
    return named
