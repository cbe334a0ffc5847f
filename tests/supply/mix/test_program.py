"""The linear program leaves out what cannot bind: its plan is the best of the whole program.

The whole program has every variable and limit in every quarter, written term by term and solved by
SciPy. With the wafers and packages of the plan it is worth as much as with those of its own choice.
"""

from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np
import pytest
from scipy.optimize import linprog

from tests.supply.mix.test_wafers import by_shares
from yieldsim.supply.kernels.records import Structure
from yieldsim.supply.mix.program import MixPlan, Program
from yieldsim.supply.mix.scope import Scope
from yieldsim.supply.mix.solver import LinearProgram
from yieldsim.supply.mix.supplies import Supplies, supplies_of

# the solvers stop within 1e-7 of each limit, in thousands of which a plan has hundreds
SOLVED = 1e-6
Variable = tuple[str, int, int, int]
# of the products on the first, so that the smaller capacity of the two binds
SECOND_LINE = (
    "packaging.second={source='made_up', capacity=1000}",
    "products.whole.packaging=['new', 'second', 'test']",
    "products.pair.packaging=['new', 'second']",
    "products.next.packaging=['new', 'second']",
)


@dataclass
class Whole:
    """A program by names of variables and rows."""

    place: dict[Variable, int] = field(default_factory=dict)
    worth: dict[Variable, float] = field(default_factory=dict)
    most: dict[Variable, float] = field(default_factory=dict)
    equal: dict[object, dict[Variable, float]] = field(default_factory=lambda: defaultdict(dict))
    below: dict[object, dict[Variable, float]] = field(default_factory=lambda: defaultdict(dict))
    right: dict[object, float] = field(default_factory=dict)

    def matrix(self, rows: dict[object, dict[Variable, float]]) -> tuple[np.ndarray, np.ndarray]:
        values = np.zeros((len(rows), len(self.place)))
        for row, terms in enumerate(rows.values()):
            for name, value in terms.items():
                values[row, self.place[name]] = value
        return values, np.array([self.right[name] for name in rows])

    def best(self, fixed: dict[Variable, float]) -> float:
        """The most worth where some variables have given values."""
        bounds = [
            (fixed[name] - SOLVED, fixed[name] + SOLVED) if name in fixed else (0.0, most)
            for name, most in self.most.items()
        ]
        equal, given = self.matrix(self.equal)
        below, limit = self.matrix(self.below)
        cost = -np.array([self.worth.get(name, 0.0) for name in self.place])
        solved = linprog(cost, below, limit, equal, given, bounds)
        assert solved.status == 0, solved.message
        return float(-solved.fun)


def new(program: Whole, kind: str, one: int, two: int, q: int, most: float) -> Variable:
    name = kind, one, two, q
    program.place[name] = len(program.place)
    program.most[name] = most
    return name


def add_wafers(program: Whole, scope: Scope, supplies: Supplies) -> None:
    wafers = supplies.wafers
    for j, q in np.ndindex(wafers.free.shape):
        name = new(program, "wafers", j, 0, q, float(wafers.free[j, q]))
        route = int(scope.entries.route[j])
        program.below["route", route, q][name] = 1.0
        program.right["route", route, q] = 1.0
        for pair, later in np.argwhere(wafers.arrive[:, q] > 0.0):
            if wafers.entry[pair] == j:
                row = program.equal["die", int(wafers.row[pair]), int(q + later)]
                row[name] = -wafers.arrive[pair, q, later] / 1e3


def whole(scope: Scope, structure: Structure, supplies: Supplies) -> Whole:
    """The program of a realization: thousands of packages, dies and stacks."""
    program = Whole()
    stacks_each = structure.product["stacks_per_package"][scope.products]

    for kind, given in (("die", supplies.dies), ("stack", supplies.stacks)):
        for a, q in np.ndindex(given.shape):
            program.equal[kind, a, q][new(program, kind, a, 0, q, np.inf)] = 1.0
            program.right[kind, a, q] = given[a, q] / 1e3
            if q > 0:
                program.equal[kind, a, q][kind, a, 0, q - 1] = -1.0
    add_wafers(program, scope, supplies)
    for place, q in np.ndindex(supplies.ceiling.shape):
        most = supplies.ceiling[place, q] / 1e3
        part = supplies.in_time[place, q]
        for r, recipe in enumerate(scope.recipes[place]):
            name = new(program, "recipe", place, r, q, most)
            worth = supplies.worth[place][r] * (part + 1e-3 * (1.0 - part))
            program.worth[name] = worth * (1.0 - 1e-4 * q)
            program.equal["same", place, q][name] = 1.0
            for row, count in recipe:
                program.equal["die", row, q][name] = count
        pools = scope.pools[place]
        for rank in range(max(1, len(pools))):
            name = new(program, "packages", place, rank, q, most)
            program.equal["same", place, q][name] = -1.0
            program.right["same", place, q] = 0.0
            if pools:
                program.equal["stack", pools[rank], q][name] = float(stacks_each[place])
            if np.isfinite(most):
                program.below["ceiling", place, q][name] = 1.0
                program.right["ceiling", place, q] = most
            for line in scope.lines[place]:
                program.below["line", line, q][name] = supplies.units[place, line]
                program.right["line", line, q] = supplies.capacity[line, q] / 1e3
    return program


def names(plan: MixPlan) -> dict[Variable, float]:
    wafers = {("wafers", j, 0, q): part for (j, q), part in np.ndenumerate(plan.wafers)}
    packages = {
        ("packages", place, rank, q): number / 1e3
        for place, own in enumerate(plan.packages)
        for (rank, q), number in np.ndenumerate(own)
    }
    return {name: float(value) for name, value in (wafers | packages).items()}


@pytest.mark.parametrize(
    ("model", "changes"),
    [
        ("mix", ()),
        ("mix", ("simulation.no_limit=['packaging']",)),
        ("mix", ("simulation.no_limit=['memory']", "products.next.demand=3000")),
        ("mix", ("memory.fast.deliveries=3e4", "packaging.new.capacity=400")),
        ("mix", ("products.whole.start='2026Q4'", "products.tile.start='2026Q4'")),
        ("mix", SECOND_LINE),
        ("two_fabs", ()),
        ("tiers", ()),
    ],
)
def test_the_plan_is_the_best_of_the_whole_program(model: str, changes: tuple[str, ...]) -> None:
    scope, realizations, _ = by_shares(model, *changes)
    for seen in realizations:
        structure, supplies = seen.structure, supplies_of(scope, seen)
        plan = Program(scope, structure, seen.clock.quarters).best_plan(supplies, 1e6)
        program = whole(scope, structure, supplies)
        best = program.best({})
        assert best > 0.0
        assert program.best(names(plan)) == pytest.approx(best, rel=10 * SOLVED)


def test_a_program_without_a_solution_has_none() -> None:
    program = LinearProgram()
    column = program.add_columns(np.array([1.0]), np.array([1.0]))
    program.add_values(program.add_rows(np.array([2.0]), np.array([2.0])), column, 1.0)
    program.make_basic(column)
    assert program.solve() is None
