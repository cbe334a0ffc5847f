"""Weights beside a finished store, which stays what it was."""

import shutil
import uuid
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from tests.ensemble.fake import make_store, one_line
from yieldsim.ensemble import Folder, examine, finalize, open_ensemble, place_of, read_stored
from yieldsim.ensemble.added.weights import read_weights, weight_names, write_weights
from yieldsim.errors import IncompleteError, StoreError, UsageError, VerificationError

ABOUT = {"evidence": "größe.csv", "effective_sample_size": 12.5}


def weights_of(realizations: int = 50) -> np.ndarray:
    weights = np.arange(1.0, realizations + 1.0)
    return weights / weights.sum()


def content(path: Path) -> dict[str, bytes]:
    files = (file for file in path.rglob("*") if file.is_file())
    return {str(file.relative_to(path)): file.read_bytes() for file in files}


def test_weights_are_read_as_they_were_written(path: Path) -> None:
    write_weights(path, "first", weights_of(), ABOUT)
    write_weights(path, "Second-2", weights_of()[::-1].copy(), {})
    weights, about = read_weights(path, "first")
    assert weights.tolist() == weights_of().tolist()
    assert about == ABOUT
    assert weight_names(Folder(path)) == ["Second-2", "first"]


def test_a_name_that_is_used_again_has_the_new_weights(path: Path) -> None:
    write_weights(path, "first", weights_of(), {})
    write_weights(path, "first", weights_of()[::-1].copy(), ABOUT)
    weights, about = read_weights(path, "first")
    assert weights[0] == weights_of()[-1]
    assert about == ABOUT


def test_the_store_stays_what_it_was_for_its_readers(path: Path) -> None:
    before = content(path)
    with xr.open_zarr(path) as ds:
        opened = ds.load()
    write_weights(path, "first", weights_of(), ABOUT)
    after = content(path)
    assert {key: after[key] for key in before} == before
    assert all(key.startswith("weights/") for key in set(after) - set(before))
    with xr.open_zarr(path) as ds:
        xr.testing.assert_identical(ds.load(), opened)
    stored = read_stored(Folder(path))
    assert stored is not None
    assert not examine(stored)
    finalize(Folder(path))  # of a complete store: checks it
    assert content(path) == after


def test_plain_xarray_reads_the_weights(path: Path) -> None:
    write_weights(path, "first", weights_of(), ABOUT)
    with xr.open_zarr(path, group="weights", consolidated=False) as ds:
        assert ds["first"].dims == ("realization",)
        assert ds["first"].to_numpy().tolist() == weights_of().tolist()


def test_a_zipped_store_has_its_weights_and_takes_no_more(path: Path, tmp_path: Path) -> None:
    write_weights(path, "first", weights_of(), ABOUT)
    zipped = shutil.make_archive(str(tmp_path / "packed"), "zip", path)
    assert read_weights(zipped, "first")[0].tolist() == weights_of().tolist()
    with pytest.raises(StoreError) as error:
        write_weights(zipped, "first", weights_of(), ABOUT)
    one_line(error, "packed.zip", "can only be read")


def test_an_unknown_name_is_refused_with_the_known_ones(path: Path) -> None:
    with pytest.raises(StoreError) as error:
        read_weights(path, "first")
    one_line(error, "'first'", "none yet", "yieldsim condition")
    write_weights(path, "second", weights_of(), {})
    with pytest.raises(StoreError) as error:
        read_weights(path, "first")
    one_line(error, "'first'", "allowed: second")


@pytest.mark.parametrize("name", ["", "a/b", "..", ".hidden", "a b", "x" * 65])
def test_a_name_that_is_no_file_name_is_refused(path: Path, name: str) -> None:
    with pytest.raises(UsageError) as error:
        write_weights(path, name, weights_of(), {})
    one_line(error, "--name", repr(name)[:60], "letters")


@pytest.mark.parametrize("other", [{"seed": 4}, {"realizations": 60}, {"block_size": 25}])
def test_weights_of_another_ensemble_are_refused(
    path: Path, tmp_path: Path, other: dict[str, int]
) -> None:
    write_weights(path, "first", weights_of(), ABOUT)
    make_store(Folder(tmp_path / "other.zarr"), **other)
    finalize(Folder(tmp_path / "other.zarr"))
    shutil.copytree(path / "weights", tmp_path / "other.zarr" / "weights")
    with pytest.raises(StoreError) as error:
        read_weights(tmp_path / "other.zarr", "first")
    one_line(error, "other.zarr/weights/first", "another ensemble", "of 50 realizations")


@pytest.mark.parametrize("file", ["c.0", "zarr.json"])
def test_damaged_weights_are_refused(path: Path, file: str) -> None:
    write_weights(path, "first", weights_of(), ABOUT)
    spoiled = path / "weights" / "first" / file
    spoiled.write_bytes(spoiled.read_bytes()[:-9])
    with pytest.raises(VerificationError) as error:
        read_weights(path, "first")
    one_line(error, "weights/first", "damaged", "condition")


def test_an_unfinished_store_has_no_weights(begun: Path) -> None:
    with pytest.raises(IncompleteError):
        write_weights(begun, "first", weights_of(), ABOUT)
    with pytest.raises(IncompleteError):
        read_weights(begun, "first")
    assert not (begun / "weights").exists()


def test_the_opened_ensemble_of_a_store_with_weights_has_none_unasked(path: Path) -> None:
    write_weights(path, "first", weights_of(), ABOUT)
    with open_ensemble(path) as ds:
        assert "realization_weight" not in ds.coords


def test_a_store_under_a_url_keeps_weights() -> None:
    url = f"memory://{uuid.uuid4().hex}/x.zarr"
    place = place_of(url)
    make_store(place)
    finalize(place)
    write_weights(url, "first", weights_of(), ABOUT)
    weights, about = read_weights(url, "first")
    assert weights.tolist() == weights_of().tolist()
    assert about == ABOUT
    assert not examine(read_stored(place))
