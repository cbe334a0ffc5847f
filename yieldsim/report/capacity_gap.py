"""The tables of the tools that a fab lacks, from `yieldsim.analysis.fab.capacity_gap`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from yieldsim.report.capacity import decimal
from yieldsim.report.tables import align, count

__all__ = ["gap_text"]

Record = Mapping[str, Any]
_QUANTILES = ("p10", "p50", "p90")
_KNOWN = 0.5  # share of the realizations that must have such a tool


def gap_text(fab: str, record: Record) -> str:
    """What is missing, first in words, then by group and class."""
    wafers = count(record["wafers_per_month"])
    short = [group for group in record["tool_groups"] if group["share_short"] > 0.0]
    enough = f"{100.0 * record['share_enough']:.0f} %"
    words = (
        f"{fab}, {record['quarter']}, {wafers} wafers a month: the tools are enough in {enough} "
        "of realizations"
    )
    if not short:
        return f"{words}."
    names = ", ".join(_often(group) for group in sorted(short, key=_share)[:4])
    title = f"Tools missing for {wafers} wafers a month: whole tools, if all were of one class"
    return f"{words}; most often missing: {names}.\n\n{title}\n\n{_table(short)}\n\n" + _NOTE


_NOTE = (
    "P10, P50 and P90 over the realizations with such tools. A dash: fewer than half have one, so "
    "its passes are not known. Load is in proportion to the planned mix."
)


def _share(group: Record) -> float:
    return -float(group["share_short"])


def _often(group: Record) -> str:
    return f"{group['tool_group']} ({100.0 * group['share_short']:.0f} %)"


def _table(groups: list[Record]) -> str:
    header = ["tool group", "load/capacity P50", "short in", "class", "tools", "missing P10", "P50",
              "P90"]  # fmt: skip
    rows = []
    for group in groups:
        first = [
            group["tool_group"],
            decimal(group["load_over_capacity"]["p50"], none="inf"),
            f"{100.0 * group['share_short']:.0f} %",
        ]
        for kind, tools in group["classes"].items():
            missing = tools["tools_missing"]
            known = tools["share_with_tools"] >= _KNOWN
            cells = [decimal(missing[q], 0) if known else "-" for q in _QUANTILES]
            rows.append([*first, kind, decimal(tools["tools"]["p50"], 1), *cells])
            first = ["", "", ""]
    return align(header, rows, {1, 2, 4, 5, 6, 7})
