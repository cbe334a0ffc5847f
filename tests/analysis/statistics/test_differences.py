import math

import numpy as np
import pytest
import xarray as xr

from tests.analysis.made_up import ensemble
from yieldsim.analysis import paired_differences
from yieldsim.errors import UsageError


def correlated(rho: float, realizations: int) -> xr.Dataset:
    """Two scenarios of one quarter: normal figures of sd 3 and 4 with correlation ``rho``."""
    rng = np.random.default_rng(11)
    first, noise = rng.standard_normal((2, realizations))
    second = rho * first + math.sqrt(1.0 - rho**2) * noise
    ds = ensemble(realizations=realizations, quarter_count=1)
    ds["usable_chips"] = ds["usable_chips"].astype("float64") * 0.0
    ds["usable_chips"][0, :, 0, 0] = 100.0 + 3.0 * first
    ds["usable_chips"][1, :, 0, 0] = 110.0 + 4.0 * second
    return ds


@pytest.mark.statistical
@pytest.mark.parametrize("rho", [-0.5, 0.0, 0.9])
def test_the_spread_is_that_of_correlated_normals(rho: float) -> None:
    n = 20_000
    result = paired_differences(correlated(rho, n)).sel(product="total").isel(scenario=0, period=0)
    paired = math.sqrt(9.0 + 16.0 - 2.0 * rho * 12.0)
    relative = 4.0 / math.sqrt(2.0 * n)  # four standard errors of a normal sample's sd
    assert float(result["sd_paired"]) == pytest.approx(paired, rel=relative)
    assert float(result["sd_independent"]) == pytest.approx(5.0, rel=relative)
    assert float(result["spread_ratio"]) == pytest.approx(paired / 5.0, rel=2.0 * relative)
    assert float(result["se_mean"]) == pytest.approx(paired / math.sqrt(n), rel=relative)
    assert float(result["mean"]) == pytest.approx(10.0, abs=4.0 * paired / math.sqrt(n))
    p10 = 10.0 - 1.2815515655446004 * paired
    quantile_error = math.sqrt(0.09 / n) / 0.17549833193248685 * paired  # sd of P10 of a normal
    quantile = result.sel(probability=0.1)
    assert float(quantile["quantile"]) == pytest.approx(p10, abs=4.0 * quantile_error)


def test_a_constant_shift_has_no_spread() -> None:
    ds = ensemble(realizations=50)
    ds["usable_chips"] = ds["usable_chips"].astype("float64")
    ds["usable_chips"][1] = ds["usable_chips"][0] - 1_000.0
    result = paired_differences(ds).sel(product="ascend_910b")
    # differences of figures near 1e5: their rounding is 1e-11
    assert float(abs(result["mean"] + 1_000.0).max()) < 1e-9
    assert float(result["sd_paired"].max()) < 1e-9
    assert float(result["spread_ratio"].max()) < 1e-12
    assert float(result["sd_independent"].min()) > 1_000.0


def test_differences_are_taken_within_each_realization() -> None:
    ds = ensemble(realizations=41)
    result = paired_differences(ds, period="year", probabilities=(0.9,))
    chips = ds["usable_chips"].to_numpy().astype(np.float64)[..., :2].sum(axis=3)
    years = np.stack([chips[:, :, :4].sum(axis=2), chips[:, :, 4:].sum(axis=2)])
    expected = np.quantile(years[:, 1] - years[:, 0], 0.9, axis=1)
    quantile = result["quantile"].sel(product="total", scenario="domestic_late", probability=0.9)
    # sums of float32 figures in double precision, in another order
    np.testing.assert_allclose(quantile, expected, rtol=1e-12)


def test_any_scenario_can_be_the_base() -> None:
    ds = ensemble()
    forth, back = paired_differences(ds), paired_differences(ds, base="domestic_late")
    assert back["scenario"].to_numpy().tolist() == ["baseline"]
    assert back.attrs["base"] == "domestic_late"
    np.testing.assert_array_equal(back["mean"], -forth["mean"])


def test_where_nothing_varies_the_ratio_is_not_a_number() -> None:
    ds = ensemble()
    ds["usable_chips"][:, :, 0, 0] = 5.0
    assert np.isnan(paired_differences(ds)["spread_ratio"].sel(product="ascend_910b")[0, 0])


def test_impossible_comparisons_are_refused() -> None:
    with pytest.raises(UsageError, match="base: is not in the ensemble, got 'x'; allowed: base"):
        paired_differences(ensemble(), base="x")
    with pytest.raises(UsageError, match="scenario: the ensemble holds baseline alone; allowed"):
        paired_differences(ensemble(scenarios=("baseline",)))
