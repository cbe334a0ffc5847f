"""What arrives in a step: dies from die banks, memory stacks, packaging capacity."""

from __future__ import annotations

from yieldsim.kernels.jit import stage_jit
from yieldsim.supply.kernels.curves import curve_value
from yieldsim.supply.kernels.records import Clock, State, Structure, Tally, World
from yieldsim.units import MONTHS_PER_QUARTER


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
            stacks = _stacks(structure, world, pool, step, per_step, k)
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
def _stacks(
    structure: Structure, world: World, pool: int, step: int, per_step: float, k: int
) -> float:
    """Return the usable stacks that arrive in a pool: deliveries and its maker's output."""
    source, stacks = structure.pool[pool], 0.0
    lows, highs, drawn = structure.curve_low, structure.curve_high, world.curve
    if source.deliveries_curve >= 0:
        stacks += curve_value(lows, highs, drawn, source.deliveries_curve, step, k) * per_step
    if source.wafers_curve >= 0:
        started = curve_value(lows, highs, drawn, source.wafers_curve, step, k)
        wafers = started * MONTHS_PER_QUARTER * per_step
        possible = wafers * world.maker[pool].stacks_per_wafer[k]
        stacks += possible * curve_value(lows, highs, drawn, source.yield_curve, step, k)
    return stacks * world.pool[pool].usable_fraction[k]
