import json

import numpy as np
import pytest

from tests.analysis.made_up_driven import INPUTS, driven
from yieldsim.analysis.drivers.summary import leading_groups, sensitivity_summary
from yieldsim.analysis.drivers.swapped import swapped_draws
from yieldsim.errors import StoreError, UsageError

KEYS = {"parameter", "kind", "period", "index", "low", "high", "significant", "direction"}


@pytest.fixture(scope="module")
def summary():
    return sensitivity_summary(driven(400, noise=2.0))


def of_period(summary, period):
    return {r["parameter"]: r for r in summary["indices"] if r["period"] == period}


def test_the_indices_keep_their_contract(summary) -> None:
    assert json.loads(json.dumps(summary, allow_nan=False)) == summary
    periods = list(dict.fromkeys(r["period"] for r in summary["indices"]))
    quarters = [f"2026Q{q}" for q in (1, 2, 3, 4)] + ["2027Q1", "2027Q2"]
    assert periods == [*quarters, "2026", "2027", "horizon"]
    assert all(set(r) >= KEYS for r in summary["indices"])
    assert all(r["low"] <= r["index"] <= r["high"] for r in summary["indices"])
    for period in periods:
        found = [r["index"] for r in summary["indices"] if r["period"] == period]
        assert found == sorted(found, reverse=True)
        assert len(found) == len(INPUTS) - 1
    assert summary["constant"] == ["constant"]
    assert summary["product"] == "total"


def test_directions_follow_the_formula(summary) -> None:
    first, later = of_period(summary, "2026"), of_period(summary, "2027")
    assert {name for name, r in first.items() if r["significant"]} == {"up"}
    assert first["up"]["direction"] == "up"
    assert first["down"]["direction"] is None
    words = {name: r["direction"] for name, r in later.items() if r["significant"]}
    assert words == {"up": "up", "down": "down", "hump": "mixed", "switch": "up"}


def test_correlated_inputs_are_named(summary) -> None:
    found = of_period(summary, "2027")
    assert found["up"]["correlated_with"] == ["down"]
    assert found["down"]["correlated_with"] == ["up"]
    assert found["hump"]["correlated_with"] == []


def test_the_worth_of_knowing_an_input_is_its_index(summary) -> None:
    values = driven(400, noise=2.0)["usable_chips"].to_numpy()[0, :, 4:, 0].sum(axis=1)
    record = of_period(summary, "2027")["hump"]
    expected = values.std(ddof=1) * np.sqrt(1.0 - record["index"])
    assert record["sd_if_known"] == pytest.approx(expected, rel=1e-12)  # rounding of sums


def test_the_tornado_has_the_widest_swap_first(summary) -> None:
    assert {r["period"] for r in summary["tornado"]} == {"2026", "2027", "horizon"}
    own = [r for r in summary["tornado"] if r["period"] == "2027"]
    swaps = [abs(r["difference"]) for r in own]
    assert swaps == sorted(swaps, reverse=True)
    by_name = {r["parameter"]: r for r in own}
    # two quarters of 30 up: from 0.05 to 0.95 on average, within four errors
    up = by_name["up"]
    assert up["difference"] == pytest.approx(2 * 30.0 * 0.9, abs=4.0 * up["se_difference"])
    down = by_name["down"]
    assert down["difference"] == pytest.approx(-2 * 20.0 * 0.9, abs=4.0 * down["se_difference"])
    assert by_name["switch"]["low_input"] == 1.0
    assert by_name["switch"]["high_input"] == 2.0


def test_a_second_store_splits_the_variance() -> None:
    other = driven(400, process_noise=False)
    summary = sensitivity_summary(driven(400, noise=2.0), periods=["2027"], without_noise=other)
    ways = {r["how"]: r for r in summary["variance"]}
    assert set(ways) == {"regression", "pair"}
    assert ways["pair"]["parameters_at_least"] > ways["regression"]["parameters_at_least"]
    total = ways["pair"]["parameters_at_least"] + ways["pair"]["noise_at_most"]
    assert total == pytest.approx(1.0, abs=1e-15)


def test_a_designed_run_has_total_indices() -> None:
    ds = driven(600)
    groups = leading_groups(sensitivity_summary(ds, periods=["2027"]), 2)
    assert groups == [["hump"], ["up", "down"]]
    designed = driven(noise=2.0, given=swapped_draws(ds, "baseline", groups))
    summary = sensitivity_summary(designed, periods=["2027"])
    assert summary["designed"] == {"rows": 300, "groups": [["hump"], ["up", "down"]]}
    totals = {r["parameter"]: r for r in summary["indices"] if r["kind"] == "total"}
    assert set(totals) == {"up + down", "hump"}
    assert totals["hump"]["direction"] == "mixed"
    assert totals["up + down"]["direction"] is None
    # sums of inputs have no products: variances of two quarters 2 (30, 20), 2 80 / sqrt 48, of
    # 10 at odds 0.3 and 0.7, and of noise
    parts = {"up + down": 4.0 * 1_300.0 / 12.0, "hump": 4.0 * 6_400.0 / 48.0}
    noise = 2.0 * 2.0**2
    whole = sum(parts.values()) + 4.0 * 100.0 * 0.21 + noise
    for name, part in parts.items():
        error = (totals[name]["high"] - totals[name]["low"]) / 3.92
        assert totals[name]["index"] == pytest.approx(part / whole, abs=4.0 * error)
    repeat = next(r for r in summary["variance"] if r["how"] == "repeat")
    assert repeat["noise_at_most"] == pytest.approx(noise / whole, abs=4.0 * repeat["se"])
    # first-order indices come from the independent draws alone
    draws = sensitivity_summary(designed.isel(realization=slice(0, 600)), periods=["2027"])
    first = [r for r in summary["indices"] if r["kind"] == "first"]
    assert first == draws["indices"]
    assert json.loads(json.dumps(summary, allow_nan=False)) == summary


def test_an_input_that_decides_alone_is_not_taken_for_constant() -> None:
    summary = sensitivity_summary(driven(100, chips=lambda x: 50.0 * x[:, 5]), periods=["2027"])
    first = summary["indices"][0]
    assert (first["parameter"], first["direction"]) == ("switch", "up")
    assert first["index"] == pytest.approx(1.0, abs=1e-12)  # rounding of sums of squares
    assert summary["constant"] == ["constant"]


def test_periods_without_spread_are_left_out() -> None:
    summary = sensitivity_summary(driven(60), product="kirin")
    assert {r["period"] for r in summary["indices"]} == {
        "2027Q1",
        "2027Q2",
        "2027",
        "horizon",
    }


def test_the_same_ensemble_gives_the_same_figures(summary) -> None:
    assert sensitivity_summary(driven(400, noise=2.0)) == summary


def test_impossible_requests_are_refused() -> None:
    ds = driven(40)
    with pytest.raises(UsageError, match="scenario: is not in the ensemble, got 'x'"):
        sensitivity_summary(ds, scenario="x")
    with pytest.raises(StoreError, match="parameter_value: is missing from the ensemble"):
        sensitivity_summary(ds.drop_vars("parameter_value"))
    with pytest.raises(StoreError, match="parameter_value: the model has no uncertain input"):
        sensitivity_summary(ds.isel(parameter=slice(0, 0)))
