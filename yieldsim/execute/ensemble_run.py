"""A whole run on this machine: from a model to a finished ensemble."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from yieldsim.ensemble import (
    BlockSource,
    Folder,
    Memory,
    Place,
    RunPlan,
    Stored,
    Writer,
    bytes_per_realization,
    check_same,
    check_space,
    create,
    damaged_chunks,
    default_block_size,
    finalize,
    marked_blocks,
    open_place,
    read_stored,
    unmark,
)
from yieldsim.errors import IncompleteError, UsageError
from yieldsim.execute.local import (
    Interrupted,
    available_cores,
    progress_bar,
    run_blocks,
    say_stopping,
)
from yieldsim.model.load import ModelFile, load_file

if TYPE_CHECKING:
    import xarray as xr

MAX_REALIZATIONS = 2**32
MAX_SEED = 2**64 - 1
DEFAULT_REALIZATIONS = 256


@dataclass(frozen=True)
class RunResult:
    """The result of a run: where the ensemble is, and how much of it was computed now."""

    place: Place
    plan: RunPlan
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
    realizations: int = DEFAULT_REALIZATIONS,
    seed: int = 0,
    out: str | Path | None = None,
    threads: int | None = None,
    block_size: int | None = None,
    changes: Iterable[str] = (),
    progress: bool = False,
) -> xr.Dataset:
    """Simulate a model and open the ensemble.

    Parameters
    ----------
    model : a shipped name, the path of a model file, or a loaded ModelFile.
    scenarios : names in the order they are stored; None is the baseline alone, "all" all of them.
    realizations, seed : number of realizations, and the 64-bit key of their random draws.
    out : the folder of the store; an unfinished run is continued. None keeps it in memory.
    threads, block_size : do not change the results.
    changes : ``path=value`` settings that override the model.
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
        progress=progress,
    )
    return open_place(result.place)


def execute(
    model: str | Path | ModelFile,
    *,
    scenarios: Sequence[str] | None = None,
    realizations: int = DEFAULT_REALIZATIONS,
    seed: int = 0,
    out: str | Path | None = None,
    threads: int | None = None,
    block_size: int | None = None,
    changes: Iterable[str] = (),
    progress: bool = False,
) -> RunResult:
    """Like `run`, but returns what was done in place of the opened ensemble."""
    start = time.perf_counter()
    threads = available_cores() if threads is None else threads
    _check_number("realizations", realizations, 1, MAX_REALIZATIONS)
    _check_number("seed", seed, 0, MAX_SEED)
    _check_number("threads", threads, 1, None)
    if block_size is not None:
        _check_number("block_size", block_size, 1, None)
    if isinstance(scenarios, str):
        scenarios = [scenarios]
    file = model if isinstance(model, ModelFile) else load_file(model)
    file = file.with_changes(changes)
    names = file.scenario_names(scenarios or ())
    source = _simulator(file, names, seed)  # first, so that errors of the model come first
    place: Place = Memory() if out is None else Folder(out)
    stored = read_stored(place)
    if stored is not None:
        size = min(block_size or stored.attrs["block_size"], realizations)
        plan = RunPlan(file, names, seed, realizations, size)
        check_same(stored, plan)
        if stored.complete:
            return RunResult(place, plan, threads, 0, time.perf_counter() - start)
    if stored is None:
        size_bytes = bytes_per_realization(source)
        size = block_size or default_block_size(realizations, size_bytes, len(names))
        plan = RunPlan(file, names, seed, realizations, min(size, realizations))
    computed = _compute(place, source, plan, stored, threads, progress)
    return RunResult(place, plan, threads, computed, time.perf_counter() - start)


def _simulator(file: ModelFile, scenarios: Sequence[str], seed: int) -> BlockSource:
    from yieldsim.supply.simulate import Simulator

    return Simulator(file, scenarios, seed)


def _compute(
    place: Place,
    source: BlockSource,
    plan: RunPlan,
    stored: Stored | None,
    threads: int,
    progress: bool,
) -> int:
    """Compute and store the missing blocks, finalize, and return how many were computed.

    A new store is created while its first blocks are computed: creation takes a fifth of a small
    run.
    """
    writer = Writer.of(place, source, plan)
    done = set() if stored is None else _sound_blocks(writer)
    missing = [block for block in range(plan.blocks) if block not in done]
    initial = sum(plan.span(block)[1] for block in done)
    check_space(place, source, plan, plan.realizations - initial)

    store = _StoreCreation(done=stored is not None)

    def make() -> None:
        with store.under_way():
            if stored is None:
                create(place, source, plan, f"run {plan.file.place}")

    def work(block: int) -> int:
        first, count = plan.span(block)
        arrays = source.block(first, count)
        if not store.wait():
            return 0  # the main thread raises the error of the creation
        writer.write(block, arrays)
        return count

    finished = len(done)
    try:
        with progress_bar(plan.realizations, initial, progress) as bar:
            show = bar.update if bar else lambda count: None
            stopping = say_stopping if progress else lambda: None
            run_blocks(work, missing, threads, show, stopping, meanwhile=make)
        finished = plan.blocks
        finalize(place, checked=range(plan.blocks))
    except Interrupted as stop:
        raise _interrupted(place, plan, finished + stop.finished) from None
    except KeyboardInterrupt:
        raise _interrupted(place, plan, finished) from None
    return len(missing)


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


def _sound_blocks(writer: Writer) -> set[int]:
    """The finished blocks of a store that are not damaged; damaged blocks are unmarked."""
    marked = marked_blocks(writer.place)
    damaged = damaged_chunks(writer.place, writer.specs, marked)
    unmark(writer.place, damaged)
    return marked - set(damaged)


def _interrupted(place: Place, plan: RunPlan, finished: int) -> BaseException:
    if isinstance(place, Memory):  # nothing is left to continue
        return KeyboardInterrupt()
    problem = f"interrupted with {finished} of {plan.blocks} blocks done"
    return IncompleteError(str(place), f"{problem}; the same command continues")


def _check_number(where: str, value: int, low: int, high: int | None) -> None:
    """Raise UsageError unless the value is a whole number from ``low`` to ``high``."""
    whole = isinstance(value, int) and not isinstance(value, bool)
    if not whole or value < low or (high is not None and value > high):
        allowed = f"a whole number from {low}" + (f" to {high}" if high is not None else " on")
        raise UsageError(where, "out of range", got=value, allowed=allowed)
