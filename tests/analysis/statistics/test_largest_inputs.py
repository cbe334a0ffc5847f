"""The script that ranks inputs by what they have to do with a year's total."""

import numpy as np
from scipy.stats import spearmanr

from tests.analysis.made_up import ensemble
from tests.scripts import script

PATHS = ["a.constant", "a.noise", "a.opposed", "a.slow"]


def test_the_inputs_with_the_largest_correlation_in_any_year_come_first() -> None:
    ds = ensemble(realizations=200).isel(scenario=[0])
    chips = ds["usable_chips"].isel(scenario=0, product=[0, 1]).astype(float).sum("product")
    years = [chips.isel(quarter=part).sum("quarter").values for part in (range(4), range(4, 8))]
    noise = np.random.default_rng(5).standard_normal(200)
    # follows the second year alone, in rank and not in value
    columns = [np.ones(200), noise, -np.exp(years[0] / 1e5), years[1] + 5e4 * noise]
    values = np.stack(columns, axis=1)[None]
    ds["parameter_value"] = (("scenario", "realization", "parameter"), values)
    ds = ds.assign_coords(parameter=PATHS)
    with script("runs", "largest_inputs") as module:
        found = module.largest(ds, "usable_chips", ("2024", "2025"), 3)
    assert list(found) == ["a.opposed", "a.slow", "a.noise"]
    for path, ranks in found.items():
        column = values[0, :, PATHS.index(path)]
        np.testing.assert_allclose(ranks, [spearmanr(column, year)[0] for year in years])
    np.testing.assert_allclose(found["a.opposed"][0], -1.0)
