"""Packages that each product wants in a step: what its dies, its demand and a plan allow.

Products in production share the dies of their design by weight. Where a plan is followed, its
packages that are due replace the weights of the shares and limit what a product may begin.
"""

from __future__ import annotations

import numpy as np

from yieldsim.kernels.jit import stage_jit
from yieldsim.outputs import DEMAND, DIE_BANK, MIX, NOT_IN_PRODUCTION
from yieldsim.supply.kernels.assembly import packages_of_dies
from yieldsim.supply.kernels.curves import curve_value
from yieldsim.supply.kernels.records import Clock, State, Structure, World

FEW = 1e-6  # packages; a constraint that holds back fewer is rounding
_NEXT_TO_NONE = 1e-200  # weight of a product in production for which the plan has nothing due


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
    if follows_plan(clock, row):
        for i in range(structure.product.shape[0]):
            _follow_plan(structure, state, i, n)
    for d in range(structure.die.shape[0]):
        _divide(structure, state, d, n)


@stage_jit
def follows_plan(clock: Clock, row: int) -> bool:
    """Return whether wafers and packages follow a plan in a row of the results."""
    if row < clock.quarters:
        return clock.mixed or clock.planned
    return clock.planned_warmup


@stage_jit
def _follow_plan(structure: Structure, state: State, i: int, n: int) -> None:
    """Add the packages planned of a product for the step, and weight the product by its dies due.

    A product without a bound in the plan keeps the weight of its share.
    """
    each, packages = structure.product[i].dies_per_package, state.product[i]
    for rank in range(state.planned.shape[1]):
        for k in range(n):
            state.planned[i, rank, k] += state.plan.packages[i, rank, k]
    for k in range(n):
        due = _due(state, i, k)
        if packages.die_share[k] > 0.0 and due < np.inf:
            packages.die_share[k] = max(_NEXT_TO_NONE, due * each)


@stage_jit
def _due(state: State, i: int, k: int) -> float:
    """Return the packages of a product that the plan has asked for and that are not begun yet."""
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
    """Fill the packages that dies, demand and plan allow each product, and which of them binds."""
    planned = follows_plan(clock, row)
    lows, highs, drawn = structure.curve_low, structure.curve_high, world.curve
    for i in range(structure.product.shape[0]):
        product, packages = structure.product[i], state.product[i]
        packages_of_dies(structure, state, i, packages.wanted, n)
        for k in range(n):
            packages.granted[k] = 0.0
            packages.limit[k] = NOT_IN_PRODUCTION
        for rank in range(state.taken.shape[1]):
            for k in range(n):
                state.taken[i, rank, k] = 0.0
        for k in range(n):
            if packages.die_share[k] <= 0.0:
                continue
            packages.limit[k] = die_constraint(state, product.die, k)
            if product.demand_curve >= 0 and not clock.no_demand_limit:
                demand = curve_value(lows, highs, drawn, product.demand_curve, step, k)
                demand /= clock.steps_per_quarter
                if demand < packages.wanted[k]:
                    packages.wanted[k] = demand
                    packages.limit[k] = DEMAND
            if planned and _due(state, i, k) < packages.wanted[k]:
                if _due(state, i, k) < packages.wanted[k] - FEW:
                    packages.limit[k] = MIX
                packages.wanted[k] = _due(state, i, k)


@stage_jit
def die_constraint(state: State, die: int, k: int) -> float:
    """Return the constraint on a design: the die bank where it gives more dies than fabs do."""
    banked = state.die[die].from_banks[k] > state.die[die].from_fabs[k]
    return DIE_BANK if banked else state.die[die].limit[k]
