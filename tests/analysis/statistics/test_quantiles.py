import json

import numpy as np
import pytest

from tests.analysis.made_up import PRODUCTS, SCENARIOS, ensemble
from yieldsim.analysis import quantiles, summarize

NUMBERS = {"mean", "p10", "p50", "p90", "se_mean", "se_p10", "se_p50", "se_p90"}


def test_figures_are_those_of_numpy() -> None:
    ds = ensemble(realizations=101)
    result = quantiles(ds, period="year", probabilities=(0.25, 0.9))
    chips = ds["usable_chips"].to_numpy().astype(np.float64)[:, :, 4:, :2].sum(axis=(2, 3))
    total = result.sel(product="total", period="2025")
    # both are made of the same numbers in double precision, added in another order
    np.testing.assert_allclose(total["mean"], chips.mean(axis=1), rtol=1e-13)
    expected = np.quantile(chips, (0.25, 0.9), axis=1).T
    np.testing.assert_allclose(total["quantile"], expected, rtol=1e-13)
    np.testing.assert_allclose(
        total["se_mean"], chips.std(axis=1, ddof=1) / np.sqrt(101), rtol=1e-12
    )
    assert result["quantile"].attrs["units"] == "chip"
    assert result["quantile"].dims == ("scenario", "product", "period", "probability")


def test_a_quantile_of_the_total_is_no_sum_of_quantiles() -> None:
    # Two products that take turns: each is 0 or 100 and their sum is always 100.
    ds = ensemble(realizations=200, quarter_count=1)
    luck = (np.arange(200) % 2).astype("float32")
    ds["usable_chips"][:, :, 0, 0] = 100.0 * luck
    ds["usable_chips"][:, :, 0, 1] = 100.0 * (1.0 - luck)
    result = quantiles(ds, probabilities=(0.9,)).isel(scenario=0, period=0, probability=0)
    assert float(result["quantile"].sel(product="total")) == 100.0
    assert float(result["se_quantile"].sel(product="total")) == 0.0
    assert result["quantile"].sel(product=list(PRODUCTS[:2])).to_numpy().tolist() == [100.0, 100.0]


def test_the_summary_keeps_its_contract() -> None:
    ds = ensemble()
    summary = json.loads(json.dumps(summarize(ds), allow_nan=False))
    assert summary["quarters"] == [f"{y}Q{q}" for y in (2024, 2025) for q in (1, 2, 3, 4)]
    places = [(r["scenario"], r["product"], r["quarter"]) for r in summary["records"]]
    expected = [
        (s, p, q) for s in SCENARIOS for p in ("total", *PRODUCTS) for q in summary["quarters"]
    ]
    assert places == expected
    assert all(set(r) == {"scenario", "product", "quarter"} | NUMBERS for r in summary["records"])
    assert all(r["p10"] <= r["p50"] <= r["p90"] for r in summary["records"])
    assert {r["product"] for r in summary["binding"]} == {"total", *PRODUCTS}
    for record in summary["binding"]:
        assert set(record) == {
            "scenario",
            "product",
            "quarter",
            "constraint",
            "share",
            "se_share",
        }
    assert summary["in_total"] == list(PRODUCTS[:2])
    assert summary["realizations"] == 64
    assert summary["seed"] == "7"


def test_the_summary_has_the_sums_of_years() -> None:
    summary = summarize(ensemble(quarter_count=6))
    years = [r for r in summary["yearly"] if (r["scenario"], r["product"]) == ("baseline", "total")]
    quarters = [
        r for r in summary["records"] if (r["scenario"], r["product"]) == ("baseline", "total")
    ]
    assert [(r["year"], r["quarters"]) for r in years] == [("2024", 4), ("2025", 2)]
    # means do add up, but for rounding; quantiles do not
    assert years[0]["mean"] == pytest.approx(sum(r["mean"] for r in quarters[:4]), rel=1e-12)
    assert years[0]["p90"] < sum(r["p90"] for r in quarters[:4])


def test_differences_stand_in_the_summary() -> None:
    summary = summarize(ensemble())
    total = [r for r in summary["differences"] if r["product"] == "total"]
    assert [(r["scenario"], r["base"], r["year"]) for r in total] == [
        ("domestic_late", "baseline", "2024"),
        ("domestic_late", "baseline", "2025"),
    ]
    assert summarize(ensemble(scenarios=("baseline",)))["differences"] == []


def test_without_an_ai_product_the_total_is_zero() -> None:
    summary = summarize(ensemble().isel(product=[2]))
    totals = [r for r in summary["records"] if r["product"] == "total"]
    assert {r[name] for r in totals for name in NUMBERS} == {0.0}
    assert {r["product"] for r in summary["binding"]} == {PRODUCTS[2]}
    assert summary["in_total"] == []


def test_one_realization_has_figures_without_errors() -> None:
    summary = json.loads(json.dumps(summarize(ensemble(realizations=1)), allow_nan=False))
    record = summary["records"][0]
    assert record["p10"] == record["p50"] == record["p90"] == record["mean"] > 0.0
    assert {record[name] for name in NUMBERS if name.startswith("se_")} == {None}
    assert summary["binding"][0]["se_share"] is None
