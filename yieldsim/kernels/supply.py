"""The supply of a block of realizations: some lanes at a time, step by step."""

from __future__ import annotations

from typing import Any

import numpy as np

from yieldsim.kernels import arrays as a
from yieldsim.kernels.capacity import (
    count_passes,
    group_waits,
    load_groups,
    rate_groups,
    scarcest,
)
from yieldsim.kernels.curves import curve_value
from yieldsim.kernels.defects import adder_ratio, clustered, learning_ratio, overlay_yield
from yieldsim.kernels.dies import gross_dies
from yieldsim.kernels.flow import (
    advance,
    cycle_time_days,
    mix_wafers,
    release,
    share_wafers,
    start_cohort,
)
from yieldsim.kernels.jit import bare_jit, stage_jit
from yieldsim.kernels.packages import package_step
from yieldsim.units import H100_TB_PER_S, H100_TFLOPS_FP16, MONTHS_PER_QUARTER
from yieldsim.variables import ACCIDENT, RELEASE, TOOL_GROUP, WAFER_PLAN

_MUCH = 100.0  # times the plan, where only tools are to limit starts


@stage_jit
def _reset(structure: Any, world: Any, state: Any, state_flat: Any, n: Any) -> None:
    """Start the lanes from an empty line and empty stocks."""
    for j in range(state_flat.shape[0]):
        for k in range(n):
            state_flat[j, k] = 0.0
    for d in range(structure.die.shape[0]):
        for k in range(n):
            state.die[d, a.CAUSE, k] = WAFER_PLAN
            state.die[d, a.GROSS, k] = gross_dies(world.wafer[:, k], world.die[d, :, k])


@stage_jit
def _begin_step(clock: Any, structure: Any, world: Any, state: Any, step: Any, n: Any) -> None:
    """Fill the factors of each event in the step, (MTTF, MTTR) or (capacity, D0); forget what came
    in from fabs and banks and what held designs down."""
    for d in range(state.die.shape[0]):
        for j in range(a.CAUSE_WAFERS, state.die.shape[1]):
            for k in range(n):
                state.die[d, j, k] = 0.0
    for e in range(structure.event.shape[0]):
        kind = structure.event[e, a.EVENT_KIND]
        start, end = structure.event_steps[e, 0], structure.event_steps[e, 1]
        since = step + 0.5 - start
        for k in range(n):
            power = 0.0
            if kind == a.SERVICE_LOSS and since > 0.0:
                power = min(since / clock.steps_per_quarter, world.event[e, 2, k])
            elif kind == a.ACCIDENT and since > 0.0 and step < end:
                power = 1.0
            state.event[e, 0, k] = 1.0
            state.event[e, 1, k] = 1.0
            if power > 0.0:
                state.event[e, 0, k] = world.event[e, 0, k] ** power
                state.event[e, 1, k] = world.event[e, 1, k] ** power


@stage_jit
def _fab_step(
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
    """Capacity, release, defects and flow of one fab."""
    routes = range(structure.fab[fab, a.FAB_FIRST], structure.fab[fab, a.FAB_LAST])
    equipped = structure.fab[fab, a.FAB_EQUIPPED] == 1
    for route in routes:
        curve = structure.route[route, a.ROUTE_PLAN]
        for k in range(n):
            per_month = curve_value(structure, world, curve, step, k)
            planned = per_month * MONTHS_PER_QUARTER / clock.steps_per_quarter
            if clock.no_plan_limit and equipped:
                planned *= _MUCH
            state.route[route, a.PLANNED, k] = planned
    _accidents(structure, state, fab, n)
    if equipped:
        rate_groups(seed, clock, structure, world, state, fab, step, first, n)
        load_groups(structure, world, state, fab, a.PLANNED, n)
    for route in routes:
        _release_route(clock, structure, world, state, route, equipped, n)
    if equipped:
        load_groups(structure, world, state, fab, a.STARTS, n)
        use = tally.utilization[row, fab]
        group_waits(clock, world.fab[fab], world.group, state.group, use, n)
    for route in routes:
        _start_route(seed, clock, structure, world, state, tally, route, step, first, row, n)
    if equipped:
        load_groups(structure, world, state, fab, a.FLOW, n)
    for route in routes:
        if equipped:
            scarcest(
                world.visits[structure.route[route, a.ROUTE_PROCESS]], state.group, state.lane, n
            )
        for k in range(n):
            slow = 1.0
            if equipped:
                slow = min(1.0, state.lane[a.CAPACITY_LEFT, k] * state.lane[a.FRACTION, k])
            steps = state.route[route, a.DAYS, k] / clock.days_per_step
            advance(structure, world, state, tally, route, step, steps, slow, row, k)


@stage_jit
def _accidents(structure: Any, state: Any, fab: Any, n: Any) -> None:
    """Fill CAPACITY_LEFT and DIRT, what accidents leave of a fab's capacity and do to its D0."""
    left, dirt = state.lane[a.CAPACITY_LEFT], state.lane[a.DIRT]
    for k in range(n):
        left[k] = 1.0
        dirt[k] = 1.0
    for e in range(structure.event.shape[0]):
        hit = structure.event_hits[e, fab, 0] == 1
        if structure.event[e, a.EVENT_KIND] == a.ACCIDENT and hit:
            for k in range(n):
                left[k] *= state.event[e, 0, k]
                dirt[k] *= state.event[e, 1, k]


@stage_jit
def _release_route(
    clock: Any, structure: Any, world: Any, state: Any, route: Any, equipped: Any, n: Any
) -> None:
    """Fill the STARTS of a route and what holds them: the plan, tools, accidents, the WIP cap."""
    fab, p = structure.route[route, a.ROUTE_FAB], structure.route[route, a.ROUTE_PROCESS]
    line, lane = state.route[route], state.lane
    if equipped:
        scarcest(world.visits[p], state.group, lane, n)
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
        raw_steps = world.process[p, a.RAW_DAYS, k] / clock.days_per_step
        cap = world.fab[fab, a.WIP_CAP, k]
        starts, capped = release(line[a.PLANNED, k], possible, line[a.WIP, k], cap, raw_steps)
        line[a.STARTS, k] = starts
        line[a.HELD_BY, k] = float(RELEASE) if capped else held_by


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
    if structure.fab[fab, a.FAB_EQUIPPED] == 1:
        adder_ratio(world.visits[p], world.group, state.group, state.lane, n)
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


@stage_jit
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
    """Give the cohort that a route starts its defects; fill the route's cycle time and flow."""
    fab, p = structure.route[route, a.ROUTE_FAB], structure.route[route, a.ROUTE_PROCESS]
    process, visits = world.process[p], world.visits[p]
    line, survive = state.route[route], state.lane[a.SURVIVE]
    _density(clock, structure, world, state, route, step, n)
    for k in range(n):
        survive[k] = process[a.SYSTEMATIC, k]
        line[a.DAYS, k] = process[a.RAW_DAYS, k]
    if structure.fab[fab, a.FAB_EQUIPPED] == 1:
        cycle_time_days(process, visits, state.group, line[a.DAYS], n)
        overlay_yield(process, visits, world.tool, state.group, survive, n)
        starts, passes = line[a.STARTS], state.passes[fab]
        count_passes(visits, process[a.REWORK], starts, state.group, passes, n)
    if clock.no_defects:
        for k in range(n):
            survive[k] = 1.0
    _cluster(seed, clock, structure, process, state, route, step, first, n)
    share_wafers(structure, world, route, step, state, n)
    if clock.mixed and row < clock.quarters:  # the warm-up goes by the shares
        mix_wafers(structure, world.mix_entry[row], route, step, state, n)
    start_cohort(structure, world, state, tally.die[:, row], route, step, n)
    for k in range(n):
        days, starts = line[a.DAYS, k], line[a.STARTS, k]
        line[a.FLOW, k] = line[a.WIP, k] * clock.days_per_step / days if days > 0.0 else 0.0
        tally.route[a.T_PLAN, row, route, k] += line[a.PLANNED, k]
        tally.route[a.T_STARTS, row, route, k] += starts
        # a mean by wafers once the quarter is over
        density = state.lane[a.DENSITY, k] * state.lane[a.FACTOR, k]
        tally.route[a.T_D0, row, route, k] += density * starts
        tally.route[a.T_CYCLE, row, route, k] += days / clock.steps_per_quarter


@stage_jit
def _close_quarter(structure: Any, state: Any, tally: Any, row: Any, n: Any) -> None:
    """Write the stocks at the end of a quarter, its means, and what bound each product."""
    for route in range(state.route.shape[0]):
        for k in range(n):
            tally.route[a.T_WIP, row, route, k] = state.route[route, a.WIP, k]
            if tally.route[a.T_STARTS, row, route, k] > 0.0:
                tally.route[a.T_D0, row, route, k] /= tally.route[a.T_STARTS, row, route, k]
    for die in range(state.die.shape[0]):
        for b in range(state.stock.shape[1]):
            for k in range(n):
                tally.die[a.T_STOCK, row, die, k] += state.stock[die, b, a.STOCK, k]
    for pool in range(state.stacks.shape[0]):
        for k in range(n):
            tally.pool[a.T_STACK_STOCK, row, pool, k] = state.stacks[pool, k]
    for i in range(state.product.shape[0]):
        for k in range(n):
            tally.product[a.T_BINDING, row, i, k] = state.product[i, a.LONGEST, k]
            state.product[i, a.LONGEST_STEPS, k] = 0.0
        for code in range(state.held.shape[1]):
            for k in range(n):
                state.held[i, code, k] = 0.0


@stage_jit
def _usable(structure: Any, world: Any, tally: Any, quarters: Any, n: Any) -> None:
    """Usable chips and their compute from the packages that passed; packages under way."""
    for i in range(structure.product.shape[0]):
        values = world.product[i]
        for k in range(n):
            kept = (1.0 - values[a.SAMPLES, k]) * (1.0 - values[a.FIELD_ESCAPES, k])
            under_way = _left_in_assembly(tally, i, quarters, k)  # from the warm-up
            for q in range(quarters):
                under_way += _left_in_assembly(tally, i, q, k)
                tally.product[a.T_PACKAGES_WIP, q, i, k] = max(0.0, under_way)
                usable, h100, h100_bandwidth = 0.0, 0.0, 0.0
                for b in range(tally.passed.shape[2]):
                    chips = tally.passed[q, i, b, k] * kept
                    usable += chips
                    rated = world.performance[i, b]
                    h100 += chips * rated[a.TFLOPS, k] / H100_TFLOPS_FP16
                    h100_bandwidth += chips * rated[a.BANDWIDTH, k] / H100_TB_PER_S
                tally.product[a.T_USABLE, q, i, k] = usable
                tally.product[a.T_H100, q, i, k] = h100
                tally.product[a.T_H100_BANDWIDTH, q, i, k] = h100_bandwidth


@stage_jit
def _left_in_assembly(tally: Any, i: Any, row: Any, k: Any) -> Any:
    """Packages started less those finished in a row of the results."""
    left = tally.product[a.T_STARTED, row, i, k] - tally.product[a.T_FAILED, row, i, k]
    for b in range(tally.passed.shape[2]):
        left -= tally.passed[row, i, b, k]
    return left


@bare_jit
def simulate_block(
    seed: Any,
    clock: Any,
    structure: Any,
    worlds: Any,
    world_flat: Any,
    world: Any,
    first: Any,
    state_flat: Any,
    state: Any,
    tally_flat: Any,
    tally: Any,
    places: Any,
    out: Any,
) -> None:
    """Simulate realizations first, first + 1, ... of the worlds ``worlds[:, r]`` into ``out[r]``.

    ``out[r, j]`` is what stands in ``places[j]`` of the tally, zero where that is -1. ``world`` and
    ``tally`` are views of ``world_flat`` and ``tally_flat``, and those arrays of
    ``state`` that start from zero are views of ``state_flat``; the last axis of each is the lane.
    """
    for r in range(0, worlds.shape[1], a.LANES):
        n = min(a.LANES, worlds.shape[1] - r)
        for j in range(world_flat.shape[0]):
            for k in range(n):
                world_flat[j, k] = worlds[j, r + k]
        for j in range(tally_flat.shape[0]):
            for k in range(n):
                tally_flat[j, k] = 0.0
        _reset(structure, world, state, state_flat, n)
        for step in range(clock.steps):
            row = structure.row[step]
            _begin_step(clock, structure, world, state, step, n)
            for fab in range(structure.fab.shape[0]):
                _fab_step(seed, clock, structure, world, state, tally, fab, step, first + r, row, n)
            package_step(clock, structure, world, state, tally, step, row, n)
            if (step + 1 - clock.warmup_steps) % clock.steps_per_quarter == 0:
                _close_quarter(structure, state, tally, row, n)
        _usable(structure, world, tally, clock.quarters, n)
        for k in range(n):
            for j in range(places.shape[0]):
                out[r + k, j] = tally_flat[places[j], k] if places[j] >= 0 else 0.0
