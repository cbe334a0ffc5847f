"""Wafers defect by defect: every defect has a place, and with layer groups a layer and a size.

A die's defects are counted by inversion from one uniform and numbered, and defect j of a die has
the same place at any density: what falls at a lower density is a part of what falls at a higher.

Legend: a *strip* is the part of the die's height that one block takes; a *node* is the die (0), a
group or a core, holders before what they hold; ``memory`` counts memories, -1 means a fatal area.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from yieldsim.kernels.inverse import poisson_ppf_exact
from yieldsim.kernels.jit import bare_jit, inline_jit
from yieldsim.kernels.philox import (
    STREAM_DEFECT_COUNT,
    STREAM_DEFECT_PLACE,
    fill_blocks,
    seeded_words,
    uniform_open,
)
from yieldsim.wafer.kernels.density import add_signatures, density_row, lot_density, wafer_ratio
from yieldsim.wafer.kernels.dies import count_dies
from yieldsim.wafer.kernels.points_flat import flat_masks
from yieldsim.wafer.kernels.sorting import parametric_shift

__all__ = ["Floor", "points_block"]

_ZERO = np.uint32(0)
_GUIDE_BITS = np.uint32(22)
GUIDE_CELLS = 1024  # of the 32 bits of a place in the die's height
_IN_BLOCK = 3  # places that fit beside the count in its block of four words


class Floor(NamedTuple):
    """A floorplan as arrays.

    ``area_cm2`` is the whole die's. ``strip_end`` uint64[strip] are ends in units of height / 2^32,
    ``strip_guide`` int64[GUIDE_CELLS] the first strip of each cell, ``strip_node`` int64[strip] (-1
    for nothing there), ``strip_memory``, ``strip_kind`` int64[strip]. ``parent``, ``min_good``,
    ``is_core`` int64[node], ``memory_node``, ``spares`` int64[memory]. ``class_of`` int64[good
    clusters, good cores], ``class_by_lost`` int64[dead cores + 1], first a dead die.

    ``flat`` says that only the die and cores can die, each of any defect; then ``cell_node``
    int32[FLAT_CELLS] is what lies in each cell of a word, empty where the cores are too many for
    `flat_points`. ``layer_end`` float64[layer] are cumulative shares, ``layer_x0`` float64[layer];
    ``kill`` float64[kind, layer, 3] is (ratio, spacing, width), the ratio below zero where the
    lines decide; empty where every defect kills.
    """

    area_cm2: Any
    strip_end: NDArray[np.uint64]
    strip_guide: NDArray[np.int64]
    strip_node: NDArray[np.int64]
    strip_memory: NDArray[np.int64]
    strip_kind: NDArray[np.int64]
    parent: NDArray[np.int64]
    min_good: NDArray[np.int64]
    is_core: NDArray[np.int64]
    memory_node: NDArray[np.int64]
    spares: NDArray[np.int64]
    class_of: NDArray[np.int64]
    class_by_lost: NDArray[np.int64]
    cores: Any
    flat: Any
    cell_node: NDArray[np.int32]
    layer_end: NDArray[np.float64]
    layer_x0: NDArray[np.float64]
    kill: NDArray[np.float64]


@inline_jit
def strip_of(floor: Any, word: Any) -> Any:
    """The strip of a place in the die's height."""
    strip = floor.strip_guide[word >> _GUIDE_BITS]
    while np.uint64(word) >= floor.strip_end[strip]:
        strip += 1
    return strip


@inline_jit
def place_words(field: Any, die: Any, defect: Any, wafer: Any) -> Any:
    """Words of a defect: height in the die, width in the die, layer, size."""
    return seeded_words(field.seed, np.uint32(die), np.uint32(defect), STREAM_DEFECT_PLACE, wafer)


@inline_jit
def line_kill(size: Any, spacing: Any, width: Any) -> Any:
    """Share of places where a defect of a size shorts two of many parallel lines (Stapper 1983)."""
    return min(max((size - spacing) / (width + spacing), 0.0), 1.0)


@inline_jit
def layer_and_size(floor: Any, layer_word: Any, size_word: Any) -> Any:
    """(layer, what is left of the layer's uniform, size in um) of a defect."""
    u = uniform_open(layer_word)
    layer = 0
    start = 0.0
    while layer < floor.layer_end.shape[0] - 1 and u >= floor.layer_end[layer]:
        start = floor.layer_end[layer]
        layer += 1
    left = (u - start) / (floor.layer_end[layer] - start)
    return layer, left, floor.layer_x0[layer] / math.sqrt(uniform_open(size_word))


@inline_jit
def kills(floor: Any, kind: Any, layer: Any, left: Any, size: Any) -> Any:
    """Whether a defect kills where it is."""
    kill = floor.kill[kind, layer]
    chance = kill[0] if kill[0] >= 0.0 else line_kill(size, kill[1], kill[2])
    return left < chance


@inline_jit
def _hit(floor: Any, strip: Any, dead: Any, faults: Any) -> Any:
    """Book a killing defect in a strip; returns whether it hit anything."""
    node = floor.strip_node[strip]
    if node < 0:
        return False
    memory = floor.strip_memory[strip]
    if memory < 0:
        dead[node] = True
    else:
        faults[memory] += 1
    return True


@bare_jit
def working_class(floor: Any, dead: Any, faults: Any, good: Any) -> Any:
    """The class of a die from its dead nodes and its memories' faults, both cleared for the next.

    ``good`` int64[node] is work space. Cores count upwards, through clusters that have enough.
    """
    for memory in range(faults.shape[0]):
        if faults[memory] > floor.spares[memory]:
            dead[floor.memory_node[memory]] = True
        faults[memory] = 0
    nodes = dead.shape[0]
    clusters = 0
    for node in range(nodes):
        good[node] = 0
    for step in range(1, nodes):
        node = nodes - step
        count = 1 if floor.is_core[node] else good[node]
        if dead[node] or count < floor.min_good[node]:
            count = 0
        parent = floor.parent[node]
        if count > 0 and parent == 0 and not floor.is_core[node]:
            clusters += 1
        good[parent] += count
        dead[node] = False
    if dead[0]:
        dead[0] = False
        return np.int64(-1)
    return floor.class_of[clusters, good[0]]


@bare_jit
def flat_lost(
    field: Any,
    floor: Any,
    die: Any,
    wafer: Any,
    count: Any,
    words: Any,
    stamp: Any,
    mark: Any,
) -> Any:
    """Dead cores of a die without groups, memories and layers; -1 where it is dead."""
    lost = 0
    for defect in range(count):
        if defect < _IN_BLOCK:
            word = words[defect + 1, die]
        else:
            word = place_words(field, die, defect, wafer)[0]
        node = floor.strip_node[strip_of(floor, word)]
        if node == 0:
            return -1
        if node > 0 and stamp[node] != mark:
            stamp[node] = mark
            lost += 1
    return lost


@bare_jit
def full_class(
    field: Any,
    floor: Any,
    die: Any,
    wafer: Any,
    count: Any,
    words: Any,
    work: Any,
    hit_start: Any,
    hit_strip: Any,
) -> Any:
    """The class of any die; -1 where it is dead. Reticle defects kill wherever they print."""
    touched = False
    for defect in range(count):
        word, _, layer_word, size_word = place_words(field, die, defect, wafer)
        if defect < _IN_BLOCK:
            word = words[defect + 1, die]
        strip = strip_of(floor, word)
        if floor.kill.shape[0] > 0:
            layer, left, size = layer_and_size(floor, layer_word, size_word)
            if not kills(floor, floor.strip_kind[strip], layer, left, size):
                continue
        touched |= _hit(floor, strip, work.dead, work.faults)
    if hit_start.shape[0] > 0:
        for hit in range(hit_start[die], hit_start[die + 1]):
            touched |= _hit(floor, hit_strip[hit], work.dead, work.faults)
    if not touched:
        return np.int64(0)
    return working_class(floor, work.dead, work.faults, work.good)


@bare_jit
def points_classes(
    field: Any,
    floor: Any,
    wafer: Any,
    mark: Any,
    hit_start: Any,
    hit_strip: Any,
    worst: Any,
    work: Any,
) -> None:
    """Fill ``work.works`` int64[die] from the densities of one wafer."""
    words = work.count_words
    fill_blocks(words, field.seed, _ZERO, _ZERO, STREAM_DEFECT_COUNT, wafer)
    flat = floor.flat and hit_start.shape[0] == 0
    dies = work.density.shape[0]
    if flat and floor.cell_node.shape[0] > 0:
        flat_masks(
            work.density,
            floor.area_cm2,
            floor.cell_node,
            words,
            work.counts,
            work.nodes,
            work.works,
        )
        for die in range(dies):
            if work.works[die] < -1:
                u = uniform_open(words[0, die])
                count = poisson_ppf_exact(u, work.density[die] * floor.area_cm2)
                work.works[die] = flat_lost(
                    field, floor, die, wafer, count, words, work.stamp, mark * dies + die
                )
        for die in range(dies):
            work.works[die] = floor.class_by_lost[work.works[die] + 1]
        return
    for die in range(dies):
        count = poisson_ppf_exact(uniform_open(words[0, die]), work.density[die] * floor.area_cm2)
        if count == 0 and hit_start.shape[0] == 0:
            found = np.int64(0)
        elif flat:
            lost = flat_lost(field, floor, die, wafer, count, words, work.stamp, mark * dies + die)
            found = floor.class_by_lost[lost + 1]
        else:
            found = full_class(field, floor, die, wafer, count, words, work, hit_start, hit_strip)
        work.works[die] = worst if found < 0 else found


@bare_jit
def points_block(
    field: Any,
    sorting: Any,
    floor: Any,
    hit_start: Any,
    hit_strip: Any,
    first_wafer: Any,
    work: Any,
    out: Any,
    image: Any,
    densities: Any,
) -> None:
    """Place every defect of ``out``'s wafers; columns as of `drawn.dies_block`.

    ``hit_start`` int64[die + 1] and ``hit_strip`` int64[hit] list the blocks that reticle defects
    hit on the one wafer then computed, or are empty.
    """
    lot = np.int64(-1)
    lot_part = 0.0
    worst = sorting.bin_of.shape[0] - 1
    for w in range(out.shape[0]):
        wafer = np.int64(first_wafer) + w
        if wafer // field.lot_wafers != lot:
            lot = wafer // field.lot_wafers
            lot_part = lot_density(field, lot)
        number = np.uint32(wafer)
        wafer_part = lot_part * wafer_ratio(field, number)
        density_row(field, number, wafer_part, work.region_words, work.regions, work.density)
        if add_signatures(field, number, work.extra):
            for die in range(work.extra.shape[0]):
                work.density[die] += work.extra[die]
        points_classes(field, floor, number, w + 1, hit_start, hit_strip, worst, work)
        shifts = (0.0, 0.0)
        if sorting.has_parametric:
            shifts = parametric_shift(sorting, np.uint32(lot), number)
        count_dies(sorting, work.works, number, shifts, out[w], image[w])
        if densities.shape[1] > 0:
            for die in range(work.density.shape[0]):
                densities[w, die] = work.density[die]
