"""What tools allow a line: loads, the scarcest group, queues and the waits in them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from yieldsim.kernels.elementary import power_below_one
from yieldsim.kernels.jit import inline_jit
from yieldsim.supply.kernels import records as a
from yieldsim.units import DAYS_PER_QUARTER, HOURS_PER_DAY

HIGHEST_UTILIZATION = 0.97  # queue formulas diverge at 1; a released line never waits longer
_SHORTEST = 1e-12  # steps in a segment
_UNUSED = 1e-300  # keeps a group without tools or load from 0 / 0
_KPASS = 1000.0
# Assumption: waits follow the passes made of late, as queues take weeks to build up. From two weeks
# to a quarter agree with the event simulator; the longest swings least where tools are scarce.
_MEMORY_DAYS = DAYS_PER_QUARTER


@inline_jit
def failure_cv2(availability: Any, pure_hours: Any, mttr: Any, repair_cv2: Any) -> Any:
    """What failures add to the squared coefficient of variation of a lot's process time (Hopp and
    Spearman, "Factory Physics" (2008), section 8.4.2)."""
    return (1.0 + repair_cv2) * availability * (1.0 - availability) * mttr / pure_hours


@inline_jit
def exponent(tools: Any) -> Any:
    """Of the utilization in Sakasegawa's wait, plus one (Hopp and Spearman 2008, section 8.6.6)."""
    return math.sqrt(2.0 * (tools + 1.0)) - 1.0


@inline_jit
def queue_days(tools: Any, lot_hours: Any, usage: Any, power: Any, cv2: Any) -> Any:
    """Waiting time per visit in days: VUT, with Sakasegawa's exponent in ``power`` of the usage.

    ``lot_hours`` is the effective process time te = t0/A of a lot on one tool, ``cv2`` the sum of
    those of arrivals and of effective process times.
    """
    return 0.5 * cv2 * power / (tools * (1.0 - usage)) * lot_hours / HOURS_PER_DAY


@inline_jit
def load_groups(
    fab: Any, table: Any, visits: Any, lines: Any, wafers: Any, group: Any, n: Any
) -> None:
    """Fill the LOAD of each group: passes that a field of the ``routes``' lines asks of it."""
    for g in range(group.shape[1]):
        load = group[a.LOAD, g]
        for k in range(n):
            load[k] = 0.0
        for route in range(fab[a.FAB_FIRST], fab[a.FAB_LAST]):
            passes, line = visits[table[route, a.ROUTE_PROCESS], g], lines[route, wafers]
            for k in range(n):
                load[k] += line[k] * passes[k]


@inline_jit
def scarcest(visits: Any, group: Any, lane: Any, n: Any) -> None:
    """Fill FRACTION, mean passes over LOAD of a route's scarcest group, and BINDING, which.

    Infinite and -1 where there is none. Each group is shared in proportion to what its routes ask,
    so the minimum over a route's own groups can be granted to all routes at once.
    """
    fraction, binding = lane[a.FRACTION], lane[a.BINDING]
    for k in range(n):
        fraction[k] = np.inf
        binding[k] = -1.0
    for g in range(visits.shape[0]):
        for k in range(n):
            if visits[g, k] > 0.0 and group[a.LOAD, g, k] > 0.0:
                ratio = group[a.CALM, g, k] / group[a.LOAD, g, k]
                if ratio < fraction[k]:
                    fraction[k] = ratio
                    binding[k] = g


@inline_jit
def group_waits(hours: Any, fab: Any, groups: Any, group: Any, lane: Any, n: Any) -> None:
    """Fill the WAIT of each group in days per visit at its LOAD.

    ``hours`` is the length of a step. Loops over lanes are short ones of few arrays: compilers take
    several lanes at once in no others. A group without load has no use, and so no wait.
    """
    left, cv2 = lane[a.CAPACITY_LEFT], lane[a.WAIT_CV2]
    use, power = lane[a.USAGE], lane[a.USAGE_POWER]
    for g in range(group.shape[1]):
        for k in range(n):
            possible = group[a.CALM, g, k] * left[k]
            usage = group[a.LOAD, g, k] / (possible if possible > 0.0 else np.inf)
            use[k] = max(_UNUSED, min(usage, HIGHEST_UTILIZATION))
        for k in range(n):
            tools = group[a.COUNT, g, k]
            power[k] = power_below_one(use[k], exponent(tools)) if use[k] > _UNUSED else 0.0
        for k in range(n):
            pure, calm = max(group[a.PURE, g, k], _UNUSED), max(group[a.CALM, g, k], _UNUSED)
            pure_hours = max(group[a.COUNT, g, k], _UNUSED) * fab[a.LOT_SIZE, k] * hours / pure
            cv2[k] = failure_cv2(
                calm / pure, pure_hours, group[a.REPAIR, g, k], group[a.REPAIR_SPREAD, g, k]
            )
        for k in range(n):
            tools, calm = max(group[a.COUNT, g, k], _UNUSED), max(group[a.CALM, g, k], _UNUSED)
            lot_hours = tools * fab[a.LOT_SIZE, k] * hours / calm
            total = fab[a.ARRIVAL_CV2, k] + groups[g, a.GROUP_CV2, k] + cv2[k]
            group[a.WAIT, g, k] = queue_days(tools, lot_hours, use[k], power[k], total)


@inline_jit
def pace_route(
    raw_days: Any,
    days_per_step: Any,
    equipped: Any,
    first: Any,
    groups: Any,
    visits: Any,
    group: Any,
    pieces: Any,
    segments: Any,
    n: Any,
) -> None:
    """Fill the PACE of a route's segments: the steps to cross each one at the current waits.

    ``visits`` are those of each segment, of the ``groups`` from ``first`` (segment) on.
    """
    for s in range(segments):
        piece = pieces[s]
        for k in range(n):
            piece[a.PACE, k] = raw_days[k] / segments
        if equipped:
            for v in range(first[s], first[s + 1]):
                for k in range(n):
                    piece[a.PACE, k] += visits[v, k] * group[a.WAIT, groups[v], k]
        for k in range(n):
            piece[a.PACE, k] = max(_SHORTEST, piece[a.PACE, k] / days_per_step)


@inline_jit
def book_use(fleets: Any, group: Any, left: Any, kpasses: Any, booked: Any, n: Any) -> None:
    """Count the passes made as experience of their classes, and those made and possible as results.

    ``booked`` are the results of the groups in a row (T_UTILIZATION..., fab's group, lane);
    ``fleets`` the curves of the fab's fleets, by which a class is there.
    """
    for g in range(group.shape[1]):
        for k in range(n):
            booked[a.T_UTILIZATION, g, k] += group[a.MADE, g, k]
            booked[a.T_POSSIBLE_IN_ALL, g, k] += group[a.PASSES, g, k] * left[k]
        for c in range(2):
            if fleets[g, c, a.FLEET_COUNT] >= 0:
                for k in range(n):
                    kpasses[g, c, k] += group[a.MADE, g, k] * group[a.SHARE + c, g, k] / _KPASS


@inline_jit
def book_tools(steps: Any, group: Any, left: Any, booked: Any, n: Any) -> None:
    """Add what the tools of each class are and did to the results of the fab's fleets in a row,
    ``booked`` (T_TOOLS..., group, class, lane), of ``steps`` a quarter."""
    for g in range(group.shape[1]):
        for c in range(2):
            for k in range(n):
                share, tools = group[a.SHARE + c, g, k], group[a.TOOLS + c, g, k]
                booked[a.T_TOOLS, g, c, k] += tools / steps
                booked[a.T_UP, g, c, k] += tools * group[a.UP + c, g, k]
                booked[a.T_POSSIBLE, g, c, k] += group[a.PASSES, g, k] * left[k] * share
                booked[a.T_MADE, g, c, k] += group[a.MADE, g, k] * share


@inline_jit
def book_load(group: Any, booked: Any, n: Any) -> None:
    """Add the LOAD of the groups to the results of a row."""
    for g in range(group.shape[1]):
        for k in range(n):
            booked[g, k] += group[a.LOAD, g, k]


@inline_jit
def recall_load(recent: Any, group: Any, n: Any) -> None:
    """Fill the LOAD of each group for its waits: the passes a step that it made of late."""
    for g in range(group.shape[1]):
        for k in range(n):
            group[a.LOAD, g, k] = recent[g, k]


@inline_jit
def remember(days_per_step: Any, group: Any, recent: Any, n: Any) -> None:
    """Add the passes made in a step to their mean over _MEMORY_DAYS."""
    weight = min(1.0, days_per_step / _MEMORY_DAYS)
    for g in range(group.shape[1]):
        for k in range(n):
            recent[g, k] += (group[a.MADE, g, k] - recent[g, k]) * weight
