"""One realization out of the lanes of a kernel run, as arrays without the lane's axis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from yieldsim.supply.compile import Compiled
from yieldsim.supply.compile.memory import fields_of
from yieldsim.supply.kernels.curves import between
from yieldsim.supply.kernels.records import Clock, State, Structure, Tally, World

# of a compiled kernel its plain form, which takes whole arrays; there is no other without the JIT
_between: Any = getattr(between, "py_func", between)


@dataclass(frozen=True)
class Realization:
    """What a run by shares leaves of a realization, and its stocks after the warm-up.

    Tables are fields by name, without the lane's axis.
    """

    clock: Clock
    structure: Structure
    world: dict[str, dict[str, np.ndarray]]
    tally: dict[str, dict[str, np.ndarray]]
    started: np.ndarray  # (route, step), wafers of each cohort
    exits: np.ndarray  # (route, step, row), wafers of each cohort that left
    weight: np.ndarray
    bin_yield: np.ndarray
    gross_dies: np.ndarray
    die_stock: np.ndarray  # (die, bin) at the start of the first quarter
    stack_stock: np.ndarray  # (pool)

    def curve(self, number: int) -> np.ndarray:
        """Return a schedule in each step after the warm-up."""
        low = self.structure.curve_low[number, self.clock.warmup_steps :]
        high = self.structure.curve_high[number, self.clock.warmup_steps :]
        drawn = self.world["curve"]
        values: np.ndarray = _between(low, high, drawn["position"][number], drawn["scale"][number])
        return values

    def by_quarter(self, values: np.ndarray) -> np.ndarray:
        """Return sums over the steps of each quarter."""
        firsts = np.arange(self.clock.quarters) * self.clock.steps_per_quarter
        return np.add.reduceat(values, firsts)


@dataclass(frozen=True)
class Stocks:
    """What lies in stock at a time, with the lane as last axis."""

    dies: np.ndarray
    stacks: np.ndarray

    @classmethod
    def of(cls, state: State) -> Stocks:
        """Return the stocks of a state, kept from being overwritten."""
        return cls(state.die_bin["stock"].copy(), state.stacks.copy())


_WORLD = ("curve", "process", "product", "performance")
_TALLY = ("die", "die_bin", "pool", "line", "product")


def realization_of(
    compiled: Compiled, world: World, state: State, tally: Tally, stocks: Stocks, k: int
) -> Realization:
    """Return the k-th of the realizations that were simulated last."""

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
