"""Where each number comes from: columns of a draw, and curves of schedules."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, get_args, get_origin

import numpy as np

from yieldsim.model import Model, Quantity, Schedule
from yieldsim.model.schema import Product
from yieldsim.model.schema.calendar import quarter_index
from yieldsim.model.schema.fields import Entity, neutral_value
from yieldsim.sampling import Sampler, path_entity

CLASSES = ("imported", "domestic")


def quantity_fields(*entities: type[Entity]) -> tuple[str, ...]:
    """Return the fields of tables of the schema that hold one quantity each, in their order.

    They are the fields of a World's record: a quantity that is added to the schema is there for
    the kernels to read.
    """
    names: dict[str, None] = {}
    for entity in entities:
        for name, declared in entity.model_fields.items():
            kind = declared.annotation
            several = get_origin(kind) in (dict, list, tuple)
            if not several and Quantity in (kind, *get_args(kind)):
                names[name] = None
    return tuple(names)


@dataclass(frozen=True)
class ColumnTable:
    """The columns of a World's table: which row of a draw fills each field of each record."""

    names: tuple[str, ...]  # of the fields; none for a plain array
    columns: np.ndarray  # (*shape, field), or the shape of a plain array

    @classmethod
    def of(cls, names: tuple[str, ...], rows: Any, *shape: int) -> ColumnTable:
        """Return the table of a given shape from the columns of its records."""
        return cls(names, np.array(rows, dtype=np.int64).reshape(*shape, len(names)))

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the table."""
        return self.columns.shape[:-1] if self.names else self.columns.shape


@dataclass
class Columns:
    """Where each parameter stands in a draw; constants for absent fields follow the declared."""

    sampler: Sampler
    neutral: dict[float, int] = field(default_factory=dict)

    def of(self, path: str, entity: Entity | None, name: str) -> int:
        """Return the column of a field of the entity at ``path``, or that of its neutral value."""
        if entity is None:
            return self.constant(1.0)
        if isinstance(getattr(entity, name), Quantity):
            return self.sampler.column[f"{path}.{name}"]
        return self.constant(neutral_value(entity, name))

    def row(self, path: str, entity: Entity | None, names: Sequence[str]) -> list[int]:
        """Return the columns of several fields of an entity; ones where it is absent."""
        return [self.of(path, entity, name) for name in names]

    def table(self, prefix: str, entities: Mapping[str, Any], kind: type[Entity]) -> ColumnTable:
        """Return the columns of all quantities of entities of one kind, by name under a prefix."""
        names = quantity_fields(kind)
        rows = [self.row(f"{prefix}.{key}", entity, names) for key, entity in entities.items()]
        return ColumnTable.of(names, rows, len(entities))

    def constant(self, value: float) -> int:
        """Return the column of a constant."""
        return self.neutral.setdefault(value, self.sampler.width + len(self.neutral))


@dataclass
class Curves:
    """Schedules gathered so far."""

    times: np.ndarray
    columns: Columns
    low: list[np.ndarray] = field(default_factory=list)
    high: list[np.ndarray] = field(default_factory=list)
    drawn: list[list[int]] = field(default_factory=list)  # columns of position and scale

    def add(self, path: str, schedule: Schedule | None) -> int:
        """Return the number of the curve of a schedule, -1 where it is absent."""
        if schedule is None:
            return -1
        low, high = schedule.curves(self.times)
        self.low.append(low)
        self.high.append(high)
        column = self.columns.sampler.column
        position = column.get(f"{path}.position", self.columns.constant(0.0))
        scale = column.get(f"{path}.scale", self.columns.constant(1.0))
        self.drawn.append([position, scale])
        return len(self.low) - 1

    def table(self) -> ColumnTable:
        """Return the columns of all curves gathered."""
        return ColumnTable.of(("position", "scale"), self.drawn, len(self.drawn))


@dataclass(frozen=True)
class StepOf:
    """Step at which a quarter begins, as a number of steps from the start of the warm-up."""

    first: int
    steps_per_quarter: int

    def __call__(self, quarter: str | None) -> float:
        if quarter is None:
            return math.inf
        return float((quarter_index(quarter) - self.first) * self.steps_per_quarter)


def integers(rows: Iterable[Any], *shape: int) -> np.ndarray:
    """Return integers of a given shape, also where a part of the model is empty."""
    return np.array(list(rows), dtype=np.int64).reshape(shape)


def noise_entity(path: str) -> int:
    """Return the 32-bit identity of what meets process noise, tied to its name."""
    return path_entity(path) & 0xFFFFFFFF


def by_tier(model: Model) -> list[tuple[str, Product]]:
    """Return the products in the order in which they are served."""
    return sorted(model.products.items(), key=lambda item: item[1].tier)
