"""One replication of a line: a state made, run in pieces of days, and counted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from yieldsim.errors import UsageError
from yieldsim.flow.compile import Line
from yieldsim.flow.kernels import records as k
from yieldsim.flow.kernels.loop import run_until, start

__all__ = ["Outcome", "new_state", "replicate", "run_to"]

_FIRST_ROOM = 4096  # lots; doubled when they are all in the line
_DAY_MIN = 1440.0
_TALLIED = ("cycle", "cycle_squared", "finished", "finished_ever", "on_time", "limits",
            "limits_missed")  # fmt: skip
_LONGEST_DAYS = 36_525.0


@dataclass(frozen=True)
class Outcome:
    """What one replication counted in its window.

    Arrays by reported lot: ``lots_out`` of the whole run; of the window ``lots_counted``, their
    ``cycle_days`` (mean) and ``cycle_sd_days``, the share ``on_time``, and ``limits``,
    ``limits_missed`` (queue-time limits that ended). Arrays by tool group, as shares:
    ``availability`` of the window, ``utilization`` of the available time (setup, loading, work and
    unloading), ``repair``, ``maintenance``, ``setup`` of the window; ``wait_min``, the mean wait of
    a lot, and ``started``, the lots. ``events`` counts the whole run, ``window_min`` is the window.
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
    line: Line, seed: int, replication: int, days: float, warmup_days: float = 0.0
) -> k.State:
    """Make the state of a replication at time 0, with its first events posted."""
    nodes = len(line.clocks) + len(line.tools) + len(line.orders) + _FIRST_ROOM
    state = k.State(
        run=np.zeros(1, k.RUN),
        groups=line.groups.copy(),
        tools=line.tools.copy(),
        clocks=line.clocks.copy(),
        orders=line.orders.copy(),
        caps=line.caps.copy(),
        lots=np.zeros(_FIRST_ROOM, k.LOT),
        lenses=np.full((_FIRST_ROOM, line.slots), -1, np.int32),
        limits=np.full((_FIRST_ROOM, line.slots), np.inf),
        waiting=np.zeros(line.batches, np.int64),
        events=np.zeros(nodes, k.EVENT),
        buckets=np.full(1 << k.BUCKET_BITS, -1, np.int32),
    )
    run = state.run[0]
    run["seed"], run["replication"] = seed, replication
    run["from_time"], run["to_time"] = warmup_days * _DAY_MIN, days * _DAY_MIN
    run["per_minute"] = max(line.events_per_min, 1e-3)
    run["migrate"] = line.migrate
    _chain_unused(state, 0)
    start(line.network, state)
    return state


def _chain_unused(state: k.State, first: int) -> None:
    room = len(state.lots)
    state.lots["next"][first:] = np.arange(first + 1, room + 1)
    state.lots["next"][-1] = state.run[0]["free"] if first else -1
    state.run["free"], state.run["free_lots"] = first, state.run["free_lots"] + room - first


def _with_room(state: k.State) -> k.State:
    """The same state with twice the lots."""
    before = len(state.lots)
    more = state._replace(
        lots=np.concatenate([state.lots, np.zeros_like(state.lots)]),
        lenses=np.concatenate([state.lenses, np.full_like(state.lenses, -1)]),
        limits=np.concatenate([state.limits, np.full_like(state.limits, np.inf)]),
        events=np.concatenate([state.events, np.zeros(before, k.EVENT)]),
    )
    _chain_unused(more, before)
    return more


def run_to(line: Line, state: k.State, until_min: float) -> k.State:
    """Run a state to a time; return it, or its successor with more room for lots."""
    while run_until(line.network, state, until_min) == k.FULL:
        state = _with_room(state)
    return state


def replicate(
    line: Line,
    seed: int,
    replication: int,
    days: float,
    warmup_days: float = 0.0,
    each: Callable[[float], object] = lambda days_done: None,
    piece_days: float = 5.0,
) -> Outcome:
    """Run one replication from an empty line (but for lots in the line) and count the window.

    The window is (warmup_days, days]. ``each(days)`` is called after every piece of ``piece_days``;
    it may raise, to stop.

    Raises
    ------
    UsageError
        if the days are not positive, or the warm-up leaves nothing of them.
    """
    if not 0.0 < days <= _LONGEST_DAYS:
        raise UsageError("days", "are out of range", got=days, allowed="a number > 0 and <= 36525")
    if not 0.0 <= warmup_days < days:
        raise UsageError(
            "warmup", "is out of range", got=warmup_days, allowed="from 0 to less than the days"
        )
    state = new_state(line, seed, replication, days, warmup_days)
    for end in np.append(np.arange(piece_days, days, piece_days), days):
        before = float(state.run[0]["now"]) / _DAY_MIN
        state = run_to(line, state, float(end) * _DAY_MIN)
        each(float(end) - before)
    return _counted(line, state)


def _counted(line: Line, state: k.State) -> Outcome:
    run, orders = state.run[0], state.orders
    window = float(run["to_time"] - run["from_time"])
    tally = {name: np.bincount(line.report_of, orders[name], len(line.report)) for name in _TALLIED}
    finished = np.where(tally["finished"] > 0, tally["finished"], np.nan)
    mean = tally["cycle"] / finished
    variance = np.maximum(tally["cycle_squared"] / finished - mean**2, 0.0)
    share = _tool_shares(line, state, window)
    available = 1.0 - share["repair"] - share["maintenance"]
    groups = state.groups
    since = max(run["wip_since"], run["from_time"])
    wip = run["wip_minutes"] + run["wip"] * (run["to_time"] - since)
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


def _tool_shares(line: Line, state: k.State, window_min: float) -> dict[str, NDArray[np.float64]]:
    tools = state.tools
    there_min = _tool_minutes(line, state, window_min)
    names: Sequence[str] = ("busy", "repair", "maintenance", "setting_up")
    return {
        name: np.bincount(tools["group"], tools[name], len(line.groups)) / there_min
        for name in names
    }


def _tool_minutes(line: Line, state: k.State, window_min: float) -> NDArray[np.float64]:
    """Minutes of the window times tools that are in the line, by group; nan where none is."""
    group, begin, end = line.absent.T
    run = state.run[0]
    inside = np.minimum(end, run["to_time"]) - np.maximum(begin, run["from_time"])
    absent = np.bincount(group.astype(int), np.maximum(inside, 0.0), len(line.groups))
    count = np.bincount(state.tools["group"], minlength=len(line.groups))
    there = count * window_min - absent
    return np.where(there > 1e-6 * window_min, there, np.nan)
