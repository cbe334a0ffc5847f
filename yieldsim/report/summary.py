"""The tables of usable chips, from the dictionary of `yieldsim.analysis.summarize`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from yieldsim.report.tables import HEADER, align, count, figures

TOTAL = "total"
Record = dict[str, Any]
Summary = dict[str, Any]


def quarter_table(summary: Summary, scenario: str, product: str = TOTAL) -> str:
    """Usable chips of a product by quarter, with what binds it most often.

    Quarters in which it never leaves a chip are left out.
    """
    records = [r for r in _of(summary["records"], scenario, product) if r["mean"] > 0.0]
    binding = _first_binding(summary, scenario, product)
    rows = [(r["quarter"], *figures(r), binding.get(r["quarter"], "")) for r in records]
    if not rows:
        return "none in any realization"
    return align(("quarter", *HEADER, "binds most often"), rows, range(1, 9))


def yearly_table(summary: Summary, scenario: str) -> str:
    """Usable chips by calendar year: the total, the products in it, then the others."""
    names = _supplied(summary, summary["yearly"], scenario)
    records = [r for r in _of(summary["yearly"], scenario) if r["product"] in names]
    records = [r for r in records if r["mean"] > 0.0]
    years = dict.fromkeys(r["year"] for r in records)
    ai = summary["in_total"]
    rows: list[tuple[str, ...]] = []
    for year in years:
        of_year = [r for r in records if r["year"] == year]
        label = year if of_year[0]["quarters"] == 4 else f"{year} ({of_year[0]['quarters']}q)"
        of_year.sort(key=lambda r: (r["product"] != TOTAL, r["product"] not in ai))
        for record in of_year:
            rows.append((label, _mark(record["product"], ai), *figures(record)))
            label = ""
    return align(("year", "product", *HEADER), rows, range(2, 10))


def summary_text(
    summary: Summary,
    scenarios: Sequence[str] = (),
    products: Sequence[str] = (),
) -> str:
    """All tables: for each scenario the quarters of the total and of each product, then years.

    ``scenarios`` and ``products`` say which; by default all products of the first scenario. More
    than one scenario in the summary are compared by year at the end.
    """
    found = list(dict.fromkeys(r["scenario"] for r in summary["records"]))
    parts = []
    for scenario in scenarios or found[:1]:
        names = products or _supplied(summary, summary["records"], scenario)
        for product in names:
            title = f"{_title(product, summary['in_total'])}, scenario {scenario}"
            parts.append(f"{title}\n\n{quarter_table(summary, scenario, product)}")
        title = f"Usable chips per calendar year, scenario {scenario}"
        parts.append(f"{title}\n\n{yearly_table(summary, scenario)}")
    if len(found) > 1:
        parts.append(
            f"Usable AI chips per calendar year, total by scenario\n\n{scenario_table(summary)}"
        )
    if summary["differences"]:
        base = summary["differences"][0]["base"]
        title = f"Total less that of {base}, realization by realization"
        parts.append(f"{title}\n\n{difference_table(summary)}")
    correlations = correlation_table(summary, (*scenarios, *found)[0])
    if correlations:
        parts.append(f"Rank correlations of the parameters\n\n{correlations}")
    others = [name for name in found if name not in (scenarios or found[:1])]
    parts.append(_footnote(summary, others))
    return "\n\n".join(parts)


def scenario_table(summary: Summary) -> str:
    """The total of each scenario by calendar year."""
    rows = []
    for year in dict.fromkeys(r["year"] for r in summary["yearly"]):
        label = year
        for record in summary["yearly"]:
            if record["year"] == year and record["product"] == TOTAL:
                rows.append((label, record["scenario"], *figures(record)))
                label = ""
    return align(("year", "scenario", *HEADER), rows, range(2, 10))


def difference_table(summary: Summary) -> str:
    """Paired differences of the total by calendar year.

    ``spread`` is the standard deviation of the paired difference over that of two separate runs.
    """
    records = [r for r in summary["differences"] if r["product"] == TOTAL]
    rows = []
    for year in dict.fromkeys(r["year"] for r in records):
        label = year
        for record in (r for r in records if r["year"] == year):
            spread = _decimal(record["spread_ratio"])
            rows.append((label, record["scenario"], *figures(record), spread))
            label = ""
    return align(("year", "scenario", *HEADER, "spread"), rows, range(2, 11))


def correlation_table(summary: Summary, scenario: str) -> str:
    """Requested and achieved rank correlations; empty where the model asks for none."""
    rows = [
        (r["first"], r["second"], *(_decimal(r[key]) for key in ("requested", "achieved", "se")))
        for r in _of(summary["correlations"], scenario)
    ]
    return align(("first", "second", "requested", "achieved", "±"), rows, (2, 3, 4)) if rows else ""


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
    seed = f", seed {summary['seed']}" if summary["seed"] else ""
    model = f"Model {summary['model']}{seed}, " if summary["model"] else ""
    lines = [
        f"{model}{count(summary['realizations'])} realizations.",
        "Quantiles are of the totals in each realization; ± is the Monte Carlo standard error.",
        "Binds most often: the constraint that held longest in the largest share of realizations.",
    ]
    if summary["differences"]:
        lines.append("Spread: that of the paired difference over that of two separate runs.")
    if others:
        lines.append(f"Quarters of {', '.join(others)}: yieldsim summary STORE --scenario NAME.")
    if any(r["product"] not in (TOTAL, *summary["in_total"]) for r in summary["records"]):
        lines.append("* not an AI chip, not in the total.")
    return "\n".join(lines)


def _of(records: list[Record], scenario: str, product: str | None = None) -> list[Record]:
    return [
        r
        for r in records
        if r["scenario"] == scenario and (product is None or r["product"] == product)
    ]


def _supplied(summary: Summary, records: list[Record], scenario: str) -> list[str]:
    """The products that ever leave a chip, the total first; one that is the total is left out."""
    found = dict.fromkeys(r["product"] for r in _of(records, scenario) if r["mean"] > 0.0)
    alone = summary["in_total"] if len(summary["in_total"]) == 1 else []
    return [name for name in found if name not in alone] or [TOTAL]


def _first_binding(summary: Summary, scenario: str, product: str) -> dict[str, str]:
    """Quarter -> the most frequent constraint with its share."""
    first: dict[str, str] = {}
    for r in _of(summary["binding"], scenario, product):
        first.setdefault(r["quarter"], f"{r['constraint']} ({100.0 * r['share']:.0f} %)")
    return first
