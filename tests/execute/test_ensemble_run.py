"""Whole runs with the cheap simulation of tests/ensemble/fake.py."""

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import xarray as xr

import yieldsim
from tests.ensemble.fake import FakeSimulator, analyst_file, flip_bit, make_store
from tests.examples import thinned
from yieldsim.ensemble import Folder, marked_blocks
from yieldsim.errors import IncompleteError, StoreError, UsageError
from yieldsim.execute import execute

RUN: dict[str, Any] = {
    "scenarios": ["baseline", "late"],
    "realizations": 50,
    "seed": 3,
    "block_size": 16,
}


class Recorder:
    """Stands in for the Simulator class: notes the blocks asked for, and may do harm before."""

    def __init__(self) -> None:
        self.firsts: list[int] = []
        self.before: Callable[[int], None] = lambda first: None

    def __call__(self, file: Any, scenarios: Any, seed: int, design: Any = None) -> FakeSimulator:
        return FakeSimulator(file, scenarios, seed, self.note)

    def note(self, first: int) -> None:
        self.firsts.append(first)
        self.before(first)


@pytest.fixture
def simulator(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    recorder = Recorder()
    monkeypatch.setattr("yieldsim.supply.simulate.Simulator", recorder)
    return recorder


def figures(ds: xr.Dataset) -> xr.Dataset:
    """All that must not depend on how the run was cut into blocks."""
    return ds.load().drop_vars("block_done").drop_attrs()


@pytest.fixture(scope="module")
def expected() -> xr.Dataset:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("yieldsim.supply.simulate.Simulator", Recorder())
        return figures(yieldsim.run(analyst_file(), **RUN))


@pytest.mark.parametrize(("threads", "block_size"), thinned([(2, 7), (1, None), (2, 1000)], 3))
def test_threads_and_blocks_make_no_difference(
    simulator: Recorder, expected: xr.Dataset, tmp_path: Path, threads: int, block_size: int | None
) -> None:
    run = {**RUN, "block_size": block_size}
    ds = yieldsim.run(analyst_file(), out=tmp_path / "x.zarr", threads=threads, **run)
    xr.testing.assert_identical(figures(ds), expected)


def test_what_is_done_meanwhile_runs_beside_the_first_blocks(
    simulator: Recorder, tmp_path: Path
) -> None:
    under_way = threading.Event()
    seen: list[tuple[bool, bool]] = []

    def before(first: int) -> None:  # the first block ends after what is done meanwhile
        assert under_way.wait(60.0)

    def meanwhile() -> None:
        seen.append((threading.current_thread() is threading.main_thread(), store.exists()))
        under_way.set()

    store = tmp_path / "x.zarr"
    simulator.before = before
    assert execute(analyst_file(), out=store, meanwhile=meanwhile, **RUN).blocks_computed == 4
    assert seen == [(True, True)]


def test_a_complete_run_is_not_computed_again(simulator: Recorder, tmp_path: Path) -> None:
    first = execute(analyst_file(), out=tmp_path / "x.zarr", **RUN)
    assert (first.blocks_computed, first.already_complete) == (4, False)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    simulator.firsts.clear()
    second = execute(analyst_file(), out=tmp_path / "x.zarr", **RUN)
    assert (second.blocks_computed, second.already_complete) == (0, True)
    assert simulator.firsts == []
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_a_store_keeps_its_block_size_when_none_is_asked_for(
    simulator: Recorder, tmp_path: Path
) -> None:
    execute(analyst_file(), out=tmp_path / "x.zarr", **RUN)
    again = execute(analyst_file(), out=tmp_path / "x.zarr", **{**RUN, "block_size": None})
    assert again.plan.block_size == 16
    assert again.already_complete


@pytest.mark.parametrize("done", thinned([3, 0, 1, 4], 2))
def test_a_run_continues_with_the_blocks_that_are_missing(
    simulator: Recorder, expected: xr.Dataset, tmp_path: Path, done: int
) -> None:
    make_store(Folder(tmp_path / "x.zarr"), blocks=done)
    ds = yieldsim.run(analyst_file(), out=tmp_path / "x.zarr", threads=1, **RUN)
    assert simulator.firsts == [16 * block for block in range(done, 4)]
    xr.testing.assert_identical(figures(ds), expected)


def test_a_block_that_was_half_written_is_computed_again(
    simulator: Recorder, expected: xr.Dataset, tmp_path: Path
) -> None:
    make_store(Folder(tmp_path / "x.zarr"), blocks=2)
    (tmp_path / "x.zarr" / "block_done" / "c.1").unlink()  # killed in the middle of block 1:
    (tmp_path / "x.zarr" / "binding" / "c.0.1.0.0").unlink()  # some chunks, no marker
    (tmp_path / "x.zarr" / "binding" / "c.1.1.0.0.99-9.partial").write_bytes(b"half")
    ds = yieldsim.run(analyst_file(), out=tmp_path / "x.zarr", threads=1, **RUN)
    assert simulator.firsts == [16, 32, 48]
    xr.testing.assert_identical(figures(ds), expected)
    assert not list(tmp_path.rglob("*.partial"))


@pytest.mark.parametrize("harm", ["truncated", "gone"])
def test_a_damaged_block_is_computed_again(
    simulator: Recorder, expected: xr.Dataset, tmp_path: Path, harm: str
) -> None:
    make_store(Folder(tmp_path / "x.zarr"), blocks=3)
    chunk = tmp_path / "x.zarr" / "wafer_outs" / "c.0.1.0.0.0"
    if harm == "truncated":
        os.truncate(chunk, 20)  # a power cut after the marker reached the disk and before this did
    else:
        chunk.unlink()
    ds = yieldsim.run(analyst_file(), out=tmp_path / "x.zarr", threads=1, **RUN)
    assert simulator.firsts == [16, 48]
    xr.testing.assert_identical(figures(ds), expected)


@pytest.mark.parametrize("limit", [2**30, 0])
def test_a_finished_store_is_read_whole_unless_it_is_large(
    simulator: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    """One bit of a large store is for `verify`; a lost file is found by its size in any store."""
    monkeypatch.setattr("yieldsim.execute.job.WHOLE_CHECK_BYTES", limit)
    store = tmp_path / "x.zarr"
    execute(analyst_file(), out=store, **RUN)
    flipped, lost = store / "usable_chips" / "c.0.1.0.0", store / "binding" / "c.0.2.0.0"
    sound = {file: file.read_bytes() for file in (flipped, lost)}
    flipped.write_bytes(flip_bit(sound[flipped], 99))
    lost.unlink()
    simulator.firsts.clear()
    execute(analyst_file(), out=store, threads=1, **RUN)
    assert simulator.firsts == ([16, 32] if limit else [32])
    assert lost.read_bytes() == sound[lost]
    assert (flipped.read_bytes() == sound[flipped]) == bool(limit)


def test_a_large_finished_store_is_looked_at_without_reading_results(
    simulator: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("yieldsim.execute.job.WHOLE_CHECK_BYTES", 0)
    execute(analyst_file(), out=tmp_path / "x.zarr", **RUN)
    read, get = [], Folder.get

    def noted(self: Folder, key: str) -> bytes | None:
        read.append(key)
        return get(self, key)

    monkeypatch.setattr(Folder, "get", noted)
    assert execute(analyst_file(), out=tmp_path / "x.zarr", **RUN).already_complete
    assert "block_done/record.0.3" in read
    assert not [key for key in read if "/c.0.3." in key]


def test_an_error_in_a_block_stops_the_run_and_it_continues(
    simulator: Recorder, expected: xr.Dataset, tmp_path: Path
) -> None:
    def fail(first: int) -> None:
        if first == 32:
            raise StoreError("x.zarr", "the disk is full")

    simulator.before = fail
    with pytest.raises(StoreError, match="the disk is full"):
        execute(analyst_file(), out=tmp_path / "x.zarr", threads=1, **RUN)
    assert marked_blocks(Folder(tmp_path / "x.zarr")) == {0, 1}
    with pytest.raises(IncompleteError, match="2 of 4 blocks are missing"):
        yieldsim.open_ensemble(tmp_path / "x.zarr")
    simulator.before = lambda first: None
    ds = yieldsim.run(analyst_file(), out=tmp_path / "x.zarr", **RUN)
    xr.testing.assert_identical(figures(ds), expected)


def interrupt_at(block: int) -> Callable[[int], None]:
    def before(first: int) -> None:
        if first == 16 * block:
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
            time.sleep(0.05)  # the main thread has the time to notice

    return before


@pytest.mark.usefixtures("ctrl_c_is_heard")
def test_ctrl_c_says_how_far_it_came(
    simulator: Recorder, expected: xr.Dataset, tmp_path: Path
) -> None:
    simulator.before = interrupt_at(1)
    with pytest.raises(IncompleteError) as error:
        execute(analyst_file(), out=tmp_path / "x.zarr", threads=1, **RUN)
    place = Folder(tmp_path / "x.zarr")
    done = len(marked_blocks(place))
    assert done in (2, 3)  # the block under way ends, and another may just have begun
    text = f"{place}: interrupted with {done} of 4 blocks done; the same command continues"
    assert str(error.value) == text
    simulator.before = lambda first: None
    ds = yieldsim.run(analyst_file(), out=tmp_path / "x.zarr", **RUN)
    xr.testing.assert_identical(figures(ds), expected)


@pytest.mark.usefixtures("ctrl_c_is_heard")
def test_ctrl_c_counts_the_blocks_of_earlier_runs(simulator: Recorder, tmp_path: Path) -> None:
    make_store(Folder(tmp_path / "x.zarr"), blocks=2)
    simulator.before = interrupt_at(2)
    with pytest.raises(IncompleteError, match=r"interrupted with [34] of 4 blocks done"):
        execute(analyst_file(), out=tmp_path / "x.zarr", threads=1, **RUN)


@pytest.mark.usefixtures("ctrl_c_is_heard")
def test_ctrl_c_leaves_nothing_to_continue_in_memory(simulator: Recorder) -> None:
    simulator.before = interrupt_at(1)
    with pytest.raises(KeyboardInterrupt):
        execute(analyst_file(), threads=1, **RUN)


@pytest.mark.usefixtures("ctrl_c_is_heard")
def test_ctrl_c_while_finalizing(
    simulator: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("yieldsim.execute.ensemble_run.finalize", interrupted)
        with pytest.raises(IncompleteError, match="interrupted with 4 of 4 blocks done"):
            execute(analyst_file(), out=tmp_path / "x.zarr", **RUN)
    again = execute(analyst_file(), out=tmp_path / "x.zarr", **RUN)
    assert again.blocks_computed == 0
    assert yieldsim.open_ensemble(tmp_path / "x.zarr").attrs["status"] == "complete"


@pytest.mark.parametrize("changed", [{"seed": 4}, {"block_size": 8}])
@pytest.mark.parametrize("blocks", [2, 4])
def test_another_run_into_the_same_store_is_refused(
    simulator: Recorder, tmp_path: Path, blocks: int, changed: dict[str, Any]
) -> None:
    make_store(Folder(tmp_path / "x.zarr"), blocks=blocks)
    with pytest.raises(StoreError, match="holds another run"):  # all differences: test_create.py
        execute(analyst_file(), out=tmp_path / "x.zarr", **{**RUN, **changed})
    assert simulator.firsts == []


@pytest.mark.parametrize(
    ("changed", "where"),
    [
        ({"realizations": 0}, "realizations"),
        ({"realizations": 2**32 + 1}, "realizations"),
        ({"realizations": 10.5}, "realizations"),
        ({"realizations": True}, "realizations"),
        ({"seed": -1}, "seed"),
        ({"seed": 2**64}, "seed"),
        ({"threads": 0}, "threads"),
        ({"block_size": 0}, "block_size"),
        ({"block_size": -3}, "block_size"),
    ],
)
def test_numbers_out_of_range(changed: dict[str, Any], where: str) -> None:
    with pytest.raises(UsageError, match=f"^{where}: out of range, got .*allowed: a whole number"):
        yieldsim.run(analyst_file(), **{**RUN, **changed})


def test_an_unknown_scenario_creates_no_store(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="unknown scenario, got 'nonesuch'"):
        execute(analyst_file(), out=tmp_path / "x.zarr", scenarios=["nonesuch"])
    assert list(tmp_path.iterdir()) == []


def test_scenarios_by_default_alone_and_all(simulator: Recorder) -> None:
    names = {
        None: ["baseline"],
        "late": ["late"],
        "all": ["baseline", "late"],
    }
    for asked, expected in names.items():
        ds = yieldsim.run(analyst_file(), realizations=2, scenarios=asked)
        assert ds["scenario"].values.tolist() == expected
