"""Waits of lots for tools against the closed form of queues."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.supply.kernels.records_by_hand import FORMS, column, form_of, parameters, table
from yieldsim.closed_form import effective_process_cv2, effective_process_time, sakasegawa_wait
from yieldsim.model.schema import Fab, Process, ToolGroup
from yieldsim.supply.kernels.capacity import (
    give_way,
    group_waits,
    recall_load,
    remember,
    scarcest,
    unqueued_days,
)
from yieldsim.supply.kernels.records import LANES, GroupState, Scratch

ROUNDING = 64 * np.finfo(float).eps


def days(
    tools: float,
    lot_hours: float,
    pure_hours: float,
    mttr: float,
    repair_cv2: float,
    usage: float,
    cv2: float,
    form: str = "compiled",
    kept: float = 1.0,
) -> float:
    """The wait of a group whose lots take so long; two thirds of the spread come from arrivals."""
    hours, lots = 100.0, 25.0
    groups = table(
        GroupState,
        1,
        mean_passes=tools * lots * hours / lot_hours,
        rated_passes=tools * lots * hours / pure_hours,
        tool_count=tools,
        kept=kept,
        mttr_hours=mttr,
        repair_cv2=repair_cv2,
        load=usage * tools * lots * hours / lot_hours,
        wait_days=9.0,
    )
    fab = parameters(Fab, lot_size_wafers=lots, arrival_cv2=cv2 * 2.0 / 3.0)
    own = parameters(ToolGroup, 1, service_cv2=cv2 / 3.0)
    scratch = table(Scratch, capacity_left=1.0)
    form_of(group_waits, form)(hours, fab, own, groups, scratch, 1)
    return float(groups["wait_days"][0, 0])


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
    # the formula diverges at 1: beyond 0.97 the wait stays the same
    expected = sakasegawa_wait(tools, min(usage, 0.97), lot_hours, 1.3, process_cv2) / 24.0
    wait = days(tools, lot_hours, natural_hours, mttr, repair_cv2, usage, 1.3 + 0.5, form)
    # the power of the usage is taken by its logarithm, whose rounding errors grow with it
    assert wait == pytest.approx(float(expected), rel=ROUNDING * 10)


def test_wafers_that_skip_a_control_step_do_not_wait_for_it() -> None:
    assert days(3.0, 4.0, 3.0, 8.0, 1.0, 0.8, 1.5, kept=0.25) == pytest.approx(
        0.25 * days(3.0, 4.0, 3.0, 8.0, 1.0, 0.8, 1.5), rel=ROUNDING
    )


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
def test_a_group_without_load_or_without_tools_has_no_wait(form: str) -> None:
    groups = table(
        GroupState,
        3,
        mean_passes=[[2400.0], [2400.0], [0.0]],
        rated_passes=[[4000.0], [4000.0], [0.0]],
        tool_count=[[4.0], [4.0], [0.0]],
        kept=1.0,
        load=[[960.0], [0.0], [700.0]],
        wait_days=9.0,
    )
    fab = parameters(Fab, lot_size_wafers=25.0, arrival_cv2=1.5)
    # an accident leaves nothing of the capacity in the second lane
    scratch = table(Scratch, capacity_left=[1.0, 0.0] + [1.0] * 14)
    form_of(group_waits, form)(100.0, fab, parameters(ToolGroup, 3), groups, scratch, 2)
    assert groups["wait_days"][0, 0] > 0.0
    np.testing.assert_array_equal(groups["wait_days"][1:, :2], 0.0)
    assert groups["wait_days"][0, 1] == 0.0


def sampling(
    load: list[float], possible: list[float], floor: list[float], form: str = "compiled"
) -> tuple[list[float], float]:
    """Share of the planned passes that each group makes, and the least of them."""
    size = len(load)
    groups = table(GroupState, size, load=column(load), mean_passes=column(possible), kept=9.0)
    own = parameters(ToolGroup, size, sampling_floor=column(floor))
    scratch = table(Scratch)
    form_of(give_way, form)(own, groups, scratch, 2)
    return groups["kept"][:, 1].tolist(), float(scratch.kept_passes[1])


@pytest.mark.parametrize("form", FORMS)
def test_sampling_gives_way_down_to_its_floor(form: str) -> None:
    # the second group has capacity for 60 of 100 passes
    assert sampling([100.0, 100.0], [200.0, 60.0], [1.0, 0.3], form) == ([1.0, 0.6], 0.6)
    assert sampling([100.0, 100.0], [200.0, 20.0], [1.0, 0.3], form) == ([1.0, 0.3], 0.3)
    assert sampling([100.0, 100.0], [200.0, 60.0], [1.0, 1.0], form) == ([1.0, 1.0], 1.0)
    assert sampling([100.0, 100.0], [200.0, 300.0], [1.0, 0.3], form) == ([1.0, 1.0], 1.0)
    # where another group allows only 80 % of the plan, 60 passes are 75 % of what is asked for
    assert sampling([100.0, 100.0], [80.0, 60.0], [1.0, 0.3], form) == ([1.0, 0.75], 0.75)
    assert sampling([0.0, 0.0], [0.0, 0.0], [1.0, 0.3], form) == ([1.0, 1.0], 1.0)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("short", [0.1, 0.3, 0.7, 0.9])
def test_a_group_that_gives_way_is_no_bottleneck(form: str, short: float) -> None:
    """It keeps up with the scarcest of the others; without a rule, rounding would name either."""
    size, load = 3, [3.0, 7.0, 11.0]  # control steps first, then two other groups
    others = [7.0 * (short + 0.05), 11.0 * short]
    for floor, bottleneck in ((0.01, 2), (0.99, 0)):
        possible = [3.0 * short * 0.7, *others]
        groups = table(GroupState, size, load=column(load), mean_passes=column(possible), kept=9.0)
        own = parameters(ToolGroup, size, sampling_floor=column([floor, 1.0, 1.0]))
        scratch = table(Scratch)
        form_of(give_way, form)(own, groups, scratch, LANES)
        form_of(scarcest, form)(np.ones((size, LANES)), own, groups, scratch, LANES)
        np.testing.assert_array_equal(scratch.scarcest_group, bottleneck)
        fraction = short if bottleneck else short * 0.7 / 0.99
        np.testing.assert_allclose(scratch.allowed_fraction, fraction, rtol=ROUNDING)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("possible", [0.13, 0.3, 0.52, 0.7, 0.93])
def test_a_group_that_gives_way_to_the_plan_holds_nothing(form: str, possible: float) -> None:
    groups = table(GroupState, 1, load=11.0, mean_passes=11.0 * possible, kept=9.0)
    own, scratch = parameters(ToolGroup, 1, sampling_floor=0.05), table(Scratch)
    form_of(give_way, form)(own, groups, scratch, LANES)
    form_of(scarcest, form)(np.ones((1, LANES)), own, groups, scratch, LANES)
    assert np.all(scratch.allowed_fraction >= 1.0)


@pytest.mark.parametrize("form", FORMS)
def test_time_without_queues_is_told_in_shares_of_raw_process_time(form: str) -> None:
    process = parameters(
        Process, raw_process_days=30.0, transport_ratio=0.25, batch_ratio=0.5, hold_ratio=0.125
    )
    out = np.zeros(LANES)
    form_of(unqueued_days, form)(process, out, LANES)
    np.testing.assert_array_equal(out, 30.0 * 1.875)


@pytest.mark.parametrize("form", FORMS)
def test_the_use_of_tools_that_are_left_rises_as_their_queues_build_up(form: str) -> None:
    """The memory is of use, not of passes: those of lost tools would fill the others at once."""
    days_per_step, memory_days = 10.0, 365.25 / 4.0
    recent, left = np.zeros((1, LANES)), np.ones(LANES)

    def step(possible: float, made: float) -> float:
        """The use that the waits of the step see."""
        groups = table(GroupState, 1, mean_passes=possible, made_passes=made)
        form_of(recall_load, form)(recent, groups, left, 1)
        seen = float(groups["load"][0, 0])
        form_of(remember, form)(days_per_step, groups, left, recent, 1)
        return seen / possible if possible else seen

    for _ in range(400):
        step(1000.0, 600.0)
    assert step(1000.0, 600.0) == pytest.approx(0.6, rel=1e-12)
    assert step(750.0, 600.0) == pytest.approx(0.6, rel=1e-12)  # a quarter of the tools is lost
    weight = days_per_step / memory_days
    for number in range(1, 30):
        expected = 0.8 - 0.2 * (1.0 - weight) ** number
        assert step(750.0, 600.0) == pytest.approx(expected, rel=1e-12)
    before = recent[0, 0]
    assert step(0.0, 0.0) == 0.0  # no tools at all
    assert recent[0, 0] == before
