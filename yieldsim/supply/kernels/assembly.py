"""Packages of granted dies, memory and packaging: which dies go together, and what passes.

A recipe says how many dies of each bin make a package, and in which bin it is sold: all of one bin
(like with like), or lesser dies with better ones that make up for them (best fit). Where dies are
taken as they come, a package is sold by its worst die.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from yieldsim.kernels.jit import inline_jit, stage_jit
from yieldsim.supply.kernels import records as a


@stage_jit
def packages_of_dies(structure: Any, state: Any, i: Any, k: Any) -> Any:
    """Packages that a product could make of its share of its design's dies, recipe by recipe."""
    one = structure.product[i]
    _offer(structure, state, i, k)
    packages = 0.0
    if one[a.PRODUCT_RANDOM] == 1:
        for b in range(structure.die[one[a.PRODUCT_DIE], a.DIE_BINS]):
            packages += state.avail[b] / one[a.PRODUCT_DIES_EACH]
        return packages
    for r in range(one[a.PRODUCT_RECIPES]):
        packages += _take(structure.recipe[i, r], state.avail, np.inf)
    return packages


@stage_jit
def _offer(structure: Any, state: Any, i: Any, k: Any) -> None:
    """Fill the dies of each bin that a product may take in the step."""
    die = structure.product[i, a.PRODUCT_DIE]
    for b in range(structure.die[die, a.DIE_BINS]):
        state.avail[b] = state.stock[die, b, a.OFFER, k] * state.product[i, a.ACTIVE, k]


@inline_jit
def _take(recipe: Any, avail: Any, most: Any) -> Any:
    """Take the dies of as many packages of one recipe as there are, ``most`` at most."""
    packages = most
    for b in range(recipe.shape[0] - 1):
        if recipe[b] > 0:
            packages = min(packages, avail[b] / recipe[b])
    for b in range(recipe.shape[0] - 1):
        if recipe[b] > 0:
            avail[b] = max(0.0, avail[b] - packages * recipe[b])
    return packages


@stage_jit
def start_packages(
    clock: Any,
    structure: Any,
    world: Any,
    state: Any,
    tally: Any,
    i: Any,
    step: Any,
    row: Any,
    k: Any,
) -> None:
    """Take the dies of the granted packages and send them to assembly, in one lane."""
    one, left = structure.product[i], state.product[i, a.GRANTED, k]
    tally.product[a.T_STARTED, row, i, k] += left
    _use_capacity(structure, world, state, tally, i, row, left, k)
    survive = passing(world.product[i], k) * _take_other_dies(structure, state, tally, i, row, k)
    lag = world.product[i, a.LAG_DAYS, k] / clock.days_per_step
    _offer(structure, state, i, k)
    if one[a.PRODUCT_RANDOM] == 1:
        _as_they_come(structure, state, tally, i, step, row, lag, survive, k)
        return
    for r in range(one[a.PRODUCT_RECIPES]):
        recipe = structure.recipe[i, r]
        packages = _take(recipe, state.avail, left)
        if r == one[a.PRODUCT_RECIPES] - 1:
            packages = left  # and what rounding leaves, so that every package started is finished
        if packages > 0.0:
            left -= packages
            known_good = _use_recipe(structure, state, tally, i, recipe, packages, row, k)
            sold = recipe[recipe.shape[0] - 1]
            finish(structure.row, lag, tally, i, sold, step, packages, survive * known_good, k)


@stage_jit
def _use_capacity(
    structure: Any, world: Any, state: Any, tally: Any, i: Any, row: Any, packages: Any, k: Any
) -> None:
    """Book what a product takes of packaging lines and of memory."""
    for rank in range(structure.product_line.shape[1]):
        line = structure.product_line[i, rank]
        if line >= 0:
            whole = structure.line[line, a.LINE_PACKAGES] == 1
            units = packages if whole else packages / world.product[i, a.PER_WAFER, k]
            state.line_left[line, k] = max(0.0, state.line_left[line, k] - units)
            tally.line[a.T_CAPACITY_USED, row, line, k] += units
    for rank in range(state.taken.shape[1]):
        pool = structure.product_pool[i, rank]
        if pool >= 0:
            tally.pool[a.T_STACKS_USED, row, pool, k] += state.taken[i, rank, k]


@inline_jit
def passing(values: Any, k: Any) -> Any:
    """Share of packages of good dies that pass assembly, burn-in and final test.

    Of those that fail at test a share is reworked once (a stack or the substrate is changed).
    """
    tested = values[a.BURN_IN, k] * values[a.FINAL_TEST, k]
    mended = (1.0 - tested) * values[a.REWORKED, k] * values[a.REWORK_YIELD, k]
    return values[a.ASSEMBLY, k] * (tested + mended)


@stage_jit
def _take_other_dies(structure: Any, state: Any, tally: Any, i: Any, row: Any, k: Any) -> Any:
    """Take the dies of other designs, from all bins alike; the share of packages left good."""
    known_good = 1.0
    for number in range(structure.other.shape[0]):
        if structure.other[number, a.OTHER_PRODUCT] == i:
            die, count = (
                structure.other[number, a.OTHER_DIE],
                structure.other[number, a.OTHER_COUNT],
            )
            dies = 0.0
            for b in range(state.stock.shape[1]):
                dies += state.stock[die, b, a.STOCK, k]
            used = state.product[i, a.GRANTED, k] * count
            if dies > 0.0:
                kept = max(0.0, 1.0 - used / dies)
                bad = min(1.0, state.die[die, a.STOCK_BAD, k] / dies)
                known_good *= (1.0 - bad) ** count
                state.die[die, a.STOCK_BAD, k] *= kept
                for b in range(state.stock.shape[1]):
                    state.stock[die, b, a.STOCK, k] *= kept
            tally.die[a.T_USED, row, die, k] += used
    return known_good


@stage_jit
def _use_recipe(
    structure: Any,
    state: Any,
    tally: Any,
    i: Any,
    recipe: Any,
    packages: Any,
    row: Any,
    k: Any,
) -> Any:
    """Take a recipe's dies out of the stock; the share of its packages without a bad die.

    Bad dies that passed the wafer test lie in the last bin.
    """
    die = structure.product[i, a.PRODUCT_DIE]
    last = structure.die[die, a.DIE_BINS] - 1
    known_good = 1.0
    for b in range(last + 1):
        used = packages * recipe[b]
        if used <= 0.0:
            continue
        stock = state.stock[die, b, a.STOCK, k]
        if b == last and state.die[die, a.STOCK_BAD, k] > 0.0:
            known_good = (1.0 - min(1.0, state.die[die, a.STOCK_BAD, k] / stock)) ** recipe[b]
            state.die[die, a.STOCK_BAD, k] *= max(0.0, 1.0 - used / stock)
        state.stock[die, b, a.STOCK, k] = max(0.0, stock - used)
        tally.die[a.T_USED, row, die, k] += used
    return known_good


@stage_jit
def _as_they_come(
    structure: Any,
    state: Any,
    tally: Any,
    i: Any,
    step: Any,
    row: Any,
    lag: Any,
    survive: Any,
    k: Any,
) -> None:
    """Packages of dies drawn at random from all bins, sold by their worst die.

    With S the share of dies in bin b or better, S^d of packages of d dies have no worse one.
    """
    die, each = structure.product[i, a.PRODUCT_DIE], structure.product[i, a.PRODUCT_DIES_EACH]
    packages, bins = state.product[i, a.GRANTED, k], structure.die[die, a.DIE_BINS]
    offered = 0.0
    for b in range(bins):
        offered += state.avail[b]
    # bad dies lie in the last bin alone: others may have left a mixture that is not the offer's
    bad, stock = 0.0, state.stock[die, bins - 1, a.STOCK, k]
    if state.die[die, a.STOCK_BAD, k] > 0.0 and stock > 0.0:
        last = state.avail[bins - 1] / offered
        bad = min(1.0, state.die[die, a.STOCK_BAD, k] / stock) * last
        state.die[die, a.STOCK_BAD, k] *= max(0.0, 1.0 - packages * each * last / stock)
    better, above = 0.0, 0.0
    for b in range(bins):
        better += state.avail[b] / offered
        whole = 1.0 if b == bins - 1 else better**each
        good = (1.0 - bad) ** each if b == bins - 1 else whole
        share, kept = max(0.0, whole - above), max(0.0, good - above)
        used = packages * each * state.avail[b] / offered
        state.stock[die, b, a.STOCK, k] = max(0.0, state.stock[die, b, a.STOCK, k] - used)
        tally.die[a.T_USED, row, die, k] += used
        if share > 0.0:
            made, left = packages * share, survive * kept / share
            finish(structure.row, lag, tally, i, b, step, made, left, k)
        above = whole


@stage_jit
def finish(
    rows: Any,
    lag: Any,
    tally: Any,
    i: Any,
    b: Any,
    step: Any,
    packages: Any,
    survive: Any,
    k: Any,
) -> None:
    """Book packages at the end of assembly and test, ``lag`` steps later, over two steps."""
    whole = math.floor(lag)
    for later in range(2):
        part = lag - whole if later == 1 else 1.0 - (lag - whole)
        row = rows[min(step + int(whole) + later, rows.shape[0] - 1)]
        tally.passed[row, i, b, k] += packages * part * survive
        tally.product[a.T_FAILED, row, i, k] += packages * part * (1.0 - survive)
