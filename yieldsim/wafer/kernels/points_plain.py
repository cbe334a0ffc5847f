"""Wafers defect by defect where any defect kills its die and all wafers share one density.

A tight loop makes blocks of words and maps each to a die by a multiplication and a shift, so that
it vectorizes. Word 0 of a wafer gives the number of defects by inversion and word j the die of
defect j: the defects at a lower density are a subset of those at a higher one.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from yieldsim.kernels.jit import bare_jit, inline_jit, stage_jit
from yieldsim.kernels.philox import STREAM_DEFECT_COUNT, seeded_words, word_below
from yieldsim.wafer.kernels.dies import DieCounts
from yieldsim.wafer.kernels.points_flat import set_bits

__all__ = ["GROUP", "GUIDE_CELLS", "PLAIN", "PlainWafers", "die_of", "looked_up", "plain_block"]

Words = NDArray[np.uint32]

PLAIN = np.uint32(0xFFFFFFFF)  # entity; that of the counts by die is 0
_GUIDE_BITS = np.uint32(20)
GUIDE_CELLS = 4096  # of a word, each with the place to start from in a table of thresholds
GROUP = 64  # wafers whose first blocks are made together
_LANES = 4  # blocks are made in whole vectors; surplus words are masked
_MASK_DIES = 64  # that a mask can hold
_ZERO = np.uint64(0)
_ONE = np.uint64(1)


class PlainWafers(NamedTuple):
    """Wafers of one density as arrays.

    ``count_below`` uint64[count] is P(N <= count) 2^32 and ends with 2^32. ``count_guide``
    int64[GUIDE_CELLS] is the first count of each cell of the word. ``die_below`` uint64[die] and
    ``die_guide`` pick a die in the same way; they are empty where all dies have one density.
    """

    seed: np.uint64
    dies: int
    count_below: NDArray[np.uint64]
    count_guide: NDArray[np.int64]
    die_below: NDArray[np.uint64]
    die_guide: NDArray[np.int64]


@inline_jit
def looked_up(below: NDArray[np.uint64], guide: NDArray[np.int64], word: np.uint32) -> Any:
    """Return the first place whose threshold is above the word, searching from the guide's."""
    place = guide[word >> _GUIDE_BITS]
    while np.uint64(word) >= below[place]:
        place += 1
    return place


@inline_jit
def _bit(word: np.uint32, dies: np.uint64, wanted: bool) -> np.uint64:
    """Return the bit of the word's die, no bit where the word is not wanted."""
    return (_ONE << word_below(word, dies)) if wanted else _ZERO


@stage_jit
def _killed_mask(plain: PlainWafers, wafer: np.uint64, defects: int) -> np.uint64:
    """Return a mask of the dies that the defects after the third hit."""
    dies = np.uint64(plain.dies)
    mask = _ZERO
    vectors = (defects + 4 * _LANES) // (4 * _LANES)
    for block in range(_LANES * vectors):
        draw = np.uint64(block) + _ONE
        w0, w1, w2, w3 = seeded_words(plain.seed, draw, PLAIN, STREAM_DEFECT_COUNT, wafer)
        left = defects - 3 - 4 * block
        mask |= _bit(w0, dies, left > 0) | _bit(w1, dies, left > 1)
        mask |= _bit(w2, dies, left > 2) | _bit(w3, dies, left > 3)
    return mask


@stage_jit
def _killed_marks(
    plain: PlainWafers, wafer: np.uint64, defects: int, words: Words, mark: np.uint32, stamp: Words
) -> int:
    """Mark the dies that the defects after the third hit, and return how many were unmarked."""
    blocks = (defects + 4 * _LANES) // (4 * _LANES) * _LANES
    for block in range(blocks):
        draw = np.uint64(block) + _ONE
        w0, w1, w2, w3 = seeded_words(plain.seed, draw, PLAIN, STREAM_DEFECT_COUNT, wafer)
        words[0, block] = w0
        words[1, block] = w1
        words[2, block] = w2
        words[3, block] = w3
    killed = 0
    for defect in range(defects - 3):
        killed += _mark(plain, words[defect & 3, defect >> 2], mark, stamp)
    return killed


@inline_jit
def die_of(plain: PlainWafers, word: np.uint32) -> Any:
    """Return the die that a word hits."""
    if plain.die_below.shape[0] == 0:
        return np.int64(word_below(word, plain.dies))
    return looked_up(plain.die_below, plain.die_guide, word)


@stage_jit
def _mark(plain: PlainWafers, word: np.uint32, mark: np.uint32, stamp: Words) -> bool:
    """Mark the die that a word hits, and return whether it was unmarked."""
    die = die_of(plain, word)
    fresh = stamp[die] != mark
    stamp[die] = mark
    return fresh


@stage_jit
def _first_blocks(plain: PlainWafers, first_wafer: np.uint64, first: Words) -> None:
    """Fill ``first`` uint32[4, GROUP] with block 0 of each wafer."""
    for w in range(GROUP):
        wafer = np.uint64(first_wafer) + np.uint64(w)
        w0, w1, w2, w3 = seeded_words(plain.seed, _ZERO, PLAIN, STREAM_DEFECT_COUNT, wafer)
        first[0, w] = w0
        first[1, w] = w1
        first[2, w] = w2
        first[3, w] = w3


@bare_jit
def plain_block(
    plain: PlainWafers,
    first_wafer: np.uint64,
    first: Words,
    words: Words,
    stamp: Words,
    counts: DieCounts,
    image: NDArray[np.uint8],
) -> None:
    """Fill ``counts`` and ``image`` uint8[wafer, die], which may have no columns.

    ``first`` uint32[4, GROUP], ``words`` uint32[4, block] with room for the largest number of
    defects, and ``stamp`` uint32[die], zero at the start, are work space.
    """
    masked = plain.dies <= _MASK_DIES and plain.die_below.shape[0] == 0
    dies = np.uint64(plain.dies)
    for w in range(counts.good.shape[0]):
        wafer = np.uint64(first_wafer) + np.uint64(w)
        here = w % GROUP
        if here == 0:
            _first_blocks(plain, wafer, first)
        defects = looked_up(plain.count_below, plain.count_guide, first[0, here])
        mark = np.uint32(w + 1)
        mask = _ZERO
        if masked:
            for k in range(1, 4):
                mask |= _bit(first[k, here], dies, defects >= k)
            mask |= _killed_mask(plain, wafer, defects)
            killed = set_bits(mask)
        else:
            killed = 0
            for k in range(1, min(defects, 3) + 1):
                killed += _mark(plain, first[k, here], mark, stamp)
            killed += _killed_marks(plain, wafer, defects, words, mark, stamp)
        counts.good[w, 0] = plain.dies - killed
        counts.truly_good[w] = plain.dies - killed
        counts.escapes[w] = 0.0
        for die in range(image.shape[1]):
            image[w, die] = (mask >> np.uint64(die)) & _ONE if masked else stamp[die] == mark
