"""Changes on dates (release rates, WIP caps, absent tools), and counts by period."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.flow.lines import data_set, order, step, tool_group
from yieldsim.errors import UsageError
from yieldsim.flow import DataSet, compile_line, count_periods, replicate
from yieldsim.flow.dataset import Absence, Calendar
from yieldsim.flow.laws import Spread
from yieldsim.flow.periods import PeriodCounts

DAY_MIN = 1440.0
# Times are sums of a few whole minutes, converted to days and back.
CLOSE = {"rel": 1e-12}


def counts(data: DataSet, ends_days: list[float], seed: int = 1) -> PeriodCounts:
    return count_periods(compile_line(data), seed, 0, ends_days)


def test_releases_follow_the_rates_of_the_periods() -> None:
    # One lot per hour, two from hour 10 on, none from 20 on, one every two hours from 30 on.
    rates = ((600.0, 1.0), (1200.0, 2.0), (1800.0, 0.0), (np.inf, 0.5))
    data = data_set(
        [tool_group(speeds=(1.0,) * 9)], [step("1", minutes=1.0)],
        [order(60.0, rates=rates, first_min=30.0)],
    )  # fmt: skip
    counted = counts(data, [hour / 24.0 for hour in (10.0, 20.0, 30.0, 40.0)])
    # At 0:30 to 9:30, then 10:15, 10:45 to 19:45; half an hour's worth is left at hour 20.
    assert list(counted.started[:, 0]) == [250.0, 500.0, 0.0, 125.0]
    assert list(counted.finished[:, 0]) == [250.0, 500.0, 0.0, 125.0]


def test_poisson_releases_have_the_rate_of_each_period() -> None:
    rates = ((100 * DAY_MIN, 0.5), (200 * DAY_MIN, 2.0))
    every = Spread(10.0, 0.0, "exponential")
    data = data_set(
        [tool_group(speeds=(1.0,) * 50)], [step("1", minutes=1.0)],
        [order(1.0, interval=every, rates=rates)],
    )  # fmt: skip
    counted = counts(data, [100.0, 200.0])
    for lots, mean in zip(counted.started[:, 0] / 25.0, (7200.0, 28800.0), strict=True):
        assert abs(lots - mean) < 4.0 * np.sqrt(mean)  # Poisson


def full_line(cap: tuple[tuple[float, float], ...]) -> DataSet:
    """Two lots per hour for a tool that does one, and other lots outside the cap."""
    orders = [
        order(30.0, cap="line"),
        order(600.0, name="free", first_min=1.0, priority=20),
    ]
    return data_set([tool_group()], [step("1")], orders, caps={"line": cap})


def test_a_release_into_a_full_line_is_lost() -> None:
    counted = counts(full_line(((np.inf, 110.0),)), [10.0, 20.0])
    assert counted.wip[:, 0] == pytest.approx(100.0)  # four lots of 25 fit
    # The tool does 24 lots per day of both kinds.
    done = counted.finished.sum(axis=1) / 25.0
    assert done == pytest.approx(240.0, abs=1.0)
    assert counted.started[1, 0] == pytest.approx(counted.finished[1, 0], abs=25.0)
    # 48 lots per day were due.
    assert counted.started[1, 0] + counted.lost[1, 0] == 480 * 25.0
    assert counted.lost[:, 1].sum() == 0.0


def test_a_cap_changes_on_its_date() -> None:
    counted = counts(full_line(((10 * DAY_MIN, 100.0), (np.inf, 300.0))), [10.0, 20.0])
    # At that minute one lot may have left and the next may not yet be due.
    assert list(counted.wip[:, 0]) == pytest.approx([100.0, 300.0], abs=25.0)
    counted = counts(full_line(((10 * DAY_MIN, 300.0), (np.inf, 100.0))), [10.0, 10.2, 20.0])
    # No lot is removed, and none enters until there is room again.
    assert counted.started[1, 0] == 0.0
    assert list(counted.wip[:, 0]) == pytest.approx([300.0, 200.0, 100.0], abs=25.0)


def test_a_tool_that_leaves_finishes_its_job() -> None:
    lots = order(1.0, releases=1, lots=3)
    data = data_set([tool_group(speeds=(1.0, 1.0))], [step("1")], [lots],
                    absences=(Absence("tool", 0, 30.0),))  # fmt: skip
    counted = counts(data, [1.0])
    # The third lot waits for the second tool, which finishes at the same minute.
    assert counted.cycle_days[0, 0] * DAY_MIN == pytest.approx((60 + 60 + 120) / 3.0, **CLOSE)
    away = replace(data, groups={"tool": tool_group()}, absences=(Absence("tool", 0, 30.0, 600.0),))
    counted = counts(away, [1.0])
    assert counted.cycle_days[0, 0] * DAY_MIN == pytest.approx((60 + 660 + 720) / 3.0, **CLOSE)
    late = replace(data, groups={"tool": tool_group()}, absences=(Absence("tool", 0, 0.0, 600.0),))
    assert counts(late, [1.0]).cycle_days[0, 0] * DAY_MIN == pytest.approx(720.0, **CLOSE)


def test_an_absent_tool_neither_fails_nor_is_maintained() -> None:
    fail = Calendar("f", "tool", "failure", Spread(300.0), Spread(60.0), Spread(100.0))
    dated = Calendar("pm", "tool", "calendar", Spread(400.0), Spread(30.0), Spread(400.0))
    data = data_set([tool_group()], [step("1")], [order(1.0, releases=1)], [fail, dated],
                    absences=(Absence("tool", 0, 350.0, 1e5),))  # fmt: skip
    line = compile_line(data)
    away = replicate(line, 1, 0, 1e5 / DAY_MIN)
    # The tool is there for 350 minutes. It fails at minute 100; the next failure would be at 460.
    assert float(away.repair[0]) == pytest.approx(60.0 / 350.0, **CLOSE)
    assert float(away.maintenance[0]) == 0.0
    assert float(away.utilization[0]) == pytest.approx(60.0 / 290.0, **CLOSE)
    back = replicate(line, 1, 0, (1e5 + 1000.0) / DAY_MIN)
    assert float(back.maintenance[0]) > 0.0
    assert float(back.repair[0]) > 60.0 / 1350.0


def test_lots_bound_to_a_tool_that_leaves_go_to_others() -> None:
    steps = [step("1", lens_for=1), step("2", minutes=1000.0)]
    data = data_set([tool_group(speeds=(1.0, 1.0))], steps, [order(1.0, releases=1, lots=2)])
    bound = counts(data, [2.0])
    assert bound.cycle_days[0, 0] * DAY_MIN == pytest.approx(1060.0, **CLOSE)
    # Each lot needs its own tool at minute 60. The second one is gone, so its lot comes second.
    gone = counts(replace(data, absences=(Absence("tool", 1, 30.0),)), [2.0])
    assert gone.cycle_days[0, 0] * DAY_MIN == pytest.approx((1060.0 + 2060.0) / 2.0, **CLOSE)
    # The third lot is bound to the first tool, which has the first lot from 120 to 220. The second
    # tool is free from 160 on and takes the third lot as soon as the first tool is gone.
    waits = [step("1", lens_for=1), step("2", minutes=100.0)]
    three_lots = data_set([tool_group(speeds=(1.0, 1.0))], waits,
                   [order(1.0, releases=1, lots=3)])  # fmt: skip
    kept = counts(three_lots, [2.0])
    assert kept.cycle_days[0, 0] * DAY_MIN == pytest.approx((220 + 160 + 320) / 3.0, **CLOSE)
    free = counts(replace(three_lots, absences=(Absence("tool", 0, 170.0),)), [2.0])
    assert free.cycle_days[0, 0] * DAY_MIN == pytest.approx((220 + 160 + 270) / 3.0, **CLOSE)


def test_counts_do_not_depend_on_the_periods() -> None:
    data = full_line(((np.inf, 200.0),))
    fine, coarse = counts(data, [1.0, 2.5, 4.0, 9.0]), counts(data, [9.0])
    for name in ("started", "lost", "finished"):
        assert list(getattr(fine, name).sum(axis=0)) == list(getattr(coarse, name)[0]), name
    assert list(fine.wip[-1]) == list(coarse.wip[0])
    assert fine.events == coarse.events


@pytest.mark.parametrize("ends", [[], [0.0], [2.0, 1.0], [np.nan]])
def test_periods_that_do_not_rise_are_refused(ends: list[float]) -> None:
    with pytest.raises(UsageError, match="periods"):
        counts(full_line(((np.inf, 200.0),)), ends)
