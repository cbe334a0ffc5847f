"""The capacity of a fab's tools, the load of the plan on them, and flows and times of wafers.

The record of `capacity_record`, which `yieldsim capacity --json` prints. A figure is a table of
statistics over the realizations: ``mean``, ``p10``, ``p50``, ``p90`` and their Monte Carlo standard
errors ``se_mean``, ``se_p10``, ...; null means undefined, and in ``load_over_capacity`` infinite.

- ``model``, ``scenario``, ``seed``, ``realizations``, ``fab``, ``title``, ``no_limit`` (the limits
  that the scenario lifts), ``time_base`` (of shares of time), ``has_tools``, ``unused_groups``
  (fleets that no process of the fab visits);
- ``quarter``: the quarter in detail, ``chosen``: why (``given``, ``largest load over capacity``,
  ``largest plan``); of this quarter, in detail:
- ``tool_groups``, largest load over capacity first: ``tool_group``, ``title``, ``rank`` (by the
  median of load over capacity; null for a group without load), ``share_scarcest`` (share of the
  realizations in which the group has the largest load over capacity), ``load_over_capacity``
  (passes planned over passes possible), ``utilization`` (made over possible), ``visits_per_wafer``
  (of the planned mix), ``passes_planned_per_month``, ``passes_possible_per_month``,
  ``passes_made_per_month``, ``capacity_wafers_per_month`` (possible over visits of a wafer),
  ``made_wafers_per_month`` (made over visits of a wafer), and ``classes``: ``imported`` and
  ``domestic`` with ``tools``, ``availability`` (share of total time up for production),
  ``passes_possible_per_month``, ``passes_made_per_month``, ``utilization``, ``share_of_possible``
  (mean share of the group's possible passes), ``share_with_tools`` (share of the realizations with
  such tools; shares of time are over these) and ``e10``: mean shares of total time by the states of
  SEMI E10, ``productive``, ``standby``, ``engineering``, ``scheduled_down``,
  ``unscheduled_down``, ``nonscheduled``;
- ``processes``: ``process``, ``title``, ``planned_wafers_per_month``, ``started_wafers_per_month``,
  ``out_wafers_per_month``, ``cycle_time_days``, ``raw_process_days``, ``x_factor``, ``wip_wafers``
  (at the end of the quarter);
- ``quarters``, all quarters: ``quarter``, the figures of ``processes`` for the whole fab (times
  weighted by wafers out), ``bottleneck`` (a tool group or null) with its ``share_scarcest``,
  ``load_over_capacity`` and ``utilization``, ``share_carried`` (share of the realizations in
  which no load exceeds capacity; null without tools), and ``tool_groups``: for each name
  ``load_over_capacity`` and ``share_scarcest``.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from yieldsim.analysis.fab.capacity_run import FabRun
from yieldsim.analysis.fab.capacity_tools import (
    by_load,
    group_records,
    infinite,
    load_over_capacity,
    monthly,
    quarterly,
    quotient,
    share_of_largest,
    spread,
)
from yieldsim.analysis.records import Record
from yieldsim.errors import UsageError
from yieldsim.model.schema.calendar import quarter_index

TIME_BASE = "total time"


def check_quarter(quarters: list[str], quarter: str) -> None:
    """Raise UsageError unless the quarter is one of the model."""
    try:
        quarter_index(quarter)
    except ValueError as error:
        problem, _, _ = str(error).partition(", got ")
        raise UsageError("--quarter", problem, got=quarter, allowed='such as "2026Q3"') from None
    if quarter not in quarters:
        allowed = f"{quarters[0]} to {quarters[-1]}"
        raise UsageError("--quarter", "is not in the model's time", got=quarter, allowed=allowed)


def capacity_record(run: FabRun, quarter: str | None = None) -> Record:
    """The figures of a fab by quarter, and of a single quarter in detail, as plain numbers.

    The quarter in detail is by default the one with the largest median of load over capacity, or
    for a fab without tools the one with the largest plan. Raises UsageError for a quarter that the
    run does not have.
    """
    if quarter is not None:
        check_quarter(run.quarters, quarter)
    quarters = [_quarter(run, q) for q in range(len(run.quarters))]
    q, why = _worst(quarters) if quarter is None else (run.quarters.index(quarter), "given")
    fab = run.model.fabs[run.fab]
    return {
        "model": run.model.name,
        "scenario": run.scenario,
        "seed": run.seed,
        "realizations": run.realizations,
        "fab": run.fab,
        "title": fab.title,
        "no_limit": list(run.model.simulation.no_limit),
        "time_base": TIME_BASE,
        "has_tools": bool(run.groups),
        "unused_groups": [g for g in fab.fleets if g not in run.groups],
        "quarter": run.quarters[q],
        "chosen": why,
        "tool_groups": group_records(run, q),
        "processes": [_process(run, q, p) for p in range(len(run.processes))],
        "quarters": quarters,
    }


def _worst(quarters: list[Record]) -> tuple[int, str]:
    """The place of the quarter with the largest load over capacity, or with the largest plan."""
    loads = [
        -1.0 if r["bottleneck"] is None else infinite(r["load_over_capacity"]["p50"])
        for r in quarters
    ]
    if max(loads) >= 0.0:
        return loads.index(max(loads)), "largest load over capacity"
    plans = [r["planned_wafers_per_month"]["p50"] for r in quarters]
    return plans.index(max(plans)), "largest plan"


def _process(run: FabRun, q: int, p: int) -> Record:
    name = run.processes[p]

    def figure(output: str) -> np.ndarray:
        return quarterly(run, output, q)[:, p]

    days, raw = figure("cycle_time_days"), run.raw_days[:, p]
    title = run.model.processes[name].title
    return {"process": name, "title": title} | _wafers(figure, days, raw)


def _quarter(run: FabRun, q: int) -> Record:
    """The wafers of the whole fab in a quarter and its bottleneck."""

    def figure(output: str) -> np.ndarray:
        return quarterly(run, output, q).sum(axis=-1)

    outs, plan = quarterly(run, "wafer_outs", q), quarterly(run, "wafer_plan", q)
    weight = np.where(
        outs.sum(axis=-1, keepdims=True) > 0.0, outs, plan
    )  # planned wafers if none came out
    total = weight.sum(axis=-1)
    days = quotient((weight * quarterly(run, "cycle_time_days", q)).sum(axis=-1), total)
    raw = quotient((weight * run.raw_days).sum(axis=-1), total)
    record: Record = {"quarter": run.quarters[q]} | _wafers(figure, days, raw)
    record |= dict.fromkeys(("bottleneck", "share_scarcest", "load_over_capacity", "utilization"))
    record |= {"share_carried": None, "tool_groups": {}}
    if not run.groups:
        return record
    ratio = load_over_capacity(run, q)
    shares = share_of_largest(ratio)
    loads = [
        {"load_over_capacity": spread(ratio[:, g]), "share_scarcest": float(shares[g])}
        for g in range(len(run.groups))
    ]
    record["share_carried"] = float((ratio.max(axis=1) <= 1.0).mean())
    record["tool_groups"] = dict(zip(run.groups, loads, strict=True))
    first = by_load(loads, shares)[0]
    if ratio[:, first].max() > 0.0:
        utilization = spread(quarterly(run, "utilization", q)[:, first])
        record |= {"bottleneck": run.groups[first], "utilization": utilization, **loads[first]}
    return record


def _wafers(figure: Callable[[str], np.ndarray], days: np.ndarray, raw: np.ndarray) -> Record:
    """Flows a month, times and WIP; no times without wafers planned, out or in the fab."""
    plan, outs, wip = (figure(name) for name in ("wafer_plan", "wafer_outs", "wafer_wip"))
    days = np.where(plan + outs + wip > 0.0, days, np.nan)
    return {
        "planned_wafers_per_month": monthly(plan),
        "started_wafers_per_month": monthly(figure("wafer_starts")),
        "out_wafers_per_month": monthly(outs),
        "cycle_time_days": spread(days),
        "raw_process_days": spread(raw),
        "x_factor": spread(quotient(days, raw)),
        "wip_wafers": spread(wip),
    }
