"""Data of a realization for the linear program: dies, stacks, packaging, products, their worth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

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
    active = _active(scope, realization)
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
        _in_time(scope, realization, active),
    )


def _active(scope: Scope, realization: Realization) -> np.ndarray:
    """Return whether each product is in production, (product, step after the warm-up)."""
    clock, products = realization.clock, scope.products
    steps = np.arange(clock.warmup_steps, clock.steps)
    slip = realization.world["product"]["slip_quarters"][products] * clock.steps_per_quarter
    own = realization.structure.product
    start, end = own["start_step"][products] + slip, own["end_step"][products] + slip
    wanted = realization.curves(own["share_curve"][products]) > 0.0
    return np.asarray((start[:, None] <= steps) & (steps < end[:, None]) & wanted)


def _dies_given(scope: Scope, realization: Realization) -> np.ndarray:
    """Return the dies in stock after the warm-up and those of die banks, (row, quarter)."""
    given = np.zeros((scope.rows, realization.clock.quarters))
    for die, b in np.argwhere(scope.row_of >= 0):
        given[scope.row_of[die, b], 0] += realization.die_stock[die, b]
    bank = realization.structure.bank
    rows = scope.row_of[bank["die"], bank["bin"]]
    dies = realization.by_quarter(realization.curves(bank["draw_curve"]))
    for row, own in zip(rows, dies, strict=True):
        if row >= 0:
            given[row] += own / realization.clock.steps_per_quarter
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
    clock, structure = realization.clock, realization.structure
    in_step = active / clock.steps_per_quarter
    part = realization.by_quarter(in_step)
    most = np.where(part > 0.0, np.inf, 0.0)
    for own, can, each in zip(scope.on_line, capacity, units.T, strict=True):
        most[own] = np.minimum(most[own], part[own] * can / each[own, None])
    demand = structure.product["demand_curve"][scope.products]
    limited = np.flatnonzero(demand >= 0) if not clock.no_demand_limit else np.zeros(0, int)
    asked = realization.by_quarter(realization.curves(demand[limited]) * in_step[limited])
    most[limited] = np.minimum(most[limited], asked)
    others = np.flatnonzero(~scope.ai[scope.products])
    started = realization.tally["product"]["packages_started"][: clock.quarters, scope.products]
    most[others] = np.minimum(most[others], started.T[others])
    return most


def _worth(scope: Scope, realization: Realization) -> list[np.ndarray]:
    """Return the compute of the usable part of a package begun, TFLOPS, by product and recipe.

    A product that is not AI must not lose supply, so it is worth more than any AI product.
    """
    product: Any = realization.world["product"]
    kept = (1.0 - product.sample_fraction) * (1.0 - product.field_escape_fraction)
    kept = kept * _passing(product, slice(None))
    rated, bad = realization.world["performance"]["tflops_fp16"], _bad_shares(realization)
    good = kept * _good_packages(realization, bad)
    worths = []
    for place, i in enumerate(scope.products):
        each = [
            rated[i, b] if b >= 0 else _of_random(realization, i, rated[i])
            for b in scope.sold[place]
        ]
        worths.append(good[i] * np.array(each))
    best = max(worth.max() for worth, i in zip(worths, scope.products, strict=True) if scope.ai[i])
    return [
        worth if scope.ai[i] else np.full(len(worth), _OTHERS_FIRST * best)
        for worth, i in zip(worths, scope.products, strict=True)
    ]


def _bad_shares(realization: Realization) -> list[float]:
    """Return the share of bad dies of each design among those from fabs, the same in all bins."""
    bad = np.add.reduce(realization.tally["die"]["bad_dies_passed"], axis=0)
    good = np.add.reduce(realization.tally["die_bin"]["good_dies"], axis=(0, 2))
    share = np.divide(bad, bad + good, out=np.zeros_like(bad), where=bad > 0.0)
    return [float(each) for each in share]


def _good_packages(realization: Realization, bad: list[float]) -> np.ndarray:
    """Return the share of each product's packages in which no die is bad."""
    product, other = realization.structure.product, realization.structure.other
    dies = zip(product["die"].tolist(), product["dies_per_package"].tolist(), strict=True)
    good = [(1.0 - bad[die]) ** float(each) for die, each in dies]
    others = (other[name].tolist() for name in ("product", "die", "count"))
    for i, die, count in zip(*others, strict=True):
        good[i] *= (1.0 - bad[die]) ** float(count)
    return np.array(good)


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
    all_better = np.multiply.reduce(np.tile(better, (each, 1)))  # the same on every machine
    return float(np.sum(np.diff(all_better, prepend=0.0) * rated[:bins]))


def _in_time(scope: Scope, realization: Realization, active: np.ndarray) -> np.ndarray:
    """Return the part of the packages begun that finish before the end, (product, quarter)."""
    clock = realization.clock
    lag = realization.world["product"]["lag_days"][scope.products, None] / clock.days_per_step
    left = clock.steps - np.arange(clock.warmup_steps, clock.steps) - np.floor(lag)
    later = lag - np.floor(lag)
    done = (1.0 - later) * (left > 0.0) + later * (left > 1.0)
    steps = realization.by_quarter(active.astype(float))
    return np.asarray(realization.by_quarter(done * active) / np.maximum(steps, 1.0))
