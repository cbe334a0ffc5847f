"""Who gets what of tested dies, memory and packaging in a step, and what binds.

Products of a tier share in proportion to what they need; a later tier takes what is left. Where a
mix is given, products follow it in place of their shares: what each may begin is what the mix has
asked of it so far.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from yieldsim.kernels.jit import apart_jit, inline_jit, stage_jit
from yieldsim.outputs import DEMAND, DIE_BANK, MEMORY, MIX, NOT_IN_PRODUCTION, PACKAGING
from yieldsim.supply.kernels import records as a
from yieldsim.supply.kernels.assembly import packages_of_dies, start_packages
from yieldsim.supply.kernels.curves import curve_value
from yieldsim.units import MONTHS_PER_QUARTER

_HELD_BACK = 1.0 - 1e-12
_NEXT_TO_NONE = 1e-200  # the weight of a product in production of which the mix asks nothing


@stage_jit
def receive(
    clock: Any, structure: Any, world: Any, state: Any, tally: Any, step: Any, row: Any, n: Any
) -> None:
    """Dies from banks, memory stacks and packaging capacity of the step."""
    per_step = 1.0 / clock.steps_per_quarter
    for number in range(structure.bank.shape[0]):
        source = structure.bank[number]
        die, b, curve = source[a.BANK_DIE], source[a.BANK_BIN], source[a.BANK_CURVE]
        for k in range(n):
            dies = curve_value(structure.curve, world.curve, curve, step, k) * per_step
            state.stock[die, b, a.STOCK, k] += dies
            state.die[die, a.FROM_BANKS, k] += dies
            tally.die[a.T_BANK, row, die, k] += dies
    for pool in range(structure.pool.shape[0]):
        for k in range(n):
            stacks = _stacks(structure, world, pool, step, per_step, k)
            state.stacks[pool, k] += stacks
            tally.pool[a.T_STACKS_IN, row, pool, k] += stacks
    for line in range(structure.line.shape[0]):
        curve = structure.line[line, a.LINE_CURVE]
        for k in range(n):
            wafers = (
                curve_value(structure.curve, world.curve, curve, step, k)
                * MONTHS_PER_QUARTER
                * per_step
            )
            state.line_left[line, k] = wafers
            tally.line[a.T_CAPACITY, row, line, k] += wafers


@stage_jit
def _stacks(structure: Any, world: Any, pool: Any, step: Any, per_step: Any, k: Any) -> Any:
    """Stacks that arrive in a pool in a step: deliveries, and what its maker gets out."""
    source = structure.pool[pool]
    stacks = 0.0
    if source[a.POOL_DELIVERIES] >= 0:
        stacks += (
            curve_value(structure.curve, world.curve, source[a.POOL_DELIVERIES], step, k) * per_step
        )
    if source[a.POOL_MAKER] >= 0:
        started = curve_value(structure.curve, world.curve, source[a.POOL_MAKER], step, k)
        wafers = started * MONTHS_PER_QUARTER * per_step
        possible = wafers * world.pool[pool, a.STACKS_PER_WAFER, k]
        stacks += possible * curve_value(
            structure.curve, world.curve, source[a.POOL_YIELD], step, k
        )
    return stacks * world.pool[pool, a.POOL_USABLE, k]


@stage_jit
def activate(
    clock: Any, structure: Any, world: Any, state: Any, step: Any, row: Any, n: Any
) -> None:
    """Fill each product's share of its die's stock: weights of those in production."""
    for i in range(structure.product.shape[0]):
        start, end = structure.product_steps[i, 0], structure.product_steps[i, 1]
        curve = structure.product[i, a.PRODUCT_SHARE]
        for k in range(n):
            slip = world.product[i, a.SLIP, k] * clock.steps_per_quarter
            active = 0.0
            if start + slip <= step < end + slip:
                active = 1.0
                if curve >= 0:
                    active = max(0.0, curve_value(structure.curve, world.curve, curve, step, k))
            state.product[i, a.ACTIVE, k] = active
    if _mixes(clock, row):
        for i in range(structure.product.shape[0]):
            _follow_mix(structure, world.mix_product[row, i], state, i, n)
    for d in range(structure.die.shape[0]):
        _divide(structure, state, d, n)


@stage_jit
def _mixes(clock: Any, row: Any) -> Any:
    """Whether packages follow a mix in a row of the results: the warm-up goes by the shares."""
    return clock.mixed and row < clock.quarters


@stage_jit
def _follow_mix(structure: Any, mix: Any, state: Any, i: Any, n: Any) -> None:
    """Add what the mix asks of a product in the step; its weight are the dies of all that is due.

    A product of which the mix asks without bound keeps the weight of its share.
    """
    each, now = structure.product[i, a.PRODUCT_DIES_EACH], state.product[i]
    for rank in range(mix.shape[0]):
        for k in range(n):
            state.planned[i, rank, k] += mix[rank, k]
    for k in range(n):
        due = _due(state, i, k)
        if now[a.ACTIVE, k] > 0.0 and due < np.inf:
            now[a.ACTIVE, k] = max(_NEXT_TO_NONE, due * each)


@stage_jit
def _due(state: Any, i: Any, k: Any) -> Any:
    """Packages that the mix has asked of a product and that are not begun yet."""
    due = 0.0
    for rank in range(state.planned.shape[1]):
        due += state.planned[i, rank, k]
    return due


@stage_jit
def _divide(structure: Any, state: Any, d: Any, n: Any) -> None:
    """Turn the weights of the products of one die into shares."""
    total = state.lane[a.WEIGHT]
    for k in range(n):
        total[k] = 0.0
    for i in range(structure.product.shape[0]):
        if structure.product[i, a.PRODUCT_DIE] == d:
            for k in range(n):
                total[k] += state.product[i, a.ACTIVE, k]
    for i in range(structure.product.shape[0]):
        if structure.product[i, a.PRODUCT_DIE] == d:
            for k in range(n):
                if total[k] > 0.0:
                    state.product[i, a.ACTIVE, k] /= total[k]


@stage_jit
def want(clock: Any, structure: Any, world: Any, state: Any, step: Any, row: Any, n: Any) -> None:
    """Packages that each product could start by its dies, demand and mix, and which binds."""
    mixes = _mixes(clock, row)
    for i in range(structure.product.shape[0]):
        one, now = structure.product[i], state.product[i]
        for k in range(n):
            now[a.WANT, k] = 0.0
            now[a.GRANTED, k] = 0.0
            now[a.LIMIT, k] = NOT_IN_PRODUCTION
        for rank in range(state.taken.shape[1]):
            for k in range(n):
                state.taken[i, rank, k] = 0.0
        for k in range(n):
            if now[a.ACTIVE, k] <= 0.0:
                continue
            now[a.WANT, k] = packages_of_dies(structure, state, i, k)
            now[a.LIMIT, k] = _scarce_die(state, one[a.PRODUCT_DIE], k)
            if one[a.PRODUCT_DEMAND] >= 0 and not clock.no_demand_limit:
                wanted = curve_value(structure.curve, world.curve, one[a.PRODUCT_DEMAND], step, k)
                wanted /= clock.steps_per_quarter
                if wanted < now[a.WANT, k]:
                    now[a.WANT, k] = wanted
                    now[a.LIMIT, k] = DEMAND
            if mixes and _due(state, i, k) < now[a.WANT, k]:
                now[a.WANT, k] = _due(state, i, k)
                now[a.LIMIT, k] = MIX


@stage_jit
def _scarce_die(state: Any, die: Any, k: Any) -> Any:
    """What holds a design down: a bank that gives more than the fabs, or what limits these."""
    banked = state.die[die, a.FROM_BANKS, k] > state.die[die, a.FROM_FABS, k]
    return DIE_BANK if banked else state.die[die, a.CAUSE, k]


@stage_jit
def grant_other_dies(structure: Any, state: Any, first: Any, last: Any, n: Any) -> None:
    """Cut the wants of a tier to the dies of other designs (I/O dies) that are in stock.

    Those that share a design are cut in proportion.
    """
    for d in range(structure.die.shape[0]):
        need = state.need
        asked = False
        for k in range(n):
            need[k] = 0.0
        for row in range(structure.other.shape[0]):
            i, count = structure.other[row, a.OTHER_PRODUCT], structure.other[row, a.OTHER_COUNT]
            if structure.other[row, a.OTHER_DIE] == d and first <= i < last:
                asked = True
                for k in range(n):
                    need[k] += state.product[i, a.WANT, k] * count
        if not asked:
            continue
        for row in range(structure.other.shape[0]):
            i = structure.other[row, a.OTHER_PRODUCT]
            if structure.other[row, a.OTHER_DIE] == d and first <= i < last:
                for k in range(n):
                    dies = _in_stock(state, d, k)
                    if need[k] > dies and state.product[i, a.WANT, k] > 0.0:
                        state.product[i, a.WANT, k] *= dies / need[k]
                        state.product[i, a.LIMIT, k] = _scarce_die(state, d, k)


@stage_jit
def _in_stock(state: Any, die: Any, k: Any) -> Any:
    """Dies of a design in stock, of all bins."""
    dies = 0.0
    for b in range(state.stock.shape[1]):
        dies += state.stock[die, b, a.STOCK, k]
    return dies


@stage_jit
def grant_memory(
    clock: Any, structure: Any, state: Any, first: Any, last: Any, row: Any, n: Any
) -> None:
    """Take memory for the wants of a tier, rank by rank of each product's preference.

    ``state.taken[i, rank]`` are the stacks taken from the pool of that rank.
    """
    for i in range(first, last):
        if structure.product[i, a.PRODUCT_STACKS] == 0 or clock.no_memory_limit:
            for k in range(n):
                state.product[i, a.GRANTED, k] = state.product[i, a.WANT, k]
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
            if now[a.GRANTED, k] < now[a.WANT, k] * _HELD_BACK:
                now[a.LIMIT, k] = MEMORY


@stage_jit
def _asks(state: Any, mixes: Any, i: Any, rank: Any, k: Any) -> Any:
    """Packages for which a product asks stacks of the pool of a rank."""
    more = state.product[i, a.WANT, k] - state.product[i, a.GRANTED, k]
    return min(more, state.planned[i, rank, k]) if mixes else more


@stage_jit
def _grant_pool(
    structure: Any, state: Any, mixes: Any, first: Any, last: Any, rank: Any, pool: Any, n: Any
) -> None:
    """Share one pool among those of a tier that name it in a rank, in proportion to their needs."""
    need = state.need
    for k in range(n):
        need[k] = 0.0
    for i in range(first, last):
        if structure.product_pool[i, rank] == pool:
            each = structure.product[i, a.PRODUCT_STACKS]
            for k in range(n):
                need[k] += _asks(state, mixes, i, rank, k) * each
    for i in range(first, last):
        if structure.product_pool[i, rank] == pool:
            each, now = structure.product[i, a.PRODUCT_STACKS], state.product[i]
            for k in range(n):
                if need[k] > 0.0:
                    ratio = min(1.0, state.stacks[pool, k] / need[k])
                    more = _asks(state, mixes, i, rank, k) * ratio
                    now[a.GRANTED, k] += more
                    state.taken[i, rank, k] = more * each
    for k in range(n):
        if need[k] > 0.0:
            ratio = min(1.0, state.stacks[pool, k] / need[k])
            state.stacks[pool, k] = max(0.0, state.stacks[pool, k] - need[k] * ratio)


@stage_jit
def _uses(structure: Any, i: Any, line: Any) -> Any:
    """Whether a product goes through a packaging line."""
    found = False
    for rank in range(structure.product_line.shape[1]):
        found |= structure.product_line[i, rank] == line
    return found


@stage_jit
def _per_package(structure: Any, world: Any, i: Any, line: Any, k: Any) -> Any:
    """What a package takes of a line's capacity."""
    whole = structure.line[line, a.LINE_PACKAGES] == 1
    return 1.0 if whole else 1.0 / world.product[i, a.PER_WAFER, k]


@stage_jit
def grant_packaging(structure: Any, world: Any, state: Any, first: Any, last: Any, n: Any) -> None:
    """Cut the grants of a tier where a packaging line cannot take them all, line by line.

    After memory, because a product that waits for memory must not crowd others out of a line, while
    the stacks of one that waits for a line (given back here) keep until the next step.
    """
    for line in range(state.line_left.shape[0]):
        need, left = state.need, state.line_left[line]
        for k in range(n):
            need[k] = 0.0
        for i in range(first, last):
            if _uses(structure, i, line):
                for k in range(n):
                    each = _per_package(structure, world, i, line, k)
                    need[k] += state.product[i, a.GRANTED, k] * each
        for i in range(first, last):
            if _uses(structure, i, line):
                for k in range(n):
                    if state.product[i, a.GRANTED, k] > 0.0 and need[k] > left[k]:
                        _cut(structure, state, i, left[k] / need[k], k)


@stage_jit
def _cut(structure: Any, state: Any, i: Any, ratio: Any, k: Any) -> None:
    """Leave a share of a product's grant, and give back the stacks of the rest."""
    state.product[i, a.GRANTED, k] *= ratio
    state.product[i, a.LIMIT, k] = PACKAGING
    for rank in range(state.taken.shape[1]):
        pool = structure.product_pool[i, rank]
        if pool >= 0:
            state.stacks[pool, k] += state.taken[i, rank, k] * (1.0 - ratio)
            state.taken[i, rank, k] *= ratio


@apart_jit
def package_step(
    clock: Any, structure: Any, world: Any, state: Any, tally: Any, step: Any, row: Any, n: Any
) -> None:
    """One step of packaging for all products, tier by tier."""
    receive(clock, structure, world, state, tally, step, row, n)
    activate(clock, structure, world, state, step, row, n)
    for d in range(state.stock.shape[0]):
        for b in range(state.stock.shape[1]):
            for k in range(n):
                state.stock[d, b, a.OFFER, k] = state.stock[d, b, a.STOCK, k]
    want(clock, structure, world, state, step, row, n)
    for tier in range(structure.tier.shape[0] - 1):
        first, last = structure.tier[tier], structure.tier[tier + 1]
        grant_other_dies(structure, state, first, last, n)
        grant_memory(clock, structure, state, first, last, row, n)
        if not clock.no_packaging_limit:
            grant_packaging(structure, world, state, first, last, n)
        for i in range(first, last):
            for k in range(n):
                if state.product[i, a.GRANTED, k] > 0.0:
                    start_packages(clock, structure, world, state, tally, i, step, row, k)
                    if _mixes(clock, row):
                        _settle(clock, structure, state, i, k)
                _hold(state.product[i], state.held[i], k)


@stage_jit
def _settle(clock: Any, structure: Any, state: Any, i: Any, k: Any) -> None:
    """Take the packages that a product began off what the mix asks of it, by rank of memory."""
    each, planned = structure.product[i, a.PRODUCT_STACKS], state.planned[i]
    if each == 0 or clock.no_memory_limit:
        planned[0, k] = max(0.0, planned[0, k] - state.product[i, a.GRANTED, k])
        return
    for rank in range(planned.shape[0]):
        planned[rank, k] = max(0.0, planned[rank, k] - state.taken[i, rank, k] / each)


@inline_jit
def _hold(now: Any, held: Any, k: Any) -> None:
    """Count the step for what limits a product, and keep the LONGEST, the first of equals."""
    code = int(now[a.LIMIT, k])
    held[code, k] += 1.0
    steps, longest = held[code, k], now[a.LONGEST_STEPS, k]
    if steps > longest or (steps == longest and code < now[a.LONGEST, k]):
        now[a.LONGEST_STEPS, k] = steps
        now[a.LONGEST, k] = code
