"""Wafers on their way: passes granted downstream first, segments that hand on, and the conveyor."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yieldsim.supply.kernels import records as a
from yieldsim.supply.kernels import segments as pipeline

FORMS = ["compiled", "plain"]
ROUNDING = 64 * np.finfo(float).eps


def kernel(name: str, form: str) -> Any:
    function = getattr(pipeline, name)
    return function if form == "compiled" else function.py_func


# ---- passes granted


class Line:
    """Routes over segments, and what tools can do: arrays of one lane for `grant`.

    ``visits`` are (process, segment, group), ``inside`` and ``pace`` (process, segment) or one
    number. Each process is the route of its number.
    """

    def __init__(
        self,
        visits: Any,
        inside: Any,
        pace: Any,
        passes: Any,
        left: float = 1.0,
        segments: tuple[int, ...] = (),
    ) -> None:
        self.visits = np.array(visits, float)[..., None]
        routes, most, size = self.visits.shape[:3]
        self.pieces = np.zeros((routes, most, a.SEGMENT_FIELDS, 1))
        self.pieces[:, :, a.INSIDE, 0], self.pieces[:, :, a.PACE, 0] = inside, pace
        self.group = np.zeros((a.GROUP_FIELDS, size, 1))
        self.group[a.PASSES, :, 0] = passes
        self.left, self.part = left, 1.0
        self.table = np.zeros((routes, 6), np.int64)
        self.table[:, a.ROUTE_PROCESS] = range(routes)
        self.table[:, a.ROUTE_SEGMENTS] = segments or most

    def grant(self, form: str = "compiled", part: float = 1.0) -> None:
        fab, self.part = np.array([0, len(self.pieces), 1]), part
        lane = np.full((a.LANE_FIELDS, self.pieces.shape[-1]), 7.0)
        lane[a.CAPACITY_LEFT] = self.left
        *shape, lanes = self.visits.shape
        first = shape[2] * (shape[1] * np.arange(shape[0])[:, None] + np.arange(shape[1] + 1))
        groups, visits = np.tile(np.arange(shape[2]), shape[0] * shape[1]), self.visits
        args = (fab, self.table, first, groups, visits.reshape(-1, lanes), self.group, self.pieces)
        kernel("grant", form)(*args, lane, part, lanes)
        self.pieces[:, :, a.GONE] += self.pieces[:, :, a.GO]  # as they are handed on
        kernel("charge", form)(*args, lanes)

    @property
    def asked(self) -> np.ndarray:
        """Wafers that would go on from each segment, (route, segment)."""
        parts = np.maximum(1.0, self.pieces[:, :, a.PACE, 0] / self.part)
        inside = self.pieces[:, :, a.INSIDE, 0]
        return np.where(inside < 1e-3, inside, inside / parts)

    @property
    def going(self) -> np.ndarray:
        return self.pieces[:, :, a.GO, 0]

    @property
    def made(self) -> np.ndarray:
        return self.group[a.MADE, :, 0]

    @property
    def there(self) -> np.ndarray:
        """Passes that the groups can make in the part of the step."""
        return self.group[a.PASSES, :, 0] * self.left * self.part


@pytest.mark.parametrize("form", FORMS)
def test_one_group_gives_to_the_last_segment_first(form: str) -> None:
    line = Line([[[2.0], [3.0]]], inside=[[10.0, 30.0]], pace=[[0.5, 2.0]], passes=[53.0])
    line.grant(form)
    # 15 wafers x 3 passes leave 8 of the 20 that the first segment asks for all of its wafers
    np.testing.assert_allclose(line.going, [[4.0, 15.0]], rtol=ROUNDING)
    np.testing.assert_allclose(line.made, 53.0, rtol=ROUNDING)
    line = Line([[[2.0], [3.0]]], [[10.0, 30.0]], [[0.5, 2.0]], passes=[90.0], left=0.1)
    line.grant(form)
    np.testing.assert_allclose(line.going, [[0.0, 3.0]], rtol=ROUNDING)
    np.testing.assert_allclose(line.made, 9.0, rtol=ROUNDING)


@pytest.mark.parametrize("form", FORMS)
def test_a_part_of_a_step_has_a_part_of_its_passes_and_of_its_time(form: str) -> None:
    line = Line([[[2.0], [3.0]]], [[10.0, 30.0]], [[0.5, 2.0]], passes=[120.0])
    line.grant(form, part=0.25)
    # 10 / 2 and 30 / 8 wafers, 30 passes: 11.25 for the last, 10 for the first
    np.testing.assert_allclose(line.going, [[5.0, 3.75]], rtol=ROUNDING)
    np.testing.assert_allclose(line.made, 21.25, rtol=ROUNDING)
    line.grant(form, part=0.25)  # counts on
    np.testing.assert_allclose(line.made, 42.5, rtol=ROUNDING)


@pytest.mark.parametrize("form", FORMS)
def test_routes_share_a_group_in_proportion(form: str) -> None:
    """Both ask one group for 10; what the second cannot use for want of another one is left."""
    line = Line([[[1.0, 0.0]], [[1.0, 1.0]]], [[10.0], [10.0]], pace=1.0, passes=[10.0, 2.0])
    line.grant(form)
    np.testing.assert_allclose(line.going, [[5.0], [2.0]], rtol=ROUNDING)
    np.testing.assert_allclose(line.made, [7.0, 2.0], rtol=ROUNDING)


@pytest.mark.parametrize("form", FORMS)
def test_routes_are_compared_from_their_ends(form: str) -> None:
    """The only segment of the second route is as far from the end as the last of the first."""
    visits = [[[1.0], [1.0]], [[1.0], [99.0]]]
    line = Line(visits, [[8.0, 8.0], [8.0, 77.0]], 1.0, passes=[12.0], segments=(2, 1))
    line.grant(form)
    np.testing.assert_allclose(line.going[0], [0.0, 6.0], rtol=ROUNDING)
    assert line.going[1, 0] == pytest.approx(6.0, rel=ROUNDING)
    np.testing.assert_allclose(line.made, 12.0, rtol=ROUNDING)


@pytest.mark.parametrize("form", FORMS)
def test_without_passes_only_segments_without_visits_hand_on(form: str) -> None:
    line = Line([[[0.0], [1.0], [0.0]]], [[6.0, 6.0, 0.0]], 2.0, passes=[0.0])
    line.grant(form)
    np.testing.assert_array_equal(line.going, [[3.0, 0.0, 0.0]])
    assert line.made == 0.0
    # few wafers go at once, not ever less of them
    few = Line([[[1.0]]], inside=[[9e-4]], pace=5.0, passes=[1.0])
    few.grant(form)
    assert few.going == 9e-4


@pytest.mark.parametrize("form", FORMS)
def test_a_lane_does_not_feel_that_a_group_is_tight_in_another(form: str) -> None:
    visits, pace = [[[2.0], [3.0]], [[1.0], [1.0]]], 1.7
    inside = [[[10.0, 30.0], [5.0, 8.0]], [[1.0, 3.0], [0.5, 0.8]]]
    alone = [Line(visits, each, pace, passes=[61.0]) for each in inside]
    both = Line(visits, inside[0], pace, passes=[61.0])
    for name in ("visits", "group", "pieces"):
        setattr(both, name, np.concatenate([getattr(one, name) for one in alone], axis=-1))
    for line in (*alone, both):
        line.grant(form)
    for k, one in enumerate(alone):
        np.testing.assert_array_equal(both.pieces[:, :, a.GO, k], one.going)
        np.testing.assert_array_equal(both.group[a.MADE, :, k], one.made)
    assert alone[0].going[0, 0] < alone[0].asked[0, 0]
    np.testing.assert_array_equal(alone[1].going, alone[1].asked)


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
        draw(st.one_of(st.just(0.0), st.floats(1e-3, 1.0))),
    )


@given(lines(), st.sampled_from([1.0, 0.5, 0.25]))
def test_no_more_is_made_than_there_is_nor_goes_on_than_asks(line: Line, part: float) -> None:
    line.grant(part=part)
    assert np.all(line.going >= 0.0)
    assert np.all(line.going <= line.asked * (1.0 + ROUNDING))
    passes = np.einsum("rs,rsg->g", line.going, line.visits[..., 0])
    np.testing.assert_allclose(line.made, passes, rtol=ROUNDING)
    # a sum of up to 15 terms, each with some roundings of what there was
    assert np.all(line.made <= line.there * (1.0 + ROUNDING))


@given(lines(most_groups=1))
def test_downstream_has_all_before_upstream_gets_any(line: Line) -> None:
    line.grant()
    asks = (line.asked > 0.0) & (line.visits[..., 0, 0] > 0.0)
    for s in range(1, line.pieces.shape[1]):
        short = asks[:, s] & (line.going[:, s] < line.asked[:, s] * (1.0 - 1e-9))
        if not short.any():
            continue
        # all routes get the same share, and behind them nothing is left
        shares = line.going[asks[:, s], s] / line.asked[asks[:, s], s]
        assert np.ptp(shares) < 1e-9
        before = line.going[:, :s] * line.visits[:, :s, 0, 0]
        assert before.sum() <= 1e-9 * line.there[0]


@given(lines())
def test_all_that_a_route_asks_for_is_granted_unless_a_group_runs_out(line: Line) -> None:
    line.grant()
    used = line.made >= line.there * (1.0 - 1e-9)
    visits_used = ((line.visits[..., 0] > 0.0) & used).any(axis=2)
    short = line.going < line.asked * (1.0 - 1e-9)
    alone = line.pieces.shape[0] == 1  # of several routes one may not use its proportion
    assert not alone or np.all(visits_used[short])


# ---- segments that hand on


@pytest.mark.parametrize("form", FORMS)
def test_what_goes_on_enters_the_next_segment(form: str) -> None:
    pieces, out = np.zeros((3, a.SEGMENT_FIELDS, 2)), np.full(2, 9.0)
    pieces[:, a.INSIDE] = [[10.0, 1.0], [20.0, 0.0], [30.0, 7.0]]
    pieces[:, a.GO] = [[4.0, 1.0], [5.0, 0.0], [6.0, 7.0]]
    kernel("hand_on", form)(pieces, 3, out, 2)
    np.testing.assert_array_equal(out, [6.0, 7.0])
    np.testing.assert_array_equal(pieces[:, a.INSIDE], [[6.0, 0.0], [19.0, 1.0], [29.0, 0.0]])
    np.testing.assert_array_equal(pieces[:, a.GONE], pieces[:, a.GO])
    kernel("hand_on", form)(pieces, 2, out, 2)  # a shorter route ends sooner
    np.testing.assert_array_equal(out, [5.0, 0.0])


@given(
    st.lists(st.floats(0.0, 1e4), min_size=1, max_size=8),
    st.lists(st.floats(0.0, 1.0), min_size=8, max_size=8),
)
def test_no_wafer_is_lost_between_segments(inside: list[float], share: list[float]) -> None:
    count = len(inside)
    pieces, out = np.zeros((count, a.SEGMENT_FIELDS, 1)), np.zeros(1)
    pieces[:, a.INSIDE, 0] = inside
    pieces[:, a.GO, 0] = np.array(inside) * share[:count]
    pipeline.hand_on(pieces, count, out, 1)
    assert pieces[:, a.INSIDE].sum() + out[0] == pytest.approx(sum(inside), rel=1e-12)
    assert pieces[:, a.INSIDE].min() >= -1e-9
    assert out[0] <= inside[-1]


@pytest.mark.parametrize("form", FORMS)
def test_starts_enter_before_the_move_where_there_is_no_raw_time(form: str) -> None:
    piece, starts, raw = np.zeros((4, 2)), np.array([8.0, 6.0]), np.array([20.0, 0.0])
    enter = kernel("enter", form)
    enter(piece, starts, raw, True, 0.5, 2)
    np.testing.assert_array_equal(piece[a.INSIDE], [0.0, 3.0])
    enter(piece, starts, raw, False, 0.5, 2)
    np.testing.assert_array_equal(piece[a.INSIDE], [4.0, 3.0])


# ---- the conveyor of a line without tools


@pytest.mark.parametrize("form", FORMS)
def test_a_conveyor_by_hand(form: str) -> None:
    """Two and a half steps long: of each cohort a half leaves in the third step and the rest in
    the fourth; where an accident takes half of the speed, only in its time."""
    cohort, line = np.zeros((6, 3, 2)), np.zeros((10, 2))
    convey, outs = kernel("convey", form), []
    for step in range(6):
        cohort[step] = [[100.0] * 2, [100.0] * 2, [0.0] * 2]
        left = np.array([1.0, 0.5 if step == 2 else 1.0])
        out = np.zeros(2)
        convey(cohort, line, step, np.array([2.5, 2.5]), left, out, 2)
        outs.append(out.copy())
        for k in range(2):  # first in, first out
            rest = out[k]
            for t in range(step + 1):
                gone = min(rest, cohort[t, a.LEFT, k])
                cohort[t, a.LEFT, k] -= gone
                rest -= gone
    steady = [0.0, 0.0, 50.0, 100.0, 100.0, 100.0]
    # what was started in the slow step stands twice as close
    slow = [0.0, 0.0, 0.0, 100.0, 100.0, 150.0]
    np.testing.assert_allclose(np.transpose(outs)[0], steady, rtol=1e-12, atol=1e-9)
    np.testing.assert_allclose(np.transpose(outs)[1], slow, rtol=1e-12, atol=1e-9)


@given(st.floats(0.01, 12.0), st.lists(st.floats(0.0, 500.0), min_size=15, max_size=15))
def test_a_conveyor_hands_out_what_entered_its_length_before(
    pace: float, starts: list[float]
) -> None:
    """With starts spread evenly over their steps, at any length and whatever they are."""
    cohort, line, out = np.zeros((15, 3, 1)), np.zeros((10, 1)), np.zeros(1)
    total, entered = 0.0, np.cumsum([0.0, *starts])
    for step, wafers in enumerate(starts):
        cohort[step, a.START] = cohort[step, a.LEFT] = wafers
        pipeline.convey(cohort, line, step, np.array([pace]), np.ones(1), out, 1)
        total += out[0]
        rest = out[0]
        for t in range(step + 1):
            gone = min(rest, cohort[t, a.LEFT, 0])
            cohort[t, a.LEFT, 0] -= gone
            rest -= gone
        expected = np.interp(step + 1 - pace, np.arange(16), entered) if step + 1 > pace else 0.0
        # shares from 1 - 1e-9 on leave as a whole
        assert total == pytest.approx(expected, rel=1e-8, abs=1e-6)
