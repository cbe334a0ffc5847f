"""Every damage of a finished store is named and mended, and no reader returns its figures."""

import json
import os
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from tests.ensemble.fake import FakeSimulator, flip_bit, make_store
from yieldsim import open_ensemble
from yieldsim.cli.main import main
from yieldsim.ensemble import Folder, finalize
from yieldsim.errors import IncompleteError, StoreError, VerificationError
from yieldsim.execute.repair import repair

SEED = 20261130
ERRORS = (VerificationError, StoreError, IncompleteError)


@pytest.fixture(autouse=True)
def simulator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("yieldsim.supply.simulate.Simulator", FakeSimulator)


def contents(path: Path) -> dict[str, bytes]:
    return {str(f.relative_to(path)): f.read_bytes() for f in path.rglob("*") if f.is_file()}


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


@pytest.fixture(scope="module")
def sound(finished_once: Path) -> dict[str, bytes]:
    return contents(finished_once)


@pytest.fixture(scope="module")
def figures(finished_once: Path) -> xr.Dataset:
    return open_ensemble(finished_once).load()


def check_no_figure(path: Path, figures: xr.Dataset) -> None:
    """Each variable reads as it was or is an error."""
    try:
        ds = open_ensemble(path)
    except ERRORS:
        return
    for name in figures.variables:
        try:
            values = ds[name].values
        except ERRORS:
            continue
        np.testing.assert_array_equal(values, figures[name].values, strict=True)
        assert ds[name].attrs == figures[name].attrs
    assert ds.attrs == figures.attrs


def check_mended(path: Path, sound: dict[str, bytes], keys: set[str]) -> None:
    before = {key: (path / key).stat().st_mtime_ns for key in sound if (path / key).exists()}
    damage, left = repair(Folder(path), threads=1)
    assert set(damage.keys) == keys
    assert not left
    assert contents(path) == sound
    touched = {key for key in before if (path / key).stat().st_mtime_ns != before[key]}
    # the seal is written again only where it is damaged: no digest changes
    assert touched <= keys


def batches(names: list[str], count: int, size: int, seed: int) -> Iterator[list[str]]:
    """Lists of keys to damage together, never the root and what mends it."""
    chance = random.Random(seed)
    while count:
        chosen = chance.sample(names, min(size, count))
        alone = {"zarr.json", "block_done/origin", "block_done/seal"}
        records = {key.rpartition(".")[2] for key in chosen if "record." in key}
        blocks = {key.split("/c.0.")[1].partition(".")[0] for key in chosen if is_result(key)}
        # without the record of a block nothing tells whether its files are sound
        if len(alone & set(chosen)) < 2 and not records & blocks:
            count -= len(chosen)
            yield chosen


def is_result(key: str) -> bool:
    """Whether it is a file of results: those of other keys are found when the store is opened."""
    return len(key.rpartition("/")[2].split(".")) > 3 and "block_done" not in key


@pytest.mark.parametrize("results", [True, False])
def test_each_of_200_flipped_bits_is_named_and_mended(
    path: Path, sound: dict[str, bytes], figures: xr.Dataset, results: bool
) -> None:
    chance = random.Random(SEED)
    names = sorted(key for key in sound if is_result(key) or not results)
    for keys in batches(names, 100, 20, SEED):
        for key in keys:
            bit = chance.randrange(8 * len(sound[key]))
            (path / key).write_bytes(flip_bit(sound[key], bit))
        check_no_figure(path, figures)
        check_mended(path, sound, set(keys))


@pytest.mark.parametrize("results", [True, False])
def test_each_of_20_swaps_is_named_and_mended(
    path: Path, sound: dict[str, bytes], figures: xr.Dataset, results: bool
) -> None:
    names = sorted(key for key in sound if is_result(key) or not results)
    names = [key for key in names if not key.startswith("block_done/c.")]  # all the same
    for keys in batches(names, 20, 10, SEED + 1):
        for first, second in zip(keys[::2], keys[1::2], strict=True):
            (path / first).write_bytes(sound[second])
            (path / second).write_bytes(sound[first])
        check_no_figure(path, figures)
        check_mended(path, sound, set(keys))


def test_each_of_20_deletions_is_named_and_mended(
    path: Path, sound: dict[str, bytes], figures: xr.Dataset
) -> None:
    for keys in batches(sorted(sound), 20, 10, SEED + 2):
        for key in keys:
            (path / key).unlink()
        check_no_figure(path, figures)
        check_mended(path, sound, set(keys))


@pytest.mark.parametrize("key", ["zarr.json", "block_done/origin", "block_done/seal"])
def test_the_ledger_and_the_root_are_mended_alone(
    path: Path, sound: dict[str, bytes], figures: xr.Dataset, key: str
) -> None:
    (path / key).write_bytes(flip_bit(sound[key], 400))
    check_no_figure(path, figures)
    check_mended(path, sound, {key})


@pytest.mark.parametrize("array", ["usable_chips", "block_done", "product", "usable_chips_mean"])
def test_a_lost_folder_is_mended(path: Path, sound: dict[str, bytes], array: str) -> None:
    shutil.rmtree(path / array)
    keys = {key for key in sound if key.startswith(f"{array}/")}
    check_mended(path, sound, keys - {"block_done/zarr.json"})  # without a seal, nothing tells it


def test_a_root_and_its_second_copy_cannot_be_mended(path: Path) -> None:
    (path / "zarr.json").write_text("{}")
    (path / "block_done" / "origin").write_text("{}")
    with pytest.raises(VerificationError, match="must be made anew"):
        repair(Folder(path), threads=1)


def test_a_chunk_of_another_run_is_found_with_its_record(
    path: Path, tmp_path: Path, sound: dict[str, bytes]
) -> None:
    other = tmp_path / "other.zarr"
    make_store(Folder(other), seed=4)
    keys = ["parameter_value/c.0.1.0", "block_done/record.0.1"]
    for key in keys:
        shutil.copyfile(other / key, path / key)
    with pytest.raises(VerificationError, match="of another place"):
        open_ensemble(path)["parameter_value"].load()
    # its files are compared with those that are computed again
    damage, left = repair(Folder(path), threads=1)
    assert (set(damage.keys), bool(left)) == ({"block_done/record.0.1"}, False)
    assert contents(path) == sound


def test_a_repair_that_was_killed_is_done_again(
    path: Path, sound: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = {
        "zarr.json",
        "product/c.0",
        "product/zarr.json",
        "usable_chips/c.0.1.0.0",
        "binding/c.0.2.0.0",
        "usable_chips_mean/c.0.0.0",
        "block_done/record.0.2",
        "block_done/c.3",
    }
    for key in keys:
        (path / key).unlink()
    put = Folder.put
    for at in range(100):
        writes = iter(range(10**6))

        def killed(self: Folder, key: str, data: bytes, at: int = at, writes=writes) -> None:
            put(self, key, data)
            if next(writes) == at % 3:
                raise SystemExit

        with monkeypatch.context() as patch:
            patch.setattr(Folder, "put", killed)
            try:
                repair(Folder(path), threads=1)
                break
            except SystemExit:
                continue
    assert contents(path) == sound


def test_an_unfinished_store_is_mended_and_stays_unfinished(tmp_path: Path) -> None:
    path = tmp_path / "x.zarr"
    make_store(Folder(path), blocks=2)
    before = contents(path)
    keys = {"zarr.json", "quarter/c.0", "usable_chips/c.0.1.0.0", "block_done/c.0"}
    for key in keys:
        (path / key).write_bytes(flip_bit(before[key], 30))
    damage, left = repair(Folder(path), threads=1)
    assert set(damage.keys) == keys
    assert not left
    assert contents(path) == before


def test_another_version_does_not_mend(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (path / "product" / "c.0").unlink()
    monkeypatch.setattr("yieldsim.execute.repair.VERSION", "99.0")
    with pytest.raises(VerificationError, match=r"another version .* got '99\.0'"):
        repair(Folder(path), threads=1)


def test_verify_prints_each_damaged_key_and_mends(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", str(path)]) == 0
    assert capsys.readouterr().out == f"{path}: sound (4 blocks)\n"
    os.truncate(path / "binding" / "c.0.2.0.0", 9)
    for block in range(30):
        (path / "usable_chips" / f"c.0.{block}.0.0").unlink(missing_ok=True)
    assert main(["verify", str(path)]) == 4
    lines = capsys.readouterr().out.splitlines()
    assert "binding/c.0.2.0.0 has 9 bytes in place of" in "\n".join(lines)
    assert lines[-1].startswith(f"{path}: 5 damaged (4 blocks); `yieldsim verify")
    assert main(["verify", str(path), "--repair", "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert (record["sound"], record["format"], record["blocks"]) == (True, 2, 4)
    assert record["damaged"] == {}
    assert len(record["repaired"]) == 5
    assert main(["verify", str(path), "--json"]) == 0
    capsys.readouterr()


def test_verify_prints_at_most_20_keys(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for chunk in path.glob("*/c.0.1.*"):
        chunk.unlink()
    assert main(["verify", str(path)]) == 4
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 22
    assert lines[20].endswith("more")
    assert main(["verify", str(path), "--json"]) == 4
    record = json.loads(capsys.readouterr().out)
    assert len(record["damaged"]) > 20
    assert record["damaged"]["binding/c.0.1.0.0"] == "is missing"
    assert not record["sound"]


def test_status_counts_blocks_without_reading_chunks(
    path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def status(store: Path) -> dict[str, object]:
        assert main(["status", str(store), "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    for number in range(4):
        os.utime(path / "block_done" / f"record.0.{number}", (100 + 8 * number,) * 2)
    state = status(path)
    assert state == {
        "complete": True,
        "blocks": 4,
        "done": 4,
        "missing": 0,
        "damaged": 0,
        "realizations": 50,
        "realizations_per_second": pytest.approx((16 + 16 + 2) / 24),
    }
    (path / "block_done" / "c.0").unlink()
    (path / "block_done" / "c.1").write_bytes(b"half")
    (path / "block_done" / "record.0.2").unlink()
    state = status(path)
    assert [state[k] for k in ("complete", "done", "missing", "damaged")] == [False, 1, 1, 2]
    assert state["realizations_per_second"] is None
    begun = tmp_path / "begun.zarr"
    make_store(Folder(begun), blocks=2)
    assert (status(begun)["done"], status(begun)["missing"]) == (2, 2)
    assert main(["status", str(begun)]) == 0
    assert "not complete, 2 of 4 blocks done, 2 missing" in capsys.readouterr().out
