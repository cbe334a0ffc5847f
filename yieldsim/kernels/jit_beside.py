"""A second process, which compiles some stages of a kernel while this one compiles the others.

Numba compiles in one thread at a time. The other process keeps what it compiles where this one
finds it when it comes to those stages. If it fails, cannot start or may not keep anything, this one
compiles all by itself. It starts afresh rather than as a copy of this process, which has threads.
It ends with this process.
"""

from __future__ import annotations

import contextlib
import importlib
import inspect
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from numba.core import types

__all__ = ["in_halves", "wait_for"]

Stage = tuple[str, str, tuple[Any, ...]]  # its module, its name and the types of its arguments

_START = "import sys; sys.path[:] = {path!r}; from {module} import work; work()"


def in_halves(kernel: Any, here: Iterable[Any], beside: Iterable[Any], kinds: Any) -> None:
    """Compile stages of a kernel that is about to be compiled for arguments of the types ``kinds``.

    Another process compiles those in ``beside`` while this one compiles those ``here``.
    """
    if _processors() < 2 or not Path(sys.executable or "").name.startswith("python"):
        return
    given = dict(zip(inspect.signature(kernel.py_func).parameters, kinds, strict=True))
    # where no more processes or threads may start, the rest is compiled here too
    with contextlib.suppress(OSError, RuntimeError):
        _Other([_stage(stage, given) for stage in beside])
    for stage in here:
        stage.compile(_stage(stage, given)[2])


def _stage(stage: Any, given: Mapping[str, Any]) -> Stage:
    names = inspect.signature(stage.py_func).parameters
    kinds = tuple(given.get(name, types.intp) for name in names)
    return stage.__module__, stage.__qualname__, kinds


def wait_for(module: str, name: str, kinds: Any) -> None:
    """Wait until the other process has compiled a stage, if it is to."""
    for other in tuple(_others):
        other.wait_for((module, name, tuple(kinds)))


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class _Other:
    """Another process and the stages that are still to come from it."""

    def __init__(self, wanted: list[Stage]) -> None:
        start = _START.format(path=sys.path, module=__name__)
        pipe, none = subprocess.PIPE, subprocess.DEVNULL
        self._process = subprocess.Popen(
            [sys.executable, "-c", start], stdin=pipe, stdout=pipe, stderr=none
        )
        self._coming = wanted
        # in a thread, as it reads only when it has loaded its libraries
        threading.Thread(target=self._tell, args=(pickle.dumps(wanted),), daemon=True).start()
        _others.append(self)

    def _tell(self, text: bytes) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(OSError, ValueError):
            self._process.stdin.write(text)
            self._process.stdin.flush()

    def wait_for(self, stage: Stage) -> None:
        """Wait until a stage is there; forget the process when it has ended."""
        assert self._process.stdout is not None
        while stage in self._coming:
            if not self._process.stdout.readline():
                self._coming = []
            self._coming = self._coming[1:]
        if not self._coming:
            self._end()

    def _end(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._process.communicate()
        with contextlib.suppress(ValueError):
            _others.remove(self)


_others: list[_Other] = []


def work() -> None:
    """What the other process does: compile the stages named on its input, a line for each."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    wanted: list[Stage] = pickle.load(sys.stdin.buffer)
    threading.Thread(target=_end_with_the_first, daemon=True).start()
    for module, name, kinds in wanted:
        getattr(importlib.import_module(module), name).compile(kinds)
        print(name, flush=True)
    os._exit(0)


def _end_with_the_first() -> None:
    sys.stdin.buffer.read()  # until the first process closes it or ends
    os._exit(1)
