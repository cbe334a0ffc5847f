"""What tools allow a line: loads, the scarcest group, waits, and passes granted downstream first."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from yieldsim.kernels import arrays as a
from yieldsim.kernels.fleets import group_rate
from yieldsim.kernels.jit import inline_jit, stage_jit
from yieldsim.units import HOURS_PER_DAY

HIGHEST_UTILIZATION = 0.97  # queue formulas diverge at 1; a released line never waits longer
FASTEST = 1e12  # routes per step of a line without cycle time
_SHORTEST = 1e-12  # steps in a segment
_KPASS = 1000.0


@inline_jit
def queue_days(
    tools: Any,
    lot_hours: Any,
    pure_hours: Any,
    mttr: Any,
    repair_cv2: Any,
    usage: Any,
    cv2: Any,
) -> Any:
    """Waiting time per visit in days: VUT with Sakasegawa's exponent (Hopp and Spearman 2008).

    ``lot_hours`` is the effective process time te = t0/A of a lot on one tool, ``cv2`` the sum of
    those of arrivals and of work without failures.
    """
    u = min(usage, HIGHEST_UTILIZATION)
    availability = pure_hours / lot_hours
    failures = (1.0 + repair_cv2) * availability * (1.0 - availability) * mttr / pure_hours
    power = math.exp(math.log(u) * (math.sqrt(2.0 * (tools + 1.0)) - 1.0))
    return 0.5 * (cv2 + failures) * power / (tools * (1.0 - u)) * lot_hours / HOURS_PER_DAY


@stage_jit
def load_groups(structure: Any, world: Any, state: Any, fab: Any, wafers: Any, n: Any) -> Any:
    """Fill the LOAD of each group: passes that a field of ``state.route`` asks of it."""
    first, last = structure.fab[fab, a.FAB_FIRST], structure.fab[fab, a.FAB_LAST]
    for g in range(state.group.shape[0]):
        load = state.group[g, a.LOAD]
        for k in range(n):
            load[k] = 0.0
        for route in range(first, last):
            visits = world.visits[structure.route[route, a.ROUTE_PROCESS], g]
            line = state.route[route, wafers]
            for k in range(n):
                load[k] += line[k] * visits[k]


@stage_jit
def rate_groups(
    seed: Any,
    clock: Any,
    structure: Any,
    world: Any,
    state: Any,
    fab: Any,
    step: Any,
    first: Any,
    n: Any,
) -> None:
    """Fill the rates of all groups of a fab that the plan or the wafers in the line ask for."""
    for route in range(structure.fab[fab, a.FAB_FIRST], structure.fab[fab, a.FAB_LAST]):
        line = state.route[route]
        for k in range(n):
            line[a.FLOW, k] = line[a.PLANNED, k] + line[a.WIP, k]
    load_groups(structure, world, state, fab, a.FLOW, n)
    for g in range(state.group.shape[0]):
        group_rate(seed, clock, structure, world, state, fab, g, step, first, n)


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
            if visits[g, k] > 0.0 and group[g, a.LOAD, k] > 0.0:
                ratio = group[g, a.CALM, k] / group[g, a.LOAD, k]
                if ratio < fraction[k]:
                    fraction[k] = ratio
                    binding[k] = g


@inline_jit
def group_waits(clock: Any, fab: Any, groups: Any, group: Any, left: Any, n: Any) -> None:
    """Fill the WAIT of each group in days per visit at its LOAD.

    ``left`` is the part of the capacity that accidents leave.
    """
    hours = clock.hours_per_step
    for g in range(group.shape[0]):
        row = group[g]
        for k in range(n):
            row[a.WAIT, k] = 0.0
            possible = row[a.CALM, k] * left[k]
            if row[a.LOAD, k] <= 0.0 or possible <= 0.0:
                continue
            lot_hours = row[a.COUNT, k] * fab[a.LOT_SIZE, k] * hours
            row[a.WAIT, k] = queue_days(
                row[a.COUNT, k],
                lot_hours / row[a.CALM, k],
                lot_hours / row[a.PURE, k],
                row[a.REPAIR, k],
                row[a.REPAIR_SPREAD, k],
                row[a.LOAD, k] / possible,
                fab[a.ARRIVAL_CV2, k] + groups[g, a.GROUP_CV2, k],
            )


@stage_jit
def pace_route(clock: Any, structure: Any, world: Any, state: Any, route: Any, n: Any) -> None:
    """Fill the PACE of a route's segments, the steps to cross each one at the current waits, and
    ASK, the wafers a step that would cross it so."""
    p, segments = structure.route[route, a.ROUTE_PROCESS], structure.route[route, a.ROUTE_SEGMENTS]
    equipped = structure.fab[structure.route[route, a.ROUTE_FAB], a.FAB_EQUIPPED] == 1
    for s in range(segments):
        piece = state.segment[route, s]
        for k in range(n):
            piece[a.PACE, k] = world.process[p, a.RAW_DAYS, k] / segments
        if equipped:
            for g in range(state.group.shape[0]):
                visits, wait = world.segment_visits[p, s, g], state.group[g, a.WAIT]
                for k in range(n):
                    piece[a.PACE, k] += visits[k] * wait[k]
        for k in range(n):
            steps = max(_SHORTEST, piece[a.PACE, k] / clock.days_per_step)
            piece[a.PACE, k] = steps
            piece[a.ASK, k] = piece[a.INSIDE, k] / steps


@stage_jit
def grant(structure: Any, world: Any, state: Any, fab: Any, n: Any) -> None:
    """Fill the SPEED of the segments of an equipped fab, in routes a step: groups give their passes
    to the last segments first, in proportion where several routes ask."""
    groups, left = state.group, state.lane[a.CAPACITY_LEFT]
    routes = range(structure.fab[fab, a.FAB_FIRST], structure.fab[fab, a.FAB_LAST])
    segments = state.segment.shape[1]
    for g in range(groups.shape[0]):
        for k in range(n):
            groups[g, a.GRANTABLE, k] = groups[g, a.PASSES, k] * left[k]
    for s in range(segments - 1, -1, -1):
        _need(structure, world, state, routes, s, n)
        for route in routes:
            visits = world.segment_visits[structure.route[route, a.ROUTE_PROCESS], s]
            piece, part = state.segment[route, s], state.lane[a.FRACTION]
            for k in range(n):
                part[k] = 1.0
            for g in range(groups.shape[0]):
                need, grantable = groups[g, a.NEED], groups[g, a.GRANTABLE]
                for k in range(n):
                    if visits[g, k] > 0.0 and need[k] * part[k] > grantable[k]:
                        part[k] = grantable[k] / need[k]
            for k in range(n):
                piece[a.SPEED, k] = part[k]  # until all routes have theirs
        _take(structure, world, state, routes, s, n)


@stage_jit
def _need(structure: Any, world: Any, state: Any, routes: Any, s: Any, n: Any) -> None:
    """Fill the NEED of each group: the passes that all routes ask of it in a segment."""
    for g in range(state.group.shape[0]):
        need = state.group[g, a.NEED]
        for k in range(n):
            need[k] = 0.0
        for route in routes:
            visits = world.segment_visits[structure.route[route, a.ROUTE_PROCESS], s, g]
            ask = state.segment[route, s, a.ASK]
            for k in range(n):
                need[k] += ask[k] * visits[k]


@stage_jit
def _take(structure: Any, world: Any, state: Any, routes: Any, s: Any, n: Any) -> None:
    """Take what a segment was granted from the groups, and turn its part into a SPEED."""
    segments = state.segment.shape[1]
    for route in routes:
        piece = state.segment[route, s]
        for g in range(state.group.shape[0]):
            visits = world.segment_visits[structure.route[route, a.ROUTE_PROCESS], s, g]
            grantable = state.group[g, a.GRANTABLE]
            for k in range(n):
                taken = piece[a.SPEED, k] * piece[a.ASK, k] * visits[k]
                grantable[k] = max(0.0, grantable[k] - taken)
        for k in range(n):
            piece[a.SPEED, k] = min(FASTEST, piece[a.SPEED, k] / (segments * piece[a.PACE, k]))


@stage_jit
def book_groups(
    clock: Any, structure: Any, state: Any, tally: Any, fab: Any, row: Any, n: Any
) -> None:
    """Count the passes made as experience of their classes, and what the tools did as results."""
    left = state.lane[a.CAPACITY_LEFT]
    for g in range(state.group.shape[0]):
        group = state.group[g]
        for c in range(2):
            if structure.fleet_curve[fab, g, c, a.FLEET_COUNT] < 0:
                continue
            for k in range(n):
                share, tools = group[a.SHARE + c, k], group[a.TOOLS + c, k]
                possible = group[a.PASSES, k] * left[k]
                made = (possible - group[a.GRANTABLE, k]) * share
                state.passes[fab, g, c, k] += made / _KPASS
                tally.fleet[a.T_TOOLS, row, fab, g, c, k] += tools / clock.steps_per_quarter
                tally.fleet[a.T_UP, row, fab, g, c, k] += tools * group[a.UP + c, k]
                tally.fleet[a.T_POSSIBLE, row, fab, g, c, k] += possible * share
                tally.fleet[a.T_MADE, row, fab, g, c, k] += made
