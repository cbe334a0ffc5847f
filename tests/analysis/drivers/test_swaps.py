import numpy as np
import pytest

from tests.analysis.made_up_driven import INPUTS, driven
from yieldsim.analysis.drivers.figure import figure_of
from yieldsim.analysis.drivers.swaps import quantile_swaps, tails
from yieldsim.analysis.statistics.standard_error import sample_quantiles


def test_swaps_are_means_and_medians_of_the_tenths() -> None:
    ds = driven(200, noise=3.0)
    figure = figure_of(ds, "usable_chips", None, "baseline", ["year"])
    swaps = quantile_swaps(ds, figure, ["down", "up"])
    chips = ds["usable_chips"].to_numpy()[0, :, 4:, 0].sum(axis=1)
    x = ds["parameter_value"].to_numpy()[0, :, INPUTS.index("up")]
    order = np.argsort(x)
    at = swaps.sel(parameter="up", period="2027")
    for end, chosen in (("low", order[:20]), ("high", order[-21:])):
        part = at.sel(end=end)
        expected = chips[chosen]
        assert int(part["count"]) == len(chosen)
        # the same twenty figures, added in another order
        assert float(part["mean"]) == pytest.approx(expected.mean(), rel=1e-13)
        assert float(part["median"]) == pytest.approx(np.median(expected), rel=1e-13)
        error = expected.std(ddof=1) / np.sqrt(len(chosen))
        assert float(part["se_mean"]) == pytest.approx(error, rel=1e-12)
        assert float(part["se_median"]) == pytest.approx(
            sample_quantiles(expected, (0.5,))[1][0], rel=1e-12
        )
    assert float(at["input_limit"].sel(end="low")) == x[order[19]]
    assert float(at["input_limit"].sel(end="high")) == x[order[-21]]
    assert swaps["mean"].dims == ("parameter", "end", "period")
    assert swaps["mean"].attrs["units"] == "chip"


def test_equal_values_stay_together() -> None:
    values = np.array([1.0] * 30 + [2.0] * 60 + [3.0] * 10)
    (low, lowest), (high, highest) = tails(values)
    assert (low, lowest.sum(), high, highest.sum()) == (1.0, 30, 2.0, 70)
    rare = np.array([1.0] * 95 + [2.0] * 5)
    (low, lowest), (high, highest) = tails(rare)
    assert (low, lowest.sum(), high, highest.sum()) == (1.0, 95, 2.0, 5)
