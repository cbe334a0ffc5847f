"""How an entity of a model declares its parameters: unit, range, neutral value and effect.

`Entity` is the base of every table of a model file. It lets a bare number stand for a quantity
(``width_mm = 21.32``), hands its own ``source`` and ``grade`` down to the numbers in it, converts
units, and refuses values and distributions that can leave the field's range.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from yieldsim.model.schema.quantity import TRUNCATED, Grade, Quantity
from yieldsim.model.schema.schedule import Schedule
from yieldsim.model.schema.values import is_number
from yieldsim.units import UNITS, conversion_factor


@dataclass(frozen=True)
class Spec:
    """What a parameter field is: its unit, its range and what it moves.

    ``effect`` is (output variable, sign): turning the parameter up moves that output, counted from
    the first quarter up to each (so that a delay counts) and over the entity's own coordinates, in
    that direction, all else equal; sign 0 says that the direction depends on the state (it must
    still move). ``neutral`` stands for an absent field.
    """

    unit: str
    minimum: float = 0.0
    maximum: float = math.inf
    above: bool = False  # the minimum itself is excluded
    effect: tuple[str, int] = ("", 0)
    neutral: float | None = None

    def allowed(self) -> str:
        """The range in words."""
        low = f"{'>' if self.above else '>='} {self.minimum:g}" if self.minimum > -math.inf else ""
        high = f"<= {self.maximum:g}" if self.maximum < math.inf else ""
        return " and ".join(part for part in (low, high) if part) or "any number"


def parameter(unit: str, effect: str, doc: str, default: Any = ..., **spec: Any) -> Any:
    """Declare a `Quantity` or `Schedule` field.

    ``effect`` reads ``+usable_chips``, ``-good_dies`` or ``~binding`` (moves either way). A field
    with ``neutral`` may be left out of a model file.
    """
    sign = {"+": 1, "-": -1, "~": 0}[effect[0]]
    made = Spec(unit=unit, effect=(effect[1:], sign), **spec)
    extra = {"spec": made}
    if made.neutral is not None:
        default = None
    return Field(default=default, description=doc, json_schema_extra=extra)  # type: ignore[arg-type]


def spec_of(entity: type[BaseModel], name: str) -> Spec | None:
    """The declaration of a field, None where the field is no parameter."""
    extra = entity.model_fields[name].json_schema_extra
    return extra.get("spec") if isinstance(extra, dict) else None  # type: ignore[return-value]


def neutral_value(entity: BaseModel, name: str) -> float:
    """What stands for field ``name`` of an entity where the model leaves it out."""
    spec = spec_of(type(entity), name)
    assert spec is not None and spec.neutral is not None, name
    return spec.neutral


class Entity(BaseModel):
    """Base of all model tables: unknown keys are refused, numbers inherit source and grade."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: str = ""
    grade: Grade = "assumed"
    note: str = ""

    @model_validator(mode="before")
    @classmethod
    def _inherit(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        origin = _origin(data)
        return {
            key: _hand_down(item, origin, _depth(cls, key), spec_of(cls, key) is not None)
            if key in cls.model_fields
            else item
            for key, item in data.items()
        }

    @field_validator("*", mode="after")
    @classmethod
    def _check_parameter(cls, item: Any, info: ValidationInfo) -> Any:
        spec = spec_of(cls, info.field_name or "")
        if spec is None:
            return item
        return _checked(item, spec, ())


ORIGIN = ("source", "grade")
PARAMETER_ERROR = "parameter"
Names = tuple[str, ...]


def _origin(data: dict[str, Any]) -> dict[str, Any]:
    # only texts: a table of that name is an entity, which the check of names then refuses
    return {key: data[key] for key in ORIGIN if isinstance(data.get(key), str)}


def _depth(entity: type[BaseModel], key: str) -> int:
    """How many levels of names (``dict[str, ...]``) stand between the field and its entities."""
    kind, depth = entity.model_fields[key].annotation, 0
    while get_origin(kind) is dict:
        kind, depth = get_args(kind)[1], depth + 1
    return depth


def _hand_down(item: Any, origin: dict[str, Any], depth: int, is_parameter: bool) -> Any:
    """Give a table its parent's source and grade where it has none, and wrap bare numbers."""
    if depth and isinstance(item, dict):
        own = _origin(item)
        return {
            key: _hand_down(one, origin | own, depth - 1, is_parameter)
            for key, one in item.items()
            if key not in own
        }
    if isinstance(item, dict):
        return origin | item
    return {"value": item, **origin} if is_parameter and is_number(item) else item


def _checked(item: Any, spec: Spec, names: tuple[str, ...]) -> Any:
    """A parameter, or the parameters below a table of names, converted and proven."""
    if isinstance(item, dict):
        return {key: _checked(one, spec, (*names, key)) for key, one in item.items()}
    position = scale = None
    if isinstance(item, Schedule):
        position = _checked(item.position, POSITION, (*names, "position"))
        scale = _checked(item.scale, SCALE, (*names, "scale"))
    try:
        if isinstance(item, Quantity):
            return check_quantity(item, spec)
        if isinstance(item, Schedule):
            return _check_schedule(item, spec, position, scale)
    except ValueError as error:
        # the names complete the place, which pydantic knows up to the field only
        context = {"text": str(error), "names": names}
        raise PydanticCustomError(PARAMETER_ERROR, "{text}", context) from None
    return item


POSITION = Spec("1", 0.0, 1.0)
SCALE = Spec("1", 0.0)


def check_quantity(item: Quantity, spec: Spec) -> Quantity:
    """Convert to the field's unit and prove that every draw stays in the field's range.

    A reference is proven later, when its target is known. Raises ValueError.
    """
    if not spec.unit:  # a shared quantity: the field that refers to it converts
        if item.ref is not None:
            raise ValueError(f"a shared quantity cannot refer to another, got ref '{item.ref}'")
        if item.unit is not None and item.unit not in UNITS:
            raise ValueError(f"unknown unit, got '{item.unit}'; allowed: {', '.join(UNITS)}")
        return item
    factor = conversion_factor(item.unit, spec.unit) if item.unit is not None else 1.0
    item = item.in_unit(spec.unit, factor)
    if item.ref is None:
        low, high = item.support()
        check_range(low, high, spec, item, "")
    return item


def check_range(low: float, high: float, spec: Spec, item: Quantity, owner: str) -> None:
    """Raise ValueError where a quantity that draws from ``low`` to ``high`` leaves the range."""
    # a lognormal draw is above zero although zero is the limit of its support
    open_end = item.dist == "lognormal" and spec.minimum == 0.0
    too_low = low < spec.minimum or (spec.above and low == spec.minimum and not open_end)
    if not too_low and high <= spec.maximum:
        return
    reached = f"{low if too_low else high:g}"
    stated = f" {item.unit}" if item.factor != 1.0 else ""
    got = reached if low == high else f"{item.describe()}{stated} that can reach {reached}"
    hint = " (truncate it with min, max)" if item.dist in TRUNCATED else ""
    raise ValueError(f"{owner}out of range, got {got}; allowed: {spec.allowed()}{hint}")


def _check_schedule(
    item: Schedule, spec: Spec, position: Quantity | None, scale: Quantity | None
) -> Schedule:
    factor = conversion_factor(item.unit, spec.unit) if item.unit is not None else 1.0
    item = item.in_unit(spec.unit, factor, position=position, scale=scale)
    check_points(item, spec, scale.support()[1] if scale and scale.ref is None else 1.0)
    return item


def check_points(item: Schedule, spec: Spec, largest_scale: float) -> None:
    """Raise ValueError where a series, times up to ``largest_scale``, leaves the field's range."""
    low, high = (point * item.factor for point in item.extremes())
    top = high * largest_scale if high > 0.0 else high
    if low < spec.minimum or top > spec.maximum:
        reached = low if low < spec.minimum else top
        raise ValueError(
            f"out of range, got points that reach {reached:g}; allowed: {spec.allowed()}"
        )
