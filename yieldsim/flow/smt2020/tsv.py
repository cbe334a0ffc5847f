"""Tables of tab-separated text as in SMT2020 and AutoSched, with the place of each cell.

The first line names the columns. Cells are stripped. A cell that begins with ``~`` comments out the
rest of its line. Lines without a value are skipped, and columns that are not asked for are ignored.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from yieldsim.errors import ModelError
from yieldsim.flow.laws import LAWS, Spread, triangular
from yieldsim.model.files.allowed import check_ordinary

__all__ = ["UNIT_MINUTES", "Cells", "Row", "listed", "read_table"]

UNIT_MINUTES = {"sec": 1.0 / 60.0, "min": 1.0, "hr": 60.0, "day": 1440.0}
_MORE_UNITS = {
    "s": "sec", "second": "sec", "seconds": "sec", "m": "min", "minute": "min", "minutes": "min",
    "h": "hr", "hrs": "hr", "hour": "hr", "hours": "hr", "d": "day", "days": "day",
}  # fmt: skip
_DAYS = ("%m/%d/%y", "%m/%d/%Y", "%Y-%m-%d")
_HOURS = ("", " %H:%M", " %H:%M:%S")
_DATE_FORMATS = tuple(day + hour for day in _DAYS for hour in _HOURS)
_DATES = "MM/DD/YY, MM/DD/YYYY or YYYY-MM-DD, with HH:MM or HH:MM:SS or without"
_MOST_DEVIATION = 1.0 / 3.0  # of a normal law's mean: times below 0 stay rare
_LONGEST_MIN = 1e9  # two thousand years
_BYTE_ORDER_MARKS = (b"\xff\xfe", b"\xfe\xff")


class Cells(dict[str, str]):
    """The cells of a row by column, which remembers what was asked for in a set of its table."""

    def __init__(self, cells: Mapping[str, str], asked: set[str]) -> None:
        super().__init__(cells)
        self.asked = asked

    def get(self, key: str, default: str = "") -> str:  # type: ignore[override]
        """The cell, or the default where the table lacks the column."""
        self.asked.add(key)
        return super().get(key, default)


@dataclass(frozen=True)
class Row:
    """One line of a table; its readers raise ModelError with the file, row and column."""

    file: str
    number: int
    cells: Mapping[str, str]
    heads: Mapping[str, str] = field(default_factory=dict)  # headings that differ from columns

    def where(self, column: str) -> str:
        """The place of a cell, for messages."""
        return f"{self.file} row {self.number} column {self.heads.get(column, column)}"

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
        return self.cells.get(column, "")

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
            raise self.error(column, f"is not a {kind}", listed(known))
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
        name = _MORE_UNITS.get(self.optional(units_column).lower(), self.optional(units_column))
        if name not in UNIT_MINUTES:
            raise self.error(units_column, "is not known here", ", ".join(UNIT_MINUTES))
        return UNIT_MINUTES[name]

    def minutes(
        self, column: str, units_column: str, *, default: float | None = None, above: bool = False
    ) -> float:
        """A time in minutes; its unit stands in another column."""
        if not self.has(column) and default is not None:
            return default
        factor = self.minutes_in(units_column)
        return self.number_in(column, 0.0, _LONGEST_MIN / factor, above=above) * factor

    def spread(
        self, law: str, mean: str, second: str, units: str, *, default_law: str = "constant"
    ) -> Spread:
        """A random time, from its law, numbers and unit.

        The first number is the mean. The second is half the width of a uniform time and the
        standard deviation of a normal, lognormal or gamma one. A triangular time has its least,
        most likely and greatest value (in PTIME, PTIME2 and PTIME3, for example).
        """
        name = self.choice(law, LAWS, default_law)
        known = next(known for known in LAWS if known == name)
        factor = self.minutes_in(units)
        most = _LONGEST_MIN / factor
        first = self.number_in(mean, 0.0, most)
        if known == "triangular":
            mode = self.number_in(second, first, most)
            third = second.removesuffix("2") + "3"
            greatest = self.number_in(third, mode, most)
            return triangular(first, mode, greatest).scaled(factor)
        if known in ("constant", "exponential"):
            return Spread(first * factor, 0.0, known)
        if known == "uniform":
            most = first
        elif known == "normal":
            most = first * _MOST_DEVIATION
        width = self.number_in(second, 0.0, most, default=0.0)
        if width > 0.0 and first == 0.0:
            raise self.error(mean, "is out of range", "a number > 0")
        return Spread(first * factor, width * factor, known)

    def date(self, column: str) -> datetime:
        """A date and time, such as ``01/31/18 07:29:20`` or ``2018-01-31 07:29``."""
        text = self.text(column).replace("T", " ")
        for pattern in _DATE_FORMATS:
            try:
                return datetime.strptime(text, pattern)
            except ValueError:
                continue
        raise self.error(column, "is not a date", _DATES)


def read_table(path: Path, needed: tuple[str, ...], asked: set[str] | None = None) -> list[Row]:
    """Read a table that has at least the columns ``needed``; note in ``asked`` what is read of it.

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
    return list(_rows(path.name, header, lines[1:], asked if asked is not None else set()))


def _rows(file: str, header: list[str], lines: list[str], asked: set[str]) -> Iterator[Row]:
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
        yield Row(file, number, Cells(dict(zip(header, values, strict=False)), asked))


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


def listed(names: Mapping[str, object], most: int = 8) -> str:
    """The first names, for a message."""
    shown = list(names)[:most]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "") if shown else "none"
