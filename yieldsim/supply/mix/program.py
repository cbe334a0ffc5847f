"""The linear program that divides wafers among designs and chooses the packages of products.

Its variables in quarter q are

- m[j, q], the part of a route's divisible wafers that start as entry j; the parts sum to at most 1;
- x[i, r, q], packages of product i by recipe r, and y[i, p, q], those with stacks of its p-th pool;
- dies of each row and stacks of each pool in stock, both at least 0 and carried over.

The objective is the compute of the packages finished before the end. Small terms break ties. They
prefer packages sooner, packages that finish too late to none, and wafers that follow the shares.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from yieldsim.supply.mix.realization import Realization
from yieldsim.supply.mix.scope import Scope
from yieldsim.supply.mix.supplies import Supplies

_THOUSAND = 1e3  # dies, packages and stacks are counted in thousands
_SOONER = 1e-4  # part of the worth lost per quarter
_TOO_LATE = 1e-3  # part of the worth that is left after the end
_MOVED = 1e-7  # cost in parts of all compute, for the wafers of a route and quarter


@dataclass(frozen=True)
class MixPlan:
    """A solution: the parts of wafers and the packages by quarter."""

    wafers: np.ndarray  # (moved entry, quarter)
    packages: list[np.ndarray]  # of each product in the scope, (rank of memory, quarter)


@dataclass
class _Terms:
    """The terms of a sparse matrix, gathered piece by piece."""

    rows: list[np.ndarray] = field(default_factory=list)
    columns: list[np.ndarray] = field(default_factory=list)
    values: list[np.ndarray] = field(default_factory=list)

    def add(self, rows: np.ndarray, columns: np.ndarray, values: np.ndarray | float) -> None:
        """Add ``values`` at (rows, columns), all broadcast together; zeros are left out."""
        rows, columns, values = np.broadcast_arrays(rows, columns, np.asarray(values, float))
        kept = values != 0.0
        self.rows.append(rows[kept])
        self.columns.append(columns[kept])
        self.values.append(values[kept])

    def matrix(self, rows: int, columns: int) -> Any:
        """Return all terms as a sparse matrix of the given size."""
        from scipy.sparse import coo_array

        places = (np.concatenate(self.rows), np.concatenate(self.columns))
        return coo_array((np.concatenate(self.values), places), shape=(rows, columns)).tocsc()


class _Variables:
    """Column numbers of the variables, each an array (..., quarter)."""

    def __init__(self, scope: Scope, pool_count: int, quarters: int) -> None:
        self.count = 0
        self.quarters = quarters
        self.wafers = self._more(len(scope.moved))
        self.recipes = [self._more(len(recipes)) for recipes in scope.recipes]
        self.ranks = [self._more(max(1, len(pools))) for pools in scope.pools]
        self.dies = self._more(scope.rows)
        self.stacks = self._more(pool_count)

    def _more(self, rows: int) -> np.ndarray:
        first = self.count
        self.count += rows * self.quarters
        return np.arange(first, self.count).reshape(rows, self.quarters)


def best_plan(
    scope: Scope, realization: Realization, supplies: Supplies, made: float
) -> MixPlan | None:
    """Return the plan that makes the most compute, or None where the solver has no solution.

    ``made`` is the compute of the run by shares (TFLOPS). It scales the objective.
    """
    from scipy.optimize import linprog  # late: loading it takes longer than many runs by shares

    quarters, pools = realization.clock.quarters, len(realization.structure.pool)
    columns = _Variables(scope, pools, quarters)
    stacks_each = realization.structure.product["stacks_per_package"][scope.products]
    balance, given = _balances(scope, columns, supplies, stacks_each)
    limits, most = _limits(scope, columns, realization, supplies)
    solution = linprog(
        -_objective(columns, supplies, max(made / _THOUSAND, 1.0)),
        A_ub=limits,
        b_ub=most,
        A_eq=balance,
        b_eq=given,
        bounds=np.stack([np.zeros(columns.count), _upper(columns, supplies)], axis=1),
        method="highs-ds",
    )
    if solution.status != 0:
        return None
    solved = np.maximum(solution.x, 0.0)
    return MixPlan(solved[columns.wafers], [solved[rank] * _THOUSAND for rank in columns.ranks])


def _objective(columns: _Variables, supplies: Supplies, scale: float) -> np.ndarray:
    worth = np.zeros(columns.count)
    worth[columns.wafers] = -_MOVED
    sooner = 1.0 - _SOONER * np.arange(columns.quarters)
    for recipes, each, done in zip(columns.recipes, supplies.worth, supplies.in_time, strict=True):
        worth[recipes] = each[:, None] / scale * sooner * (done + _TOO_LATE * (1.0 - done))
    return worth / _MOVED * 1e-3  # well above the solver's tolerance of 1e-7


def _upper(columns: _Variables, supplies: Supplies) -> np.ndarray:
    upper = np.full(columns.count, np.inf)
    upper[columns.wafers] = supplies.wafers.free
    for recipes, ranks, most in zip(
        columns.recipes, columns.ranks, supplies.ceiling / _THOUSAND, strict=True
    ):
        upper[recipes] = most
        upper[ranks] = most
    return upper


def _balances(
    scope: Scope, columns: _Variables, supplies: Supplies, stacks_each: np.ndarray
) -> tuple[Any, np.ndarray]:
    """Return the equalities: stocks of dies and stacks, and packages by recipe and by pool."""
    terms, quarters = _Terms(), columns.quarters
    pools = len(columns.stacks)
    rows = np.arange((scope.rows + pools + len(scope.products)) * quarters).reshape(-1, quarters)
    die_rows, pool_rows = rows[: scope.rows], rows[scope.rows : scope.rows + pools]
    for own, stock in ((die_rows, columns.dies), (pool_rows, columns.stacks)):
        terms.add(own, stock, 1.0)
        terms.add(own[:, 1:], stock[:, :-1], -1.0)
    terms.add(  # (moved, row, start, end)
        die_rows[None, :, None, :],
        columns.wafers[:, None, :, None],
        -supplies.wafers.arrive / _THOUSAND,
    )
    for place, recipes in enumerate(scope.recipes):
        same = rows[scope.rows + pools + place]
        for r, recipe in enumerate(recipes):
            for row, count in recipe:
                terms.add(die_rows[row], columns.recipes[place][r], count)
            terms.add(same, columns.recipes[place][r], 1.0)
        terms.add(same, columns.ranks[place], -1.0)
        for rank, pool in enumerate(scope.pools[place]):
            terms.add(pool_rows[pool], columns.ranks[place][rank], float(stacks_each[place]))
    given = np.concatenate([supplies.dies, supplies.stacks]).ravel() / _THOUSAND
    return terms.matrix(rows.size, columns.count), np.append(
        given, np.zeros(len(scope.products) * quarters)
    )


def _limits(
    scope: Scope, columns: _Variables, realization: Realization, supplies: Supplies
) -> tuple[Any, np.ndarray]:
    """Return the upper limits: wafers of routes, capacity of packaging lines, demand."""
    terms, quarters = _Terms(), columns.quarters
    routes, lines = len(realization.structure.route), len(realization.structure.line)
    wanted = np.isfinite(supplies.ceiling)
    rows = np.arange((routes + lines + len(scope.products)) * quarters).reshape(-1, quarters)
    route_of = np.searchsorted(realization.structure.route["end_entry"], scope.moved, side="right")
    terms.add(rows[route_of], columns.wafers, 1.0)
    for place, own_lines in enumerate(scope.lines):
        for line in own_lines:
            each = supplies.units[place, line]
            terms.add(rows[routes + line], columns.ranks[place], each)
        own = rows[routes + lines + place]
        terms.add(own, columns.ranks[place], wanted[place].astype(float))
    ceiling = np.where(wanted, supplies.ceiling, 0.0)
    most = [np.full(routes * quarters, _THOUSAND), supplies.capacity.ravel(), ceiling.ravel()]
    return terms.matrix(rows.size, columns.count), np.concatenate(most) / _THOUSAND
