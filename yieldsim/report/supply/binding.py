"""What binds: what more of each input adds, labels, and lifted limits, from `binding_summary`."""

from __future__ import annotations

from collections.abc import Sequence

from yieldsim.report.supply.gains import HOW_TO_RUN, SURE, gains_text
from yieldsim.report.tables import (
    HEADER,
    Record,
    Summary,
    align,
    count,
    figures,
    of_scenario,
    origin_line,
    per_period,
    period_head,
    period_label,
    period_name,
    scenario_names,
)

TOTAL = "total"
RARE = 0.05  # constraints whose share never exceeds this stand in one column
OTHERS = "others"


def binding_text(
    summary: Summary, scenarios: Sequence[str] = (), products: Sequence[str] = ()
) -> str:
    """The tables of the given scenarios (default the first) and products (default the total).

    Gains and lifted limits are shown for all scenarios of the summary.
    """
    names = scenario_names(summary["binding"])
    shown = products or [TOTAL]
    parts = gains_text(summary, shown)
    for scenario in scenarios or names[:1]:
        for product in shown:
            table = shares_table(summary, scenario, product)
            parts.append(f"{_shares_title(product)}, scenario {scenario}\n\n{table}")
    for product in shown:
        table = lifted_table(summary, product)
        what = "usable AI chips in total" if product == TOTAL else f"usable chips, {product}"
        if table:
            title = f"What each lifted limit adds {per_period(summary)}, {what}"
            parts.append(f"{title} (paired differences)\n\n{table}")
    costs = lifted_costs(summary)
    if costs:
        parts.append("\n".join(costs))
    parts.append("\n".join((origin_line(summary), *_notes(summary))))
    return "\n\n".join(parts)


def _shares_title(product: str) -> str:
    """What the shares of constraints are shares of."""
    if product == TOTAL:
        return "What holds AI chips at the moment: share of packages started in % ± its error"
    return f"What holds {product} at the moment: share of realizations in % ± its error"


def shares_table(summary: Summary, scenario: str, product: str) -> str:
    """One row a quarter or chosen period, and one column a constraint, the most frequent first."""
    records = of_scenario(summary["binding"], scenario, product=product)
    sums: dict[str, float] = {}
    largest: dict[str, float] = {}
    for r in records:
        sums[r["constraint"]] = sums.get(r["constraint"], 0.0) + r["share"]
        largest[r["constraint"]] = max(largest.get(r["constraint"], 0.0), r["share"])
    often = [name for name in sorted(sums, key=lambda n: -sums[n]) if largest[name] >= RARE]
    key = "period" if "periods" in summary else "quarter"
    cells = {(r[key], r["constraint"]): r for r in records}
    columns = [*often, OTHERS] if len(often) < len(sums) else often
    rows = []
    for quarter in summary[f"{key}s"]:
        row = [_cell(cells.get((quarter, name))) for name in often]
        if OTHERS in columns:
            rest = [cells[quarter, n]["share"] for n in sums if (quarter, n) in cells]
            rest_share = sum(rest) - sum(
                cells[quarter, n]["share"] for n in often if (quarter, n) in cells
            )
            row.append(f"{100.0 * rest_share:.0f}" if rest_share > 0.0 else "")
        rows.append((quarter, *row))
    return align((key, *columns), rows, range(1, 1 + len(columns)))


def _cell(record: Record | None) -> str:
    if record is None:
        return ""
    error = record["se_share"]
    text = f"{100.0 * record['share']:.0f}"
    return text if error is None else f"{text} ±{100.0 * error:.0f}"


def lifted_table(summary: Summary, product: str) -> str:
    """One row a period and lifted limit: the paired difference from the scenario with the limit."""
    records = [r for r in summary["lifted"] if r["product"] == product]
    rows = [
        (period_label(r), r["lifted"], r["base"], *figures(r))
        for r in sorted(records, key=period_name)
    ]
    return (
        align((period_head(records), "lifted", "scenario", *HEADER), rows, range(3, 11))
        if rows
        else ""
    )


def lifted_costs(summary: Summary) -> list[str]:
    """A sentence for each lifted limit and year with fewer AI chips than with the limit."""
    less = [
        r
        for r in summary["lifted"]
        if r["product"] == TOTAL and r["se_mean"] is not None and r["mean"] < -SURE * r["se_mean"]
    ]
    lines = [
        f"Without the limit of {r['lifted']}, {r['base']} has {count(-r['mean'])} "
        f"±{count(r['se_mean'])} AI chips fewer in {period_name(r)}."
        for r in less
    ]
    if lines:
        lines.append("Stocks that are used earlier, or by another product, are missing then.")
    return lines


def _notes(summary: Summary) -> list[str]:
    lines = [
        "What holds a product in a step is the constraint of which 10 % more would add most at "
        "once; the one of most steps of a quarter counts.",
    ]
    if any(r["product"] == TOTAL for r in summary["binding"]):
        lines.append(
            "In the total each realization counts once, its products by the packages they started."
        )
    if not summary["gains"]:
        lines.append(HOW_TO_RUN)
    if not summary["lifted"]:
        lines.append(
            "To see what a limit costs, run a scenario no_limit:NAME too, such as no_limit:memory."
        )
    return [*lines, *(f"{note}." for note in summary["notes"])]
