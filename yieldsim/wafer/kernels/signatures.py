"""Means of narrow Gaussian lines, rings and spots over the small rectangles that tile a die.

At a rectangle's middle a line narrower than it is seen by chance; its mean is seen by all. Legend:
``width`` is the Gaussian's standard deviation, ``half_x``, ``half_y`` are half the rectangle's
sides, all in one unit.
"""

from __future__ import annotations

import math
from typing import Any

from yieldsim.kernels.jit import inline_jit

__all__ = ["line_mean", "ring_mean", "scratch_mean", "spot_mean"]

_FAR = 7.0  # widths beyond which a Gaussian is zero: e^-24.5
_THIN = 1e-3  # widths below which an extent is none: it changes the mean by 2e-7 of itself
_ROOT_HALF = math.sqrt(0.5)
_ROOT_HALF_PI = math.sqrt(0.5 * math.pi)


@inline_jit
def _once(t: Any, width: Any) -> Any:
    """Integral of exp(-(t / width)^2 / 2) from zero."""
    return width * _ROOT_HALF_PI * math.erf(t / width * _ROOT_HALF)


@inline_jit
def _twice(t: Any, width: Any) -> Any:
    """An integral of that integral."""
    z = t / width
    return t * _once(t, width) + width * width * math.exp(-0.5 * z * z)


@inline_jit
def _mean(t: Any, width: Any, half: Any) -> Any:
    """Mean of exp(-(t / width)^2 / 2) over t - half .. t + half."""
    if half < _THIN * width:
        z = t / width
        return math.exp(-0.5 * z * z)
    return (_once(t + half, width) - _once(t - half, width)) / (2.0 * half)


@inline_jit
def line_mean(t: Any, width: Any, half_x: Any, half_y: Any) -> Any:
    """Mean over a rectangle of a straight line at distance ``t`` from its middle.

    ``half_x``, ``half_y`` are the half sides as seen across the line: distances then are a sum of
    two uniform numbers, over which the Gaussian is integrated exactly.
    """
    less, more = min(half_x, half_y), max(half_x, half_y)
    if abs(t) > less + more + _FAR * width:
        return 0.0
    if less < _THIN * width:
        return _mean(t, width, more)
    a, b = more + less, more - less
    total = _twice(t + a, width) - _twice(t + b, width) - _twice(t - b, width)
    return max(0.0, (total + _twice(t - a, width)) / (4.0 * less * more))


@inline_jit
def _line_integral(s: Any, width: Any, half_length: Any) -> Any:
    """Integral from zero along a line that ends, as half a Gaussian, at ``half_length``."""
    size = abs(s)
    if size > half_length:
        size = half_length + _once(size - half_length, width)
    return math.copysign(size, s)


@inline_jit
def scratch_mean(
    along: Any, across: Any, cos: Any, sin: Any, width: Any, half_length: Any, sides: Any
) -> Any:
    """Mean of a scratch in direction (cos, sin), its middle (along, across) away.

    Along and across are averaged one by one, which is exact but for the rectangles where it ends.
    """
    half_x, half_y = sides
    mean = line_mean(across, width, half_x * abs(sin), half_y * abs(cos))
    if mean == 0.0:
        return 0.0
    half = math.hypot(half_x * cos, half_y * sin)
    upper = _line_integral(along + half, width, half_length)
    return mean * (upper - _line_integral(along - half, width, half_length)) / (2.0 * half)


@inline_jit
def ring_mean(x: Any, y: Any, radius: Any, width: Any, sides: Any) -> Any:
    """Mean of a ring round the origin, straight within the rectangle whose middle is (x, y)."""
    r = math.hypot(x, y)
    if r == 0.0:
        return line_mean(radius, width, sides[0], 0.0)
    return line_mean(r - radius, width, sides[0] * abs(x) / r, sides[1] * abs(y) / r)


@inline_jit
def spot_mean(x: Any, y: Any, width: Any, sides: Any) -> Any:
    """Mean of a round spot at the origin, exactly."""
    return _mean(x, width, sides[0]) * _mean(y, width, sides[1])
