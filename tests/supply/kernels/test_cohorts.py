"""Wafers into and out of a line: release, shares of the designs, first in and first out."""

from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
import pytest

from tests.paths import VALID
from yieldsim.model.load import load_file
from yieldsim.outputs import ACCIDENT, DEFECTS, RELEASE, TOOL_GROUP, WAFER_PLAN
from yieldsim.supply.kernels import cohorts as flow
from yieldsim.supply.kernels import records as a
from yieldsim.supply.kernels.fab import release_route
from yieldsim.supply.simulate import Simulator, _Run

FORMS = ["compiled", "plain"]


@pytest.mark.parametrize("form", FORMS)
def test_release_starts_the_plan_unless_wip_forbids(form: str) -> None:
    release = flow.release if form == "compiled" else flow.release.py_func
    assert release(100.0, 100.0, True, 0.0, 0.0, 1e9, 4.0) == (100.0, False)
    # a line with tools buffers what they cannot do, one without has no place for it
    assert release(100.0, 25.0, True, 0.0, 0.0, 1e9, 4.0) == (100.0, False)
    assert release(100.0, 25.0, False, 0.0, 0.0, 1e9, 4.0) == (25.0, False)
    # cap 2 x 100 x 4 = 800 wafers: room for 30 more, and for those that leave
    assert release(100.0, 100.0, True, 770.0, 0.0, 2.0, 4.0) == (30.0, True)
    assert release(100.0, 100.0, True, 770.0, 45.0, 2.0, 4.0) == (75.0, True)
    assert release(100.0, 100.0, True, 770.0, 70.0, 2.0, 4.0) == (100.0, False)
    assert release(100.0, 100.0, True, 900.0, 60.0, 2.0, 4.0) == (0.0, True)
    full = 800.0 * (1.0 - 1e-12)  # but for rounding
    assert release(100.0, 100.0, True, full, 0.0, 2.0, 4.0) == (0.0, True)
    # cap 2 x 25 x 4 = 200 wafers: it counts what tools can do
    assert release(100.0, 25.0, True, 170.0, 0.0, 2.0, 4.0) == (30.0, True)
    assert release(100.0, 25.0, False, 170.0, 0.0, 2.0, 4.0) == (25.0, False)
    # a line without length never fills, and starts what tools can do
    assert release(100.0, 25.0, True, 900.0, 0.0, 2.0, 0.0) == (25.0, False)


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
    lane, line = np.full((a.LANE_FIELDS, 1), 7.0), np.full((9, 1), 7.0)
    lane[a.FRACTION], lane[a.BINDING], lane[a.CAPACITY_LEFT] = fraction, 3.0, left
    line[a.PLANNED], line[a.WIP], line[a.OLDEST], line[a.LAST_OUT] = 100.0, wip, 5.0, 0.0
    kernel = release_route if form == "compiled" else release_route.py_func
    kernel(np.array([20.0]), 5.0, np.array([2.0]), equipped, 9, line, lane, 1)
    assert tuple(line[[a.STARTS, a.ALLOWED, a.HELD_BY], 0]) == expected
    assert line[a.OLDEST, 0] == (5.0 if wip else 9.0)
    assert line[a.WIP, 0] == wip + expected[0]


@pytest.mark.parametrize("form", FORMS)
def test_a_line_that_all_have_left_is_empty(form: str) -> None:
    settle = flow.settle if form == "compiled" else flow.settle.py_func
    pieces, line = np.full((2, 4, 2), 1e-14), np.full((9, 2), 1e-14)
    line[a.OLDEST] = [1.0, 3.0]  # the second lane has none of the cohorts 0 to 2
    settle(line, pieces, 2, 2)
    np.testing.assert_array_equal(line[a.WIP], [1e-14, 0.0])
    np.testing.assert_array_equal(pieces[:, a.INSIDE], [[1e-14, 0.0]] * 2)


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


# ---- cohorts of a line

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
def test_wafers_leave_in_order_and_segments_hold_all_of_them(
    name: str, changes: tuple[str, ...]
) -> None:
    """The line as it stands after some steps: after each of the last ones, and in between."""
    made = Simulator(load_file(VALID / f"{name}.toml").with_changes(changes), ["baseline"], 7)
    compiled = made.compiled["baseline"]
    one_run = _Run(7, compiled, made._layouts["baseline"])
    _, worlds = compiled.draw(7, 0, 3)
    state, structure, full = one_run.state, compiled.structure, 0.0
    for steps in (1, 2, 7, compiled.clock.steps - 1, compiled.clock.steps):
        one_run(compiled.clock._replace(steps=steps), worlds, 0)
        for route, cohorts in enumerate(state.cohort[:, :steps, :, :3]):
            start, left = cohorts[:, a.START], cohorts[:, a.LEFT]
            wip = state.route[route, a.WIP, :3]
            assert np.all((left >= 0.0) & (left <= start))
            for k in range(3):  # all of one leave before any of the next
                begun = (left[:, k] > 0.0) & (start[:, k] > 0.0)
                touched = np.flatnonzero(left[:, k] < start[:, k])
                assert not begun[: max(touched, default=0)].any()
            np.testing.assert_allclose(wip, left.sum(axis=0), rtol=1e-9, atol=1e-6)
            if structure.fab[structure.route[route, a.ROUTE_FAB], a.FAB_EQUIPPED]:
                segments = structure.route[route, a.ROUTE_SEGMENTS]
                inside = state.segment[route, :, a.INSIDE, :3]
                assert np.all(inside >= -1e-9)
                assert not inside[segments:].any()
                np.testing.assert_allclose(inside.sum(axis=0), wip, rtol=1e-9, atol=1e-6)
            full += wip.sum()
    assert full > 0.0
