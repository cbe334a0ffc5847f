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
    scenario_names,
    year_label,
)

BALANCE = "Memory stacks per calendar year, thousands"
USERS = "Stacks that products used per calendar year, means in thousands"
NOTE = (
    "start, in, used, end: means, which add up (start + in = used + end).\n"
    "P10 to P90: of what came in. A pool without a line neither had nor got stacks in that year."
)
NOTHING = "The ensemble has no memory stacks."


def memory_text(summary: Summary, scenarios: Sequence[str] = ()) -> str:
    """Both tables of the given scenarios, by default the first."""
    parts = []
    for scenario in scenarios or scenario_names(summary["balance"])[:1]:
        moved = [r for r in of_scenario(summary["balance"], scenario) if r["start"] + r["in"] > 0.5]
        if moved:
            parts.append(f"{BALANCE}, scenario {scenario}\n\n{balance_table(moved)}")
        users = [r for r in of_scenario(summary["users"], scenario) if r["used"] > 0.5]
        if users:
            parts.append(f"{USERS}, scenario {scenario}\n\n{users_table(users)}")
    notes = [origin_line(summary), NOTE] if parts else [NOTHING]
    if summary["missing"]:
        notes.append(f"The ensemble does not keep {', '.join(summary['missing'])}.")
    return "\n\n".join([*parts, "\n".join(notes)])


def _thousands(stacks: float) -> str:
    return count(stacks / 1000.0)


def balance_table(records: list[Record]) -> str:
    """One row a year and pool: stock, inflow, use and stock; quantiles of the inflow."""
    header = ("year", "pool", "generation", "origin")
    figures = ("start", "in", "used", "end", "in_p10", "in_p50", "in_p90")
    rows, last = [], ""
    for r in sorted(records, key=lambda record: str(record["year"])):
        year = year_label(r)
        about = (year if year != last else "", r["pool"], r["generation"], r["origin"])
        rows.append((*about, *(_thousands(r[name]) for name in figures)))
        last = year
    names = ("start", "in", "used", "end", "in P10", "P50", "P90")
    return align((*header, *names), rows, range(4, 11))


def users_table(records: list[Record]) -> str:
    """One row a product, one column a year."""
    years = sorted({year_label(r) for r in records})
    cells = {(r["product"], year_label(r)): _thousands(r["used"]) for r in records}
    names = {r["product"]: r["vendor"] for r in records}
    rows = [
        (product, vendor, *(cells.get((product, year), "") for year in years))
        for product, vendor in names.items()
    ]
    return align(("product", "vendor", *years), rows, range(2, 2 + len(years)))
