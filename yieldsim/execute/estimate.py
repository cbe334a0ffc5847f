"""What a run costs, before it starts: core-hours, bytes, files and memory."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from yieldsim.ensemble.chunks import encode
from yieldsim.ensemble.summaries import PAIR, RANK, SUMMARIES
from yieldsim.ensemble.write import blank_keys
from yieldsim.execute.job import Job

MEASURED_REALIZATIONS = 16
_MEASURED_SECONDS = 1.0
_BLOCKS_IN_MEMORY = 3.0  # of a thread: results, their parts by scenario, and what is compressed


@dataclass(frozen=True)
class Estimate:
    """The cost of a run; the rate is that of one core of this machine."""

    measured_realizations: int
    seconds_per_realization: float
    core_hours: float
    hours: float
    bytes: int
    files: int
    memory_bytes: int


def estimate(job: Job, threads: int) -> Estimate:
    """Time a small block of a run, and return what the whole run costs. Nothing is written."""
    plan = job.plan
    count = min(MEASURED_REALIZATIONS, plan.realizations)
    job.source.block(0, 1)  # compiles the kernels, or loads them
    seconds, arrays = _timed(job, count)
    hours = seconds * plan.realizations / 3600.0
    stored = sum(_stored_bytes(job, arrays, count)) * plan.realizations / count
    return Estimate(
        measured_realizations=count,
        seconds_per_realization=seconds,
        core_hours=hours,
        hours=hours / min(threads, plan.blocks),
        bytes=round(stored),
        files=files_of(job),
        memory_bytes=_memory_bytes(arrays, count, plan.block_size, min(threads, plan.blocks)),
    )


def _timed(job: Job, count: int) -> tuple[float, Mapping[str, np.ndarray]]:
    """Seconds a realization, the best of the blocks of about a second; and a block's arrays.

    They are seconds of the processor, which other work on the machine does not lengthen.
    """
    best, start = np.inf, time.perf_counter()
    while True:
        begun = time.thread_time()
        arrays = job.source.block(0, count)
        best = min(best, time.thread_time() - begun)
        if time.perf_counter() - start > _MEASURED_SECONDS:
            return best / count, arrays


def _stored_bytes(job: Job, arrays: Mapping[str, np.ndarray], count: int) -> list[int]:
    """The compressed bytes of a block's arrays."""
    own = [values for array in arrays.values() for values in array if values.size]
    return [len(encode(values, job.place.compressed)) for values in own]


def files_of(job: Job) -> int:
    """Files of the finished store: of each block, and of metadata, coordinates and summaries."""
    arrays = sum(0 not in spec.shape for spec in job.writer.specs)
    of_blocks = job.plan.blocks * (job.plan.rows * (arrays + 1) + 1)
    others = len(blank_keys(job.source, job.plan, {}, compressed=True)) + 1
    summaries = len(SUMMARIES)
    if not job.plan.file.raw.get("correlations"):
        summaries -= len((*PAIR, *RANK))
    return of_blocks + others + 2 * summaries


def _memory_bytes(
    arrays: Mapping[str, np.ndarray], count: int, block_size: int, threads: int
) -> int:
    """The most memory of this process now, and the blocks of its threads."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    peak *= 1 if sys.platform == "darwin" else 1024
    block = sum(array.nbytes for array in arrays.values()) * block_size / count
    return round(peak + threads * _BLOCKS_IN_MEMORY * block)
