"""A terminal is told that kernels are compiled: once, if it takes long, and how long it took."""

import io
import re
import sys
import threading
import time
from typing import Any

import numpy as np
import pytest
from numba.core import config

from yieldsim.kernels import jit_notice
from yieldsim.kernels.jit import bare_jit, stage_jit

BEGIN_AND_END = re.compile(
    r"\r\x1b\[Kyieldsim: note: compiling kernels.*half a minute\n"
    r"\r\x1b\[Kyieldsim: note: compiled in \d+ s\n"
)


class Stream(io.StringIO):
    def __init__(self, terminal: bool) -> None:
        super().__init__()
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


def said(seconds: float, monkeypatch: pytest.MonkeyPatch, *, terminal: bool) -> str:
    """What is written while something within something takes so long."""
    stream = Stream(terminal)
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(jit_notice, "PATIENCE_S", 0.05)
    with jit_notice.told():
        for _ in range(2):
            with jit_notice.told():
                time.sleep(seconds)
    return stream.getvalue()


def test_a_terminal_is_told_once_and_how_long_it_took(monkeypatch: pytest.MonkeyPatch) -> None:
    assert BEGIN_AND_END.fullmatch(said(0.2, monkeypatch, terminal=True))


def test_what_is_quick_and_what_no_terminal_reads_is_not_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert said(0.0, monkeypatch, terminal=True) == ""
    assert said(0.1, monkeypatch, terminal=False) == ""
    monkeypatch.setattr(sys, "stderr", None)
    with jit_notice.told():
        pass


def test_where_no_thread_may_start_nothing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_thread(timer: threading.Timer) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Timer, "start", no_thread)
    assert said(0.1, monkeypatch, terminal=True) == ""


@pytest.mark.skipif(config.DISABLE_JIT, reason="needs compiled kernels")
def test_kernels_tell(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setattr("yieldsim.kernels.jit_cache.cache_folders", lambda source: (tmp_path,))
    stream = Stream(terminal=True)
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(jit_notice, "PATIENCE_S", 0.0)

    @stage_jit
    def inner(x: Any) -> Any:
        return x + 1.0

    @bare_jit
    def outer(x: Any) -> Any:
        return inner(x[0]) + inner(x[1])

    assert outer(np.arange(2.0)) == 3.0
    assert BEGIN_AND_END.fullmatch(stream.getvalue())
    assert outer(np.arange(2.0)) == 3.0
    assert BEGIN_AND_END.fullmatch(stream.getvalue())
