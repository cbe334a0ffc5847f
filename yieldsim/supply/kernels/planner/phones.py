"""Wafers of phone designs: what their products need, first by shares, then of idle AI wafers."""

from __future__ import annotations

import numpy as np

from yieldsim.kernels.jit import stage_jit
from yieldsim.supply.kernels.effects import effects_on_starts
from yieldsim.supply.kernels.fab import planned_starts
from yieldsim.supply.kernels.planner.expected import demand_expected, read_at, weight_sums
from yieldsim.supply.kernels.records import (
    AI_ENTRY,
    PHONE_ENTRY,
    Clock,
    Plan,
    State,
    Structure,
    World,
)

_MIDDLE = 0.5  # of the quarter, where the shares of phone designs are read


@stage_jit
def set_phones(
    clock: Clock, structure: Structure, world: World, state: State, step: int, lead: float, k: int
) -> None:
    """Set the wafers of phone designs in the lines whose AI wafers the plan divides."""
    for die in range(structure.die.shape[0]):
        made = False
        for entry in range(structure.entry.shape[0]):
            if structure.entry[entry].die == die:
                made |= structure.planning.entry[entry] == PHONE_ENTRY
        if made:
            _set_design(clock, structure, world, state, die, step, lead, k)


@stage_jit
def _set_design(
    clock: Clock,
    structure: Structure,
    world: World,
    state: State,
    die: int,
    step: int,
    lead: float,
    k: int,
) -> None:
    """Set the part of its shares that a phone design keeps, and the idle AI wafers that it gets.

    The lines keep the same part. Lines without AI wafers follow the shares.
    """
    plan, by_shares = state.plan, 0.0
    short = _dies_short(clock, structure, world, state, die, step, lead, k)
    for route in range(structure.route.shape[0]):
        first, end = structure.route[route].first_entry, structure.route[route].end_entry
        for entry in range(first, end):
            if structure.entry[entry].die == die:
                wafers = _share_wafers(clock, structure, world, plan, route, entry, step, lead, k)
                if plan.wafers_now[route] > 0.0:
                    by_shares += wafers * plan.counted[entry]
                else:
                    short -= wafers * plan.counted[entry]
    short = max(0.0, short)
    kept = min(1.0, short / by_shares) if by_shares > 0.0 else 1.0
    more = short - by_shares
    for route in range(structure.route.shape[0]):
        first, end = structure.route[route].first_entry, structure.route[route].end_entry
        for entry in range(first, end):
            if structure.entry[entry].die != die or plan.wafers_now[route] <= 0.0:
                continue
            plan.kept[entry, k], plan.entry[entry, k] = kept, 0.0
            each = plan.counted[entry]
            if plan.open_now[entry] == 1 and each > 0.0 and more > 0.0:
                idle = plan.wafers_now[route] * _idle_part(structure, plan, route, k)
                wafers = min(idle, more / each)
                plan.entry[entry, k] = wafers / plan.wafers_now[route]
                more -= wafers * each


@stage_jit
def _idle_part(structure: Structure, plan: Plan, route: int, k: int) -> float:
    """Return the part of the AI wafers of a route that is not given yet."""
    idle = 1.0
    for entry in range(structure.route[route].first_entry, structure.route[route].end_entry):
        if structure.planning.entry[entry] in (AI_ENTRY, PHONE_ENTRY):
            idle -= max(0.0, plan.entry[entry, k])
    return max(0.0, idle)


@stage_jit
def _dies_short(
    clock: Clock,
    structure: Structure,
    world: World,
    state: State,
    die: int,
    step: int,
    lead: float,
    k: int,
) -> float:
    """Return the dies that a phone design lacks for its demand up to the end of the second period.

    That is a quarter after the dies of the wafers started now have come. They come beside those in
    stock, in the line and of die banks.
    """
    short, until = 0.0, state.plan.edge[2, k]
    for i in range(structure.product.shape[0]):
        product = structure.product[i]
        if product.die == die:
            if product.demand_curve < 0 or clock.no_demand_limit:
                return np.inf
            demand = demand_expected(clock, structure, world, i, step, 0.0, until, lead, k)
            short += demand * product.dies_per_package
    for b in range(structure.die[die].bins):
        short -= state.plan.dies[0, die, b] + state.plan.dies[1, die, b]
    return short


@stage_jit
def _share_wafers(
    clock: Clock,
    structure: Structure,
    world: World,
    plan: Plan,
    route: int,
    entry: int,
    step: int,
    lead: float,
    k: int,
) -> float:
    """Return the wafers that an entry has in the quarter by its share."""
    at = read_at(clock, structure, step, _MIDDLE, lead)
    total, _, _ = weight_sums(structure, world, plan, route, at, k)
    fab = structure.route[route].fab
    if at < effects_on_starts(structure.effect, structure.effect_on_fab[:, fab]) or total <= 0.0:
        return 0.0
    own = max(0.0, plan.share[entry])
    starts = planned_starts(clock, structure, world, route, at, k) * clock.steps_per_quarter
    return starts * plan.started_part[route, k] * own / total
