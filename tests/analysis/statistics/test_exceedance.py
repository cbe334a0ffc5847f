import math

import numpy as np
import pytest
from scipy.stats import norm

from tests.analysis.made_up import PRODUCTS, ensemble
from yieldsim.analysis import exceedance
from yieldsim.analysis.statistics.standard_error import share_error
from yieldsim.errors import UsageError


def test_a_probability_is_the_share_of_realizations_above() -> None:
    ds = ensemble(realizations=50)
    chips = ds["usable_chips"].to_numpy().astype(float)
    total = chips[..., :2].sum(axis=3)  # the third product is a phone's
    result = exceedance(ds, [300_000.0, 450_000.0], ("2025", "2024H2"), ["total", PRODUCTS[2]])
    assert result["quarters"].to_numpy().tolist() == [4, 2]
    for name, quarters in (("2025", slice(4, 8)), ("2024H2", slice(2, 4))):
        for product, figures in (("total", total), (PRODUCTS[2], chips[..., 2])):
            sums = figures[:, :, quarters].sum(axis=2)
            for number in (300_000.0, 450_000.0):
                place = {"period": name, "product": product, "above": number}
                above = (sums > number).astype(float)
                found = result.sel(place)
                np.testing.assert_allclose(found["probability"], above.mean(axis=1), rtol=1e-14)
                error = above.std(axis=1, ddof=1) / math.sqrt(50)
                np.testing.assert_allclose(found["se"], error, rtol=1e-12)


def test_a_total_that_equals_the_number_is_not_above_it() -> None:
    ds = ensemble(realizations=4, quarter_count=1, scenarios=("baseline",))
    ds["usable_chips"][0, :, 0, 0] = [1.0, 2.0, 2.0, 3.0]
    ds["usable_chips"][0, :, 0, 1] = 0.0
    result = exceedance(ds, [2.0, 0.0, 3.0], "horizon").squeeze()
    assert result["probability"].to_numpy().tolist() == [0.25, 1.0, 0.0]
    # (1/4) (3/4) / 3, and no spread where all are on one side
    assert result["se"].to_numpy().tolist() == [0.25, 0.0, 0.0]


@pytest.mark.statistical
def test_the_probability_is_that_of_a_normal_total() -> None:
    n = 40_000
    ds = ensemble(realizations=n, quarter_count=2, scenarios=("baseline",))
    ds["usable_chips"] = ds["usable_chips"].astype("float64") * 0.0
    draws = np.random.default_rng(17).standard_normal((2, n))
    ds["usable_chips"][0, :, :, 0] = 100.0 + 3.0 * draws.T
    # the sum of two quarters: mean 200, sd 3 sqrt 2
    result = exceedance(ds, [195.0, 204.0], "2024").squeeze()
    for number in (195.0, 204.0):
        expected = norm.sf(number, 200.0, 3.0 * math.sqrt(2.0))
        found, error = (float(result[name].sel(above=number)) for name in ("probability", "se"))
        assert found == pytest.approx(expected, abs=4.0 * error)
        assert error == pytest.approx(math.sqrt(expected * (1.0 - expected) / n), rel=0.05)


@pytest.mark.statistical
def test_the_error_is_the_spread_over_many_runs() -> None:
    n, runs, p = 60, 4_000, 0.2
    shares = np.random.default_rng(4).binomial(n, p, runs) / n
    # its square is unbiased: the mean of 4,000 is known to about 1 %, four of these
    assert (share_error(shares, n) ** 2).mean() == pytest.approx(p * (1 - p) / n, rel=0.04)


def test_a_single_realization_has_no_error() -> None:
    result = exceedance(ensemble(realizations=1), [1.0])
    assert (result["probability"] == 1.0).all()
    assert np.isnan(result["se"]).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"above": [math.nan]}, "above: is not a number, got nan"),
        ({"above": [math.inf]}, "above: is not a number, got inf"),
        ({"products": ["x"]}, "product: is not in the ensemble, got 'x'; allowed: total, ascend"),
        ({"period": "2031"}, "period: is outside the ensemble, got '2031'; allowed: 2024Q1 to"),
        ({"variable": "packages_wip"}, "period: packages_wip is not a flow"),
    ],
)
def test_questions_without_an_answer_are_refused(options: dict, message: str) -> None:
    with pytest.raises(UsageError) as error:
        exceedance(ensemble(), **({"above": [1.0]} | options))
    assert str(error.value).startswith(message)
