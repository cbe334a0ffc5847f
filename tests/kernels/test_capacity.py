"""What tools allow a line: loads, the scarcest group, waits, passes granted downstream first."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yieldsim.closed_form import (
    effective_process_cv2,
    effective_process_time,
    sakasegawa_wait,
)
from yieldsim.kernels import arrays as a
from yieldsim.kernels import capacity

FORMS = ["compiled", "plain"]
ROUNDING = 64 * np.finfo(float).eps


def kernel(name: str, form: str) -> Any:
    function = getattr(capacity, name)
    return function if form == "compiled" else function.py_func


def groups(*, lanes: int = 1, **fields: list[float]) -> np.ndarray:
    """Working arrays of groups with one value of each field for each group, in all lanes."""
    (size,) = {len(values) for values in fields.values()}
    made = np.zeros((size, a.GROUP_FIELDS, lanes))
    for name, values in fields.items():
        made[:, getattr(a, name)] = np.array(values)[:, None]
    return made


def lane_of(left: float = 1.0, lanes: int = 1) -> np.ndarray:
    """Working arrays of a stage, with what accidents leave of the capacity."""
    lane = np.full((a.LANE_FIELDS, lanes), 7.0)
    lane[a.CAPACITY_LEFT] = left
    return lane


def table(*processes: int) -> np.ndarray:
    """Routes of a fab, by the process that each runs."""
    made = np.zeros((len(processes), 6), np.int64)
    made[:, a.ROUTE_PROCESS] = processes
    return made


# ---- loads and the scarcest group


@pytest.mark.parametrize("form", FORMS)
def test_loads_are_the_passes_of_all_routes_of_the_fab(form: str) -> None:
    visits = np.array([[[10.0, 1.0], [4.0, 0.0]], [[2.0, 1.0], [0.0, 5.0]]])  # process, group, lane
    lines = np.zeros((3, 8, 2))
    lines[:, a.PLANNED] = [[7.0, 7.0], [100.0, 1.0], [50.0, 2.0]]
    lines[:, a.FLOW] = [[1.0, 0.0]] * 3
    group = groups(LOAD=[99.0, 99.0], lanes=2)
    load, fab = kernel("load_groups", form), np.array([1, 3, 1])  # the first is another fab's
    load(fab, table(0, 0, 1), visits, lines, a.PLANNED, group, 2)
    np.testing.assert_array_equal(group[:, a.LOAD], [[1100.0, 3.0], [400.0, 10.0]])
    load(fab, table(0, 0, 1), visits, lines, a.FLOW, group, 2)
    np.testing.assert_array_equal(group[:, a.LOAD], [[12.0, 0.0], [4.0, 0.0]])


@pytest.mark.parametrize("form", FORMS)
def test_the_scarcest_group_of_a_route(form: str) -> None:
    # lanes: the second group; both alike (the first one counts); none is visited; no load
    visits = np.array([[3.0, 3.0, 0.0, 3.0], [1.0, 1.0, 0.0, 1.0], [0.0, 0.0, 0.0, 0.0]])
    group = groups(CALM=[30.0, 10.0, 1.0], LOAD=[20.0, 20.0, 20.0], lanes=4)
    group[1, a.CALM, 1] = 30.0
    group[:, a.LOAD, 3] = 0.0
    lane = lane_of(lanes=4)
    kernel("scarcest", form)(visits, group, lane, 4)
    np.testing.assert_array_equal(lane[a.FRACTION], [0.5, 1.5, np.inf, np.inf])
    np.testing.assert_array_equal(lane[a.BINDING], [1, 0, -1, -1])


# ---- waits and pace


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("usage", [1e-6, 0.3, 0.8, 0.97, 1.4])
@pytest.mark.parametrize("tools", [1.0, 2.0, 30.0])
@pytest.mark.parametrize("repair_cv2", [0.0, 1.0, 2.5])
def test_waits_follow_the_closed_form(
    form: str, usage: float, tools: float, repair_cv2: float
) -> None:
    natural_hours, availability, mttr = 3.0, 0.85, 8.0
    lot_hours = effective_process_time(natural_hours, availability)
    process_cv2 = effective_process_cv2(0.5, availability, mttr, natural_hours, repair_cv2)
    # beyond 0.97 the formula diverges: the wait stays where it is
    expected = sakasegawa_wait(tools, min(usage, 0.97), lot_hours, 1.3, process_cv2) / 24.0
    days = kernel("queue_days", form)
    wait = days(tools, lot_hours, natural_hours, mttr, repair_cv2, usage, 1.3 + 0.5)
    # the power of u is taken by its logarithm: errors grow with that
    assert wait == pytest.approx(float(expected), rel=ROUNDING * 10)


@given(st.floats(1e-9, 0.5), st.floats(0.5, 3.0), st.integers(1, 200), st.floats(0.0, 3.0))
def test_waits_rise_with_use_and_spread_and_fall_with_tools(
    low: float, high: float, tools: int, cv2: float
) -> None:
    def wait(usage: float, count: float, repair_cv2: float) -> float:
        return capacity.queue_days(count, 4.0, 3.0, 8.0, repair_cv2, usage, 2.0)

    assert wait(low, tools, cv2) <= wait(high, tools, cv2)
    assert wait(high, tools + 1.0, cv2) <= wait(high, tools, cv2)
    assert wait(high, tools, cv2) <= wait(high, tools, cv2 + 0.5)


@pytest.mark.parametrize("form", FORMS)
def test_waits_of_groups_go_by_what_is_left_of_their_mean_passes(form: str) -> None:
    """Four tools of 10 wafers an hour for 100 hours, 0.6 of the time for production."""
    group = groups(
        CALM=[2400.0] * 3,
        PURE=[4000.0] * 3,
        COUNT=[4.0] * 3,
        REPAIR=[20.0] * 3,
        REPAIR_SPREAD=[2.0] * 3,
        LOAD=[960.0, 0.0, 5000.0],
        WAIT=[9.0] * 3,
        lanes=2,
    )
    fab, own = np.zeros((3, 2)), np.zeros((3, 2, 2))
    fab[a.LOT_SIZE], fab[a.ARRIVAL_CV2], own[:, a.GROUP_CV2] = 25.0, 1.5, 0.5
    left = np.array([0.8, 0.0])  # in the second lane nothing is: nobody gets in line
    kernel("group_waits", form)(100.0, fab, own, group, left, 2)
    te, t0 = 25.0 / 6.0, 2.5
    ce2 = effective_process_cv2(0.5, 0.6, 20.0, t0, 2.0)
    by_use = [sakasegawa_wait(4.0, u, te, 1.5, ce2) / 24.0 for u in (0.5, 0.97)]
    expected = [float(by_use[0]), 0.0, float(by_use[1])]
    np.testing.assert_allclose(group[:, a.WAIT, 0], expected, rtol=ROUNDING * 10)
    np.testing.assert_array_equal(group[:, a.WAIT, 1], 0.0)


@pytest.mark.parametrize("form", FORMS)
def test_the_pace_of_a_segment_adds_the_waits_of_its_visits(form: str) -> None:
    raw = np.array([20.0, 0.0])
    visits = np.array([[[10.0, 0.0], [1.0, 0.0]], [[4.0, 0.0], [0.0, 0.0]]])  # segment, group, lane
    group = groups(WAIT=[0.5, 0.25], lanes=2)
    pieces = np.full((2, 4, 2), 7.0)
    pace = kernel("pace_route", form)
    pace(raw, 5.0, True, visits, group, pieces, 2, 2)
    expected = [(10 + 5 + 0.25) / 5, (10 + 2) / 5]
    np.testing.assert_allclose(pieces[:, a.PACE, 0], expected, rtol=ROUNDING)
    np.testing.assert_array_equal(pieces[:, a.PACE, 1], 1e-12)  # no time at all
    np.testing.assert_array_equal(pieces[:, a.INSIDE], 7.0)
    pace(raw, 5.0, False, visits, group, pieces, 1, 2)
    np.testing.assert_allclose(pieces[0, a.PACE, 0], 4.0, rtol=ROUNDING)


# ---- passes granted


class Line:
    """Routes over segments, and what tools can do: arrays of one lane for `grant`."""

    def __init__(self, visits: Any, inside: Any, pace: Any, passes: Any, left: float = 1.0) -> None:
        self.visits = np.array(visits, float)[..., None]  # process, segment, group, lane
        routes, segments, size = self.visits.shape[:3]
        self.pieces = np.zeros((routes, segments, 4, 1))
        self.pieces[:, :, a.INSIDE, 0], self.pieces[:, :, a.PACE, 0] = inside, pace
        self.group = groups(PASSES=list(passes), MADE=[0.0] * size)
        self.left = left

    def grant(self, form: str = "compiled", part: float = 1.0) -> None:
        routes, lanes = len(self.pieces), self.pieces.shape[-1]
        fab, lane = np.array([0, routes, 1]), lane_of(self.left, lanes)
        args = (fab, table(*range(routes)), self.visits, self.group, self.pieces, lane, part)
        kernel("grant", form)(*args, lanes)

    @property
    def asked(self) -> np.ndarray:
        """Wafers a step that would cross each segment, (route, segment)."""
        return self.pieces[:, :, a.INSIDE, 0] / self.pieces[:, :, a.PACE, 0]

    @property
    def granted(self) -> np.ndarray:
        """Part of its undisturbed speed that each segment keeps, (route, segment)."""
        segments = self.pieces.shape[1]
        return self.pieces[:, :, a.SPEED, 0] * segments * self.pieces[:, :, a.PACE, 0]

    @property
    def made(self) -> np.ndarray:
        return self.group[:, a.MADE, 0]


@pytest.mark.parametrize("form", FORMS)
def test_one_group_gives_to_the_last_segment_first(form: str) -> None:
    line = Line([[[2.0], [3.0]]], inside=[[10.0, 30.0]], pace=[[0.5, 2.0]], passes=[53.0])
    line.grant(form, part=0.25)
    # 15 wafers x 3 passes leave 8 of the 40 that the first segment asks for
    np.testing.assert_allclose(line.granted, [[0.2, 1.0]], rtol=ROUNDING)
    np.testing.assert_allclose(line.pieces[0, :, a.SPEED, 0], [0.2, 0.25], rtol=ROUNDING)
    np.testing.assert_allclose(line.made, 53.0 / 4, rtol=ROUNDING)
    line = Line([[[2.0], [3.0]]], [[10.0, 30.0]], [[0.5, 2.0]], [90.0], left=0.1)
    line.grant(form)
    np.testing.assert_allclose(line.granted, [[0.0, 0.2]], rtol=ROUNDING)
    np.testing.assert_allclose(line.made, 9.0, rtol=ROUNDING)


@pytest.mark.parametrize("form", FORMS)
def test_routes_share_a_group_in_proportion(form: str) -> None:
    """Both ask one group for 10; what the second cannot use for want of another one is left."""
    visits = [[[1.0, 0.0]], [[1.0, 1.0]]]
    line = Line(visits, inside=[[10.0], [10.0]], pace=1.0, passes=[10.0, 2.0])
    line.grant(form)
    np.testing.assert_allclose(line.granted, [[0.5], [0.2]], rtol=ROUNDING)
    np.testing.assert_allclose(line.made, [7.0, 2.0], rtol=ROUNDING)
    line.grant(form)  # counts on
    np.testing.assert_allclose(line.made, [14.0, 4.0], rtol=ROUNDING)


@pytest.mark.parametrize("form", FORMS)
def test_without_passes_only_segments_without_visits_move(form: str) -> None:
    line = Line([[[0.0], [1.0], [0.0]]], [[5.0, 5.0, 0.0]], 2.0, passes=[0.0])
    line.grant(form)
    np.testing.assert_allclose(line.granted, [[1.0, 0.0, 1.0]], rtol=ROUNDING)
    assert line.made == 0.0
    empty = Line([[[4.0]]], inside=[[0.0]], pace=[[1e-12]], passes=[0.0])
    empty.grant(form)
    assert empty.pieces[0, 0, a.SPEED, 0] == capacity.FASTEST  # nothing is asked for


@pytest.mark.parametrize("form", FORMS)
def test_a_lane_does_not_feel_that_a_group_is_tight_in_another(form: str) -> None:
    visits, pace = [[[2.0], [3.0]], [[1.0], [1.0]]], 0.7
    inside = [[[10.0, 30.0], [5.0, 8.0]], [[1.0, 3.0], [0.5, 0.8]]]
    alone = [Line(visits, each, pace, passes=[41.0]) for each in inside]
    both = Line(visits, inside[0], pace, passes=[41.0])
    for name in ("visits", "group", "pieces"):
        setattr(both, name, np.concatenate([getattr(one, name) for one in alone], axis=-1))
    for line in (*alone, both):
        line.grant(form)
    for k, one in enumerate(alone):
        np.testing.assert_array_equal(both.pieces[..., k], one.pieces[..., 0])
        np.testing.assert_array_equal(both.group[:, a.MADE, k], one.group[:, a.MADE, 0])
    assert alone[0].granted[0, 0] < 1.0 == alone[1].granted[0, 0]


amounts = st.one_of(st.just(0.0), st.floats(1e-3, 1e4))


@st.composite
def lines(draw: st.DrawFn, most_groups: int = 3) -> Line:
    routes, segments = draw(st.integers(1, 3)), draw(st.integers(1, 5))
    size = draw(st.integers(1, most_groups))

    def several(count: int, values: st.SearchStrategy[float] = amounts) -> list[float]:
        return draw(st.lists(values, min_size=count, max_size=count))

    cells = routes * segments
    return Line(
        np.reshape(several(cells * size), (routes, segments, size)),
        np.reshape(several(cells), (routes, segments)),
        np.reshape(several(cells, st.floats(1e-2, 10.0)), (routes, segments)),
        several(size),
        draw(st.floats(0.0, 1.0)),
    )


@given(lines(), st.sampled_from([1.0, 0.5, 0.25]))
def test_no_more_is_made_than_granted_and_no_more_granted_than_there_is(
    line: Line, part: float
) -> None:
    line.grant(part=part)
    assert np.all(line.granted >= 0.0)
    assert np.all(line.granted <= 1.0 + ROUNDING)
    wafers = line.granted * line.asked
    passes = np.einsum("rs,rsg->g", wafers, line.visits[..., 0]) * part
    there = line.group[:, a.PASSES, 0] * line.left * part
    assert np.all(line.made <= there * (1.0 + ROUNDING))
    # a sum of up to 15 terms, each with some roundings of what there was
    np.testing.assert_allclose(line.made, passes, rtol=ROUNDING, atol=ROUNDING * there.max())


@given(lines(most_groups=1))
def test_downstream_has_all_before_upstream_gets_any(line: Line) -> None:
    line.grant()
    asks = (line.asked > 0.0) & (line.visits[..., 0, 0] > 0.0)
    there = line.group[0, a.PASSES, 0] * line.left
    for s in range(1, line.pieces.shape[1]):
        short = asks[:, s] & (line.granted[:, s] < 1.0 - 1e-9)
        if not short.any():
            continue
        # all routes get the same share, and behind them nothing is left
        assert np.ptp(line.granted[asks[:, s], s]) < 1e-9
        before = line.granted[:, :s] * line.asked[:, :s] * line.visits[:, :s, 0, 0]
        assert before.sum() <= 1e-9 * there


@given(lines())
def test_all_that_a_route_asks_for_is_granted_unless_a_group_runs_out(line: Line) -> None:
    line.grant()
    used = line.made >= line.group[:, a.PASSES, 0] * line.left * (1.0 - 1e-9)
    visits_used = (line.visits[..., 0] > 0.0) & used
    short = line.granted < 1.0 - 1e-9
    alone = line.pieces.shape[0] == 1  # of several routes one may not use its proportion
    assert not alone or np.all(visits_used.any(axis=2)[short])


# ---- what is booked


@pytest.mark.parametrize("form", FORMS)
def test_passes_made_are_experience_by_class(form: str) -> None:
    group = groups(PASSES=[4000.0, 500.0], MADE=[2000.0, 300.0], lanes=2)
    group[:, a.SHARE], group[:, a.SHARE + 1] = [[0.75, 0.0], [1.0, 0.5]], [[0.25, 0.0], [0.0, 0.5]]
    group[:, a.TOOLS], group[:, a.UP] = [[6.0, 0.0], [1.0, 0.0]], [[0.9, 0.0], [0.5, 0.0]]
    kpasses, booked = np.ones((2, 2, 2)), np.ones((4, 2, 2, 2))
    left = np.array([0.5, 1.0])
    kernel("book_groups", form)(10, group, left, kpasses, booked, 2)
    np.testing.assert_allclose(kpasses[:, :, 0], [[2.5, 1.5], [1.3, 1.0]], rtol=ROUNDING)
    np.testing.assert_allclose(kpasses[:, :, 1], [[1.0, 1.0], [1.15, 1.15]], rtol=ROUNDING)
    first = booked[..., 0] - 1.0
    np.testing.assert_allclose(first[a.T_TOOLS], [[0.6, 0.0], [0.1, 0.0]], atol=ROUNDING)
    np.testing.assert_allclose(first[a.T_UP], [[5.4, 0.0], [0.5, 0.0]], atol=ROUNDING)
    np.testing.assert_allclose(first[a.T_POSSIBLE], [[1500.0, 500.0], [250.0, 0.0]], rtol=ROUNDING)
    np.testing.assert_allclose(first[a.T_MADE], [[1500.0, 500.0], [300.0, 0.0]], rtol=ROUNDING)


def test_loads_are_added_up() -> None:
    group, booked = groups(LOAD=[3.0, 4.0]), np.ones((2, 1))
    capacity.book_load(group, booked, 1)
    np.testing.assert_array_equal(booked, [[4.0], [5.0]])
