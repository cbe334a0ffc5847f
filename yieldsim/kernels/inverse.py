"""Functions that kernels need: inverse distributions, one uniform per decision and no rejection,
and a power that loops over lanes can take several of at once."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from yieldsim.kernels.jit import inline_jit

__all__ = ["gamma_mean_one", "normal_ppf", "poisson_ppf", "power_below_one"]

# M. J. Wichura, "Algorithm AS 241: the percentage points of the normal distribution", Applied
# Statistics 37 (1988) 477-484, doi:10.2307/2347330, routine PPND16. Lowest order first.
_CENTRE_TOP = (
    3.3871328727963666080e0,
    1.3314166789178437745e2,
    1.9715909503065514427e3,
    1.3731693765509461125e4,
    4.5921953931549871457e4,
    6.7265770927008700853e4,
    3.3430575583588128105e4,
    2.5090809287301226727e3,
)
_CENTRE_BOTTOM = (
    1.0,
    4.2313330701600911252e1,
    6.8718700749205790830e2,
    5.3941960214247511077e3,
    2.1213794301586595867e4,
    3.9307895800092710610e4,
    2.8729085735721942674e4,
    5.2264952788528545610e3,
)
_TAIL_TOP = (
    1.42343711074968357734e0,
    4.63033784615654529590e0,
    5.76949722146069140550e0,
    3.64784832476320460504e0,
    1.27045825245236838258e0,
    2.41780725177450611770e-1,
    2.27238449892691845833e-2,
    7.74545014278341407640e-4,
)
_TAIL_BOTTOM = (
    1.0,
    2.05319162663775882187e0,
    1.67638483018380384940e0,
    6.89767334985100004550e-1,
    1.48103976427480074590e-1,
    1.51986665636164571966e-2,
    5.47593808499534494600e-4,
    1.05075007164441684324e-9,
)
_FAR_TOP = (
    6.65790464350110377720e0,
    5.46378491116411436990e0,
    1.78482653991729133580e0,
    2.96560571828504891230e-1,
    2.65321895265761230930e-2,
    1.24266094738807843860e-3,
    2.71155556874348757815e-5,
    2.01033439929228813265e-7,
)
_FAR_BOTTOM = (
    1.0,
    5.99832206555887937690e-1,
    1.36929880922735805310e-1,
    1.48753612908506148525e-2,
    7.86869131145613259100e-4,
    1.84631831751005468180e-5,
    1.42151175831644588870e-7,
    2.04426310338993978564e-15,
)
_CENTRE_HALF_WIDTH = 0.425
_CENTRE_SHIFT = 0.180625  # 0.425 squared
_TAIL_SHIFT = 1.6
_FAR_SHIFT = 5.0  # where sqrt(-log(tail)) leaves the tail's range for the far one
_SUMMED_UP_TO = 10.0  # events expected, below which a Poisson quantile is summed up
_MOST_EVENTS = 100
# log(m) = 2 (s + s^3/3 + s^5/5 + ...), s = (m - 1)/(m + 1), and the exponential series. Highest
# order first; what is cut off is below 2^-53 of the result for m in [sqrt(1/2), sqrt(2)] and for
# exponents of 2 within a half.
_LOG_SERIES = (1 / 21, 1 / 19, 1 / 17, 1 / 15, 1 / 13, 1 / 11, 1 / 9, 1 / 7, 1 / 5, 1 / 3)
_EXP_SERIES = tuple(1.0 / math.factorial(order) for order in range(13, -1, -1))
_LN_2 = math.log(2.0)
_MANTISSA = np.uint64(52)  # bits
_BIAS = np.uint64(1023)
_ROOT_HALF_TO_ONE = np.uint64(0x3FF0000000000000 - 0x3FE6A09E667F3BCD)  # in bits of a double
_TWO_52, _TWO_52_BITS = 2.0**52, np.uint64(0x4330000000000000)
# beside it, whole numbers of either sign stand in the last bits
_MIDDLE, _MIDDLE_LESS_BIAS = 1.5 * 2.0**52, np.uint64(0x4338000000000000 - 1023)
_LEAST_EXPONENT = -1000.0


@inline_jit
def _ratio(top: Any, bottom: Any, r: Any) -> Any:
    """Return the quotient of two polynomials of degree 7 by Horner's rule."""
    above = top[7]
    below = bottom[7]
    for k in range(6, -1, -1):
        above = above * r + top[k]
        below = below * r + bottom[k]
    return above / below


@inline_jit
def normal_ppf(u: Any) -> Any:
    """Return the standard normal quantile of ``u`` in (0, 1), about 16 digits (AS 241 PPND16).

    ``u`` is not checked: 0 and 1 are outside, and the uniforms of philox.py never reach them.
    """
    q = u - 0.5
    if abs(q) <= _CENTRE_HALF_WIDTH:
        return q * _ratio(_CENTRE_TOP, _CENTRE_BOTTOM, _CENTRE_SHIFT - q * q)
    r = math.sqrt(-math.log(min(u, 1.0 - u)))
    if r <= _FAR_SHIFT:
        z = _ratio(_TAIL_TOP, _TAIL_BOTTOM, r - _TAIL_SHIFT)
    else:
        z = _ratio(_FAR_TOP, _FAR_BOTTOM, r - _FAR_SHIFT)
    return z if q > 0.0 else -z


@inline_jit
def gamma_mean_one(z: Any, shape: Any) -> Any:
    """Turn a standard normal ``z`` into an (almost) gamma variate of mean one and given shape.

    The cube of E. B. Wilson and M. M. Hilferty, "The distribution of chi-square", PNAS 17 (1931)
    684-688, doi:10.1073/pnas.17.12.684, divided by its own mean and cut at zero. Against the exact
    law at shape 2 the mean errs by 3e-8, the variance by -0.07 %, the distribution function by
    0.0034 at most and the yield E[exp(-lambda x)], lambda <= 2, by 0.033 % of itself; all fall as
    the shape grows (test_gamma_mean_one_error). At shape 0.5 the yield errs by 0.35 %, and below 1
    the lower tail is poor. ``shape`` may be infinite: the result is one.
    """
    ninth = 1.0 / (9.0 * shape)
    cube_root = (1.0 - ninth) + z * math.sqrt(ninth)
    if cube_root <= 0.0:
        return 0.0
    # E[(1 - x + z sqrt(x))^3] = 1 - x^3 for a standard normal z.
    return cube_root * cube_root * cube_root / (1.0 - ninth * ninth * ninth)


@inline_jit
def poisson_ppf(u: Any, mean: Any) -> Any:
    """Return the Poisson quantile of ``u``: exact up to a mean of 10, then one off at most.

    Above, the mean errs by less than 1e-5 of itself and the variance by 1.4 % at most; it is the
    expansion of E. A. Cornish and R. A. Fisher, "Moments and cumulants in the
    specification of distributions", Revue de l'Institut International de Statistique 5 (1938)
    307-320, to the term of the skewness.
    """
    if mean > _SUMMED_UP_TO:
        z = normal_ppf(u)
        return math.floor(max(0.0, mean + math.sqrt(mean) * z + (z * z - 1.0) / 6.0 + 0.5))
    probability = math.exp(-mean)
    total, count = probability, 0.0
    while u > total and count < _MOST_EVENTS:
        count += 1.0
        probability *= mean / count
        total += probability
    return count


@inline_jit
def power_below_one(base: Any, exponent: Any) -> Any:
    """``base ** exponent`` for 0 < base <= 1 and 0 <= exponent; below 2^-1000 it is that.

    Shifts, sums and products alone, so that a loop over lanes takes four at a time; the library's
    ``exp`` and ``log`` take one, in twice the time of all four. Errors are those of rounding the
    exponent of 2 in the result: about 2^-53 times its size and a few 2^-53 (test_power_below_one).
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
