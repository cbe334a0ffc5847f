"""One replication counted by period, such as a quarter: pieces started, lost and finished."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from yieldsim.errors import UsageError
from yieldsim.flow.compile import CompiledLine
from yieldsim.flow.kernels.records import Records
from yieldsim.flow.replicate import new_state, run_to

__all__ = ["PeriodCounts", "count_periods"]

_DAY_MIN = 1440.0


@dataclass(frozen=True)
class PeriodCounts:
    """What happened in each period: arrays (periods, reported lots), in pieces.

    ``lost`` counts releases that met a full line. ``wip`` is in the line at the end of the period.
    ``cycle_days`` is the mean cycle time of the finished lots, nan without any. ``events`` counts
    the whole run.
    """

    started: NDArray[np.float64]
    lost: NDArray[np.float64]
    finished: NDArray[np.float64]
    wip: NDArray[np.float64]
    cycle_days: NDArray[np.float64]
    events: int


def count_periods(
    line: CompiledLine, seed: int, replication: int, ends_days: Sequence[float]
) -> PeriodCounts:
    """Run one replication and count each period.

    The line starts empty. The first period begins at time 0; ``ends_days`` are the ends in rising
    order.

    Raises
    ------
    UsageError
        if ``ends_days`` do not rise from above 0.
    """
    ends = list(ends_days)
    if not ends or not all(after > before for before, after in pairwise([0.0, *ends])):
        raise UsageError("periods", "do not rise", got=ends, allowed="days that rise from above 0")
    state = new_state(line, seed, replication, ends[-1])
    sums = [np.zeros((4, len(line.report)))]
    lots_out = [np.zeros(len(line.report), np.int64)]
    for end in ends:
        state = run_to(line, state, end * _DAY_MIN)
        sums.append(_so_far(line, state.orders))
        lots_out.append(np.bincount(line.report_of, state.orders["finished"], len(line.report)))
    so_far = np.array(sums)
    started, lost, finished, cycle = np.moveaxis(np.diff(so_far, axis=0), 1, 0)
    lots = np.diff(np.array(lots_out), axis=0)
    return PeriodCounts(
        started=started,
        lost=lost,
        finished=finished,
        wip=so_far[1:, 0] - so_far[1:, 2],
        cycle_days=cycle / np.where(lots > 0, lots, np.nan) / _DAY_MIN,
        events=int(state.run["events"][0]),
    )


def _so_far(line: CompiledLine, orders: Records) -> NDArray[np.float64]:
    """Pieces started, lost and finished, and the summed cycle times (minutes), so far."""
    due = orders["draws"].astype(float)
    rows = (
        (due - orders["lost"]) * orders["pieces"],
        orders["lost"] * orders["pieces"],
        orders["finished_ever"] * orders["pieces"],
        orders["cycle"],
    )
    return np.array([np.bincount(line.report_of, row, len(line.report)) for row in rows])
