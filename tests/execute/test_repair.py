"""Every damage of a finished store is named and mended, and no reader returns its figures."""

import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from tests.ensemble.fake import FakeSimulator, flip_bit, make_store, one_line
from tests.examples import EVERYTHING, thinned
from yieldsim import open_ensemble
from yieldsim.ensemble import Folder, examine, read_stored
from yieldsim.ensemble.summaries import SUMMARIES
from yieldsim.errors import IncompleteError, StoreError, VerificationError
from yieldsim.execute.repair import repair

SEED = 20261130
ERRORS = (VerificationError, StoreError, IncompleteError)


@pytest.fixture(autouse=True)
def simulator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("yieldsim.supply.simulate.Simulator", FakeSimulator)


def contents(path: Path) -> dict[str, bytes]:
    return {str(f.relative_to(path)): f.read_bytes() for f in path.rglob("*") if f.is_file()}


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
        # without the record of a block nothing tells whether its files are sound, and without the
        # seal nothing tells of metadata, coordinates and summaries
        hidden = records & blocks or ("block_done/seal" in chosen and any(map(is_sealed, chosen)))
        if len(alone & set(chosen)) < 2 and not hidden:
            count -= len(chosen)
            yield chosen


def is_result(key: str) -> bool:
    """Whether it is a file of results: those of other keys are found when the store is opened."""
    array, _, name = key.rpartition("/")
    return len(name.split(".")) > 3 and array not in ("block_done", *SUMMARIES)


def is_sealed(key: str) -> bool:
    """Whether the seal vouches for it: the rest are results and the ledger itself."""
    return key.endswith("zarr.json") or not (is_result(key) or key.startswith("block_done/"))


@pytest.mark.parametrize("results", [True, False])
def test_each_of_many_flipped_bits_is_named_and_mended(
    path: Path, sound: dict[str, bytes], figures: xr.Dataset, results: bool
) -> None:
    chance = random.Random(SEED)
    names = sorted(key for key in sound if is_result(key) or not results)
    for keys in batches(names, 100 if EVERYTHING else 40, 20, SEED):
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


def spoil(path: Path, sound: dict[str, bytes], chance: random.Random) -> set[str]:
    """Spoil up to 20 files: bits, ends, swaps and losses, also those that vouch for one another."""
    keys = chance.sample(sorted(sound), chance.randint(1, 20))
    if {"zarr.json", "block_done/origin"} <= set(keys):  # nothing mends both
        keys.remove("block_done/origin")
    for number, key in enumerate(keys):
        data, file = sound[key], path / key
        harm = chance.choice(("bit", "end", "swap", "loss"))
        if harm == "bit":
            file.write_bytes(flip_bit(data, chance.randrange(8 * len(data))))
        elif harm == "end":
            file.write_bytes(data[: chance.randrange(len(data))])
        elif harm == "swap":
            file.write_bytes(sound[keys[number - 1]])
        else:
            file.unlink()
    return set(keys)


@pytest.mark.parametrize("seed", thinned(range(60), 10))
def test_one_repair_mends_any_damage(path: Path, sound: dict[str, bytes], seed: int) -> None:
    keys = spoil(path, sound, random.Random(f"{SEED} {seed}"))
    spoiled = {key for key in keys if contents(path).get(key) != sound[key]}
    damage, left = repair(Folder(path), threads=1)
    assert not left
    assert not examine(read_stored(Folder(path)))
    assert contents(path) == sound
    # what is not named is behind a part of the ledger that is
    hidden = damage.unjudged(read_stored(Folder(path)).plan)
    for key in spoiled - set(damage.keys):
        block = key.split(".")[2] if is_result(key) else None
        guard = "block_done/seal" if block is None else f"block_done/record.0.{block}"
        assert guard in hidden, key


@pytest.mark.parametrize("lost", [{"zarr.json", "block_done/origin"}, {"seal", "origin"}])
def test_what_cannot_be_mended_says_so(path: Path, sound: dict[str, bytes], lost: set[str]) -> None:
    if "seal" in lost:  # the seed of the root is all that is left of it, and it is another
        lost = {"block_done/seal", "block_done/origin"}
        text = (path / "zarr.json").read_text()
        assert '"seed": 3' in text
        (path / "zarr.json").write_text(text.replace('"seed": 3', '"seed": 4'))
    for key in lost:
        (path / key).unlink()
    before = contents(path)
    with pytest.raises((VerificationError, StoreError)) as error:
        repair(Folder(path), threads=1)
    one_line(error, str(path), "zarr.json")
    assert contents(path) == before


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
            if next(writes) == at % 3:
                (path / f"{key}.{at}-1.partial").write_bytes(data[:5])
                raise SystemExit
            put(self, key, data)

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
