"""A realization taken from the lanes of a kernel run, as arrays without the lane axis."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from yieldsim.supply.compile import Compiled
from yieldsim.supply.kernels.curves import between
from yieldsim.supply.kernels.records import Clock, State, Structure, Tally, World

# the plain Python form of a kernel takes whole arrays; without the JIT a kernel has no other form
_between: Any = getattr(between, "py_func", between)


class Lane:
    """The fields of a lane of a table, each copied when it is read.

    The copies are contiguous, so that sums over them give the same bits in every lane.
    """

    def __init__(self, table: Any, lane: int) -> None:
        self._table, self._lane = np.asarray(table), lane

    def __getitem__(self, name: str) -> np.ndarray:
        return np.ascontiguousarray(self._table[name][..., self._lane])

    __getattr__ = __getitem__  # as the tables of the kernels


@dataclass(frozen=True)
class Realization:
    """The results of a realization in a run by shares, with what its warm-up left.

    Tables hold until the next run. All is without the lane axis.
    """

    clock: Clock
    structure: Structure
    world: dict[str, Lane]
    tally: dict[str, Lane]
    started: np.ndarray  # (route, step), wafers of each cohort
    exits: np.ndarray  # (route, step, row), wafers of each cohort that left
    weight: np.ndarray  # (step, entry), share of a cohort's wafers
    bin_yield: np.ndarray  # (step, entry, bin + 1); the last bin holds escapes
    gross_dies: np.ndarray  # (die), per wafer
    die_stock: np.ndarray  # (die, bin) at the start of the first quarter
    stack_stock: np.ndarray  # (pool)

    def curves(self, numbers: np.ndarray) -> np.ndarray:
        """Return the values of schedules in the steps after the warm-up, (schedule, step)."""
        drawn, after = self.world["curve"], slice(self.clock.warmup_steps, None)
        position, scale, factor = drawn["position"], drawn["scale"], drawn["factor"].astype(int)
        lows, highs = self.structure.curve_low, self.structure.curve_high
        values = np.ones((len(numbers), lows[:, after].shape[1]))
        while (numbers >= 0).any():
            low, high = lows[numbers, after], highs[numbers, after]
            own = _between(low, high, position[numbers, None], scale[numbers, None])
            values = np.where((numbers >= 0)[:, None], values * own, values)
            numbers = np.where(numbers >= 0, factor[numbers], -1)
        return values

    def by_quarter(self, values: np.ndarray) -> np.ndarray:
        """Return the sums of ``values`` (..., step after the warm-up) over each quarter."""
        quarters = (*values.shape[:-1], self.clock.quarters, self.clock.steps_per_quarter)
        return np.asarray(np.add.reduce(values.reshape(quarters), axis=-1))


@dataclass(frozen=True)
class Warmup:
    """What the steps of a warm-up leave: stocks, and the designs of wafers that are in lines."""

    dies: np.ndarray  # (die, bin, lane)
    stacks: np.ndarray  # (pool, lane)
    weight: np.ndarray  # (step, entry, lane), share of a cohort's wafers
    bin_yield: np.ndarray  # (step, entry, bin + 1, lane)

    @classmethod
    def of(cls, state: State, steps: int) -> Warmup:
        """Return copies of a state after the warm-up, which the next run overwrites."""
        weight, bin_yield = state.weight[:steps].copy(), state.bin_yield[:steps].copy()
        return cls(state.die_bin["stock"].copy(), state.stacks.copy(), weight, bin_yield)


_WORLD = ("curve", "process", "product", "performance")
_TALLY = ("die", "die_bin", "pool", "line", "product")


def realizations_of(
    compiled: Compiled, world: World, state: State, tally: Tally, warmup: Warmup, n: int
) -> Iterator[Realization]:
    """Yield the realizations in the first n lanes of the last run, after another warm-up."""
    warm = len(warmup.weight)
    lanes = [
        state.cohort["started"],
        state.exits,
        np.concatenate([warmup.weight, state.weight[warm:]]),
        np.concatenate([warmup.bin_yield, state.bin_yield[warm:]]),
        state.die["gross_dies"],
        warmup.dies,
        warmup.stacks,
    ]
    # the lane comes first, so that each is contiguous: memory is read once, not once for each lane
    own = [np.ascontiguousarray(np.moveaxis(values, -1, 0)) for values in lanes]
    for k in range(n):
        yield Realization(
            compiled.clock,
            compiled.structure,
            {name: Lane(getattr(world, name), k) for name in _WORLD},
            {name: Lane(getattr(tally, name), k) for name in _TALLY},
            *(values[k] for values in own),
        )
