"""Tables of records as views of flat buffers, which kernels clear and copy in one loop."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from yieldsim.supply.kernels.records import LANES, record_dtype

Part = tuple[tuple[int, ...], np.dtype[Any] | None]  # shape, and the record type of a table


def rows_of(part: Part) -> int:
    """Return how many rows of lanes a part of a flat buffer takes."""
    shape, dtype = part
    fields = 1 if dtype is None else dtype.itemsize // (np.dtype(np.float64).itemsize * LANES)
    return math.prod(shape) * fields


def lane_views(flat: np.ndarray, parts: Iterable[Part]) -> list[Any]:
    """Return views of a flat buffer (row, lane), one part after another.

    A part with a record type is a table of its shape, or one record where the shape is empty; else
    it is an array of the shape and the lane.
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
    """Return a table, a record or an array of lanes with memory of its own, all zero."""
    flat = np.zeros((rows_of((shape, dtype)), LANES))
    return _lane_view(flat, shape, dtype)


def records(fields: type, rows: Sequence[Sequence[float]], *shape: int) -> Any:
    """Return a table of an annotated record class, its fields in the order of the class.

    ``rows`` give the records one after another; ``shape`` is that of the table, (rows) by default.
    """
    table = np.array([tuple(row) for row in rows], dtype=record_dtype(fields))
    return table.reshape(shape or len(rows)).view(np.recarray)


def fields_of(table: Any, lane: int | slice) -> dict[str, np.ndarray]:
    """Return copies of the fields of a table of lanes, of one lane or of several as the last axis.

    The copies lie in one piece each, so that sums over them give the same bits whatever the lane.
    """
    return {name: np.ascontiguousarray(table[name][..., lane]) for name in table.dtype.names}
