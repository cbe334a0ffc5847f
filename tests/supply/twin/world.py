"""The numbers of one world for the readable twin: parameters by path, schedules by date, luck.

See twin.py. Only what a model file says and what was drawn: no arrays, no compiled code.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cached_property

import numpy as np

from yieldsim.kernels.philox import philox4x32
from yieldsim.model import Model, Quantity, Schedule
from yieldsim.model.schema.calendar import quarter_index
from yieldsim.model.schema.fields import Entity, spec_of
from yieldsim.sampling import Sampler

DAYS_PER_QUARTER = 365.25 / 4.0
HOURS_PER_DAY = 24.0
MONTHS_PER_QUARTER = 3.0
WORD = 0xFFFFFFFF
SECOND_PAIR = 0x80000000


def points_at(schedule: Schedule, points: tuple[float, ...], time: float) -> float:
    """The curve through ``points`` at a date in quarters (the middle of quarter i is i + 1/2).

    Linear curves pass through the middles of their quarters, stepped ones change at the starts.
    Both are flat after the last point and, unless ``before`` is zero, before the first.
    """
    time = unshifted(schedule, time)
    starts = [quarter_index(quarter) for quarter in schedule.quarters]
    if schedule.before == "zero" and time < starts[0]:
        return 0.0
    if schedule.interpolate == "step":
        past = [point for start, point in zip(starts, points, strict=True) if start <= time]
        return (past[-1] if past else points[0]) * schedule.factor
    if time <= starts[0] + 0.5:
        return points[0] * schedule.factor
    for k in range(1, len(starts)):
        if time <= starts[k] + 0.5:
            slope = (points[k] - points[k - 1]) / (starts[k] - starts[k - 1])
            along = time - (starts[k - 1] + 0.5)
            return (slope * along + points[k - 1]) * schedule.factor
    return points[-1] * schedule.factor


def unshifted(schedule: Schedule, time: float) -> float:
    """The date at which the points have what a series that is shifted has at ``time``."""
    if schedule.shift_from is None:
        return time - schedule.shift_quarters
    date = quarter_index(schedule.shift_from) + 0.5
    if time <= date:
        return time
    if time <= date + schedule.shift_quarters:
        return date  # the series waits
    return time - schedule.shift_quarters


class World:
    """A model with the drawn values of its parameters, and the luck of one realization."""

    def __init__(
        self, model: Model, values: Mapping[str, float], seed: int, realization: int
    ) -> None:
        self.model = model
        self.values = values
        self.seed = seed
        self.realization = realization
        simulation = model.simulation
        self.steps_per_quarter = simulation.steps_per_quarter
        self.first_quarter = quarter_index(simulation.start) - simulation.warmup_quarters
        self.quarters = quarter_index(simulation.end) - self.first_quarter + 1
        self.noise = simulation.process_noise
        self.days_per_step = DAYS_PER_QUARTER / self.steps_per_quarter
        self.hours_per_step = self.days_per_step * HOURS_PER_DAY

    def number(self, path: str, entity: Entity, name: str) -> float:
        """The value of field ``name`` of the entity at ``path``; absent ones are neutral."""
        if isinstance(getattr(entity, name), Quantity):
            return float(self.values[f"{path}.{name}"])
        spec = spec_of(type(entity), name)
        assert spec is not None
        assert spec.neutral is not None
        return spec.neutral

    def lifted(self, limit: str) -> bool:
        """Whether a constraint is to limit nothing."""
        return limit in self.model.simulation.no_limit

    def schedule(self, path: str, schedule: Schedule, step: int) -> float:
        """The value of the schedule at ``path`` in the middle of a step."""
        time = self.first_quarter + (step + 0.5) / self.steps_per_quarter
        scale = self.values.get(f"{path}.scale", 1.0)
        for name in schedule.factors:
            scale *= self.schedule(f"factors.{name}", self.model.factors[name], step)
        if schedule.values:
            return points_at(schedule, schedule.values, time) * scale
        low = points_at(schedule, schedule.low, time)
        high = points_at(schedule, schedule.high, time)
        return (low + self.values[f"{path}.position"] * (high - low)) * scale

    def first_step(self, quarter: str) -> int:
        """The step with which a quarter begins; negative before the warm-up."""
        return (quarter_index(quarter) - self.first_quarter) * self.steps_per_quarter

    @cached_property
    def medians(self) -> dict[str, float]:
        """The median of every parameter by its path: what is laid out before anything is drawn."""
        return Sampler(self.model).medians()

    def luck(
        self, name: str, stream: int, step: int, *, second: bool = False
    ) -> tuple[float, float]:
        """Two uniforms in (0, 1) that belong to a name, a kind of decision and a date.

        Philox with the key ``seed`` and the counter (date, name, stream, realization); the date is
        counted in steps from the year 0, the name is the low word of its BLAKE2b hash, its upper
        bit turned over for a second pair.
        """
        digest = hashlib.blake2b(name.encode(), digest_size=8).digest()
        entity = int.from_bytes(digest, "little") & WORD
        entity ^= SECOND_PAIR if second else 0
        date = self.first_quarter * self.steps_per_quarter + step
        counter = [np.uint32(part) for part in (date, entity, stream, self.realization)]
        key = np.uint64(self.seed & WORD), np.uint64(self.seed >> 32)
        words = [int(word) for word in philox4x32.py_func(*counter, *key)]
        return _uniform(words[0], words[1]), _uniform(words[2], words[3])


def _uniform(high: int, low: int) -> float:
    """The middle of one of 2^52 cells of (0, 1), from the upper 26 bits of two words."""
    return ((high // 64) * 2**26 + low // 64 + 0.5) / 2**52
