"""The baseline beside what was published: what lies outside has a reason, and the reason holds.

No parameter is set so that a count of a check or a forecast lies inside (models/README.md).
"""

from functools import cache

import numpy as np
import xarray as xr

import yieldsim
from yieldsim.analysis.evidence.checks import checks_of, widths
from yieldsim.analysis.evidence.comparison import compare_files
from yieldsim.analysis.evidence.file import SHIPPED_EVIDENCE, SHIPPED_FORECASTS
from yieldsim.model import load_model

SEED = 7
REALIZATIONS = 256
# SemiAnalysis, Huawei Ascend Production Ramp, 2025-09-08: units made, mainly 910B in 2024
ASCEND_2024 = 507_000
# dies made at TSMC in all: CSIS (low series) and SemiAnalysis (high series)
TSMC_DIES = (2.0e6, 2.9e6)
# The planner uses an equal part a quarter, with 2 % to spare (PLANNER.md): what four quarters of
# eight leave at least.
LEFT_OF_TWO_YEARS = np.prod([1.0 - 1.02 / quarters for quarters in (8, 7, 6, 5)])
# a decade would be no statement
WIDEST_P90_OVER_P10 = 4.0
# The series are printed to 500 dies a quarter over 14 quarters: 7,000 of 2.0 M.
BANK_ROUNDING = 0.0035


@cache
def baseline() -> xr.Dataset:
    return yieldsim.run("baseline", realizations=REALIZATIONS, seed=SEED)


def yearly(variable: xr.DataArray, year: int) -> np.ndarray:
    """Sum over a year and everything but the realizations."""
    quarters = [str(quarter).startswith(str(year)) for quarter in variable["quarter"].values]
    assert sum(quarters) == 4
    rest = [dim for dim in variable.dims if dim not in ("realization", "scenario", "quarter")]
    total = variable.isel(quarter=np.flatnonzero(quarters)).sum(["quarter", *rest])
    return np.asarray(total.sel(scenario="baseline").values, dtype=float)


def ascend(year: int) -> np.ndarray:
    usable = baseline()["usable_chips"]
    names = [name for name in usable["product"].values if str(name).startswith("ascend_")]
    assert names
    return yearly(usable.sel(product=names), year)


def drawn(path: str) -> np.ndarray:
    """The draws of a parameter."""
    ds = baseline()
    place = [str(name) for name in ds["parameter"].values].index(path)
    values = ds["parameter_value"].isel(parameter=place).sel(scenario="baseline").values
    return np.asarray(values, dtype=float)


def test_ascend_of_2025_follows_the_stacks_that_huawei_may_use() -> None:
    """The reason given for the counts of 2025: stacks bind, by who holds them and their pace."""
    among = drawn("shared.foreign_cards_in_stockpile") == 1.0
    paced = drawn("memory.foreign_hbm.lasts_slip_quarters") > 0.0
    chips = ascend(2025)
    most = np.median(chips[~among & ~paced])
    least = np.median(chips[among & paced])
    between = [np.median(chips[world]) for world in (~among & paced, among & ~paced)]
    assert least < min(between) <= max(between) < most
    stacks = baseline()["stack_stock"].sel(memory="foreign_hbm", scenario="baseline")
    before, spent = (stacks.sel(quarter=f"{year}-10").values.ravel() for year in (2024, 2025))
    left = spent / before
    assert left[paced].min() >= LEFT_OF_TWO_YEARS - 1e-6  # stored in single precision
    assert np.median(left[~paced]) < 0.05  # packages ask for more than there is


def test_ascend_of_2024_holds_the_published_count() -> None:
    low, high = np.quantile(ascend(2024), (0.1, 0.9))
    assert low < ASCEND_2024 < high


def test_what_lies_outside_is_explained_and_no_year_is_vague() -> None:
    counts, forecasts = compare_files(baseline(), [SHIPPED_EVIDENCE, SHIPPED_FORECASTS])
    checks = checks_of(counts)
    assert checks["checks"] >= 6  # IDC, Bloomberg and CFR
    far = [record for record in counts + forecasts if record["far"]]
    unexplained = [counts[place] for place in checks["outside"]] + far
    assert [record["entity"] for record in unexplained if not record["remark"]] == []
    ratios = {year["year"]: year["ratio"] for year in widths(baseline(), "baseline")}
    assert max(ratios[str(year)] for year in range(2024, 2029)) <= WIDEST_P90_OVER_P10


def test_the_two_series_of_the_tsmc_bank_sum_to_the_published_totals() -> None:
    banks = [bank for name, bank in load_model("baseline").die_banks.items() if "tsmc" in name]
    assert len(banks) == 2
    # middles of the quarters from 2000Q1 to 2049Q4: the banks must end, not only by the horizon
    middles = np.arange(2000 * 4, 2050 * 4) + 0.5
    sums = sum(np.array([curve.sum() for curve in bank.draw.curves(middles)]) for bank in banks)
    np.testing.assert_allclose(sums, TSMC_DIES, rtol=BANK_ROUNDING)


def test_the_bank_gives_out_what_was_published_and_then_nothing() -> None:
    dies = baseline()["bank_dies"].sel(die="ascend_910")
    horizon = np.asarray(dies.sel(scenario="baseline").sum("quarter").values, dtype=float)
    # up to a tenth of the bank was drawn in 2023, before the horizon begins
    assert 0.9 * TSMC_DIES[0] < horizon.min()
    assert horizon.max() < TSMC_DIES[1]
    # from the middle of 2026Q4 the low series falls to nothing by the middle of 2027Q1
    assert yearly(dies, 2027).max() < 0.005 * TSMC_DIES[0]
    assert yearly(dies, 2028).max() == 0.0
