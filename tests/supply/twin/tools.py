"""Tools of the readable twin: fleets, the passes they can make in a step, and waits for them."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tests.supply.twin.noise import down_hours, up_and_carried
from tests.supply.twin.visits import Passes
from tests.supply.twin.world import HOURS_PER_DAY, World
from yieldsim.model.schema import (
    Accident,
    DeliveriesStop,
    Event,
    Excursion,
    Fab,
    Fleet,
    Process,
    ServiceLoss,
    ToolQualified,
    ToolsLost,
)

STREAM_AVAILABILITY = 1
CLASSES = ("imported", "domestic")
HIGHEST_UTILIZATION = 0.97  # a queue formula diverges at one
PASSES_PER_KPASS = 1000.0
PLAN_WITHOUT_LIMIT = 100.0  # times as many wafers planned where tools limit them
TOOLS_WITHOUT_LIMIT = 1e6  # times as many, in the same mixture of classes


@dataclass
class ClassRate:
    """One class of a group in one step."""

    count: int  # in production
    tools: float  # in the formula of waits: more where tools are no limit
    availability: float  # share of total time, by the luck of the step
    rated: float  # passes in the step without any stop
    mean: float  # passes in a step at the mean availability
    passes: float  # passes in the step, by its luck
    mttr_hours: float
    repair_cv2: float
    adder: float
    overlay_ratio: float


@dataclass
class GroupRate:
    """A group of a fab in one step; its classes share the passes by their rates."""

    classes: dict[str, ClassRate]

    @property
    def passes(self) -> float:
        return sum(rate.passes for rate in self.classes.values())

    @property
    def mean(self) -> float:
        return sum(rate.mean for rate in self.classes.values())

    def share(self, kind: str) -> float:
        if kind not in self.classes or self.passes == 0.0:
            return 0.0
        return self.classes[kind].passes / self.passes


class Tools:
    """The fleets of a fab, with their passes so far and hours of repair carried over."""

    def __init__(self, world: World, fab: str) -> None:
        self.world, self.fab = world, fab
        self.fleets = world.model.fabs[fab].fleets
        self.kpasses: dict[tuple[str, str], float] = defaultdict(float)
        self.down: dict[tuple[str, str], float] = defaultdict(float)
        self.bought: dict[tuple[str, str], float] = defaultdict(float)

    def rates(self, step: int, load: Mapping[str, float]) -> dict[str, GroupRate]:
        """Every group of the fab in a step, in the order of the model.

        ``load`` are the passes that the plan needs in the step.
        """
        rates = {}
        for group in self.world.model.tool_groups:
            kinds = [kind for kind in CLASSES if kind in self.fleets.get(group, {})]
            for kind in kinds:
                self.buy(group, kind, load[group])
            classes = {kind: self.class_rate(group, kind, step) for kind in kinds}
            rates[group] = GroupRate({k: rate for k, rate in classes.items() if rate.tools > 0.0})
            if self.world.lifted("tools") or self.world.lifted(group):
                for rate in rates[group].classes.values():
                    rate.tools *= TOOLS_WITHOUT_LIMIT
                    rate.rated *= TOOLS_WITHOUT_LIMIT
                    rate.mean *= TOOLS_WITHOUT_LIMIT
                    rate.passes *= TOOLS_WITHOUT_LIMIT
        return {group: rate for group, rate in rates.items() if group in self.fleets}

    def buy(self, group: str, kind: str, passes: float) -> None:
        """Buy the tools that make so many passes in a step at the fleet's planned use."""
        world, path = self.world, f"fabs.{self.fab}.fleets.{group}.{kind}"
        use = world.number(path, self.fleets[group][kind], "planned_use")
        if use == 0.0:
            return
        tool = getattr(world.model.tool_groups[group], kind)

        def number(key: str) -> float:
            return world.number(f"tool_groups.{group}.{kind}", tool, key)

        up = number("mttf_hours") / (number("mttf_hours") + number("mttr_hours"))
        for key in ("nonscheduled_fraction", "pm_fraction", "engineering_fraction"):
            up *= 1.0 - number(key)
        each = number("wafers_per_hour") * number("performance") * up * world.hours_per_step
        if world.lifted("wafers"):
            passes /= PLAN_WITHOUT_LIMIT
        self.bought[group, kind] = max(self.bought[group, kind], passes / (each * use))

    def class_rate(self, group: str, kind: str, step: int) -> ClassRate:
        """Tools of one class and the passes that they can make in a step."""
        world, hours = self.world, self.world.hours_per_step
        tool = getattr(world.model.tool_groups[group], kind)

        def number(key: str) -> float:
            return world.number(f"tool_groups.{group}.{kind}", tool, key)

        planned = world.number(
            f"fabs.{self.fab}.fleets.{group}.{kind}", self.fleets[group][kind], "planned_use"
        )
        most = self.bought[group, kind] if planned > 0.0 else math.inf
        count = tools_in_production(world, self.fab, group, kind, step, most)
        young = math.exp(-self.kpasses[group, kind] / number("maturity_kpasses"))
        mttf = number("mttf_hours") * (1.0 - (1.0 - number("initial_mttf_ratio")) * young)
        adder = number("defect_adder") * (1.0 + (number("initial_adder_ratio") - 1.0) * young)
        mttr, overlay = number("mttr_hours"), 1.0
        for path, event, lost in service_lost(world, self.fab, group, kind, step):
            mttf *= world.number(path, event, "mttf_ratio") ** lost
            mttr *= world.number(path, event, "mttr_ratio") ** lost
            adder *= world.number(path, event, "d0_ratio") ** lost
            overlay *= world.number(path, event, "overlay_ratio") ** lost
        up = up_now = mttf / (mttf + mttr)
        cv2 = number("repair_cv2")
        if world.noise and count > 0:
            name = f"fabs.{self.fab}.fleets.{group}"
            luck = world.luck(name, STREAM_AVAILABILITY, step, second=kind == "domestic")
            down = self.down[group, kind] + down_hours(count, hours, mttf, mttr, cv2, luck)
            up_now, self.down[group, kind] = up_and_carried(count, hours, down)
        scheduled = (1.0 - number("nonscheduled_fraction")) * (1.0 - number("pm_fraction"))
        scheduled *= 1.0 - number("engineering_fraction")
        rated = count * number("wafers_per_hour") * number("performance") * hours
        mean, passes = rated * up * scheduled, rated * up_now * scheduled
        available = up_now * scheduled
        return ClassRate(count, count, available, rated, mean, passes, mttr, cv2, adder, overlay)

    def gain_experience(self, rates: Mapping[str, GroupRate], made: Mapping[str, float]) -> None:
        """Tools mature with the passes made, which the classes of a group share."""
        for group, rate in rates.items():
            for kind in rate.classes:
                passes = made[group] * rate.share(kind)
                self.kpasses[group, kind] += passes / PASSES_PER_KPASS


def tools_in_production(
    world: World, fab: str, group: str, kind: str, step: int, most: float
) -> int:
    """Whole tools of a class: delivered and qualified, not retired, lost or taken apart.

    No more are delivered than the fab buys (``most``).
    """
    path, fleet = f"fabs.{fab}.fleets.{group}.{kind}", world.model.fabs[fab].fleets[group][kind]
    stop, kept = math.inf, 1.0
    for name, event in world.model.events.items():
        if not hits(event, fab, group, kind):
            continue
        if isinstance(event, DeliveriesStop):
            stop = min(stop, world.first_step(event.start) - 1)  # the last step before it
        if isinstance(event, ToolQualified) and step < world.first_step(event.start):
            return 0
        if isinstance(event, ToolsLost) and happens(world, step, event.start, event.end):
            kept *= 1.0 - world.number(f"events.{name}", event, "share")
    for where, loss, lost in service_lost(world, fab, group, kind, step):
        kept *= (1.0 - world.number(where, loss, "cannibalized")) ** lost
    there = min(most, delivered(world, path, fleet, step, stop))
    if fleet.retired is not None:
        there -= world.schedule(f"{path}.retired", fleet.retired, step)
    return math.floor(max(0.0, there) * kept + 0.5)


def delivered(world: World, path: str, fleet: Fleet, step: int, stop: float) -> float:
    """Tools delivered by the step less the time of installation and qualification.

    The curve of deliveries is given at the middles of the steps, linear between them and flat
    before the warm-up. Tools still on order at step ``stop`` never come.
    """
    quarters = world.number(path, fleet, "install_quarters")
    quarters += world.number(path, fleet, "qualification_quarters")
    when = max(0.0, min(step - quarters * world.steps_per_quarter, stop))
    before = math.floor(when)
    count = world.schedule(f"{path}.count", fleet.count, before)
    if when > before:
        following = world.schedule(f"{path}.count", fleet.count, before + 1)
        count += (when - before) * (following - count)
    return count


def hits(event: Event, fab: str, group: str, kind: str) -> bool:
    """Whether an event concerns a class of tools; it concerns all fabs, groups and classes unless
    it names some.
    """
    return (
        isinstance(event, ServiceLoss | DeliveriesStop | ToolsLost | ToolQualified)
        and event.tool_class in (kind, None)
        and (not event.fabs or fab in event.fabs)
        and (not event.groups or group in event.groups)
    )


def happens(world: World, step: int, start: str, end: str | None) -> bool:
    """Whether a step lies between two quarters, both included; ``end`` may be open."""
    over = math.inf if end is None else world.first_step(end) + world.steps_per_quarter
    return world.first_step(start) <= step < over


def service_lost(
    world: World, fab: str, group: str, kind: str, step: int
) -> Iterator[tuple[str, ServiceLoss, float]]:
    """Each loss of service of a class: its path, the event, and the quarters so far."""
    for name, event in world.model.events.items():
        if isinstance(event, ServiceLoss) and hits(event, fab, group, kind):
            elapsed = (step + 0.5 - world.first_step(event.start)) / world.steps_per_quarter
            longest = world.number(f"events.{name}", event, "quarters")
            yield f"events.{name}", event, min(max(0.0, elapsed), longest)


def accident(world: World, fab: str, step: int) -> tuple[float, float]:
    """Return the capacity left and the defect density over normal of a fab in a step."""
    left, dirt = 1.0, 1.0
    for name, event in world.model.events.items():
        if not isinstance(event, Accident) or (event.fabs and fab not in event.fabs):
            continue
        if happens(world, step, event.start, event.end):
            left *= world.number(f"events.{name}", event, "capacity_ratio")
            dirt *= world.number(f"events.{name}", event, "d0_ratio")
    return left, dirt


def excursions(world: World, fab: str, process: str, step: int) -> float:
    """Defect density over normal of a process in a fab, without accidents."""
    dirt = 1.0
    for name, event in world.model.events.items():
        if (
            isinstance(event, Excursion)
            and (not event.fabs or fab in event.fabs)
            and (not event.processes or process in event.processes)
            and happens(world, step, event.start, event.end)
        ):
            dirt *= world.number(f"events.{name}", event, "d0_ratio")
    return dirt


def wait_days(world: World, fab: str, group: str, rate: GroupRate, usage: float) -> float:
    """Mean wait of a lot per visit: VUT with Sakasegawa's exponent (Hopp and Spearman 2008)."""
    entity: Fab = world.model.fabs[fab]
    lot = world.number(f"fabs.{fab}", entity, "lot_size_wafers")
    arrivals = world.number(f"fabs.{fab}", entity, "arrival_cv2")
    service = world.number(f"tool_groups.{group}", world.model.tool_groups[group], "service_cv2")
    classes = rate.classes.values()
    tools = sum(each.tools for each in classes)
    rated = sum(each.rated for each in classes)
    mttr = sum(each.rated * each.mttr_hours for each in classes) / rated
    repair_cv2 = sum(each.rated * each.repair_cv2 for each in classes) / rated
    natural_hours = lot * tools * world.hours_per_step / rated
    effective_hours = lot * tools * world.hours_per_step / rate.mean
    up = natural_hours / effective_hours
    process_cv2 = service + (1.0 + repair_cv2) * up * (1.0 - up) * mttr / natural_hours
    busy = min(usage, HIGHEST_UTILIZATION)
    crowding = busy ** (math.sqrt(2.0 * (tools + 1.0)) - 1.0) / (tools * (1.0 - busy))
    return (arrivals + process_cv2) / 2.0 * crowding * effective_hours / HOURS_PER_DAY


def sampling_kept(
    world: World, rates: Mapping[str, GroupRate], load: Mapping[str, float]
) -> dict[str, float]:
    """Share of its planned passes that each group makes.

    Control steps give way down to their floor where a group cannot make what the plan asks for, as
    far as all other groups allow the plan.
    """
    floors = {
        group: world.number(
            f"tool_groups.{group}", world.model.tool_groups[group], "sampling_floor"
        )
        for group in rates
    }
    others = [
        rate.mean / load[group]
        for group, rate in rates.items()
        if floors[group] == 1.0 and load[group] > 0.0
    ]
    allowed = min([1.0, *others])
    kept = {}
    for group, rate in rates.items():
        asked = load[group] * allowed
        fits = rate.mean / asked if asked > 0.0 else 1.0
        kept[group] = min(1.0, max(floors[group], fits))
    return kept


def gives_way(world: World, group: str, kept: float) -> bool:
    """Whether a group makes some, and not the fewest allowed, of its planned passes."""
    entity = world.model.tool_groups[group]
    return world.number(f"tool_groups.{group}", entity, "sampling_floor") < kept < 1.0


def skipped_ratio(world: World, visits: Passes, kept: Mapping[str, float]) -> float:
    """Defects of wafers that skip control steps over those of wafers that make all of them."""
    ratio = 1.0
    for group in visits:
        entity = world.model.tool_groups[group]
        adder = world.number(f"tool_groups.{group}", entity, "skipped_adder")
        ratio *= 1.0 + adder * (1.0 - kept[group])
    return ratio


def adder_ratio(world: World, visits: Passes, rates: dict[str, GroupRate]) -> float:
    """Defects that the tools add over those of mature imported tools, weighted by group."""
    weights, added = 0.0, 0.0
    for group in visits:
        entity = world.model.tool_groups[group]
        weight = world.number(f"tool_groups.{group}", entity, "defect_weight")
        if not any(rates[group].share(kind) for kind in rates[group].classes):
            continue
        weights += weight
        for kind, rate in rates[group].classes.items():
            added += weight * rates[group].share(kind) * rate.adder
    return added / weights if weights > 0.0 else 1.0


def overlay_yield(
    world: World,
    name: str,
    process: Process,
    visits: Passes,
    rates: dict[str, GroupRate],
) -> float:
    """Share of dies whose critical layers all align; a class exposes each layer at random.

    A group that is down for the whole step has no shares and is left out, as in `adder_ratio`.
    """
    layers = world.number(f"processes.{name}", process, "overlay_layers")
    tolerance = world.number(f"processes.{name}", process, "overlay_tolerance_nm")
    survive = 1.0
    for group in visits:
        if rates[group].passes == 0.0:
            continue
        aligned = 0.0
        for kind, rate in rates[group].classes.items():
            tool = getattr(world.model.tool_groups[group], kind)
            sigma = world.number(f"tool_groups.{group}.{kind}", tool, "overlay_sigma_nm")
            sigma *= rate.overlay_ratio
            x_inside = math.erf(tolerance / (sigma * math.sqrt(2.0))) if sigma > 0.0 else 1.0
            y_inside = x_inside  # one sigma and one tolerance for both axes
            inside = x_inside * y_inside
            aligned += rates[group].share(kind) * inside
        survive *= aligned**layers
    return survive
