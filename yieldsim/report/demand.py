"""Tables of demand, from `demand_summary`: when orders are filled, backlogs, the market's gap."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from yieldsim.report.tables import (
    HEADER,
    Record,
    Summary,
    align,
    count,
    figures,
    of_scenario,
    origin_line,
    percent,
    year_label,
)

NOTHING = "The ensemble has no orders, imports or market demand."


def demand_text(summary: Summary, scenarios: Sequence[str] = ()) -> str:
    """All tables of the given scenarios, by default the first; `NOTHING` if there are none."""
    records = [*summary["orders"], *summary["imports"], *summary["market"]]
    if not records:
        return NOTHING
    parts = []
    for scenario in scenarios or [records[0]["scenario"]]:
        for title, table in (
            ("Orders, and the quarter by which they are filled", orders_table(summary, scenario)),
            ("Chips delivered per calendar year", delivered_table(summary, scenario)),
            ("Backlog at the end of the year, chips", backlog_table(summary, scenario)),
            ("Imports per calendar year, chips", imports_table(summary, scenario)),
            ("Market per calendar year", market_table(summary, scenario)),
        ):
            if table:
                parts.append(f"{title}, scenario {scenario}\n\n{table}")
    parts.append(_footnote(summary))
    return "\n\n".join(parts)


def orders_table(summary: Summary, scenario: str) -> str:
    """One row an order: size, quarter by which it is filled, share of realizations that fill it."""
    filled = ("P10", "P50", "P90", "by due", "±", "by end", "±")
    header = ("order", "kind", "placed", "due", "size P50", *filled)
    rows = []
    for r in of_scenario(summary["orders"], scenario):
        kind = r.get("kind", "order") if r.get("claims", True) else f"{r['kind']}*"
        quarters = [r[f"filled_{p}"] or f"not by {summary['end']}" for p in ("p10", "p50", "p90")]
        shares = [percent(r[key]) for key in ("share_by_due", "se_share_by_due")]
        shares += [percent(r[key]) for key in ("share_by_end", "se_share_by_end")]
        dates = (r.get("placed") or "-", r["due"] or "-")
        rows.append((r["order"], kind, *dates, count(r["size_p50"]), *quarters, *shares))
    return align(header, rows, (4, 8, 9, 10, 11)) if rows else ""


def delivered_table(summary: Summary, scenario: str) -> str:
    """Chips delivered by order and year; years before an order is placed are left out."""
    return _yearly(of_scenario(summary["delivered"], scenario), "order")


def imports_table(summary: Summary, scenario: str) -> str:
    """Chips of each import by year."""
    return _yearly(of_scenario(summary["imports"], scenario), "import")


def backlog_table(summary: Summary, scenario: str) -> str:
    """Backlogs in the last quarter of each year; the JSON has all quarters."""
    last = {quarter[:4]: quarter for quarter in summary["quarters"]}
    records = of_scenario(summary["backlog"], scenario)
    kept = [r for r in records if last[r["quarter"][:4]] == r["quarter"]]
    return _yearly(kept, "order", period="quarter")


def market_table(summary: Summary, scenario: str) -> str:
    """Demand, supply, imports and gap by year, in chips and in H100-equivalents."""
    rows = []
    records = of_scenario(summary["market_yearly"], scenario)
    for units in dict.fromkeys(r["units"] for r in records):
        for year in dict.fromkeys(r["year"] for r in records):
            label = year_label(next(r for r in records if r["year"] == year))
            for r in (r for r in records if r["units"] == units and r["year"] == year):
                rows.append((label, r["figure"], r["units"], *figures(r)))
                label = ""
    return align(("year", "figure", "unit", *HEADER), rows, range(3, 11)) if rows else ""


def _yearly(records: list[Record], key: str, period: str = "year") -> str:
    rows = []
    for name in dict.fromkeys(r[key] for r in records):
        label = name
        for r in (r for r in records if r[key] == name and r["mean"] > 0.0):
            rows.append((label, year_label(r) if period == "year" else r[period], *figures(r)))
            label = ""
    return align((key, period, *HEADER), rows, range(2, 10)) if rows else ""


def _footnote(summary: Summary) -> str:
    lines = [f"{origin_line(summary)} ± is the Monte Carlo standard error."]
    if summary["orders"]:
        lines.append(
            "P10, P50, P90: the first quarter by which that share of the realizations has filled"
        )
        lines.append("the order. * a yardstick: measured on its own, takes no chips from others.")
    if summary["market"]:
        lines += textwrap.wrap(summary["compared"], 100)
    return "\n".join(lines)
