"""Inverse distribution functions: one uniform per decision, no rejection.

Gamma and Poisson have two forms each, whose draws differ: the supply ensemble takes the faster,
approximate one, the wafer kernels the exact or tabulated one.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from yieldsim.kernels.elementary import exp_minus, log_positive
from yieldsim.kernels.jit import inline_jit

__all__ = [
    "GAMMA_CELLS",
    "GAMMA_FIRST",
    "GAMMA_STEPS",
    "gamma_of_variance",
    "gamma_place",
    "gamma_tabulated",
    "gamma_wilson_hilferty",
    "normal_ppf",
    "normal_ppf_lanes",
    "poisson_ppf_exact",
    "poisson_ppf_within_one",
]

# M. J. Wichura, "Algorithm AS 241: the percentage points of the normal distribution", Applied
# Statistics 37 (1988) 477-484, doi:10.2307/2347330, routine PPND16. Lowest order first.
Coefficients = tuple[float, ...]
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
_SUMMED_UP_TO = 10.0  # mean of `poisson_ppf_within_one` up to which probabilities are summed
_MOST_EVENTS = 100
# `poisson_ppf_exact` sums from zero below this mean: the sum is short, and exp(-mean) does not
# underflow.
_LEAST_MODE = 32.0
_NO_TERM = 1e-18

# A gamma table has two rows, for words below and above the median. Each holds quantiles at
# probabilities (word + 1/2) / 2^32, counted from the nearer end, with GAMMA_STEPS nodes per octave,
# so that both tails are as fine as the middle. The top bits of the word as a float64 give the node.
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


@inline_jit
def _ratio(top: Coefficients, bottom: Coefficients, r: float) -> float:
    """Return the quotient of two polynomials of degree 7 by Horner's rule."""
    above = top[7]
    below = bottom[7]
    for k in range(6, -1, -1):
        above = above * r + top[k]
        below = below * r + bottom[k]
    return above / below


@inline_jit
def normal_ppf(u: float) -> float:
    """Return the standard normal quantile of ``u`` in (0, 1), about 16 digits (AS 241 PPND16).

    ``u`` is not checked. The uniforms of philox.py never reach 0 or 1.
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
def normal_ppf_lanes(u: float) -> float:
    """Return `normal_ppf` without a branch, so that a loop over lanes vectorizes.

    All three approximations have one form, of which the lane takes its coefficients.
    """
    q = u - 0.5
    centre = abs(q) <= _CENTRE_HALF_WIDTH
    r = math.sqrt(-log_positive(min(u, 1.0 - u)))
    far = r > _FAR_SHIFT
    x = _CENTRE_SHIFT - q * q if centre else r - (_FAR_SHIFT if far else _TAIL_SHIFT)
    above = _one_of(centre, far, _CENTRE_TOP[7], _TAIL_TOP[7], _FAR_TOP[7])
    below = _one_of(centre, far, _CENTRE_BOTTOM[7], _TAIL_BOTTOM[7], _FAR_BOTTOM[7])
    for k in range(6, -1, -1):
        above = above * x + _one_of(centre, far, _CENTRE_TOP[k], _TAIL_TOP[k], _FAR_TOP[k])
        below = below * x + _one_of(centre, far, _CENTRE_BOTTOM[k], _TAIL_BOTTOM[k], _FAR_BOTTOM[k])
    return above / below * (q if centre else math.copysign(1.0, q))


@inline_jit
def _one_of(centre: bool, far: bool, of_centre: float, of_tail: float, of_far: float) -> float:
    return of_centre if centre else of_far if far else of_tail


@inline_jit
def gamma_wilson_hilferty(z: float, shape: float) -> float:
    """Turn a standard normal ``z`` into an approximate gamma variate of mean one.

    The cube of E. B. Wilson and M. M. Hilferty, "The distribution of chi-square", PNAS 17 (1931)
    684-688, doi:10.1073/pnas.17.12.684, divided by its own mean and cut at zero. Errors at shape 2:
    the mean 3e-8, the variance -0.07 %, the distribution function at most 0.0034 and the yield
    E[exp(-lambda x)], lambda <= 2, 0.033 % of itself. All fall as the shape grows
    (test_gamma_wilson_hilferty_error). At shape 0.5 the yield errs by 0.35 %, and below 1 the lower
    tail is poor. ``shape`` may be infinite: the result is one.
    """
    return gamma_of_variance(z, 1.0 / shape)


@inline_jit
def gamma_of_variance(z: float, variance: float) -> float:
    """Return `gamma_wilson_hilferty` for a variance, which is one over the shape."""
    ninth = variance / 9.0
    cube_root = max(0.0, (1.0 - ninth) + z * math.sqrt(ninth))
    # E[(1 - x + z sqrt(x))^3] = 1 - x^3 for a standard normal z.
    return cube_root * cube_root * cube_root / (1.0 - ninth * ninth * ninth)


@inline_jit
def gamma_place(word: np.uint32) -> Any:
    """Return (row, cell, part of the cell) of a word in a gamma table."""
    upper = word >> _TOP
    near = word if upper == np.uint32(0) else word ^ _ALL
    bits = np.float64(np.float64(near) + 0.5).view(np.uint64)
    # unsigned indices spare Numba the test for negative ones
    cell = (bits >> _STEP_BITS) - _FIRST
    # the rest becomes the mantissa of a number in [1, 2): converting 64-bit integers to floats
    # would not vectorize
    part = np.uint64(((bits & _REST) << _REST_UP) | _ONE_BITS).view(np.float64) - 1.0
    return upper, cell, part


@inline_jit
def gamma_tabulated(table: NDArray[np.float64], word: np.uint32) -> float:
    """Return the gamma quantile of a word, linear between the nodes of a table.

    ``table`` is float64[2, GAMMA_CELLS + 1]. The error is below 1e-5 for shapes of 0.1 and more
    (test_gamma_tabulated_error).
    """
    upper, cell, part = gamma_place(word)
    cell = np.uint64(cell)  # Python gets an int, and NumPy 1 adds an int and a uint64 as floats
    left = table[upper, cell]
    return left + part * (table[upper, cell + np.uint64(1)] - left)


@inline_jit
def poisson_ppf_within_one(u: float, mean: float) -> float:
    """Return the Poisson quantile of ``u``: exact up to a mean of 10, at most one off above.

    Above 10 it is the expansion of E. A. Cornish and R. A. Fisher, "Moments and cumulants in the
    specification of distributions", Revue de l'Institut International de Statistique 5 (1938)
    307-320, to the term of the skewness: the mean errs by less than 1e-5 of itself and the variance
    by at most 1.4 %.
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
def poisson_ppf_exact(u: float, mean: float) -> int:
    """Return the least n with P(N <= n) >= u for a Poisson N. It rises with the mean at fixed u."""
    if mean < _LEAST_MODE:
        return _from_zero(u, mean)
    return _from_mode(u, mean)


@inline_jit
def _from_zero(u: float, mean: float) -> int:
    """Add up probabilities from zero. Rounding may leave the whole sum below u."""
    term = exp_minus(mean)
    reached = term
    count = 0
    while u > reached and (term > _NO_TERM or count < mean):
        count += 1
        term *= mean / count
        reached += term
    return count


@inline_jit
def _from_mode(u: float, mean: float) -> int:
    """Walk from the mode down to where terms vanish, then add up from there."""
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
