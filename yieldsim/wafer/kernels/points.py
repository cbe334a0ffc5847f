"""Wafers defect by defect: every defect has a place, and with layer groups a layer and a size.

One uniform gives the number of defects of a die by inversion, and defect j of a die has the same
place at any density: the defects at a lower density are a subset of those at a higher one.

Legend: a *strip* is the part of the die's height that one block takes. A *node* is the die (0), a
group or a core; holders come before what they hold. ``memory`` numbers memories, and -1 means a
fatal area.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from yieldsim.kernels.inverse import poisson_ppf_exact
from yieldsim.kernels.jit import bare_jit, inline_jit, stage_jit
from yieldsim.kernels.philox import (
    STREAM_DEFECT_COUNT,
    STREAM_DEFECT_PLACE,
    fill_blocks,
    seeded_words,
    uniform_open,
)
from yieldsim.wafer.kernels.density import DensityModel
from yieldsim.wafer.kernels.dies import DieCounts, count_dies
from yieldsim.wafer.kernels.points_flat import (
    IN_BLOCK,
    OPEN,
    VECTOR_DEFECTS,
    flat_masks,
    height_word,
    upper_half,
)
from yieldsim.wafer.kernels.sorting import Sorting
from yieldsim.wafer.kernels.wafer_state import (
    WorkSpace,
    begin_wafer,
    fill_density,
    keep_density,
    no_wafer,
)

__all__ = [
    "GUIDE_CELLS",
    "KILL",
    "BlockLayout",
    "ReticleHits",
    "kills",
    "layer_and_size",
    "place_words",
    "points_block",
    "strip_of",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Words = NDArray[np.uint32]

_ZERO = np.uint32(0)
_GUIDE_BITS = np.uint32(22)
GUIDE_CELLS = 1024  # of the 32 bits of a place in the die's height
_HALF_BITS = np.uint32(16)
_HALF = np.uint32(0xFFFF)
# ``ratio`` below zero: the spacing and width of the lines decide
KILL = np.dtype([("ratio", np.float64), ("spacing_um", np.float64), ("width_um", np.float64)])


class BlockLayout(NamedTuple):
    """A floorplan as arrays of single blocks.

    ``area_cm2`` is the whole die's. ``strip_end`` uint64[strip] are ends in units of height / 2^32,
    ``strip_guide`` int64[GUIDE_CELLS] the first strip of each cell, ``strip_node`` int64[strip] (-1
    where nothing lies), ``strip_memory``, ``strip_kind`` int64[strip]. ``parent``, ``min_good``,
    ``is_core`` int64[node]; ``memory_node``, ``spares`` int64[memory]. ``class_of`` int64[good
    clusters, good cores]; ``class_by_lost`` int64[dead cores + 1] begins with a dead die.

    ``flat`` says that only the die and cores can die, each of any defect. Then ``cell_node``
    uint8[FLAT_CELLS] is what lies in each cell of a place; it is empty where the cores are too many
    for points_flat.py. ``layer_end`` float64[layer] are cumulative shares, ``layer_x0_um``
    float64[layer] the least sizes. ``kill`` are records KILL [kind, layer], empty where every
    defect kills.
    """

    area_cm2: float
    strip_end: NDArray[np.uint64]
    strip_guide: Ints
    strip_node: Ints
    strip_memory: Ints
    strip_kind: Ints
    parent: Ints
    min_good: Ints
    is_core: Ints
    memory_node: Ints
    spares: Ints
    class_of: Ints
    class_by_lost: Ints
    cores: int
    flat: bool
    cell_node: NDArray[np.uint8]
    layer_end: Floats
    layer_x0_um: Floats
    kill: NDArray[np.void]


class ReticleHits(NamedTuple):
    """Strips that reticle defects hit on one wafer: those of die d are ``strip[start[d] :
    start[d + 1]]``. ``start`` is empty where no reticle defect counts."""

    start: Ints
    strip: Ints


@inline_jit
def strip_of(layout: BlockLayout, word: np.uint32) -> int:
    """Return the strip of a place in the die's height."""
    strip = layout.strip_guide[word >> _GUIDE_BITS]
    while np.uint64(word) >= layout.strip_end[strip]:
        strip += 1
    return strip


@inline_jit
def place_words(seed: np.uint64, die: int, defect: int, wafer: np.uint32) -> Any:
    """Return the words of a defect: height in the die (see `height_word`), width, layer, size."""
    return seeded_words(seed, np.uint32(die), np.uint32(defect), STREAM_DEFECT_PLACE, wafer)


@inline_jit
def line_kill(size: float, spacing: float, width: float) -> float:
    """Return the share of places where a defect shorts two parallel lines (Stapper 1983)."""
    return min(max((size - spacing) / (width + spacing), 0.0), 1.0)


@stage_jit
def layer_and_size(
    layout: BlockLayout, layer_word: np.uint32, size_word: np.uint32
) -> tuple[int, float, float]:
    """Return (layer, unused part of the layer's uniform as a uniform, size in um) of a defect."""
    u = uniform_open(layer_word)
    layer = 0
    start = 0.0
    while layer < layout.layer_end.shape[0] - 1 and u >= layout.layer_end[layer]:
        start = layout.layer_end[layer]
        layer += 1
    left = (u - start) / (layout.layer_end[layer] - start)
    return layer, left, layout.layer_x0_um[layer] / math.sqrt(uniform_open(size_word))


@inline_jit
def kills(layout: BlockLayout, kind: int, layer: int, u: float, size_um: float) -> bool:
    """Return whether a defect kills where it is, decided by the uniform ``u``."""
    kill: Any = layout.kill[kind, layer]
    chance = kill.ratio
    if chance < 0.0:
        chance = line_kill(size_um, kill.spacing_um, kill.width_um)
    return bool(u < chance)


@inline_jit
def _hit(layout: BlockLayout, strip: int, dead: NDArray[np.bool_], faults: Ints) -> bool:
    """Book a killing defect in a strip, and return whether it hit anything."""
    node = layout.strip_node[strip]
    if node < 0:
        return False
    memory = layout.strip_memory[strip]
    if memory < 0:
        dead[node] = True
    else:
        faults[memory] += 1
    return True


@inline_jit
def working_class(layout: BlockLayout, dead: NDArray[np.bool_], faults: Ints, good: Ints) -> int:
    """Return the class of a die from its dead nodes and its memories' faults, and clear both.

    ``good`` int64[node] is work space. Good cores add up towards the die, through the clusters that
    have enough of them.
    """
    for memory in range(faults.shape[0]):
        if faults[memory] > layout.spares[memory]:
            dead[layout.memory_node[memory]] = True
        faults[memory] = 0
    nodes = dead.shape[0]
    clusters = 0
    for node in range(nodes):
        good[node] = 0
    for step in range(1, nodes):
        node = nodes - step
        count = 1 if layout.is_core[node] else good[node]
        if dead[node] or count < layout.min_good[node]:
            count = 0
        parent = layout.parent[node]
        if count > 0 and parent == 0 and not layout.is_core[node]:
            clusters += 1
        good[parent] += count
        dead[node] = False
    if dead[0]:
        dead[0] = False
        return -1
    return layout.class_of[clusters, good[0]]


@inline_jit
def _flat_strip(
    seed: np.uint64, layout: BlockLayout, die: int, wafer: np.uint32, defect: int, words: Words
) -> int:
    """Return the strip of a defect. The lower half of its place is made only where it decides."""
    if defect < IN_BLOCK:
        least = np.uint32(upper_half(words, die, defect) << _HALF_BITS)
        strip = strip_of(layout, least)
        if np.uint64(least | _HALF) < layout.strip_end[strip]:
            return strip
    own = place_words(seed, die, defect, wafer)[0]
    return strip_of(layout, height_word(words, die, defect, own))


@inline_jit
def flat_lost(
    seed: np.uint64,
    layout: BlockLayout,
    die: int,
    wafer: np.uint32,
    count: int,
    words: Words,
    stamp: Ints,
    mark: int,
) -> int:
    """Return the dead cores of a die without groups, memories and layers; -1 for a dead die."""
    lost = 0
    for defect in range(count):
        node = layout.strip_node[_flat_strip(seed, layout, die, wafer, defect, words)]
        if node == 0:
            return -1
        if node > 0 and stamp[node] != mark:
            stamp[node] = mark
            lost += 1
    return lost


@inline_jit
def full_class(
    seed: np.uint64,
    layout: BlockLayout,
    die: int,
    wafer: np.uint32,
    count: int,
    work: WorkSpace,
    hits: ReticleHits,
) -> int:
    """Return the class of any die; -1 for a dead die. Reticle defects kill wherever they print."""
    touched = False
    for defect in range(count):
        own, _, layer_word, size_word = place_words(seed, die, defect, wafer)
        strip = strip_of(layout, height_word(work.count_words, die, defect, own))
        if layout.kill.shape[0] > 0:
            layer, u, size_um = layer_and_size(layout, layer_word, size_word)
            if not kills(layout, layout.strip_kind[strip], layer, u, size_um):
                continue
        touched |= _hit(layout, strip, work.dead, work.faults)
    if hits.start.shape[0] > 0:
        for hit in range(hits.start[die], hits.start[die + 1]):
            touched |= _hit(layout, hits.strip[hit], work.dead, work.faults)
    if not touched:
        return 0
    return working_class(layout, work.dead, work.faults, work.good)


@inline_jit
def _flat_classes(
    seed: np.uint64, layout: BlockLayout, wafer: np.uint32, mark: int, work: WorkSpace
) -> None:
    """Fill ``work.works`` by the loops of points_flat.py; scalar code does the dies left over."""
    words, works, density = work.count_words, work.works, work.density
    area_cm2, dies = layout.area_cm2, density.shape[0]
    cells = layout.cell_node
    flat_masks(density, area_cm2, cells, words, work.means, work.counts, work.nodes, works)
    for die in range(dies):
        if works[die] < -1:
            count = work.counts[die]
            if count > VECTOR_DEFECTS or count == OPEN:
                count = poisson_ppf_exact(uniform_open(words[0, die]), density[die] * area_cm2)
            stamp = mark * dies + die
            works[die] = flat_lost(seed, layout, die, wafer, count, words, work.stamp, stamp)
    for die in range(dies):
        works[die] = layout.class_by_lost[np.uint64(works[die] + 1)]


@inline_jit
def points_classes(
    seed: np.uint64,
    layout: BlockLayout,
    wafer: np.uint32,
    mark: int,
    hits: ReticleHits,
    worst: int,
    work: WorkSpace,
) -> None:
    """Fill ``work.works`` int64[die] from the densities of one wafer.

    ``mark`` is a number of its own for each wafer, ``worst`` the class of a dead die.
    """
    words, density = work.count_words, work.density
    fill_blocks(words, seed, _ZERO, _ZERO, STREAM_DEFECT_COUNT, wafer)
    flat = layout.flat and hits.start.shape[0] == 0
    if flat and layout.cell_node.shape[0] > 0:
        _flat_classes(seed, layout, wafer, mark, work)
        return
    dies = density.shape[0]
    for die in range(dies):
        count = poisson_ppf_exact(uniform_open(words[0, die]), density[die] * layout.area_cm2)
        if count == 0 and hits.start.shape[0] == 0:
            works = 0
        elif flat:
            stamp = mark * dies + die
            lost = flat_lost(seed, layout, die, wafer, count, words, work.stamp, stamp)
            works = layout.class_by_lost[lost + 1]
        else:
            works = full_class(seed, layout, die, wafer, count, work, hits)
        work.works[die] = worst if works < 0 else works


@bare_jit
def points_block(
    model: DensityModel,
    sorting: Sorting,
    layout: BlockLayout,
    hits: ReticleHits,
    first_wafer: int,
    work: WorkSpace,
    counts: DieCounts,
    image: NDArray[np.uint8],
    densities: Floats,
) -> None:
    """Place every defect of the wafers of ``counts``; the arrays are those of `dies_block`.

    With reticle defects only one wafer is computed, whose hits are ``hits``.
    """
    worst = sorting.bin_of.shape[0] - 1
    wafer = no_wafer()
    for w in range(counts.good.shape[0]):
        wafer = begin_wafer(model, sorting, first_wafer + w, wafer, work)
        fill_density(model, wafer, work)
        points_classes(model.seed, layout, wafer.number, w + 1, hits, worst, work)
        count_dies(sorting, work.works, wafer, counts, w, image[w])
        keep_density(work, densities[w])
