"""What changes on dates: the rates of orders, the limits of WIP, and which tools are there."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from yieldsim.flow.dataset import DataSet
from yieldsim.flow.kernels import records as k
from yieldsim.flow.smt2020.tsv import Spread
from yieldsim.flow.step_tables import put

__all__ = ["Periods", "absence_clocks", "absent_times"]


class Periods:
    """Runs of periods, one behind the other in one array."""

    def __init__(self) -> None:
        self._rows: list[tuple[float, float]] = []

    def add(self, run: Sequence[tuple[float, float]]) -> tuple[int, int]:
        """Append one run, (until_min, value); return the places of its first and last period."""
        first = len(self._rows)
        self._rows += run
        return first, len(self._rows) - 1

    def array(self) -> NDArray[Any]:
        """All periods, one at least."""
        return np.array(self._rows or [(0.0, 0.0)], k.PERIOD)


def absence_clocks(data: DataSet, tools: NDArray[Any]) -> NDArray[Any]:
    """One clock for each date on which a tool leaves the line or comes back, by ``absences``."""
    names = list(data.groups)
    made: list[tuple[int, int, float]] = []
    for absence in data.absences:
        own = np.flatnonzero(tools["group"] == names.index(absence.group))
        tool = int(own[absence.tool])
        made.append((tool, k.CLOCK_LEAVES, absence.from_min))
        if math.isfinite(absence.to_min):
            made.append((tool, k.CLOCK_COMES, absence.to_min))
    out = np.zeros(len(made), k.CLOCK)
    for record, (tool, kind, date_min) in zip(out, made, strict=True):
        record["tool"], record["kind"] = tool, kind
        put(record["first"], Spread(date_min))
    return out


def absent_times(data: DataSet) -> NDArray[np.float64]:
    """(group, from_min, to_min) of each absence, as an array of three columns."""
    names = list(data.groups)
    rows = [(names.index(one.group), one.from_min, one.to_min) for one in data.absences]
    return np.array(rows, float).reshape(-1, 3)
