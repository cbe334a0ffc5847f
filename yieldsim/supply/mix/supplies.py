"""What a realization gives the linear program: dies, stacks, lines, products and their worth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from yieldsim.supply.kernels import records as a
from yieldsim.supply.kernels.assembly import passing
from yieldsim.supply.mix.realization import Lane
from yieldsim.supply.mix.scope import Scope
from yieldsim.supply.mix.wafers import Wafers, wafers_of

_passing: Any = getattr(passing, "py_func", passing)  # as in lane
_OTHERS_FIRST = 10.0  # worth of a package that is not to be moved, over the best of the others


@dataclass(frozen=True)
class Supplies:
    """Numbers of one realization; products are those of the scope, by place there."""

    wafers: Wafers
    dies: np.ndarray  # (row, quarter) that come whatever the mix, stock at the start included
    stacks: np.ndarray  # (pool, quarter), as above
    capacity: np.ndarray  # (line, quarter)
    units: np.ndarray  # (product, line) of capacity a package takes
    ceiling: np.ndarray  # (product, quarter) most packages; 0 where not in production
    worth: list[np.ndarray]  # of each product by recipe: compute of a package begun
    in_time: np.ndarray  # (product, quarter) part of the packages begun that end before the end


def supplies_of(scope: Scope, lane: Lane) -> Supplies:
    """Everything that the program needs of a realization."""
    wafers = wafers_of(scope, lane)
    quarters = lane.clock.quarters
    active = np.array([_active(lane, i) for i in scope.products])
    stacks = lane.tally.pool[a.T_STACKS_IN, :quarters].T.copy()
    stacks[:, 0] += lane.stack_stock
    units = np.ones((len(scope.products), len(lane.structure.line)))
    per_wafer = lane.world.product[scope.products, a.PER_WAFER]
    wafer_lines = lane.structure.line[:, a.LINE_PACKAGES] == 0
    units[:, wafer_lines] = 1.0 / per_wafer[:, None]
    capacity = lane.tally.line[a.T_CAPACITY, :quarters].T.copy()
    return Supplies(
        wafers,
        _dies_given(scope, lane) + wafers.given,
        stacks,
        capacity,
        units,
        _ceiling(scope, lane, active, capacity, units),
        _worth(scope, lane),
        np.array([_in_time(lane, i, on) for i, on in zip(scope.products, active, strict=True)]),
    )


def _active(lane: Lane, i: int) -> np.ndarray:
    """Whether a product is in production in each step after the warm-up."""
    clock = lane.clock
    steps = np.arange(clock.warmup_steps, clock.steps)
    slip = lane.world.product[i, a.SLIP] * clock.steps_per_quarter
    start, end = lane.structure.product_steps[i] + slip
    share = lane.structure.product[i, a.PRODUCT_SHARE]
    wanted = lane.curve(share) > 0.0 if share >= 0 else True
    return np.asarray((start <= steps) & (steps < end) & wanted)


def _dies_given(scope: Scope, lane: Lane) -> np.ndarray:
    """Dies in stock after the warm-up, and those of banks."""
    found = np.zeros((scope.rows, lane.clock.quarters))
    for die in scope.dies:
        for b in range(int(lane.structure.die[die, a.DIE_BINS])):
            found[scope.row_of[die, b], 0] += lane.die_stock[die, b]
    for bank in lane.structure.bank:
        if bank[a.BANK_DIE] in scope.dies:
            dies = lane.by_quarter(lane.curve(bank[a.BANK_CURVE]))
            row = scope.row_of[bank[a.BANK_DIE], bank[a.BANK_BIN]]
            found[row] += dies / lane.clock.steps_per_quarter
    return found


def _ceiling(
    scope: Scope, lane: Lane, active: np.ndarray, capacity: np.ndarray, units: np.ndarray
) -> np.ndarray:
    """Most packages of each product: by demand, and by lines in the part of a quarter that it has.

    Of a product that is not AI, what the shares gave it.
    """
    found = []
    per_step = 1.0 / lane.clock.steps_per_quarter
    for place, (i, on) in enumerate(zip(scope.products, active, strict=True)):
        part = lane.by_quarter(on * per_step)
        most = np.where(part > 0.0, np.inf, 0.0)
        for line in scope.lines[place]:
            most = np.minimum(most, part * capacity[line] / units[place, line])
        demand = lane.structure.product[i, a.PRODUCT_DEMAND]
        if demand >= 0 and not lane.clock.no_demand_limit:
            most = np.minimum(most, lane.by_quarter(lane.curve(demand) * on * per_step))
        if not scope.ai[i]:
            most = np.minimum(most, lane.tally.product[a.T_STARTED, : lane.clock.quarters, i])
        found.append(most)
    return np.array(found)


def _worth(scope: Scope, lane: Lane) -> list[np.ndarray]:
    """Compute of the usable part of a package begun, TFLOPS, by product and recipe.

    What is not AI is not to be moved: it is worth more than any AI product.
    """
    values = lane.world.product
    kept = (1.0 - values[:, a.SAMPLES]) * (1.0 - values[:, a.FIELD_ESCAPES])
    kept = kept * _passing(values.T, slice(None))
    found = []
    for place, i in enumerate(scope.products):
        good = _without_others(lane, i) * kept[i]
        rated = lane.world.performance[i, :, a.TFLOPS]
        each = [
            rated[b] * _known_good(lane, i, r) if b >= 0 else _of_random(lane, i, rated)
            for r, b in enumerate(scope.sold[place])
        ]
        found.append(good * np.array(each))
    best = max(worth.max() for worth, i in zip(found, scope.products, strict=True) if scope.ai[i])
    return [
        worth if scope.ai[i] else np.full(len(worth), _OTHERS_FIRST * best)
        for worth, i in zip(found, scope.products, strict=True)
    ]


def _bad_share(lane: Lane, die: int, first_bin: int) -> float:
    """Bad dies that passed, over all dies of the bins from one on that came from fabs."""
    bins = int(lane.structure.die[die, a.DIE_BINS])
    bad = lane.tally.die[a.T_BAD_PASSED, :, die].sum()
    good = lane.tally.good_dies[:, die, first_bin:bins].sum()
    return float(bad / (bad + good)) if bad > 0.0 else 0.0


def _without_others(lane: Lane, i: int) -> float:
    """Share of packages in which no die of another design is bad."""
    good = 1.0
    for product, die, count in lane.structure.other:
        if product == i:
            good *= (1.0 - _bad_share(lane, die, 0)) ** count
    return good


def _known_good(lane: Lane, i: int, recipe: int) -> float:
    """Share of packages of a recipe without a bad die; they lie in the last bin."""
    die = int(lane.structure.product[i, a.PRODUCT_DIE])
    last = int(lane.structure.die[die, a.DIE_BINS]) - 1
    count = lane.structure.recipe[i, recipe, last]
    return float((1.0 - _bad_share(lane, die, last)) ** count)


def _of_random(lane: Lane, i: int, rated: np.ndarray) -> float:
    """Mean compute of packages of dies as they come, sold by the worst (see `assembly`)."""
    die, each = lane.structure.product[i, [a.PRODUCT_DIE, a.PRODUCT_DIES_EACH]]
    bins = int(lane.structure.die[die, a.DIE_BINS])
    dies = lane.tally.good_dies[:, die, :bins].sum(axis=0) + lane.die_stock[die, :bins]
    if dies.sum() <= 0.0:
        return float(rated[0])
    better = np.cumsum(dies) / dies.sum()
    return float(np.sum(np.diff(better**each, prepend=0.0) * rated[:bins]))


def _in_time(lane: Lane, i: int, active: np.ndarray) -> np.ndarray:
    """Part of the packages begun in each quarter that are finished before the end."""
    clock = lane.clock
    lag = lane.world.product[i, a.LAG_DAYS] / clock.days_per_step
    left = clock.steps - np.arange(clock.warmup_steps, clock.steps) - np.floor(lag)
    later = lag - np.floor(lag)
    done = (1.0 - later) * (left > 0.0) + later * (left > 1.0)
    steps = lane.by_quarter(active.astype(float))
    return np.asarray(lane.by_quarter(done * active) / np.maximum(steps, 1.0))
