"""Assembly of the packages granted: which dies go together, and how many packages pass.

A recipe gives the dies of each bin in a package and the bin in which the package is sold. A package
may hold dies of one bin (like with like), or lesser dies with better ones that make up for them
(best fit). With random pairing a package is sold by its worst die.
"""

from __future__ import annotations

import math

import numpy as np

from yieldsim.kernels.jit import inline_jit, lane_jit, stage_jit
from yieldsim.supply.kernels.records import (
    Assembling,
    BinState,
    Clock,
    Floats,
    Ints,
    Lanes,
    Parameters,
    State,
    Structure,
    Tally,
    World,
)


@stage_jit
def packages_of_dies(structure: Structure, state: State, i: int, packages: Lanes, n: int) -> None:
    """Fill the packages that a product could make of its share of its design's dies."""
    product, possible = structure.product[i], state.assembling.packages
    _offer(structure, state, i, n)
    for k in range(n):
        packages[k] = 0.0
    if product.random_pairing == 1:
        for b in range(structure.die[product.die].bins):
            for k in range(n):
                packages[k] += state.available[b, k] / product.dies_per_package
        return
    for r in range(product.recipes):
        for k in range(n):
            possible[k] = np.inf
        _take(structure.recipe[i, r], state.available, possible, n)
        for k in range(n):
            packages[k] += possible[k]


@stage_jit
def _offer(structure: Structure, state: State, i: int, n: int) -> None:
    """Fill the dies of each bin that a product may take in the step."""
    die, share = structure.product[i].die, state.product[i].die_share
    for b in range(structure.die[die].bins):
        _part(state.available[b], state.die_bin[die, b].offer, share, n)


@lane_jit
def _part(available: Lanes, offer: Lanes, share: Lanes, n: int) -> None:
    """Fill the dies of a bin that a product may take."""
    for k in range(n):
        available[k] = offer[k] * share[k]


@stage_jit
def _take(recipe: Ints, available: Floats, packages: Lanes, n: int) -> None:
    """Cut packages to those that the dies of a recipe are enough for, and take these dies."""
    for b in range(recipe.shape[0] - 1):
        if recipe[b] > 0:
            _limit(float(recipe[b]), available[b], packages, n)
    for b in range(recipe.shape[0] - 1):
        if recipe[b] > 0:
            _subtract(float(recipe[b]), packages, available[b], n)


@lane_jit
def _limit(each: float, available: Lanes, packages: Lanes, n: int) -> None:
    """Cut packages to those that the dies of a bin are enough for."""
    for k in range(n):
        packages[k] = min(packages[k], available[k] / each)


@lane_jit
def _subtract(each: float, packages: Lanes, available: Lanes, n: int) -> None:
    """Subtract the dies of packages from those of a bin."""
    for k in range(n):
        available[k] = max(0.0, available[k] - packages[k] * each)


@stage_jit
def start_packages(
    clock: Clock,
    structure: Structure,
    world: World,
    state: State,
    tally: Tally,
    i: int,
    step: int,
    row: int,
    n: int,
) -> None:
    """Take the dies of a product's granted packages and assemble them."""
    product, values, work = structure.product[i], world.product[i], state.assembling
    for k in range(n):
        work.left[k] = max(0.0, state.product[i].granted[k])
        tally.product[row, i].packages_started[k] += work.left[k]
        work.survive[k] = passing(values, k)
        work.lag[k] = values.lag_days[k] / clock.days_per_step
    _use_capacity(structure, world, state, tally, i, row, n)
    for number in range(structure.other.shape[0]):
        if structure.other[number].product == i:
            other = structure.other[number]
            _take_other_dies(other.die, other.count, state, tally, row, n)
    _offer(structure, state, i, n)
    if product.random_pairing == 1:
        for k in range(n):
            if work.left[k] > 0.0:
                _as_they_come(structure, state, tally, i, step, row, k)
        return
    for r in range(product.recipes):
        recipe = structure.recipe[i, r]
        for k in range(n):
            work.packages[k] = work.left[k]
        _take(recipe, state.available, work.packages, n)
        if r == product.recipes - 1:  # rounding errors included: every package started is finished
            for k in range(n):
                work.packages[k] = work.left[k]
        _use_recipe(structure, state, tally, i, recipe, row, n)
        sold = recipe[recipe.shape[0] - 1]
        for k in range(n):
            work.left[k] -= work.packages[k]
            if work.packages[k] > 0.0:
                survive = work.survive[k] * work.known_good[k]
                finish(
                    structure.row, work.lag[k], tally, i, sold, step, work.packages[k], survive, k
                )


@stage_jit
def _use_capacity(
    structure: Structure, world: World, state: State, tally: Tally, i: int, row: int, n: int
) -> None:
    """Book the packaging capacity and the memory stacks that a product takes."""
    packages, per_wafer = state.assembling.left, world.product[i].packages_per_interposer_wafer
    for rank in range(structure.product_line.shape[1]):
        line = structure.product_line[i, rank]
        if line >= 0:
            whole = structure.line[line].counts_packages == 1
            left, used = state.line_left[line], tally.line[row, line].packaging_used
            for k in range(n):
                units = packages[k] if whole else packages[k] / per_wafer[k]
                left[k] = max(0.0, left[k] - units)
                used[k] += units
    for rank in range(state.taken.shape[1]):
        pool = structure.product_pool[i, rank]
        if pool >= 0:
            for k in range(n):
                stacks = state.taken[i, rank, k] if packages[k] > 0.0 else 0.0
                tally.pool[row, pool].stacks_used[k] += stacks


@stage_jit
def passing(product: Parameters, k: int) -> float:
    """Return the share of packages of good dies that pass assembly, burn-in and final test.

    ``rework_fraction`` of those that fail a test is reworked once: a stack or the substrate is
    replaced.
    """
    tested = product.burn_in_yield[k] * product.final_test_yield[k]
    mended = (1.0 - tested) * product.rework_fraction[k] * product.rework_yield[k]
    return product.assembly_yield[k] * (tested + mended)


@stage_jit
def _take_other_dies(die: int, count: int, state: State, tally: Tally, row: int, n: int) -> None:
    """Take dies of another design from all bins alike; lower the share of packages left good."""
    work = state.assembling
    for k in range(n):
        dies, bad = 0.0, 0.0
        for b in range(state.die_bin.shape[1]):
            dies += state.die_bin[die, b].stock[k]
            bad += state.die_bin[die, b].bad[k]
        used = work.left[k] * count
        if dies > 0.0 and used > 0.0:
            kept = max(0.0, 1.0 - used / dies)
            work.survive[k] *= (1.0 - min(1.0, bad / dies)) ** count
            for b in range(state.die_bin.shape[1]):
                state.die_bin[die, b].stock[k] *= kept
                state.die_bin[die, b].bad[k] *= kept
        tally.die[row, die].dies_used[k] += used


@stage_jit
def _use_recipe(
    structure: Structure, state: State, tally: Tally, i: int, recipe: Ints, row: int, n: int
) -> None:
    """Take a recipe's dies from stock; fill the share of packages without a bad die."""
    die, work = structure.product[i].die, state.assembling
    for k in range(n):
        work.known_good[k] = 1.0
    for b in range(structure.die[die].bins):
        if recipe[b] == 0:
            continue
        used = tally.die[row, die].dies_used
        if _take_from_stock(float(recipe[b]), state.die_bin[die, b], used, work, n):
            for k in range(n):
                work.known_good[k] *= (1.0 - work.bad[k]) ** recipe[b]


@lane_jit
def _take_from_stock(each: float, dies: BinState, booked: Lanes, work: Assembling, n: int) -> bool:
    """Take dies of a bin as `_take_dies` does in all lanes; return whether any die is bad."""
    any_bad = False
    for k in range(n):
        used, stock, bad = work.packages[k] * each, dies.stock[k], dies.bad[k]
        mixed = used > 0.0 and bad > 0.0 and stock > 0.0
        divisor = stock if mixed else 1.0
        work.bad[k] = min(1.0, bad / divisor) if mixed else 0.0
        dies.bad[k] = bad * max(0.0, 1.0 - used / divisor) if mixed else bad
        dies.stock[k] = max(0.0, stock - used) if used > 0.0 else stock
        booked[k] += used
        any_bad |= mixed
    return any_bad


@inline_jit
def _take_dies(dies: BinState, used: float, k: int) -> float:
    """Take dies of a bin at random from the stock; return the share of bad ones among them."""
    stock, bad = dies.stock[k], 0.0
    if dies.bad[k] > 0.0 and stock > 0.0:
        bad = min(1.0, dies.bad[k] / stock)
        dies.bad[k] *= max(0.0, 1.0 - used / stock)
    dies.stock[k] = max(0.0, stock - used)
    return bad


@stage_jit
def _as_they_come(
    structure: Structure,
    state: State,
    tally: Tally,
    i: int,
    step: int,
    row: int,
    k: int,
) -> None:
    """Start packages of dies drawn at random from all bins, each sold by its worst die.

    Of packages of d dies, S^d have all dies in bin b or better; S is the share of such dies. With
    the share of such dies that are good in place of S, it is the packages that survive.
    """
    product, work = structure.product[i], state.assembling
    die, each = product.die, product.dies_per_package
    packages, bins = state.product[i].granted[k], structure.die[die].bins
    offered = 0.0
    for b in range(bins):
        offered += state.available[b, k]
    better, good, above, good_above = 0.0, 0.0, 0.0, 0.0
    for b in range(bins):
        part = state.available[b, k] / offered
        used = packages * each * part
        bad = _take_dies(state.die_bin[die, b], used, k) if used > 0.0 else 0.0
        better += part
        good += part * (1.0 - bad)
        whole = 1.0 if b == bins - 1 else better**each
        share, kept = max(0.0, whole - above), max(0.0, good**each - good_above)
        tally.die[row, die].dies_used[k] += used
        if share > 0.0:
            made, left = packages * share, work.survive[k] * min(1.0, kept / share)
            finish(structure.row, work.lag[k], tally, i, b, step, made, left, k)
        above, good_above = whole, good**each


@stage_jit
def finish(
    rows: Ints,
    lag: float,
    tally: Tally,
    i: int,
    b: int,
    step: int,
    packages: float,
    survive: float,
    k: int,
) -> None:
    """Book packages as passed or failed after ``lag`` steps, split between two steps."""
    whole = math.floor(lag)
    for later in range(2):
        part = lag - whole if later == 1 else 1.0 - (lag - whole)
        row = rows[min(step + int(whole) + later, rows.shape[0] - 1)]
        tally.product_bin[row, i, b].packages_passed[k] += packages * part * survive
        tally.product[row, i].packages_failed[k] += packages * part * (1.0 - survive)
