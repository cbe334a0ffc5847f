"""Capacity of a fab's tools: group loads, the bottleneck of each route, and queue waits."""

from __future__ import annotations

import math

import numpy as np

from yieldsim.kernels.elementary import power_below_one
from yieldsim.kernels.jit import inline_jit, lane_jit, stage_jit
from yieldsim.supply.kernels.records import (
    CLASSES,
    LANES,
    FabRoutes,
    FleetCurves,
    FleetState,
    Floats,
    GroupState,
    Ints,
    Lanes,
    Parameters,
    Records,
    Records2,
    Results,
    RoutePlan,
    RouteState,
    Scratch,
    Segment,
)
from yieldsim.units import DAYS_PER_QUARTER, HOURS_PER_DAY

HIGHEST_UTILIZATION = 0.97  # queue formulas diverge at 1; a released line never waits longer
_SHORTEST = 1e-12  # steps to cross a segment
_UNUSED = 1e-300  # keeps a group without tools or load from 0 / 0
_KPASS = 1000.0
_TIE = 1e-12  # more than the rounding of two ratios that are the same number
# Assumption: waits follow the recent use of tools, because queues take weeks to build up. Two weeks
# to a quarter all agree with the event simulator; a quarter oscillates least where tools lack.
_MEMORY_DAYS = DAYS_PER_QUARTER


@inline_jit
def failure_cv2(
    availability: float, pure_hours: float, mttr_hours: float, repair_cv2: float
) -> float:
    """Return the squared coefficient of variation that failures add to a lot's process time.

    Hopp and Spearman, "Factory Physics" (2008), section 8.4.2.
    """
    return (1.0 + repair_cv2) * availability * (1.0 - availability) * mttr_hours / pure_hours


@inline_jit
def exponent(tools: float) -> float:
    """Return the exponent of the utilization in Sakasegawa's formula.

    Hopp and Spearman 2008, section 8.6.6.
    """
    return math.sqrt(2.0 * (tools + 1.0)) - 1.0


@inline_jit
def queue_days(tools: float, lot_hours: float, usage: float, power: float, cv2: float) -> float:
    """Return the waiting time per visit in days, by the VUT equation.

    ``power`` is the usage to the power of `exponent`, ``lot_hours`` the effective process time
    te = t0/A of a lot on a tool. ``cv2`` is the sum of the squared coefficients of variation of
    arrivals and of effective process times.
    """
    return 0.5 * cv2 * power / (tools * (1.0 - usage)) * lot_hours / HOURS_PER_DAY


@lane_jit
def add_product(total: Lanes, amount: Lanes, each: Lanes, n: int) -> None:
    """Add the products of two numbers of each lane to a total."""
    for k in range(n):
        total[k] += amount[k] * each[k]


@lane_jit
def add_lanes(total: Lanes, amount: Lanes, n: int) -> None:
    """Add a number of each lane to a total."""
    for k in range(n):
        total[k] += amount[k]


@lane_jit
def add_part(total: Lanes, amount: Lanes, parts: float, n: int) -> None:
    """Divide a number of each lane into equal parts, and add one part to a total."""
    for k in range(n):
        total[k] += amount[k] / parts


@stage_jit
def load_groups(
    fab: FabRoutes,
    routes: Records[RoutePlan],
    visits: Floats,
    wafers: Records[RouteState],
    groups: Records[GroupState],
    n: int,
) -> None:
    """Fill the load of each group: the passes that the planned wafers of a fab's routes need."""
    for g in range(groups.shape[0]):
        load = groups[g].load
        for k in range(n):
            load[k] = 0.0
        for route in range(fab.first_route, fab.end_route):
            passes, planned = visits[routes[route].process, g], wafers[route].planned
            add_product(load, planned, passes, n)


@inline_jit
def give_way(
    parameters: Records[Parameters], groups: Records[GroupState], scratch: Scratch, n: int
) -> None:
    """Fill the share of its planned passes that each group makes, and the least of these shares.

    A group with a ``sampling_floor`` below 1 makes fewer where the plan, as far as the other groups
    allow it, asks for more than it can make.
    """
    allowed, least = scratch.allowed_fraction, scratch.kept_passes
    for k in range(n):
        allowed[k] = 1.0
        least[k] = 1.0
    for g in range(groups.shape[0]):
        group, floor = groups[g], parameters[g].sampling_floor
        for k in range(n):
            if floor[k] >= 1.0 and group.load[k] > 0.0:
                allowed[k] = min(allowed[k], group.mean_passes[k] / group.load[k])
    for g in range(groups.shape[0]):
        group, floor = groups[g], parameters[g].sampling_floor
        for k in range(n):
            asked, possible = group.load[k] * allowed[k], group.mean_passes[k]
            kept = possible / asked if asked > possible else 1.0
            group.kept[k] = min(1.0, max(floor[k], kept))
            least[k] = min(least[k], group.kept[k])


@inline_jit
def scarcest(
    visits: Floats,
    parameters: Records[Parameters],
    groups: Records[GroupState],
    scratch: Scratch,
    n: int,
) -> None:
    """Fill the bottleneck group of a route, and the fraction of its load that it can make.

    They are -1 and infinite where no group limits the route. Routes share a group in proportion to
    what they ask, so each route's minimum over its own groups can be granted to all at once. A
    group that gives way keeps up with the scarcest of the others: that one is the bottleneck.
    """
    fraction, scarcest_group = scratch.allowed_fraction, scratch.scarcest_group
    for k in range(n):
        fraction[k] = np.inf
        scarcest_group[k] = -1.0
    for g in range(visits.shape[0]):
        group, floor = groups[g], parameters[g].sampling_floor
        for k in range(n):
            if visits[g, k] > 0.0 and group.load[k] > 0.0:
                ratio = group.mean_passes[k] / (group.load[k] * group.kept[k])
                if floor[k] < group.kept[k] < 1.0:
                    ratio *= 1.0 + _TIE
                if ratio < fraction[k]:
                    fraction[k] = ratio
                    scarcest_group[k] = g


@inline_jit
def group_waits(
    hours: float,
    fab: Parameters,
    parameters: Records[Parameters],
    groups: Records[GroupState],
    scratch: Scratch,
    n: int,
) -> None:
    """Fill the wait of each group in days per planned pass at its load.

    ``hours`` is the length of a step. A group without load has no wait.
    """
    for g in range(groups.shape[0]):
        _wait(hours, fab, parameters[g].service_cv2, groups[g], scratch.capacity_left, n)


@lane_jit
def _wait(
    hours: float, fab: Parameters, service_cv2: Lanes, group: GroupState, left: Lanes, n: int
) -> None:
    """Fill the wait of a group."""
    for k in range(min(n, LANES)):
        possible = group.mean_passes[k] * left[k]
        use = group.load[k] / (possible if possible > 0.0 else np.inf)
        usage = max(_UNUSED, min(use, HIGHEST_UTILIZATION))
        power = power_below_one(usage, exponent(group.tool_count[k]))
        power = power if usage > _UNUSED else 0.0
        tools, mean = max(group.tool_count[k], _UNUSED), max(group.mean_passes[k], _UNUSED)
        pure = max(group.rated_passes[k], _UNUSED)
        pure_hours = tools * fab.lot_size_wafers[k] * hours / pure
        cv2 = failure_cv2(mean / pure, pure_hours, group.mttr_hours[k], group.repair_cv2[k])
        lot_hours = tools * fab.lot_size_wafers[k] * hours / mean
        total = fab.arrival_cv2[k] + service_cv2[k] + cv2
        wait_days = queue_days(tools, lot_hours, usage, power, total)
        group.wait_days[k] = wait_days * group.kept[k]


@inline_jit
def unqueued_days(process: Parameters, days: Lanes, n: int) -> None:
    """Fill the time that wafers of a process spend in a line in which they never wait for tools."""
    for k in range(n):
        waits = process.transport_ratio[k] + process.batch_ratio[k] + process.hold_ratio[k]
        days[k] = process.raw_process_days[k] * (1.0 + waits)


@stage_jit
def pace_route(
    unqueued: Lanes,
    days_per_step: float,
    equipped: bool,
    first: Ints,
    visited: Ints,
    visits: Floats,
    groups: Records[GroupState],
    segments: Records[Segment],
    count: int,
    n: int,
) -> None:
    """Fill the pace of a route's ``count`` segments: the steps to cross each at current waits.

    ``unqueued`` is the time in days to cross the route without waits for tools. Visits ``first[s]``
    to before ``first[s + 1]`` are those of segment s; visit v is to group ``visited[v]``.
    """
    for s in range(count):
        pace_steps = segments[s].pace_steps
        for k in range(n):
            pace_steps[k] = unqueued[k] / count
        if equipped:
            for v in range(first[s], first[s + 1]):
                wait_days = groups[visited[v]].wait_days
                add_product(pace_steps, visits[v], wait_days, n)
        for k in range(n):
            pace_steps[k] = max(_SHORTEST, pace_steps[k] / days_per_step)


@stage_jit
def book_use(
    steps: int,
    fleets: Records2[FleetCurves],
    groups: Records[GroupState],
    left: Lanes,
    experience: Records2[FleetState],
    booked: Records[Results],
    n: int,
) -> None:
    """Book the passes made and possible, and add the passes made to the experience of tools.

    ``booked`` (group) are the results of the fab's groups in a row; a quarter has ``steps`` steps.
    ``fleets`` (group, class) say which tool classes the fab has.
    """
    for g in range(groups.shape[0]):
        group, result = groups[g], booked[g]
        if max(fleets[g, 0].count_curve, fleets[g, 1].count_curve) >= 0:
            add_part(result.sampling_kept, group.kept, float(steps), n)
        add_lanes(result.utilization, group.made_passes, n)
        add_product(result.passes_possible, group.possible_passes, left, n)
        for c in range(CLASSES):
            if fleets[g, c].count_curve >= 0:
                _learn(experience[g, c].kpasses, group.made_passes, group.share[c], n)


@lane_jit
def _learn(kpasses: Lanes, made: Lanes, share: Lanes, n: int) -> None:
    """Add the passes made by a class of tools to its experience."""
    for k in range(n):
        kpasses[k] += made[k] * share[k] / _KPASS


@stage_jit
def book_tools(
    steps: int, groups: Records[GroupState], left: Lanes, booked: Records2[Results], n: int
) -> None:
    """Add the tools of each class and their passes to the results of the fab's fleets.

    ``booked`` (group, class) are the results of a row; a quarter has ``steps`` steps.
    """
    for g in range(groups.shape[0]):
        group = groups[g]
        for c in range(CLASSES):
            result = booked[g, c]
            for k in range(n):
                share, tools = group.share[c, k], group.tools[c, k]
                result.tools[k] += tools / steps
                result.tool_availability[k] += tools * group.availability[c, k]
                result.tool_passes_possible[k] += group.possible_passes[k] * left[k] * share
                result.tool_passes[k] += group.made_passes[k] * share


@stage_jit
def book_load(groups: Records[GroupState], booked: Records[Results], n: int) -> None:
    """Add the load of the groups to their results of a row."""
    for g in range(groups.shape[0]):
        for k in range(n):
            booked[g].tool_load[k] += groups[g].load[k]


@stage_jit
def recall_load(recent: Floats, groups: Records[GroupState], left: Lanes, n: int) -> None:
    """Fill the load of each group for its waits: the passes per step at its recent use.

    Where tools are lost, the use of those left rises only as their queues build up.
    """
    for g in range(groups.shape[0]):
        for k in range(n):
            groups[g].load[k] = recent[g, k] * (groups[g].mean_passes[k] * left[k])


@stage_jit
def remember(
    days_per_step: float, groups: Records[GroupState], left: Lanes, recent: Floats, n: int
) -> None:
    """Update the exponential mean, over _MEMORY_DAYS, of the use: passes made over those possible.

    A group that can make no passes keeps its mean.
    """
    weight = min(1.0, days_per_step / _MEMORY_DAYS)
    for g in range(groups.shape[0]):
        for k in range(n):
            possible = groups[g].mean_passes[k] * left[k]
            use = groups[g].made_passes[k] / (possible if possible > 0.0 else np.inf)
            recent[g, k] += (use - recent[g, k]) * (weight if possible > 0.0 else 0.0)
