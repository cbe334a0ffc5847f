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
    main_records,
    of_scenario,
    origin_line,
    per_period,
    percent,
    period_head,
    period_label,
)

NOTHING = "The ensemble has no orders, imports or market demand."


def demand_text(summary: Summary, scenarios: Sequence[str] = ()) -> str:
    """All tables of the given scenarios, by default the first; `NOTHING` if there are none."""
    records = [*summary["orders"], *summary["imports"], *summary["market"]]
    if not records:
        return NOTHING
    parts, per = [], per_period(summary)
    end = "the period" if "periods" in summary else "the year"
    for scenario in scenarios or [records[0]["scenario"]]:
        for title, table in (
            ("Orders, and the quarter by which they are filled", orders_table(summary, scenario)),
            (
                "Orders filled by the end of the period",
                filled_table(summary, scenario),
            ),
            (f"Chips delivered {per}", delivered_table(summary, scenario)),
            (f"Backlog at the end of {end}, chips", backlog_table(summary, scenario)),
            (f"Imports {per}, chips", imports_table(summary, scenario)),
            (f"Market {per}", market_table(summary, scenario)),
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


def filled_table(summary: Summary, scenario: str) -> str:
    """The share that fills each order by the end of each chosen period; empty if none is chosen."""
    if "periods" not in summary:
        return ""
    rows = [
        (r["order"], r["period"], percent(r["share"]), percent(r["se_share"]))
        for r in of_scenario(summary["filled"], scenario)
    ]
    return align(("order", "period", "filled", "±"), rows, (2, 3)) if rows else ""


def delivered_table(summary: Summary, scenario: str) -> str:
    """Chips delivered by order and period; periods before an order is placed are left out."""
    return _by_name(of_scenario(summary["delivered"], scenario), "order")


def imports_table(summary: Summary, scenario: str) -> str:
    """Chips of each import by period."""
    return _by_name(of_scenario(summary["imports"], scenario), "import")


def backlog_table(summary: Summary, scenario: str) -> str:
    """Backlogs at the end of each period, or year; the JSON has all quarters."""
    records = of_scenario(summary["backlog"], scenario)
    if "periods" in summary:
        return _by_name(records, "order")
    last = {quarter[:4]: quarter for quarter in summary["quarters"]}
    kept = [r for r in records if last[r["quarter"][:4]] == r["quarter"]]
    return _by_name([{**r, "period": r["quarter"]} for r in kept], "order", "quarter")


def market_table(summary: Summary, scenario: str) -> str:
    """Demand, supply, imports and gap by period, in chips and in H100-equivalents."""
    rows = []
    records = of_scenario(main_records(summary, "market", "market_yearly"), scenario)
    for units in dict.fromkeys(r["units"] for r in records):
        for label in dict.fromkeys(map(period_label, records)):
            of_period = [r for r in records if r["units"] == units and period_label(r) == label]
            for r in of_period:
                shown = label if r is of_period[0] else ""
                rows.append((shown, r["figure"], r["units"], *figures(r)))
    return (
        align((period_head(records), "figure", "unit", *HEADER), rows, range(3, 11)) if rows else ""
    )


def _by_name(records: list[Record], key: str, head: str | None = None) -> str:
    rows = []
    for name in dict.fromkeys(r[key] for r in records):
        label = name
        for r in (r for r in records if r[key] == name and r["mean"] > 0.0):
            rows.append((label, period_label(r), *figures(r)))
            label = ""
    return align((key, head or period_head(records), *HEADER), rows, range(2, 10)) if rows else ""


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
