"""An ensemble without xarray holds what xarray reads, and its summary is the same."""

import itertools
from pathlib import Path
from typing import cast

import numpy as np
import pytest
import xarray as xr

from tests.ensemble.fake import CHUNK, flip_bit
from yieldsim import open_ensemble
from yieldsim.analysis import summarize
from yieldsim.ensemble import open_plain
from yieldsim.ensemble.reading.plain import PlainDataset
from yieldsim.errors import IncompleteError, VerificationError

PLACES = {
    "scenario": (1, [1, 0]),
    "realization": (slice(3, 21), slice(0, 1)),
    "quarter": (2, slice(1, 3), [2, 0]),
}


@pytest.fixture
def plain(path: Path) -> PlainDataset:
    return open_plain(path)


def test_it_holds_the_results_and_texts_that_xarray_reads(path: Path, plain: PlainDataset) -> None:
    ds = open_ensemble(path)
    results = {name for name in ds.data_vars if ds[name].dims[:2] == ("scenario", "realization")}
    texts = {str(name) for name in ds.coords if ds[name].dtype == object}
    assert (set(plain.data_vars), set(plain.coords)) == (results, texts)
    for name in results | texts:
        np.testing.assert_array_equal(plain[name].to_numpy(), ds[name].to_numpy())
        assert plain[name].dims == ds[name].dims
        assert plain[name].sizes == dict(ds[name].sizes)
    attrs = dict(plain.attrs)
    assert attrs.pop("coordinates") == "quarter_bounds"  # xarray makes coordinates of them
    assert attrs == ds.attrs


@pytest.mark.parametrize("places", list(itertools.product(*PLACES.values())))
def test_chosen_places_in_another_order_are_those_of_xarray(
    path: Path, plain: PlainDataset, places: tuple
) -> None:
    chosen = dict(zip(PLACES, places, strict=True))
    expected = open_ensemble(path).isel(chosen)["usable_chips"]
    found = plain.isel(chosen)["usable_chips"]
    dims = expected.dims[::-1]
    np.testing.assert_array_equal(
        found.transpose(*dims).to_numpy(), expected.transpose(*dims).to_numpy()
    )


def test_its_summary_is_that_of_xarray(path: Path, plain: PlainDataset) -> None:
    assert summarize(cast("xr.Dataset", plain)) == summarize(open_ensemble(path))


def test_a_damaged_chunk_is_not_read(path: Path, plain: PlainDataset) -> None:
    file = path / "usable_chips" / CHUNK
    file.write_bytes(flip_bit(file.read_bytes(), 200))
    with pytest.raises(VerificationError, match="does not match its checksum"):
        plain["usable_chips"].to_numpy()


def test_an_unfinished_store_is_refused(begun: Path) -> None:
    with pytest.raises(IncompleteError, match="not finalized"):
        open_plain(begun)
