"""The three fidelities have one distribution of wafer results, bin by bin, under every option."""

from functools import cache
from itertools import product

import numpy as np
import pytest

from tests.examples import thinned
from tests.wafer.made_up_wafers import ALL, OPTIONS, make_model
from yieldsim.wafer import WaferResult, expected_yield, simulate_wafers

WAFERS = 400
SEED = 11
# Of some 200 comparisons of unlike options, all with fixed seeds, the largest normal |z| is above
# 4.2 once in 200 times.
MOST_SIGMAS = 4.2
CASES = {**OPTIONS, "all": ALL}


@cache
def result(case: str, fidelity: str) -> WaferResult:
    return simulate_wafers(make_model(CASES[case]), WAFERS, SEED, fidelity, keep_maps=True)


def columns(one: WaferResult) -> np.ndarray:
    """Bins and their sum, float64[wafer, bin + 1]."""
    return np.column_stack([one.good, one.shipped])


def by_lot(values: np.ndarray, lots: np.ndarray) -> np.ndarray:
    return np.stack([values[lots == lot].mean(axis=0) for lot in np.unique(lots)])


@pytest.mark.statistical
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("fidelity", ["points", "dies"])
def test_drawn_wafers_scatter_about_their_expectation(case: str, fidelity: str) -> None:
    """Same densities, so each wafer's bins have the expected wafer's mean and variance."""
    expected, drawn = result(case, "expected"), result(case, fidelity)
    variance = np.column_stack([expected.variance, expected.total_variance])
    rest = columns(drawn) - columns(expected)
    z_mean = rest.sum(axis=0) / np.sqrt(variance.sum(axis=0))
    assert np.abs(z_mean).max() < MOST_SIGMAS
    # E[rest^2] = variance, wafer by wafer
    excess = rest**2 - variance
    z_spread = excess.sum(axis=0) / np.sqrt((excess**2).sum(axis=0))
    assert np.abs(z_spread).max() < MOST_SIGMAS


@pytest.mark.statistical
@pytest.mark.parametrize("case", thinned(CASES, 2))
def test_spread_between_wafers_agrees(case: str) -> None:
    """Variance over wafers, its standard error from lots, of independent luck."""
    found, errors = [], []
    for number, fidelity in enumerate(("points", "dies", "expected")):
        model = make_model(CASES[case])
        one = simulate_wafers(model, WAFERS, SEED + 1 + number, fidelity)
        values = columns(one)
        inner = np.column_stack([one.variance, one.total_variance])
        lots = by_lot((values - values.mean(axis=0)) ** 2 + inner, one.lots)
        found.append(lots.mean(axis=0))
        errors.append(lots.std(axis=0, ddof=1) / np.sqrt(len(lots)))
    for a, b in ((0, 1), (0, 2), (1, 2)):
        # what is the same for every wafer has no spread but rounding's
        z = (found[a] - found[b]) / np.hypot(np.hypot(errors[a], errors[b]), 1e-6)
        assert np.abs(z).max() < MOST_SIGMAS


@pytest.mark.statistical
@pytest.mark.parametrize("case", thinned(CASES, 2))
def test_the_mean_is_that_of_the_quadrature(case: str) -> None:
    model = make_model(CASES[case])
    exact = expected_yield(model)
    # Cheapest per error is `expected`; the table's own error is below 1e-6 of a yield, that of the
    # signatures' averages over 32 geometries about 1e-3 of what they take away.
    one = simulate_wafers(model, 6 * WAFERS, SEED + 9, "expected")
    lots = by_lot(one.good / one.gross, one.lots)
    error = lots.std(axis=0, ddof=1) / np.sqrt(len(lots))
    slack = 1e-3 if "process.signatures" in CASES[case] else 1e-6
    off = np.abs(lots.mean(axis=0) - exact.by_bin)
    assert np.all(off < MOST_SIGMAS * error + slack)
    good = by_lot(one.truly_good / one.gross, one.lots)
    error = good.std(ddof=1) / np.sqrt(len(good))
    assert abs(good.mean() - exact.truly_good) < MOST_SIGMAS * error + slack


@pytest.mark.parametrize("case", CASES)
def test_dies_are_conserved(case: str) -> None:
    for fidelity in ("points", "dies"):
        one = result(case, fidelity)
        assert one.bin_map is not None
        bins = len(one.bins)
        counted = np.stack([(one.bin_map == b).sum(axis=1) for b in range(bins + 1)], axis=1)
        assert np.array_equal(counted[:, :bins], one.good)
        assert np.all(counted.sum(axis=1) == one.gross)
        assert np.all(one.truly_good <= one.gross)
        assert np.all(one.escapes <= one.shipped)
    expected = result(case, "expected")
    assert np.all(expected.shipped <= expected.gross * (1.0 + 1e-12))


@pytest.mark.parametrize(
    ("case", "fidelity"), thinned(product(CASES, ["points", "dies", "expected"]), 5)
)
def test_any_split_gives_the_same_bits(case: str, fidelity: str) -> None:
    whole = result(case, fidelity)
    model = make_model(CASES[case])
    parts = [(0, 3), (3, 18), (21, 1), (22, 70)]
    for first, count in parts:
        part = simulate_wafers(model, count, SEED, fidelity, first_wafer=first, keep_maps=True)
        chosen = slice(first, first + count)
        for name in ("good", "variance", "truly_good", "escapes", "density", "bin_map"):
            got, want = getattr(part, name), getattr(whole, name)
            assert (got is None and want is None) or np.array_equal(got, want[chosen]), name


def test_the_comparison_can_fail() -> None:
    """A density 6 % higher is seen: WAFERS * 96 dies know a yield of 0.5 to 0.25 %."""
    expected = result("die", "expected")
    wrong = simulate_wafers(
        make_model({**CASES["die"], "process.d0_per_cm2": 0.35 * 1.06}), WAFERS, SEED, "dies"
    )
    rest = wrong.shipped - expected.shipped
    assert abs(rest.sum() / np.sqrt(expected.total_variance.sum())) > MOST_SIGMAS
