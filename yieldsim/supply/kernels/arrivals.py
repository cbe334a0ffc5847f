"""What arrives in a step: dies from die banks, memory stacks, packaging capacity."""

from __future__ import annotations

import math

from yieldsim.kernels.jit import stage_jit
from yieldsim.supply.kernels.curves import curve_value, slipped_value
from yieldsim.supply.kernels.records import Clock, Parameters, State, Structure, Tally, World
from yieldsim.units import MONTHS_PER_QUARTER
from yieldsim.wafer.kernels.geometry import count_best_of_four


@stage_jit
def stacks_per_wafer(wafer: Parameters, maker: Parameters, by_geometry: bool, k: int) -> float:
    """Return the stacks of a DRAM wafer before yield.

    By geometry they are its square dies, counted like those of a logic wafer, over the DRAM and
    base dies that a stack takes from it.
    """
    if not by_geometry:
        return maker.stacks_per_wafer[k]
    side, scribe = math.sqrt(maker.dram_die_mm2[k]), wafer.scribe_mm[k]
    radius = 0.5 * wafer.diameter_mm[k] - wafer.edge_exclusion_mm[k]
    dies = count_best_of_four(side + scribe, side + scribe, side, side, radius)
    return dies / (maker.dies_per_stack[k] + maker.base_dies_per_stack[k])


@stage_jit
def receive(
    clock: Clock,
    structure: Structure,
    world: World,
    state: State,
    tally: Tally,
    step: int,
    row: int,
    n: int,
) -> None:
    """Add dies from die banks and memory stacks to the stocks; fill the packaging capacity."""
    per_step = 1.0 / clock.steps_per_quarter
    lows, highs, drawn = structure.curve_low, structure.curve_high, world.curve
    for number in range(structure.bank.shape[0]):
        bank = structure.bank[number]
        die, b = bank.die, bank.bin
        for k in range(n):
            dies = curve_value(lows, highs, drawn, bank.draw_curve, step, k) * per_step
            state.die_bin[die, b].stock[k] += dies
            state.die[die].from_banks[k] += dies
            tally.die[row, die].bank_dies[k] += dies
    for pool in range(structure.pool.shape[0]):
        for k in range(n):
            stacks = stacks_arriving(clock, structure, world, state, pool, step, k)
            state.stacks[pool, k] += stacks
            tally.pool[row, pool].stacks_in[k] += stacks
    for line in range(structure.line.shape[0]):
        curve = structure.line[line].capacity_curve
        for k in range(n):
            per_month = curve_value(lows, highs, drawn, curve, step, k)
            wafers = per_month * MONTHS_PER_QUARTER * per_step
            state.line_left[line, k] = wafers
            tally.line[row, line].packaging_capacity[k] += wafers


@stage_jit
def stacks_arriving(
    clock: Clock,
    structure: Structure,
    world: World,
    state: State,
    pool: int,
    step: int,
    k: int,
) -> float:
    """Return the usable stacks that come to a pool in a step, from all sources."""
    source, stacks = structure.pool[pool], 0.0
    lows, highs, drawn = structure.curve_low, structure.curve_high, world.curve
    per_step = 1.0 / clock.steps_per_quarter
    if source.deliveries_curve >= 0:
        stacks += curve_value(lows, highs, drawn, source.deliveries_curve, step, k) * per_step
    if source.wafers_curve >= 0:
        at = step - world.maker[pool].slip_quarters[k] * clock.steps_per_quarter
        per_month = slipped_value(lows, highs, drawn, source.wafers_curve, at, k)
        wafers = per_month * MONTHS_PER_QUARTER * per_step
        if source.dram_line >= 0:
            wafers *= _share_of_line(structure, world, pool, step, k)
        possible = wafers * state.stacks_per_wafer[pool, k]
        if source.die_yield_curve >= 0:
            possible *= curve_value(lows, highs, drawn, source.die_yield_curve, step, k)
        stacks += possible * curve_value(lows, highs, drawn, source.yield_curve, step, k)
    return stacks * world.pool[pool].usable_fraction[k]


@stage_jit
def _share_of_line(structure: Structure, world: World, pool: int, step: int, k: int) -> float:
    """Return the share of its DRAM line's wafers that goes to the stacks of a pool."""
    lows, highs, drawn = structure.curve_low, structure.curve_high, world.curve
    mine, total = 0.0, 0.0
    for other in range(structure.pool.shape[0]):
        source, weight = structure.pool[other], 1.0
        if source.dram_line != structure.pool[pool].dram_line:
            continue
        if source.weight_curve >= 0:
            weight = curve_value(lows, highs, drawn, source.weight_curve, step, k)
        total += weight
        if other == pool:
            mine = weight
    return mine / total if total > 0.0 else 0.0
