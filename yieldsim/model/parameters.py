"""All parameters of a model in a fixed order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from pydantic import BaseModel

from yieldsim.model.schema import Model
from yieldsim.model.schema.fabs import OTHER
from yieldsim.model.schema.fields import POSITION, SCALE, Spec, spec_of
from yieldsim.model.schema.quantity import Quantity
from yieldsim.model.schema.schedule import Schedule

# the weight of designs outside the model, which takes wafers from all dies
_OTHER_WEIGHT = Spec("1", effect=("wafers_other", 1))


@dataclass(frozen=True)
class Parameter:
    """One declared parameter: its path, its item, its declaration and its description."""

    path: str
    item: Quantity | Schedule
    spec: Spec
    doc: str

    @property
    def uncertain(self) -> bool:
        """Whether each realization draws it."""
        return isinstance(self.item, Quantity) and self.item.uncertain


def parameters(model: Model) -> list[Parameter]:
    """Every parameter of the model in the order of the file's tables, shared quantities first.

    A schedule is followed by its ``position`` and ``scale``.
    """
    return sorted(_walk(model, ""), key=lambda p: not p.path.startswith("shared."))


def _direction(item: Schedule) -> int:
    """Return the sign of the series' change when its position rises, 0 if points move both ways."""
    signs = {high > low for low, high in zip(item.low, item.high, strict=True) if high != low}
    if len(signs) != 1:
        return 0
    return 1 if signs.pop() else -1


@cache
def _fields(entity: type[BaseModel]) -> list[tuple[str, Spec | None, str]]:
    fields = entity.model_fields.items()
    return [(name, spec_of(entity, name), field.description or "") for name, field in fields]


def _walk(entity: BaseModel, prefix: str) -> Iterator[Parameter]:
    for name, spec, doc in _fields(type(entity)):
        item = getattr(entity, name)
        if isinstance(item, BaseModel | dict):  # not a text or a number
            yield from visit(item, f"{prefix}{name}", spec, doc)


def visit(item: Any, path: str, spec: Spec | None, doc: str) -> Iterator[Parameter]:
    """The parameters in the item of a field: one, those of a schedule, or those of its tables."""
    if isinstance(item, Quantity) and spec:
        yield Parameter(path, item, spec, doc)
    elif isinstance(item, Schedule) and spec:
        yield Parameter(path, item, spec, doc)
        if item.position is not None:
            output, sign = spec.effect
            towards = replace(POSITION, effect=(output, sign * _direction(item)))
            yield Parameter(f"{path}.position", item.position, towards, f"position of: {doc}")
        if item.scale is not None:
            scale = replace(SCALE, effect=spec.effect)
            yield Parameter(f"{path}.scale", item.scale, scale, f"scale of: {doc}")
    elif isinstance(item, dict):
        for key, entry in item.items():
            is_other = spec is not None and spec.effect[0] == "gross_dies" and key == OTHER
            yield from visit(entry, f"{path}.{key}", _OTHER_WEIGHT if is_other else spec, doc)
    elif isinstance(item, BaseModel):
        yield from _walk(item, f"{path}.")
