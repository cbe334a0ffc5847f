"""From a data set to the arrays of the event kernels: names become indices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from yieldsim.flow.changes import Periods, absence_clocks, absent_times
from yieldsim.flow.dataset import Calendar, DataSet, LotOrder
from yieldsim.flow.kernels.records import (
    CLOCK,
    CLOCK_CALENDAR,
    CLOCK_FAILURE,
    CLOCK_LEAVES,
    CLOCK_PIECES,
    GROUP,
    ORDER,
    RANK_DUE,
    RANK_FIFO,
    RANK_RATIO,
    RANK_SHORTEST,
    RANK_SLACK,
    SPREAD,
    TOOL,
    WIP_CAP,
    Network,
    Records,
    lined,
)
from yieldsim.flow.step_tables import fill_spread, step_tables

__all__ = ["DISPATCH", "CompiledLine", "compile_line"]

# The last rank of waiting lots, by the name of the command's option.
_LAST_RANKS = {
    "fifo": "rank_FIFO",
    "cr": "rank_CR",
    "edd": "rank_EDD",
    "slack": "rank_SLACK",
    "spt": "rank_SPT",
}
_RANK_NUMBERS = {
    "rank_CR": RANK_RATIO,
    "rank_EDD": RANK_DUE,
    "rank_SLACK": RANK_SLACK,
    "rank_SPT": RANK_SHORTEST,
}
DISPATCH = ("data", *_LAST_RANKS)
_KINDS = {"failure": CLOCK_FAILURE, "calendar": CLOCK_CALENDAR, "pieces": CLOCK_PIECES}


class CompiledLine(NamedTuple):
    """A compiled data set.

    ``groups``, ``tools``, ``clocks``, ``orders`` and ``caps`` are those of time 0; each replication
    starts from a copy. ``absent`` holds (group, from_min, to_min) of tools that are not in the
    line. ``slots`` is the largest number of lenses or queue-time limits that a lot can have open.
    ``batch_kinds`` counts the kinds of batches. ``events_per_min`` is an estimate that sets the
    width of a bucket. ``report`` names the reported lots, ``report_of[order]`` is the position of
    an order's lots there, and ``raw_min`` their raw process times.
    """

    network: Network
    groups: Records
    tools: Records
    clocks: Records
    orders: Records
    caps: Records
    absent: NDArray[np.float64]
    slots: int
    batch_kinds: int
    events_per_min: float
    migrate: bool
    group_names: tuple[str, ...]
    report: tuple[str, ...]
    report_of: NDArray[np.int64]
    raw_min: NDArray[np.float64]


def compile_line(data: DataSet, dispatch: str = "data", migrate: bool = False) -> CompiledLine:
    """Compile a data set.

    ``dispatch`` "data" takes the ranking of each tool group from the data set. The others rank by
    priority everywhere, without setup avoidance, and then first come first served ("fifo") or by
    the least critical ratio ("cr"), due date ("edd"), slack ("slack") or step time ("spt").
    With ``migrate`` a lot leaves a failing tool and any free tool does the work left; otherwise it
    waits for the repair.
    """
    setups = {name: number for number, name in enumerate(_setup_names(data))}
    steps, starts, batch_kinds = step_tables(data, setups)
    tools = _tools(data)
    clocks = _clocks(data, tools)
    names = dict.fromkeys(order.name for order in data.orders)
    positions = {name: position for position, name in enumerate(names)}
    periods, caps = Periods(), np.zeros(len(data.caps), WIP_CAP)
    for record, most_pieces in zip(caps, data.caps.values(), strict=True):
        record["period"], record["last_period"] = periods.add(most_pieces)
    orders = np.concatenate([_order(order, data, starts, periods) for order in data.orders])
    priorities = [order.priority for order in data.orders]
    orders["priority"] = np.unique(priorities, return_inverse=True)[1]
    min_runs = {name: jobs for group in data.min_runs.values() for name, jobs in group.items()}
    return CompiledLine(
        network=Network(
            steps=lined(steps),
            moves=_moves(data),
            setup_times=_setup_times(data, setups),
            min_runs=np.array([min_runs.get(name, 0) for name in setups], np.int32),
            mixed_speeds=any(len(set(group.speeds)) > 1 for group in data.groups.values()),
            periods=periods.array(),
        ),
        groups=_groups(data, dispatch),
        tools=tools,
        clocks=clocks,
        orders=orders,
        caps=caps,
        absent=absent_times(data),
        slots=1 + max(int(steps[name].max()) for name in ("lens_set", "limit_set")),
        batch_kinds=batch_kinds,
        events_per_min=_events_per_min(data, clocks),
        migrate=migrate,
        group_names=tuple(data.groups),
        report=tuple(positions),
        report_of=np.array([positions[order.name] for order in data.orders]),
        raw_min=_raw_minutes(data, positions),
    )


def _setup_names(data: DataSet) -> tuple[str, ...]:
    used = {
        step.setup.name: None
        for part in data.parts.values()
        for step in part.steps
        if step.setup is not None
    }
    return ("", *used)  # 0 is a tool that has not been set up yet


def _locations(data: DataSet) -> dict[str, int]:
    names = dict.fromkeys(group.location for group in data.groups.values())
    return {name: number for number, name in enumerate(names)}


def _groups(data: DataSet, dispatch: str) -> Records:
    locations = _locations(data)
    out = np.zeros(len(data.groups), GROUP)
    tools = [len(group.speeds) for group in data.groups.values()]
    out["first_tool"] = np.cumsum(tools) - tools
    for record, group in zip(out, data.groups.values(), strict=True):
        ranks = group.ranks
        if dispatch != "data":
            ranks = ("rank_HP", _LAST_RANKS[dispatch])
        record["load"], record["unload"] = group.load_min, group.unload_min
        record["capacity"], record["location"] = group.capacity, locations[group.location]
        record["has_min_runs"] = group.min_run_group != ""
        record["wake_least_setup"] = group.wake_least_setup
        record["by_priority"] = "rank_HP" in ranks
        record["by_setup"] = "rank_RSETUP" in ranks
        record["last_rank"] = max(_RANK_NUMBERS.get(rank, RANK_FIFO) for rank in ranks)
        record["first_lot"] = record["last_lot"] = -1
    return out


def _tools(data: DataSet) -> Records:
    counts = [len(group.speeds) for group in data.groups.values()]
    out = np.zeros(sum(counts), TOOL)
    out["speed"] = [speed for group in data.groups.values() for speed in group.speeds]
    out["group"] = np.repeat(np.arange(len(counts)), counts)
    out["leader"] = -1
    out["pieces_left"] = out["pieces_before"] = np.inf
    return out


def _clocks(data: DataSet, tools: Records) -> Records:
    """One clock for each tool and calendar: those by pieces first, tool by tool; then dates.

    Fills in which clocks count the pieces of each tool.
    """
    numbers = {name: number for number, name in enumerate(data.groups)}
    rows: list[tuple[bool, int, int, Calendar, float]] = []
    for rank, calendar in enumerate(data.calendars):
        own = np.flatnonzero(tools["group"] == numbers[calendar.group])
        own = own[slice(*calendar.tools)] if calendar.tools else own
        for position, tool in enumerate(own.tolist(), start=1):
            # The tools of a group must not all stop at once: the k-th of n starts k/n of the way.
            share = 1.0 if calendar.kind == "failure" else position / len(own)
            rows.append((calendar.kind != "pieces", tool, rank, calendar, share))
    rows.sort(key=lambda row: row[:3])
    dates = absence_clocks(data, tools)
    out = np.zeros(len(rows) + len(dates), CLOCK)
    out[len(rows) :] = dates
    for number, (by_time, tool, _, calendar, share) in enumerate(rows):
        record = out[number]
        fill_spread(record["interval"], calendar.interval)
        fill_spread(record["duration"], calendar.duration)
        fill_spread(record["first"], calendar.first.scaled(share))
        record["tool"], record["kind"] = tool, _KINDS[calendar.kind]
        if not by_time:
            record["left"] = calendar.first.mean * share
            before = tools[tool]["pieces_left"]
            tools[tool]["pieces_left"] = tools[tool]["pieces_before"] = min(before, record["left"])
            if tools[tool]["clocks"] == 0:
                tools[tool]["first_clock"] = number
            tools[tool]["clocks"] += 1
    return out


def _moves(data: DataSet) -> Records:
    locations = _locations(data)
    out = np.zeros((len(locations), len(locations)), SPREAD)
    for (start, end), minutes in data.moves.items():
        if start in locations and end in locations:
            fill_spread(out[locations[start], locations[end]], minutes)
    return out


def _setup_times(data: DataSet, setups: Mapping[str, int]) -> Records:
    out = np.zeros((len(setups), len(setups)), SPREAD)
    for start, row in setups.items():
        for end, column in setups.items():
            minutes = data.setup_times.get((start, end)) or data.setup_times.get(("", end))
            if minutes is not None:
                fill_spread(out[row, column], minutes)
    return out


def _order(
    order: LotOrder, data: DataSet, starts: Mapping[tuple[str, int], int], periods: Periods
) -> Records:
    out = np.zeros(1, ORDER)
    fill_spread(out[0]["interval"], order.interval)
    out["first"], out["released_at"] = order.first_min, order.released_min
    out["due_after"], out["releases_left"] = order.due_after_min, order.releases
    out["lots_per_release"] = order.lots
    out["pieces"] = order.pieces
    out["step"] = starts.get((order.part, order.step), -1)
    out["period"], out["last_period"] = periods.add(order.rates) if order.rates else (0, -1)
    out["timed"] = order.timed
    out["cap"] = list(data.caps).index(order.cap) if order.cap else -1
    return out


def _raw_minutes(data: DataSet, positions: Mapping[str, int]) -> NDArray[np.float64]:
    """Raw process time of each reported lot: expected work, without loading and waiting."""
    raw = np.zeros(len(positions))
    known: dict[tuple[str, int], float] = {}
    for order in data.orders:
        key = (order.part, order.pieces)
        if key not in known:
            known[key] = sum(
                step.sampling * step.time.mean * (order.pieces if step.by_piece else 1)
                for step in data.parts[order.part].steps
            )
        raw[positions[order.name]] = known[key]
    return raw


def _events_per_min(data: DataSet, clocks: Records) -> float:
    """Estimate the event rate, two per step and lot and two per clock. Only speed depends on it."""
    intervals = clocks["interval"]["mean"][clocks["kind"] < CLOCK_LEAVES]
    rate = 2.0 * float(np.sum(1.0 / np.maximum(intervals, 60.0)))
    single_events, span_min = 0.0, 1.0
    for order in data.orders:
        steps = data.parts[order.part].steps[order.step :]
        events = order.lots * (2.0 * len(steps) + 1.0)
        if order.releases > 1:
            rate += events / max(order.interval.mean, 1e-6)
        else:  # one of a list of single lots, each of which takes at least its own work time
            work = sum(step.sampling * step.time.mean for step in steps)
            single_events += events
            span_min = max(span_min, order.first_min + work)
    return rate + single_events / span_min
