"""The table of `yieldsim compare-evidence`: published figures beside those of the ensemble."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from yieldsim.analysis.evidence.words import below, published, short
from yieldsim.report.tables import HEADER, Record, align, figures, origin_line

NOTES = (
    "P10, P50, P90, mean: of the ensemble, each with its Monte Carlo standard error.",
    "below: share of realizations below the published figure, or below the ends of its range.",
    "inside: whether the published range and P10 to P90 overlap; <= and >= are bounds.",
)


def evidence_text(records: list[Record], origin: Mapping[str, Any], scenario: str) -> str:
    """The figures that are compared, their sources, and the figures that are not, with reasons."""
    compared = [record for record in records if record["compared"]]
    rows = [_row(number, record) for number, record in enumerate(compared, start=1)]
    header = ("", "published for", "period", "published", *HEADER, "below", "inside")
    parts = [
        f"Published figures beside the ensemble's, scenario {scenario}",
        align(header, rows, [0, 3, *range(4, 13)]),
        "\n".join(_source(number, record) for number, record in enumerate(compared, start=1)),
    ]
    others = [record for record in records if not record["compared"]]
    if others:
        lines = align(
            ("published for", "period", "published", "unit", "reason"),
            [
                (r["entity"], r["period"], published(r), r["unit"].split(";")[0][:30], r["reason"])
                for r in others
            ],
            [2],
        )
        parts.append(f"Not compared\n\n{lines}")
    parts.append("\n".join((origin_line(origin), *NOTES)))
    return "\n\n".join(parts)


def _row(number: int, record: Record) -> tuple[str, ...]:
    where = "yes" if record["inside"] else "no"
    cells = figures(record, short)
    return (
        f"[{number}]",
        record["entity"],
        record["period"],
        published(record),
        *cells,
        below(record),
        where,
    )


def _source(number: int, record: Record) -> str:
    """The source of a figure, and what it is compared with."""
    select = f" of {record['select']}" if record["select"] else ""
    factor = f" x {record['factor']:g}" if record["factor"] != 1.0 else ""
    per = f", a {record['per']}" if record["per"] != "period" else ""
    note = f"; {record['comparable']}" if record["comparable"] else ""
    what = f"{record['variable']}{select}{factor}{per}"
    return f"[{number}] {record['unit']}: {record['source']}\n    {what}{note}"
