"""Blocks on a Dask cluster: the same bits as on this machine."""

import builtins
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import yieldsim
from tests.ensemble.fake import MODEL, FakeSimulator
from tests.paths import ROOT
from yieldsim.cli.main import main
from yieldsim.errors import UsageError
from yieldsim.execute import execute

RUN = {"realizations": 128, "seed": 5, "block_size": 16}
OPTIONS = [f"--{name.replace('_', '-')}={value}" for name, value in RUN.items()]


def refused(capsys: pytest.CaptureFixture[str], code: int, words: str, *options: str) -> None:
    assert main(["run", str(MODEL), *options]) == code
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert words in err


def test_a_missing_install_names_the_extra(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    imported = builtins.__import__

    def without_dask(name: str, *given: Any, **named: Any) -> Any:
        if name.split(".", maxsplit=1)[0] in ("dask", "distributed"):
            raise ImportError(name)
        return imported(name, *given, **named)

    monkeypatch.setattr("yieldsim.supply.simulate.Simulator", FakeSimulator)
    monkeypatch.setattr(builtins, "__import__", without_dask)
    monkeypatch.chdir(tmp_path)
    refused(capsys, 2, "pip install 'yieldsim[dask]'", "--executor", "dask")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "where"),
    [
        (["--scheduler", "tcp://127.0.0.1:9"], "--scheduler: is for --executor dask"),
        (["--scheduler-file", "s.json"], "--scheduler-file: is for --executor dask"),
        (["--executor", "dask", "--scheduler-file", "s.json"], "--scheduler-file: no such file"),
    ],
)
def test_a_scheduler_that_is_not_there(
    options: list[str],
    where: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr("yieldsim.supply.simulate.Simulator", FakeSimulator)
    monkeypatch.chdir(tmp_path)
    refused(capsys, 2, where, *options)


def test_an_ensemble_in_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("yieldsim.supply.simulate.Simulator", FakeSimulator)
    with pytest.raises(UsageError, match="executor: dask needs a store"):
        execute(MODEL, executor="dask")


# -- real clusters


def command(*arguments: object, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "yieldsim", *map(str, arguments)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


@pytest.fixture(scope="module")
def whole() -> xr.Dataset:
    return yieldsim.run(MODEL, **RUN).load()


def bit_identical(store: Path, whole: xr.Dataset) -> None:
    ds = yieldsim.open_ensemble(store)
    assert set(ds.variables) == set(whole.variables)
    for name in whole.variables:
        np.testing.assert_array_equal(ds[name].values, whole[name].values, strict=True)


@pytest.mark.integration
def test_a_cluster_of_two_processes_here(tmp_path: Path, whole: xr.Dataset) -> None:
    pytest.importorskip("distributed")
    done = command(
        "run", MODEL, *OPTIONS, "--executor", "dask", "--threads", 2, "--out", "x.zarr", "--log",
        folder=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr.count(" stored, ") == 8
    bit_identical(tmp_path / "x.zarr", whole)


def daemon(*words: object, folder: Path) -> subprocess.Popen[bytes]:
    with open(folder / "cluster.log", "ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "dask", *map(str, words)],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=log,
            stderr=log,
        )


@pytest.fixture
def scheduler(tmp_path: Path) -> Iterator[Path]:
    """The file of a scheduler with two workers, whose working folder is another."""
    pytest.importorskip("distributed")
    folder = tmp_path / "cluster"
    folder.mkdir()
    file = folder / "scheduler.json"
    at = ["--scheduler-file", file]
    processes = [
        daemon(
            "scheduler", *at, "--host", "127.0.0.1", "--port", 0, "--no-dashboard", folder=folder
        )
    ]
    try:
        deadline = time.monotonic() + 60.0
        while not file.exists():
            assert time.monotonic() < deadline, (folder / "cluster.log").read_text()
            time.sleep(0.1)
        for _ in range(2):
            options = ["--nthreads", 1, "--no-nanny", "--no-dashboard"]
            processes.append(daemon("worker", *at, *options, folder=folder))
        yield file
    finally:
        for process in processes:
            process.kill()
            process.wait()


@pytest.mark.integration
def test_a_scheduler_by_its_file_and_address(
    scheduler: Path, tmp_path: Path, whole: xr.Dataset
) -> None:
    address = json.loads(scheduler.read_text())["address"]
    dask = ["run", MODEL, *OPTIONS, "--executor", "dask", "--out", "x.zarr", "--json"]
    done = command(*dask, "--scheduler-file", scheduler, folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["blocks_computed"] == 8
    bit_identical(tmp_path / "x.zarr", whole)

    # damaged blocks are computed again, although the scheduler may remember their keys
    (tmp_path / "x.zarr" / "block_done" / "c.3").unlink()
    damaged = tmp_path / "x.zarr" / "usable_chips" / "c.0.5.0.0"
    damaged.write_bytes(damaged.read_bytes()[:-1])
    done = command(*dask, "--scheduler", address, folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["blocks_computed"] == 2
    bit_identical(tmp_path / "x.zarr", whole)


@pytest.mark.integration
def test_a_store_that_workers_do_not_see_is_one_line(scheduler: Path, tmp_path: Path) -> None:
    """A memory URL is the same name and another place in each process."""
    done = command(
        "run", MODEL, *OPTIONS, "--executor", "dask", "--out", "memory://x.zarr",
        "--scheduler-file", scheduler, folder=tmp_path,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "is not there for the worker" in done.stderr
