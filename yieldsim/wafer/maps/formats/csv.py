"""Wafer maps as text: a line per die, with the columns named in the first line, in any order.

A line needs the die's place (``x`` counts columns, ``y`` rows, from any origin) and its ``result``
(none, pass, fail; also 0, 1, 2) or its bins (``hard_bin``, ``soft_bin`` or ``bin``: bin 1 passes,
unless the options say otherwise). Bins are kept, whichever column says what passes. ``wafer``,
``lot`` and ``label`` are optional. Other columns are ignored. Columns are separated by commas,
semicolons or tabs; lines that begin with ``#`` or ``//`` are comments. A cell without a line has no
die. Where the grid is larger than its dies, the writer adds ``none`` lines at two corners to keep
the size of the grid.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from yieldsim.errors import ModelError
from yieldsim.wafer.maps.bins import BinNames, TwoBins, shifted
from yieldsim.wafer.maps.die_table import DieTable, wafers_of
from yieldsim.wafer.maps.formats.written_codes import Note, silent
from yieldsim.wafer.maps.options import ReadOptions
from yieldsim.wafer.maps.quick_csv import LEAST_BYTES, quick_table
from yieldsim.wafer.maps.wafer_maps import FAIL, NONE, PASS, WaferMaps

__all__ = ["load", "recognizes", "save"]

_HEADER = ("wafer", "x", "y", "result", "label", "lot")
_WORDS = ("none", "pass", "fail")  # also written for the bin of a die whose bin is not known
_RESULTS = {
    **dict.fromkeys(("0", "none", "null", ""), NONE),
    **dict.fromkeys(("1", "pass", "passed", "p", "good", "ok"), PASS),
    **dict.fromkeys(("2", "fail", "failed", "f", "bad", "reject", "ng"), FAIL),
}
_FLAGS = {
    **dict.fromkeys(("0", "false", "n", "no", "f", "fail"), FAIL),
    **dict.fromkeys(("1", "true", "y", "yes", "p", "pass"), PASS),
    **dict.fromkeys(("", "none"), NONE),
}
# Names of columns as files have them, without case, blanks and underscores.
_NAMES = {
    "wafer": ("wafer", "waferid", "waferno", "wafernum", "wafernumber", "wafername", "waf"),
    "lot": ("lot", "lotid", "lotno", "lotname"),
    "label": ("label", "failuretype", "pattern", "class"),
    "x": ("x", "diex", "xdie", "xcoord", "xcoordinate", "xindex", "col", "column", "xpos"),
    "y": ("y", "diey", "ydie", "ycoord", "ycoordinate", "yindex", "row", "ypos"),
    "result": ("result", "passfail", "pf", "status", "testresult", "quality"),
    "flag": ("pass", "passed", "ispass", "good", "isgood", "passflag"),
    "hard": ("hardbin", "hbin", "hb", "hwbin", "hbinnum", "hardwarebin"),
    "soft": ("softbin", "sbin", "sb", "swbin", "sbinnum", "softwarebin"),
    "bin": ("bin", "bincode", "binnum", "binnumber"),
}
_OUTCOMES = {"result", "flag", "hard", "soft", "bin"}
_COLUMN_OF = {name: column for column, names in _NAMES.items() for name in names}
_TEXTS: tuple[str, ...] = ("wafer", "lot", "label")
_COMMENTS = ("#", "//", "sep=")  # the last is a spreadsheet's word for what parts columns
_BATCH = 65536
_NEEDED = "x, y and result (or hard_bin, soft_bin, bin), and optionally wafer, lot, label"


def recognizes(head: bytes) -> bool:
    """Whether a file that begins so may be a table of dies."""
    for line in head.decode("utf-8-sig", "replace").splitlines():
        if line.strip() and not line.lstrip().startswith(_COMMENTS):
            found = _columns(next(csv.reader([line], delimiter=_delimiter(line))))
            return "x" in found and "y" in found
    return False


def load(path: Path, options: ReadOptions) -> WaferMaps:
    """Read a table of dies. Raises ModelError, with the line, and OSError."""
    with path.open(newline="", encoding="utf-8-sig") as stream:
        try:
            table = _quick(path, stream, options) or _read(path, stream, options)
        except (UnicodeDecodeError, csv.Error) as error:
            problem = f"cannot be read: {error}"
            raise ModelError(str(path), problem, allowed="CSV in UTF-8") from None
    return wafers_of(str(path), table, options)


def _quick(path: Path, stream: TextIO, options: ReadOptions) -> DieTable | None:
    """Read a large and plain table, None for any other one."""
    data = path.read_bytes() if path.stat().st_size >= LEAST_BYTES else b""
    start = 0
    while data.startswith(tuple(word.encode() for word in _COMMENTS), start):
        start = data.find(b"\n", start) + 1 or len(data)
    end = data.find(b"\n", start) + 1
    if not end:
        return None
    first = data[start:end].decode("utf-8-sig")
    delimiter = _delimiter(first)
    names = next(csv.reader([first], delimiter=delimiter), [])
    columns = _columns(names)
    if "x" not in columns or "y" not in columns or not columns.keys() & _OUTCOMES:
        return None
    meaning = _Meaning(str(path), columns, options)
    bins = _Bins(str(path), columns)
    places = {key: columns[key] for key in (*_TEXTS, "x", "y") if key in columns}
    places |= {"code": meaning.column, **bins.columns}
    table = quick_table(
        str(path),
        data[end:],
        delimiter,
        len(names),
        places,
        lambda t: meaning.of(tuple(t), [0] * len(t)),
        bins.names,
    )
    if table is not None:
        meaning.finish()
    return table


def _read(path: Path, stream: TextIO, options: ReadOptions) -> DieTable:
    """Read any table, line by line."""
    lines = _Lines(stream)
    first = next(iter(lines), "")
    lines.push(first)
    reader = csv.reader(lines, strict=True, delimiter=_delimiter(first))
    names = next(reader, [])
    columns = _columns(names)
    if "x" not in columns or "y" not in columns or not columns.keys() & _OUTCOMES:
        got = ",".join(names)
        raise ModelError(
            f"{path} line {max(lines.number, 1)}", "wrong header", got=got, allowed=_NEEDED
        )
    meaning, bins = _Meaning(str(path), columns, options), _Bins(str(path), columns)
    table = DieTable(str(path), bins=bins.names)
    batch: list[list[str]] = []
    numbers: list[int] = []
    for row in reader:
        batch.append(row)
        numbers.append(lines.number)
        if len(batch) == _BATCH:
            _add(table, batch, numbers, len(names), columns, meaning, bins)
            batch, numbers = [], []
    _add(table, batch, numbers, len(names), columns, meaning, bins)
    meaning.finish()
    return table


class _Lines:
    """The lines of a file less comments and empty ones, with the number of the current line."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._pushed: list[str] = []
        self.number = 0

    def push(self, line: str) -> None:
        """Let the next line be this one again."""
        self._pushed.append(line)

    def __iter__(self) -> Iterator[str]:
        while self._pushed:
            yield self._pushed.pop()
        for line in self._stream:
            self.number += 1
            if not line.isspace() and not line.lstrip().startswith(_COMMENTS):
                yield line


def _delimiter(line: str) -> str:
    """Return what separates the columns of a header: the most frequent of four."""
    return max(",;\t|", key=line.count)


def _columns(names: list[str]) -> dict[str, int]:
    """Return the place of each column that is read; of two with one meaning the first counts."""
    found: dict[str, int] = {}
    for place, name in enumerate(names):
        plain = "".join(filter(str.isalnum, name.lower()))
        if plain in _COLUMN_OF:
            found.setdefault(_COLUMN_OF[plain], place)
    return found


def _add(
    table: DieTable,
    batch: list[list[str]],
    numbers: list[int],
    width: int,
    columns: dict[str, int],
    meaning: _Meaning,
    bins: _Bins,
) -> None:
    """Add a batch of lines to the table."""
    if not batch:
        return
    for row, number in zip(batch, numbers, strict=True):
        if len(row) != width:
            where = f"{table.where} line {number}"
            raise ModelError(where, "wrong number of columns", got=len(row), allowed=str(width))
    by_column = list(zip(*batch, strict=True))
    texts = {key: by_column[columns[key]] for key in _TEXTS if key in columns}
    x, y = by_column[columns["x"]], by_column[columns["y"]]
    codes = meaning.of(by_column[meaning.column], numbers)
    table.add(texts, x, y, bins.words(codes, by_column), numbers)


class _Bins:
    """The columns of hard and soft bins; a column named only bin holds hard bins."""

    def __init__(self, where: str, columns: dict[str, int]) -> None:
        hard = columns.get("hard", columns.get("bin"))
        soft = columns.get("soft")
        found = {"hard": hard, "soft": soft}
        self.columns = {key: place for key, place in found.items() if place is not None}
        self.names = TwoBins(BinNames(where), BinNames(where))

    def words(self, codes: list[int], by_column: Sequence[Sequence[str]]) -> NDArray[np.integer]:
        """Return the word of each line."""
        if not self.columns:
            return np.array(codes, np.uint8)
        words = np.array(codes, np.int64)
        for names, key in zip(self.names, ("hard", "soft"), strict=True):
            if key in self.columns:
                words |= shifted(key, names.numbers(by_column[self.columns[key]]))
        return words


class _Meaning:
    """What the results or bins of a table mean: by options, by result, by flag, or bin 1 passes."""

    def __init__(self, where: str, columns: dict[str, int], options: ReadOptions) -> None:
        by_bin: tuple[str, ...] = (options.bins, "hard", "bin", "soft")
        bins = [key for key in by_bin if key in columns]
        plain: list[str] = [key for key in ("result", "flag") if key in columns]
        wanted = bins + plain if options.pass_bins is not None else plain + bins
        self._where, self._options, self._key = where, options, wanted[0]
        self._by_bin = self._key in bins or options.pass_bins is not None
        self.column = columns[self._key]
        self._known: dict[str, int] = {}

    def of(self, texts: tuple[str, ...], numbers: list[int]) -> list[int]:
        """Return the codes of a column's texts. Raises ModelError for an unknown one."""
        for text in set(texts) - self._known.keys():
            code = self._one(text.strip())
            if code is None:
                line = numbers[texts.index(text)]
                allowed = ", ".join(filter(None, _FLAGS if self._key == "flag" else _RESULTS))
                if self._by_bin:
                    allowed = "a bin, a whole number or letters"
                where = f"{self._where} line {line}"
                raise ModelError(where, "unknown code", got=text, allowed=allowed)
            self._known[text] = code
        return [*map(self._known.__getitem__, texts)]

    def _one(self, text: str) -> int | None:
        if not self._by_bin:
            known = _FLAGS if self._key == "flag" else _RESULTS
            return known.get(text.lower())
        if text.lower() in ("", "none", "null", "-1"):
            return NONE
        if not text.isalnum():
            return None
        passes = self._options.passes(text)
        return PASS if (text.lstrip("0") == "1" if passes is None else passes) else FAIL

    def finish(self) -> None:
        """Note what was assumed, and refuse what would be a guess."""
        found = {text.strip() for text in self._known}
        words = {text.lower() for text in found} <= {*_RESULTS, *_FLAGS}
        if words and self._key in ("result", "flag") and PASS not in self._known.values():
            self._options.refuse_bins(f"{self._where}: column {self._key}")
        if not self._by_bin and self._key == "result" and found == {"0", "1"}:
            raise ModelError(
                self._where,
                "results are 0 and 1 only, so 0 may be a fail or no die",
                got="0, 1",
                allowed="--pass-bins 1 (0 fails), or results none, pass, fail",
            )
        if self._by_bin and self._options.pass_bins is None and found:
            kind = {"hard": "hard bin", "soft": "soft bin"}.get(self._key, "bin")
            if PASS not in self._known.values():
                got, allowed = ", ".join(sorted(found)[:8]), "--pass-bins with the bins that pass"
                raise ModelError(self._where, f"no die is in {kind} 1", got=got, allowed=allowed)
            self._options.note(f"{self._where}: {kind} 1 passes, all others fail (--pass-bins)")


def save(path: Path, maps: WaferMaps, note: Note = silent) -> None:
    """Write the table that :func:`load` reads."""
    bins = {"bin": maps.hard, "soft_bin": maps.soft}
    known = {column: found for column, found in bins.items() if found is not None}
    with path.open("w", newline="", encoding="utf-8") as stream:
        table = csv.writer(stream, lineterminator="\n")
        table.writerow((*_HEADER, *known))
        origin = maps.origin()
        for w in range(len(maps)):
            grid = maps.grid(w)
            listed = grid > NONE
            listed[0, 0] = listed[-1, -1] = True
            name, label, lot = str(maps.name[w]), str(maps.label[w]), str(maps.lot[w])
            top, left = origin[w].tolist()
            for y, x in np.argwhere(listed).tolist():
                result = _WORDS[grid[y, x]]
                row = [name, x + left, y + top, result, label, lot]
                cell = maps.offset[w] + y * maps.cols[w] + x
                row += [found.names[found.cell[cell]] or result for found in known.values()]
                table.writerow(row)
