"""Blocks of a run: which are missing, and computing them into the store."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from yieldsim.ensemble import (
    BlockSource,
    Memory,
    Place,
    RunPlan,
    Stored,
    Writer,
    add_block,
    bytes_per_realization,
    check_same,
    check_space,
    create,
    damaged_blocks,
    default_block_size,
    marked_blocks,
    place_of,
    trusted,
    unmark,
)
from yieldsim.ensemble.provenance import check_arithmetic, no_store
from yieldsim.ensemble.read import advice
from yieldsim.ensemble.verify import damaged_metadata, seal_of_store
from yieldsim.errors import UsageError, VerificationError
from yieldsim.execute.local import run_blocks
from yieldsim.execute.progress import progress_of
from yieldsim.model.load import ModelFile, load_file
from yieldsim.sampling import DESIGNS, RANDOM, Design, check_rows, read_samples

MAX_REALIZATIONS = 2**32
MAX_SEED = 2**64 - 1
DEFAULT_REALIZATIONS = 256
# A finished store is read whole before a run says that it is sound, which takes a second or two;
# of a larger one the sizes of the files tell enough: `verify` reads it whole.
WHOLE_CHECK_BYTES = 2**30


@dataclass(frozen=True)
class Job:
    """A run and the place of its store; ``stored`` is None where there is no store yet."""

    place: Place
    source: BlockSource
    plan: RunPlan
    stored: Stored | None

    @property
    def writer(self) -> Writer:
        return Writer.of(self.place, self.source, self.plan)

    def create(self) -> None:
        """Create the store without results."""
        create(self.place, self.source, self.plan, f"run {self.plan.file.place}")


def new_job(
    model: str | Path | ModelFile,
    *,
    scenarios: Sequence[str] | None = None,
    realizations: int | None = None,
    seed: int = 0,
    out: str | Path | None = None,
    block_size: int | None = None,
    changes: Iterable[str] = (),
    samples: str | Path | Mapping[str, Any] | None = None,
    design: str = DESIGNS[0],
) -> Job:
    """Return the run that these options describe (see `yieldsim.run`).

    Raises UsageError, ModelError, and StoreError where the store holds another run.
    """
    inputs = _design(design, samples)
    if realizations is None:
        realizations = inputs.samples.rows if inputs.samples else DEFAULT_REALIZATIONS
    check_number("realizations", realizations, 1, MAX_REALIZATIONS)
    check_number("seed", seed, 0, MAX_SEED)
    check_rows(inputs, realizations)
    if block_size is not None:
        check_number("block_size", block_size, 1, None)
    if isinstance(scenarios, str):
        scenarios = [scenarios]
    file = model if isinstance(model, ModelFile) else load_file(model)
    file = file.with_changes(changes)
    names = file.scenario_names(scenarios or ())
    source = simulator(file, names, seed, inputs)  # first, so that errors of the model come first
    place: Place = Memory() if out is None else place_of(out)
    stored = trusted(place)
    if stored is None:
        size_bytes = bytes_per_realization(source)
        size = block_size or default_block_size(realizations, size_bytes, len(names))
        plan = RunPlan(file, names, seed, realizations, min(size, realizations), 0, inputs)
    else:
        size = min(block_size or stored.attrs["block_size"], realizations)
        plan = RunPlan(file, names, seed, realizations, size, stored.plan.per_file, inputs)
        check_same(stored, plan)
    return Job(place, source, plan, stored)


def stored_job(place: Place) -> Job:
    """Return the run of a store, from the store alone.

    Raises StoreError without a store or if another version began it, VerificationError if its
    metadata are damaged.
    """
    stored = trusted(place)
    if stored is None:
        raise no_store(place, "init")
    if stored.has_ledger:
        wrong = damaged_metadata(place, seal_of_store(stored))
        if wrong:
            key, problem = next(iter(wrong.items()))
            raise VerificationError(f"{place}/{key}", f"{problem}; {advice(place)}")
    plan = stored.plan
    check_same(stored, plan)  # the text of the model against its digest, and the version
    return Job(place, simulator(plan.file, plan.scenarios, plan.seed, plan.design), plan, stored)


def _design(name: str, samples: str | Path | Mapping[str, Any] | None) -> Design:
    if name not in DESIGNS:
        raise UsageError("design", "unknown", got=name, allowed=", ".join(DESIGNS))
    return Design(name, None if samples is None else read_samples(samples))


def simulator(
    file: ModelFile, scenarios: Sequence[str], seed: int, design: Design = RANDOM
) -> BlockSource:
    """Return the supply simulation of a model."""
    from yieldsim.supply.simulate import Simulator

    return Simulator(file, scenarios, seed, design=design)


def missing_blocks(job: Job, blocks: Iterable[int]) -> dict[int, Collection[str] | None]:
    """Return those of some blocks that must be computed.

    With each come the keys of its damaged files if it is a block of a finished store, otherwise
    None. A damaged block of an unfinished store loses its marker first. Every byte of the blocks is
    read, but of a finished store above ``WHOLE_CHECK_BYTES`` only records and sizes of files.
    """
    stored = job.stored
    if stored is None:
        return dict.fromkeys(blocks)
    blocks = list(blocks)
    marked = marked_blocks(job.place)
    mine = marked & set(blocks)
    damaged = damaged_blocks(job.place, job.plan, mine, sizes_only=_is_large(job))
    if not stored.complete:
        unmark(job.place, damaged)
        damaged = {block: {} for block in damaged}
    elif damaged:
        check_arithmetic(stored)
    return {b: damaged.get(b) or None for b in blocks if b not in marked or b in damaged}


def _is_large(job: Job) -> bool:
    """Whether a store is finished and too large to be read whole by a command that only looks."""
    if job.stored is None or not job.stored.complete:
        return False
    sizes = (sum(job.place.sizes(spec.name).values()) for spec in job.writer.specs)
    return sum(sizes) > WHOLE_CHECK_BYTES


def compute(
    job: Job,
    blocks: Sequence[int],
    threads: int,
    *,
    bar: bool = False,
    log: bool = False,
    meanwhile: Callable[[], object] = lambda: None,
) -> int:
    """Compute and store those of some blocks that are missing, and return how many they were.

    A new store is created while its first blocks are computed: creation takes a fifth of a small
    run. ``meanwhile()`` is called after it, in the same thread. Raises KeyboardInterrupt after
    Ctrl-C and the like, when the blocks under way are stored.
    """
    todo = missing_blocks(job, blocks)
    writer = job.writer
    store = _StoreCreation(done=job.stored is not None)

    def make() -> None:
        with store.under_way():
            if job.stored is None:
                job.create()
        meanwhile()

    def work(block: int) -> int:
        if job.stored is not None:
            return store_block(job, writer, block, todo[block])
        first, count = job.plan.span(block)
        arrays = job.source.block(first, count)
        if store.wait():  # otherwise the main thread raises the error of the creation
            writer.write(block, arrays)
        return count

    total = sum(job.plan.span(block)[1] for block in blocks)
    initial = total - sum(job.plan.span(block)[1] for block in todo)
    check_space(job.place, job.source, job.plan, total - initial)
    with progress_of(total, initial, bar=bar, log=log) as progress:
        run_blocks(work, list(todo), threads, progress.stored, progress.stopping, meanwhile=make)
    return len(todo)


def store_block(job: Job, writer: Writer, block: int, damaged: Collection[str] | None) -> int:
    """Compute a block and write it, or its ``damaged`` files, into a store that exists.

    Returns the number of its realizations.
    """
    first, count = job.plan.span(block)
    if damaged is None:
        add_block(writer, job.source, block)
    else:
        writer.write(block, job.source.block(first, count), only=damaged)
    return count


class _StoreCreation:
    """Lets threads that have blocks to write wait until the store is created."""

    def __init__(self, done: bool) -> None:
        self._done, self._ended = done, threading.Event()

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """Create the store inside; waiting threads go on after it, even if it fails."""
        try:
            yield
            self._done = True
        finally:
            self._ended.set()

    def wait(self) -> bool:
        """Wait for the end of the creation, and return whether it succeeded."""
        self._ended.wait()
        return self._done


def check_number(where: str, value: int, low: int, high: int | None) -> None:
    """Raise UsageError unless the value is a whole number from ``low`` to ``high``."""
    whole = isinstance(value, int) and not isinstance(value, bool)
    if not whole or value < low or (high is not None and value > high):
        allowed = f"a whole number from {low}" + (f" to {high}" if high is not None else " on")
        raise UsageError(where, "out of range", got=value, allowed=allowed)
