"""A second process that compiles stages: the same kernel, whatever becomes of that process."""

import pickle
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numba.core import config

from tests.kernels import split_stages
from yieldsim.kernels import jit_beside, jit_cache
from yieldsim.kernels.jit import split_jit, stage_jit

pytestmark = pytest.mark.skipif(config.DISABLE_JIT, reason="needs compiled kernels")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty folder for kernels, which the other process uses too, and two processors."""
    forget = (jit_cache._folders, jit_cache._is_writable, jit_cache._sweep)
    # not in this process's environment: Numba would read its settings again, in later tests too
    chosen = f"import os; os.environ['NUMBA_CACHE_DIR'] = {str(tmp_path)!r}; "
    monkeypatch.setattr(jit_beside, "_START", chosen + jit_beside._START)
    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(jit_beside, "_processors", lambda: 2)
    for function in forget:
        function.cache_clear()
    yield
    assert jit_beside._others == []
    for function in forget:
        function.cache_clear()


def stages_kept_by_another() -> tuple[int, int]:
    """How many stages of either half a new kernel took from another process."""
    here: Any = stage_jit(split_stages.doubled.py_func)  # type: ignore[attr-defined]
    beside: Any = stage_jit(split_stages.squared.py_func)  # type: ignore[attr-defined]

    @split_jit(here=(here,), beside=(beside,))
    def total(values: Any, scale: float) -> float:
        total = 0.0
        for i in range(values.shape[0]):
            total += here(values, i) + beside(values, i, scale)
        return total

    assert total(np.arange(4.0), 10.0) == 12.0 + 140.0
    assert len(here.overloads) == len(beside.overloads) == 1  # the types are those that it needs
    hits = (sum(stage.stats.cache_hits.values()) for stage in (here, beside))
    return next(hits), next(hits)


def test_another_process_compiles_its_half() -> None:
    assert stages_kept_by_another() == (0, 1)


def test_with_one_processor_there_is_no_other_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jit_beside, "_processors", lambda: 1)
    assert stages_kept_by_another() == (0, 0)


FAILURES: dict[str, tuple[Any, str, str]] = {
    "it fails": (jit_beside, "_START", "raise SystemExit(1)"),
    "it answers and keeps nothing": (jit_beside, "_START", "print('squared')"),
    "it cannot start": (sys, "executable", "/nowhere/python"),
    "this is a program with Python in it": (sys, "executable", "/usr/bin/true"),
}


@pytest.mark.parametrize("case", FAILURES)
def test_what_another_process_does_not_leave_is_compiled_here(
    case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(*FAILURES[case])
    assert stages_kept_by_another() == (0, 0)


def no_thread(*args: Any, **options: Any) -> None:
    raise RuntimeError("can't start new thread")


def test_where_no_thread_may_start_all_is_compiled_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jit_beside.subprocess, "Popen", no_thread)
    assert stages_kept_by_another() == (0, 0)


def test_without_a_folder_for_kernels_there_is_no_other_process(
    monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setattr(jit_cache, "_is_writable", lambda folder: False)
    monkeypatch.setattr(jit_beside, "_Other", None)  # to start it would be an error
    assert stages_kept_by_another() == (0, 0)


@pytest.mark.parametrize("end", ["the first process ends", "Ctrl-C"])
def test_the_other_process_ends_quietly(end: str) -> None:
    start = jit_beside._START.format(path=sys.path, module=jit_beside.__name__)
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [sys.executable, "-c", start], stdin=pipe, stdout=pipe, stderr=pipe
    ) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        assert other.stderr is not None
        other.stdin.write(pickle.dumps([(split_stages.__name__, "slow", ())]))
        other.stdin.flush()
        assert other.stdout.readline() == b"begins\n"
        if end == "Ctrl-C":
            other.send_signal(signal.SIGINT)
        else:
            other.stdin.close()
        assert other.wait(60.0) == (-signal.SIGINT if end == "Ctrl-C" else 1)
        assert other.stderr.read() == b""
