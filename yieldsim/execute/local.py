"""Running blocks in threads of this process."""

from __future__ import annotations

import os
import queue
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Protocol

from tqdm import tqdm

_AWAKE_SECONDS = 0.5


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
    """A progress bar of realizations, if it is wanted and stderr is a terminal."""
    if not (wanted and sys.stderr.isatty()):
        return nullcontext()
    bar: AbstractContextManager[Bar] = tqdm(
        total=total, initial=initial, unit=" realizations", file=sys.stderr, dynamic_ncols=True
    )
    return bar


def say_stopping() -> None:
    """Say on a terminal why the command has not ended yet."""
    if sys.stderr.isatty():
        tqdm.write("stopping after the blocks under way (Ctrl-C again: at once)", file=sys.stderr)


def run_blocks(
    work: Callable[[int], int],
    blocks: Sequence[int],
    threads: int,
    done: Callable[[int], object] = lambda count: None,
    stopping: Callable[[], object] = lambda: None,
    meanwhile: Callable[[], object] = lambda: None,
) -> None:
    """Call ``work(block)`` for each block in ``threads`` threads, ``done(result)`` after each.

    ``meanwhile()`` is called once while the first blocks are computed; its error ends the run.

    Each thread runs a single block at a time, so memory is flat. At the first error no further
    block is started, and the error is raised when the running blocks have ended. Ctrl-C does the
    same: it calls ``stopping()`` and raises Interrupted. A second Ctrl-C does not wait.
    """
    team = _Team(work, blocks)
    with _handling_ctrl_c(team.interrupt):
        count = min(threads, len(blocks))
        for number in range(count):
            # Daemon threads: the interpreter joins those of concurrent.futures at its end, so a
            # second Ctrl-C would wait for them.
            thread = threading.Thread(target=team.run, name=f"blocks-{number}", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # the system's limit: the threads that have started suffice
                if number == 0:
                    raise
                count = number
                break
        try:
            meanwhile()
        except BaseException:
            team.interrupt()
            raise
        team.collect(count, done, stopping)


class _Team:
    """Threads that take blocks from a common list until it is empty or they are stopped."""

    def __init__(self, work: Callable[[int], int], blocks: Iterable[int]) -> None:
        self._work, self._remaining = work, iter(blocks)
        self._lock, self._stop = threading.Lock(), False
        # the result of a block, an error, or None from a thread that ends
        self._results: queue.SimpleQueue[int | BaseException | None] = queue.SimpleQueue()

    def interrupt(self) -> None:
        """Start no further block. A signal handler may call this: SimpleQueue is reentrant."""
        self._stop = True
        self._results.put(KeyboardInterrupt())

    def run(self) -> None:
        """The work of a thread."""
        try:
            while (block := self._next()) is not None:
                self._results.put(self._work(block))
        except BaseException as error:  # the caller's thread raises it
            self._stop = True
            self._results.put(error)
        finally:
            self._results.put(None)

    def _next(self) -> int | None:
        with self._lock:
            return None if self._stop else next(self._remaining, None)

    def collect(
        self, threads: int, done: Callable[[int], object], stopping: Callable[[], object]
    ) -> None:
        """Wait for the threads to end; raise their first error, or Interrupted after Ctrl-C."""
        error: BaseException | None = None
        finished, interrupted = 0, False
        while threads:
            try:
                # with a timeout: a signal handled in another thread does not wake this thread
                result = self._results.get(timeout=_AWAKE_SECONDS)
            except queue.Empty:
                continue
            if result is None:
                threads -= 1
            elif isinstance(result, int):
                finished += 1
                done(result)
            elif not isinstance(result, KeyboardInterrupt):
                error = error or result
            elif interrupted:
                break
            else:
                interrupted = True
                stopping()
        if error is not None:
            raise error
        if interrupted:
            raise Interrupted(finished)


@contextmanager
def _handling_ctrl_c(handler: Callable[[], None]) -> Iterator[None]:
    """Call ``handler`` at Ctrl-C instead of raising KeyboardInterrupt.

    Nothing changes outside the main thread, or if the signal has another handler or is ignored, as
    in the background jobs of a shell.
    """
    main = threading.current_thread() is threading.main_thread()
    if not main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    signal.signal(signal.SIGINT, lambda number, frame: handler())
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
