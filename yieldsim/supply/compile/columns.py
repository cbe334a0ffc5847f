"""Where each number comes from: columns of a draw, and curves of schedules."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from yieldsim.model import Model, Quantity, Schedule
from yieldsim.model.schema import (
    Accident,
    DeliveriesStop,
    Excursion,
    ExponentialLearning,
    FabStarts,
    PowerLearning,
    Product,
    ServiceLoss,
    ToolQualified,
    ToolsLost,
)
from yieldsim.model.schema.calendar import quarter_index
from yieldsim.model.schema.fields import Entity, neutral_value
from yieldsim.sampling import Sampler, path_entity
from yieldsim.supply.kernels import records as a

CLASSES = ("imported", "domestic")
# kinds that kernels know by number, and their parameters in the order of the World's axis
LEARNING: dict[type, tuple[int, tuple[str, ...]]] = {
    type(None): (a.NO_LEARNING, ()),
    ExponentialLearning: (a.EXPONENTIAL, ("start_ratio", "tau_quarters")),
    PowerLearning: (a.POWER, ("start_ratio", "reference_wafers", "exponent")),
}
EVENTS: dict[type, tuple[int, tuple[str, ...]]] = {
    ServiceLoss: (a.SERVICE_LOSS, ("mttf_ratio", "mttr_ratio", "quarters", "cannibalized")),
    DeliveriesStop: (a.DELIVERIES_STOP, ()),
    ToolsLost: (a.TOOLS_LOST, ("share",)),
    ToolQualified: (a.TOOL_QUALIFIED, ()),
    FabStarts: (a.FAB_STARTS, ()),
    Excursion: (a.EXCURSION, ("d0_ratio",)),
    Accident: (a.ACCIDENT, ("capacity_ratio", "d0_ratio")),
}
EVENT_FACTORS = 4  # the most parameters that an event has


@dataclass
class Columns:
    """Where each parameter stands in a draw; constants for absent fields follow the declared."""

    sampler: Sampler
    neutral: dict[float, int] = field(default_factory=dict)

    def of(self, path: str, entity: Entity | None, name: str) -> int:
        """Column of field ``name`` of the entity at ``path``, or that of its neutral value."""
        if entity is None:
            return self.constant(1.0)
        if isinstance(getattr(entity, name), Quantity):
            return self.sampler.column[f"{path}.{name}"]
        return self.constant(neutral_value(entity, name))

    def row(self, path: str, entity: Entity | None, names: Sequence[str], width: int) -> list[int]:
        """Columns of several fields, padded with ones to a width."""
        found = [self.of(path, entity, name) for name in names]
        return found + [self.constant(1.0)] * (width - len(found))

    def constant(self, value: float) -> int:
        """Column of a constant."""
        return self.neutral.setdefault(value, self.sampler.width + len(self.neutral))


@dataclass
class Curves:
    """Schedules gathered so far."""

    times: np.ndarray
    columns: Columns
    low: list[np.ndarray] = field(default_factory=list)
    high: list[np.ndarray] = field(default_factory=list)
    world: list[list[int]] = field(default_factory=list)  # position and scale

    def add(self, path: str, schedule: Schedule | None) -> int:
        """Number of the curve of a schedule, -1 where there is none."""
        if schedule is None:
            return -1
        low, high = schedule.curves(self.times)
        self.low.append(low)
        self.high.append(high)
        column = self.columns.sampler.column
        position = column.get(f"{path}.position", self.columns.constant(0.0))
        scale = column.get(f"{path}.scale", self.columns.constant(1.0))
        self.world.append([position, scale])
        return len(self.low) - 1


@dataclass(frozen=True)
class StepOf:
    """Step at which a quarter begins, as a number of steps from the start of the warm-up."""

    first: int
    steps_per_quarter: int

    def __call__(self, quarter: str | None) -> float:
        if quarter is None:
            return math.inf
        return float((quarter_index(quarter) - self.first) * self.steps_per_quarter)


def table(rows: Iterable[Any], *shape: int) -> np.ndarray:
    """Integers of a given shape, also where a part of the model is empty."""
    return np.array(list(rows), dtype=np.int64).reshape(shape)


def noise_entity(path: str) -> int:
    """32-bit identity of what meets process noise, tied to its name and not to its place."""
    return path_entity(path) & 0xFFFFFFFF


def by_tier(model: Model) -> list[tuple[str, Product]]:
    """Products in the order in which they are served."""
    return sorted(model.products.items(), key=lambda item: item[1].tier)
