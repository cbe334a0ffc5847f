"""The baseline agrees with what was published for 2024 and 2025.

These figures helped to choose priors (models/README.md), so this guards consistency: it fails when
an edit of the model drives the baseline away from them or makes it so vague that it says nothing.
"""

from functools import cache

import numpy as np
import xarray as xr

import yieldsim
from yieldsim.analysis import compare_with_published
from yieldsim.analysis.evidence.checks import checks_of, widths
from yieldsim.model import load_model

SEED = 7
REALIZATIONS = 256
# SemiAnalysis, Huawei Ascend Production Ramp, 2025-09-08: units made, mainly 910B in 2024
ASCEND_2024 = 507_000
ASCEND_2025 = 805_000
# IDC via Reuters, 2026-04-01: cards shipped in China in 2025
ASCEND_2025_IDC = 812_000
# dies made at TSMC in all: CSIS (low series) and SemiAnalysis (high series)
TSMC_DIES = (2.0e6, 2.9e6)
# A decade would be no statement: SemiAnalysis and IDC differ by a percent, others by a third.
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


def test_ascend_of_2025_holds_the_published_counts_and_is_not_vague() -> None:
    low, high = np.quantile(ascend(2025), (0.1, 0.9))
    assert low < ASCEND_2025 < ASCEND_2025_IDC < high
    assert high / low <= WIDEST_P90_OVER_P10


def test_ascend_of_2024_holds_the_published_count() -> None:
    low, high = np.quantile(ascend(2024), (0.1, 0.9))
    assert low < ASCEND_2024 < high


def test_what_lies_outside_is_explained_and_no_counted_year_is_vague() -> None:
    records = compare_with_published(baseline())
    checks = checks_of(records)
    assert checks["checks"] >= 6  # IDC, Bloomberg and CFR
    far = [record for record in records if record["far"]]
    unexplained = [records[place] for place in checks["outside"]] + far
    assert [record["entity"] for record in unexplained if not record["remark"]] == []
    ratio = {year["year"]: year["ratio"] for year in widths(baseline(), "baseline")}
    assert max(ratio["2024"], ratio["2025"]) <= WIDEST_P90_OVER_P10


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
