"""Changes on dates: release rates of orders, WIP caps, and tools that leave or come back."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from yieldsim.flow.dataset import DataSet
from yieldsim.flow.kernels.records import CLOCK, CLOCK_COMES, CLOCK_LEAVES, PERIOD, Records
from yieldsim.flow.laws import Spread
from yieldsim.flow.step_tables import fill_spread

__all__ = ["Periods", "absence_clocks", "absent_times"]


class Periods:
    """Series of periods, one behind the other in one array."""

    def __init__(self) -> None:
        self._rows: list[tuple[float, float]] = []

    def add(self, series: Sequence[tuple[float, float]]) -> tuple[int, int]:
        """Append (until_min, value)s; return the indices of the first and the last period."""
        first = len(self._rows)
        self._rows += series
        return first, len(self._rows) - 1

    def array(self) -> Records:
        """All periods as PERIOD records, at least one."""
        return np.array(self._rows or [(0.0, 0.0)], PERIOD)


def absence_clocks(data: DataSet, tools: Records) -> Records:
    """One clock for each date on which a tool leaves the line or comes back."""
    names = list(data.groups)
    rows: list[tuple[int, int, float]] = []
    for absence in data.absences:
        own = np.flatnonzero(tools["group"] == names.index(absence.group))
        tool = int(own[absence.tool])
        rows.append((tool, CLOCK_LEAVES, absence.from_min))
        if math.isfinite(absence.to_min):
            rows.append((tool, CLOCK_COMES, absence.to_min))
    out = np.zeros(len(rows), CLOCK)
    for record, (tool, kind, date_min) in zip(out, rows, strict=True):
        record["tool"], record["kind"] = tool, kind
        fill_spread(record["first"], Spread(date_min))
    return out


def absent_times(data: DataSet) -> NDArray[np.float64]:
    """(group, from_min, to_min) of each absence, as an array of three columns."""
    names = list(data.groups)
    rows = [(names.index(away.group), away.from_min, away.to_min) for away in data.absences]
    return np.array(rows, float).reshape(-1, 3)
