"""Elementary functions of the kernels against the library's."""

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from yieldsim.kernels.elementary import (
    exp_minus,
    exp_within,
    log1p_positive,
    log_positive,
    power_below_one,
)

ROUNDING = 16 * np.finfo(float).eps


@pytest.mark.parametrize("form", ["compiled", "plain"])
def test_exp_minus(form: str) -> None:
    function = exp_minus if form == "compiled" else exp_minus.py_func
    x = np.concatenate([[0.0], np.logspace(-20, math.log10(699), 400)])
    got = np.array([function(np.float64(one)) for one in x])
    # two units in the last place, as promised
    assert np.abs(got / np.exp(-x) - 1.0).max() < 4.5e-16
    assert function(np.float64(1e9)) == function(np.float64(700.0))


@pytest.mark.parametrize("form", ["compiled", "plain"])
def test_log_positive(form: str) -> None:
    function = log_positive if form == "compiled" else log_positive.py_func
    rng = np.random.default_rng(1)
    near_one = 1.0 + rng.choice([-1.0, 1.0], 1000) * 10.0 ** rng.uniform(-15.5, -0.3, 1000)
    # seams: whole powers of two, where the log of the rest is zero, and their halves' roots
    powers = 2.0 ** np.arange(-1021.0, 1023.0)
    seams = np.concatenate([powers, powers * math.sqrt(0.5), powers * math.sqrt(2.0)])
    seams = np.concatenate([seams, np.nextafter(seams, 0.0), np.nextafter(seams, np.inf)])
    x = np.concatenate([2.0 ** rng.uniform(-1022.0, 1023.0, 2000), near_one, seams])
    x = np.append(x[x != 1.0], [2.0**-1022, np.finfo(float).max])
    with np.errstate(over="ignore"):  # whole numbers wrap, and NumPy's scalars tell
        got = np.array([function(one) for one in x])
    exact = np.log(x.astype(np.longdouble))
    assert np.abs(got / exact - 1.0).max() < 7e-16
    assert function(np.float64(1.0)) == 0.0


HALVES = np.arange(-2009, 2010, 2) * math.log(2.0) / 2.0  # where the power of two changes
EXPONENTS = np.concatenate([np.linspace(-700.0, 700.0, 20_011), HALVES, np.logspace(-18, 0, 500)])
TURN = math.sqrt(2.0) - 1.0  # where log1p_positive begins to take out a power of two
SUMMANDS = np.concatenate(
    [
        np.logspace(-300, 300, 10_007),
        np.linspace(1e-9, 8.0, 20_011),
        TURN * (1.0 + np.arange(-50, 51) * 2.0**-53),
        2.0 ** np.arange(1, 60) * math.sqrt(0.5) - 1.0,
    ]
)


@pytest.mark.parametrize(("form", "every"), [("compiled", 1), ("plain", 41)])
def test_exp_within_its_bound(form: str, every: int) -> None:
    function = exp_within if form == "compiled" else exp_within.py_func
    x = EXPONENTS[::every]
    got = np.array([function(one) for one in x]).astype(np.longdouble)
    assert np.abs(got / np.exp(x.astype(np.longdouble)) - 1.0).max() < 4.5e-16  # as promised
    assert function(np.float64(0.0)) == 1.0
    for end in (-700.0, 700.0):
        assert function(np.float64(2.0 * end)) == function(np.float64(end))


@pytest.mark.parametrize(("form", "every"), [("compiled", 1), ("plain", 41)])
def test_log1p_positive_within_its_bound(form: str, every: int) -> None:
    function = log1p_positive if form == "compiled" else log1p_positive.py_func
    x = SUMMANDS[::every]
    with np.errstate(over="ignore"):  # the difference of two exponents may wrap around
        got = np.array([function(one) for one in x]).astype(np.longdouble)
    assert np.abs(got / np.log1p(x.astype(np.longdouble)) - 1.0).max() < 7e-16  # as promised
    assert function(np.float64(0.0)) == 0.0


@given(st.floats(1e-300, 1.0), st.floats(0.0, 60.0))
@example(math.sqrt(0.5), 1.0)
@example(math.nextafter(math.sqrt(0.5), 0.0), 1.0)
@example(math.nextafter(1.0, 0.0), 1.0)
@example(0.5, 3.0)
@example(0.97, 0.0)
def test_power_below_one(base: float, exponent: float) -> None:
    for power in (power_below_one, power_below_one.py_func):
        octaves = exponent * math.log2(base)
        if octaves < -1000.0:
            assert power(base, exponent) == pytest.approx(2.0**-1000, rel=ROUNDING)
        else:
            exact_power = float(np.longdouble(base) ** np.longdouble(exponent))
            bound = (abs(octaves) + 8.0) * np.finfo(float).eps
            assert power(base, exponent) == pytest.approx(exact_power, rel=bound, abs=0.0)
