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
    """Dies from fabs, by row of the scope; the axis ``moved`` is that of the moved entries."""

    given: np.ndarray  # (row, quarter), under any mix
    arrive: np.ndarray  # (moved, start quarter, slot, quarters later), if an entry got all wafers
    rows: np.ndarray  # (moved, slot), row of each slot; -1: none
    share: np.ndarray  # (moved, quarter), part of the divisible wafers by the shares
    free: np.ndarray  # (moved, quarter) bool: the shares give it wafers that finish in time

    def by_shares(self) -> np.ndarray:
        """Return the dies of the moved entries by the shares, (row, quarter)."""
        came = np.zeros_like(self.given)
        for j, start, slot, later in np.argwhere(self.arrive > 0.0):
            dies = self.arrive[j, start, slot, later] * self.share[j, start]
            came[self.rows[j, slot], start + later] += dies
        return came


def wafers_of(scope: Scope, realization: Realization) -> Wafers:
    """Return the dies that the wafers of a realization give."""
    clock, entries, moved = realization.clock, scope.entries, len(scope.moved)
    quarters, warm = clock.quarters, clock.warmup_steps
    given = np.zeros((scope.rows, quarters))
    if not len(entries.number):
        none = np.zeros((0, quarters))
        return Wafers(given, none[..., None, None], entries.rows, none, none > 0.0)
    own = realization.started[entries.route] * realization.weight[:, entries.number].T
    ends = exits(realization.started, realization.exits, clock)
    dies = _dies(scope, realization, own)  # (entry, slot, step)
    _add(given, entries.rows, own[:, None, :warm] * dies[..., :warm], ends[entries.route, :warm])
    if moved < len(own):
        after = own[moved:, None, warm:] * dies[moved:, :, warm:]
        _add(given, entries.rows[moved:], after, ends[entries.route[moved:], warm:])
    by_quarter = (moved, quarters, clock.steps_per_quarter)
    wafers = own[:moved, warm:].reshape(by_quarter)
    total = wafers.copy()  # of all moved entries of the route
    for route in np.unique(entries.route[:moved]):
        same = entries.route[:moved] == route
        total[same] = np.add.reduce(wafers[same], axis=0)
    dies = dies[:moved, :, warm:].reshape(moved, dies.shape[1], *by_quarter[1:])
    arrive = _arrivals(
        total[:, None] * _filled(dies, wafers), _later(ends[:, warm:], clock), entries.route[:moved]
    )
    wafers, total = np.add.reduce(wafers, axis=-1), np.add.reduce(total, axis=-1)
    share = np.divide(wafers, total, out=np.zeros_like(wafers), where=total > 0.0)
    free = (wafers > 0.0) & (arrive.max(axis=(2, 3), initial=0.0) > 0.0)
    return Wafers(given, arrive, entries.rows[:moved], share, free)


def exits(started: np.ndarray, left: np.ndarray, clock: Clock) -> np.ndarray:
    """Return the part of each step's cohort that leaves in each quarter, (..., step, quarter)."""
    starts = started[..., None]
    parts = np.divide(left, starts, out=np.zeros_like(left), where=starts > 0.0)
    return parts[..., : clock.quarters]


def _dies(scope: Scope, realization: Realization, own: np.ndarray) -> np.ndarray:
    """Return the tested dies of a wafer of each entry by step of start, (entry, slot, step)."""
    entries, process = scope.entries, realization.world["process"]
    kept = process["line_yield"] * (1.0 - process["engineering_fraction"])
    each = realization.gross_dies[entries.die] * kept[entries.process]
    bins = realization.bin_yield[:, entries.number].transpose(1, 2, 0)  # (entry, bin, step)
    good = np.ascontiguousarray(bins[:, :-1])
    good[~entries.has_bin] = 0.0
    passed = _passed(good, np.ascontiguousarray(bins[:, -1]), entries.last_bin)
    passed *= each[:, None, None]
    passed *= own[:, None] > 0.0  # the state of others is of an earlier run
    for b in range(1, passed.shape[1]):  # bins that are taken alike are of the first slot
        passed[entries.alike, 0] += passed[entries.alike, b]
        passed[entries.alike, b] = 0.0
    return passed


def _passed(good: np.ndarray, escaped: np.ndarray, last_bin: np.ndarray) -> np.ndarray:
    """Return the shares of dies that pass the wafer test, (entry, bin, step).

    Bad dies that pass spread over the bins as good ones do, or join the last where none is good.
    """
    total = np.add.reduce(good, axis=1)
    more = np.divide(escaped, total, out=np.zeros_like(total), where=total > 0.0)
    passed: np.ndarray = good * (1.0 + more[:, None])
    passed[np.arange(len(good)), last_bin] += np.where(total > 0.0, 0.0, escaped)
    return passed


def _filled(dies: np.ndarray, wafers: np.ndarray) -> np.ndarray:
    """Return the dies of a wafer, with the mean of its quarter in steps without wafers.

    ``dies`` is (entry, slot, quarter, step of the quarter), ``wafers`` the same without slots.
    """
    known = wafers[:, None] > 0.0
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
    """Return the dies by the quarter of their start, (entry, quarter, slot, quarters later)."""
    arrive = np.zeros((len(dies), later.shape[1], dies.shape[1], later.shape[-1]))
    dies = dies.transpose(3, 0, 2, 1)  # (step of the quarter, entry, quarter, slot)
    for step, amount in enumerate(dies):
        arrive += amount[..., None] * later[route, :, step, None]
    return arrive


def _add(given: np.ndarray, rows: np.ndarray, dies: np.ndarray, ends: np.ndarray) -> None:
    """Add the dies (entry, slot, step) of cohorts to their rows, by the quarters of their ends."""
    some = np.flatnonzero(ends.any(axis=(0, 1)))
    came = np.add.reduce(dies[..., None] * ends[:, None][..., some], axis=2)
    np.add.at(given, (rows[rows >= 0][:, None], some), came[rows >= 0])
