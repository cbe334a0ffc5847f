"""Tables of what binds, and of what lifting a limit adds, from `binding_summary`."""

from __future__ import annotations

from collections.abc import Sequence

from yieldsim.report.tables import (
    HEADER,
    Record,
    Summary,
    align,
    figures,
    of_scenario,
    origin_line,
    scenario_names,
    year_label,
)

TOTAL = "total"
RARE = 0.05  # constraints whose share never exceeds this stand in one column
OTHERS = "others"


def binding_text(
    summary: Summary, scenarios: Sequence[str] = (), products: Sequence[str] = ()
) -> str:
    """The tables of the given scenarios (default the first) and products (default the total).

    Lifted limits are shown for all scenarios of the summary.
    """
    parts = []
    names = scenario_names(summary["binding"])
    shown = products or [TOTAL]
    for scenario in scenarios or names[:1]:
        for product in shown:
            table = shares_table(summary, scenario, product)
            what = "usable AI chips in total" if product == TOTAL else product
            title = f"What binds {what}: share of realizations in % ± its error"
            parts.append(f"{title}, scenario {scenario}\n\n{table}")
    for product in shown:
        table = lifted_table(summary, product)
        what = "usable AI chips in total" if product == TOTAL else f"usable chips, {product}"
        if table:
            title = f"What each lifted limit adds per calendar year, {what}"
            parts.append(f"{title} (paired differences)\n\n{table}")
    parts.append("\n".join((origin_line(summary), *_notes(summary))))
    return "\n\n".join(parts)


def shares_table(summary: Summary, scenario: str, product: str) -> str:
    """One row a quarter and one column a constraint, the most frequent first."""
    records = of_scenario(summary["binding"], scenario, product=product)
    sums: dict[str, float] = {}
    largest: dict[str, float] = {}
    for r in records:
        sums[r["constraint"]] = sums.get(r["constraint"], 0.0) + r["share"]
        largest[r["constraint"]] = max(largest.get(r["constraint"], 0.0), r["share"])
    often = [name for name in sorted(sums, key=lambda n: -sums[n]) if largest[name] >= RARE]
    cells = {(r["quarter"], r["constraint"]): r for r in records}
    columns = [*often, OTHERS] if len(often) < len(sums) else often
    rows = []
    for quarter in summary["quarters"]:
        row = [_cell(cells.get((quarter, name))) for name in often]
        if OTHERS in columns:
            rest = [cells[quarter, n]["share"] for n in sums if (quarter, n) in cells]
            rest_share = sum(rest) - sum(
                cells[quarter, n]["share"] for n in often if (quarter, n) in cells
            )
            row.append(f"{100.0 * rest_share:.0f}" if rest_share > 0.0 else "")
        rows.append((quarter, *row))
    return align(("quarter", *columns), rows, range(1, 1 + len(columns)))


def _cell(record: Record | None) -> str:
    if record is None:
        return ""
    error = record["se_share"]
    text = f"{100.0 * record['share']:.0f}"
    return text if error is None else f"{text} ±{100.0 * error:.0f}"


def lifted_table(summary: Summary, product: str) -> str:
    """One row a year and lifted limit: the paired difference from the scenario with the limit."""
    records = [r for r in summary["lifted"] if r["product"] == product]
    rows = [
        (year_label(r), r["lifted"], r["base"], *figures(r))
        for r in sorted(records, key=lambda record: str(record["year"]))
    ]
    return align(("year", "lifted", "scenario", *HEADER), rows, range(3, 11)) if rows else ""


def _notes(summary: Summary) -> list[str]:
    lines = ["The constraint that binds longest in a quarter counts."]
    if not summary["lifted"]:
        lines.append(
            "To see what a limit costs, run a scenario no_limit:NAME too, such as no_limit:memory."
        )
    return [*lines, *(f"{note}." for note in summary["notes"])]
