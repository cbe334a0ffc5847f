"""Schedules of a realization: a position between two given series, times a scale and factors."""

from __future__ import annotations

import math

from yieldsim.kernels.jit import inline_jit, stage_jit
from yieldsim.supply.kernels.records import Floats, Parameters, Records


@inline_jit
def between(low: float, high: float, position: float, scale: float) -> float:
    """Return the value at ``position`` (0 to 1) between two series, times ``scale``."""
    return (low + position * (high - low)) * scale


@inline_jit
def curve_value(
    low: Floats, high: Floats, drawn: Records[Parameters], curve: int, step: int, k: int
) -> float:
    """Return the value of a schedule in a step, in lane ``k``.

    ``low`` and ``high`` (curve, step) are the two series of each schedule, ``drawn`` (curve) its
    position and scale, and the number of the curve that multiplies it (-1: none).
    """
    position, scale = drawn[curve].position[k], drawn[curve].scale[k]
    value = between(low[curve, step], high[curve, step], position, scale)
    factor = int(drawn[curve].factor[0])  # the same in all lanes
    while factor >= 0:
        position, scale = drawn[factor].position[k], drawn[factor].scale[k]
        value *= between(low[factor, step], high[factor, step], position, scale)
        factor = int(drawn[factor].factor[0])
    return value


@stage_jit
def slipped_value(
    low: Floats, high: Floats, drawn: Records[Parameters], curve: int, at: float, k: int
) -> float:
    """Return the value of a schedule at a step that need not be whole, straight between steps.

    Before the first step it keeps that step's value.
    """
    whole = math.floor(max(at, 0.0))
    part = max(at, 0.0) - whole
    value = curve_value(low, high, drawn, curve, whole, k)
    if part > 0.0:
        value += part * (curve_value(low, high, drawn, curve, whole + 1, k) - value)
    return value
