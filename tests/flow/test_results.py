"""Availability by expectation: the closed form, where it holds, and its effect on the figures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.flow.lines import HOUR_MIN, data_set, markov, order, step, tool_group
from yieldsim.errors import UsageError
from yieldsim.flow import (
    CompiledLine,
    DataSet,
    GroupFigures,
    Outcome,
    compile_line,
    replicate,
    summarize,
)
from yieldsim.flow.dataset import Absence, Calendar
from yieldsim.flow.laws import Spread

SEED = 5
MOST_SE = 3.0


def exponential(hours: float) -> Spread:
    return Spread(hours * HOUR_MIN, 0.0, "exponential")


def failures(mttf_h: float, mttr_h: float, **changes: object) -> Calendar:
    plain = Calendar("f", "tool", "failure", exponential(mttf_h), exponential(mttr_h),
                     exponential(mttf_h))  # fmt: skip
    return replace(plain, **changes)


def dated(every_h: float, lasts_h: float) -> Calendar:
    every = Spread(every_h * HOUR_MIN)
    return Calendar("pm", "tool", "calendar", every, Spread(lasts_h * HOUR_MIN), every)


def fleet(tools: int, calendars: list[Calendar], every_min: float = 60.0) -> DataSet:
    """Tools with a lot of one hour every ``every_min``."""
    return data_set([tool_group(speeds=(1.0,) * tools)], [step("1")], [order(every_min)], calendars)


def runs(
    line: CompiledLine, replications: int, hours: float, warmup_h: float = 0.0
) -> list[Outcome]:
    return [replicate(line, SEED, r, hours / 24.0, warmup_h / 24.0) for r in range(replications)]


def figures(data: DataSet, replications: int, hours: float, warmup_h: float = 0.0) -> GroupFigures:
    line = compile_line(data)
    outcomes = runs(line, replications, hours, warmup_h)
    return summarize(line, outcomes, warmup_h / 24.0).groups[0]


def counted_se(data: DataSet, replications: int, hours: float, warmup_h: float = 0.0) -> float:
    """Standard error of the plain count of repairs."""
    repairs = [float(o.repair[0]) for o in runs(compile_line(data), replications, hours, warmup_h)]
    return float(np.std(repairs, ddof=1) / np.sqrt(replications))


def test_the_expected_share_of_a_window_by_hand() -> None:
    # rho = 1/3, k = 1.5 per hour. The share is less than rho by (1 - exp(-1.5)) / 1.5 = 0.51791323
    # of it in hour 0 to 1, and by (exp(-1.5) - exp(-4.5)) / 3 = 0.07067372 of it in hours 1 to 3.
    data = fleet(1, [failures(2.0, 1.0)])
    assert figures(data, 1, 1.0).repair_expected == pytest.approx(0.16069559, abs=1e-8)
    later = figures(data, 1, 3.0, 1.0)
    assert later.repair_expected == pytest.approx(0.30977543, abs=1e-8)
    assert later.availability == pytest.approx(1.0 - 0.30977543, abs=1e-8)
    # Long after the start it is MTTR / (MTTF + MTTR). Repairs of no duration take no time.
    assert figures(data, 1, 200.0, 100.0).repair_expected == pytest.approx(1.0 / 3.0, rel=1e-12)
    instant = figures(fleet(1, [failures(2.0, 0.0)]), 1, 5.0)
    assert (instant.repair_expected, instant.availability) == (0.0, 1.0)


def test_repairs_are_averaged_over_the_tools_and_added_over_their_clocks() -> None:
    # Both tools are under repair for 1/3 of the time, the second for another 1/11.
    both = [failures(2.0, 1.0), failures(10.0, 1.0, tools=(1, 2))]
    group = figures(fleet(2, both), 1, 900.0, 300.0)
    assert group.repair_expected == pytest.approx(1.0 / 3.0 + 1.0 / 22.0, rel=1e-9)
    none = figures(fleet(2, []), 1, 50.0)
    assert (none.repair_expected, none.availability, none.availability_se) == (
        0.0, 1.0, pytest.approx(np.nan, nan_ok=True))  # fmt: skip


@pytest.mark.statistical
def test_one_tool_over_a_long_run() -> None:
    group = figures(fleet(1, [failures(50.0, 5.0)], 90.0), 16, 40_000.0, 400.0)
    error = counted_se(fleet(1, [failures(50.0, 5.0)], 90.0), 16, 40_000.0, 400.0)
    assert group.availability == pytest.approx(50.0 / 55.0, rel=1e-6)
    assert error < 0.0015  # by Cox, as in test_hvlm: 0.0011
    assert abs(group.availability - group.availability_counted) < MOST_SE * error
    assert group.availability_se == 0.0  # no randomness is left


@pytest.mark.statistical
@pytest.mark.parametrize(("hours", "warmup_h"), [(2.0, 0.0), (4.0, 2.0), (12.0, 8.0)])
def test_small_windows_soon_after_the_start(hours: float, warmup_h: float) -> None:
    # rho = 1/3, 1/k = 3 hours 20: far from steady.
    data = fleet(1000, [failures(10.0, 5.0)])
    group = figures(data, 20, hours, warmup_h)
    error = counted_se(data, 20, hours, warmup_h)
    assert abs(group.repair_expected - group.repair) < MOST_SE * error
    if hours < 12.0:
        assert 1.0 / 3.0 - group.repair_expected > 30.0 * error  # the steady share would be wrong


@pytest.mark.statistical
@pytest.mark.parametrize("migrate", [False, True])
def test_failures_beside_maintenance_and_other_failures(migrate: bool) -> None:
    """Repairs of one tool run one after the other and take the same time in total."""
    calendars = [failures(40.0, 8.0), failures(15.0, 4.0), dated(60.0, 6.0)]
    line = compile_line(fleet(20, calendars, 6.0), migrate=migrate)
    outcomes = runs(line, 40, 3000.0, 500.0)
    group = summarize(line, outcomes, 500.0 / 24.0).groups[0]
    error = float(np.std([o.repair[0] for o in outcomes], ddof=1)) / np.sqrt(40)
    assert group.repair_expected == pytest.approx(8.0 / 48.0 + 4.0 / 19.0, rel=1e-9)
    assert error < 0.0015  # by the same formula for each clock: 0.0012
    assert abs(group.repair - group.repair_expected) < MOST_SE * error
    assert group.availability == pytest.approx(1.0 - group.repair_expected - group.maintenance)
    # Only maintenance is random. The work done does not depend on what it is divided by.
    counted = np.std([o.availability[0] for o in outcomes], ddof=1) / np.sqrt(40)
    assert 0.0 < group.availability_se < 0.3 * counted
    assert group.utilization * group.availability == pytest.approx(
        np.mean([o.utilization[0] * o.availability[0] for o in outcomes]), rel=1e-4
    )


@pytest.mark.statistical
def test_utilization_varies_less_by_expectation() -> None:
    """The exact utilization of a queue with failures, at a smaller standard error than counted."""
    mttf_h, mttr_h, work = 50.0, 5.0, 0.5
    queue = markov((1.0,), work * mttf_h / (mttf_h + mttr_h), (mttf_h, mttr_h))
    # Even releases instead of Poisson ones, whose luck would hide that of the repairs.
    lots = queue.orders[0]
    even = replace(lots, interval=Spread(lots.interval.mean))
    line = compile_line(replace(queue, orders=(even,)))
    outcomes = runs(line, 40, 2000.0, 400.0)
    group = summarize(line, outcomes, 400.0 / 24.0).groups[0]
    assert group.utilization == pytest.approx(work, abs=MOST_SE * group.utilization_se)
    counted = np.array([outcome.utilization[0] for outcome in outcomes])
    assert group.utilization_counted == pytest.approx(counted.mean(), rel=1e-12)
    assert group.utilization_se < counted.std(ddof=1) / np.sqrt(40)


def test_utilization_of_a_group_that_is_never_idle_is_as_counted() -> None:
    group = figures(fleet(2, [failures(50.0, 5.0)], 10.0), 6, 1000.0, 100.0)
    assert group.availability != group.availability_counted
    assert group.utilization == group.utilization_counted
    # A job of an hour may cross an end of the window with a repair in it: 1 in 10 of 1 h in 900 h.
    assert group.utilization == pytest.approx(1.0, abs=1e-4)


CONSTANT = Spread(5.0 * HOUR_MIN)


@pytest.mark.parametrize(
    "calendars",
    [
        [failures(50.0, 5.0, duration=CONSTANT)],
        [failures(50.0, 5.0, interval=Spread(3000.0, 100.0, "uniform"))],
        [failures(50.0, 5.0, first=Spread(60.0))],
        [failures(50.0, 5.0, first=exponential(49.0))],
        [failures(50.0, 5.0), failures(50.0, 5.0, duration=CONSTANT)],
        # More than all time: on at least one tool, repairs queue behind one another without end.
        [failures(5.0, 4.0), failures(5.0, 7.0)],
        [failures(5.0, 4.0, tools=(1, 2)), failures(5.0, 7.0, tools=(1, 2))],
        # Repairs and maintenance together exceed all time.
        [failures(5.0, 4.0), dated(2.0, 1.5)],
    ],
)
def test_failures_outside_the_closed_form_are_counted(calendars: list[Calendar]) -> None:
    group = figures(fleet(3, calendars), 4, 1500.0, 500.0)
    assert np.isnan(group.repair_expected)
    assert group.availability == group.availability_counted
    assert group.availability == pytest.approx(1.0 - group.repair - group.maintenance, rel=1e-12)
    # nan (a dash in the table) where a replication was under repair all the time.
    assert group.utilization == pytest.approx(group.utilization_counted, rel=0.0, nan_ok=True)
    assert group.repair > 0.0


def test_only_groups_with_absent_tools_are_counted() -> None:
    groups = [tool_group(speeds=(1.0, 1.0)), tool_group("other")]
    calendars = [failures(50.0, 5.0), failures(50.0, 5.0, group="other")]
    data = data_set(
        groups, [step("1"), step("2", "other")], [order(90.0)], calendars,
        absences=(Absence("tool", 1, 600.0, 9000.0),),
    )  # fmt: skip
    line = compile_line(data)
    away, other = summarize(line, runs(line, 2, 500.0), 0.0).groups
    assert np.isnan(away.repair_expected)
    assert away.availability == away.availability_counted
    assert 0.0 < other.repair_expected < 5.0 / 55.0
    assert other.availability == pytest.approx(1.0 - other.repair_expected, rel=1e-12)


def test_without_the_warm_up_everything_is_counted() -> None:
    line = compile_line(fleet(3, [failures(50.0, 5.0)]))
    outcomes = runs(line, 2, 500.0, 100.0)
    group = summarize(line, outcomes).groups[0]
    assert np.isnan(group.repair_expected)
    assert (group.availability, group.utilization) == (
        group.availability_counted, group.utilization_counted)  # fmt: skip
    for warmup_days in (-1.0, np.nan, np.inf):
        with pytest.raises(UsageError, match="warmup"):
            summarize(line, outcomes, warmup_days)
