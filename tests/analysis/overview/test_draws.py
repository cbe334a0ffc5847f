import numpy as np
import pytest

from tests.analysis.made_up import ensemble
from tests.analysis.made_up_driven import INPUTS, driven, inputs
from tests.quantiles import least_reaching
from yieldsim.analysis.overview import draws as module
from yieldsim.analysis.overview.draws import LARGEST, carried_draws, leading_inputs
from yieldsim.analysis.overview.fans import LEVELS, fan_of
from yieldsim.analysis.overview.reweight import BANDWIDTH, kernel_weights, mid_ranks
from yieldsim.analysis.statistics.weighted import effective_sample_size
from yieldsim.analysis.weights import with_weights
from yieldsim.errors import UsageError

SERIES = ("baseline", "total")


def carried(ds, names=("up", "switch")):
    found = carried_draws(ds, fan_of(ds, "quarter"), list(names))
    assert found is not None
    return found


def test_ranks_are_shares_and_ties_share_theirs() -> None:
    assert mid_ranks(np.array([[3.0, 1.0, 3.0, 2.0]])).tolist() == [[0.75, 0.125, 0.75, 0.375]]


def test_the_kernel_is_gaussian_in_the_rank() -> None:
    ranks = mid_ranks(np.arange(2000.0)[None])
    weights = kernel_weights(ranks, {0: 0.5})
    own = weights / weights.sum()
    mean = own @ ranks[0]
    assert mean == pytest.approx(0.5, abs=1e-9)
    # the ends of the ranks are five standard deviations away
    assert np.sqrt(own @ (ranks[0] - mean) ** 2) == pytest.approx(BANDWIDTH, rel=1e-4)
    # (integral of w)^2 / integral of w^2 = 2 sqrt(pi) h, of 2000 draws
    wanted = 2.0 * np.sqrt(np.pi) * BANDWIDTH * 2000
    assert effective_sample_size(weights) == pytest.approx(wanted, rel=1e-4)


def test_weights_of_two_inputs_multiply_and_none_leaves_all_alike() -> None:
    ranks = mid_ranks(np.random.default_rng(1).random((2, 50)))
    both = kernel_weights(ranks, {0: 0.2, 1: 0.7})
    product = kernel_weights(ranks, {0: 0.2}) * kernel_weights(ranks, {1: 0.7})
    np.testing.assert_allclose(both, product / product.max(), rtol=1e-12)
    assert kernel_weights(ranks, {}).tolist() == [1.0] * 50


@pytest.mark.parametrize("percentile", [-0.01, 1.01, float("nan")])
def test_a_slider_beyond_the_draws_is_refused(percentile: float) -> None:
    with pytest.raises(UsageError, match=r"slider: is beyond the draws, got .*; allowed: 0 to 1"):
        kernel_weights(np.ones((1, 3)) / 2, {0: percentile})


def test_the_fan_near_a_value_is_that_of_the_formula() -> None:
    # chips of 2026 are 100 + 40 up, so near the percentile p of up they are about 100 + 40 p
    found = carried(driven(realizations=4000))
    quantile, size = found.reweighted(SERIES, {"up": 0.7})
    assert found.codes.shape[-1] == module.MOST_DRAWS
    # the place of P70 among these draws, and the median (variance pi / 2) under the kernel
    variance = 0.7 * 0.3 / module.MOST_DRAWS + 0.5 * np.pi * BANDWIDTH**2 / size
    assert quantile[0, 2] == pytest.approx(128.0, abs=40 * 3 * np.sqrt(variance))
    spread = quantile[0, 4] - quantile[0, 0]  # P90 - P10 of a normal distribution: 2.56 sd
    assert spread == pytest.approx(2.563 * 40 * BANDWIDTH, rel=0.15)


def test_it_is_the_weighted_quantile_of_the_ensemble_itself() -> None:
    # an oracle of its own: the definition on the chips as they are, not as the page has them
    ds = driven(realizations=300, noise=5.0)
    found = carried(ds)
    chips = ds["usable_chips"].to_numpy()[0, :, :, 0]
    up = inputs(300)[:, 0].astype(np.float32)
    ranks = (np.argsort(np.argsort(up)) + 0.5) / 300
    weights = np.exp(-0.5 * ((ranks - 0.9) / 0.1) ** 2)
    year = chips[:, :4].sum(axis=1)
    wanted = least_reaching(year, weights, LEVELS)
    quantile, _ = found.reweighted(SERIES, {"up": 0.9}, "year")
    # four codes of a year, each right to half of 1/65535 of the largest
    np.testing.assert_allclose(quantile[0], wanted, rtol=0.0, atol=2 * chips.max() / LARGEST)


def test_the_weights_of_the_ensemble_count_too() -> None:
    ds = driven(realizations=300)
    base = np.where(inputs(300)[:, 5] == 1.0, 1.0, 0.0)
    found = carried(with_weights(ds, base, {"name": "made up"}))
    weights = found.weights({"up": 0.5})
    assert (weights[base == 0.0] == 0.0).all()
    # of one group the kernel alone is left
    ratio = weights[base > 0.0] / carried(ds).weights({"up": 0.5})[base > 0.0]
    assert np.ptp(ratio) == pytest.approx(0.0, abs=1e-12)


def test_a_page_carries_what_it_has_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    ds = ensemble(realizations=100).assign(
        parameter_value=(("scenario", "realization", "parameter"), rng.random((2, 100, 1)))
    )
    ds = ds.assign_coords(parameter=["x"])
    fan = fan_of(ds, "quarter")
    monkeypatch.setattr(module, "MOST_CODES", 8 * 100 * 3)  # quarters, draws, series
    found = carried_draws(ds, fan, ["x"])
    assert found is not None
    assert found.series == [SERIES, ("domestic_late", "total"), ("baseline", "ascend_910b")]
    monkeypatch.setattr(module, "MOST_CODES", 1)
    found = carried_draws(ds, fan, ["x"])
    assert found is not None
    assert (found.series, found.codes.shape[-1]) == ([SERIES], module.FEWEST_DRAWS)
    assert carried_draws(ds, fan, []) is None


def test_leading_inputs_are_those_of_the_years_first() -> None:
    def record(name: str, period: str, index: float, significant: bool = True) -> dict:
        own = {"parameter": name, "period": period, "index": index, "kind": "first"}
        return own | {"significant": significant}

    indices = [
        *(record("early", "2024", 0.9), record("late", "2027", 0.2), record("both", "2024", 0.8)),
        *(record("both", "2027", 0.3), record("chance", "2027", 0.5, False)),
    ]
    assert leading_inputs({"indices": indices}, ["2027"]) == ["both", "late", "early"]
    assert leading_inputs(None, ["2027"]) == []
    assert set(INPUTS) >= {"up", "switch"}
