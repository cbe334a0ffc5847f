"""The supply of a block of realizations: some lanes at a time, step by step."""

from __future__ import annotations

from typing import Any

from yieldsim.kernels.jit import bare_jit, stage_jit
from yieldsim.outputs import WAFER_PLAN
from yieldsim.supply.kernels import records as a
from yieldsim.supply.kernels.allocation import package_step
from yieldsim.supply.kernels.dies import gross_dies
from yieldsim.supply.kernels.fab import fab_step
from yieldsim.units import H100_TB_PER_S, H100_TFLOPS_FP16


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
    """Fill the factors of each event in the step, (MTTF, MTTR, tools) or (capacity, D0); forget
    what came in from fabs and banks and what held designs down."""
    for d in range(state.die.shape[0]):
        for j in range(a.CAUSE_WAFERS, state.die.shape[1]):
            for k in range(n):
                state.die[d, j, k] = 0.0
    for e in range(structure.event.shape[0]):
        kind = structure.event[e, a.EVENT_KIND]
        start, end = structure.event_steps[e, 0], structure.event_steps[e, 1]
        since = step + 0.5 - start
        now, given = state.event[e], world.event[e]
        for k in range(n):
            for j in range(3):
                now[j, k] = 1.0
            if since <= 0.0:
                continue
            if kind == a.SERVICE_LOSS:
                power = min(since / clock.steps_per_quarter, given[2, k])
                now[0, k] = given[0, k] ** power
                now[1, k] = given[1, k] ** power
                now[2, k] = (1.0 - given[3, k]) ** power
            elif kind == a.TOOLS_LOST and step < end:
                now[2, k] = 1.0 - given[0, k]
            elif kind == a.EXCURSION and step < end:
                now[1, k] = given[0, k]
            elif kind == a.ACCIDENT and step < end:
                now[0, k] = given[0, k]
                now[1, k] = given[1, k]


@stage_jit
def _close_quarter(
    clock: Any, structure: Any, world: Any, state: Any, tally: Any, row: Any, n: Any
) -> None:
    """Write the stocks at the end of a quarter, its means, and what bound each product."""
    _close_routes(structure, world, state, tally, row, n)
    _close_tools(clock, structure, tally, row, n)
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
def _close_routes(structure: Any, world: Any, state: Any, tally: Any, row: Any, n: Any) -> None:
    """Write the wafers in the line, and turn sums into means by wafers."""
    for route in range(state.route.shape[0]):
        raw = world.process[structure.route[route, a.ROUTE_PROCESS], a.RAW_DAYS]
        for k in range(n):
            booked = tally.route[:, row, route, k]
            booked[a.T_WIP] = state.route[route, a.WIP, k]
            if booked[a.T_STARTS] > 0.0:
                booked[a.T_D0] /= booked[a.T_STARTS]
            # where nothing came out, a wafer would take so long at the load that there was
            days = booked[a.T_X_FACTOR]
            if booked[a.T_OUTS] > 0.0:
                days = booked[a.T_CYCLE] / booked[a.T_OUTS]
            booked[a.T_CYCLE] = days
            booked[a.T_X_FACTOR] = days / raw[k] if raw[k] > 0.0 else 0.0


@stage_jit
def _close_tools(clock: Any, structure: Any, tally: Any, row: Any, n: Any) -> None:
    """Turn sums over the steps of a quarter into utilization and mean availability."""
    for fab in range(structure.fab.shape[0]):
        for g in range(structure.fleet_curve.shape[1]):
            for k in range(n):
                possible = tally.group[a.T_POSSIBLE_IN_ALL, row, fab, g, k]
                tally.group[a.T_UTILIZATION, row, fab, g, k] /= possible if possible > 0.0 else 1.0
            for c in range(2 if tally.fleet.shape[1] > 0 else 0):
                for k in range(n):
                    tools = tally.fleet[a.T_TOOLS, row, fab, g, c, k] * clock.steps_per_quarter
                    if tools > 0.0:
                        tally.fleet[a.T_UP, row, fab, g, c, k] /= tools


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
                fab_step(seed, clock, structure, world, state, tally, fab, step, first + r, row, n)
            package_step(clock, structure, world, state, tally, step, row, n)
            if (step + 1 - clock.warmup_steps) % clock.steps_per_quarter == 0:
                _close_quarter(clock, structure, world, state, tally, row, n)
        _usable(structure, world, tally, clock.quarters, n)
        for k in range(n):
            for j in range(places.shape[0]):
                out[r + k, j] = tally_flat[places[j], k] if places[j] >= 0 else 0.0
