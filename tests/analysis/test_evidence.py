from pathlib import Path

import numpy as np
import pytest

from tests.analysis.made_up import ensemble
from yieldsim.analysis import compare_with_published, quantiles
from yieldsim.errors import ModelError, UsageError

HEADER = "entity,period,low,central,high,unit,kind,source\n"
ROWS = (
    "Huawei Ascend,2024,,300000,,units (mainly 910B),estimate,one\n"
    "Huawei Ascend,2025,,2000000,,units,estimate,two\n"
    "Huawei Ascend 910C,2025,100000,,150000,packages: for sale,estimate,three\n"
    "Huawei Ascend,2026,,1,,units,estimate,a year that is not there in full\n"
    "Huawei Ascend,2024Q1,,1,,units,estimate,no year\n"
    "Huawei Ascend,2025,,1,,USD,estimate,no chips\n"
    "Nvidia,2025,,1,,units,estimate,no product\n"
    "Cambricon,2025,,1,,cards,estimate,products that the model lacks\n"
)


@pytest.fixture
def published(tmp_path: Path) -> Path:
    path = tmp_path / "published.csv"
    path.write_text(HEADER + ROWS, encoding="utf-8")
    return path


def test_rows_of_chips_in_whole_years_are_compared(published: Path) -> None:
    found = compare_with_published(ensemble(quarter_count=10), published)
    assert [r["source"] for r in found] == ["one", "two", "three"]
    assert [(r["published_low"], r["published_high"]) for r in found] == [
        (300_000.0, 300_000.0),
        (2_000_000.0, 2_000_000.0),
        (100_000.0, 150_000.0),
    ]
    assert [r["inside"] for r in found] == [True, False, True]


def test_the_figures_are_quantiles_of_the_sum_over_the_products(published: Path) -> None:
    ds = ensemble(realizations=77)
    first, _, third = compare_with_published(ds, published, scenario="domestic_late")
    chips = ds["usable_chips"].to_numpy().astype(np.float64)[1, :, :4, :2].sum(axis=(1, 2))
    # sums of float32 figures in double precision, in another order
    np.testing.assert_allclose(
        [first["p10"], first["p50"], first["p90"]], np.quantile(chips, (0.1, 0.5, 0.9)), rtol=1e-12
    )
    result = quantiles(ds, period="year").sel(
        product="ascend_910c", period="2025", scenario="domestic_late"
    )
    assert third["se_p50"] == float(result["se_quantile"].sel(probability=0.5)) > 0.0


def test_names_can_be_mapped_otherwise(published: Path) -> None:
    found = compare_with_published(ensemble(), published, entities={"Nvidia": "kirin*"})
    assert [r["entity"] for r in found] == ["Nvidia"]


def test_a_range_that_touches_the_band_from_either_side_is_inside(tmp_path: Path) -> None:
    ds = ensemble(realizations=3, quarter_count=4)
    ds["usable_chips"][:] = 25_000.0  # 100,000 a year in every world
    path = tmp_path / "published.csv"
    for low, high, inside in ((1, 99_999, False), (1, 100_000, True), (100_001, 2e5, False)):
        row = f"Huawei Ascend 910C,2024,{low},,{high},chips,estimate,x\n"
        path.write_text(HEADER + row, encoding="utf-8")
        (record,) = compare_with_published(ds, path)
        assert record["inside"] is inside


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("entity,period\n", "published.csv: lacks the columns low, central, high, unit, source"),
        (
            HEADER + "Huawei Ascend,2024,,many,,units,estimate,x\n",
            "published figure of Huawei Ascend 2024: central: must be a number, got 'many'",
        ),
        (
            HEADER + "Huawei Ascend,2024,,,,units,estimate,x\n",
            "published figure of Huawei Ascend 2024: has no number",
        ),
        (
            HEADER + "Huawei Ascend,2024\n",
            "published.csv line 2: truncated or ragged row",
        ),
    ],
)
def test_a_bad_file_is_one_line(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "published.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ModelError) as error:
        compare_with_published(ensemble(), path)
    assert str(error.value).startswith(message)


def test_what_is_not_there_is_refused(published: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"none.csv: cannot be read"):
        compare_with_published(ensemble(), tmp_path / "none.csv")
    with pytest.raises(UsageError, match="scenario: is not in the ensemble, got 'x'"):
        compare_with_published(ensemble(), published, scenario="x")
