"""A store that is damaged, unfinished or somebody else's never passes for a whole one."""

import errno
import os
import shutil
import subprocess
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import zarr

from tests.ensemble.fake import FakeSimulator, analyst_file, flip_bit, make_store
from yieldsim import open_ensemble
from yieldsim.ensemble import (
    Folder,
    RunPlan,
    check_same,
    create,
    finalize,
    marked_blocks,
    read_stored,
)
from yieldsim.errors import IncompleteError, RetryError, StoreError, VerificationError

CHUNK = "c.1.2.0.0"  # second scenario, third block


@pytest.fixture(scope="module")
def begun_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("begun") / "x.zarr"
    make_store(Folder(path))
    return path


@pytest.fixture(scope="module")
def finished_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("finished") / "x.zarr"
    make_store(Folder(path))
    finalize(Folder(path))
    return path


@pytest.fixture
def path(finished_once: Path, tmp_path: Path) -> Path:
    """A finished store of four blocks."""
    return Path(shutil.copytree(finished_once, tmp_path / "x.zarr"))


@pytest.fixture
def begun(begun_once: Path, tmp_path: Path) -> Path:
    """A store with all four blocks, not finalized."""
    return Path(shutil.copytree(begun_once, tmp_path / "x.zarr"))


def one_line(error: pytest.ExceptionInfo[BaseException], *parts: str) -> None:
    text = str(error.value)
    assert "\n" not in text
    for part in parts:
        assert part in text, text


@pytest.mark.parametrize("bit", [0, 100, 8 * 40 + 3, -1])
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


@pytest.mark.parametrize("length", [0, 3, 4, 30])
def test_a_truncated_chunk_is_an_error_that_names_it(path: Path, length: int) -> None:
    os.truncate(path / "binding" / CHUNK, length)
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


def test_a_store_with_every_block_is_unfinished_until_finalized(begun: Path) -> None:
    with pytest.raises(IncompleteError, match="not finalized"):
        open_ensemble(begun)
    finalize(Folder(begun))
    assert open_ensemble(begun).attrs["status"] == "complete"


def test_finalize_leaves_a_finished_store_as_it_is(path: Path) -> None:
    before = (path / "zarr.json").read_bytes()
    finalize(Folder(path))
    assert (path / "zarr.json").read_bytes() == before


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
    with pytest.raises(StoreError) as error:
        finalize(Folder(begun))
    one_line(error, str(begun), "metadata are damaged")
    assert not read_stored(Folder(begun)).complete


@pytest.mark.parametrize("state", ["path", "begun"])
@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text[: len(text) // 2],
        lambda text: "",
        lambda text: "[]",
        lambda text: text.replace('"seed"', '"sead"'),
        lambda text: text.replace('"status"', '"stutas"'),
        lambda text: text.replace('"group"', '"array"'),
        lambda text: text.replace('"yieldsim_store": 1', '"yieldsim_store": 2'),
        lambda text: text.replace('"block_size": 16', '"block_size": 0'),
        lambda text: text.replace('"block_size": 16', '"block_size": "16"'),
    ],
)
def test_damaged_metadata_are_refused(
    request: pytest.FixtureRequest, state: str, spoil: Callable[[str], str]
) -> None:
    path = request.getfixturevalue(state)
    text = (path / "zarr.json").read_text()
    (path / "zarr.json").write_text(spoil(text))
    assert (path / "zarr.json").read_text() != text
    for use in (open_ensemble, lambda path: finalize(Folder(path))):
        with pytest.raises(StoreError) as error:
            use(path)
        one_line(error, str(path))


def test_other_things_are_not_taken_for_a_store(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "notes").write_text("x")
    zarr.create_group(tmp_path / "group", attributes={"title": "other"})
    problems = {
        "file": "is not a folder",
        "folder": "is not a yieldsim store",
        "group": "not yieldsim's",
        "nothing": "no such ensemble store",
    }
    for name, problem in problems.items():
        with pytest.raises(StoreError) as error:
            open_ensemble(tmp_path / name)
        one_line(error, str(tmp_path / name), problem)


def plan_of(**changed: object) -> RunPlan:
    values = {
        "file": analyst_file(),
        "scenarios": ("baseline", "late"),
        "seed": 3,
        "realizations": 50,
        "block_size": 16,
    }
    return RunPlan(**{**values, **changed})


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        ({"seed": 4}, "seed"),
        ({"scenarios": ("baseline",)}, "scenarios"),
        ({"scenarios": ("late", "baseline")}, "scenarios"),
        ({"realizations": 51}, "realizations"),
        ({"block_size": 17}, "block size"),
        ({"file": analyst_file().with_changes(["processes.n2.alpha=3"])}, "model"),
        ({"file": analyst_file(late={"changes": {"dies": {}}})}, "model"),
    ],
)
def test_another_run_is_refused(begun: Path, changed: dict[str, object], name: str) -> None:
    stored = read_stored(Folder(begun))
    assert stored is not None
    check_same(stored, plan_of())
    with pytest.raises(StoreError) as error:
        check_same(stored, plan_of(**changed))
    one_line(error, str(begun), f"{name} differs", "got", "allowed")


def test_another_version_does_not_continue_what_this_one_began(begun: Path) -> None:
    file = begun / "zarr.json"
    stored = read_stored(Folder(begun))
    mine = stored.attrs["versions"]["yieldsim"]
    file.write_text(file.read_text().replace(f'"yieldsim": "{mine}"', '"yieldsim": "0.0.1"'))
    with pytest.raises(StoreError, match=r"another version of yieldsim.*allowed: yieldsim 0\.0\.1"):
        check_same(read_stored(Folder(begun)), plan_of())


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
    chunks = sum(spec.shape[0] for spec in writer.specs if 0 not in spec.shape)
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


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MiB."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small file system")
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)]
    if subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("this machine does not let tests mount a file system")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_leaves_a_store_that_continues(small_disk: Path) -> None:
    place = Folder(small_disk / "x.zarr")
    writer, source = make_store(place, realizations=4000, block_size=500, blocks=0)
    spans = [writer.plan.span(block) for block in range(writer.plan.blocks)]
    filler = small_disk / "filler"
    filler.write_bytes(bytes(2 * 2**20))

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


def test_a_disk_too_small_for_the_metadata_holds_nothing(small_disk: Path) -> None:
    (small_disk / "filler").write_bytes(bytes(4000 * 1024))
    with pytest.raises(StoreError) as error:
        make_store(Folder(small_disk / "x.zarr"))
    one_line(error, "x.zarr", "the disk is full")
    assert [path.name for path in small_disk.iterdir()] == ["filler"]


def test_a_place_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError) as error:
        make_store(Folder(tmp_path / "file" / "x.zarr"))
    one_line(error, "x.zarr", "cannot be written")


def test_an_address_is_no_folder() -> None:
    with pytest.raises(StoreError, match=r"s3://bucket/x\.zarr: is an address"):
        open_ensemble("s3://bucket/x.zarr")


def test_a_store_appears_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*args: object) -> None:
        assert not (tmp_path / "x.zarr").exists()
        raise KeyboardInterrupt

    monkeypatch.setattr("yieldsim.ensemble.write.add_array", killed)
    with pytest.raises(KeyboardInterrupt):
        make_store(Folder(tmp_path / "x.zarr"))
    assert list(tmp_path.iterdir()) == []


def test_two_creations_at_once_leave_the_first(tmp_path: Path) -> None:
    place, plan = Folder(tmp_path / "x.zarr"), plan_of()
    source = FakeSimulator(plan.file, plan.scenarios, plan.seed)
    with pytest.raises(RetryError, match="another process created it"), place.creating():
        create(place, source, plan, "the first")
    assert "the first" in read_stored(place).attrs["history"]
    assert [path.name for path in tmp_path.iterdir()] == ["x.zarr"]


def test_what_a_killed_creation_left_is_swept_when_it_is_old(tmp_path: Path) -> None:
    old, young = tmp_path / ".x.zarr.aa.creating", tmp_path / ".x.zarr.bb.creating"
    for folder in (old, young):
        folder.mkdir()
    os.utime(old, (0, 0))
    make_store(Folder(tmp_path / "x.zarr"))
    assert not old.exists()
    assert young.exists()  # its process may be alive


def test_an_empty_folder_becomes_the_store(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "x.zarr").symlink_to(tmp_path / "real")
    make_store(Folder(tmp_path / "x.zarr"))
    finalize(Folder(tmp_path / "x.zarr"))
    assert open_ensemble(tmp_path / "real").sizes["realization"] == 50
