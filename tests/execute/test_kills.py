"""Processes that are killed at random moments lose nothing and tear nothing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import xarray as xr

import yieldsim
from tests.ensemble.fake import MODEL, FakeSimulator
from tests.paths import ROOT

# In a process of its own, which has no threads when it forks. Two processes work on a store: one is
# a whole run, from creation to the end, the other a task. After each kill every block that is
# marked is sound, and none that was marked is lost. A complete store is followed by another.
KILLS = """
import contextlib, os, random, signal, sys, time
from tests.ensemble.fake import FakeSimulator
import yieldsim.supply.simulate
yieldsim.supply.simulate.Simulator = FakeSimulator
from yieldsim.cli.main import main
from yieldsim.ensemble import Folder, damaged_blocks, damaged_metadata, marked_blocks, read_stored
from yieldsim.ensemble.ledger import Seal
import yieldsim.execute, yieldsim.model

model, folder, kills = sys.argv[1], sys.argv[2], int(sys.argv[3])
luck = random.Random(1)

def start(*arguments):
    child = os.fork()
    if child:
        return child
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    os._exit(main(arguments))

stores, killed, before = 0, 0, set()
while killed < kills:
    store = f"{folder}/{stores}.zarr"
    run = ["run", model, "--realizations", "96", "--seed", "5", "--block-size", "2", "--json"]
    children = [
        start(*run, "--out", store, "--threads", "1"),
        start("work", store, "--task", "1", "--tasks", "2", "--threads", "2"),
    ]
    for child in luck.sample(children, 2):
        time.sleep(luck.uniform(0.0, 0.12))
        os.kill(child, signal.SIGKILL)
        killed += os.WIFSIGNALED(os.waitpid(child, 0)[1])
    place = Folder(store)
    stored = read_stored(place)
    if stored is None:
        continue
    assert damaged_metadata(place, Seal.read(place)) == {}
    marked = marked_blocks(place)
    assert before <= marked
    assert damaged_blocks(place, stored.plan, marked) == {}
    before = marked
    if stored.complete:
        stores, before = stores + 1, set()
code = 75  # a store that was created meanwhile
while code == 75:
    code = main([*run, "--out", store])
sys.exit(code)
"""


@pytest.mark.slow
def test_a_hundred_kills(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = subprocess.run(
        [sys.executable, "-c", KILLS, str(MODEL), str(tmp_path), "100"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    monkeypatch.setattr("yieldsim.supply.simulate.Simulator", FakeSimulator)
    whole = yieldsim.run(MODEL, realizations=96, seed=5, block_size=2).load()
    stores = sorted(tmp_path.glob("*.zarr"))
    assert stores
    for store in stores:
        ds = yieldsim.open_ensemble(store).load()
        xr.testing.assert_identical(ds.drop_attrs(), whole.drop_attrs())
        assert not [path for path in store.rglob("*") if path.name.endswith(".partial")]
