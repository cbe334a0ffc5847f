"""Wafer maps as text: one line per die, ``wafer,x,y,result[,label[,bin]]``.

x counts columns and y rows, from any origin. A result is 0, 1, 2 or none, pass, fail. A cell
without a line has no die. Where the grid is larger than its dies, the writer adds ``none`` lines at
two corners to keep the size of the grid.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from yieldsim.errors import ModelError
from yieldsim.wafer.maps.wafer_maps import FAIL, NONE, PASS, WaferMaps, maps_from_grids

__all__ = ["load", "save"]

_HEADER = ("wafer", "x", "y", "result")
_MORE = ("label", "bin")  # optional, in this order; the bin is for other readers
_RESULTS = {
    "0": NONE, "none": NONE, "1": PASS, "pass": PASS, "2": FAIL, "fail": FAIL,
}  # fmt: skip
_WORDS = ("none", "pass", "fail")
_MOST_CELLS = 10_000_000


@dataclass
class _Wafer:
    label: str
    cells: dict[tuple[int, int], int] = field(default_factory=dict)


def load(path: Path) -> WaferMaps:
    """Read a table of dies. Raises ModelError, with the line, and OSError."""
    wafers: dict[str, _Wafer] = {}
    with path.open(newline="", encoding="utf-8-sig") as stream:
        try:
            table = csv.reader(stream, strict=True)
            columns = _header(path, next(table, []))
            for line in table:
                if line:
                    _add(wafers, f"{path} line {table.line_num}", line, columns)
        except (UnicodeDecodeError, csv.Error) as error:
            raise ModelError(
                str(path), f"cannot be read: {error}", allowed="CSV in UTF-8"
            ) from None
    grids = [_grid(f"{path}: wafer {name}", wafer) for name, wafer in wafers.items()]
    return maps_from_grids(grids, [w.label for w in wafers.values()], list(wafers), str(path))


def _header(path: Path, names: list[str]) -> int:
    """Check the header and return the number of its columns."""
    got = tuple(name.strip().lower() for name in names)
    if got not in (_HEADER, (*_HEADER, "label"), (*_HEADER, *_MORE)):
        allowed = f"{','.join(_HEADER)} and optionally label, bin"
        raise ModelError(f"{path} line 1", "wrong header", got=",".join(names), allowed=allowed)
    return len(got)


def _add(wafers: dict[str, _Wafer], where: str, line: list[str], columns: int) -> None:
    if len(line) != columns:
        raise ModelError(where, "wrong number of columns", got=len(line), allowed=str(columns))
    name, x, y, result = (text.strip() for text in line[:4])
    code = _RESULTS.get(result.lower())
    if code is None:
        raise ModelError(where, "unknown code", got=result, allowed=", ".join(_RESULTS))
    try:
        place = (int(y), int(x))
    except ValueError:
        raise ModelError(where, "not a place", got=f"{x},{y}", allowed="two integers") from None
    wafer = wafers.setdefault(name, _Wafer(line[4].strip() if columns > len(_HEADER) else ""))
    if place in wafer.cells:
        raise ModelError(where, "die listed twice", got=f"{x},{y}", allowed="one line per die")
    wafer.cells[place] = code


def _grid(where: str, wafer: _Wafer) -> NDArray[np.uint8]:
    places = np.array(list(wafer.cells), dtype=np.int64)
    first = places.min(axis=0)
    rows, cols = (places.max(axis=0) - first + 1).tolist()
    if rows * cols > _MOST_CELLS:
        allowed = f"at most {_MOST_CELLS:,} cells"
        raise ModelError(where, "grid too large", got=f"{rows} x {cols}", allowed=allowed)
    grid = np.zeros((rows, cols), np.uint8)
    grid[tuple((places - first).T)] = list(wafer.cells.values())
    return grid


def save(path: Path, maps: WaferMaps) -> None:
    """Write the table that :func:`load` reads."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        table = csv.writer(stream, lineterminator="\n")
        table.writerow((*_HEADER, *(_MORE if maps.bin is not None else _MORE[:1])))
        for w in range(len(maps)):
            grid = maps.grid(w)
            listed = grid > NONE
            listed[0, 0] = listed[-1, -1] = True
            name, label = str(maps.name[w]), str(maps.label[w])
            bins = maps.bin_grid(w)
            for y, x in np.argwhere(listed).tolist():
                row = [name, x, y, _WORDS[grid[y, x]], label]
                if bins is not None:
                    row.append(maps.bin_names[bins[y, x]] if grid[y, x] == PASS else "")
                table.writerow(row)
