"""Figures of a line: means over its replications, with standard errors from their spread.

*Availability by expectation.* Tools fail and are repaired whatever else they do. Where times to
failure and to repair are exponential, the share of time under repair is therefore known before any
run. A machine of two states that is up at time 0 is down at time t with probability
rho (1 - exp(-k t)), where rho = MTTR / (MTTF + MTTR) and k = 1/MTTF + 1/MTTR (D. R. Cox, Renewal
Theory, 1962, chapter 7). Its mean over a window from a to b is

    rho (1 - (exp(-k a) - exp(-k b)) / (k (b - a))).

The shares of several failures of one tool add up, because each is repaired after the repairs
already under way. Availability is one minus this share minus the simulated share of maintenance,
which waits for its tool. This is a control variate with coefficient one (A. M. Law, Simulation
Modeling and Analysis, 5th edition, section 11.4): it estimates the mean of the plain count, without
the luck with repairs that makes up most of the spread of small groups. (A repair that waits behind
other downtime may cross an end of the window. The means differ by at most that wait over the
window.)

The plain count is used where the formula does not hold: other laws, a first failure of another law,
tools that leave the line for a time, or shares that leave no time to work in.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from yieldsim.errors import UsageError
from yieldsim.flow.compile import CompiledLine
from yieldsim.flow.kernels.records import CLOCK_FAILURE, EXPONENTIAL
from yieldsim.flow.replicate import Outcome

__all__ = ["FlowResult", "GroupFigures", "LotFigures", "summarize"]

_DAY_MIN = 1440.0
_HOUR_MIN = 60.0
_LEAST_MIN = 1e-12  # in place of 0 in a quotient


@dataclass(frozen=True)
class LotFigures:
    """Figures of the lots of one name: means over replications, nan without any lots.

    ``lots_out`` counts the whole run, per replication. All other figures are of the window after
    the warm-up. ``lots_counted`` finished in it. ``cycle_time_days`` runs from release to the end
    of the last step; its standard error is ``_se_``, the standard deviation between lots ``_sd_``.
    ``x_factor`` is cycle time over ``raw_process_days``, the expected work of the steps done,
    without loading, transport and waiting. ``on_time`` is the share finished by the due date,
    ``limits_missed`` the share of queue-time limits missed.
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
    """Figures of a tool group, as shares of time by the states of SEMI E10.

    ``availability`` is the share of the window not under repair or maintenance. Repair is taken at
    its expectation ``repair_expected``, or as counted where that is nan (see the module's text).
    ``utilization`` is the share of the available time in setup, loading, work and unloading.
    ``availability_counted`` and ``utilization_counted`` use ``repair`` as counted. ``repair``,
    ``maintenance`` and ``setup`` are shares of the window; ``wait_h`` is a lot's mean wait.
    Standard errors are nan for one replication.
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
    """All figures of a run; ``wip_lots`` is the mean number of lots in the line."""

    lots: tuple[LotFigures, ...]
    groups: tuple[GroupFigures, ...]
    wip_lots: float
    events: int
    replications: int


def summarize(
    line: CompiledLine, outcomes: Sequence[Outcome], warmup_days: float | None = None
) -> FlowResult:
    """Average replications: cycle times weight each lot once, shares each replication once.

    ``warmup_days`` is the start of the window, as given to ``replicate``. Without it availability
    is as counted.

    Raises
    ------
    UsageError
        if ``warmup_days`` is negative or not finite.
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
    """Standard error of the mean over replications; nan for fewer than two."""
    values = values[np.isfinite(values)]
    return float(np.std(values, ddof=1) / math.sqrt(values.size)) if values.size > 1 else math.nan


def _ratio(numerator: float, denominator: float) -> float:
    return numerator / denominator if denominator > 0.0 else math.nan


def _lots(line: CompiledLine, outcomes: Sequence[Outcome]) -> tuple[LotFigures, ...]:
    counted = _stack(outcomes, "lots_counted")
    cycle = np.nan_to_num(_stack(outcomes, "cycle_days"))
    square = np.nan_to_num(_stack(outcomes, "cycle_sd_days")) ** 2 + cycle**2
    on_time = np.nan_to_num(_stack(outcomes, "on_time"))
    limits, missed = _stack(outcomes, "limits"), _stack(outcomes, "limits_missed")
    figures = []
    for i, name in enumerate(line.report):
        total = float(counted[:, i].sum())
        mean = _ratio(float(counted[:, i] @ cycle[:, i]), total)
        variance = _ratio(float(counted[:, i] @ square[:, i]), total) - mean**2
        raw_days = float(line.raw_min[i]) / _DAY_MIN
        figures.append(
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
    return tuple(figures)


def _groups(
    line: CompiledLine, outcomes: Sequence[Outcome], warmup_days: float | None
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


def _expected_repair(line: CompiledLine, from_min: float, window_min: float) -> NDArray[np.float64]:
    """Expected share of the window under repair by tool group (formula above), nan if unknown."""
    clocks = line.clocks[line.clocks["kind"] == CLOCK_FAILURE]
    failure, repair, first = clocks["interval"], clocks["duration"], clocks["first"]
    known = (failure["law"] == EXPONENTIAL) & (repair["law"] == EXPONENTIAL)
    known &= (first["law"] == EXPONENTIAL) & (first["mean"] == failure["mean"])
    rho = repair["mean"] / (failure["mean"] + repair["mean"])
    relax_min = np.maximum(failure["mean"] * rho, _LEAST_MIN)  # 1/k
    fresh = np.exp(-from_min / relax_min) * -np.expm1(-window_min / relax_min)
    share = rho * (1.0 - fresh * relax_min / window_min)
    tools, groups = line.tools["group"], len(line.group_names)
    steady = np.bincount(clocks["tool"], rho, len(tools))
    by_group = np.bincount(tools[clocks["tool"]], share, groups)
    expected = by_group / np.bincount(tools, minlength=groups)
    expected[tools[clocks["tool"][~known]]] = np.nan
    # Repairs whose shares sum to one or more queue behind one another without end.
    expected[tools[steady >= 1.0]] = np.nan
    expected[line.absent[:, 0].astype(int)] = np.nan
    return expected


def _availability(
    share: dict[str, NDArray[np.float64]], expected: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Availability by replication and group; expected repairs by group, nan where not used."""
    available = 1.0 - expected - share["maintenance"]
    # Where maintenance and expected repairs leave no time, one has to wait for the other.
    used = (available > 0.0).all(axis=0)
    return np.where(used, available, share["availability"]), np.where(used, expected, np.nan)


def _utilization(
    share: dict[str, NDArray[np.float64]], availability: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Time in use over the available time, by replication and group.

    A group does the work that is released, whatever its luck with repairs, unless it is never idle.
    A group whose time in use exceeds the expected available time in any replication is as counted.
    """
    counted = share["utilization"]
    used = np.where(share["availability"] > 0.0, counted * share["availability"], 0.0)
    over = used / np.where(availability > 0.0, availability, np.nan)
    return np.where((over <= 1.0).all(axis=0), over, counted)
