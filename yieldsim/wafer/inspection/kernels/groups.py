"""Groups of linked defects, and how many different owners a defect's neighbours have."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from yieldsim.kernels.jit import inline_jit, jit

__all__ = ["distinct_owners", "linked_groups"]


@inline_jit
def _root(parent: NDArray[np.int64], item: int) -> int:
    """Return the item that stands for a group, and shorten the way to it."""
    while parent[item] != item:
        parent[item] = parent[parent[item]]
        item = parent[item]
    return item


@jit
def linked_groups(size: int, pairs: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the group of each item, int64[item]: the least item that it is linked to by pairs."""
    parent = np.arange(size)
    for k in range(pairs.shape[0]):
        a = _root(parent, pairs[k, 0])
        b = _root(parent, pairs[k, 1])
        parent[max(a, b)] = min(a, b)
    for item in range(size):
        parent[item] = _root(parent, item)
    return parent


@jit
def distinct_owners(pairs: NDArray[np.int64], owner: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how many owners each item and its partners have between them, int64[item]."""
    size = owner.shape[0]
    start = np.zeros(size + 1, np.int64)
    for k in range(pairs.shape[0]):
        start[pairs[k, 0] + 1] += 1
        start[pairs[k, 1] + 1] += 1
    for item in range(size):
        start[item + 1] += start[item]
    partners = np.empty(start[size], np.int64)
    filled = start[:-1].copy()
    for k in range(pairs.shape[0]):
        a, b = pairs[k, 0], pairs[k, 1]
        partners[filled[a]] = owner[b]
        partners[filled[b]] = owner[a]
        filled[a] += 1
        filled[b] += 1
    count = np.ones(size, np.int64)
    for item in range(size):
        near = np.sort(partners[start[item] : start[item + 1]])
        for i in range(near.shape[0]):
            if near[i] != owner[item] and (i == 0 or near[i] != near[i - 1]):
                count[item] += 1
    return count
