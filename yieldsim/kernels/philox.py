"""Philox4x32-10, the counter-based generator behind every random number of an ensemble.

J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw, "Parallel random numbers: as easy as 1, 2, 3",
SC11 (2011), doi:10.1145/2063384.2063405.

The key is the run's 64-bit seed, the counter is (draw, entity and time, stream, realization). Four
words come out of each counter, and nothing else decides them: not the order of the calls, nor who
makes them. The scenario is no part of the counter, so realization r meets the same luck in each.

Legend: every number is unsigned; words are uint32. All constants are cast, because Numba turns
``uint64 + literal`` into int64 or float64.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from yieldsim.kernels.jit import bare_jit, inline_jit, jit

__all__ = [
    "STREAM_AVAILABILITY",
    "STREAM_DEFECT_COUNT",
    "STREAM_DEFECT_PLACE",
    "STREAM_DEMAND",
    "STREAM_DENSITY",
    "STREAM_DIE",
    "STREAM_EVENT",
    "STREAM_EXCURSION",
    "STREAM_LINE_EXCURSION",
    "STREAM_LEAKAGE",
    "STREAM_MEMORY",
    "STREAM_PACKAGE",
    "STREAM_PARAMETER",
    "STREAM_REPEATER",
    "STREAM_SEEN_SIGNATURE",
    "STREAM_SIGNATURE",
    "STREAM_SPEED",
    "STREAM_TEST",
    "column_uniforms",
    "fill_blocks",
    "fill_words",
    "key_words",
    "noise_uniform",
    "philox4x32",
    "seeded_words",
    "uniform53",
    "uniform_open",
    "word_below",
]

# One stream per kind of decision. A number, once given, keeps its meaning: changing it changes
# every result of every seed.
STREAM_PARAMETER = np.uint32(0)
STREAM_AVAILABILITY = np.uint32(1)
STREAM_DENSITY = np.uint32(2)
STREAM_DEFECT_COUNT = np.uint32(3)
STREAM_DEFECT_PLACE = np.uint32(4)
STREAM_SIGNATURE = np.uint32(5)
STREAM_EXCURSION = np.uint32(6)
STREAM_SPEED = np.uint32(7)
STREAM_LEAKAGE = np.uint32(8)
STREAM_TEST = np.uint32(9)
STREAM_PACKAGE = np.uint32(10)
STREAM_MEMORY = np.uint32(11)
STREAM_EVENT = np.uint32(12)
STREAM_DEMAND = np.uint32(13)
STREAM_REPEATER = np.uint32(14)
STREAM_DIE = np.uint32(15)
STREAM_LINE_EXCURSION = np.uint32(16)
STREAM_SEEN_SIGNATURE = np.uint32(17)

_MULTIPLIER_0 = np.uint64(0xD2511F53)
_MULTIPLIER_1 = np.uint64(0xCD9E8D57)
_WEYL_0 = np.uint64(0x9E3779B9)  # golden ratio
_WEYL_1 = np.uint64(0xBB67AE85)  # sqrt(3) - 1
_WORD = np.uint64(0xFFFFFFFF)
_BITS_32 = np.uint64(32)
_BITS_6 = np.uint64(6)
_BITS_26 = np.uint64(26)
_ROUNDS = 10
_TWO_POW_MINUS_32 = 2.0**-32
_TWO_POW_MINUS_52 = 2.0**-52


@inline_jit
def philox4x32(c0: Any, c1: Any, c2: Any, c3: Any, k0: Any, k1: Any) -> Any:
    """Return the four uint32 words of counter (c0, c1, c2, c3) under key (k0, k1)."""
    x0, x1, x2, x3 = np.uint64(c0), np.uint64(c1), np.uint64(c2), np.uint64(c3)
    key0, key1 = np.uint64(k0), np.uint64(k1)
    for _ in range(_ROUNDS):
        product0 = _MULTIPLIER_0 * x0
        product1 = _MULTIPLIER_1 * x2
        x0 = (product1 >> _BITS_32) ^ x1 ^ key0
        x1 = product1 & _WORD
        x2 = (product0 >> _BITS_32) ^ x3 ^ key1
        x3 = product0 & _WORD
        key0 = (key0 + _WEYL_0) & _WORD
        key1 = (key1 + _WEYL_1) & _WORD
    return np.uint32(x0), np.uint32(x1), np.uint32(x2), np.uint32(x3)


@inline_jit
def key_words(seed: Any) -> Any:
    """Return the (low, high) words of a 64-bit number: the generator's key, for a seed."""
    return np.uint64(seed) & _WORD, np.uint64(seed) >> _BITS_32


@inline_jit
def seeded_words(seed: Any, draw: Any, entity: Any, stream: Any, realization: Any) -> Any:
    """Return the four words of counter (draw, entity, stream, realization) under a seed."""
    key0, key1 = key_words(seed)
    return philox4x32(draw, entity, stream, realization, key0, key1)


@inline_jit
def word_below(word: Any, count: Any) -> Any:
    """Return a whole number, uint64, from 0 to ``count`` - 1: the word's share of ``count``."""
    return (np.uint64(word) * np.uint64(count)) >> _BITS_32


@inline_jit
def uniform_open(word: Any) -> Any:
    """Return the middle of the word's cell, (word + 1/2) / 2^32: never 0, never 1, exact."""
    return (np.float64(word) + 0.5) * _TWO_POW_MINUS_32


@inline_jit
def uniform53(high: Any, low: Any) -> Any:
    """Return the middle of one of 2^52 cells of (0, 1) from two words.

    The middle takes the 53rd bit of the mantissa, so that no draw rounds to 0 or 1.
    """
    cell = ((np.uint64(high) >> _BITS_6) << _BITS_26) | (np.uint64(low) >> _BITS_6)
    return (np.float64(cell) + 0.5) * _TWO_POW_MINUS_52


@jit
def fill_words(
    out: NDArray[np.uint32],
    seed: Any,
    first_draw: Any,
    entity: Any,
    stream: Any,
    realization: Any,
) -> None:
    """Fill ``out`` (uint32, length a multiple of 4) with the words of consecutive draws.

    ``out[4 b + w]`` is word w of counter (first_draw + b, entity, stream, realization), so the
    numbers do not depend on how long the buffer is. ``first_draw + len(out) / 4`` must stay below
    2^32. One tight loop that vectorizes: consume the buffer in the next loop.
    """
    key0, key1 = key_words(seed)
    for block in range(out.shape[0] // 4):
        draw = np.uint64(first_draw) + np.uint64(block)
        w0, w1, w2, w3 = philox4x32(draw, entity, stream, realization, key0, key1)
        out[4 * block] = w0
        out[4 * block + 1] = w1
        out[4 * block + 2] = w2
        out[4 * block + 3] = w3


@jit
def fill_blocks(
    out: NDArray[np.uint32],
    seed: Any,
    first_draw: Any,
    entity: Any,
    stream: Any,
    realization: Any,
) -> None:
    """Fill ``out`` (uint32[4, block]) with the same words as ``fill_words``, a third faster.

    ``out[w, b]`` is word w of counter (first_draw + b, entity, stream, realization): each row is
    stored in order, so that nothing has to be shuffled.
    """
    key0, key1 = key_words(seed)
    for block in range(out.shape[1]):
        draw = np.uint64(first_draw) + np.uint64(block)
        w0, w1, w2, w3 = philox4x32(draw, entity, stream, realization, key0, key1)
        out[0, block] = w0
        out[1, block] = w1
        out[2, block] = w2
        out[3, block] = w3


@bare_jit
def column_uniforms(
    seed: Any, entity: Any, stream: Any, first_realization: Any, out: NDArray[np.float64]
) -> None:
    """Fill ``out[r]`` with the uniform of realization ``first_realization + r``.

    ``entity`` is a full 64-bit number, such as the hash of a parameter's path: its low word is the
    first word of the counter and its high word the second.
    """
    key0, key1 = key_words(seed)
    low, high = key_words(entity)
    for r in range(out.shape[0]):
        realization = np.uint64(first_realization) + np.uint64(r)
        w0, w1, _, _ = philox4x32(low, high, stream, realization, key0, key1)
        out[r] = uniform53(w0, w1)


@inline_jit
def noise_uniform(seed: Any, draw: Any, entity: Any, stream: Any, realization: Any) -> Any:
    """Return the one uniform of a decision: counter (draw, entity, stream, realization)."""
    w0, w1, _, _ = seeded_words(seed, draw, entity, stream, realization)
    return uniform53(w0, w1)
