"""The signatures on a map: which of its fails are no chance.

A cluster of fails belongs to a signature if fails as dense as the background make one so large on
at most one wafer in twenty (`chance.py`), or if it is long and thin enough for a scratch
(`signatures.py`), which adds as many at most. The background is what lies neither under a signature
nor beside one. It is thinner than the whole map, so clusters are tested again until none is added.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from yieldsim.wafer.fit.shapes.chance import least_cluster
from yieldsim.wafer.fit.signatures import scratch_cells
from yieldsim.wafer.maps.wafer_maps import FAIL, NONE

__all__ = ["signature_cells", "spread_out"]

Flags = NDArray[np.bool_]
Grid = NDArray[np.uint8]

_AROUND = np.ones((3, 3), np.bool_)
_MOST_ROUNDS = 20
# Where more dies fail, long thin chains are common by chance: on one large wafer in eight.
_CHAINS_BELOW = 0.12


def signature_cells(grid: Grid) -> tuple[Flags, Flags]:
    """Return which fails belong to signatures, and which dies to the background, bool[row, column].

    Dies beside a signature that passed belong to neither: were they background, fails among them
    would have joined the cluster.
    """
    valid, bad = grid > NONE, grid == FAIL
    dies = int(valid.sum())
    clusters = [_clusters(bad, diagonal) for diagonal in (True, False)]
    share = float(bad.sum()) / dies
    chains = scratch_cells(grid) if share <= _CHAINS_BELOW else np.zeros_like(bad)
    marked, rest = chains, valid & ~ndimage.binary_dilation(chains, _AROUND)
    for _ in range(_MOST_ROUNDS):
        found = chains.copy()
        for label, size, diagonal in clusters:
            found |= (size >= least_cluster(dies, share, diagonal))[label]
        if np.array_equal(found, marked):
            break
        marked, rest = found, valid & ~ndimage.binary_dilation(found, _AROUND)
        share = float((bad & rest).sum()) / max(int(rest.sum()), 1)
    return marked, rest


def _clusters(bad: Flags, diagonal: bool) -> tuple[NDArray[np.int32], NDArray[np.int64], bool]:
    """Return the cluster of each cell, 0 for none, and the dies of each cluster."""
    label, count = ndimage.label(bad, _AROUND if diagonal else None)
    size = np.bincount(label.ravel(), minlength=count + 1)
    size[0] = 0
    return label, size, diagonal


def spread_out(marked: Flags, valid: Flags) -> Flags:
    """Return the cells with those outside the wafer set as the nearest die.

    A signature at the edge then reaches the edge of a wafer that is cut a little otherwise.
    """
    if not marked.any() or valid.all():
        return marked
    nearest = ndimage.distance_transform_edt(~valid, return_distances=False, return_indices=True)
    return np.asarray(marked[tuple(nearest)])
