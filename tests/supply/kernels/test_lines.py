"""Lines through the whole engine: outs, cycle times, WIP and releases."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.supply.kernels.by_hand import ALL_KEPT, FLOAT32, VALID, Block, of_file
from yieldsim.model.load import load_file
from yieldsim.outputs import RELEASE, TOOL_GROUP, WAFER_PLAN
from yieldsim.units import DAYS_PER_QUARTER

STEP_DAYS = DAYS_PER_QUARTER / 10  # the hand-calculated models have ten steps a quarter
NO_CAP = "fabs.line.wip_cap_ratio=1e9"
SETTLED = "simulation.warmup_quarters=24"  # waits forget a start in e-folds of a quarter


def run(name: str, *changes: str) -> Block:
    """Results of one realization, less the leading dims."""
    return of_file(load_file(VALID / f"{name}.toml").with_changes([ALL_KEPT, *changes]))


def test_a_line_without_length_hands_wafers_over_in_their_step() -> None:
    got = run("one_line")
    np.testing.assert_allclose(got["wafer_outs"], 3000.0, rtol=FLOAT32)
    np.testing.assert_array_equal(got["wafer_wip"], 0.0)


@pytest.mark.parametrize("days", [0.5, STEP_DAYS, 25.0, 92.0, 200.0])
def test_wafers_come_out_a_cycle_time_after_they_went_in(days: float) -> None:
    """Starts are even over time, so the outs are the starts shifted: exact at any step."""
    # a WIP cap of four raw times would slow the start of a line shorter than a quarter of a step
    got = run("one_line", f"processes.n2.raw_process_days={days}", NO_CAP)
    ends = DAYS_PER_QUARTER * np.arange(1, 5)
    rate = 3000.0 / DAYS_PER_QUARTER
    outs = np.cumsum(got["wafer_outs"][:, 0, 0], dtype=float)
    np.testing.assert_allclose(outs, rate * np.maximum(0.0, ends - days), rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(got["wafer_wip"][:, 0, 0], rate * np.minimum(ends, days), rtol=1e-6)


@pytest.mark.parametrize("days", [0.5, 2.0, STEP_DAYS, 25.0, 92.0, 200.0])
def test_the_cycle_time_of_a_line_without_tools_is_its_raw_time(days: float) -> None:
    long = "simulation.warmup_quarters=5"  # by then all wafers of the start-up have left
    got = run("one_line", f"processes.n2.raw_process_days={days}", NO_CAP, long)
    # means of a few dozen parts of cohorts, then rounding to float32
    np.testing.assert_allclose(got["cycle_time_days"][:, 0, 0], days, rtol=2 * FLOAT32)
    np.testing.assert_allclose(got["x_factor"][:, 0, 0], 1.0, rtol=2 * FLOAT32)


@pytest.mark.parametrize("name", ["layers", "overload", "shocks", "one_group"])
@pytest.mark.parametrize("warmup", [0, 24])
def test_no_line_is_faster_than_its_raw_time(name: str, warmup: int) -> None:
    """While it is filled, too: segments mix wafers, but none leaves before its raw time."""
    x_factor = run(name, f"simulation.warmup_quarters={warmup}")["x_factor"]
    assert x_factor.max() > 1.0
    assert x_factor[x_factor > 0.0].min() >= 1.0 - 2 * FLOAT32


@pytest.mark.parametrize("segments", [1, 4, 20])
def test_no_wafer_leaves_before_its_raw_time(segments: int) -> None:
    """A line that starts empty: at each end of a quarter, outs are at most the starts before."""
    days = 60.0
    cuts = f"simulation.segments={segments}"
    got = run("one_group", NO_CAP, f"processes.n2.raw_process_days={days}", cuts)
    outs = np.cumsum(got["wafer_outs"][:, 0, 0], dtype=float)
    ends = DAYS_PER_QUARTER * np.arange(1, 5)
    most = 3000.0 / DAYS_PER_QUARTER * (ends - days)
    assert np.all(outs <= most * (1.0 + FLOAT32))
    assert outs[0] > 0.5 * most[0]


def test_the_first_wafers_take_the_raw_time() -> None:
    """Wafers that leave in a step count as leaving in its middle, but not too early."""
    days = run("one_line", "processes.n2.raw_process_days=25")["cycle_time_days"][:, 0, 0]
    np.testing.assert_allclose(days, 25.0, rtol=2 * FLOAT32)


def test_waits_told_apart_lengthen_the_line_but_not_its_raw_time() -> None:
    waits = ("transport_ratio=0.25", "batch_ratio=0.5", "hold_ratio=0.75")
    apart = [f"processes.n2.{wait}" for wait in waits]
    got = run("one_line", "processes.n2.raw_process_days=20", NO_CAP, SETTLED, *apart)
    np.testing.assert_allclose(got["cycle_time_days"][:, 0, 0], 50.0, rtol=2 * FLOAT32)
    np.testing.assert_allclose(got["x_factor"][:, 0, 0], 2.5, rtol=2 * FLOAT32)
    # the WIP cap counts raw process time
    got = run("one_group", "fabs.line.wip_cap_ratio=2", SETTLED, *apart)
    most = 2.0 * 3000.0 / DAYS_PER_QUARTER * 20.0
    np.testing.assert_allclose(got["wafer_wip"][:, 0, 0], most, rtol=1e-4)


def test_littles_law() -> None:
    """In a steady line WIP is throughput times cycle time."""
    got = run("one_group", SETTLED, "fabs.line.plan.n2=1200")
    days = got["cycle_time_days"][:, 0, 0]
    assert days[0] > 20.5  # there is queueing to be seen
    # steady from two cycle times on, up to rounding to float32
    expected = got["wafer_outs"][:, 0, 0] / DAYS_PER_QUARTER * days
    np.testing.assert_allclose(got["wafer_wip"][:, 0, 0], expected, rtol=3 * FLOAT32)
    np.testing.assert_allclose(got["wafer_outs"], got["wafer_starts"], rtol=3 * FLOAT32)


def test_a_line_without_length_may_stand_idle_before_it_starts() -> None:
    """Without raw time the cycle time is all waiting; without a plan there is no wait."""
    idle = "fabs.line.plan.n2={quarters=['2026Q1'], values=[1000], before='zero'}"
    fine = ("simulation.steps_per_quarter=92", "simulation.warmup_quarters=32")
    # then waits grow to those of the steady load in e-folds of a quarter
    fine = (*fine, "simulation.end='2030Q4'")
    got = run("one_group", "processes.n2.raw_process_days=0", idle, *fine)
    days = got["cycle_time_days"][:, 0, 0]
    assert days[1] < 0.5 < days[4]
    expected = 3000.0 / DAYS_PER_QUARTER * days[-4:]
    np.testing.assert_allclose(got["wafer_wip"][-4:, 0, 0], expected, rtol=1e-5)


def test_littles_law_with_noise() -> None:
    """The cycle time moves from step to step; over many quarters the law holds for the means."""
    noisy = ("simulation.process_noise=true", "simulation.end='2035Q4'", "fabs.line.plan.n2=1200")
    got = run("one_group", *noisy, SETTLED)
    names = ("cycle_time_days", "wafer_wip", "wafer_outs")
    days, wip, outs = (got[name][:, 0, 0].astype(float) for name in names)
    assert np.std(days) > 0.1
    throughput = outs.sum() / (40 * DAYS_PER_QUARTER)
    # WIP is known at the ends of 40 quarters only: hence the standard error
    error = 3.0 * np.std(wip) / 40**0.5
    expected = throughput * float(np.average(days, weights=outs))
    assert wip.mean() == pytest.approx(expected, abs=error)


@pytest.mark.parametrize("plan", [1000, 1150])
def test_parts_of_the_route_and_of_the_step_do_not_change_a_steady_line(plan: int) -> None:
    """Below capacity all passes are granted: finer pieces move the same wafers."""
    kept = run("one_group", SETTLED, f"fabs.line.plan.n2={plan}")
    for segments, parts in ((1, 1), (3, 2), (40, 2), (10, 7)):
        fine = (f"simulation.segments={segments}", f"simulation.flow_steps={parts}")
        got = run("one_group", SETTLED, f"fabs.line.plan.n2={plan}", *fine)
        np.testing.assert_allclose(got["wafer_outs"], kept["wafer_outs"], rtol=1e-6)
        np.testing.assert_allclose(got["utilization"], kept["utilization"], rtol=1e-6)
        np.testing.assert_allclose(got["cycle_time_days"], kept["cycle_time_days"], rtol=1e-5)


RETIRED = (
    'fabs.line.fleets.litho.imported.count={quarters=["2025Q1","2026Q3"], values=[3, 1],'
    ' interpolate="step"}'
)
ONE_TOOL = 1 * 10 * 0.9 * DAYS_PER_QUARTER * 24 / 10  # wafers a quarter


def test_overload_slows_the_line_and_loses_nothing() -> None:
    """Two of three tools go. The passes made fall at once to those of one tool; the outs follow
    when the wafers that were almost done have left, and waits no longer grow."""
    long = ("processes.n2.raw_process_days=60", "simulation.end='2028Q4'")
    got = run("one_group", RETIRED, "fabs.line.plan.n2=1800", SETTLED, *long)
    outs = got["wafer_outs"][:, 0, 0]
    np.testing.assert_allclose(outs[:2], 5400, rtol=1e-6)
    np.testing.assert_allclose(outs[4:], ONE_TOOL, rtol=0.02)
    # while waits grow, the wafers in process leave later than those before them; none overtakes
    assert np.all(outs[2:4] < 5400)
    assert outs[3] < ONE_TOOL
    np.testing.assert_allclose(outs[6:], ONE_TOOL, rtol=1e-4)  # a new steady state
    assert np.all(got["wafer_wip"][1:] > 1.4 * ONE_TOOL / DAYS_PER_QUARTER * 60)
    np.testing.assert_allclose(got["utilization"][2:], 1.0, rtol=FLOAT32)
    np.testing.assert_allclose(got["tool_passes"][2:, 0, 0, 0], 10 * ONE_TOOL, rtol=FLOAT32)
    # the line holds what one tool makes in four raw times: so long is the cycle time
    np.testing.assert_allclose(got["cycle_time_days"][8:], 4 * 60, rtol=0.002)
    balance = got["wafer_starts"] - got["wafer_outs"]
    np.testing.assert_allclose(balance[1:], np.diff(got["wafer_wip"], axis=0), atol=2e-3)


AT_ONE_TOOL = ("fabs.line.fleets.litho.imported.count=1", "fabs.line.plan.n2=1800")
OVERLOADS = [
    ("fabs.line.plan.n2=1500", "processes.n2.rework=0.1"),
    ("fabs.line.plan.n2=2000", "processes.n2.raw_process_days=60"),
    (*AT_ONE_TOOL, "processes.n2.raw_process_days=60"),
    ("fabs.line.plan.n2=2000", "simulation.steps_per_quarter=13"),
    ("fabs.line.plan.n2=2000", "simulation.flow_steps=8"),
]


@pytest.mark.parametrize("changes", OVERLOADS)
def test_an_overloaded_line_makes_as_many_wafers_as_passes(changes: tuple[str, ...]) -> None:
    """Passes are charged as wafers are handed on: in the steady state they agree."""
    long = ("simulation.end='2029Q4'", "simulation.warmup_quarters=16", *changes)
    for segments in (1, 10):
        got = run("one_group", *long, f"simulation.segments={segments}")
        np.testing.assert_allclose(got["utilization"], 1.0, rtol=FLOAT32)
        visits = 11.0 if "processes.n2.rework=0.1" in changes else 10.0
        made = got["tool_passes"][:, 0, 0, 0] / visits
        for name in ("wafer_starts", "wafer_outs"):
            np.testing.assert_allclose(got[name][:, 0, 0], made, rtol=1e-4)


def test_wafers_are_handed_on_once_a_part_of_a_step() -> None:
    """So wafers with raw time take at least a part of a step, however short the line."""
    short = ("processes.n2.raw_process_days=2", SETTLED)
    waits = run("one_group", SETTLED)["cycle_time_days"] - 20.0
    coarse, fine = (run("one_group", *short, f"simulation.flow_steps={n}") for n in (2, 8))
    np.testing.assert_allclose(coarse["cycle_time_days"], STEP_DAYS / 2, rtol=1e-6)
    np.testing.assert_allclose(fine["cycle_time_days"], 2.0 + waits, rtol=1e-5)


def test_the_release_rule_fills_a_line_up_to_its_cap() -> None:
    """The cap is below what the line needs for its plan."""
    cap = ("fabs.line.wip_cap_ratio=0.9", "simulation.warmup_quarters=8")
    got = run("one_group", *cap)
    most = 0.9 * 3000 / DAYS_PER_QUARTER * 20
    np.testing.assert_allclose(got["wafer_wip"][:, 0, 0], most, rtol=1e-4)
    np.testing.assert_allclose(got["wafer_starts"], got["wafer_outs"], rtol=1e-4)
    assert np.all(got["wafer_starts"] < 0.9 * 3000)
    np.testing.assert_array_equal(got["binding"][:, 0], RELEASE)


def test_the_cap_counts_what_tools_allow() -> None:
    """Waits and releases swing about the cap, as each follows the other with a delay."""
    cap = ("fabs.line.plan.n2=1200", "fabs.line.wip_cap_ratio=1.5", "simulation.end='2032Q4'")
    got = run("one_group", RETIRED, *cap, SETTLED)
    wip, most = got["wafer_wip"][4:, 0, 0], 1.5 * ONE_TOOL / DAYS_PER_QUARTER * 20
    assert wip.mean(dtype=float) == pytest.approx(most, rel=0.03)
    np.testing.assert_allclose(wip, most, rtol=0.25)
    expected = [WAFER_PLAN] * 2 + [TOOL_GROUP] * 26  # not the release rule: tools make the cap low
    np.testing.assert_array_equal(got["binding"][:, 0], expected)


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


SHARED = (  # two processes of unlike length share a group that can make three quarters of the plan
    "processes.slow={source='made_up', d0_mature_per_cm2=0, alpha=2, raw_process_days=89,"
    " visits={litho={value=10, source='made_up', grade='assumed'}}}",
    "processes.n2.raw_process_days=72",
    "fabs.line.plan.slow={value=800, source='made_up', grade='assumed'}",
    "fabs.line.plan.n2=800",
    "fabs.line.allocation.slow.other={value=1, source='made_up', grade='assumed'}",
)


@pytest.mark.parametrize("steps", [3, 4, 6, 7, 10, 13])
def test_no_process_is_served_first_because_of_the_time_grid(steps: int) -> None:
    """Segments equally far from the ends of their routes share tools, and the grid says how many
    segments a route can have. A process of fewer segments would get more wafers through."""
    fine, got = (
        run("one_group", *SHARED, SETTLED, f"simulation.steps_per_quarter={each}")["wafer_outs"]
        for each in (26, steps)
    )
    assert fine.sum() < 0.85 * 4 * 2 * 2400  # the plan
    # a steady state, reached up to a thousandth
    np.testing.assert_allclose(got, fine, rtol=1e-3)
