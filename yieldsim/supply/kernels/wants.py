"""Packages that each product wants in a step: what its dies, its demand and a mix allow.

Products in production share the dies of their design by weight. Where a mix is given, its packages
that are due replace the weights of the shares and limit what a product may begin.
"""

from __future__ import annotations

import numpy as np

from yieldsim.kernels.jit import stage_jit
from yieldsim.outputs import DEMAND, DIE_BANK, MIX, NOT_IN_PRODUCTION
from yieldsim.supply.kernels.assembly import packages_of_dies
from yieldsim.supply.kernels.curves import curve_value
from yieldsim.supply.kernels.records import Clock, Floats, State, Structure, World

_NEXT_TO_NONE = 1e-200  # weight of a product in production for which the mix has nothing due


@stage_jit
def activate(
    clock: Clock, structure: Structure, world: World, state: State, step: int, row: int, n: int
) -> None:
    """Fill each product's share of its design's dies; 0 for a product out of production."""
    lows, highs, drawn = structure.curve_low, structure.curve_high, world.curve
    for i in range(structure.product.shape[0]):
        start, end = structure.product[i].start_step, structure.product[i].end_step
        curve = structure.product[i].share_curve
        for k in range(n):
            slip = world.product[i].slip_quarters[k] * clock.steps_per_quarter
            active = 0.0
            if start + slip <= step < end + slip:
                active = 1.0
                if curve >= 0:
                    active = max(0.0, curve_value(lows, highs, drawn, curve, step, k))
            state.product[i].die_share[k] = active
    if follows_mix(clock, row):
        for i in range(structure.product.shape[0]):
            _follow_mix(structure, world.mix_product[row, i], state, i, n)
    for d in range(structure.die.shape[0]):
        _divide(structure, state, d, n)


@stage_jit
def follows_mix(clock: Clock, row: int) -> bool:
    """Return whether packages follow a mix in a row of the results; never in the warm-up."""
    return clock.mixed and row < clock.quarters


@stage_jit
def _follow_mix(structure: Structure, mix: Floats, state: State, i: int, n: int) -> None:
    """Add the mix's packages of a product for the step, and weight the product by its dies due.

    A product without a bound in the mix keeps the weight of its share.
    """
    each, packages = structure.product[i].dies_per_package, state.product[i]
    for rank in range(mix.shape[0]):
        for k in range(n):
            state.planned[i, rank, k] += mix[rank, k]
    for k in range(n):
        due = _due(state, i, k)
        if packages.die_share[k] > 0.0 and due < np.inf:
            packages.die_share[k] = max(_NEXT_TO_NONE, due * each)


@stage_jit
def _due(state: State, i: int, k: int) -> float:
    """Return the packages of a product that the mix has asked for and that are not begun yet."""
    due = 0.0
    for rank in range(state.planned.shape[1]):
        due += state.planned[i, rank, k]
    return due


@stage_jit
def _divide(structure: Structure, state: State, d: int, n: int) -> None:
    """Turn the weights of the products of one design into shares of its dies."""
    total = state.scratch.weight_sum
    for k in range(n):
        total[k] = 0.0
    for i in range(structure.product.shape[0]):
        if structure.product[i].die == d:
            for k in range(n):
                total[k] += state.product[i].die_share[k]
    for i in range(structure.product.shape[0]):
        if structure.product[i].die == d:
            for k in range(n):
                if total[k] > 0.0:
                    state.product[i].die_share[k] /= total[k]


@stage_jit
def want(
    clock: Clock, structure: Structure, world: World, state: State, step: int, row: int, n: int
) -> None:
    """Fill the packages that dies, demand and mix allow each product, and which of them binds."""
    mixes = follows_mix(clock, row)
    lows, highs, drawn = structure.curve_low, structure.curve_high, world.curve
    for i in range(structure.product.shape[0]):
        product, packages = structure.product[i], state.product[i]
        for k in range(n):
            packages.wanted[k] = 0.0
            packages.granted[k] = 0.0
            packages.limit[k] = NOT_IN_PRODUCTION
        for rank in range(state.taken.shape[1]):
            for k in range(n):
                state.taken[i, rank, k] = 0.0
        for k in range(n):
            if packages.die_share[k] <= 0.0:
                continue
            packages.wanted[k] = packages_of_dies(structure, state, i, k)
            packages.limit[k] = die_constraint(state, product.die, k)
            if product.demand_curve >= 0 and not clock.no_demand_limit:
                demand = curve_value(lows, highs, drawn, product.demand_curve, step, k)
                demand /= clock.steps_per_quarter
                if demand < packages.wanted[k]:
                    packages.wanted[k] = demand
                    packages.limit[k] = DEMAND
            if mixes and _due(state, i, k) < packages.wanted[k]:
                packages.wanted[k] = _due(state, i, k)
                packages.limit[k] = MIX


@stage_jit
def die_constraint(state: State, die: int, k: int) -> float:
    """Return the constraint on a design: the die bank where it gives more dies than fabs do."""
    banked = state.die[die].from_banks[k] > state.die[die].from_fabs[k]
    return DIE_BANK if banked else state.die[die].limit[k]
