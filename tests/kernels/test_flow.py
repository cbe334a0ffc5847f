"""Wafers through a line: release, the conveyor, and what becomes of them at its end."""

from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yieldsim.kernels import arrays as a
from yieldsim.kernels import flow
from yieldsim.model.load import load_file
from yieldsim.simulate import Simulator
from yieldsim.units import DAYS_PER_QUARTER
from yieldsim.variables import ACCIDENT, DEFECTS, RELEASE, WAFER_PLAN

FORMS = ["compiled", "plain"]
FLOAT32 = 2e-7  # results are stored as float32
VALID = Path(__file__).resolve().parents[1] / "models" / "valid"
STEP_DAYS = DAYS_PER_QUARTER / 10  # the hand-calculated models have ten steps a quarter


def run(name: str, *changes: str) -> dict[str, np.ndarray]:
    """Results of one realization, less the leading dims."""
    file = load_file(VALID / f"{name}.toml").with_changes(changes)
    block = Simulator(file, ["baseline"], 1).block(0, 1)
    return {key: values[0, 0] for key, values in block.items()}


@pytest.mark.parametrize("form", FORMS)
def test_release_starts_the_plan_unless_tools_or_wip_forbid(form: str) -> None:
    release = flow.release if form == "compiled" else flow.release.py_func
    assert release(100.0, np.inf, 0.0, 1e9, 4.0) == (100.0, False)
    assert release(100.0, 0.25, 0.0, 1e9, 4.0) == (25.0, False)
    # cap 2 x 100 x 4 = 800 wafers: room for 30 more
    assert release(100.0, 1.0, 770.0, 2.0, 4.0) == (30.0, True)
    assert release(100.0, 0.25, 770.0, 2.0, 4.0) == (25.0, False)
    assert release(100.0, 1.0, 900.0, 2.0, 4.0) == (0.0, True)
    assert release(100.0, 1.0, 900.0, 2.0, 0.0) == (100.0, False)  # a line without length


@pytest.mark.parametrize("form", FORMS)
def test_what_costs_a_design_most(form: str) -> None:
    cause = flow.dies_cause if form == "compiled" else flow.dies_cause.py_func
    assert cause(0.49, WAFER_PLAN, 1.0) == DEFECTS
    assert cause(0.51, WAFER_PLAN, 1.0) == WAFER_PLAN
    assert cause(0.3, ACCIDENT, 4.0) == ACCIDENT  # 4 times the wafers beat 3.3 times the dies
    assert cause(0.2, ACCIDENT, 4.0) == DEFECTS
    assert cause(0.0, ACCIDENT, 4.0) == DEFECTS


@pytest.mark.parametrize("form", FORMS)
def test_cycle_time_adds_the_waits_of_all_visits(form: str) -> None:
    cycle = flow.cycle_time_days if form == "compiled" else flow.cycle_time_days.py_func
    process, group, days = np.zeros((13, 2)), np.zeros((3, 10, 2)), np.full(2, 7.0)
    process[a.RAW_DAYS], process[a.REWORK] = [20.0, 30.0], 0.1
    group[:, a.WAIT, 0] = [0.5, 0.25, 9.0]
    cycle(process, np.array([[10.0, 1.0], [4.0, 1.0], [0.0, 1.0]]), group, days, 2)
    np.testing.assert_allclose(days, [20 + 1.1 * 6, 30.0])


class Schedules(NamedTuple):
    """The part of a structure that shares wafers, as a type that kernels know."""

    route: np.ndarray
    entry: np.ndarray
    curve_low: np.ndarray
    curve_high: np.ndarray


class World(NamedTuple):
    """The schedules' part of a world."""

    curve: np.ndarray


def test_wafers_are_shared_by_weight() -> None:
    low = np.array([[9.0, 9.0], [0.0, 3.0], [0.0, -1.0], [0.0, 1.0]])
    structure = Schedules(
        route=np.array([[0, 0, 0, 0, 1], [0, 0, 0, 1, 4]]),
        entry=np.array([[0, 0]] + [[1, 1]] * 3),
        curve_low=low,
        curve_high=low + 1.0,
    )
    structure.entry[:, a.ENTRY_CURVE] = [0, 1, 2, 3]
    # the first lane at the low series, the second at the high one
    world = World(curve=np.repeat([[[0.0, 1.0], [1.0, 1.0]]], 4, axis=0))
    state = SimpleNamespace(weight=np.full((2, 4, 2), 7.0), lane=np.zeros((a.LANE_FIELDS, 2)))
    flow.share_wafers.py_func(structure, world, 1, 1, state, 2)
    np.testing.assert_array_equal(state.weight[1, :, 0], [7.0, 0.75, 0.0, 0.25])
    np.testing.assert_array_equal(state.weight[1, :, 1], [7.0, 4 / 6, 0.0, 2 / 6])
    flow.share_wafers.py_func(structure, world, 1, 0, state, 2)
    np.testing.assert_array_equal(state.weight[0, :, 0], [7.0, 0.0, 0.0, 0.0])  # to nobody
    np.testing.assert_array_equal(state.weight[0, :, 1], [7.0, 1 / 3, 1 / 3, 1 / 3])


def test_a_line_without_length_hands_wafers_over_in_their_step() -> None:
    got = run("one_line")
    np.testing.assert_allclose(got["wafer_outs"], 3000.0, rtol=FLOAT32)
    np.testing.assert_array_equal(got["wafer_wip"], 0.0)


@pytest.mark.parametrize("days", [0.5, STEP_DAYS, 25.0, 92.0, 200.0])
def test_wafers_come_out_a_cycle_time_after_they_went_in(days: float) -> None:
    """Starts are even over time, so the outs are the starts shifted: exact at any step."""
    got = run("one_line", f"processes.n2.raw_process_days={days}")
    ends = DAYS_PER_QUARTER * np.arange(1, 5)
    rate = 3000.0 / DAYS_PER_QUARTER
    outs = np.cumsum(got["wafer_outs"][:, 0, 0], dtype=float)
    np.testing.assert_allclose(outs, rate * np.maximum(0.0, ends - days), rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(got["wafer_wip"][:, 0, 0], rate * np.minimum(ends, days), rtol=1e-6)


def test_littles_law() -> None:
    """In a steady line WIP is throughput times cycle time, by the fluid of the conveyor exactly."""
    got = run("one_group", "simulation.warmup_quarters=4", "fabs.line.plan.n2=1200")
    days = got["cycle_time_days"][:, 0, 0]
    assert days[0] > 20.5  # there is queueing to be seen
    # steady from two cycle times on: what is left is rounding to float32
    expected = got["wafer_outs"][:, 0, 0] / DAYS_PER_QUARTER * days
    np.testing.assert_allclose(got["wafer_wip"][:, 0, 0], expected, rtol=3 * FLOAT32)
    np.testing.assert_allclose(got["wafer_outs"], got["wafer_starts"], rtol=3 * FLOAT32)


def test_a_line_without_length_may_stand_idle_before_it_starts() -> None:
    """Waits are all of the cycle time: without a plan, and so without load, there is none."""
    idle = "fabs.line.plan.n2={quarters=['2026Q1'], values=[1000], before='zero'}"
    fine = ("simulation.steps_per_quarter=92", "simulation.warmup_quarters=16")
    got = run("one_group", "processes.n2.raw_process_days=0", idle, *fine)
    days = got["cycle_time_days"][1:, 0, 0]
    assert np.all(days > 0.5)
    expected = 3000.0 / DAYS_PER_QUARTER * days
    np.testing.assert_allclose(got["wafer_wip"][1:, 0, 0], expected, rtol=1e-5)


def test_littles_law_with_noise() -> None:
    """The cycle time moves from step to step; over many quarters the law holds for the means."""
    noisy = ("simulation.process_noise=true", "simulation.end='2035Q4'", "fabs.line.plan.n2=1000")
    got = run("one_group", *noisy, "simulation.warmup_quarters=4")
    days, wip = got["cycle_time_days"][:, 0, 0], got["wafer_wip"][:, 0, 0]
    assert np.std(days) > 0.1
    throughput = got["wafer_outs"].sum(dtype=float) / (40 * DAYS_PER_QUARTER)
    # WIP is seen at the 40 ends of quarters only: their standard error, and half a step for the
    # cohorts that enter evenly over a step at the speed of that step
    error = 3.0 * np.std(wip) / 40**0.5 + throughput * STEP_DAYS / 2.0
    assert wip.mean(dtype=float) == pytest.approx(throughput * days.mean(dtype=float), abs=error)


RETIRED = (
    'fabs.line.fleets.litho.imported.count={quarters=["2025Q1","2026Q3"], values=[3, 1],'
    ' interpolate="step"}'
)
ONE_TOOL = 1 * 10 * 0.9 * DAYS_PER_QUARTER * 24 / 10  # wafers a quarter


def test_overload_slows_the_line_and_loses_nothing() -> None:
    """Two of three tools go: what comes out falls at once to what one can do, however full."""
    long = ("processes.n2.raw_process_days=60", "simulation.warmup_quarters=4")
    got = run("one_group", RETIRED, "fabs.line.plan.n2=1800", *long)
    np.testing.assert_allclose(got["wafer_outs"][:2, 0, 0], 5400, rtol=1e-6)
    assert np.all(got["wafer_wip"][1:] > 1.4 * ONE_TOOL / DAYS_PER_QUARTER * 60)
    np.testing.assert_allclose(got["utilization"][2:], 1.0, rtol=FLOAT32)
    np.testing.assert_allclose(got["wafer_outs"][2:, 0, 0], ONE_TOOL, rtol=1e-6)
    balance = got["wafer_starts"] - got["wafer_outs"]
    np.testing.assert_allclose(balance[1:], np.diff(got["wafer_wip"], axis=0), atol=2e-3)


def test_the_release_rule_caps_the_line() -> None:
    cap = ("fabs.line.wip_cap_ratio=1.5", "simulation.warmup_quarters=4")
    got = run("one_group", RETIRED, "fabs.line.plan.n2=1200", *cap)
    most = 3600 / DAYS_PER_QUARTER * 20 * 1.5
    assert np.all(got["wafer_wip"] <= most * (1 + FLOAT32))
    # at the cap when a step begins; by its end its outs, a tenth of the quarter's or so, have left
    full = got["wafer_wip"][-1, 0, 0] + got["wafer_outs"][-1, 0, 0] / 10
    assert full == pytest.approx(most, rel=0.05)
    assert got["binding"][0, 0] == WAFER_PLAN
    assert got["binding"][-1, 0] == RELEASE


@given(st.integers(0, 3), st.floats(0.0, 60.0), st.floats(0.1, 3.0))
def test_wafers_are_divided_at_the_end(quarter: int, days: float, weight: float) -> None:
    got = run(
        "one_line",
        f"processes.n2.raw_process_days={days}",
        "processes.n2.line_yield=0.9",
        "processes.n2.engineering_fraction=0.1",
        f"fabs.line.allocation.n2.other={weight}",
    )
    outs = got["wafer_outs"][quarter, 0, 0]
    saved = 0.9 * 0.9 * outs
    assert got["wafers_scrapped"][quarter, 0, 0] == pytest.approx(0.1 * outs, rel=1e-6)
    assert got["wafers_engineering"][quarter, 0, 0] == pytest.approx(0.09 * outs, rel=1e-6)
    assert got["wafers_to_die"][quarter, 0] == pytest.approx(saved / (1 + weight), rel=1e-6)
    other = saved * weight / (1 + weight)
    assert got["wafers_other"][quarter, 0, 0] == pytest.approx(other, rel=1e-6)
