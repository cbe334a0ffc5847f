"""Tables of yield, from `yield_summary`: the share of good dies, and the defect density D0."""

from __future__ import annotations

from collections.abc import Sequence

from yieldsim.report.tables import (
    HEADER,
    Record,
    Summary,
    align,
    figures,
    main_records,
    median_cell,
    of_scenario,
    origin_line,
    percent,
    period_head,
    period_label,
    period_name,
    scenario_names,
)

GOOD, FIT = "good", "fit for mass production"
TITLES = {
    GOOD: "Good dies: share of the gross dies probed that passed the wafer test in a bin",
    FIT: "Fit for mass production: saleable good dies over gross dies started",
}
LOSS_TITLE = (
    "Loss by mechanism: mean share of the gross dies probed, in %, of those left by the ones before"
)
D0_TITLE = "Killer defect density D0 of the wafers started, 1/cm2"
ALL_LINES = "all"


def yield_text(summary: Summary, scenarios: Sequence[str] = ()) -> str:
    """All tables of the given scenarios, by default the first."""
    parts = []
    shares, d0 = main_records(summary), main_records(summary, "d0", "d0_yearly")
    names, by_quarter = scenario_names([*shares, *d0]), "periods" not in summary
    for scenario in scenarios or names[:1]:
        for figure, title in TITLES.items():
            kept = of_scenario(shares, scenario, figure=figure)
            if kept:
                parts.append(f"{title}, scenario {scenario}\n\n{shares_table(kept)}")
            if kept and by_quarter:
                table = quarters_table(summary, scenario, figure)
                parts.append(f"The same by quarter, P50 and its error in %\n\n{table}")
        kept = of_scenario(summary["losses"], scenario)
        if kept:
            good = of_scenario(shares, scenario, figure=GOOD, bin=None)
            table = losses_table(kept, good, summary["mechanisms"])
            parts.append(f"{LOSS_TITLE}, scenario {scenario}\n\n{table}")
        kept = of_scenario(d0, scenario)
        if kept:
            parts.append(f"{D0_TITLE}, scenario {scenario}\n\n{d0_table(kept)}")
        if kept and by_quarter:
            table = d0_quarters_table(summary["quarters"], of_scenario(summary["d0"], scenario))
            parts.append(f"The same by quarter, P50 and its error in 1/cm2\n\n{table}")
    parts.append("\n".join((origin_line(summary), *_notes(summary))))
    return "\n\n".join(parts)


def shares_table(records: list[Record]) -> str:
    """One row a period, die and bin: all bins of a die together, then each where it has several."""
    bins: dict[str, set[str]] = {}
    for r in records:
        bins.setdefault(r["die"], set()).add(r["bin"] or "")
    rows = [
        (period_label(r), r["die"], r["bin"] or "all", *figures(r, percent))
        for r in sorted(records, key=period_name)
        if r["bin"] is None or len(bins[r["die"]]) > 2
    ]
    return align((period_head(records), "die", "bin", *HEADER), rows, range(3, 11))


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


def losses_table(losses: list[Record], good: list[Record], mechanisms: Sequence[str]) -> str:
    """One row a period and die: the mean share that is good, and lost to each mechanism."""
    cells = {(period_name(r), r["die"], r["mechanism"]): r for r in losses}
    rows = []
    for r in sorted(good, key=period_name):
        own = {name: cells[period_name(r), r["die"], name] for name in mechanisms}
        largest = max(own, key=lambda name: own[name]["mean"])
        row = [period_label(r), r["die"], _mean(r), *(_mean(own[name]) for name in mechanisms)]
        rows.append((*row, largest))
    header = (period_head(good), "die", "good", *mechanisms, "largest loss")
    return align(header, rows, range(2, 3 + len(mechanisms)))


def _mean(record: Record) -> str:
    """The mean and its error in percent."""
    text, error = f"{100.0 * record['mean']:.1f}", record["se_mean"]
    text = text.removeprefix("-") if float(text) == 0.0 else text
    return text if error is None else f"{text} ±{100.0 * error:.1f}"


def d0_table(records: list[Record]) -> str:
    """One row a period, process and line; all lines of a process together come first."""
    rows = [
        (period_label(r), r["process"], r["fab"] or ALL_LINES, *figures(r, _density))
        for r in sorted(_of_several_lines(records), key=period_name)
    ]
    return align((period_head(records), "process", "line", *HEADER), rows, range(3, 11))


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
    if summary["losses"]:
        lines.append(
            "Losses and good dies add up to 100 %. Test: good dies that the wafer test rejects. "
            "No gross die is lost at the edge, because all lie inside the edge exclusion."
        )
    if main_records(summary, "d0", "d0_yearly"):
        lines.append("D0 of several lines or quarters is weighted by the wafers started.")
    return [*lines, *(f"{note[0].upper()}{note[1:]}." for note in summary["notes"])]
