"""A parameter that changes with time: points at quarters, with a separate uncertainty.

``value(t) = (low(t) + position * (high(t) - low(t))) * scale * factors(t)``. Two rival published
series stay two series; ``position`` (for instance a discrete 0 or 1) chooses between them, and
``scale`` is an uncertainty common to the whole series. ``factors`` names series of the table
``factors`` that several schedules share: a rival world, or a spread that grows with the years.
``shift_quarters = 4`` makes the series a year late, or what follows the date ``shift_from``; its
factors keep their dates. A scenario may change these keys alone.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, model_validator

from yieldsim.model.schema.calendar import Quarter, quarter_index
from yieldsim.model.schema.quantity import SHAPE_KEYS, Grade, Quantity
from yieldsim.model.schema.values import Number, Whole, is_number, shown

CHOICE = "a number, a table with one of value, dist, ref, or one with quarters and values"
_DISTRIBUTION_KEYS = frozenset({"dist", "ref", "min", "max", *SHAPE_KEYS})


class Schedule(BaseModel):
    """Points: ``quarters`` with ``values``, or with ``low``, ``high`` and ``position``."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    quarters: tuple[Quarter, ...] = ()
    values: tuple[Number, ...] = ()
    low: tuple[Number, ...] = ()
    high: tuple[Number, ...] = ()
    position: Quantity | None = None
    scale: Quantity | None = None
    factors: tuple[str, ...] = ()
    interpolate: Literal["linear", "step"] = "linear"
    before: Literal["hold", "zero"] = "hold"
    # all that happens after the middle of `shift_from` happens so many quarters later
    shift_quarters: Annotated[Whole, Field(ge=-400, le=400)] = 0
    shift_from: Quarter | None = None
    unit: str | None = None
    source: str
    grade: Grade
    note: str = ""
    _factor: float = PrivateAttr(default=1.0)
    _ratio: float = PrivateAttr(default=1.0)
    _most: float = PrivateAttr(default=math.inf)

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
        if constant and "shift_quarters" in data:
            got = f"shift_quarters beside {constant[0]}"
            raise ValueError(f"cannot be shifted, got {got}; allowed: with quarters")
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
        if self.shift_from is not None and self.shift_quarters == 0:
            raise ValueError(f"needs shift_quarters, got shift_from {self.shift_from} alone")
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

    def raised(self, ratio: float, most: float) -> Schedule:
        """A copy of which both curves are multiplied by ``ratio``, up to ``most``."""
        changed = self.model_copy()
        changed._ratio, changed._most = self._ratio * ratio, min(self._most, most)
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
        times = self.shifted(times)
        if self.interpolate == "linear":
            curve = np.interp(times, starts + 0.5, points)
        else:
            curve = points[np.clip(np.searchsorted(starts, times, side="right") - 1, 0, None)]
        if self.before == "zero":
            curve = np.where(times < starts[0], 0.0, curve)
        curve = curve * self.factor
        return curve if self._ratio == 1.0 else np.minimum(curve * self._ratio, self._most)

    def shifted(self, times: np.ndarray) -> np.ndarray:
        """The times at which the series as written has the values that hold at ``times``.

        Up to the middle of ``shift_from`` nothing is shifted. A delay holds the value of that date
        until the series goes on; a series that is brought forward leaves out what lies between.
        """
        if self.shift_quarters == 0:
            return times
        later = times - self.shift_quarters
        if self.shift_from is None:
            return later
        date = quarter_index(self.shift_from) + 0.5
        return np.where(times <= date, times, np.maximum(later, date))

    def describe(self) -> str:
        """The points in short, in the stated unit."""

        def text(points: tuple[float, ...]) -> str:
            pairs = zip(self.quarters, points, strict=True)
            return " ".join(f"{quarter} {point:g}" for quarter, point in pairs)

        if self.values:
            points = text(self.values)
        else:
            points = f"low({text(self.low)}) high({text(self.high)})"
        return points + self.describe_use()

    def describe_use(self) -> str:
        """What the values are beside the points as written, in words; empty for the points."""
        text = "" if self._ratio == 1.0 else f" x {self._ratio:g}"
        if self.shift_quarters == 0:
            return text
        count, way = abs(self.shift_quarters), "later" if self.shift_quarters > 0 else "earlier"
        since = f" from {self.shift_from} on" if self.shift_from is not None else ""
        return f"{text}, {count} quarter{'s' if count > 1 else ''} {way}{since}"


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
