"""Tables of memory stacks, from `memory_summary`: the balance by pool and year, and its users."""

from __future__ import annotations

from collections.abc import Sequence

from yieldsim.report.tables import (
    Record,
    Summary,
    align,
    count,
    of_scenario,
    origin_line,
    per_period,
    period_head,
    period_label,
    period_name,
    scenario_names,
)

BALANCE = "Memory stacks {per}, thousands"
USERS = "Stacks that products used {per}, means in thousands"
NOTE = (
    "start, in, used, end: means, which add up (start + in = used + end).\n"
    "P10 to P90: of what came in. A pool without a line neither had nor got stacks in that time."
)
NOTHING = "The ensemble has no memory stacks."


def memory_text(summary: Summary, scenarios: Sequence[str] = ()) -> str:
    """Both tables of the given scenarios, by default the first."""
    parts, per = [], per_period(summary)
    for scenario in scenarios or scenario_names(summary["balance"])[:1]:
        moved = [r for r in of_scenario(summary["balance"], scenario) if r["start"] + r["in"] > 0.5]
        if moved:
            parts.append(
                f"{BALANCE.format(per=per)}, scenario {scenario}\n\n{balance_table(moved)}"
            )
        users = [r for r in of_scenario(summary["users"], scenario) if r["used"] > 0.5]
        if users:
            parts.append(f"{USERS.format(per=per)}, scenario {scenario}\n\n{users_table(users)}")
    notes = [origin_line(summary), NOTE] if parts else [NOTHING]
    if summary["missing"]:
        notes.append(f"The ensemble does not keep {', '.join(summary['missing'])}.")
    return "\n\n".join([*parts, "\n".join(notes)])


def _thousands(stacks: float) -> str:
    return count(stacks / 1000.0)


def balance_table(records: list[Record]) -> str:
    """One row a period and pool: stock, inflow, use and stock; quantiles of the inflow."""
    header = (period_head(records), "pool", "generation", "origin")
    figures = ("start", "in", "used", "end", "in_p10", "in_p50", "in_p90")
    rows, last = [], ""
    for r in sorted(records, key=period_name):
        label = period_label(r)
        about = (label if label != last else "", r["pool"], r["generation"], r["origin"])
        rows.append((*about, *(_thousands(r[name]) for name in figures)))
        last = label
    names = ("start", "in", "used", "end", "in P10", "P50", "P90")
    return align((*header, *names), rows, range(4, 11))


def users_table(records: list[Record]) -> str:
    """One row a product, one column a period."""
    times = sorted({period_label(r) for r in records})
    cells = {(r["product"], period_label(r)): _thousands(r["used"]) for r in records}
    names = {r["product"]: r["vendor"] for r in records}
    rows = [
        (product, vendor, *(cells.get((product, time), "") for time in times))
        for product, vendor in names.items()
    ]
    return align(("product", "vendor", *times), rows, range(2, 2 + len(times)))
