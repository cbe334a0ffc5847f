"""Classes of an input: realizations with neighbouring values of it, about as many in each.

Values that are equal share a class, so an input of a few values has a class for each of them, and a
constant one has a single class.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import xarray as xr

from yieldsim.analysis.totals import realization_blocks

MOST_CLASSES, FEWEST_CLASSES = 40, 4
# The edges of the classes are quantiles of this many realizations, the first ones.
HEAD = 16_384
# Labels held at once, a byte for each realization and input.
LABEL_BYTES = 192 * 2**20
_HEAD_BYTES = 96 * 2**20


def class_count(realizations: int) -> int:
    """How many classes an input has: more with more realizations, from 4 to 40.

    Few classes blur an input, many have noisy means. With n^(3/8) classes both errors fall: the
    share of an index that classes lose, 1 / classes^2 for a linear effect of a uniform input, and
    the noise of an inert one, sqrt(2 classes) / n.
    """
    return int(np.clip(round(realizations**0.375), FEWEST_CLASSES, MOST_CLASSES))


def class_edges(values: np.ndarray, classes: int) -> np.ndarray:
    """The upper ends of all classes but the last, in rising order; empty for a constant input.

    ``values`` (n). A figure is in class c if c edges lie below it. An input that is not a number
    throughout, as where a scenario does not have it, counts as constant.
    """
    ordered = np.sort(values)
    below = np.searchsorted(ordered, ordered[-1], side="left")
    if below == 0 or not np.isfinite(ordered[-1]) or not np.isfinite(ordered[0]):
        return np.empty(0)
    places = (np.arange(1, classes) * len(ordered)) // classes
    # no edge at the largest value: a class must lie above each
    edges: np.ndarray = np.unique(np.minimum(ordered[places], ordered[below - 1]))
    return edges


def labelled(
    array: xr.DataArray, classes: int, label_bytes: int | None = None
) -> Iterator[tuple[int, np.ndarray]]:
    """The class of each realization, input by input: pairs of the first input and uint8[input, n].

    ``array`` has the dims realization and parameter. It is read twice for each batch of inputs,
    as many as ``label_bytes`` hold (default `LABEL_BYTES`).
    """
    array = array.transpose("realization", "parameter")
    n, width = array.shape
    step = max(1, min((label_bytes or LABEL_BYTES) // n, _HEAD_BYTES // (8 * min(n, HEAD))))
    for first in range(0, width, step):
        part = array.isel(parameter=slice(first, first + step))
        head = _columns(part, min(n, HEAD))
        edges = [class_edges(column, classes) for column in head]
        del head
        labels = np.empty((part.shape[1], n), dtype=np.uint8)
        for block, values in _blocks(part):
            for row, own in enumerate(edges):
                labels[row, block] = np.searchsorted(own, values[row], side="left")
        yield first, labels


def columns_of(array: xr.DataArray, places: list[int]) -> np.ndarray:
    """The values (input, n) of some inputs, read in one pass."""
    return _columns(array.transpose("realization", "parameter").isel(parameter=places))


def _columns(array: xr.DataArray, count: int | None = None) -> np.ndarray:
    """The first ``count`` values of each input, (input, count)."""
    head = array if count is None else array.isel(realization=slice(0, count))
    values = np.empty((head.shape[1], head.shape[0]))
    for block, part in _blocks(head):
        values[:, block] = part
    return values


def _blocks(array: xr.DataArray) -> Iterator[tuple[slice, np.ndarray]]:
    """Blocks of realizations with their values, (input, realization), each row contiguous."""
    for block in realization_blocks(array):
        values = array.isel(realization=block).to_numpy()
        yield block, np.ascontiguousarray(values.T, dtype=np.float64)
