import json

import numpy as np
import pytest
import xarray as xr

from tests.analysis.made_up import GROUPS, ensemble
from yieldsim.analysis import totals
from yieldsim.analysis.supply import binding
from yieldsim.analysis.supply.binding import binding_shares, flag_names
from yieldsim.errors import StoreError
from yieldsim.outputs import (
    DEFECTS,
    MEMORY,
    NOT_IN_PRODUCTION,
    PACKAGING,
    TOOL_GROUP,
    constraint_names,
)


def four_worlds() -> xr.Dataset:
    """One quarter; two AI products and a phone; what binds is written out."""
    ds = ensemble(realizations=4, quarter_count=1, scenarios=("baseline",))
    ds["binding"][0, :, 0, 0] = [MEMORY, MEMORY, DEFECTS, NOT_IN_PRODUCTION]
    ds["binding"][0, :, 0, 1] = [PACKAGING, MEMORY, TOOL_GROUP, NOT_IN_PRODUCTION]
    ds["binding"][0, :, 0, 2] = PACKAGING
    ds["packages_started"][0, :, 0, 0] = [30.0, 10.0, 0.0, 5.0]
    ds["packages_started"][0, :, 0, 1] = [10.0, 10.0, 0.0, 5.0]
    return ds


def shares(ds: xr.Dataset, product: str) -> list[tuple[str, float]]:
    return [(r["constraint"], r["share"]) for r in binding_shares(ds) if r["product"] == product]


def test_a_product_is_held_in_a_share_of_the_worlds() -> None:
    ds = four_worlds()
    assert shares(ds, "ascend_910b") == [
        ("memory", 0.5),
        ("not in production", 0.25),
        ("defects", 0.25),
    ]
    assert shares(ds, "kirin_n2") == [("packaging", 1.0)]


def test_the_total_weighs_ai_products_by_packages_started() -> None:
    # World 0: 3/4 memory, 1/4 packaging. World 1: memory. World 2: nothing was started, so half
    # defects, half tools. World 3: no AI product in production. The phone does not count.
    by_constraint = dict(shares(four_worlds(), "total"))
    assert by_constraint == {
        "memory": (0.75 + 1.0) / 4,
        "not in production": 0.25,
        "defects": 0.125,
        f"tools: {GROUPS[0]}": 0.125,
        "packaging": 0.0625,
    }
    assert list(by_constraint) == [
        "memory",
        "not in production",
        "defects",
        f"tools: {GROUPS[0]}",
        "packaging",
    ]


def test_without_packages_started_products_count_evenly() -> None:
    by_constraint = dict(shares(four_worlds().drop_vars("packages_started"), "total"))
    assert by_constraint["memory"] == (0.5 + 1.0) / 4


def test_the_error_is_that_of_a_mean() -> None:
    records = [r for r in binding_shares(four_worlds()) if r["constraint"] == "memory"]
    by_product = {r["product"]: r["se_share"] for r in records}
    for product, worlds in (("total", [0.75, 1, 0, 0]), ("ascend_910b", [1, 1, 0, 0])):
        # sd / sqrt(n), computed as mean square less squared mean: a few roundings apart
        expected = np.std(worlds, ddof=1) / 2
        assert by_product[product] == pytest.approx(expected, rel=1e-12)


def test_shares_add_up_to_one_and_fall() -> None:
    records = binding_shares(ensemble())
    places: dict[tuple[str, ...], list[float]] = {}
    for r in records:
        places.setdefault((r["scenario"], r["product"], r["quarter"]), []).append(r["share"])
    assert len(places) == 2 * 4 * 8
    for falling in places.values():
        assert sum(falling) == pytest.approx(1.0, rel=1e-12)  # rounding of a few sums
        assert falling == sorted(falling, reverse=True)


def test_the_block_that_is_read_makes_no_difference(monkeypatch) -> None:
    ds = ensemble(realizations=33)
    expected = binding_shares(ds)
    monkeypatch.setattr(totals, "BLOCK_BYTES", 5_000)
    monkeypatch.setattr(binding, "BLOCK_BYTES", 2_000)
    records = binding_shares(ds)
    assert [r["constraint"] for r in records] == [r["constraint"] for r in expected]
    for record, other in zip(records, expected, strict=True):
        # sums of weights are split otherwise: equal but for rounding
        assert record["share"] == pytest.approx(other["share"], rel=1e-12)


@pytest.mark.parametrize("form", ["list", "text", "meanings", "words", "none"])
def test_names_are_read_in_every_form(form: str) -> None:
    ds = ensemble()
    names = constraint_names(GROUPS)
    words = [name.replace(" ", "_") for name in names]
    ds["binding"].attrs = {
        "list": {"flag_names": names},
        "text": {"flag_names": json.dumps(names), "flag_meanings": " ".join(words)},
        "meanings": {"flag_meanings": names, "flag_values": np.arange(len(names))},
        "words": {"flag_meanings": " ".join(words)},
        "none": {},
    }[form]
    expected = {
        "words": words,
        "none": [*names[:TOOL_GROUP], f"tools: {TOOL_GROUP}", f"tools: {TOOL_GROUP + 1}"],
    }
    assert flag_names(ds) == expected.get(form, names)


def test_values_without_a_name_are_refused() -> None:
    ds = ensemble()
    ds["binding"][0, 0, 0, 0] = 99
    with pytest.raises(StoreError, match="binding: holds a value without a name, got 99"):
        binding_shares(ds)
    ds["binding"].attrs["flag_values"] = [1, 2]
    with pytest.raises(StoreError, match=r"binding.flag_values: must count from 0, got \[1, 2\]"):
        flag_names(ds)
