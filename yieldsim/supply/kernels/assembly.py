"""Assembly of the packages granted: which dies go together, and how many packages pass.

A recipe gives the dies of each bin in a package and the bin in which the package is sold. A package
may hold dies of one bin (like with like), or lesser dies with better ones that make up for them
(best fit). With random pairing a package is sold by its worst die.
"""

from __future__ import annotations

import math

import numpy as np

from yieldsim.kernels.jit import inline_jit, stage_jit
from yieldsim.supply.kernels.records import (
    BinState,
    Clock,
    Floats,
    Ints,
    Parameters,
    State,
    Structure,
    Tally,
    World,
)


@stage_jit
def packages_of_dies(structure: Structure, state: State, i: int, k: int) -> float:
    """Return the packages that a product could make of its share of its design's dies."""
    product = structure.product[i]
    _offer(structure, state, i, k)
    packages = 0.0
    if product.random_pairing == 1:
        for b in range(structure.die[product.die].bins):
            packages += state.available[b] / product.dies_per_package
        return packages
    for r in range(product.recipes):
        packages += _take(structure.recipe[i, r], state.available, np.inf)
    return packages


@stage_jit
def _offer(structure: Structure, state: State, i: int, k: int) -> None:
    """Fill the dies of each bin that a product may take in the step."""
    die = structure.product[i].die
    for b in range(structure.die[die].bins):
        state.available[b] = state.die_bin[die, b].offer[k] * state.product[i].die_share[k]


@inline_jit
def _take(recipe: Ints, available: Floats, most: float) -> float:
    """Take the dies of a recipe's packages, ``most`` at most; return the number of packages."""
    packages = most
    for b in range(recipe.shape[0] - 1):
        if recipe[b] > 0:
            packages = min(packages, available[b] / recipe[b])
    for b in range(recipe.shape[0] - 1):
        if recipe[b] > 0:
            available[b] = max(0.0, available[b] - packages * recipe[b])
    return packages


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
    k: int,
) -> None:
    """Take the dies of a product's granted packages and assemble them, in lane ``k``."""
    product, left = structure.product[i], state.product[i].granted[k]
    tally.product[row, i].packages_started[k] += left
    _use_capacity(structure, world, state, tally, i, row, left, k)
    survive = passing(world.product[i], k) * _take_other_dies(structure, state, tally, i, row, k)
    lag = world.product[i].lag_days[k] / clock.days_per_step
    _offer(structure, state, i, k)
    if product.random_pairing == 1:
        _as_they_come(structure, state, tally, i, step, row, lag, survive, k)
        return
    for r in range(product.recipes):
        recipe = structure.recipe[i, r]
        packages = _take(recipe, state.available, left)
        if r == product.recipes - 1:
            packages = left  # rounding errors included: every package started is finished
        if packages > 0.0:
            left -= packages
            known_good = _use_recipe(structure, state, tally, i, recipe, packages, row, k)
            sold = recipe[recipe.shape[0] - 1]
            finish(structure.row, lag, tally, i, sold, step, packages, survive * known_good, k)


@stage_jit
def _use_capacity(
    structure: Structure,
    world: World,
    state: State,
    tally: Tally,
    i: int,
    row: int,
    packages: float,
    k: int,
) -> None:
    """Book the packaging capacity and the memory stacks that a product takes."""
    for rank in range(structure.product_line.shape[1]):
        line = structure.product_line[i, rank]
        if line >= 0:
            whole = structure.line[line].counts_packages == 1
            units = (
                packages if whole else packages / world.product[i].packages_per_interposer_wafer[k]
            )
            state.line_left[line, k] = max(0.0, state.line_left[line, k] - units)
            tally.line[row, line].packaging_used[k] += units
    for rank in range(state.taken.shape[1]):
        pool = structure.product_pool[i, rank]
        if pool >= 0:
            tally.pool[row, pool].stacks_used[k] += state.taken[i, rank, k]


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
def _take_other_dies(
    structure: Structure, state: State, tally: Tally, i: int, row: int, k: int
) -> float:
    """Take dies of other designs from all bins alike; return the share of packages left good."""
    known_good = 1.0
    for number in range(structure.other.shape[0]):
        if structure.other[number].product == i:
            die, count = structure.other[number].die, structure.other[number].count
            dies, bad = 0.0, 0.0
            for b in range(state.die_bin.shape[1]):
                dies += state.die_bin[die, b].stock[k]
                bad += state.die_bin[die, b].bad[k]
            used = state.product[i].granted[k] * count
            if dies > 0.0:
                kept = max(0.0, 1.0 - used / dies)
                known_good *= (1.0 - min(1.0, bad / dies)) ** count
                for b in range(state.die_bin.shape[1]):
                    state.die_bin[die, b].stock[k] *= kept
                    state.die_bin[die, b].bad[k] *= kept
            tally.die[row, die].dies_used[k] += used
    return known_good


@stage_jit
def _use_recipe(
    structure: Structure,
    state: State,
    tally: Tally,
    i: int,
    recipe: Ints,
    packages: float,
    row: int,
    k: int,
) -> float:
    """Take a recipe's dies from stock; return the share of packages without a bad die."""
    die = structure.product[i].die
    known_good = 1.0
    for b in range(structure.die[die].bins):
        used = packages * recipe[b]
        if used > 0.0:
            bad = _take_dies(state.die_bin[die, b], used, k)
            known_good *= (1.0 - bad) ** recipe[b]
            tally.die[row, die].dies_used[k] += used
    return known_good


@stage_jit
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
    lag: float,
    survive: float,
    k: int,
) -> None:
    """Start packages of dies drawn at random from all bins, each sold by its worst die.

    Of packages of d dies, S^d have all dies in bin b or better; S is the share of such dies. With
    the share of such dies that are good in place of S, it is the packages that survive.
    """
    product = structure.product[i]
    die, each = product.die, product.dies_per_package
    packages, bins = state.product[i].granted[k], structure.die[die].bins
    offered = 0.0
    for b in range(bins):
        offered += state.available[b]
    better, good, above, good_above = 0.0, 0.0, 0.0, 0.0
    for b in range(bins):
        part = state.available[b] / offered
        used = packages * each * part
        bad = _take_dies(state.die_bin[die, b], used, k) if used > 0.0 else 0.0
        better += part
        good += part * (1.0 - bad)
        whole = 1.0 if b == bins - 1 else better**each
        share, kept = max(0.0, whole - above), max(0.0, good**each - good_above)
        tally.die[row, die].dies_used[k] += used
        if share > 0.0:
            made, left = packages * share, survive * min(1.0, kept / share)
            finish(structure.row, lag, tally, i, b, step, made, left, k)
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
