"""Writing blocks: the marker comes last, and an error leaves a store that continues."""

import errno
import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from tests.ensemble.fake import make_store, one_line
from yieldsim import open_ensemble
from yieldsim.ensemble import (
    Folder,
    finalize,
    marked_blocks,
)
from yieldsim.errors import IncompleteError, StoreError


def spoil(arrays: dict[str, np.ndarray], harm: str) -> None:
    values = arrays["usable_chips"]
    if harm == "short":
        arrays["usable_chips"] = values[:, :-1]
    elif harm == "transposed":
        arrays["usable_chips"] = values.swapaxes(0, 1)
    elif harm == "dtype":
        arrays["usable_chips"] = values.astype("float64")
    else:
        del arrays["usable_chips"]


@pytest.mark.parametrize("harm", ["short", "transposed", "dtype", "missing"])
def test_a_block_of_another_shape_is_refused_before_anything_is_written(
    tmp_path: Path, harm: str
) -> None:
    place = Folder(tmp_path / "x.zarr")
    writer, source = make_store(place, blocks=0)
    arrays = source.block(0, 16)
    spoil(arrays, harm)
    with pytest.raises(StoreError) as error:
        writer.write(0, arrays)
    one_line(error, "block 0", "usable_chips", "allowed: float32 (2, 16, 3, 3)")
    assert not list(place.path.glob("*/c.0.0.*"))
    assert marked_blocks(place) == set()


def test_a_block_without_its_marker_is_not_done(tmp_path: Path) -> None:
    place = Folder(tmp_path / "x.zarr")
    make_store(place, blocks=2)
    (place.path / "block_done" / "c.1").unlink()
    assert marked_blocks(place) == {0}
    (place.path / "block_done" / "c.0").write_bytes(b"half")
    assert marked_blocks(place) == set()


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_the_marker_is_written_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, share: float
) -> None:
    place = Folder(tmp_path / "x.zarr")
    writer, source = make_store(place, blocks=0)
    chunks = sum(0 not in spec.shape for spec in writer.specs)
    at = int(share * chunks)  # killed before this write
    writes = iter(range(10**6))
    put = Folder.put

    def killed(self: Folder, key: str, data: bytes) -> None:
        if next(writes) == at:
            raise SystemExit
        put(self, key, data)

    monkeypatch.setattr(Folder, "put", killed)
    with pytest.raises(SystemExit):
        writer.write(0, source.block(0, 16))
    assert len(list(place.path.glob("*/c.[01].0.*"))) == at
    assert marked_blocks(place) == set()


@pytest.mark.parametrize(
    ("number", "words"), [(errno.ENOSPC, "disk is full"), (errno.EACCES, "Permission denied")]
)
def test_a_disk_that_refuses_is_an_error_that_names_the_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, words: str
) -> None:
    place = Folder(tmp_path / "x.zarr")
    writer, source = make_store(place, blocks=1)

    def refuse(descriptor: int, data: object) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("yieldsim.ensemble.storage.os.write", refuse)
    with pytest.raises(StoreError) as error:
        writer.write(1, source.block(16, 16))
    one_line(error, str(place), words, "block 1 of 4", "the same command continues")
    assert not list(place.path.rglob("*.partial"))
    assert marked_blocks(place) == {0}


def test_a_full_disk_leaves_a_store_that_continues(small_disk: Path) -> None:
    place = Folder(small_disk / "x.zarr")
    writer, source = make_store(place, realizations=4000, block_size=500, blocks=0)
    spans = [writer.plan.span(block) for block in range(writer.plan.blocks)]
    filler = small_disk / "filler"
    filler.write_bytes(bytes(14 * 2**18))

    def write(blocks: Iterable[int]) -> None:
        for block in blocks:
            writer.write(block, source.block(*spans[block]))

    with pytest.raises(StoreError) as error:
        write(range(8))
    one_line(error, "the disk is full", "of 8")
    done = marked_blocks(place)
    assert 0 < len(done) < 8
    filler.unlink()
    with pytest.raises(IncompleteError):
        finalize(place)
    write(set(range(8)) - done)
    finalize(place)
    expected = source.block(0, 4000)["usable_chips"]
    np.testing.assert_array_equal(open_ensemble(place.path)["usable_chips"], expected)


def test_a_sweep_by_another_process_does_not_stop_a_writer(
    begun: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace = os.replace

    def swept(partial: str, target: str) -> None:
        os.unlink(partial)
        replace(partial, target)

    monkeypatch.setattr("yieldsim.ensemble.storage.os.replace", swept)
    Folder(begun).put("block_done/c.0", b"as it is there")
    with pytest.raises(FileNotFoundError):
        Folder(begun).put("block_done/c.9", b"not there")
