"""The tables of `yieldsim compare-evidence`: published figures beside those of the ensemble."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from yieldsim.analysis.evidence.words import below, entity_in, published, short
from yieldsim.report.tables import FIGURES, HEADER, Record, align, count, figures, origin_line

TITLES = {
    "figures": "Published counts beside the ensemble's",
    "forecasts": "Forecasts of others beside the ensemble's",
}
NOTES = (
    "P10, P50, P90, mean: of the ensemble, each with its Monte Carlo standard error.",
    "below: share of realizations below the published figure, or below the ends of its range.",
    "inside: whether the published range and P10 to P90 overlap; <= and >= are bounds.",
    "An input is a figure that a parameter of the model rests on: it tests nothing.",
)
WHOLE_FROM = 100.0  # P90 of a count whose other figures are printed as whole numbers too
USED = "The weights rest on such counts: a check that they were made of tests nothing any more."


def evidence_text(
    sections: Mapping[str, list[Record]],
    checks: Mapping[str, Any],
    totals: list[Record],
    origin: Mapping[str, Any],
    scenario: str,
) -> str:
    """Counts and forecasts with their sources, what is not compared, the checks, the widths."""
    used = [USED] if "weights" in origin else []
    parts: list[str] = []
    first = 1  # the numbers in brackets go on from section to section
    for key, records in sections.items():
        compared = [record for record in records if record["compared"]]
        if compared:
            parts += [f"{TITLES[key]}, scenario {scenario}", *_section(compared, first)]
            first += len(compared)
        if len(compared) < len(records):
            lines = [_passed_over(record) for record in records if not record["compared"]]
            parts.append("\n".join([f"Not compared ({_KINDS[key]})", "", *lines]))
    if checks["checks"]:
        parts.append(_checks(sections["figures"], checks))
    parts += [_widths(totals), "\n".join((origin_line(origin), *NOTES, *used))]
    return "\n\n".join(parts)


_KINDS = {"figures": "counts", "forecasts": "forecasts"}


def _section(records: list[Record], first: int) -> list[str]:
    """A table of compared records, and the source of each."""
    numbered = list(enumerate(records, start=first))
    header = ("", "published for", "period", "published", *HEADER, "below", "inside", "role")
    table = align(header, [_row(*pair) for pair in numbered], [0, 3, *range(4, 13)])
    return [table, "\n".join(_source(*pair) for pair in numbered)]


def _row(number: int, record: Record) -> tuple[str, ...]:
    where = "yes" if record["inside"] else "no"
    cells = figures(record, count if record["p90"] >= WHOLE_FROM else short)
    return (
        f"[{number}]",
        record["entity"],
        record["period"],
        published(record),
        *cells,
        below(record),
        where,
        record["role"],
    )


def _source(number: int, record: Record) -> str:
    """The source of a figure, what it is compared with, and the remarks on it."""
    select = f" of {record['select']}" if record["select"] else ""
    factor = f" x {record['factor']:g}" if record["factor"] != 1.0 else ""
    per = f", a {record['per']}" if record["per"] != "period" else ""
    note = f"; {record['comparable']}" if record["comparable"] else ""
    lines = [
        f"[{number}] {record['unit']}: {record['source']}",
        f"{record['variable']}{select}{factor}{per}{note}",
    ]
    if record["sets"]:
        lines.append(f"an input of {', '.join(record['sets'])}")
    if record["far"]:
        lines.append(f"beyond P5 to P95: {record['remark'] or 'no reason is given'}")
    elif record["remark"]:
        lines.append(record["remark"])
    return "\n    ".join(lines)


def _passed_over(record: Record) -> str:
    figure = published(record)
    what = record["unit"] if figure == "-" else f"{figure} {record['unit']}"
    return f"{entity_in(record)}: {what} ({record['source']})\n    {record['reason']}"


def _checks(records: list[Record], checks: Mapping[str, Any]) -> str:
    """How many of the separate checks lie inside, and which do not."""
    separate, inside = checks["checks"], checks["inside"]
    inputs = len(checks["inputs"])
    head = f"Of {separate} separate checks, P10 to P90 holds {inside}."
    head += f" Counts that inputs rest on, which test nothing: {inputs}." if inputs else ""
    missed = [records[place] for place in checks["outside"]]
    if len(missed) > separate - inside:
        head += " Rows of one house, thing and year are one check."
    lines = [
        f"    outside: {entity_in(r)}, {published(r)} by {r['house']} ({below(r)} below)"
        for r in missed
    ]
    return "\n".join([head, *lines])


def _widths(totals: list[Record]) -> str:
    """P90 over P10 of the total of each year."""
    ratios = ["-" if r["ratio"] is None else f"{r['ratio']:.2f}" for r in totals]
    rows = [
        (r["year"], *(short(r[name]) for name in FIGURES), ratio)
        for r, ratio in zip(totals, ratios, strict=True)
    ]
    table = align(("year", "P10", "P50", "P90", "P90/P10"), rows, [1, 2, 3, 4])
    return f"Usable AI chips in total, by year\n\n{table}"
