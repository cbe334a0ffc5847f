"""Functions that only kernels call: no machine code of their own, and kept between processes."""

import gc
import operator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numba
import numpy as np
import pytest
from numba.core import config, types
from numba.core.dispatcher import Dispatcher
from numba.core.registry import cpu_target

from yieldsim.kernels import jit_stage
from yieldsim.kernels.jit import bare_jit, jit, stage_jit

pytestmark = pytest.mark.skipif(config.DISABLE_JIT, reason="needs compiled kernels")


@stage_jit
def twice(values: Any, i: int) -> float:
    return 2.0 * values[i]


def total(values: Any) -> float:
    total = 0.0
    for i in range(values.shape[0]):
        total += twice(values, i)
    return total


def new_kernels() -> tuple[Any, Any]:
    """A kernel and what it calls, as another process would have them."""
    below: Any = stage_jit(total)

    @bare_jit
    def mean(values: Any) -> float:
        return float(below(values) / values.shape[0])

    assert isinstance(mean, Dispatcher)
    return mean, below


def compiled(kernel: Any) -> Any:
    (form,) = kernel.overloads.values()
    return form


@pytest.fixture(autouse=True)
def no_kept_kernels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("yieldsim.kernels.jit_cache.cache_folders", lambda source: (tmp_path,))


def test_only_the_kernel_at_the_top_has_machine_code() -> None:
    top, below = new_kernels()
    assert top(np.arange(4.0)) == 3.0
    engine = compiled(top).library.codegen._engine
    assert engine.is_symbol_defined(compiled(top).fndesc.mangled_name)
    assert not engine.is_symbol_defined(compiled(below).fndesc.mangled_name)


def test_another_caller_takes_what_it_calls_from_the_cache() -> None:
    for hits in (0, 1):
        top, below = new_kernels()
        assert top(np.arange(4.0)) == 3.0
        assert sum(below.stats.cache_hits.values()) == hits


def test_python_calls_a_stage_by_way_of_a_kernel_around_it() -> None:
    below: Any = stage_jit(total)
    assert below(np.arange(4.0)) == 12.0
    assert below(np.arange(3, dtype=np.float32)) == 6.0


def test_a_kernel_from_the_cache_can_be_a_part_of_another() -> None:
    for hits in (0, 1):
        inner: Any = bare_jit(total)
        assert inner(np.arange(4.0)) == 12.0
        assert sum(inner.stats.cache_hits.values()) == hits

    @bare_jit
    def outer(values: Any) -> float:
        return float(inner(values) + 1.0)

    assert outer(np.arange(4.0)) == 13.0


def test_only_a_kernel_that_makes_arrays_starts_numbas_runtime(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    started: list[Any] = []
    monkeypatch.setattr(jit_stage, "rtsys", SimpleNamespace(initialize=started.append))
    for _ in range(2):
        new_kernels()[0](np.arange(4.0))
    assert started == []
    for _ in range(2):

        @jit
        def ones(count: int) -> Any:
            return np.ones(count)

        assert ones(3).sum() == 3.0
    assert len(started) == 1


def test_what_an_operator_of_numbers_returns_is_found_once() -> None:
    context = cpu_target.typing_context
    add = context.resolve_value_type(operator.add)
    for given in ((types.float64, types.int64), (types.boolean, types.float32)):
        with jit_stage._scalar_calls_resolved_once(context):
            first, second = (context.resolve_function_type(add, given, {}) for _ in range(2))
        assert first is second
        assert first == context.resolve_function_type(add, given, {})


def test_compiling_leaves_the_types_of_other_code_alone() -> None:
    new_kernels()[0](np.arange(4.0))
    assert "resolve_function_type" not in vars(cpu_target.typing_context)
    with pytest.raises(numba.TypingError):
        new_kernels()[0]("no numbers")
    assert "resolve_function_type" not in vars(cpu_target.typing_context)


@pytest.mark.parametrize("collects", [True, False])
def test_the_collector_is_as_it_was_after_compiling(collects: bool) -> None:
    before = gc.isenabled()
    try:
        (gc.enable if collects else gc.disable)()
        new_kernels()[0](np.arange(4.0))
        assert gc.isenabled() == collects
        with pytest.raises(numba.TypingError):
            new_kernels()[0]("no numbers")
        assert gc.isenabled() == collects
    finally:
        (gc.enable if before else gc.disable)()
