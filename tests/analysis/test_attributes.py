"""Damaged attributes of an ensemble are an error with their name."""

import pytest
import xarray as xr

from yieldsim.analysis.attributes import json_table
from yieldsim.analysis.caption import origin
from yieldsim.analysis.records import bin_names
from yieldsim.analysis.supply.binding import flag_names
from yieldsim.errors import StoreError

DEEP = "[" * 100_000 + "]" * 100_000
DAMAGED = [DEEP, '{"raw": ', "[1]", '{"raw": 3, "die": 3}']


@pytest.mark.parametrize("text", DAMAGED)
@pytest.mark.parametrize(
    ("name", "reader"), [("model_json", origin), ("bin_names", lambda ds: bin_names(ds, "die"))]
)
def test_a_damaged_attribute_is_named(name: str, reader, text: str) -> None:
    ds = xr.Dataset(coords={"realization": [0], "bin": ["a"]}, attrs={name: text})
    with pytest.raises(StoreError, match=f"attribute {name}: is damaged"):
        reader(ds)


@pytest.mark.parametrize("names", [DEEP, "[1", 3])
def test_damaged_names_of_flags_are_an_error(names: object) -> None:
    ds = xr.Dataset({"binding": ("realization", [0], {"flag_names": names})})
    with pytest.raises(StoreError, match=r"binding\.flag_names: is damaged"):
        flag_names(ds)


def test_a_missing_attribute_is_no_error() -> None:
    assert json_table({}, "orders") is None
    assert json_table({"orders": '{"a": {"b": 1}}'}, "orders", depth=2) == {"a": {"b": 1}}
