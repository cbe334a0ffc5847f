"""The sections on orders, and on the figures that others publish."""

from __future__ import annotations

from typing import Any

from yieldsim.analysis.evidence.words import published
from yieldsim.report.page.parts import Overview, Section, first_title, source_of
from yieldsim.report.page.tables import Column, Key, Row, Table

NAMES = {"forecasts": "forecast", "figures": "published count"}
NEVER = "later"


def order_section(overview: Overview) -> Section:
    """When each pod, cluster and order is filled."""
    title = "When each pod, cluster and order is filled"
    lead = (
        "The quarter by which 10, 50 and 90 % of the realizations have delivered every chip of the "
        "order. The diamond is its due date. An arrow means: not by the end of the horizon."
    )
    if not overview["orders"]:
        return Section("orders", title, lead, missing=overview["missing"]["orders"])
    columns = (
        Column("order", "order"),
        Column("kind", "kind"),
        Column("buyer", "buyer"),
        Column("size", "chips, P50", "count"),
        Column("placed", "placed"),
        Column("due", "due"),
        Column("filled_p10", "filled, 10 %"),
        Column("filled_p50", "50 %"),
        Column("filled_p90", "90 %"),
        Column("share_by_due", "filled when due", "share"),
        Column("share_by_end", "filled by the end", "share"),
        Column("se_share_by_end", "±", "share"),
    )
    rows: dict[Key, list[Row]] = {}
    for r in overview["orders"]:
        rows.setdefault((r["scenario"], ""), []).append(_order_row(r))
    last = overview["fan"]["quarter"].periods[-1]
    return Section(
        "orders",
        title,
        lead,
        (Table("orders", f"Orders; “{NEVER}” is after {last}", columns, rows),),
        {
            "kind": "ranges",
            "table": "orders",
            "label": "order",
            "low": "filled_p10",
            "mid": "filled_p50",
            "high": "filled_p90",
            "marks": ["due"],
            "axis": "period",
            "never": NEVER,
        },
        source_of(overview, "variables order_size and order_backlog"),
    )


def _order_row(r: dict[str, Any]) -> Row:
    filled = [r[f"filled_p{p}"] or NEVER for p in (10, 50, 90)]
    about = [r.get("kind"), r.get("buyer"), r["size_p50"], r.get("placed"), r["due"]]
    shares = [r["share_by_due"], r["share_by_end"], r["se_share_by_end"]]
    return [r.get("title") or r["order"].replace("_", " "), *about, *filled, *shares]


def published_section(overview: Overview) -> Section:
    """Our distribution beside forecasts and counts of others."""
    title = "Beside what others say"
    lead = (
        "Our P10 to P90 and median (bar) beside published forecasts and counts, all in multiples "
        "of our median (where that is 0, of our mean). A diamond is a published figure, and a line "
        "is a range. A triangle points from a bound to its allowed side. Figures on which an input "
        "rests are only in the table."
    )
    found = overview["published"]
    if not any(found.values()):
        reason = overview["missing"].get("published", "no published figure can be compared")
        return Section("published", title, lead, missing=reason)
    columns = (
        Column("what", "figure and period"),
        Column("kind", "kind"),
        Column("house", "house"),
        Column("published", "published"),
        Column("published_low", "low", "count"),
        Column("published_central", "central", "count"),
        Column("published_high", "high", "count"),
        Column("p10", "our P10", "count"),
        Column("p50", "P50", "count"),
        Column("p90", "P90", "count"),
        Column("mean", "mean", "count"),
        Column("percentile", "realizations below", "share"),
        Column("unit", "unit"),
        Column("comparable", "how comparable"),
        Column("source", "source"),
        Column("url", "address", "link"),
    )
    rows = [_published_row(r, NAMES[key]) for key in NAMES for r in found[key]]
    return Section(
        "published",
        title,
        lead,
        (Table("published", "Figures of others beside ours", columns, {("", ""): rows}),),
        {
            "kind": "ranges",
            "table": "published",
            "label": "what",
            "low": "p10",
            "mid": "p50",
            "high": "p90",
            "marks": ["published_low", "published_central", "published_high"],
            "group": "kind",
            "groups": [NAMES[key] for key in NAMES if found[key]],
            "unit": ["p50", "mean"],
            "from_zero": True,
        },
        source_of(
            overview,
            "models/forecasts.csv and models/evidence.csv, whose sources are in the table",
            first_title(overview),
        ),
    )


def _published_row(r: dict[str, Any], kind: str) -> Row:
    marks = [r[f"published_{name}"] for name in ("low", "central", "high")]
    ours = [r["p10"], r["p50"], r["p90"], r["mean"], r["percentile"]]
    words = [r["unit"], r["comparable"], r["source"], r["url"]]
    return [
        f"{r['entity']}, {r['period']}" + (f" ({r['house']})" if r["house"] else ""),
        "an input" if r["role"] == "input" else kind,
        r["house"],
        published(r),
        *marks,
        *ours,
        *words,
    ]
