import json
import math

import numpy as np
import pytest

from tests.analysis import made_up
from tests.analysis.made_up_demand import COUNT, ORDERS, ensemble
from yieldsim.analysis import demand_summary
from yieldsim.report.supply.demand import NOTHING, demand_text


@pytest.fixture(scope="module")
def summary() -> dict:
    return demand_summary(ensemble(("baseline", "other")))


def order(summary: dict, name: str) -> dict:
    return next(r for r in summary["orders"] if r["order"] == name and r["scenario"] == "baseline")


def test_every_order_of_every_scenario_is_there_with_what_it_is(summary) -> None:
    names = [(r["scenario"], r["order"]) for r in summary["orders"]]
    assert names == [(s, name) for s in ("baseline", "other") for name in ORDERS]
    assert order(summary, "slow")["kind"] == "pods"
    assert order(summary, "never")["claims"] is False
    assert order(summary, "later")["size_p50"] == 8.0


def test_the_quarter_of_filling_has_quantiles_that_may_be_beyond_the_end(summary) -> None:
    # slow: realization r is filled by quarter ceil(100 / (1 + r)): 5 (r = 19), 6 (16 to 18),
    # 7 (14 and 15), 8 (12 and 13), and not by the end below r = 12
    slow = order(summary, "slow")
    shares = [r["share"] for r in summary["filled"] if r["order"] == "slow"][:8]
    np.testing.assert_allclose(shares, np.array([0, 0, 0, 0, 1, 4, 6, 8]) / COUNT)
    assert slow["filled_p10"] == "2026Q2"
    assert slow["filled_p50"] is None
    assert slow["share_by_end"] == 8 / COUNT
    assert slow["share_by_due"] == 4 / COUNT
    assert slow["se_share_by_due"] == pytest.approx(math.sqrt(0.2 * 0.8 / (COUNT - 1)))
    fast, never = order(summary, "fast"), order(summary, "never")
    assert {fast[f"filled_{p}"] for p in ("p10", "p50", "p90")} == {"2025Q1"}
    assert (fast["share_by_due"], fast["se_share_by_due"]) == (1.0, 0.0)
    assert (never["filled_p10"], never["share_by_end"]) == (None, 0.0)
    assert (never["share_by_due"], never["se_share_by_due"]) == (None, None)


def test_an_order_due_beyond_the_horizon_has_no_share_by_its_due_date(
    summary,
) -> None:
    later = order(summary, "later")
    assert later["share_by_due"] is None
    assert (later["filled_p10"], later["filled_p50"], later["filled_p90"]) == (
        "2026Q4",
        "2026Q4",
        None,
    )
    shares = [r["share"] for r in summary["filled"] if r["order"] == "later"][:8]
    assert shares == [0.0] * 7 + [0.5]


def test_backlog_and_deliveries_are_quantiles_of_each_realization(summary) -> None:
    mine = [r for r in summary["backlog"] if (r["scenario"], r["order"]) == ("baseline", "slow")]
    assert [r["quarter"] for r in mine] == summary["quarters"]
    lacking = 100.0 - (1.0 + np.arange(COUNT)) * 3.0
    assert mine[2]["p50"] == pytest.approx(np.quantile(lacking, 0.5))
    assert mine[2]["se_p50"] > 0.0
    year = next(r for r in summary["delivered"] if r["order"] == "slow" and r["year"] == "2025")
    assert year["mean"] == pytest.approx(np.mean((1.0 + np.arange(COUNT)) * 4.0))
    assert year["quarters"] == 4


def test_the_backlog_of_a_whole_year_is_not_called_a_part_of_it() -> None:
    summary = demand_summary(ensemble(), ("2025", "2025Q2"))
    assert {(r["period"], r["quarters"]) for r in summary["backlog"]} == {
        ("2025", 4),
        ("2025Q2", 1),
    }
    assert "1q)" not in demand_text(summary)


def test_the_market_adds_up_in_chips_and_in_compute(summary) -> None:
    of_2025 = [
        r for r in summary["market_yearly"] if r["year"] == "2025" and r["scenario"] == "baseline"
    ]
    assert len(of_2025) == 10
    for units, divided in (("chip", 1.0), ("H100", 4.0)):
        mean = {r["figure"]: r["mean"] for r in of_2025 if r["units"] == units}
        assert mean["demand"] == pytest.approx(6000.0 / divided)
        assert mean["imports"] == pytest.approx(400.0 / divided)
        between = mean["gap without imports"] - mean["gap with imports"]
        assert between == pytest.approx(mean["imports"], rel=1e-6)  # stored in single precision
    supply = {r["units"]: r["mean"] for r in of_2025 if r["figure"] == "domestic supply"}
    assert supply == {"chip": 1200.0, "H100": 600.0}  # the phone chips do not count
    assert len([r for r in summary["market"] if r["figure"] == "demand"]) == 2 * 2 * 8


def test_the_summary_is_json_without_nan(summary) -> None:
    assert json.loads(json.dumps(summary, allow_nan=False)) == summary


def test_a_single_realization_has_no_errors() -> None:
    single = demand_summary(ensemble().isel(realization=slice(0, 1)))
    assert order(single, "slow")["se_share_by_end"] is None
    assert single["backlog"][0]["se_p50"] is None


def test_an_ensemble_without_orders_and_demand_gives_a_single_line() -> None:
    summary = demand_summary(made_up.ensemble())
    assert summary["orders"] == summary["market"] == summary["imports"] == []
    assert demand_text(summary) == NOTHING


def test_the_tables_say_when_orders_are_filled(summary) -> None:
    text = demand_text(summary)
    slow = next(line for line in text.splitlines() if line.startswith("slow  "))
    assert slow.split()[:6] == ["slow", "pods", "2025Q1", "2026Q2", "100", "2026Q2"]
    assert "not by 2026Q4" in slow
    assert "20.0 %" in slow
    assert "cluster*" in text
    assert "scenario other" not in text
    assert "scenario other" in demand_text(summary, ["other"])
    assert summary["compared"] in " ".join(text.split())
    assert all(line == line.rstrip() for line in text.splitlines())
