"""The numbers of a plan: what is in stock, in the line and expected, in the lane planned."""

from __future__ import annotations

import math

from yieldsim.kernels.jit import stage_jit
from yieldsim.supply.kernels.dies import die_tails, sort_dies
from yieldsim.supply.kernels.planner.expected import (
    capacity_expected,
    demand_expected,
    stacks_expected,
    wafers_expected,
)
from yieldsim.supply.kernels.planner.stocks import fill_arriving, with_bad
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

_LONGEST = 8.0  # quarters in a line that a plan takes into account
_TWO_YEARS = 8.0


@stage_jit
def fill_lanes(
    clock: Clock, structure: Structure, world: World, state: State, tally: Tally, step: int, n: int
) -> None:
    """Fill the working numbers of plans that are filled for all lanes at once."""
    for k in range(n):
        _fill_periods(clock, structure, state, tally, step, k)
    fill_arriving(clock, structure, world, state, step, n)
    _try_wafers(structure, world, state, n)


@stage_jit
def fill_outlook(
    clock: Clock, structure: Structure, world: World, state: State, step: int, lead: float, k: int
) -> None:
    """Fill the working numbers of the plan of lane ``k``."""
    _fill_wafers(clock, structure, world, state, step, lead, k)
    _fill_stacks(clock, structure, world, state, step, lead, k)
    plan = state.plan
    for q in range(PERIODS):
        first, last = plan.edge[q, k], plan.edge[q + 1, k]
        for line in range(structure.line.shape[0]):
            capacity = capacity_expected(clock, structure, world, line, step, first, last, lead, k)
            plan.capacity[q, line] = capacity
        for i in range(structure.product.shape[0]):
            plan.wanted[q, i] = 0.0
            if structure.planning.product[i] == 1:
                plan.wanted[q, i] = demand_expected(
                    clock, structure, world, i, step, first, last, lead, k
                )
        for die in range(structure.die.shape[0]):
            for b in range(structure.die[die].bins):
                plan.dies[q, die, b] = plan.arriving[q, die, b, k]
    _fill_tested(structure, state, k)


@stage_jit
def _fill_periods(
    clock: Clock, structure: Structure, state: State, tally: Tally, step: int, k: int
) -> None:
    """Fill the cycle time of each route, its part of the plan started, and the periods."""
    plan, longest, row = state.plan, 0.0, structure.row[step - 1]
    for route in range(structure.route.shape[0]):
        steps = 0.0
        for s in range(structure.route[route].segments):
            steps += state.segment[route, s].pace_steps[k]
        booked = tally.route[row, route]
        if row < clock.quarters:  # longer where wafers wait for the bottleneck
            steps = max(steps, booked.cycle_time_days[k] / clock.days_per_step)
        plan.cycle[route, k] = min(_LONGEST, steps / clock.steps_per_quarter)
        planned = booked.wafer_plan[k]
        plan.started_part[route, k] = 1.0 if planned <= 0.0 else booked.wafer_starts[k] / planned
        for entry in range(structure.route[route].first_entry, structure.route[route].end_entry):
            if structure.planning.entry[entry] == AI_ENTRY:
                longest = max(longest, plan.cycle[route, k])
    plan.edge[0, k] = 0.0
    plan.edge[1, k] = 1.0
    plan.edge[2, k] = longest + 2.0
    plan.edge[3, k] = longest + 2.0 + _TWO_YEARS
    plan.lead[k] = longest + 1.0


@stage_jit
def starts_from(plan: Plan, q: int, route: int, k: int) -> float:
    """Return the first date at which wafers start whose dies come out in a period."""
    return max(0.0, plan.edge[q, k] - plan.cycle[route, k])


@stage_jit
def starts_until(plan: Plan, q: int, route: int, k: int) -> float:
    """Return the last date at which wafers start whose dies come out in a period."""
    return max(0.0, plan.edge[q + 1, k] - plan.cycle[route, k])


@stage_jit
def _fill_wafers(
    clock: Clock, structure: Structure, world: World, state: State, step: int, lead: float, k: int
) -> None:
    """Fill the AI wafers of each route by period and in the quarter, and who may have them."""
    plan = state.plan
    for route in range(structure.route.shape[0]):
        span = range(structure.route[route].first_entry, structure.route[route].end_entry)
        for q in range(PERIODS):
            first, last = starts_from(plan, q, route, k), starts_until(plan, q, route, k)
            plan.wafers[q, route] = 0.0
            for entry in span:
                plan.open_in[q, entry] = 0
            if last > first:
                wafers = wafers_expected(
                    clock, structure, world, state, route, step, first, last, lead, k
                )
                plan.wafers[q, route] = wafers
                for entry in span:
                    plan.open_in[q, entry] = plan.open_now[entry]
        plan.wafers_now[route] = wafers_expected(
            clock, structure, world, state, route, step, 0.0, 1.0, lead, k
        )


@stage_jit
def _fill_stacks(
    clock: Clock, structure: Structure, world: World, state: State, step: int, lead: float, k: int
) -> None:
    """Fill the stacks that may be used up to the end of each period, those of a stockpile paced."""
    plan = state.plan
    for pool in range(structure.pool.shape[0]):
        there = state.stacks[pool, k]
        pace, begun = math.inf, step >= structure.pool[pool].paced_step
        slip = world.pool[pool].lasts_slip_quarters[k]
        left = (structure.pool[pool].last_step - step) / clock.steps_per_quarter + slip
        if begun and 0.0 < left < math.inf:
            announced = stacks_expected(
                clock, structure, world, state, pool, step, 0.0, min(lead, left), lead, k
            )
            pace = (there + announced) / max(1.0, left)
        for q in range(PERIODS):
            first, last = plan.edge[q, k], plan.edge[q + 1, k]
            there += stacks_expected(
                clock, structure, world, state, pool, step, first, last, lead, k
            )
            paced = last < left and pace < math.inf
            plan.stacks[q, pool] = min(there, pace * last) if paced else there


@stage_jit
def _try_wafers(structure: Structure, world: World, state: State, n: int) -> None:
    """Fill the tested dies of a wafer of each AI and phone design that starts now, by lane."""
    work, shares = state.sorting, state.shares
    for route in range(structure.route.shape[0]):
        wafers, process = state.route[route], world.process[structure.route[route].process]
        for entry in range(structure.route[route].first_entry, structure.route[route].end_entry):
            die, out = structure.entry[entry].die, state.plan.tried[entry]
            if structure.planning.entry[entry] == 0:
                continue
            design, values = structure.die[die], world.die[die]
            for k in range(n):
                work.alpha[k] = process.alpha[k]
            die_tails(
                values,
                design,
                structure.min_good[die],
                structure.harvest[die],
                structure.bin_table[die],
                wafers.d0_per_cm2,
                work,
                state.tail,
                0,
                n,
            )
            survive = wafers.systematic_yield
            sort_dies(design.bins, values, survive, state.tail, shares, 0, n)
            for k in range(n):
                kept = process.line_yield[k] * (1.0 - process.engineering_fraction[k])
                passed = with_bad(shares, design.bins, k) * kept * state.die[die].gross_dies[k]
                for b in range(design.bins):
                    out[b, k] = shares[b, k] * passed


@stage_jit
def _fill_tested(structure: Structure, state: State, k: int) -> None:
    """Fill the tested dies of a wafer of each entry with a share, if it started now.

    ``plan.counted`` are those in bins that a planned product can take.
    """
    plan = state.plan
    for entry in range(structure.entry.shape[0]):
        die, out = structure.entry[entry].die, plan.tested[entry]
        asked = plan.open_now[entry]
        for q in range(PERIODS):
            asked += plan.open_in[q, entry]
        plan.counted[entry] = 0.0
        for b in range(out.shape[0]):
            out[b] = 0.0
        if asked == 0 or structure.planning.entry[entry] == 0:
            continue  # before its design is read: wafers of no design have none
        for b in range(structure.die[die].bins):
            out[b] = plan.tried[entry, b, k]
            plan.counted[entry] += out[b] * structure.planning.counted[die, b]
