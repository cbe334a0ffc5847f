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
    "exp_minus",
    "gamma_quantile",
    "poisson_quantile",
]

# A gamma table has two rows, for words below and above the median; each holds quantiles at
# probabilities (word + 1/2) / 2^32 (from the near end) with GAMMA_STEPS nodes an octave, so that
# both tails are as fine as the middle. The node is the top of the word's float64 bits.
GAMMA_STEPS = 128
_STEP_BITS = np.uint64(45)  # 52 bits of mantissa less log2(GAMMA_STEPS)
_REST = np.uint64((1 << 45) - 1)
_REST_UP = np.uint64(7)
_ONE_BITS = np.uint64(1023 << 52)
GAMMA_FIRST = 1022 * GAMMA_STEPS  # index of 0.5, the least word's middle
_FIRST = np.uint64(GAMMA_FIRST)
GAMMA_CELLS = 32 * GAMMA_STEPS  # octaves from 2^-1 to 2^31
_TOP = np.uint32(31)
_ALL = np.uint32(0xFFFFFFFF)

_FARTHEST = 700.0
_LOG2_E = 1.4426950408889634
_TO_WHOLE = 1.5 * 2.0**52  # adding it leaves a whole number in the last bits
_LN2_HIGH = 0.6931471803691238  # ln 2 in two parts, the first with zeros at its end
_LN2_LOW = 1.9082149292705877e-10
_EXPONENT = np.uint64(52)
_T2, _T3, _T4, _T5, _T6, _T7, _T8, _T9, _T10, _T11, _T12, _T13 = (
    1.0 / math.factorial(k) for k in range(2, 14)
)

_LEAST_MODE = 32.0  # below this mean the sum from zero is short, and exp(-mean) far from underflow
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
    # unsigned indices, which need no look at whether they are below zero
    cell = (bits >> _STEP_BITS) - _FIRST
    # the rest as the mantissa of a number in [1, 2): whole numbers of 64 bits do not vectorize
    part = np.uint64(((bits & _REST) << _REST_UP) | _ONE_BITS).view(np.float64) - 1.0
    left = table[upper, cell]
    return left + part * (table[upper, cell + np.uint64(1)] - left)


@inline_jit
def exp_minus(x: Any) -> Any:
    """Return exp(-x) for x >= 0, right to 3e-16 of itself, in a form that vectorizes.

    x = n ln 2 + r with |r| <= ln 2 / 2 by Cody and Waite's two-part ln 2, a polynomial for
    exp(-r), and 2^-n put in by the exponent's bits. Beyond 700 the result is that of 700.
    """
    bounded = min(x, _FARTHEST)
    shifted = bounded * _LOG2_E + _TO_WHOLE
    whole = shifted - _TO_WHOLE
    r = -((bounded - whole * _LN2_HIGH) - whole * _LN2_LOW)
    # Estrin's order: Horner's is one long chain, each step of which waits for the last
    r2 = r * r
    r4 = r2 * r2
    low = ((1.0 + r) + (_T2 + _T3 * r) * r2) + ((_T4 + _T5 * r) + (_T6 + _T7 * r) * r2) * r4
    high = ((_T8 + _T9 * r) + (_T10 + _T11 * r) * r2) + (_T12 + _T13 * r) * r4
    value = low + high * (r4 * r4)
    power = (np.uint64(1023) - (np.float64(shifted).view(np.uint64) & np.uint64(2047))) << _EXPONENT
    return value * np.uint64(power).view(np.float64)


@inline_jit
def poisson_quantile(u: Any, mean: Any) -> Any:
    """Return the least n with P(N <= n) >= u for a Poisson N: more with a higher mean, same u."""
    if mean < _LEAST_MODE:
        return _from_zero(u, mean)
    return _from_mode(u, mean)


@inline_jit
def _from_zero(u: Any, mean: Any) -> Any:
    """Add up probabilities from zero; rounding may end the sum below u, where no term is left."""
    term = exp_minus(mean)
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
