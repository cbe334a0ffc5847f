"""CSV files as parts of a model.

``[[table]] file = "visits.csv"  into = "processes.{process}.visits.{tool_group}"``: the columns in
braces give a row's place in the model, the others become the keys there. If there is a column
``quarter``, the rows of one place become the points of a schedule. A column ``position_ref`` means
``position = { ref = ... }``.
"""

from __future__ import annotations

import csv
import io
import itertools
import re
from pathlib import Path
from typing import Any

from yieldsim.errors import ModelError
from yieldsim.model.files.allowed import MAX_ROWS, AllowedFiles
from yieldsim.model.files.merge import Raw, nested
from yieldsim.model.schema.values import shown

_KEYS = {"file", "into"}
_PLACE = re.compile(r"[\w-]+|{\w+}")
# columns whose cells stay texts even if they look like numbers, such as a year or the unit 1
_TEXTS = {"source", "grade", "note", "unit", "title", "published", "url", "quarter"}
_POINTS = {"quarter": "quarters", "value": "values", "low": "low", "high": "high"}


def read_table(table: Any, path: Path, files: AllowedFiles, where: str) -> list[tuple[str, Raw]]:
    """The parts of a model given by one ``[[table]]`` entry of the file ``path``.

    Raises ModelError for a CSV file that is missing, ragged, or lacks a column that ``into`` names,
    and for one that `AllowedFiles` refuses.
    """
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
    files.check_inside(path.parent / name, f"{where}.file", name)
    text = files.read(path.parent / name, name)
    gathered: dict[tuple[str, ...], Raw] = {}
    for line, row in _rows(text, name, columns):
        steps = tuple(row[step[1:-1]] if step[0] == "{" else step for step in into.split("."))
        if not all(steps):
            raise ModelError(f"{name} line {line}", f"needs a name for {into}, got an empty cell")
        rest = {key: text for key, text in row.items() if key not in columns}
        _add_row(gathered.setdefault(steps, {}), rest, f"{name} line {line}")
    return [(name, nested(steps, entry)) for steps, entry in gathered.items()]


def _rows(text: str, name: str, columns: list[str]) -> list[tuple[int, dict[str, str]]]:
    try:
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        rows = ((reader.line_num, cells) for cells in reader if cells)
        lines = list(itertools.islice(rows, MAX_ROWS + 2))
    except csv.Error as error:
        raise ModelError(name, f"cannot be read ({error})") from None
    if len(lines) > MAX_ROWS + 1:
        raise ModelError(name, "has too many rows", allowed=f"{MAX_ROWS} rows")
    names = lines[0][1] if lines else []
    for column in columns:
        if column not in names:  # the first line of a file that is no table of ours is not shown
            allowed = f"a CSV file with {', '.join(columns)} in its first line"
            raise ModelError(name, "lacks a column", got=column, allowed=allowed)
    if len(set(names)) != len(names):
        raise ModelError(name, f"has a column twice, got {', '.join(names)}")
    for line, cells in lines[1:]:
        if len(cells) != len(names):
            problem = f"truncated or ragged row, got {len(cells)} columns"
            allowed = f"{len(names)}: {', '.join(names)}"
            raise ModelError(f"{name} line {line}", problem, allowed=allowed)
    return [(line, dict(zip(names, cells, strict=True))) for line, cells in lines[1:]]


def _add_row(entry: Raw, row: dict[str, str], where: str) -> None:
    series = "quarter" in row
    for key, text in row.items():
        if not text.strip():
            continue
        item = text.strip() if key in _TEXTS else _number_or_text(text.strip())
        if series and key in _POINTS:
            entry.setdefault(_POINTS[key], []).append(item)
            continue
        name = key.removesuffix("_ref")
        value: Any = item if name == key else {"ref": item}
        if entry.setdefault(name, value) != value:
            problem = f"differs from the rows above in {key}, got {shown(value)}"
            raise ModelError(where, problem, allowed=shown(entry[name]))


def _number_or_text(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text
