"""What tools allow a line: loads, the scarcest group, waits, the pace of segments, bookings."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yieldsim.closed_form import effective_process_cv2, effective_process_time, sakasegawa_wait
from yieldsim.supply.kernels import capacity
from yieldsim.supply.kernels import records as a
from yieldsim.units import DAYS_PER_QUARTER

FORMS = ["compiled", "plain"]
ROUNDING = 64 * np.finfo(float).eps


def kernel(name: str, form: str) -> Any:
    function = getattr(capacity, name)
    return function if form == "compiled" else function.py_func


def groups(*, lanes: int = 1, **fields: list[float]) -> np.ndarray:
    """Working arrays of groups with one value of each field for each group, in all lanes."""
    (size,) = {len(values) for values in fields.values()}
    made = np.zeros((a.GROUP_FIELDS, size, lanes))
    for name, values in fields.items():
        made[getattr(a, name)] = np.array(values)[:, None]
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
    lines = np.zeros((3, 10, 2))
    lines[:, a.PLANNED] = [[7.0, 7.0], [100.0, 1.0], [50.0, 2.0]]
    lines[:, a.STARTS] = [[1.0, 0.0]] * 3
    group = groups(LOAD=[99.0, 99.0], lanes=2)
    load, fab = kernel("load_groups", form), np.array([1, 3, 1])  # the first is another fab's
    load(fab, table(0, 0, 1), visits, lines, a.PLANNED, group, 2)
    np.testing.assert_array_equal(group[a.LOAD], [[1100.0, 3.0], [400.0, 10.0]])
    load(fab, table(0, 0, 1), visits, lines, a.STARTS, group, 2)
    np.testing.assert_array_equal(group[a.LOAD], [[12.0, 0.0], [4.0, 0.0]])


@pytest.mark.parametrize("form", FORMS)
def test_the_scarcest_group_of_a_route(form: str) -> None:
    # lanes: the second group; both alike (the first one counts); none is visited; no load
    visits = np.array([[3.0, 3.0, 0.0, 3.0], [1.0, 1.0, 0.0, 1.0], [0.0, 0.0, 0.0, 0.0]])
    group = groups(CALM=[30.0, 10.0, 1.0], LOAD=[20.0, 20.0, 20.0], lanes=4)
    group[a.CALM, 1, 1] = 30.0
    group[a.LOAD, :, 3] = 0.0
    lane = lane_of(lanes=4)
    kernel("scarcest", form)(visits, group, lane, 4)
    np.testing.assert_array_equal(lane[a.FRACTION], [0.5, 1.5, np.inf, np.inf])
    np.testing.assert_array_equal(lane[a.BINDING], [1, 0, -1, -1])


# ---- waits and pace


def days(
    tools: float,
    lot_hours: float,
    pure_hours: float,
    mttr: float,
    repair_cv2: float,
    usage: float,
    cv2: float,
    form: str = "compiled",
) -> float:
    """The wait of one group whose lots take so long, of which two thirds of the spread arrive."""
    hours, lots = 100.0, 25.0
    group = groups(
        CALM=[tools * lots * hours / lot_hours],
        PURE=[tools * lots * hours / pure_hours],
        COUNT=[tools],
        REPAIR=[mttr],
        REPAIR_SPREAD=[repair_cv2],
        LOAD=[usage * tools * lots * hours / lot_hours],
        WAIT=[9.0],
    )
    fab = np.array([[lots], [cv2 * 2.0 / 3.0], [4.0]])
    own = np.array([[[0.0], [cv2 / 3.0]]])
    kernel("group_waits", form)(hours, fab, own, group, lane_of(), 1)
    return float(group[a.WAIT, 0, 0])


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
    wait = days(tools, lot_hours, natural_hours, mttr, repair_cv2, usage, 1.3 + 0.5, form)
    # the power of u is taken by its logarithm: errors grow with that
    assert wait == pytest.approx(float(expected), rel=ROUNDING * 10)


@given(st.floats(1e-9, 0.5), st.floats(0.5, 3.0), st.integers(1, 200), st.floats(0.0, 3.0))
def test_waits_rise_with_use_and_spread_and_fall_with_tools(
    low: float, high: float, tools: int, cv2: float
) -> None:
    def wait(usage: float, count: float, repair_cv2: float) -> float:
        return days(count, 4.0, 3.0, 8.0, repair_cv2, usage, 2.0)

    assert wait(low, tools, cv2) <= wait(high, tools, cv2)
    assert wait(high, tools + 1.0, cv2) <= wait(high, tools, cv2)
    assert wait(high, tools, cv2) <= wait(high, tools, cv2 + 0.5)


@pytest.mark.parametrize("form", FORMS)
def test_waits_of_groups_go_by_what_is_left_of_their_mean_passes(form: str) -> None:
    """Four tools of 10 wafers an hour for 100 hours, 0.6 of the time for production; no load, more
    than there is, and a load on no tools."""
    group = groups(
        CALM=[2400.0] * 3 + [0.0],
        PURE=[4000.0] * 3 + [0.0],
        COUNT=[4.0] * 3 + [0.0],
        REPAIR=[20.0] * 3 + [0.0],
        REPAIR_SPREAD=[2.0] * 3 + [0.0],
        LOAD=[960.0, 0.0, 5000.0, 700.0],
        WAIT=[9.0] * 4,
        lanes=2,
    )
    fab, own = np.zeros((3, 2)), np.zeros((4, 2, 2))
    fab[a.LOT_SIZE], fab[a.ARRIVAL_CV2], own[:, a.GROUP_CV2] = 25.0, 1.5, 0.5
    lane = lane_of(lanes=2)
    lane[a.CAPACITY_LEFT] = [0.8, 0.0]  # in the second one nothing is: nobody gets in line
    kernel("group_waits", form)(100.0, fab, own, group, lane, 2)
    te, t0 = 25.0 / 6.0, 2.5
    ce2 = effective_process_cv2(0.5, 0.6, 20.0, t0, 2.0)
    by_use = [sakasegawa_wait(4.0, u, te, 1.5, ce2) / 24.0 for u in (0.5, 0.97)]
    expected = [float(by_use[0]), 0.0, float(by_use[1]), 0.0]
    np.testing.assert_allclose(group[a.WAIT, :, 0], expected, rtol=ROUNDING * 10)
    np.testing.assert_array_equal(group[a.WAIT, :, 1], 0.0)


@pytest.mark.parametrize("form", FORMS)
def test_the_pace_of_a_segment_adds_the_waits_of_its_visits(form: str) -> None:
    raw = np.array([20.0, 0.0])
    # the second group is visited in the first segment alone
    first, visited = np.array([0, 2, 3]), np.array([0, 1, 0])
    visits = np.array([[10.0, 0.0], [1.0, 0.0], [4.0, 0.0]])
    group = groups(WAIT=[0.5, 0.25], lanes=2)
    pieces = np.full((2, a.SEGMENT_FIELDS, 2), 7.0)
    pace = kernel("pace_route", form)
    pace(raw, 5.0, True, first, visited, visits, group, pieces, 2, 2)
    expected = [(10 + 5 + 0.25) / 5, (10 + 2) / 5]
    np.testing.assert_allclose(pieces[:, a.PACE, 0], expected, rtol=ROUNDING)
    np.testing.assert_array_equal(pieces[:, a.PACE, 1], 1e-12)  # no time at all
    np.testing.assert_array_equal(pieces[:, a.INSIDE], 7.0)
    pace(raw, 5.0, False, first, visited, visits, group, pieces, 1, 2)
    np.testing.assert_allclose(pieces[0, a.PACE, 0], 4.0, rtol=ROUNDING)


# ---- what is booked


@pytest.mark.parametrize("form", FORMS)
def test_passes_made_are_experience_by_class(form: str) -> None:
    group = groups(PASSES=[4000.0, 500.0], MADE=[2000.0, 300.0], lanes=2)
    group[a.SHARE], group[a.SHARE + 1] = [[0.75, 0.0], [1.0, 0.5]], [[0.25, 0.0], [0.0, 0.5]]
    group[a.TOOLS], group[a.UP] = [[6.0, 0.0], [1.0, 0.0]], [[0.9, 0.0], [0.5, 0.0]]
    kpasses, booked = np.ones((2, 2, 2)), np.ones((4, 2, 2, 2))
    left = np.array([0.5, 1.0])
    fleets, in_all = np.zeros((2, 2, 2), np.int64), np.ones((3, 2, 2))
    kernel("book_use", form)(fleets, group, left, kpasses, in_all, 2)
    kernel("book_tools", form)(10, group, left, booked, 2)
    np.testing.assert_allclose(kpasses[:, :, 0], [[2.5, 1.5], [1.3, 1.0]], rtol=ROUNDING)
    np.testing.assert_allclose(kpasses[:, :, 1], [[1.0, 1.0], [1.15, 1.15]], rtol=ROUNDING)
    first = booked[..., 0] - 1.0
    np.testing.assert_allclose(first[a.T_TOOLS], [[0.6, 0.0], [0.1, 0.0]], atol=ROUNDING)
    np.testing.assert_allclose(first[a.T_UP], [[5.4, 0.0], [0.5, 0.0]], atol=ROUNDING)
    np.testing.assert_allclose(first[a.T_POSSIBLE], [[1500.0, 500.0], [250.0, 0.0]], rtol=ROUNDING)
    np.testing.assert_allclose(first[a.T_MADE], [[1500.0, 500.0], [300.0, 0.0]], rtol=ROUNDING)
    assert in_all[a.T_UTILIZATION].tolist() == [[2001.0, 2001.0], [301.0, 301.0]]
    assert in_all[a.T_POSSIBLE_IN_ALL].tolist() == [[2001.0, 4001.0], [251.0, 501.0]]
    fleets[:, :, a.FLEET_COUNT], before = -1, kpasses.copy()  # no class has a fleet
    kernel("book_use", form)(fleets, group, left, kpasses, in_all, 2)
    np.testing.assert_array_equal(kpasses, before)


def test_loads_are_added_up() -> None:
    group, booked = groups(LOAD=[3.0, 4.0]), np.ones((2, 1))
    capacity.book_load(group, booked, 1)
    np.testing.assert_array_equal(booked, [[4.0], [5.0]])


@pytest.mark.parametrize("form", FORMS)
def test_waits_go_by_the_passes_made_of_late(form: str) -> None:
    group, recent = groups(MADE=[40.0], LOAD=[7.0], lanes=1), np.array([[12.0]])
    kernel("remember", form)(DAYS_PER_QUARTER / 4, group, recent, 1)  # a quarter of the memory
    np.testing.assert_array_equal(recent, [[19.0]])
    kernel("recall_load", form)(recent, group, 1)
    assert group[a.LOAD, 0, 0] == 19.0
    kernel("remember", form)(DAYS_PER_QUARTER, group, recent, 1)  # forgets all before it
    np.testing.assert_array_equal(recent, [[40.0]])
