"""A realization taken from the lanes of a kernel run, as arrays without the lane axis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from yieldsim.supply.compile import Compiled
from yieldsim.supply.compile.memory import fields_of
from yieldsim.supply.kernels.curves import between
from yieldsim.supply.kernels.records import Clock, State, Structure, Tally, World

# the plain Python form of a kernel takes whole arrays; without the JIT a kernel has no other form
_between: Any = getattr(between, "py_func", between)


@dataclass(frozen=True)
class Realization:
    """The results of a realization in a run by shares, and its stocks after the warm-up.

    Tables are dictionaries of fields, without the lane axis.
    """

    clock: Clock
    structure: Structure
    world: dict[str, dict[str, np.ndarray]]
    tally: dict[str, dict[str, np.ndarray]]
    started: np.ndarray  # (route, step), wafers of each cohort
    exits: np.ndarray  # (route, step, row), wafers of each cohort that left
    weight: np.ndarray  # (step, entry), share of a cohort's wafers
    bin_yield: np.ndarray  # (step, entry, bin + 1); the last bin holds escapes
    gross_dies: np.ndarray  # (die), per wafer
    die_stock: np.ndarray  # (die, bin) at the start of the first quarter
    stack_stock: np.ndarray  # (pool)

    def curve(self, number: int) -> np.ndarray:
        """Return the values of a schedule in the steps after the warm-up."""
        drawn, values = self.world["curve"], np.ones(1)
        while number >= 0:
            low = self.structure.curve_low[number, self.clock.warmup_steps :]
            high = self.structure.curve_high[number, self.clock.warmup_steps :]
            own = _between(low, high, drawn["position"][number], drawn["scale"][number])
            values, number = values * own, int(drawn["factor"][number])
        return values

    def by_quarter(self, values: np.ndarray) -> np.ndarray:
        """Return the sums of ``values`` (step after the warm-up) over each quarter."""
        firsts = np.arange(self.clock.quarters) * self.clock.steps_per_quarter
        return np.add.reduceat(values, firsts)


@dataclass(frozen=True)
class Stocks:
    """Stocks at a time: dies (die, bin, lane) and memory stacks (pool, lane)."""

    dies: np.ndarray
    stacks: np.ndarray

    @classmethod
    def of(cls, state: State) -> Stocks:
        """Return copies of the stocks of a state, which the next run overwrites."""
        return cls(state.die_bin["stock"].copy(), state.stacks.copy())


_WORLD = ("curve", "process", "product", "performance")
_TALLY = ("die", "die_bin", "pool", "line", "product")


def realization_of(
    compiled: Compiled, world: World, state: State, tally: Tally, stocks: Stocks, k: int
) -> Realization:
    """Return the realization in lane ``k`` of the last run."""

    def own(values: Any) -> np.ndarray:
        return np.ascontiguousarray(values[..., k])

    return Realization(
        compiled.clock,
        compiled.structure,
        {name: fields_of(getattr(world, name), k) for name in _WORLD},
        {name: fields_of(getattr(tally, name), k) for name in _TALLY},
        own(state.cohort["started"]),
        own(state.exits),
        own(state.weight),
        own(state.bin_yield),
        own(state.die["gross_dies"]),
        own(stocks.dies),
        own(stocks.stacks),
    )
