"""Stores side by side: what is compared with what, and what cannot be."""

import json

import numpy as np
import pytest
import xarray as xr

from tests.analysis.made_up import PRODUCTS, ensemble
from yieldsim.analysis import compare_stores, paired_differences, summarize
from yieldsim.errors import UsageError
from yieldsim.report.supply.compared import compared_text, short_names

BASE, LATE = "baseline", "domestic_late"


def other(seed: str = "7") -> xr.Dataset:
    """A store with 20 % more chips in every world of the baseline."""
    ds = ensemble(scenarios=(BASE,)).assign_attrs(seed=seed)
    ds["usable_chips"] = (ds["usable_chips"] * 1.2).assign_attrs(units="chip")
    return ds


def test_totals_are_those_of_each_store() -> None:
    result = compare_stores([("a.zarr", ensemble()), ("b.zarr", other())])
    json.dumps(result, allow_nan=False)
    for store, ds in (("a.zarr", ensemble()), ("b.zarr", other())):
        expected = [r for r in summarize(ds)["yearly"] if r["product"] == "total"]
        found = [r for r in result["records"] if r["store"] == store]
        assert len(found) == len(expected)
        for record, year in zip(found, expected, strict=True):
            assert record["period"] == year["year"]
            assert all(record[key] == year[key] for key in ("mean", "p10", "se_p90", "scenario"))


def test_the_same_scenario_is_compared_and_paired() -> None:
    """1.2 times each world less that world: a fifth of the base, whatever the world."""
    stores = [("a.zarr", ensemble()), ("b.zarr", other())]
    result = compare_stores(stores, ["2025"], [PRODUCTS[1]])
    (record,) = result["differences"]
    assert (record["base"], record["base_scenario"], record["scenario"]) == ("a.zarr", BASE, BASE)
    assert (record["paired"], record["reason"], record["realizations"]) == (True, None, 64)
    chips = ensemble()["usable_chips"].to_numpy().astype(float)[0, :, 4:, 1].sum(axis=1)
    # stored in single precision
    assert record["mean"] == pytest.approx(0.2 * chips.mean(), rel=1e-5)
    assert record["p10"] == pytest.approx(0.2 * np.quantile(chips, 0.1), rel=1e-5)
    assert record["se_mean"] == pytest.approx(0.2 * chips.std(ddof=1) / 8.0, rel=1e-5)
    # sd of 0.2 x over that of two independent runs, x and 1.2 x
    assert record["spread_ratio"] == pytest.approx(0.2 / (1.0 + 1.2**2) ** 0.5, rel=1e-5)
    text = compared_text(result)
    assert (
        "b.zarr and a.zarr are paired: same seed, design and draws of realizations 0 to 63" in text
    )
    assert "Paired differences from a.zarr" in text


def test_other_seeds_are_told_and_have_the_error_of_both() -> None:
    result = compare_stores([("a.zarr", ensemble()), ("b.zarr", other("8"))], ["year"])
    by_place = {(r["store"], r["scenario"], r["period"]): r for r in result["records"]}
    assert len(result["differences"]) == 2
    for record in result["differences"]:
        first, second = (by_place[store, BASE, record["period"]] for store in ("a.zarr", "b.zarr"))
        assert (record["paired"], record["reason"]) == (False, "seed: 7 and 8")
        assert record["mean"] == second["mean"] - first["mean"]
        error = np.hypot(first["se_mean"], second["se_mean"])
        assert record["se_mean"] == pytest.approx(error, rel=1e-12)
        assert record["p50"] is None
    text = " ".join(compared_text(result).split())
    assert "b.zarr and a.zarr are not paired (seed: 7 and 8)" in text


def test_a_scenario_that_the_first_store_lacks_is_compared_with_its_baseline() -> None:
    late = ensemble().isel(scenario=[1])
    result = compare_stores([("a", ensemble(scenarios=(BASE,))), ("b", late)])
    assert {(r["base_scenario"], r["scenario"]) for r in result["differences"]} == {(BASE, LATE)}
    within = paired_differences(ensemble(), period="year").sel(product="total", scenario=LATE)
    found = [r["mean"] for r in result["differences"]]
    np.testing.assert_array_equal(found, within["mean"])
    assert f"{LATE} - {BASE}" in compared_text(result)
    both = compare_stores([("a", ensemble()), ("b", ensemble())], scenarios=[LATE])
    assert {(r["base_scenario"], r["scenario"]) for r in both["differences"]} == {(LATE, LATE)}
    assert all(r["mean"] == 0.0 for r in both["differences"])


def test_years_of_other_quarters_are_left_out_and_told() -> None:
    short = ensemble(quarter_count=6)
    result = compare_stores([("a", ensemble()), ("b", short)])
    assert result["periods"] == ["2024"]
    assert result["notes"] == ["2025: the stores cover other quarters"]
    assert compare_stores([("a", ensemble()), ("b", short)], ["2025H1"])["periods"] == ["2025H1"]


def test_a_total_of_other_products_is_told() -> None:
    less = ensemble().isel(product=[0, 2])
    result = compare_stores([("a", ensemble()), ("b", less)])
    assert result["notes"] == ["the total of b lacks ascend_910c, unlike that of a"]
    result = compare_stores([("b", less), ("a", ensemble())])
    assert result["notes"] == ["the total of a has also ascend_910c, unlike that of b"]
    assert compare_stores([("a", ensemble()), ("b", less)], products=[PRODUCTS[0]])["notes"] == []


def with_phone_as_ai() -> xr.Dataset:
    return ensemble().assign_coords(product_kind=("product", ["ai", "ai", "ai"]))


@pytest.mark.parametrize(
    ("second", "options", "message"),
    [
        (ensemble, {"products": ["x"]}, "a: product: is not in the ensemble, got 'x'; allowed: "),
        (
            lambda: ensemble().isel(product=[0, 2]),
            {"products": ["ascend_910c"]},
            "b: product: is not in the ensemble, got 'ascend_910c'; allowed: total, ascend_910b",
        ),
        (ensemble, {"scenarios": ["x"]}, "a: scenario: is not in the ensemble, got 'x'; allowed"),
        (ensemble, {"periods": ["2030"]}, "a: period: is outside the ensemble, got '2030'; allow"),
        (
            lambda: ensemble(quarter_count=6),
            {"periods": ["2025"]},
            "b: period: has other quarters than in a, got '2025'; allowed: a period of the quarter",
        ),
        (
            lambda: ensemble(quarter_count=2),
            {},
            "period: no period has the same quarters in all stores",
        ),
        (
            with_phone_as_ai,
            {},
            "b: product: kirin_n2 is an AI chip, and no AI chip in a: their totals differ in kind",
        ),
    ],
)
def test_what_cannot_be_compared_is_refused(second, options: dict, message: str) -> None:
    with pytest.raises(UsageError) as error:
        compare_stores([("a", ensemble()), ("b", second())], **options)
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


def test_one_store_is_no_comparison() -> None:
    with pytest.raises(UsageError, match="STORE: a comparison needs two stores or more, got 1"):
        compare_stores([("a", ensemble())])


def test_names_are_short_where_they_differ() -> None:
    assert short_names(["runs/a.zarr", "old/b.zarr/"]) == {
        "runs/a.zarr": "a.zarr",
        "old/b.zarr/": "b.zarr",
    }
    assert short_names(["x/a.zarr", "y/a.zarr"]) == {"x/a.zarr": "x/a.zarr", "y/a.zarr": "y/a.zarr"}
