"""What a terminal says while kernels are compiled: a command seems to hang otherwise."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

__all__ = ["told"]

PATIENCE_S = 2.0  # what takes less is not worth a line
_CLEAR = "\r\x1b[K"  # the line of a progress bar, which draws itself again
_BEGIN = "compiling kernels, which are kept for later; this takes up to half a minute"


@contextmanager
def told() -> Iterator[None]:
    """Tell of the compiling inside, once, if it takes long and a terminal reads it.

    Only the outermost of nested calls tells. The caller holds Numba's lock.
    """
    if _inside or sys.stderr is None or not sys.stderr.isatty():
        yield
        return
    notice = _Notice()
    _inside.append(notice)
    try:
        yield
    finally:
        _inside.clear()
        notice.end()


class _Notice:
    """A line that comes after a while, and one at the end if the first has come."""

    def __init__(self) -> None:
        self._start, self._said = time.monotonic(), False
        self._timer = threading.Timer(PATIENCE_S, self._begin)
        self._timer.daemon = True
        with suppress(RuntimeError):  # no more threads may start
            self._timer.start()

    def _begin(self) -> None:
        self._said = True
        _say(_BEGIN)

    def end(self) -> None:
        self._timer.cancel()
        if self._said:
            _say(f"compiled in {time.monotonic() - self._start:.0f} s")


def _say(text: str) -> None:
    print(f"{_CLEAR}yieldsim: note: {text}", file=sys.stderr, flush=True)


_inside: list[_Notice] = []
