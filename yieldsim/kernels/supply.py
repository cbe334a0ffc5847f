"""The supply of one realization, step by step, and of a block of realizations."""

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
from yieldsim.kernels.defects import adder_ratio, clustered, learning_ratio, overlay_yield
from yieldsim.kernels.dies import gross_dies
from yieldsim.kernels.flow import advance, cycle_time_days, release, start_cohort
from yieldsim.kernels.jit import bare_jit, inline_jit
from yieldsim.kernels.packages import package_step, row_of
from yieldsim.units import MONTHS_PER_QUARTER
from yieldsim.variables import ACCIDENT, RELEASE, TOOL_GROUP, WAFER_PLAN

H100_TFLOPS_FP16 = 989.0  # NVIDIA H100 SXM, dense BF16 (NVIDIA data sheet 2022)
H100_TB_PER_S = 3.35  # its memory bandwidth


@bare_jit
def _reset(clock: Any, structure: Any, world: Any, state: Any, state_flat: Any) -> None:
    """Start a realization from an empty line and empty stocks."""
    for k in range(state_flat.shape[0]):
        state_flat[k] = 0.0
    for d in range(structure.die.shape[0]):
        state.die[d, a.CAUSE] = WAFER_PLAN
        state.die[d, a.GROSS] = gross_dies(world.wafer, world.die[d])
    for s in range(structure.curve_low.shape[0]):
        position, scale = world.curve[s, 0], world.curve[s, 1]
        for t in range(clock.steps):
            low = structure.curve_low[s, t]
            state.curve[s, t] = (low + position * (structure.curve_high[s, t] - low)) * scale


@bare_jit
def _prepare_events(clock: Any, structure: Any, world: Any, state: Any) -> None:
    """Fill the factors of each event at each step: (MTTF, MTTR) or (capacity, D0)."""
    for e in range(structure.event.shape[0]):
        kind = structure.event[e, a.EVENT_KIND]
        start, end = structure.event_steps[e, 0], structure.event_steps[e, 1]
        for t in range(clock.steps):
            since = t + 0.5 - start
            power = 0.0
            if kind == a.SERVICE_LOSS and since > 0.0:
                power = min(since / clock.steps_per_quarter, world.event[e, 2])
            elif kind == a.ACCIDENT and since > 0.0 and t < end:
                power = 1.0
            state.event[e, t, 0] = world.event[e, 0] ** power
            state.event[e, t, 1] = world.event[e, 1] ** power


@inline_jit
def _fab_step(
    seed: Any,
    clock: Any,
    structure: Any,
    world: Any,
    state: Any,
    tally: Any,
    fab: Any,
    step: Any,
    realization: Any,
    row: Any,
) -> None:
    """Capacity, release, defects and flow of one fab."""
    first, last = structure.fab[fab, a.FAB_FIRST], structure.fab[fab, a.FAB_LAST]
    equipped = structure.fab[fab, a.FAB_EQUIPPED] == 1
    for route in range(first, last):
        per_month = state.curve[structure.route[route, a.ROUTE_PLAN], step]
        state.route[route, a.PLANNED] = per_month * MONTHS_PER_QUARTER / clock.steps_per_quarter
    left, dirt = 1.0, 1.0
    for e in range(structure.event.shape[0]):
        hit = structure.event_hits[e, fab, 0] == 1
        if structure.event[e, a.EVENT_KIND] == a.ACCIDENT and hit:
            left *= state.event[e, step, 0]
            dirt *= state.event[e, step, 1]
    if equipped:
        rate_groups(seed, clock, structure, world, state, fab, step, realization)
        load_groups(structure, world, state, fab, a.PLANNED)
    for route in range(first, last):
        _release_route(clock, structure, world, state, route, equipped, left)
    if equipped:
        load_groups(structure, world, state, fab, a.STARTS)
        use = tally.utilization[row, fab]
        group_waits(clock, world.fab[fab], world.group, state.group, use)
    for route in range(first, last):
        _start_route(
            seed, clock, structure, world, state, tally, route, step, realization, row, dirt
        )
    if equipped:
        load_groups(structure, world, state, fab, a.FLOW)
    for route in range(first, last):
        slow = 1.0
        if equipped:
            visits = world.visits[structure.route[route, a.ROUTE_PROCESS]]
            slow = min(1.0, left * scarcest(visits, state.group)[0])
        steps = state.route[route, a.DAYS] / clock.days_per_step
        advance(structure, world, state, tally, route, step, steps, slow, row)


@inline_jit
def _release_route(
    clock: Any, structure: Any, world: Any, state: Any, route: Any, equipped: Any, left: Any
) -> None:
    """Fill the STARTS of a route and what holds them, ``left`` of capacity after accidents."""
    fab, p = structure.route[route, a.ROUTE_FAB], structure.route[route, a.ROUTE_PROCESS]
    line = state.route[route]
    fraction, group = np.inf, -1
    if equipped:
        fraction, group = scarcest(world.visits[p], state.group)
    held_by = TOOL_GROUP + group if fraction < 1.0 else WAFER_PLAN
    if left < min(fraction, 1.0):
        held_by = ACCIDENT
    possible = left if fraction == np.inf else fraction * left
    if possible >= 1.0:
        held_by = WAFER_PLAN
    raw_steps = world.process[p, a.RAW_DAYS] / clock.days_per_step
    cap = world.fab[fab, a.WIP_CAP]
    starts, capped = release(line[a.PLANNED], possible, line[a.WIP], cap, raw_steps)
    line[a.STARTS] = starts
    line[a.HELD_BY] = RELEASE if capped else held_by


@inline_jit
def _density(
    clock: Any, structure: Any, world: Any, state: Any, route: Any, step: Any, dirt: Any
) -> Any:
    """Mean killer density of the wafers started: maturity, learning, tools and accidents."""
    fab, p = structure.route[route, a.ROUTE_FAB], structure.route[route, a.ROUTE_PROCESS]
    process = world.process[p]
    elapsed = (step + 0.5 - structure.learning_start[p]) / clock.steps_per_quarter
    wafers = state.route[route, a.WAFERS_SO_FAR]
    d0 = process[a.D0] * dirt * learning_ratio(process, structure.learning[p], elapsed, wafers)
    if structure.fab[fab, a.FAB_EQUIPPED] == 1:
        d0 *= adder_ratio(world.visits[p], world.group, state.group)
    return d0


@inline_jit
def _start_route(
    seed: Any,
    clock: Any,
    structure: Any,
    world: Any,
    state: Any,
    tally: Any,
    route: Any,
    step: Any,
    realization: Any,
    row: Any,
    dirt: Any,
) -> None:
    """Give the cohort that a route starts its defects; fill the route's cycle time and flow."""
    fab, p = structure.route[route, a.ROUTE_FAB], structure.route[route, a.ROUTE_PROCESS]
    process, visits = world.process[p], world.visits[p]
    line = state.route[route]
    starts, planned = line[a.STARTS], line[a.PLANNED]
    days = process[a.RAW_DAYS]
    survive = process[a.SYSTEMATIC]
    d0 = _density(clock, structure, world, state, route, step, dirt)
    if structure.fab[fab, a.FAB_EQUIPPED] == 1:
        days = cycle_time_days(process, visits, state.group)
        survive *= overlay_yield(process, visits, world.tool, state.group)
        count_passes(visits, 1.0 + process[a.REWORK], starts, state.group, state.passes[fab])
    factor, left = 1.0, process[a.ALPHA]
    if clock.noise and starts > 0.0:
        draw, entity = clock.first_draw + step, structure.route_entity[route]
        clusters = starts / process[a.CLUSTER]
        factor, left = clustered(seed, draw, entity, realization, process[a.ALPHA], clusters)
    gain = planned / starts if starts > 0.0 else np.inf
    held_by, alpha = int(line[a.HELD_BY]), process[a.ALPHA]
    start_cohort(
        structure,
        world,
        state,
        route,
        step,
        starts,
        d0,
        factor,
        alpha,
        left,
        survive,
        held_by,
        gain,
    )
    line[a.DAYS] = days
    line[a.FLOW] = line[a.WIP] * clock.days_per_step / days if days > 0.0 else 0.0
    booked = tally.route[:, row, route]
    booked[a.T_PLAN] += planned
    booked[a.T_STARTS] += starts
    booked[a.T_D0] += d0 * factor * starts  # a mean by wafers once the quarter is over
    booked[a.T_CYCLE] += days / clock.steps_per_quarter


@bare_jit
def _close_quarter(structure: Any, state: Any, tally: Any, row: Any) -> None:
    """Write the stocks at the end of a quarter, its means, and what bound each product."""
    # Plain loops here and below: Numba's sum, argmax and slices cost ten times as much on rows as
    # short as these.
    for route in range(state.route.shape[0]):
        tally.route[a.T_WIP, row, route] = state.route[route, a.WIP]
        if tally.route[a.T_STARTS, row, route] > 0.0:
            tally.route[a.T_D0, row, route] /= tally.route[a.T_STARTS, row, route]
    for die in range(state.die.shape[0]):
        dies = 0.0
        for b in range(state.stock.shape[1]):
            dies += state.stock[die, b, a.STOCK]
        tally.die[a.T_STOCK, row, die] = dies
    for pool in range(state.stacks.shape[0]):
        tally.pool[a.T_STACK_STOCK, row, pool] = state.stacks[pool]
    for i in range(state.product.shape[0]):
        longest, code = -1.0, 0
        for k in range(state.held.shape[1]):
            if state.held[i, k] > longest:
                longest, code = state.held[i, k], k
            state.held[i, k] = 0.0
        tally.product[a.T_BINDING, row, i] = code


@bare_jit
def _usable(structure: Any, world: Any, tally: Any, quarters: Any) -> None:
    """Usable chips and their compute from the packages that passed; packages under way."""
    for i in range(structure.product.shape[0]):
        values = world.product[i]
        kept = (1.0 - values[a.SAMPLES]) * (1.0 - values[a.FIELD_ESCAPES])
        under_way = _left_in_assembly(tally, i, quarters)  # from the warm-up
        for q in range(quarters):
            under_way += _left_in_assembly(tally, i, q)
            tally.product[a.T_PACKAGES_WIP, q, i] = max(0.0, under_way)
            usable, h100, h100_bandwidth = 0.0, 0.0, 0.0
            for b in range(tally.passed.shape[2]):
                chips = tally.passed[q, i, b] * kept
                usable += chips
                h100 += chips * world.performance[i, b, a.TFLOPS] / H100_TFLOPS_FP16
                h100_bandwidth += chips * world.performance[i, b, a.BANDWIDTH] / H100_TB_PER_S
            tally.product[a.T_USABLE, q, i] = usable
            tally.product[a.T_H100, q, i] = h100
            tally.product[a.T_H100_BANDWIDTH, q, i] = h100_bandwidth


@inline_jit
def _left_in_assembly(tally: Any, i: Any, row: Any) -> Any:
    """Packages started less those finished in a row of the results."""
    left = tally.product[a.T_STARTED, row, i] - tally.product[a.T_FAILED, row, i]
    for b in range(tally.passed.shape[2]):
        left -= tally.passed[row, i, b]
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
    out: Any,
) -> None:
    """Simulate realizations first, first + 1, ... of the worlds ``worlds[r]`` into ``out[r]``.

    ``world`` and ``tally`` are views of ``world_flat`` and ``tally_flat``, and those arrays of
    ``state`` that start from zero are views of ``state_flat``.
    """
    for r in range(worlds.shape[0]):
        realization = np.uint32(first + r)
        for k in range(world_flat.shape[0]):
            world_flat[k] = worlds[r, k]
        for k in range(tally_flat.shape[0]):
            tally_flat[k] = 0.0
        _reset(clock, structure, world, state, state_flat)
        _prepare_events(clock, structure, world, state)
        for step in range(clock.steps):
            row = row_of(clock, step)
            for d in range(state.die.shape[0]):
                for k in range(a.CAUSE_WAFERS, state.die.shape[1]):
                    state.die[d, k] = 0.0  # and what came in, from fabs and from banks
            for fab in range(structure.fab.shape[0]):
                _fab_step(seed, clock, structure, world, state, tally, fab, step, realization, row)
            package_step(clock, structure, world, state, tally, step, row)
            if (step + 1 - clock.warmup_steps) % clock.steps_per_quarter == 0:
                _close_quarter(structure, state, tally, row)
        _usable(structure, world, tally, clock.quarters)
        for k in range(tally_flat.shape[0]):
            out[r, k] = tally_flat[k]
