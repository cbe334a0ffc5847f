"""Raised inputs in the engine: what 10 % more adds by hand, and that luck stays paired."""

import numpy as np
import pytest

from tests.paths import INVALID, VALID
from tests.supply.kernels.by_hand import DIES, assert_all, run
from yieldsim.model.load import load_file
from yieldsim.model.more import INPUTS
from yieldsim.supply.simulate import Simulator

SOUND = INVALID / "parts" / "sound.toml"
SEED, REALIZATIONS = 7, 6
DEMAND = "products.handset.demand=20000"


@pytest.mark.parametrize(
    ("name", "change", "packages"),
    [
        ("wafers", "products.a.lag_days=0", 1.1 * DIES),
        ("memory", "memory.stacks.deliveries=1000", 1.1 * 250.0),
        ("packaging", "packaging.assembly.capacity=100", 1.1 * 3000.0),
        ("demand", "products.a.demand=70", 77.0),
        ("dies", "products.a.lag_days=0", DIES),  # there is no bank
    ],
)
def test_what_limits_a_product_adds_a_tenth(name: str, change: str, packages: float) -> None:
    assert_all(run(change, scenario=f"more:{name}")["packages_started"][:, 0], packages)


def test_fewer_defects_follow_the_yield_of_the_density() -> None:
    """Dies of 5 cm2 with alpha 2 at 0.18 instead of 0.2 defects per cm2."""
    got = run("processes.n2.d0_mature_per_cm2=0.2", scenario="more:yield")
    assert_all(got["good_dies"][..., 0], DIES * (1.0 + 5.0 * 0.18 / 2.0) ** -2.0)


def results(*names: str) -> tuple[Simulator, dict[str, np.ndarray]]:
    engine = Simulator(load_file(SOUND).with_changes([DEMAND]), names, SEED)
    return engine, engine.block(0, REALIZATIONS)


@pytest.mark.parametrize("name", INPUTS)
def test_luck_stays_paired(name: str) -> None:
    """Every draw is that of the baseline, but for the raised parameters, times their ratio."""
    engine, got = results("baseline", f"more:{name}")
    base, more = got["parameter_value"]
    paths = [parameter.path for parameter in engine.parameters]
    ratios = {(p.split(".")[0], p.split(".")[-1]): r for p, r in INPUTS[name].ratios.items()}
    for column, path in enumerate(paths):
        ratio = ratios.get((path.split(".")[0], path.split(".")[-1]), 1.0)
        np.testing.assert_array_equal(more[:, column], base[:, column] * ratio, err_msg=path)
    changed = [key for key, values in got.items() if not np.array_equal(values[0], values[1])]
    assert changed  # it does something


def test_process_noise_is_that_of_the_baseline() -> None:
    """With as many tools and wafers, the hours that tools are down do not depend on memory."""
    file = load_file(SOUND).with_changes(['allocation.rule="shares"'])
    names = ("baseline", "more:memory", "more:packaging")
    got = Simulator(file, names, SEED).block(0, REALIZATIONS)
    for key in ("utilization", "d0_per_cm2", "wafer_outs", "good_dies"):
        for other in (1, 2):
            assert got[key][0].tobytes() == got[key][other].tobytes(), key
    assert got["stacks_in"][0].tobytes() != got["stacks_in"][1].tobytes()


@pytest.mark.parametrize(
    ("name", "own"),
    [
        ("memory.domestic", {"stacks_in", "stack_stock"}),
        ("packaging.line", {"packaging_capacity"}),
        ("demand.handset", set()),
        ("yield.n3", set()),
    ],
)
def test_more_of_what_is_not_used_changes_nothing(name: str, own: set[str]) -> None:
    """Bit for bit, but for the amount itself.

    The product takes memory from the stockpile alone, which is large, on a line that is wide.
    """
    changes = [
        'products.chip.memory=["stockpile"]',
        "memory.stockpile.deliveries=1e9",
        "packaging.line.capacity=1e9",
        "products.handset.demand=1e12",
    ]
    engine = Simulator(load_file(SOUND).with_changes(changes), ["baseline", f"more:{name}"], SEED)
    got = engine.block(0, REALIZATIONS)
    changed = {key for key, values in got.items() if values[0].tobytes() != values[1].tobytes()}
    assert changed == own


def test_the_order_of_scenarios_does_not_matter() -> None:
    _, first = results("baseline", "more:tools")
    _, last = results("more:tools", "more:memory", "baseline")
    for key, values in first.items():
        assert values[1].tobytes() == last[key][0].tobytes(), key
        assert values[0].tobytes() == last[key][2].tobytes(), key


def test_a_mix_plans_with_more() -> None:
    """The rule that makes the most compute sees the raised input."""
    engine = Simulator(load_file(VALID / "mix.toml"), ["baseline", "more:memory"], SEED)
    compute = engine.block(0, 2)["h100_equivalents"].sum(axis=(2, 3), dtype=float)
    assert np.all(compute[1] >= compute[0])
    assert np.any(compute[1] > compute[0])
