"""What a mix promises for any model: never less compute than the shares, and the same bits."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.examples import examples
from tests.paths import VALID
from tests.supply.blocks import (
    Block,
    assert_any_split_is_the_same,
    assert_same,
    assert_threads_do_not_meet,
)
from yieldsim.errors import ModelError
from yieldsim.model.load import load_file
from yieldsim.supply.kernels.records import LANES
from yieldsim.supply.simulate import Simulator

MIX, SHARES = "allocation.rule=most_compute", "allocation.rule=shares"
# results are stored in single precision, 2^-24 = 6e-8 relative each, and a sum of them no worse
FLOAT32 = 2e-7


@cache
def simulator(name: str, *changes: str) -> Simulator:
    path = Path(name) if name.endswith(".toml") else VALID / f"{name}.toml"
    return Simulator(load_file(path).with_changes(changes), ["baseline"], 7)


def compute(engine: Simulator, block: Block) -> np.ndarray:
    """H100-equivalents of the AI products over all quarters, by realization."""
    products = engine.models["baseline"].products.values()
    ai = [product.kind == "ai" for product in products]
    return block["h100_equivalents"][0][:, :, ai].sum(axis=(1, 2), dtype=float)


def assert_kept(block: Block) -> None:
    """What came is used or in stock, and no line does more than it can."""
    for name in ("stacks_in", "stacks_used", "packaging_used", "packaging_capacity"):
        assert np.all(block[name] >= 0.0)
    over = block["packaging_used"] - block["packaging_capacity"] * (1.0 + 10 * FLOAT32)
    assert np.all(over <= 0.0)
    # stocks at the start of the first quarter are not stored: the changes of the later ones
    for came, used, stock in (
        (block["stacks_in"], block["stacks_used"], block["stack_stock"]),
        (
            block["good_dies"].sum(axis=-1, dtype=float)
            + block["bad_dies_passed"]
            + block["bank_dies"],
            block["dies_used"],
            block["die_stock"],
        ),
    ):
        change = (came - used.astype(float))[:, :, 1:]
        scale = np.maximum(stock.max(), came.max())
        np.testing.assert_allclose(np.diff(stock.astype(float), axis=2), change, atol=1e-6 * scale)


def test_the_mix_of_the_small_model_gains() -> None:
    engine = simulator("mix")
    block, shares = engine.block(0, 24), simulator("mix", SHARES).block(0, 24)
    gain = compute(engine, block) / compute(engine, shares) - 1.0
    assert gain.min() > 0.1  # else the tests below would show little
    assert_kept(block)
    place = engine.coords["product"].index("handset")
    for name in ("packages_started", "usable_chips"):
        mixed, shared = (b[name][..., place] for b in (block, shares))
        assert np.all(mixed >= shared * (1.0 - FLOAT32)), "a phone chip keeps its wafers"
    for name in ("wafer_starts", "wafer_outs", "d0_per_cm2", "cycle_time_days", "utilization"):
        assert block[name].tobytes() == shares[name].tobytes(), name


SHARE = st.floats(0.0, 1.0)
WEIGHT = st.floats(0.0, 9.0)
RANDOM_CHANGES = st.fixed_dictionaries(
    {
        "simulation.steps_per_quarter": st.integers(1, 9),
        "simulation.warmup_quarters": st.integers(0, 2),
        "simulation.process_noise": st.sampled_from(["true", "false"]),
        "fabs.east.plan.n2.scale": st.floats(0.0, 3.0),
        "fabs.east.allocation.n2.big": WEIGHT,
        "fabs.east.allocation.n2.twin": WEIGHT,
        "fabs.east.allocation.n2.io": st.floats(0.1, 2.0),
        "processes.n2.raw_process_days": st.floats(0.0, 200.0),
        "dies.big.test_escape": SHARE,
        "die_banks.abroad.draw": st.floats(0.0, 3e5),
        "memory.fast.deliveries": st.floats(0.0, 1e6),
        "memory.slow.usable_fraction": SHARE,
        "packaging.new.capacity": st.floats(0.0, 9000.0),
        "packaging.test.capacity": st.floats(0.0, 3e5),
        "products.whole.tier": st.integers(1, 3),
        "products.whole.lag_days": st.floats(0.0, 200.0),
        "products.pair.slip_quarters": st.floats(0.0, 3.0),
        "products.pair.stacks_per_package": st.integers(1, 12),
        "products.tile.final_test_yield": SHARE,
        "products.next.demand": st.floats(0.0, 1e5),
    }
)


@examples(40)
@given(RANDOM_CHANGES)
def test_never_less_than_the_shares(changes: dict[str, object]) -> None:
    lines = [f"{path}={value}" for path, value in changes.items()]
    file = load_file(VALID / "mix.toml").with_changes(lines)
    engine = Simulator(file, ["baseline"], 3)
    block = engine.block(0, 2)
    shares = Simulator(file.with_changes([SHARES]), ["baseline"], 3).block(0, 2)
    best, least = compute(engine, block), compute(engine, shares)
    assert np.all(best >= least * (1.0 - FLOAT32))
    assert_kept(block)


@pytest.mark.parametrize("limit", ["memory", "packaging", "demand", "wafers", "defects"])
def test_a_lifted_limit_never_makes_less(limit: str) -> None:
    """The program leaves the limit out as well: its plan is worth more, if not by every step."""
    engine, count = simulator("mix"), 4
    base = compute(engine, engine.block(0, count))
    lifted = simulator("mix", f"simulation.no_limit=['{limit}']")
    more = compute(lifted, lifted.block(0, count))
    assert np.all(more >= base * 0.98)  # both are found by quarters and run by steps
    if limit in ("packaging", "defects"):
        assert more.sum() > 1.02 * base.sum()


# ---- where there is nothing to choose


def test_one_product_is_unchanged_bit_for_bit() -> None:
    """Alone, and beside a product that is never in production."""
    for changes in (("products.b.kind='other'",), ()):
        shares = simulator("one_line", *changes).block(0, 3)
        assert_same(simulator("one_line", *changes, MIX).block(0, 3), shares)


def test_a_mix_that_gains_nothing_leaves_the_shares_as_they_are() -> None:
    changes = ("fabs.east.plan.n2=0", "fabs.west.plan.n2=0", "die_banks.abroad.draw=0")
    shares = simulator("mix", *changes, SHARES).block(0, 2)
    assert shares["h100_equivalents"].max() == 0.0
    assert_same(simulator("mix", *changes).block(0, 2), shares)


# ---- what must not matter


def test_any_split_of_a_block_gives_the_same_bits() -> None:
    assert_any_split_is_the_same(simulator("mix"), [(3, LANES), (1, LANES - 1, 3)])


def test_threads_do_not_meet() -> None:
    assert_threads_do_not_meet(simulator("mix"))


def test_scenarios_do_not_meet() -> None:
    file = load_file(VALID / "two_fabs.toml")
    together = Simulator(file.with_changes([MIX]), ["baseline", "cut"], 7).block(2, 3)
    alone = Simulator(file.with_changes([MIX]), ["cut"], 7).block(2, 3)
    for name, values in alone.items():
        if name != "parameter_value":
            assert together[name][1].tobytes() == values[0].tobytes(), name


# ---- the model file and the baseline


def test_an_unknown_rule_is_refused_in_one_line() -> None:
    with pytest.raises(ModelError) as caught:
        simulator("mix", "allocation.rule=fairest")
    message = str(caught.value)
    assert "\n" not in message
    for part in ("allocation.rule", "fairest", "shares", "most_compute"):
        assert part in message


@pytest.mark.slow
def test_the_baseline_gains_under_the_same_luck() -> None:
    """Beside the planner, which the baseline follows: the program is below it in no realization."""
    engine = Simulator(load_file("baseline"), ["baseline", "most_compute"], 7)
    block = engine.block(0, 4)
    by_rule = [compute(engine, {k: v[s : s + 1] for k, v in block.items()}) for s in (0, 1)]
    gain = by_rule[1] / by_rule[0] - 1.0
    print("gain of the baseline by realization:", np.round(gain, 3))
    assert np.all(gain >= -FLOAT32)
    assert gain.max() > 0.0
