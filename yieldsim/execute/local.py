"""Running blocks on this machine's cores."""

from __future__ import annotations

import os
import queue
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

from tqdm import tqdm


class Bar(Protocol):
    """The part of a progress bar that is used here."""

    def update(self, n: float = 1) -> object: ...


class Interrupted(Exception):
    """Ctrl-C while blocks were running; ``finished`` of them were stored before the end."""

    def __init__(self, finished: int) -> None:
        self.finished = finished
        super().__init__(finished)


def available_cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def progress_bar(total: int, initial: int, wanted: bool) -> AbstractContextManager[Bar | None]:
    """A bar of realizations on stderr, if it is wanted and stderr is a terminal."""
    if not (wanted and sys.stderr.isatty()):
        return nullcontext()
    bar: AbstractContextManager[Bar] = tqdm(
        total=total, initial=initial, unit=" realizations", file=sys.stderr, dynamic_ncols=True
    )
    return bar


def say_stopping() -> None:
    """Tell a person at a terminal why the command has not ended yet."""
    if sys.stderr.isatty():
        tqdm.write("stopping after the blocks under way (Ctrl-C again: at once)", file=sys.stderr)


def run_blocks(
    work: Callable[[int], int],
    blocks: Sequence[int],
    threads: int,
    done: Callable[[int], object] = lambda count: None,
    stopping: Callable[[], object] = lambda: None,
) -> None:
    """Call ``work(block)`` for each block in ``threads`` threads, ``done(result)`` after each.

    At most one block a thread is under way, so memory is flat. The first error stops the run after
    the blocks under way, and is raised. Ctrl-C does the same, after ``stopping()``, and raises
    Interrupted; a second one does not wait. (Threads are daemons for that: those of concurrent.futures are joined at exit.)
    """
    results: queue.SimpleQueue[int | BaseException | None] = queue.SimpleQueue()
    remaining, lock, stop = iter(blocks), threading.Lock(), threading.Event()
    count = min(threads, len(blocks))
    for number in range(count):
        arguments = (work, _shared(remaining, lock, stop), results, stop)
        threading.Thread(
            target=_worker, args=arguments, name=f"block-{number}", daemon=True
        ).start()
    _collect(results, count, done, stop, stopping)


def _shared(remaining: Iterator[int], lock: threading.Lock, stop: threading.Event) -> Iterator[int]:
    """The blocks that are left, handed out one at a time to whoever asks."""
    while not stop.is_set():
        with lock:
            block = next(remaining, None)
        if block is None:
            return
        yield block


def _worker(
    work: Callable[[int], int],
    blocks: Iterator[int],
    results: queue.SimpleQueue[int | BaseException | None],
    stop: threading.Event,
) -> None:
    try:
        for block in blocks:
            results.put(work(block))
    except BaseException as error:  # handed to the caller's thread, which raises it
        stop.set()
        results.put(error)
    finally:
        results.put(None)


def _collect(
    results: queue.SimpleQueue[int | BaseException | None],
    workers: int,
    done: Callable[[int], object],
    stop: threading.Event,
    stopping: Callable[[], object],
) -> None:
    """Wait for the workers to end; raise their first error, or Interrupted after Ctrl-C."""
    error: BaseException | None = None
    finished, interrupted = 0, False
    while workers:
        try:
            result = results.get()
        except KeyboardInterrupt:
            if interrupted:
                break
            interrupted = True
            stop.set()
            stopping()
            continue
        if result is None:
            workers -= 1
        elif isinstance(result, BaseException):
            error = error or result
        else:
            finished += 1
            done(result)
    if error is not None:
        raise error
    if interrupted:
        raise Interrupted(finished)
