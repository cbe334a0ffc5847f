"""Tidy rows hold every figure of a summary once, with its own error and unit."""

import pytest

from tests.analysis import made_up_demand
from tests.analysis.made_up import ensemble
from tests.analysis.made_up_parts import LIFTED, whole, with_starts
from yieldsim.analysis import compare_stores, demand_summary, summarize, tidy_rows
from yieldsim.analysis.fab.die_yield import yield_summary
from yieldsim.analysis.supply.exceeded import exceedance_summary
from yieldsim.analysis.supply.gains import gain_records
from yieldsim.analysis.supply.lifted import binding_summary
from yieldsim.analysis.supply.products import products_summary
from yieldsim.analysis.tidy import COLUMNS


def row_of(rows: list[dict], **values: object) -> dict:
    (row,) = (row for row in rows if all(row.get(key) == value for key, value in values.items()))
    return row


def test_chips_have_four_statistics_a_period() -> None:
    summary = summarize(ensemble())
    rows = tidy_rows(summary)
    assert list(rows[0])[: len(COLUMNS)] == list(COLUMNS)
    assert all(list(row) == list(rows[0]) for row in rows)
    place = {"scenario": "domestic_late", "product": "total", "period": "2025"}
    record = next(
        r for r in summary["yearly"] if {**r, "period": r["year"]}.items() >= place.items()
    )
    for name in ("mean", "p10", "p50", "p90"):
        row = row_of(rows, statistic=name, **place)
        assert (row["value"], row["se"]) == (record[name], record[f"se_{name}"])
        assert row["unit"] == "chip"
    change = row_of(rows, statistic="difference_p50", **place)
    assert (change["base"], change["unit"]) == ("baseline", "chip")
    assert row_of(rows, statistic="difference_spread_ratio", **place)["unit"] == "1"
    quarters = [row for row in rows if row["period"] == "2024Q3" and row["statistic"] == "p50"]
    assert len(quarters) == 2 * 4  # scenarios times the total and three products
    shares = [
        row["value"]
        for row in rows
        if (row["scenario"], row["product"], row["period"], row["statistic"])
        == ("baseline", "total", "2024Q3", "binding_share")
    ]
    assert sum(shares) == pytest.approx(1.0, rel=1e-12)


def test_a_probability_has_its_error_and_number() -> None:
    rows = tidy_rows(exceedance_summary(ensemble(), [1e5, 3e5], ["2025"]))
    assert list(rows[0]) == [*COLUMNS, "above"]
    assert len(rows) == 2 * 2
    assert {row["statistic"] for row in rows} == {"probability"}
    assert {(row["above"], row["unit"]) for row in rows} == {(1e5, "1"), (3e5, "1")}
    assert all(0.0 <= row["se"] < 0.1 for row in rows)


def test_every_table_has_rows_that_differ_in_place_or_label() -> None:
    ds = with_starts(whole(scenarios=LIFTED))
    stores = [("a", ensemble()), ("b", ensemble())]
    for summary in (
        summarize(ds),
        summarize(ds, ["half"]),
        products_summary(ds),
        yield_summary(ds),
        binding_summary(ds),
        demand_summary(made_up_demand.ensemble()),
        compare_stores(stores),
    ):
        rows = tidy_rows(summary)
        assert rows
        places = {tuple((k, v) for k, v in row.items() if k not in ("value", "se")) for row in rows}
        assert len(places) == len(rows)
        assert all(isinstance(row["value"], (int, float)) for row in rows)


def test_each_figure_has_its_own_unit() -> None:
    ds = whole(scenarios=("baseline", "more:memory"))
    units = {row["statistic"]: row["unit"] for row in tidy_rows({"gains": gain_records(ds)})}
    assert units == {
        "gain_chips": "chip",
        "gain_chips_base": "chip",
        "gain_h100e": "H100",
        "gain_h100e_base": "H100",
    }
    rows = tidy_rows(products_summary(ds))
    compute = next(row for row in rows if row["variable"] == "tflops_fp16")
    assert compute["unit"] == "TFLOPS"
    shares = tidy_rows(yield_summary(ds))
    assert {row["unit"] for row in shares} == {"1"}
    orders = tidy_rows(demand_summary(made_up_demand.ensemble()))
    size = row_of(orders, statistic="order_size_p50", order="slow")
    assert (size["value"], size["se"], size["unit"]) == (100.0, 0.0, "chip")
    due = row_of(orders, statistic="order_share_by_due", order="slow")
    # six quarters of 1 + r by its due date: 100 chips for r >= 16, in 4 of 20 realizations
    assert (due["value"], due["unit"]) == (0.2, "1")
    assert due["se"] == pytest.approx((0.2 * 0.8 / 19) ** 0.5, rel=1e-12)
