"""Text tables for the terminal: aligned columns, thousands separated, errors beside the figures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

GAP = "  "
FIGURES = ("p10", "p50", "p90")
HEADER = ("P10", "±", "P50", "±", "P90", "±", "mean", "±")


def align(header: Sequence[str], rows: Iterable[Sequence[str]], right: Iterable[int] = ()) -> str:
    """A table of texts with a ruled header; the columns numbered in ``right`` are right-aligned.

    No line ends in spaces.
    """
    cells = [list(header), *(list(row) for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    to_right = frozenset(right)
    lines = [_line(row, widths, to_right) for row in cells]
    rule = GAP.join("-" * width for width in widths)
    return "\n".join([lines[0], rule, *lines[1:]])


def _line(row: Sequence[str], widths: Sequence[int], right: frozenset[int]) -> str:
    padded = [
        text.rjust(width) if column in right else text.ljust(width)
        for column, (text, width) in enumerate(zip(row, widths, strict=True))
    ]
    return GAP.join(padded).rstrip()


def count(number: float | None) -> str:
    """A figure of chips as people write it: 812,000; a dash where there is none."""
    if number is None:
        return "-"
    return f"{round(number):,}"  # an integer knows no -0


def figures(record: Mapping[str, Any], text: Callable[[float | None], str] = count) -> list[str]:
    """The cells below `HEADER`: P10, P50, P90 and mean of a record, each with its error."""
    texts = []
    for name in (*FIGURES, "mean"):
        texts += [text(record[name]), text(record[f"se_{name}"])]
    return texts


def percent(share: float | None) -> str:
    """A share as percent with a digit behind the point."""
    return "-" if share is None else f"{100.0 * share:.1f} %"


def year_label(record: Mapping[str, Any]) -> str:
    """A calendar year, with the number of its quarters where it is there in part."""
    quarters = record.get("quarters", 4)
    return str(record["year"]) if quarters == 4 else f"{record['year']} ({quarters}q)"


def made_of(found: Mapping[str, Any]) -> str:
    """The line that says where figures come from: model, seed, realizations."""
    seed = f", seed {found['seed']}" if found["seed"] else ""
    model = f"Model {found['model']}{seed}, " if found["model"] else ""
    return f"{model}{count(found['realizations'])} realizations."
