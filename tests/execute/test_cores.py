"""The cores of a process, from made-up files of the kernel."""

import os
from pathlib import Path

import pytest

from yieldsim.execute.cores import available_cores

VERSION_2 = "0::/user/job_7\n"
VERSION_1 = "9:memory:/job_7\n4:cpu,cpuacct:/job_7\n1:name=systemd:/\n"


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with 64 cores and no quota."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(64)), raising=False)
    return tmp_path


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({}, 64),
        ({"proc/self/cgroup": VERSION_2}, 64),
        ({"proc/self/cgroup": VERSION_2, "sys/fs/cgroup/user/job_7/cpu.max": "max 100000\n"}, 64),
        ({"proc/self/cgroup": VERSION_2, "sys/fs/cgroup/user/job_7/cpu.max": "400000 100000"}, 4),
        ({"proc/self/cgroup": VERSION_2, "sys/fs/cgroup/user/cpu.max": "150000 100000"}, 2),
        ({"proc/self/cgroup": VERSION_2, "sys/fs/cgroup/cpu.max": "10000 100000"}, 1),
        ({"proc/self/cgroup": VERSION_2, "sys/fs/cgroup/cpu.max": "garbage"}, 64),
        ({"proc/self/cgroup": VERSION_2, "sys/fs/cgroup/cpu.max": "1 0"}, 64),
        (
            {
                "proc/self/cgroup": VERSION_1,
                "sys/fs/cgroup/cpu,cpuacct/job_7/cpu.cfs_quota_us": "300000\n",
                "sys/fs/cgroup/cpu,cpuacct/job_7/cpu.cfs_period_us": "100000\n",
            },
            3,
        ),
        (
            {
                "proc/self/cgroup": VERSION_1,
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
                "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
            },
            64,
        ),
    ],
)
def test_the_quota_of_the_cgroup(machine: Path, files: dict[str, str], cores: int) -> None:
    write(machine, files)
    assert available_cores(machine, {}) == cores


@pytest.mark.parametrize(("text", "cores"), [("8", 8), ("128", 64), ("", 64), ("x", 64), ("0", 1)])
def test_what_slurm_gave(machine: Path, text: str, cores: int) -> None:
    assert available_cores(machine, {"SLURM_CPUS_PER_TASK": text}) == cores


def test_this_machine() -> None:
    assert available_cores() >= 1
