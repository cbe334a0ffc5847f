"""Inverse distribution functions of the kernels against SciPy."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special as exact
from scipy import stats

from yieldsim.kernels.inverse import (
    gamma_tabulated,
    gamma_wilson_hilferty,
    normal_ppf,
    normal_ppf_lanes,
    poisson_ppf_exact,
    poisson_ppf_within_one,
)
from yieldsim.wafer.compile.cubics import gamma_table

# AS 241 claims about 1e-16; log, square root and two Horner chains of eight add a few roundings.
ROUNDING = 16 * np.finfo(float).eps


@pytest.mark.parametrize("kernel", [normal_ppf, normal_ppf_lanes])
@pytest.mark.parametrize("form", ["compiled", "plain"])
def test_normal_ppf_over_the_whole_range(form: str, kernel: Any) -> None:
    function = kernel if form == "compiled" else kernel.py_func
    tail = 10.0 ** -np.linspace(0.31, 300.0, 2001)
    # 0.425 and exp(-25) are the seams of the three approximations.
    seams = [0.075, np.nextafter(0.075, 0), np.nextafter(0.075, 1), np.exp(-25), 0.925]
    u = np.concatenate([tail, 1.0 - tail[tail > 1e-15], seams, np.linspace(0.001, 0.999, 500)])
    got = np.array([function(x) for x in u])
    np.testing.assert_allclose(got, exact.ndtri(u), rtol=ROUNDING, atol=ROUNDING / 10)


@given(st.floats(1e-300, 0.5))
def test_normal_ppf_is_odd_about_one_half(u: float) -> None:
    mirrored = 1.0 - u
    if 1.0 - mirrored == u:  # only then do both sides see the same number
        assert normal_ppf(mirrored) == -normal_ppf(u)
    assert normal_ppf(u) <= 0.0


def test_normal_ppf_of_the_extreme_uniforms_is_finite() -> None:
    for u in (2.0**-53, 1.0 - 2.0**-53, 2.0**-33, 1.0 - 2.0**-33):
        assert normal_ppf(u) == pytest.approx(float(exact.ndtri(u)), rel=ROUNDING)
    assert normal_ppf(0.5) == 0.0


Z = np.linspace(-9.0, 9.0, 36_001)
WEIGHT = stats.norm.pdf(Z) / stats.norm.pdf(Z).sum()


def drawn(shape: float) -> np.ndarray:
    return np.array([gamma_wilson_hilferty(z, shape) for z in Z])


@pytest.mark.parametrize("shape", [2.0, 3.0, 10.0, 100.0])
def test_gamma_wilson_hilferty_error(shape: float) -> None:
    """The errors stated in the docstring at shape 2 are bounds that shrink with the shape."""
    x = drawn(shape)
    mean = WEIGHT @ x
    relative_variance = WEIGHT @ (x - mean) ** 2 * shape
    assert abs(mean - 1.0) < 3e-8
    assert abs(relative_variance - 1.0) < 7e-4 * (2.0 / shape) ** 1.5
    worst = np.abs(stats.gamma.cdf(x, shape, scale=1.0 / shape) - exact.ndtr(Z)).max()
    assert worst < 0.0034 * (2.0 / shape) ** 0.9


@pytest.mark.parametrize("shape", [2.0, 3.0, 10.0])
@pytest.mark.parametrize("mean_defects", [0.1, 0.5, 1.0, 2.0])
def test_yield_under_the_gamma_density_is_negative_binomial(
    shape: float, mean_defects: float
) -> None:
    mixed = WEIGHT @ np.exp(-mean_defects * drawn(shape))
    assert mixed == pytest.approx((1.0 + mean_defects / shape) ** -shape, rel=3.3e-4)


def test_gamma_wilson_hilferty_at_the_ends() -> None:
    assert gamma_wilson_hilferty(1.7, np.inf) == 1.0
    assert gamma_wilson_hilferty(-9.0, 2.0) == 0.0
    # The mean of the cube is divided out: 1 - (1 / (9 k))^3 at the centre.
    assert gamma_wilson_hilferty(0.0, 2.0) == pytest.approx(
        (17 / 18) ** 3 / (1 - 18.0**-3), rel=1e-15
    )


@given(st.floats(-8, 8), st.floats(-8, 8), st.floats(0.3, 1e6))
def test_gamma_wilson_hilferty_rises_with_z(a: float, b: float, shape: float) -> None:
    low, high = sorted([a, b])
    assert 0.0 <= gamma_wilson_hilferty(low, shape) <= gamma_wilson_hilferty(high, shape)


U = np.concatenate([(np.arange(20_000) + 0.5) / 20_000, [2.0**-53, 2.0**-33, 1.0 - 2.0**-33]])


@pytest.mark.parametrize("form", ["compiled", "plain"])
@pytest.mark.parametrize("mean", [1e-12, 0.03, 0.7, 3.0, 9.99, 10.0])
def test_poisson_within_one_of_few_events_is_exact(form: str, mean: float) -> None:
    function = poisson_ppf_within_one if form == "compiled" else poisson_ppf_within_one.py_func
    got = np.array([function(u, mean) for u in U])
    # where the distribution function stands at u itself, rounding decides
    exact_from, exact_to = (stats.poisson.ppf(U * (1.0 + way * 1e-13), mean) for way in (-1, 1))
    assert np.all((got >= exact_from) & (got <= exact_to))


@pytest.mark.parametrize("form", ["compiled", "plain"])
@pytest.mark.parametrize("mean", [10.001, 13.0, 40.0, 300.0, 1e4])
def test_poisson_within_one_of_many_events_is_one_off_at_most(form: str, mean: float) -> None:
    function = poisson_ppf_within_one if form == "compiled" else poisson_ppf_within_one.py_func
    got = np.array([function(u, mean) for u in U])
    inside = (U > 1e-5) & (U < 1.0 - 1e-5)
    assert np.abs(got - stats.poisson.ppf(U, mean))[inside].max() <= 1.0
    even = got[: len(U) - 3]
    # the midpoints leave out a part of the tails: 2e-4 of the variance, and of the mean far less
    assert even.mean() == pytest.approx(mean, rel=1e-5)
    assert -2e-3 < even.var() / mean - 1.0 < 0.014


def test_poisson_within_one_ends() -> None:
    assert (
        poisson_ppf_within_one(1.0 - 2.0**-53, 10.0) <= 100.0
    )  # though rounding may keep the sum below
    assert [poisson_ppf_within_one(u, 0.0) for u in (1e-9, 0.5, 1.0 - 2.0**-53)] == [0.0, 0.0, 0.0]


@given(st.floats(1e-9, 1.0 - 1e-9), st.floats(1e-9, 1.0 - 1e-9), st.floats(0.0, 1e4))
def test_poisson_within_one_rises_with_its_uniform(a: float, b: float, mean: float) -> None:
    low, high = sorted([a, b])
    assert 0.0 <= poisson_ppf_within_one(low, mean) <= poisson_ppf_within_one(high, mean)


@pytest.mark.parametrize("form", ["compiled", "plain"])
@pytest.mark.parametrize("mean", [0.0, 1e-9, 0.3, 5.0, 31.9, 32.1, 400.0, 30_000.0])
def test_poisson_ppf_exact(mean: float, form: str) -> None:
    function = poisson_ppf_exact if form == "compiled" else poisson_ppf_exact.py_func
    u = (np.arange(1, 200) - 0.37) / 199.0
    got = np.array([function(one, mean) for one in u])
    # u lies between the distribution function before and at the quantile; sums of 10^4 terms round
    slack = 1e-11
    assert np.all(exact.pdtr(got, mean) >= u - slack)
    assert np.all((got == 0) | (exact.pdtr(got - 1.0, mean) <= u + slack))


@given(u=st.floats(1e-9, 1.0 - 1e-9), mean=st.floats(0.0, 200.0), more=st.floats(1.0, 2.0))
def test_more_defects_at_a_higher_mean(u: float, mean: float, more: float) -> None:
    assert poisson_ppf_exact(u, mean * more) >= poisson_ppf_exact(u, mean)


@pytest.mark.parametrize("alpha", [0.1, 0.5, 2.0, 50.0])
def test_gamma_tabulated_error(alpha: float) -> None:
    words = np.unique(np.geomspace(1, 2**31, 300).astype(np.uint32))
    words = np.concatenate([[0], words, np.uint32(2**32 - 1) - words]).astype(np.uint32)
    table = gamma_table(alpha)
    got = np.array([gamma_tabulated(table, word) for word in words])
    plain = np.array([gamma_tabulated.py_func(table, word) for word in words])
    assert np.array_equal(got, plain)
    p = (words + 0.5) / 2.0**32
    quantile = np.where(p < 0.5, exact.gammaincinv(alpha, p), exact.gammainccinv(alpha, 1.0 - p))
    # linear between nodes 1/128 of an octave apart: (1/128)^2 / 8 of the curvature
    assert np.abs(got - quantile / alpha).max() < 1e-5 * max(1.0, 1.0 / alpha)
    assert np.all(np.diff(got[np.argsort(words)]) >= 0.0)
