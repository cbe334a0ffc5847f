"""One replication of a line: make its state, run it in pieces of days, and count."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from yieldsim.errors import UsageError
from yieldsim.flow.compile import CompiledLine
from yieldsim.flow.kernels.loop import run_until, start
from yieldsim.flow.kernels.records import (
    BUCKET_BITS,
    EVENT,
    FULL,
    LOT,
    LOT_REST,
    RUN,
    LineState,
    lined,
)

__all__ = ["Outcome", "new_state", "replicate", "run_to"]

_FIRST_ROOM = 4096  # lots; doubled whenever all are in the line
_DAY_MIN = 1440.0
_TALLIED = ("cycle", "cycle_squared", "finished", "finished_ever", "on_time", "limits",
            "limits_missed")  # fmt: skip
_LONGEST_DAYS = 36_525.0


@dataclass(frozen=True)
class Outcome:
    """What one replication counted; the window is the time after the warm-up.

    Arrays by reported lot: ``lots_out`` of the whole run; of the window, ``lots_counted``, the mean
    ``cycle_days`` and standard deviation ``cycle_sd_days`` of their cycle times, the share
    ``on_time``, and the queue-time limits that ended (``limits``) or were missed.

    Arrays by tool group, as shares of the window: ``availability``, ``repair``, ``maintenance`` and
    ``setup``. ``utilization`` is the share of the available time in setup, loading, work and
    unloading. ``wait_min`` is the mean wait of a lot, and ``started`` counts the lots.

    ``wip`` is the mean number of lots in the line, ``events`` counts the whole run.
    """

    lots_out: NDArray[np.int64]
    lots_counted: NDArray[np.int64]
    cycle_days: NDArray[np.float64]
    cycle_sd_days: NDArray[np.float64]
    on_time: NDArray[np.float64]
    limits: NDArray[np.int64]
    limits_missed: NDArray[np.int64]
    availability: NDArray[np.float64]
    utilization: NDArray[np.float64]
    repair: NDArray[np.float64]
    maintenance: NDArray[np.float64]
    setup: NDArray[np.float64]
    wait_min: NDArray[np.float64]
    started: NDArray[np.int64]
    wip: float
    events: int
    window_min: float


def new_state(
    line: CompiledLine, seed: int, replication: int, days: float, warmup_days: float = 0.0
) -> LineState:
    """Make the state of a replication at time 0, with its first events posted."""
    nodes = len(line.clocks) + 2 * len(line.tools) + len(line.orders) + _FIRST_ROOM
    state = LineState(
        run=np.zeros(1, RUN),
        groups=lined(line.groups),
        tools=lined(line.tools),
        clocks=line.clocks.copy(),
        orders=line.orders.copy(),
        caps=line.caps.copy(),
        lots=lined(np.zeros(_FIRST_ROOM, LOT)),
        lot_rests=np.zeros(_FIRST_ROOM, LOT_REST),
        lenses=np.full((_FIRST_ROOM, line.slots), -1, np.int32),
        deadlines=np.full((_FIRST_ROOM, line.slots), np.inf),
        ready=np.full(len(line.tools), -1, np.int32),
        waiting=np.zeros(line.batch_kinds, np.int64),
        events=np.zeros(nodes, EVENT),
        buckets=np.full(1 << BUCKET_BITS, -1, np.int32),
    )
    run = state.run[0]
    run["seed"], run["replication"] = seed, replication
    run["window_start"], run["window_end"] = warmup_days * _DAY_MIN, days * _DAY_MIN
    run["buckets_per_min"] = max(line.events_per_min, 1e-3)
    run["migrate"] = line.migrate
    _link_unused(state, 0)
    start(line.network, state)
    return state


def _link_unused(state: LineState, first: int) -> None:
    """Put the lots from ``first`` on in front of the list of unused lots."""
    room = len(state.lots)
    state.lots["next"][first:] = np.arange(first + 1, room + 1)
    state.lots["next"][-1] = state.run[0]["first_unused"] if first else -1
    state.run["first_unused"] = first
    state.run["unused_lots"] += room - first


def _doubled(state: LineState) -> LineState:
    """The same state with room for twice as many lots."""
    before = len(state.lots)
    more = state._replace(
        lots=lined(np.concatenate([state.lots, np.zeros_like(state.lots)])),
        lot_rests=np.concatenate([state.lot_rests, np.zeros(before, LOT_REST)]),
        lenses=np.concatenate([state.lenses, np.full_like(state.lenses, -1)]),
        deadlines=np.concatenate([state.deadlines, np.full_like(state.deadlines, np.inf)]),
        events=np.concatenate([state.events, np.zeros(before, EVENT)]),
    )
    _link_unused(more, before)
    return more


def run_to(line: CompiledLine, state: LineState, until_min: float) -> LineState:
    """Run a state up to a time; return it, or its successor where more room was needed."""
    while run_until(line.network, state, until_min) == FULL:
        state = _doubled(state)
    return state


def replicate(
    line: CompiledLine,
    seed: int,
    replication: int,
    days: float,
    warmup_days: float = 0.0,
    each: Callable[[float], object] = lambda days_done: None,
    piece_days: float = 5.0,
) -> Outcome:
    """Run one replication and count the window (warmup_days, days].

    The line starts empty except for the lots that the data set has in it. ``each(days_done)`` is
    called after every piece of ``piece_days``; it may raise in order to stop.

    Raises
    ------
    UsageError
        if ``days`` or ``warmup_days`` is out of range.
    """
    if not 0.0 < days <= _LONGEST_DAYS:
        raise UsageError("days", "are out of range", got=days, allowed="a number > 0 and <= 36525")
    if not 0.0 <= warmup_days < days:
        raise UsageError(
            "warmup", "is out of range", got=warmup_days, allowed="from 0 to less than days"
        )
    state = new_state(line, seed, replication, days, warmup_days)
    for end in np.append(np.arange(piece_days, days, piece_days), days):
        before = float(state.run[0]["now"]) / _DAY_MIN
        state = run_to(line, state, float(end) * _DAY_MIN)
        each(float(end) - before)
    return _counted(line, state)


def _counted(line: CompiledLine, state: LineState) -> Outcome:
    run, orders = state.run[0], state.orders
    window = float(run["window_end"] - run["window_start"])
    tally = {name: np.bincount(line.report_of, orders[name], len(line.report)) for name in _TALLIED}
    finished = np.where(tally["finished"] > 0, tally["finished"], np.nan)
    mean = tally["cycle"] / finished
    variance = np.maximum(tally["cycle_squared"] / finished - mean**2, 0.0)
    share = _tool_shares(line, state, window)
    available = 1.0 - share["repair"] - share["maintenance"]
    groups = state.groups
    since = max(run["wip_since"], run["window_start"])
    wip = run["wip_minutes"] + run["wip"] * (run["window_end"] - since)
    return Outcome(
        lots_out=tally["finished_ever"].astype(np.int64),
        lots_counted=tally["finished"].astype(np.int64),
        cycle_days=mean / _DAY_MIN,
        cycle_sd_days=np.sqrt(variance) / _DAY_MIN,
        on_time=tally["on_time"] / finished,
        limits=tally["limits"].astype(np.int64),
        limits_missed=tally["limits_missed"].astype(np.int64),
        availability=available,
        utilization=share["busy"] / np.where(available > 0.0, available, np.nan),
        repair=share["repair"],
        maintenance=share["maintenance"],
        setup=share["setting_up"],
        wait_min=groups["waited"] / np.where(groups["started"] > 0, groups["started"], np.nan),
        started=groups["started"].copy(),
        wip=float(wip / window),
        events=int(run["events"]),
        window_min=window,
    )


def _tool_shares(
    line: CompiledLine, state: LineState, window_min: float
) -> dict[str, NDArray[np.float64]]:
    """Shares of the tools' time in the line, by group."""
    tools = state.tools
    present_min = _tool_minutes(line, state, window_min)
    names: Sequence[str] = ("busy", "repair", "maintenance", "setting_up")
    return {
        name: np.bincount(tools["group"], tools[name], len(line.groups)) / present_min
        for name in names
    }


def _tool_minutes(line: CompiledLine, state: LineState, window_min: float) -> NDArray[np.float64]:
    """Tool minutes in the line within the window, by group; nan where there are none."""
    group, begin, end = line.absent.T
    run = state.run[0]
    inside = np.minimum(end, run["window_end"]) - np.maximum(begin, run["window_start"])
    absent = np.bincount(group.astype(int), np.maximum(inside, 0.0), len(line.groups))
    count = np.bincount(state.tools["group"], minlength=len(line.groups))
    present = count * window_min - absent
    return np.where(present > 1e-6 * window_min, present, np.nan)
