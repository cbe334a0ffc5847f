"""What the benchmarks share: clocks, peak memory, time by part, and tables."""

from __future__ import annotations

import argparse
import inspect
import math
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

Size = TypeVar("Size")
ROOT = Path(__file__).resolve().parent.parent
_MIB = 2.0**20


@dataclass(frozen=True)
class Timing:
    """Wall-clock seconds, and processor seconds of all threads of the process."""

    wall_s: float
    cpu_s: float


def cpu_s() -> float:
    """Processor seconds that all threads of this process have used.

    `time.process_time` stands still between ticks of 4 ms under a limit of processor time (ulimit
    -t, and some batch systems). A short call then took no time at all.
    """
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def timed(work: Callable[..., object], *arguments: object) -> Timing:
    """The time of one call."""
    wall, cpu = time.perf_counter(), cpu_s()
    work(*arguments)
    return Timing(time.perf_counter() - wall, cpu_s() - cpu)


def least(timings: Iterable[Timing]) -> Timing:
    """The least wall time and the least processor time of some repeats.

    Other load on the machine only ever adds time, so the least is the best estimate.
    """
    timings = list(timings)
    return Timing(min(t.wall_s for t in timings), min(t.cpu_s for t in timings))


@contextmanager
def scratch() -> Iterator[Path]:
    """An empty folder, deleted afterwards."""
    with tempfile.TemporaryDirectory(prefix="yieldsim-bench-") as folder:
        yield Path(folder)


def side_by_side(cases: Mapping[str, Callable[[Path], object]], repeats: int) -> dict[str, Timing]:
    """The least times of each case; every round runs each case once, in an empty folder."""
    timings: dict[str, list[Timing]] = {name: [] for name in cases}
    for _ in range(repeats):
        for name, case in cases.items():
            with scratch() as folder:
                timings[name].append(timed(case, folder))
    return {name: least(several) for name, several in timings.items()}


def least_times(cases: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Least wall-clock seconds of each case; every round runs each case once.

    An earlier round, which is not counted, compiles what the cases need or reads it from the cache.
    """
    for case in cases.values():
        case()
    best = dict.fromkeys(cases, math.inf)
    for _ in range(rounds):
        for name, case in cases.items():
            best[name] = min(best[name], timed(case).wall_s)
    return best


def peak_mib() -> float:
    """Peak resident memory of this process, MiB."""
    # On Linux, ru_maxrss of a child process includes pages of its parent. VmHWM counts this address
    # space alone, so it is preferred.
    status = Path("/proc/self/status")
    if status.exists():
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        if "VmHWM" in lines:
            return float(lines["VmHWM"].split()[0]) * 1024.0 / _MIB
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / _MIB if sys.platform == "darwin" else peak * 1024.0 / _MIB


def child(*arguments: str, env: Mapping[str, str] | None = None) -> tuple[str, Timing]:
    """Run this Python with some arguments and return its stdout and its times.

    The repository and its benchmarks are on its path. Raises RuntimeError with its stderr if it
    fails.
    """
    paths = [str(ROOT), str(ROOT / "benchmarks"), os.environ.get("PYTHONPATH", "")]
    full = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths)), **(env or {})}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, *arguments], env=full, capture_output=True, text=True, check=False
    )
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise RuntimeError(f"{' '.join(arguments)}: exit {done.returncode}\n{done.stderr}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return done.stdout, Timing(wall, cpu)


def apart(function: Callable[[str], None], argument: Path) -> list[str]:
    """Call a function of a benchmark in a process of its own, and return the lines it printed."""
    module = Path(inspect.getfile(function)).stem
    code = f"import {module}; {module}.{function.__name__}({str(argument)!r})"
    return child("-c", code)[0].splitlines()


def cost(took: Timing) -> str:
    """The cells of wall and processor seconds and of this process's peak memory, MiB."""
    return f"{took.wall_s:.1f} {took.cpu_s:.1f} {peak_mib():.0f}"


COST = ("wall s", "CPU s", "peak MiB")  # the heads of those cells


class Parts:
    """Sums the processor time of calls of some functions, without that of watched inner calls.

    Use it with one working thread, because the processor clock is that of the whole process.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._inner = [0.0]

    @contextmanager
    def watching(self, places: Mapping[str, Sequence[tuple[Any, str]]]) -> Iterator[Parts]:
        """Within the context, measure the functions ``(owner, attribute)`` of each named part."""
        kept = []
        for part, functions in places.items():
            for owner, attribute in functions:
                function = getattr(owner, attribute)
                kept.append((owner, attribute, function))
                setattr(owner, attribute, self._timed(part, function))
        try:
            yield self
        finally:
            for owner, attribute, function in kept:
                setattr(owner, attribute, function)

    def _timed(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def measured(*args: Any, **kwargs: Any) -> Any:
            start = cpu_s()
            self._inner.append(0.0)
            try:
                return function(*args, **kwargs)
            finally:
                spent = cpu_s() - start
                self.seconds[part] += spent - self._inner.pop()
                self._inner[-1] += spent

        return measured


def show_parts(title: str, draws: int, work: Callable[[], object]) -> None:
    """Print where the processor time of a whole run with one thread goes."""
    # Imported late, because the peak memory of plain NumPy is measured with this module loaded.
    from yieldsim.ensemble import Writer, write
    from yieldsim.execute import ensemble_run
    from yieldsim.supply import simulate
    from yieldsim.supply.compile import Compiled

    places: dict[str, list[tuple[Any, str]]] = {
        "sampling": [(Compiled, "draw")],
        "kernel": [(simulate, "simulate_block")],
        "layout of results": [(simulate.Simulator, "block")],
        "compression": [(write, "encode")],
        "files": [(Writer, "write")],
        "finalize": [(ensemble_run, "finalize")],
        "loading, new store": [(ensemble_run, "execute")],
    }
    clock = Parts()
    with clock.watching(places):
        work()
    total = sum(clock.seconds.values())
    parts = [(part, clock.seconds[part]) for part in places]
    rows = [
        [part, f"{s:.3f}", f"{1e6 * s / draws:,.2f}", f"{s / total:.0%}"]
        for part, s in [*parts, ("total", total)]
    ]
    table(title, ["", "CPU s", "us each", "share"], rows)


def table(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table: first column left-aligned, figures right-aligned."""
    widths = [max(len(cell) for cell in column) for column in zip(heads, *rows, strict=True)]
    print(f"\n{title}")
    for row in (heads, *rows):
        first, *others = (
            cell.rjust(width) if number else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        print("  " + "  ".join([first, *others]).rstrip())


def size_asked(description: str | None, full: Size, quick: Size) -> Size:
    """The size of a benchmark by its option ``--quick``; the machine is printed first."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--quick", action="store_true", help="small sizes")
    options = parser.parse_args()
    print(machine())
    return quick if options.quick else full


def machine() -> str:
    """The machine and the versions, in one line."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    software = ", ".join(f"{name} {version(name)}" for name in ("numpy", "numba", "zarr"))
    where = f"{cores} cores, {platform.machine()}, {platform.system()}"
    return f"{where}, Python {platform.python_version()}, {software}"
