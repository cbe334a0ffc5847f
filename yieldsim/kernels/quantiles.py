"""Inverse distribution functions by table: gamma from one word, Poisson from one uniform."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from yieldsim.kernels.jit import inline_jit

__all__ = [
    "GAMMA_CELLS",
    "GAMMA_FIRST",
    "GAMMA_STEPS",
    "gamma_quantile",
    "poisson_quantile",
]

# A gamma table has two rows, for words below and above the median; each holds quantiles at
# probabilities (word + 1/2) / 2^32 (from the near end) with GAMMA_STEPS nodes an octave, so that
# both tails are as fine as the middle. The node is the top of the word's float64 bits.
GAMMA_STEPS = 128
_STEP_BITS = np.uint64(45)  # 52 bits of mantissa less log2(GAMMA_STEPS)
_REST = np.uint64((1 << 45) - 1)
_REST_TO_ONE = 2.0**-45
GAMMA_FIRST = 1022 * GAMMA_STEPS  # index of 0.5, the least word's middle
_FIRST = np.uint64(GAMMA_FIRST)
GAMMA_CELLS = 32 * GAMMA_STEPS  # octaves from 2^-1 to 2^31
_TOP = np.uint32(31)
_ALL = np.uint32(0xFFFFFFFF)

_LEAST_MODE = 32.0  # below this mean the sum from zero is short, and exp(-mean) far from underflow
_MOST_TERMS = 100_000
_NO_TERM = 1e-18


@inline_jit
def gamma_quantile(table: Any, word: Any) -> Any:
    """Return the quantile of a word: ``table`` float64[2, GAMMA_CELLS + 1], linear in between.

    Against the exact quantile the error is below 1e-5 for shapes of 0.1 and more
    (test_gamma_quantile_error).
    """
    upper = word >> _TOP
    near = word if upper == np.uint32(0) else word ^ _ALL
    bits = np.float64(np.float64(near) + 0.5).view(np.uint64)
    cell = np.int64((bits >> _STEP_BITS) - _FIRST)
    part = np.float64(bits & _REST) * _REST_TO_ONE
    left = table[upper, cell]
    return left + part * (table[upper, cell + 1] - left)


@inline_jit
def poisson_quantile(u: Any, mean: Any) -> Any:
    """Return the least n with P(N <= n) >= u for a Poisson N: more with a higher mean, same u."""
    if mean < _LEAST_MODE:
        return _from_zero(u, mean)
    return _from_mode(u, mean)


@inline_jit
def _from_zero(u: Any, mean: Any) -> Any:
    """Add up probabilities from zero; rounding may end the sum below u, where no term is left."""
    term = math.exp(-mean)
    reached = term
    count = 0
    while u > reached and (term > _NO_TERM or count < mean):
        count += 1
        term *= mean / count
        reached += term
    return count


@inline_jit
def _from_mode(u: Any, mean: Any) -> Any:
    """Add up from the mode down to where the rest vanishes, then walk up from there."""
    count = int(mean)
    term = math.exp(count * math.log(mean) - mean - math.lgamma(count + 1.0))
    reached = 0.0
    while count > 0 and term > _NO_TERM:
        term *= count / mean
        count -= 1
    reached = term
    while u > reached and (term > _NO_TERM or count < mean):
        count += 1
        term *= mean / count
        reached += term
    return count
