"""The tools that a fab lacks for a number of wafers a month.

The record of `gap_record`, the key ``for`` of `yieldsim capacity --for --json`: ``quarter``,
``wafers_per_month``, ``share_enough`` (share of the realizations in which no group lacks tools)
and ``tool_groups``, the largest load first: ``tool_group``, ``title``, ``load_over_capacity``
(passes of that many wafers over passes possible), ``passes_missing_per_month``, ``share_short``
(share of the realizations in which the group lacks tools) and ``classes``: for each class of tools
``tools`` (present), ``tools_missing`` (whole tools, if all were of this class) and
``share_with_tools`` (share of the realizations with such tools; ``tools_missing`` is limited to
these, because without a tool its passes are not known). Figures are statistics over the
realizations, as in `yieldsim.analysis.fab.capacity`.
"""

from __future__ import annotations

import numpy as np

from yieldsim.analysis.fab.capacity_run import FabRun
from yieldsim.analysis.fab.capacity_tools import infinite, monthly, quarterly, quotient, spread
from yieldsim.analysis.records import Record
from yieldsim.errors import UsageError
from yieldsim.supply.compile import CLASSES
from yieldsim.units import MONTHS_PER_QUARTER

__all__ = ["check_wafers", "gap_record"]

MOST_WAFERS = 1e7
_ROUND = 1e-6  # outputs are float32: such a fraction of a tool does not count as missing


def check_wafers(wafers_per_month: float) -> None:
    """Raise UsageError for an impossible number of wafers a month."""
    if not 0.0 < wafers_per_month <= MOST_WAFERS:
        allowed = f"wafers a month > 0 and <= {MOST_WAFERS:g}"
        raise UsageError("--for", "is out of range", got=wafers_per_month, allowed=allowed)


def gap_record(run: FabRun, quarter: str, wafers_per_month: float) -> Record:
    """Passes and tools that are missing in a quarter for wafers of the planned mix.

    Load counts in proportion to the wafers started; the passes of a tool are those of its class in
    this quarter, with its availability. Raises UsageError where nothing is planned in the quarter.
    """
    check_wafers(wafers_per_month)
    q = run.quarters.index(quarter)
    plan = quarterly(run, "wafer_plan", q).sum(axis=-1)
    if not (plan > 0.0).all():
        raise UsageError("--quarter", "has no planned wafers, whose mix gives the passes",
                         got=quarter, allowed="a quarter with a plan")  # fmt: skip
    wafers = wafers_per_month * MONTHS_PER_QUARTER
    needed = quarterly(run, "tool_load", q) * (wafers / plan)[:, np.newaxis]
    possible = quarterly(run, "tool_passes_possible", q)
    missing = np.maximum(needed - possible.sum(axis=-1), 0.0)
    short = missing > _ROUND * needed
    groups = [
        _group(run, q, g, needed[:, g], np.where(short[:, g], missing[:, g], 0.0))
        for g in range(len(run.groups))
    ]
    groups.sort(key=lambda record: -infinite(record["load_over_capacity"]["p50"]))
    return {
        "quarter": quarter,
        "wafers_per_month": wafers_per_month,
        "share_enough": float((~short.any(axis=1)).mean()),
        "tool_groups": groups,
    }


def _group(run: FabRun, q: int, g: int, needed: np.ndarray, missing: np.ndarray) -> Record:
    possible = quarterly(run, "tool_passes_possible", q)[:, g]
    tools = quarterly(run, "tools", q)[:, g]
    total = possible.sum(axis=-1)
    ratio = np.divide(needed, total, out=np.full(len(needed), np.inf), where=total > 0.0)
    each = quotient(possible, tools)  # passes of one tool in the quarter, by class
    return {
        "tool_group": run.groups[g],
        "title": run.model.tool_groups[run.groups[g]].title,
        "load_over_capacity": spread(np.where(needed > 0.0, ratio, 0.0)),
        "passes_missing_per_month": monthly(missing),
        "share_short": float((missing > 0.0).mean()),
        "classes": {
            kind: {
                "tools": spread(tools[:, c]),
                "tools_missing": spread(_whole(missing, each[:, c])),
                "share_with_tools": float((tools[:, c] > 0.0).mean()),
            }
            for c, kind in enumerate(CLASSES)
            if run.classes[g, c]
        },
    }


def _whole(missing: np.ndarray, each: np.ndarray) -> np.ndarray:
    """Whole tools for the missing passes; NaN where no tool says how many passes one makes."""
    tools = np.ceil(quotient(missing, each) * (1.0 - _ROUND))
    return np.where((missing == 0.0) & ~np.isnan(each), 0.0, tools)
