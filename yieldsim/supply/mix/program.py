"""The linear program that divides wafers among designs and chooses the packages of products.

Its variables in quarter q are

- m[j, q], the part of a route's divisible wafers that start as entry j; the parts sum to at most 1;
- x[v, q], packages of a product by recipe, by memory pool, or both (`variables`);
- s[a, q], dies of each row and stacks of each pool in stock, at least 0 and carried over.

The objective is the compute of the packages finished before the end. Small terms break ties. They
prefer packages sooner, packages that finish too late to none, and wafers that follow the shares.

What cannot bind is left out: packages of a product out of production or without dies and stacks,
stocks in quarters in which nothing takes from them, and limits that others imply. The first basis
is that of no wafers moved and no packages, with all dies and stacks left in stock.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from yieldsim.supply.kernels.records import Structure
from yieldsim.supply.mix.scope import Scope
from yieldsim.supply.mix.solver import LinearProgram
from yieldsim.supply.mix.supplies import Supplies
from yieldsim.supply.mix.variables import Variables

_THOUSAND = 1e3  # dies, packages and stacks are counted in thousands
_SOONER = 1e-4  # part of the worth lost per quarter
_TOO_LATE = 1e-3  # part of the worth that is left after the end
_MOVED = 1e-7  # cost in parts of all compute, for the wafers of a route and quarter
_LATER = 1e-2  # part of that cost saved per quarter: no wafers move before they are needed
_UNIT = 1e-3 / _MOVED  # lifts the terms of the objective above the solver's tolerance of 1e-7
_NONE = 1e-9  # thousand packages; fewer are rounding
_ROUNDING = 1e-12  # relative, of a ceiling that is the capacity of a line


@dataclass(frozen=True)
class MixPlan:
    """A solution: the parts of wafers and the packages by quarter."""

    wafers: np.ndarray  # (moved entry, quarter)
    packages: list[np.ndarray]  # of each product in the scope, (rank of memory, quarter)


@dataclass(frozen=True)
class _Arrivals:
    """Dies from the wafers of moved entries if these get all wafers, none of them zero."""

    entry: np.ndarray
    start: np.ndarray  # quarter
    stock: np.ndarray
    end: np.ndarray  # quarter
    dies: np.ndarray  # thousands

    @classmethod
    def of(cls, supplies: Supplies) -> _Arrivals:
        wafers = supplies.wafers
        given = wafers.free[wafers.entry, :, None] & (wafers.arrive > 0.0)
        pair, start, later = np.nonzero(given)
        dies = wafers.arrive[given] / _THOUSAND
        return cls(wafers.entry[pair], start, wafers.row[pair], start + later, dies)

    def most(self, shape: tuple[int, ...]) -> np.ndarray:
        """Return the dies if every entry got all wafers, (stock, quarter)."""
        places = np.ravel_multi_index((self.stock, self.end), shape)
        return np.bincount(places, self.dies, int(np.prod(shape))).reshape(shape)


@dataclass(frozen=True)
class _Balances:
    """The rows of the stocks of a program, (stock, quarter)."""

    takes: np.ndarray  # row of what is taken; -1 in quarters in which nothing takes
    comes: np.ndarray  # row that arrivals of a quarter count in: the next with takes, or -1


class Program:
    """The linear program of a scope, filled and solved for one realization at a time."""

    def __init__(self, scope: Scope, structure: Structure, quarters: int) -> None:
        self._quarters = quarters
        self._variables = Variables(scope, structure)
        self._routes = scope.entries.route[: len(scope.moved)]
        self._ranks = [max(1, len(pools)) for pools in scope.pools]

    def best_plan(self, supplies: Supplies, made: float) -> MixPlan | None:
        """Return the plan that makes the most compute, or None where the solver has no solution.

        ``made`` is the compute of the run by shares (TFLOPS). It scales the objective.
        """
        program = LinearProgram()
        given = np.concatenate([supplies.dies, supplies.stacks[self._variables.pools]]) / _THOUSAND
        arrivals = _Arrivals.of(supplies)
        upper = self._upper(supplies, np.cumsum(given + arrivals.most(given.shape), axis=1))
        used = upper > 0.0
        balances = self._balance(program, given, used)
        wafers = self._divide(program, balances, arrivals)
        packages = np.full(used.shape, -1)
        cost = self._cost(supplies, max(made / _THOUSAND, 1.0))
        packages[used] = program.add_columns(cost[used], upper[used])
        self._take(program, balances, packages)
        self._match(program, packages)
        self._limit(program, supplies, packages)
        solved = program.solve()
        if solved is None:
            return None
        solved = np.append(np.maximum(solved, 0.0), 0.0)  # the last is for the number -1
        return MixPlan(solved[wafers], self._by_rank(solved[packages] * _THOUSAND))

    def _upper(self, supplies: Supplies, there: np.ndarray) -> np.ndarray:
        """Return the most packages that ceilings and all of a stock allow, (packages, quarter)."""
        variables = self._variables
        takes = (variables.stock >= 0)[..., None]
        count = np.where(takes, variables.count[..., None], 1.0)
        enough = np.where(takes, there[variables.stock] / count, np.inf)
        upper = np.minimum(
            supplies.ceiling[variables.place] / _THOUSAND, enough.min(axis=1, initial=np.inf)
        )
        upper[upper < _NONE] = 0.0
        used = upper > 0.0  # none by recipe or none by pool: none at all
        both = (variables.by_recipe @ used) & (variables.by_pool @ used)
        return np.where(self._of_pair(both, True), upper, 0.0)

    def _of_pair(self, values: np.ndarray, otherwise: Any) -> np.ndarray:
        """Return the values (pair, quarter) of packages by recipe and by pool, for all packages."""
        pair = self._variables.pair
        return np.append(values, np.full((1, self._quarters), otherwise), axis=0)[pair]

    def _cost(self, supplies: Supplies, scale: float) -> np.ndarray:
        """Return the cost of each package, (packages, quarter)."""
        variables = self._variables
        worth = np.array(
            [
                supplies.worth[place][recipe] if recipe >= 0 else 0.0
                for place, recipe in zip(variables.place, variables.recipe, strict=True)
            ]
        )
        sooner = 1.0 - _SOONER * np.arange(self._quarters)
        done = supplies.in_time + _TOO_LATE * (1.0 - supplies.in_time)
        return np.asarray(-worth[:, None] / scale * _UNIT * sooner * done[variables.place])

    def _balance(self, program: LinearProgram, given: np.ndarray, used: np.ndarray) -> _Balances:
        """Add the stocks at the ends of quarters in which packages may take from them.

        What comes in other quarters counts in the next of these.
        """
        last = self._quarters
        takes = self._variables.taken @ used  # (stock, quarter)
        stock = np.nonzero(takes)[0]
        rows = np.full((len(takes), last + 1), -1)
        rows[:, :last][takes] = program.rows + np.arange(len(stock))
        following = np.where(takes, np.arange(last), last)
        following = np.minimum.accumulate(following[:, ::-1], axis=1)[:, ::-1]
        comes = np.take_along_axis(rows, following, axis=1)
        come = np.bincount(comes[comes >= 0], given[comes >= 0], len(stock))
        numbers = program.add_rows(come, come)
        left = program.add_columns(np.zeros(len(stock)), np.full(len(stock), np.inf))
        program.make_basic(left)
        program.add_values(numbers, left, 1.0)
        kept_on = stock[1:] == stock[:-1]
        program.add_values(numbers[1:][kept_on], left[:-1][kept_on], -1.0)
        return _Balances(rows[:, :last], comes)

    def _divide(
        self, program: LinearProgram, balances: _Balances, arrivals: _Arrivals
    ) -> np.ndarray:
        """Add the parts of wafers, with a limit where several share a route and quarter.

        Return their columns, (moved entry, quarter).
        """
        columns = np.full((len(self._routes), self._quarters), -1)
        rows = balances.comes[arrivals.stock, arrivals.end]
        places = arrivals.entry * self._quarters + arrivals.start
        places, rows, dies = (x[rows >= 0] for x in (places, rows, arrivals.dies))
        if not len(rows):
            return columns
        first = np.flatnonzero(
            (np.diff(places, prepend=-1) != 0) | (np.diff(rows, prepend=-1) != 0)
        )
        dies = np.add.reduceat(dies, first)  # of quarters that count in the same row
        some, column_of = np.unique(places[first], return_inverse=True)
        cost = _MOVED * _UNIT / (1.0 + _LATER * (some % self._quarters))
        numbers = program.add_columns(cost, np.ones(len(some)))
        program.add_values(rows[first], numbers[column_of], -dies)
        columns.ravel()[some] = numbers
        routes = self._routes[some // self._quarters] * self._quarters + some % self._quarters
        several = np.bincount(routes) > 1
        limits = np.full(len(several), -1)
        high = np.ones(int(several.sum()))
        limits[several] = program.add_rows(np.full(len(high), -np.inf), high)
        program.add_values(limits[routes], numbers, 1.0)
        return columns

    def _take(self, program: LinearProgram, balances: _Balances, packages: np.ndarray) -> None:
        """Let the packages take their dies and stacks."""
        stock, count = self._variables.stock[..., None], self._variables.count[..., None]
        rows = np.where(stock >= 0, balances.takes[self._variables.stock], -1)
        program.add_values(rows, packages[:, None], count)

    def _match(self, program: LinearProgram, packages: np.ndarray) -> None:
        """Add as many packages by pool as by recipe, of products that have both."""
        variables = self._variables
        possible = variables.by_pool[..., None] & (packages >= 0)  # (pair, packages, quarter)
        pair, quarter = np.nonzero(possible.any(axis=1))
        rows, none = np.full((len(possible), self._quarters), -1), np.zeros(len(pair))
        rows[pair, quarter] = program.add_rows(none, none)
        program.add_values(self._of_pair(rows, -1), packages, variables.sign[:, None])
        program.make_basic(packages[possible.argmax(axis=1)[pair, quarter], quarter])

    def _limit(self, program: LinearProgram, supplies: Supplies, packages: np.ndarray) -> None:
        """Add the capacity of packaging lines, and ceilings that this does not imply."""
        variables = self._variables
        implied = np.full(supplies.ceiling.shape, np.inf)
        for lines, users, own in zip(
            variables.lines, variables.users, variables.on_line, strict=True
        ):
            capacity = supplies.capacity[lines].min(axis=0)
            rows = program.add_rows(np.full(len(capacity), -np.inf), capacity / _THOUSAND)
            units = supplies.units[:, lines[0]]
            program.add_values(rows, packages[own], units[variables.place[own], None])
            implied[users] = np.minimum(implied[users], capacity / units[users, None])
        several = variables.counted.astype(int) @ (packages >= 0) > 1
        needed = several & (supplies.ceiling < implied * (1.0 - _ROUNDING))
        rows = np.full(needed.shape, -1)
        most = supplies.ceiling[needed] / _THOUSAND
        rows[needed] = program.add_rows(np.full(len(most), -np.inf), most)
        rows = np.where(variables.rank[:, None] >= 0, rows[variables.place], -1)
        program.add_values(rows, packages, 1.0)

    def _by_rank(self, packages: np.ndarray) -> list[np.ndarray]:
        """Return the packages of each product by the rank of their pool, (rank, quarter)."""
        plan = [np.zeros((ranks, self._quarters)) for ranks in self._ranks]
        variables = self._variables
        for place, rank, own in zip(variables.place, variables.rank, packages, strict=True):
            if rank >= 0:
                plan[place][rank] += own
        return plan
