"""Yields of dies and bins in kernels against the closed forms."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.examples import thinned
from tests.paths import VALID
from tests.supply.kernels.records_by_hand import FORMS, form_of, parameters, structure_table, table
from yieldsim.closed_form import harvest_bins, negative_binomial
from yieldsim.model.load import load_file
from yieldsim.model.schema import Die, Wafer
from yieldsim.supply.compile import compile_model, harvest_weights
from yieldsim.supply.kernels.dies import (
    POISSON_ALPHA,
    area_yield,
    bin_tails,
    deep_tails,
    die_tails,
    gross_dies,
    sort_dies,
)
from yieldsim.supply.kernels.records import DieDesign, Sorting, Structure

ONE_LINE = VALID / "one_line.toml"
# exp and log1p err by an ulp each; alpha log1p(x / alpha) makes that a few ulp of the yield.
ROUNDING = 32 * np.finfo(float).eps

# cores and the least good cores of each bin: none, the two Ascend designs, and two that need a
# quadrature
PLANS = {
    "no cores": (0, [0]),
    "24 and 20 of 25": (25, [24, 20]),
    "18, 16, 14 of 18": (18, [18, 16, 14]),
    "132 of 144": (144, [132]),
    "140, 132, 0 of 144": (144, [140, 132, 0]),
}


def design(cores: int, least: list[int], deep: bool) -> tuple[Any, np.ndarray, np.ndarray]:
    """(record, least good cores of each bin, harvest weights) of a design as `compile` has them."""
    bins = {f"bin{k}": {"min_good_cores": number} for k, number in enumerate(least)}
    table = {"process": "p", "width_mm": 1, "height_mm": 1, "cores": cores, "bins": bins}
    die = Die.model_validate({**table, "source": "test", "grade": "assumed"})
    weights = np.array([harvest_weights(die, number) for number in least])
    (record,) = structure_table(DieDesign, {"cores": cores, "bins": len(least), "deep": int(deep)})
    return record, np.array(least), weights


def faults_of(fatal: float, core: float, alpha: float) -> Any:
    """The working numbers of dies with these mean faults, and this clustering, in each lane."""
    return table(Sorting, fatal=fatal, core=core, alpha=alpha)


@pytest.mark.parametrize("form", FORMS)
def test_area_yield_is_the_negative_binomial(form: str) -> None:
    kernel = form_of(area_yield, form)
    for alpha in (0.3, 2.0, 10.0, 1e4, 1e7, 1e8, 1e12):
        for faults in (0.0, 1e-9, 0.1, 0.814, 3.0, 50.0):
            exact = float(negative_binomial(faults * 100.0, 1.0, alpha))
            # beyond POISSON_ALPHA the kernel uses Poisson: it differs by faults^2 / (2 alpha)
            slack = ROUNDING * (1.0 + faults) + faults**2 / alpha * (alpha >= POISSON_ALPHA)
            assert kernel(faults, alpha) == pytest.approx(exact, rel=slack)


def test_area_yield_goes_to_poisson() -> None:
    for alpha in (1e3, 1e5, 1e7, 1e9):
        # (1 + x/alpha)^-alpha = exp(-x + x^2 / (2 alpha) - ...)
        off = area_yield(2.0, alpha) / math.exp(-2.0) - 1.0
        assert abs(off) <= 2.0**2 / (2.0 * alpha) + ROUNDING
    assert area_yield(2.0, math.inf) == pytest.approx(math.exp(-2.0), rel=ROUNDING)


DEEP_ERROR = 1e-11  # the error that deep_tails states, for alpha >= 0.3


@pytest.mark.parametrize("alpha", thinned([0.3, 0.5, 1.0, 1.3, 2.0, 5.0, 10.0, 200.0, 1e5, 1e9], 3))
@pytest.mark.parametrize("faults", [0.05, 1.0, 4.0, 12.0])
@pytest.mark.parametrize("form", FORMS)
def test_deep_tails(form: str, alpha: float, faults: float) -> None:
    """The quadrature against the closed form, bin by bin, up to twelve faults a die."""
    cores, least = 144, np.array([144, 140, 132, 100, 0])
    fatal, core = 0.3 * faults, 0.7 * faults / cores
    expected = harvest_bins(100.0 * fatal, 100.0 * core, cores, list(least), 1.0, alpha)
    work, tail = faults_of(fatal, core, alpha), np.empty((len(least), 1))
    form_of(deep_tails, form)(cores, least, len(least), work, tail, 0, 1)
    # beyond POISSON_ALPHA the kernel uses Poisson, as in area_yield
    slack = DEEP_ERROR + faults**2 / alpha * (alpha >= POISSON_ALPHA)
    np.testing.assert_allclose(tail[:, 0], np.cumsum(expected[:-1]), rtol=0.0, atol=slack)


@pytest.mark.parametrize("name", PLANS)
@pytest.mark.parametrize("alpha", [0.5, 2.0, 7.0, 1e9])
@pytest.mark.parametrize("d0", [0.0, 0.02, 0.1, 0.6])
def test_bins_agree_with_the_closed_form(name: str, alpha: float, d0: float) -> None:
    cores, least = PLANS[name]
    deep = cores > 100
    record, rules, weights = design(cores, least, deep)
    fatal_mm2, core_mm2 = 281.0, 400.0 / cores if cores else 0.0
    work = faults_of(d0 * fatal_mm2 / 100, d0 * core_mm2 / 100, alpha)
    tail = np.empty((len(least), 1))
    bin_tails(record, rules, weights, work, tail, 0, 1)
    if cores:
        expected = harvest_bins(fatal_mm2, core_mm2, cores, least, d0, alpha)[:-1]
    else:
        expected = np.array([negative_binomial(fatal_mm2, d0, alpha)])
    # an alternating sum loses the digits of its largest weight (6e5 at most here), the quadrature
    # errs as above; alpha 1e9 is taken for Poisson
    slack = 2.0 * DEEP_ERROR if deep else float(np.abs(weights).max()) * ROUNDING
    slack += (6.81 * d0) ** 2 / alpha * (alpha >= POISSON_ALPHA)
    np.testing.assert_allclose(np.diff(tail[:, 0], prepend=0.0), expected, rtol=0.0, atol=slack)


@pytest.mark.parametrize("cores", [32, 64, 144, 512])
def test_bins_are_right_on_both_sides_of_the_change_of_method(cores: int) -> None:
    """Sums that would cancel go to the quadrature; the others are right to 1e-7 of all dies."""

    def compiled(least: int) -> Structure:
        file = load_file(ONE_LINE)
        file.raw["dies"]["chip"] |= {"cores": cores, "core_fraction": 0.7}
        file.raw["dies"]["chip"]["bins"] = {"most": {"min_good_cores": least}}
        for product in file.raw["products"].values():
            product["performance"] = {"most": {"tflops_fp16": 1}}
        return compile_model(file.model()).structure

    edge = next(k for k in range(cores, 0, -1) if compiled(k - 1).die[0].deep)
    assert cores // 2 < edge < cores
    for least, error in ((edge, 1e-7), (edge - 1, DEEP_ERROR)):
        s = compiled(least)
        for d0 in (0.02, 0.1, 0.5):
            tail = np.empty((1, 1))
            work = faults_of(d0 * 5.0 * 0.3, d0 * 5.0 * 0.7 / cores, 2.0)
            bin_tails(s.die[0], s.min_good[0], s.harvest[0], work, tail, 0, 1)
            expected = harvest_bins(150.0, 350.0 / cores, cores, [least], d0, 2.0)[0]
            assert tail[0, 0] == pytest.approx(expected, abs=error)


def test_harvest_weights_sum_to_one() -> None:
    """Without defects every die has all its cores: the sum over the areas is certain."""
    for cores, least in ((25, [24, 20]), (18, [18, 14]), (5, [1]), (5, [3, 0]), (0, [0])):
        assert np.all(design(cores, least, deep=False)[2].sum(axis=1) == 1.0)


def die_values(**changes: float) -> Any:
    values = {
        "width_mm": 20.0,
        "height_mm": 25.0,
        "core_fraction": 0.5,
        "memory_fraction": 0.2,
        "memory_repair": 0.75,
        "parametric_yield": 0.9,
        "test_overkill": 0.04,
        "test_escape": 0.1,
    }
    return parameters(Die, **(values | changes))


def sort(
    die: Any, d0: float, alpha: float = 2.0, survive: float = 0.95, form: str = "compiled"
) -> tuple[float, np.ndarray]:
    record, rules, weights = design(25, [24, 20], deep=False)
    none = np.zeros((1, 2, 4))  # this die has no floorplan
    work, tail, out = table(Sorting, alpha=alpha), np.empty((2, 1)), np.zeros((3, 1))
    density, survives = np.full(1, d0), np.full(1, survive)
    form_of(die_tails, form)(die, record, rules, weights, none, density, work, tail, 0, 1)
    form_of(sort_dies, form)(2, die, survives, tail, out, 0, 1)
    return tail[1, 0] * survive * die["parametric_yield"][0], out[:, 0]


@pytest.mark.parametrize("form", FORMS)
def test_dies_are_sorted_by_hand(form: str) -> None:
    # 5 cm2, of which 0.5 in cores and 0.2 * 0.75 mended: 35 % of the area kills
    bins = harvest_bins(175.0, 10.0, 25, [24, 20], 0.3, 2.0)[:-1]
    good, out = sort(die_values(), 0.3, form=form)
    assert good == pytest.approx(bins.sum() * 0.95 * 0.9, rel=1e-9)
    np.testing.assert_allclose(out[:2], bins * 0.95 * 0.9 * 0.96, rtol=1e-9)
    assert out[2] == pytest.approx((1.0 - good) * 0.1, rel=1e-12)


def test_a_perfect_wafer_loses_only_what_the_test_rejects() -> None:
    good, out = sort(die_values(parametric_yield=1.0), 0.0, survive=1.0)
    assert good == 1.0
    np.testing.assert_array_equal(out, [0.96, 0.0, 0.0])


def test_repaired_memory_and_spare_cores_never_make_the_fatal_area_negative() -> None:
    _, out = sort(die_values(core_fraction=0.5, memory_fraction=0.5, memory_repair=1.0), 0.0)
    assert out[0] > 0.0
    whole, _ = sort(die_values(core_fraction=0.0, memory_fraction=1.0, memory_repair=1.0), 9.0)
    assert whole == pytest.approx(0.95 * 0.9, rel=1e-12)


@given(
    st.floats(0.0, 3.0),
    st.floats(0.0, 3.0),
    st.floats(0.4, 50.0),
    st.floats(0.0, 0.6),
    st.floats(0.0, 1.0),
)
def test_more_defects_never_mean_more_dies(
    first_d0: float, second_d0: float, alpha: float, in_cores: float, repair: float
) -> None:
    """In all bins and in the better ones; a worse bin may gain what a better one loses."""
    die = die_values(core_fraction=in_cores, memory_repair=repair)
    (good_low, low), (good_high, high) = (
        sort(die, d0, alpha) for d0 in sorted((first_d0, second_d0))
    )
    slack = 1e-9  # of the alternating sum, whose largest weight is 5e5
    assert good_high <= good_low + slack
    assert np.all(np.cumsum(high[:2]) <= np.cumsum(low[:2]) + slack)
    assert high[2] >= low[2] - slack
    assert np.all(low >= 0.0)


@pytest.mark.parametrize("form", FORMS)
def test_gross_dies_are_given_or_counted(form: str) -> None:
    count = form_of(gross_dies, form)
    wafer = parameters(Wafer, diameter_mm=300.0, edge_exclusion_mm=3.0, scribe_mm=0.1)
    # cases.md: 26 x 33 mm on the best of the four half-pitch offsets
    assert count(wafer, die_values(width_mm=26.0, height_mm=33.0), 0) == 64.0
    assert count(wafer, die_values(width_mm=33.0, height_mm=26.0), 0) == 64.0
    assert count(wafer, die_values(gross_die_per_wafer=77.5), 0) == 77.5
