"""The dies that arrive under any plan, by lane: in stock, from die banks, and in the lines."""

from __future__ import annotations

from yieldsim.kernels.jit import inline_jit, stage_jit
from yieldsim.supply.kernels.planner.expected import banked_expected
from yieldsim.supply.kernels.records import PERIODS, Clock, Floats, State, Structure, World


@stage_jit
def fill_arriving(
    clock: Clock, structure: Structure, world: World, state: State, step: int, n: int
) -> None:
    """Fill ``plan.arriving`` for the periods of each lane."""
    _fill_stock(structure, state, n)
    _add_banks(clock, structure, world, state, step, n)
    for route in range(structure.route.shape[0]):
        oldest = step
        for k in range(n):
            oldest = min(oldest, int(state.route[route].oldest_cohort[k]))
        for t in range(oldest, step):
            for q in range(PERIODS):
                if _fill_leaving(clock, structure, world, state, route, t, step, q, n):
                    _add_cohort(structure, state, route, t, q, n)


@stage_jit
def _fill_stock(structure: Structure, state: State, n: int) -> None:
    """Begin with the dies in stock, which are there from the first period on."""
    for q in range(PERIODS):
        for die in range(structure.die.shape[0]):
            for b in range(structure.die[die].bins):
                for k in range(n):
                    stock = state.die_bin[die, b].stock[k]
                    state.plan.arriving[q, die, b, k] = stock if q == 0 else 0.0


@stage_jit
def _add_banks(
    clock: Clock, structure: Structure, world: World, state: State, step: int, n: int
) -> None:
    """Add the dies of die banks."""
    plan = state.plan
    for number in range(structure.bank.shape[0]):
        bank = structure.bank[number]
        for q in range(PERIODS):
            for k in range(n):
                plan.arriving[q, bank.die, bank.bin, k] += banked_expected(
                    clock,
                    structure,
                    world,
                    bank.draw_curve,
                    step,
                    plan.edge[q, k],
                    plan.edge[q + 1, k],
                    plan.lead[k],
                    k,
                )


@stage_jit
def _fill_leaving(
    clock: Clock,
    structure: Structure,
    world: World,
    state: State,
    route: int,
    t: int,
    step: int,
    q: int,
    n: int,
) -> bool:
    """Fill the wafers left of a cohort that leave in a period and are kept; return whether any."""
    plan, process = state.plan, world.process[structure.route[route].process]
    cohort, most = state.cohort[route, t], 0.0
    for k in range(n):
        kept = cohort.remaining[k] * process.line_yield[k] * (1.0 - process.engineering_fraction[k])
        begin = (t - step) / clock.steps_per_quarter + plan.cycle[route, k]
        end = begin + 1.0 / clock.steps_per_quarter
        first = begin if q == 0 else max(begin, plan.edge[q, k])
        part = max(0.0, min(end, plan.edge[q + 1, k]) - first) * clock.steps_per_quarter
        gone = t < int(state.route[route].oldest_cohort[k])
        plan.leaving[k] = 0.0 if gone else max(0.0, kept * part)
        most = max(most, plan.leaving[k])
    return most > 0.0


@stage_jit
def _add_cohort(structure: Structure, state: State, route: int, t: int, q: int, n: int) -> None:
    """Add the AI and phone dies of the wafers of a cohort that leave in a period."""
    plan = state.plan
    for entry in range(structure.route[route].first_entry, structure.route[route].end_entry):
        if structure.planning.entry[entry] == 0:
            continue
        most = 0.0
        for k in range(n):
            most = max(most, state.weight[t, entry, k])
        if most <= 0.0:
            continue
        die, shares = structure.entry[entry].die, state.bin_yield[t, entry]
        bins = structure.die[die].bins
        for k in range(n):
            weight = state.weight[t, entry, k]
            dies = plan.leaving[k] * weight * state.die[die].gross_dies[k]
            dies *= with_bad(shares, bins, k)
            plan.tested_dies[k] = dies if weight > 0.0 else 0.0  # without a share, yields are old
        for b in range(bins):
            for k in range(n):
                plan.arriving[q, die, b, k] += plan.tested_dies[k] * shares[b, k]


@inline_jit
def with_bad(shares: Floats, bins: int, k: int) -> float:
    """Return the dies that pass the test over the good ones; bad ones spread over bins alike."""
    passed = 0.0
    for b in range(bins):
        passed += shares[b, k]
    return (passed + shares[shares.shape[0] - 1, k]) / passed if passed > 0.0 else 0.0
