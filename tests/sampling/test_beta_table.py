"""Tabulated quantiles of beta distributions against the inverse incomplete beta function."""

import numpy as np
import pytest
from scipy.special import betaincinv

from yieldsim.sampling.beta_table import beta_table

LEAST = 2.0**-53
TAIL = np.geomspace(LEAST, 0.5, 4001)
U = np.concatenate([TAIL, 1.0 - TAIL[-2::-1]])
PERT = [(1.0 + 4.0 * peak, 5.0 - 4.0 * peak) for peak in (0.0, 1e-4, 0.03, 0.2, 0.5, 0.9, 1.0)]
OTHERS = [(1.0, 1.0), (1.0, 1000.0), (2.0, 1.0), (30.0, 10.0), (1e6, 1.0), (1e6, 1e6)]


# The error is h^6 / 46080 times the sixth derivative of x(z), with cells of h = 1/8 in the score z:
# 8.3e-11 times that. It is largest for the uniform distribution, where x is the normal distribution
# function: 2.31, the peak of |z^5 - 10 z^3 + 15 z| phi(z). PERT distributions are wider than their
# density's steepest part: 0.12 was found, with the mode at an end.
@pytest.mark.parametrize(("shapes", "error"), [(PERT, 1e-11), (OTHERS, 2e-10)])
def test_beta_table_error(shapes: list[tuple[float, float]], error: float) -> None:
    made = beta_table(tuple(shapes))(np.tile(U, (len(shapes), 1)), np.arange(len(shapes)))
    exact = np.stack([betaincinv(a, b, U) for a, b in shapes])
    assert np.abs(made - exact).max() < error


def test_tabulated_quantiles_rise_into_both_tails() -> None:
    # at steps of the score of about 1/60, which are far larger than what rounding could turn
    shapes = [*PERT, *OTHERS[:4]]
    made = beta_table(tuple(shapes))(np.tile(U[::8], (len(shapes), 1)), np.arange(len(shapes)))
    assert (np.diff(made) >= 0.0).all()


def test_a_row_does_not_depend_on_the_others() -> None:
    table, u = beta_table(tuple(PERT)), np.random.default_rng(1).random((5, 1000))
    which = np.array([3, 0, 3, 6, 2])
    whole = table(u, which)
    for row, number in enumerate(which):
        alone = beta_table((PERT[number],))(u[row : row + 1, 17:18], np.array([0]))
        assert alone[0, 0] == whole[row, 17]
