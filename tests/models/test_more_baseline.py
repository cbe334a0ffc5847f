"""More of an input never costs compute in the baseline: of all years together, or much in any."""

from functools import cache

import pytest
import xarray as xr

import yieldsim
from yieldsim.analysis.supply.gains import HORIZON, gain_records
from yieldsim.model import load_file

# by the shares a stockpile goes to whoever asks first, so that more dies can cost compute
BASELINE = load_file("baseline")
SHARES = BASELINE.model().allocation.rule == "shares"
pytestmark = [pytest.mark.slow, pytest.mark.skipif(SHARES, reason="shares plan nothing")]

REALIZATIONS, SEED = 96, 7
COARSE = "simulation.steps_per_quarter=3"  # a comparison of scenarios needs no fine steps
INPUTS = [name for name in BASELINE.scenario_names(["more:all"]) if name != "baseline"]
LIMITS = [name for name in BASELINE.scenario_names(["no_limit:all"]) if name != "baseline"]
SIGMAS = 3.0
MOST_OF_A_YEAR = 0.01


@cache
def ensemble(scenarios: str) -> xr.Dataset:
    return yieldsim.run(
        "baseline",
        realizations=REALIZATIONS,
        seed=SEED,
        scenarios=[scenarios],
        changes=[COARSE],
    )


@pytest.mark.parametrize("name", INPUTS)
def test_ten_percent_more_of_an_input_never_costs_compute(name: str) -> None:
    records = [r for r in gain_records(ensemble("more:all"), [name]) if r["product"] == "total"]
    for record in records:
        gain, error, base = record["h100e"], record["h100e_se"], record["h100e_base"]
        least = 0.0 if record["year"] == HORIZON else -MOST_OF_A_YEAR * base
        assert gain >= least - SIGMAS * error, record


@pytest.mark.parametrize("name", LIMITS)
def test_lifting_a_limit_never_costs_compute_over_the_horizon(name: str) -> None:
    ds = ensemble("no_limit:all")
    compute = ds["h100_equivalents"].where(ds["product_kind"] == "ai").sum(["product", "quarter"])
    gain = compute.sel(scenario=name) - compute.sel(scenario="baseline")
    error = float(gain.std("realization", ddof=1)) / REALIZATIONS**0.5
    assert float(gain.mean()) >= -SIGMAS * error
