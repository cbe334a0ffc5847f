"""From tested dies to passed packages: banks, memory, packaging lines and what binds.

Products of a tier share in proportion to what they need; a later tier takes what is left.
"""

from __future__ import annotations

import math
from typing import Any

from yieldsim.kernels import arrays as a
from yieldsim.kernels.jit import inline_jit
from yieldsim.units import MONTHS_PER_QUARTER
from yieldsim.variables import DEMAND, DIE_BANK, MEMORY, NOT_IN_PRODUCTION, PACKAGING

_HELD_BACK = 1.0 - 1e-12


@inline_jit
def row_of(clock: Any, step: Any) -> Any:
    """The row of the results that a step belongs to."""
    if step < clock.warmup_steps:
        return clock.quarters
    if step >= clock.steps:
        return clock.quarters + 1
    return (step - clock.warmup_steps) // clock.steps_per_quarter


@inline_jit
def receive(
    clock: Any, structure: Any, world: Any, state: Any, tally: Any, step: Any, row: Any
) -> None:
    """Dies from banks, memory stacks and packaging capacity of the step."""
    per_step = 1.0 / clock.steps_per_quarter
    for k in range(structure.bank.shape[0]):
        die = structure.bank[k, a.BANK_DIE]
        dies = state.curve[structure.bank[k, a.BANK_CURVE], step] * per_step
        state.stock[die, structure.bank[k, a.BANK_BIN], a.STOCK] += dies
        state.die[die, a.FROM_BANKS] += dies
        tally.die[a.T_BANK, row, die] += dies
    for pool in range(structure.pool.shape[0]):
        source = structure.pool[pool]
        stacks = 0.0
        if source[a.POOL_DELIVERIES] >= 0:
            stacks += state.curve[source[a.POOL_DELIVERIES], step] * per_step
        if source[a.POOL_MAKER] >= 0:
            wafers = state.curve[source[a.POOL_MAKER], step] * MONTHS_PER_QUARTER * per_step
            possible = wafers * world.pool[pool, a.STACKS_PER_WAFER]
            stacks += possible * state.curve[source[a.POOL_YIELD], step]
        stacks *= world.pool[pool, a.POOL_USABLE]
        state.stacks[pool] += stacks
        tally.pool[a.T_STACKS_IN, row, pool] += stacks
    for line in range(structure.line_curve.shape[0]):
        wafers = state.curve[structure.line_curve[line], step] * MONTHS_PER_QUARTER * per_step
        state.line_left[line] = wafers
        tally.line[a.T_CAPACITY, row, line] += wafers


@inline_jit
def activate(clock: Any, structure: Any, world: Any, state: Any, step: Any) -> None:
    """Fill each product's share of its die's stock: weights of those in production."""
    count = structure.product.shape[0]
    for i in range(count):
        slip = world.product[i, a.SLIP] * clock.steps_per_quarter
        start, end = structure.product_steps[i, 0], structure.product_steps[i, 1]
        state.product[i, a.ACTIVE] = 0.0
        if start + slip <= step < end + slip:
            curve = structure.product[i, a.PRODUCT_SHARE]
            state.product[i, a.ACTIVE] = 1.0 if curve < 0 else max(0.0, state.curve[curve, step])
    for d in range(structure.die.shape[0]):
        total = 0.0
        for i in range(count):
            if structure.product[i, a.PRODUCT_DIE] == d:
                total += state.product[i, a.ACTIVE]
        for i in range(count):
            if structure.product[i, a.PRODUCT_DIE] == d and total > 0.0:
                state.product[i, a.ACTIVE] /= total


@inline_jit
def want(clock: Any, structure: Any, state: Any, step: Any) -> None:
    """Packages that each product could start by its dies and its demand, and which binds."""
    for i in range(structure.product.shape[0]):
        one = structure.product[i]
        now = state.product[i]
        die = one[a.PRODUCT_DIE]
        now[a.WANT] = 0.0
        now[a.GRANTED] = 0.0
        for rank in range(state.taken.shape[1]):
            state.taken[i, rank] = 0.0
        if now[a.ACTIVE] <= 0.0:
            now[a.LIMIT] = NOT_IN_PRODUCTION
            continue
        dies = 0.0
        for b in range(structure.die[die, a.DIE_BINS]):
            dies += state.stock[die, b, a.OFFER]
        now[a.WANT] = dies * now[a.ACTIVE] / one[a.PRODUCT_DIES_EACH]
        # a bank that gives more dies than the fabs is what more dies would have to come from
        banked = state.die[die, a.FROM_BANKS] > state.die[die, a.FROM_FABS]
        now[a.LIMIT] = DIE_BANK if banked else state.die[die, a.CAUSE]
        if one[a.PRODUCT_DEMAND] >= 0:
            wanted = state.curve[one[a.PRODUCT_DEMAND], step] / clock.steps_per_quarter
            if wanted < now[a.WANT]:
                now[a.WANT] = wanted
                now[a.LIMIT] = DEMAND


@inline_jit
def grant_memory(structure: Any, state: Any, first: Any, last: Any) -> None:
    """Take memory for the wants of a tier, rank by rank of each product's preference.

    ``state.taken[i, rank]`` are the stacks taken from the pool of that rank.
    """
    for i in range(first, last):
        if structure.product[i, a.PRODUCT_STACKS] == 0:
            state.product[i, a.GRANTED] = state.product[i, a.WANT]
    for rank in range(structure.product_pool.shape[1]):
        for pool in range(state.stacks.shape[0]):
            need = 0.0
            for i in range(first, last):
                if structure.product_pool[i, rank] == pool:
                    short = state.product[i, a.WANT] - state.product[i, a.GRANTED]
                    need += short * structure.product[i, a.PRODUCT_STACKS]
            if need <= 0.0:
                continue
            ratio = min(1.0, state.stacks[pool] / need)
            for i in range(first, last):
                if structure.product_pool[i, rank] == pool:
                    short = state.product[i, a.WANT] - state.product[i, a.GRANTED]
                    state.product[i, a.GRANTED] += short * ratio
                    stacks = short * ratio * structure.product[i, a.PRODUCT_STACKS]
                    state.taken[i, rank] = stacks
            state.stacks[pool] = max(0.0, state.stacks[pool] - need * ratio)
    for i in range(first, last):
        if state.product[i, a.GRANTED] < state.product[i, a.WANT] * _HELD_BACK:
            state.product[i, a.LIMIT] = MEMORY


@inline_jit
def grant_packaging(structure: Any, world: Any, state: Any, first: Any, last: Any) -> None:
    """Cut the grants of a tier where a packaging line cannot take them all.

    After memory, because a product that waits for memory must not crowd others out of a line, while
    the stacks of one that waits for a line (given back here) keep until the next step.
    """
    for line in range(state.line_left.shape[0]):
        state.need[line] = 0.0
    for i in range(first, last):
        line = structure.product[i, a.PRODUCT_LINE]
        if line >= 0:
            state.need[line] += state.product[i, a.GRANTED] / world.product[i, a.PER_WAFER]
    for i in range(first, last):
        line = structure.product[i, a.PRODUCT_LINE]
        granted = state.product[i, a.GRANTED]
        if line < 0 or granted <= 0.0 or state.need[line] <= state.line_left[line]:
            continue
        ratio = state.line_left[line] / state.need[line]
        state.product[i, a.GRANTED] *= ratio
        state.product[i, a.LIMIT] = PACKAGING
        for rank in range(state.taken.shape[1]):
            pool = structure.product_pool[i, rank]
            if pool >= 0:
                state.stacks[pool] += state.taken[i, rank] * (1.0 - ratio)
                state.taken[i, rank] *= ratio


@inline_jit
def start_packages(
    clock: Any, structure: Any, world: Any, state: Any, tally: Any, i: Any, step: Any, row: Any
) -> None:
    """Take the dies of the granted packages, best bins first, and send them to assembly."""
    one, values = structure.product[i], world.product[i]
    die, line = one[a.PRODUCT_DIE], one[a.PRODUCT_LINE]
    each = float(one[a.PRODUCT_DIES_EACH])
    left = state.product[i, a.GRANTED]
    tally.product[a.T_STARTED, row, i] += left
    if line >= 0:
        wafers = left / values[a.PER_WAFER]
        state.line_left[line] = max(0.0, state.line_left[line] - wafers)
        tally.line[a.T_CAPACITY_USED, row, line] += wafers
    for rank in range(state.taken.shape[1]):
        pool = structure.product_pool[i, rank]
        if pool >= 0:
            tally.pool[a.T_STACKS_USED, row, pool] += state.taken[i, rank]
    survive = values[a.ASSEMBLY] * values[a.FINAL_TEST]
    bins = structure.die[die, a.DIE_BINS]
    for b in range(bins):
        offered = state.stock[die, b, a.OFFER] * state.product[i, a.ACTIVE] / each
        # the last bin takes what rounding leaves, so that every package started is finished
        packages = left if b == bins - 1 else min(left, offered)
        if packages <= 0.0:
            continue
        left -= packages
        known_good = 1.0
        if b == bins - 1 and state.die[die, a.STOCK_BAD] > 0.0:
            bad = min(1.0, state.die[die, a.STOCK_BAD] / state.stock[die, b, a.STOCK])
            known_good = (1.0 - bad) ** each
            state.die[die, a.STOCK_BAD] *= max(
                0.0, 1.0 - packages * each / state.stock[die, b, a.STOCK]
            )
        state.stock[die, b, a.STOCK] = max(0.0, state.stock[die, b, a.STOCK] - packages * each)
        tally.die[a.T_USED, row, die] += packages * each
        finish(
            clock,
            values[a.LAG_DAYS] / clock.days_per_step,
            tally,
            i,
            b,
            step,
            packages,
            survive * known_good,
        )


@inline_jit
def finish(
    clock: Any, lag: Any, tally: Any, i: Any, b: Any, step: Any, packages: Any, survive: Any
) -> None:
    """Book packages at the end of assembly and test, ``lag`` steps later, over two steps."""
    whole = math.floor(lag)
    for later in range(2):
        part = lag - whole if later == 1 else 1.0 - (lag - whole)
        row = row_of(clock, step + int(whole) + later)
        tally.passed[row, i, b] += packages * part * survive
        tally.product[a.T_FAILED, row, i] += packages * part * (1.0 - survive)


@inline_jit
def package_step(
    clock: Any, structure: Any, world: Any, state: Any, tally: Any, step: Any, row: Any
) -> None:
    """One step of packaging for all products, tier by tier."""
    receive(clock, structure, world, state, tally, step, row)
    activate(clock, structure, world, state, step)
    for d in range(state.stock.shape[0]):
        for b in range(state.stock.shape[1]):
            state.stock[d, b, a.OFFER] = state.stock[d, b, a.STOCK]
    want(clock, structure, state, step)
    for tier in range(structure.tier.shape[0] - 1):
        first, last = structure.tier[tier], structure.tier[tier + 1]
        grant_memory(structure, state, first, last)
        grant_packaging(structure, world, state, first, last)
        for i in range(first, last):
            if state.product[i, a.GRANTED] > 0.0:
                start_packages(clock, structure, world, state, tally, i, step, row)
            state.held[i, int(state.product[i, a.LIMIT])] += 1.0
