"""Finalizing a store, and what can go wrong with it."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.ensemble.fake import CHUNK, flip_bit, make_store, one_line
from yieldsim import open_ensemble
from yieldsim.ensemble import (
    Folder,
    finalize,
    marked_blocks,
    read_stored,
    trusted,
)
from yieldsim.ensemble.finish import summary_keys
from yieldsim.ensemble.ledger import ORIGIN, SEAL, Seal, metadata_digest
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


def test_summaries_are_the_same_bytes_with_several_threads(begun: Path) -> None:
    alone = summary_keys(read_stored(Folder(begun)))
    assert "usable_chips_total_quantile/zarr.json" in alone
    assert "rank_correlation_achieved/c.0.0" in alone
    assert summary_keys(read_stored(Folder(begun)), threads=3) == alone


def test_finalize_sweeps_what_killed_writers_left(begun: Path) -> None:
    left = [begun / "usable_chips" / f"{CHUNK}.12-34.partial", begun / "zarr.ab12.partial"]
    for _ in range(2):  # of an unfinished store, and of a finished one
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


def finalize_and_be_killed(
    store: Path, monkeypatch: pytest.MonkeyPatch, at: Callable[[Folder, str], bool]
) -> None:
    """Finalize, and end before the first write for which ``at`` holds."""
    put = Folder.put

    def killed(self: Folder, key: str, data: bytes) -> None:
        if at(self, key):
            raise SystemExit
        put(self, key, data)

    with monkeypatch.context() as patch:
        patch.setattr(Folder, "put", killed)
        with pytest.raises(SystemExit):
            finalize(Folder(store))


@pytest.mark.parametrize("at", ["quantile/c.0", SEAL, ORIGIN, "zarr.json"])
def test_a_finalize_that_was_killed_is_done_again(
    begun: Path, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    finalize_and_be_killed(begun, monkeypatch, lambda _, key: key == at)
    with pytest.raises(IncompleteError, match="not finalized"):
        open_ensemble(begun)
    finalize(Folder(begun))
    assert open_ensemble(begun)["usable_chips_mean"].notnull().all()


@pytest.mark.parametrize("at", [ORIGIN, "zarr.json"])
def test_a_finalize_that_was_killed_twice_is_done_again(
    begun: Path, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    times = iter("123")  # the history tells when it was
    monkeypatch.setattr("yieldsim.ensemble.provenance._history", lambda what: next(times))
    for _ in range(2):
        finalize_and_be_killed(begun, monkeypatch, lambda _, key: key == at)
        assert not trusted(Folder(begun)).complete
    finalize(Folder(begun))
    assert open_ensemble(begun).attrs["history"].endswith("\n3")


def test_a_finalize_that_was_killed_at_its_last_write_is_ended(
    begun: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def at_the_last(place: Folder, key: str) -> bool:
        return key == SEAL and read_stored(place).complete

    finalize_and_be_killed(begun, monkeypatch, at_the_last)
    left = begun / f"{SEAL}.12-34.partial"
    left.write_bytes(b"a part")
    finalize(Folder(begun))
    root = (begun / "zarr.json").read_bytes()
    assert Seal.read(Folder(begun)).root == [metadata_digest(root)]
    assert not left.exists()


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
