"""The parameters of a model in a fixed order: path, quantity or schedule, declaration."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from pydantic import BaseModel

from yieldsim.model.schema import Model
from yieldsim.model.schema.fabs import OTHER
from yieldsim.model.schema.fields import POSITION, SCALE, Spec, spec_of
from yieldsim.model.schema.quantity import Quantity
from yieldsim.model.schema.schedule import Schedule

# wafers of designs outside the model: their weight takes dies from the others
_OF_OTHER = Spec("1", effect=("wafers_other", 1))


@dataclass(frozen=True)
class Parameter:
    """One declared parameter: where it stands, what it is, and what it should move."""

    path: str
    item: Quantity | Schedule
    spec: Spec
    doc: str

    @property
    def uncertain(self) -> bool:
        """Whether it is drawn anew in each realization."""
        return isinstance(self.item, Quantity) and self.item.uncertain


def parameters(model: Model) -> list[Parameter]:
    """Every parameter of the model in the order of the file's tables, shared quantities first.

    A schedule is followed by its ``position`` and ``scale``.
    """
    found = list(_walk(model, ""))
    return sorted(found, key=lambda p: not p.path.startswith("shared."))


def _direction(item: Schedule) -> int:
    """Where the series moves when its position rises: 1 up, -1 down, 0 up here and down there."""
    signs = {high > low for low, high in zip(item.low, item.high, strict=True) if high != low}
    if len(signs) != 1:
        return 0
    return 1 if signs.pop() else -1


def _walk(entity: BaseModel, prefix: str) -> Iterator[Parameter]:
    for name, field in type(entity).model_fields.items():
        spec = spec_of(type(entity), name)
        doc = field.description or ""
        yield from _visit(getattr(entity, name), f"{prefix}{name}", spec, doc)


def _visit(item: Any, path: str, spec: Spec | None, doc: str) -> Iterator[Parameter]:
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
        for key, one in item.items():
            special = spec is not None and spec.effect[0] == "gross_dies" and key == OTHER
            yield from _visit(one, f"{path}.{key}", _OF_OTHER if special else spec, doc)
    elif isinstance(item, BaseModel):
        yield from _walk(item, f"{path}.")
