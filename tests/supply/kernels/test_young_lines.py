"""Lines with learning of their own, random excursions, and tools bought for the plan."""

import math
from typing import Any

import numpy as np
import pytest

from tests.supply.kernels.by_hand import ALL_KEPT, FLOAT32, ONE_GROUP, ONE_LINE, Block, of_file
from tests.supply.kernels.records_by_hand import FORMS, form_of
from yieldsim.model.load import load_file
from yieldsim.supply.kernels.effects import new_days
from yieldsim.supply.simulate import Simulator
from yieldsim.units import DAYS_PER_QUARTER

D0 = 0.2
RATIO, TAU = 3.0, 4.0  # of the process
OWN, SHARE = 5.0, 0.4  # start ratio and transferred share of the copy
WAFERS, REFERENCE, EXPONENT = 3000.0, 6000.0, 0.6  # a quarter of the mother line; its power law
LAWS = {
    "exponential": f'kind="exponential", start="2025Q3", tau_quarters={TAU}',
    "power": f'kind="power", reference_wafers={REFERENCE}, exponent={EXPONENT}',
}


def lines(law: str, *changes: str) -> Block:
    """one_line.toml and two more lines, with a step a quarter: the second copies the first from
    2026Q2 on, and the third the second from 2026Q4 on."""
    file = load_file(ONE_LINE)
    for name, start, mother in (("copy", "2026Q2", "line"), ("again", "2026Q4", "copy")):
        origin = {"source": "made_up", "grade": "assumed"}
        file.raw["fabs"][name] = {
            "plan": {"n2": {"quarters": [start], "values": [500], "before": "zero", **origin}},
            "allocation": {"n2": {"chip": 1}},
            "learning": {"n2": {"copied_from": mother, "transferred_share": SHARE}},
            "source": "made_up",
        }
    return of_file(
        file.with_changes(
            [
                "simulation.steps_per_quarter=1",
                f"processes.n2.d0_mature_per_cm2={D0}",
                f"processes.n2.learning={{{LAWS[law]}, start_ratio={RATIO}}}",
                f"fabs.copy.learning.n2.start_ratio={OWN}",
                *changes,
            ]
        )
    )


def left(law: str, quarters: float, wafers: float) -> float:
    """Share of an excess that is left after a time and a number of wafers."""
    if law == "exponential":
        return math.exp(-quarters / TAU)
    return float((1.0 + wafers / REFERENCE) ** -EXPONENT)


@pytest.mark.parametrize("law", LAWS)
def test_a_copied_line_starts_where_the_transfer_leaves_it(law: str) -> None:
    got = lines(law)["d0_per_cm2"][:, :, 0]
    mother = [(RATIO - 1.0) * left(law, q + 2.5, WAFERS * q) for q in range(4)]
    np.testing.assert_allclose(got[:, 0], D0 * (1.0 + np.array(mother)), rtol=FLOAT32)
    # at the start of 2026Q2 the mother line has learnt for three quarters, and made one's wafers
    begin = (1.0 - SHARE) * (OWN - 1.0) + SHARE * (RATIO - 1.0) * left(law, 3.0, WAFERS)
    copy = [begin * left(law, q + 0.5, 1500.0 * q) for q in range(3)]
    np.testing.assert_allclose(got[1:, 1], D0 * (1.0 + np.array(copy)), rtol=FLOAT32)
    # the third line has the start ratio of the process, and copies the copy
    begin = (1.0 - SHARE) * (RATIO - 1.0) + SHARE * begin * left(law, 2.0, 3000.0)
    expected = D0 * (1.0 + begin * left(law, 0.5, 0.0))
    assert got[3, 2] == pytest.approx(expected, rel=FLOAT32)


@pytest.mark.parametrize("law", LAWS)
def test_what_is_transferred_lies_between_a_new_line_and_its_mother(law: str) -> None:
    none = lines(law, "fabs.copy.learning.n2.transferred_share=0")["d0_per_cm2"][1, 1, 0]
    assert none == pytest.approx(D0 * (1.0 + (OWN - 1.0) * left(law, 0.5, 0.0)), rel=FLOAT32)
    all_of_it = lines(law, "fabs.copy.learning.n2.transferred_share=1")["d0_per_cm2"][1, :2, 0]
    if law == "exponential":  # mother and copy go on alike
        assert all_of_it[1] == pytest.approx(all_of_it[0], rel=FLOAT32)
    assert all_of_it[1] < none


def test_a_line_that_comes_late_learns_late() -> None:
    late = 'events.late={kind="fab_starts", start="2026Q4", fabs=["copy"], source="made_up"}'
    got = lines("exponential", late)["d0_per_cm2"][:, 1, 0]
    begin = (1.0 - SHARE) * (OWN - 1.0) + SHARE * (RATIO - 1.0) * left("exponential", 5.0, 0.0)
    expected = D0 * (1.0 + begin * left("exponential", 0.5, 0.0))
    assert got[3] == pytest.approx(expected, rel=FLOAT32)
    assert got[2] == 0.0  # no wafers


# ---- random excursions

RATE, RISE, DAYS = 1.2, 3.0, 10.0
EXCURSIONS = (
    f"fabs.line.excursions={{rate_per_quarter={RATE}, d0_ratio={RISE}, detection_days={DAYS},"
    ' source="made_up", grade="assumed"}'
)


@pytest.mark.parametrize("form", FORMS)
def test_days_of_new_excursions_have_the_moments_of_a_compound_poisson(form: str) -> None:
    """Midpoints of a grid of both uniforms; sum of Poisson many exponential times."""
    kernel, grid = form_of(new_days, form), (np.arange(200) + 0.5) / 200
    days = np.array([kernel(0.7, 9.0, float(u), float(v)) for u in grid for v in grid])
    # the gamma is that of Wilson and Hilferty, and the grid cuts the tails: 2 % and 5 %
    assert days.mean() == pytest.approx(0.7 * 9.0, rel=0.02)
    assert days.var() == pytest.approx(0.7 * 2.0 * 9.0**2, rel=0.05)
    assert np.mean(days == 0.0) == pytest.approx(math.exp(-0.7), abs=1 / 200)


def test_without_noise_excursions_raise_the_mean_density() -> None:
    got = of_file(
        load_file(ONE_LINE).with_changes([f"processes.n2.d0_mature_per_cm2={D0}", EXCURSIONS])
    )
    share = RATE * DAYS / DAYS_PER_QUARTER
    expected = D0 * (1.0 + share * (RISE - 1.0))
    np.testing.assert_allclose(got["d0_per_cm2"], expected, rtol=FLOAT32)


@pytest.mark.parametrize("steps", [1, 13])
def test_excursions_keep_the_mean_density_at_any_step(steps: int) -> None:
    file = load_file(ONE_LINE).with_changes(
        [
            f"processes.n2.d0_mature_per_cm2={D0}",
            "processes.n2.cluster_wafers=1e-6",  # no other luck
            "simulation.process_noise=true",
            "simulation.end='2035Q4'",
            f"simulation.steps_per_quarter={steps}",
            EXCURSIONS,
        ]
    )
    count = 64
    density = Simulator(file, ["baseline"], 3).block(0, count)["d0_per_cm2"][0, :, :, 0, 0]
    exposed = (density / D0 - 1.0) / (RISE - 1.0)
    share = RATE * DAYS / DAYS_PER_QUARTER
    # per quarter the variance is about that of the compound Poisson, rate x 2 x days^2
    error = math.sqrt(2.0 * RATE) * DAYS / DAYS_PER_QUARTER / math.sqrt(density.size)
    assert exposed.mean() == pytest.approx(share, abs=4.0 * error)
    assert exposed.std() > 0.5 * error * math.sqrt(density.size)


def test_excursions_leave_all_other_luck_as_it_was() -> None:
    noisy = ["simulation.process_noise=true", f"processes.n2.d0_mature_per_cm2={D0}", ALL_KEPT]
    before = of_file(load_file(ONE_GROUP).with_changes(noisy))
    none = EXCURSIONS.replace(f"d0_ratio={RISE}", "d0_ratio=1")
    after = of_file(load_file(ONE_GROUP).with_changes([*noisy, none]))
    for name, values in before.items():
        np.testing.assert_array_equal(after[name], values)


def test_one_seldom_inspected_line_has_its_excursions_for_longer() -> None:
    """Control steps that make a half of their passes find an excursion after twice the time."""
    control = """{defect_weight=0, source="made_up", sampling_floor=FLOOR, imported={
        wafers_per_hour=10, mttf_hours=1e9, mttr_hours=1}}"""
    tight = [
        "simulation.warmup_quarters=16",
        f"processes.n2.d0_mature_per_cm2={D0}",
        'processes.n2.visits.control={value=8, source="made_up", grade="assumed"}',
        "fabs.line.fleets.control.imported={count=1, source='made_up'}",
        "fabs.line.plan.n2=1000",
        ALL_KEPT,
        EXCURSIONS,
    ]

    def run(floor: float, *changes: str) -> Block:
        text = control.replace("FLOOR", str(floor)).replace("\n", " ")
        return of_file(
            load_file(ONE_GROUP).with_changes([f"tool_groups.control={text}", *tight, *changes])
        )

    kept = 10.0 * DAYS_PER_QUARTER * 24.0 / (3000.0 * 8.0)
    assert 0.9 < kept < 0.92
    got, share = run(0.2), RATE * DAYS / DAYS_PER_QUARTER
    longer = 1.0 + share / kept * (RISE - 1.0)
    np.testing.assert_allclose(got["d0_per_cm2"], D0 * longer, rtol=1e-6)
    np.testing.assert_allclose(got["wafer_starts"], 3000.0, rtol=1e-6)
    # each wafer that is started skips its part of the passes, and that costs density
    costly = run(0.2, "tool_groups.control.skipped_adder=0.5")
    expected = D0 * longer * (1.0 + 0.5 * (1.0 - kept))
    np.testing.assert_allclose(costly["d0_per_cm2"], expected, rtol=1e-6)
    # with a floor of all passes the group limits the line, as any other does
    firm = run(1.0)
    np.testing.assert_allclose(firm["d0_per_cm2"], D0 * (1.0 + share * (RISE - 1.0)), rtol=1e-6)
    assert firm["wafer_outs"][-1, 0, 0] == pytest.approx(3000.0 * kept, rel=0.01)
    assert got["wafer_outs"][-1, 0, 0] == pytest.approx(3000.0, rel=0.01)
    place = 1  # of the group
    np.testing.assert_allclose(got["sampling_kept"][:, 0, place], kept, rtol=FLOAT32)
    passes = got["tool_passes"][:, 0, place, 0] / (got["wafer_outs"][:, 0, 0] * 8.0)
    assert passes[-1] == pytest.approx(kept, rel=0.02)


# ---- tools bought for the plan


def scanners(*changes: str) -> Any:
    use = "fabs.line.fleets.litho.imported.planned_use=0.8"
    file = load_file(ONE_GROUP).with_changes(
        ["fabs.line.fleets.litho.imported.count=40", use, ALL_KEPT, *changes]
    )
    return of_file(file)["tools"][:, 0, 0, 0]


@pytest.mark.parametrize("performance", [0.1, 0.5, 1.0])
def test_tools_are_bought_for_the_plan_at_their_planned_use(performance: float) -> None:
    each = 10.0 * performance * 0.9 * DAYS_PER_QUARTER * 24.0
    needed = 30_000.0 / each / 0.8
    got = scanners(f"tool_groups.litho.imported.performance={performance}")
    np.testing.assert_allclose(got, math.floor(needed + 0.5), rtol=FLOAT32)


def test_no_more_tools_are_bought_than_can_be_had() -> None:
    got = scanners("tool_groups.litho.imported.performance=0.02")
    np.testing.assert_array_equal(got, 40.0)


def test_tools_stay_when_the_plan_shrinks() -> None:
    shrinks = "fabs.line.plan.n2={quarters=['2026Q1', '2026Q3'], values=[4000, 1000]}"
    got = scanners(shrinks, "tool_groups.litho.imported.performance=0.3")
    assert np.all(got == got[0])
    assert got[0] > 10.0


def test_a_lifted_plan_buys_no_tools() -> None:
    lifted = "simulation.no_limit=['wafers']"
    slow = "tool_groups.litho.imported.performance=0.3"
    np.testing.assert_array_equal(scanners(lifted, slow), scanners(slow))
