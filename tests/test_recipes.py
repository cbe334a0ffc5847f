"""The recipes of runs/ that need no scheduler to be tried, and what `make run` writes."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import xarray as xr

import yieldsim
from tests.ensemble.fake import MODEL, FakeSimulator
from tests.paths import ROOT
from yieldsim.cli.main import main
from yieldsim.ensemble import Folder, marked_blocks

PBS = ROOT / "runs" / "pbs_array.sh"
# The command with the simulation that costs nothing; one that is to be killed does so once.
FAKE = """#!{python}
import os, sys, time
from pathlib import Path
sys.path.insert(0, {root!r})
from tests.ensemble.fake import FakeSimulator
import yieldsim.supply.simulate
def before(first):
    time.sleep({seconds})
    if {killed_at} == first and not Path("killed").exists():
        Path("killed").touch()
        os.kill(os.getpid(), 9)
yieldsim.supply.simulate.Simulator = lambda *given, **_: FakeSimulator(*given, before)
from yieldsim.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A store of eight blocks without results."""
    monkeypatch.setattr("yieldsim.supply.simulate.Simulator", FakeSimulator)
    path = tmp_path / "x.zarr"
    arguments = ["init", str(MODEL), "--out", str(path), "--realizations", "128", "--seed", "5"]
    assert main(arguments) == 0
    return path


def pbs_task(
    store: Path, index: int, *, seconds: float = 0.0, killed_at: int = -1
) -> subprocess.Popen[str]:
    """The body of the script as PBS runs it: a shell in another folder, with PBS's variables."""
    folder = store.parent
    command = folder / "fake_yieldsim"
    text = FAKE.format(python=sys.executable, root=str(ROOT), seconds=seconds, killed_at=killed_at)
    command.write_text(text, encoding="utf-8")
    command.chmod(0o755)
    names = ("HOME", "PATH", "NUMBA_CACHE_DIR")
    kept = {name: os.environ[name] for name in names if name in os.environ}
    array = {
        "PBS_ENVIRONMENT": "PBS_BATCH",
        "PBS_JOBID": f"12[{index}].server",
        "PBS_ARRAY_ID": "12[].server",
        "PBS_ARRAY_INDEX": str(index),
        "PBS_O_WORKDIR": str(folder),
        "NCPUS": "1",
    }
    given = {"STORE": "x.zarr", "TASKS": "4", "YIELDSIM": str(command)}
    return subprocess.Popen(
        ["bash", str(PBS)],
        cwd="/",
        env={**kept, **array, **given},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(task: subprocess.Popen[str]) -> tuple[int, str]:
    _, err = task.communicate(timeout=120)
    return task.returncode, err


@pytest.mark.integration
def test_a_pbs_array_fills_a_store(store: Path) -> None:
    """Also where a task is killed, and where one ends at its time limit and is submitted again."""
    assert finish(pbs_task(store, 2))[0] == 0
    assert marked_blocks(Folder(store)) == {4, 5}
    code, err = finish(pbs_task(store, 0, killed_at=16))
    assert (code, marked_blocks(Folder(store))) == (0, {0, 1, 4, 5}), err
    assert (store.parent / "killed").exists()
    task = pbs_task(store, 3, seconds=1.0)
    deadline = time.monotonic() + 60.0
    while not (store / "usable_chips" / "c.0.6.0.0").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    task.send_signal(signal.SIGTERM)  # as at the time limit
    code, err = finish(task)
    assert code == 75, err
    assert {6} <= marked_blocks(Folder(store)) <= {0, 1, 4, 5, 6, 7}
    for index in range(4):
        assert finish(pbs_task(store, index))[0] == 0
    assert main(["finalize", str(store)]) == 0
    whole = yieldsim.run(MODEL, realizations=128, seed=5).load()
    ds = yieldsim.open_ensemble(store).load()
    xr.testing.assert_identical(ds.drop_attrs(), whole.drop_attrs())


def test_make_run_draws_its_picture_over_an_older_one() -> None:
    """A picture of before 2026-11 carries no mark of yieldsim: `plot` would not replace it."""
    done = subprocess.run(
        ["make", "--dry-run", "run"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    (line,) = [line for line in done.stdout.splitlines() if "yieldsim plot" in line]
    assert line.endswith(" plot runs/baseline.zarr --out runs/baseline.png --force")
