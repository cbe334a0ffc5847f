"""Blocks of a run on a Dask cluster, whose workers write them into a store that all share."""

from __future__ import annotations

import logging
import socket
import uuid
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from yieldsim.ensemble import Memory, check_space, place_of, read_stored
from yieldsim.errors import RetryError, StoreError, UsageError, YieldsimError
from yieldsim.execute.job import Job, missing_blocks, store_block, stored_job
from yieldsim.execute.progress import progress_of

_CONNECT_SECONDS = 30.0


def compute_on_dask(
    job: Job,
    blocks: Sequence[int],
    threads: int,
    *,
    scheduler: str | None = None,
    scheduler_file: str | Path | None = None,
    bar: bool = False,
    log: bool = False,
) -> int:
    """Compute those of some blocks that are missing on a cluster, and return how many they were.

    The cluster is that of a scheduler, by its address or its file; without either it is one of
    ``threads`` processes on this machine. The keys of the tasks carry the run's hash.

    Raises UsageError where dask is not installed, YieldsimError where the scheduler is not
    reached, RetryError where the cluster is lost, and the errors of blocks.
    """
    if isinstance(job.place, Memory):
        raise UsageError("executor", "dask needs a store that its workers can write", got="memory")
    todo = missing_blocks(job, blocks)
    total = sum(job.plan.span(block)[1] for block in blocks)
    initial = total - sum(job.plan.span(block)[1] for block in todo)
    check_space(job.place, job.source, job.plan, total - initial)
    with _client(threads, scheduler, scheduler_file) as client:
        if job.stored is None:
            job.create()
        with progress_of(total, initial, bar=bar, log=log) as progress:
            for block in _computed(client, job, todo):
                progress.stored(block, job.plan.span(block)[1])
    return len(todo)


def _computed(client: Any, job: Job, todo: dict[int, Collection[str] | None]) -> Iterator[int]:
    """Submit blocks, and yield each when it is stored; cancel the others at an error."""
    from distributed import CancelledError, KilledWorker, as_completed

    store, run = _shared_name(str(job.place)), job.plan.run_hash
    # A key of its own for each submission: a scheduler keeps results that others still hold, and
    # takes a known key as done.
    submission = uuid.uuid4().hex
    futures = {}
    for block, only in todo.items():
        key = f"yieldsim-{run}-{block}-{submission}"
        keys = None if only is None else sorted(only)
        future = client.submit(compute_block, store, run, submission, block, keys, key=key)
        futures[future] = block
    try:
        for future in as_completed(list(futures)):
            block = futures.pop(future)
            future.result()
            yield block
    except (CancelledError, KilledWorker) as error:
        problem = f"its cluster lost a block ({type(error).__name__}); the same command continues"
        raise RetryError(str(job.place), problem) from None
    finally:
        if futures:
            client.cancel(list(futures))


def compute_block(
    store: str, run: str, submission: str, block: int, only: Sequence[str] | None
) -> int:
    """Compute and store a block, in a worker. Returns the number of its realizations."""
    job = _opened(store, run, submission)
    return store_block(job, job.writer, block, only)


@lru_cache(maxsize=2)
def _opened(store: str, run: str, submission: str) -> Job:
    """The store as a worker sees it, once for each submission."""
    place = place_of(store)
    if read_stored(place) is None:
        host = socket.gethostname()
        problem = f"is not there for the worker on {host}; the store must be on a shared path"
        raise StoreError(store, problem)
    job = stored_job(place)
    if job.plan.run_hash != run:
        raise StoreError(store, "holds another run for a worker")
    return job


def _shared_name(store: str) -> str:
    """The whole path of a store, as workers have another working folder; or its URL."""
    return store if "://" in store else str(Path(store).resolve())


@contextmanager
def _client(
    threads: int, scheduler: str | None, scheduler_file: str | Path | None
) -> Iterator[Any]:
    """A client of a scheduler, or of a cluster of processes on this machine."""
    try:
        from distributed import Client, LocalCluster
    except ImportError:
        problem = "dask is not installed; `pip install 'yieldsim[dask]'` brings it"
        raise UsageError("--executor", problem) from None
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # errors are reported in one line
    if scheduler is None and scheduler_file is None:
        with (
            LocalCluster(
                n_workers=threads,
                threads_per_worker=1,
                dashboard_address=None,
                silence_logs=logging.CRITICAL,
            ) as cluster,
            Client(cluster) as client,
        ):
            yield client
        return
    if scheduler_file is not None and not Path(scheduler_file).is_file():
        raise UsageError("--scheduler-file", "no such file", got=str(scheduler_file))
    options = {"address": scheduler} if scheduler else {"scheduler_file": str(scheduler_file)}
    try:
        client = Client(**options, timeout=_CONNECT_SECONDS)
    except (OSError, ValueError) as error:
        where = "--scheduler" if scheduler else "--scheduler-file"
        raise YieldsimError(where, f"the scheduler cannot be reached ({error})") from None
    with client:
        yield client
