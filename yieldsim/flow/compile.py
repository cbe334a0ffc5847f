"""A data set as the arrays of the event kernels: names become indices, shares stay shares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from yieldsim.flow.changes import Periods, absence_clocks, absent_times
from yieldsim.flow.dataset import Calendar, DataSet, Order
from yieldsim.flow.kernels import records as k
from yieldsim.flow.step_tables import put, step_tables

__all__ = ["DISPATCH", "Line", "compile_line"]

DISPATCH = ("data", "fifo", "cr")
_KINDS = {"failure": k.CLOCK_FAILURE, "calendar": k.CLOCK_CALENDAR, "pieces": k.CLOCK_PIECES}


class Line(NamedTuple):
    """A compiled data set.

    ``groups``, ``tools``, ``clocks``, ``orders`` and ``caps`` are as at time 0 and are copied for
    each replication. ``absent`` holds (group, from_min, to_min) of tools out of the line.
    ``slots`` is how many lenses or limits a lot can have open, ``batches`` how many kinds of
    batches there are, ``events_per_min`` a guess that sets the width of a bucket.
    ``report`` names the lots that are reported, and ``report_of[order]`` is its place there.
    """

    network: k.Network
    groups: NDArray[Any]
    tools: NDArray[Any]
    clocks: NDArray[Any]
    orders: NDArray[Any]
    caps: NDArray[Any]
    absent: NDArray[np.float64]
    slots: int
    batches: int
    events_per_min: float
    migrate: bool
    group_names: tuple[str, ...]
    report: tuple[str, ...]
    report_of: NDArray[np.int64]
    raw_min: NDArray[np.float64]


def compile_line(data: DataSet, dispatch: str = "data", migrate: bool = False) -> Line:
    """Compile a data set.

    ``dispatch``: the ranking of the data set's tool groups, or first come first served or critical
    ratio everywhere (by priority first, and without setup avoidance). ``migrate``: a lot leaves a
    tool that fails, and goes on with the work left wherever a tool is free, in place of waiting.
    """
    setups = {name: number for number, name in enumerate(_setup_names(data))}
    steps, starts, batches = step_tables(data, setups)
    tools = _tools(data)
    clocks = _clocks(data, tools)
    names = dict.fromkeys(order.name for order in data.orders)
    places = {name: place for place, name in enumerate(names)}
    periods, caps = Periods(), np.zeros(len(data.caps), k.CAP)
    for record, limits in zip(caps, data.caps.values(), strict=True):
        record["period"], record["last_period"] = periods.add(limits)
    orders = np.concatenate([_order(order, data, starts, periods) for order in data.orders])
    speeds = [len(set(group.speeds)) > 1 for group in data.groups.values()]
    runs = {name: least for group in data.least_runs.values() for name, least in group.items()}
    return Line(
        network=k.Network(
            steps=steps,
            moves=_moves(data),
            setup_times=_setup_times(data, setups),
            setup_runs=np.array([runs.get(name, 0) for name in setups], np.int32),
            tools_by_speed=np.array([any(speeds)], np.int32),
            periods=periods.array(),
        ),
        groups=_groups(data, dispatch),
        tools=tools,
        clocks=clocks,
        orders=orders,
        caps=caps,
        absent=absent_times(data),
        slots=1 + max(int(steps[name].max()) for name in ("lens_set", "limit_set")),
        batches=batches,
        events_per_min=_events_per_min(data, clocks),
        migrate=migrate,
        group_names=tuple(data.groups),
        report=tuple(places),
        report_of=np.array([places[order.name] for order in data.orders]),
        raw_min=_raw_minutes(data, places),
    )


def _setup_names(data: DataSet) -> tuple[str, ...]:
    used = {
        step.setup.name: None
        for part in data.parts.values()
        for step in part.steps
        if step.setup is not None
    }
    return ("", *used)  # 0 is a tool that has not been set up yet


def _places(data: DataSet) -> dict[str, int]:
    names = dict.fromkeys(group.place for group in data.groups.values())
    return {name: number for number, name in enumerate(names)}


def _groups(data: DataSet, dispatch: str) -> NDArray[Any]:
    places = _places(data)
    out = np.zeros(len(data.groups), k.GROUP)
    for record, group in zip(out, data.groups.values(), strict=True):
        ranks = group.ranks
        if dispatch != "data":
            ranks = ("rank_HP", "rank_CR") if dispatch == "cr" else ("rank_HP", "rank_FIFO")
        record["load"], record["unload"] = group.load_min, group.unload_min
        record["capacity"], record["location"] = group.capacity, places[group.place]
        record["runs"] = group.runs != ""
        record["wake_least"] = group.wake_least_setup
        record["by_priority"] = "rank_HP" in ranks
        record["by_setup"] = "rank_RSETUP" in ranks
        record["by_ratio"] = "rank_CR" in ranks
        for name in ("first", "last", "first_ready", "last_ready"):
            record[name] = -1
    return out


def _tools(data: DataSet) -> NDArray[Any]:
    out = np.zeros(sum(len(group.speeds) for group in data.groups.values()), k.TOOL)
    out["speed"] = [speed for group in data.groups.values() for speed in group.speeds]
    counts = [len(group.speeds) for group in data.groups.values()]
    out["group"] = np.repeat(np.arange(len(counts)), counts)
    out["ready_next"] = out["ready_before"] = out["job"] = -1
    return out


def _clocks(data: DataSet, tools: NDArray[Any]) -> NDArray[Any]:
    """One clock a tool and calendar; those by pieces first, tool by tool."""
    numbers = {name: number for number, name in enumerate(data.groups)}
    made: list[tuple[bool, int, int, Calendar, float]] = []
    for rank, calendar in enumerate(data.calendars):
        own = np.flatnonzero(tools["group"] == numbers[calendar.group])
        own = own[slice(*calendar.tools)] if calendar.tools else own
        for place, tool in enumerate(own, start=1):
            # The tools of a group do not all stop at once: the k-th of n starts k/n on.
            share = 1.0 if calendar.kind == "failure" else place / len(own)
            made.append((calendar.kind != "pieces", int(tool), rank, calendar, share))
    made.sort(key=lambda clock: clock[:3])
    dates = absence_clocks(data, tools)
    out = np.zeros(len(made) + len(dates), k.CLOCK)
    out[len(made) :] = dates
    for number, (timed, own_tool, _, calendar, share) in enumerate(made):
        record = out[number]
        put(record["every"], calendar.every)
        put(record["lasts"], calendar.lasts)
        put(record["first"], calendar.first.scaled(share))
        record["tool"], record["kind"] = own_tool, _KINDS[calendar.kind]
        if not timed:
            record["left"] = calendar.first.mean * share
            if tools[own_tool]["clocks"] == 0:
                tools[own_tool]["first_clock"] = number
            tools[own_tool]["clocks"] += 1
    return out


def _moves(data: DataSet) -> NDArray[Any]:
    places = _places(data)
    out = np.zeros((len(places), len(places)), k.SPREAD)
    for (start, end), spread in data.moves.items():
        if start in places and end in places:
            put(out[places[start], places[end]], spread)
    return out


def _setup_times(data: DataSet, setups: Mapping[str, int]) -> NDArray[Any]:
    out = np.zeros((len(setups), len(setups)), k.SPREAD)
    for start, row in setups.items():
        for end, column in setups.items():
            spread = data.setups.get((start, end)) or data.setups.get(("", end))
            if spread is not None:
                put(out[row, column], spread)
    return out


def _order(
    order: Order, data: DataSet, starts: Mapping[tuple[str, int], int], periods: Periods
) -> NDArray[Any]:
    out = np.zeros(1, k.ORDER)
    put(out[0]["every"], order.every)
    out["first"], out["released_at"] = order.first_min, order.released_min
    out["due_after"], out["left"] = order.due_after_min, order.releases
    out["lots"], out["priority"], out["pieces"] = order.lots, order.priority, order.pieces
    out["step"] = starts.get((order.part, order.step), -1)
    out["period"], out["last_period"] = periods.add(order.rates) if order.rates else (0, -1)
    out["cap"] = list(data.caps).index(order.cap) if order.cap else -1
    return out


def _raw_minutes(data: DataSet, places: Mapping[str, int]) -> NDArray[np.float64]:
    """Raw process time of each reported lot: expected work of its steps, no loading, no waiting."""
    raw = np.zeros(len(places))
    known: dict[tuple[str, int], float] = {}
    for order in data.orders:
        key = (order.part, order.pieces)
        if key not in known:
            known[key] = sum(
                step.sampled * step.time.mean * (order.pieces if step.by_piece else 1)
                for step in data.parts[order.part].steps
            )
        raw[places[order.name]] = known[key]
    return raw


def _events_per_min(data: DataSet, clocks: NDArray[Any]) -> float:
    """A guess at the rate of events: two a step and lot, two a clock. Speed alone depends on it."""
    often = clocks["every"]["mean"][clocks["kind"] < k.CLOCK_LEAVES]
    rate = 2.0 * float(np.sum(1.0 / np.maximum(often, 60.0)))
    single, span_min = 0.0, 1.0
    for order in data.orders:
        events = order.lots * (2.0 * len(data.parts[order.part].steps) + 1.0)
        if order.releases > 1:
            rate += events / max(order.every.mean, 1e-6)
        else:  # one of a list of lots, which together last as long as their releases do
            single, span_min = single + events, max(span_min, order.first_min)
    return rate + single / span_min
