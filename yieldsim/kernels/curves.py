"""Schedules of a realization: somewhere between two given series, times a scale."""

from __future__ import annotations

from typing import Any

from yieldsim.kernels.jit import inline_jit


@inline_jit
def between(low: Any, high: Any, position: Any, scale: Any) -> Any:
    """The value at ``position`` (0 to 1) between two series, times ``scale``."""
    return (low + position * (high - low)) * scale


@inline_jit
def curve_value(structure: Any, world: Any, curve: Any, step: Any, k: Any) -> Any:
    """The value of a schedule in a step, of lane ``k``."""
    low, high = structure.curve_low[curve, step], structure.curve_high[curve, step]
    return between(low, high, world.curve[curve, 0, k], world.curve[curve, 1, k])
