"""Differences between ensembles, against the formulas of correlated normals."""

import math

import numpy as np
import pytest
import xarray as xr

from tests.analysis.made_up import ensemble
from tests.analysis.statistics.test_differences import correlated
from yieldsim.analysis import paired_differences
from yieldsim.analysis.statistics.between import difference_between, unpaired_reason


def one(ds: xr.Dataset, scenario: int = 0) -> xr.Dataset:
    return ds.isel(scenario=[scenario])


def test_a_paired_difference_is_that_of_two_scenarios_of_one_store() -> None:
    ds = ensemble(realizations=41)
    within = paired_differences(ds, period="year").isel(scenario=0)
    between = difference_between(one(ds), one(ds, 1), "year", ["total", "ascend_910b"])
    assert between.attrs["paired"] == 1
    assert between.attrs["realizations"] == 41
    for name in ("mean", "se_mean", "spread_ratio", "quantile", "se_quantile"):
        expected = within[name].sel(product=["total", "ascend_910b"])
        np.testing.assert_array_equal(between[name], expected)


@pytest.mark.statistical
@pytest.mark.parametrize("rho", [0.0, 0.9])
def test_pairs_have_the_spread_of_the_difference_and_others_that_of_both(rho: float) -> None:
    n = 20_000
    ds = correlated(rho, n)
    base, other = one(ds), one(ds, 1)
    paired = difference_between(base, other, "horizon").squeeze()
    apart = difference_between(base, other.assign_attrs(seed="8"), "horizon").squeeze()
    relative = 4.0 / math.sqrt(2.0 * n)  # four standard errors of a normal sample's sd
    spread = math.sqrt(9.0 + 16.0 - 2.0 * rho * 12.0)
    assert float(paired["se_mean"]) == pytest.approx(spread / math.sqrt(n), rel=relative)
    assert float(apart["se_mean"]) == pytest.approx(5.0 / math.sqrt(n), rel=relative)
    # the same two means
    assert float(apart["mean"]) == pytest.approx(float(paired["mean"]), rel=1e-9)
    assert np.isnan(apart["quantile"]).all()
    assert np.isnan(apart["spread_ratio"])
    assert apart.attrs["reason"] == "seed: 7 and 8"


def test_the_first_realizations_are_paired_where_one_store_has_more() -> None:
    ds = ensemble(realizations=30)
    result = difference_between(one(ds), one(ds, 1).isel(realization=slice(12)), "year")
    assert (result.attrs["paired"], result.attrs["realizations"]) == (1, 12)
    both = ds["usable_chips"].to_numpy().astype(float)[:, :12, 4:, :2].sum(axis=(2, 3))
    # float32 figures added in double precision, in another order
    found = float(result["mean"].sel(product="total", period="2025"))
    assert found == pytest.approx((both[1] - both[0]).mean(), rel=1e-9)


def with_draws(ds: xr.Dataset, values: np.ndarray) -> xr.Dataset:
    """An ensemble with inputs: (realization, parameter) values."""
    wide = np.broadcast_to(values, (ds.sizes["scenario"], *values.shape))
    names = [f"input_{i}" for i in range(values.shape[1])]
    return ds.assign(
        parameter_value=(("scenario", "realization", "parameter"), wide)
    ).assign_coords(parameter=names)


def test_realizations_are_the_same_worlds_by_seed_design_numbers_and_draws() -> None:
    ds = one(ensemble(realizations=20))
    assert unpaired_reason(ds, ds) is None
    assert unpaired_reason(ds, ds.assign_attrs(seed=7)) is None
    unknown = ds.copy()
    del unknown.attrs["seed"]
    assert unpaired_reason(unknown, unknown) == "seed: unknown"
    assert unpaired_reason(ds, ds.assign_attrs(design="sobol")) == "design: random and sobol"
    assert unpaired_reason(ds.assign_attrs(samples_digest="ab"), ds) == "samples: ab and no samples"
    later = ds.assign_coords(realization=np.arange(20) + 20)
    assert unpaired_reason(ds, later) == "their realizations have other numbers"
    draws = np.random.default_rng(1).normal(size=(20, 3))
    drawn = with_draws(ds, draws)
    assert unpaired_reason(drawn, drawn) is None
    # one input with another prior leaves the others as they were
    assert unpaired_reason(drawn, with_draws(ds, draws * [2.0, 1.0, 1.0])) is None
    reason = "none of their 3 common inputs has the same draws"
    assert unpaired_reason(drawn, with_draws(ds, 2.0 * draws)) == reason
