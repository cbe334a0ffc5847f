"""Named tuples that kernels take by address: the same values as in plain Python."""

import pickle
from typing import Any, NamedTuple

import numba
import numpy as np
import pytest
from numba.core import config

from yieldsim.kernels.jit import bare_jit, stage_jit
from yieldsim.kernels.jit_tables import by_address

pytestmark = pytest.mark.skipif(config.DISABLE_JIT, reason="needs compiled kernels")


@by_address
class Inner(NamedTuple):
    weights: Any


@by_address
class Tables(NamedTuple):
    rows: Any
    one: Any  # a single record
    inner: Inner
    size: int
    negative: bool


@stage_jit
def add_up(tables: Tables, out: Any) -> None:
    """Sum the cells of each row into ``out``, which may lie in the same memory as the tables."""
    sign = -1.0 if tables.negative else 1.0
    for i in range(tables.rows.shape[0]):
        for k in range(tables.size):
            out[i] += sign * tables.rows[i].cells[k] * tables.inner.weights[k] + tables.one.level[0]


@bare_jit
def kernel(tables: Tables, out: Any) -> None:
    add_up(tables, out)


@bare_jit
def reads_what_is_not_there(tables: Tables) -> float:
    return tables.no_such_table[0]  # type: ignore[attr-defined, no-any-return]


def made_up(size: int, negative: bool) -> tuple[Tables, Any]:
    rows = np.recarray(5, dtype=[("cells", "f8", (4,))])
    rows["cells"] = np.arange(20.0).reshape(5, 4) ** 1.5
    one = np.recarray(1, dtype=[("level", "f8", (2,))])
    one["level"] = 0.25
    tables = Tables(rows, one[0], Inner(np.linspace(1.0, 2.0, 4)), size, negative)
    return tables, np.zeros(5)


@pytest.mark.parametrize("size", [0, 3, 4])
@pytest.mark.parametrize("negative", [False, True])
def test_the_values_are_those_of_plain_python(size: int, negative: bool) -> None:
    tables, out = made_up(size, negative)
    kernel(tables, out)
    wanted = np.zeros(5)
    add_up.py_func(tables, wanted)  # type: ignore[attr-defined]
    np.testing.assert_array_equal(out, wanted)
    assert size == 0 or np.all(out != 0.0)


def test_what_a_kernel_writes_is_what_it_reads_next() -> None:
    """The address of an array is invariant, its numbers are not."""
    tables, _ = made_up(4, False)
    kernel(tables, tables.inner.weights[:4])
    other, _ = made_up(4, False)
    padded = np.zeros(5)
    padded[:4] = other.inner.weights
    by_hand = other._replace(inner=Inner(padded), rows=other.rows)
    add_up.py_func(by_hand, padded)  # type: ignore[attr-defined]
    np.testing.assert_array_equal(tables.inner.weights, padded[:4])


def test_an_unknown_field_does_not_compile() -> None:
    with pytest.raises(numba.TypingError, match="no_such_table"):
        reads_what_is_not_there(made_up(4, False)[0])


def test_the_type_is_kept_with_the_compiled_code() -> None:
    """Numba's cache stores the types of the arguments, and other arrays are another type."""
    kind = numba.typeof(made_up(4, False)[0])
    assert pickle.loads(pickle.dumps(kind)) == kind
    tables, _ = made_up(4, False)
    assert numba.typeof(tables._replace(inner=Inner(np.ones(4, dtype=np.float32)))) != kind
