"""One step of a fab: wafer plan, capacity, wafer starts, defects, and the flow of its routes."""

from __future__ import annotations

import numpy as np

from yieldsim.kernels.jit import stage_jit
from yieldsim.outputs import ACCIDENT, RELEASE, TOOL_GROUP, WAFER_PLAN
from yieldsim.supply.kernels.capacity import (
    book_load,
    book_tools,
    book_use,
    give_way,
    group_waits,
    load_groups,
    pace_route,
    recall_load,
    remember,
    scarcest,
    unqueued_days,
)
from yieldsim.supply.kernels.cohorts import (
    plan_wafers,
    release,
    settle,
    share_wafers,
    start_cohort,
)
from yieldsim.supply.kernels.curves import curve_value
from yieldsim.supply.kernels.density import (
    fill_clustering,
    fill_density,
    overlay_yield,
)
from yieldsim.supply.kernels.effects import (
    effects_on_capacity,
    effects_on_starts,
    meet_excursions,
)
from yieldsim.supply.kernels.finished import leave
from yieldsim.supply.kernels.fleets.tools import PLAN_WITHOUT_LIMIT, clear_groups, group_rate
from yieldsim.supply.kernels.records import (
    LANES,
    Clock,
    Lanes,
    RouteState,
    Scratch,
    State,
    Structure,
    Tally,
    World,
)
from yieldsim.supply.kernels.segments import (
    FabVisits,
    charge,
    convey,
    enter,
    grant,
    hand_on,
    pick,
    ripen,
)
from yieldsim.supply.kernels.wants import follows_plan
from yieldsim.units import MONTHS_PER_QUARTER


@stage_jit
def fab_step(
    seed: np.uint64,
    clock: Clock,
    structure: Structure,
    world: World,
    state: State,
    tally: Tally,
    fab: int,
    step: int,
    first: int,
    row: int,
    n: int,
) -> None:
    """Advance a fab by a step: capacity, wafer starts, defects and flow.

    Stages that work on many tables run over all ``LANES``, because a constant number of lanes is
    faster where loops do not vectorize. No stage reads lanes from ``n`` on.
    """
    routes = range(structure.fab[fab].first_route, structure.fab[fab].end_route)
    equipped = structure.fab[fab].equipped == 1
    table, group = structure.route, state.group
    _plan(clock, structure, world, state, fab, step, n)
    left = state.scratch.capacity_left
    effects_on_capacity(structure.effect_on_fab[:, fab], state.effect, left, n)
    for k in range(n):
        state.scratch.kept_passes[k] = 1.0
    if equipped:
        clear_groups(group, LANES)
        load_groups(structure.fab[fab], table, world.visits, state.route, group, n)
        for g in range(group.shape[0]):
            group_rate(seed, clock, structure, world, state, fab, g, step, first, n)
        give_way(world.group, group, state.scratch, n)
        book_load(group, tally.group[row, fab], LANES)
    meet_excursions(seed, clock, structure, world, state, fab, step, first, n)
    for route in routes:
        p = table[route].process
        if equipped:
            scarcest(world.visits[p], world.group, group, state.scratch, LANES)
        raw_days, cap = world.process[p].raw_process_days, world.fab[fab].wip_cap_ratio
        days = clock.days_per_step
        release_route(raw_days, days, cap, equipped, step, state.route[route], state.scratch, n)
    if equipped:
        recall_load(state.recent[fab], group, left, LANES)
        group_waits(clock.hours_per_step, world.fab[fab], world.group, group, state.scratch, n)
    _pace(clock, structure, world, state, fab, n)
    for route in routes:
        _start_route(seed, clock, structure, world, state, tally, route, step, first, row, n)
    parts = clock.flow_steps if equipped else 1
    for part in range(parts):
        now = step + (part + 0.5) / parts
        _move(clock, structure, world, state, fab, now, 1.0 / parts, n)
        for route in routes:
            leave(clock, structure, world, state, tally, route, step, now, row, n)
    for route in routes:
        settle(state.route[route], state.segment[route], step, n)
    if equipped:
        _book_tools(clock, structure, world, state, tally, fab, row, n)


@stage_jit
def _pace(clock: Clock, structure: Structure, world: World, state: State, fab: int, n: int) -> None:
    """Fill the time in steps to cross each segment of a fab's routes."""
    for route in range(structure.fab[fab].first_route, structure.fab[fab].end_route):
        p = structure.route[route].process
        unqueued_days(world.process[p], state.scratch.unqueued_days, LANES)
        pace_route(
            state.scratch.unqueued_days,
            clock.days_per_step,
            structure.fab[fab].equipped == 1,
            structure.visit_first[p],
            structure.visit_group,
            world.visit,
            state.group,
            state.segment[route],
            structure.route[route].segments,
            n,
        )


@stage_jit
def _book_tools(
    clock: Clock,
    structure: Structure,
    world: World,
    state: State,
    tally: Tally,
    fab: int,
    row: int,
    n: int,
) -> None:
    """Charge the passes of the step to the tools of an equipped fab, and book their use."""
    group, left, fleets = state.group, state.scratch.capacity_left, structure.fleet[fab]
    charge(_visits(structure, world, state, fab), group, state.segment, n)
    steps = clock.steps_per_quarter
    book_use(steps, fleets, group, left, state.fleet[fab], tally.group[row, fab], n)
    if tally.fleet.shape[0] > 0:
        book_tools(steps, group, left, tally.fleet[row, fab], LANES)
    remember(clock.days_per_step, group, left, state.recent[fab], LANES)


@stage_jit
def _visits(structure: Structure, world: World, state: State, fab: int) -> FabVisits:
    """Return the routes of a fab and the visits of their segments."""
    own, first, group = structure.fab[fab], structure.visit_first, structure.visit_group
    plans, wafers = structure.route, state.route
    return FabVisits(own.first_route, own.end_route, plans, first, group, world.visit, wafers)


@stage_jit
def _move(
    clock: Clock,
    structure: Structure,
    world: World,
    state: State,
    fab: int,
    now: float,
    part: float,
    n: int,
) -> None:
    """Move the wafers of a fab by a part of a step, and fill the wafer outs of each route.

    ``now`` (steps) is the middle of the part.
    """
    own, segments, left = structure.fab[fab], state.segment, state.scratch.capacity_left
    routes = range(own.first_route, own.end_route)
    if own.equipped == 0:
        for route in routes:
            wafers, pace_steps = state.route[route], segments[route, 0].pace_steps
            convey(state.cohort[route], wafers, int(now), pace_steps, left, wafers.outs, n)
        return
    for after in range(2):
        for route in routes:
            wafers, count = state.route[route], structure.route[route].segments
            raw_days = world.process[structure.route[route].process].raw_process_days
            if after == 0:
                end, days = now + 0.5 * part, clock.days_per_step
                ripen(wafers, state.cohort[route], raw_days, days, end, part, n)
            else:
                hand_on(segments[route], count, wafers.outs, n)
                pick(wafers, n)
            enter(segments[route, 0], wafers.starts, raw_days, after == 0, part, n)
        if after == 0:
            visits = _visits(structure, world, state, fab)
            grant(visits, state.group, segments, left, part, n)


@stage_jit
def _plan(
    clock: Clock, structure: Structure, world: World, state: State, fab: int, step: int, n: int
) -> None:
    """Fill the planned wafer starts of a fab's routes in the step."""
    begin = effects_on_starts(structure.effect, structure.effect_on_fab[:, fab])
    for route in range(structure.fab[fab].first_route, structure.fab[fab].end_route):
        planned = state.route[route].planned
        for k in range(n):
            wafers = planned_starts(clock, structure, world, route, step, k)
            planned[k] = wafers if step >= begin else 0.0


@stage_jit
def planned_starts(
    clock: Clock, structure: Structure, world: World, route: int, step: int, k: int
) -> float:
    """Return the wafers that the plan of a route starts in a step, if its fab starts any."""
    lows, highs, drawn = structure.curve_low, structure.curve_high, world.curve
    per_month = curve_value(lows, highs, drawn, structure.route[route].plan_curve, step, k)
    wafers = per_month * MONTHS_PER_QUARTER / clock.steps_per_quarter
    if clock.no_plan_limit and structure.fab[structure.route[route].fab].equipped == 1:
        wafers *= PLAN_WITHOUT_LIMIT
    return wafers


@stage_jit
def release_route(
    raw_days: Lanes,
    days_per_step: float,
    wip_cap: Lanes,
    equipped: bool,
    step: int,
    wafers: RouteState,
    scratch: Scratch,
    n: int,
) -> None:
    """Fill the wafer starts of a route and the constraint on them: plan, tools, accident, WIP cap.

    The scratch holds the fraction of the plan that the bottleneck group allows (`scarcest`).
    """
    for k in range(n):
        left = scratch.capacity_left[k]
        fraction, group = np.inf, -1.0
        if equipped:
            fraction, group = scratch.allowed_fraction[k], scratch.scarcest_group[k]
        held_by = TOOL_GROUP + group if fraction < 1.0 else float(WAFER_PLAN)
        if left < min(fraction, 1.0):
            held_by = float(ACCIDENT)
        possible = left if fraction == np.inf else fraction * left
        if possible >= 1.0:
            held_by = float(WAFER_PLAN)
        planned, wip = wafers.planned[k], wafers.wip[k]
        allowed = planned * min(1.0, possible)
        wafers.allowed[k] = allowed
        raw_steps = raw_days[k] / days_per_step
        leaving = wafers.last_outs[k]
        starts, capped = release(planned, allowed, equipped, wip, leaving, wip_cap[k], raw_steps)
        wafers.last_outs[k] = 0.0
        wafers.starts[k] = starts
        # tools are the constraint where they make the cap low
        wafers.held_by[k] = float(RELEASE) if capped and allowed >= planned else held_by
        if wip <= 0.0:
            wafers.oldest_cohort[k] = step
        wafers.wip[k] += starts


@stage_jit
def _start_route(
    seed: np.uint64,
    clock: Clock,
    structure: Structure,
    world: World,
    state: State,
    tally: Tally,
    route: int,
    step: int,
    first: int,
    row: int,
    n: int,
) -> None:
    """Start a cohort on a route: fill its density, clustering, designs and yields, and book it."""
    fab, p = structure.route[route].fab, structure.route[route].process
    process, visits = world.process[p], world.visits[p]
    wafers, survive = state.route[route], state.scratch.systematic_yield
    fill_density(clock, structure, world, state, route, step, n)
    for k in range(n):
        survive[k] = process.systematic_yield[k]
    if structure.fab[fab].equipped == 1:
        overlay_yield(process, visits, world.tool, state.group, survive, n)
    if clock.no_defects:
        for k in range(n):
            survive[k] = 1.0
    for k in range(n):
        wafers.d0_per_cm2[k] = state.scratch.d0_per_cm2[k]
        wafers.systematic_yield[k] = survive[k]
    fill_clustering(seed, clock, structure, process, state, route, step, first, n)
    share_wafers(structure, world, route, step, state, n)
    if follows_plan(clock, row):
        plan_wafers(structure, route, step, state, n)
    start_cohort(structure, world, state, tally.die[row], route, step, n)
    for k in range(n):
        starts, steps = wafers.starts[k], 0.0
        for s in range(structure.route[route].segments):
            steps += state.segment[route, s].pace_steps[k]
        tally.route[row, route].wafer_plan[k] += wafers.planned[k]
        tally.route[row, route].wafer_starts[k] += starts
        # `_close_routes` turns this sum into a mean weighted by wafers
        density = state.scratch.d0_per_cm2[k] * state.scratch.cluster_factor[k]
        tally.route[row, route].d0_per_cm2[k] += density * starts
        days = steps * clock.days_per_step
        tally.route[row, route].x_factor[k] += days / clock.steps_per_quarter
