"""Finalizing a store, and what can go wrong with it."""

import asyncio
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import zarr

from tests.ensemble.fake import CHUNK, flip_bit, make_store, one_line
from yieldsim import open_ensemble
from yieldsim.ensemble import (
    Folder,
    finalize,
    marked_blocks,
    read_stored,
)
from yieldsim.ensemble.checked import CheckedStore
from yieldsim.errors import IncompleteError, StoreError, VerificationError


def test_a_store_with_every_block_is_unfinished_until_finalized(begun: Path) -> None:
    with pytest.raises(IncompleteError, match="not finalized"):
        open_ensemble(begun)
    finalize(Folder(begun))
    assert open_ensemble(begun).attrs["status"] == "complete"


def test_finalize_leaves_a_finished_store_as_it_is(path: Path) -> None:
    before = (path / "zarr.json").read_bytes()
    finalize(Folder(path))
    assert (path / "zarr.json").read_bytes() == before


@pytest.mark.parametrize(
    "key",
    ["zarr.json", "block_done/seal", "product/c.0", f"usable_chips/{CHUNK}", "block_done/c.1"],
)
def test_finalize_names_damage_of_a_finished_store(path: Path, key: str) -> None:
    data = (path / key).read_bytes()
    (path / key).write_bytes(flip_bit(data, 8 * (len(data) // 2)))
    with pytest.raises(VerificationError) as error:
        finalize(Folder(path))
    one_line(error, str(path), key, f"`yieldsim verify {path} --repair` mends it")


def test_finalize_gives_up_a_damaged_block(begun: Path) -> None:
    os.truncate(begun / "dies_used" / CHUNK, 30)
    with pytest.raises(IncompleteError) as error:
        finalize(Folder(begun))
    one_line(error, "1 damaged block", CHUNK, "dies_used")
    assert marked_blocks(Folder(begun)) == {0, 1, 3}


def test_finalize_trusts_blocks_that_were_checked(begun: Path) -> None:
    os.truncate(begun / "dies_used" / CHUNK, 30)
    finalize(Folder(begun), checked=[2])
    with pytest.raises(VerificationError):  # and the error comes when the chunk is read
        open_ensemble(begun)["dies_used"].load()


def test_finalize_reads_a_folder_chunk_after_chunk(
    begun: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each thread that decodes keeps memory: 30 MiB at a million realizations of a small model."""
    under_way: list[str] = []
    most = 0
    get = CheckedStore.get

    async def counted(self: CheckedStore, key: str, *rest: Any, **options: Any) -> Any:
        nonlocal most
        under_way.append(key)
        most = max(most, sum("/c." in key for key in under_way))
        await asyncio.sleep(0.001)
        try:
            return await get(self, key, *rest, **options)
        finally:
            under_way.remove(key)

    monkeypatch.setattr(CheckedStore, "get", counted)
    concurrency = zarr.config.get("async.concurrency")
    array = zarr.open_array(begun / "usable_chips", mode="r")
    assert array.nchunks > 4  # of one strip: Zarr reads ten at once if it may
    finalize(Folder(begun))
    assert most == 1
    assert zarr.config.get("async.concurrency") == concurrency > 1


def test_finalize_sweeps_what_killed_writers_left(begun: Path) -> None:
    left = [begun / "usable_chips" / f"{CHUNK}.12-34.partial", begun / "zarr.ab12.partial"]
    for file in left:
        file.write_bytes(b"half")
    finalize(Folder(begun))
    assert not any(file.exists() for file in left)


@pytest.mark.parametrize("name", ["usable_chips", "parameter_value", "realization", "product"])
@pytest.mark.parametrize("harm", ["gone", "truncated"])
def test_finalize_needs_the_metadata_of_every_array(begun: Path, name: str, harm: str) -> None:
    file = begun / name / "zarr.json"
    if harm == "gone":
        file.unlink()
    else:
        os.truncate(file, 50)
    with pytest.raises(VerificationError) as error:
        finalize(Folder(begun))
    one_line(error, f"{begun}/{name}/zarr.json", "verify", "--repair")
    assert not read_stored(Folder(begun)).complete


@pytest.mark.parametrize("at", ["consolidate_metadata", "Group.update_attributes"])
def test_a_finalize_that_was_killed_is_done_again(
    begun: Path, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    def killed(*_: object, **__: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(f"zarr.{at}", killed)
        with pytest.raises(SystemExit):
            finalize(Folder(begun))
    with pytest.raises(IncompleteError, match="not finalized"):
        open_ensemble(begun)
    finalize(Folder(begun))
    assert open_ensemble(begun)["usable_chips_mean"].notnull().all()


def test_a_disk_that_fills_up_at_the_end_leaves_a_store_that_continues(small_disk: Path) -> None:
    place = Folder(small_disk / "x.zarr")
    make_store(place)
    filler = small_disk / "filler"
    filler.write_bytes(bytes(shutil.disk_usage(small_disk).free))
    with pytest.raises(StoreError) as error:
        finalize(place)
    one_line(error, "the disk is full while it was finalized; the same command continues")
    assert not read_stored(place).complete
    filler.unlink()
    finalize(place)
    assert open_ensemble(place.path)["usable_chips_mean"].notnull().all()
