"""Packaging by hand: one line gives 30,000 dies in each of ten steps a quarter (one_line.toml)."""

import numpy as np
import pytest

from tests.supply.kernels.by_hand import B_TOO, DIES, FLOAT32, ONE_LINE, Block, assert_all, of_file
from tests.supply.kernels.by_hand import run as run_with
from yieldsim.model.load import load_file
from yieldsim.outputs import DEMAND, MEMORY, NOT_IN_PRODUCTION, PACKAGING, WAFER_PLAN
from yieldsim.supply.simulate import Simulator
from yieldsim.units import DAYS_PER_QUARTER

STEP_DAYS = DAYS_PER_QUARTER / 10
TWO_BINS = (
    "dies.chip.cores=2",
    "dies.chip.core_fraction=0.5",
    "dies.chip.bins={both={min_good_cores=2}, one={min_good_cores=1}}",
    "products.a.performance={both={tflops_fp16=989}, one={tflops_fp16=494.5}}",
    "products.b.performance={both={tflops_fp16=989}, one={tflops_fp16=494.5}}",
    "products.b.kind='other'",
)


def run(*changes: str) -> Block:
    """Results of one realization, less the leading dims."""
    if TWO_BINS[0] not in changes:
        return run_with(*changes)
    file = load_file(ONE_LINE)
    for product in ("a", "b"):  # a change adds bins to those of the file
        del file.raw["products"][product]["performance"]
    return of_file(file.with_changes(changes))


def test_all_that_is_made_is_sold() -> None:
    got = run()
    assert_all(got["gross_dies"], DIES)
    assert_all(got["dies_used"], DIES)
    assert_all(got["packages_started"][:, 0], DIES)
    assert_all(got["packages_passed"][:, 0, 0], DIES)
    assert_all(got["stacks_used"], 4 * DIES)
    assert_all(got["packaging_used"], DIES / 10)
    assert_all(got["packaging_capacity"], 3e6)
    assert_all(got["usable_chips"][:, 0], DIES)
    assert_all(got["h100_equivalents"][:, 0], DIES)
    assert_all(got["h100_equivalents_bandwidth"][:, 0], 2 * DIES)
    assert_all(got["usable_chips"][:, 1], 0.0)
    assert np.all(got["binding"] == [WAFER_PLAN, NOT_IN_PRODUCTION])


def test_yields_and_samples_are_taken_off() -> None:
    got = run(
        "products.a.assembly_yield=0.8",
        "products.a.final_test_yield=0.9",
        "products.a.sample_fraction=0.1",
        "products.a.field_escape_fraction=0.05",
    )
    assert_all(got["packages_passed"][:, 0, 0], DIES * 0.72)
    assert_all(got["packages_failed"][:, 0], DIES * 0.28)
    assert_all(got["usable_chips"][:, 0], DIES * 0.72 * 0.9 * 0.95)


def test_burn_in_and_rework() -> None:
    tests = ("products.a.burn_in_yield=0.8", "products.a.final_test_yield=0.75")
    rework = ("products.a.rework_fraction=0.5", "products.a.rework_yield=0.9")
    got = run(*tests)
    assert_all(got["packages_passed"][:, 0, 0], DIES * 0.6)
    got = run(*tests, *rework, "products.a.assembly_yield=0.7")
    # of 100 assembled packages 60 pass at once and 18 of 20 after rework; packages that break in
    # assembly are not reworked
    assert_all(got["packages_passed"][:, 0, 0], DIES * 0.7 * 0.78)
    assert_all(got["packages_failed"][:, 0], DIES * (1 - 0.7 * 0.78))
    got = run(*tests, "products.a.rework_fraction=1")  # and all of them pass
    assert_all(got["packages_passed"][:, 0, 0], DIES)


def test_dies_of_started_wafers_are_counted_at_once() -> None:
    yields = ("dies.chip.parametric_yield=0.8", "dies.chip.test_overkill=0.25")
    losses = ("processes.n2.line_yield=0.9", "processes.n2.engineering_fraction=0.1")
    got = run(*yields, *losses, f"processes.n2.raw_process_days={DAYS_PER_QUARTER!r}")
    assert_all(got["gross_dies_started"], DIES)
    assert_all(got["saleable_dies"], DIES * 0.9 * 0.9 * 0.8 * 0.75)
    assert_all(got["gross_dies"][0], 0.0)
    assert got["good_dies"][1:].sum() > 0.0
    # without delay these are the dies that come out
    got = run(*yields, *losses)
    assert_all(got["saleable_dies"], got["good_dies"].sum(axis=-1))


def test_demand_leaves_dies_in_stock() -> None:
    got = run("products.a.demand=10000")
    assert_all(got["packages_started"][:, 0], 10_000.0)
    np.testing.assert_allclose(got["die_stock"][:, 0], 290_000.0 * np.arange(1, 5), rtol=FLOAT32)
    assert np.all(got["binding"][:, 0] == DEMAND)


def test_memory_comes_from_a_maker_in_part() -> None:
    got = run(
        "memory.stacks.deliveries=100000",
        "memory.stacks.maker={wafers=500, stacks_per_wafer=200, stack_yield=0.5}",
        "memory.stacks.usable_fraction=0.8",
    )
    # 0.8 (100,000 + 500 x 3 x 200 x 0.5) stacks for four a package
    assert_all(got["stacks_in"], 200_000.0)
    assert_all(got["packages_started"][:, 0], 50_000.0)
    assert np.all(got["binding"][:, 0] == MEMORY)


def test_products_share_memory_by_need() -> None:
    got = run(B_TOO, "memory.stacks.deliveries=450000")
    # 150,000 packages of each would need 600,000 + 300,000 stacks: half of that is there
    assert_all(got["packages_started"], [[75_000.0, 75_000.0]])
    np.testing.assert_allclose(got["stack_stock"], 0.0, atol=1e-6)


def test_products_share_dies_by_weight() -> None:
    got = run(B_TOO, "products.b.die_share=3")
    assert_all(got["packages_started"], [[DIES / 4, DIES * 3 / 4]])
    got = run(B_TOO, "products.b.dies_per_package=3")
    assert_all(got["packages_started"], [[DIES / 2, DIES / 6]])


def test_an_earlier_tier_is_served_first() -> None:
    got = run(B_TOO, "memory.stacks.deliveries=450000", "products.b.tier=2")
    assert_all(got["packages_started"][0], [112_500.0, 0.0])
    got = run(B_TOO, "memory.stacks.deliveries=450000", "products.a.tier=2")
    # half of the dies for b leave 150,000 stacks; b takes half of what a leaves in stock as well
    assert got["packages_started"][0, 1] > 150_000.0
    assert got["packages_started"][0, 0] < 37_500.0
    assert got["stacks_used"][0, 0] == pytest.approx(450_000.0)


def test_a_product_turns_to_its_second_choice() -> None:
    got = run(
        "memory.stacks.deliveries=400000",
        "memory.spare={deliveries=600000}",
        'products.a.memory=["stacks", "spare"]',
    )
    assert_all(got["packages_started"][:, 0], 250_000.0)
    assert_all(got["stacks_used"], [[400_000.0, 600_000.0]])


GENERATIONS = (
    'memory.stacks={deliveries=400000, generation="HBM2E"}',
    'memory.spare={deliveries=600000, generation="HBM2E"}',
    'memory.other={deliveries=1e9, generation="HBM3"}',
)


def test_a_generation_stands_for_its_pools() -> None:
    got = run(*GENERATIONS, 'products.a.memory=["HBM2E"]')
    assert_all(got["packages_started"][:, 0], 250_000.0)
    assert_all(got["stacks_used"], [[400_000.0, 600_000.0, 0.0]])
    # the first in the file's order comes first
    got = run(*GENERATIONS, 'products.a.memory=["HBM2E"]', "products.a.demand=110000")
    assert_all(got["stacks_used"], [[400_000.0, 40_000.0, 0.0]])
    # and another choice after all of them
    got = run(*GENERATIONS, 'products.a.memory=["HBM2E", "other"]')
    assert_all(got["stacks_used"], [[400_000.0, 600_000.0, 200_000.0]])


def test_a_pool_with_the_name_of_a_generation_stands_for_itself() -> None:
    named = "memory.HBM2E={deliveries=80000}"
    got = run(*GENERATIONS, named, 'products.a.memory=["HBM2E"]')
    assert_all(got["stacks_used"], [[0.0, 0.0, 0.0, 80_000.0]])


def test_a_full_packaging_line_cuts_in_proportion_and_keeps_the_stacks() -> None:
    got = run(B_TOO, "packaging.assembly.capacity=1000")
    # both want as many packages, of which 10 and 20 come from an interposer wafer
    packages = 3000.0 / (1 / 10 + 1 / 20)
    assert_all(got["packages_started"], packages)
    assert_all(got["packaging_used"], 3000.0)
    assert_all(got["stacks_used"], 6 * packages)
    assert np.all(got["binding"] == PACKAGING)
    in_stock = np.cumsum(got["stacks_in"] - got["stacks_used"], axis=0, dtype=float)
    np.testing.assert_allclose(got["stack_stock"], in_stock, rtol=FLOAT32)


SUBSTRATES = "packaging.substrates={counts='packages', capacity=40000}"
BOTH_LINES = "packaging=['substrates', 'assembly']"


def test_each_package_takes_one_place_of_a_line_that_counts_packages() -> None:
    got = run(SUBSTRATES, f"products.a.{BOTH_LINES}")
    assert_all(got["packages_started"][:, 0], 120_000.0)
    assert_all(got["packaging_used"], [[12_000.0, 120_000.0]])
    assert_all(got["packaging_capacity"], [[3e6, 120_000.0]])
    assert_all(got["stacks_used"], 480_000.0)
    assert np.all(got["binding"][:, 0] == PACKAGING)


def test_packages_cut_by_one_line_do_not_load_the_next() -> None:
    """Lines are asked in the order of the file: what the first cuts does not reach the second."""
    few = "packaging.assembly.capacity=2000"
    got = run(B_TOO, SUBSTRATES, few, f"products.a.{BOTH_LINES}")
    # 150,000 packages of each would take 15,000 + 7,500 interposer wafers, of which 6,000 are
    # there; then the 40,000 packages of a find 120,000 substrates
    assert_all(got["packages_started"][0], [40_000.0, 40_000.0])
    fewer = "packaging.substrates.capacity=5000"
    got = run(B_TOO, SUBSTRATES, few, fewer, f"products.a.{BOTH_LINES}")
    # the first line has cut b already: a cut of a by the second gives b nothing back
    assert_all(got["packages_started"][0, 0], 15_000.0)
    assert_all(got["packaging_used"][0], [1500.0 + got["packages_started"][0, 1] / 20, 15_000.0])
    assert_all(got["packages_started"][0, 1], 40_000.0)


def test_a_product_without_memory_leaves_the_line_to_others() -> None:
    """Memory is granted first: a product that waits for stacks takes no packaging capacity."""
    starved = ('products.a.memory=["none"]', "memory.none={deliveries=0}")
    got = run(B_TOO, "packaging.assembly.capacity=1000", *starved)
    assert_all(got["packages_started"], [[0.0, 60_000.0]])


NO_MEMORY = ('products.a.memory=["none"]', "memory.none={deliveries=0}")
NO_IO = (
    "processes.n7={d0_mature_per_cm2=0, alpha=2}",
    "fabs.line.plan.n7=0",
    "fabs.line.allocation.n7.io=1",
    "dies.io={process='n7', width_mm=5, height_mm=5}",
    "products.a.other_dies={io=1}",
)


@pytest.mark.parametrize(
    ("label", "changes"),
    [
        # the line is full of b, and a has stacks for a billionth of a package
        (
            MEMORY,
            (B_TOO, "packaging.assembly.capacity=1000", *NO_MEMORY, "memory.none.deliveries=1e-7"),
        ),
        # the line is short of a billionth of a package
        (WAFER_PLAN, (f"packaging.assembly.capacity={10_000 * (1 - 1e-13)!r}",)),
        # nothing is wanted but a ten-millionth of a package a step, for which there is nothing
        (DEMAND, ("products.a.demand=1e-6", *NO_MEMORY)),
        (DEMAND, ("products.a.demand=1e-6", *NO_IO)),
    ],
)
def test_what_holds_back_less_than_a_millionth_of_a_package_does_not_bind(
    label: int, changes: tuple[str, ...]
) -> None:
    """A pool that ran empty may keep a crumb by rounding: it must not name the constraint."""
    assert np.all(run(*changes)["binding"][:, 0] == label)


def test_better_bins_are_packaged_first() -> None:
    bank = "die_banks.old={die='chip', bin='one', draw=100000}"
    got = run(*TWO_BINS, bank)
    assert_all(got["packages_passed"][:, 0], [[DIES, 100_000.0]])
    assert_all(got["h100_equivalents"][:, 0], DIES + 50_000.0)
    assert_all(got["bank_dies"], 100_000.0)
    got = run(*TWO_BINS, bank, "products.a.demand=350000")
    assert_all(got["packages_passed"][:, 0], [[DIES, 50_000.0]])
    got = run(*TWO_BINS, bank, "products.a.demand=200000")
    assert_all(got["packages_passed"][:, 0], [[200_000.0, 0.0]])


@pytest.mark.parametrize("each", [1, 2, 5])
def test_a_bad_die_that_passed_the_wafer_test_kills_its_package(each: int) -> None:
    got = run(
        "dies.chip.parametric_yield=0.8",
        "dies.chip.test_escape=0.5",
        "dies.chip.test_overkill=0.25",
        f"products.a.dies_per_package={each}",
    )
    # of 100 dies 80 are good, 60 of which ship together with 10 bad ones
    assert_all(got["good_dies"], 0.6 * DIES)
    assert_all(got["bad_dies_passed"], 0.1 * DIES)
    assert_all(got["dies_scrapped"], 0.3 * DIES)
    assert_all(got["packages_started"][:, 0], 0.7 * DIES / each)
    assert_all(got["packages_passed"][:, 0, 0], 0.7 * DIES / each * (6 / 7) ** each)


def test_bad_dies_lie_in_the_bins_of_good_ones_from_the_same_wafers() -> None:
    bank = "die_banks.old={die='chip', bin='one', draw=10000}"
    escapes = ("dies.chip.parametric_yield=0.9", "dies.chip.test_escape=0.2")
    got = run(*TWO_BINS, bank, *escapes)
    # 270,000 good dies and 6,000 bad ones in the best bin; those of the bank are all good
    assert_all(got["packages_passed"][:, 0], [[270_000.0, 10_000.0]])
    assert_all(got["packages_failed"][:, 0], 6_000.0)


@pytest.mark.parametrize("steps", [0.0, 0.25, 1.0, 2.5, 9.999, 17.0, 50.0])
def test_packages_take_their_time(steps: float) -> None:
    got = run(f"products.a.lag_days={steps * STEP_DAYS!r}")
    ends = np.maximum(0.0, 10.0 * np.arange(1, 5) - steps)
    passed = np.cumsum(got["packages_passed"][:, 0, 0], dtype=float)
    np.testing.assert_allclose(passed, ends * DIES / 10, rtol=1e-6, atol=1e-6)
    wip = np.cumsum(got["packages_started"][:, 0], dtype=float) - passed
    np.testing.assert_allclose(got["packages_wip"][:, 0], wip, rtol=1e-6, atol=0.1)


def test_products_start_and_end_with_their_slip() -> None:
    got = run("products.a.start='2026Q2'", "products.a.end='2026Q4'")
    # dies that wait at the start are packaged at once
    assert_all(got["packages_started"][:, 0], [0.0, 2 * DIES, DIES, 0.0])
    late = "products.a.slip_quarters=0.5"
    got = run("products.a.start='2026Q2'", "products.a.end='2026Q4'", late)
    assert_all(got["packages_started"][:, 0], [0.0, 2 * DIES, DIES, 0.5 * DIES])
    assert got["binding"][0, 0] == NOT_IN_PRODUCTION


def test_each_step_has_a_row_of_the_results() -> None:
    simulator = Simulator(
        load_file(ONE_LINE).with_changes(["simulation.warmup_quarters=2"]), ["baseline"], 1
    )
    row = simulator.compiled["baseline"].structure.row
    assert len(row) == 61  # two quarters of warm-up and four of ten steps, and then all later ones
    assert list(row[[0, 19, 20, 29, 30, 59, 60]]) == [4, 4, 0, 0, 1, 3, 5]
