"""The script of a Slurm array: its text, and on a real Slurm of one node."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import yieldsim
from tests.ensemble.fake import MODEL, FakeSimulator
from tests.paths import ROOT
from yieldsim.cli.main import main
from yieldsim.ensemble import Folder, marked_blocks
from yieldsim.errors import UsageError
from yieldsim.execute.slurm import ArrayOptions, array_script

SLURM = Path(__file__).with_name("slurm_local.sh")
RUN = {"realizations": 512, "seed": 5, "block_size": 16}  # 32 blocks


def script(**options: object) -> str:
    return array_script("/data/my store.zarr", "yieldsim-my store", ArrayOptions(**options))


def test_the_script_is_bash() -> None:
    text = script(tasks=8, at_once=2, cpus=4, time="4:00:00", mem="2G", others=["--qos=low"])
    done = subprocess.run(["bash", "-n"], input=text, text=True, check=False, capture_output=True)
    assert (done.returncode, done.stderr) == (0, "")
    lines = text.splitlines()
    for directive in (
        "--array=0-7%2",
        "--cpus-per-task=4",
        "--time=4:00:00",
        "--mem=2G",
        "--qos=low",
        "--signal=B:USR1@60",
        "--requeue",
        "--job-name=yieldsim-my_store",
    ):
        assert f"#SBATCH {directive}" in lines
    assert "store='/data/my store.zarr'" in lines
    assert '--dependency="afterany:$SLURM_ARRAY_JOB_ID"' in text
    assert "--tasks 8" in text


@pytest.mark.parametrize(
    ("options", "where"),
    [
        ({"time": "2"}, "--time"),
        ({"time": "0:02:59"}, "--time"),
        ({"time": "4 h"}, "--time"),
        ({"mem": "2G; x"}, "--mem"),
        ({"partition": "a\n#SBATCH --wait"}, "--partition"),
        ({"others": ["qos"]}, "--option"),
        ({"others": ["--qos=a b"]}, "--option"),
    ],
)
def test_options_that_slurm_would_misread(options: dict[str, object], where: str) -> None:
    with pytest.raises(UsageError) as error:
        script(tasks=8, **options)
    assert error.value.where == where


@pytest.mark.parametrize("time", ["3", "3:00", "0:03:00", "0-1", "1-00:00", "UNLIMITED"])
def test_time_limits_of_slurm(time: str) -> None:
    assert f"#SBATCH --time={time}" in script(tasks=8, time=time)


@pytest.mark.parametrize(
    ("code", "restarts", "trap", "requeued"),
    [
        (0, 0, "", False),
        (1, 0, "", False),
        (75, 0, "", True),
        (75, 50, "", True),
        (137, 0, "", True),
        (137, 10, "", False),  # the same kill again and again
        (75, 0, "TERM", False),  # cancelled
        (75, 0, "USR1", True),
        (0, 0, "USR1", False),
    ],
)
def test_which_tasks_are_queued_again(
    tmp_path: Path, code: int, restarts: int, trap: str, requeued: bool
) -> None:
    """The script in bash, where all commands that it calls are made up."""
    act = (
        f"trap '' TERM USR1; kill -{trap} $PPID; sleep 0.3; exit {code}" if trap else f"exit {code}"
    )
    made_up = {"work": act, "scontrol": "echo scontrol $* >>calls", "sbatch": "echo sbatch >>calls"}
    for name, line in made_up.items():
        (tmp_path / name).write_text(f"#!/bin/bash\n{line}\n")
        (tmp_path / name).chmod(0o755)
    text = script(tasks=8).replace(f"({sys.executable} -m yieldsim)", f"({tmp_path}/work)")
    names = {"TASK_ID": 0, "TASK_MIN": 0, "JOB_ID": 70}
    array = {f"SLURM_ARRAY_{name}": str(value) for name, value in names.items()}
    path = f"{tmp_path}:{os.environ['PATH']}"
    env = {**array, "SLURM_JOB_ID": "71", "SLURM_RESTART_COUNT": str(restarts), "PATH": path}
    done = subprocess.run(["bash", "-c", text], cwd=tmp_path, env=env, check=False, timeout=30)
    calls = tmp_path / "calls"
    assert done.returncode == code
    expected = ["sbatch"] if restarts == 0 else []  # the last job, once
    expected += ["scontrol requeue 71"] if requeued else []
    assert (calls.read_text().splitlines() if calls.exists() else []) == expected


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr("yieldsim.supply.simulate.Simulator", FakeSimulator)
    assert (
        main(["init", str(MODEL), "--out", str(tmp_path / "x.zarr"), "--realizations", "64"]) == 0
    )
    return tmp_path / "x.zarr"


def test_the_command_prints_the_script(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["slurm", str(store), "--tasks", "8", "--time", "30"]) == 0
    out = capsys.readouterr().out
    assert out == array_script(str(store), "yieldsim-x", ArrayOptions(8, time="30"))


def test_no_store_no_sbatch_and_a_complete_store(
    store: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(code: int, words: str, *arguments: object) -> None:
        capsys.readouterr()
        assert main(["slurm", *map(str, arguments), "--tasks", "8"]) == code
        out, err = capsys.readouterr()
        assert (out, err.count("\n")) == ("", 1)
        assert words in err

    refused(1, "no such ensemble store", store.parent / "nonesuch.zarr")
    with monkeypatch.context() as patch:
        patch.setenv("PATH", "")
        refused(2, "sbatch is not installed", store, "--submit")
    assert main(["run", str(MODEL), "--out", str(store), "--realizations", "64", "--json"]) == 0
    refused(1, "is complete", store)


# -- a real Slurm


class Cluster:
    """A Slurm of one node."""

    def __init__(self, folder: Path, env: dict[str, str]) -> None:
        self.folder, self.env = folder, env

    def __call__(self, *command: str, text: str | None = None) -> str:
        done = subprocess.run(
            command,
            input=text,
            cwd=self.folder,
            env=self.env,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        return done.stdout

    def yieldsim(self, *arguments: object) -> str:
        return self(sys.executable, "-m", "yieldsim", *map(str, arguments))

    def logs(self) -> str:
        files = sorted(self.folder.glob("slurm-*.out"))
        return "\n".join(f"{file.name}:\n{file.read_text()}" for file in files)

    def until(self, holds: Callable[[], object], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < deadline, self("squeue") + self.logs()
            time.sleep(0.1)


def free_port() -> int:
    """A port that is free, as is the one after it, below those that outgoing connections take."""
    return next(port for port in range(20000, 32000, 2) if is_free(port) and is_free(port + 1))


def is_free(port: int) -> bool:
    with socket.socket() as listener:
        try:
            listener.bind(("", port))
        except OSError:
            return False
    return True


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    if os.geteuid() != 0:
        pytest.skip("starting Slurm's daemons needs root")
    if any(shutil.which(name) is None for name in ("slurmctld", "slurmd", "munged")):
        pytest.skip("the Debian packages slurm-wlm and munge are not installed")
    folder, port = tmp_path / "slurm", str(free_port())
    started = subprocess.run([SLURM, "up", folder, port], check=False, timeout=120)
    env = {**os.environ, "SLURM_CONF": str(folder / "slurm.conf"), "PYTHONPATH": str(ROOT)}
    # the kernels that the tests compiled: an empty name is Numba's default
    env.setdefault("NUMBA_CACHE_DIR", "")
    try:
        assert started.returncode == 0
        yield Cluster(tmp_path, env)
    finally:
        subprocess.run([SLURM, "down", folder, port], check=False, timeout=120)


def process_of_task(store: Path, task: int) -> int | None:
    """The process of `yieldsim work` of a task that runs now."""
    wanted = ["work", str(store), "--task", str(task)]
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes().decode().split("\0")
        except OSError:
            continue
        if words[3:7] == wanted:
            return int(entry.name)
    return None


def status(process: int | None) -> dict[str, Any]:
    """What /proc says of a process, and whether it has a handler of SIGUSR1."""
    try:
        text = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return {}
    lines = dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)
    caught = int(lines["SigCgt"], 16)
    return {**lines, "hears USR1": bool(caught >> (signal.SIGUSR1 - 1) & 1)}


def bit_identical(store: Path) -> None:
    whole = yieldsim.run(MODEL, **RUN)
    ds = yieldsim.open_ensemble(store)
    assert set(ds.variables) == set(whole.variables)
    for name in whole.variables:
        np.testing.assert_array_equal(ds[name].values, whole[name].values, strict=True)


def submitted(cluster: Cluster, *options: str) -> tuple[Path, str]:
    """A store, and the job of the array that was submitted by its printed script."""
    store = cluster.folder / "x.zarr"
    options_of_run = [f"--{name.replace('_', '-')}={value}" for name, value in RUN.items()]
    cluster.yieldsim("init", MODEL, "--out", store, *options_of_run)
    text = cluster.yieldsim("slurm", store, "--tasks", 8, "--at-once", 2, "--mem", 900, *options)
    return store, cluster("sbatch", "--parsable", text=text).strip()


def complete(cluster: Cluster, store: Path, seconds: float) -> None:
    cluster.until(lambda: b'"status": "complete"' in (store / "zarr.json").read_bytes(), seconds)


def restarts(cluster: Cluster, job: str, task: int) -> int:
    words = cluster("scontrol", "show", "job", f"{job}_{task}").split()
    return int(next(word for word in words if word.startswith("Restarts=")).partition("=")[2])


@pytest.mark.integration
def test_an_array_with_a_kill_and_a_signal(cluster: Cluster) -> None:
    store, job = submitted(cluster)
    cluster.until(lambda: process_of_task(store, 0), 60)
    os.kill(process_of_task(store, 0) or 0, signal.SIGKILL)
    cluster.until(lambda: status(process_of_task(store, 3)).get("hears USR1"), 300)
    # the script gets what Slurm sends before the time limit, and hands it on
    os.kill(int(status(process_of_task(store, 3))["PPid"]), signal.SIGUSR1)
    complete(cluster, store, 300)
    assert len(marked_blocks(Folder(store))) == 32
    assert (restarts(cluster, job, 0), restarts(cluster, job, 3)) == (1, 1), cluster.logs()
    assert "interrupted" in (cluster.folder / f"slurm-{job}_3.out").read_text()
    bit_identical(store)


@pytest.mark.integration
@pytest.mark.slow
def test_a_node_that_goes_down_and_a_task_at_its_time_limit(cluster: Cluster) -> None:
    """The tasks of a lost node come back; one that hangs is killed before the limit, and too."""
    store, job = submitted(cluster, "--time", "3")
    cluster.until(lambda: process_of_task(store, 2), 120)
    node = cluster("sinfo", "-h", "-o", "%n").strip()
    cluster("scontrol", "update", f"nodename={node}", "state=down", "reason=test")
    cluster.until(lambda: process_of_task(store, 2) is None, 60)
    # it comes back by itself where slurmd registers again first
    resume = ["scontrol", "update", f"nodename={node}", "state=resume"]
    subprocess.run(resume, env=cluster.env, check=False, capture_output=True)
    cluster.until(lambda: process_of_task(store, 5), 300)
    assert restarts(cluster, job, 2) == 1
    os.kill(process_of_task(store, 5) or 0, signal.SIGSTOP)
    complete(cluster, store, 600)
    assert restarts(cluster, job, 5) == 1
    bit_identical(store)


@pytest.mark.integration
@pytest.mark.slow
def test_a_cancelled_task_stays_cancelled(cluster: Cluster) -> None:
    store, job = submitted(cluster)
    cluster.until(lambda: process_of_task(store, 0), 60)
    cluster("scancel", job)
    cluster.until(lambda: process_of_task(store, 0) is None, 60)
    time.sleep(5.0)
    assert cluster("squeue", "-h", "-j", job).strip() == "", cluster.logs()
