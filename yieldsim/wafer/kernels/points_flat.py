"""Dead cores of each die, defect by defect, where the die holds cores only: loops that vectorize.

A die's dead parts are bits of a mask: bit 0 the die, bit 1 + c core c, the last bit nothing. The
results are those of points.py, which takes over the dies that these loops cannot do: those that
the first three defects leave alive and that have more, or a place whose cell holds the border of
two blocks.

A place is a height in the die, in 2^32 parts. Its upper half comes from the block of the die's
count for the first IN_BLOCK defects of a die, two in a word. The lower half is seldom needed.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from yieldsim.kernels.jit import inline_jit, stage_jit

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
Counts = NDArray[np.int32]
Singles = NDArray[np.float32]

IN_BLOCK = 6  # places whose upper half is in the block of the count
VECTOR_DEFECTS = 3  # of a die, that the loops here can do
FLAT_CELLS = 4096  # of a place, in `BlockLayout.cell_node`
FLAT_CORES = 62  # one mask also holds the die and nothing
BORDER = 127  # node of a cell that holds a border
OPEN = np.int32(-1)  # a count that single precision cannot decide
# Rounding moves a probability by less than half of this (test_single_precision_of_counts).
SURE = np.float32(2e-6)
_MOST_MEAN = np.float32(40.0)  # of which fewer than four defects have a chance below 1e-13
_HALF_BITS = np.uint32(16)
_HALF = np.uint32(0xFFFF)
_BYTE = np.uint32(255)
_ONE_BIT = np.uint32(1)
_TWO_POW_MINUS_31 = np.float32(2.0**-31)
_NONE, _HALF_F, _THIRD = np.float32(0.0), np.float32(0.5), np.float32(1.0 / 3.0)
_LOG2_E, _LN_2 = np.float32(math.log2(math.e)), np.float32(math.log(2.0))
_TO_WHOLE = np.float32(1.5 * 2.0**23)  # adding it leaves a whole number in the last bits
_BIAS, _MANTISSA = np.uint32(127), np.uint32(23)
# Taylor's series of exp, of which the first term left out is at most 1.2e-7
_E0, _E1, _E2, _E3, _E4, _E5, _E6 = (np.float32(1.0 / math.factorial(k)) for k in range(7))
_CELL_BITS = np.uint32(4)  # of a half below the cell
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
def _exp_minus(x: np.float32) -> Any:
    """Return exp(-x) for 0 <= x <= _MOST_MEAN in single precision, off by less than 2e-7."""
    shifted = np.float32(_TO_WHOLE - x * _LOG2_E)
    whole = shifted - _TO_WHOLE
    r = np.float32(-x - whole * _LN_2)
    r2 = r * r  # in Estrin's order, because each step of Horner's waits for the one before
    series = (_E0 + _E1 * r) + r2 * ((_E2 + _E3 * r) + r2 * ((_E4 + _E5 * r) + r2 * _E6))
    power = (np.float32(shifted).view(np.uint32) + _BIAS) << _MANTISSA
    return series * np.uint32(power).view(np.float32)


@inline_jit
def poisson_counts(
    density: Floats, area_cm2: float, words: Words, means: Singles, counts: Counts
) -> None:
    """Fill ``counts`` int32[die] with Poisson numbers of defects; 4 stands for four and more.

    Single precision takes half the time and decides all but a few in a million: OPEN stands for
    those where a uniform lies so close to a probability that rounding may have decided.
    ``means`` float32[die] is work space: a loop of singles alone has twice as many lanes.
    """
    for die in range(density.shape[0]):
        means[die] = min(np.float32(density[die] * area_cm2), _MOST_MEAN)
    for die in range(density.shape[0]):
        mean = means[die]
        u = np.float32(np.int32(words[0, die] >> _ONE_BIT)) * _TWO_POW_MINUS_31
        term = _exp_minus(mean)
        beyond = u - term
        closest = abs(beyond)
        count = np.int32(beyond > _NONE)
        term *= mean
        beyond -= term
        closest = min(closest, abs(beyond))
        count += np.int32(beyond > _NONE)
        term *= mean * _HALF_F
        beyond -= term
        closest = min(closest, abs(beyond))
        count += np.int32(beyond > _NONE)
        term *= mean * _THIRD
        beyond -= term
        closest = min(closest, abs(beyond))
        count += np.int32(beyond > _NONE)
        counts[die] = count if closest > SURE else OPEN


@inline_jit
def _nodes(cell_node: Nodes, words: Words, nodes: Words) -> None:
    """Fill ``nodes`` uint32[die] with what the first places hit, a byte each."""
    for die in range(words.shape[1]):
        packed = np.uint32(0)
        for k in range(VECTOR_DEFECTS):
            node = cell_node[upper_half(words, die, k) >> _CELL_BITS]
            packed |= np.uint32(node) << np.uint32(8 * k)
        nodes[die] = packed


@inline_jit
def set_bits(mask: np.uint64) -> Any:
    """Return how many bits are set (H. S. Warren, Hacker's Delight, 5-1).

    LLVM knows this form and takes the processor's own instruction where there is one. The product
    wraps; for ``*`` of two scalars NumPy would warn of that where kernels are not compiled.
    """
    m = mask - ((mask >> _ONE) & np.uint64(0x5555555555555555))
    pairs = np.uint64(0x3333333333333333)
    m = (m & pairs) + ((m >> np.uint64(2)) & pairs)
    m = (m + (m >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64(np.multiply(m, np.uint64(0x0101010101010101)) >> np.uint64(56))


@stage_jit
def flat_masks(
    density: Floats,
    area_cm2: float,
    cell_node: Nodes,
    words: Words,
    means: Singles,
    counts: Counts,
    nodes: Words,
    lost: Ints,
) -> None:
    """Fill ``lost`` int64[die]: dead cores, -1 for a dead die, -2 for a die left to points.py.

    ``words`` uint32[4, die] are the blocks of the counts. ``counts`` int32[die] are those of
    `poisson_counts`, ``nodes`` uint32[die] is work space.
    """
    poisson_counts(density, area_cm2, words, means, counts)
    _nodes(cell_node, words, nodes)
    for die in range(density.shape[0]):
        count = counts[die]
        mask = _ZERO
        left_open = (count > VECTOR_DEFECTS) | (count == OPEN)
        for k in range(VECTOR_DEFECTS):
            node = (nodes[die] >> np.uint32(8 * k)) & _BYTE
            wanted = count > k
            left_open |= wanted & (node == BORDER)
            mask |= (_ONE << np.uint64(node & 63)) if wanted else _ZERO
        cores = set_bits((mask >> _ONE) & np.uint64(0x3FFFFFFFFFFFFFFF))
        # no further defect revives a dead die
        lost[die] = -1 if mask & _ONE else (-2 if left_open else cores)
