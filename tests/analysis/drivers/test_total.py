"""Total indices against closed forms, and against SciPy's estimator."""

import math

import numpy as np
import pytest
import xarray as xr
from scipy.stats import norm, sobol_indices

from yieldsim.analysis.drivers.figure import Figure
from yieldsim.analysis.drivers.swapped import Design
from yieldsim.analysis.drivers.total import total_indices

INTERVAL_SD = 2.0 * norm.ppf(0.975)
N = 2_048


def rows_of(x: np.ndarray, groups: list[list[int]]) -> np.ndarray:
    """The rows of a design: ``x`` (2 N, input) are A and B."""
    first, second = x[:N], x[N:]
    swaps = []
    for group in groups:
        swapped = first.copy()
        swapped[:, group] = second[:, group]
        swaps.append(swapped)
    return np.concatenate([first, second, first, *swaps])


def estimate(y: np.ndarray, groups: list[list[int]]) -> xr.Dataset:
    figure = Figure("usable_chips", "total", "baseline", "chip", ["2027"], y[:, None])
    design = Design(N, tuple(tuple(f"x{i}" for i in group) for group in groups))
    return total_indices(figure, design).isel(period=0)


def check(found: xr.Dataset, exact: list[float]) -> None:
    for g, value in enumerate(exact):
        own = found.isel(group=g)
        error = float(own["high"] - own["low"]) / INTERVAL_SD
        assert float(own["index"]) == pytest.approx(value, abs=4.0 * error + 1e-12)


def ishigami(x: np.ndarray) -> np.ndarray:
    return np.sin(x[:, 0]) + 7.0 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0])


@pytest.mark.statistical
def test_ishigami() -> None:
    x = np.random.default_rng(1).uniform(-math.pi, math.pi, (2 * N, 4))
    groups = [[0], [1], [2], [3]]
    found = estimate(ishigami(rows_of(x, groups)), groups)
    pi, b = math.pi, 0.1
    whole = 0.5 + 49.0 / 8.0 + b * pi**4 / 5.0 + b**2 * pi**8 / 18.0
    both = 8.0 * b**2 * pi**8 / 225.0  # of the product of the first and the third
    first = 0.5 * (1.0 + b * pi**4 / 5.0) ** 2
    check(found, [(first + both) / whole, 49.0 / 8.0 / whole, both / whole, 0.0])
    assert found["significant"].to_numpy().tolist() == [True, True, True, False]
    assert float(found["noise"]) == 0.0


@pytest.mark.statistical
def test_the_estimator_is_that_of_scipy() -> None:
    x = np.random.default_rng(2).uniform(-math.pi, math.pi, (2 * N, 3))
    groups = [[0], [1], [2]]
    y = ishigami(rows_of(x, groups))
    parts = y.copy().reshape(-1, N)  # SciPy 1.12 changes what it is given
    func = {"f_A": parts[:1], "f_B": parts[1:2], "f_AB": parts[3:, None]}
    expected = np.ravel(sobol_indices(func=func, n=N).total_order)
    # the same means of the same squares, added in another order
    np.testing.assert_allclose(estimate(y, groups)["index"], expected, rtol=1e-10)


@pytest.mark.statistical
def test_process_noise_is_told_apart() -> None:
    # Y = 3 X0 + 2 X1 + e with sd 2: 9 + 4 of parameters and 4 of noise
    rng = np.random.default_rng(3)
    groups = [[0], [1], [2]]
    rows = rows_of(rng.standard_normal((2 * N, 3)), groups)
    y = 3.0 * rows[:, 0] + 2.0 * rows[:, 1] + 2.0 * rng.standard_normal(len(rows))
    found = estimate(y, groups)
    assert float(found["noise"]) == pytest.approx(4.0 / 17.0, abs=4.0 * float(found["se_noise"]))
    check(found, [9.0 / 17.0, 4.0 / 17.0, 0.0])
    assert found["significant"].to_numpy().tolist() == [True, True, False]


@pytest.mark.statistical
def test_correlated_inputs_vary_as_a_group() -> None:
    # Y = X0 + X1 + X2, the first two with correlation 0.8: 3.6 of the group and 1 of the third
    rng = np.random.default_rng(4)
    x = rng.standard_normal((2 * N, 3))
    x[:, 1] = 0.8 * x[:, 0] + 0.6 * x[:, 1]
    groups = [[0, 1], [2]]
    found = estimate(rows_of(x, groups).sum(axis=1), groups)
    check(found, [3.6 / 4.6, 1.0 / 4.6])
    assert found["group"].to_numpy().tolist() == ["x0 + x1", "x2"]
