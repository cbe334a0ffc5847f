"""Allocation of dies, memory and packaging to products in a step, and what binds each product.

Products of a tier share in proportion to what they need. A later tier takes what is left. The last
constraint that holds back packages of a product binds it; fewer than ``FEW`` are rounding.
"""

from __future__ import annotations

from yieldsim.kernels.jit import stage_jit
from yieldsim.outputs import MEMORY, PACKAGING
from yieldsim.supply.kernels.arrivals import receive
from yieldsim.supply.kernels.assembly import start_packages
from yieldsim.supply.kernels.records import (
    Clock,
    Floats,
    Lanes,
    ProductState,
    State,
    Structure,
    Tally,
    World,
)
from yieldsim.supply.kernels.wants import FEW, activate, die_constraint, follows_plan, want


@stage_jit
def grant_other_dies(structure: Structure, state: State, first: int, last: int, n: int) -> None:
    """Cut the wants of a tier to the dies of other designs (I/O dies) that are in stock.

    Products that share such a design are cut in proportion.
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
                        ratio = dies / need[k]
                        if state.product[i].wanted[k] * (1.0 - ratio) > FEW:
                            state.product[i].limit[k] = die_constraint(state, d, k)
                        state.product[i].wanted[k] *= ratio


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

    ``state.taken[i, rank]`` receives the stacks taken from the pool of that rank.
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
                _grant_pool(structure, state, follows_plan(clock, row), first, last, rank, pool, n)
    for i in range(first, last):
        packages = state.product[i]
        for k in range(n):
            if packages.wanted[k] - packages.granted[k] > FEW:
                packages.limit[k] = MEMORY


@stage_jit
def _asks(state: State, planned: bool, i: int, rank: int, k: int) -> float:
    """Return the packages for which a product asks the pool of a rank for stacks."""
    more = state.product[i].wanted[k] - state.product[i].granted[k]
    return min(more, state.planned[i, rank, k]) if planned else more


@stage_jit
def _grant_pool(
    structure: Structure,
    state: State,
    planned: bool,
    first: int,
    last: int,
    rank: int,
    pool: int,
    n: int,
) -> None:
    """Share a pool among the products of a tier that name it in a rank, in proportion to need."""
    need = state.scratch.need
    for k in range(n):
        need[k] = 0.0
    for i in range(first, last):
        if structure.product_pool[i, rank] == pool:
            each = structure.product[i].stacks_per_package
            for k in range(n):
                need[k] += _asks(state, planned, i, rank, k) * each
    for i in range(first, last):
        if structure.product_pool[i, rank] == pool:
            each, packages = structure.product[i].stacks_per_package, state.product[i]
            for k in range(n):
                if need[k] > 0.0:
                    ratio = min(1.0, state.stacks[pool, k] / need[k])
                    more = _asks(state, planned, i, rank, k) * ratio
                    packages.granted[k] += more
                    state.taken[i, rank, k] = more * each
    for k in range(n):
        if need[k] > 0.0:
            ratio = min(1.0, state.stacks[pool, k] / need[k])
            state.stacks[pool, k] = max(0.0, state.stacks[pool, k] - need[k] * ratio)


@stage_jit
def uses(structure: Structure, i: int, line: int) -> bool:
    """Return whether a product uses a packaging line."""
    uses = False
    for rank in range(structure.product_line.shape[1]):
        uses |= structure.product_line[i, rank] == line
    return uses


@stage_jit
def per_package(structure: Structure, world: World, i: int, line: int, k: int) -> float:
    """Return the capacity of a packaging line that a package takes, in the line's own unit."""
    whole = structure.line[line].counts_packages == 1
    return 1.0 if whole else 1.0 / world.product[i].packages_per_interposer_wafer[k]


@stage_jit
def grant_packaging(
    structure: Structure, world: World, state: State, first: int, last: int, n: int
) -> None:
    """Cut the grants of a tier to the capacity of each packaging line in turn.

    Memory is granted first: a product that waits for memory must not crowd others out of a
    packaging line. A product that waits for a packaging line gives its stacks back here.
    """
    for line in range(state.line_left.shape[0]):
        need, left = state.scratch.need, state.line_left[line]
        for k in range(n):
            need[k] = 0.0
        for i in range(first, last):
            if uses(structure, i, line):
                for k in range(n):
                    each = per_package(structure, world, i, line, k)
                    need[k] += state.product[i].granted[k] * each
        for i in range(first, last):
            if uses(structure, i, line):
                for k in range(n):
                    if state.product[i].granted[k] > 0.0 and need[k] > left[k]:
                        _cut(structure, state, i, left[k] / need[k], k)


@stage_jit
def _cut(structure: Structure, state: State, i: int, ratio: float, k: int) -> None:
    """Cut a product's grant by a ratio, and give back the stacks of the rest."""
    if state.product[i].granted[k] * (1.0 - ratio) > FEW:
        state.product[i].limit[k] = PACKAGING
    state.product[i].granted[k] *= ratio
    for rank in range(state.taken.shape[1]):
        pool = structure.product_pool[i, rank]
        if pool >= 0:
            state.stacks[pool, k] += state.taken[i, rank, k] * (1.0 - ratio)
            state.taken[i, rank, k] *= ratio


@stage_jit
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
    """Receive, allocate and package for all products in a step, tier by tier."""
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
            if _is_granted(state.product[i].granted, n):
                start_packages(clock, structure, world, state, tally, i, step, row, n)
                if follows_plan(clock, row):
                    _settle(clock, structure, state, i, n)
            for k in range(n):
                _hold(state.product[i], state.held[i], k)


@stage_jit
def _is_granted(granted: Lanes, n: int) -> bool:
    """Return whether any lane begins packages."""
    any_lane = False
    for k in range(n):
        any_lane |= granted[k] > 0.0
    return any_lane


@stage_jit
def _settle(clock: Clock, structure: Structure, state: State, i: int, n: int) -> None:
    """Subtract the packages that a product began from those due by the plan, by rank of memory."""
    each, planned, granted = (
        structure.product[i].stacks_per_package,
        state.planned[i],
        state.product[i].granted,
    )
    if each == 0 or clock.no_memory_limit:
        for k in range(n):
            begun = granted[k] if granted[k] > 0.0 else 0.0
            planned[0, k] = max(0.0, planned[0, k] - begun)
        return
    for rank in range(planned.shape[0]):
        for k in range(n):
            begun = state.taken[i, rank, k] / each if granted[k] > 0.0 else 0.0
            planned[rank, k] = max(0.0, planned[rank, k] - begun)


@stage_jit
def _hold(product: ProductState, held: Floats, k: int) -> None:
    """Count the step for the constraint that binds; keep the longest, the lowest code of equals."""
    code = int(product.limit[k])
    held[code, k] += 1.0
    steps, longest = held[code, k], product.longest_steps[k]
    if steps > longest or (steps == longest and code < product.longest_limit[k]):
        product.longest_steps[k] = steps
        product.longest_limit[k] = code
