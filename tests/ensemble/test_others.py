"""A store opens for others: NetCDF, names, units, and texts as plain strings."""

import keyword
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import yieldsim
from tests.supply.orders.made_up_model import DEMAND, IMPORTS, ORDERS, file
from yieldsim import open_ensemble


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the real simulation with every kind of output."""
    path = tmp_path_factory.mktemp("others") / "x.zarr"
    yieldsim.run(file(*ORDERS, *DEMAND, *IMPORTS), realizations=5, seed=1, out=path)
    return path


def test_attributes_are_texts_and_numbers(store: Path) -> None:
    ds = open_ensemble(store)
    for attrs in (ds.attrs, *(ds[name].attrs for name in ds.variables)):
        for value in attrs.values():
            assert isinstance(value, str | int | float) or all(
                isinstance(item, int | float) for item in value
            )


def test_the_whole_store_becomes_a_netcdf_file(store: Path, tmp_path: Path) -> None:
    # with NumPy 1 texts are objects, of which xarray warns as long as Dask reads them
    with xr.open_zarr(store, chunks=None) as ds:
        ds.to_netcdf(tmp_path / "x.nc", engine="scipy")
        with xr.open_dataset(tmp_path / "x.nc", engine="scipy") as copy:
            assert set(copy.variables) == set(ds.variables)
            np.testing.assert_array_equal(copy["usable_chips"].values, ds["usable_chips"].values)
            assert copy["product"].values.tolist() == ds["product"].values.tolist()
            assert copy.attrs["model_json"] == ds.attrs["model_json"]


def test_no_dim_is_a_keyword(store: Path) -> None:
    ds = open_ensemble(store)
    assert not [name for name in (*ds.dims, *ds.variables) if keyword.iskeyword(name)]
    assert ds["imports"].isel(import_source=0).dims == ("scenario", "realization", "quarter")


def test_texts_survive_as_strings(store: Path) -> None:
    ds = open_ensemble(store)
    for name in ("scenario", "product", "quarter_label", "parameter", "parameter_source"):
        texts = ds[name].values.tolist()
        assert texts
        assert ds[name].astype(str).values.tolist() == texts
        assert ds[name].values.astype(str).tolist() == texts
        assert ds[name].attrs["long_name"]


def test_the_total_is_the_sum_of_ai_chips_in_each_realization(store: Path) -> None:
    ds = open_ensemble(store)
    ai = ds["product_kind"].values.astype(str) == "ai"
    expected = ds["usable_chips"].values[..., ai].sum(axis=-1, dtype="float64").astype("float32")
    total = ds["usable_chips_total"]
    np.testing.assert_array_equal(total.values, expected)
    assert total.dims == ("scenario", "realization", "quarter")
    mean = total.values.mean(axis=1, dtype="float64")
    # each total is rounded to single precision (6e-8)
    np.testing.assert_allclose(mean, ds["usable_chips_total_mean"].values, rtol=1e-7)


def test_every_parameter_has_a_unit(store: Path) -> None:
    ds = open_ensemble(store)
    assert all(ds["parameter_unit"].values.tolist())
