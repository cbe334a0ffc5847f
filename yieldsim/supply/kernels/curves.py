"""Schedules of a realization: somewhere between two given series, times a scale."""

from __future__ import annotations

from typing import Any

from yieldsim.kernels.jit import inline_jit


@inline_jit
def between(low: Any, high: Any, position: Any, scale: Any) -> Any:
    """The value at ``position`` (0 to 1) between two series, times ``scale``."""
    return (low + position * (high - low)) * scale


@inline_jit
def curve_value(curves: Any, drawn: Any, curve: Any, step: Any, k: Any) -> Any:
    """The value of a schedule in a step, of lane ``k``: of its low and high series (curve, 2, step)
    by the position and scale drawn (curve, 2, lane)."""
    low, high = curves[curve, 0, step], curves[curve, 1, step]
    return between(low, high, drawn[curve, 0, k], drawn[curve, 1, k])
