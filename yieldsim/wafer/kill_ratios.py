"""Defects compared with the wafer test of the same wafers: which classes kill dies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from yieldsim.errors import ModelError
from yieldsim.wafer.inspection.inspection import Inspection
from yieldsim.wafer.maps.wafer_maps import FAIL, NONE, WaferMaps

__all__ = ["KillRatio", "Matched", "kill_ratios", "match_maps"]


@dataclass(frozen=True)
class Matched:
    """A wafer that was inspected and tested: die by die what failed, and defects by class."""

    failed: NDArray[np.bool_]
    tested: NDArray[np.bool_]
    die: NDArray[np.int64]
    kind: NDArray[np.int64]


@dataclass(frozen=True)
class KillRatio:
    """1 - yield of dies with a defect of the class / yield of dies without any defect."""

    kind: int
    name: str
    dies: int
    failed: int
    ratio: float
    error: float


def match_maps(wafers: Sequence[Inspection], maps: WaferMaps) -> list[Matched]:
    """Return the wafers that occur in both, by lot and name, or by name where lots are not known.

    A map is aligned with the inspected dies so that the outermost dies of both coincide.

    Raises ModelError where no wafer occurs in both, and where the dies do not coincide.
    """
    by_name: dict[str, list[int]] = {}
    for w, name in enumerate(maps.name.tolist()):
        by_name.setdefault(_plain(name), []).append(w)
    found = []
    for one in wafers:
        numbers = by_name.get(_plain(one.wafer), [])
        lots = [w for w in numbers if maps.lot[w] == one.lot]
        if not lots and len(numbers) == 1:
            lots = numbers
        if len(lots) == 1:
            found.append(_laid(one, maps.grid(lots[0])))
    if not found:
        got, allowed = ", ".join(one.wafer for one in wafers[:4]), ", ".join(maps.name[:4].tolist())
        raise ModelError("maps", "none is of an inspected wafer", got=got, allowed=allowed)
    return found


def _plain(name: str) -> str:
    """Return a wafer's name without the zeros before a number."""
    return name.strip().lstrip("0") or "0"


def _laid(one: Inspection, grid: NDArray[np.uint8]) -> Matched:
    where = f"wafer {one.wafer}"
    if not len(one.dies):
        allowed = "SampleTestPlan in the KLARF file"
        raise ModelError(where, "does not list the dies inspected", allowed=allowed)
    rows, columns = np.nonzero(grid > NONE)
    shape = (int(np.ptp(columns)) + 1, int(np.ptp(rows)) + 1)
    low, high = one.dies.min(axis=0), one.dies.max(axis=0)
    if shape != tuple((high - low + 1).tolist()):
        got = " x ".join(str(n) for n in shape)
        allowed = " x ".join(str(n) for n in (high - low + 1).tolist())
        raise ModelError(where, "map and inspection have other dies", got=got, allowed=allowed)
    row = rows.max() - (one.dies[:, 1] - low[1])  # rows of a map go down, those of KLARF up
    code = grid[row, columns.min() + one.dies[:, 0] - low[0]]
    die = one.die_of_defect()
    return Matched(code == FAIL, code > NONE, die[die >= 0], one.found.kind[die >= 0])


def kill_ratios(matched: Sequence[Matched], classes: dict[int, str]) -> list[KillRatio]:
    """Return the kill ratio of all defects together (class -1) and of each class.

    The error is that of two independent yields. It is nan where no die is clean or has the class.
    """
    numbers = np.unique(np.concatenate([part.kind for part in matched])).tolist()
    clean, clean_failed = _counts(matched, None, False)
    found = []
    for number in [-1, *numbers]:
        dies, failed = _counts(matched, None if number == -1 else number, True)
        ratio, error = _ratio(dies, failed, clean, clean_failed)
        name = "any" if number == -1 else classes.get(number, "")
        found.append(KillRatio(number, name, dies, failed, ratio, error))
    return found


def _counts(matched: Sequence[Matched], kind: int | None, with_defect: bool) -> tuple[int, int]:
    """Return the tested dies with a defect (of a class), or without any, and how many failed."""
    dies = failed = 0
    for part in matched:
        some = part.die if kind is None else part.die[part.kind == kind]
        hit = np.zeros(len(part.tested), bool)
        hit[some] = True
        chosen = part.tested & (hit if with_defect else ~hit)
        dies, failed = dies + int(chosen.sum()), failed + int((chosen & part.failed).sum())
    return dies, failed


def _ratio(dies: int, failed: int, clean: int, clean_failed: int) -> tuple[float, float]:
    """Return the kill ratio and its standard error, by the two yields' own.

    A yield's error takes one more pass and one more fail, so that it is not 0 where all dies agree.
    """
    if not dies or not clean or clean == clean_failed:
        return float("nan"), float("nan")
    hit, base = 1.0 - failed / dies, 1.0 - clean_failed / clean
    relative = np.hypot(_error(dies, failed), hit / base * _error(clean, clean_failed)) / base
    return 1.0 - hit / base, float(relative)


def _error(dies: int, failed: int) -> float:
    share = (failed + 1.0) / (dies + 2.0)
    return float(np.sqrt(share * (1.0 - share) / dies))
