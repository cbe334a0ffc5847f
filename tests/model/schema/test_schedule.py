"""Schedules: points in the middle of quarters, steps, values before the first, two series."""

from typing import Any

import numpy as np
import pytest

from yieldsim.model import Quantity, Schedule
from yieldsim.model.schema.calendar import quarter_index, quarter_name, quarter_range

Q = quarter_index("2025Q1")


def schedule(**keys: Any) -> Schedule:
    return Schedule.model_validate({"source": "s", "grade": "assumed", **keys})


def low(item: Schedule, *times: float) -> list[float]:
    """The low curve at times in quarters from the start of 2025."""
    return [float(x) for x in item.curves(Q + np.array(times))[0]]


def test_quarters_count_from_the_year_0() -> None:
    assert quarter_index("2025Q1") == 2025 * 4
    assert quarter_name(quarter_index("2024Q4")) == "2024Q4"
    assert quarter_range("2024Q4", "2025Q2") == ["2024Q4", "2025Q1", "2025Q2"]
    assert quarter_range("2025Q2", "2025Q1") == []


@pytest.mark.parametrize(
    "text",
    [
        "2025Q0",
        "2025Q5",
        "2025q1",
        "25Q1",
        "2025Q1\n",
        " 2025Q1",
        "0025Q1",
        "-2025Q1",
        "２０２５Q1",
    ],
)
def test_other_texts_are_not_quarters(text: str) -> None:
    with pytest.raises(ValueError, match="must be a quarter, got "):
        quarter_index(text)


def test_linear_points_stand_in_the_middle_of_their_quarters() -> None:
    item = schedule(quarters=["2025Q1", "2025Q3"], values=[10, 30])
    assert low(item, 0.5, 1.0, 1.5, 2.5) == [10.0, 15.0, 20.0, 30.0]
    assert low(item, -5.0, 0.0, 2.9, 40.0) == [10.0, 10.0, 30.0, 30.0]  # flat outside


def test_steps_hold_from_the_start_of_their_quarters() -> None:
    item = schedule(quarters=["2025Q1", "2025Q3"], values=[10, 30], interpolate="step")
    assert low(item, -5.0, 0.0, 1.999, 2.0, 9.0) == [10.0, 10.0, 10.0, 30.0, 30.0]


@pytest.mark.parametrize("interpolate", ["linear", "step"])
def test_zero_before_the_first_quarter(interpolate: str) -> None:
    keys = {"quarters": ["2025Q1", "2025Q3"], "values": [10, 30], "before": "zero"}
    item = schedule(**keys, interpolate=interpolate)
    assert low(item, -0.001, 0.0, 0.25) == [0.0, 10.0, 10.0]


def test_two_series_stay_apart() -> None:
    item = schedule(quarters=["2025Q1", "2025Q2"], low=[1, 2], high=[5, 7], position={"value": 0.5})
    lower, upper = item.curves(Q + np.array([0.5, 1.0, 1.5]))
    np.testing.assert_array_equal(lower, [1.0, 1.5, 2.0])
    np.testing.assert_array_equal(upper, [5.0, 6.0, 7.0])
    assert item.describe() == "low(2025Q1 1 2025Q2 2) high(2025Q1 5 2025Q2 7)"
    assert item.extremes() == (1.0, 7.0)


def test_one_series_is_low_and_high() -> None:
    lower, upper = schedule(quarters=["2025Q1"], values=[4]).curves(np.array([Q + 0.5]))
    assert lower == upper == 4.0


def test_a_number_is_a_constant() -> None:
    item = schedule(value=7, unit="wafer/quarter", note="n")
    assert (item.values, item.unit, item.note, item.scale) == ((7.0,), "wafer/quarter", "n", None)
    assert low(item, -900.0, 0.0, 900.0) == [7.0, 7.0, 7.0]


def test_an_uncertain_constant_is_a_scale_of_one() -> None:
    item = schedule(dist="lognormal", median=2000, sigma=0.2, unit="wafer/month", note="n")
    assert (item.values, item.unit) == ((1.0,), "wafer/month")
    assert isinstance(item.scale, Quantity)
    assert item.scale.describe() == "lognormal(median 2000, sigma 0.2)"
    assert (item.scale.source, item.scale.grade, item.scale.note) == ("s", "assumed", "n")


def test_a_reference_is_a_scale_of_one() -> None:
    item = schedule(ref="level")
    assert item.scale is not None
    assert (item.values, item.scale.ref) == ((1.0,), "level")


def test_a_constant_can_have_a_scale_of_its_own() -> None:
    item = schedule(value=7, scale={"dist": "uniform", "low": 0.5, "high": 2})
    assert item.scale is not None
    assert (item.values, item.scale.support()) == ((7.0,), (0.5, 2.0))


def test_position_and_scale_inherit_the_source_of_their_series() -> None:
    position = {"value": 0.5, "source": "own", "grade": "reported"}
    item = schedule(quarters=["2025Q1"], low=[1], high=[2], position=position, scale=3)
    assert item.position is not None
    assert item.scale is not None
    assert (item.position.source, item.position.grade) == ("own", "reported")
    assert (item.scale.value, item.scale.source, item.scale.grade) == (3.0, "s", "assumed")


def test_a_factor_converts_the_curves() -> None:
    item = schedule(quarters=["2025Q1"], values=[9000]).in_unit("wafer/month", 1 / 3)
    assert low(item, 0.5) == [9000 * (1 / 3)]
    assert item.extremes() == (9000.0, 9000.0)  # points stay as stated


POINTS = {"quarters": ["2025Q1", "2025Q3", "2026Q1"], "values": [10, 30, 50]}
TIMES = np.arange(-4.0, 24.0, 0.25)


@pytest.mark.parametrize("interpolate", ["linear", "step"])
@pytest.mark.parametrize("before", ["hold", "zero"])
@pytest.mark.parametrize("count", [-3, 4])
def test_a_shifted_series_is_that_of_moved_points(
    interpolate: str, before: str, count: int
) -> None:
    keys = {"interpolate": interpolate, "before": before}
    moved = [quarter_name(quarter_index(quarter) + count) for quarter in POINTS["quarters"]]
    expected = low(schedule(quarters=moved, values=POINTS["values"], **keys), *TIMES)
    assert low(schedule(**POINTS, **keys, shift_quarters=count), *TIMES) == expected


def test_a_series_waits_from_a_date_on() -> None:
    item = schedule(**POINTS, shift_quarters=2, shift_from="2025Q2")
    # up to the middle of 2025Q2 as written, flat for two quarters, then as written two quarters ago
    assert low(item, 0.5, 1.0, 1.5, 2.5, 3.5, 4.0, 5.5, 6.5) == [10, 15, 20, 20, 20, 25, 40, 50]
    assert item.describe().endswith(", 2 quarters later from 2025Q2 on")


def test_a_series_that_is_brought_forward_from_a_date_leaves_out_what_lies_between() -> None:
    item = schedule(**POINTS, shift_quarters=-1, shift_from="2025Q2")
    assert low(item, 1.5, 1.75, 2.5) == [20, 32.5, 40]
    assert schedule(**POINTS, shift_quarters=-1).describe().endswith(", 1 quarter earlier")


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"value": 7, "shift_quarters": 4}, "cannot be shifted, got shift_quarters beside value"),
        ({**POINTS, "shift_from": "2025Q2"}, "needs shift_quarters, got shift_from 2025Q2 alone"),
        ({**POINTS, "shift_quarters": 1.5}, "must be a whole number, got 1.5"),
        ({**POINTS, "shift_quarters": 500}, "less than or equal to 400"),
        ({**POINTS, "shift_quarters": 1, "shift_from": "2025"}, "must be a quarter, got '2025'"),
    ],
)
def test_a_shift_that_means_nothing_is_refused(keys: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        schedule(**keys)


def test_raised_curves_stop_at_a_limit() -> None:
    item = schedule(quarters=["2025Q1"], values=[0.5]).in_unit("1", 1.0)
    assert low(item.raised(1.1, 1.0), 0.5) == [0.5 * 1.1]
    assert low(item.raised(3.0, 1.0), 0.5) == [1.0]
    assert low(item.raised(2.0, 1.0).raised(0.5, 1.0), 0.5) == [0.5]
