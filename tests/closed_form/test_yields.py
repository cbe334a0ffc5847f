"""Yield models, spread between wafers, overlay and learning: exact figures and laws."""

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.paths import REFERENCE
from yieldsim import closed_form as cf

ROUNDING = 4 * np.finfo(float).eps  # a few operations on doubles


def reference(name: str) -> Any:
    return json.loads((REFERENCE / f"{name}.json").read_text(encoding="utf-8"))


FORMULAS = {
    "poisson": cf.poisson,
    "murphy": cf.murphy,
    "seeds": cf.seeds,
    "negative_binomial_alpha_2": lambda area, d0: cf.negative_binomial(area, d0, 2.0),
    "negative_binomial_alpha_10": lambda area, d0: cf.negative_binomial(area, d0, 10.0),
}
means = st.floats(0.0, 20.0)
alphas = st.floats(0.05, 1e6)


@pytest.mark.parametrize("name", FORMULAS)
def test_exact_yields(name: str) -> None:
    table = reference("die_yield")
    column = table["columns"].index(name)
    for row in table["rows"]:
        # lambda = 0.814 is 814 mm2 at 0.1 per cm2: the conversion is part of the test.
        got = FORMULAS[name](1000.0 * row[0], 0.1)
        assert got == pytest.approx(row[column], rel=ROUNDING)


def test_bose_einstein_takes_the_density_of_one_layer() -> None:
    case = reference("die_yield")["bose_einstein"]
    got = cf.bose_einstein(case["area_mm2"], case["d0_per_cm2_layer"], case["layers"])
    assert got == pytest.approx(case["yield"], rel=25 * ROUNDING)  # a 25th power


def test_the_density_is_converted_once() -> None:
    # A public calculator divided by 100 twice and printed 0.992 here.
    assert cf.murphy(814.0, 0.1) < 0.5


@pytest.mark.parametrize("formula", FORMULAS.values(), ids=FORMULAS)
def test_formulas_broadcast_and_a_perfect_line_yields_all(formula: Any) -> None:
    got = formula(np.array([[100.0], [200.0]]), np.array([0.0, 0.1, 0.2]))
    assert got.shape == (2, 3)
    assert got[:, 0].tolist() == [1.0, 1.0]
    assert got[1, 1] == formula(200.0, 0.1) == pytest.approx(formula(100.0, 0.2), rel=ROUNDING)
    assert isinstance(formula(100.0, 0.1), float)


@given(means, means, alphas)
def test_yield_falls_with_the_density(a: float, b: float, alpha: float) -> None:
    low, high = sorted([a, b])
    for formula in (cf.poisson, cf.murphy, cf.seeds):
        assert formula(100.0, high) <= formula(100.0, low)
    assert cf.negative_binomial(100.0, high, alpha) <= cf.negative_binomial(100.0, low, alpha)
    assert cf.bose_einstein(100.0, high, 7) <= cf.bose_einstein(100.0, low, 7)


@given(means)
def test_more_spread_densities_yield_more(mean: float) -> None:
    # All mix exp(-lambda x) over x with mean one; the variance of x is 0, 1/6 (triangle), 1.
    tiny = 1.0 + 1e-14
    poisson, murphy, seeds = (f(100.0, mean) for f in (cf.poisson, cf.murphy, cf.seeds))
    assert poisson <= murphy * tiny
    assert murphy <= seeds * tiny
    assert cf.negative_binomial(100.0, mean, 1.0) == pytest.approx(seeds, rel=1e-14)


@given(st.floats(1e-3, 20.0), st.floats(1e3, 1e12))
def test_large_alpha_goes_to_poisson(mean: float, alpha: float) -> None:
    # ln Y = -alpha ln(1 + m / alpha) = -m + m^2 / (2 alpha) - ..., an alternating series.
    excess = np.log(cf.negative_binomial(100.0, mean, alpha)) + mean
    rounding = 1e-14 * (1.0 + mean)
    assert -rounding <= excess <= mean**2 / (2.0 * alpha) + rounding
    assert cf.negative_binomial(100.0, mean, np.inf) == cf.poisson(100.0, mean)


@pytest.mark.parametrize("case", reference("wafer_spread")["cases"])
def test_exact_spread_between_wafers(case: dict[str, Any]) -> None:
    table = reference("wafer_spread")
    area = math.prod(table["die_mm"])
    alpha = math.inf if case["alpha"] is None else case["alpha"]
    variance = cf.good_die_variance_per_wafer(table["gross_die"], area, table["d0_per_cm2"], alpha)
    # The reference is rounded to 6 and 12 decimals.
    assert math.sqrt(variance) == pytest.approx(case["sd_good_die"], abs=6e-7)
    got = cf.negative_binomial(area, table["d0_per_cm2"], alpha)
    assert got == pytest.approx(case["mean_yield"], abs=6e-13)


@pytest.mark.statistical
def test_spread_between_wafers_by_sampling() -> None:
    rng = np.random.default_rng(20260101)
    wafers, gross_die, alpha, mean = 40_000, 64, 2.0, 0.858
    density = rng.gamma(alpha, 1.0 / alpha, wafers)
    good = rng.binomial(gross_die, np.exp(-mean * density))
    deviation_squared = (good - good.mean()) ** 2
    # Standard error over wafers, not dies, and 4.5 of them.
    error = deviation_squared.std() / math.sqrt(wafers)
    exact = cf.good_die_variance_per_wafer(gross_die, 858.0, 0.1, alpha)
    assert abs(deviation_squared.mean() - exact) < 4.5 * error


def test_overlay_within_one_sigma_and_by_layers() -> None:
    one = cf.overlay_yield(2.0, 2.0, 1)
    assert cf.overlay_yield(2.0, 2.0, 1, axes=1) == pytest.approx(0.6826894921370859, rel=ROUNDING)
    assert one == pytest.approx(0.6826894921370859**2, rel=ROUNDING)
    assert cf.overlay_yield(2.0, 2.0, 12) == pytest.approx(one**12, rel=1e-14)
    assert cf.overlay_yield(0.0, 2.0, 12) == 1.0


def test_overlay_keeps_the_digits_of_a_small_loss() -> None:
    # At 7 sigma erf rounds the loss of 2.6e-12 to four digits; 4e6 layers make that visible.
    outside = math.erfc(7.0 / math.sqrt(2.0))
    got = 1.0 - cf.overlay_yield(1.0, 7.0, 4e6)
    assert got == pytest.approx(-math.expm1(8e6 * math.log1p(-outside)), rel=1e-10)


def test_overlay_counts_the_points_in_a_square() -> None:
    """Errors along both axes drawn; 4.5 standard errors of the share inside."""
    rng = np.random.default_rng(5)
    inside = np.abs(rng.normal(0.0, 1.5, (200_000, 2))).max(axis=1) <= 2.5
    exact = float(cf.overlay_yield(1.5, 2.5, 1))
    assert abs(inside.mean() - exact) < 4.5 * math.sqrt(exact * (1.0 - exact) / len(inside))


def test_exponential_learning() -> None:
    assert cf.exponential_learning(5.0, 0.0, 3.0) == 5.0
    assert cf.exponential_learning(5.0, 3.0 * math.log(4.0), 3.0) == pytest.approx(2.0, rel=1e-15)
    assert cf.exponential_learning(5.0, 1e4, 3.0) == 1.0


def test_power_learning() -> None:
    assert cf.power_learning(5.0, 0.0, 1e4, 0.5) == 5.0
    # Fifteen references later the excess has fallen by 16^0.5.
    assert cf.power_learning(5.0, 1.5e5, 1e4, 0.5) == pytest.approx(2.0, rel=1e-15)
    assert cf.power_learning(5.0, 1.5e5, 1e4, 0.0) == 5.0
