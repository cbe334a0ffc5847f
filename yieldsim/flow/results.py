"""Figures of a line: means over its replications, with standard errors from their spread."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .replicate import Outcome
from .tables import Line

__all__ = ["FlowResult", "GroupFigures", "LotFigures", "summarize"]

_DAY_MIN = 1440.0
_HOUR_MIN = 60.0


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

    ``availability``: time not under repair or maintenance, over all time of the window.
    ``utilization``: time of setup, loading, work and unloading, over the available time.
    ``repair``, ``maintenance`` and ``setup`` are over all time; ``wait_h`` is a lot's mean wait.
    """

    name: str
    tools: int
    utilization: float
    utilization_se: float
    availability: float
    availability_se: float
    repair: float
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


def summarize(line: Line, outcomes: Sequence[Outcome]) -> FlowResult:
    """Average replications: cycle times weigh each lot once, shares each replication once."""
    return FlowResult(
        lots=_lots(line, outcomes),
        groups=_groups(line, outcomes),
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


def _groups(line: Line, outcomes: Sequence[Outcome]) -> tuple[GroupFigures, ...]:
    tools = np.bincount(line.tools["group"], minlength=len(line.group_names))
    started = _stack(outcomes, "started")
    waited = np.nan_to_num(_stack(outcomes, "wait_min")) * started
    share = {
        name: _stack(outcomes, name)
        for name in ("utilization", "availability", "repair", "maintenance", "setup")
    }
    return tuple(
        GroupFigures(
            name=name,
            tools=int(tools[i]),
            utilization=float(np.mean(share["utilization"][:, i])),
            utilization_se=_se(share["utilization"][:, i]),
            availability=float(np.mean(share["availability"][:, i])),
            availability_se=_se(share["availability"][:, i]),
            repair=float(np.mean(share["repair"][:, i])),
            maintenance=float(np.mean(share["maintenance"][:, i])),
            setup=float(np.mean(share["setup"][:, i])),
            wait_h=_ratio(float(waited[:, i].sum()), float(started[:, i].sum())) / _HOUR_MIN,
        )
        for i, name in enumerate(line.group_names)
    )
