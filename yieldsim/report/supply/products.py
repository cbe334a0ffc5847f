"""Tables of products, from `products_summary`: chips, packages by bin, compute."""

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

SHORT = {
    "usable_chips": "usable",
    "packages_started": "started",
    "packages_passed": "passed",
    "tflops_fp16": "TFLOPS FP16",
    "h100_equivalents": "H100 FP16",
    "h100_equivalents_bandwidth": "H100 bandwidth",
}
FULL = {
    "h100_equivalents": "H100-equivalents by dense FP16 compute",
    "h100_equivalents_bandwidth": "H100-equivalents by memory bandwidth",
}
NOTES = (
    "H100-equivalents: of the usable chips, by dense FP16 compute and by memory bandwidth.",
    "started, passed: packages. Figures by quarter: --json.",
)


def products_text(
    summary: Summary, scenarios: Sequence[str] = (), products: Sequence[str] = ()
) -> str:
    """All tables of the given scenarios, by default the first, and products, by default all."""
    parts = []
    names = scenario_names(main_records(summary))
    for scenario in scenarios or names[:1]:
        kept = [
            r
            for r in of_scenario(main_records(summary), scenario)
            if (not products or r["product"] in products) and r["mean"] > 0.0
        ]
        per = per_period(summary)
        tables = {f"Products {per}, P50 of each and its error": medians_table(kept)}
        for variable, title in FULL.items():
            tables[f"{title} {per}"] = spread_table([r for r in kept if r["variable"] == variable])
        tables[f"Packages passed by bin {per}"] = bins_table(kept)
        parts += [f"{title}, scenario {scenario}\n\n{t}" for title, t in tables.items() if t]
    parts.append("\n".join(_notes(summary)))
    return "\n\n".join(parts)


def medians_table(records: list[Record]) -> str:
    """One row a period and product: P50 of each variable with its error."""
    cells: dict[tuple[str, str], dict[str, Record]] = {}
    for r in records:
        if r["bin"] is None:
            cells.setdefault((period_label(r), r["product"]), {})[r["variable"]] = r
    there = [name for name in SHORT if any(name in cell for cell in cells.values())]
    header = [text for name in there for text in (SHORT[name], "±")]
    rows: list[tuple[str, ...]] = []
    last = ""
    for year, product in sorted(cells, key=lambda place: place[0]):
        cell = cells[year, product]
        row = [_cell(cell.get(name), key) for name in there for key in ("p50", "se_p50")]
        rows.append((year if year != last else "", product, *row))
        last = year
    return (
        align((period_head(records), "product", *header), rows, range(2, 2 + len(header)))
        if rows
        else ""
    )


def _cell(record: Record | None, key: str) -> str:
    return count(record[key] if record else 0.0)


def spread_table(records: list[Record]) -> str:
    """One row a period and product: P10, P50, P90 and mean with their errors."""
    rows = [(period_label(r), r["product"], *figures(r)) for r in sorted(records, key=period_name)]
    return align((period_head(records), "product", *HEADER), rows, range(2, 10)) if rows else ""


def bins_table(records: list[Record]) -> str:
    """One row a period, product and bin of the packages that passed the final test."""
    rows = [
        (period_label(r), r["product"], r["bin"], *figures(r))
        for r in sorted(records, key=period_name)
        if r["bin"] is not None
    ]
    return (
        align((period_head(records), "product", "bin", *HEADER), rows, range(3, 11)) if rows else ""
    )


def _notes(summary: Summary) -> list[str]:
    lines = [origin_line(summary), *NOTES]
    if summary["missing"]:
        lines.append(f"The ensemble does not keep {', '.join(summary['missing'])}.")
    return lines
