"""What a realization gives the linear program: dies, stacks, lines, products and their worth."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np

from yieldsim.supply.kernels.assembly import passing
from yieldsim.supply.mix.realization import Realization
from yieldsim.supply.mix.scope import Scope
from yieldsim.supply.mix.wafers import Wafers, wafers_of

_passing: Any = getattr(passing, "py_func", passing)  # as in `realization`
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


def supplies_of(scope: Scope, realization: Realization) -> Supplies:
    """Everything that the program needs of a realization."""
    wafers = wafers_of(scope, realization)
    quarters = realization.clock.quarters
    active = np.array([_active(realization, i) for i in scope.products])
    stacks = realization.tally["pool"]["stacks_in"][:quarters].T.copy()
    stacks[:, 0] += realization.stack_stock
    units = np.ones((len(scope.products), len(realization.structure.line)))
    per_wafer = realization.world["product"]["packages_per_interposer_wafer"][scope.products]
    wafer_lines = realization.structure.line["counts_packages"] == 0
    units[:, wafer_lines] = 1.0 / per_wafer[:, None]
    capacity = realization.tally["line"]["packaging_capacity"][:quarters].T.copy()
    return Supplies(
        wafers,
        _dies_given(scope, realization) + wafers.given,
        stacks,
        capacity,
        units,
        _ceiling(scope, realization, active, capacity, units),
        _worth(scope, realization),
        np.array(
            [_in_time(realization, i, on) for i, on in zip(scope.products, active, strict=True)]
        ),
    )


def _active(realization: Realization, i: int) -> np.ndarray:
    """Whether a product is in production in each step after the warm-up."""
    clock = realization.clock
    steps = np.arange(clock.warmup_steps, clock.steps)
    slip = realization.world["product"]["slip_quarters"][i] * clock.steps_per_quarter
    product = realization.structure.product[i]
    start, end, share = product.start_step + slip, product.end_step + slip, product.share_curve
    wanted = realization.curve(share) > 0.0 if share >= 0 else True
    return np.asarray((start <= steps) & (steps < end) & wanted)


def _dies_given(scope: Scope, realization: Realization) -> np.ndarray:
    """Dies in stock after the warm-up, and those of banks."""
    found = np.zeros((scope.rows, realization.clock.quarters))
    for die in scope.dies:
        for b in range(int(realization.structure.die[die].bins)):
            found[scope.row_of[die, b], 0] += realization.die_stock[die, b]
    for number in range(len(realization.structure.bank)):
        bank = realization.structure.bank[number]
        if bank.die in scope.dies:
            dies = realization.by_quarter(realization.curve(bank.draw_curve))
            row = scope.row_of[bank.die, bank.bin]
            found[row] += dies / realization.clock.steps_per_quarter
    return found


def _ceiling(
    scope: Scope,
    realization: Realization,
    active: np.ndarray,
    capacity: np.ndarray,
    units: np.ndarray,
) -> np.ndarray:
    """Most packages of each product: by demand, and by lines in the part of a quarter that it has.

    Of a product that is not AI, what the shares gave it.
    """
    found = []
    per_step = 1.0 / realization.clock.steps_per_quarter
    for place, (i, on) in enumerate(zip(scope.products, active, strict=True)):
        part = realization.by_quarter(on * per_step)
        most = np.where(part > 0.0, np.inf, 0.0)
        for line in scope.lines[place]:
            most = np.minimum(most, part * capacity[line] / units[place, line])
        demand = realization.structure.product[i].demand_curve
        if demand >= 0 and not realization.clock.no_demand_limit:
            most = np.minimum(
                most, realization.by_quarter(realization.curve(demand) * on * per_step)
            )
        if not scope.ai[i]:
            started = realization.tally["product"]["packages_started"]
            most = np.minimum(most, started[: realization.clock.quarters, i])
        found.append(most)
    return np.array(found)


def _worth(scope: Scope, realization: Realization) -> list[np.ndarray]:
    """Compute of the usable part of a package begun, TFLOPS, by product and recipe.

    What is not AI is not to be moved: it is worth more than any AI product.
    """
    product = SimpleNamespace(**realization.world["product"])
    kept = (1.0 - product.sample_fraction) * (1.0 - product.field_escape_fraction)
    kept = kept * _passing(product, slice(None))
    found = []
    for place, i in enumerate(scope.products):
        good = _without_others(realization, i) * kept[i]
        rated = realization.world["performance"]["tflops_fp16"][i]
        each = [
            rated[b] * _known_good(realization, i, r)
            if b >= 0
            else _of_random(realization, i, rated)
            for r, b in enumerate(scope.sold[place])
        ]
        found.append(good * np.array(each))
    best = max(worth.max() for worth, i in zip(found, scope.products, strict=True) if scope.ai[i])
    return [
        worth if scope.ai[i] else np.full(len(worth), _OTHERS_FIRST * best)
        for worth, i in zip(found, scope.products, strict=True)
    ]


def _bad_share(realization: Realization, die: int, first_bin: int) -> float:
    """Bad dies that passed, over all dies of the bins from one on that came from fabs."""
    bins = int(realization.structure.die[die].bins)
    bad = realization.tally["die"]["bad_dies_passed"][:, die].sum()
    good = realization.tally["die_bin"]["good_dies"][:, die, first_bin:bins].sum()
    return float(bad / (bad + good)) if bad > 0.0 else 0.0


def _without_others(realization: Realization, i: int) -> float:
    """Share of packages in which no die of another design is bad."""
    good = 1.0
    for number in range(len(realization.structure.other)):
        other = realization.structure.other[number]
        if other.product == i:
            good *= (1.0 - _bad_share(realization, other.die, 0)) ** other.count
    return good


def _known_good(realization: Realization, i: int, recipe: int) -> float:
    """Share of packages of a recipe without a bad die; they lie in the last bin."""
    die = int(realization.structure.product[i].die)
    last = int(realization.structure.die[die].bins) - 1
    count = realization.structure.recipe[i, recipe, last]
    return float((1.0 - _bad_share(realization, die, last)) ** count)


def _of_random(realization: Realization, i: int, rated: np.ndarray) -> float:
    """Mean compute of packages of dies as they come, sold by the worst (see `assembly`)."""
    product = realization.structure.product[i]
    die, each = product.die, product.dies_per_package
    bins = int(realization.structure.die[die].bins)
    good = realization.tally["die_bin"]["good_dies"][:, die, :bins]
    dies = good.sum(axis=0) + realization.die_stock[die, :bins]
    if dies.sum() <= 0.0:
        return float(rated[0])
    better = np.cumsum(dies) / dies.sum()
    return float(np.sum(np.diff(better**each, prepend=0.0) * rated[:bins]))


def _in_time(realization: Realization, i: int, active: np.ndarray) -> np.ndarray:
    """Part of the packages begun in each quarter that are finished before the end."""
    clock = realization.clock
    lag = realization.world["product"]["lag_days"][i] / clock.days_per_step
    left = clock.steps - np.arange(clock.warmup_steps, clock.steps) - np.floor(lag)
    later = lag - np.floor(lag)
    done = (1.0 - later) * (left > 0.0) + later * (left > 1.0)
    steps = realization.by_quarter(active.astype(float))
    return np.asarray(realization.by_quarter(done * active) / np.maximum(steps, 1.0))
