"""One fab of a model as a line for the event simulator, at the medians of its parameters.

- *Tools*: both classes stand in one group, each as fast as its class; a lot takes the fastest ready
  tool. Tools come and go on the dates of the model's fleets. Failures and repairs are those of the
  class. All scheduled downtime (maintenance, engineering, nonscheduled time) is a second clock,
  from start to start, with downtimes as long as a repair.
- *Route*: one step per pass, in the order of `passes`. Work is the lot's wafers over the rate. Its
  law has the group's ``service_cv2``: uniform up to 1/3, exponential above.
- *Raw process time*: what is not work is spread evenly over the steps as transport.
- *Release*: lots at even intervals (or Poisson) by the plan of each step. As in the line model, a
  lot is lost where the line is at its WIP cap.
- *Ranking*: first come first served. With ``downstream``, by age over work left (the critical ratio
  with the release as due date): lots far along the route go first, as the line model grants.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from yieldsim.errors import ModelError
from yieldsim.flow.beside.fab_steps import FabSteps, FleetSteps, fab_steps
from yieldsim.flow.beside.passes import Pass
from yieldsim.flow.dataset import (
    Absence,
    Calendar,
    DataSet,
    LineToolGroup,
    LotOrder,
    Part,
    Step,
)
from yieldsim.flow.laws import Spread
from yieldsim.model import Model
from yieldsim.sampling import Medians

__all__ = ["absences_of", "line_of", "rates_of", "with_downstream_first"]

_HOUR_MIN, _DAY_MIN = 60.0, 1440.0
_RELEASES = 10**9
_MAX_REWORK_SHARE = 0.9
_DELAY = "transport"  # steps for raw time that one process has in excess of another
_DELAY_STEPS, _DELAY_TOOLS = 20, 4000


def line_of(model: Model, fab: str, *, poisson: bool = False, downstream: bool = False) -> DataSet:
    """The line of one fab, for `compile_line`. Time starts with the warm-up of the model.

    Raises
    ------
    ModelError
        if the event simulator lacks something that the fab has (see `fab_steps`), or a process has
        less raw process time than work.
    """
    steps, medians = fab_steps(model, fab), Medians(model)
    fleets: dict[str, list[FleetSteps]] = {}
    for fleet in steps.fleets:
        if fleet.count.max() > 0.0:
            fleets.setdefault(fleet.group, []).append(fleet)
    parts, move_min = _parts(steps, fleets, medians)
    orders = [_order(name, k / len(parts), steps, poisson) for k, name in enumerate(parts)]
    used = {step.group for part in parts.values() for step in part.steps}
    groups = {name: _group(name, own) for name, own in fleets.items() if name in used}
    if _DELAY in used:
        groups[_DELAY] = replace(_group(_DELAY, []), speeds=(1.0,) * _DELAY_TOOLS)
    data = DataSet(
        name=f"{model.name} {fab}",
        groups=groups,
        parts=parts,
        orders=tuple(orders),
        calendars=tuple(c for name in groups for c in _calendars(fleets.get(name, []))),
        moves={("", ""): Spread(move_min)},
        setup_times={},
        min_runs={},
        caps={name: _periods(steps.ends_min, steps.cap[name]) for name in parts},
        absences=tuple(
            absence
            for name in groups
            for absence in absences_of(name, [fleet.count for fleet in fleets.get(name, [])],
                                       steps.ends_min)
        ),
    )  # fmt: skip
    return with_downstream_first(data) if downstream else data


def with_downstream_first(data: DataSet) -> DataSet:
    """The same line, ranked by age over work left instead of first come first served."""
    groups = {
        name: replace(group, ranks=tuple(
            "rank_CR" if rank == "rank_FIFO" else rank for rank in group.ranks))
        for name, group in data.groups.items()
    }  # fmt: skip
    orders = tuple(replace(order, due_after_min=0.0) for order in data.orders)
    return replace(data, groups=groups, orders=orders)


def rates_of(
    ends_min: NDArray[np.float64], lots: NDArray[np.float64], every_min: float
) -> tuple[tuple[float, float], ...]:
    """Periods of an order that releases ``lots`` in each step (arrays by step)."""
    spans = np.diff(np.concatenate([[0.0], ends_min]))
    return _periods(ends_min, lots * every_min / spans)


def absences_of(
    group: str, counts: Sequence[NDArray[np.float64]], ends_min: NDArray[np.float64]
) -> list[Absence]:
    """When the tools of a group are not in the line, from the counts of its classes by step.

    Tools are numbered class by class. The last ones of a class come last and leave first.
    """
    starts = np.concatenate([[0.0], ends_min])
    absences, before = [], 0
    for count in counts:
        for k in range(int(count.max())):
            away = np.concatenate([[False], count <= k, [False]]).astype(int)
            begins, ends = np.flatnonzero(np.diff(away) > 0), np.flatnonzero(np.diff(away) < 0)
            for begin, end in zip(begins, ends, strict=True):
                to_min = math.inf if end == count.size else float(starts[end])
                absences.append(Absence(group, before + k, float(starts[begin]), to_min))
        before += int(count.max())
    return absences


def _periods(
    ends_min: NDArray[np.float64], values: NDArray[np.float64]
) -> tuple[tuple[float, float], ...]:
    """(until_min, value), with repeated values joined."""
    last = np.append(np.flatnonzero(np.diff(values) != 0.0), values.size - 1)
    return tuple((float(ends_min[k]), float(values[k])) for k in last)


def _law(mean: float, cv2: float) -> Spread:
    """A time with a squared coefficient of variation: uniform up to 1/3, exponential above."""
    if cv2 > 1.0 / 3.0 + 1e-9:
        return Spread(mean, 0.0, "exponential")
    return Spread(mean, mean * math.sqrt(3.0 * cv2), "uniform") if cv2 > 0.0 else Spread(mean)


def _group(name: str, fleets: Sequence[FleetSteps]) -> LineToolGroup:
    return LineToolGroup(
        name=name,
        area=name,
        location="",
        speeds=tuple(
            fleet.wafers_per_hour for fleet in fleets for _ in range(int(fleet.count.max()))
        ),
        load_min=0.0,
        unload_min=0.0,
        capacity=1,
        ranks=("rank_FIFO",),
        wake_least_setup=False,
        min_run_group="",
        batch_by="route step",
    )


def _calendars(fleets: Sequence[FleetSteps]) -> list[Calendar]:
    """Failures and scheduled downtime of the classes of a group."""
    calendars, first = [], 0
    for fleet in fleets:
        last = first + int(fleet.count.max())
        name, tools = f"{fleet.group} {fleet.tool_class}", (first, last)
        failure = Spread(fleet.mttf_hours * _HOUR_MIN, 0.0, "exponential")
        repair = _law(fleet.mttr_hours * _HOUR_MIN, fleet.repair_cv2)
        calendars.append(
            Calendar(f"{name} failure", fleet.group, "failure", failure, repair, failure, tools)
        )
        # Failures run in calendar time here, so both downtimes are shares of all time:
        # up - scheduled * up is left for the scheduled ones.
        planned = (1.0 - fleet.scheduled) * fleet.up
        if planned > 0.0:
            interval = Spread(fleet.mttr_hours / planned * _HOUR_MIN)
            stop = Spread(fleet.mttr_hours * _HOUR_MIN)
            calendars.append(
                Calendar(f"{name} planned", fleet.group, "calendar", interval, stop, interval,
                         tools)
            )  # fmt: skip
        first = last
    return calendars


def _parts(
    steps: FabSteps, fleets: Mapping[str, Sequence[FleetSteps]], medians: Medians
) -> tuple[dict[str, Part], float]:
    """The routes, and the minutes of transport between two steps."""
    work = {name: _work_min(own) * steps.lot_wafers for name, own in fleets.items()}
    move_by_process: dict[str, float] = {}
    moves: dict[str, float] = {}  # of a lot, by process
    for name, passes in steps.passes.items():
        if steps.planned[name].max() <= 0.0:
            continue
        often = [step.share * (1.0 + step.rework) for step in passes]
        spent = sum(n * work[step.group] for n, step in zip(often, passes, strict=True))
        moves[name] = sum(often) - 1.0
        move_by_process[name] = (steps.unqueued_days[name] * _DAY_MIN - spent) / moves[name]
        if move_by_process[name] < 0.0:
            raise ModelError(
                f"processes.{name}.raw_process_days", "is less than the work",
                got=steps.unqueued_days[name], allowed=f">= {spent / _DAY_MIN:.3g}",
            )  # fmt: skip
    move_min = min(move_by_process.values(), default=0.0)
    parts = {}
    for name, own_min in move_by_process.items():
        # A process with longer transport gets extra steps that never queue, each with a move.
        more = (own_min - move_min) * moves[name]
        count = int(min(_DELAY_STEPS, more / max(move_min, 1e-9)))
        delay_min = more / max(count, 1) - move_min
        delays = [Pass(_DELAY, (k + 0.5) / count, 1.0, 0.0) for k in range(count)]
        passes = tuple(sorted([*steps.passes[name], *delays], key=lambda step: step.position))
        route = tuple(_step(k, step, delay_min, steps, medians) for k, step in enumerate(passes))
        parts[name] = Part(name, name, name, route)
    return parts, move_min


def _work_min(fleets: Sequence[FleetSteps]) -> float:
    """Mean minutes of work on one wafer: tools over their summed rates, over all steps."""
    count = sum(float(fleet.count.sum()) for fleet in fleets)
    rate = sum(float(fleet.count.sum()) * fleet.wafers_per_hour for fleet in fleets)
    return _HOUR_MIN * count / rate


def _step(number: int, own: Pass, delay_min: float, steps: FabSteps, medians: Medians) -> Step:
    """One pass as a step of a route; ``delay_min`` is the time of a delay step."""
    time = Spread(delay_min)
    if own.group != _DELAY:
        group = medians.model.tool_groups[own.group]
        cv2 = medians(f"tool_groups.{own.group}", group, "service_cv2")
        # At one wafer per hour: the speeds of the tools are their rates.
        time = _law(steps.lot_wafers * _HOUR_MIN, cv2)
    # Repeats are geometric with the given mean. A lot that returns is sampled again.
    again = min(own.rework / (1.0 + own.rework) / max(own.share, 1e-9), _MAX_REWORK_SHARE)
    return Step(
        name=str(number),
        group=own.group,
        time=time,
        by_piece=False,
        interval_min=0.0,
        batch_pieces=None,
        setup=None,
        sampling=min(own.share, 1.0),
        rework=(again, number) if again > 0.0 else None,
        lens_for=None,
        limit=None,
    )


def _order(name: str, offset: float, steps: FabSteps, poisson: bool) -> LotOrder:
    """The releases of a process; ``offset`` keeps several processes from releasing together."""
    lots = steps.planned[name] / steps.lot_wafers
    spans = np.diff(np.concatenate([[0.0], steps.ends_min]))
    every_min = float(np.min(spans / np.maximum(lots, 1e-9)))
    first = np.interp(0.5 * (1.0 + offset), np.concatenate([[0.0], np.cumsum(lots)]),
                      np.concatenate([[0.0], steps.ends_min]))  # fmt: skip
    return LotOrder(
        name=name,
        part=name,
        priority=10,
        pieces=steps.lot_wafers,
        first_min=float(first),
        interval=Spread(every_min, 0.0, "exponential" if poisson else "constant"),
        releases=_RELEASES,
        lots=1,
        due_after_min=1e15,
        rates=rates_of(steps.ends_min, lots, every_min),
        cap=name,
    )
