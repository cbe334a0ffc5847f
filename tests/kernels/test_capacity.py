"""Tools: whole fleets, availability, queueing and the minimum over groups."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtri

from yieldsim.closed_form import (
    effective_process_cv2,
    effective_process_time,
    pooled_process_time,
    sakasegawa_wait,
)
from yieldsim.kernels import arrays as a
from yieldsim.kernels import capacity
from yieldsim.model.load import load_file
from yieldsim.simulate import Simulator
from yieldsim.units import DAYS_PER_QUARTER

FORMS = ["compiled", "plain"]
ROUNDING = 64 * np.finfo(float).eps
FLOAT32 = 2e-7  # results are stored as float32
VALID = Path(__file__).resolve().parents[1] / "models" / "valid"
HOURS_PER_QUARTER = DAYS_PER_QUARTER * 24.0


def kernel(name: str, form: str) -> Any:
    function = getattr(capacity, name)
    return function if form == "compiled" else function.py_func


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("delay", "step", "stop", "tools"),
    [
        (0.0, 0, np.inf, 1),
        (0.0, 2, np.inf, 5),  # 4.5 rounds up
        (0.0, 3, np.inf, 8),
        (0.5, 3, np.inf, 6),  # halfway between 4.5 and 8
        (1.0, 3, np.inf, 5),
        (7.0, 3, np.inf, 1),  # flat before the curve's start
        (0.0, 3, 1.0, 2),  # deliveries stopped
        (2.0, 3, 2.0, 2),  # ordered and delivered before the stop, installed after it
        (0.0, 3, -9.0, 1),
    ],
)
def test_fleets_are_whole_tools_that_arrive_late(
    form: str, delay: float, step: int, stop: float, tools: int
) -> None:
    curve = np.array([1.2, 2.4, 4.5, 8.0])
    assert kernel("fleet", form)(curve, 3 * curve, 0.0, 1.0, delay, step, stop) == tools
    # halfway between half and one and a half of it, and twice a quarter above none
    assert kernel("fleet", form)(0.5 * curve, 1.5 * curve, 0.5, 1.0, delay, step, stop) == tools
    assert kernel("fleet", form)(0 * curve, 2 * curve, 0.25, 2.0, delay, step, stop) == tools


@pytest.mark.parametrize("form", FORMS)
def test_availability_has_the_spread_of_alternating_renewal(form: str) -> None:
    noisy = kernel("noisy_availability", form)
    mean, mttf, mttr, tools, hours = 0.9, 90.0, 10.0, 20.0, 168.0
    variance = 2.0 * 0.9 * 0.1 * 9.0 / (tools * hours)
    for u in (0.01, 0.3, 0.5, 0.9):
        expected = mean + variance**0.5 * ndtri(u)
        assert noisy(mean, mttf, mttr, tools, hours, u) == pytest.approx(expected, rel=ROUNDING)
    assert noisy(0.99, 90.0, 10.0, 1.0, 1.0, 0.999) == 1.0
    assert noisy(0.01, 90.0, 10.0, 1.0, 1.0, 0.001) == 0.0


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("usage", [1e-6, 0.3, 0.8, 0.97, 1.4])
@pytest.mark.parametrize("tools", [1.0, 2.0, 30.0])
def test_waits_follow_the_closed_form(form: str, usage: float, tools: float) -> None:
    natural_hours, availability, mttr = 3.0, 0.85, 8.0
    lot_hours = effective_process_time(natural_hours, availability)
    process_cv2 = effective_process_cv2(0.5, availability, mttr, natural_hours)
    # beyond 0.97 the formula diverges: the wait stays where it is
    expected = sakasegawa_wait(tools, min(usage, 0.97), lot_hours, 1.3, process_cv2) / 24.0
    wait = kernel("queue_days", form)(tools, lot_hours, natural_hours, mttr, usage, 1.3 + 0.5)
    # the power of u is taken by its logarithm: errors grow with that
    assert wait == pytest.approx(float(expected), rel=ROUNDING * 10)


@given(st.floats(1e-9, 0.5), st.floats(0.5, 3.0), st.integers(1, 200))
def test_waits_rise_with_use_and_fall_with_tools(low: float, high: float, tools: int) -> None:
    def wait(usage: float, count: float) -> float:
        return capacity.queue_days(count, 4.0, 3.0, 8.0, usage, 2.0)

    assert wait(low, tools) <= wait(high, tools)
    assert wait(high, tools + 1.0) <= wait(high, tools)


@pytest.mark.parametrize("form", FORMS)
def test_experience_grows_by_the_share_of_each_class(form: str) -> None:
    group, passes = np.zeros((2, 10, 2)), np.ones((2, 2, 2))
    group[:, a.SHARE, 0], group[:, a.SHARE + 1, 0] = [0.75, 1.0], [0.25, 0.0]
    visits = np.array([[20.0, 9.0], [5.0, 9.0]])
    rework, starts = np.array([0.1, 0.0]), np.array([500.0, 700.0])
    kernel("count_passes", form)(visits, rework, starts, group, passes, 2)
    expected = [[1.0 + 8.25, 1.0 + 2.75], [1.0 + 2.75, 1.0]]
    np.testing.assert_allclose(passes[:, :, 0], expected, rtol=ROUNDING)
    np.testing.assert_array_equal(passes[:, :, 1], 1.0)  # another lane, in which none has a share


def run(*changes: str) -> dict[str, np.ndarray]:
    """Results of one realization of the line with one group, less the leading dims."""
    file = load_file(VALID / "one_group.toml").with_changes(changes)
    block = Simulator(file, ["baseline"], 1).block(0, 1)
    return {name: values[0, 0] for name, values in block.items()}


def test_a_line_below_capacity_starts_its_plan() -> None:
    got = run()
    capacity_passes = 2 * 10 * 0.9 * HOURS_PER_QUARTER
    np.testing.assert_allclose(got["utilization"][:, 0, 0], 30000 / capacity_passes, rtol=FLOAT32)
    np.testing.assert_allclose(got["wafer_starts"], got["wafer_plan"], rtol=FLOAT32)
    # 20 days and ten waits of a lot of 25 wafers on two tools
    te = pooled_process_time(np.array([2.0]), np.array([10 * 0.9 / 25]))
    ce2 = effective_process_cv2(1.0, 0.9, 10.0, 2.5)
    wait = sakasegawa_wait(2.0, 30000 / capacity_passes, te, 1.0, ce2)
    np.testing.assert_allclose(got["cycle_time_days"], 20 + 10 * float(wait) / 24, rtol=FLOAT32)


def test_a_line_above_capacity_starts_what_its_tools_can_do() -> None:
    got = run("fabs.line.plan.n2=1500", "processes.n2.rework=0.1")
    possible = 2 * 10 * 0.9 * HOURS_PER_QUARTER / 11.0
    np.testing.assert_allclose(got["wafer_starts"], possible, rtol=FLOAT32)
    np.testing.assert_allclose(got["utilization"], 1.0, rtol=FLOAT32)


def test_a_mixed_fleet_pools_its_rates_and_shares_passes_by_rate() -> None:
    domestic = "fabs.line.fleets.litho.domestic={count=4}"
    got = run(domestic, "processes.n2.d0_mature_per_cm2=0.1")
    possible = (2 * 10 + 4 * 5) * 0.9 * HOURS_PER_QUARTER
    np.testing.assert_allclose(got["utilization"], 30000 / possible, rtol=FLOAT32)
    np.testing.assert_allclose(got["d0_per_cm2"], 0.1 * (0.5 + 0.5 * 3), rtol=FLOAT32)


def test_the_scarcest_group_binds() -> None:
    implant = """tool_groups.implant={defect_weight=1,
        imported={wafers_per_hour=4, mttf_hours=90, mttr_hours=10}}"""
    fleet = "fabs.line.fleets.implant={imported={count=3}}"
    got = run(implant.replace("\n", " "), fleet, "processes.n2.visits.implant=10")
    possible = 3 * 4 * 0.9 * HOURS_PER_QUARTER / 10.0
    np.testing.assert_allclose(got["wafer_starts"], possible, rtol=FLOAT32)
    np.testing.assert_allclose(got["utilization"][:, 0], [[0.6, 1.0]] * 4, rtol=FLOAT32)


def test_lost_service_and_accidents_cost_capacity() -> None:
    loss = """events.loss={kind="service_loss", start="2026Q2", mttf_ratio=0.5, mttr_ratio=1.0,
        quarters=2}""".replace("\n", " ")
    got = run(loss, "fabs.line.plan.n2=2000")
    # from two quarters on MTTF is 90 / 4: availability 22.5 / 32.5
    possible = 2 * 10 * HOURS_PER_QUARTER / 10.0
    np.testing.assert_allclose(got["wafer_starts"][0], possible * 0.9, rtol=FLOAT32)
    np.testing.assert_allclose(got["wafer_starts"][3], possible * 22.5 / 32.5, rtol=FLOAT32)
    fire = """events.fire={kind="accident", start="2026Q2", end="2026Q3", capacity_ratio=0.25,
        d0_ratio=3}""".replace("\n", " ")
    got = run(fire, "processes.n2.d0_mature_per_cm2=0.1")
    # a quarter of what the tools can, not of the plan: there were tools to spare
    spare = 0.25 * 2 * 10 * 0.9 * HOURS_PER_QUARTER / 10.0
    assert 750.0 < spare < 3000.0
    expected = [3000, spare, spare, 3000]
    np.testing.assert_allclose(got["wafer_starts"][:, 0, 0], expected, rtol=FLOAT32)
    np.testing.assert_allclose(got["d0_per_cm2"][:, 0, 0], [0.1, 0.3, 0.3, 0.1], rtol=FLOAT32)


def test_a_process_is_not_held_by_tools_it_never_visits() -> None:
    """Two processes share a fab and no tool: the scarce group of one leaves the other alone."""
    other = """tool_groups.implant={defect_weight=1,
        imported={wafers_per_hour=40, mttf_hours=90, mttr_hours=10}}"""
    second = """processes.n3={alpha=2, d0_mature_per_cm2=0.1, raw_process_days=20,
        visits={implant=10}}"""
    got = run(
        other.replace("\n", " "),
        second.replace("\n", " "),
        "fabs.line.fleets.implant={imported={count=4}}",
        "fabs.line.plan.n2=3000",
        "fabs.line.plan.n3=1000",
        "fabs.line.allocation.n3={other=1}",
    )
    litho = 2 * 10 * 0.9 * HOURS_PER_QUARTER / 10.0
    np.testing.assert_allclose(got["wafer_starts"][:, 0, 0], litho, rtol=FLOAT32)
    np.testing.assert_allclose(got["wafer_starts"][:, 0, 1], 3000.0, rtol=FLOAT32)


def test_waits_are_those_of_what_is_started() -> None:
    """A WIP cap that holds starts at half of what the tools can leaves short queues."""
    free = run("fabs.line.plan.n2=1300")
    held = run("fabs.line.plan.n2=1300", "fabs.line.wip_cap_ratio=0.5", "simulation.end='2028Q4'")
    assert np.all(held["wafer_starts"][-4:] < 0.6 * free["wafer_starts"][-1])
    assert np.all(held["utilization"][-4:] < 0.6 * free["utilization"][-1])
    assert np.all(held["cycle_time_days"][-4:] < free["cycle_time_days"][-1])


def test_a_process_that_is_phased_out_leaves_the_line() -> None:
    """What is in the line has its tools' hours, however little is planned after it."""
    plan = "fabs.line.plan.n2={quarters=['2026Q1','2026Q2'], values=[1000, 10], interpolate='step'}"
    got = run(plan)
    # the cycle time is below a quarter, so all but the new trickle is out a quarter later
    assert got["wafer_wip"][0, 0, 0] > 500.0
    assert np.all(got["wafer_wip"][2:, 0, 0] < 30.0)
