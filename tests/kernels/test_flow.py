"""Wafers through a line: release, shares of the designs, and cohorts on the route."""

from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yieldsim.kernels import arrays as a
from yieldsim.kernels import flow
from yieldsim.kernels.fab import release_route
from yieldsim.model.load import load_file
from yieldsim.simulate import Simulator, _Run
from yieldsim.variables import ACCIDENT, DEFECTS, RELEASE, TOOL_GROUP, WAFER_PLAN

FORMS = ["compiled", "plain"]
VALID = Path(__file__).resolve().parents[1] / "models" / "valid"


@pytest.mark.parametrize("form", FORMS)
def test_release_starts_the_plan_unless_wip_forbids(form: str) -> None:
    release = flow.release if form == "compiled" else flow.release.py_func
    assert release(100.0, 100.0, True, 0.0, 1e9, 4.0) == (100.0, False)
    # a line with tools buffers what they cannot do, one without has no place for it
    assert release(100.0, 25.0, True, 0.0, 1e9, 4.0) == (100.0, False)
    assert release(100.0, 25.0, False, 0.0, 1e9, 4.0) == (25.0, False)
    # cap 2 x 100 x 4 = 800 wafers: room for 30 more
    assert release(100.0, 100.0, True, 770.0, 2.0, 4.0) == (30.0, True)
    assert release(100.0, 100.0, True, 900.0, 2.0, 4.0) == (0.0, True)
    assert release(100.0, 100.0, True, 800.0 * (1.0 - 1e-12), 2.0, 4.0) == (0.0, True)  # rounding
    # cap 2 x 25 x 4 = 200 wafers: it counts what tools can do
    assert release(100.0, 25.0, True, 170.0, 2.0, 4.0) == (30.0, True)
    assert release(100.0, 25.0, False, 170.0, 2.0, 4.0) == (25.0, False)
    # a line without length never fills, and starts what tools can do
    assert release(100.0, 25.0, True, 900.0, 2.0, 0.0) == (25.0, False)


GROUP = TOOL_GROUP + 3.0


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("fraction", "left", "wip", "equipped", "expected"),  # starts, allowed, held by
    [
        (np.inf, 1.0, 0.0, True, (100.0, 100.0, WAFER_PLAN)),
        (0.5, 1.0, 0.0, True, (100.0, 50.0, GROUP)),
        (2.0, 0.25, 0.0, True, (100.0, 50.0, ACCIDENT)),
        (0.5, 0.75, 0.0, True, (100.0, 37.5, GROUP)),
        (5.0, 0.25, 0.0, True, (100.0, 100.0, WAFER_PLAN)),  # there were tools to spare
        (np.inf, 0.25, 0.0, True, (100.0, 25.0, ACCIDENT)),
        # at a cap of 2 x 4 steps of what is allowed
        (1.5, 1.0, 770.0, True, (30.0, 100.0, RELEASE)),
        (0.5, 1.0, 385.0, True, (15.0, 50.0, GROUP)),  # it is low for want of tools
        (5.0, 0.125, 490.0, True, (10.0, 62.5, ACCIDENT)),
        # without tools what FRACTION and BINDING hold is of another fab
        (0.5, 1.0, 0.0, False, (100.0, 100.0, WAFER_PLAN)),
        (0.5, 0.25, 0.0, False, (25.0, 25.0, ACCIDENT)),
        (0.5, 1.0, 790.0, False, (10.0, 100.0, RELEASE)),
    ],
)
def test_what_holds_the_starts(
    form: str,
    fraction: float,
    left: float,
    wip: float,
    equipped: bool,
    expected: tuple[float, float, float],
) -> None:
    lane, line = np.full((a.LANE_FIELDS, 1), 7.0), np.full((8, 1), 7.0)
    lane[a.FRACTION], lane[a.BINDING], lane[a.CAPACITY_LEFT] = fraction, 3.0, left
    line[a.PLANNED], line[a.WIP], line[a.OLDEST] = 100.0, wip, 5.5
    kernel = release_route if form == "compiled" else release_route.py_func
    kernel(np.array([20.0]), 5.0, np.array([2.0]), equipped, 9, line, lane, 1)
    assert tuple(line[[a.STARTS, a.ALLOWED, a.HELD_BY], 0]) == expected
    # by Little's law what stands in the line crosses it in three steps and a half
    assert line[a.FLOW, 0] == (wip / 3.5 if wip else expected[0])


@pytest.mark.parametrize("form", FORMS)
def test_what_costs_a_design_most(form: str) -> None:
    cause = flow.dies_cause if form == "compiled" else flow.dies_cause.py_func
    assert cause(0.49, WAFER_PLAN, 1.0) == DEFECTS
    assert cause(0.51, WAFER_PLAN, 1.0) == WAFER_PLAN
    assert cause(0.3, ACCIDENT, 4.0) == ACCIDENT  # 4 times the wafers beat 3.3 times the dies
    assert cause(0.2, ACCIDENT, 4.0) == DEFECTS
    assert cause(0.0, ACCIDENT, 4.0) == DEFECTS


class Schedules(NamedTuple):
    """The part of a structure that shares wafers, as a type that kernels know."""

    route: np.ndarray
    entry: np.ndarray
    curve: np.ndarray


class World(NamedTuple):
    """The schedules' part of a world."""

    curve: np.ndarray


def test_wafers_are_shared_by_weight() -> None:
    low = np.array([[9.0, 9.0], [0.0, 3.0], [0.0, -1.0], [0.0, 1.0]])
    structure = Schedules(
        route=np.array([[0, 0, 0, 0, 1], [0, 0, 0, 1, 4]]),
        entry=np.array([[0, 0]] + [[1, 1]] * 3),
        curve=np.stack([low, low + 1.0], axis=1),
    )
    structure.entry[:, a.ENTRY_CURVE] = [0, 1, 2, 3]
    # the first lane at the low series, the second at the high one
    world = World(curve=np.repeat([[[0.0, 1.0], [1.0, 1.0]]], 4, axis=0))
    state = SimpleNamespace(weight=np.full((2, 4, 2), 7.0), lane=np.zeros((a.LANE_FIELDS, 2)))
    flow.share_wafers.py_func(structure, world, 1, 1, state, 2)
    np.testing.assert_array_equal(state.weight[1, :, 0], [7.0, 0.75, 0.0, 0.25])
    np.testing.assert_array_equal(state.weight[1, :, 1], [7.0, 4 / 6, 0.0, 2 / 6])
    flow.share_wafers.py_func(structure, world, 1, 0, state, 2)
    np.testing.assert_array_equal(state.weight[0, :, 0], [7.0, 0.0, 0.0, 0.0])  # to nobody
    np.testing.assert_array_equal(state.weight[0, :, 1], [7.0, 1 / 3, 1 / 3, 1 / 3])


# ---- cohorts on the route

CLOSE = 1e-12  # some roundings of places up to one, of speeds up to twenty

speeds = st.lists(st.one_of(st.just(0.0), st.floats(1e-3, 20.0)), min_size=1, max_size=6)
places = st.floats(0.0, 1.0)


def pieces_of(speed: list[float]) -> np.ndarray:
    pieces = np.zeros((len(speed), 4, 1))
    pieces[:, a.SPEED, 0] = speed
    return pieces


def ahead(speed: list[float], front: float, time: float) -> float:
    place, segment = flow.moved(pieces_of(speed), len(speed), front, time, 0)
    width = 1.0 / len(speed)
    assert segment * width - CLOSE <= place
    assert place <= (segment + 1) * width + CLOSE or segment == len(speed) - 1
    return float(place)


@pytest.mark.parametrize("form", FORMS)
def test_a_front_uses_up_its_time_segment_by_segment(form: str) -> None:
    moved = flow.moved if form == "compiled" else flow.moved.py_func
    pieces = pieces_of([0.25, 1.0, 0.0, 2.0])

    def after(front: float, time: float) -> tuple[float, int]:
        return moved(pieces, 4, front, time, 0)

    assert after(0.0, 0.5) == (0.125, 0)
    assert after(0.0, 1.0) == (0.25, 0)
    assert after(0.0, 1.125) == (0.375, 1)
    assert after(0.0, 9.0)[0] == 0.5  # nothing passes the third segment
    assert after(0.5, 9.0) == (0.5, 2)
    assert after(0.75, 0.125) == (1.0, 3)
    assert after(0.75, 1.0) == (2.75, 3)  # beyond the end as in the last segment
    assert after(1.0, 1.0) == (3.0, 3)


@given(speeds, places, places, st.floats(0.0, 2.0))
def test_no_front_overtakes_another(
    speed: list[float], one: float, other: float, time: float
) -> None:
    behind, before = (ahead(speed, front, time) for front in sorted([one, other]))
    assert behind <= before + CLOSE * max(1.0, before)
    assert behind >= min(one, other)


@given(speeds, places, st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_two_moves_are_one(speed: list[float], front: float, first: float, second: float) -> None:
    there = ahead(speed, front, first)
    if there <= 1.0:
        twice, once = ahead(speed, there, second), ahead(speed, front, first + second)
        # a place just before an edge may be rounded onto it: what is beyond has another speed
        assert twice == pytest.approx(once, abs=100 * CLOSE, rel=CLOSE)


@pytest.mark.parametrize("form", FORMS)
def test_wafers_are_spread_over_the_segments_between_two_places(form: str) -> None:
    spread = flow.spread if form == "compiled" else flow.spread.py_func
    pieces = np.zeros((4, 4, 1))
    for tail, first, front, last, wafers in (
        (0.125, 0, 0.625, 2, 40.0),
        (0.3, 1, 0.4, 1, 7.0),
        (1.0, 3, 1.0, 3, 3.0),  # without length
    ):
        spread(pieces, 4, tail, first, front, last, wafers, 0)
    expected = [10.0, 27.0, 10.0, 3.0]
    np.testing.assert_allclose(pieces[:, a.INSIDE, 0], expected, rtol=1e-14)


@given(st.integers(1, 40), places, places, st.floats(1e-3, 1e4))
def test_no_wafer_is_lost_between_segments(
    segments: int, one: float, other: float, wafers: float
) -> None:
    tail, front = sorted([one, other])
    pieces = np.zeros((segments, 4, 1))
    first, last = (min(int(place * segments), segments - 1) for place in (tail, front))
    flow.spread(pieces, segments, tail, first, front, last, wafers, 0)
    inside = pieces[:, a.INSIDE, 0]
    assert inside.sum() == pytest.approx(wafers, rel=1e-9)  # of short cohorts over an edge
    edges = np.arange(segments + 1) / segments
    outside = (edges[1:] <= tail - 1e-9) | (edges[:-1] >= front + 1e-9)
    assert np.all(inside[outside] == 0.0)
    # a place that rounding puts beyond its edge
    assert np.all(inside >= -1e-9 * wafers)


LINES = [
    ("one_line", ("processes.n2.raw_process_days=50",)),
    ("one_group", ("simulation.process_noise=true", "fabs.line.plan.n2=1200")),
    ("one_group", ("fabs.line.plan.n2=2000", "simulation.segments=3")),  # above capacity
    ("two_fabs", ()),
    ("overload", ()),
    ("layers", ()),
    ("shocks", ("simulation.flow_steps=5",)),
]


@pytest.mark.parametrize(("name", "changes"), LINES)
def test_cohorts_keep_their_order_and_segments_hold_all_wafers(
    name: str, changes: tuple[str, ...]
) -> None:
    """The line as it stands after some steps: after each of the last ones, and in between."""
    made = Simulator(load_file(VALID / f"{name}.toml").with_changes(changes), ["baseline"], 7)
    compiled = made.compiled["baseline"]
    one_run = _Run(7, compiled, made._layouts["baseline"])
    _, worlds = compiled.draw(7, 0, 3)
    state, full = one_run.state, 0.0
    for steps in (1, 2, 7, compiled.clock.steps - 1, compiled.clock.steps):
        one_run(compiled.clock._replace(steps=steps), worlds, 0)
        for route, cohorts in enumerate(state.cohort[:, :steps, :, :3]):
            fronts, start = cohorts[:, a.FRONT], cohorts[:, a.START]
            left, wip = cohorts[:, a.LEFT], state.route[route, a.WIP, :3]
            assert np.all((fronts >= 0.0) & (fronts <= 1.0))
            # those that left long ago stay where they were when they did
            inside = left > 0.0
            both = inside[1:] & inside[:-1]
            assert np.all(np.diff(fronts, axis=0)[both] <= CLOSE)
            assert np.all((left >= 0.0) & (left <= start))
            for k in range(3):  # first come, first out
                assert np.all(np.diff(inside[start[:, k] > 0.0, k].astype(int)) >= 0)
            segments = compiled.structure.route[route, a.ROUTE_SEGMENTS]
            there = state.segment[route, :segments, a.INSIDE, :3].sum(axis=0)
            np.testing.assert_allclose(there, left.sum(axis=0), rtol=1e-9, atol=1e-6)
            np.testing.assert_allclose(wip, left.sum(axis=0), rtol=1e-9, atol=1e-6)
            full += wip.sum()
    assert full > 0.0
