"""One step of a fab: plan, capacity, release, defects and flow of its routes."""

from __future__ import annotations

from typing import Any

import numpy as np

from yieldsim.kernels.jit import apart_jit, inline_jit, stage_jit
from yieldsim.outputs import ACCIDENT, RELEASE, TOOL_GROUP, WAFER_PLAN
from yieldsim.supply.kernels import records as a
from yieldsim.supply.kernels.capacity import (
    book_load,
    book_tools,
    book_use,
    group_waits,
    load_groups,
    pace_route,
    recall_load,
    remember,
    scarcest,
)
from yieldsim.supply.kernels.cohorts import (
    leave,
    mix_wafers,
    release,
    settle,
    share_wafers,
    start_cohort,
)
from yieldsim.supply.kernels.curves import curve_value
from yieldsim.supply.kernels.density import adder_ratio, clustered, learning_ratio, overlay_yield
from yieldsim.supply.kernels.segments import charge, convey, enter, grant, hand_on
from yieldsim.supply.kernels.tools import clear_groups, group_rate
from yieldsim.units import MONTHS_PER_QUARTER

_MUCH = 100.0  # times the plan, where only tools are to limit starts


@stage_jit
def fab_step(
    seed: Any,
    clock: Any,
    structure: Any,
    world: Any,
    state: Any,
    tally: Any,
    fab: Any,
    step: Any,
    first: Any,
    row: Any,
    n: Any,
) -> None:
    """Capacity, release, defects and flow of one fab.

    What only sums and multiplies does so in all lanes, since a constant number of them is faster;
    nothing reads those beyond ``n``.
    """
    routes = range(structure.fab[fab, a.FAB_FIRST], structure.fab[fab, a.FAB_LAST])
    equipped = structure.fab[fab, a.FAB_EQUIPPED] == 1
    table, group = structure.route, state.group
    _plan(clock, structure, world, state, fab, step, n)
    _accidents(structure.event, structure.event_hits[:, fab], state.event, state.lane, n)
    if equipped:
        clear_groups(group, a.LANES)
        for g in range(group.shape[1]):
            group_rate(seed, clock, structure, world, state, fab, g, step, first, n)
        load_groups(structure.fab[fab], table, world.visits, state.route, a.PLANNED, group, a.LANES)
        book_load(group, tally.group[a.T_LOAD, row, fab], a.LANES)
    for route in routes:
        p = table[route, a.ROUTE_PROCESS]
        if equipped:
            scarcest(world.visits[p], group, state.lane, a.LANES)
        raw_days, cap = world.process[p, a.RAW_DAYS], world.fab[fab, a.WIP_CAP]
        days = clock.days_per_step
        release_route(raw_days, days, cap, equipped, step, state.route[route], state.lane, n)
    if equipped:
        recall_load(state.recent[fab], group, a.LANES)
        group_waits(clock.hours_per_step, world.fab[fab], world.group, group, state.lane, n)
    _pace(clock, structure, world, state, fab)
    for route in routes:
        _start_route(seed, clock, structure, world, state, tally, route, step, first, row, n)
    parts = clock.flow_steps if equipped else 1
    for part in range(parts):
        now = step + (part + 0.5) / parts
        _move(structure, world, state, fab, step, 1.0 / parts, n)
        for route in routes:
            for k in range(n):
                leave(clock, structure, world, state, tally, route, step, now, row, k)
    for route in routes:
        settle(state.route[route], state.segment[route], step, n)
    if equipped:
        _book_tools(clock, structure, world, state, tally, fab, row)


@stage_jit
def _pace(clock: Any, structure: Any, world: Any, state: Any, fab: Any) -> None:
    """Fill the steps that each segment of a fab's routes takes."""
    for route in range(structure.fab[fab, a.FAB_FIRST], structure.fab[fab, a.FAB_LAST]):
        p = structure.route[route, a.ROUTE_PROCESS]
        pace_route(
            world.process[p, a.RAW_DAYS],
            clock.days_per_step,
            structure.fab[fab, a.FAB_EQUIPPED] == 1,
            structure.visit_first[p],
            structure.visit_group,
            world.visit,
            state.group,
            state.segment[route],
            structure.route[route, a.ROUTE_SEGMENTS],
            a.LANES,
        )


@stage_jit
def _book_tools(
    clock: Any, structure: Any, world: Any, state: Any, tally: Any, fab: Any, row: Any
) -> None:
    """Charge the passes of the step to the tools of an equipped fab, and count what they did."""
    first, groups, pieces = structure.visit_first, structure.visit_group, state.segment
    group, left = state.group, state.lane[a.CAPACITY_LEFT]
    fab_row, table, lanes = structure.fab[fab], structure.route, a.LANES
    charge(fab_row, table, first, groups, world.visit, group, pieces, lanes)
    fleets, booked = structure.fleet_curve[fab], tally.group[:, row, fab]
    book_use(fleets, group, left, state.passes[fab], booked, lanes)
    if tally.fleet.shape[1] > 0:
        book_tools(clock.steps_per_quarter, group, left, tally.fleet[:, row, fab], lanes)
    remember(clock.days_per_step, group, state.recent[fab], lanes)


@apart_jit
def _move(structure: Any, world: Any, state: Any, fab: Any, step: Any, part: Any, n: Any) -> None:
    """Move the lines of a fab by a part of a step, and fill what goes OUT of each route."""
    table, row, pieces = structure.route, structure.fab[fab], state.segment
    routes = range(row[a.FAB_FIRST], row[a.FAB_LAST])
    if row[a.FAB_EQUIPPED] == 0:
        for route in routes:
            line, pace = state.route[route], pieces[route, 0, a.PACE]
            left = state.lane[a.CAPACITY_LEFT]
            convey(state.cohort[route], line, step, pace, left, line[a.OUT], n)
        return
    for after in range(2):
        for route in routes:
            line, segments = state.route[route], table[route, a.ROUTE_SEGMENTS]
            if after == 1:
                hand_on(pieces[route], segments, line[a.OUT], a.LANES)
            raw_days = world.process[table[route, a.ROUTE_PROCESS], a.RAW_DAYS]
            enter(pieces[route, 0], line[a.STARTS], raw_days, after == 0, part, n)
        if after == 0:
            first, groups, visits = structure.visit_first, structure.visit_group, world.visit
            grant(row, table, first, groups, visits, state.group, pieces, state.lane, part, a.LANES)


@stage_jit
def _plan(clock: Any, structure: Any, world: Any, state: Any, fab: Any, step: Any, n: Any) -> None:
    """Fill the PLANNED wafers of a fab's routes in the step."""
    begin = -np.inf
    for e in range(structure.event.shape[0]):
        if structure.event[e, a.EVENT_KIND] == a.FAB_STARTS and structure.event_hits[e, fab, 0]:
            begin = max(begin, structure.event_steps[e, 0])
    for route in range(structure.fab[fab, a.FAB_FIRST], structure.fab[fab, a.FAB_LAST]):
        curve = structure.route[route, a.ROUTE_PLAN]
        for k in range(n):
            per_month = curve_value(structure.curve, world.curve, curve, step, k)
            planned = per_month * MONTHS_PER_QUARTER / clock.steps_per_quarter
            if clock.no_plan_limit and structure.fab[fab, a.FAB_EQUIPPED] == 1:
                planned *= _MUCH
            state.route[route, a.PLANNED, k] = planned if step >= begin else 0.0


@inline_jit
def _accidents(events: Any, hits: Any, factors: Any, lane: Any, n: Any) -> None:
    """Fill CAPACITY_LEFT and DIRT, what accidents leave of a fab's capacity and do to its D0."""
    left, dirt = lane[a.CAPACITY_LEFT], lane[a.DIRT]
    for k in range(n):
        left[k] = 1.0
        dirt[k] = 1.0
    for e in range(events.shape[0]):
        if events[e, a.EVENT_KIND] == a.ACCIDENT and hits[e, 0] == 1:
            for k in range(n):
                left[k] *= factors[e, 0, k]
                dirt[k] *= factors[e, 1, k]


@inline_jit
def release_route(
    raw_days: Any,
    days_per_step: Any,
    wip_cap: Any,
    equipped: Any,
    step: Any,
    line: Any,
    lane: Any,
    n: Any,
) -> None:
    """Fill the STARTS of a route and what holds them: the plan, tools, accidents, the WIP cap.

    FRACTION and BINDING say what its scarcest group allows.
    """
    for k in range(n):
        left = lane[a.CAPACITY_LEFT, k]
        fraction, group = np.inf, -1.0
        if equipped:
            fraction, group = lane[a.FRACTION, k], lane[a.BINDING, k]
        held_by = TOOL_GROUP + group if fraction < 1.0 else float(WAFER_PLAN)
        if left < min(fraction, 1.0):
            held_by = float(ACCIDENT)
        possible = left if fraction == np.inf else fraction * left
        if possible >= 1.0:
            held_by = float(WAFER_PLAN)
        planned, wip = line[a.PLANNED, k], line[a.WIP, k]
        allowed = planned * min(1.0, possible)
        line[a.ALLOWED, k] = allowed
        raw_steps = raw_days[k] / days_per_step
        leaving = line[a.LAST_OUT, k]
        starts, capped = release(planned, allowed, equipped, wip, leaving, wip_cap[k], raw_steps)
        line[a.LAST_OUT, k] = 0.0
        line[a.STARTS, k] = starts
        # a cap that is low for want of tools holds for want of tools
        line[a.HELD_BY, k] = float(RELEASE) if capped and allowed >= planned else held_by
        if wip <= 0.0:
            line[a.OLDEST, k] = step
        line[a.WIP, k] += starts


@stage_jit
def _density(
    clock: Any, structure: Any, world: Any, state: Any, route: Any, step: Any, n: Any
) -> None:
    """Fill the mean killer DENSITY of the wafers started: maturity, learning, tools, accidents."""
    fab, p = structure.route[route, a.ROUTE_FAB], structure.route[route, a.ROUTE_PROCESS]
    process, density = world.process[p], state.lane[a.DENSITY]
    elapsed = (step + 0.5 - structure.learning_start[p]) / clock.steps_per_quarter
    for k in range(n):
        wafers = state.route[route, a.WAFERS_SO_FAR, k]
        learnt = learning_ratio(process[:, k], structure.learning[p], elapsed, wafers)
        density[k] = process[a.D0, k] * state.lane[a.DIRT, k] * learnt
    for e in range(structure.event.shape[0]):
        hit = structure.event_hits[e, fab, 0] == 1 and structure.event_process[e, p] == 1
        if structure.event[e, a.EVENT_KIND] == a.EXCURSION and hit:
            for k in range(n):
                density[k] *= state.event[e, 1, k]
    if structure.fab[fab, a.FAB_EQUIPPED] == 1:
        adder_ratio(world.visits[p], world.group, state.group, state.lane, a.LANES)
    if clock.no_defects:
        for k in range(n):
            density[k] = 0.0


@stage_jit
def _cluster(
    seed: Any,
    clock: Any,
    structure: Any,
    process: Any,
    state: Any,
    route: Any,
    step: Any,
    first: Any,
    n: Any,
) -> None:
    """Fill FACTOR, the density of the period's wafers over its mean, and ALPHA_LEFT within it."""
    for k in range(n):
        state.lane[a.FACTOR, k] = 1.0
        state.lane[a.ALPHA_LEFT, k] = process[a.ALPHA, k]
    if not clock.noise:
        return
    draw, entity = clock.first_draw + step, structure.route_entity[route]
    for k in range(n):
        starts = state.route[route, a.STARTS, k]
        if starts > 0.0:
            clusters = starts / process[a.CLUSTER, k]
            alpha, realization = process[a.ALPHA, k], np.uint32(first + k)
            factor, left = clustered(seed, draw, entity, realization, alpha, clusters)
            state.lane[a.FACTOR, k] = factor
            state.lane[a.ALPHA_LEFT, k] = left


@apart_jit
def _start_route(
    seed: Any,
    clock: Any,
    structure: Any,
    world: Any,
    state: Any,
    tally: Any,
    route: Any,
    step: Any,
    first: Any,
    row: Any,
    n: Any,
) -> None:
    """Give the cohort that a route starts its defects."""
    fab, p = structure.route[route, a.ROUTE_FAB], structure.route[route, a.ROUTE_PROCESS]
    process, visits = world.process[p], world.visits[p]
    line, survive = state.route[route], state.lane[a.SURVIVE]
    _density(clock, structure, world, state, route, step, n)
    for k in range(n):
        survive[k] = process[a.SYSTEMATIC, k]
    if structure.fab[fab, a.FAB_EQUIPPED] == 1:
        overlay_yield(process, visits, world.tool, state.group, survive, n)
    if clock.no_defects:
        for k in range(n):
            survive[k] = 1.0
    _cluster(seed, clock, structure, process, state, route, step, first, n)
    share_wafers(structure, world, route, step, state, n)
    if clock.mixed and row < clock.quarters:  # the warm-up goes by the shares
        mix_wafers(structure, world.mix_entry[row], route, step, state, n)
    start_cohort(structure, world, state, tally.die[:, row], route, step, n)
    for k in range(n):
        starts, steps = line[a.STARTS, k], 0.0
        for s in range(structure.route[route, a.ROUTE_SEGMENTS]):
            steps += state.segment[route, s, a.PACE, k]
        tally.route[a.T_PLAN, row, route, k] += line[a.PLANNED, k]
        tally.route[a.T_STARTS, row, route, k] += starts
        # a mean by wafers once the quarter is over
        density = state.lane[a.DENSITY, k] * state.lane[a.FACTOR, k]
        tally.route[a.T_D0, row, route, k] += density * starts
        days = steps * clock.days_per_step
        tally.route[a.T_X_FACTOR, row, route, k] += days / clock.steps_per_quarter
