"""Tables of yield: the share of dies that are good, from `yield_summary`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from yieldsim.report.tables import HEADER, align, figures, made_of, percent, year_label

Found = dict[str, Any]
Record = dict[str, Any]
GOOD, FIT = "good", "fit for mass production"
TITLES = {
    GOOD: "Share of the gross dies probed that passed the wafer test in a bin",
    FIT: "Share fit for mass production: saleable good dies over gross dies started",
}


def yield_text(found: Found, scenarios: Sequence[str] = ()) -> str:
    """All tables of the given scenarios, by default the first."""
    parts = []
    names = list(dict.fromkeys(r["scenario"] for r in found["yearly"]))
    for scenario in scenarios or names[:1]:
        for figure, title in TITLES.items():
            yearly = _of(found["yearly"], scenario, figure)
            if yearly:
                parts.append(f"{title}, scenario {scenario}\n\n{yearly_table(yearly)}")
                table = quarters_table(found, scenario, figure)
                parts.append(f"The same by quarter, P50 and its error\n\n{table}")
    parts.append("\n".join((made_of(found), *_notes(found))))
    return "\n\n".join(parts)


def yearly_table(records: list[Record]) -> str:
    """One row a year, die and bin; all bins of a die together come first, and one bin alone."""
    bins: dict[str, set[str]] = {}
    for r in records:
        bins.setdefault(r["die"], set()).add(r["bin"] or "")
    rows = [
        (year_label(r), r["die"], r["bin"] or "all", *figures(r, percent))
        for r in sorted(records, key=lambda record: str(record["year"]))
        if r["bin"] is None or len(bins[r["die"]]) > 2
    ]
    return align(("year", "die", "bin", *HEADER), rows, range(3, 11))


def quarters_table(found: Found, scenario: str, figure: str) -> str:
    """One row a quarter and one column a die, all bins together."""
    records = [r for r in _of(found["records"], scenario, figure) if r["bin"] is None]
    dies = list(dict.fromkeys(r["die"] for r in records))
    cells = {(r["quarter"], r["die"]): _median(r) for r in records}
    rows = [
        (quarter, *(cells.get((quarter, die), "") for die in dies)) for quarter in found["quarters"]
    ]
    return align(("quarter", *dies), rows, range(1, 1 + len(dies)))


def _median(record: Record) -> str:
    error = record["se_p50"]
    text = f"{100.0 * record['p50']:.1f}"
    return text if error is None else f"{text} ±{100.0 * error:.1f}"


def _of(records: list[Record], scenario: str, figure: str) -> list[Record]:
    return [r for r in records if r["scenario"] == scenario and r["figure"] == figure]


def _notes(found: Found) -> list[str]:
    lines = ["Quantiles are over the realizations in which such dies are made; by quarter in %."]
    return [*lines, *(f"{note[0].upper()}{note[1:]}." for note in found["notes"])]
