"""What a store costs beside the simulation, and two worker processes beside one.

The store's cost is the time of a run to a folder less that of the same blocks simulated and thrown
away, with the same threads, taken in turn. Every round compares its own pair of neighbours in time.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import measure

import yieldsim
from yieldsim.execute.ensemble_run import init_store
from yieldsim.execute.job import new_job
from yieldsim.execute.local import run_blocks

SEED = 7
ENOUGH = 1.9  # times the speed of one process that two are to have
MOST_MS = 0.7  # a realization of the baseline
HEADS = ("wall ms each", "more", "median", "CPU ms each", "more", "median")


@dataclass(frozen=True)
class Size:
    """How much is computed."""

    model: str
    stored: int  # realizations of a run
    block_size: int
    worked: int  # realizations that the processes share
    rounds: int


# 354 is the block size of 100,000 realizations of the baseline
FULL = Size("baseline", 1_416, 354, 5_664, 3)
QUICK = Size(str(Path(__file__).with_name("analyst.toml")), 64, 16, 64, 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes, on the small model")
    size = QUICK if parser.parse_args().quick else FULL
    print(f"{Path(size.model).stem}; {measure.machine()}")
    for threads in (1, 2):
        cost(size, threads)
    parts(size)
    workers(size)


def cost(size: Size, threads: int) -> None:
    """Print what a store costs a realization, over the blocks alone and over a run in memory."""
    cases: dict[str, Callable[[Path], object]] = {
        "blocks alone": lambda _: blocks_alone(size, threads),
        "run in memory": lambda _: run(size, threads, None),
        "run to a store": lambda folder: run(size, threads, folder / "x.zarr"),
    }
    yieldsim.run(size.model, realizations=1)  # loads the kernels
    rounds = [measure.side_by_side(cases, 1) for _ in range(size.rounds)]
    rows = []
    for name in cases:
        row = [name]
        for clock in ("wall_s", "cpu_s"):
            times = {case: [getattr(one[case], clock) for one in rounds] for case in cases}
            first, several = times["blocks alone"], times[name]
            extra = [after - before for before, after in zip(first, several, strict=True)]
            figures = [min(several), min(several) - min(first), statistics.median(extra)]
            row += [f"{1e3 * seconds / size.stored:.3f}" for seconds in figures]
        rows.append(row)
    title = (
        f"A store of {size.stored:,} realizations in blocks of {size.block_size}, "
        f"{threads} thread(s), {size.rounds} rounds"
    )
    measure.table(title, ["", *HEADS], rows)
    print("  more: than the blocks alone, of the least times; median: of the rounds' differences")
    print(f"  asked of the baseline: at most {MOST_MS} ms a realization")


def blocks_alone(size: Size, threads: int) -> None:
    """Simulate the blocks of a run and keep nothing."""
    job = new_job(size.model, realizations=size.stored, seed=SEED, block_size=size.block_size)

    def work(block: int) -> int:
        first, count = job.plan.span(block)
        job.source.block(first, count)
        return count

    run_blocks(work, range(job.plan.blocks), threads)


def run(size: Size, threads: int, out: Path | None) -> None:
    yieldsim.run(
        size.model,
        realizations=size.stored,
        seed=SEED,
        block_size=size.block_size,
        threads=threads,
        out=out,
    )


def parts(size: Size) -> None:
    """Print where the processor time of a run to a store goes."""
    with measure.scratch() as folder:
        measure.show_parts(
            f"Where the time goes, {size.stored:,} realizations, 1 thread",
            size.stored,
            lambda: run(size, 1, folder / "x.zarr"),
        )


def workers(size: Size) -> None:
    """Print the time of one process of `yieldsim work` for all blocks, and of two for half each."""
    whole: dict[int, list[float]] = {1: [], 2: []}
    inside: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(size.rounds):
        for tasks in (1, 2):
            seconds, slowest = worked(size, tasks)
            whole[tasks].append(seconds)
            inside[tasks].append(slowest)
    rows = []
    for name, times in (("commands", whole), ("without starting Python", inside)):
        ratios = [one / two for one, two in zip(times[1], times[2], strict=True)]
        rates = [f"{size.worked / min(times[tasks]):,.0f}" for tasks in times]
        spread = f"{min(ratios):.2f} {statistics.median(ratios):.2f} {max(ratios):.2f}"
        rows.append([name, *rates, spread])
    heads = ["realizations a second", "1 process", "2 processes", "ratio: least, median, most"]
    title = f"Processes of yieldsim work, {size.worked:,} realizations, one thread each"
    measure.table(title, heads, rows)
    print(f"  asked: at least {ENOUGH}")


def worked(size: Size, tasks: int) -> tuple[float, float]:
    """Wall seconds until all tasks have ended, and the most seconds that one says it worked."""
    with measure.scratch() as folder:
        out = folder / "x.zarr"
        init_store(
            size.model, out=out, realizations=size.worked, seed=SEED, block_size=size.block_size
        )
        start = time.perf_counter()
        command = [sys.executable, "-m", "yieldsim", "work", str(out), "--threads", "1", "--json"]
        share = ["--tasks", str(tasks), "--task"]
        processes = [
            subprocess.Popen(
                [*command, *share, str(task)],
                cwd=measure.ROOT,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
            for task in range(tasks)
        ]
        said = [json.loads(process.communicate()[0]) for process in processes]
        return time.perf_counter() - start, max(one["seconds"] for one in said)


if __name__ == "__main__":
    main()
