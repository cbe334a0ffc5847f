"""The choices of a plan: packages with the stacks of a pool, wafers of a design in a line."""

from __future__ import annotations

import math

from yieldsim.kernels.jit import inline_jit, stage_jit
from yieldsim.supply.kernels.allocation import per_package, uses
from yieldsim.supply.kernels.planner.rows import (
    give_dies,
    keep_to_memory,
    put,
    take_dies,
    take_of,
    take_own_bins,
)
from yieldsim.supply.kernels.records import (
    AI_ENTRY,
    COLUMNS,
    ELEMENTS,
    PERIODS,
    Clock,
    Plan,
    Program,
    Structure,
    World,
)

_RANK = 1e-3  # part of the worth lost per rank of memory
_WAFER = 1e-4  # cost of a wafer, in packages of the best product
_PLACE = 0.02  # part by which a wafer costs more at the next place: no two are alike


@inline_jit
def _end_column(program: Program, gain: float) -> int:
    """Close the column whose elements were put; return its number."""
    j = program.size[COLUMNS]
    program.gain[j] = gain
    program.size[COLUMNS] = j + 1
    program.column_end[j + 1] = program.size[ELEMENTS]
    return j


@stage_jit
def mark_dies(structure: Structure, plan: Plan) -> None:
    """Mark the wafers that may be chosen, and from when there are or may be dies."""
    for die in range(structure.die.shape[0]):
        plan.dies_from[die] = PERIODS
        for q in range(PERIODS):
            for b in range(structure.die[die].bins):
                if plan.dies[q, die, b] * structure.planning.counted[die, b] > 0.0:
                    plan.dies_from[die] = min(plan.dies_from[die], q)
    for q in range(PERIODS):
        for route in range(structure.route.shape[0]):
            first, end = structure.route[route].first_entry, structure.route[route].end_entry
            for entry in range(first, end):
                may = structure.planning.entry[entry] == AI_ENTRY and plan.open_in[q, entry] == 1
                may = may and plan.wafers[q, route] > 0.0 and plan.counted[entry] > 0.0
                plan.wafer_column[q, entry] = 0 if may else -1
                if may:
                    die = structure.entry[entry].die
                    plan.dies_from[die] = min(plan.dies_from[die], q)
    for i in range(structure.product.shape[0]):
        plan.packages_from[i] = 0
        for die in range(structure.die.shape[0]):
            if structure.planning.dies_each[i, die] > 0.0:
                plan.packages_from[i] = max(plan.packages_from[i], plan.dies_from[die])


@stage_jit
def add_packages(clock: Clock, structure: Structure, world: World, plan: Plan, k: int) -> None:
    """Add the packages of planned products that are asked for and may have dies and memory."""
    for q in range(PERIODS):
        for i in range(structure.product.shape[0]):
            asked = plan.wanted[q, i] > 0.0 and plan.value[i] > 0.0
            asked = asked and plan.packages_from[i] <= q
            bare = structure.product[i].stacks_per_package == 0 or clock.no_memory_limit
            places, end = 0, 0  # elements that do not depend on the pool
            for rank in range(structure.product_pool.shape[1]):
                pool = structure.product_pool[i, rank]
                there = rank == 0 if bare else pool >= 0 and plan.stacks[q, pool] > 0.0
                plan.package_column[q, i, rank] = -1
                if asked and there:
                    if not bare:
                        _take_stacks(structure, plan, q, i, pool)
                    if places == end:
                        places = plan.program.size[ELEMENTS]
                        _take_places(clock, structure, world, plan, q, i, k)
                        end = plan.program.size[ELEMENTS]
                    else:
                        _repeat(plan.program, places, end)
                    worth = plan.later[q] * (1.0 - _RANK * rank)
                    column = _end_column(plan.program, plan.value[i] * worth)
                    plan.package_column[q, i, rank] = column


@inline_jit
def _repeat(program: Program, first: int, end: int) -> None:
    """Let the next column take the same as some elements."""
    for e in range(first, end):
        put(program, program.element_row[e], program.element[e])


@stage_jit
def _take_stacks(structure: Structure, plan: Plan, q: int, i: int, pool: int) -> None:
    """Take the stacks of a package, of those up to the end of each period."""
    for until in range(q, PERIODS):
        stacks = structure.product[i].stacks_per_package
        take_of(plan, plan.stack_row[until], pool, plan.stacks[until, pool], stacks)


@stage_jit
def _take_places(
    clock: Clock, structure: Structure, world: World, plan: Plan, q: int, i: int, k: int
) -> None:
    """Take what a package takes of its market, of packaging lines and of dies."""
    if plan.wanted[q, i] < math.inf:
        take_of(plan, plan.market_row[q], i, plan.wanted[q, i], 1.0)
    for line in range(structure.line.shape[0]):
        if uses(structure, i, line) and not clock.no_packaging_limit:
            each = per_package(structure, world, i, line, k)
            take_of(plan, plan.line_row[q], line, plan.capacity[q, line], each)
    for die in range(structure.die.shape[0]):
        if structure.planning.dies_each[i, die] > 0.0:
            take_dies(structure, plan, q, die, structure.planning.dies_each[i, die])
    if structure.planning.own_row[i] == 1:
        take_own_bins(structure, plan, q, i)


@stage_jit
def add_wafers(clock: Clock, structure: Structure, plan: Plan) -> None:
    """Add the wafers that may be chosen and whose dies may go into a package."""
    program = plan.program
    for q in range(PERIODS):
        for route in range(structure.route.shape[0]):
            first, end = structure.route[route].first_entry, structure.route[route].end_entry
            for entry in range(first, end):
                if plan.wafer_column[q, entry] < 0:
                    continue
                if not give_dies(structure, plan, q, entry):
                    plan.wafer_column[q, entry] = -1
                    continue
                take_of(plan, plan.wafer_row[q], route, plan.wafers[q, route], 1.0)
                keep_to_memory(clock, structure, plan, q, entry)
                cost = _WAFER * plan.later[q] * (1.0 + _PLACE * entry)
                plan.wafer_column[q, entry] = _end_column(program, -cost)
