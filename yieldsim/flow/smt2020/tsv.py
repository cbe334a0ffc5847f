"""Tables of tab-separated text as in SMT2020 and AutoSched, with the place of each cell.

The first line names the columns. Cells are stripped. A cell that begins with ``~`` comments out the
rest of its line. Lines without a value are skipped, and columns that are not asked for are ignored.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from yieldsim.errors import ModelError
from yieldsim.flow.laws import LAWS, Spread
from yieldsim.model.files.allowed import check_ordinary

__all__ = ["UNIT_MINUTES", "Row", "read_table"]

UNIT_MINUTES = {"sec": 1.0 / 60.0, "min": 1.0, "hr": 60.0, "day": 1440.0}
_DATE_FORMAT = "%m/%d/%y %H:%M:%S"
_BYTE_ORDER_MARKS = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True)
class Row:
    """One line of a table; its readers raise ModelError with the file, row and column."""

    file: str
    number: int
    cells: Mapping[str, str]

    def where(self, column: str) -> str:
        """The place of a cell, for messages."""
        return f"{self.file} row {self.number} column {column}"

    def error(self, column: str, problem: str, allowed: str) -> ModelError:
        """The error of a cell: its place, its value and what is allowed."""
        return ModelError(
            self.where(column), problem, got=self.cells.get(column, ""), allowed=allowed
        )

    def has(self, column: str) -> bool:
        """Whether the cell holds anything."""
        return self.cells.get(column, "") != ""

    def text(self, column: str) -> str:
        """A text that must not be empty."""
        if not self.has(column):
            raise self.error(column, "is empty", "a name")
        return self.cells[column]

    def optional(self, column: str) -> str:
        """A text, or "" where the cell is empty or the table lacks the column."""
        return self.cells.get(column, "")

    def choice(self, column: str, allowed: tuple[str, ...], default: str | None = None) -> str:
        """One of the allowed words; an empty cell means the default, if there is one."""
        value = self.optional(column)
        if value == "" and default is not None:
            return default
        if value not in allowed:
            raise self.error(column, "is not known here", ", ".join(allowed))
        return value

    def one_of(self, column: str, known: Mapping[str, object], kind: str) -> str:
        """A name that another table defines."""
        name = self.text(column)
        if name not in known:
            raise self.error(column, f"is not a {kind}", _listed(known))
        return name

    def number_in(
        self,
        column: str,
        low: float,
        high: float = math.inf,
        *,
        default: float | None = None,
        above: bool = False,
    ) -> float:
        """A finite number from ``low`` to ``high``; with ``above``, greater than ``low``."""
        text = self.optional(column)
        if text == "" and default is not None:
            return default
        allowed = f"a number {'>' if above else '>='} {low:g}"
        if high < math.inf:
            allowed += f" and <= {high:g}"
        try:
            value = float(text)
        except ValueError:
            raise self.error(column, "is not a number", allowed) from None
        if not math.isfinite(value) or value > high or value < low or (above and value == low):
            raise self.error(column, "is out of range", allowed)
        return value

    def count(self, column: str, low: int, high: int = 10**9, default: int | None = None) -> int:
        """A whole number (``2.0`` is one)."""
        value = self.number_in(column, low, high, default=default)
        if value != int(value):
            raise self.error(column, "is not a whole number", f"a whole number >= {low}")
        return int(value)

    def minutes_in(self, units_column: str) -> float:
        """Minutes of the unit that a cell names."""
        return UNIT_MINUTES[self.choice(units_column, tuple(UNIT_MINUTES))]

    def minutes(
        self, column: str, units_column: str, *, default: float | None = None, above: bool = False
    ) -> float:
        """A time in minutes; its unit stands in another column."""
        if not self.has(column) and default is not None:
            return default
        return self.number_in(column, 0.0, above=above) * self.minutes_in(units_column)

    def spread(
        self, law: str, mean: str, half: str, units: str, *, default_law: str = "constant"
    ) -> Spread:
        """A random time, from four columns."""
        name = self.choice(law, LAWS, default_law)
        factor = self.minutes_in(units)
        middle = self.number_in(mean, 0.0)
        width = self.number_in(half, 0.0, middle, default=0.0) if name == "uniform" else 0.0
        known = next(known for known in LAWS if known == name)
        return Spread(middle * factor, width * factor, known)

    def date(self, column: str) -> datetime:
        """A date and time, such as ``01/31/18 07:29:20``."""
        try:
            return datetime.strptime(self.text(column), _DATE_FORMAT)
        except ValueError:
            raise self.error(column, "is not a date", "MM/DD/YY HH:MM:SS") from None


def read_table(path: Path, needed: tuple[str, ...]) -> list[Row]:
    """Read a table that has at least the columns ``needed``.

    Raises
    ------
    ModelError
        if the file cannot be read, lacks a column, or a line has too many cells.
    """
    lines = _text(path).splitlines()
    if not lines or not lines[0].strip():
        raise ModelError(f"{path.name} row 1", "names no columns", allowed=", ".join(needed))
    header = [cell.strip() for cell in lines[0].split("\t")]
    for column in needed:
        if column not in header:
            raise ModelError(
                f"{path.name} row 1", "lacks a column", got=", ".join(header), allowed=column
            )
    return list(_rows(path.name, header, lines[1:]))


def _rows(file: str, header: list[str], lines: list[str]) -> Iterator[Row]:
    for number, line in enumerate(lines, start=2):
        values = []
        for cell in line.split("\t"):
            if cell.lstrip().startswith("~"):
                break
            values.append(cell.strip())
        if not any(values):
            continue
        if any(values[len(header) :]):
            raise ModelError(
                f"{file} row {number}",
                "has more cells than there are columns",
                got=len(values),
                allowed=f"at most {len(header)}",
            )
        yield Row(file, number, dict(zip(header, values, strict=False)))


def _text(path: Path) -> str:
    try:
        check_ordinary(path, str(path))
        raw = path.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ModelError(str(path), f"cannot be read: {reason}", allowed="a text file") from None
    encoding = "utf-16" if raw.startswith(_BYTE_ORDER_MARKS) else "utf-8-sig"
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError:
        raise ModelError(path.name, "is not text", allowed="UTF-8 or UTF-16") from None


def _listed(names: Mapping[str, object], most: int = 8) -> str:
    shown = list(names)[:most]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "") if shown else "none"
