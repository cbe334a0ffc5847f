"""Dies of each bin from wafers, by the quarter of their start and of their end.

Neither cycle time nor defects depend on the designs of wafers. So a run by shares gives the exact
dies, and their time, of every other division of the same wafers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from yieldsim.supply.kernels.records import Clock
from yieldsim.supply.mix.realization import Realization
from yieldsim.supply.mix.scope import Scope


@dataclass(frozen=True)
class Wafers:
    """Dies from fabs, by row of the scope; the axis ``moved`` is that of the moved entries.

    A pair is a moved entry and a row of its design.
    """

    given: np.ndarray  # (row, quarter), under any mix
    arrive: np.ndarray  # (pair, start quarter, quarters later), if an entry got all wafers
    entry: np.ndarray  # (pair)
    row: np.ndarray  # (pair)
    share: np.ndarray  # (moved, quarter), part of the divisible wafers by the shares
    free: np.ndarray  # (moved, quarter) bool: the shares give it wafers that finish in time

    def by_shares(self) -> np.ndarray:
        """Return the dies of the moved entries by the shares, (row, quarter)."""
        came = np.zeros_like(self.given)
        for pair, start, later in np.argwhere(self.arrive > 0.0):
            dies = self.arrive[pair, start, later] * self.share[self.entry[pair], start]
            came[self.row[pair], start + later] += dies
        return came


def wafers_of(scope: Scope, realization: Realization) -> Wafers:
    """Return the dies that the wafers of a realization give."""
    clock, entries, moved = realization.clock, scope.entries, len(scope.moved)
    warm, steps = clock.warmup_steps, (clock.quarters, clock.steps_per_quarter)
    own = realization.started[entries.route] * realization.weight[:, entries.number].T
    ends = exits(realization.started, realization.exits, clock)
    dies = _dies(scope, realization, own)  # (pair, step)
    given = np.zeros((scope.rows, clock.quarters))
    entry, row, pairs = entries.of_pair, entries.row, int((entries.of_pair < moved).sum())
    for kept, step in ((slice(None), slice(warm)), (slice(pairs, None), slice(warm, None))):
        came = own[entry[kept], step] * dies[kept, step]
        _add(given, row[kept], came, ends[entries.route[entry[kept]], step])
    entry, row, dies = entry[:pairs], row[:pairs], dies[:pairs, warm:].reshape(pairs, *steps)
    wafers = own[:moved, warm:].reshape(moved, *steps)
    total = entries.by_route(wafers)
    dies = total[entry] * _filled(dies, wafers[entry] > 0.0)
    arrive = _arrivals(dies, _later(ends[:, warm:], clock), entries.route[entry])
    wafers, total = np.add.reduce(wafers, axis=-1), np.add.reduce(total, axis=-1)
    share = np.divide(wafers, total, out=np.zeros_like(wafers), where=total > 0.0)
    some = np.zeros_like(wafers, bool)
    np.logical_or.at(some, entry, arrive.any(axis=-1))
    return Wafers(given, arrive, entry, row, share, some & (wafers > 0.0))


def exits(started: np.ndarray, left: np.ndarray, clock: Clock) -> np.ndarray:
    """Return the part of each step's cohort that leaves in each quarter, (..., step, quarter)."""
    starts = started[..., None]
    parts = np.divide(left, starts, out=np.zeros_like(left), where=starts > 0.0)
    return parts[..., : clock.quarters]


def _dies(scope: Scope, realization: Realization, own: np.ndarray) -> np.ndarray:
    """Return the tested dies of a wafer of each entry by step of start, (pair, step)."""
    entries, process = scope.entries, realization.world["process"]
    kept = process["line_yield"] * (1.0 - process["engineering_fraction"])
    each = realization.gross_dies[entries.die] * kept[entries.process]
    bins = realization.bin_yield[:, entries.number].transpose(1, 2, 0)  # (entry, bin, step)
    good = np.ascontiguousarray(bins[:, :-1])
    good[~entries.has_bin] = 0.0
    passed = _passed(good, np.ascontiguousarray(bins[:, -1]), entries.last_bin)
    passed[entries.alike, 0] = np.add.reduce(passed[entries.alike], axis=1)
    dies: np.ndarray = passed[entries.of_pair, entries.bin] * each[entries.of_pair, None]
    dies *= own[entries.of_pair] > 0.0  # the state of others is of an earlier run
    return dies


def _passed(good: np.ndarray, escaped: np.ndarray, last_bin: np.ndarray) -> np.ndarray:
    """Return the shares of dies that pass the wafer test, (entry, bin, step).

    Bad dies that pass spread over the bins as good ones do, or join the last where none is good.
    """
    total = np.add.reduce(good, axis=1)
    more = np.divide(escaped, total, out=np.zeros_like(total), where=total > 0.0)
    passed: np.ndarray = good * (1.0 + more[:, None])
    passed[np.arange(len(good)), last_bin] += np.where(total > 0.0, 0.0, escaped)
    return passed


def _filled(dies: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return the dies of a wafer, with the mean of its quarter in steps that are not known.

    Both are (pair, quarter, step of the quarter).
    """
    count = np.add.reduce(known, axis=-1, dtype=float)
    mean = np.add.reduce(dies, axis=-1) / np.maximum(count, 1.0)
    return np.where(known, dies, mean[..., None])


def _later(ends: np.ndarray, clock: Clock) -> np.ndarray:
    """Return ``ends`` by quarters after the start, (route, quarter, step of it, quarters later)."""
    quarters = clock.quarters
    by_quarter = ends.reshape(len(ends), quarters, clock.steps_per_quarter, quarters)
    start, end = np.nonzero(by_quarter.any(axis=(0, 2)))
    later = np.arange(1 + (end - start).max(initial=0))
    end = np.arange(quarters)[:, None] + later
    at = np.minimum(end, quarters - 1)[None, :, None]
    return np.where((end < quarters)[:, None], np.take_along_axis(by_quarter, at, -1), 0.0)


def _arrivals(dies: np.ndarray, later: np.ndarray, route: np.ndarray) -> np.ndarray:
    """Return the dies by the quarter of their start, (pair, quarter, quarters later)."""
    arrive = np.zeros((*dies.shape[:2], later.shape[-1]))
    for step in range(dies.shape[2]):
        arrive += dies[:, :, step, None] * later[route, :, step]
    return arrive


def _add(given: np.ndarray, rows: np.ndarray, dies: np.ndarray, ends: np.ndarray) -> None:
    """Add the dies (pair, step) of cohorts to their rows, by the quarters of their ends."""
    some = np.flatnonzero(ends.any(axis=(0, 1)))
    came = np.add.reduce(dies[..., None] * ends[..., some], axis=1)
    np.add.at(given, (rows[:, None], some), came)
