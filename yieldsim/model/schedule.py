"""A parameter that changes with the calendar: points at quarters, kept apart from its uncertainty.

``value(t) = (low(t) + position * (high(t) - low(t))) * scale``: two rival published series stay
two series, and ``position`` (for instance a discrete 0 or 1) says which world holds; ``scale``
is a common uncertainty of the whole series.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, model_validator

from .calendar import Quarter, quarter_index
from .quantity import Grade, Quantity


class Schedule(BaseModel):
    """Points ``quarters``/``values`` (or ``low`` and ``high`` with ``position``)."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    quarters: tuple[Quarter, ...] = ()
    values: tuple[float, ...] = ()
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    position: Quantity | None = None
    scale: Quantity | None = None
    interpolate: Literal["linear", "step"] = "linear"
    before: Literal["hold", "zero"] = "hold"
    unit: str | None = None
    source: str
    grade: Grade
    note: str = ""
    factor: float = 1.0

    @model_validator(mode="before")
    @classmethod
    def _short_forms(cls, data: Any) -> Any:
        if isinstance(data, (int, float)) and not isinstance(data, bool):
            raise ValueError("a bare number needs a source in its table")
        if not isinstance(data, dict):
            return data
        data = dict(data)
        origin = {key: data[key] for key in ("source", "grade") if key in data}
        if "value" in data or "dist" in data or "ref" in data:
            return _constant(data, origin)
        for key in ("position", "scale"):
            if isinstance(data.get(key), dict):
                data[key] = {**origin, **data[key]}
            elif isinstance(data.get(key), (int, float)) and not isinstance(data[key], bool):
                data[key] = {"value": data[key], **origin}
        return data

    @model_validator(mode="after")
    def _consistent(self) -> Schedule:
        if not self.quarters:
            raise ValueError("needs quarters and values, got no quarters")
        places = [quarter_index(quarter) for quarter in self.quarters]
        if places != sorted(set(places)):
            raise ValueError(f"quarters must rise, got {', '.join(self.quarters)}")
        pair = bool(self.low) or bool(self.high) or self.position is not None
        if pair == bool(self.values):
            raise ValueError("needs either values, or low, high and position")
        for key in ("low", "high") if pair else ("values",):
            if len(getattr(self, key)) != len(self.quarters):
                raise ValueError(
                    f"needs one of {key} per quarter, got {len(getattr(self, key))}"
                    f" for {len(self.quarters)} quarters"
                )
        if pair and self.position is None:
            raise ValueError("low and high need a position between them (0 = low, 1 = high)")
        return self

    def extremes(self) -> tuple[float, float]:
        """Lowest and highest point, in the stated unit."""
        points = self.values or (*self.low, *self.high)
        return min(points), max(points)

    def curves(self, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The low and the high curve at ``times``.

        ``times`` are quarter indices; the middle of quarter i is i + 0.5. Returns two arrays of
        the shape of ``times``, in the field's unit.
        """
        low = self.values or self.low
        high = self.values or self.high
        return self._curve(np.array(low), times), self._curve(np.array(high), times)

    def _curve(self, points: np.ndarray, times: np.ndarray) -> np.ndarray:
        starts = np.array([quarter_index(quarter) for quarter in self.quarters], dtype=float)
        if self.interpolate == "linear":
            curve = np.interp(times, starts + 0.5, points)
        else:
            curve = points[np.clip(np.searchsorted(starts, times, side="right") - 1, 0, None)]
        if self.before == "zero":
            curve = np.where(times < starts[0], 0.0, curve)
        return curve * self.factor

    def describe(self) -> str:
        """The points as one short text, in the stated unit."""

        def text(points: tuple[float, ...]) -> str:
            pairs = zip(self.quarters, points, strict=True)
            return " ".join(f"{quarter} {point:g}" for quarter, point in pairs)

        if self.values:
            return text(self.values)
        return f"low({text(self.low)}) high({text(self.high)})"


def _constant(data: dict[str, Any], origin: dict[str, Any]) -> dict[str, Any]:
    """A constant in time, sure or uncertain, written as a quantity."""
    kept = {key: data[key] for key in ("unit", "note") if key in data} | origin
    flat = {**kept, "quarters": ["2000Q1"], "interpolate": "step"}
    if "value" in data and isinstance(data["value"], (int, float)):
        return {**flat, "values": [data["value"]]}
    scale = {key: item for key, item in data.items() if key != "unit"}
    return {**flat, "values": [1.0], "scale": scale}
