"""What the planner does in small models, by hand (two_products.toml; see ../mix/test_by_hand.py).

Memory and a packaging line allow 40,000 packages of each product a quarter. The designs have 1,125
of 1,500 wafers a quarter, 112,500 dies, and wafers cross the line within their step.
"""

import numpy as np
import pytest

from tests.paths import VALID
from yieldsim.model.load import load_file
from yieldsim.outputs import ALLOCATION, MIX
from yieldsim.supply.simulate import Simulator
from yieldsim.units import DAYS_PER_QUARTER

PLANNER = (
    "allocation.rule=planner",
    "simulation.warmup_quarters=2",
    "products.light.start='2025Q1'",
    "products.heavy.start='2025Q1'",
)
SPARE = 0.02  # what a product asks for beyond its plan
FLOAT32 = 2e-7


def run(*changes: str, name: str = "two_products") -> dict[str, np.ndarray]:
    """Results of one realization, less the leading dims."""
    file = load_file(VALID / f"{name}.toml").with_changes([*PLANNER, *changes])
    block = Simulator(file, ["baseline"], 1).block(0, 1)
    return {key: values[0, 0] for key, values in block.items()}


def test_memory_and_a_line_meet_at_a_corner() -> None:
    got = run()
    np.testing.assert_allclose(got["packages_started"], 40_000.0, rtol=SPARE)


def test_wafers_follow_the_memory_and_the_rest_goes_to_no_design() -> None:
    """40,000 packages of each take 800 wafers and 15 % to spare; the shares would start 1,125."""
    got = run()
    wafers = got["wafers_to_die"].sum(axis=1)
    assert np.all(wafers < 1000.0)  # 920 where no dies are in stock
    np.testing.assert_allclose(got["wafers_other"][:, 0, 0] + wafers, 1500.0, rtol=FLOAT32)


def with_phone(*changes: str) -> dict[str, np.ndarray]:
    """Results beside a phone design with a quarter of the wafers: 375 of 200 dies, 75,000 dies."""
    file = load_file(VALID / "two_products.toml")
    line = file.raw["fabs"]["line"]["allocation"]["n2"]
    line["phone"], line["other"] = 3, 0
    file.raw["dies"]["phone"] = file.raw["dies"]["small"] | {"gross_die_per_wafer": 200}
    file.raw["products"]["handset"] = {
        "source": "made_up",
        "kind": "phone",
        "die": "phone",
        "start": "2026Q1",
    }
    block = Simulator(file.with_changes([*PLANNER, *changes]), ["baseline"], 1).block(0, 1)
    return {key: values[0, 0] for key, values in block.items()}


def test_idle_wafers_go_to_phones_that_need_them() -> None:
    """Beside 375 wafers by share. Of the 1,125 others up to 1,000 make accelerators."""
    started = with_phone("products.handset.demand=1e5")["packages_started"]
    np.testing.assert_allclose(started[:, 2], 100_000.0, rtol=SPARE)
    np.testing.assert_allclose(started[:, :2], 40_000.0, rtol=SPARE)
    more = with_phone("products.handset.demand=1e6")["packages_started"]
    assert np.all(more[1:, 2] > 110_000.0)


def test_phones_get_no_more_wafers_than_they_need() -> None:
    """Of 75,000 dies of the warm-up 30,000 a quarter are used, and a quarter's demand is kept."""
    got = with_phone("products.handset.demand=30000")
    np.testing.assert_allclose(got["packages_started"][:, 2], 30_000.0, rtol=FLOAT32)
    np.testing.assert_allclose(got["wafers_to_die"][:, 2], [0.0, 75.0, 150.0, 150.0], rtol=1e-6)
    np.testing.assert_allclose(got["die_stock"][:, 2], [45e3, 30e3, 30e3, 30e3], rtol=1e-6)
    given = got["wafers_to_die"].sum(axis=1) + got["wafers_other"][:, 0, 0]
    np.testing.assert_allclose(given, 1500.0, rtol=FLOAT32)


def test_dies_in_the_line_count_as_supply() -> None:
    """Wafers that take a quarter come beside those in the line: as many start as are used."""
    got = with_phone(
        "products.handset.demand=30000",
        f"processes.n2.raw_process_days={DAYS_PER_QUARTER}",
        "simulation.end='2028Q4'",
    )
    np.testing.assert_allclose(got["die_wafer_starts"][4:, 2], 150.0, rtol=1e-6)
    np.testing.assert_allclose(got["die_stock"][5:, 2], 30_000.0, rtol=1e-6)


@pytest.mark.parametrize(
    "changes", [(), ("products.handset.demand=30000", "simulation.no_limit=['demand']")]
)
def test_phones_without_a_demand_keep_their_share(changes: tuple[str, ...]) -> None:
    """And take what the plan leaves."""
    got = with_phone(*changes)
    assert np.all(got["wafers_to_die"][:, 2] >= 375.0 * (1.0 - FLOAT32))
    np.testing.assert_allclose(got["wafers_to_die"].sum(axis=1), 1500.0, rtol=FLOAT32)


def test_accelerators_do_not_depend_on_the_demand_for_phones() -> None:
    few, many = (with_phone(f"products.handset.demand={demand}") for demand in (3e4, 1e6))
    for name in ("wafers_to_die", "packages_started", "binding"):
        assert few[name][:, :2].tobytes() == many[name][:, :2].tobytes(), name


def test_shares_hold_accelerators_back_even_where_phones_leave_theirs_idle() -> None:
    """By its share of 30 in 39 the phone has 1,154 wafers, 230,769 dies. It needs 150 of them."""
    got = with_phone(
        "products.handset.demand=30000",
        "fabs.line.allocation.n2.phone=30",
        "memory.stacks.deliveries=1e9",
        "packaging.assembly.capacity=1e6",
        "products.heavy.start='2040Q1'",
    )
    assert np.all(got["wafers_to_die"][:, 2] <= 150.0 * (1.0 + FLOAT32))
    assert np.all(got["binding"][:, 0] == ALLOCATION)


def test_where_wafers_bind_all_go_to_the_better_design() -> None:
    got = run(
        "memory.stacks.deliveries=1e9",
        "packaging.assembly.capacity=1e6",
        "dies.large.gross_die_per_wafer=40",
        "products.heavy.performance.good.tflops_fp16=3956",  # 160 a wafer against 100
    )
    np.testing.assert_allclose(got["packages_started"][:, 1], 1125.0 * 40, rtol=1e-5)
    np.testing.assert_allclose(got["packages_started"][:, 0], 0.0, atol=0.1)


@pytest.mark.parametrize(("value", "heavy"), [("compute", 1.0), ("chips", 0.0)])
def test_a_choice_of_value_decides_who_gets_the_stacks(value: str, heavy: float) -> None:
    """Of 480,000 stacks 120,000 light or 60,000 heavy packages are made, of 1 or 2.4 each."""
    got = run(
        f"allocation.worth={value}",
        "packaging.assembly.capacity=1e6",
        "fabs.line.plan.n2=1000",
        "products.heavy.performance.good.tflops_fp16=2373.6",
    )
    expected = [[120_000.0 * (1.0 - heavy), 60_000.0 * heavy]] * 4
    np.testing.assert_allclose(got["packages_started"], expected, rtol=SPARE, atol=1.0)
    assert np.all(got["binding"][:, int(1.0 - heavy)] == MIX)


def test_a_tier_comes_before_any_value() -> None:
    got = run(
        "packaging.assembly.capacity=1e6",
        "fabs.line.plan.n2=1000",
        "products.light.tier=2",
        "products.light.performance.good.tflops_fp16=9890",
    )
    np.testing.assert_allclose(got["packages_started"][:, 1], 60_000.0, rtol=SPARE)


def test_a_stockpile_lasts_until_its_date() -> None:
    """480,000 stacks that come in 2026Q1 alone last until 2026Q4 begins: a third each quarter."""
    pool = '{quarters=["2026Q1", "2026Q2"], values=[480000, 0], before="zero", interpolate="step"}'
    alone = (
        f"memory.stacks.deliveries={pool}",
        "packaging.assembly.capacity=1e6",
        "products.heavy.start='2040Q1'",
        "fabs.line.plan.n2=1000",
    )
    got = run(*alone, 'memory.stacks.lasts_until="2026Q4"')
    # each quarter uses up to 2 % more, and leaves less to the last
    np.testing.assert_allclose(got["stacks_used"][:3, 0], 160_000.0, rtol=2 * SPARE)
    at_once = run(*alone)
    np.testing.assert_allclose(at_once["stacks_used"][0, 0], 480_000.0, rtol=SPARE)


def test_a_stockpile_is_free_until_its_pacing_begins() -> None:
    """Of 480,000 stacks the first quarter takes what is sold, 300,000; two share the rest."""
    pool = '{quarters=["2026Q1", "2026Q2"], values=[480000, 0], before="zero", interpolate="step"}'
    got = run(
        f"memory.stacks.deliveries={pool}",
        "packaging.assembly.capacity=1e6",
        "products.heavy.start='2040Q1'",
        "products.light.demand=75000",
        "fabs.line.plan.n2=1000",
        'memory.stacks.lasts_until="2026Q4"',
        'memory.stacks.paced_from="2026Q2"',
    )
    used = got["stacks_used"][:3, 0]
    np.testing.assert_allclose(used, [300_000.0, 90_000.0, 90_000.0], rtol=2 * SPARE)


def test_a_slip_stretches_the_stockpile() -> None:
    pool = '{quarters=["2026Q1", "2026Q2"], values=[480000, 0], before="zero", interpolate="step"}'
    got = run(
        f"memory.stacks.deliveries={pool}",
        "packaging.assembly.capacity=1e6",
        "products.heavy.start='2040Q1'",
        "fabs.line.plan.n2=1000",
        'memory.stacks.lasts_until="2026Q4"',
        "memory.stacks.lasts_slip_quarters=1",
    )
    np.testing.assert_allclose(got["stacks_used"][:, 0], 120_000.0, rtol=2 * SPARE)


def test_no_wafer_starts_for_memory_beyond_the_next_quarter() -> None:
    """A maker's stacks grow by 50,000 a quarter: in two years they take more dies than are made.

    Wafers cross within their step, so C is 0 and a plan makes dies for the stacks of two quarters.
    The line can make those, so all that is left of a quarter is what was made to spare.
    """
    file = load_file(VALID / "two_products.toml")
    wafers = {"quarters": ["2024Q3", "2029Q3"], "values": [0, 333_333], "before": "zero"}
    maker = {"wafers": wafers, "stacks_per_wafer": 1, "stack_yield": 1, "source": "made_up"}
    file.raw["memory"]["stacks"] = {"source": "made_up", "maker": maker}
    changes = ("packaging.assembly.capacity=1e6", "products.heavy.start='2040Q1'")
    early = ("simulation.warmup_quarters=6", "products.light.start='2024Q1'")
    block = Simulator(file.with_changes([*PLANNER, *changes, *early]), ["baseline"], 1).block(0, 1)
    got = {key: values[0, 0, :, 0] for key, values in block.items() if values.ndim == 4}
    made, left = 100.0 * got["wafers_to_die"][:2], got["die_stock"][:2]
    assert np.all(made < 112_500.0)
    assert np.all(left > 0.0)
    assert np.all(left <= 0.15 / 1.15 * made * (1.0 + SPARE))


def test_wafers_start_for_memory_that_comes_when_their_dies_do() -> None:
    """Stacks begin in 2026Q4; dies take a quarter. Wafers start in 2026Q3, not at once."""
    pool = '{quarters=["2026Q4"], values=[480000], before="zero", interpolate="step"}'
    got = run(
        f"memory.stacks.deliveries={pool}",
        "packaging.assembly.capacity=1e6",
        f"processes.n2.raw_process_days={DAYS_PER_QUARTER}",
        "products.heavy.start='2040Q1'",
        "simulation.end='2027Q3'",
        "fabs.line.plan.n2=1000",
    )
    started = got["gross_dies_started"][:, 0]
    # announced up to two quarters ahead: the fourth quarter is seen in the second
    assert started[0] == 0.0
    np.testing.assert_allclose(got["stacks_used"][4:, 0], 480_000.0, rtol=0.05)
