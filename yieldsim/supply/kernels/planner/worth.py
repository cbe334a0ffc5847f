"""What a planned package is worth."""

from __future__ import annotations

from yieldsim.kernels.jit import stage_jit
from yieldsim.supply.kernels.assembly import passing
from yieldsim.supply.kernels.records import (
    AI_ENTRY,
    BY_BANDWIDTH,
    BY_CHIPS,
    PERIODS,
    Clock,
    Plan,
    State,
    Structure,
    World,
)

_TIERS = (1.0, 1e-2, 1e-4)  # worth by tier; later tiers count as the last
_FROM_WAFERS = 1e-9  # weight of the dies of a wafer beside dies that are there


@stage_jit
def fill_worth(clock: Clock, structure: Structure, world: World, state: State, k: int) -> None:
    """Fill the value of a package of each planned product, the best of the first tier near 1."""
    plan, best = state.plan, 0.0
    _fill_bins(structure, plan)
    for i in range(structure.product.shape[0]):
        plan.value[i] = 0.0
        if structure.planning.product[i] == 0:
            continue
        values = world.product[i]
        kept = (1.0 - values.sample_fraction[k]) * (1.0 - values.field_escape_fraction[k])
        chip = _of_bins(clock, structure, world, plan, i, k)
        plan.value[i] = chip * kept * passing(values, k)
        best = max(best, plan.value[i])
    for i in range(structure.product.shape[0]):
        if best > 0.0:
            plan.value[i] *= _TIERS[min(len(_TIERS) - 1, structure.planning.tier[i])] / best


@stage_jit
def _fill_bins(structure: Structure, plan: Plan) -> None:
    """Fill the dies of each design by bin: those there, and few from wafers."""
    for die in range(structure.die.shape[0]):
        for b in range(structure.die[die].bins):
            plan.bins[die, b] = 0.0
            for q in range(PERIODS):
                plan.bins[die, b] += plan.dies[q, die, b]
    for entry in range(structure.entry.shape[0]):
        if structure.planning.entry[entry] == AI_ENTRY:
            die = structure.entry[entry].die
            for b in range(structure.die[die].bins):
                plan.bins[die, b] += _FROM_WAFERS * plan.tested[entry, b]


@stage_jit
def _of_bins(clock: Clock, structure: Structure, world: World, plan: Plan, i: int, k: int) -> float:
    """Return what a chip is worth on the average of the bins of its dies."""
    product, total, worth = structure.product[i], 0.0, 0.0
    die, takes = product.die, structure.planning.takes[i]
    bins = structure.die[die].bins
    for b in range(bins):
        total += plan.bins[die, b] if takes[b] == 1 else 0.0
    if total <= 0.0:
        return 0.0
    better, above = 0.0, 0.0
    for b in range(bins):
        share = plan.bins[die, b] / total if takes[b] == 1 else 0.0
        if product.random_pairing == 1:  # sold by the worst die
            better += share
            whole = 1.0 if b == bins - 1 else better**product.dies_per_package
            share, above = max(0.0, whole - above), whole
        worth += share * _of_chip(clock, structure, world, i, b, k)
    return worth


@stage_jit
def _of_chip(clock: Clock, structure: Structure, world: World, i: int, b: int, k: int) -> float:
    """Return what a chip of a product is worth by the model's choice, with dies of a bin."""
    if clock.worth == BY_CHIPS:
        return 1.0
    sold = b
    for r in range(structure.product[i].recipes):
        recipe = structure.recipe[i, r]
        if recipe[b] > 0:
            sold = recipe[recipe.shape[0] - 1]  # of equals the last: dies of one bin
    if structure.product[i].random_pairing == 1:
        sold = b
    rated = world.performance[i, sold]
    return rated.bandwidth_tb_per_s[k] if clock.worth == BY_BANDWIDTH else rated.tflops_fp16[k]
