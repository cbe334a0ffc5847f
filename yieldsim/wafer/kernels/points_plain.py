"""Wafers defect by defect where any defect kills its die and all wafers share one density.

The fast pattern of counter-based numbers: a tight loop makes blocks of words and maps each to a die
by a multiplication and a shift, all of which vectorizes. Word 0 of a wafer gives the count of
defects by inversion and word j the die of defect j, so that what falls at a lower density is a part
of what falls at a higher.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from yieldsim.kernels.jit import bare_jit, inline_jit
from yieldsim.kernels.philox import STREAM_DEFECT_COUNT, seeded_words, word_below

__all__ = ["GROUP", "GUIDE_CELLS", "PLAIN", "Plain", "die_of", "looked_up", "plain_block"]

PLAIN = np.uint32(0xFFFFFFFF)  # entity; that of the counts by die is 0
_GUIDE_BITS = np.uint32(20)
GUIDE_CELLS = 4096  # of a word: where to begin to look in a table of thresholds
GROUP = 64  # wafers whose first blocks are made together
_LANES = 4  # blocks are made in whole vectors; what is too much is masked
_MASK_DIES = 64  # as many as one mask of 64 bits can hold
_ZERO = np.uint64(0)
_ONE = np.uint64(1)


class Plain(NamedTuple):
    """The wafer as arrays.

    ``count_below`` uint64[count] is P(N <= count) 2^32 and ends with 2^32; ``count_guide``
    int64[GUIDE_CELLS] is the first count of each cell of the word. ``die_below`` uint64[die] and
    ``die_guide`` pick dies of unlike density likewise, and are empty where all are alike.
    """

    seed: Any
    dies: Any
    count_below: NDArray[np.uint64]
    count_guide: NDArray[np.int64]
    die_below: NDArray[np.uint64]
    die_guide: NDArray[np.int64]


@inline_jit
def looked_up(below: Any, guide: Any, word: Any) -> Any:
    """The first place whose threshold is above the word, from where the guide says to begin."""
    found = guide[word >> _GUIDE_BITS]
    while np.uint64(word) >= below[found]:
        found += 1
    return found


@inline_jit
def _bit(word: Any, dies: Any, wanted: Any) -> Any:
    """The bit of the word's die, no bit where the word is not wanted."""
    return (_ONE << word_below(word, dies)) if wanted else _ZERO


@inline_jit
def _killed_mask(plain: Any, wafer: Any, defects: Any) -> Any:
    """Mask of the dies that the defects after the third hit."""
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


@inline_jit
def _killed_marks(plain: Any, wafer: Any, defects: Any, words: Any, mark: Any, stamp: Any) -> Any:
    """Mark the dies that the defects after the third hit; returns how many were unmarked."""
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
def die_of(plain: Any, word: Any) -> Any:
    """The die that a word hits."""
    if plain.die_below.shape[0] == 0:
        return np.int64(word_below(word, plain.dies))
    return looked_up(plain.die_below, plain.die_guide, word)


@inline_jit
def _mark(plain: Any, word: Any, mark: Any, stamp: Any) -> Any:
    die = die_of(plain, word)
    fresh = stamp[die] != mark
    stamp[die] = mark
    return fresh


@inline_jit
def _population(mask: Any) -> Any:
    """Bits that are set, by adding neighbours (H. S. Warren, Hacker's Delight, 5-1)."""
    m = mask - ((mask >> _ONE) & np.uint64(0x5555555555555555))
    pairs = np.uint64(0x3333333333333333)
    m = (m & pairs) + ((m >> np.uint64(2)) & pairs)
    m = (m + (m >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((m * np.uint64(0x0101010101010101)) >> np.uint64(56))


@bare_jit
def _first_blocks(plain: Any, first_wafer: Any, first: Any) -> None:
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
    plain: Any, first_wafer: Any, first: Any, words: Any, stamp: Any, out: Any, image: Any
) -> None:
    """Fill ``out[:, 0]`` and ``out[:, 1]`` with good dies; ``image`` uint8[wafer, die] or empty.

    ``first`` uint32[4, GROUP], ``words`` uint32[4, blocks] with room for the most defects, and
    ``stamp`` uint32[die], zero at the start, are work space.
    """
    masked = plain.dies <= _MASK_DIES and plain.die_below.shape[0] == 0
    dies = np.uint64(plain.dies)
    for w in range(out.shape[0]):
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
            killed = _population(mask)
        else:
            killed = 0
            for k in range(1, min(defects, 3) + 1):
                killed += _mark(plain, first[k, here], mark, stamp)
            killed += _killed_marks(plain, wafer, defects, words, mark, stamp)
        out[w, 0] = plain.dies - killed
        out[w, 1] = plain.dies - killed
        out[w, 2] = 0.0
        for die in range(image.shape[1]):
            image[w, die] = (mask >> np.uint64(die)) & _ONE if masked else stamp[die] == mark
