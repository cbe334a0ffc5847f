"""A file of published figures: what was counted, when, and the matching figure of an ensemble.

Each row is a figure: ``entity``, ``period`` (``2025``, ``2025H1`` or ``2025Q1``), ``low``,
``central``, ``high``, ``unit`` and ``source``; a row without any number is listed and passed over.
Optional columns say

- what it is compared with: ``variable`` (of the ensemble; empty if nothing matches), ``select``
  (which labels are summed, such as ``product=ascend_*|kirin_*; bin=bin_1``), ``factor`` (times the
  ensemble's figure), ``per`` (``period``, ``quarter`` or ``month``) and ``comparable`` (how far the
  two count the same, or why they are not compared);
- what it is worth as a test: ``role`` (``check``, ``input`` or ``forecast``), ``sets`` (for an
  input: the parameters of the model that rest on it, separated by ``;``) and ``house`` (who
  published it; several figures of one house for one thing are one source);
- what it weighs in `conditioning`: ``spread``, the standard deviation of its error, relative
  (``20%`` of the central figure or of the middle of the range) or in the unit of the row
  (``50000``), and ``independence_group``: figures of one group share one vote;
- ``remark``: why the ensemble differs, or what else a reader should know.
"""

from __future__ import annotations

import csv
import io
import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from yieldsim.errors import ModelError
from yieldsim.model.files.allowed import MAX_ROWS, read_text
from yieldsim.model.files.toml import SHIPPED

SHIPPED_EVIDENCE = SHIPPED / "evidence.csv"
SHIPPED_FORECASTS = SHIPPED / "forecasts.csv"
COLUMNS = ("entity", "period", "low", "central", "high", "unit", "source")
MATCHING = ("variable", "select", "factor", "per", "comparable")
WORTH = ("role", "sets", "house", "remark")
WEIGHING = ("spread", "independence_group")
OPTIONAL = ("kind", "published", "url", *MATCHING, *WORTH, *WEIGHING)
PER = ("period", "quarter", "month")
CHECK, INPUT, FORECAST = "check", "input", "forecast"
ROLES = (CHECK, INPUT, FORECAST)
NUMBERS = ("low", "central", "high")
MOST = 1e15  # chips, wafers, stacks or yuan: more than the world makes in a year
MOST_SPREAD_PERCENT = 1000.0  # an error ten times the figure says nothing about it


@dataclass(frozen=True)
class Published:
    """A row. ``variable`` is None if the file lacks the column, and empty if the cell is."""

    place: str
    entity: str
    period: str
    unit: str
    source: str
    low: float | None
    central: float | None
    high: float | None
    variable: str | None
    select: tuple[tuple[str, tuple[str, ...]], ...]
    factor: float
    per: str
    comparable: str
    kind: str
    published: str
    url: str
    role: str
    sets: tuple[str, ...]
    house: str
    remark: str
    spread: str
    group: str

    @property
    def has_number(self) -> bool:
        """Whether the row gives any figure."""
        return not self.low is self.central is self.high is None

    @property
    def counted(self) -> str:
        """The first word of the unit: what is counted, without remarks."""
        return (self.unit.split() or [""])[0].strip(":;,.").lower()

    @property
    def standard_deviation(self) -> float | None:
        """That of the row's error, in its unit; None where the file gives no spread."""
        if not self.spread:
            return None
        number, relative = _spread(self.place, self.spread)
        known = [x for x in (self.low, self.high) if x is not None]
        middle = self.central if self.central is not None else sum(known) / len(known)
        return number * middle if relative else number

    @property
    def bounds(self) -> tuple[float, float]:
        """The published range; open on the other side if only a bound is given."""
        known = [x for x in (self.low, self.central, self.high) if x is not None]
        if self.central is None and self.low is None:
            return -math.inf, max(known)
        if self.central is None and self.high is None:
            return min(known), math.inf
        return min(known), max(known)


def read_published(path: Path) -> list[Published]:
    """The rows of a CSV file in UTF-8.

    Raises ModelError, with the line, for a file that cannot be read, lacks a column or has
    ragged rows, and for a figure that is not a number, negative, missing or above the next.
    """
    lines = _lines(path)
    return [_row(path, line, cells) for line, cells in lines]


def _lines(path: Path) -> list[tuple[int, dict[str, str]]]:
    try:
        reader = csv.DictReader(io.StringIO(read_text(path, str(path)), newline=""))
        names = [name.strip() for name in reader.fieldnames or []]
        reader.fieldnames = names
        rows = [(reader.line_num, row) for row in itertools.islice(reader, MAX_ROWS + 1)]
    except csv.Error as error:
        raise ModelError(str(path), f"cannot be read as CSV ({error})") from None
    if len(rows) > MAX_ROWS:
        raise ModelError(str(path), "has too many rows", allowed=f"{MAX_ROWS} rows")
    _check_names(path, names)
    for line, row in rows:
        if None in row or None in row.values():
            raise ModelError(
                f"{path.name} line {line}", "truncated or ragged row", allowed=", ".join(names)
            )
    return rows


def _check_names(path: Path, names: list[str]) -> None:
    missing = [column for column in COLUMNS if column not in names]
    if missing:
        raise ModelError(
            path.name, f"lacks the columns {', '.join(missing)}", allowed=", ".join(COLUMNS)
        )
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if twice:
        raise ModelError(path.name, "has a column twice", got=twice[0])


def _row(path: Path, line: int, cells: dict[str, str]) -> Published:
    text = {name: cells.get(name, "").strip() for name in (*COLUMNS, *OPTIONAL)}
    place = f"{path.name} line {line} ({text['entity']} {text['period']})"
    low, central, high = (_number(place, name, text[name]) for name in NUMBERS)
    _check_order(place, {"low": low, "central": central, "high": high})
    return Published(
        place=place,
        entity=text["entity"],
        period=text["period"],
        unit=text["unit"],
        source=text["source"],
        low=low,
        central=central,
        high=high,
        variable=text["variable"] if "variable" in cells else None,
        select=_select(place, text["select"]),
        factor=_factor(place, text["factor"]),
        per=_one_of(place, "per", text["per"], PER),
        comparable=text["comparable"],
        kind=text["kind"],
        published=text["published"],
        url=text["url"],
        role=_one_of(place, "role", text["role"], ROLES),
        sets=_sets(place, text["role"], text["sets"]),
        house=text["house"] or text["source"],
        remark=text["remark"],
        spread=_checked_spread(place, text["spread"]),
        group=text["independence_group"],
    )


def _number(place: str, name: str, text: str) -> float | None:
    """A figure that may be missing."""
    allowed = f"0 to {MOST:g}"
    return _finite(place, name, text, lambda x: 0.0 <= x <= MOST, allowed) if text else None


def _factor(place: str, text: str) -> float:
    allowed = f"above 0, at most {MOST:g}"
    return _finite(place, "factor", text, lambda x: 0.0 < x <= MOST, allowed) if text else 1.0


def _checked_spread(place: str, text: str) -> str:
    """The spread as it stands, once it can be read."""
    if text:
        _spread(place, text)
    return text


def _spread(place: str, text: str) -> tuple[float, bool]:
    """A standard deviation above zero, and whether it is relative."""
    number, relative = text.removesuffix("%").strip(), text.endswith("%")
    most = MOST_SPREAD_PERCENT if relative else MOST
    allowed = f"above 0, at most {most:g}{'%' * relative}, such as 20% or 50000"
    found = _finite(place, "spread", number, lambda x: 0.0 < x <= most, allowed)
    return (found / 100.0 if relative else found), relative


def _finite(
    place: str, name: str, text: str, is_allowed: Callable[[float], bool], allowed: str
) -> float:
    try:
        number = float(text)
    except ValueError:
        raise ModelError(f"{place}: {name}", "must be a number", got=text) from None
    if not math.isfinite(number) or not is_allowed(number):
        raise ModelError(f"{place}: {name}", "must be a number", got=text, allowed=allowed)
    return number


def _check_order(place: str, numbers: dict[str, float | None]) -> None:
    known = [(name, x) for name, x in numbers.items() if x is not None]
    for (lower, x), (upper, y) in pairwise(known):
        if x > y:
            raise ModelError(f"{place}: {lower}", f"lies above {upper} ({y:g})", got=x)


def _select(place: str, text: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """``product=a*|b; bin=bin_1`` as pairs of a dim and its patterns."""
    chosen: dict[str, tuple[str, ...]] = {}
    for part in filter(None, (part.strip() for part in text.split(";"))):
        dim, sign, names = (piece.strip() for piece in part.partition("="))
        patterns = tuple(name.strip() for name in names.split("|") if name.strip())
        if not (dim and sign and patterns) or dim in chosen:
            allowed = "DIM=NAME|NAME, separated by ; with each DIM once"
            raise ModelError(f"{place}: select", "cannot be read", got=part, allowed=allowed)
        chosen[dim] = patterns
    return tuple(chosen.items())


def _one_of(place: str, name: str, text: str, allowed: tuple[str, ...]) -> str:
    """A word of a list; the first where the cell is empty."""
    if text and text not in allowed:
        raise ModelError(f"{place}: {name}", "is not known", got=text, allowed=", ".join(allowed))
    return text or allowed[0]


def _sets(place: str, role: str, text: str) -> tuple[str, ...]:
    """The parameters that rest on the figure: some for an input, none for any other."""
    paths = tuple(path.strip() for path in text.split(";") if path.strip())
    if bool(paths) != (role == INPUT):
        problem = "the parameters that rest on a figure go with role input"
        got = f"{len(paths)} with role {role or CHECK}"
        raise ModelError(f"{place}: sets", problem, got=got, allowed="both or none")
    return paths
