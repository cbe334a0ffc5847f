"""The limits of a plan as rows of its program; amounts are in thousands."""

from __future__ import annotations

import math

from yieldsim.kernels.jit import inline_jit, stage_jit
from yieldsim.supply.kernels.allocation import per_package, uses
from yieldsim.supply.kernels.planner.columns import counted_tested, dies_each
from yieldsim.supply.kernels.records import PERIODS, Clock, Floats, Plan, Structure, World

_THOUSAND = 1e3
_NEAR = 2  # periods up to C + 2, a quarter after the dies of this quarter's wafers have come


@inline_jit
def clear_row(own: Floats, limit: float) -> None:
    """Clear a row but for its limit, the last element."""
    for j in range(own.shape[0] - 1):
        own[j] = 0.0
    own[own.shape[0] - 1] = max(0.0, limit) / _THOUSAND


@stage_jit
def limit_markets(structure: Structure, plan: Plan, width: int, row: int) -> int:
    """Add the demand of each product in each period; return the number of rows."""
    for q in range(PERIODS):
        for i in range(structure.product.shape[0]):
            wanted = plan.wanted[q, i]
            if wanted <= 0.0 or wanted == math.inf:
                continue
            own = plan.table[row * width : (row + 1) * width]
            clear_row(own, wanted)
            row += 1
            for rank in range(structure.product_pool.shape[1]):
                j = plan.package_column[q, i, rank]
                if j >= 0:
                    own[j] = 1.0
    return row


@stage_jit
def limit_lines(
    structure: Structure, world: World, plan: Plan, width: int, row: int, k: int
) -> int:
    """Add the capacity of each packaging line in each period; return the number of rows."""
    for line in range(structure.line.shape[0]):
        if plan.line_used[line] == 0:
            continue
        for q in range(PERIODS):
            own = plan.table[row * width : (row + 1) * width]
            clear_row(own, plan.capacity[q, line])
            row += 1
            for i in range(structure.product.shape[0]):
                if uses(structure, i, line):
                    each = per_package(structure, world, i, line, k)
                    for rank in range(structure.product_pool.shape[1]):
                        j = plan.package_column[q, i, rank]
                        if j >= 0:
                            own[j] = each
    return row


@stage_jit
def limit_stacks(structure: Structure, plan: Plan, width: int, row: int) -> int:
    """Add the stacks of each pool up to the end of each period; return the number of rows."""
    for pool in range(structure.pool.shape[0]):
        if plan.pool_used[pool] == 0:
            continue
        for until in range(PERIODS):
            own = plan.table[row * width : (row + 1) * width]
            clear_row(own, plan.stacks[until, pool])
            row += 1
            for q in range(until + 1):
                for i in range(structure.product.shape[0]):
                    for rank in range(structure.product_pool.shape[1]):
                        j = plan.package_column[q, i, rank]
                        if j >= 0 and structure.product_pool[i, rank] == pool:
                            own[j] = structure.product[i].stacks_per_package
    return row


@stage_jit
def limit_dies(structure: Structure, plan: Plan, width: int, row: int) -> int:
    """Add the dies of each design up to the end of each period; return the number of rows."""
    for die in range(structure.die.shape[0]):
        if plan.die_used[die] == 0:
            continue
        there = 0.0
        for until in range(PERIODS):
            for b in range(structure.die[die].bins):
                there += plan.dies[until, die, b] * structure.planning.counted[die, b]
            own = plan.table[row * width : (row + 1) * width]
            clear_row(own, there)
            row += 1
            for q in range(until + 1):
                for i in range(structure.product.shape[0]):
                    each = 0.0
                    if structure.planning.product[i] == 1:
                        each = dies_each(structure, i, die)
                    _take(plan, own, q, i, each)
                for entry in range(structure.entry.shape[0]):
                    j = plan.wafer_column[q, entry]
                    if j >= 0 and structure.entry[entry].die == die:
                        own[j] = -counted_tested(structure, plan, entry)
    return row


@stage_jit
def _take(plan: Plan, own: Floats, q: int, i: int, each: float) -> None:
    """Let the packages of a product in a period take ``each`` of what a row limits."""
    if each > 0.0:
        for rank in range(plan.package_column.shape[2]):
            j = plan.package_column[q, i, rank]
            if j >= 0:
                own[j] = each


@stage_jit
def limit_own_bins(structure: Structure, plan: Plan, width: int, row: int) -> int:
    """Add the dies of the bins of products that cannot take all; return the number of rows."""
    takes = structure.planning.takes
    for i in range(structure.product.shape[0]):
        die, there = structure.product[i].die, 0.0
        if structure.planning.own_row[i] == 0 or plan.die_used[die] == 0:
            continue
        for until in range(PERIODS):
            for b in range(structure.die[die].bins):
                there += plan.dies[until, die, b] * takes[i, b]
            own = plan.table[row * width : (row + 1) * width]
            clear_row(own, there)
            row += 1
            for q in range(until + 1):
                _take(plan, own, q, i, structure.product[i].dies_per_package)
                for entry in range(structure.entry.shape[0]):
                    j = plan.wafer_column[q, entry]
                    if j >= 0 and structure.entry[entry].die == die:
                        for b in range(structure.die[die].bins):
                            own[j] -= plan.tested[entry, b] * takes[i, b]
    return row


@stage_jit
def limit_wafers(structure: Structure, plan: Plan, width: int, row: int) -> int:
    """Add the AI wafers of each route in each period; return the number of rows."""
    for q in range(PERIODS):
        for route in range(structure.route.shape[0]):
            own = plan.table[row * width : (row + 1) * width]
            clear_row(own, plan.wafers[q, route])
            chosen = False
            first, end = structure.route[route].first_entry, structure.route[route].end_entry
            for entry in range(first, end):
                j = plan.wafer_column[q, entry]
                if j >= 0:
                    own[j] = 1.0
                    chosen = True
            if chosen:
                row += 1
    return row


@stage_jit
def limit_dies_ahead(clock: Clock, structure: Structure, plan: Plan, width: int, row: int) -> int:
    """Make no more dies of a design than the memory expected up to C + 2 can take.

    Those that are there come first. So no wafer starts for memory that is expected later still.
    """
    if clock.no_memory_limit:
        return row
    for die in range(structure.die.shape[0]):
        if plan.die_used[die] == 0:
            continue
        most = _most_dies(structure, plan, die)
        if most == math.inf:
            continue
        for q in range(_NEAR):
            for b in range(structure.die[die].bins):
                most -= plan.dies[q, die, b] * structure.planning.counted[die, b]
        own = plan.table[row * width : (row + 1) * width]
        clear_row(own, most)
        row += 1
        for q in range(_NEAR):
            for entry in range(structure.entry.shape[0]):
                j = plan.wafer_column[q, entry]
                if j >= 0 and structure.entry[entry].die == die:
                    own[j] = counted_tested(structure, plan, entry)
    return row


@stage_jit
def _most_dies(structure: Structure, plan: Plan, die: int) -> float:
    """Return the dies of a design that all memory expected up to C + 2 can take; inf: any."""
    most = 0.0
    for i in range(structure.product.shape[0]):
        bare = structure.planning.product[i] == 1 and structure.product[i].stacks_per_package == 0
        if bare and dies_each(structure, i, die) > 0.0:
            return math.inf
    for pool in range(structure.pool.shape[0]):
        a_stack = 0.0
        for i in range(structure.product.shape[0]):
            if structure.planning.product[i] == 0:
                continue
            for rank in range(structure.product_pool.shape[1]):
                if structure.product_pool[i, rank] == pool:
                    each = dies_each(structure, i, die) / structure.product[i].stacks_per_package
                    a_stack = max(a_stack, each)
        most += a_stack * plan.stacks[_NEAR - 1, pool]
    return most
