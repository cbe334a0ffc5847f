"""A parameter that changes with time: points at quarters, with a separate uncertainty.

``value(t) = (low(t) + position * (high(t) - low(t))) * scale * factors(t)``. Two rival published
series stay two series; ``position`` (for instance a discrete 0 or 1) chooses between them, and
``scale`` is an uncertainty common to the whole series. ``factors`` names series of the table
``factors`` that several schedules share: a rival world, or a spread that grows with the years.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, PrivateAttr, model_validator

from yieldsim.model.schema.calendar import Quarter, quarter_index
from yieldsim.model.schema.quantity import SHAPE_KEYS, Grade, Quantity
from yieldsim.model.schema.values import Number, is_number, shown

CHOICE = "a number, a table with one of value, dist, ref, or one with quarters and values"
_DISTRIBUTION_KEYS = frozenset({"dist", "ref", "min", "max", *SHAPE_KEYS})


class Schedule(BaseModel):
    """Points: ``quarters`` with ``values``, or with ``low``, ``high`` and ``position``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    quarters: tuple[Quarter, ...] = ()
    values: tuple[Number, ...] = ()
    low: tuple[Number, ...] = ()
    high: tuple[Number, ...] = ()
    position: Quantity | None = None
    scale: Quantity | None = None
    factors: tuple[str, ...] = ()
    interpolate: Literal["linear", "step"] = "linear"
    before: Literal["hold", "zero"] = "hold"
    unit: str | None = None
    source: str
    grade: Grade
    note: str = ""
    _factor: float = PrivateAttr(default=1.0)

    @model_validator(mode="before")
    @classmethod
    def _short_forms(cls, data: Any) -> Any:
        if isinstance(data, Schedule):
            return data
        if not isinstance(data, dict):
            raise ValueError(f"must be a number or a series, got {shown(data)}; allowed: {CHOICE}")
        constant = [key for key in ("value", "dist", "ref") if key in data]
        if constant and "quarters" in data:
            raise ValueError(f"needs one form, got {constant[0]} and quarters; allowed: {CHOICE}")
        series = _constant(data) if constant else data
        if isinstance(series.get("factors"), str):  # a name, or the cell of a CSV file
            series = {**series, "factors": series["factors"].split()}
        origin = {key: data[key] for key in ("source", "grade") if key in data}
        return {key: _part(key, item, origin) for key, item in series.items()}

    @model_validator(mode="after")
    def _consistent(self) -> Schedule:
        if not self.quarters:
            raise ValueError(f"has no points, got no quarters; allowed: {CHOICE}")
        places = [quarter_index(quarter) for quarter in self.quarters]
        if places != sorted(set(places)):
            raise ValueError(f"quarters must rise, got {', '.join(self.quarters)}")
        if len(set(self.factors)) != len(self.factors):
            raise ValueError(f"names a factor twice, got {', '.join(self.factors)}")
        pair = [key for key in ("low", "high", "position") if getattr(self, key)]
        if len(pair) + 3 * bool(self.values) != 3:
            got = ", ".join([*pair, *(["values"] if self.values else [])]) or "none of them"
            raise ValueError(f"needs values, or low, high and position, got {got}")
        for key in ("low", "high") if pair else ("values",):
            count = len(getattr(self, key))
            if count != len(self.quarters):
                raise ValueError(
                    f"needs one of {key} per quarter, got {count} for {len(self.quarters)} quarters"
                )
        return self

    @property
    def factor(self) -> float:
        """Factor from the stated unit to the field's."""
        return self._factor

    def in_unit(self, unit: str, factor: float, **parts: Quantity | None) -> Schedule:
        """A copy that converts by ``factor``, with another position and scale."""
        changed = self.model_copy(update={"unit": self.unit or unit, **parts})
        changed._factor = factor
        return changed

    def extremes(self) -> tuple[float, float]:
        """Lowest and highest point in the stated unit."""
        points = self.values or (*self.low, *self.high)
        return min(points), max(points)

    def curves(self, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The low and the high curve at ``times``, in the field's unit.

        ``times`` are quarter indices of any shape; the middle of quarter i is i + 0.5. Returns two
        arrays of that shape.
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
        """The points in short, in the stated unit."""

        def text(points: tuple[float, ...]) -> str:
            pairs = zip(self.quarters, points, strict=True)
            return " ".join(f"{quarter} {point:g}" for quarter, point in pairs)

        if self.values:
            return text(self.values)
        return f"low({text(self.low)}) high({text(self.high)})"


def _part(key: str, item: Any, origin: dict[str, Any]) -> Any:
    """Wrap a bare ``position`` or ``scale``, which inherits its series' source and grade."""
    if key not in ("position", "scale"):
        return item
    if isinstance(item, dict):
        return {**origin, **item}
    return {"value": item, **origin} if is_number(item) else item


def _constant(data: dict[str, Any]) -> dict[str, Any]:
    """The series of one point that stands for a quantity."""
    steady = {"quarters": ["2000Q1"], "interpolate": "step"}
    if "value" in data:
        rest = {key: item for key, item in data.items() if key != "value"}
        return {**rest, **steady, "values": [data["value"]]}
    scale = {key: item for key, item in data.items() if key in (*_DISTRIBUTION_KEYS, "note")}
    rest = {key: item for key, item in data.items() if key not in _DISTRIBUTION_KEYS}
    return {**rest, **steady, "values": [1.0], "scale": scale}
