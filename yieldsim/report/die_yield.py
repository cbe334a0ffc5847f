"""Tables of yield, from `yield_summary`: the share of good dies, and the defect density D0."""

from __future__ import annotations

from collections.abc import Sequence

from yieldsim.report.tables import (
    HEADER,
    Record,
    Summary,
    align,
    figures,
    median_cell,
    of_scenario,
    origin_line,
    percent,
    scenario_names,
    year_label,
)

GOOD, FIT = "good", "fit for mass production"
TITLES = {
    GOOD: "Good dies: share of the gross dies probed that passed the wafer test in a bin",
    FIT: "Fit for mass production: saleable good dies over gross dies started",
}
D0_TITLE = "Killer defect density D0 of the wafers started, 1/cm2"
ALL_LINES = "all"


def yield_text(summary: Summary, scenarios: Sequence[str] = ()) -> str:
    """All tables of the given scenarios, by default the first."""
    parts = []
    names = scenario_names([*summary["yearly"], *summary["d0_yearly"]])
    for scenario in scenarios or names[:1]:
        for figure, title in TITLES.items():
            yearly = of_scenario(summary["yearly"], scenario, figure=figure)
            if yearly:
                parts.append(f"{title}, scenario {scenario}\n\n{yearly_table(yearly)}")
                table = quarters_table(summary, scenario, figure)
                parts.append(f"The same by quarter, P50 and its error in %\n\n{table}")
        yearly = of_scenario(summary["d0_yearly"], scenario)
        if yearly:
            by_quarter = of_scenario(summary["d0"], scenario)
            table = d0_quarters_table(summary["quarters"], by_quarter)
            parts.append(f"{D0_TITLE}, scenario {scenario}\n\n{d0_yearly_table(yearly)}")
            parts.append(f"The same by quarter, P50 and its error in 1/cm2\n\n{table}")
    parts.append("\n".join((origin_line(summary), *_notes(summary))))
    return "\n\n".join(parts)


def yearly_table(records: list[Record]) -> str:
    """One row a year, die and bin: all bins of a die together, then each where it has several."""
    bins: dict[str, set[str]] = {}
    for r in records:
        bins.setdefault(r["die"], set()).add(r["bin"] or "")
    rows = [
        (year_label(r), r["die"], r["bin"] or "all", *figures(r, percent))
        for r in sorted(records, key=lambda record: str(record["year"]))
        if r["bin"] is None or len(bins[r["die"]]) > 2
    ]
    return align(("year", "die", "bin", *HEADER), rows, range(3, 11))


def quarters_table(summary: Summary, scenario: str, figure: str) -> str:
    """One row a quarter and one column a die, all bins together."""
    records = of_scenario(summary["records"], scenario, figure=figure, bin=None)
    dies = list(dict.fromkeys(r["die"] for r in records))
    cells = {(r["quarter"], r["die"]): r for r in records}
    rows = [
        (quarter, *(median_cell(cells.get((quarter, die))) for die in dies))
        for quarter in summary["quarters"]
    ]
    return align(("quarter", *dies), rows, range(1, 1 + len(dies)))


def d0_yearly_table(records: list[Record]) -> str:
    """One row a year, process and line; all lines of a process together come first."""
    rows = [
        (year_label(r), r["process"], r["fab"] or ALL_LINES, *figures(r, _density))
        for r in sorted(_of_several_lines(records), key=lambda record: str(record["year"]))
    ]
    return align(("year", "process", "line", *HEADER), rows, range(3, 11))


def d0_quarters_table(quarters: Sequence[str], records: list[Record]) -> str:
    """One row a quarter and one column a process and line."""
    cells = {(r["quarter"], r["process"], r["fab"]): r for r in _of_several_lines(records)}
    columns = list(dict.fromkeys((process, fab) for _, process, fab in cells))
    header = [f"{process} {fab or ALL_LINES}" for process, fab in columns]
    rows = [
        (
            quarter,
            *(median_cell(cells.get((quarter, *column)), 1.0, 3) for column in columns),
        )
        for quarter in quarters
    ]
    return align(("quarter", *header), rows, range(1, 1 + len(header)))


def _of_several_lines(records: list[Record]) -> list[Record]:
    """Without the only line of a process: it is the process."""
    lines: dict[str, set[str]] = {}
    for r in records:
        lines.setdefault(r["process"], set()).add(r["fab"] or "")
    return [r for r in records if r["fab"] is None or len(lines[r["process"]]) > 2]


def _density(number: float | None) -> str:
    return "-" if number is None else f"{number:.3f}"


def _notes(summary: Summary) -> list[str]:
    lines = [
        "Shares of dies are over the realizations in which such dies are made, D0 over those in "
        "which such wafers are started.",
    ]
    if summary["d0_yearly"]:
        lines.append("D0 of several lines or quarters is weighted by the wafers started.")
    return [*lines, *(f"{note[0].upper()}{note[1:]}." for note in summary["notes"])]
