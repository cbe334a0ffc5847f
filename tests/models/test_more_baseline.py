"""More of an input never costs compute in the baseline: of all years together, or much in any."""

from functools import cache

import pytest
import xarray as xr

import yieldsim
from yieldsim.analysis.supply.gains import HORIZON, gain_records
from yieldsim.model import load_file

# by the shares a stockpile goes to whoever asks first, so that more dies can cost compute
SHARES = load_file("baseline").model().allocation.rule == "shares"
pytestmark = [pytest.mark.slow, pytest.mark.skipif(SHARES, reason="shares plan nothing")]

REALIZATIONS, SEED = 96, 7
COARSE = "simulation.steps_per_quarter=3"  # a comparison of scenarios needs no fine steps
INPUTS = [name for name in load_file("baseline").scenario_names(["more:all"]) if name != "baseline"]
SIGMAS = 3.0
MOST_OF_A_YEAR = 0.01


@cache
def ensemble() -> xr.Dataset:
    return yieldsim.run(
        "baseline",
        realizations=REALIZATIONS,
        seed=SEED,
        scenarios=["more:all"],
        changes=[COARSE],
    )


@pytest.mark.parametrize("name", INPUTS)
def test_ten_percent_more_of_an_input_never_costs_compute(name: str) -> None:
    records = [r for r in gain_records(ensemble(), [name]) if r["product"] == "total"]
    for record in records:
        gain, error, base = record["h100e"], record["h100e_se"], record["h100e_base"]
        least = 0.0 if record["year"] == HORIZON else -MOST_OF_A_YEAR * base
        assert gain >= least - SIGMAS * error, record
