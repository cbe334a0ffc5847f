"""A compiled model: its structure, and the column of a draw that fills each number of a World."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from yieldsim.model import Model
from yieldsim.model.schema.calendar import quarter_index
from yieldsim.sampling import RANDOM, Design, Sampler
from yieldsim.supply.compile.columns import Columns, ColumnTable, Curves, StepOf
from yieldsim.supply.compile.memory import Part, lane_views
from yieldsim.supply.compile.structure import structure_of
from yieldsim.supply.compile.visits import Visits, visits_of
from yieldsim.supply.compile.world import world_of
from yieldsim.supply.kernels.records import (
    BY_BANDWIDTH,
    BY_CHIPS,
    BY_COMPUTE,
    LANES,
    Clock,
    Structure,
    World,
    lanes_dtype,
)
from yieldsim.units import DAYS_PER_QUARTER, HOURS_PER_DAY

MOST_COMPUTE = "most_compute"  # the allocation rule that needs a mix
PLANNER = "planner"
_WORTHS = {"compute": BY_COMPUTE, "bandwidth": BY_BANDWIDTH, "chips": BY_CHIPS}


@dataclass(frozen=True)
class Compiled:
    """A model as arrays: its structure, and the source of each number of a World."""

    model: Model
    sampler: Sampler
    clock: Clock
    structure: Structure
    world_columns: dict[str, ColumnTable]  # by table of a World, in its order
    passes: Visits
    constants: np.ndarray

    def draw(
        self, seed: int, first: int, count: int, design: Design = RANDOM
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the parameters and worlds of ``count`` realizations from ``first`` on.

        Parameters are (count, parameter), worlds (flat world, count).
        """
        drawn = self.sampler.draw(seed, first, count, design)
        constants = np.tile(self.constants[:, None], (1, count))
        x = np.concatenate([drawn.T, constants])
        flat = np.concatenate([table.columns.ravel() for table in self.world_columns.values()])
        worlds = np.take(x, flat, axis=0)  # C order, as the kernel was compiled for
        derived = self.passes.values(x)
        last = len(worlds) - self.mix_size
        first = last - sum(part[..., 0].size for part in derived)
        worlds[first:last] = np.concatenate([part.reshape(-1, count) for part in derived])
        return drawn, worlds

    def drawn(self, worlds: np.ndarray, table: str, name: str) -> np.ndarray:
        """Return a field of a table of ``worlds`` (flat world, count), as (*shape, count).

        Raises KeyError for an unknown table.
        """
        first = 0
        for own, columns in self.world_columns.items():
            last = first + columns.columns.size
            if own == table:
                fields = worlds[first:last].reshape(*columns.columns.shape, worlds.shape[1])
                return np.asarray(fields[..., columns.names.index(name), :])
            first = last
        raise KeyError(table)

    @property
    def mix_size(self) -> int:
        """Rows of a mix at the end of a flat world; 0 where allocation follows the shares."""
        tables = self.world_columns
        return tables["mix_entry"].columns.size + tables["mix_product"].columns.size

    def world(self) -> tuple[np.ndarray, World]:
        """Return a flat buffer (row, lane) for the worlds of the lanes, and its views."""
        tables = self.world_columns.values()
        parts: list[Part] = [
            (table.shape, lanes_dtype(table.names) if table.names else None) for table in tables
        ]
        flat = np.empty((sum(table.columns.size for table in tables), LANES))
        return flat, World(*lane_views(flat, parts))


def compile_model(model: Model) -> Compiled:
    """Compile a checked model into arrays."""
    sampler = Sampler(model)
    columns = Columns(sampler)
    clock = _clock(model)
    first = quarter_index(model.simulation.start) - model.simulation.warmup_quarters
    times = first + (np.arange(clock.steps) + 0.5) / clock.steps_per_quarter
    curves = Curves(times, columns, model.factors)
    start = StepOf(first, clock.steps_per_quarter)
    passes = visits_of(model, columns)
    structure = structure_of(model, curves, start, passes)
    quarters = clock.quarters if model.allocation.rule == MOST_COMPUTE else 0
    world = world_of(model, columns, curves, structure, quarters)
    constants = np.array(list(columns.neutral), dtype=float)
    return Compiled(model, sampler, clock, structure, world, passes, constants)


def _clock(model: Model) -> Clock:
    simulation = model.simulation
    per_quarter = simulation.steps_per_quarter
    start = quarter_index(simulation.start)
    quarters = quarter_index(simulation.end) - start + 1
    warmup = simulation.warmup_quarters * per_quarter
    days = DAYS_PER_QUARTER / per_quarter
    return Clock(
        steps=quarters * per_quarter + warmup,
        warmup_steps=warmup,
        steps_per_quarter=per_quarter,
        flow_steps=simulation.flow_steps,
        quarters=quarters,
        hours_per_step=days * HOURS_PER_DAY,
        days_per_step=days,
        # counted from the year 0, so that the noise of a date does not depend on the start
        first_draw=(start - simulation.warmup_quarters) * per_quarter,
        noise=simulation.process_noise,
        no_memory_limit="memory" in simulation.no_limit,
        no_packaging_limit="packaging" in simulation.no_limit,
        no_demand_limit="demand" in simulation.no_limit,
        no_plan_limit="wafers" in simulation.no_limit,
        no_defects="defects" in simulation.no_limit,
        mixed=False,  # `simulate` sets it for the run that follows a mix
        planned=model.allocation.rule == PLANNER,
        planned_warmup=model.allocation.rule == PLANNER,
        worth=_WORTHS[model.allocation.worth],
    )
