"""The limits of a plan: rows of its program, each made when the first choice takes of it."""

from __future__ import annotations

import math

from yieldsim.kernels.jit import inline_jit, stage_jit
from yieldsim.supply.kernels.records import (
    ELEMENTS,
    PERIODS,
    ROWS,
    Clock,
    Ints,
    Plan,
    Program,
    Structure,
)

_THOUSAND = 1e3  # amounts of a program are in thousands
_NEAR = 2  # periods up to C + 2, a quarter after the dies of this quarter's wafers have come
_NOT_MADE, _NO_LIMIT = -1, -2


@stage_jit
def clear_rows(plan: Plan) -> None:
    """Begin a program without rows."""
    plan.program.size[:] = 0
    for q in range(PERIODS):
        plan.market_row[q, :] = _NOT_MADE
        plan.line_row[q, :] = _NOT_MADE
        plan.stack_row[q, :] = _NOT_MADE
        plan.die_row[q, :] = _NOT_MADE
        plan.own_row[q, :] = _NOT_MADE
        plan.wafer_row[q, :] = _NOT_MADE
    plan.ahead_row[:] = _NOT_MADE


@inline_jit
def put(program: Program, row: int, element: float) -> None:
    """Let the next column take ``element`` of what a row limits; -1: of nothing."""
    if row >= 0:
        e = program.size[ELEMENTS]
        program.element_row[e], program.element[e] = row, element
        program.size[ELEMENTS] = e + 1


@inline_jit
def _new_row(program: Program, limit: float) -> int:
    row = program.size[ROWS]
    program.limit[row] = max(0.0, limit) / _THOUSAND
    program.size[ROWS] = row + 1
    return row


@stage_jit
def take_of(plan: Plan, rows: Ints, place: int, limit: float, element: float) -> None:
    """Let the next column take of one of ``rows``, made with its limit if missing."""
    if rows[place] == _NOT_MADE:
        rows[place] = _new_row(plan.program, limit)
    put(plan.program, rows[place], element)


@stage_jit
def take_dies(structure: Structure, plan: Plan, q: int, die: int, each: float) -> None:
    """Let a package of a period take dies of a design, of those up to the end of each period.

    The row of the last period is made with the first package.
    """
    there, missing = 0.0, plan.die_row[PERIODS - 1, die] == _NOT_MADE
    for until in range(PERIODS):
        if missing:
            for b in range(structure.die[die].bins):
                there += plan.dies[until, die, b] * structure.planning.counted[die, b]
        if until >= q:
            take_of(plan, plan.die_row[until], die, there, each)


@stage_jit
def take_own_bins(structure: Structure, plan: Plan, q: int, i: int) -> None:
    """Let a package of a product that cannot take all bins of its design take of those it can."""
    die, there = structure.product[i].die, 0.0
    missing = plan.own_row[PERIODS - 1, i] == _NOT_MADE
    for until in range(PERIODS):
        if missing:
            for b in range(structure.die[die].bins):
                there += plan.dies[until, die, b] * structure.planning.takes[i, b]
        if until >= q:
            each = structure.product[i].dies_per_package
            take_of(plan, plan.own_row[until], i, there, each)


@stage_jit
def give_dies(structure: Structure, plan: Plan, q: int, entry: int) -> bool:
    """Let a wafer add its dies to those there from a period on; return whether a package can wait.

    Its dies of the bins of products that cannot take all count for those.
    """
    die, useful = structure.entry[entry].die, False
    for until in range(q, PERIODS):
        useful |= plan.die_row[until, die] >= 0
        put(plan.program, plan.die_row[until, die], -plan.counted[entry])
    if not useful:
        return False
    for number in range(structure.planning.own.shape[0]):
        i = structure.planning.own[number]
        if structure.product[i].die == die:
            dies = 0.0
            for b in range(structure.die[die].bins):
                dies += plan.tested[entry, b] * structure.planning.takes[i, b]
            for until in range(q, PERIODS):
                put(plan.program, plan.own_row[until, i], -dies)
    return True


@stage_jit
def keep_to_memory(clock: Clock, structure: Structure, plan: Plan, q: int, entry: int) -> None:
    """Let no more dies be made of a design than the memory expected up to C + 2 can take.

    Those that are there come first. So no wafer starts for memory that is expected later still.
    """
    die, most = structure.entry[entry].die, 0.0
    if q >= _NEAR or clock.no_memory_limit or plan.ahead_row[die] == _NO_LIMIT:
        return
    if plan.ahead_row[die] == _NOT_MADE:
        most = _most_dies(structure, plan, die)
        if most == math.inf:
            plan.ahead_row[die] = _NO_LIMIT
            return
        for near in range(_NEAR):
            for b in range(structure.die[die].bins):
                most -= plan.dies[near, die, b] * structure.planning.counted[die, b]
    take_of(plan, plan.ahead_row, die, most, plan.counted[entry])


@stage_jit
def _most_dies(structure: Structure, plan: Plan, die: int) -> float:
    """Return the dies of a design that all memory expected up to C + 2 can take; inf: any."""
    plan.pool_dies[:] = 0.0
    for i in range(structure.product.shape[0]):
        each = structure.planning.dies_each[i, die]
        if each <= 0.0:
            continue
        if structure.product[i].stacks_per_package == 0:
            return math.inf
        for rank in range(structure.product_pool.shape[1]):
            pool = structure.product_pool[i, rank]
            if pool >= 0:
                a_stack = each / structure.product[i].stacks_per_package
                plan.pool_dies[pool] = max(plan.pool_dies[pool], a_stack)
    most = 0.0
    for pool in range(structure.pool.shape[0]):
        most += plan.pool_dies[pool] * plan.stacks[_NEAR - 1, pool]
    return most
