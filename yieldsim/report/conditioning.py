"""The tables of `yieldsim condition`: prior beside posterior, the evidence, and what carries it."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

from yieldsim.analysis.evidence.words import entity_in, published, short
from yieldsim.report.tables import HEADER, Record, align, count, figures, origin_line, percent

WIDTH = 100
BEFORE = "before"
WHEN = {BEFORE: "prior", "after": "posterior"}
NOTES = (
    "below: share of realizations below the published figure, or below the ends of its range.",
    "vote: rows of one independence group share one vote. spread: standard deviation of the error.",
    "lost: the share of the information in all rows that is lost without this one;",
    "negative where the others say more without it.",
    "change: with its 95 % interval; a change whose interval includes 0 is not significant.",
    "shift: of an input's mean, in standard deviations of its prior; * is significant.",
    "± is the Monte Carlo standard error; after the evidence it follows from the effective size.",
)


def condition_text(found: Mapping[str, Any]) -> str:
    """All tables of a conditioned ensemble, by `condition.condition`."""
    counting = [r for r in found["evidence"] if r["counts"]]
    title = f"Evidence of {found['evidence_file']}, scenario {found['scenario']}"
    parts = [f"{title}\n\n{evidence_table(counting)}"]
    passed = [r for r in found["evidence"] if not r["counts"]]
    if passed:
        lines = [f"{entity_in(r)} ({r['house']}): {r['reason']}" for r in passed]
        parts.append("\n".join(["Passed over", "", *lines]))
    parts.append(f"Usable AI chips in total, by year\n\n{totals_table(found)}")
    if found["posterior"] is not None:
        parts.append(f"{_moved_title(found['moved'])}\n\n{inputs_table(found['moved'])}")
    parts.append(f"Without one piece of evidence\n\n{left_out_table(found['left_out'])}")
    parts.append("\n".join([*_sentences(found), origin_line(found), *NOTES]))
    return "\n\n".join(parts)


def evidence_table(records: list[Record]) -> str:
    """One row for each figure that counts: its spread, its vote, its place before and after."""
    rows = [
        (
            r["entity"],
            r["period"],
            r["house"],
            published(r),
            r["spread"],
            r["independence_group"] or "-",
            f"{r['vote']:.2f}",
            _below(r, "prior"),
            _below(r, "posterior"),
        )
        for r in records
    ]
    header = (
        *("published for", "period", "by", "published", "spread", "group", "vote"),
        *("below before", "after"),
    )
    return align(header, rows, (3, 4, 6, 7, 8))


def _below(record: Record, when: str) -> str:
    shares = [record[f"{when}_below{end}"] for end in ("", "_low", "_high")]
    known = [percent(share) for share in shares if share is not None]
    return " to ".join(dict.fromkeys(known)) or "-"


def totals_table(found: Mapping[str, Any]) -> str:
    """Two rows a year, before and after: P10, P50, P90, their errors and P90/P10.

    The second row also has the change of that ratio, with its interval.
    """
    states = {when: found[key] for when, key in WHEN.items() if found[key] is not None}
    changes = {record["year"]: _change(record) for record in found["narrowing"]}
    rows = []
    for place, first in enumerate(found["prior"]["totals"]):
        for when, state in states.items():
            record = state["totals"][place]
            ratio = "-" if record["ratio"] is None else f"{record['ratio']:.2f}"
            label, change = ("", changes[first["year"]]) if when != BEFORE else (first["year"], "")
            rows.append((label, when, *figures(record), ratio, change))
    header = ("year", "evidence", *HEADER, "P90/P10", "change of P90/P10")
    return align(header, rows, range(2, 12))


def _change(record: Record) -> str:
    """The relative change of P90/P10, and its interval."""
    if record["width"] is None:
        return "-"
    change, low, high = (100.0 * (record[key] - 1.0) for key in ("width", "low", "high"))
    return f"{change:+.0f} % ({low:+.0f} to {high:+.0f})"


def _moved_title(moved: Mapping[str, Any]) -> str:
    return f"Inputs that moved most: {moved['moved']} of {moved['of']} moved significantly"


def inputs_table(moved: Mapping[str, Any]) -> str:
    """One row for each input: its shift, the ratio of spreads, its median before and after."""
    rows = [
        (
            r["parameter"],
            f"{r['shift']:+.2f}{'*' if r['moved'] else ''}",
            f"{r['se_shift']:.2f}",
            f"{r['sd_ratio']:.2f}",
            short(r["prior_p50"]),
            short(r["posterior_p50"]),
        )
        for r in moved["inputs"]
    ]
    header = ("input", "shift", "±", "sd after/before", "P50 before", "after")
    return align(header, rows, range(1, 6))


def left_out_table(records: list[Record]) -> str:
    """One row for each row or group that is left out, with what remains."""
    years = list(records[0]["p50"])
    rows = [
        (
            f"group {r['name']}" if r["kind"] == "group" else r["name"],
            count(r["effective_sample_size"]),
            "-" if r["pareto_k"] is None else f"{r['pareto_k']:.2f}",
            percent(r["share_gone"]),
            *(count(r["p50"][year]) for year in years),
        )
        for r in records
    ]
    header = ("without", "effective", "k", "lost", *(f"P50 {year}" for year in years))
    return align(header, rows, range(1, len(header)))


def _sentences(found: Mapping[str, Any]) -> list[str]:
    k = "no tail to fit" if found["pareto_k"] is None else f"Pareto k {found['pareto_k']:.2f}"
    head = (
        f"Effective sample size {found['effective_sample_size']:,.1f} of "
        f"{found['realizations']:,} realizations, {k}."
    )
    carried = found["carried_by"]
    one = (
        f"More than half of what the evidence says rests on: {'; '.join(carried)}."
        if carried
        else "No single row or group carries more than half of what the evidence says."
    )
    lines = [head, one]
    if found["posterior"] is not None:
        lines.append(f"The weights are stored: --weights {found['name']}.")
    return [part for line in lines for part in textwrap.wrap(line, WIDTH)]
