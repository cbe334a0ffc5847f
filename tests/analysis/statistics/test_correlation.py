import json
import math

import numpy as np
import pytest
import xarray as xr
from scipy.stats import rankdata, spearmanr

from yieldsim.analysis import rank_correlations
from yieldsim.closed_form.ranks import average_ranks, spearman
from yieldsim.errors import ModelError, StoreError
from yieldsim.model import ModelFile, load_file

FIRST, SECOND = "fabs.line.plan.n2.scale", "memory.hbm.deliveries.scale"


def correlated_file() -> ModelFile:
    file = load_file("benchmarks/analyst.toml")
    raw = dict(file.raw)
    raw["correlations"] = {"boom": {"between": [FIRST, SECOND], "rank": 0.6}}
    return ModelFile(file.place, raw, file.scenarios)


def draws(realizations: int) -> xr.Dataset:
    rng = np.random.default_rng(4)
    first, noise = rng.standard_normal((2, realizations))
    second = np.round(np.exp(0.7 * first + noise), 1)  # with ties
    values = np.stack([second, first, rng.uniform(size=realizations)], axis=1)
    return xr.Dataset(
        {"parameter_value": (("scenario", "realization", "parameter"), values[None])},
        coords={"scenario": ["baseline"], "parameter": [SECOND, FIRST, "other"]},
        attrs={"model_json": correlated_file().to_json()},
    )


def test_the_achieved_correlation_is_that_of_scipy() -> None:
    ds = draws(500)
    values = ds["parameter_value"].to_numpy()[0]
    expected = spearmanr(values[:, 1], values[:, 0]).statistic
    (record,) = rank_correlations(ds)
    assert record["achieved"] == pytest.approx(expected, rel=1e-12)  # rounding of two formulas
    assert {key: record[key] for key in ("scenario", "first", "second", "requested")} == {
        "scenario": "baseline",
        "first": FIRST,
        "second": SECOND,
        "requested": 0.6,
    }


def test_ranks_are_those_of_scipy() -> None:
    values = np.random.default_rng(2).integers(0, 30, size=100).astype(float)
    assert np.array_equal(average_ranks(values), rankdata(values))


@pytest.mark.statistical
@pytest.mark.parametrize("pearson", [0.0, 0.8])
def test_the_error_is_the_spread_over_many_runs(pearson: float) -> None:
    n, runs = 200, 1_500
    rng = np.random.default_rng(8)
    first, noise = rng.standard_normal((2, runs, n))
    second = pearson * first + math.sqrt(1.0 - pearson**2) * noise
    achieved = np.array([spearman(*pair) for pair in zip(first, second, strict=True)])
    mean = achieved.mean()
    error = (1.0 - mean**2) * math.sqrt((1.0 + mean**2 / 2.0) / (n - 3))
    # The sd of 1,500 runs is known to 1.8 %, four of these; Bonett and Wright state their formula
    # as good to a few percent below a correlation of 0.95.
    assert achieved.std() == pytest.approx(error, rel=4.0 / math.sqrt(2.0 * runs) + 0.04)


def test_a_parameter_that_is_not_drawn_has_no_correlation() -> None:
    (record,) = rank_correlations(draws(50).isel(parameter=[0, 2]))
    assert record["achieved"] is None
    assert record["se"] is None


def test_a_parameter_that_does_not_vary_has_no_correlation() -> None:
    ds = draws(50)
    ds["parameter_value"][:, :, 0] = 3.0
    (record,) = rank_correlations(ds)
    assert record["achieved"] is None
    json.dumps(record, allow_nan=False)


def test_a_model_without_correlations_has_no_records() -> None:
    ds = draws(50)
    ds.attrs["model_json"] = load_file("benchmarks/analyst.toml").to_json()
    assert rank_correlations(ds) == []


def test_an_ensemble_that_lacks_its_model_is_refused() -> None:
    ds = draws(50)
    with pytest.raises(StoreError, match="parameter_value: is missing from the ensemble"):
        rank_correlations(ds.drop_vars("parameter_value"))
    del ds.attrs["model_json"]
    with pytest.raises(StoreError, match="attribute model_json: is missing from the ensemble"):
        rank_correlations(ds)


def test_a_model_of_an_older_version_still_has_its_correlations() -> None:
    ds = draws(50)
    content = json.loads(ds.attrs["model_json"])
    content["raw"]["demand"] = {"of_an_older_version": 1}
    ds.attrs["model_json"] = json.dumps(content)
    assert [record["requested"] for record in rank_correlations(ds)] == [0.6]
    content["raw"]["correlations"]["boom"] = {"between": FIRST}
    ds.attrs["model_json"] = json.dumps(content)
    with pytest.raises(ModelError, match="correlations: are no tables of between and rank"):
        rank_correlations(ds)
