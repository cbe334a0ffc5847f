"""The kernels against the plain Python twin: the same lots at the same steps at the same times."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest

from tests.examples import thinned
from tests.flow.lines import data_set, order, step, tool_group
from tests.flow.twin.twin import Twin
from tests.paths import SHARED
from yieldsim.flow import DataSet, compile_line, read_dataset
from yieldsim.flow.dataset import Absence, Calendar, Part, Setup
from yieldsim.flow.kernels.records import IN_TOOL, MOVING, QUEUED, LineState
from yieldsim.flow.laws import Spread, triangular
from yieldsim.flow.replicate import new_state, run_to

HVLM = SHARED / "data" / "smt2020" / "hvlm"
LAST_RANKS = ("rank_FIFO", "rank_CR", "rank_EDD", "rank_SLACK", "rank_SPT")
NO_HVLM = "the public data set is not here (shared/data/smt2020/hvlm)"
STATUS = {MOVING: "moving", QUEUED: "queued", IN_TOOL: "in tool"}


def every_rule(last_rank: str) -> DataSet:
    """A small, nearly full line with every rule of the simulator and many setups and lenses."""
    ranks = ("rank_HP", "rank_RSETUP", last_rank)
    groups = [
        tool_group("litho", speeds=(1.0,) * 4, ranks=ranks, load_min=1.0, unload_min=1.0),
        tool_group("track", speeds=(1.0,) * 3, ranks=ranks, wake_least_setup=True),
        tool_group(
            "implant",
            speeds=(1.0,) * 3,
            ranks=ranks,
            capacity=2,
            min_run_group="gas",
            location="far",
        ),
        tool_group("wet", speeds=(1.0, 0.5, 0.5), capacity=2, load_min=2.0, unload_min=1.0),
        tool_group("oven", speeds=(1.0,) * 3, location="far", batch_by="family and step"),
        tool_group("fifo", speeds=(0.7, 1.0), ranks=(last_rank,)),
        tool_group("rare", speeds=(1.0, 1.0), ranks=(last_rank,)),
    ]
    minutes = Spread(20.0, 3.0, "uniform")
    steps = [
        step("1", "litho", time=minutes, lens_for=4),
        step("2", "implant", time=Spread(0.5, 0.1, "uniform"), by_piece=True, interval_min=0.4,
             setup=Setup("gas a", False, None)),
        step("3", "track", time=minutes, setup=Setup("mask", True, Spread(4.0, 1.0, "uniform"))),
        step("4", "wet", time=Spread(30.0), interval_min=11.0, sampling=0.7, limit=(6, 50.0)),
        step("5", "litho", time=minutes, rework=(0.2, 2), limit=(6, 90.0), lens_for=7),
        step("6", "oven", time=Spread(90.0, 9.0, "uniform"), batch_pieces=(50, 100)),
        step("7", "implant", time=Spread(0.5, 0.1, "uniform"), by_piece=True, interval_min=0.4,
             setup=Setup("gas b", False, None)),
        step("8", "litho", time=minutes, sampling=0.5),
        step("9", "fifo", time=Spread(8.0, 0.0, "exponential"), setup=Setup("x", False, None)),
        step("10", "rare", time=Spread(4.0, 1.0, "normal")),
        step("11", "rare", time=Spread(4.0, 3.0, "lognormal")),
        step("12", "rare", time=triangular(1.0, 2.0, 9.0)),
        step("13", "rare", time=Spread(4.0, 5.0, "gamma")),
    ]  # fmt: skip
    shorter = [
        step(long.name, long.group, time=long.time, by_piece=long.by_piece,
             batch_pieces=long.batch_pieces, interval_min=long.interval_min,
             setup=Setup("gas b", False, None) if long.setup else None)
        for long in (steps[0], steps[5], steps[1], steps[8])
    ]  # fmt: skip
    parts = {
        "part": Part("part", "family", "route", tuple(steps)),
        "short": Part("short", "family", "other", tuple(shorter)),
    }
    orders = [
        order(31.0, due_after_min=900.0),
        order(90.0, part="short", name="short", due_after_min=500.0, first_min=5.0),
        order(300.0, name="hot", priority=20, pieces=10, lots=2, due_after_min=400.0),
        order(1.0, part="short", name="poisson", interval=Spread(110.0, 0.0, "exponential")),
        order(1e12, name="lot", releases=1, step=3, released_min=-60.0),
    ]
    repair = Spread(60.0, 0.0, "exponential")
    calendars = [
        Calendar(f"fail {g}", g, "failure", Spread(900.0, 0.0, "exponential"), repair, minutes)
        for g in ("litho", "implant", "wet", "oven", "fifo")
    ]
    calendars += [
        Calendar("date", "litho", "calendar", Spread(700.0), minutes, Spread(500.0)),
        Calendar("date 2", "litho", "calendar", Spread(1000.0), minutes, Spread(900.0)),
        Calendar("count", "wet", "pieces", Spread(600.0), minutes, Spread(300.0)),
        Calendar("count 2", "wet", "pieces", Spread(2000.0), minutes, Spread(900.0)),
        Calendar("count 3", "oven", "pieces", Spread(900.0), minutes, Spread(200.0)),
    ]
    return data_set(
        groups, steps, orders, calendars, parts=parts,
        moves={("", "far"): Spread(7.5, 2.5, "uniform"), ("", ""): Spread(3.0)},
        setup_times={("", "gas a"): Spread(12.0), ("gas a", "gas b"): Spread(7.0),
                ("", "x"): Spread(1.0)},
        min_runs={"gas": {"gas a": 3, "gas b": 4}},
    )  # fmt: skip


def with_changes(data: DataSet) -> DataSet:
    """The same with tools that leave and come back, changing release rates, and WIP caps."""
    day = 1440.0
    rates = ((5.0 * day, 1.0), (5.5 * day, 0.0), (9.0 * day, 1.6), (np.inf, 0.8))
    orders = [
        replace(lots, rates=rates, cap="both") if lots.name in ("lot", "poisson") else lots
        for lots in data.orders
    ]
    absences = (
        Absence("litho", 1, 0.0, 2.0 * day),
        Absence("litho", 2, 6.0 * day, 8.0 * day),
        Absence("litho", 0, 7.0 * day),
        Absence("wet", 0, 3.0 * day, 3.01 * day),
        Absence("implant", 2, 10.0 * day),
        Absence("oven", 1, 4.0 * day, 12.0 * day),
    )
    caps = {"both": ((6.0 * day, 900.0), (12.0 * day, 500.5), (np.inf, 800.0))}
    return replace(data, orders=tuple(orders), absences=absences, caps=caps)


def lots_of(state: LineState) -> dict[int, tuple[int, str, int]]:
    """(visits, status, index of its step) of every lot in the line, by its number."""
    following = state.lots["next"].tolist()
    in_line, lot = np.ones(len(following), bool), int(state.run["first_unused"][0])
    while lot >= 0:
        in_line[lot] = False
        lot = following[lot]
    columns = (state.lots[name][in_line].tolist() for name in ("number", "visit", "status", "step"))
    return {
        number: (visit, STATUS[status], step)
        for number, visit, status, step in zip(*columns, strict=True)
    }


def assert_same(state: LineState, twin: Twin, starts: dict[str, int]) -> None:
    got = lots_of(state)
    want = {
        number: (lot.visits, lot.status, starts[lot.part.name] + lot.position)
        for number, lot in twin.lots.items()
    }
    assert got == want
    tools = [tool for group in twin.groups.values() for tool in group.tools]
    for name in ("busy_end", "up_at", "backlog", "delay", "front_free", "run_left", "down"):
        expected = np.array([getattr(tool, name) for tool in tools])
        # Exactly equal: both do the same operations in the same order.
        np.testing.assert_array_equal(state.tools[name], expected, err_msg=name)
    for name in ("started", "waited"):
        expected = np.array([getattr(group, name) for group in twin.groups.values()])
        np.testing.assert_array_equal(state.groups[name], expected, err_msg=name)
    assert int(state.run["events"][0]) == twin.events


def run_both(data: DataSet, days: float, cuts: int, migrate: bool = False) -> tuple[LineState, Any]:
    line = compile_line(data, migrate=migrate)
    state, twin = new_state(line, 2**40 + 5, 3, days), Twin(data, 2**40 + 5, 3, migrate)
    starts, first = {}, 0
    for part in data.parts.values():
        starts[part.name] = first
        first += len(part.steps)
    for end in np.linspace(0.0, days * 1440.0, cuts + 1)[1:]:
        state = run_to(line, state, float(end))
        twin.run_until(float(end))
        assert_same(state, twin, starts)
    return state, twin


@pytest.mark.parametrize(("migrate", "last_rank"), thinned(product([False, True], LAST_RANKS), 2))
def test_every_rule_matches_the_twin(last_rank: str, migrate: bool) -> None:
    state, twin = run_both(every_rule(last_rank), 20.0, 400, migrate)
    cycle = sum(end - lot.released for lot, end in twin.finished)
    assert len(twin.finished) > 500
    assert sum(state.orders["finished"]) == len(twin.finished)
    # The sums run in another order: one rounding per lot.
    assert sum(state.orders["cycle"]) == pytest.approx(cycle, rel=1e-12)
    assert sum(state.orders["limits_missed"]) == twin.limits_missed
    assert 0 < twin.limits_missed < sum(state.orders["limits"])
    for name in ("repair", "maintenance"):
        expected = sum(getattr(t, name) for g in twin.groups.values() for t in g.tools)
        # The window cuts off downtimes that last beyond the end, a few of an hour.
        assert sum(state.tools[name]) == pytest.approx(expected, abs=600.0)
        assert expected > 0.0


@pytest.mark.parametrize("last_rank", thinned(["rank_CR", "rank_FIFO"], 2))
def test_changes_on_dates_match_the_twin(last_rank: str) -> None:
    state, twin = run_both(with_changes(every_rule(last_rank)), 20.0, 400)
    assert len(twin.finished) > 300
    np.testing.assert_array_equal(state.orders["lost"], twin.lost)
    np.testing.assert_array_equal(state.orders["draws"], twin.released)
    assert list(state.caps["pieces"]) == list(twin.wip.values())
    assert sum(twin.lost) > 20
    assert sum(tool.away for group in twin.groups.values() for tool in group.tools) == 2


@pytest.mark.skipif(not HVLM.is_dir(), reason=NO_HVLM)
def test_some_days_of_hvlm_match_the_twin() -> None:
    run_both(read_dataset(HVLM), 3.0, 30)


@pytest.mark.slow
@pytest.mark.skipif(not HVLM.is_dir(), reason=NO_HVLM)
def test_weeks_of_hvlm_match_the_twin() -> None:
    state, twin = run_both(read_dataset(HVLM), 40.0, 200)
    assert len(twin.finished) > 500
    assert (state.tools["run_left"] > 0).any()
