"""The tools of a fab: their capacity, the load on them, and their states."""

from __future__ import annotations

import math

import numpy as np

from yieldsim.analysis.fab.capacity_run import HOURS_PER_QUARTER, FabRun
from yieldsim.analysis.records import Record
from yieldsim.analysis.statistics.standard_error import (
    P10_P50_P90,
    STATISTICS,
    named,
    statistics,
)
from yieldsim.supply.compile import CLASSES
from yieldsim.units import MONTHS_PER_QUARTER

STATES = (
    "productive",
    "standby",
    "engineering",
    "scheduled_down",
    "unscheduled_down",
    "nonscheduled",
)


# ---- statistics over the realizations


def spread(values: np.ndarray) -> Record:
    """Mean, P10, P50, P90 and their standard errors over the realizations in which ``values`` (R)
    are defined. None where they are defined in no realization, and in place of infinity."""
    x = values[~np.isnan(values)].astype(float)
    if not x.size:
        return dict.fromkeys(STATISTICS)
    if not np.isinf(x).any():
        return statistics(x)
    x.sort()  # an order statistic: between a number and infinity nothing is linear
    places = [math.ceil((x.size - 1) * p) for p in P10_P50_P90]
    return named(STATISTICS, [math.inf, *(float(x[i]) for i in places), *[math.nan] * 4])


def quotient(over: np.ndarray, under: np.ndarray) -> np.ndarray:
    """Quotients, NaN where the divisor is zero."""
    return np.divide(over, under, out=np.full(np.shape(under), np.nan), where=under > 0.0)


def _mean(values: np.ndarray) -> float | None:
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if defined.size else None


def quarterly(run: FabRun, name: str, q: int) -> np.ndarray:
    """An output in a quarter, (R, ...)."""
    return run.figures[name][:, q].astype(float)


def infinite(number: float | None) -> float:
    """A median of load over capacity as a number: None stands for infinite."""
    return math.inf if number is None else number


# ---- tools


def load_over_capacity(run: FabRun, q: int) -> np.ndarray:
    """Passes that the plan asks for over those possible in a quarter, (R, G).

    Zero for a group without load, infinite for a load that no tool can carry.
    """
    load = quarterly(run, "tool_load", q)
    possible = quarterly(run, "tool_passes_possible", q).sum(axis=-1)
    ratio = np.divide(load, possible, out=np.full(load.shape, np.inf), where=possible > 0.0)
    return np.where(load > 0.0, ratio, 0.0)


def share_of_largest(ratio: np.ndarray) -> np.ndarray:
    """Share of the realizations in which each group has the largest ratio, (G) from (R, G).

    Of equal groups the first counts, as in the simulation. A realization without load counts for
    no group.
    """
    first = ratio.argmax(axis=1)[ratio.max(axis=1) > 0.0]
    return np.bincount(first, minlength=ratio.shape[1]) / len(ratio)


def e10_states(run: FabRun, q: int) -> dict[str, np.ndarray]:
    """Shares of total time by state of SEMI E10, each (R, G, C); NaN where there is no tool.

    Non-scheduled time, scheduled downtime and engineering follow from the drawn shares, each a
    share of the rest left by the state before; uptime follows from the availability. Productive is
    the time of the passes made. An accident of the fab is unscheduled downtime, as in E10 for the
    loss of facilities. Standby is the rest of the uptime for production.
    """
    available, tools = quarterly(run, "tool_availability", q), quarterly(run, "tools", q)
    made, possible = quarterly(run, "tool_passes", q), quarterly(run, "tool_passes_possible", q)
    there = tools > 0.0
    scheduled = 1.0 - run.nonscheduled
    kept = scheduled * (1.0 - run.pm)  # left by maintenance
    up = available / (1.0 - run.engineering)  # engineering included
    rated = tools * HOURS_PER_QUARTER * run.passes_per_hour
    # at most the availability: without its limit a group has more passes than its tools make
    usable = np.minimum(available, np.nan_to_num(quotient(possible, rated)))
    productive = usable * np.nan_to_num(quotient(made, possible))
    states = {
        "productive": productive,
        "standby": usable - productive,
        "engineering": up - available,
        "scheduled_down": scheduled * run.pm,
        "unscheduled_down": np.maximum(0.0, kept - up) + (available - usable),
        "nonscheduled": run.nonscheduled,
    }
    return {name: np.where(there, share, np.nan) for name, share in states.items()}


def group_records(run: FabRun, q: int) -> list[Record]:
    """The tool groups of the fab in a quarter in the order of their rank (see `capacity`)."""
    if not run.groups:
        return []
    ratio, states = load_over_capacity(run, q), e10_states(run, q)
    shares = share_of_largest(ratio)
    records = [_group(run, q, g, ratio[:, g], states) for g in range(len(run.groups))]
    order = by_load(records, shares)
    for rank, g in enumerate(order, start=1):
        asked = ratio[:, g].max() > 0.0
        records[g] |= {"rank": rank if asked else None, "share_scarcest": float(shares[g])}
    return [records[g] for g in order]


def by_load(records: list[Record], shares: np.ndarray) -> list[int]:
    """Places of the groups in the order of median load over capacity, then of ``shares``."""

    def key(g: int) -> tuple[float, float]:
        return -infinite(records[g]["load_over_capacity"]["p50"]), -float(shares[g])

    return sorted(range(len(records)), key=key)


def _group(run: FabRun, q: int, g: int, ratio: np.ndarray, states: dict[str, np.ndarray]) -> Record:
    name = run.groups[g]
    plan = quarterly(run, "wafer_plan", q).sum(axis=-1)
    load = quarterly(run, "tool_load", q)[:, g]
    possible, made = (quarterly(run, n, q)[:, g] for n in ("tool_passes_possible", "tool_passes"))
    visits = quotient(load, plan)
    record = {
        "tool_group": name,
        "title": run.model.tool_groups[name].title,
        "rank": None,
        "share_scarcest": 0.0,
        "load_over_capacity": spread(ratio),
        "utilization": spread(quarterly(run, "utilization", q)[:, g]),
        "visits_per_wafer": spread(visits),
        "capacity_wafers_per_month": monthly(quotient(possible.sum(axis=-1), visits)),
        "made_wafers_per_month": monthly(quotient(made.sum(axis=-1), visits)),
        "passes_planned_per_month": monthly(load),
        "passes_possible_per_month": monthly(possible.sum(axis=-1)),
        "passes_made_per_month": monthly(made.sum(axis=-1)),
    }
    shares = quotient(possible, possible.sum(axis=-1, keepdims=True) + np.zeros_like(possible))
    record["classes"] = {
        kind: _class(run, q, g, c, states) | {"share_of_possible": _mean(shares[:, c])}
        for c, kind in enumerate(CLASSES)
        if run.classes[g, c]
    }
    return record


def _class(run: FabRun, q: int, g: int, c: int, states: dict[str, np.ndarray]) -> Record:
    def figure(name: str) -> np.ndarray:
        return quarterly(run, name, q)[:, g, c]

    tools, possible, made = map(figure, ("tools", "tool_passes_possible", "tool_passes"))
    there = tools > 0.0
    return {
        "tools": spread(tools),
        "availability": spread(np.where(there, figure("tool_availability"), np.nan)),
        "passes_possible_per_month": monthly(possible),
        "passes_made_per_month": monthly(made),
        "utilization": spread(quotient(made, possible)),
        "share_with_tools": float(there.mean()),
        "e10": {state: _mean(states[state][:, g, c]) for state in STATES},
    }


def monthly(values: np.ndarray) -> Record:
    """Statistics of the figures of a quarter (R), per month."""
    return spread(values / MONTHS_PER_QUARTER)
