"""The choices of a plan: wafers of a design in a line, packages with the stacks of a pool."""

from __future__ import annotations

from yieldsim.kernels.jit import stage_jit
from yieldsim.supply.kernels.allocation import uses
from yieldsim.supply.kernels.records import AI_ENTRY, PERIODS, Clock, Plan, Structure


@stage_jit
def number_columns(clock: Clock, structure: Structure, plan: Plan) -> int:
    """Number the choices that may be above zero, and mark what they take; return their number."""
    plan.die_used[:] = 0
    plan.pool_used[:] = 0
    plan.line_used[:] = 0
    columns = 0
    for q in range(PERIODS):
        for route in range(structure.route.shape[0]):
            wafers = plan.wafers[q, route]
            first, end = structure.route[route].first_entry, structure.route[route].end_entry
            for entry in range(first, end):
                plan.wafer_column[q, entry] = -1
                if structure.planning.entry[entry] != AI_ENTRY or plan.open_in[q, entry] == 0:
                    continue
                if wafers > 0.0 and counted_tested(structure, plan, entry) > 0.0:
                    plan.wafer_column[q, entry] = columns
                    columns += 1
    for q in range(PERIODS):
        for i in range(structure.product.shape[0]):
            for rank in range(structure.product_pool.shape[1]):
                plan.package_column[q, i, rank] = -1
            asked = plan.wanted[q, i] > 0.0 and plan.value[i] > 0.0
            if asked and _has_dies(structure, plan, q, i):
                columns = _number_ranks(clock, structure, plan, q, i, columns)
    return columns


@stage_jit
def _number_ranks(
    clock: Clock, structure: Structure, plan: Plan, q: int, i: int, columns: int
) -> int:
    """Number the choices of a product in a period; mark its dies, pools and packaging lines."""
    before = columns
    if structure.product[i].stacks_per_package == 0 or clock.no_memory_limit:
        plan.package_column[q, i, 0] = columns
        columns += 1
    else:
        for rank in range(structure.product_pool.shape[1]):
            pool = structure.product_pool[i, rank]
            if pool >= 0 and plan.stacks[q, pool] > 0.0:
                plan.package_column[q, i, rank] = columns
                plan.pool_used[pool] = 1
                columns += 1
    if columns == before:
        return columns
    for die in range(structure.die.shape[0]):
        if dies_each(structure, i, die) > 0.0:
            plan.die_used[die] = 1
    for line in range(structure.line.shape[0]):
        if uses(structure, i, line) and not clock.no_packaging_limit:
            plan.line_used[line] = 1
    return columns


@stage_jit
def dies_each(structure: Structure, i: int, die: int) -> float:
    """Return the dies of a design in a package of a product."""
    dies = 0.0
    if structure.product[i].die == die:
        dies += structure.product[i].dies_per_package
    for number in range(structure.other.shape[0]):
        if structure.other[number].product == i and structure.other[number].die == die:
            dies += structure.other[number].count
    return dies


@stage_jit
def counted_tested(structure: Structure, plan: Plan, entry: int) -> float:
    """Return the tested dies on a wafer of an entry, in bins that a planned product can take."""
    die, dies = structure.entry[entry].die, 0.0
    for b in range(structure.die[die].bins):
        dies += plan.tested[entry, b] * structure.planning.counted[die, b]
    return dies


@stage_jit
def _has_dies(structure: Structure, plan: Plan, q: int, i: int) -> bool:
    """Return whether a product has, or may have, dies of each design by the end of a period."""
    for die in range(structure.die.shape[0]):
        if dies_each(structure, i, die) <= 0.0:
            continue
        found = False
        for p in range(q + 1):
            for b in range(structure.die[die].bins):
                found |= plan.dies[p, die, b] * structure.planning.counted[die, b] > 0.0
            for entry in range(structure.entry.shape[0]):
                if structure.entry[entry].die == die:
                    found |= plan.wafer_column[p, entry] >= 0
        if not found:
            return False
    return True
