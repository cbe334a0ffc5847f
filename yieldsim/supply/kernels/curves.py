"""Schedules of a realization: a position between two given series, times a scale."""

from __future__ import annotations

from yieldsim.kernels.jit import inline_jit
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
    position and scale.
    """
    parameters = drawn[curve]
    position, scale = parameters.position[k], parameters.scale[k]
    return between(low[curve, step], high[curve, step], position, scale)
