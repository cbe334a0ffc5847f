"""How a run grows with its realizations: time, memory, files, bytes, and what reading costs.

The runs are whole, each in a process of its own. A million realizations are a slice: some blocks of
the full run are computed, and the rest of the store repeats their files (hard links), with records
and markers of their own. Finalizing and reading such a store takes the time and memory of a real
one, except that its files stay in the page cache.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import measure

from yieldsim.analysis import summarize
from yieldsim.analysis.statistics.quantiles import quantiles
from yieldsim.ensemble import Folder, finalize, open_place
from yieldsim.ensemble.layout import DONE, chunk_name
from yieldsim.ensemble.ledger import BlockRecord, record_key
from yieldsim.ensemble.write import DONE_BYTES
from yieldsim.execute.estimate import files_of
from yieldsim.execute.job import Job, compute, new_job

SEED = 7
COMPUTED_BLOCKS = 4  # of the slice
QUARTER = 10  # the place of the quarter whose quantiles are read


@dataclass(frozen=True)
class Size:
    """How much is computed."""

    model: str
    runs: tuple[int, ...]
    slice: int


FULL = Size("baseline", (1_000, 10_000), 1_000_000)
QUICK = Size(str(Path(__file__).with_name("analyst.toml")), (32, 64), 400)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes, on the small model")
    parser.add_argument("--largest", type=int, help="realizations of one more run, the largest")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    size = QUICK if options.quick else FULL
    runs = [*size.runs, *([options.largest] if options.largest else [])]
    print(f"{Path(size.model).stem}; {measure.machine()}")
    with measure.scratch() as folder:
        growth(size.model, runs, options.threads, folder)
        read(f"Reading {runs[-1]:,} realizations", str(folder / f"{runs[-1]}.zarr"), True)
    with measure.scratch() as folder:
        million(size, options.threads, folder)


def growth(model: str, runs: list[int], threads: int, folder: Path) -> None:
    """Print what a realization costs in runs of several sizes; the stores stay in the folder."""
    rows: list[list[str]] = []
    before = (0, 0.0)  # realizations and processor seconds of the run before
    for count in runs:
        out = str(folder / f"{count}.zarr")
        done = apart("whole_run", model, count, out, threads)
        spent = done["compute"][1] + done["finalize"][1]
        further = (spent - before[1]) / (count - before[0])
        before = (count, spent)
        files, size = contents(Path(out))
        assert files == done["planned_files"], "--dry-run counts the files of a run"
        rows.append(
            [
                f"{count:,} in {done['blocks']} of {done['block_size']}",
                f"{done['compute'][0]:.1f}",
                f"{1e3 * done['compute'][1] / count:.3f}",
                f"{done['finalize'][0]:.2f}",
                f"{1e3 * done['finalize'][1] / count:.3f}",
                f"{1e3 * further:.3f}",
                f"{done['peak_mib']:.0f}",
                f"{files:,}",
                f"{size / count / 1e3:.1f}",
            ]
        )
    heads = ["realizations", "blocks wall s", "CPU ms each", "finalize wall s", "CPU ms each"]
    heads += ["CPU ms each further", "peak MiB", "files", "kB each"]
    measure.table(f"Runs to a store, {threads} threads, kernels loaded before", heads, rows)
    print("  further: of the realizations that a run has more than the one before it")


def whole_run(model: str, realizations: int, out: str, threads: int) -> dict[str, Any]:
    """Run as `yieldsim run` does, with the time of each part (wall and processor)."""
    job = new_job(model, realizations=realizations, seed=SEED, out=out)
    job.source.block(0, 1)  # loads the kernels, which costs the same for any number
    blocks = range(job.plan.blocks)
    computing = measure.timed(compute, job, blocks, threads)
    finishing = measure.timed(lambda: finalize(job.place, checked=blocks))
    return {
        "blocks": job.plan.blocks,
        "block_size": job.plan.block_size,
        "planned_files": files_of(job),
        "compute": [computing.wall_s, computing.cpu_s],
        "finalize": [finishing.wall_s, finishing.cpu_s],
        "peak_mib": measure.peak_mib(),
    }


def read(title: str, store: str, cold: bool) -> None:
    """Print time and peak memory of reads; if ``cold``, also with no file in the page cache."""
    rows = []
    for name, what in READS.items():
        times = [apart("timed_read", store, what.__name__, True)] if cold else []
        times.append(apart("timed_read", store, what.__name__, False))
        last = times[-1]
        seconds = [f"{one['seconds']:.2f}" for one in times]
        rows.append([name, *seconds, f"{last['cpu']:.2f}", f"{last['peak_mib']:.0f}"])
    heads = [*(["from disk, s"] if cold else []), "from memory, s", "CPU s", "peak MiB"]
    measure.table(title, ["", *heads], rows)


def one_variable(store: str) -> None:
    """All realizations of one figure by quarter."""
    open_place(Folder(store))["usable_chips_total"].to_numpy()


def one_product(store: str) -> None:
    """All quarters of one product."""
    chips = open_place(Folder(store))["usable_chips"]
    for part in range(0, chips.sizes["realization"], 10_000):
        chips.isel(product=0, realization=slice(part, part + 10_000)).to_numpy()


def stored_quantiles(store: str) -> None:
    """Quantiles of a quarter that the store carries already."""
    open_place(Folder(store))["usable_chips_quantile"].isel(quarter=_quarter(store)).to_numpy()


def quarter_quantiles(store: str) -> None:
    """Quantiles with their errors of a quarter's total and products, from all realizations."""
    ds = open_place(Folder(store))
    quantiles(ds.isel(quarter=[_quarter(store)]))


def _quarter(store: str) -> int:
    return min(QUARTER, open_place(Folder(store)).sizes["quarter"] - 1)


def summary(store: str) -> None:
    """What `yieldsim summary` computes."""
    summarize(open_place(Folder(store)))


READS: dict[str, Callable[[str], None]] = {
    "one variable (usable_chips_total)": one_variable,
    "one product (usable_chips)": one_product,
    "a quarter's quantiles, stored": stored_quantiles,
    "a quarter's quantiles and errors, computed": quarter_quantiles,
    "summary": summary,
}


def timed_read(store: str, what: str, cold: bool) -> dict[str, Any]:
    """The time of a read, and the most memory."""
    stored_quantiles(store)  # imports what a read needs
    if cold:
        forget(Path(store))
    timing = measure.timed(globals()[what], store)
    return {"seconds": timing.wall_s, "cpu": timing.cpu_s, "peak_mib": measure.peak_mib()}


def forget(folder: Path) -> None:
    """Ask the system to drop the files of a folder from its page cache."""
    os.sync()  # what is not yet on the disk stays
    for path in folder.rglob("*"):
        if path.is_file() and hasattr(os, "posix_fadvise"):
            file = os.open(path, os.O_RDONLY)
            os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(file)


def million(size: Size, threads: int, folder: Path) -> None:
    """Print time and memory of a slice of a run, and of finalizing and reading as many."""
    out = str(folder / "slice.zarr")
    done = apart("slice_run", size.model, size.slice, out, threads)
    start = time.perf_counter()
    repeat(size.model, size.slice, out)
    seconds = time.perf_counter() - start
    files, _ = contents(Path(out))
    finish = apart("finish", out)
    rows = [
        [f"{COMPUTED_BLOCKS} blocks of {done['block_size']}", *_cells(done)],
        ["finalize, reading every byte", *_cells(finish)],
    ]
    title = f"{size.slice:,} realizations in {done['blocks']:,} blocks"
    measure.table(title, ["", "wall s", "CPU s", "peak MiB"], rows)
    print(f"  {files:,} files before finalize, {done['planned_files']:,} planned after it")
    print(f"  (the other blocks repeat these; they were linked in {seconds:.0f} s)")
    read(f"Reading {size.slice:,} realizations", out, False)


def _cells(done: dict[str, Any]) -> list[str]:
    return [f"{done['seconds']:.2f}", f"{done['cpu']:.2f}", f"{done['peak_mib']:.0f}"]


def slice_run(model: str, realizations: int, out: str, threads: int) -> dict[str, Any]:
    """Compute the first blocks of a large run."""
    job = new_job(model, realizations=realizations, seed=SEED, out=out)
    job.source.block(0, 1)
    timing = measure.timed(compute, job, range(COMPUTED_BLOCKS), threads)
    return {
        "blocks": job.plan.blocks,
        "block_size": job.plan.block_size,
        "planned_files": files_of(job),
        "seconds": timing.wall_s,
        "cpu": timing.cpu_s,
        "peak_mib": measure.peak_mib(),
    }


def finish(out: str) -> dict[str, Any]:
    timing = measure.timed(finalize, Folder(out))
    return {"seconds": timing.wall_s, "cpu": timing.cpu_s, "peak_mib": measure.peak_mib()}


def repeat(model: str, realizations: int, out: str) -> None:
    """Fill the missing blocks of a store with links to the files of the first ones."""
    job = new_job(model, realizations=realizations, seed=SEED, out=out)
    for block in range(COMPUTED_BLOCKS, job.plan.blocks):
        link_block(job, Path(out), block % COMPUTED_BLOCKS, block)


def link_block(job: Job, folder: Path, first: int, block: int) -> None:
    """Give a block the files of another one, a record and a marker."""
    writer = job.writer
    record = BlockRecord.read(job.place, 0, first)
    assert record is not None
    files = {}
    for spec in writer.specs:
        old, new = spec.key(0, first), spec.key(0, block)
        if old in record.files:
            os.link(folder / old, folder / new)
            files[new] = record.files[old]
    job.place.put(record_key(0, block), writer.record(0, block, files).as_bytes())
    job.place.put(f"{DONE}/{chunk_name(block)}", DONE_BYTES)


def contents(folder: Path) -> tuple[int, int]:
    """Files of a folder, and their bytes."""
    sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
    return len(sizes), sum(sizes)


def apart(function: str, *arguments: object) -> Any:
    """The result of a function of this module in a process of its own."""
    code = f"import json, bench_scale; print(json.dumps(bench_scale.{function}(*{arguments!r})))"
    return json.loads(measure.child("-c", code)[0].splitlines()[-1])


if __name__ == "__main__":
    main()
