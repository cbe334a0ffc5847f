"""The simplex method of the planner against HiGHS, and on programs that make it stall."""

from typing import NamedTuple

import numpy as np
import pytest
from scipy.optimize import linprog

from yieldsim.supply.compile.planning import new_program
from yieldsim.supply.kernels.planner.simplex import maximize


class Solved(NamedTuple):
    """What the kernel made of a program."""

    found: bool
    value: float
    x: np.ndarray


def solve(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> Solved:
    """Maximize c x under a x <= b and x >= 0."""
    rows, columns = a.shape
    column, row = np.nonzero(a.T)
    program = new_program(rows, columns, len(row))
    program.size[:] = rows, columns, len(row)
    program.limit[:], program.gain[:] = b, c
    program.column_end[1:] = np.cumsum(np.count_nonzero(a, axis=0))
    program.element_row[:], program.element[:] = row, a[row, column]
    found = maximize(program)
    x = np.zeros(columns + rows)
    x[program.basic] = program.limit
    assert len({*program.basic}) == rows
    return Solved(found, float(c @ x[:columns]), x[:columns])


@pytest.mark.parametrize("seed", range(30))
def test_random_programs_agree_with_highs(seed: int) -> None:
    """Bounded programs, of which some limits are zero and some columns give to a limit."""
    rng = np.random.default_rng(seed)
    rows, columns = int(rng.integers(1, 40)), int(rng.integers(1, 60))
    a = rng.uniform(0.0, 8.0, (rows, columns)) * (rng.random((rows, columns)) < 0.3)
    a[:, : columns // 4] *= -1.0
    a = np.vstack([a, np.eye(columns)])  # so that it is bounded
    b = np.append(rng.uniform(0.0, 100.0, rows) * (rng.random(rows) < 0.8), np.full(columns, 50.0))
    c = rng.uniform(-0.2, 1.0, columns)
    got = solve(a, b, c)
    expected = linprog(-c, A_ub=a, b_ub=b, method="highs")
    assert got.found
    # rounding of some hundred pivots, elements below 1e3
    assert got.value == pytest.approx(-expected.fun, rel=1e-8, abs=1e-8)
    assert np.all(a @ got.x <= b + 1e-8)
    assert got.x.min() >= 0.0


def test_a_program_on_which_the_largest_gain_cycles() -> None:
    """Of Beale (1955): after six pivots without progress the first table is back."""
    a = np.array([[0.25, -60.0, -0.04, 9.0], [0.5, -90.0, -0.02, 3.0], [0.0, 0.0, 1.0, 0.0]])
    got = solve(a, np.array([0.0, 0.0, 1.0]), np.array([0.75, -150.0, 0.02, -6.0]))
    assert got.found
    assert got.value == pytest.approx(0.05, rel=1e-12)


def test_without_a_limit_there_is_no_optimum() -> None:
    got = solve(np.array([[1.0, -1.0]]), np.array([3.0]), np.array([1.0, 0.5]))
    assert not got.found


def test_nothing_that_gains_leaves_nothing_chosen() -> None:
    got = solve(np.array([[1.0, 2.0]]), np.array([3.0]), np.array([-1.0, 0.0]))
    assert got.found
    assert np.all(got.x == 0.0)
