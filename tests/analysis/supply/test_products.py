import json

import numpy as np
import pytest

from tests.analysis.made_up_parts import whole
from yieldsim.analysis.supply.products import VARIABLES, products_summary
from yieldsim.report.supply.products import products_text


def chosen(summary: dict, key: str, **place) -> list[dict]:
    return [r for r in summary[key] if all(r[name] == value for name, value in place.items())]


def test_every_variable_has_every_product_and_period() -> None:
    summary = json.loads(json.dumps(products_summary(whole()), allow_nan=False))
    for name in VARIABLES:
        for product in ("total", "ascend_910b", "ascend_910c", "kirin_n2"):
            place = {"variable": name, "product": product, "bin": None}
            assert [r["year"] for r in chosen(summary, "yearly", **place)] == ["2024", "2025"]
            quarters = [r["quarter"] for r in chosen(summary, "records", **place)]
            assert quarters == summary["quarters"]
    assert summary["missing"] == []
    assert (summary["model"], summary["realizations"]) == ("made_up", 40)
    assert {r["units"] for r in chosen(summary, "yearly", variable="h100_equivalents")} == {"H100"}


def test_compute_also_stands_in_tflops() -> None:
    summary = products_summary(whole())
    h100 = chosen(summary, "yearly", variable="h100_equivalents")
    tflops = chosen(summary, "yearly", variable="tflops_fp16")
    for relative, absolute in zip(h100, tflops, strict=True):
        assert (relative["product"], relative["year"]) == (absolute["product"], absolute["year"])
        for name in ("mean", "p10", "p90", "se_mean", "se_p50"):
            assert absolute[name] == pytest.approx(989.0 * relative[name], rel=1e-12)


def test_bins_have_the_names_of_the_die_of_the_product() -> None:
    summary = products_summary(whole())
    bins = {r["product"]: set() for r in summary["yearly"]}
    for record in summary["yearly"]:
        if record["bin"] is not None:
            assert record["variable"] == "packages_passed"
            bins[record["product"]].add(record["bin"])
    assert bins == {
        "total": set(),
        "ascend_910b": {"full", "cut"},
        "ascend_910c": {"full", "cut"},
        "kirin_n2": {"good"},
    }


def test_figures_are_sums_within_each_realization() -> None:
    ds = whole(realizations=33)
    summary = products_summary(ds)
    passed = ds["packages_passed"].to_numpy().astype(float)[0]
    (cut,) = chosen(
        summary,
        "yearly",
        variable="packages_passed",
        product="ascend_910c",
        bin="cut",
        year="2025",
    )
    by_hand = passed[:, 4:, 1, 1].sum(axis=1)
    # sums of float32 figures in double precision, in another order
    assert cut["p90"] == pytest.approx(np.quantile(by_hand, 0.9), rel=1e-12)
    assert cut["se_mean"] == pytest.approx(by_hand.std(ddof=1) / 33**0.5, rel=1e-11)
    (total,) = chosen(
        summary, "records", variable="packages_passed", product="total", quarter="2025Q1"
    )
    by_hand = passed[:, 4, :2].sum(axis=(1, 2))
    assert total["p50"] == pytest.approx(np.quantile(by_hand, 0.5), rel=1e-12)


def test_an_ensemble_that_keeps_less_says_so() -> None:
    ds = whole().drop_vars(["packages_passed", "h100_equivalents"])
    del ds.attrs["model_json"], ds.attrs["bin_names"]
    summary = products_summary(ds)
    assert summary["missing"] == ["packages_passed", "h100_equivalents"]
    text = products_text(summary)
    assert "The ensemble does not keep packages_passed, h100_equivalents." in text
    assert "by bin" not in text


def test_without_the_model_bins_have_their_own_labels() -> None:
    ds = whole()
    del ds.attrs["model_json"]
    summary = products_summary(ds)
    assert {r["bin"] for r in summary["yearly"]} == {None, "bin_1", "bin_2"}


def test_the_text_has_a_row_for_each_year_and_product() -> None:
    summary = products_summary(whole(scenarios=("a", "b")))
    text = products_text(summary)
    assert "scenario b" not in text
    rows = [line.split() for line in text.split("\n\n")[1].splitlines()]
    assert rows[0][:6] == ["year", "product", "usable", "±", "started", "±"]
    (total,) = chosen(
        summary, "yearly", scenario="a", variable="usable_chips", product="total", year="2024"
    )
    assert rows[2][:4] == ["2024", "total", f"{total['p50']:,.0f}", f"{total['se_p50']:,.0f}"]
    assert [row[0] for row in rows[3:6]] == ["ascend_910b", "ascend_910c", "kirin_n2"]
    assert rows[6][:2] == ["2025", "total"]
    assert "2025  ascend_910c  cut" in text
    assert products_text(summary, ["b"]).count("scenario b") == 4
