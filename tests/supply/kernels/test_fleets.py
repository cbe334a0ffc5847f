"""Tools of a fab through the whole engine: their passes, what changes them, what they limit."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.supply.kernels.by_hand import ALL_KEPT, FLOAT32, ONE_GROUP, Block, run_tools
from yieldsim.closed_form import effective_process_cv2, pooled_process_time, sakasegawa_wait
from yieldsim.model.load import load_file
from yieldsim.supply.simulate import Simulator
from yieldsim.units import DAYS_PER_QUARTER

HOURS_PER_QUARTER = DAYS_PER_QUARTER * 24.0
TWO_TOOLS = 2 * 10 * 0.9 * HOURS_PER_QUARTER  # passes a quarter
SETTLED = "simulation.warmup_quarters=24"  # waits forget a start in e-folds of a quarter
DOMESTIC = "fabs.line.fleets.litho.domestic={count=4}"
D0 = "processes.n2.d0_mature_per_cm2=0.1"
NOISE = "simulation.process_noise=true"


def steps(*quarters: str, values: list[int]) -> str:
    """A schedule that jumps at the beginning of quarters."""
    return f"{{quarters={list(quarters)}, values={values}, interpolate='step'}}"


def event(name: str, kind: str, **fields: Any) -> str:
    inner = ", ".join(f"{key}={value!r}" for key, value in {"kind": kind, **fields}.items())
    return f"events.{name}={{{inner}}}"


def of(got: Block, name: str, c: int = 0) -> np.ndarray:
    """One figure of a class of the group by quarter."""
    return got[name][:, 0, 0, c]


# ---- what tools can do


def test_a_line_below_capacity_starts_its_plan() -> None:
    got = run_tools(SETTLED)
    np.testing.assert_allclose(got["tool_load"], 30000, rtol=FLOAT32)
    np.testing.assert_allclose(of(got, "tool_passes"), 30000, rtol=FLOAT32)
    np.testing.assert_allclose(of(got, "tool_passes_possible"), TWO_TOOLS, rtol=FLOAT32)
    np.testing.assert_allclose(got["utilization"], 30000 / TWO_TOOLS, rtol=FLOAT32)
    np.testing.assert_allclose(got["wafer_starts"], got["wafer_plan"], rtol=FLOAT32)
    # 20 days and ten waits of a lot of 25 wafers on two tools
    te = pooled_process_time(np.array([2.0]), np.array([10 * 0.9 / 25]))
    ce2 = effective_process_cv2(1.0, 0.9, 10.0, 2.5)
    wait = sakasegawa_wait(2.0, 30000 / TWO_TOOLS, te, 1.0, ce2)
    expected = 20 + 10 * float(wait) / 24
    np.testing.assert_allclose(got["cycle_time_days"], expected, rtol=2 * FLOAT32)


def test_the_spread_of_repairs_makes_wafers_wait() -> None:
    by_cv2 = [
        run_tools(SETTLED, f"tool_groups.litho.imported.repair_cv2={cv2}")["cycle_time_days"][-1]
        for cv2 in (0, 1, 3)
    ]
    # ce2 = 1 + (1 + cr2) 0.9 x 0.1 x 10 / 2.5: waits as 1 + ce2, 2.36 to 2.72 to 3.44
    waits = np.ravel(by_cv2) - 20.0
    np.testing.assert_allclose(waits / waits[1], [2.36 / 2.72, 1.0, 3.44 / 2.72], rtol=1e-5)


def test_a_mixed_fleet_pools_its_rates_and_shares_passes_by_rate() -> None:
    got = run_tools(SETTLED, DOMESTIC, D0)
    possible = (2 * 10 + 4 * 5) * 0.9 * HOURS_PER_QUARTER
    np.testing.assert_allclose(got["utilization"], 30000 / possible, rtol=FLOAT32)
    np.testing.assert_allclose(got["d0_per_cm2"], 0.1 * (0.5 + 0.5 * 3), rtol=FLOAT32)
    for c, tools in enumerate((2.0, 4.0)):
        np.testing.assert_allclose(of(got, "tools", c), tools, rtol=FLOAT32)
        np.testing.assert_allclose(of(got, "tool_passes", c), 15000, rtol=FLOAT32)


def test_times_of_e10_are_parts_of_each_other() -> None:
    """Half of the time is scheduled; maintenance leaves 0.9 of it, engineers 0.8 of the rest."""
    one = "tool_groups.litho.imported"
    got = run_tools(
        f"{one}.nonscheduled_fraction=0.5",
        f"{one}.pm_fraction=0.1",
        f"{one}.engineering_fraction=0.2",
        f"{one}.performance=0.75",
    )
    np.testing.assert_allclose(of(got, "tool_availability"), 0.36 * 0.9, rtol=FLOAT32)
    possible = TWO_TOOLS * 0.36 * 0.75
    np.testing.assert_allclose(of(got, "tool_passes_possible"), possible, rtol=FLOAT32)


IMPLANT = (
    "tool_groups.implant={defect_weight=1,"
    " imported={wafers_per_hour=4, mttf_hours=90, mttr_hours=10}}"
)


def test_the_group_with_the_least_capacity_limits_the_line() -> None:
    fleet = "fabs.line.fleets.implant={imported={count=3}}"
    long = ("simulation.warmup_quarters=8", "processes.n2.visits.implant=10")
    got = run_tools(IMPLANT, fleet, *long)
    litho, implant = got["utilization"][:, 0].T
    np.testing.assert_allclose(litho, 0.6 * implant, rtol=2 * FLOAT32)  # as many passes
    assert np.all((implant > 0.95) & (implant <= 1.0))
    np.testing.assert_allclose(got["tool_load"][:, 0], 30000, rtol=FLOAT32)
    names = Simulator(load_file(ONE_GROUP).with_changes([IMPLANT, fleet]), ["baseline"], 1)
    held = names.attrs["binding"]["flag_names"][int(got["binding"][-1, 0])]
    assert held == "tools: implant"


def test_a_process_is_not_limited_by_tools_it_never_visits() -> None:
    """Two processes share a fab and no tool: the group that limits one does not slow the other."""
    second = (
        "processes.n3={alpha=2, d0_mature_per_cm2=0.1, raw_process_days=20, visits={implant=1}}"
    )
    more = ("fabs.line.plan.n2=3000", "fabs.line.plan.n3=1000", "fabs.line.allocation.n3.other=1")
    few, many = (
        run_tools(
            SETTLED, IMPLANT, second, *more, f"fabs.line.fleets.implant.imported.count={count}"
        )
        for count in (1, 8)
    )
    for name in ("wafer_starts", "wafer_outs", "cycle_time_days"):
        np.testing.assert_array_equal(few[name][:, 0, 0], many[name][:, 0, 0], err_msg=name)
        assert np.all(few[name][:, 0, 0] != few[name][:, 0, 1])
    np.testing.assert_allclose(few["wafer_outs"][:, 0, 1], 3000.0, rtol=1e-6)
    np.testing.assert_allclose(few["utilization"][:, 0, 0], 1.0, rtol=FLOAT32)


def test_waits_follow_the_wafers_in_the_line() -> None:
    """A WIP cap that halves the starts leaves short queues."""
    late = ("fabs.line.plan.n2=1300", "simulation.end='2028Q4'")
    free, held = run_tools(*late), run_tools(*late, "fabs.line.wip_cap_ratio=0.5")
    assert np.all(held["wafer_starts"][-4:] < 0.6 * free["wafer_starts"][-1])
    assert np.all(held["utilization"][-4:] < 0.6 * free["utilization"][-1])
    assert np.all(held["cycle_time_days"][-4:] < 0.6 * free["cycle_time_days"][-1])


def test_a_process_that_is_phased_out_leaves_the_line() -> None:
    """Wafers in the line get tool time, however little is planned after them."""
    got = run_tools(f"fabs.line.plan.n2={steps('2026Q1', '2026Q2', values=[1000, 10])}")
    # the cycle time is below a quarter, so all but the new trickle is out a quarter later
    assert got["wafer_wip"][0, 0, 0] > 500.0
    assert np.all(got["wafer_wip"][2:, 0, 0] < 30.0)


# ---- what changes tools


FLEET = "fabs.line.fleets.litho.imported"


@pytest.mark.parametrize(
    ("changes", "imported", "domestic"),
    [
        ([f"{FLEET}.retired={steps('2026Q1', '2026Q3', values=[1, 3])}"], [7, 7, 5, 5], [4] * 4),
        ([f"{FLEET}.retired=9"], [0] * 4, [4] * 4),
        ([f"{FLEET}.count={steps('2025Q1', '2026Q2', values=[2, 6])}"], [2, 6, 6, 6], [4] * 4),
        (
            [
                f"{FLEET}.count={steps('2025Q1', '2026Q2', values=[2, 6])}",
                f"{FLEET}.install_quarters=0.4",
                f"{FLEET}.qualification_quarters=0.6",
            ],
            [2, 2, 6, 6],
            [4] * 4,
        ),
        (
            [
                f"{FLEET}.count={steps('2025Q1', '2026Q2', '2026Q4', values=[2, 6, 9])}",
                event("stop", "deliveries_stop", start="2026Q3"),
            ],
            [2, 6, 6, 6],
            [4] * 4,
        ),
        (
            [event("quake", "tools_lost", start="2026Q2", end="2026Q3", share=0.5)],
            [8, 4, 4, 8],
            [4, 2, 2, 4],
        ),
        (
            [event("ban", "tools_lost", start="2026Q3", tool_class="imported", share=1)],
            [8, 8, 0, 0],
            [4] * 4,
        ),
        (
            [
                event("one", "tools_lost", start="2026Q2", share=0.5),
                event("two", "tools_lost", start="2026Q4", share=0.5),
                f"{FLEET}.retired=2",  # the shares are of what is left
            ],
            [6, 3, 3, 2],
            [4, 2, 2, 1],
        ),
        ([event("own", "tool_qualified", start="2026Q3")], [8] * 4, [0, 0, 4, 4]),
        (
            [
                event("own", "tool_qualified", start="2026Q3"),
                event("late", "tool_qualified", start="2026Q4", groups=["litho"]),
                event("none", "tool_qualified", start="2026Q2", tool_class="imported"),
            ],
            [0, 8, 8, 8],
            [0, 0, 0, 4],
        ),
    ],
)
def test_tools_in_production_by_quarter(
    changes: list[str], imported: list[int], domestic: list[int]
) -> None:
    got = run_tools(f"{FLEET}.count=8", DOMESTIC, *changes)
    np.testing.assert_allclose(of(got, "tools", 0), imported, rtol=FLOAT32)
    np.testing.assert_allclose(of(got, "tools", 1), domestic, rtol=FLOAT32)


def test_tools_without_service_are_taken_apart_for_spares() -> None:
    """Half of 16 tools goes each quarter, for two quarters; a step counts at its middle."""
    loss = event(
        "loss",
        "service_loss",
        start="2026Q2",
        mttf_ratio=1,
        mttr_ratio=1,
        quarters=2,
        cannibalized=0.5,
    )
    got = run_tools(f"{FLEET}.count=16", DOMESTIC, loss)
    since = np.clip((np.arange(40) + 0.5 - 10) / 10, 0.0, 2.0)
    tools = np.floor(16 * 0.5**since + 0.5).reshape(4, 10).mean(axis=1)
    np.testing.assert_allclose(of(got, "tools"), tools, rtol=FLOAT32)
    np.testing.assert_allclose(of(got, "tools", 1), 4.0, rtol=FLOAT32)


def test_lost_service_and_accidents_cost_capacity() -> None:
    loss = event("loss", "service_loss", start="2026Q2", mttf_ratio=0.5, mttr_ratio=1.0, quarters=2)
    got = run_tools(loss, "fabs.line.plan.n2=2000")
    # from two quarters on MTTF is 90 / 4: availability 22.5 / 32.5
    up = of(got, "tool_availability")
    np.testing.assert_allclose(up[[0, 3]], [0.9, 22.5 / 32.5], rtol=FLOAT32)
    possible = 2 * 10 * HOURS_PER_QUARTER * up
    np.testing.assert_allclose(of(got, "tool_passes_possible"), possible, rtol=2 * FLOAT32)
    fire = event("fire", "accident", start="2026Q2", end="2026Q3", capacity_ratio=0.25, d0_ratio=3)
    got = run_tools(SETTLED, fire, D0)
    left = np.array([1.0, 0.25, 0.25, 1.0])
    np.testing.assert_allclose(of(got, "tool_passes_possible"), TWO_TOOLS * left, rtol=FLOAT32)
    np.testing.assert_allclose(got["utilization"][1:3], 1.0, rtol=FLOAT32)
    np.testing.assert_allclose(got["d0_per_cm2"][:, 0, 0], [0.1, 0.3, 0.3, 0.1], rtol=FLOAT32)


def test_a_fab_plans_nothing_before_it_starts() -> None:
    opens = event("opens", "fab_starts", start="2026Q2")
    later = event("later", "fab_starts", start="2026Q3", fabs=["line"])
    got = run_tools(opens, later)
    np.testing.assert_allclose(got["wafer_plan"][:, 0, 0], [0, 0, 3000, 3000], rtol=FLOAT32)
    np.testing.assert_array_equal(got["wafer_starts"][:, 0, 0], [0, 0, 3000, 3000])
    np.testing.assert_array_equal(got["utilization"][:2], 0.0)
    np.testing.assert_allclose(of(got, "tools"), 2.0)  # they stand there


def test_an_excursion_dirties_its_processes_while_it_lasts() -> None:
    second = "processes.n3={alpha=2, d0_mature_per_cm2=0.1}"
    more = (D0, second, "fabs.line.plan.n3=1", "fabs.line.allocation.n3.other=1")
    particles = event(
        "particles", "excursion", start="2026Q2", end="2026Q3", processes=["n2"], d0_ratio=4
    )
    leak = event("leak", "excursion", start="2026Q3", end="2026Q3", d0_ratio=2)
    got = run_tools(*more, particles, leak)["d0_per_cm2"][:, 0]
    np.testing.assert_allclose(got[:, 0], [0.1, 0.4, 0.8, 0.1], rtol=FLOAT32)
    np.testing.assert_allclose(got[:, 1], [0.1, 0.1, 0.2, 0.1], rtol=FLOAT32)


# ---- changes of no effect, and changes that must not help


def assert_same(first: Block, second: Block) -> None:
    assert first.keys() == second.keys()
    for name, values in first.items():
        np.testing.assert_array_equal(second[name], values, err_msg=name)


@settings(max_examples=15)
@given(st.integers(1, 6), st.integers(0, 5), st.floats(500.0, 2000.0), st.sampled_from([0, 1, 2]))
def test_tools_that_came_and_went_were_never_there(
    count: int, gone: int, plan: float, cv2: int
) -> None:
    line = (NOISE, D0, f"fabs.line.plan.n2={plan}", f"tool_groups.litho.imported.repair_cv2={cv2}")
    plain = run_tools(*line, f"{FLEET}.count={count}")
    assert_same(plain, run_tools(*line, f"{FLEET}={{count={count + gone}, retired={gone}}}"))


@pytest.mark.parametrize(
    "nothing",
    [
        [event("none", "tools_lost", start="2026Q2", share=0)],
        [event("none", "excursion", start="2026Q2", end="2026Q3", d0_ratio=1)],
        [event("none", "fab_starts", start="2026Q1")],
        [event("none", "tool_qualified", start="2026Q1")],
        [event("none", "service_loss", start="2026Q1", mttf_ratio=1, mttr_ratio=1, quarters=9)],
        [event("none", "tools_lost", start="2026Q2", share=1, tool_class="domestic")],
        [f"{FLEET}.retired=0", f"{FLEET}.qualification_quarters=0.7"],
    ],
)
def test_events_of_no_effect_change_nothing(nothing: list[str]) -> None:
    line = (NOISE, D0, "fabs.line.plan.n2=1300")
    assert_same(run_tools(*line), run_tools(*line, *nothing))


def test_a_group_that_no_process_visits_changes_nothing() -> None:
    line = (NOISE, D0, "fabs.line.plan.n2=1300")
    unused = (IMPLANT, "fabs.line.fleets.implant.imported.count=1")
    plain, more = run_tools(*line), run_tools(*line, *unused)
    for name, values in plain.items():
        values_with = more[name]
        if name == "binding" or values.shape != values_with.shape:
            continue
        np.testing.assert_array_equal(values_with, values, err_msg=name)
    np.testing.assert_array_equal(more["tool_passes"][:, :, :1], plain["tool_passes"])
    np.testing.assert_array_equal(more["tool_passes"][:, :, 1], 0.0)
    np.testing.assert_allclose(more["tools"][:, 0, 1, 0], 1.0)


@settings(max_examples=25)
@given(
    st.lists(st.integers(0, 5), min_size=2, max_size=4, unique=True),
    st.floats(500.0, 2500.0),
    st.floats(5.0, 80.0),
    st.booleans(),
)
def test_more_retired_tools_never_raise_starts(
    retired: list[int], plan: float, raw_days: float, lost: bool
) -> None:
    """Up to the end of every quarter, without luck."""
    line = (f"fabs.line.plan.n2={plan}", f"processes.n2.raw_process_days={raw_days}")
    before = np.full(4, np.inf)
    for count in sorted(retired):
        tools = f"{FLEET}={{count=5, retired={steps('2026Q1', '2026Q3', values=[0, count])}}}"
        share = event("lost", "tools_lost", start="2026Q2", share=count / 5)
        chosen = [f"{FLEET}.count=5", share] if lost else [tools]
        started = np.cumsum(run_tools(*line, *chosen)["wafer_starts"][:, 0, 0], dtype=float)
        assert np.all(started <= before * (1.0 + FLOAT32) + 1e-3)
        before = started


def test_no_group_makes_more_than_it_can_under_luck() -> None:
    changes = [ALL_KEPT, NOISE, "fabs.line.plan.n2=1400", "simulation.end='2030Q4'"]
    got = Simulator(load_file(ONE_GROUP).with_changes(changes), ["baseline"], 3).block(0, 20)
    possible, made = got["tool_passes_possible"], got["tool_passes"]
    assert np.ptp(possible[..., 0]) > 0.0
    assert np.all(made <= possible * (1.0 + 2 * FLOAT32))
    assert np.all(got["tool_availability"] <= 1.0)
    use = got["utilization"]
    np.testing.assert_allclose(use, made[..., 0] / possible[..., 0], rtol=1e-6)
    assert (use > 0.999).any()
    assert (use < 0.97).any()
