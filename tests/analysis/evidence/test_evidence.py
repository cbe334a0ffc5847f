import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from tests.analysis.made_up import ensemble
from yieldsim.analysis import compare_with_published, quantiles
from yieldsim.analysis.evidence.comparison import compared_scenario
from yieldsim.analysis.evidence.words import published
from yieldsim.errors import ModelError, UsageError

BASE = "entity,period,low,central,high,unit,kind,source\n"
FULL = "entity,period,low,central,high,unit,source,variable,select,factor,per,comparable\n"
WORTH = (
    "entity,period,low,central,high,unit,source,variable,select,comparable,role,sets,house,remark\n"
    "x,2025,,1,,chips,s"
)


def ramp(count: int = 101, quarter_count: int = 8) -> xr.Dataset:
    """A year of ascend_910b is 0, 4, 8, ... chips: the quantiles are known without a computer."""
    ds = ensemble(realizations=count, quarter_count=quarter_count, scenarios=("baseline",))
    ds["usable_chips"][:] = 0.0
    ds["usable_chips"][0, :, :, 0] = np.arange(count, dtype="float32")[:, None]
    wafers = np.full((1, count, quarter_count, 2, 2), 3.0, dtype="float32")
    wafers[..., 1] = 100.0
    dims = ("scenario", "realization", "quarter", "fab", "process")
    ds["wafer_starts"] = (dims, wafers, {"units": "wafer"})
    ds["cycle_time_days"] = (dims, wafers, {"units": "day"})
    return ds.assign_coords(fab=["smic_a", "other"], process=["n2", "n3"])


def compared(tmp_path: Path, text: str, ds: xr.Dataset | None = None, **options) -> list[dict]:
    path = tmp_path / "published.csv"
    path.write_text(text, encoding="utf-8")
    return compare_with_published(ramp() if ds is None else ds, path, **options)


def test_a_figure_stands_beside_known_quantiles(tmp_path: Path) -> None:
    row = "x,2025,,100,,chips,s,usable_chips,product=ascend_910b,,,as counted\n"
    (record,) = compared(tmp_path, FULL + row)
    # 0, 4, ... 400: a hundred steps of four
    assert [record[name] for name in ("p10", "p50", "p90", "mean")] == [40.0, 200.0, 360.0, 200.0]
    # 25 of 101 lie below 100 and one is equal to it, which counts half
    assert record["percentile"] == pytest.approx(25.5 / 101, rel=1e-12)
    share = record["percentile"]
    assert record["se_percentile"] == pytest.approx((share * (1 - share) / 101) ** 0.5, rel=1e-12)
    assert (record["compared"], record["inside"], record["reason"]) == (True, True, None)
    assert (record["published_low"], record["published_central"]) == (None, 100.0)
    assert record["comparable"] == "as counted"
    assert json.loads(json.dumps(record, allow_nan=False)) == record


def test_errors_are_those_of_the_quantiles(tmp_path: Path) -> None:
    ds = ensemble(realizations=77)
    row = "x,2024,,1,,chips,s,usable_chips,product=ascend_910c,,,\n"
    (record,) = compared(tmp_path, FULL + row, ds, scenario="domestic_late")
    table = quantiles(ds, period="year").sel(
        product="ascend_910c", period="2024", scenario="domestic_late"
    )
    assert record["se_p50"] == float(table["se_quantile"].sel(probability=0.5)) > 0.0
    assert record["se_mean"] == float(table["se_mean"]) > 0.0


@pytest.mark.parametrize(
    ("period", "factor", "per", "median"),
    [
        ("2025", "", "", 200.0),
        ("2025H1", "", "", 100.0),
        ("2025Q3", "", "period", 50.0),
        ("2025", "2.5", "", 500.0),
        ("2025", "", "month", 200.0 / 12.0),
        ("2025H2", "", "quarter", 50.0),
        ("2024H2", "3", "month", 50.0),
    ],
)
def test_periods_factors_and_rates(period, factor, per, median, tmp_path: Path) -> None:
    row = f"x,{period},,1,,chips,s,usable_chips,product=ascend_910b,{factor},{per},\n"
    (record,) = compared(tmp_path, FULL + row)
    assert record["p50"] == pytest.approx(median, rel=1e-14)  # one division


@pytest.mark.parametrize(
    ("select", "starts"),
    [
        ("", 4 * 206.0),
        ("process=n2", 4 * 6.0),
        ("fab=smic_*; process=n3", 4 * 100.0),
        ("fab=smic_*|other; process=n2", 4 * 6.0),
    ],
)
def test_labels_of_any_dim_are_selected(select: str, starts: float, tmp_path: Path) -> None:
    (record,) = compared(tmp_path, FULL + f"x,2025,,1,,wafers,s,wafer_starts,{select},,,\n")
    assert record["mean"] == starts


def test_products_are_those_in_the_total_where_none_is_selected(tmp_path: Path) -> None:
    ds = ramp()
    ds["usable_chips"][..., 2] = 1e6  # phones
    rows = ("", "product_kind=phone", "product_kind=phone|ai", "product_kind=ai; product=ascend_*")
    text = "".join(f"x,2025,,1,,chips,s,usable_chips,{select},,,\n" for select in rows)
    records = compared(tmp_path, FULL + text, ds)
    assert [r["p50"] for r in records] == [200.0, 4e6, 4e6 + 200.0, 200.0]


@pytest.mark.parametrize(
    ("figures", "inside", "below"),
    [
        ("39,,39.9", False, (39.0, 39.9)),
        ("1,,40", True, (1.0, 40.0)),
        ("360,370,380", True, (360.0, 380.0)),
        ("361,,380", False, (361.0, 380.0)),
        (",,39", False, (None, 39.0)),  # a bound from above, which P10 exceeds
        (",,1000", True, (None, 1000.0)),  # and one that all of the ensemble keeps
        ("1,,", True, (1.0, None)),
        ("361,,", False, (361.0, None)),
    ],
)
def test_inside_is_where_range_and_band_meet(figures, inside, below, tmp_path: Path) -> None:
    row = f"x,2025,{figures},chips,s,usable_chips,product=ascend_910b,,,\n"
    (record,) = compared(tmp_path, FULL + row)
    assert record["inside"] is inside
    for name, figure in zip(("low", "high"), below, strict=True):
        chips = 4.0 * np.arange(101)
        share = None if figure is None else (chips < figure).mean() + 0.5 * (chips == figure).mean()
        assert record[f"percentile_{name}"] == share


def test_rows_without_an_answer_are_listed_with_the_reason(tmp_path: Path) -> None:
    text = (
        "a,2025,,1,,chips,s,usable_chips,,,,\n"
        "b,2025,,9,,USD,s,,,,,the model has no prices\n"
        "c,next year,,9,,USD,s,,,,,\n"
        "d,2023,,9,,chips,s,usable_chips,,,,\n"
        "e,2025,,9,,chips,s,usable_chips,product=kunlun*,,,\n"
        "f,2025,,9,,dies,s,dies_used,,,,\n"
        "g,2026,,9,,chips,s,usable_chips,,,,\n"
    )
    records = compared(tmp_path, FULL + text, ramp(quarter_count=10))
    assert [r["entity"] for r in records] == list("abcdefg")
    assert [r["reason"] for r in records] == [
        None,
        "the model has no prices",
        "the row names no variable",
        "2023 is not there: the ensemble covers 2024Q1 to 2026Q2",
        "the model has no product kunlun*",
        "the store does not keep dies_used (simulation.outputs)",
        "2026 is there with 2 of 4 quarters: the ensemble covers 2024Q1 to 2026Q2",
    ]
    assert [r["compared"] for r in records] == [True] + 6 * [False]
    assert {r["p50"] for r in records[1:]} == {r["inside"] for r in records[1:]} == {None}


def test_a_file_of_the_base_columns_learns_from_the_shipped_one(tmp_path: Path) -> None:
    text = (
        "Huawei Ascend,2024,,300000,,units (mainly 910B),estimate,one\n"
        "huawei ascend 910C,2025,100000,,150000,Packages: for sale,estimate,two\n"
        "ascend_910b,2025Q1,,1,,cards,estimate,a product\n"
        "ascend_*,2025,,1,,chips,estimate,a pattern\n"
        "Huawei Ascend,2025,,1,,USD,estimate,no chips\n"
        "Huawei AI chip revenue,2025,,1,,USD,estimate,known to have no answer\n"
        "Somebody,2025,,1,,units,estimate,nobody knows\n"
        "Huawei Ascend,2025/2026,,1,,units,estimate,no period\n"
    )
    records = compared(tmp_path, BASE + text, ensemble())
    assert [r["select"] for r in records[:4]] == [
        "product=ascend_*",
        "product=ascend_910c",
        "product=ascend_910b",
        "product=ascend_*",
    ]
    chips = ensemble()["usable_chips"].to_numpy().astype(float)[0, :, :4, :2].sum(axis=(1, 2))
    # sums of float32 figures in double precision, in another order
    assert records[0]["p50"] == pytest.approx(np.quantile(chips, 0.5), rel=1e-12)
    assert records[4]["reason"].startswith("counts 'usd', not units, packages, cards, dies")
    assert [r["reason"] for r in records[5:]] == [
        "the model has no prices",
        "the model does not know who is counted: add columns variable and select",
        "the period is not a year, half or quarter such as 2025, 2025H1 or 2025Q1",
    ]


def test_the_scenario_is_the_baseline_or_the_first() -> None:
    assert compared_scenario(ensemble()) == "baseline"
    assert compared_scenario(ensemble(scenarios=("a", "b"))) == "a"
    assert compared_scenario(ensemble(), "x") == "x"


ROW = "x,2025,,1,,chips,s,usable_chips,"


def test_a_row_without_a_number_is_told_and_passed_over(tmp_path: Path) -> None:
    text = ROW + "product=ascend_910b,,,\nx,2026,,,,several million,s,usable_chips,,,,\n"
    records = compared(tmp_path, FULL + text)
    assert [r["compared"] for r in records] == [True, False]
    assert records[1]["reason"] == "the row gives no number"
    assert published(records[1]) == "-"


def test_every_row_has_its_own_remarks(tmp_path: Path) -> None:
    """A row of the base columns takes the match of a known row, but not what was said about it."""
    text = "Huawei Ascend 910C,2025,100000,,150000,packages,estimate,two\n"
    (record,) = compared(tmp_path, BASE + text, ensemble())
    assert (record["compared"], record["comparable"], record["remark"]) == (True, None, None)


@pytest.mark.parametrize(
    ("figures", "far"),
    [
        (",19,", True),  # five of 101 lie below 19
        (",20,", False),  # five and a half do, which is above 5 %
        (",381,", True),
        (",380,", False),
        ("1,,19", True),
        ("1,,20", False),
        ("380,,900", False),
        ("381,,900", True),
        (",,19", True),
        ("381,,", True),
        (",,900", False),
        ("1,,", False),
    ],
)
def test_far_is_beyond_p5_to_p95(figures: str, far: bool, tmp_path: Path) -> None:
    row = f"x,2025,{figures},chips,s,usable_chips,product=ascend_910b,,,\n"
    (record,) = compared(tmp_path, FULL + row)
    assert record["far"] is far


MODEL = {
    "raw": {
        "products": {
            "ascend": {"die": "ascend_x", "other_dies": {"ascend_io": 2}},
            "handset": {"die": "soc", "kind": "phone"},
        }
    }
}


def dies_used() -> xr.Dataset:
    """A year has 4 compute dies, 40 I/O dies and 400 dies of phones, and as many wafers."""
    ds = ramp()
    counts = np.broadcast_to([1.0, 10.0, 100.0], (1, 101, 8, 3)).astype("float32")
    dims = ("scenario", "realization", "quarter", "die")
    ds["dies_used"] = (dims, counts, {"units": "die"})
    ds["wafers_to_die"] = (dims, counts, {"units": "wafer"})
    ds.attrs["model_json"] = json.dumps(MODEL)
    return ds.assign_coords(die=["ascend_x", "ascend_io", "soc"])


@pytest.mark.parametrize(
    ("variable", "select", "count"),
    [
        ("dies_used", "die=ascend_*", 4.0),
        ("dies_used", "", 4.0),
        ("dies_used", "die=ascend_*|ascend_io", 44.0),
        ("dies_used", "die=*", 404.0),
        ("wafers_to_die", "die=ascend_*", 44.0),
        ("wafers_to_die", "", 44.0),
    ],
)
def test_dies_are_compute_dies(variable: str, select: str, count: float, tmp_path: Path) -> None:
    row = f"x,2025,,1,,dies,s,{variable},{select},,,\n"
    (record,) = compared(tmp_path, FULL + row, dies_used())
    assert record["mean"] == count


@pytest.mark.parametrize(
    ("text", "place", "value"),
    [
        ("", "published.csv", "entity, period, low, central, high, unit, source"),
        ("entity,period\n", "published.csv", "low, central, high, unit, source"),
        (BASE, "published.csv", "no rows"),
        (BASE + "x,2025\n", "published.csv line 2", "allowed: entity"),
        (BASE + "x,2025,,1,,a,b,c,d\n", "published.csv line 2", "allowed: entity"),
        ("unit," + BASE, "published.csv", "got 'unit'"),
        (BASE + "x,2025,,many,,u,e,s\n", "published.csv line 2 (x 2025): central", "got 'many'"),
        (BASE + "x,2025,,,nan,u,e,s\n", "published.csv line 2 (x 2025): high", "got 'nan'"),
        (BASE + "x,2025,-1,,,u,e,s\n", "published.csv line 2 (x 2025): low", "got '-1'"),
        (
            WORTH + ",,,,guess,,,\n",
            "published.csv line 2 (x 2025): role",
            "got 'guess'; allowed: check",
        ),
        (
            WORTH + ",,,,check,a.b,,\n",
            "published.csv line 2 (x 2025): sets",
            "got '1 with role check'",
        ),
        (
            WORTH + ",,,,input,,,\n",
            "published.csv line 2 (x 2025): sets",
            "got '0 with role input'",
        ),
        (
            BASE + "x,2025,,1,,u,e,s\ny,2024,5,,4,u,e,s\n",
            "published.csv line 3 (y 2024): low",
            "above high (4), got 5.0",
        ),
        (
            BASE + "x,2025,1,9,4,u,e,s\n",
            "published.csv line 2 (x 2025): central",
            "above high (4), got 9.0",
        ),
        (
            FULL + "x,2025,,1,,chips,s,chips_usable,,,,\n",
            "published.csv line 2 (x 2025): variable",
            "got 'chips_usable'; allowed",
        ),
        (
            FULL + "x,2025,,1,,chips,s,binding,,,,\n",
            "published.csv line 2 (x 2025): variable",
            "got 'binding'",
        ),
        (
            FULL + "x,sometime,,1,,chips,s,usable_chips,,,,\n",
            "published.csv line 2 (x sometime): period",
            "allowed: a year, half or",
        ),
        (FULL + ROW + "die=a,,,\n", "published.csv line 2 (x 2025): select", "got 'die'"),
        (FULL + ROW + "product,,,\n", "published.csv line 2 (x 2025): select", "got 'product'"),
        (
            FULL + ROW + "product=a; product=b,,,\n",
            "published.csv line 2 (x 2025): select",
            "got 'product=b'",
        ),
        (FULL + ROW + ",0,,\n", "published.csv line 2 (x 2025): factor", "got '0'"),
        (FULL + ROW + ",,week,\n", "published.csv line 2 (x 2025): per", "got 'week'"),
        (
            FULL + "x,2025,,1,,days,s,cycle_time_days,,,,\n",
            "published.csv line 2 (x 2025): period",
            "got '2025'; allowed: a quarter",
        ),
        (
            FULL + "x,2025Q1,,1,,days,s,cycle_time_days,,,month,\n",
            "published.csv line 2 (x 2025Q1): per",
            "got 'month'",
        ),
        (
            FULL + "x,2025Q1,,1,,days,s,cycle_time_days,process=n2,,,\n",
            "published.csv line 2 (x 2025Q1): select",
            "cycle_time_days",
        ),
    ],
)
def test_a_bad_file_is_one_line(text: str, place: str, value: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError) as error:
        compared(tmp_path, text)
    message = str(error.value)
    assert message.startswith(f"{place}: ")
    assert value in message
    assert "\n" not in message


def test_a_level_of_one_line_in_one_quarter_is_a_figure(tmp_path: Path) -> None:
    row = "x,2025Q1,80,,85,days,s,cycle_time_days,process=n3; fab=smic_a,,,\n"
    (record,) = compared(tmp_path, FULL + row)
    assert (record["p50"], record["inside"]) == (100.0, False)


def test_an_ensemble_that_can_answer_nothing_is_one_line() -> None:
    late = ramp(quarter_count=4).assign_coords(
        quarter_label=("quarter", [f"2026Q{i}" for i in range(1, 5)])
    )
    with pytest.raises(ModelError) as error:
        compare_with_published(late)
    assert str(error.value).startswith("evidence.csv: ")
    assert str(error.value).endswith("; allowed: figures within 2026Q1 to 2026Q4")


def test_what_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"none.csv: cannot be read \(no such file"):
        compare_with_published(ensemble(), tmp_path / "none.csv")
    (tmp_path / "latin.csv").write_bytes(b"entity,\xe9\n")
    with pytest.raises(ModelError, match=r"latin.csv: is not a text file in UTF-8"):
        compare_with_published(ensemble(), tmp_path / "latin.csv")
    with pytest.raises(UsageError, match="scenario: is not in the ensemble, got 'x'"):
        compare_with_published(ensemble(), scenario="x")
