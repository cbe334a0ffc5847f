"""Uniforms along a scrambled Sobol' sequence, entered at any realization.

Each parameter has a one-dimensional sequence of its own, scrambled and shuffled by its path and the
seed (B. Burley, "Practical hash-based Owen scrambling", Journal of Computer Graphics Techniques 9
(2020) 1-20, section 4, padding). So a new parameter leaves all others as they were, as with
counter-based numbers, and no number of parameters is too large. Any 2^m realizations that begin at
a multiple of 2^m hold one value in each of 2^m equal cells of every parameter, as a Latin hypercube
does; pairs of parameters are independent, where dimensions of a common sequence would be spread
evenly too.
"""

from __future__ import annotations

import hashlib

import numpy as np

_CELL_BITS, _WITHIN_BITS = 32, 20  # 2^32 realizations; uniforms are midpoints of 2^52 cells
_SWAPS = ((1, 0x55555555), (2, 0x33333333), (4, 0x0F0F0F0F), (8, 0x00FF00FF))


def sobol_uniforms(u: np.ndarray, path: str, seed: int, first: int) -> np.ndarray:
    """Spread the uniforms ``u`` of the realizations from ``first`` on along a parameter's sequence.

    Each chooses the place within its cell of the sequence.
    """
    text = f"sobol {seed} {path}".encode()
    shuffle, scramble = np.frombuffer(hashlib.blake2b(text, digest_size=8).digest(), dtype="<u4")
    number = np.arange(first, first + len(u), dtype=np.uint64).astype(np.uint32)
    # The first coordinate of Sobol's sequence is the number with its bits reversed. Both
    # permutations work on reversed bits, so that each bit depends on those above it alone.
    shuffled = _reversed(_permuted(_reversed(number), shuffle))
    cell = _reversed(_permuted(shuffled, scramble)).astype(np.uint64)
    within = np.floor(u * 2.0**_WITHIN_BITS).astype(np.uint64)
    return ((cell << np.uint64(_WITHIN_BITS)) + within + 0.5) * 2.0 ** -(_CELL_BITS + _WITHIN_BITS)


def _permuted(x: np.ndarray, key: np.uint32) -> np.ndarray:
    """The Laine-Karras permutation with the constants of Burley's reference: low bits move high."""
    x = x ^ (x * np.uint32(0x3D20ADEA))
    x = x + key
    x = x * (key >> np.uint32(16) | np.uint32(1))
    x = x ^ (x * np.uint32(0x05526C56))
    return x ^ (x * np.uint32(0x53A22864))


def _reversed(x: np.ndarray) -> np.ndarray:
    """The 32 bits of each number in reverse."""
    for shift, mask in _SWAPS:
        by, kept = np.uint32(shift), np.uint32(mask)
        x = (x >> by & kept) | (x & kept) << by
    return x >> np.uint32(16) | x << np.uint32(16)
