"""Wafers defect by defect where any defect kills its die and all wafers share one density.

Word 0 of a wafer gives the number of defects by inversion, and its further words their dies: the
defects at a lower density are a subset of those at a higher one. Wafers are done in groups, side by
side, so that the loops over them vectorize.

Up to 64 dies of equal density, a word gives the dies of two defects, which are the first two digits
of the fraction word / 2^32 in base ``dies``. A pair of dies has 2^32 / dies^2 words, give or take
one: its chance is off by less than 1e-6 of itself (test_two_dies_of_a_word). Otherwise each defect
takes a word.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from yieldsim.kernels.jit import bare_jit, inline_jit, stage_jit
from yieldsim.kernels.philox import STREAM_DEFECT_COUNT, seeded_words, word_below
from yieldsim.wafer.kernels.dies import DieCounts
from yieldsim.wafer.kernels.points_flat import set_bits

__all__ = [
    "GROUP",
    "GUIDE_CELLS",
    "PLAIN",
    "PlainWafers",
    "PlainWork",
    "die_of_defect",
    "looked_up",
    "pair_of",
    "plain_block",
]

Words = NDArray[np.uint32]

PLAIN = np.uint32(0xFFFFFFFF)  # entity; that of the counts by die is 0
_GUIDE_BITS = np.uint32(20)
GUIDE_CELLS = 4096  # of a word, each with the place to start from in a table of thresholds
GROUP = 32  # wafers side by side
_LANES = 4  # blocks are made in whole vectors; surplus words are not used
_MASK_DIES = 64  # that a mask can hold
_IN_BLOCK_0 = 6  # dies by pairs in block 0, beside the word of the count
_ZERO = np.uint64(0)
_ONE = np.uint64(1)
_WORD = np.uint64(0xFFFFFFFF)
_WORD_BITS = np.uint64(32)


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


class PlainWork(NamedTuple):
    """Work space of a group.

    ``first`` uint32[4, GROUP] block 0 of each wafer, ``defects`` and ``killed`` int64[GROUP],
    ``mask`` uint64[GROUP] the killed dies as bits. For a wafer without pairs: ``words``
    uint32[4, block] with room for the largest number of defects, ``stamp`` uint32[die], zero at
    the start.
    """

    first: Words
    defects: NDArray[np.int64]
    killed: NDArray[np.int64]
    mask: NDArray[np.uint64]
    words: Words
    stamp: Words


@inline_jit
def looked_up(below: NDArray[np.uint64], guide: NDArray[np.int64], word: np.uint32) -> Any:
    """Return the first place whose threshold is above the word, searching from the guide's."""
    place = guide[word >> _GUIDE_BITS]
    while np.uint64(word) >= below[place]:
        place += 1
    return place


@inline_jit
def _in_pairs(plain: PlainWafers) -> bool:
    """Whether a word gives the dies of two defects."""
    return bool(plain.dies <= _MASK_DIES and plain.die_below.shape[0] == 0)


@inline_jit
def pair_of(word: np.uint32, dies: np.uint64) -> tuple[np.uint64, np.uint64]:
    """Return the two dies of a word."""
    product = np.uint64(word) * np.uint64(dies)
    rest = (product & _WORD) * np.uint64(dies)
    return product >> _WORD_BITS, rest >> _WORD_BITS


@inline_jit
def _pair_bits(word: np.uint32, dies: np.uint64, wanted: int) -> np.uint64:
    """Return the bits of the first ``wanted`` of a word's two dies."""
    one, other = pair_of(word, dies)
    first = (_ONE << one) if wanted > 0 else _ZERO
    second = (_ONE << other) if wanted > 1 else _ZERO
    return first | second


@stage_jit
def _first_blocks(plain: PlainWafers, first_wafer: np.uint64, work: PlainWork) -> None:
    """Make block 0 of each wafer of a group, and its number of defects."""
    first = work.first
    for w in range(GROUP):
        wafer = np.uint32(np.uint64(first_wafer) + np.uint64(w))
        w0, w1, w2, w3 = seeded_words(plain.seed, _ZERO, PLAIN, STREAM_DEFECT_COUNT, wafer)
        first[0, w] = w0
        first[1, w] = w1
        first[2, w] = w2
        first[3, w] = w3
    for w in range(GROUP):
        work.defects[w] = looked_up(plain.count_below, plain.count_guide, first[0, w])


@stage_jit
def _kill_pairs(plain: PlainWafers, first_wafer: np.uint64, work: PlainWork) -> None:
    """Fill ``work.mask`` and ``work.killed``, block by block, all wafers of a group at once."""
    dies = np.uint64(np.uint32(plain.dies))  # LLVM sees that 32 bits are enough
    first, defects, mask, killed = work.first, work.defects, work.mask, work.killed
    for w in range(GROUP):
        bits = _pair_bits(first[1, w], dies, defects[w])
        bits |= _pair_bits(first[2, w], dies, defects[w] - 2)
        mask[w] = bits | _pair_bits(first[3, w], dies, defects[w] - 4)
    most = np.int64(0)
    for w in range(GROUP):
        most = max(most, defects[w])
    for block in range((most - _IN_BLOCK_0 + 7) // 8):
        draw = np.uint64(block) + _ONE
        before = np.int64(_IN_BLOCK_0 + 8 * block)
        for w in range(GROUP):
            wafer = np.uint32(np.uint64(first_wafer) + np.uint64(w))
            w0, w1, w2, w3 = seeded_words(plain.seed, draw, PLAIN, STREAM_DEFECT_COUNT, wafer)
            left = defects[w] - before
            bits = _pair_bits(w0, dies, left) | _pair_bits(w1, dies, left - 2)
            bits |= _pair_bits(w2, dies, left - 4) | _pair_bits(w3, dies, left - 6)
            mask[w] |= bits
    for w in range(GROUP):
        killed[w] = set_bits(mask[w])


@inline_jit
def _die_of(plain: PlainWafers, word: np.uint32) -> Any:
    """Return the die of a word that serves one defect."""
    if plain.die_below.shape[0] == 0:
        return np.int64(word_below(word, plain.dies))
    return looked_up(plain.die_below, plain.die_guide, word)


@inline_jit
def _mark(plain: PlainWafers, word: np.uint32, mark: np.uint32, stamp: Words) -> bool:
    """Mark the die that a word hits, and return whether it was unmarked."""
    die = _die_of(plain, word)
    fresh = stamp[die] != mark
    stamp[die] = mark
    return fresh


@stage_jit
def _kill_singly(
    plain: PlainWafers, wafer: np.uint64, w: int, mark: np.uint32, work: PlainWork
) -> None:
    """Mark the dies that the defects of wafer ``w`` of a group hit, and count them."""
    defects, words = work.defects[w], work.words
    killed = 0
    for k in range(1, min(defects, 3) + 1):
        killed += _mark(plain, work.first[k, w], mark, work.stamp)
    for block in range((defects + 4 * _LANES) // (4 * _LANES) * _LANES):
        draw = np.uint64(block) + _ONE
        w0, w1, w2, w3 = seeded_words(plain.seed, draw, PLAIN, STREAM_DEFECT_COUNT, wafer)
        words[0, block] = w0
        words[1, block] = w1
        words[2, block] = w2
        words[3, block] = w3
    for defect in range(defects - 3):
        killed += _mark(plain, words[defect & 3, defect >> 2], mark, work.stamp)
    work.killed[w] = killed


@stage_jit
def die_of_defect(plain: PlainWafers, wafer: np.uint32, defect: int) -> int:
    """Return the die that a wafer's defect number ``defect`` hits."""
    pairs = _in_pairs(plain)
    number = (defect + 2) // 2 if pairs else defect + 1
    words = seeded_words(plain.seed, number // 4, PLAIN, STREAM_DEFECT_COUNT, wafer)
    word = words[number % 4]
    if not pairs:
        return int(_die_of(plain, word))
    one, other = pair_of(word, np.uint64(plain.dies))
    return int(one if defect % 2 == 0 else other)


@bare_jit
def plain_block(
    plain: PlainWafers,
    first_wafer: np.uint64,
    work: PlainWork,
    counts: DieCounts,
    image: NDArray[np.uint8],
) -> None:
    """Fill ``counts`` and ``image`` uint8[wafer, die], which may have no columns."""
    pairs = _in_pairs(plain)
    wafers = counts.good.shape[0]
    for start in range(0, wafers, GROUP):
        wafer = np.uint64(first_wafer) + np.uint64(start)
        _first_blocks(plain, wafer, work)
        if pairs:
            _kill_pairs(plain, wafer, work)
        for w in range(min(GROUP, wafers - start)):
            row, mark = start + w, np.uint32(start + w + 1)
            if not pairs:
                _kill_singly(plain, wafer + np.uint64(w), w, mark, work)
            good = float(plain.dies - work.killed[w])
            counts.good[row, 0] = good
            counts.truly_good[row] = good
            counts.escapes[row] = 0.0
            for die in range(image.shape[1]):
                hit = (work.mask[w] >> np.uint64(die)) & _ONE if pairs else work.stamp[die] == mark
                image[row, die] = hit
