"""The parameters of a model in a fixed order: path, quantity or schedule, declaration."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from .fields import Spec, spec_of
from .quantity import Quantity
from .schedule import Schedule
from .schema import Model


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
        for name in ("position", "scale"):
            part = getattr(item, name)
            if part is not None:
                part_spec = Spec("1", effect=spec.effect)
                yield Parameter(f"{path}.{name}", part, part_spec, f"{name} of: {doc}")
    elif isinstance(item, dict):
        for key, one in item.items():
            yield from _visit(one, f"{path}.{key}", spec, doc)
    elif isinstance(item, BaseModel):
        yield from _walk(item, f"{path}.")
