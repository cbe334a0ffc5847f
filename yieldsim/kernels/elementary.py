"""Elementary functions made of shifts, sums and products only, so that loops over them vectorize.

The library's ``exp`` and ``log`` take one number at a time.
"""

from __future__ import annotations

import math

import numpy as np

from yieldsim.kernels.jit import inline_jit

__all__ = ["exp_minus", "exp_within", "log1p_positive", "log_positive", "power_below_one"]

_FARTHEST = 700.0
_LOG2_E = 1.4426950408889634
_TO_WHOLE = 1.5 * 2.0**52  # adding it leaves a whole number in the last bits
_LN2_HIGH = 0.6931471803691238  # ln 2 in two parts, the first with zeros at its end
_LN2_LOW = 1.9082149292705877e-10
_T2, _T3, _T4, _T5, _T6, _T7, _T8, _T9, _T10, _T11, _T12, _T13 = (
    1.0 / math.factorial(k) for k in range(2, 14)
)

# log(m) = 2 (s + s^3/3 + s^5/5 + ...), s = (m - 1)/(m + 1), and the exponential series, highest
# order first. The terms left out are below 2^-53 of the result for m in [sqrt(1/2), sqrt(2)] and
# for exponents of 2 from -1/2 to 1/2.
_LOG_SERIES = (1 / 21, 1 / 19, 1 / 17, 1 / 15, 1 / 13, 1 / 11, 1 / 9, 1 / 7, 1 / 5, 1 / 3)
_EXP_SERIES = tuple(1.0 / math.factorial(order) for order in range(13, -1, -1))
_L9, _L8, _L7, _L6, _L5, _L4, _L3, _L2, _L1, _L0 = _LOG_SERIES
_LN_2 = math.log(2.0)
_MANTISSA = np.uint64(52)  # bits
_BIAS, _ELEVEN_BITS = np.uint64(1023), np.uint64(2047)
_ROOT_HALF_TO_ONE = np.uint64(0x3FF0000000000000 - 0x3FE6A09E667F3BCD)  # in bits of a double
_TWO_52, _TWO_52_BITS = 2.0**52, np.uint64(0x4330000000000000)
# near it, whole numbers of either sign stand in the last bits
_MIDDLE, _MIDDLE_LESS_BIAS = 1.5 * 2.0**52, np.uint64(0x4338000000000000 - 1023)
_LEAST_EXPONENT = -1000.0


@inline_jit
def exp_within(x: float) -> float:
    """Return exp(x) for -700 <= x <= 700 with a relative error below 4.5e-16.

    x = n ln 2 + r with |r| <= ln 2 / 2 by Cody and Waite's two-part ln 2. A polynomial gives
    exp(r), and the exponent's bits give 2^n. Beyond 700 the result is that of 700.
    """
    bounded = max(-_FARTHEST, min(x, _FARTHEST))
    shifted = bounded * _LOG2_E + _TO_WHOLE
    whole = shifted - _TO_WHOLE
    r = (bounded - whole * _LN2_HIGH) - whole * _LN2_LOW
    # Estrin's order, because each step of Horner's waits for the one before
    r2 = r * r
    r4 = r2 * r2
    low = ((1.0 + r) + (_T2 + _T3 * r) * r2) + ((_T4 + _T5 * r) + (_T6 + _T7 * r) * r2) * r4
    high = ((_T8 + _T9 * r) + (_T10 + _T11 * r) * r2) + (_T12 + _T13 * r) * r4
    value = low + high * (r4 * r4)
    power = ((np.float64(shifted).view(np.uint64) + _BIAS) & _ELEVEN_BITS) << _MANTISSA
    return value * np.uint64(power).view(np.float64)


@inline_jit
def exp_minus(x: float) -> float:
    """Return exp(-x) for x >= 0, as `exp_within` does."""
    return exp_within(-x)


@inline_jit
def log1p_positive(x: float) -> float:
    """Return log(1 + x) for x >= 0 with a relative error below 7e-16.

    1 + x = 2^n m with m in [sqrt(1/2), sqrt(2)], and log m by the series below. Where n = 0, x
    itself is m - 1 without the rounding of the sum.
    """
    bits = np.float64(1.0 + x).view(np.uint64)
    biased = np.uint64(bits + _ROOT_HALF_TO_ONE) >> _MANTISSA
    mantissa = np.uint64(bits + ((_BIAS - biased) << _MANTISSA)).view(np.float64)
    whole = np.uint64(biased + _TWO_52_BITS).view(np.float64) - (_TWO_52 + 1023.0)
    return _log_of(x if whole == 0.0 else mantissa - 1.0, mantissa, whole)


@inline_jit
def log_positive(x: float) -> float:
    """Return log(x) for x >= 2^-1022, as `log1p_positive` does."""
    bits = np.float64(x).view(np.uint64)
    biased = np.uint64(bits + _ROOT_HALF_TO_ONE) >> _MANTISSA
    mantissa = np.uint64(bits + ((_BIAS - biased) << _MANTISSA)).view(np.float64)
    whole = np.uint64(biased + _TWO_52_BITS).view(np.float64) - (_TWO_52 + 1023.0)
    return _log_of(mantissa - 1.0, mantissa, whole)


@inline_jit
def _log_of(excess: float, mantissa: float, whole: float) -> float:
    """Return the log of 2^whole times the mantissa, which is 1 + excess."""
    s = excess / (mantissa + 1.0)
    r = s * s
    r2 = r * r
    r4 = r2 * r2
    low = (_L0 + _L1 * r) + (_L2 + _L3 * r) * r2
    high = ((_L4 + _L5 * r) + (_L6 + _L7 * r) * r2) + (_L8 + _L9 * r) * r4
    series = low + high * r4
    return whole * _LN2_HIGH + (2.0 * s + (2.0 * s * r * series + whole * _LN2_LOW))


@inline_jit
def power_below_one(base: float, exponent: float) -> float:
    """Return ``base ** exponent`` for 0 < base <= 1 and exponent >= 0, at least 2^-1000.

    The relative error comes from rounding the result's exponent of 2: about 2^-53 times the size of
    that exponent, plus a few 2^-53 (test_power_below_one).
    """
    bits = np.float64(base).view(np.uint64)
    biased = np.uint64(bits + _ROOT_HALF_TO_ONE) >> _MANTISSA
    mantissa = np.uint64(bits + ((_BIAS - biased) << _MANTISSA)).view(np.float64)
    s = (mantissa - 1.0) / (mantissa + 1.0)
    series = _LOG_SERIES[0]
    for k in range(1, 10):
        series = series * (s * s) + _LOG_SERIES[k]
    whole = np.uint64(biased + _TWO_52_BITS).view(np.float64) - (_TWO_52 + 1023.0)
    log_2 = 2.0 * (s + s * (s * s) * series) / _LN_2 + whole
    target = max(exponent * log_2, _LEAST_EXPONENT)
    shifted = target + _MIDDLE  # rounds it to a whole number
    rest = (target - (shifted - _MIDDLE)) * _LN_2
    power = _EXP_SERIES[0]
    for k in range(1, 14):
        power = power * rest + _EXP_SERIES[k]
    octaves = np.float64(shifted).view(np.uint64) - _MIDDLE_LESS_BIAS
    return power * np.uint64(octaves << _MANTISSA).view(np.float64)
