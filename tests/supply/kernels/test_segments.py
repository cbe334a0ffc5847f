"""Wafers on their way: passes granted downstream first, segments that hand on, and the conveyor."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.supply.kernels.records_by_hand import FORMS, column, form_of, structure_table, table
from yieldsim.supply.kernels import segments as kernels
from yieldsim.supply.kernels.records import (
    LANES,
    Cohort,
    GroupState,
    RoutePlan,
    RouteState,
    Segment,
)

ROUNDING = 64 * np.finfo(float).eps


# ---- passes granted


class FabOfRoutes:
    """The routes of a fab over segments, and what its tools can do, alike in all lanes.

    ``visits`` are (route, segment, group), ``inside`` wafers and ``pace`` in steps (route, segment)
    or one number, ``passes`` (group). Each route has a process of its own.
    """

    def __init__(self, visits: Any, inside: Any, pace: Any, passes: Any, left: float = 1.0) -> None:
        self.visits, self.left, self.part = np.array(visits, float), left, 1.0
        routes, count, size = self.visits.shape
        inside, pace = (np.broadcast_to(x, (routes, count))[..., None] for x in (inside, pace))
        self.segments = table(Segment, routes, count, wafers=inside, pace_steps=pace)
        self.groups = table(GroupState, size, possible_passes=column(passes), kept=1.0)
        plans = [{"process": r, "segments": count} for r in range(routes)]
        self.fab = kernels.FabVisits(
            first_route=0,
            end_route=routes,
            route=structure_table(RoutePlan, *plans),
            first=size * (count * np.arange(routes)[:, None] + np.arange(count + 1)),
            group=np.tile(np.arange(size), routes * count),
            passes=np.repeat(self.visits.reshape(-1, 1), LANES, axis=1),
            wafers=table(RouteState, routes, ripe=np.inf),
        )

    def grant(self, form: str = "compiled", part: float = 1.0) -> None:
        """Grant passes for a part of a step, and charge them as those of wafers that moved on."""
        left, self.part = np.full(LANES, self.left), part
        args = (self.fab, self.groups, self.segments)
        form_of(kernels.grant, form)(*args, left, part, LANES)
        self.segments["moved"][...] += self.segments["moving"]
        form_of(kernels.charge, form)(*args, LANES)

    @property
    def asked(self) -> np.ndarray:
        """Wafers that would go on from each segment, (route, segment)."""
        parts = np.maximum(1.0, self.segments["pace_steps"][..., 0] / self.part)
        inside = self.segments["wafers"][..., 0]
        return np.where(inside < 1e-3, inside, inside / parts)

    @property
    def moving(self) -> np.ndarray:
        return np.asarray(self.segments["moving"][..., 0])

    @property
    def made(self) -> np.ndarray:
        return np.asarray(self.groups["made_passes"][:, 0])

    @property
    def there(self) -> np.ndarray:
        """Passes that the groups can make in the part of the step."""
        return np.asarray(self.groups["possible_passes"][:, 0] * self.left * self.part)


@pytest.mark.parametrize("form", FORMS)
def test_a_group_gives_to_the_last_segment_first(form: str) -> None:
    fab = FabOfRoutes([[[2.0], [3.0]]], inside=[[10.0, 30.0]], pace=[[0.5, 2.0]], passes=[53.0])
    fab.grant(form)
    # 15 wafers x 3 passes leave 8 passes; the first segment asks 20 for all of its wafers
    np.testing.assert_allclose(fab.moving, [[4.0, 15.0]], rtol=ROUNDING)
    np.testing.assert_allclose(fab.made, 53.0, rtol=ROUNDING)


@pytest.mark.parametrize("form", FORMS)
def test_routes_share_a_group_in_proportion(form: str) -> None:
    """Both ask one group for 10; passes that the second cannot use for lack of another are left."""
    visits = [[[1.0, 0.0]], [[1.0, 1.0]]]
    fab = FabOfRoutes(visits, [[10.0], [10.0]], pace=1.0, passes=[10.0, 2.0])
    fab.grant(form)
    np.testing.assert_allclose(fab.moving, [[5.0], [2.0]], rtol=ROUNDING)
    np.testing.assert_allclose(fab.made, [7.0, 2.0], rtol=ROUNDING)


def test_a_lane_does_not_feel_that_a_group_is_tight_in_another() -> None:
    """Rounding leaves 1.4 - 1.0 < 0.4 passes, but a group that can make all of them grants all."""
    fab = FabOfRoutes([[[1.0], [1.0]]], inside=[[0.4, 1.0]], pace=1.0, passes=[1.4])
    fab.groups["possible_passes"][0, 1] = 0.5
    fab.grant()
    np.testing.assert_array_equal(fab.moving, [[0.4, 1.0]])
    np.testing.assert_array_equal(fab.segments["moving"][0, :, 1], [0.0, 0.5])


def test_few_wafers_leave_a_segment_at_once() -> None:
    fab = FabOfRoutes([[[1.0]]], inside=[[9e-4]], pace=5.0, passes=[1.0])
    fab.grant()
    assert fab.moving == 9e-4


amounts = st.one_of(st.just(0.0), st.floats(1e-3, 1e4))


@st.composite
def fabs(draw: st.DrawFn, most_groups: int = 3) -> FabOfRoutes:
    routes, segments = draw(st.integers(1, 3)), draw(st.integers(1, 5))
    size = draw(st.integers(1, most_groups))

    def several(count: int, values: st.SearchStrategy[float] = amounts) -> list[float]:
        return draw(st.lists(values, min_size=count, max_size=count))

    cells = routes * segments
    return FabOfRoutes(
        np.reshape(several(cells * size), (routes, segments, size)),
        np.reshape(several(cells), (routes, segments)),
        np.reshape(several(cells, st.floats(1e-2, 10.0)), (routes, segments)),
        several(size),
        draw(st.one_of(st.just(0.0), st.floats(1e-3, 1.0))),
    )


@given(fabs(), st.sampled_from([1.0, 0.5, 0.25]))
def test_groups_make_no_more_than_they_can_and_wafers_move_as_they_ask(
    fab: FabOfRoutes, part: float
) -> None:
    fab.grant(part=part)
    assert np.all(fab.moving >= 0.0)
    assert np.all(fab.moving <= fab.asked * (1.0 + ROUNDING))
    passes = np.einsum("rs,rsg->g", fab.moving, fab.visits)
    np.testing.assert_allclose(fab.made, passes, rtol=ROUNDING)
    # a sum of up to 15 terms, each with some roundings of what there was
    assert np.all(fab.made <= fab.there * (1.0 + ROUNDING))


@given(fabs(most_groups=1))
def test_downstream_has_all_before_upstream_gets_any(fab: FabOfRoutes) -> None:
    fab.grant()
    asks = (fab.asked > 0.0) & (fab.visits[..., 0] > 0.0)
    for s in range(1, fab.visits.shape[1]):
        short = asks[:, s] & (fab.moving[:, s] < fab.asked[:, s] * (1.0 - 1e-9))
        if not short.any():
            continue
        # all routes get the same share, and behind them nothing is left
        shares = fab.moving[asks[:, s], s] / fab.asked[asks[:, s], s]
        assert np.ptp(shares) < 1e-9
        before = fab.moving[:, :s] * fab.visits[:, :s, 0]
        assert before.sum() <= 1e-9 * fab.there[0]


@given(fabs())
def test_all_that_a_route_asks_for_is_granted_unless_a_group_runs_out(fab: FabOfRoutes) -> None:
    fab.grant()
    used = fab.made >= fab.there * (1.0 - 1e-9)
    visits_used = ((fab.visits > 0.0) & used).any(axis=2)
    short = fab.moving < fab.asked * (1.0 - 1e-9)
    alone = fab.visits.shape[0] == 1  # of several routes one may not use its proportion
    assert not alone or np.all(visits_used[short])


# ---- segments that hand on


@given(
    st.lists(st.floats(0.0, 1e4), min_size=1, max_size=8),
    st.lists(st.floats(0.0, 1.0), min_size=8, max_size=8),
)
def test_no_wafer_is_lost_between_segments(inside: list[float], share: list[float]) -> None:
    count = len(inside)
    moving = np.array(inside) * share[:count]
    segments = table(Segment, count, wafers=column(inside), moving=column(moving))
    outs = np.zeros(LANES)
    kernels.hand_on(segments, count, outs, LANES)
    left = segments["wafers"][:, 0]
    assert left.sum() + outs[0] == pytest.approx(sum(inside), rel=1e-12)
    assert left.min() >= -1e-9
    # each segment gains what the one before it gives
    expected = inside - moving + np.array([0.0, *moving[:-1]])
    np.testing.assert_allclose(left, expected, rtol=1e-12, atol=1e-9)
    assert outs[0] == moving[-1]


# ---- the conveyor of a route without tools


@pytest.mark.parametrize("form", FORMS)
def test_a_conveyor_hands_out_what_entered_its_length_before(form: str) -> None:
    convey = form_of(kernels.convey, form)

    @given(st.floats(0.01, 12.0), st.lists(st.floats(0.0, 500.0), min_size=15, max_size=15))
    def check(pace_steps: float, starts: list[float]) -> None:
        """With starts spread evenly over their steps, at any length and whatever they are."""
        cohorts, route = table(Cohort, 15), table(RouteState)
        pace, left, outs = np.full(LANES, pace_steps), np.ones(LANES), np.zeros(LANES)
        total, entered = 0.0, np.cumsum([0.0, *starts])
        for step, wafers in enumerate(starts):
            cohorts["started"][step] = cohorts["remaining"][step] = wafers
            convey(cohorts, route, step, pace, left, outs, 1)
            total += outs[0]
            take(cohorts, outs[0], step)
            expected = np.interp(step + 1 - pace_steps, np.arange(16), entered)
            expected = expected if step + 1 > pace_steps else 0.0
            # shares from 1 - 1e-9 on leave as a whole
            assert total == pytest.approx(expected, rel=1e-8, abs=1e-6)

    check()


def take(cohorts: Any, wafers: float, step: int) -> None:
    """Take wafers off the cohorts up to a step, the oldest first."""
    for t in range(step + 1):
        gone = min(wafers, cohorts["remaining"][t, 0])
        cohorts["remaining"][t] -= gone
        wafers -= gone
