"""Figures of a line: means over its replications, with standard errors from their spread.

*Availability by expectation.* Failures strike and are repaired whatever a tool does, so the share
of time under repair is known before any run where times to failure and to repair are exponential:
a machine of two states that is up at time 0 is down at time t with the probability
rho (1 - exp(-k t)), rho = MTTR / (MTTF + MTTR), k = 1/MTTF + 1/MTTR (D. R. Cox, Renewal Theory,
1962, chapter 7). Over a window from a to b that is

    rho (1 - (exp(-k a) - exp(-k b)) / (k (b - a)))

on average; the shares of a tool's several failures add, as each is repaired after what is under
repair already. Availability is one minus that less the simulated share of maintenance, which waits
for its tool: a control variate of coefficient one (A. M. Law, Simulation Modeling and Analysis,
5th edition, section 11.4). It estimates the mean of the plain count without the luck with repairs,
which is most of the spread of small groups. (A repair that waits behind other downtime may do so
across an end of the window: the means differ by at most what waits then, over the window.)

The plain count stands where that does not hold: other laws, another first failure, tools that are
out of the line for a time, shares that leave no time to work in.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from yieldsim.errors import UsageError
from yieldsim.flow.compile import Line
from yieldsim.flow.kernels import records as k
from yieldsim.flow.replicate import Outcome

__all__ = ["FlowResult", "GroupFigures", "LotFigures", "summarize"]

_DAY_MIN = 1440.0
_HOUR_MIN = 60.0
_LEAST_MIN = 1e-12  # in place of 0 in a quotient


@dataclass(frozen=True)
class LotFigures:
    """Lots of one name. Means over replications; nan where there is nothing to average.

    ``lots_out``: finished in the whole run, per replication. Of the window after the warm-up:
    ``lots_counted``, ``cycle_time_days`` from release to the end of the last step, its standard
    error, ``cycle_time_sd_days`` between lots, ``x_factor`` over ``raw_process_days`` (expected
    work of the steps that are done, without loading, transport and waiting), ``on_time`` the share
    by the due date, ``limits_missed`` the share of queue-time limits.
    """

    name: str
    lots_out: float
    lots_counted: float
    cycle_time_days: float
    cycle_time_se_days: float
    cycle_time_sd_days: float
    x_factor: float
    raw_process_days: float
    on_time: float
    limits_missed: float


@dataclass(frozen=True)
class GroupFigures:
    """A tool group. Shares of time, by the states of SEMI E10.

    ``availability``: time not under repair or maintenance, over all time of the window; repair at
    its expectation ``repair_expected``, or as counted where that is nan (see the module's text).
    ``utilization``: time of setup, loading, work and unloading, over the available time.
    ``availability_counted`` and ``utilization_counted`` are those with ``repair`` as counted.
    ``repair``, ``maintenance`` and ``setup`` are over all time; ``wait_h`` is a lot's mean wait.
    Standard errors are nan of one replication.
    """

    name: str
    tools: int
    utilization: float
    utilization_se: float
    availability: float
    availability_se: float
    utilization_counted: float
    availability_counted: float
    repair: float
    repair_expected: float
    maintenance: float
    setup: float
    wait_h: float


@dataclass(frozen=True)
class FlowResult:
    """All figures of a run. ``wip_lots`` is the mean number of lots in the line."""

    lots: tuple[LotFigures, ...]
    groups: tuple[GroupFigures, ...]
    wip_lots: float
    events: int
    replications: int


def summarize(
    line: Line, outcomes: Sequence[Outcome], warmup_days: float | None = None
) -> FlowResult:
    """Average replications: cycle times weigh each lot once, shares each replication once.

    ``warmup_days``: where the window of the replications begins, as given to ``replicate``. Without
    it no repairs can be expected, and availability is as counted.

    Raises
    ------
    UsageError
        if the warm-up is negative or not a number.
    """
    if warmup_days is not None and not 0.0 <= warmup_days < math.inf:
        raise UsageError("warmup", "is out of range", got=warmup_days, allowed="a number >= 0")
    return FlowResult(
        lots=_lots(line, outcomes),
        groups=_groups(line, outcomes, warmup_days),
        wip_lots=float(np.mean([outcome.wip for outcome in outcomes])),
        events=sum(outcome.events for outcome in outcomes),
        replications=len(outcomes),
    )


def _stack(outcomes: Sequence[Outcome], name: str) -> NDArray[np.float64]:
    return np.array([getattr(outcome, name) for outcome in outcomes], float)


def _se(values: NDArray[np.float64]) -> float:
    """Standard error of the mean over replications; nan of fewer than two."""
    values = values[np.isfinite(values)]
    return float(np.std(values, ddof=1) / math.sqrt(values.size)) if values.size > 1 else math.nan


def _ratio(above: float, below: float) -> float:
    return above / below if below > 0.0 else math.nan


def _lots(line: Line, outcomes: Sequence[Outcome]) -> tuple[LotFigures, ...]:
    counted = _stack(outcomes, "lots_counted")
    cycle = np.nan_to_num(_stack(outcomes, "cycle_days"))
    square = np.nan_to_num(_stack(outcomes, "cycle_sd_days")) ** 2 + cycle**2
    on_time = np.nan_to_num(_stack(outcomes, "on_time"))
    limits, missed = _stack(outcomes, "limits"), _stack(outcomes, "limits_missed")
    found = []
    for i, name in enumerate(line.report):
        total = float(counted[:, i].sum())
        mean = _ratio(float(counted[:, i] @ cycle[:, i]), total)
        variance = _ratio(float(counted[:, i] @ square[:, i]), total) - mean**2
        raw_days = float(line.raw_min[i]) / _DAY_MIN
        found.append(
            LotFigures(
                name=name,
                lots_out=float(np.mean([outcome.lots_out[i] for outcome in outcomes])),
                lots_counted=total / len(outcomes),
                cycle_time_days=mean,
                cycle_time_se_days=_se(_stack(outcomes, "cycle_days")[:, i]),
                cycle_time_sd_days=math.sqrt(max(variance, 0.0)) if total > 0.0 else math.nan,
                x_factor=_ratio(mean, raw_days),
                raw_process_days=raw_days,
                on_time=_ratio(float(counted[:, i] @ on_time[:, i]), total),
                limits_missed=_ratio(float(missed[:, i].sum()), float(limits[:, i].sum())),
            )
        )
    return tuple(found)


def _groups(
    line: Line, outcomes: Sequence[Outcome], warmup_days: float | None
) -> tuple[GroupFigures, ...]:
    tools = np.bincount(line.tools["group"], minlength=len(line.group_names))
    started = _stack(outcomes, "started")
    waited = np.nan_to_num(_stack(outcomes, "wait_min")) * started
    share = {
        name: _stack(outcomes, name)
        for name in ("utilization", "availability", "repair", "maintenance", "setup")
    }
    expected = np.full(len(line.group_names), np.nan)
    if warmup_days is not None:
        expected = _expected_repair(line, warmup_days * _DAY_MIN, outcomes[0].window_min)
    availability, expected = _availability(share, expected)
    utilization = _utilization(share, availability)
    return tuple(
        GroupFigures(
            name=name,
            tools=int(tools[i]),
            utilization=float(np.mean(utilization[:, i])),
            utilization_se=_se(utilization[:, i]),
            availability=float(np.mean(availability[:, i])),
            availability_se=_se(availability[:, i]),
            utilization_counted=float(np.mean(share["utilization"][:, i])),
            availability_counted=float(np.mean(share["availability"][:, i])),
            repair=float(np.mean(share["repair"][:, i])),
            repair_expected=float(expected[i]),
            maintenance=float(np.mean(share["maintenance"][:, i])),
            setup=float(np.mean(share["setup"][:, i])),
            wait_h=_ratio(float(waited[:, i].sum()), float(started[:, i].sum())) / _HOUR_MIN,
        )
        for i, name in enumerate(line.group_names)
    )


def _expected_repair(line: Line, from_min: float, window_min: float) -> NDArray[np.float64]:
    """Expected share of the window under repair by tool group, the formula above; nan: unknown."""
    clocks = line.clocks[line.clocks["kind"] == k.CLOCK_FAILURE]
    every, lasts, first = clocks["every"], clocks["lasts"], clocks["first"]
    known = (every["law"] == k.EXPONENTIAL) & (lasts["law"] == k.EXPONENTIAL)
    known &= (first["law"] == k.EXPONENTIAL) & (first["mean"] == every["mean"])
    rho = lasts["mean"] / (every["mean"] + lasts["mean"])
    relax_min = np.maximum(every["mean"] * rho, _LEAST_MIN)  # 1/k
    fresh = np.exp(-from_min / relax_min) * -np.expm1(-window_min / relax_min)
    share = rho * (1.0 - fresh * relax_min / window_min)
    tools, groups = line.tools["group"], len(line.group_names)
    steady = np.bincount(clocks["tool"], rho, len(tools))
    by_group = np.bincount(tools[clocks["tool"]], share, groups)
    expected = by_group / np.bincount(tools, minlength=groups)
    expected[tools[clocks["tool"][~known]]] = np.nan
    # Repairs that take all time or more wait behind one another without end.
    expected[tools[steady >= 1.0]] = np.nan
    expected[line.absent[:, 0].astype(int)] = np.nan
    return expected


def _availability(
    share: dict[str, NDArray[np.float64]], expected: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Availability by replication and group; and the expected repairs, nan where not used."""
    found = 1.0 - expected - share["maintenance"]
    # Where maintenance leaves no time beside the expected repairs, either has to wait.
    used = (found > 0.0).all(axis=0)
    return np.where(used, found, share["availability"]), np.where(used, expected, np.nan)


def _utilization(
    share: dict[str, NDArray[np.float64]], availability: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Time in use over the available time, by replication and group.

    Work comes as it is released, whatever luck with repairs a group has, unless it fills all the
    time there is. A group that by its expected time would be in use for more than that, in any
    replication, is as counted: its work has had no more time than there was.
    """
    counted = share["utilization"]
    used = np.where(share["availability"] > 0.0, counted * share["availability"], 0.0)
    over = used / np.where(availability > 0.0, availability, np.nan)
    return np.where((over <= 1.0).all(axis=0), over, counted)
