"""`yieldsim init`, `work` and `finalize`: one run by many tasks, and how a task ends."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from functools import cache
from itertools import product
from pathlib import Path

import pytest
import xarray as xr

import yieldsim
from tests.cli.outcome import outcome
from tests.ensemble.fake import MODEL, FakeSimulator
from tests.examples import thinned
from tests.paths import ROOT
from yieldsim.cli.main import main
from yieldsim.ensemble import Folder, marked_blocks

RUN = ["--realizations", "128", "--seed", "5"]  # eight blocks
# The simulation that costs nothing but the time of its sleep, with the command line's arguments.
FAKE = """
import sys, time
from tests.ensemble.fake import FakeSimulator, install
slow = lambda first: time.sleep({seconds})
install(lambda *given, **_: FakeSimulator(*given, slow))
from yieldsim.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A store without results, in a folder of its own, of the simulation that costs nothing."""
    monkeypatch.setattr("yieldsim.supply.simulate.Simulator", FakeSimulator)
    monkeypatch.chdir(tmp_path)
    assert main(["init", str(MODEL), "--out", "x.zarr", *RUN]) == 0
    return tmp_path / "x.zarr"


def digest(folder: Path) -> dict[str, bytes]:
    """The bytes of every result, without metadata, which hold the time of creation."""
    files = [path for path in folder.rglob("c.*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@cache
def one_run() -> xr.Dataset:
    return yieldsim.run(MODEL, realizations=128, seed=5).load().drop_attrs()


def same_as_one_run(store: Path) -> None:
    xr.testing.assert_identical(yieldsim.open_ensemble(store).load().drop_attrs(), one_run())


def test_tasks_do_what_one_run_does(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for task in (2, 0, 1):
        code, out, err = outcome(capsys, "work", store, "--task", task, "--tasks", 3, "--json")
        assert code == 0
        record = json.loads(out)
        assert record["blocks_computed"] == record["blocks"][1] - record["blocks"][0] + 1
        assert err.count(" stored, ") == record["blocks_computed"]  # a line a block
    assert outcome(capsys, "finalize", store)[0] == 0
    same_as_one_run(store)
    code, out, _ = outcome(capsys, "finalize", store, "--json")  # again: nothing happens
    assert (code, json.loads(out)["complete"]) == (0, True)


def test_a_task_skips_what_is_done_and_sound(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert outcome(capsys, "work", store, "--blocks", "2-4")[0] == 0
    chunk = store / "usable_chips" / "c.0.3.0.0"
    chunk.write_bytes(chunk.read_bytes()[:-1])
    _, out, _ = outcome(capsys, "work", store, "--task", 0, "--tasks", 1, "--json")
    assert json.loads(out)["blocks_computed"] == 6  # all but blocks 2 and 4
    assert outcome(capsys, "finalize", store)[0] == 0
    same_as_one_run(store)


@pytest.mark.parametrize(
    ("command", "harm"), thinned(product(["work", "run"], ["chunk", "record", "marker"]), 4)
)
def test_a_finished_store_is_mended(
    store: Path, capsys: pytest.CaptureFixture[str], command: str, harm: str
) -> None:
    assert outcome(capsys, "run", MODEL, "--out", store, *RUN)[0] == 0
    before = {path: path.stat().st_mtime_ns for path in store.rglob("*") if path.is_file()}
    results = digest(store)
    keys = {"chunk": "usable_chips/c.0.3.0.0", "record": "block_done/record.0.3"}
    harmed = store / keys.get(harm, "block_done/c.3")
    content = harmed.read_bytes()
    harmed.unlink()
    if command == "run":
        code, out, _ = outcome(capsys, "run", MODEL, "--out", store, *RUN, "--json")
    else:
        code, out, _ = outcome(capsys, "work", store, "--blocks", "3", "--json")
    assert (code, json.loads(out)["blocks_computed"]) == (0, 1)
    assert harmed.read_bytes() == content
    assert digest(store) == results
    if harm == "chunk":  # nothing but the chunk, its record and its marker is written
        after = {path: path.stat().st_mtime_ns for path in store.rglob("*") if path.is_file()}
        changed = {str(p.relative_to(store)) for p in before if before[p] != after[p]}
        assert changed <= {keys["chunk"], "block_done/record.0.3", "block_done/c.3"}
    same_as_one_run(store)


def test_a_store_is_made_once(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = outcome(capsys, "init", MODEL, "--out", store, *RUN, "--json")
    assert (code, json.loads(out)["created"]) == (0, False)
    code, _, err = outcome(capsys, "init", MODEL, "--out", store, "--realizations", 64)
    assert (code, err.count("\n")) == (1, 1)
    assert "holds another run" in err


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["work", "x.zarr"], 2, "--task: is missing"),
        (["work", "x.zarr", "--task", 3, "--tasks", 3], 2, "--task: out of range, got 3"),
        (["work", "x.zarr", "--blocks", "3-8"], 2, "--blocks: out of range"),
        (["work", "nonesuch.zarr", "--blocks", "0"], 1, "nonesuch.zarr: no such ensemble store"),
        (["finalize", "nonesuch.zarr"], 1, "nonesuch.zarr: no such ensemble store"),
        (["finalize", "x.zarr"], 3, "8 of 8 blocks are missing"),
        (["init", MODEL], 2, "Missing option '--out'"),
    ],
)
def test_bad_input_is_one_line(
    store: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[object],
    code: int,
    words: str,
) -> None:
    monkeypatch.delenv("SLURM_ARRAY_TASK_ID", raising=False)
    got, out, err = outcome(capsys, *arguments)
    assert (got, out, err.count("\n")) == (code, "", 1), err
    assert words in err


@pytest.mark.parametrize("key", thinned(["usable_chips/zarr.json", "zarr.json", "quarter/c.0"], 3))
def test_a_task_refuses_damaged_metadata(
    store: Path, capsys: pytest.CaptureFixture[str], key: str
) -> None:
    path = store / key
    text = path.read_bytes()
    path.write_bytes(text.replace(b"128", b"127") if b"128" in text else text[:-1])
    code, out, err = outcome(capsys, "work", store, "--blocks", "0")
    assert (out, err.count("\n")) == ("", 1)
    assert code == 4
    assert key in err
    assert f"`yieldsim verify {store} --repair` mends it" in err
    assert outcome(capsys, "verify", store, "--repair")[0] == 0
    assert path.read_bytes() == text
    assert outcome(capsys, "work", store, "--task", 0, "--tasks", 1)[0] == 0
    assert outcome(capsys, "finalize", store)[0] == 0
    same_as_one_run(store)


def start(seconds: float, *arguments: object, before: str = "") -> subprocess.Popen[str]:
    """A command in another process, with a simulation whose blocks take so long."""
    given = [str(argument) for argument in arguments]
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", before + FAKE.format(seconds=seconds), *given],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def wait_for_a_block(process: subprocess.Popen[str], store: Path) -> None:
    deadline = time.monotonic() + 60.0
    while not marked_blocks(Folder(store)):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.usefixtures("hangup_is_heard")
@pytest.mark.parametrize(
    ("command", "name"),
    thinned([("work", "SIGUSR1"), ("work", "SIGHUP"), ("run", "SIGTERM")], 3),
)
def test_a_signal_ends_after_the_block_under_way(store: Path, command: str, name: str) -> None:
    share = ["work", store, "--blocks", "1-7"]
    whole = ["run", MODEL, "--out", store, *RUN]
    process = start(0.3, *(share if command == "work" else whole), "--threads", 1)
    wait_for_a_block(process, store)
    process.send_signal(getattr(signal, name))
    out, err = process.communicate(timeout=60)
    code, of = (75, "7 blocks of this task") if command == "work" else (3, "8 blocks")
    assert (process.returncode, out) == (code, ""), err
    done = len(marked_blocks(Folder(store)))
    assert 0 < done < 7
    said = f"{store}: interrupted with {done} of {of} done; the same command continues"
    assert err.splitlines()[-1] == f"yieldsim: error: {said}"
    assert not list(store.rglob("*.partial"))
    assert main(["run", str(MODEL), "--out", str(store), *RUN]) == 0
    same_as_one_run(store)


def test_an_ignored_hangup_stays_ignored(store: Path) -> None:
    ignore = "import signal\nsignal.signal(signal.SIGHUP, signal.SIG_IGN)\n"  # as under nohup
    # a task reads no figures, and starts a third sooner without the libraries for that
    loaded = "import atexit, sys\natexit.register(lambda: print(sys.modules.keys() & {'xarray'}))\n"
    arguments = ["work", store, "--task", 0, "--tasks", 1, "--threads", 1]
    process = start(0.1, *arguments, before=ignore + loaded)
    wait_for_a_block(process, store)
    process.send_signal(signal.SIGHUP)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert out.splitlines()[-1] == "set()"
    assert len(marked_blocks(Folder(store))) == 8


@pytest.mark.parametrize(("command", "code"), thinned([("run", 3), ("work", 75)], 2))
def test_a_signal_before_the_first_block(store: Path, command: str, code: int) -> None:
    early = (
        "import os, signal, yieldsim.ensemble.provenance as provenance\n"
        "provenance._check_attrs = lambda *_: os.kill(os.getpid(), signal.SIGTERM)\n"
    )
    share = ["work", store, "--blocks", "1-7"]
    whole = ["run", MODEL, "--out", store, *RUN]
    process = start(0.1, *(share if command == "work" else whole), before=early)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err.count("\n")) == (code, "", 1), err
    assert "the same command continues" in err


def test_the_store_alone_is_enough(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also a copy of it: nothing in it names a path."""
    shutil.move(store, tmp_path / "moved.zarr")
    assert outcome(capsys, "work", "moved.zarr", "--task", 0, "--tasks", 1)[0] == 0
    assert outcome(capsys, "finalize", "moved.zarr")[0] == 0
    same_as_one_run(tmp_path / "moved.zarr")
