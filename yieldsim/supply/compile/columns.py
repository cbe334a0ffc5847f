"""Sources of the numbers of a World: columns of a draw, and curves of schedules."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, get_args, get_origin

import numpy as np

from yieldsim.model import Model, Quantity, Schedule
from yieldsim.model.schema import Fleet, Product
from yieldsim.model.schema.calendar import quarter_index
from yieldsim.model.schema.fields import Entity, neutral_value
from yieldsim.sampling import Sampler, path_entity

CLASSES = ("imported", "domestic")


def quantity_fields(*entities: type[Entity]) -> tuple[str, ...]:
    """Return the fields of tables of the schema that hold a single quantity, in their order.

    They are the fields of a World's record, so kernels can read every quantity of the schema.
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
    """The columns of a World's table: the column of a draw that fills each field of each record."""

    names: tuple[str, ...]  # of the fields; none for a plain array
    columns: np.ndarray  # (*shape, field); for a plain array its shape

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
    """Columns of the parameters in a draw; constants for absent fields follow the parameters."""

    sampler: Sampler
    neutral: dict[float, int] = field(default_factory=dict)

    def of(self, path: str, entity: Entity | None, name: str) -> int:
        """Return the column of a field of the entity at ``path``, or of its neutral value."""
        if entity is None:
            return self.constant(1.0)
        if isinstance(getattr(entity, name), Quantity):
            return self.sampler.column[f"{path}.{name}"]
        return self.constant(neutral_value(entity, name))

    def row(self, path: str, entity: Entity | None, names: Sequence[str]) -> list[int]:
        """Return the columns of several fields of an entity; those of 1 where it is absent."""
        return [self.of(path, entity, name) for name in names]

    def table(self, prefix: str, entities: Mapping[str, Any], kind: type[Entity]) -> ColumnTable:
        """Return the columns of all quantities of entities of a kind, by name under ``prefix``."""
        names = quantity_fields(kind)
        rows = [self.row(f"{prefix}.{key}", entity, names) for key, entity in entities.items()]
        return ColumnTable.of(names, rows, len(entities))

    def constant(self, value: float) -> int:
        """Return the column of a constant, which is added where it is new."""
        return self.neutral.setdefault(value, self.sampler.width + len(self.neutral))


@dataclass
class Curves:
    """The curves of the schedules gathered so far, at the middles of steps ``times`` (quarters)."""

    times: np.ndarray
    columns: Columns
    factors: Mapping[str, Schedule] = field(default_factory=dict)  # of the model, by name
    low: list[np.ndarray] = field(default_factory=list)
    high: list[np.ndarray] = field(default_factory=list)
    # columns of position and scale, and of the number of the curve that multiplies it
    drawn: list[list[int]] = field(default_factory=list)
    # the first curve of each product of factors
    products: dict[tuple[str, ...], int] = field(default_factory=dict)

    def add(self, path: str, schedule: Schedule | None) -> int:
        """Add a schedule; return the number of its curve, -1 for no schedule."""
        if schedule is None:
            return -1
        factor = self._product(schedule.factors)
        low, high = schedule.curves(self.times)
        self.low.append(low)
        self.high.append(high)
        column = self.columns.sampler.column
        position = column.get(f"{path}.position", self.columns.constant(0.0))
        scale = column.get(f"{path}.scale", self.columns.constant(1.0))
        self.drawn.append([position, scale, self.columns.constant(float(factor))])
        return len(self.low) - 1

    def _product(self, names: tuple[str, ...]) -> int:
        """Return the curve of the first factor, which the others multiply; -1 for none."""
        if not names:
            return -1
        if names not in self.products:
            first = self.factors[names[0]].model_copy(update={"factors": names[1:]})
            self.products[names] = self.add(f"factors.{names[0]}", first)
        return self.products[names]

    def table(self) -> ColumnTable:
        """Return the columns of all curves gathered."""
        return ColumnTable.of(("position", "scale", "factor"), self.drawn, len(self.drawn))


@dataclass(frozen=True)
class StepOf:
    """Steps from the start of the warm-up to the start of a quarter; infinite for no quarter."""

    first: int
    steps_per_quarter: int

    def __call__(self, quarter: str | None) -> float:
        if quarter is None:
            return math.inf
        return float((quarter_index(quarter) - self.first) * self.steps_per_quarter)


def integers(rows: Iterable[Any], *shape: int) -> np.ndarray:
    """Return an integer array of a given shape, which may be empty."""
    return np.array(list(rows), dtype=np.int64).reshape(shape)


def noise_entity(path: str) -> int:
    """Return the 32-bit identity in the process noise of the entity at ``path``."""
    return path_entity(path) & 0xFFFFFFFF


def fleets_of(model: Model) -> Iterator[tuple[str, Fleet | None]]:
    """Yield the path and the fleet of each fab, tool group and class; None for no fleet."""
    for fab_name, fab in model.fabs.items():
        for group in model.tool_groups:
            for tool_class in CLASSES:
                fleet = fab.fleets.get(group, {}).get(tool_class)
                yield f"fabs.{fab_name}.fleets.{group}.{tool_class}", fleet


def by_tier(model: Model) -> list[tuple[str, Product]]:
    """Return the products by tier, in the order in which they are served."""
    return sorted(model.products.items(), key=lambda item: item[1].tier)
