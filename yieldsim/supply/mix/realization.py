"""One realization out of the lanes of a kernel run, as arrays without the lane's axis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from yieldsim.supply.compile import Compiled
from yieldsim.supply.kernels import records as a
from yieldsim.supply.kernels.curves import between

# of a compiled kernel its plain form, which takes whole arrays; there is no other without the JIT
_between: Any = getattr(between, "py_func", between)


@dataclass(frozen=True)
class Lane:
    """What a run by shares leaves of a realization, and its stocks after the warm-up.

    Copies of one form whatever the lane: sums over them give the same bits in any block.
    """

    clock: a.Clock
    structure: a.Structure
    world: a.World
    tally: a.Tally
    cohort: np.ndarray
    exits: np.ndarray  # (route, step, row), wafers of each cohort that left
    weight: np.ndarray
    bin_yield: np.ndarray
    gross: np.ndarray
    die_stock: np.ndarray  # (die, bin) at the start of the first quarter
    stack_stock: np.ndarray  # (pool)

    def curve(self, number: int) -> np.ndarray:
        """A schedule in each step after the warm-up."""
        low, high = self.structure.curve[number, :, self.clock.warmup_steps :]
        return _between(low, high, *self.world.curve[number])

    def by_quarter(self, values: np.ndarray) -> np.ndarray:
        """Sums over the steps of each quarter."""
        firsts = np.arange(self.clock.quarters) * self.clock.steps_per_quarter
        return np.add.reduceat(values, firsts)


@dataclass(frozen=True)
class Stocks:
    """What lies in stock at a time, with the lane as last axis."""

    dies: np.ndarray
    stacks: np.ndarray

    @classmethod
    def of(cls, state: a.State) -> Stocks:
        """The stocks of a state, kept from being overwritten."""
        return cls(state.stock[:, :, a.STOCK].copy(), state.stacks.copy())


def lane_of(
    compiled: Compiled, world: a.World, state: a.State, tally: a.Tally, stocks: Stocks, k: int
) -> Lane:
    """The k-th of the lanes that were simulated last."""

    def own(values: Any) -> np.ndarray:
        return np.ascontiguousarray(values[..., k])

    return Lane(
        compiled.clock,
        compiled.structure,
        a.World(*map(own, world)),
        a.Tally(*map(own, tally)),
        own(state.cohort),
        own(state.exits),
        own(state.weight),
        own(state.bin_yield),
        own(state.die[:, a.GROSS]),
        own(stocks.dies),
        own(stocks.stacks),
    )
