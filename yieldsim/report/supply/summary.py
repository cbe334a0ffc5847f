"""The tables of usable chips, from `yieldsim.analysis.summarize`."""

from __future__ import annotations

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
    period_head,
    period_label,
    period_name,
    scenario_names,
)

TOTAL = "total"
NONE = "none in any realization"


def quarter_table(summary: Summary, scenario: str, product: str = TOTAL) -> str:
    """Usable chips of a product by quarter, with the constraint that binds it most often.

    Quarters without a chip in any realization are left out.
    """
    records = [
        r for r in of_scenario(summary["records"], scenario, product=product) if r["mean"] > 0.0
    ]
    binding = _first_binding(summary, scenario, product)
    rows = [(r["quarter"], *figures(r), binding.get(r["quarter"], "")) for r in records]
    if not rows:
        return NONE
    return align(("quarter", *HEADER, "binds most often"), rows, range(1, 9))


def period_table(summary: Summary, scenario: str, products: Sequence[str] = ()) -> str:
    """Usable chips by chosen period or calendar year: the total, its products, then the others.

    By default all products that are ever supplied. Chosen periods have a column of what binds.
    """
    whole = main_records(summary)
    names = products or _supplied(summary, whole, scenario)
    ai = summary["in_total"]
    records = [r for r in of_scenario(whole, scenario) if r["product"] in names and r["mean"] > 0.0]
    chosen = ("binds most often",) if "periods" in summary else ()
    binds = {name: _first_binding(summary, scenario, name) for name in names if chosen}
    rows: list[tuple[str, ...]] = []
    for period in sorted(dict.fromkeys(map(period_name, records))):
        of_period = [r for r in records if period_name(r) == period]
        of_period.sort(key=lambda r: (r["product"] != TOTAL, r["product"] not in ai))
        label = period_label(of_period[0])
        for r in of_period:
            cells = [binds[r["product"]].get(period, "") for _ in chosen]
            rows.append((label, _mark(r["product"], ai), *figures(r), *cells))
            label = ""
    header = (period_head(records), "product", *HEADER, *chosen)
    return align(header, rows, range(2, 10)) if rows else NONE


def summary_text(
    summary: Summary,
    scenarios: Sequence[str] = (),
    products: Sequence[str] = (),
    by_quarter: Sequence[str] = (),
) -> str:
    """The tables by quarter and by year, or chosen period, and how scenarios differ.

    ``scenarios`` and ``products`` say which; by default the first scenario, and the total with
    all products. Only the products ``by_quarter`` have a table by quarter, by default all that are
    shown. Several scenarios in the summary are compared by year at the end.
    """
    stored = scenario_names(summary["records"])
    shown = scenarios or stored[:1]
    parts, per = [], per_period(summary)
    for scenario in shown:
        supplied = _supplied(summary, summary["records"], scenario)
        for product in () if "periods" in summary else by_quarter or products or supplied:
            title = f"{_title(product, summary['in_total'])}, scenario {scenario}"
            parts.append(f"{title}\n\n{quarter_table(summary, scenario, product)}")
        title = f"Usable chips {per}, scenario {scenario}"
        table = period_table(summary, scenario, products)
        parts.append("\n\n".join([title, table, *_outlook(summary)]))
    if len(stored) > 1:
        parts.append(f"Usable AI chips {per}, total by scenario\n\n{scenario_table(summary)}")
        starts = starts_table(summary)
        if starts:
            title = f"Usable AI chips and wafer starts {per} by scenario, means"
            parts.append(f"{title}\n\n{starts}")
    if summary["differences"]:
        base = summary["differences"][0]["base"]
        title = f"Paired differences of the total from {base}, {per}"
        parts.append(f"{title}\n\n{difference_table(summary)}")
    correlations = correlation_table(summary, shown[0])
    if correlations:
        parts.append(f"Rank correlations of the parameters\n\n{correlations}")
    parts.append(_footnote(summary, [name for name in stored if name not in shown]))
    return "\n\n".join(parts)


def scenario_table(summary: Summary) -> str:
    """The total of each scenario by period."""
    totals = [r for r in main_records(summary) if r["product"] == TOTAL]
    rows = []
    for period in dict.fromkeys(map(period_name, totals)):
        label = period
        for record in (r for r in totals if period_name(r) == period):
            rows.append((label, record["scenario"], *figures(record)))
            label = ""
    return align((period_head(totals), "scenario", *HEADER), rows, range(2, 10))


def starts_table(summary: Summary) -> str:
    """The mean of usable AI chips of each scenario and period beside its wafer starts."""
    if not summary["starts"]:
        return ""
    cells = {(period_name(r), r["scenario"], r["designs"]): r for r in summary["starts"]}
    totals = [r for r in main_records(summary) if r["product"] == TOTAL]
    designs = list(dict.fromkeys(r["designs"] for r in summary["starts"]))
    header = [text for name in designs for text in (f"starts, {name}", "±")]
    rows = []
    for period in dict.fromkeys(map(period_name, totals)):
        label = period
        for chips in (r for r in totals if period_name(r) == period):
            own = [chips, *(cells.get((period, chips["scenario"], name), {}) for name in designs)]
            row = [count(r.get(key)) for r in own for key in ("mean", "se_mean")]
            rows.append((label, chips["scenario"], *row))
            label = ""
    columns = (period_head(totals), "scenario", "AI chips", "±", *header)
    return align(columns, rows, range(2, len(columns)))


def difference_table(summary: Summary) -> str:
    """Paired differences of the total by period.

    ``spread`` is the standard deviation of the paired difference over that of two separate runs.
    """
    records = [r for r in summary["differences"] if r["product"] == TOTAL]
    rows = []
    for period in dict.fromkeys(map(period_name, records)):
        label = period
        for record in (r for r in records if period_name(r) == period):
            spread = _decimal(record["spread_ratio"])
            rows.append((label, record["scenario"], *figures(record), spread))
            label = ""
    return align((period_head(records), "scenario", *HEADER, "spread"), rows, range(2, 11))


def correlation_table(summary: Summary, scenario: str) -> str:
    """Requested and achieved rank correlations; empty if the model has none."""
    rows = [
        (r["first"], r["second"], *(_decimal(r[key]) for key in ("requested", "achieved", "se")))
        for r in of_scenario(summary["correlations"], scenario)
    ]
    return align(("first", "second", "requested", "achieved", "±"), rows, (2, 3, 4)) if rows else ""


def _outlook(summary: Summary) -> list[str]:
    """A note where quarters of the ensemble are an outlook."""
    first = summary.get("outlook_from")
    if first is None or first > summary["quarters"][-1]:
        return []
    return [f"From {first} on: an outlook with wider priors, less sure than the years before."]


def _decimal(number: float | None) -> str:
    return "-" if number is None else f"{number:.2f}"


def _title(product: str, ai: Sequence[str]) -> str:
    if product == TOTAL:
        return "Usable AI chips per quarter, total"
    outside = "" if product in ai else " (not in the total)"
    return f"Usable chips per quarter, {product}{outside}"


def _mark(product: str, ai: Sequence[str]) -> str:
    return product if product == TOTAL or product in ai else f"{product}*"


def _footnote(summary: Summary, others: Sequence[str]) -> str:
    lines = [
        origin_line(summary),
        "Totals are summed in each realization before quantiles are taken; ± is the Monte Carlo "
        "standard error.",
        "Binds most often: the constraint that binds longest in the largest share of realizations",
        "(in the total: of packages started).",
    ]
    if summary["differences"]:
        lines.append(
            "Spread: standard deviation of the paired difference over that of two separate runs."
        )
    if others and "periods" not in summary:
        lines.append(f"Quarters of {', '.join(others)}: yieldsim summary STORE --scenario NAME.")
    if any(r["product"] not in (TOTAL, *summary["in_total"]) for r in summary["records"]):
        lines.append("* Not an AI chip, so not in the total.")
    return "\n".join(lines)


def _supplied(summary: Summary, records: list[Record], scenario: str) -> list[str]:
    """The products with chips in any realization, the total first.

    A product that alone makes up the total is left out.
    """
    supplied = dict.fromkeys(
        r["product"] for r in of_scenario(records, scenario) if r["mean"] > 0.0
    )
    alone = summary["in_total"] if len(summary["in_total"]) == 1 else []
    return [name for name in supplied if name not in alone] or [TOTAL]


def _first_binding(summary: Summary, scenario: str, product: str) -> dict[str, str]:
    """Quarter or chosen period -> the most frequent constraint with its share."""
    key = "period" if "periods" in summary else "quarter"
    first: dict[str, str] = {}
    for r in of_scenario(summary["binding"], scenario, product=product):
        first.setdefault(r[key], f"{r['constraint']} ({100.0 * r['share']:.0f} %)")
    return first
