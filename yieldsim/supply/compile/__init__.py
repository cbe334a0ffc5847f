"""A model becomes arrays: names to indices, schedules to curves, parameters to columns.

Kernels do not check bounds: every index that leaves this package points at something, and every
number was proven to be in its range when the model was loaded.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from yieldsim.model import Model
from yieldsim.model.schema.calendar import quarter_index
from yieldsim.sampling import Sampler
from yieldsim.supply.compile.columns import CLASSES, Columns, Curves, StepOf, by_tier, noise_entity
from yieldsim.supply.compile.structure import harvest_weights, structure_of
from yieldsim.supply.compile.visits import Visits, visits_of
from yieldsim.supply.compile.world import world_of
from yieldsim.supply.kernels import records as a
from yieldsim.units import DAYS_PER_QUARTER, HOURS_PER_DAY

__all__ = ["CLASSES", "Compiled", "by_tier", "compile_model", "harvest_weights", "noise_entity"]


MOST_COMPUTE = "most_compute"  # the rule of allocation that makes a mix
_NO_LIMITS = ("memory", "packaging", "demand", "wafers", "defects")  # in the Clock's order


@dataclass(frozen=True)
class Compiled:
    """A model as arrays: what stays, and where each number of a world comes from."""

    model: Model
    sampler: Sampler
    clock: a.Clock
    structure: a.Structure
    world_columns: a.World  # integer arrays of the world's shapes
    passes: Visits
    constants: np.ndarray

    def draw(self, seed: int, first: int, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Drawn parameters (count, parameter) and worlds (flat world, count) of realizations
        first..first+count."""
        drawn = self.sampler.draw(seed, first, count)
        constants = np.tile(self.constants[:, None], (1, count))
        x = np.concatenate([drawn.T, constants])
        flat = np.concatenate([columns.ravel() for columns in self.world_columns])
        worlds = np.take(x, flat, axis=0)  # C order, as the kernel was compiled for
        derived = self.passes.values(x)
        last = len(worlds) - self.mix_size
        first = last - sum(part[..., 0].size for part in derived)
        worlds[first:last] = np.concatenate([part.reshape(-1, count) for part in derived])
        return drawn, worlds

    @property
    def mix_size(self) -> int:
        """Places of a mix at the end of a flat world, zero where the rule is shares."""
        return self.world_columns.mix_entry.size + self.world_columns.mix_product.size

    def world(self) -> tuple[np.ndarray, a.World]:
        """A flat buffer for the worlds of the lanes and its views."""
        flat = np.empty((sum(columns.size for columns in self.world_columns), a.LANES))
        return flat, a.World(*a.views(flat, (columns.shape for columns in self.world_columns)))


def compile_model(model: Model) -> Compiled:
    """Turn a checked model into arrays."""
    sampler = Sampler(model)
    columns = Columns(sampler)
    clock = _clock(model)
    first = quarter_index(model.simulation.start) - model.simulation.warmup_quarters
    times = first + (np.arange(clock.steps) + 0.5) / clock.steps_per_quarter
    curves = Curves(times, columns)
    start = StepOf(first, clock.steps_per_quarter)
    passes = visits_of(model, columns)
    structure = structure_of(model, curves, start, passes)
    quarters = clock.quarters if model.allocation.rule == MOST_COMPUTE else 0
    world = world_of(model, columns, curves, structure, quarters)
    constants = np.array(list(columns.neutral), dtype=float)
    return Compiled(model, sampler, clock, structure, world, passes, constants)


def _clock(model: Model) -> a.Clock:
    simulation = model.simulation
    per_quarter = simulation.steps_per_quarter
    start = quarter_index(simulation.start)
    quarters = quarter_index(simulation.end) - start + 1
    warmup = simulation.warmup_quarters * per_quarter
    days = DAYS_PER_QUARTER / per_quarter
    # counted from the year 0, so that the luck of a date does not depend on the start
    first_draw = (start - simulation.warmup_quarters) * per_quarter
    return a.Clock(
        quarters * per_quarter + warmup,
        warmup,
        per_quarter,
        simulation.flow_steps,
        quarters,
        days * HOURS_PER_DAY,
        days,
        first_draw,
        simulation.process_noise,
        # not mixed: `simulate` asks for a run by the mix
        *[*(name in simulation.no_limit for name in _NO_LIMITS), False],
    )
