"""Which dies go together in a package, by hand: banks give so many dies of each bin a quarter."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.paths import VALID
from tests.supply.kernels.by_hand import (
    B_TOO,
    DIES,
    FLOAT32,
    NO_WAFERS,
    Block,
    assert_all,
    bank,
    binned,
    from_banks,
    of_file,
)
from tests.supply.twin import recipes as twin_recipes
from yieldsim.errors import ModelError
from yieldsim.model.load import load_file
from yieldsim.model.recipes import recipes
from yieldsim.model.schema import Bin, Die, Product
from yieldsim.outputs import DEMAND, DIE_BANK, WAFER_PLAN

BINS = {"full": 4, "part": 3, "poor": 2}
ESCAPES = ("dies.chip.parametric_yield=0.9", "dies.chip.test_escape=0.2")
TWO = "products.a.dies_per_package=2"
FIT = "products.a.pairing='best_fit'"
RANDOM = "products.a.pairing='random'"
SELLS_TWO = "products.a.sells=['full', 'part']"


def packaged(dies: tuple[float, float, float], *changes: str) -> Block:
    """Results of packages of two banked dies, so many of each bin a quarter."""
    banks = from_banks(dict(zip(BINS, dies, strict=True)))
    return of_file(binned(BINS, NO_WAFERS, TWO, *changes, tables={"die_banks": banks}))


# ---- dies of one bin


def test_dies_of_one_bin_are_packaged_best_first() -> None:
    got = packaged((100_000.0, 60_000.0, 40_000.0))
    assert_all(got["packages_passed"][:, 0], [[50_000.0, 30_000.0, 20_000.0]])
    assert_all(got["packages_started"][:, 0], 100_000.0)
    assert np.all(got["binding"][:, 0] == DIE_BANK)
    np.testing.assert_allclose(got["die_stock"], 0.0, atol=1e-6)
    got = packaged((100_000.0, 60_000.0, 40_000.0), "products.a.demand=90000")
    assert_all(got["packages_passed"][:, 0, :2], [[50_000.0, 30_000.0]])
    assert_all(got["packages_passed"][:, 0, 2], 10_000.0)
    assert np.all(got["binding"][:, 0] == DEMAND)


def test_dies_of_a_bin_that_is_not_sold_wait() -> None:
    got = packaged((100_000.0, 60_000.0, 40_000.0), SELLS_TWO)
    assert_all(got["packages_passed"][:, 0], [[50_000.0, 30_000.0, 0.0]])
    quarters = np.arange(1, 5)
    np.testing.assert_allclose(got["die_stock"][:, 0], 40_000.0 * quarters, rtol=FLOAT32)
    got = packaged((100_000.0, 60_000.0, 40_000.0), "products.a.sells=['part']")
    assert_all(got["packages_passed"][:, 0], [[0.0, 30_000.0, 0.0]])
    np.testing.assert_allclose(got["die_stock"][:, 0], 140_000.0 * quarters, rtol=FLOAT32)


# ---- better dies make up for lesser ones


def test_a_lesser_die_goes_with_a_better_one() -> None:
    # full + poor has three good cores a die: as good as the bin `part`
    got = packaged((100_000.0, 60_000.0, 40_000.0), FIT, SELLS_TWO)
    assert_all(got["packages_passed"][:, 0], [[30_000.0, 40_000.0 + 30_000.0, 0.0]])
    np.testing.assert_allclose(got["die_stock"], 0.0, atol=1e-6)
    # what has no partner waits; no two of `poor` make a `part`
    got = packaged((100_000.0, 60_000.0, 150_000.0), FIT, SELLS_TWO)
    assert_all(got["packages_passed"][:, 0], [[0.0, 100_000.0 + 30_000.0, 0.0]])
    np.testing.assert_allclose(got["die_stock"][:, 0], 50_000.0 * np.arange(1, 5), rtol=FLOAT32)


def test_lesser_dies_are_used_up_first_where_not_all_are_wanted() -> None:
    demand = "products.a.demand=50000"
    got = packaged((100_000.0, 60_000.0, 40_000.0), FIT, SELLS_TWO, demand)
    assert_all(got["packages_passed"][0, 0], [10_000.0, 40_000.0, 0.0])


def test_dies_of_sold_bins_alone_are_not_mixed() -> None:
    got = packaged((100_000.0, 60_000.0, 40_000.0), FIT)
    assert_all(got["packages_passed"][:, 0], [[50_000.0, 30_000.0, 20_000.0]])


def chip(rules: dict[str, int]) -> Die:
    bins = {name: Bin(min_good_cores=least) for name, least in rules.items()}
    return Die.model_construct(bins=bins)


def product(each: int, pairing: str, sells: tuple[str, ...] = ()) -> Product:
    return Product.model_construct(dies_per_package=each, pairing=pairing, sells=sells)


def test_recipes_by_hand() -> None:
    die = chip({"a": 12, "b": 10, "c": 9, "d": 6})
    kinds = recipes(product(3, "best_fit", ("a", "b")), die)
    assert kinds == [
        # without excess, the fewer best dies the sooner: 9+9+12 and 6+12+12 make 3 x 10
        ((1, 0, 2, 0), 1),
        ((2, 0, 0, 1), 1),
        # 31 and 33 of 30 cores; 29 of 9+10+10, 28 and less would be too few
        ((1, 1, 1, 0), 1),
        ((2, 0, 1, 0), 1),
        ((3, 0, 0, 0), 0),
        ((0, 3, 0, 0), 1),
    ]


@given(
    st.lists(st.integers(0, 9), min_size=1, max_size=4, unique=True),
    st.integers(1, 5),
    st.sampled_from(["like", "best_fit"]),
    st.sets(st.integers(0, 3)),
)
def test_recipes_agree_with_those_of_the_twin(
    rules: list[int], each: int, pairing: str, sold: set[int]
) -> None:
    die = chip({f"bin{k}": least for k, least in enumerate(sorted(rules, reverse=True))})
    package = product(each, pairing, tuple(f"bin{k}" for k in sold if k < len(rules)))
    names = list(die.bins)
    expected = [
        (tuple(count[name] for name in names), names.index(bin_name))
        for bin_name, count in twin_recipes.recipes(die, package)
    ]
    assert recipes(package, die) == expected


# ---- dies as they come


@pytest.mark.parametrize("each", [1, 2, 3])
def test_random_packages_are_sold_by_their_worst_die(each: int) -> None:
    shares = (0.5, 0.3, 0.2)
    by_worst = np.zeros(3)
    for drawn in itertools.product(range(3), repeat=each):  # every way to draw the dies
        by_worst[max(drawn)] += np.prod([shares[b] for b in drawn])
    dies = tuple(share * 100_000.0 for share in shares)
    got = packaged(dies, RANDOM, f"products.a.dies_per_package={each}")
    # differences of powers in double precision, of at most 1: 1e-15 of all packages
    assert_all(got["packages_passed"][:, 0], by_worst * 100_000.0 / each)
    np.testing.assert_allclose(got["die_stock"], 0.0, atol=1e-6)


def test_random_draws_leave_the_mixture_as_it_is() -> None:
    got = packaged((50_000.0, 30_000.0, 20_000.0), RANDOM, "products.a.demand=10000")
    assert_all(got["packages_passed"][:, 0], [[2500.0, 3900.0, 3600.0]])
    np.testing.assert_allclose(got["die_stock"][:, 0], 80_000.0 * np.arange(1, 5), rtol=FLOAT32)


# ---- bad dies that passed the wafer test: 6,000 graded like the 270,000 good ones, all full

BAD = 6.0 / 276.0  # share of the full dies


def with_bad(*changes: str, poor: float = 24_000.0) -> Block:
    banks = {"poor": bank("chip", "poor", poor)} if poor else {}
    return of_file(binned(BINS, *ESCAPES, *changes, tables={"die_banks": banks}))


@pytest.mark.parametrize("each", [1, 2, 4])
def test_bad_dies_drawn_at_random_kill_packages(each: int) -> None:
    got = with_bad(RANDOM, f"products.a.dies_per_package={each}")
    packages = DIES / each  # 270,000 full and 24,000 poor good dies, 6,000 bad full ones
    best, good = 0.9**each, 0.98**each
    assert_all(got["packages_passed"][:, 0], packages * np.array([best, 0.0, good - best]))
    assert_all(got["packages_failed"][:, 0], packages * (1.0 - good))


def test_bad_dies_of_one_bin_drawn_at_random() -> None:
    got = with_bad(RANDOM, TWO, poor=0.0)
    assert_all(got["packages_passed"][:, 0], [[138_000.0 * (1.0 - BAD) ** 2, 0.0, 0.0]])


def test_bad_dies_are_in_the_bin_of_the_good_ones() -> None:
    got = with_bad(TWO, SELLS_TWO)
    good = 138_000.0 * (1.0 - BAD) ** 2
    assert_all(got["packages_passed"][:, 0], [[good, 0.0, 0.0]])
    assert_all(got["packages_failed"][:, 0], 138_000.0 - good)
    got = with_bad(TWO, SELLS_TWO, FIT)
    # each of the 24,000 poor dies, none of them bad, goes with a full one; the others in pairs
    expected = [126_000.0 * (1.0 - BAD) ** 2, 24_000.0 * (1.0 - BAD), 0.0]
    assert_all(got["packages_passed"][:, 0], expected)


def test_two_bad_dies_of_a_package_kill_once() -> None:
    cores = {"full": 4, "poor": 2, "none": 1}
    three = ("products.a.dies_per_package=3", FIT, "products.a.sells=['poor']")
    banks = {"none": bank("chip", "none", 138_000.0)}
    got = of_file(binned(cores, *ESCAPES, *three, tables={"die_banks": banks}))
    # 4 + 1 + 1 make three times 2: 69,000 packages; then 4 + 4 + 1 would, but for want of 1
    assert_all(got["packages_passed"][:, 0, 1], 69_000.0 * (1.0 - BAD))


# ---- dies of other designs

WITH_IO = {
    "dies": {
        "io": {
            "source": "made_up",
            "process": "n2",
            "width_mm": 10,
            "height_mm": 10,
            "gross_die_per_wafer": 400,
        }
    }
}


def with_io(dies: float, *changes: str) -> Block:
    """Results where a bank gives so many I/O dies a quarter for the 300,000 chips."""
    tables = WITH_IO | {"die_banks": {"io": bank("io", "good", dies)}}
    return of_file(binned({"good": 0}, *changes, tables=tables))


def test_other_dies_go_into_packages() -> None:
    got = with_io(700_000.0, "products.a.other_dies={io=2}")
    assert_all(got["packages_started"][:, 0], DIES)
    assert_all(got["dies_used"], [[DIES, 2 * DIES]])
    np.testing.assert_allclose(got["die_stock"][:, 1], 100_000.0 * np.arange(1, 5), rtol=FLOAT32)
    assert np.all(got["binding"][:, 0] == WAFER_PLAN)


def test_packages_wait_for_other_dies() -> None:
    got = with_io(300_000.0, "products.a.other_dies={io=3}")
    assert_all(got["packages_started"][:, 0], 100_000.0)
    assert_all(got["dies_used"], [[100_000.0, 300_000.0]])
    np.testing.assert_allclose(got["die_stock"][:, 0], 200_000.0 * np.arange(1, 5), rtol=FLOAT32)
    assert np.all(got["binding"][:, 0] == DIE_BANK)
    # from a fab, which starts fewer wafers of them than would be needed
    share = "fabs.line.allocation.n2.io=0.05"
    file = binned({"good": 0}, share, "products.a.other_dies={io=1}", tables=WITH_IO)
    got = of_file(file)
    assert_all(got["packages_started"][:, 0], 3000.0 * 0.05 / 1.05 * 400)
    assert np.all(got["binding"][:, 0] == WAFER_PLAN)


def test_products_share_other_dies_by_need() -> None:
    both = ("products.a.other_dies={io=1}", "products.b.other_dies={io=2}", B_TOO)
    got = with_io(225_000.0, *both, "simulation.steps_per_quarter=1")
    # 150,000 packages of each would need 450,000
    assert_all(got["packages_started"][0], [75_000.0, 75_000.0])
    # an earlier tier first: 150,000 for a, and 37,500 packages of b from the rest
    got = with_io(225_000.0, *both, "simulation.steps_per_quarter=1", "products.b.tier=2")
    assert_all(got["packages_started"][0], [150_000.0, 37_500.0])


def test_other_dies_are_divided_before_memory() -> None:
    """What a product without memory was to get is not there for others in the same step."""
    both = ("products.a.other_dies={io=1}", "products.b.other_dies={io=1}", B_TOO)
    starved = ('products.a.memory=["none"]', "memory.none={deliveries=0}")
    got = with_io(100_000.0, *both, *starved, "simulation.steps_per_quarter=1")
    assert_all(got["packages_started"][0], [0.0, 50_000.0])
    assert_all(got["die_stock"][0, 1], 50_000.0)


def test_the_scarcest_of_two_other_designs_counts() -> None:
    tables = {"dies": WITH_IO["dies"] | {"bridge": WITH_IO["dies"]["io"]}}
    tables["die_banks"] = {
        "io": bank("io", "good", 240_000.0),
        "bridge": bank("bridge", "good", 50_000.0),
    }
    file = binned({"good": 0}, "products.a.other_dies={bridge=1, io=2}", tables=tables)
    got = of_file(file)
    assert_all(got["packages_started"][:, 0], 50_000.0)
    assert_all(got["dies_used"], [[50_000.0, 100_000.0, 50_000.0]])


@pytest.mark.parametrize("count", [1, 3])
def test_a_bad_other_die_kills_its_package(count: int) -> None:
    escapes = ("dies.io.parametric_yield=0.8", "dies.io.test_escape=0.5")
    share = "fabs.line.allocation.n2.io=1"
    uses = f"products.a.other_dies={{io={count}}}"
    got = of_file(binned({"good": 0}, share, uses, *escapes, tables=WITH_IO))
    # 150,000 chips; of 600,000 other dies 480,000 are good and 60,000 bad ones pass
    assert_all(got["packages_started"][:, 0], 150_000.0)
    assert_all(got["packages_passed"][:, 0, 0], 150_000.0 * (8 / 9) ** count)


def test_a_design_is_a_main_die_or_another_one() -> None:
    place = VALID / "pairing.toml"
    changed = load_file(place).with_changes(["products.alike.other_dies.solo=1"])
    with pytest.raises(ModelError, match="is the main die of product plain, got 'solo'"):
        changed.model()
