"""Arrays as kernels see them: indices, slices, shapes and names of fields as in plain Python."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numba
import numpy as np
import pytest
from numba.core import config

from yieldsim.kernels.jit import stage_jit
from yieldsim.kernels.jit_tables import by_address

pytestmark = pytest.mark.skipif(config.DISABLE_JIT, reason="needs compiled kernels")

ROWS, COLUMNS, LANES = 3, 4, 5
FORM = [("count", "i8"), ("values", "f8", (LANES,)), ("pairs", "f8", (2, LANES))]


@by_address
class Given(NamedTuple):
    records: Any
    numbers: Any
    turned: Any  # not contiguous
    words: Any


def given() -> Given:
    rng = np.random.default_rng(3)
    records = np.zeros((ROWS, COLUMNS), dtype=FORM).view(np.recarray)
    records["count"] = np.arange(ROWS * COLUMNS).reshape(ROWS, COLUMNS)
    for name in ("values", "pairs"):
        records[name] = rng.random(records[name].shape)
    numbers = rng.random((2, ROWS, COLUMNS))
    words = np.arange(COLUMNS, dtype=np.uint32)
    return Given(records, numbers, np.asfortranarray(rng.random((ROWS, COLUMNS))), words)


@stage_jit
def third(lanes: Any) -> float:
    return lanes[3]  # type: ignore[no-any-return]


READS: dict[str, Callable[[Any, int, int], Any]] = {
    "a cell of the first axes": lambda t, i, j: t.numbers[1, i, j],
    "axis by axis": lambda t, i, j: t.numbers[1][i][j],
    "the last axes": lambda t, i, j: t.numbers[1, i][j] + t.numbers[1][i, j],
    "shapes": lambda t, i, j: (t.numbers.shape, t.numbers[1].shape, t.numbers[0, i].shape),
    "shapes of records": lambda t, i, j: (t.records.shape, t.records[i].shape),
    "a number of a record": lambda t, i, j: t.records[i, j].count,
    "a lane": lambda t, i, j: t.records[i][j].values[2],
    "lanes by class": lambda t, i, j: t.records[i, j].pairs[1, 2] + t.records[i, j].pairs[1][2],
    "shapes of lanes": lambda t, i, j: (t.records[i, j].pairs.shape, t.records[0, 0].values.shape),
    "lanes passed on": lambda t, i, j: third(t.records[i, j].values) + third(t.numbers[0, i]),
    "an unsigned index": lambda t, i, j: t.numbers[t.words[1], t.words[2], t.words[3]],
    "a slice of a table": lambda t, i, j: t.numbers[:, i, j].sum() + t.numbers[1, i, 1:].sum(),
    "a slice of a part": lambda t, i, j: t.numbers[1][i:, j].sum() + t.numbers[0][1][::2].sum(),
    "a slice of lanes": lambda t, i, j: t.records[i, j].pairs[:, 2].sum(),
    "an array in another order": lambda t, i, j: t.turned[i, j] + t.turned[:, j].sum(),
}


@pytest.mark.parametrize("case", READS)
def test_reads_as_in_plain_python(case: str) -> None:
    read, tables = READS[case], given()
    assert numba.njit(read)(tables, 2, 1) == read(tables, 2, 1)


def writes(tables: Any, i: int, j: int) -> None:
    tables.numbers[0, i, j] = 7.0
    tables.numbers[1][i][j] += 1.0
    tables.numbers[0, 0][1:] = 3.0
    tables.records[i, j].values[2] *= 2.0
    tables.records[i][j].pairs[1, 2] = tables.records[i, j].count
    tables.records[0, 0].values[:] = 0.5
    tables.records[i, j].count = 40
    record = tables.records[1, i]
    record.count += 2
    tables.words[1] = 9


def test_writes_as_in_plain_python() -> None:
    compiled, plain = given(), given()
    numba.njit(writes)(compiled, 2, 1)
    writes(plain, 2, 1)
    assert plain.words[1] == 9
    for name in Given._fields:
        np.testing.assert_array_equal(getattr(compiled, name), getattr(plain, name))


@pytest.mark.parametrize(("i", "j"), [(-1, 0), (ROWS, 0), (0, COLUMNS), (0, -1)])
def test_bounds_checks_find_an_index_outside(i: int, j: int) -> None:
    checked = numba.njit(boundscheck=True)(lambda t, i, j: t.records[i, j].count)
    assert checked(given(), 1, 1) == COLUMNS + 1
    with pytest.raises(IndexError):
        checked(given(), i, j)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda t: t.records[0, 0].no_such_field[0],
        lambda t: t.numbers.no_such_attribute,
        lambda t: t.numbers[0, 0, 0, 0],
        lambda t: t.numbers["name"],
    ],
)
def test_what_is_not_there_does_not_compile(wrong: Any) -> None:
    with pytest.raises(numba.TypingError):
        numba.njit(wrong)(given())
