"""What tools allow a fab: loads, the group that limits each route, queues and their waits."""

from __future__ import annotations

import math

import numpy as np

from yieldsim.kernels.elementary import power_below_one
from yieldsim.kernels.jit import inline_jit
from yieldsim.supply.kernels.records import (
    CLASSES,
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
_SHORTEST = 1e-12  # steps in a segment
_UNUSED = 1e-300  # keeps a group without tools or load from 0 / 0
_KPASS = 1000.0
# Assumption: waits follow the passes made of late, as queues take weeks to build up. From two weeks
# to a quarter agree with the event simulator; the longest swings least where tools are scarce.
_MEMORY_DAYS = DAYS_PER_QUARTER


@inline_jit
def failure_cv2(
    availability: float, pure_hours: float, mttr_hours: float, repair_cv2: float
) -> float:
    """Return what failures add to the squared coefficient of variation of a lot's process time.

    Hopp and Spearman, "Factory Physics" (2008), section 8.4.2.
    """
    return (1.0 + repair_cv2) * availability * (1.0 - availability) * mttr_hours / pure_hours


@inline_jit
def exponent(tools: float) -> float:
    """Return the exponent of the utilization in Sakasegawa's wait, plus one.

    Hopp and Spearman 2008, section 8.6.6.
    """
    return math.sqrt(2.0 * (tools + 1.0)) - 1.0


@inline_jit
def queue_days(tools: float, lot_hours: float, usage: float, power: float, cv2: float) -> float:
    """Return the waiting time per visit in days: VUT, the usage to Sakasegawa's ``power``.

    ``lot_hours`` is the effective process time te = t0/A of a lot on one tool, ``cv2`` the sum of
    those of arrivals and of effective process times.
    """
    return 0.5 * cv2 * power / (tools * (1.0 - usage)) * lot_hours / HOURS_PER_DAY


@inline_jit
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
            for k in range(n):
                load[k] += planned[k] * passes[k]


@inline_jit
def scarcest(visits: Floats, groups: Records[GroupState], scratch: Scratch, n: int) -> None:
    """Fill the least mean passes over load of a route's groups, and which group that is.

    Infinite and -1 where no group limits the route. Each group is shared in proportion to what its
    routes ask, so the minimum over a route's own groups can be granted to all routes at once.
    """
    fraction, scarcest_group = scratch.allowed_fraction, scratch.scarcest_group
    for k in range(n):
        fraction[k] = np.inf
        scarcest_group[k] = -1.0
    for g in range(visits.shape[0]):
        group = groups[g]
        for k in range(n):
            if visits[g, k] > 0.0 and group.load[k] > 0.0:
                ratio = group.mean_passes[k] / group.load[k]
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
    """Fill the wait of each group in days per visit at its load.

    ``hours`` is the length of a step. Loops over lanes are short ones of few arrays: compilers take
    several lanes at once in no others. A group without load has no use, and so no wait.
    """
    left, cv2 = scratch.capacity_left, scratch.failure_cv2
    usage, power = scratch.usage, scratch.usage_power
    for g in range(groups.shape[0]):
        group = groups[g]
        for k in range(n):
            possible = group.mean_passes[k] * left[k]
            use = group.load[k] / (possible if possible > 0.0 else np.inf)
            usage[k] = max(_UNUSED, min(use, HIGHEST_UTILIZATION))
        for k in range(n):
            tools = group.tool_count[k]
            power[k] = power_below_one(usage[k], exponent(tools)) if usage[k] > _UNUSED else 0.0
        for k in range(n):
            pure, mean = max(group.rated_passes[k], _UNUSED), max(group.mean_passes[k], _UNUSED)
            pure_hours = max(group.tool_count[k], _UNUSED) * fab.lot_size_wafers[k] * hours / pure
            cv2[k] = failure_cv2(mean / pure, pure_hours, group.mttr_hours[k], group.repair_cv2[k])
        for k in range(n):
            tools, mean = max(group.tool_count[k], _UNUSED), max(group.mean_passes[k], _UNUSED)
            lot_hours = tools * fab.lot_size_wafers[k] * hours / mean
            total = fab.arrival_cv2[k] + parameters[g].service_cv2[k] + cv2[k]
            group.wait_days[k] = queue_days(tools, lot_hours, usage[k], power[k], total)


@inline_jit
def pace_route(
    raw_days: Lanes,
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
    """Fill the pace of a route's ``count`` segments: the steps to cross each at present waits.

    The visits of a segment, to the groups ``visited``, are those from ``first`` (segment) on.
    """
    for s in range(count):
        pace_steps = segments[s].pace_steps
        for k in range(n):
            pace_steps[k] = raw_days[k] / count
        if equipped:
            for v in range(first[s], first[s + 1]):
                wait_days = groups[visited[v]].wait_days
                for k in range(n):
                    pace_steps[k] += visits[v, k] * wait_days[k]
        for k in range(n):
            pace_steps[k] = max(_SHORTEST, pace_steps[k] / days_per_step)


@inline_jit
def book_use(
    fleets: Records2[FleetCurves],
    groups: Records[GroupState],
    left: Lanes,
    experience: Records2[FleetState],
    booked: Records[Results],
    n: int,
) -> None:
    """Count the passes made as experience of their classes, and those made and possible as results.

    ``booked`` (group) are the results of the fab's groups in a row; ``fleets`` (group, class) say
    which classes are there.
    """
    for g in range(groups.shape[0]):
        group, result = groups[g], booked[g]
        for k in range(n):
            result.utilization[k] += group.made_passes[k]
            result.passes_possible[k] += group.possible_passes[k] * left[k]
        for c in range(CLASSES):
            if fleets[g, c].count_curve >= 0:
                kpasses = experience[g, c].kpasses
                for k in range(n):
                    kpasses[k] += group.made_passes[k] * group.share[c, k] / _KPASS


@inline_jit
def book_tools(
    steps: int, groups: Records[GroupState], left: Lanes, booked: Records2[Results], n: int
) -> None:
    """Add what the tools of each class are and did to the results of the fab's fleets.

    ``booked`` (group, class) are those of a row, of ``steps`` a quarter.
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


@inline_jit
def book_load(groups: Records[GroupState], booked: Records[Results], n: int) -> None:
    """Add the load of the groups to their results of a row."""
    for g in range(groups.shape[0]):
        for k in range(n):
            booked[g].tool_load[k] += groups[g].load[k]


@inline_jit
def recall_load(recent: Floats, groups: Records[GroupState], n: int) -> None:
    """Fill the load of each group for its waits: the passes a step that it made of late."""
    for g in range(groups.shape[0]):
        for k in range(n):
            groups[g].load[k] = recent[g, k]


@inline_jit
def remember(days_per_step: float, groups: Records[GroupState], recent: Floats, n: int) -> None:
    """Add the passes made in a step to their mean over _MEMORY_DAYS."""
    weight = min(1.0, days_per_step / _MEMORY_DAYS)
    for g in range(groups.shape[0]):
        for k in range(n):
            recent[g, k] += (groups[g].made_passes[k] - recent[g, k]) * weight
