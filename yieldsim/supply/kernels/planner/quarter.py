"""The plan of a quarter: made by the planner, or given by a mix."""

from __future__ import annotations

import numpy as np

from yieldsim.kernels.jit import stage_jit
from yieldsim.supply.kernels.planner.outlook import (
    fill_lanes,
    fill_outlook,
    starts_from,
    starts_until,
)
from yieldsim.supply.kernels.planner.phones import set_phones
from yieldsim.supply.kernels.planner.program import solve
from yieldsim.supply.kernels.planner.worth import fill_worth
from yieldsim.supply.kernels.records import (
    AI_ENTRY,
    PERIODS,
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


@stage_jit
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
    if step == 0:
        _follow_shares(structure, state.plan, n)
        return
    fill_lanes(clock, structure, world, state, tally, step, n)
    for k in range(n):
        lead = state.plan.lead[k]
        fill_outlook(clock, structure, world, state, step, lead, k)
        fill_worth(clock, structure, world, state, k)
        solve(clock, structure, world, state, k)
        _set_packages(clock, structure, state, k)
        _set_wafers(structure, state.plan, k)
        set_phones(clock, structure, world, state, step, lead, k)


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
def _follow_shares(structure: Structure, plan: Plan, n: int) -> None:
    """Plan nothing: wafers and packages follow the shares."""
    for entry in range(structure.entry.shape[0]):
        for k in range(n):
            plan.entry[entry, k] = -1.0
    for i in range(structure.product.shape[0]):
        for rank in range(structure.product_pool.shape[1]):
            for k in range(n):
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


@stage_jit
def _starts_now(plan: Plan, entry: int, route: int, k: int) -> float:
    """Return the wafers chosen of an entry that start in the quarter, in thousands."""
    wafers = 0.0
    for q in range(PERIODS):
        first, last = starts_from(plan, q, route, k), starts_until(plan, q, route, k)
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
                wafers = _starts_now(plan, entry, route, k)
                chosen += wafers
                can_start += wafers * plan.open_now[entry]
        if there <= 0.0:
            continue
        used = min(1.0, _SPARE_WAFERS * chosen / there)
        for entry in range(first, end):
            if structure.planning.entry[entry] == AI_ENTRY:
                wafers = _starts_now(plan, entry, route, k) * plan.open_now[entry]
                plan.entry[entry, k] = used * wafers / can_start if can_start > 0.0 else 0.0
