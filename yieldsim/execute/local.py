"""Running blocks in threads of this process."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from yieldsim.execute.signals import handling_stops

_AWAKE_SECONDS = 0.5


class _Result(NamedTuple):
    block: int
    value: int


def run_blocks(
    work: Callable[[int], int],
    blocks: Sequence[int],
    threads: int,
    done: Callable[[int, int], object] = lambda block, count: None,
    stopping: Callable[[], object] = lambda: None,
    meanwhile: Callable[[], object] = lambda: None,
) -> None:
    """Call ``work(block)`` for each block in ``threads`` threads, ``done(block, result)`` after it.

    ``meanwhile()`` is called once while the first blocks are computed; its error ends the run.

    Each thread runs a single block at a time, so memory is flat. At the first error no further
    block is started, and the error is raised when the running blocks have ended. Ctrl-C does the
    same: it calls ``stopping()`` and raises KeyboardInterrupt, and so do the signals of
    `stop_signals_raise`. A second one does not wait.
    """
    team = _Team(work, blocks)
    with handling_stops(team.interrupt):
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
        self._results: queue.SimpleQueue[_Result | BaseException | None] = queue.SimpleQueue()

    def interrupt(self) -> None:
        """Start no further block. A signal handler may call this: SimpleQueue is reentrant."""
        self._stop = True
        self._results.put(KeyboardInterrupt())

    def run(self) -> None:
        """The work of a thread."""
        try:
            while (block := self._next()) is not None:
                self._results.put(_Result(block, self._work(block)))
        except BaseException as error:  # the caller's thread raises it
            self._stop = True
            self._results.put(error)
        finally:
            self._results.put(None)

    def _next(self) -> int | None:
        with self._lock:
            return None if self._stop else next(self._remaining, None)

    def collect(
        self, threads: int, done: Callable[[int, int], object], stopping: Callable[[], object]
    ) -> None:
        """Wait for the threads to end; raise their first error, or KeyboardInterrupt."""
        error: BaseException | None = None
        interrupted = False
        while threads:
            try:
                # with a timeout: a signal handled in another thread does not wake this thread
                result = self._results.get(timeout=_AWAKE_SECONDS)
            except queue.Empty:
                continue
            if result is None:
                threads -= 1
            elif isinstance(result, _Result):
                done(*result)
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
            raise KeyboardInterrupt
