"""Signals that ask a run to end: Ctrl-C, and those that schedulers and shells send."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

# SIGTERM ends a job, SIGUSR1 is asked of Slurm before the time limit, SIGHUP is a closed terminal.
_NAMES = ("SIGTERM", "SIGUSR1", "SIGHUP")


class Stopped(KeyboardInterrupt):
    """A signal other than Ctrl-C asked this process to end."""


def _raise_stopped(number: int, frame: FrameType | None) -> None:
    raise Stopped(signal.Signals(number).name)


@contextmanager
def stop_signals_raise() -> Iterator[None]:
    """Raise Stopped in the main thread at SIGTERM, SIGUSR1 and SIGHUP.

    A signal that is ignored on entry stays ignored, as SIGHUP does under nohup, and one that has a
    handler keeps it.
    """
    numbers = [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]
    main = threading.current_thread() is threading.main_thread()
    default = [n for n in numbers if main and signal.getsignal(n) is signal.SIG_DFL]
    for number in default:
        signal.signal(number, _raise_stopped)
    try:
        yield
    finally:
        for number in default:
            signal.signal(number, signal.SIG_DFL)


@contextmanager
def handling_stops(handler: Callable[[], None]) -> Iterator[None]:
    """Call ``handler`` at Ctrl-C, and at the signals of `stop_signals_raise`, instead of raising.

    Nothing changes outside the main thread. A signal that has another handler keeps it, and one
    that is ignored stays so, as Ctrl-C does in the background jobs of a shell.
    """
    raising = (signal.default_int_handler, _raise_stopped)
    before = {}
    if threading.current_thread() is threading.main_thread():
        for number in signal.valid_signals():
            if signal.getsignal(number) in raising:
                before[number] = signal.signal(number, lambda number, frame: handler())
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
