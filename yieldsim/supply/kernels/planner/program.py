"""The linear program of a plan: a column per choice, a row per limit, in thousands of each."""

from __future__ import annotations

from yieldsim.kernels.jit import stage_jit
from yieldsim.supply.kernels.planner.columns import number_columns
from yieldsim.supply.kernels.planner.rows import (
    clear_row,
    limit_dies,
    limit_dies_ahead,
    limit_lines,
    limit_markets,
    limit_own_bins,
    limit_stacks,
    limit_wafers,
)
from yieldsim.supply.kernels.planner.simplex import maximize
from yieldsim.supply.kernels.records import PERIODS, Clock, State, Structure, World

_LATER = 0.08  # part of the worth, and of the cost of a wafer, lost per quarter
_NONE = 1e-9  # thousands of packages or wafers that are rounding
_RANK = 1e-3  # part of the worth lost per rank of memory
_WAFER = 1e-4  # cost of a wafer, in packages of the best product
_PLACE = 0.02  # part by which a wafer costs more at the next place: no two are alike


@stage_jit
def solve(clock: Clock, structure: Structure, world: World, state: State, k: int) -> None:
    """Fill ``state.plan.chosen`` with the packages and wafers of the best plan, in thousands."""
    plan = state.plan
    columns = number_columns(clock, structure, plan)
    width = columns + 1
    rows = limit_markets(structure, plan, width, 0)
    rows = limit_lines(structure, world, plan, width, rows, k)
    rows = limit_stacks(structure, plan, width, rows)
    rows = limit_dies(structure, plan, width, rows)
    rows = limit_own_bins(structure, plan, width, rows)
    rows = limit_wafers(structure, plan, width, rows)
    rows = limit_dies_ahead(clock, structure, plan, width, rows)
    objective = plan.table[rows * width : (rows + 1) * width]
    clear_row(objective, 0.0)
    for q in range(PERIODS):
        for i in range(structure.product.shape[0]):
            for rank in range(structure.product_pool.shape[1]):
                j = plan.package_column[q, i, rank]
                if j >= 0:
                    worth = (1.0 - _LATER) ** plan.edge[q] * (1.0 - _RANK * rank)
                    objective[j] = -plan.value[i] * worth
        for entry in range(structure.entry.shape[0]):
            j = plan.wafer_column[q, entry]
            if j >= 0:
                objective[j] = _WAFER * (1.0 - _LATER) ** plan.edge[q] * (1.0 + _PLACE * entry)
    maximize(plan.table, rows, columns, plan.basic, plan.outside)
    for j in range(columns):
        plan.chosen[j] = 0.0
    for i in range(rows):
        number = plan.table[i * width + columns]
        if plan.basic[i] < columns and number > _NONE:
            plan.chosen[plan.basic[i]] = number
