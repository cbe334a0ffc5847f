"""Tools of the readable twin: fleets, their availability, what a fab can start, and queueing."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

from tests.reference.twin_world import HOURS_PER_DAY, World
from yieldsim.model.schema import Accident, DeliveriesStop, Fab, Fleet, Process, ServiceLoss

STREAM_AVAILABILITY = 1
CLASSES = ("imported", "domestic")
HIGHEST_UTILIZATION = 0.97  # a queue formula diverges at one
REPAIR_CV2 = 1.0  # exponential repair times
PASSES_PER_KPASS = 1000.0
TOOLS_WITHOUT_LIMIT = 1e6  # times as many, in the same mixture of classes


@dataclass
class ClassRate:
    """One class of a group in one step."""

    tools: float
    rated: float  # passes in the step if no tool ever stood still
    passes: float  # passes in the step
    mttr_hours: float
    adder: float


@dataclass
class GroupRate:
    """A group of a fab in one step; shares of the passes go by rate."""

    classes: dict[str, ClassRate]

    @property
    def passes(self) -> float:
        return sum(one.passes for one in self.classes.values())

    def share(self, kind: str) -> float:
        if kind not in self.classes or self.passes == 0.0:
            return 0.0
        return self.classes[kind].passes / self.passes


def whole_tools(world: World, path: str, fleet: Fleet, step: int, stop: float) -> int:
    """Tools in production: what had been delivered one installation earlier, rounded.

    The curve of deliveries stands in the middles of the steps, is linear between them and flat
    before the warm-up. What was still on order at step ``stop`` never comes.
    """
    delay = world.number(path, fleet, "install_quarters") * world.steps_per_quarter
    when = max(0.0, min(step - delay, stop))
    before = math.floor(when)
    count = world.schedule(f"{path}.count", fleet.count, before)
    if when > before:
        following = world.schedule(f"{path}.count", fleet.count, before + 1)
        count += (when - before) * (following - count)
    return math.floor(count + 0.5)


def hits(event: ServiceLoss | DeliveriesStop, fab: str, group: str, kind: str) -> bool:
    """Whether an event concerns a class of tools; no fabs or groups named means all."""
    return (
        event.tool_class == kind
        and (not event.fabs or fab in event.fabs)
        and (not event.groups or group in event.groups)
    )


def class_rate(
    world: World, fab: str, group: str, kind: str, step: int, kpasses: float, u: float
) -> ClassRate:
    """Tools of one class and the passes that they can make in a step.

    ``kpasses`` is the experience of the fab's fleet, ``u`` the luck of its availability.
    """
    tool = getattr(world.model.tool_groups[group], kind)
    fleet = world.model.fabs[fab].fleets[group][kind]

    def number(key: str) -> float:
        return world.number(f"tool_groups.{group}.{kind}", tool, key)

    gap = math.exp(-kpasses / number("maturity_kpasses"))
    mttf = number("mttf_hours") * (1.0 - (1.0 - number("initial_mttf_ratio")) * gap)
    adder = number("defect_adder") * (1.0 + (number("initial_adder_ratio") - 1.0) * gap)
    mttr = number("mttr_hours")
    stop = math.inf
    for name, event in world.model.events.items():
        if isinstance(event, ServiceLoss) and hits(event, fab, group, kind):
            elapsed = (step + 0.5 - world.first_step(event.start)) / world.steps_per_quarter
            lost = min(max(0.0, elapsed), world.number(f"events.{name}", event, "quarters"))
            mttf *= world.number(f"events.{name}", event, "mttf_ratio") ** lost
            mttr *= world.number(f"events.{name}", event, "mttr_ratio") ** lost
        if isinstance(event, DeliveriesStop) and hits(event, fab, group, kind):
            stop = min(stop, world.first_step(event.start) - 1)  # the last step before it
    tools = whole_tools(world, f"fabs.{fab}.fleets.{group}.{kind}", fleet, step, stop)
    up = mttf / (mttf + mttr)
    if world.noise and tools > 0:
        # time average of independent machines that alternate between up and down
        tau = mttf * mttr / (mttf + mttr)
        variance = 2.0 * up * (1.0 - up) * tau / (tools * world.hours_per_step)
        up = min(1.0, max(0.0, up + math.sqrt(variance) * NormalDist().inv_cdf(u)))
    up *= 1.0 - number("pm_fraction")
    rate = number("wafers_per_hour") * number("performance")
    rated = tools * rate * world.hours_per_step
    return ClassRate(tools, rated, rated * up, mttr, adder)


def group_rate(
    world: World, fab: str, group: str, step: int, kpasses: dict[tuple[str, str], float]
) -> GroupRate:
    """The classes of a group that have tools in the step."""
    luck = dict(zip(CLASSES, world.luck(f"fabs.{fab}.fleets.{group}", 1, step), strict=True))
    classes = {}
    for kind in CLASSES:
        if kind in world.model.fabs[fab].fleets[group]:
            done = kpasses.get((group, kind), 0.0)
            rate = class_rate(world, fab, group, kind, step, done, luck[kind])
            if rate.tools > 0:
                classes[kind] = rate
    if world.lifted("tools") or world.lifted(group):
        for rate in classes.values():
            rate.tools, rate.rated, rate.passes = (
                number * TOOLS_WITHOUT_LIMIT for number in (rate.tools, rate.rated, rate.passes)
            )
    return GroupRate(classes)


def visits_of(world: World, process: str) -> dict[str, float]:
    """Passes of one wafer through each group, rework included."""
    again = 1.0 + world.number(f"processes.{process}", world.model.processes[process], "rework")
    visited = world.model.processes[process].visits
    return {g: world.values[f"processes.{process}.visits.{g}"] * again for g in visited}


def accident(world: World, fab: str, step: int) -> tuple[float, float]:
    """(capacity left, defect density over normal) of a fab in a step."""
    left, dirt = 1.0, 1.0
    for name, event in world.model.events.items():
        if not isinstance(event, Accident) or (event.fabs and fab not in event.fabs):
            continue
        if (
            world.first_step(event.start)
            <= step
            < (world.first_step(event.end) + world.steps_per_quarter)
        ):
            left *= world.number(f"events.{name}", event, "capacity_ratio")
            dirt *= world.number(f"events.{name}", event, "d0_ratio")
    return left, dirt


def wait_days(world: World, fab: str, group: str, rate: GroupRate, usage: float) -> float:
    """Mean wait of a lot per visit: VUT with Sakasegawa's exponent (Hopp and Spearman 2008)."""
    entity: Fab = world.model.fabs[fab]
    lot = world.number(f"fabs.{fab}", entity, "lot_size_wafers")
    arrivals = world.number(f"fabs.{fab}", entity, "arrival_cv2")
    service = world.number(f"tool_groups.{group}", world.model.tool_groups[group], "service_cv2")
    tools = sum(one.tools for one in rate.classes.values())
    rated = sum(one.rated for one in rate.classes.values())
    mttr = sum(one.rated * one.mttr_hours for one in rate.classes.values()) / rated
    natural_hours = lot * tools * world.hours_per_step / rated
    effective_hours = lot * tools * world.hours_per_step / rate.passes
    up = natural_hours / effective_hours
    process_cv2 = service + (1.0 + REPAIR_CV2) * up * (1.0 - up) * mttr / natural_hours
    busy = min(usage, HIGHEST_UTILIZATION)
    crowding = busy ** (math.sqrt(2.0 * (tools + 1.0)) - 1.0) / (tools * (1.0 - busy))
    return (arrivals + process_cv2) / 2.0 * crowding * effective_hours / HOURS_PER_DAY


def adder_ratio(world: World, visited: dict[str, float], rates: dict[str, GroupRate]) -> float:
    """Defects that the tools add over those of mature imported ones, weighted by group."""
    weights, added = 0.0, 0.0
    for group in visited:
        entity = world.model.tool_groups[group]
        weight = world.number(f"tool_groups.{group}", entity, "defect_weight")
        if not any(rates[group].share(kind) for kind in rates[group].classes):
            continue
        weights += weight
        for kind, one in rates[group].classes.items():
            added += weight * rates[group].share(kind) * one.adder
    return added / weights if weights > 0.0 else 1.0


def overlay_yield(
    world: World,
    name: str,
    process: Process,
    visited: dict[str, float],
    rates: dict[str, GroupRate],
) -> float:
    """Dies whose critical layers all align, each layer exposed by a class at random."""
    layers = world.number(f"processes.{name}", process, "overlay_layers")
    tolerance = world.number(f"processes.{name}", process, "overlay_tolerance_nm")
    survive = 1.0
    for group in visited:
        aligned = 0.0
        for kind in rates[group].classes:
            tool = getattr(world.model.tool_groups[group], kind)
            sigma = world.number(f"tool_groups.{group}.{kind}", tool, "overlay_sigma_nm")
            inside = math.erf(tolerance / (sigma * math.sqrt(2.0))) if sigma > 0.0 else 1.0
            aligned += rates[group].share(kind) * inside
        survive *= aligned**layers
    return survive
