"""How an entity of a model declares its parameters: unit, range, neutral value and effect.

`Entity` is the base of every table of a model file. It accepts a bare number as a quantity
(``width_mm = 21.32``), passes its own ``source`` and ``grade`` on to the numbers in it, converts
units, and refuses values and distributions that can leave the field's range.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, Self, get_args, get_origin

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic.functional_validators import ModelWrapValidatorHandler
from pydantic_core import PydanticCustomError

from yieldsim.model.schema.quantity import TRUNCATED, Grade, Quantity
from yieldsim.model.schema.schedule import Schedule
from yieldsim.model.schema.values import is_number
from yieldsim.units import UNITS, conversion_factor

ORIGIN = ("source", "grade")  # where a number comes from, and how sure it is
LEAF_KEYS = frozenset({"value", "dist", "ref", "quarters"})  # one of them makes a table a parameter
PARAMETER_ERROR = "parameter"
Names = tuple[str, ...]
SHARED = "shared"  # the context of a validation in which equal tables become one entity
_ENTITIES_IN_MEMORY = 4096  # the baseline has some 300, and a scenario changes a few of them
_entities: dict[tuple[type[BaseModel], str], Any] = {}


@dataclass(frozen=True)
class Spec:
    """What a parameter field is: its unit, its range and what it moves.

    ``effect`` is (output variable, sign). A higher parameter moves that output in that direction,
    all else equal; sign 0 if the direction depends on the state. The output is summed over the
    entity's own coordinates and cumulated over the quarters, so that a delay counts. ``neutral``
    stands for an absent field; ``absent`` says it in words where the number would mislead.
    """

    unit: str
    minimum: float = 0.0
    maximum: float = math.inf
    above: bool = False  # whether the minimum itself is excluded
    effect: tuple[str, int] = ("", 0)
    neutral: float | None = None
    absent: str = ""

    def allowed(self) -> str:
        """The range in words."""
        low = f"{'>' if self.above else '>='} {self.minimum:g}" if self.minimum > -math.inf else ""
        high = f"<= {self.maximum:g}" if self.maximum < math.inf else ""
        return " and ".join(part for part in (low, high) if part) or "any number"


def parameter(unit: str, effect: str, doc: str, default: Any = ..., **spec: Any) -> Any:
    """Declare a `Quantity` or `Schedule` field.

    ``effect`` is ``+usable_chips``, ``-good_dies`` or ``~binding`` (either direction). A model file
    may leave out a field that has ``neutral``.
    """
    sign = {"+": 1, "-": -1, "~": 0}[effect[0]]
    declared = Spec(unit=unit, effect=(effect[1:], sign), **spec)
    extra = {"spec": declared}
    if declared.neutral is not None:
        default = None
    return Field(default=default, description=doc, json_schema_extra=extra)  # type: ignore[arg-type]


def fraction(effect: str, doc: str, maximum: float = 1.0, **spec: Any) -> Any:
    """Declare a parameter without a unit that lies within 0 and ``maximum``."""
    return parameter("1", effect, doc, maximum=maximum, **spec)


@cache
def spec_of(entity: type[BaseModel], name: str) -> Spec | None:
    """The declaration of a field, None for a field that is not a parameter."""
    extra = entity.model_fields[name].json_schema_extra
    return extra.get("spec") if isinstance(extra, dict) else None  # type: ignore[return-value]


def neutral_value(entity: BaseModel, name: str) -> float:
    """What stands for field ``name`` of an entity where the model leaves it out."""
    spec = spec_of(type(entity), name)
    assert spec is not None and spec.neutral is not None, name
    return spec.neutral


class Entity(BaseModel):
    """Base of all model tables: unknown keys are refused, numbers inherit source and grade."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)
    reused: ClassVar[bool] = True  # whether models with the same table share one entity

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

    @model_validator(mode="wrap")
    @classmethod
    def _once(
        cls, data: Any, validate: ModelWrapValidatorHandler[Self], info: ValidationInfo
    ) -> Self:
        """Validate a table of a file once: scenarios share most of theirs, and entities are frozen.

        Only where the caller asks for it (``SHARED``): a constructor must return a new object.
        """
        if info.context != SHARED or not cls.reused or not isinstance(data, dict):
            return validate(data)
        key = (cls, repr(data))
        entity: Self | None = _entities.get(key)
        if entity is None:
            entity = validate(data)
            if len(_entities) >= _ENTITIES_IN_MEMORY:
                _entities.clear()
            _entities[key] = entity
        return entity

    @field_validator("*", mode="after")
    @classmethod
    def _check_parameter(cls, item: Any, info: ValidationInfo) -> Any:
        spec = spec_of(cls, info.field_name or "")
        if spec is None:
            return item
        return _checked(item, spec, ())


def _origin(data: dict[str, Any]) -> dict[str, Any]:
    # only texts: a table with such a name is an entity, which the check of names refuses
    return {key: data[key] for key in ORIGIN if isinstance(data.get(key), str)}


@cache
def _depth(entity: type[BaseModel], key: str) -> int:
    """The number of levels of names (``dict[str, ...]``) between a field and its entities."""
    kind, depth = entity.model_fields[key].annotation, 0
    while get_origin(kind) is dict:
        kind, depth = get_args(kind)[1], depth + 1
    return depth


def _hand_down(item: Any, origin: dict[str, Any], depth: int, is_parameter: bool) -> Any:
    """Give a table its parent's source and grade unless it has its own, and wrap bare numbers."""
    if depth and isinstance(item, dict):
        own = _origin(item)
        return {
            key: _hand_down(entry, origin | own, depth - 1, is_parameter)
            for key, entry in item.items()
            if key not in own
        }
    if isinstance(item, dict):
        return origin | item
    return {"value": item, **origin} if is_parameter and is_number(item) else item


def _checked(item: Any, spec: Spec, names: tuple[str, ...]) -> Any:
    """A parameter, or a table of them by name, converted and within its range."""
    if isinstance(item, dict):
        return {key: _checked(entry, spec, (*names, key)) for key, entry in item.items()}
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
        # pydantic knows the place up to the field; the names complete it
        context = {"text": str(error), "names": (*names, *getattr(error, "steps", ()))}
        raise PydanticCustomError(PARAMETER_ERROR, "{text}", context) from None
    return item


POSITION = Spec("1", 0.0, 1.0)
SCALE = Spec("1", 0.0)


def check_quantity(item: Quantity, spec: Spec) -> Quantity:
    """Convert to the field's unit and check that every draw stays in the field's range.

    The range of a reference is checked later, with its target. Raises ValueError.
    """
    if not spec.unit:  # of a shared quantity; each field that refers to it converts
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
    """Raise ValueError if draws from ``low`` to ``high`` leave the field's range."""
    # a lognormal draw is above zero, which is the open end of its support
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


class PointError(ValueError):
    """A point of a series is out of range; ``steps`` lead from the series to it."""

    def __init__(self, text: str, steps: tuple[str, ...]) -> None:
        self.steps = steps
        super().__init__(text)


def check_points(item: Schedule, spec: Spec, largest_scale: float) -> None:
    """Raise PointError for the first point that, times ``largest_scale``, leaves the range."""
    for key in ("values", "low", "high"):
        for number, point in enumerate(getattr(item, key)):
            reached = point * item.factor
            reached = reached * largest_scale if reached > 0.0 else reached
            if not spec.minimum <= reached <= spec.maximum:
                # a constant has no list of points in the file
                steps = (key, str(number)) if len(item.quarters) > 1 else ()
                got = f"points that reach {reached:g}"
                raise PointError(f"out of range, got {got}; allowed: {spec.allowed()}", steps)
