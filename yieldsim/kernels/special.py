"""Inverse distribution functions that kernels need: one uniform per decision, no rejection."""

from __future__ import annotations

import math
from typing import Any

from yieldsim.kernels.jit import inline_jit

__all__ = ["gamma_mean_one", "normal_ppf", "poisson_ppf"]

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
