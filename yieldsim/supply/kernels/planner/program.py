"""The linear program of a plan: a column per choice, a row per limit, in thousands of each."""

from __future__ import annotations

from yieldsim.kernels.jit import stage_jit
from yieldsim.supply.kernels.planner.columns import add_packages, add_wafers, mark_dies
from yieldsim.supply.kernels.planner.rows import clear_rows
from yieldsim.supply.kernels.planner.simplex import maximize
from yieldsim.supply.kernels.records import (
    COLUMNS,
    PERIODS,
    ROWS,
    Clock,
    State,
    Structure,
    World,
)

_LATER = 0.08  # part of the worth, and of the cost of a wafer, lost per quarter
_NONE = 1e-9  # thousands of packages or wafers that are rounding


@stage_jit
def solve(clock: Clock, structure: Structure, world: World, state: State, k: int) -> None:
    """Fill ``state.plan.chosen`` with the packages and wafers of the best plan, in thousands."""
    plan, program = state.plan, state.plan.program
    for q in range(PERIODS):
        plan.later[q] = (1.0 - _LATER) ** plan.edge[q, k]
    clear_rows(plan)
    mark_dies(structure, plan)
    add_packages(clock, structure, world, plan, k)
    add_wafers(clock, structure, plan)
    maximize(program)
    columns = program.size[COLUMNS]
    for j in range(columns):
        plan.chosen[j] = 0.0
    for i in range(program.size[ROWS]):
        if program.basic[i] < columns and program.limit[i] > _NONE:
            plan.chosen[program.basic[i]] = program.limit[i]
