"""Records of the supply kernels, filled by the names of their fields."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from yieldsim.model.schema.fields import Entity
from yieldsim.supply.compile.columns import quantity_fields
from yieldsim.supply.compile.memory import lane_table, records
from yieldsim.supply.kernels.records import lanes_dtype, record_dtype

# Each function takes a second or so to compile alone. `make test` compares the whole kernel, in
# which they are compiled together, with the twin.
FORMS = (pytest.param("compiled", marks=pytest.mark.slow), "plain")


def form_of(kernel: Any, form: str) -> Any:
    """A kernel as it is compiled, or as the Python function that it is made of."""
    return kernel if form == "compiled" else getattr(kernel, "py_func", kernel)


def table(kind: type | tuple[str, ...], *shape: int, **fields: Any) -> Any:
    """A table of a given shape, one record without a shape; fields that are not given are zero.

    ``kind`` is a record class of the kernels, or the names of the fields. Each value is broadcast
    to (*shape, lane), so that a number per record needs a last axis of one.
    """
    dtype = lanes_dtype(kind) if isinstance(kind, tuple) else record_dtype(kind)
    filled = lane_table(shape, dtype)
    for name, values in fields.items():
        filled[name][...] = values
    return filled


def parameters(entity: type[Entity], *shape: int, **fields: Any) -> Any:
    """A table of a World: the quantities of an entity of the schema, zero unless given."""
    return table(quantity_fields(entity), *shape, **fields)


def column(values: Sequence[Any]) -> np.ndarray:
    """Numbers of records, alike in all lanes."""
    return np.array(values, float)[..., None]


def structure_table(kind: type, *rows: dict[str, float]) -> Any:
    """A table of the structure from the fields of its records, zero where none is given."""
    return records(kind, [[row.get(name, 0) for name in kind.__annotations__] for row in rows])
