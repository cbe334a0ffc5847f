"""`yieldsim run`: what it prints, how it ends, and that the promises of a run hold for real."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import yieldsim
from tests.ensemble.fake import MODEL, FakeSimulator
from tests.examples import thinned
from tests.paths import ROOT
from yieldsim.cli.main import main
from yieldsim.ensemble import Folder, marked_blocks

ANALYST = str(MODEL)
# a run of eight blocks, each of which takes a while
SLOW_RUN = """
import sys, time
from tests.ensemble.fake import FakeSimulator, install
slow = lambda first: time.sleep(0.3)
install(lambda *given, **_: FakeSimulator(*given, slow))
from yieldsim.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture
def cheap(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The simulation that costs nothing, in a folder of its own."""
    monkeypatch.setattr("yieldsim.supply.simulate.Simulator", FakeSimulator)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def outcome(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(["run", *arguments])
    out, err = capsys.readouterr()
    return code, out, err


def test_json_says_what_was_run(cheap: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [ANALYST, "--realizations", "40", "--seed", "7", "--out", "X.zarr", "--json"]
    code, out, err = outcome(capsys, *arguments, "--threads", "2")
    assert (code, err) == (0, "")
    record = json.loads(out)
    assert record["seconds"] > 0.0
    assert record["model_hash"] == yieldsim.load_file(ANALYST).digest(["baseline"])
    kept = {key: record[key] for key in record if key not in ("seconds", "model_hash")}
    assert kept == {
        "store": "X.zarr",
        "complete": True,
        "already_complete": False,
        "model": "analyst",
        "scenarios": ["baseline"],
        "realizations": 40,
        "seed": 7,
        "block_size": 16,
        "blocks": 3,
        "blocks_computed": 3,
        "threads": 2,
    }
    assert yieldsim.open_ensemble("X.zarr").sizes["realization"] == 40


def test_defaults_that_change_the_chips_are_named_beside_the_answer(
    cheap: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    packaged = ("--set", "packaging.line.capacity=1000")
    packaged += ("--set", 'products.accelerator.packaging="line"')
    code, _, err = outcome(capsys, ANALYST, "--realizations", "16", *packaged)
    assert code == 0
    assert err == (
        "note: products.accelerator leaves out and takes as default: "
        "packages_per_interposer_wafer (1), final_test_yield (1), lag_days (0)\n"
    )


def test_the_same_again_says_that_it_is_complete(
    cheap: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert outcome(capsys, ANALYST, "--realizations", "40")[0] == 0
    code, out, err = outcome(capsys, ANALYST, "--realizations", "40")
    assert (code, err) == (0, "")
    assert "analyst.zarr" in out.splitlines()[-1]  # the default store
    assert "was complete" in out.splitlines()[-1]
    record = json.loads(outcome(capsys, ANALYST, "--realizations", "40", "--json")[1])
    assert (record["already_complete"], record["complete"]) == (True, True)


def test_the_table_gives_the_total_with_its_error(
    cheap: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = outcome(capsys, ANALYST, "--realizations", "64")
    assert code == 0
    header = next(line for line in out.splitlines() if line.startswith("quarter"))
    assert [word for word in header.split() if word.startswith("P")] == ["P10", "P50", "P90"]
    assert "±" in header
    assert "binds most often" in header
    # products 0 and 2 are of kind ai: 2 r + 2 * 10^5 in the first quarter, median r = 31.5
    row = next(line for line in out.splitlines() if line.startswith("2025Q3"))
    assert "200,063" in row.split()
    assert any(line.startswith("2025 (2q)  total") for line in out.splitlines())


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--realizations", "0"], 2, "--realizations"),
        (["--realizations", "many"], 2, "--realizations"),
        (["--seed", "-1"], 2, "--seed"),
        (["--seed", str(2**64)], 2, "--seed"),
        (["--threads", "0"], 2, "--threads"),
        (["--block-size", "0"], 2, "--block-size"),
        (["--scenario", "nonesuch"], 2, "unknown scenario, got 'nonesuch'"),
        (["--set", "alpha"], 2, "must be path=value"),
        (["--set", "processes.n2.alpha=-1"], 1, "alpha"),
        (["--out", "file/X.zarr"], 1, "file/X.zarr: cannot be written"),
        (["--out", "file"], 1, "file: is not a folder"),
        (["--out", "folder"], 1, "folder: exists and is not a yieldsim store"),
        (["--out", "."], 1, ".: exists and is not a yieldsim store"),
    ],
)
def test_bad_input_is_one_line(
    cheap: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    code: int,
    words: str,
) -> None:
    Path("file").write_text("x")
    Path("folder").mkdir()
    Path("folder", "notes").write_text("x")
    got, out, err = outcome(capsys, ANALYST, *arguments)
    assert (got, out, err.count("\n")) == (code, "", 1), err
    assert words in err
    assert sorted(path.name for path in cheap.rglob("*")) == ["file", "folder", "notes"]


@pytest.mark.parametrize("changed", [["--seed", "8"], ["--set", "processes.n2.alpha=3"]])
def test_another_run_into_the_store_is_refused(
    cheap: Path, capsys: pytest.CaptureFixture[str], changed: list[str]
) -> None:
    assert outcome(capsys, ANALYST, "--realizations", "40", "--json")[0] == 0
    code, out, err = outcome(capsys, ANALYST, "--realizations", "40", *changed)
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert "analyst.zarr: holds another run" in err


def start_slow_run(store: Path) -> subprocess.Popen[str]:
    """A run in another process, left alone until its first block is stored."""
    arguments = ["run", ANALYST, "--realizations", "128", "--threads", "1", "--out", str(store)]
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", SLOW_RUN, *arguments, "--json"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    deadline = time.monotonic() + 60.0
    while not marked_blocks(Folder(store)):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return process


def continued(store: Path) -> None:
    """Run to the end what was stopped, and compare it with a run that was not."""
    run = {"realizations": 128, "threads": 1}
    whole = yieldsim.run(ANALYST, **run).load()
    done = marked_blocks(Folder(store))
    assert 0 < len(done) < 8
    ds = yieldsim.run(ANALYST, out=store, **run).load()
    xr.testing.assert_identical(ds.drop_attrs(), whole.drop_attrs())


@pytest.mark.usefixtures("ctrl_c_is_heard")
def test_ctrl_c_ends_with_a_store_that_continues(cheap: Path) -> None:
    process = start_slow_run(cheap / "X.zarr")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    done = len(marked_blocks(Folder(cheap / "X.zarr")))
    assert (process.returncode, out) == (3, ""), err
    said = f"{cheap}/X.zarr: interrupted with {done} of 8 blocks done; the same command continues"
    assert err.splitlines()[-1] == f"yieldsim: error: {said}"
    assert err.count("\n") <= 2  # the first line says that blocks under way are finished
    continued(cheap / "X.zarr")


@pytest.mark.slow  # a process; an unfinished store is refused in tests/ensemble/test_damage.py
def test_a_killed_run_is_no_answer_and_continues(
    cheap: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    process = start_slow_run(cheap / "X.zarr")
    process.kill()
    process.communicate(timeout=60)
    code = main(["summary", "X.zarr", "--json"])
    out, err = capsys.readouterr()
    assert (code, out, err.count("\n")) == (3, "", 1)
    assert "of 8 blocks are missing" in err
    continued(cheap / "X.zarr")


COARSE = "simulation.steps_per_quarter=3"
REAL = {"realizations": 12, "seed": 7, "changes": [COARSE]}


def real(**options: object) -> xr.Dataset:
    """The baseline model in the real simulation."""
    return yieldsim.run("baseline", **{**REAL, **options}).load().drop_vars("block_done")


@pytest.fixture(scope="module")
def two_scenarios() -> xr.Dataset:
    return real(scenarios=["baseline", "domestic_late"], threads=1, block_size=12)


def same_bits(first: xr.Dataset, second: xr.Dataset) -> None:
    assert set(first.variables) == set(second.variables)
    for name in first.variables:
        # strict and exact: NaN where a scenario does not draw a parameter, and nowhere else
        np.testing.assert_array_equal(first[name].values, second[name].values, strict=True)


@pytest.mark.parametrize(("threads", "block_size"), thinned([(2, 5), (2, 12), (1, 11)], 3))
def test_threads_and_blocks_leave_every_bit(
    two_scenarios: xr.Dataset, threads: int, block_size: int
) -> None:
    again = real(scenarios=["baseline", "domestic_late"], threads=threads, block_size=block_size)
    same_bits(two_scenarios, again)


@pytest.mark.parametrize("scenario", thinned(["domestic_late", "baseline"], 2))
def test_other_scenarios_leave_every_bit(two_scenarios: xr.Dataset, scenario: str) -> None:
    alone = real(scenarios=[scenario])
    beside = two_scenarios.sel(scenario=[scenario])
    # a store describes each parameter as the first of its scenarios that draws it has it
    texts = ["parameter_description", "parameter_source", "parameter_grade"]
    beside = beside.sel(parameter=alone["parameter"].values)
    same_bits(alone.drop_vars(texts), beside.drop_vars(texts))


def test_more_realizations_leave_those_that_were(two_scenarios: xr.Dataset) -> None:
    more = real(scenarios=["baseline"], realizations=18)
    for name in ("usable_chips", "wafer_outs", "d0_per_cm2", "binding"):
        first = two_scenarios[name].sel(scenario="baseline").values
        np.testing.assert_array_equal(more[name].values[0, :12], first)


def test_another_seed_gives_other_worlds(two_scenarios: xr.Dataset) -> None:
    other = real(seed=8, realizations=4)
    chips = two_scenarios["usable_chips"].sel(scenario="baseline")[:4]
    assert (other["usable_chips"].values[0] != chips.values).any()
