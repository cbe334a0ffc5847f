"""Summaries of chosen periods: the same figures as by quarter and year, and sums by hand."""

import json
from collections.abc import Callable

import numpy as np
import pytest

from tests.analysis import made_up_demand
from tests.analysis.made_up import ensemble
from tests.analysis.made_up_parts import LIFTED, whole, with_starts
from yieldsim.analysis import demand_summary, summarize
from yieldsim.analysis.fab.die_yield import yield_summary
from yieldsim.analysis.supply import binding
from yieldsim.analysis.supply.binding import binding_shares
from yieldsim.analysis.supply.gains import gain_records
from yieldsim.analysis.supply.lifted import binding_summary
from yieldsim.analysis.supply.products import products_summary
from yieldsim.errors import UsageError

# each list by chosen period, and its names by quarter and by year
LISTS = [
    (summarize, ensemble, "records", "records", "yearly"),
    (summarize, ensemble, "differences", None, "differences"),
    (summarize, ensemble, "binding", "binding", None),
    (products_summary, whole, "records", "records", "yearly"),
    (yield_summary, lambda: with_starts(whole()), "records", "records", "yearly"),
    (demand_summary, made_up_demand.ensemble, "market", "market", "market_yearly"),
    (demand_summary, made_up_demand.ensemble, "delivered", None, "delivered"),
    (demand_summary, made_up_demand.ensemble, "imports", None, "imports"),
    (demand_summary, made_up_demand.ensemble, "backlog", "backlog", None),
    (demand_summary, made_up_demand.ensemble, "filled", "filled", None),
    (binding_summary, lambda: whole(scenarios=LIFTED), "binding", "binding", None),
    (binding_summary, lambda: whole(scenarios=LIFTED), "lifted", None, "lifted"),
]


def without_time(records: list[dict]) -> list[dict]:
    return [
        {k: v for k, v in r.items() if k not in ("quarter", "year", "period", "quarters")}
        for r in records
    ]


@pytest.mark.parametrize(("summary", "made", "chosen", "by_quarter", "by_year"), LISTS)
def test_kinds_give_the_figures_of_the_whole_summary(
    summary: Callable, made: Callable, chosen: str, by_quarter: str | None, by_year: str | None
) -> None:
    ds = made()
    default = summary(ds)
    for kind, name in (("quarter", by_quarter), ("year", by_year)):
        if name is None:
            continue
        found = summary(ds, periods=[kind])
        json.dumps(found, allow_nan=False)
        assert set(found["periods"]) >= {r[kind] for r in default[name]}
        assert "yearly" not in found
        assert [r["period"] for r in found[chosen]] == [r[kind] for r in default[name]]
        assert without_time(found[chosen]) == without_time(default[name])


def test_a_half_and_the_horizon_are_sums_of_their_quarters() -> None:
    ds = ensemble(realizations=21)
    chips = ds["usable_chips"].to_numpy().astype(float)[1, :, :, :2].sum(axis=2)
    found = summarize(ds, ["2025H1", "horizon"])["records"]
    for name, quarters in (("2025H1", slice(4, 6)), ("horizon", slice(0, 8))):
        (record,) = (
            r
            for r in found
            if (r["scenario"], r["product"], r["period"]) == ("domestic_late", "total", name)
        )
        sums = chips[:, quarters].sum(axis=1)
        # sums of float32 figures in double precision, in another order
        assert record["p90"] == pytest.approx(np.quantile(sums, 0.9), rel=1e-12)
        assert record["mean"] == pytest.approx(sums.mean(), rel=1e-12)
        assert record["quarters"] == quarters.stop - quarters.start


def test_what_binds_in_a_period_is_the_mean_over_its_quarters() -> None:
    ds = ensemble(realizations=33)
    by_quarter: dict[tuple[str, ...], list[float]] = {}
    for r in binding_shares(ds):
        if r["quarter"] in ("2025Q3", "2025Q4"):
            place = (r["scenario"], r["product"], r["constraint"])
            by_quarter.setdefault(place, []).append(r["share"])
    found = binding_shares(ds, ("2025H2",))
    assert len(found) == len(by_quarter)
    for r in found:
        shares = by_quarter[r["scenario"], r["product"], r["constraint"]]
        # two shares, each the sum of 33 weights
        assert r["share"] == pytest.approx(sum(shares) / 2.0, rel=1e-12)


def test_the_histogram_that_is_counted_makes_no_difference(monkeypatch) -> None:
    ds = ensemble(realizations=33)
    expected = binding_shares(ds, ("2024H1",))
    monkeypatch.setattr(binding, "_CACHED_COUNTS", 100)
    assert binding_shares(ds, ("2024H1",)) == expected  # counts of two quarters: halves are exact


def test_the_error_of_a_period_counts_each_realization_once() -> None:
    """Quarters of one realization are not independent: the error is over realizations."""
    ds = ensemble(realizations=40)
    ds["binding"][0, :, :, 0] = np.where(np.arange(40) < 10, 2, 3)[:, None]
    (record, _) = (
        r
        for r in binding_shares(ds, ("2024",))
        if (r["scenario"], r["product"]) == ("baseline", "ascend_910b")
    )
    assert record["share"] == 0.75
    # 0.75 in 40 realizations, whatever the number of quarters
    assert record["se_share"] == pytest.approx((0.75 * 0.25 / 39) ** 0.5, rel=1e-12)


def test_gains_of_a_period_are_those_of_the_year() -> None:
    ds = whole(scenarios=("baseline", "more:memory"))
    ds["usable_chips"][1] = 1.1 * ds["usable_chips"][0]
    default = [r for r in gain_records(ds) if r["year"] == "2025"]
    found = gain_records(ds, periods=("2025",))
    assert {r["period"] for r in found} == {"2025"}
    assert without_time(found) == without_time(default)


def test_orders_are_those_of_the_end_of_a_period() -> None:
    """`slow` (100 chips) gets 1 + r a quarter: at the end of 2025H1 it lacks 98 - 2 r."""
    summary = demand_summary(made_up_demand.ensemble(), ["2025H1", "2026"])
    (half, year) = (r for r in summary["backlog"] if r["order"] == "slow")
    left = [98.0 - 2.0 * r for r in range(made_up_demand.COUNT)]
    assert half["mean"] == pytest.approx(np.mean(left), rel=1e-6)  # stored in single precision
    assert (half["period"], year["period"]) == ("2025H1", "2026")
    filled = {(r["order"], r["period"]): r["share"] for r in summary["filled"]}
    # after two years 8 (1 + r) >= 100 holds for r >= 12: 8 of 20
    assert filled["slow", "2026"] == 0.4
    assert filled["slow", "2025H1"] == 0.0
    assert filled["fast", "2025H1"] == 1.0


@pytest.mark.parametrize(
    "summary", [summarize, products_summary, yield_summary, demand_summary, binding_summary]
)
def test_a_period_outside_the_ensemble_is_refused(summary: Callable) -> None:
    with pytest.raises(UsageError, match="period: is outside the ensemble, got '2031'; allowed: 2"):
        summary(whole(), periods=["2031"])
