"""Tables of the page: rows by scenario and product, as static HTML and as data for the script.

The script shows the same texts: its formats are those of `cell_text`, ties rounded up as its
`toFixed` does, of numbers that are rounded to `DIGITS` first.
"""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import numpy as np

DIGITS = 9  # single precision keeps all it has
WHOLE = 1_000.0
NOTHING = "–"
TOTAL = "total"
PLACES = {"count": 0, "share": 1, "density": 3, "decimal": 1}
NUMERIC = frozenset(PLACES)
Row = list[Any]
Key = tuple[str, str]


@dataclass(frozen=True)
class Column:
    """A column: its name in CSV, its heading, and how its cells read.

    Formats are ``count`` (1,234), ``share`` (of 1, in percent), ``density`` and ``decimal`` (three
    places and one), ``text``, and ``link`` (an address).
    """

    key: str
    heading: str
    format: str = "text"


@dataclass(frozen=True)
class Table:
    """``rows`` under (scenario, product); an empty name where a table does not depend on it."""

    name: str
    caption: str
    columns: tuple[Column, ...]
    rows: dict[Key, list[Row]]

    def found(self, scenario: str, product: str) -> list[Row]:
        """The rows of a choice: of both, of the scenario, of neither; else of its total."""
        keys = ((scenario, product), (scenario, ""), ("", ""), (scenario, TOTAL))
        return next((self.rows[key] for key in keys if key in self.rows), [])

    def as_data(self) -> dict[str, Any]:
        """The table for the script; rows under ``scenario|product``."""
        return {
            "caption": self.caption,
            "columns": [[c.key, c.heading, c.format] for c in self.columns],
            "rows": {"|".join(key): [kept(row) for row in rows] for key, rows in self.rows.items()},
        }

    def as_html(self, scenario: str, product: str) -> str:
        """The table element with the rows of a choice."""
        heads = "".join(
            f'<th scope="col"{_align(c)}>{html.escape(c.heading)}</th>' for c in self.columns
        )
        body = "\n".join(self._row(row) for row in self.found(scenario, product))
        return (
            f'<table id="table-{self.name}"><caption>{html.escape(self.caption)}</caption>'
            f"<thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"
        )

    def _row(self, row: Row) -> str:
        cells = [
            _cell(column, value, place == 0)
            for place, (column, value) in enumerate(zip(self.columns, kept(row), strict=True))
        ]
        return f"<tr>{''.join(cells)}</tr>"


def kept(row: Sequence[Any]) -> Row:
    """A row with its numbers rounded to `DIGITS`; what is not finite is missing."""
    return [_rounded(value) if isinstance(value, float) else value for value in row]


def _rounded(value: float) -> float | None:
    return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None


def single(values: np.ndarray) -> np.ndarray:
    """Amounts in single precision, those from `WHOLE` on rounded to whole numbers first.

    Single precision is exact for whole numbers up to 16.8 million, so a cell shows what it would
    show in double precision.
    """
    whole = np.floor(values + 0.5)
    return np.where(np.abs(values) >= WHOLE, whole, values).astype(np.float32)


def cell_text(format: str, value: Any) -> str:
    """The text of a cell; a dash where the value is missing."""
    if value is None or value == "":
        return NOTHING
    if format not in NUMERIC:
        return str(value)
    places = PLACES[format]
    exact = Decimal(value * 100.0 if format == "share" else value)
    rounded = exact.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    text = f"{rounded if rounded else abs(rounded):,.{places}f}"  # no -0
    return f"{text} %" if format == "share" else text


def _cell(column: Column, value: Any, is_first: bool) -> str:
    text = html.escape(cell_text(column.format, value))
    if column.format == "link" and isinstance(value, str) and value.startswith("http"):
        text = f'<a href="{html.escape(value)}" rel="noreferrer">{text}</a>'
    tag = 'th scope="row"' if is_first else "td"
    return f"<{tag}{_align(column)}>{text}</{tag.split(maxsplit=1)[0]}>"


def _align(column: Column) -> str:
    return ' class="n"' if column.format in NUMERIC else ""
