"""What goes wrong around a run: one line, its exit code, and nothing that was stored is lost."""

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import xarray as xr

import yieldsim
from tests.ensemble.fake import MODEL, FakeSimulator
from tests.examples import thinned
from tests.paths import ROOT
from yieldsim.cli.main import main
from yieldsim.ensemble import Folder, damaged_blocks, marked_blocks, read_stored

RUN = ["--realizations", "128", "--seed", "5", "--threads", "1"]  # eight blocks
FAKE = """
import sys
from tests.ensemble.fake import install
install()
from yieldsim.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture
def before(monkeypatch: pytest.MonkeyPatch) -> dict[str, Callable[[int], None]]:
    """What the simulation that costs nothing does before a block."""
    acts: dict[str, Callable[[int], None]] = {"": lambda first: None}

    def fake(*given: Any, **named: Any) -> FakeSimulator:
        return FakeSimulator(*given, acts[""], **named)

    monkeypatch.setattr("yieldsim.supply.simulate.Simulator", fake)
    return acts


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A filesystem of 8 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)]
    if (
        os.geteuid()
        or shutil.which("mount") is None
        or subprocess.run(mount, check=False).returncode
    ):
        pytest.skip("mounting a small filesystem needs root")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def outcome(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str]:
    capsys.readouterr()
    code = main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    assert code == 0 or out == ""
    return code, err


def all_sound(store: Path) -> int:
    """The number of marked blocks, all of them sound."""
    place = Folder(store)
    stored, marked = read_stored(place), marked_blocks(place)
    assert stored is not None
    assert damaged_blocks(place, stored.plan, marked) == {}
    return len(marked)


def continues(capsys: pytest.CaptureFixture[str], store: Path) -> None:
    """The same command ends with the figures of a run that nothing disturbed."""
    assert outcome(capsys, "run", MODEL, "--out", store, *RUN, "--json") == (0, "")
    whole = yieldsim.run(MODEL, realizations=128, seed=5).load()
    ds = yieldsim.open_ensemble(store).load()
    xr.testing.assert_identical(ds.drop_attrs(), whole.drop_attrs())


def test_a_disk_that_fills_up(
    before: dict[str, Any], small_disk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store, ballast = small_disk / "x.zarr", small_disk / "ballast"

    def fill(first: int) -> None:
        if first == 48:
            with open(ballast, "wb", buffering=0) as file:
                try:
                    while file.write(b"x" * 4096):
                        pass
                except OSError:
                    return

    before[""] = fill
    code, err = outcome(capsys, "run", MODEL, "--out", store, *RUN)
    assert (code, err.count("\n")) == (1, 1), err
    assert "the disk is full: block 3 of 8 was not stored" in err
    assert all_sound(store) == 3
    ballast.unlink()
    before[""] = lambda first: None
    continues(capsys, store)


def remount(folder: Path, mode: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{mode}", str(folder)], check=True)


@pytest.mark.parametrize("command", thinned(["run", "work"], 2))
def test_a_filesystem_that_turns_read_only(
    before: dict[str, Any], small_disk: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    store = small_disk / "x.zarr"
    assert outcome(capsys, "init", MODEL, "--out", store, *RUN[:4])[0] == 0
    before[""] = lambda first: remount(small_disk, "ro") if first == 48 else None
    whole = ["run", MODEL, "--out", store, *RUN]
    task = ["work", store, "--task", "0", "--tasks", "1", "--threads", "1"]
    code, err = outcome(capsys, *(whole if command == "run" else task))
    line = err.splitlines()[-1]
    assert code == 1
    assert "Read-only file system: block 3 of 8 was not stored" in line
    code, err = outcome(capsys, *whole)  # read-only from the start
    assert (code, err.count("\n")) == (1, 1)
    assert "Read-only file system" in err
    assert all_sound(store) == 3
    remount(small_disk, "rw")
    before[""] = lambda first: None
    continues(capsys, store)


def test_a_limit_on_the_size_of_files(
    before: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = tmp_path / "x.zarr"
    assert outcome(capsys, "init", MODEL, "--out", store, *RUN[:4])[0] == 0
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, usual[1]))
    try:
        code, err = outcome(capsys, "run", MODEL, "--out", store, *RUN)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)
    assert (code, err.count("\n")) == (1, 1), err
    assert "File too large" in err
    assert all_sound(store) == 0
    continues(capsys, store)


def limited(limit: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-W", "error", "-c", FAKE, *map(str, arguments)]
    return subprocess.run(
        ["bash", "-c", f'ulimit {limit}; exec "$@"', "-", *words],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("limit", thinned(["-n 24", "-v 1500000"], 2))
def test_a_limit_is_kept_or_is_one_line(
    before: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str], limit: str
) -> None:
    store = tmp_path / "x.zarr"
    done = limited(limit, "run", MODEL, "--out", store, *RUN, "--json")
    if done.returncode:
        assert done.returncode == 1, done.stderr
        assert done.stderr.count("\n") == 1, done.stderr
        assert "bug" not in done.stderr
    continues(capsys, store)


@pytest.mark.slow  # two processes; one after the other: tests/ensemble/test_create.py
def test_two_models_at_one_path(
    before: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One of them wins, and the other says so."""
    store = tmp_path / "x.zarr"
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", FAKE, "run", MODEL, "--out", store, *RUN, "--json", *other],
            cwd=ROOT,
            env=env,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for other in ([], ["--set", "processes.n2.alpha=3"])
    ]
    errors = [process.communicate(timeout=120)[1] for process in processes]
    codes = [process.returncode for process in processes]
    assert sorted(codes) in ([0, 1], [0, 75]), errors
    loser = errors[0] if codes[0] else errors[1]
    assert loser.count("\n") == 1
    assert "holds another run" in loser or "another process created it meanwhile" in loser
    assert all_sound(store) == 8
    if codes[0] == 0:
        continues(capsys, store)
