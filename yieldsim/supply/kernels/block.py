"""The supply of a block of realizations: up to ``LANES`` at a time, step by step."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from yieldsim.kernels.jit import split_jit, stage_jit
from yieldsim.outputs import WAFER_PLAN
from yieldsim.supply.kernels.allocation import package_step
from yieldsim.supply.kernels.arrivals import stacks_per_wafer
from yieldsim.supply.kernels.density import begin_learning
from yieldsim.supply.kernels.dies import gross_dies
from yieldsim.supply.kernels.effects import begin_effects
from yieldsim.supply.kernels.fab import fab_step
from yieldsim.supply.kernels.planner.quarter import begin_quarter
from yieldsim.supply.kernels.records import (
    CLASSES,
    LANES,
    Clock,
    Floats,
    Ints,
    State,
    Structure,
    Tally,
    World,
)
from yieldsim.supply.kernels.wants import follows_plan
from yieldsim.units import H100_TB_PER_S, H100_TFLOPS_FP16


@stage_jit
def _reset(structure: Structure, world: World, state: State, state_flat: Floats, n: int) -> None:
    """Start the lanes with empty fabs and empty stocks."""
    for j in range(state_flat.shape[0]):
        for k in range(n):
            state_flat[j, k] = 0.0
    for d in range(structure.die.shape[0]):
        for k in range(n):
            state.die[d].limit[k] = WAFER_PLAN
            state.die[d].gross_dies[k] = gross_dies(world.wafer, world.die[d], k)
    for pool in range(structure.pool.shape[0]):
        if structure.pool[pool].wafers_curve >= 0:
            by_geometry = structure.pool[pool].by_geometry == 1
            for k in range(n):
                stacks = stacks_per_wafer(world.wafer, world.maker[pool], by_geometry, k)
                state.stacks_per_wafer[pool, k] = stacks


@stage_jit
def _begin_step(
    clock: Clock, structure: Structure, world: World, state: State, step: int, n: int
) -> None:
    """Fill the factors of events and the starts of lines; clear the dies of the last step."""
    for d in range(state.die.shape[0]):
        for k in range(n):
            state.die[d].limit_wafers[k] = 0.0
            state.die[d].from_fabs[k] = 0.0
            state.die[d].from_banks[k] = 0.0
    begin_effects(clock, structure, world, state, step, n)
    begin_learning(clock, structure, world, state, step, n)


@stage_jit
def _close_quarter(
    clock: Clock, structure: Structure, world: World, state: State, tally: Tally, row: int, n: int
) -> None:
    """Write a quarter's final stocks, its means, and the constraint that bound each product."""
    _close_routes(structure, world, state, tally, row, n)
    _close_tools(clock, structure, tally, row, n)
    for die in range(state.die.shape[0]):
        for b in range(state.die_bin.shape[1]):
            for k in range(n):
                tally.die[row, die].die_stock[k] += state.die_bin[die, b].stock[k]
    for pool in range(state.stacks.shape[0]):
        for k in range(n):
            tally.pool[row, pool].stack_stock[k] = state.stacks[pool, k]
    for i in range(state.product.shape[0]):
        for k in range(n):
            tally.product[row, i].binding[k] = state.product[i].longest_limit[k]
            state.product[i].longest_steps[k] = 0.0
        for code in range(state.held.shape[1]):
            for k in range(n):
                state.held[i, code, k] = 0.0


@stage_jit
def _close_routes(
    structure: Structure, world: World, state: State, tally: Tally, row: int, n: int
) -> None:
    """Write the WIP, and turn sums into means by wafers."""
    for route in range(state.route.shape[0]):
        raw = world.process[structure.route[route].process].raw_process_days
        booked, wip = tally.route[row, route], state.route[route].wip
        for k in range(n):
            booked.wafer_wip[k] = wip[k]
            if booked.wafer_starts[k] > 0.0:
                booked.d0_per_cm2[k] /= booked.wafer_starts[k]
            # where no wafer left, the time that a wafer would take at the load of the quarter
            days = booked.x_factor[k]
            if booked.wafer_outs[k] > 0.0:
                days = booked.cycle_time_days[k] / booked.wafer_outs[k]
            # wafers count as leaving in the middle of a part of a step: the first ones too early
            days = max(days, raw[k])
            booked.cycle_time_days[k] = days
            booked.x_factor[k] = days / raw[k] if raw[k] > 0.0 else 0.0


@stage_jit
def _close_tools(clock: Clock, structure: Structure, tally: Tally, row: int, n: int) -> None:
    """Turn sums over the steps of a quarter into utilization and mean availability."""
    for fab in range(structure.fab.shape[0]):
        for g in range(structure.fleet.shape[1]):
            booked = tally.group[row, fab, g]
            for k in range(n):
                possible = booked.passes_possible[k]
                booked.utilization[k] /= possible if possible > 0.0 else 1.0
            for c in range(CLASSES if tally.fleet.shape[0] > 0 else 0):
                fleet = tally.fleet[row, fab, g, c]
                for k in range(n):
                    tools = fleet.tools[k] * clock.steps_per_quarter
                    if tools > 0.0:
                        fleet.tool_availability[k] /= tools


@stage_jit
def _usable(structure: Structure, world: World, tally: Tally, quarters: int, n: int) -> None:
    """Fill usable chips and their compute from the packages passed, and packages in assembly."""
    for i in range(structure.product.shape[0]):
        values = world.product[i]
        for k in range(n):
            kept = (1.0 - values.sample_fraction[k]) * (1.0 - values.field_escape_fraction[k])
            under_way = _left_in_assembly(tally, i, quarters, k)  # from the warm-up
            for q in range(quarters):
                under_way += _left_in_assembly(tally, i, q, k)
                tally.product[q, i].packages_wip[k] = max(0.0, under_way)
                usable, h100, h100_bandwidth = 0.0, 0.0, 0.0
                for b in range(tally.product_bin.shape[2]):
                    chips = tally.product_bin[q, i, b].packages_passed[k] * kept
                    usable += chips
                    rated = world.performance[i, b]
                    h100 += chips * rated.tflops_fp16[k] / H100_TFLOPS_FP16
                    h100_bandwidth += chips * rated.bandwidth_tb_per_s[k] / H100_TB_PER_S
                tally.product[q, i].usable_chips[k] = usable
                tally.product[q, i].h100_equivalents[k] = h100
                tally.product[q, i].h100_equivalents_bandwidth[k] = h100_bandwidth


@stage_jit
def _left_in_assembly(tally: Tally, i: int, row: int, k: int) -> float:
    """Return the packages started less those passed or failed in a row of the results."""
    left = tally.product[row, i].packages_started[k] - tally.product[row, i].packages_failed[k]
    for b in range(tally.product_bin.shape[2]):
        left -= tally.product_bin[row, i, b].packages_passed[k]
    return left


@split_jit(here=(fab_step,), beside=(begin_quarter, package_step))
def simulate_block(
    seed: np.uint64,
    clock: Clock,
    structure: Structure,
    worlds: Floats,
    world_flat: Floats,
    world: World,
    first: int,
    state_flat: Floats,
    state: State,
    tally_flat: Floats,
    tally: Tally,
    places: Ints,
    out: NDArray[np.float32],
) -> None:
    """Simulate realizations ``first + r`` of the worlds ``worlds[:, r]`` into ``out[r]``.

    ``out[r, j]`` is row ``places[j]`` of the flat tally, or zero where that is -1. ``world`` and
    ``tally`` are views of ``world_flat`` and ``tally_flat``. Tables of ``state`` that start from
    zero are views of ``state_flat``. The last axis of each flat array is the lane.
    """
    for r in range(0, worlds.shape[1], LANES):
        n = min(LANES, worlds.shape[1] - r)
        for j in range(world_flat.shape[0]):
            for k in range(n):
                world_flat[j, k] = worlds[j, np.uintp(r + k)]  # unsigned: never from the end
        for j in range(tally_flat.shape[0]):
            for k in range(n):
                tally_flat[j, k] = 0.0
        _reset(structure, world, state, state_flat, n)
        for step in range(clock.steps):
            row = structure.row[step]
            _begin_step(clock, structure, world, state, step, n)
            begins = (step - clock.warmup_steps) % clock.steps_per_quarter == 0
            if begins and follows_plan(clock, row):
                begin_quarter(clock, structure, world, state, tally, step, row, n)
            for fab in range(structure.fab.shape[0]):
                fab_step(seed, clock, structure, world, state, tally, fab, step, first + r, row, n)
            package_step(clock, structure, world, state, tally, step, row, n)
            if (step + 1 - clock.warmup_steps) % clock.steps_per_quarter == 0:
                _close_quarter(clock, structure, world, state, tally, row, n)
        _usable(structure, world, tally, clock.quarters, n)
        for k in range(n):
            for j in range(places.shape[0]):
                out[r + k, j] = tally_flat[places[j], k] if places[j] >= 0 else 0.0
