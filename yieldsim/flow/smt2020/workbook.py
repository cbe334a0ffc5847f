"""Reading SMT2020's workbook (.xlsx): its sheets as the tables of the text format.

The sheets are Toolgroups, PM, Breakdown, Setups, Transport, Lotrelease and one Route_Product_N for
each route. `headings` maps headings to columns, and `translate` translates the keywords.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from yieldsim.errors import ModelError
from yieldsim.flow.smt2020 import headings, translate
from yieldsim.flow.smt2020.tsv import Row, listed
from yieldsim.model.files.allowed import check_ordinary

__all__ = ["WorkbookTables", "is_workbook"]

_ROUTES = "Route_"
_LARGEST_BYTES = 64 * 2**20
_LARGEST_UNPACKED_BYTES = 1024 * 2**20
_EMPTY_ROWS = 1000  # formatted empty rows may reach to the end of a sheet
_ALLOWED = "a workbook of SMT2020 (.xlsx)"


def is_workbook(path: Path) -> bool:
    """Whether the name is that of a workbook."""
    return path.suffix.lower() in (".xlsx", ".xlsm")


class WorkbookTables:
    """A workbook, read whole."""

    def __init__(self, path: Path, shown: str) -> None:
        self.name = path.stem
        self._shown = shown
        self._sheets = _sheets(path, shown)
        self._tables = {
            "tool.txt": self._translated("Toolgroups", headings.TOOLS),
            "setup.txt": self._translated("Setups", headings.SETUPS),
            "fromto.txt": self._translated("Transport", headings.MOVES),
            "order.txt": self._translated("Lotrelease", headings.ORDERS)
            + self._translated("Lotrelease Engineering", headings.ORDERS),
            "downcal.txt": self._translated("Breakdown", headings.FAILURES),
            "pmcal.txt": self._translated("PM", headings.MAINTENANCE),
        }
        for name in self._sheets:
            if name.startswith(_ROUTES):
                self._tables[name] = self._translated(name, headings.STEPS)
        translate.translate(self._tables, [name for name in self._tables if _ROUTES in name])

    def notes(self) -> tuple[str, ...]:
        """No notes: columns that are not listed in `headings` are only descriptions."""
        return ()

    def has(self, file: str) -> bool:
        """Whether the workbook holds the table."""
        return bool(self._tables.get(file))

    def is_beside(self, file: str) -> bool:
        """Whether a route has a sheet."""
        return file in self._tables

    def rows(self, file: str, needed: tuple[str, ...]) -> list[Row]:
        """The rows of a table; an empty one counts as missing."""
        rows = self._tables.get(file, [])
        if not rows:
            sheet = headings.SHEETS.get(file, file)
            raise ModelError(
                self._shown, f"has no sheet {sheet} with rows", got=listed(self._sheets),
                allowed="Toolgroups, Lotrelease and Route_Product_N",
            )  # fmt: skip
        for column in needed:
            if column not in rows[0].cells:
                known = ", ".join(rows[0].heads.values())
                raise ModelError(
                    f"{rows[0].file} row 1", "lacks a column", got=known,
                    allowed=headings.shown(file, column),
                )  # fmt: skip
        return rows

    def _translated(self, sheet: str, columns: Mapping[str, tuple[str, ...]]) -> list[Row]:
        """A sheet's rows with the columns of the text format."""
        rows = self._sheets.get(sheet, [])
        if not rows:
            return []
        heads = {}
        for column, names in columns.items():
            found = next((name for name in names if name in rows[0][1]), None)
            if found is not None:
                heads[column] = found
        return [
            Row(sheet, number, {c: cells[head] for c, head in heads.items()}, heads)
            for number, cells in rows
        ]


def _sheets(path: Path, shown: str) -> dict[str, list[tuple[int, dict[str, str]]]]:
    """The cells by sheet, row number and heading."""
    try:
        import openpyxl
    except ImportError:
        raise ModelError(shown, "needs openpyxl, which is not installed",
                         allowed="pip install 'yieldsim[xlsx]'") from None  # fmt: skip
    try:
        check_ordinary(path, shown)
        with zipfile.ZipFile(path) as packed:
            unpacked = sum(part.file_size for part in packed.infolist())
        if path.stat().st_size > _LARGEST_BYTES or unpacked > _LARGEST_UNPACKED_BYTES:
            raise ModelError(shown, "is too large", allowed=f"at most {_LARGEST_BYTES} bytes")
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        return {sheet.title: list(_cells(sheet)) for sheet in book.worksheets}
    except ModelError:
        raise
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ModelError(shown, f"cannot be read: {reason}", allowed=_ALLOWED) from None
    except Exception as error:  # openpyxl raises what its parsers raise, for a damaged file
        problem = f"is not a readable workbook: {type(error).__name__}"
        raise ModelError(shown, problem, allowed=_ALLOWED) from None


def _cells(sheet: Any) -> Iterator[tuple[int, dict[str, str]]]:
    heads: list[str] = []
    empty = 0
    for number, values in enumerate(sheet.iter_rows(values_only=True), start=1):
        cells = [_text(value) for value in values]
        if not any(cells):
            empty += 1
            if empty > _EMPTY_ROWS:
                return
            continue
        empty = 0
        if not heads:
            heads = _numbered(" ".join(cell.upper().split()) for cell in cells)
        else:
            yield (
                number,
                dict(zip(heads, cells, strict=False)) | dict.fromkeys(heads[len(cells) :], ""),
            )


def _numbered(names: Iterator[str]) -> list[str]:
    """Headings; of two alike the second gets a 2."""
    seen: list[str] = []
    for name in names:
        seen.append(f"{name} 2" if name and name in seen else name)
    return seen


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, float) and value == int(value):
        return str(int(value))
    return str(value).strip()
