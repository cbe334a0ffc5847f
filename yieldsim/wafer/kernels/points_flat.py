"""Dead cores of each die, defect by defect, where the die holds cores only: loops that vectorize.

A die's dead parts are bits of a mask: bit 0 the die, bit 1 + c core c, the last bit nothing. The
results are those of points.py, which takes over the dies that these loops cannot do: those that
the first three defects leave alive and that have more, or a place whose cell holds the border of
two blocks.

A place is a height in the die, in 2^32 parts. Its upper half comes from the block of the die's
count for the first IN_BLOCK defects of a die, two in a word. The lower half is seldom needed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from yieldsim.kernels.elementary import exp_minus
from yieldsim.kernels.jit import inline_jit, stage_jit
from yieldsim.kernels.philox import uniform_open

__all__ = [
    "BORDER",
    "FLAT_CELLS",
    "FLAT_CORES",
    "IN_BLOCK",
    "VECTOR_DEFECTS",
    "flat_masks",
    "height_word",
    "set_bits",
    "upper_half",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Words = NDArray[np.uint32]
Nodes = NDArray[np.uint8]

IN_BLOCK = 6  # places whose upper half is in the block of the count
VECTOR_DEFECTS = 3  # of a die, that the loops here can do
FLAT_CELLS = 4096  # of a place, in `BlockLayout.cell_node`
FLAT_CORES = 62  # one mask also holds the die and nothing
BORDER = 127  # node of a cell that holds a border
_HALF_BITS = np.uint32(16)
_HALF = np.uint32(0xFFFF)
_CELL_BITS = np.uint32(4)  # of a half below the cell
_THIRD = 1.0 / 3.0
_ONE = np.uint64(1)
_ZERO = np.uint64(0)


@inline_jit
def upper_half(words: Words, die: int, defect: int) -> Any:
    """Return the upper 16 bits of a place; ``words`` uint32[4, die] are the counts' blocks."""
    word = words[1 + (defect >> 1), die]
    return np.uint32(word & _HALF if defect & 1 else word >> _HALF_BITS)


@inline_jit
def height_word(words: Words, die: int, defect: int, own: np.uint32) -> Any:
    """Return a place; ``own`` is a word of the defect's own."""
    if defect >= IN_BLOCK:
        return np.uint32(own)
    return np.uint32((upper_half(words, die, defect) << _HALF_BITS) | (own & _HALF))


@inline_jit
def _counts(density: Floats, area_cm2: float, words: Words, counts: Ints) -> None:
    """Fill ``counts`` int64[die] with Poisson numbers of defects; 4 stands for four and more."""
    for die in range(density.shape[0]):
        mean = density[die] * area_cm2
        u = uniform_open(words[0, die])
        term = exp_minus(mean)
        reached = term
        count = np.int64(u > reached)
        term *= mean
        reached += term
        count += np.int64(u > reached)
        term *= mean * 0.5
        reached += term
        count += np.int64(u > reached)
        term *= mean * _THIRD
        reached += term
        count += np.int64(u > reached)
        counts[die] = count


@inline_jit
def _nodes(cell_node: Nodes, words: Words, nodes: Nodes) -> None:
    """Fill ``nodes`` uint8[VECTOR_DEFECTS, die] with what the first places hit."""
    for k in range(VECTOR_DEFECTS):
        for die in range(words.shape[1]):
            nodes[k, die] = cell_node[upper_half(words, die, k) >> _CELL_BITS]


@inline_jit
def set_bits(mask: np.uint64) -> Any:
    """Return how many bits are set (H. S. Warren, Hacker's Delight, 5-1).

    Without a multiplication, which would not vectorize.
    """
    m = mask - ((mask >> _ONE) & np.uint64(0x5555555555555555))
    pairs = np.uint64(0x3333333333333333)
    m = (m & pairs) + ((m >> np.uint64(2)) & pairs)
    m = (m + (m >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    m += m >> np.uint64(8)
    m += m >> np.uint64(16)
    m += m >> np.uint64(32)
    return np.int64(m & np.uint64(127))


@stage_jit
def flat_masks(
    density: Floats,
    area_cm2: float,
    cell_node: Nodes,
    words: Words,
    counts: Ints,
    nodes: Nodes,
    lost: Ints,
) -> None:
    """Fill ``lost`` int64[die]: dead cores, -1 for a dead die, -2 for a die left to points.py.

    ``words`` uint32[4, die] are the blocks of the counts. ``counts`` int64[die], where 4 stands for
    four and more, and ``nodes`` uint8[VECTOR_DEFECTS, die] are work space.
    """
    _counts(density, area_cm2, words, counts)
    _nodes(cell_node, words, nodes)
    for die in range(density.shape[0]):
        count = counts[die]
        mask = _ZERO
        left_open = count > VECTOR_DEFECTS
        for k in range(VECTOR_DEFECTS):
            node = nodes[k, die]
            wanted = count > k
            left_open |= wanted & (node == BORDER)
            mask |= (_ONE << np.uint64(node & 63)) if wanted else _ZERO
        cores = set_bits((mask >> _ONE) & np.uint64(0x3FFFFFFFFFFFFFFF))
        # no further defect revives a dead die
        lost[die] = -1 if mask & _ONE else (-2 if left_open else cores)
