"""Who gets what of tested dies, memory and packaging in a step, and what binds.

Products of a tier share in proportion to what they need; a later tier takes what is left. Where a
mix is given, products follow it in place of their shares: each may begin what the mix has asked of
it so far.
"""

from __future__ import annotations

import numpy as np

from yieldsim.kernels.jit import apart_jit, inline_jit, stage_jit
from yieldsim.outputs import DEMAND, DIE_BANK, MEMORY, MIX, NOT_IN_PRODUCTION, PACKAGING
from yieldsim.supply.kernels.arrivals import receive
from yieldsim.supply.kernels.assembly import packages_of_dies, start_packages
from yieldsim.supply.kernels.curves import curve_value
from yieldsim.supply.kernels.records import (
    Clock,
    Floats,
    ProductState,
    State,
    Structure,
    Tally,
    World,
)

_HELD_BACK = 1.0 - 1e-12
_NEXT_TO_NONE = 1e-200  # the weight of a product in production of which the mix asks nothing


@stage_jit
def activate(
    clock: Clock, structure: Structure, world: World, state: State, step: int, row: int, n: int
) -> None:
    """Fill each product's share of its die's stock: weights of those in production."""
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
    if _mixes(clock, row):
        for i in range(structure.product.shape[0]):
            _follow_mix(structure, world.mix_product[row, i], state, i, n)
    for d in range(structure.die.shape[0]):
        _divide(structure, state, d, n)


@stage_jit
def _mixes(clock: Clock, row: int) -> bool:
    """Return whether packages follow a mix in a row of the results; the warm-up never does."""
    return clock.mixed and row < clock.quarters


@stage_jit
def _follow_mix(structure: Structure, mix: Floats, state: State, i: int, n: int) -> None:
    """Add the packages that the mix asks of a product in the step, and weigh the product by them.

    The weight is the dies of all packages that are due. A product of which the mix asks without
    bound keeps the weight of its share.
    """
    each, now = structure.product[i].dies_per_package, state.product[i]
    for rank in range(mix.shape[0]):
        for k in range(n):
            state.planned[i, rank, k] += mix[rank, k]
    for k in range(n):
        due = _due(state, i, k)
        if now.die_share[k] > 0.0 and due < np.inf:
            now.die_share[k] = max(_NEXT_TO_NONE, due * each)


@stage_jit
def _due(state: State, i: int, k: int) -> float:
    """Return the packages that the mix has asked of a product and that are not begun yet."""
    due = 0.0
    for rank in range(state.planned.shape[1]):
        due += state.planned[i, rank, k]
    return due


@stage_jit
def _divide(structure: Structure, state: State, d: int, n: int) -> None:
    """Turn the weights of the products of one die into shares."""
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
    mixes = _mixes(clock, row)
    lows, highs, drawn = structure.curve_low, structure.curve_high, world.curve
    for i in range(structure.product.shape[0]):
        product, now = structure.product[i], state.product[i]
        for k in range(n):
            now.wanted[k] = 0.0
            now.granted[k] = 0.0
            now.limit[k] = NOT_IN_PRODUCTION
        for rank in range(state.taken.shape[1]):
            for k in range(n):
                state.taken[i, rank, k] = 0.0
        for k in range(n):
            if now.die_share[k] <= 0.0:
                continue
            now.wanted[k] = packages_of_dies(structure, state, i, k)
            now.limit[k] = _scarce_die(state, product.die, k)
            if product.demand_curve >= 0 and not clock.no_demand_limit:
                wanted = curve_value(lows, highs, drawn, product.demand_curve, step, k)
                wanted /= clock.steps_per_quarter
                if wanted < now.wanted[k]:
                    now.wanted[k] = wanted
                    now.limit[k] = DEMAND
            if mixes and _due(state, i, k) < now.wanted[k]:
                now.wanted[k] = _due(state, i, k)
                now.limit[k] = MIX


@stage_jit
def _scarce_die(state: State, die: int, k: int) -> float:
    """Return what holds a design down: the bank where it gives more dies, or the fabs' limit."""
    banked = state.die[die].from_banks[k] > state.die[die].from_fabs[k]
    return DIE_BANK if banked else state.die[die].limit[k]


@stage_jit
def grant_other_dies(structure: Structure, state: State, first: int, last: int, n: int) -> None:
    """Cut the wants of a tier to the dies of other designs (I/O dies) that are in stock.

    Those that share a design are cut in proportion.
    """
    for d in range(structure.die.shape[0]):
        need = state.scratch.need
        asked = False
        for k in range(n):
            need[k] = 0.0
        for row in range(structure.other.shape[0]):
            i, count = structure.other[row].product, structure.other[row].count
            if structure.other[row].die == d and first <= i < last:
                asked = True
                for k in range(n):
                    need[k] += state.product[i].wanted[k] * count
        if not asked:
            continue
        for row in range(structure.other.shape[0]):
            i = structure.other[row].product
            if structure.other[row].die == d and first <= i < last:
                for k in range(n):
                    dies = _in_stock(state, d, k)
                    if need[k] > dies and state.product[i].wanted[k] > 0.0:
                        state.product[i].wanted[k] *= dies / need[k]
                        state.product[i].limit[k] = _scarce_die(state, d, k)


@stage_jit
def _in_stock(state: State, die: int, k: int) -> float:
    """Return the dies of a design in stock, of all bins."""
    dies = 0.0
    for b in range(state.die_bin.shape[1]):
        dies += state.die_bin[die, b].stock[k]
    return dies


@stage_jit
def grant_memory(
    clock: Clock, structure: Structure, state: State, first: int, last: int, row: int, n: int
) -> None:
    """Take memory for the wants of a tier, rank by rank of each product's preference.

    ``state.taken[i, rank]`` are the stacks taken from the pool of that rank.
    """
    for i in range(first, last):
        if structure.product[i].stacks_per_package == 0 or clock.no_memory_limit:
            for k in range(n):
                state.product[i].granted[k] = state.product[i].wanted[k]
    for rank in range(structure.product_pool.shape[1]):
        for pool in range(state.stacks.shape[0]):
            asked = False
            for i in range(first, last):
                asked |= structure.product_pool[i, rank] == pool
            if asked:
                _grant_pool(structure, state, _mixes(clock, row), first, last, rank, pool, n)
    for i in range(first, last):
        now = state.product[i]
        for k in range(n):
            if now.granted[k] < now.wanted[k] * _HELD_BACK:
                now.limit[k] = MEMORY


@stage_jit
def _asks(state: State, mixes: bool, i: int, rank: int, k: int) -> float:
    """Return the packages for which a product asks stacks of the pool of a rank."""
    more = state.product[i].wanted[k] - state.product[i].granted[k]
    return min(more, state.planned[i, rank, k]) if mixes else more


@stage_jit
def _grant_pool(
    structure: Structure,
    state: State,
    mixes: bool,
    first: int,
    last: int,
    rank: int,
    pool: int,
    n: int,
) -> None:
    """Share one pool among those of a tier that name it in a rank, in proportion to their needs."""
    need = state.scratch.need
    for k in range(n):
        need[k] = 0.0
    for i in range(first, last):
        if structure.product_pool[i, rank] == pool:
            each = structure.product[i].stacks_per_package
            for k in range(n):
                need[k] += _asks(state, mixes, i, rank, k) * each
    for i in range(first, last):
        if structure.product_pool[i, rank] == pool:
            each, now = structure.product[i].stacks_per_package, state.product[i]
            for k in range(n):
                if need[k] > 0.0:
                    ratio = min(1.0, state.stacks[pool, k] / need[k])
                    more = _asks(state, mixes, i, rank, k) * ratio
                    now.granted[k] += more
                    state.taken[i, rank, k] = more * each
    for k in range(n):
        if need[k] > 0.0:
            ratio = min(1.0, state.stacks[pool, k] / need[k])
            state.stacks[pool, k] = max(0.0, state.stacks[pool, k] - need[k] * ratio)


@stage_jit
def _uses(structure: Structure, i: int, line: int) -> bool:
    """Return whether a product goes through a packaging line."""
    uses = False
    for rank in range(structure.product_line.shape[1]):
        uses |= structure.product_line[i, rank] == line
    return uses


@stage_jit
def _per_package(structure: Structure, world: World, i: int, line: int, k: int) -> float:
    """Return what a package takes of a line's capacity."""
    whole = structure.line[line].counts_packages == 1
    return 1.0 if whole else 1.0 / world.product[i].packages_per_interposer_wafer[k]


@stage_jit
def grant_packaging(
    structure: Structure, world: World, state: State, first: int, last: int, n: int
) -> None:
    """Cut the grants of a tier where a packaging line cannot take them all, line by line.

    After memory, because a product that waits for memory must not crowd others out of a line, while
    the stacks of one that waits for a line (given back here) keep until the next step.
    """
    for line in range(state.line_left.shape[0]):
        need, left = state.scratch.need, state.line_left[line]
        for k in range(n):
            need[k] = 0.0
        for i in range(first, last):
            if _uses(structure, i, line):
                for k in range(n):
                    each = _per_package(structure, world, i, line, k)
                    need[k] += state.product[i].granted[k] * each
        for i in range(first, last):
            if _uses(structure, i, line):
                for k in range(n):
                    if state.product[i].granted[k] > 0.0 and need[k] > left[k]:
                        _cut(structure, state, i, left[k] / need[k], k)


@stage_jit
def _cut(structure: Structure, state: State, i: int, ratio: float, k: int) -> None:
    """Leave a share of a product's grant, and give back the stacks of the rest."""
    state.product[i].granted[k] *= ratio
    state.product[i].limit[k] = PACKAGING
    for rank in range(state.taken.shape[1]):
        pool = structure.product_pool[i, rank]
        if pool >= 0:
            state.stacks[pool, k] += state.taken[i, rank, k] * (1.0 - ratio)
            state.taken[i, rank, k] *= ratio


@apart_jit
def package_step(
    clock: Clock,
    structure: Structure,
    world: World,
    state: State,
    tally: Tally,
    step: int,
    row: int,
    n: int,
) -> None:
    """One step of packaging for all products, tier by tier."""
    receive(clock, structure, world, state, tally, step, row, n)
    activate(clock, structure, world, state, step, row, n)
    for d in range(state.die_bin.shape[0]):
        for b in range(state.die_bin.shape[1]):
            for k in range(n):
                state.die_bin[d, b].offer[k] = state.die_bin[d, b].stock[k]
    want(clock, structure, world, state, step, row, n)
    for tier in range(structure.tier.shape[0] - 1):
        first, last = structure.tier[tier], structure.tier[tier + 1]
        grant_other_dies(structure, state, first, last, n)
        grant_memory(clock, structure, state, first, last, row, n)
        if not clock.no_packaging_limit:
            grant_packaging(structure, world, state, first, last, n)
        for i in range(first, last):
            for k in range(n):
                if state.product[i].granted[k] > 0.0:
                    start_packages(clock, structure, world, state, tally, i, step, row, k)
                    if _mixes(clock, row):
                        _settle(clock, structure, state, i, k)
                _hold(state.product[i], state.held[i], k)


@stage_jit
def _settle(clock: Clock, structure: Structure, state: State, i: int, k: int) -> None:
    """Take the packages that a product began off what the mix asks of it, by rank of memory."""
    each, planned = structure.product[i].stacks_per_package, state.planned[i]
    if each == 0 or clock.no_memory_limit:
        planned[0, k] = max(0.0, planned[0, k] - state.product[i].granted[k])
        return
    for rank in range(planned.shape[0]):
        planned[rank, k] = max(0.0, planned[rank, k] - state.taken[i, rank, k] / each)


@inline_jit
def _hold(product: ProductState, held: Floats, k: int) -> None:
    """Count the step for what limits a product, and keep the LONGEST, the first of equals."""
    code = int(product.limit[k])
    held[code, k] += 1.0
    steps, longest = held[code, k], product.longest_steps[k]
    if steps > longest or (steps == longest and code < product.longest_limit[k]):
        product.longest_steps[k] = steps
        product.longest_limit[k] = code
