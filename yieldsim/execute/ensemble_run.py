"""A run: from a model to a finished ensemble, on this machine or shared by many tasks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from yieldsim.ensemble import (
    Damage,
    Memory,
    Place,
    RunPlan,
    check_space,
    damaged_metadata,
    finalize,
    marked_blocks,
    open_place,
    place_of,
    read_stored,
)
from yieldsim.ensemble.verify import seal_of_store
from yieldsim.errors import IncompleteError, RetryError, StoreError, UsageError
from yieldsim.execute.cores import available_cores
from yieldsim.execute.job import (
    Job,
    check_number,
    compute,
    new_job,
    stored_job,
)
from yieldsim.execute.repair import mend
from yieldsim.execute.share import chosen_blocks
from yieldsim.model.load import ModelFile

if TYPE_CHECKING:
    import xarray as xr

LOCAL, DASK = "local", "dask"


@dataclass(frozen=True)
class RunResult:
    """The result of a run, or of one task of it: where it is, and how much was computed now."""

    place: Place
    plan: RunPlan
    blocks: Sequence[int]  # of this task
    threads: int
    blocks_computed: int
    seconds: float

    @property
    def already_complete(self) -> bool:
        return self.blocks_computed == 0


def run(
    model: str | Path | ModelFile,
    *,
    scenarios: Sequence[str] | None = None,
    realizations: int | None = None,
    seed: int = 0,
    out: str | Path | None = None,
    threads: int | None = None,
    block_size: int | None = None,
    changes: Iterable[str] = (),
    samples: str | Path | Mapping[str, Any] | None = None,
    design: str = "random",
    progress: bool = False,
) -> xr.Dataset:
    """Simulate a model and open the ensemble.

    Parameters
    ----------
    model : a shipped name, the path of a model file, or a loaded ModelFile.
    scenarios : names in the order they are stored; None is the baseline alone, "all" all of them.
    realizations, seed : number of realizations (None: 256, or the rows of the samples), and the
        64-bit key of their random draws.
    out : the folder or URL of the store; an unfinished run is continued. None keeps it in memory.
    threads, block_size : do not change the results.
    changes : ``path=value`` settings that override the model.
    samples : values of some uncertain parameters in each realization, in the units of
        ``parameter_value``: a CSV or npz file, or columns by path (a dict, a DataFrame). The others
        are drawn as ever, also those that are correlated with a given one.
    design : ``random``, or ``sobol`` for a scrambled Sobol' sequence of each parameter.
    progress : show a progress bar if stderr is a terminal.

    Returns the Dataset of `yieldsim.open_ensemble`. Raises UsageError, ModelError and StoreError,
    and IncompleteError after Ctrl-C if ``out`` can be continued.
    """
    result = execute(
        model,
        scenarios=scenarios,
        realizations=realizations,
        seed=seed,
        out=out,
        threads=threads,
        block_size=block_size,
        changes=changes,
        samples=samples,
        design=design,
        progress=progress,
    )
    return open_place(result.place)


def execute(
    model: str | Path | ModelFile,
    *,
    threads: int | None = None,
    progress: bool = False,
    log: bool = False,
    executor: str = LOCAL,
    scheduler: str | None = None,
    scheduler_file: str | Path | None = None,
    meanwhile: Callable[[], object] = lambda: None,
    **options: Any,
) -> RunResult:
    """Like `run`, but returns what was done in place of the opened ensemble.

    ``log`` prints a line on stderr for each block. The ``executor`` is "local" or "dask": the
    cluster of a scheduler, or without one of ``threads`` processes on this machine. ``meanwhile()``
    is called while blocks are computed in threads of this process.
    """
    if executor != DASK and not (scheduler is None and scheduler_file is None):
        where = "--scheduler" if scheduler is not None else "--scheduler-file"
        raise UsageError(where, "is for --executor dask", got=scheduler or str(scheduler_file))
    start = time.perf_counter()
    threads = _threads(threads)
    job = new_job(model, **options)
    blocks = range(job.plan.blocks)
    try:
        _mend_metadata(job, threads)
        if executor == DASK:
            from yieldsim.execute.dask import compute_on_dask

            computed = compute_on_dask(
                job,
                blocks,
                threads,
                scheduler=scheduler,
                scheduler_file=scheduler_file,
                bar=progress,
                log=log,
            )
            was_complete = job.stored is not None and job.stored.complete
            # reads what the workers wrote
            finalize(job.place, checked=blocks if was_complete else (), threads=threads)
        else:
            computed = compute(job, blocks, threads, bar=progress, log=log, meanwhile=meanwhile)
            finalize(job.place, checked=blocks, threads=threads)
    except KeyboardInterrupt:
        if isinstance(job.place, Memory):  # nothing is left to continue
            raise KeyboardInterrupt from None
        raise IncompleteError(str(job.place), _interrupted(job, blocks)) from None
    return RunResult(job.place, job.plan, blocks, threads, computed, time.perf_counter() - start)


def init_store(model: str | Path | ModelFile, *, out: str | Path, **options: Any) -> Job:
    """Create a store without results, for `work_store` to fill (options as in `run`).

    A store of the same run is left as it is. Raises as `run` does.
    """
    job = new_job(model, out=out, **options)
    if job.stored is None:
        check_space(job.place, job.source, job.plan, job.plan.realizations)
        job.create()
    return job


def work_store(
    store: str | Path,
    *,
    task: int | None = None,
    tasks: int | None = None,
    blocks: str | None = None,
    threads: int | None = None,
    progress: bool = False,
    log: bool = False,
) -> RunResult:
    """Compute a task's share of the blocks of a store, using the store alone.

    ``blocks`` ("A-B", both included) or the task's number, from 0, and the number of tasks; what is
    not given is read from the variables of the scheduler (`yieldsim.execute.share`). Blocks that
    are stored already and sound are skipped; missing and damaged ones are computed, also in a
    finished store.

    Raises UsageError, StoreError, VerificationError for damaged metadata, and RetryError after a
    signal.
    """
    start = time.perf_counter()
    threads = _threads(threads)
    try:
        job = stored_job(place_of(store))
        share = chosen_blocks(job.plan.blocks, task=task, tasks=tasks, span=blocks)
    except KeyboardInterrupt:
        problem = "interrupted before the first block; the same command continues"
        raise RetryError(str(store), problem) from None
    try:
        computed = compute(job, share, threads, bar=progress, log=log)
    except KeyboardInterrupt:
        raise RetryError(str(store), _interrupted(job, share)) from None
    return RunResult(job.place, job.plan, share, threads, computed, time.perf_counter() - start)


def finalize_store(store: str | Path) -> tuple[Place, RunPlan]:
    """Check all blocks of a store, add the summaries and mark it as complete.

    Raises IncompleteError if blocks are missing or damaged, StoreError if it cannot be written.
    """
    place = place_of(store)
    finalize(place)
    stored = read_stored(place)
    if stored is None:
        raise StoreError(str(store), "has vanished")
    return place, stored.plan


def _mend_metadata(job: Job, threads: int) -> None:
    """Mend metadata, coordinates and summaries of an existing store, if they are damaged."""
    if job.stored is None or not job.stored.has_ledger:
        return
    damage = Damage(metadata=damaged_metadata(job.place, seal_of_store(job.stored)))
    if damage:
        mend(job.stored, damage, threads=threads)


def _threads(threads: int | None) -> int:
    if threads is None:
        return available_cores()
    check_number("threads", threads, 1, None)
    return threads


def _interrupted(job: Job, blocks: Sequence[int]) -> str:
    """What a run or a task says after a signal."""
    done = len(marked_blocks(job.place) & set(blocks))
    whose = "" if len(blocks) == job.plan.blocks else " of this task"
    return (
        f"interrupted with {done} of {len(blocks)} blocks{whose} done; the same command continues"
    )
