"""How many cores this process may use."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

SLURM_CPUS = "SLURM_CPUS_PER_TASK"


def available_cores(root: Path = Path("/"), environ: Mapping[str, str] = os.environ) -> int:
    """Return the least of the affinity mask, the CPU quota of the cgroup and Slurm's allocation.

    A quota of 1.5 cores counts as 2. ``root`` is where /proc and /sys are.
    """
    limits = [_affinity(), *(math.ceil(cores) for cores in _quotas(root))]
    allocated = environ.get(SLURM_CPUS, "")
    if allocated.isdecimal():
        limits.append(int(allocated))
    return max(1, min(limits))


def _affinity() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _quotas(root: Path) -> Iterator[float]:
    """The CPU quotas, in cores, of this process's cgroup and of those above it."""
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        for folder in _folders(path):
            if not controllers:  # version 2
                yield from _quota(*_text(root / "sys/fs/cgroup" / folder / "cpu.max").split())
            elif "cpu" in controllers.split(","):
                for mount in ("cpu", controllers):
                    base = root / "sys/fs/cgroup" / mount / folder
                    files = (base / f"cpu.cfs_{name}_us" for name in ("quota", "period"))
                    yield from _quota(*(word for file in files for word in _text(file).split()))


def _folders(path: str) -> list[PurePosixPath]:
    """A cgroup's path below its mount, and those above it, as a container may see only the last."""
    inside = PurePosixPath(path.lstrip("/"))
    return [inside, *inside.parents]


def _quota(*words: str) -> Iterator[float]:
    """The cores of a quota and a period in microseconds; none where the quota is "max" or -1."""
    if len(words) == 2 and all(word.isdecimal() and int(word) > 0 for word in words):
        yield int(words[0]) / int(words[1])


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""
