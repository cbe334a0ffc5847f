"""CSV files as parts of a model.

``[[table]] file = "visits.csv"  into = "processes.{process}.visits.{tool_group}"``: the columns in
braces give a row's place in the model, the others become the keys there. If there is a column
``quarter``, the rows of one place become the points of a schedule. A column ``position_ref`` means
``position = { ref = ... }``.

Each row remembers its line and each cell its column, so that a fault found later is told there.
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from yieldsim.errors import ModelError
from yieldsim.model.files.allowed import MAX_ROWS, AllowedFiles
from yieldsim.model.files.merge import Raw, nested
from yieldsim.model.files.origins import Part, Places
from yieldsim.model.schema.values import shown

_KEYS = {"file", "into"}
_PLACE = re.compile(r"[\w-]+|{\w+}")
# columns whose cells stay texts even if they look like numbers, such as a year or the unit 1
_TEXTS = {"source", "grade", "note", "unit", "title", "published", "url", "quarter"}
_POINTS = {"quarter": "quarters", "value": "values", "low": "low", "high": "high"}
_QUARTER = re.compile(r"\d{4}Q[1-4]")
_ENTITY_STEPS = 2  # of the path to an entry of a table, as in processes.NAME


@dataclass
class _Entry:
    """What the rows of one place give, with the line of the first and the places of the cells."""

    line: int
    raw: Raw = field(default_factory=dict)
    cells: Places = field(default_factory=dict)
    last_quarter: tuple[str, int] = ("", 0)


def read_table(table: Any, path: Path, files: AllowedFiles, where: str) -> list[Part]:
    """The parts of a model given by one ``[[table]]`` entry of the file ``path``.

    Raises ModelError for a CSV file that is missing, ragged, lacks a column that ``into`` names, or
    gives a place twice, and for one that `AllowedFiles` refuses.
    """
    name, into, columns = _checked(table, where)
    files.check_inside(path.parent / name, f"{where}.file", name)
    text = files.read(path.parent / name, name)
    entries: dict[tuple[str, ...], _Entry] = {}
    for line, row in _rows(text, name, columns):
        steps = tuple(row[step[1:-1]] if step[0] == "{" else step for step in into.split("."))
        if not all(steps):
            raise ModelError(f"{name} line {line}", f"needs a name for {into}, got an empty cell")
        rest = {key: text for key, text in row.items() if key not in columns}
        entry = entries.setdefault(steps, _Entry(line))
        _add_row(entry, ".".join(steps), rest, name, line)
    return [_part(steps, entry, name, into) for steps, entry in entries.items()]


def _part(steps: tuple[str, ...], entry: _Entry, name: str, into: str) -> Part:
    place, entity = f"{name} line {entry.line}", None
    if len(steps) > _ENTITY_STEPS:
        column = re.fullmatch(r"\w+\.{(\w+)}\..*", into)
        entity = (steps[0], steps[1], f"{place}, column {column[1]}" if column else place)
    return Part(place, nested(steps, entry.raw), entry.cells, entity)


def _checked(table: Any, where: str) -> tuple[str, str, list[str]]:
    """The file, the path and the columns that the path names."""
    if not isinstance(table, dict) or set(table) != _KEYS:
        raise ModelError(where, f"must have the keys file and into, got {shown(table)}")
    for key, item in table.items():
        if not isinstance(item, str):
            raise ModelError(f"{where}.{key}", f"must be a text, got {shown(item)}")
    name, into = table["file"], table["into"]
    if not all(_PLACE.fullmatch(step) for step in into.split(".")):
        allowed = "names and {column}s joined by dots"
        raise ModelError(f"{where}.into", "is not a path", got=into, allowed=allowed)
    columns = list(dict.fromkeys(re.findall(r"{(\w+)}", into)))
    if not columns:  # its columns tell one of our tables from any other file
        raise ModelError(
            f"{where}.into", "names no column", got=into, allowed="at least one {column}"
        )
    return name, into, columns


def _rows(text: str, name: str, columns: list[str]) -> list[tuple[int, dict[str, str]]]:
    """The rows with their lines, the first line of each where a cell has several."""
    lines = _lines(text, name)
    names = lines[0][1] if lines else []
    for column in columns:
        if column not in names:  # the first line of a file that is no table of ours is not shown
            allowed = f"a CSV file with {', '.join(columns)} in its first line"
            raise ModelError(f"{name} line 1", "lacks a column", got=column, allowed=allowed)
    if len(set(names)) != len(names):
        raise ModelError(f"{name} line 1", f"has a column twice, got {', '.join(names)}")
    for line, cells in lines[1:]:
        if len(cells) != len(names):
            problem = f"truncated or ragged row, got {len(cells)} columns"
            allowed = f"{len(names)}: {', '.join(names)}"
            raise ModelError(f"{name} line {line}", problem, allowed=allowed)
    return [(line, dict(zip(names, cells, strict=True))) for line, cells in lines[1:]]


def _lines(text: str, name: str) -> list[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    lines: list[tuple[int, list[str]]] = []
    before = 0
    try:
        for cells in reader:
            if cells:
                lines.append((before + 1, cells))
            before = reader.line_num
            if len(lines) > MAX_ROWS + 1:
                raise ModelError(name, "has too many rows", allowed=f"{MAX_ROWS} rows")
    except csv.Error as error:
        raise ModelError(f"{name} line {before + 1}", f"cannot be read ({error})") from None
    return lines


def _add_row(entry: _Entry, path: str, row: dict[str, str], name: str, line: int) -> None:
    where = f"{name} line {line}"
    is_series = "quarter" in row
    _check_repeated(entry, path, row, where, line)
    for key, text in row.items():
        if not text.strip():
            continue
        item = text.strip() if key in _TEXTS else _number_or_text(text.strip())
        place = f"{where}, column {key}"
        if is_series and key in _POINTS:
            points = entry.raw.setdefault(_POINTS[key], [])
            entry.cells[f"{path}.{_POINTS[key]}.{len(points)}"] = place
            points.append(item)
            continue
        target = key.removesuffix("_ref")
        value: Any = item if target == key else {"ref": item}
        if entry.raw.setdefault(target, value) != value:
            problem = f"differs from the rows above in {key}, got {shown(value)}"
            raise ModelError(where, problem, allowed=shown(entry.raw[target]))
        entry.cells.setdefault(f"{path}.{target}", place)
        if target != key:
            entry.cells.setdefault(f"{path}.{target}.ref", place)


def _check_repeated(entry: _Entry, path: str, row: dict[str, str], where: str, line: int) -> None:
    """Refuse a place given twice; the rows of a series must have rising quarters."""
    if "quarter" not in row:
        if line != entry.line:
            raise ModelError(where, f"repeats {path} of line {entry.line}", allowed="one row")
        return
    quarter = row["quarter"].strip()
    if not quarter and any(row.get(key, "").strip() for key in _POINTS):
        raise ModelError(where, "needs a quarter, got an empty cell")
    if not _QUARTER.fullmatch(quarter):
        return  # the schema refuses it
    before, above = entry.last_quarter
    if quarter <= before:
        problem = f"repeats a quarter of {path}" if quarter == before else "quarters must rise"
        allowed = f"after {before} of line {above}"
        raise ModelError(f"{where}, column quarter", problem, got=quarter, allowed=allowed)
    entry.last_quarter = (quarter, line)


def _number_or_text(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text
