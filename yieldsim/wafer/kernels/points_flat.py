"""Dead cores of each die, defect by defect, where the die holds cores only: loops that vectorize.

A die's dead parts are bits of a mask: bit 0 the die, bit 1 + c core c, the last bit nothing. The
results are those of points.py, which takes over the dies that these loops cannot do: those with
more than three defects, or with a word whose cell holds the border of two blocks.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from yieldsim.kernels.elementary import exp_minus
from yieldsim.kernels.jit import inline_jit, stage_jit
from yieldsim.kernels.philox import uniform_open

__all__ = ["BORDER", "FLAT_CELLS", "FLAT_CORES", "flat_masks", "set_bits"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Words = NDArray[np.uint32]

FLAT_CELLS = 4096  # of a word, in `BlockLayout.cell_node`
FLAT_CORES = 62  # one mask also holds the die and nothing
BORDER = 127  # node of a cell that holds a border
_CELL_BITS = np.uint32(20)
_THIRD = 1.0 / 3.0
_ONE = np.uint64(1)
_ZERO = np.uint64(0)


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
def _nodes(cell_node: NDArray[np.int32], words: Words, nodes: Ints) -> None:
    """Fill ``nodes`` int64[3, die] with what the first three places hit."""
    for k in range(3):
        for die in range(words.shape[1]):
            nodes[k, die] = cell_node[words[k + 1, die] >> _CELL_BITS]


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
    cell_node: NDArray[np.int32],
    words: Words,
    counts: Ints,
    nodes: Ints,
    lost: Ints,
) -> None:
    """Fill ``lost`` int64[die]: dead cores, -1 for a dead die, -2 for a die left to points.py.

    ``words`` uint32[4, die] holds the count's word and three places. ``counts`` int64[die] and
    ``nodes`` int64[3, die] are work space.
    """
    _counts(density, area_cm2, words, counts)
    _nodes(cell_node, words, nodes)
    for die in range(density.shape[0]):
        count = counts[die]
        mask = _ZERO
        left_open = count > 3
        for k in range(3):
            node = nodes[k, die]
            wanted = count > k
            left_open |= wanted & (node == BORDER)
            mask |= (_ONE << np.uint64(node & 63)) if wanted else _ZERO
        cores = set_bits((mask >> _ONE) & np.uint64(0x3FFFFFFFFFFFFFFF))
        cores = -1 if mask & _ONE else cores
        lost[die] = -2 if left_open else cores
