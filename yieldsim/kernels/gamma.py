"""The gamma quantile to double precision, for kernels that draw few gamma variates."""

from __future__ import annotations

import math

from yieldsim.kernels.inverse import gamma_wilson_hilferty, normal_ppf
from yieldsim.kernels.jit import stage_jit

__all__ = ["gamma_cdf", "gamma_ppf"]

_CLOSE = 1e-15
_TINY = 1e-300
_MOST_TERMS = 10_000
_MOST_STEPS = 200
_LONGEST_STEP = 3.0


@stage_jit
def gamma_cdf(x: float, shape: float) -> float:
    """Return P(X <= x) of a gamma variate with scale one.

    The power series below the mean and Lentz's continued fraction above (NIST Digital Library of
    Mathematical Functions, 8.11.4 and 8.9.2).
    """
    if x <= 0.0:
        return 0.0
    front = math.exp(shape * math.log(x) - x - math.lgamma(shape))
    if x < shape + 1.0:
        term = total = 1.0 / shape
        count = 0
        while term > _CLOSE * total and count < _MOST_TERMS:
            count += 1
            term *= x / (shape + count)
            total += term
        return front * total
    b = x + 1.0 - shape
    c = 1.0 / _TINY
    d = 1.0 / b
    fraction = d
    for count in range(1, _MOST_TERMS):
        a = -count * (count - shape)
        b += 2.0
        d = 1.0 / max(abs(a * d + b), _TINY) * (1.0 if a * d + b >= 0.0 else -1.0)
        c = b + a / c
        change = c * d
        fraction *= change
        if abs(change - 1.0) < _CLOSE:
            break
    return 1.0 - front * fraction


@stage_jit
def gamma_ppf(u: float, shape: float) -> float:
    """Return the gamma quantile of ``u`` in (0, 1), scale one.

    Newton's steps for the logarithm inside a bracket; far in the lower tail the first term of the
    series is all.
    """
    first = math.exp((math.log(u) + math.lgamma(shape + 1.0)) / shape)
    if first < _CLOSE:
        return first
    low, high = 0.0, max(shape, 1.0)
    while gamma_cdf(high, shape) < u:
        low, high = high, 2.0 * high
    x = max(shape * gamma_wilson_hilferty(normal_ppf(u), shape), min(first, high))
    for _ in range(_MOST_STEPS):
        if not low < x < high:
            x = 0.5 * (low + high)
        gap = gamma_cdf(x, shape) - u
        if gap > 0.0:
            high = x
        else:
            low = x
        # the slope against the logarithm of x
        slope = math.exp(shape * math.log(x) - x - math.lgamma(shape))
        step = gap / max(slope, _TINY)
        if abs(step) <= _CLOSE or high - low <= _CLOSE * high:
            break
        x *= math.exp(min(max(-step, -_LONGEST_STEP), _LONGEST_STEP))
    return x
