"""What a planner expects of schedules: announced up to a lead time, the last known value beyond."""

from __future__ import annotations

import math

from yieldsim.kernels.jit import inline_jit, stage_jit
from yieldsim.supply.kernels.arrivals import stacks_arriving
from yieldsim.supply.kernels.curves import curve_value
from yieldsim.supply.kernels.effects import effects_on_starts
from yieldsim.supply.kernels.fab import planned_starts
from yieldsim.supply.kernels.records import AI_ENTRY, Clock, Plan, State, Structure, World
from yieldsim.units import MONTHS_PER_QUARTER

DATES = 4  # of a period at which schedules are read
_ROUNDING = 1e-6  # steps by which a date may be early for its step


@inline_jit
def date(first: float, last: float, number: int) -> float:
    """Return one of the dates of a period, in quarters from now."""
    return first + (last - first) * (number + 0.5) / DATES


@stage_jit
def read_at(clock: Clock, structure: Structure, step: int, ahead: float, lead: float) -> int:
    """Return the step at which a schedule is read for a date: no later than is announced."""
    known = min(ahead, lead) * clock.steps_per_quarter
    return min(step + math.floor(known + _ROUNDING), structure.curve_low.shape[1] - 1)


@stage_jit
def stacks_expected(
    clock: Clock,
    structure: Structure,
    world: World,
    state: State,
    pool: int,
    step: int,
    first: float,
    last: float,
    lead: float,
    k: int,
) -> float:
    """Return the stacks that arrive in a pool in a period."""
    stacks, now, read, there = 0.0, 0.0, -1, 0.0  # `there` at the step read last
    if last > lead:
        now = stacks_arriving(clock, structure, world, state, pool, step, k)
    for number in range(DATES):
        ahead = date(first, last, number)
        at = read_at(clock, structure, step, ahead, lead)
        if at != read:
            read, there = at, stacks_arriving(clock, structure, world, state, pool, at, k)
        expected = there
        if ahead > lead:
            if structure.pool[pool].wafers_curve < 0:
                expected = min(expected, now)
            elif at > step:
                growth = (expected - now) * clock.steps_per_quarter / (at - step)
                expected += max(0.0, growth) * (ahead - lead)
        stacks += expected
    return stacks * clock.steps_per_quarter * (last - first) / DATES


@stage_jit
def banked_expected(
    clock: Clock,
    structure: Structure,
    world: World,
    curve: int,
    step: int,
    first: float,
    last: float,
    lead: float,
    k: int,
) -> float:
    """Return the dies that a die bank releases in a period."""
    lows, highs, drawn = structure.curve_low, structure.curve_high, world.curve
    dies, now, read, released = 0.0, 0.0, -1, 0.0  # `released` at the step read last
    if last > lead:
        now = curve_value(lows, highs, drawn, curve, step, k)
    for number in range(DATES):
        ahead = date(first, last, number)
        at = read_at(clock, structure, step, ahead, lead)
        if at != read:
            read, released = at, curve_value(lows, highs, drawn, curve, at, k)
        dies += min(released, now) if ahead > lead else released
    return dies * (last - first) / DATES


@stage_jit
def capacity_expected(
    clock: Clock,
    structure: Structure,
    world: World,
    line: int,
    step: int,
    first: float,
    last: float,
    lead: float,
    k: int,
) -> float:
    """Return the capacity of a packaging line in a period."""
    lows, highs, drawn = structure.curve_low, structure.curve_high, world.curve
    curve, capacity, read, there = structure.line[line].capacity_curve, 0.0, -1, 0.0
    for number in range(DATES):
        at = read_at(clock, structure, step, date(first, last, number), lead)
        if at != read:
            read, there = at, curve_value(lows, highs, drawn, curve, at, k)
        capacity += there
    return capacity * MONTHS_PER_QUARTER * (last - first) / DATES


@stage_jit
def weight_sums(
    structure: Structure, world: World, plan: Plan, route: int, step: int, k: int
) -> tuple[float, float, float]:
    """Return the sums of the weights of a route's entries in a step; fill ``plan.share``.

    They are those of all entries, of the AI designs of plans, and of the AI designs without a share
    of the AI wafers (see `share_wafers`).
    """
    lows, highs, drawn = structure.curve_low, structure.curve_high, world.curve
    total, ai, for_ai, shared, shared_ai = 0.0, 0.0, 0.0, 0.0, 0.0
    for entry in range(structure.route[route].first_entry, structure.route[route].end_entry):
        design = structure.entry[entry]
        plan.share[entry] = curve_value(lows, highs, drawn, design.share_curve, step, k)
        own = max(0.0, plan.share[entry])
        planned = 1.0 if structure.planning.entry[entry] == AI_ENTRY else 0.0
        if design.shares_ai == 1:
            shared += own
            shared_ai += own * planned
        else:
            total += own
            ai += own * planned
            for_ai += own * design.for_ai
    scale = for_ai / (1.0 - shared) if shared > 0.0 else 0.0
    return total + shared * scale, ai + shared_ai * scale, for_ai


@stage_jit
def wafers_expected(
    clock: Clock,
    structure: Structure,
    world: World,
    state: State,
    route: int,
    step: int,
    first: float,
    last: float,
    lead: float,
    k: int,
) -> float:
    """Return the AI wafers that a route starts between two dates; mark the entries with a share.

    ``state.plan.open_now`` receives 1 for each entry that has a share at one of the dates.
    """
    plan, fab, wafers = state.plan, structure.route[route].fab, 0.0
    read, total, planned = -1, 0.0, 0.0  # the weights and the plan of the step read last
    begin = effects_on_starts(structure.effect, structure.effect_on_fab[:, fab])
    for entry in range(structure.route[route].first_entry, structure.route[route].end_entry):
        plan.open_now[entry] = 0
    now = 0.0  # the rate from which the plan is expected to grow on
    if last > lead and step >= begin:
        total, ai, _ = weight_sums(structure, world, plan, route, step, k)
        if total > 0.0:
            now = planned_starts(clock, structure, world, route, step, k) * ai / total
    for number in range(DATES):
        ahead = date(first, last, number)
        at = read_at(clock, structure, step, ahead, lead)
        if at < begin:
            continue
        if at != read:
            read = at
            total, ai, for_ai = weight_sums(structure, world, plan, route, at, k)
            _open_entries(structure, plan, route, for_ai)
            if total > 0.0:
                planned = planned_starts(clock, structure, world, route, at, k) * ai / total
        if total > 0.0:
            rate = planned
            if ahead > lead and at > step:
                growth = (rate - now) * clock.steps_per_quarter / (at - step)
                rate += max(0.0, growth) * (ahead - lead)
            wafers += rate
    per_quarter = plan.started_part[route, k] * clock.steps_per_quarter
    return wafers * per_quarter * (last - first) / DATES


@stage_jit
def _open_entries(structure: Structure, plan: Plan, route: int, for_ai: float) -> None:
    """Mark the entries of a route that have a share at the step read last."""
    for entry in range(structure.route[route].first_entry, structure.route[route].end_entry):
        if plan.share[entry] > 0.0 and (structure.entry[entry].shares_ai == 0 or for_ai > 0.0):
            plan.open_now[entry] = 1


@stage_jit
def demand_expected(
    clock: Clock,
    structure: Structure,
    world: World,
    i: int,
    step: int,
    first: float,
    last: float,
    lead: float,
    k: int,
) -> float:
    """Return a product's most packages in a period: 0 out of production, inf without demand."""
    lows, highs, drawn = structure.curve_low, structure.curve_high, world.curve
    product, packages = structure.product[i], 0.0
    for number in range(DATES):
        ahead = date(first, last, number)
        at = read_at(clock, structure, step, ahead, lead)
        if not in_production(clock, structure, world, i, step, ahead, lead, k):
            continue
        share = 1.0
        if product.share_curve >= 0:
            share = curve_value(lows, highs, drawn, product.share_curve, at, k)
        if share <= 0.0:
            continue
        if product.demand_curve < 0 or clock.no_demand_limit:
            return math.inf
        packages += curve_value(lows, highs, drawn, product.demand_curve, at, k)
    return packages * (last - first) / DATES


@stage_jit
def in_production(
    clock: Clock,
    structure: Structure,
    world: World,
    i: int,
    step: int,
    ahead: float,
    lead: float,
    k: int,
) -> bool:
    """Return whether a product is expected to be in production at a date.

    A slip is known once the date that it leads to is announced. Until then the roadmap is believed,
    but nothing begins or ends within the time that is announced.
    """
    product, slip = structure.product[i], world.product[i].slip_quarters[k]
    per_quarter = float(clock.steps_per_quarter)
    start = (product.start_step - step) / per_quarter
    end = (product.end_step - step) / per_quarter
    start = start + slip if start + slip <= lead else max(start, lead)
    end = end + slip if end + slip <= lead else max(end, lead)
    return start <= ahead < end
