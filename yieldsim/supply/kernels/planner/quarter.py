"""The plan of a quarter: made by the planner, or given by a mix."""

from __future__ import annotations

import numpy as np

from yieldsim.kernels.jit import apart_jit, inline_jit, stage_jit
from yieldsim.supply.kernels.curves import curve_value
from yieldsim.supply.kernels.planner.columns import counted_tested
from yieldsim.supply.kernels.planner.expected import weight_sums
from yieldsim.supply.kernels.planner.outlook import fill_outlook, starts_from, starts_until
from yieldsim.supply.kernels.planner.program import solve
from yieldsim.supply.kernels.planner.worth import fill_worth
from yieldsim.supply.kernels.records import (
    AI_ENTRY,
    PERIODS,
    PHONE_ENTRY,
    Clock,
    Plan,
    State,
    Structure,
    Tally,
    World,
)

_THOUSAND = 1e3
# A product asks for slightly more than planned. So what runs out is named as what binds, and supply
# that came sooner than expected is used.
_ROOM = 1.02
# A line starts more than is planned: stacks that wait for dies cost more than dies that wait.
_SPARE_WAFERS = 1.15


@apart_jit
def begin_quarter(
    clock: Clock,
    structure: Structure,
    world: World,
    state: State,
    tally: Tally,
    step: int,
    row: int,
    n: int,
) -> None:
    """Set the plan of the quarter that begins with a step."""
    if clock.mixed and row < clock.quarters:
        _follow_mix(structure, world, state, row, n)
        return
    for k in range(n):
        if step == 0:
            _follow_shares(structure, state.plan, k)
            continue
        fill_outlook(clock, structure, world, state, tally, step, k)
        fill_worth(clock, structure, world, state, k)
        solve(clock, structure, world, state, k)
        _set_packages(clock, structure, state, k)
        _set_wafers(structure, state.plan, k)
        _set_phones(clock, structure, world, state, step, k)


@stage_jit
def _follow_mix(structure: Structure, world: World, state: State, row: int, n: int) -> None:
    """Take the plan of a quarter from the mix of the world."""
    plan = state.plan
    for entry in range(structure.entry.shape[0]):
        for k in range(n):
            plan.entry[entry, k] = world.mix_entry[row, entry, k]
    for i in range(structure.product.shape[0]):
        for rank in range(structure.product_pool.shape[1]):
            for k in range(n):
                plan.packages[i, rank, k] = world.mix_product[row, i, rank, k]
                if row == 0:
                    state.planned[i, rank, k] = 0.0


@stage_jit
def _follow_shares(structure: Structure, plan: Plan, k: int) -> None:
    """Plan nothing: wafers and packages follow the shares."""
    for entry in range(structure.entry.shape[0]):
        plan.entry[entry, k] = -1.0
    for i in range(structure.product.shape[0]):
        for rank in range(structure.product_pool.shape[1]):
            plan.packages[i, rank, k] = np.inf


@stage_jit
def _set_packages(clock: Clock, structure: Structure, state: State, k: int) -> None:
    """Set the packages per step of the first period; what was due before is planned anew."""
    plan = state.plan
    per_step = _ROOM * _THOUSAND / clock.steps_per_quarter
    for i in range(structure.product.shape[0]):
        for rank in range(structure.product_pool.shape[1]):
            state.planned[i, rank, k] = 0.0
            plan.packages[i, rank, k] = np.inf
            if structure.planning.product[i] == 1:
                j = plan.package_column[0, i, rank]
                plan.packages[i, rank, k] = plan.chosen[j] * per_step if j >= 0 else 0.0


@inline_jit
def _starts_now(plan: Plan, entry: int, route: int) -> float:
    """Return the wafers chosen of an entry that start in the quarter, in thousands."""
    wafers = 0.0
    for q in range(PERIODS):
        first, last = starts_from(plan, q, route), starts_until(plan, q, route)
        if plan.wafer_column[q, entry] >= 0 and last > first and first < 1.0:
            part = (min(last, 1.0) - first) / (last - first)
            wafers += part * plan.chosen[plan.wafer_column[q, entry]]
    return wafers


@stage_jit
def _set_wafers(structure: Structure, plan: Plan, k: int) -> None:
    """Set the part of the AI wafers of each design in the quarter.

    The line uses the part of its AI wafers that the wafers chosen take, and some to spare, in the
    proportion of those of designs that have a share now.
    """
    for route in range(structure.route.shape[0]):
        chosen, can_start, there = 0.0, 0.0, plan.wafers_now[route] / _THOUSAND
        first, end = structure.route[route].first_entry, structure.route[route].end_entry
        for entry in range(first, end):
            plan.entry[entry, k] = -1.0
            if structure.planning.entry[entry] == AI_ENTRY:
                wafers = _starts_now(plan, entry, route)
                chosen += wafers
                can_start += wafers * plan.open_now[entry]
        if there <= 0.0:
            continue
        used = min(1.0, _SPARE_WAFERS * chosen / there)
        for entry in range(first, end):
            if structure.planning.entry[entry] == AI_ENTRY:
                wafers = _starts_now(plan, entry, route) * plan.open_now[entry]
                plan.entry[entry, k] = used * wafers / can_start if can_start > 0.0 else 0.0


@stage_jit
def _set_phones(
    clock: Clock, structure: Structure, world: World, state: State, step: int, k: int
) -> None:
    """Give AI wafers that the plan leaves to phone designs, up to the demand of their products."""
    plan = state.plan
    for die in range(structure.die.shape[0]):
        more = np.inf
        for route in range(structure.route.shape[0]):
            first, end = structure.route[route].first_entry, structure.route[route].end_entry
            for entry in range(first, end):
                if structure.entry[entry].die != die or plan.open_now[entry] == 0:
                    continue
                each = counted_tested(structure, plan, entry)
                if structure.planning.entry[entry] != PHONE_ENTRY or each <= 0.0:
                    continue
                if more == np.inf:
                    more = _phone_dies_short(clock, structure, world, state, die, step, k)
                idle = plan.wafers_now[route] * _idle_part(structure, plan, route, k)
                wafers = min(idle, more / each)
                if wafers > 0.0:
                    plan.entry[entry, k] = wafers / plan.wafers_now[route]
                    more -= wafers * each


@inline_jit
def _idle_part(structure: Structure, plan: Plan, route: int, k: int) -> float:
    """Return the part of the AI wafers of a route that is not given yet."""
    idle = 1.0
    for entry in range(structure.route[route].first_entry, structure.route[route].end_entry):
        if structure.planning.entry[entry] == AI_ENTRY and plan.entry[entry, k] < 0.0:
            return 0.0  # the route follows the shares
        idle -= max(0.0, plan.entry[entry, k])
    return max(0.0, idle)


@stage_jit
def _phone_dies_short(
    clock: Clock, structure: Structure, world: World, state: State, die: int, step: int, k: int
) -> float:
    """Return the dies of a phone design that a quarter's demand asks for beyond its shares."""
    short, plan = 0.0, state.plan
    lows, highs, drawn = structure.curve_low, structure.curve_high, world.curve
    for i in range(structure.product.shape[0]):
        product = structure.product[i]
        if product.die == die:
            if product.demand_curve < 0 or clock.no_demand_limit:
                return np.inf
            demand = curve_value(lows, highs, drawn, product.demand_curve, step, k)
            short += demand * product.dies_per_package
    for b in range(structure.die[die].bins):
        short -= state.die_bin[die, b].stock[k]
    for route in range(structure.route.shape[0]):
        first, end = structure.route[route].first_entry, structure.route[route].end_entry
        for entry in range(first, end):
            if structure.entry[entry].die == die:
                wafers = _share_wafers(structure, world, plan, route, entry, step, k)
                short -= wafers * counted_tested(structure, plan, entry)
    return max(0.0, short)


@inline_jit
def _share_wafers(
    structure: Structure,
    world: World,
    plan: Plan,
    route: int,
    entry: int,
    step: int,
    k: int,
) -> float:
    """Return the wafers that an entry has in the quarter by its share."""
    lows, highs, drawn = structure.curve_low, structure.curve_high, world.curve
    own = curve_value(lows, highs, drawn, structure.entry[entry].share_curve, step, k)
    _, ai, _ = weight_sums(structure, world, route, step, k)
    return plan.wafers_now[route] * max(0.0, own) / ai if ai > 0.0 else 0.0
