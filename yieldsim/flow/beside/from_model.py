"""One fab of a model as a line for the event simulator, at the medians of its parameters.

- *Tools*: those of both classes stand in one group, each as fast as its class; a lot takes the
  fastest tool that is ready. They come and go on the dates of the model's fleets. Failures and
  repairs are those of the class; all scheduled downtime (maintenance, engineering, time that is not
  scheduled) is a second clock, from start to start, whose downtimes last as long as a repair.
- *Route*: one step a pass, in the order of the flow (`passes`). Work is the lot's wafers over the
  rate; its law has the group's ``service_cv2``: even where that is at most 1/3, else exponential.
- *Raw process time*: what is not work is spread evenly over the steps as transport.
- *Release*: lots at even intervals (or Poisson) by the plan of each step, lost where the line is at
  its limit of WIP, as in the line model.
- *Ranking*: first come first served; or, with ``downstream``, by age over work left (the critical
  ratio with a due date at the release): lots that are far on go first, as the line model grants.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from yieldsim.errors import ModelError
from yieldsim.flow.beside.fab_steps import FabSteps, Fleets, fab_steps
from yieldsim.flow.beside.passes import Pass
from yieldsim.flow.dataset import Absence, Calendar, DataSet, Order, Part, Step, ToolGroup
from yieldsim.flow.smt2020.tsv import Spread
from yieldsim.model import Model
from yieldsim.sampling import Medians

__all__ = ["absences_of", "line_of", "rates_of", "with_downstream_first"]

_HOUR_MIN, _DAY_MIN = 60.0, 1440.0
_RELEASES = 10**9
_MOST_AGAIN = 0.9
_DELAY = "transport"  # steps for the raw time that one process has more of than another
_DELAY_STEPS, _DELAY_TOOLS = 20, 4000


def line_of(model: Model, fab: str, *, poisson: bool = False, downstream: bool = False) -> DataSet:
    """The line of one fab: compile it by `compile_line`.

    Its time starts with the warm-up of the model.

    Raises
    ------
    ModelError
        where the fab has what the event simulator does not (see `fab_steps`), or less raw process
        time than work.
    """
    steps, medians = fab_steps(model, fab), Medians(model)
    fleets: dict[str, list[Fleets]] = {}
    for one in steps.fleets:
        if one.count.max() > 0.0:
            fleets.setdefault(one.group, []).append(one)
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
        setups={},
        least_runs={},
        caps={name: _periods(steps.ends_min, steps.cap[name]) for name in parts},
        absences=tuple(
            away
            for name in groups
            for away in absences_of(name, [one.count for one in fleets.get(name, [])],
                                    steps.ends_min)
        ),
    )  # fmt: skip
    return with_downstream_first(data) if downstream else data


def with_downstream_first(data: DataSet) -> DataSet:
    """The same line, with lots of equal rank by age over work left in place of who came first."""
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
    """Periods of an order that releases so many ``lots`` in each step."""
    spans = np.diff(np.concatenate([[0.0], ends_min]))
    return _periods(ends_min, lots * every_min / spans)


def absences_of(
    group: str, counts: Sequence[NDArray[np.float64]], ends_min: NDArray[np.float64]
) -> list[Absence]:
    """When the tools of a group are not there, from the counts of its classes by step.

    Tools are numbered class by class. The last ones of a class come last and leave first.
    """
    starts = np.concatenate([[0.0], ends_min])
    found, before = [], 0
    for count in counts:
        for k in range(int(count.max())):
            away = np.concatenate([[False], count <= k, [False]]).astype(int)
            begins, ends = np.flatnonzero(np.diff(away) > 0), np.flatnonzero(np.diff(away) < 0)
            for begin, end in zip(begins, ends, strict=True):
                to_min = math.inf if end == count.size else float(starts[end])
                found.append(Absence(group, before + k, float(starts[begin]), to_min))
        before += int(count.max())
    return found


def _periods(
    ends_min: NDArray[np.float64], values: NDArray[np.float64]
) -> tuple[tuple[float, float], ...]:
    """(until, value) without repeats."""
    last = np.append(np.flatnonzero(np.diff(values) != 0.0), values.size - 1)
    return tuple((float(ends_min[k]), float(values[k])) for k in last)


def _law(mean: float, cv2: float) -> Spread:
    """A time with a squared coefficient of variation: even up to 1/3, else exponential."""
    if cv2 > 1.0 / 3.0 + 1e-9:
        return Spread(mean, 0.0, "exponential")
    return Spread(mean, mean * math.sqrt(3.0 * cv2), "uniform") if cv2 > 0.0 else Spread(mean)


def _group(name: str, fleets: Sequence[Fleets]) -> ToolGroup:
    return ToolGroup(
        name=name,
        area=name,
        place="",
        speeds=tuple(one.wafers_per_hour for one in fleets for _ in range(int(one.count.max()))),
        load_min=0.0,
        unload_min=0.0,
        capacity=1,
        ranks=("rank_FIFO",),
        wake_least_setup=False,
        runs="",
        batch_by="route step",
    )


def _calendars(fleets: Sequence[Fleets]) -> list[Calendar]:
    found, first = [], 0
    for one in fleets:
        last = first + int(one.count.max())
        tools = (first, last)
        name = f"{one.group} {one.tool_class}"
        every = Spread(one.mttf_hours * _HOUR_MIN, 0.0, "exponential")
        lasts = _law(one.mttr_hours * _HOUR_MIN, one.repair_cv2)
        found.append(Calendar(f"{name} failure", one.group, "failure", every, lasts, every, tools))
        # Both are shares of all time here, as failures come by the calendar: A - (1 - scheduled) A.
        planned = (1.0 - one.scheduled) * one.up
        if planned > 0.0:
            often = Spread(one.mttr_hours / planned * _HOUR_MIN)
            stop = Spread(one.mttr_hours * _HOUR_MIN)
            found.append(
                Calendar(f"{name} planned", one.group, "calendar", often, stop, often, tools)
            )
        first = last
    return found


def _parts(
    steps: FabSteps, fleets: Mapping[str, Sequence[Fleets]], medians: Medians
) -> tuple[dict[str, Part], float]:
    """The routes, and the minutes of transport between two steps."""
    work = {name: _work_min(own) * steps.lot_wafers for name, own in fleets.items()}
    moves: dict[str, float] = {}
    done: dict[str, float] = {}
    for name, passes in steps.passes.items():
        if steps.planned[name].max() <= 0.0:
            continue
        often = [one.share * (1.0 + one.rework) for one in passes]
        spent = sum(n * work[one.group] for n, one in zip(often, passes, strict=True))
        done[name] = sum(often) - 1.0
        moves[name] = (steps.raw_days[name] * _DAY_MIN - spent) / done[name]
        if moves[name] < 0.0:
            raise ModelError(
                f"processes.{name}.raw_process_days", "is less than the work",
                got=steps.raw_days[name], allowed=f">= {spent / _DAY_MIN:.3g}",
            )  # fmt: skip
    move_min = min(moves.values(), default=0.0)
    parts = {}
    for name, own_min in moves.items():
        # What a process has more of: by steps that wait for nobody, each with a way of its own.
        more = (own_min - move_min) * done[name]
        count = int(min(_DELAY_STEPS, more / max(move_min, 1e-9)))
        delay_min = more / max(count, 1) - move_min
        delays = [Pass(_DELAY, (k + 0.5) / count, 1.0, 0.0) for k in range(count)]
        passes = tuple(sorted([*steps.passes[name], *delays], key=lambda one: one.place))
        route = tuple(_step(k, one, delay_min, steps, medians) for k, one in enumerate(passes))
        parts[name] = Part(name, name, name, route)
    return parts, move_min


def _work_min(fleets: Sequence[Fleets]) -> float:
    """Mean minutes of work on one wafer: tools over their rates, over all steps."""
    count = sum(float(one.count.sum()) for one in fleets)
    rate = sum(float(one.count.sum()) * one.wafers_per_hour for one in fleets)
    return _HOUR_MIN * count / rate


def _step(number: int, one: Pass, delay_min: float, steps: FabSteps, medians: Medians) -> Step:
    time = Spread(delay_min)
    if one.group != _DELAY:
        group = medians.model.tool_groups[one.group]
        cv2 = medians(f"tool_groups.{one.group}", group, "service_cv2")
        time = _law(steps.lot_wafers * _HOUR_MIN, cv2)  # at a wafer an hour: speeds are rates
    # A geometric number makes the mean; who goes back does the step by its sampling again.
    again = min(one.rework / (1.0 + one.rework) / max(one.share, 1e-9), _MOST_AGAIN)
    return Step(
        name=str(number),
        group=one.group,
        time=time,
        by_piece=False,
        interval_min=0.0,
        batch_pieces=None,
        setup=None,
        sampled=min(one.share, 1.0),
        rework=(again, number) if again > 0.0 else None,
        lens_for=None,
        limit=None,
    )


def _order(name: str, offset: float, steps: FabSteps, poisson: bool) -> Order:
    """The releases of a process; ``offset`` keeps those of several from coming together."""
    lots = steps.planned[name] / steps.lot_wafers
    spans = np.diff(np.concatenate([[0.0], steps.ends_min]))
    every_min = float(np.min(spans / np.maximum(lots, 1e-9)))
    first = np.interp(0.5 * (1.0 + offset), np.concatenate([[0.0], np.cumsum(lots)]),
                      np.concatenate([[0.0], steps.ends_min]))  # fmt: skip
    return Order(
        name=name,
        part=name,
        priority=10,
        pieces=steps.lot_wafers,
        first_min=float(first),
        every=Spread(every_min, 0.0, "exponential" if poisson else "constant"),
        releases=_RELEASES,
        lots=1,
        due_after_min=1e15,
        rates=rates_of(steps.ends_min, lots, every_min),
        cap=name,
    )
