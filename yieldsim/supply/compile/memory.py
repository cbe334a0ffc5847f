"""Tables of records as views of flat buffers, which kernels clear and copy in a single loop."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

import numpy as np

from yieldsim.supply.kernels.records import LANES, Records, record_dtype

Record = TypeVar("Record")
Part = tuple[tuple[int, ...], np.dtype[Any] | None]  # shape; record type, None for a plain array


def rows_of(part: Part) -> int:
    """Return the number of rows of lanes of a part of a flat buffer."""
    shape, dtype = part
    fields = 1 if dtype is None else dtype.itemsize // (np.dtype(np.float64).itemsize * LANES)
    return math.prod(shape) * fields


def lane_views(flat: np.ndarray, parts: Iterable[Part]) -> list[Any]:
    """Return views of a flat buffer (row, lane), part by part.

    A part with a record type is a table of its shape, or a record where the shape is empty. A part
    without is an array (*shape, lane).
    """
    views, first = [], 0
    for shape, dtype in parts:
        last = first + rows_of((shape, dtype))
        views.append(_lane_view(flat[first:last], shape, dtype))
        first = last
    return views


def _lane_view(flat: np.ndarray, shape: tuple[int, ...], dtype: np.dtype[Any] | None) -> Any:
    if dtype is None:
        return flat.reshape(*shape, LANES)
    table = flat.reshape(-1).view(dtype).view(np.recarray)
    return table.reshape(shape) if shape else table[0]


def lane_table(shape: tuple[int, ...], dtype: np.dtype[Any] | None) -> Any:
    """Return a zeroed table, record or array of lanes, as in `lane_views`, with its own memory."""
    flat = np.zeros((rows_of((shape, dtype)), LANES))
    return _lane_view(flat, shape, dtype)


def records(fields: type, rows: Sequence[Sequence[float]], *shape: int) -> Any:
    """Return a table of an annotated record class, its fields in the order of the class.

    ``rows`` are the records. The table has the given ``shape``, by default (rows).
    """
    table = np.array([tuple(row) for row in rows], dtype=record_dtype(fields))
    return table.reshape(shape or len(rows)).view(np.recarray)


def each_record(table: Records[Record]) -> Iterator[Record]:
    """Yield the records of a table with a single axis."""
    return (table[place] for place in range(len(table)))
