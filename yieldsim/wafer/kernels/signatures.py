"""Means of narrow Gaussian lines, rings and spots over the small rectangles that tile a die.

A line narrower than a rectangle may miss its middle, so the mean over the rectangle is used.
Legend: ``width`` is the Gaussian's standard deviation; ``half_x``, ``half_y``, or ``sides`` for
both, are half the rectangle's sides, all in one unit.
"""

from __future__ import annotations

import math

from yieldsim.kernels.jit import inline_jit

__all__ = ["line_mean", "ring_mean", "scratch_mean", "spot_mean"]

_FAR = 7.0  # widths beyond which a Gaussian is zero: e^-24.5
_THIN = 1e-3  # widths below which an extent is taken as 0, which changes the mean by 2e-7
_ROOT_HALF = math.sqrt(0.5)
_ROOT_HALF_PI = math.sqrt(0.5 * math.pi)


@inline_jit
def _once(t: float, width: float) -> float:
    """Return the integral of exp(-(t / width)^2 / 2) from zero."""
    return width * _ROOT_HALF_PI * math.erf(t / width * _ROOT_HALF)


@inline_jit
def _twice(t: float, width: float) -> float:
    """Return an integral of `_once`."""
    z = t / width
    return t * _once(t, width) + width * width * math.exp(-0.5 * z * z)


@inline_jit
def _mean(t: float, width: float, half: float) -> float:
    """Return the mean of exp(-(t / width)^2 / 2) over t - half .. t + half."""
    if half < _THIN * width:
        z = t / width
        return math.exp(-0.5 * z * z)
    return (_once(t + half, width) - _once(t - half, width)) / (2.0 * half)


@inline_jit
def line_mean(t: float, width: float, half_x: float, half_y: float) -> float:
    """Return the mean over a rectangle of a straight line at distance ``t`` from its middle.

    ``half_x``, ``half_y`` are the half sides projected across the line. Distances are then a sum of
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
def _line_integral(s: float, width: float, half_length: float) -> float:
    """Return the integral from zero along a line that ends in half a Gaussian."""
    size = abs(s)
    if size > half_length:
        size = half_length + _once(size - half_length, width)
    return math.copysign(size, s)


@inline_jit
def scratch_mean(
    along: float,
    across: float,
    cos: float,
    sin: float,
    width: float,
    half_length: float,
    sides: tuple[float, float],
) -> float:
    """Return the mean of a scratch in direction (cos, sin), its middle (along, across) away.

    Along and across are averaged separately, which is exact except for rectangles at its ends.
    """
    half_x, half_y = sides
    mean = line_mean(across, width, half_x * abs(sin), half_y * abs(cos))
    if mean == 0.0:
        return 0.0
    half = math.hypot(half_x * cos, half_y * sin)
    upper = _line_integral(along + half, width, half_length)
    return mean * (upper - _line_integral(along - half, width, half_length)) / (2.0 * half)


@inline_jit
def ring_mean(x: float, y: float, radius: float, width: float, sides: tuple[float, float]) -> float:
    """Return the mean of a ring around the origin, straight within the rectangle about (x, y)."""
    r = math.hypot(x, y)
    if r == 0.0:
        return line_mean(radius, width, sides[0], 0.0)
    return line_mean(r - radius, width, sides[0] * abs(x) / r, sides[1] * abs(y) / r)


@inline_jit
def spot_mean(x: float, y: float, width: float, sides: tuple[float, float]) -> float:
    """Return the mean of a round spot at the origin, exactly."""
    return _mean(x, width, sides[0]) * _mean(y, width, sides[1])
