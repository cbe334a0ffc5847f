"""A store that was extended or merged is the store of a run that had everything from the start."""

import errno
import json
import os
import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import xarray as xr

from tests.ensemble.fake import FakeSimulator, analyst_file
from tests.examples import thinned
from yieldsim import open_ensemble
from yieldsim.cli.main import main
from yieldsim.ensemble import Folder, examine, read_stored
from yieldsim.errors import IncompleteError, StoreError, UsageError
from yieldsim.execute import execute, init_store, work_store
from yieldsim.execute.extend import extend_store
from yieldsim.execute.merge import merge_stores
from yieldsim.execute.repair import repair

NAMES = ["baseline", "late", "later", "latest"]


def model() -> Any:
    half = {"fabs": {"line": {"plan": {"n2": {"scale": 0.5}}}}}
    return analyst_file(
        later={"title": "Later", "changes": half},
        latest={"title": "Latest", "changes": {"products": {"accelerator": {}}}},
    )


class Counted(FakeSimulator):
    """Notes which realizations of which scenarios are computed."""

    computed: list[tuple[str, int]] = []
    fail_at: int | None = None

    def block(self, first: int, count: int, only: Any = None) -> Any:
        if Counted.fail_at is not None and first >= Counted.fail_at:
            raise StoreError("x", "the disk is full")
        names = [name for name in self.scenarios if only is None or name in only]
        new = [(name, r) for name in names for r in range(first, first + count)]
        Counted.computed += new
        return super().block(first, count, only)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("yieldsim.supply.simulate.Simulator", Counted)
    Counted.computed, Counted.fail_at = [], None


def run(path: Path, scenarios: Sequence[str], realizations: int, block_size: int = 16) -> Path:
    execute(
        model(),
        scenarios=scenarios,
        realizations=realizations,
        block_size=block_size,
        seed=3,
        out=path,
        threads=1,
    )
    Counted.computed = []
    return path


def check_same(path: Path, expected: Path) -> None:
    """The same figures, names and attributes; only the history differs."""
    ds, other = open_ensemble(path).load(), open_ensemble(expected).load()
    for one in (ds, other):
        for name in ("history", "scenarios_per_file"):
            del one.attrs[name]
    xr.testing.assert_identical(ds, other)
    assert not examine(read_stored(Folder(path)))


@pytest.mark.usefixtures("fake")
@pytest.mark.parametrize(
    ("before", "scenarios"), thinned([(40, ["baseline", "late"]), (48, ["baseline"])], 2)
)
def test_realizations_are_added(tmp_path: Path, before: int, scenarios: list[str]) -> None:
    path = run(tmp_path / "x.zarr", scenarios, before)
    extend_store(path, realizations=90, threads=1)
    expected = [(name, r) for name in scenarios for r in range(before, 90)]
    assert sorted(Counted.computed) == sorted(expected)
    check_same(path, run(tmp_path / "y.zarr", scenarios, 90))


@pytest.mark.usefixtures("fake")
@pytest.mark.parametrize("count", thinned([2, 1, 3], 3))
def test_scenarios_are_added_one_after_another(tmp_path: Path, count: int) -> None:
    path = run(tmp_path / "x.zarr", NAMES[:count], 40)
    for number in range(count, 4):
        Counted.computed = []
        extend_store(path, scenarios=[NAMES[number]], threads=1)
        assert sorted(Counted.computed) == [(NAMES[number], r) for r in range(40)]
    check_same(path, run(tmp_path / "y.zarr", NAMES, 40))


@pytest.mark.usefixtures("fake")
def test_both_are_added_at_once(tmp_path: Path) -> None:
    path = run(tmp_path / "x.zarr", NAMES[:3], 40)
    extend_store(path, realizations=60, scenarios=["latest"], threads=1)
    old = {(name, r) for name in NAMES[:3] for r in range(40)}
    assert len(Counted.computed) == len(set(Counted.computed)) == 4 * 60 - len(old)
    assert not old & set(Counted.computed)
    check_same(path, run(tmp_path / "y.zarr", NAMES, 60))
    history = open_ensemble(path).attrs["history"]
    assert "extended to 60 realizations of 4 scenarios" in history


@pytest.mark.usefixtures("fake")
def test_an_extension_that_stops_is_continued(tmp_path: Path) -> None:
    path = run(tmp_path / "x.zarr", NAMES[:2], 40)
    Counted.fail_at = 60
    with pytest.raises(StoreError, match="the disk is full"):
        extend_store(path, realizations=90, threads=1)
    with pytest.raises(IncompleteError, match="2 of 6 blocks are missing"):
        open_ensemble(path)
    with pytest.raises(IncompleteError):  # first what was begun
        extend_store(path, realizations=100, threads=1)
    Counted.fail_at = None
    before = set(Counted.computed)
    extend_store(path, realizations=90, threads=1)
    assert len(Counted.computed) == len(set(Counted.computed)) == 2 * 50
    assert before
    check_same(path, run(tmp_path / "y.zarr", NAMES[:2], 90))


@pytest.mark.usefixtures("fake")
@pytest.mark.parametrize(
    "at", [1, 30, *(pytest.param(at, marks=pytest.mark.slow) for at in (0, 2, 3, 7, 60, 90))]
)
def test_an_extension_that_was_killed_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    path = run(tmp_path / "x.zarr", NAMES[:1], 20)
    put, delete, steps = Folder.put, Folder.delete, iter(range(10**6))

    def killed(action: Any) -> Any:
        def step(*given: Any) -> None:
            if next(steps) == at:
                raise SystemExit
            action(*given)

        return step

    with monkeypatch.context() as patch:
        patch.setattr(Folder, "put", killed(put))
        patch.setattr(Folder, "delete", killed(delete))
        with pytest.raises(SystemExit):
            extend_store(path, realizations=40, scenarios=["late"], threads=1)
    # mending it brings either store; neither needs what was computed before
    if at % 2:
        repair(Folder(path), threads=1)
    extend_store(path, realizations=40, scenarios=["late"], threads=1)
    check_same(path, run(tmp_path / "y.zarr", NAMES[:2], 40))


@pytest.mark.usefixtures("fake")
def test_an_extension_on_a_full_disk_names_the_store_and_continues(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = run(tmp_path / "x.zarr", NAMES[:1], 20)

    def full(self: Folder, key: str, data: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Folder, "put", full)
        with pytest.raises(StoreError, match=rf"^{re.escape(str(path))}: the disk is full while"):
            extend_store(path, realizations=40, threads=1)
    extend_store(path, realizations=40, threads=1)
    check_same(path, run(tmp_path / "y.zarr", NAMES[:1], 40))


@pytest.mark.usefixtures("fake")
def test_a_run_continues_what_an_extension_began(tmp_path: Path) -> None:
    path = run(tmp_path / "x.zarr", NAMES[:2], 40)
    Counted.fail_at = 60
    with pytest.raises(StoreError):
        extend_store(path, realizations=90, scenarios=["later"], threads=1)
    Counted.fail_at = None
    run(path, NAMES[:3], 90)
    check_same(path, run(tmp_path / "y.zarr", NAMES[:3], 90))


@pytest.mark.usefixtures("fake")
def test_what_cannot_be_extended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = run(tmp_path / "x.zarr", ["baseline"], 40)
    with pytest.raises(UsageError, match="fewer than before, got 30; allowed: 40"):
        extend_store(path, realizations=30)
    with pytest.raises(UsageError, match="unknown scenario"):
        extend_store(path, scenarios=["nonesuch"])
    with pytest.raises(StoreError, match="no such ensemble store"):
        extend_store(tmp_path / "nothing.zarr", realizations=30)

    class Other(FakeSimulator):
        def __init__(self, file: Any, scenarios: Any, seed: int, **how: Any) -> None:
            super().__init__(file, scenarios, seed, **how)
            if "late" in scenarios:
                self.coords["product"] = ["accelerator", "handset", "rack"]

    monkeypatch.setattr("yieldsim.supply.simulate.Simulator", Other)
    before = {p: p.read_bytes() for p in path.rglob("*") if p.is_file()}
    with pytest.raises(StoreError, match=r"'late': .*product axis has rack;"):
        extend_store(path, scenarios=["late"])
    assert {p: p.read_bytes() for p in path.rglob("*") if p.is_file()} == before
    monkeypatch.setattr("yieldsim.execute.extend.VERSION", "99.0")
    with pytest.raises(StoreError, match="another version"):
        extend_store(path, realizations=50)


@pytest.mark.usefixtures("fake")
def test_the_extend_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = run(tmp_path / "x.zarr", ["baseline"], 40)
    arguments = ["extend", str(path), "--realizations", "50", "--scenario", "late"]
    assert main([*arguments, "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert (record["realizations"], record["scenarios"]) == (50, ["baseline", "late"])
    assert (record["blocks"], record["blocks_written"], record["complete"]) == (4, 4, True)
    assert main(arguments) == 0
    assert "50 realizations of 2 scenarios, 0 of 4 blocks written now" in capsys.readouterr().out


@pytest.mark.usefixtures("fake")
@pytest.mark.parametrize("spare", thinned([0, 1], 2))
def test_an_extension_beyond_the_bound_on_files_says_so(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    spare: int,
) -> None:
    whole = run(tmp_path / "y.zarr", ["baseline"], 90)
    files = sum(1 for file in whole.rglob("*") if file.is_file())
    monkeypatch.setattr("yieldsim.execute.extend.MAX_FILES", files - 1 + spare)
    path = run(tmp_path / "x.zarr", ["baseline"], 40)
    assert main(["extend", str(path), "--realizations", "90", "--json"]) == 0
    assert sum(1 for file in path.rglob("*") if file.is_file()) == files
    line = (
        f"yieldsim: note: {path}: will hold {files:,} files, beyond the {files - 1:,} of a new "
        "run, as its blocks stay at 16 realizations; a new run into another --out has fewer\n"
    )
    assert capsys.readouterr().err == ("" if spare else line)


def initialised(tmp_path: Path, name: str, scenarios: Sequence[str]) -> Path:
    path = tmp_path / name
    init_store(model(), scenarios=scenarios, realizations=50, block_size=16, seed=3, out=path)
    return path


@pytest.mark.usefixtures("fake")
def test_copies_of_a_store_with_different_blocks_are_merged(tmp_path: Path) -> None:
    first = initialised(tmp_path, "first.zarr", NAMES[:2])
    second = Path(shutil.copytree(first, tmp_path / "second.zarr"))
    work_store(first, blocks="0-1", threads=1)
    work_store(second, blocks="1-2", threads=1)
    Counted.computed = []
    new = tmp_path / "new.zarr"
    with pytest.raises(IncompleteError, match="1 of 4 blocks are missing"):
        merge_stores([first, second], new)
    work_store(second, blocks="3", threads=1)
    Counted.computed = []
    merge_stores([first, second], new)
    assert Counted.computed == []
    whole = run(tmp_path / "y.zarr", NAMES[:2], 50)
    check_same(new, whole)
    for chunk in whole.glob("*/c.*"):
        assert (new / chunk.relative_to(whole)).read_bytes() == chunk.read_bytes()


@pytest.mark.usefixtures("fake")
def test_stores_of_different_scenarios_are_merged(tmp_path: Path) -> None:
    first = run(tmp_path / "a.zarr", NAMES[:1], 50)
    no_text = os.fsdecode(b"\xfc.zarr")  # the new store's history names it
    others = tmp_path / (no_text if sys.platform == "linux" else "b.zarr")
    run(others, NAMES[:3], 50)  # FakeSimulator counts scenarios: 1000 each
    new = tmp_path / "new.zarr"
    merge_stores([first, others], new)
    assert Counted.computed == []
    check_same(new, others)


@pytest.mark.usefixtures("fake")
def test_stores_of_other_runs_are_not_merged(tmp_path: Path) -> None:
    first = run(tmp_path / "a.zarr", NAMES[:1], 50)
    for number, how in enumerate(({"realizations": 40}, {"realizations": 50, "block_size": 8})):
        other = run(tmp_path / f"{number}.zarr", NAMES[:1], **how)
        with pytest.raises(StoreError, match=f"cannot be merged with {first}"):
            merge_stores([first, other], tmp_path / "new.zarr")
    assert not (tmp_path / "new.zarr").exists()


@pytest.mark.usefixtures("fake")
def test_a_damaged_block_is_taken_from_another_store(tmp_path: Path) -> None:
    first = run(tmp_path / "a.zarr", NAMES[:2], 50)
    second = Path(shutil.copytree(first, tmp_path / "b.zarr"))
    (first / "binding" / "c.0.2.0.0").write_bytes(b"bad")
    (second / "binding" / "c.0.1.0.0").unlink()
    assert main(["merge", str(first), str(second), "--out", str(tmp_path / "n.zarr")]) == 0
    check_same(tmp_path / "n.zarr", run(tmp_path / "y.zarr", NAMES[:2], 50))


def test_the_real_simulation_extends_and_merges_to_the_same_bits(tmp_path: Path) -> None:
    whole = run(tmp_path / "y.zarr", NAMES[:3], 40, block_size=12)
    path = run(tmp_path / "x.zarr", NAMES[:2], 20, block_size=12)
    extend_store(path, realizations=40, threads=1)
    other = run(tmp_path / "z.zarr", ["later"], 40, block_size=12)
    # `later` fixes a parameter that the others draw
    assert open_ensemble(other).sizes["parameter"] < open_ensemble(whole).sizes["parameter"]
    merge_stores([path, other], tmp_path / "n.zarr")
    check_same(tmp_path / "n.zarr", whole)
    extend_store(path, scenarios=["later"], threads=1)
    check_same(path, whole)


def test_a_store_with_an_added_product_grows_and_is_not_mixed_with_others(tmp_path: Path) -> None:
    """What a scenario lacks is 0 in it, also where it is added later."""

    def made(name: str, scenarios: Sequence[str]) -> Path:
        file = analyst_file(
            later={
                "title": "Later",
                "changes": {"fabs": {"line": {"plan": {"n2": {"scale": 0.5}}}}},
            },
            more={"title": "More", "changes": {"products": {"card": added()}}},
        )
        path = tmp_path / name
        execute(file, scenarios=scenarios, realizations=20, seed=3, out=path, threads=1)
        return path

    whole = made("y.zarr", ["baseline", "more", "later"])
    path = made("x.zarr", ["baseline", "more"])
    extend_store(path, scenarios=["later"], threads=1)
    check_same(path, whole)
    ds = open_ensemble(whole)
    # loaded first: the oldest Zarr and xarray fail where a label and a list select from shards
    cards = ds["packages_started"].load().sel(product="card", scenario=["baseline", "later"])
    assert not cards.any()
    alone = made("z.zarr", ["baseline"])
    with pytest.raises(StoreError, match="'more': cannot be added: its product axis has card; all"):
        extend_store(alone, scenarios=["more"])
    with pytest.raises(StoreError, match="cannot be added: its product axis lacks card; allowed"):
        merge_stores([alone, made("m.zarr", ["more"])], tmp_path / "n.zarr")


def added() -> dict[str, Any]:
    """A further product of the analyst's model, made of the dies of its first."""
    first = next(iter(analyst_file().raw["products"].values()))
    return {**first, "kind": "phone", "die_share": 0.5}
