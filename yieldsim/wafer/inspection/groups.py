"""Groups of defects: clusters on the wafer, and repeaters at the same place of die or field."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.spatial import cKDTree

from yieldsim.errors import UsageError
from yieldsim.wafer.inspection.inspection import Inspection
from yieldsim.wafer.inspection.kernels.groups import distinct_owners, linked_groups

__all__ = ["Repeaters", "cluster_numbers", "find_repeaters"]

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]

_MOST_PAIRS = 20_000_000
_BY_CHANCE = 0.01  # groups of chance that a whole list may hold
_COARSE = 4.0


def cluster_numbers(x_mm: Floats, y_mm: Floats, reach_mm: float, least: int) -> Integers:
    """Return each defect's cluster, from 0; -1 for one in a group of fewer than ``least``.

    Two defects at most ``reach_mm`` apart are in one group (single linkage). Where more than 20
    million pairs lie that near, defects in one square of a quarter of the reach count as one place.
    """
    if not len(x_mm):
        return np.zeros(0, np.int64)
    places, at = np.column_stack([x_mm, y_mm]), np.arange(len(x_mm))
    tree = cKDTree(places)
    if tree.count_neighbors(tree, reach_mm) > 2 * _MOST_PAIRS:
        cells = np.floor(places * (_COARSE / reach_mm)).astype(np.int64)
        _, first, at = np.unique(cells, axis=0, return_index=True, return_inverse=True)
        places, at = places[first], at.ravel()
        tree = cKDTree(places)
    pairs = tree.query_pairs(reach_mm, output_type="ndarray").astype(np.int64)
    group = linked_groups(len(places), pairs)[at]
    return _renumbered(group, np.bincount(group)[group] >= least)


def _renumbered(group: Integers, kept: NDArray[np.bool_]) -> Integers:
    """Return the groups that are kept, from 0 by their first defect; the others are -1."""
    numbers = np.full(len(group), -1, np.int64)
    _, first, inverse = np.unique(group[kept], return_index=True, return_inverse=True)
    numbers[kept] = np.argsort(np.argsort(first))[inverse.ravel()]
    return numbers


@dataclass(frozen=True)
class Repeaters:
    """Places of a die (or a field) where more dies have a defect than chance would explain.

    ``across_mm``, ``up_mm`` float64[repeater] from the lower left corner, ``dies`` int64[repeater]
    with a defect there, ``defects`` int64[repeater]; ``least_dies`` is the threshold. ``number``
    has for each wafer the repeater of each defect, or -1.
    """

    across_mm: Floats
    up_mm: Floats
    dies: Integers
    defects: Integers
    least_dies: int
    number: list[Integers]


def find_repeaters(
    wafers: Sequence[Inspection],
    reach_mm: float,
    field: tuple[int, int] = (1, 1),
    least_dies: int | None = None,
) -> Repeaters:
    """Return the repeaters of some wafers; ``field`` is the reticle's columns and rows of dies.

    A defect counts how many fields have one within ``reach_mm`` of its place. Those that count
    ``least_dies`` and more, and lie so near one another, are one repeater. By default the threshold
    is the least for which chance, a Poisson law, would give 0.01 such defects in all.
    """
    pitch = wafers[0].pitch_mm
    size = (field[0] * pitch[0], field[1] * pitch[1])
    across, up, owner, wafer = _in_fields(wafers, field)
    if least_dies is None:
        least_dies = _threshold(len(across), reach_mm, size)
    number = np.full(len(across), -1, np.int64)
    pairs = _near(across, up, reach_mm)
    if len(pairs):
        core = distinct_owners(pairs, owner) >= least_dies
        linked = pairs[core[pairs].all(axis=1)]
        number = _renumbered(linked_groups(len(across), linked), core)
    count = int(number.max(initial=-1)) + 1
    hit = number >= 0
    defects = np.bincount(number[hit], minlength=count)
    once = np.unique(number[hit] * (owner.max(initial=0) + 1) + owner[hit])
    dies = np.bincount(once // (owner.max(initial=0) + 1), minlength=count)
    return Repeaters(
        across_mm=np.bincount(number[hit], across[hit], minlength=count) / np.maximum(defects, 1),
        up_mm=np.bincount(number[hit], up[hit], minlength=count) / np.maximum(defects, 1),
        dies=dies,
        defects=defects,
        least_dies=least_dies,
        number=[number[wafer == w] for w in range(len(wafers))],
    )


def _in_fields(
    wafers: Sequence[Inspection], field: tuple[int, int]
) -> tuple[Floats, Floats, Integers, Integers]:
    """Return each defect's place in its field, the number of that field, and of the wafer."""
    parts = []
    for w, one in enumerate(wafers):
        column, row = one.found.index_x, one.found.index_y
        place = np.column_stack([column // field[0], row // field[1], np.full(len(column), w)])
        across = (column % field[0]) * one.pitch_mm[0] + one.found.across_mm
        up = (row % field[1]) * one.pitch_mm[1] + one.found.up_mm
        parts.append((across, up, place))
    across, up = (np.concatenate([part[i] for part in parts]) for i in range(2))
    places = np.concatenate([part[2] for part in parts])
    low = places.min(axis=0, initial=0)
    size = places.max(axis=0, initial=0) - low + 1
    column, row, wafer = (places - low).T
    return across, up, (wafer * size[1] + row) * size[0] + column, places[:, 2]


def _near(across: Floats, up: Floats, reach_mm: float) -> Integers:
    """Return the pairs of defects that lie within reach. Raises UsageError for too many."""
    if not len(across):
        return np.zeros((0, 2), np.int64)
    tree = cKDTree(np.column_stack([across, up]))
    if tree.count_neighbors(tree, reach_mm) > 2 * _MOST_PAIRS + len(across):
        got, allowed = f"{1000.0 * reach_mm:g} um", f"at most {_MOST_PAIRS:,} pairs of defects"
        raise UsageError("reach_mm", "too many defects lie so near", got=got, allowed=allowed)
    return tree.query_pairs(reach_mm, output_type="ndarray").astype(np.int64)


def _threshold(defects: int, reach_mm: float, size: tuple[float, float]) -> int:
    """Return the least number of fields that chance gives to fewer than 0.01 defects in all."""
    others = defects * np.pi * reach_mm**2 / (size[0] * size[1])
    most = 3
    while defects * float(stats.poisson.sf(most - 2, others)) > _BY_CHANCE:
        most += 1
    return most
