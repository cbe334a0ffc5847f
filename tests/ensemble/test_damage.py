"""A store that is damaged, unfinished or something else never passes for a complete one."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import zarr
from zarr.abc.store import RangeByteRequest
from zarr.core.buffer import default_buffer_prototype
from zarr.core.sync import sync

from tests.ensemble.fake import CHUNK, flip_bit, make_store, one_line
from yieldsim import open_ensemble
from yieldsim.ensemble import (
    Folder,
    finalize,
    read_stored,
)
from yieldsim.ensemble.reading.checked import CheckedStore
from yieldsim.errors import IncompleteError, StoreError, VerificationError


@pytest.mark.parametrize("bit", [0, -1])  # test_chunks.py turns every bit
def test_a_flipped_bit_is_an_error_that_names_the_chunk(path: Path, bit: int) -> None:
    file = path / "usable_chips" / CHUNK
    data = file.read_bytes()
    file.write_bytes(flip_bit(data, bit % (8 * len(data))))
    ds = open_ensemble(path)
    with pytest.raises(VerificationError) as error:
        ds["usable_chips"].mean().load()
    problem = f"chunk {CHUNK} of usable_chips does not match its checksum"
    assert str(error.value) == f"{path}: {problem}"
    with xr.open_zarr(path) as alone, pytest.raises(ValueError, match="checksum"):
        alone["usable_chips"].mean().load()


def test_a_truncated_chunk_is_an_error_that_names_it(path: Path) -> None:
    os.truncate(path / "binding" / CHUNK, 30)
    with pytest.raises(VerificationError) as error:
        open_ensemble(path)["binding"].load()
    one_line(error, CHUNK, "binding")


def test_a_missing_chunk_is_an_error_and_not_a_fill_value(path: Path) -> None:
    (path / "usable_chips" / CHUNK).unlink()
    with pytest.raises(VerificationError) as error:
        open_ensemble(path)["usable_chips"].load()
    one_line(error, CHUNK, "usable_chips", "is missing")


def test_a_damaged_coordinate_is_an_error_at_once(path: Path) -> None:
    os.truncate(path / "realization" / "c.0", 20)
    with pytest.raises(VerificationError, match=r"chunk c\.0 of realization"):
        open_ensemble(path)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text[: len(text) // 2],
        lambda text: "",
        lambda text: "[]",
        lambda text: "[" * 100_000 + "]" * 100_000,
        lambda text: text.replace('"scenarios": "[', '"scenarios": "[1, ', 1),
        lambda text: text.replace('"seed"', '"sead"'),
        lambda text: text.replace('"status"', '"stutas"'),
        lambda text: text.replace('"group"', '"array"'),
        lambda text: text.replace('"yieldsim_store": 2', '"yieldsim_store": 3'),
        lambda text: text.replace('"yieldsim_store": 2', '"yieldsim_store": 1'),
        lambda text: text.replace("days since 2000", "days since 2001"),
        lambda text: text.replace('"block_size": 16', '"block_size": 0'),
        lambda text: text.replace('"block_size": 16', '"block_size": "16"'),
    ],
)
def test_damaged_metadata_are_refused(path: Path, spoil: Callable[[str], str]) -> None:
    text = (path / "zarr.json").read_text()
    (path / "zarr.json").write_text(spoil(text))
    assert (path / "zarr.json").read_text() != text
    with pytest.raises((StoreError, VerificationError)) as error:
        open_ensemble(path)
    one_line(error, str(path))


def test_other_things_are_not_taken_for_a_store(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "notes").write_text("x")
    zarr.create_group(tmp_path / "group", attributes={"title": "other"})
    problems = {
        "file": "is not a folder",
        "folder": "is not a yieldsim store",
        "group": "not of yieldsim",
        "nothing": f"no such ensemble store; `yieldsim run MODEL --out {tmp_path / 'nothing'}`",
        "empty": f"is an empty folder, not an ensemble store; `yieldsim run MODEL --out {tmp_path}",
    }
    (tmp_path / "empty").mkdir()
    for name, problem in problems.items():
        with pytest.raises(StoreError) as error:
            open_ensemble(tmp_path / name)
        one_line(error, str(tmp_path / name), problem)


def test_an_unfinished_store_says_how_many_blocks_are_missing(tmp_path: Path) -> None:
    place = Folder(tmp_path / "x.zarr")
    make_store(place, blocks=3)
    for use in (open_ensemble, lambda path: finalize(Folder(path))):
        with pytest.raises(IncompleteError) as error:
            use(place.path)
        one_line(error, str(place), "1 of 4 blocks are missing")


def test_an_unfinished_store_does_not_look_whole_to_xarray_alone(tmp_path: Path) -> None:
    place = Folder(tmp_path / "x.zarr")
    make_store(place, blocks=3)
    with pytest.warns(RuntimeWarning, match="consolidated"):
        ds = xr.open_zarr(place.path)
    assert ds.attrs["status"] == "incomplete"
    assert ds["block_done"].values.tolist() == [1, 1, 1, 0]
    chips = ds["usable_chips"].values
    assert np.isfinite(chips[:, :48]).all()
    assert np.isnan(chips[:, 48:]).all()
    assert (ds["binding"].values[:, 48:] == -1).all()  # no constraint has this number


def test_a_damaged_store_prints_one_line(tmp_path: Path) -> None:
    place = Folder(tmp_path / "x.zarr")
    make_store(place, realizations=160, block_size=4, blocks=40)
    finalize(place)
    for chunk in place.path.glob("usable_chips/c.*"):
        chunk.write_bytes(flip_bit(chunk.read_bytes(), 90))
    command = [sys.executable, "-m", "yieldsim", "summary", str(place)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (4, "")
    assert len(done.stderr.splitlines()) == 1
    assert "of usable_chips does not match its checksum" in done.stderr


def test_parts_of_files_are_checked_however_zarr_asks(path: Path) -> None:
    key = f"usable_chips/{CHUNK}"
    (path / key).write_bytes(flip_bit((path / key).read_bytes(), 90))
    store = CheckedStore(read_stored(Folder(path)), None)
    part, kind = RangeByteRequest(0, 20), default_buffer_prototype()

    async def ranges() -> None:
        async for _ in store.get_ranges(key, [part], prototype=kind):
            pass

    reads = store.get(key, kind, part), store.get_partial_values(kind, [(key, part)]), ranges()
    for read in reads:
        with pytest.raises(VerificationError, match="does not match its checksum"):
            sync(read)
    assert not hasattr(store, "get_sync")  # by which later versions would read past `get`


def test_the_dim_of_imports_of_an_old_store_is_renamed(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("yieldsim.ensemble.read.RENAMED", {"fab": "line"})
    ds = open_ensemble(path)
    assert ds["line"].values.tolist() == ["line"]
    assert "fab" not in ds.dims
