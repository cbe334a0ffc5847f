"""Data of a realization for the linear program: dies, stacks, packaging, products, their worth."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np

from yieldsim.supply.compile.memory import each_record
from yieldsim.supply.kernels.assembly import passing
from yieldsim.supply.mix.realization import Realization
from yieldsim.supply.mix.scope import Scope
from yieldsim.supply.mix.wafers import Wafers, wafers_of

_passing: Any = getattr(passing, "py_func", passing)  # as in `realization`
_OTHERS_FIRST = 10.0  # worth of a package that is not AI, over that of the best AI package


@dataclass(frozen=True)
class Supplies:
    """Data of a realization; products are those of the scope, in its order."""

    wafers: Wafers
    dies: np.ndarray  # (row, quarter) that arrive under any mix, the first stock included
    stacks: np.ndarray  # (pool, quarter), as above
    capacity: np.ndarray  # (packaging line, quarter)
    units: np.ndarray  # (product, packaging line) capacity that a package takes
    ceiling: np.ndarray  # (product, quarter) most packages; 0 out of production
    worth: list[np.ndarray]  # of each product by recipe: compute of a package begun, TFLOPS
    in_time: np.ndarray  # (product, quarter) part of the packages begun that finish before the end


def supplies_of(scope: Scope, realization: Realization) -> Supplies:
    """Return the data of a realization for the linear program."""
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
    """Return whether a product is in production in each step after the warm-up."""
    clock = realization.clock
    steps = np.arange(clock.warmup_steps, clock.steps)
    slip = realization.world["product"]["slip_quarters"][i] * clock.steps_per_quarter
    product = realization.structure.product[i]
    start, end, share = product.start_step + slip, product.end_step + slip, product.share_curve
    wanted = realization.curve(share) > 0.0 if share >= 0 else True
    return np.asarray((start <= steps) & (steps < end) & wanted)


def _dies_given(scope: Scope, realization: Realization) -> np.ndarray:
    """Return the dies in stock after the warm-up and those of die banks, (row, quarter)."""
    given = np.zeros((scope.rows, realization.clock.quarters))
    for die in scope.dies:
        for b in range(int(realization.structure.die[die].bins)):
            given[scope.row_of[die, b], 0] += realization.die_stock[die, b]
    for bank in each_record(realization.structure.bank):
        if bank.die in scope.dies:
            dies = realization.by_quarter(realization.curve(bank.draw_curve))
            row = scope.row_of[bank.die, bank.bin]
            given[row] += dies / realization.clock.steps_per_quarter
    return given


def _ceiling(
    scope: Scope,
    realization: Realization,
    active: np.ndarray,
    capacity: np.ndarray,
    units: np.ndarray,
) -> np.ndarray:
    """Return the most packages of each product, (product, quarter).

    Demand limits them, and so do packaging lines over the time in production. A product that is not
    AI may make no more than under the shares.
    """
    ceilings = []
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
        ceilings.append(most)
    return np.array(ceilings)


def _worth(scope: Scope, realization: Realization) -> list[np.ndarray]:
    """Return the compute of the usable part of a package begun, TFLOPS, by product and recipe.

    A product that is not AI must not lose supply, so it is worth more than any AI product.
    """
    product = SimpleNamespace(**realization.world["product"])
    kept = (1.0 - product.sample_fraction) * (1.0 - product.field_escape_fraction)
    kept = kept * _passing(product, slice(None))
    worths = []
    for place, i in enumerate(scope.products):
        good = _without_others(realization, i) * _known_good(realization, i) * kept[i]
        rated = realization.world["performance"]["tflops_fp16"][i]
        each = [
            rated[b] if b >= 0 else _of_random(realization, i, rated) for b in scope.sold[place]
        ]
        worths.append(good * np.array(each))
    best = max(worth.max() for worth, i in zip(worths, scope.products, strict=True) if scope.ai[i])
    return [
        worth if scope.ai[i] else np.full(len(worth), _OTHERS_FIRST * best)
        for worth, i in zip(worths, scope.products, strict=True)
    ]


def _bad_share(realization: Realization, die: int) -> float:
    """Return the share of bad dies among those from fabs; it is the same in all bins."""
    bins = int(realization.structure.die[die].bins)
    bad = realization.tally["die"]["bad_dies_passed"][:, die].sum()
    good = realization.tally["die_bin"]["good_dies"][:, die, :bins].sum()
    return float(bad / (bad + good)) if bad > 0.0 else 0.0


def _without_others(realization: Realization, i: int) -> float:
    """Return the share of packages in which no die of another design is bad."""
    good = 1.0
    for other in each_record(realization.structure.other):
        if other.product == i:
            good *= (1.0 - _bad_share(realization, other.die)) ** other.count
    return good


def _known_good(realization: Realization, i: int) -> float:
    """Return the share of a product's packages without a bad die of its own design."""
    product = realization.structure.product[i]
    return float((1.0 - _bad_share(realization, product.die)) ** product.dies_per_package)


def _of_random(realization: Realization, i: int, rated: np.ndarray) -> float:
    """Return the mean compute of packages paired at random, each sold by its worst die."""
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
    """Return the part of the packages begun in each quarter that finish before the end."""
    clock = realization.clock
    lag = realization.world["product"]["lag_days"][i] / clock.days_per_step
    left = clock.steps - np.arange(clock.warmup_steps, clock.steps) - np.floor(lag)
    later = lag - np.floor(lag)
    done = (1.0 - later) * (left > 0.0) + later * (left > 1.0)
    steps = realization.by_quarter(active.astype(float))
    return np.asarray(realization.by_quarter(done * active) / np.maximum(steps, 1.0))
