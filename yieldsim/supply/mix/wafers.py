"""Dies of each bin from wafers, by the quarter of their start and of their end.

Neither cycle time nor defects depend on the designs of wafers. So a run by shares gives the exact
dies, and their time, of every other division of the same wafers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from yieldsim.supply.compile.memory import each_record
from yieldsim.supply.kernels.records import Clock, RoutePlan
from yieldsim.supply.mix.realization import Realization
from yieldsim.supply.mix.scope import Scope


@dataclass(frozen=True)
class Wafers:
    """Dies from fabs, by row of the scope; the axis ``moved`` is that of the moved entries."""

    given: np.ndarray  # (row, quarter), under any mix
    arrive: np.ndarray  # (moved, row, start quarter, end quarter), if an entry got all wafers
    share: np.ndarray  # (moved, quarter), part of the divisible wafers by the shares
    free: np.ndarray  # (moved, quarter) bool: the shares give it wafers that finish in time


def wafers_of(scope: Scope, realization: Realization) -> Wafers:
    """Return the dies that the wafers of a realization give."""
    structure, clock = realization.structure, realization.clock
    quarters = clock.quarters
    given = np.zeros((scope.rows, quarters))
    arrive = np.zeros((len(scope.moved), scope.rows, quarters, quarters))
    share = np.zeros((len(scope.moved), quarters))
    free = np.zeros((len(scope.moved), quarters), bool)
    place = {entry: j for j, entry in enumerate(scope.moved)}
    before, after = slice(None, clock.warmup_steps), slice(clock.warmup_steps, None)
    firsts = np.arange(quarters) * clock.steps_per_quarter
    for r, route in enumerate(each_record(structure.route)):
        entries = [
            entry
            for entry in range(route.first_entry, route.end_entry)
            if entry in place or entry in scope.given
        ]
        if not entries:
            continue
        starts, weight = realization.started[r], realization.weight[:, entries]
        ends = exits(starts, realization.exits[r], clock)
        moved = starts * weight.sum(axis=1)
        for entry, own in zip(entries, (starts[:, None] * weight).T, strict=True):
            rows = scope.rows_of(structure.entry[entry].die)
            dies = _dies(realization, scope, route, entry, own)  # (step, row of the design)
            if entry not in place:
                given[rows] += _sum(own, dies, ends)
                continue
            j = place[entry]
            given[rows] += _sum(own[before], dies[before], ends[before])
            dies, out = _filled(dies, own, clock)[after], ends[after]
            each = (moved[after, None] * dies)[:, :, None] * out[:, None, :]
            arrive[j, rows] = np.add.reduceat(each, firsts, axis=0).transpose(1, 0, 2)
            wafers, total = (np.add.reduceat(x[after], firsts) for x in (own, moved))
            share[j] = np.divide(wafers, total, out=np.zeros(quarters), where=total > 0.0)
            free[j] = (wafers > 0.0) & (arrive[j, rows].max(axis=(0, 2)) > 0.0)
    return Wafers(given, arrive, share, free)


def exits(started: np.ndarray, left: np.ndarray, clock: Clock) -> np.ndarray:
    """Return the part of each step's cohort that leaves in each quarter, (step, quarter)."""
    starts = started[:, None]
    return np.divide(left, starts, out=np.zeros_like(left), where=starts > 0.0)[:, : clock.quarters]


def _dies(
    realization: Realization, scope: Scope, route: RoutePlan, entry: int, own: np.ndarray
) -> np.ndarray:
    """Return the tested dies of a wafer of an entry by step of start, (step, row of the design)."""
    die = realization.structure.entry[entry].die
    bins = int(realization.structure.die[die].bins)
    process = realization.world["process"]
    line_yield = process["line_yield"][route.process]
    kept = line_yield * (1.0 - process["engineering_fraction"][route.process])
    rows = scope.rows_of(die)
    dies = np.zeros((len(own), rows.stop - rows.start))
    good = realization.bin_yield[:, entry, :bins]
    for b, share in enumerate(_passed(good, realization.bin_yield[:, entry, -1]).T):
        dies[:, scope.row_of[die, b] - rows.start] += share
    dies[own <= 0.0] = 0.0  # the state there is of an earlier run
    return dies * (realization.gross_dies[die] * kept)


def _passed(good: np.ndarray, escaped: np.ndarray) -> np.ndarray:
    """Return the shares of dies that pass the wafer test, (step, bin).

    Bad dies that pass spread over the bins as good ones do, or join the last where none is good.
    """
    total = good.sum(axis=1)
    more = np.divide(escaped, total, out=np.zeros_like(total), where=total > 0.0)
    passed: np.ndarray = good * (1.0 + more[:, None])
    passed[:, -1] += np.where(total > 0.0, 0.0, escaped)
    return passed


def _filled(dies: np.ndarray, own: np.ndarray, clock: Clock) -> np.ndarray:
    """Return the dies of a wafer, with the mean of its quarter in steps without wafers."""
    known = (own > 0.0).astype(float)
    firsts = np.arange(0, len(own), clock.steps_per_quarter)
    count = np.add.reduceat(known, firsts)
    mean = np.add.reduceat(dies, firsts, axis=0) / np.maximum(count, 1.0)[:, None]
    return np.where(own[:, None] > 0.0, dies, np.repeat(mean, clock.steps_per_quarter, axis=0))


def _sum(wafers: np.ndarray, dies: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Return the dies of some cohorts' wafers, (row, quarter)."""
    return np.add.reduce((wafers[:, None] * dies)[:, :, None] * ends[:, None, :], axis=0)
