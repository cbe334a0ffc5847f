"""The plan and the tools of one fab, step by step, at the medians of the model's parameters.

This is the plan and the release rule of the line model (`yieldsim.supply`) in plain NumPy for one
fab without uncertainty, as an event simulator of the same line needs it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from yieldsim.errors import ModelError
from yieldsim.flow.beside.passes import Pass, passes_of
from yieldsim.model import Model
from yieldsim.model.schema import Fleet, ToolClass
from yieldsim.model.schema.calendar import quarter_index, quarter_range
from yieldsim.sampling import Medians
from yieldsim.supply.compile.effects import Effect, effect_of, hits_fab, hits_tools
from yieldsim.supply.compile.visits import unqueued_median_days
from yieldsim.units import DAYS_PER_QUARTER, HOURS_PER_DAY, MONTHS_PER_QUARTER

__all__ = ["FabSteps", "FleetSteps", "fab_steps"]

CLASSES = ("imported", "domestic")
Array = NDArray[np.float64]


@dataclass(frozen=True)
class FleetSteps:
    """The tools of one class in a group of a fab.

    ``count`` is by step. ``wafers_per_hour`` is the rate of a tool at work. ``scheduled`` is the
    share of all time in which a tool is scheduled, and ``up`` the mean share of scheduled time in
    which it is not under repair.
    """

    group: str
    tool_class: str
    count: Array
    wafers_per_hour: float
    mttf_hours: float
    mttr_hours: float
    repair_cv2: float
    scheduled: float

    @property
    def up(self) -> float:
        return self.mttf_hours / (self.mttf_hours + self.mttr_hours)


@dataclass(frozen=True)
class FabSteps:
    """One fab. Arrays are by step, from the start of the warm-up.

    ``ends_min`` is the end of each step. By process: ``planned`` wafers per step, ``cap``, the most
    wafers in the line, ``passes`` of a wafer in the order of the route, and ``unqueued_days``, the
    time in the line of a wafer that never waits for tools. ``quarter_ends_days`` are the ends of
    the warm-up and of each quarter.
    """

    ends_min: Array
    planned: dict[str, Array]
    cap: dict[str, Array]
    passes: dict[str, tuple[Pass, ...]]
    unqueued_days: dict[str, float]
    fleets: tuple[FleetSteps, ...]
    lot_wafers: int
    quarter_ends_days: tuple[float, ...]


def fab_steps(model: Model, fab: str) -> FabSteps:
    """One fab of a model.

    Raises
    ------
    ModelError
        if the fab has no tools, buys tools for its plan, or gives way in its control steps, or the
        model changes the performance of tools over time (service losses, accidents, maturing
        tools). The event simulator represents none of these.
    """
    simulation, medians = model.simulation, Medians(model)
    own = model.fabs[fab]
    if not own.fleets:
        raise ModelError(f"fabs.{fab}", "has no fleets", allowed="a fab with tools")
    _refuse_changes(model, fab)
    per_quarter = simulation.steps_per_quarter
    quarters = len(quarter_range(simulation.start, simulation.end)) + simulation.warmup_quarters
    first = quarter_index(simulation.start) - simulation.warmup_quarters
    steps = np.arange(quarters * per_quarter, dtype=float)
    times = first + (steps + 0.5) / per_quarter
    begin = _starts(model, fab, first)
    planned = {
        name: np.where(times >= begin, medians.curve(f"fabs.{fab}.plan.{name}", plan, times), 0.0)
        * MONTHS_PER_QUARTER
        / per_quarter
        for name, plan in own.plan.items()
    }
    fleets = tuple(
        _fleets(medians, fab, group, kind, fleet, times, first)
        for group, classes in own.fleets.items()
        for kind, fleet in classes.items()
    )
    passes = {name: passes_of(model, medians.at, name) for name in planned}
    days = DAYS_PER_QUARTER / per_quarter
    raw_days = {
        name: medians(f"processes.{name}", model.processes[name], "raw_process_days")
        for name in planned
    }
    ratio = medians(f"fabs.{fab}", own, "wip_cap_ratio")
    allowed = _allowed(planned, passes, fleets, days)
    counted = range(simulation.warmup_quarters, quarters + 1)
    return FabSteps(
        ends_min=(steps + 1.0) * days * HOURS_PER_DAY * 60.0,
        planned=planned,
        cap={name: ratio * allowed[name] * raw_days[name] / days for name in planned},
        passes=passes,
        unqueued_days={name: unqueued_median_days(medians.by_path, name) for name in planned},
        fleets=fleets,
        lot_wafers=round(medians(f"fabs.{fab}", own, "lot_size_wafers")),
        quarter_ends_days=tuple(DAYS_PER_QUARTER * q for q in counted if q > 0),
    )


# what an event may do to a line that is simulated event by event: change how many tools there are,
# hold starts back, or change the density, which no line meets
_REFUSED = ("mttf_ratio", "mttr_ratio", "capacity_ratio", "ramp_quarters")


def _refuse_changes(model: Model, fab: str) -> None:
    for name, event in model.events.items():
        effect = effect_of(event)
        changed = [factor for factor in _REFUSED if getattr(effect, factor)]
        if changed and hits_fab(event, fab):
            raise ModelError(
                f"events.{name}", f"changes the {changed[0]} of tools, which is not simulated "
                "event by event", got=event.kind,
                allowed="events that change the number of tools, the starts or the density",
            )  # fmt: skip


def _starts(model: Model, fab: str, first: int) -> float:
    """Return the quarter before which a fab starts nothing."""
    begins = [
        quarter_index(event.start)
        for event in model.events.values()
        if effect_of(event).delays_starts and hits_fab(event, fab)
    ]
    return max(begins, default=first)


def _fleets(
    medians: Medians, fab: str, group: str, kind: str, fleet: Fleet, times: Array, first: int
) -> FleetSteps:
    path = f"tool_groups.{group}.{kind}"
    tool: ToolClass = getattr(medians.model.tool_groups[group], kind)

    def of(name: str) -> float:
        return medians(path, tool, name)

    own, whole = f"fabs.{fab}.fleets.{group}.{kind}", medians.model.tool_groups[group]
    for place, got, allowed in (
        (f"{path}.initial_mttf_ratio", of("initial_mttf_ratio"), 1.0),
        (f"{own}.planned_use", medians(own, fleet, "planned_use"), 0.0),
        (
            f"tool_groups.{group}.sampling_floor",
            medians(f"tool_groups.{group}", whole, "sampling_floor"),
            1.0,
        ),
    ):
        if got != allowed:
            problem = "is not simulated event by event"
            raise ModelError(place, problem, got=got, allowed=f"{allowed:g}")
    down = of("pm_fraction"), of("engineering_fraction"), of("nonscheduled_fraction")
    return FleetSteps(
        group=group,
        tool_class=kind,
        count=_count(medians, fab, group, kind, fleet, times, first),
        wafers_per_hour=of("wafers_per_hour") * of("performance"),
        mttf_hours=of("mttf_hours"),
        mttr_hours=of("mttr_hours"),
        repair_cv2=of("repair_cv2"),
        scheduled=float(np.prod(1.0 - np.array(down))),
    )


def _count(
    medians: Medians, fab: str, group: str, kind: str, fleet: Fleet, times: Array, first: int
) -> Array:
    """Whole tools in production in each step."""
    path = f"fabs.{fab}.fleets.{group}.{kind}"
    per_quarter = medians.model.simulation.steps_per_quarter
    steps = np.arange(times.size, dtype=float)
    kept, stop, begin = np.ones(times.size), np.inf, -np.inf
    for name, event in medians.model.events.items():
        effect: Effect = effect_of(event)
        if not hits_tools(event, fab, group, kind):
            continue
        start = (quarter_index(event.start) - first) * per_quarter
        if effect.stops_deliveries:
            stop = min(stop, start - 1.0)
        if effect.delays_production:
            begin = max(begin, start)
        if effect.tools_lost:
            last = getattr(event, "end", None)
            end = (quarter_index(last) + 1 - first) * per_quarter if last else np.inf
            lost = (steps >= start) & (steps < end)
            share = medians(f"events.{name}", event, effect.tools_lost)
            kept *= np.where(lost, 1.0 - share, 1.0)
    delay = sum(medians(path, fleet, f"{n}_quarters") for n in ("install", "qualification"))
    curve = medians.curve(f"{path}.count", fleet.count, times)
    arrived = np.interp(np.minimum(steps - delay * per_quarter, stop), steps, curve)
    if fleet.retired is not None:
        arrived = arrived - medians.curve(f"{path}.retired", fleet.retired, times)
    return np.where(steps >= begin, np.floor(np.maximum(0.0, arrived) * kept + 0.5), 0.0)


def _allowed(
    planned: dict[str, Array],
    passes: dict[str, tuple[Pass, ...]],
    fleets: tuple[FleetSteps, ...],
    days: float,
) -> dict[str, Array]:
    """Wafers per step that plan and tools allow in the long run, by the group that binds most."""
    capacity: dict[str, Array] = {}
    for fleet in fleets:
        per_hour = fleet.count * fleet.wafers_per_hour * fleet.up * fleet.scheduled
        possible = per_hour * days * HOURS_PER_DAY
        capacity[fleet.group] = capacity.get(fleet.group, 0.0) + possible
    visits = {name: _visits(own) for name, own in passes.items()}
    allowed = {}
    for name, own in visits.items():
        size = planned[name].size
        fraction = np.full(size, np.inf)
        for group in own:
            load = np.sum([planned[p] * visits[p].get(group, 0.0) for p in planned], axis=0)
            made = capacity.get(group, np.zeros(size))
            ratio = np.divide(made, load, out=np.full(size, np.inf), where=load > 0.0)
            fraction = np.minimum(fraction, ratio)
        allowed[name] = planned[name] * np.minimum(1.0, fraction)
    return allowed


def _visits(passes: tuple[Pass, ...]) -> dict[str, float]:
    """Mean visits of a wafer to each group, including rework."""
    visits: dict[str, float] = {}
    for step in passes:
        visits[step.group] = visits.get(step.group, 0.0) + step.share * (1.0 + step.rework)
    return visits
