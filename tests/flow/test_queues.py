"""The event simulator against exact results: waits, failures, mixed fleets, Little's law."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.flow.lines import markov
from tests.paths import REFERENCE
from yieldsim.flow import DataSet, Outcome, compile_line, replicate

TABLES = json.loads((REFERENCE / "queues.json").read_text("utf-8"))
WAITS = TABLES["mmm_wait"]["rows"]
FAILURES = TABLES["mmm_with_failures"]["rows"]
FLEETS = TABLES["mixed_fleet"]["rows"]
REPLICATIONS = 16
SEED = 3
MOST_SE = 3.0
QUICK, LONG = 20_000, 200_000  # lots per replication


def outcomes(data: DataSet, lots_per_hour: float, lots: int, migrate: bool) -> list[Outcome]:
    """Replications of about ``lots`` lots each; the first fifth of the time is warm-up."""
    line = compile_line(data, migrate=migrate)
    days = 1.25 * lots / (24.0 * lots_per_hour)
    return [replicate(line, SEED, r, days, days / 5.0) for r in range(REPLICATIONS)]


def assert_mean(
    runs: list[Outcome], figure: Callable[[Outcome], float], exact: float
) -> NDArray[np.float64]:
    """The mean over replications is the exact one within MOST_SE standard errors."""
    values = np.array([figure(outcome) for outcome in runs])
    error = values.std(ddof=1) / np.sqrt(values.size)
    assert abs(values.mean() - exact) < MOST_SE * error, (values.mean(), exact, error)
    return values


def wait_h(outcome: Outcome) -> float:
    return float(outcome.wait_min[0]) / 60.0


def cycle_h(outcome: Outcome) -> float:
    return float(outcome.cycle_days[0]) * 24.0


def check_wait(row: list[float], lots: int) -> None:
    servers, utilization, exact = row
    rate = utilization * servers
    runs = outcomes(markov((1.0,) * int(servers), rate), rate, lots, migrate=False)
    assert_mean(runs, wait_h, exact)
    assert_mean(runs, cycle_h, exact + 1.0)
    assert_mean(runs, lambda outcome: float(outcome.utilization[0]), utilization)


def check_failures(row: list[float], lots: int) -> None:
    servers, utilization, exact = row
    mttf, mttr = TABLES["mmm_with_failures"]["mttf"], TABLES["mmm_with_failures"]["mttr"]
    available = mttf / (mttf + mttr)
    rate = utilization * servers * available
    data = markov((1.0,) * int(servers), rate, (mttf, mttr))
    runs = outcomes(data, rate, lots, migrate=True)
    assert_mean(runs, cycle_h, exact)
    assert_mean(runs, lambda outcome: float(outcome.availability[0]), available)
    assert_mean(runs, lambda outcome: float(outcome.utilization[0]), utilization)


def check_fleet(row: list[float], lots: int) -> None:
    fast, slow, fast_rate, slow_rate, utilization, wait, service = row
    rate = utilization * (fast * fast_rate + slow * slow_rate)
    speeds = (slow_rate,) * int(slow) + (fast_rate,) * int(fast)
    runs = outcomes(markov(speeds, rate), rate, lots, migrate=False)
    assert_mean(runs, wait_h, wait)
    assert_mean(runs, lambda outcome: cycle_h(outcome) - wait_h(outcome), service)


@pytest.mark.statistical
@pytest.mark.parametrize("row", WAITS[1::5], ids=str)
def test_some_waits_of_identical_tools(row: list[float]) -> None:
    check_wait(row, QUICK)


@pytest.mark.statistical
@pytest.mark.parametrize("row", FAILURES[1::7], ids=str)
def test_some_cycle_times_with_failures(row: list[float]) -> None:
    check_failures(row, QUICK)


@pytest.mark.statistical
@pytest.mark.parametrize("row", FLEETS[1::4], ids=str)
def test_some_mixed_fleets(row: list[float]) -> None:
    check_fleet(row, QUICK)


@pytest.mark.slow
@pytest.mark.statistical
@pytest.mark.parametrize("row", WAITS, ids=str)
def test_waits_of_identical_tools(row: list[float]) -> None:
    check_wait(row, LONG)


@pytest.mark.slow
@pytest.mark.statistical
@pytest.mark.parametrize("row", FAILURES, ids=str)
def test_cycle_times_with_failures(row: list[float]) -> None:
    check_failures(row, LONG)


@pytest.mark.slow
@pytest.mark.statistical
@pytest.mark.parametrize("row", FLEETS, ids=str)
def test_mixed_fleets(row: list[float]) -> None:
    check_fleet(row, LONG)


@pytest.mark.statistical
def test_littles_law() -> None:
    # Lots in the line = rate x cycle time. Both are measured. At the ends of the window they count
    # different lots, which the standard error over replications covers.
    rate = 5 * 0.8
    runs = outcomes(markov((1.0,) * 5, rate), rate, QUICK, migrate=False)
    hours = 24.0 * (1.25 * QUICK / (24.0 * rate)) * 0.8
    assert_mean(
        runs, lambda run: run.wip / (cycle_h(run) * float(run.lots_counted[0]) / hours), 1.0
    )
    assert_mean(runs, lambda run: run.wip, rate * (1.0 + 0.5541125541125541))


def test_a_lot_that_waits_for_the_repair_takes_longer() -> None:
    data = markov((1.0,) * 5, 5 * 0.7 * 0.8, (16.0, 4.0))
    held, freed = (
        np.mean([cycle_h(run) for run in outcomes(data, 2.8, QUICK, migrate)])
        for migrate in (False, True)
    )
    # An hour of work meets a failure of 4 h with a probability of about 1/16: a quarter of an hour
    # on average. A freed lot takes another's place in the queue, so the difference is less.
    assert held > freed + 0.1
