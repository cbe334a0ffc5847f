"""What raised inputs add: paired with their own base, ranked by compute, and told in words."""

import json

import numpy as np
import pytest
import xarray as xr

from tests.analysis.made_up_parts import whole
from yieldsim.analysis.supply.gains import gain_records
from yieldsim.analysis.supply.lifted import binding_summary
from yieldsim.report.supply.binding import binding_text
from yieldsim.report.supply.gains import costs_of, gain_table

NAMES = ("baseline", "more:memory", "more:wafers", "late", "late+more:memory")
# by product (910b, 910c, phone): factor on the chips of the baseline, or of `late`
FACTORS = {
    "more:memory": (1.02, 1.0, 1.0),
    "more:wafers": (1.10, 0.95, 1.0),
    "late": (0.8, 0.8, 0.8),
    "late+more:memory": (0.84, 0.8, 0.8),
}


@pytest.fixture(scope="module")
def ds() -> xr.Dataset:
    made = whole(scenarios=NAMES)
    for name in ("usable_chips", "h100_equivalents"):
        values = made[name].to_numpy().astype(float)
        for scenario, factors in FACTORS.items():
            values[NAMES.index(scenario)] = values[0] * np.array(factors)
        made[name][:] = values
    return made


def chips_of(ds: xr.Dataset, scenario: str, quarters: slice, products: slice) -> np.ndarray:
    """Sums by realization."""
    values = ds["usable_chips"].to_numpy().astype(float)[NAMES.index(scenario)]
    return values[:, quarters, products].sum(axis=(1, 2))


def test_a_gain_is_paired_with_its_own_base(ds: xr.Dataset) -> None:
    records = gain_records(ds)
    json.dumps(records, allow_nan=False)
    assert {(r["scenario"], r["base"], r["input"]) for r in records} == {
        ("more:memory", "baseline", "memory"),
        ("more:wafers", "baseline", "wafers"),
        ("late+more:memory", "late", "memory"),
    }
    places = {"2024": slice(0, 4), "2025": slice(4, 8), "horizon": slice(0, 8)}
    products = {"total": slice(0, 2), "kirin_n2": slice(2, 3)}
    for name, base in (("more:wafers", "baseline"), ("late+more:memory", "late")):
        for year, quarters in places.items():
            for product, members in products.items():
                (record,) = (
                    r
                    for r in records
                    if (r["scenario"], r["year"], r["product"]) == (name, year, product)
                )
                before = chips_of(ds, base, quarters, members)
                added = chips_of(ds, name, quarters, members) - before
                # sums of float32 figures in double precision, in another order
                near = {"rel": 1e-9, "abs": 1e-6}
                assert record["chips"] == pytest.approx(added.mean(), **near)
                assert record["chips_se"] == pytest.approx(added.std(ddof=1) / 40**0.5, **near)
                assert record["chips_base"] == pytest.approx(before.mean(), rel=1e-12)
                # 0.4 H100 a chip, both stored in single precision
                assert record["h100e"] == pytest.approx(0.4 * added.mean(), rel=1e-4, abs=1.0)
                assert record["quarters"] == (8 if year == "horizon" else 4)


def test_the_input_that_adds_most_compute_comes_first(ds: xr.Dataset) -> None:
    def inputs(changed: xr.Dataset) -> list[str]:
        records = gain_records(changed, ["baseline"])
        return list(dict.fromkeys(r["input"] for r in records))

    assert inputs(ds) == ["wafers", "memory"]
    more = ds.copy(deep=True)
    more["h100_equivalents"][1] = 2.0 * more["h100_equivalents"][0]
    assert inputs(more) == ["memory", "wafers"]
    # by chips where the store keeps no compute
    assert inputs(ds.drop_vars("h100_equivalents")) == ["wafers", "memory"]
    assert gain_records(ds.drop_vars("h100_equivalents"))[0]["h100e"] is None


def test_scenarios_can_be_chosen_by_name_or_base(ds: xr.Dataset) -> None:
    def chosen(*names: str) -> set[str]:
        return {r["scenario"] for r in gain_records(ds, names)}

    assert chosen("more:memory") == {"more:memory"}
    assert chosen("baseline") == {"more:memory", "more:wafers"}
    assert chosen("late") == {"late+more:memory"}


def test_a_raised_input_without_its_base_is_said(ds: xr.Dataset) -> None:
    summary = binding_summary(ds.isel(scenario=[0, 2, 4]))
    assert {r["scenario"] for r in summary["gains"]} == {"more:wafers"}
    assert summary["notes"] == ["late+more:memory cannot be compared: the ensemble lacks late"]


def test_the_text_ranks_first_and_labels_second(ds: xr.Dataset) -> None:
    text = binding_text(binding_summary(ds))
    first = "What 10 % more of each input adds, H100-equivalents of AI chips in total, scenario ba"
    assert text.startswith(first)
    assert text.index("What 10 % more") < text.index("What holds AI chips at the moment")
    assert "wafers: 10 % more planned wafer starts." in text
    assert "more:all" not in text
    none = binding_text(binding_summary(ds.isel(scenario=[0])))
    assert none.startswith("What holds AI chips at the moment: share of packages started in %")
    assert "yieldsim run MODEL --scenario more:all" in none


def test_a_table_has_a_column_a_year(ds: xr.Dataset) -> None:
    records = [r for r in gain_records(ds, ["baseline"]) if r["product"] == "total"]
    header, _, *rows = gain_table(records, "chips").splitlines()
    assert header.split() == ["10", "%", "more", "2024", "2025", "all", "years", "%"]
    assert [row.split()[0] for row in rows] == ["wafers", "memory"]
    whole_years = next(r for r in records if (r["input"], r["year"]) == ("wafers", "horizon"))
    share = 100.0 * whole_years["chips"] / whole_years["chips_base"]
    assert rows[0].split()[-3:] == [
        f"{round(whole_years['chips']):,}",
        f"±{round(whole_years['chips_se']):,}",
        f"{share:+.2f}",
    ]


def test_what_an_input_costs_is_said(ds: xr.Dataset) -> None:
    records = gain_records(ds, ["baseline"])
    whole_years = {
        r["product"]: r["chips"]
        for r in records
        if (r["input"], r["year"]) == ("wafers", "horizon")
    }
    gained, lost = whole_years["ascend_910b"], -whole_years["ascend_910c"]
    assert list(costs_of(records)) == [
        f"10 % more wafers adds {round(gained):,} ascend_910b and takes {round(lost):,} "
        "ascend_910c over all years."
    ]


def test_a_year_that_falls_is_said(ds: xr.Dataset) -> None:
    less = ds.copy(deep=True)
    chips = less["usable_chips"].to_numpy()
    chips[1, :, 4:, 0] = 0.9 * chips[0, :, 4:, 0]  # with more memory the 910b falls in 2025
    less["usable_chips"][:] = chips
    (record,) = (
        r
        for r in gain_records(less, ["more:memory"])
        if (r["product"], r["year"]) == ("total", "2025")
    )
    sentence = (
        f"10 % more memory takes {round(-record['chips']):,} ±{round(record['chips_se']):,} "
        "usable chips of all AI chips in 2025 while compute rises."
    )
    assert sentence in list(costs_of(gain_records(less, ["more:memory"])))


def test_a_change_within_its_error_costs_nothing() -> None:
    noise = {"input": "memory", "product": "a", "year": "horizon", "chips": -29.0, "chips_se": 10.0}
    assert list(costs_of([noise | {"h100e": None, "h100e_se": None}])) == []
    sure = noise | {"chips_se": 9.0, "h100e": None, "h100e_se": None}
    assert list(costs_of([sure])) == ["10 % more memory takes 29 a over all years."]


def test_a_sentence_names_four_products_and_sums_the_rest() -> None:
    of = {"input": "wafers", "year": "horizon", "chips_se": 0.1, "h100e": None, "h100e_se": None}
    chips = {"a": -70.0, "b": 50.0, "c": 60.0, "d": 40.0, "e": 30.0, "f": 20.0, "g": 10.0}
    records = [of | {"product": name, "chips": number} for name, number in chips.items()]
    assert list(costs_of(records)) == [
        "10 % more wafers adds 60 c, 50 b, 40 d, 30 e, 30 of 2 others and takes 70 a "
        "over all years."
    ]
    (alone,) = costs_of([r for r in records if r["product"] != "g"])
    assert "60 c, 50 b, 40 d, 30 e, 20 f and takes" in alone  # a single other has its name
