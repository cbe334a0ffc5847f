"""What the planner promises for any model: balances close, and more of an input is no loss."""

from functools import cache

import numpy as np
import pytest

from tests.paths import VALID
from tests.supply.mix.test_mix import FLOAT32, Block, assert_kept, compute
from yieldsim.model.load import load_file
from yieldsim.supply.simulate import Simulator

PLANNER = "allocation.rule=planner"
REALIZATIONS = 64
MORE = {
    "memory.fast.usable_fraction": (0.8, 0.88),
    "memory.slow.usable_fraction": (0.8, 0.88),
    "packaging.new.capacity.scale": (1.0, 1.1),
    "packaging.test.capacity": (90_000.0, 99_000.0),
    "fabs.east.plan.n2.scale": (1.0, 1.1),
    "fabs.west.plan.n2": (700.0, 770.0),
    "die_banks.abroad.draw.scale": (1.0, 1.1),
    "dies.big.parametric_yield": (0.8, 0.88),
    "dies.twin.parametric_yield": (0.8, 0.88),
}


@cache
def planned(*changes: str) -> tuple[Simulator, Block]:
    engine = Simulator(
        load_file(VALID / "mix.toml").with_changes([PLANNER, *changes]), ["baseline"], 7
    )
    return engine, engine.block(0, REALIZATIONS)


def test_balances_close() -> None:
    _, block = planned()
    assert_kept(block)


@pytest.mark.parametrize("path", MORE)
def test_a_tenth_more_of_an_input_costs_no_compute_in_the_mean(path: str) -> None:
    """Paired: up to three standard errors of the mean difference."""
    less, more = (compute(*planned(f"{path}={value}")) for value in MORE[path])
    gain = more - less
    error = gain.std() / np.sqrt(REALIZATIONS)
    assert gain.mean() >= -3.0 * error - FLOAT32 * less.mean()


@pytest.mark.parametrize("limit", ["memory", "packaging", "demand", "wafers", "defects"])
def test_a_lifted_limit_costs_no_compute_in_the_mean(limit: str) -> None:
    base = compute(*planned())
    gain = compute(*planned(f"simulation.no_limit=['{limit}']")) - base
    error = gain.std() / np.sqrt(REALIZATIONS)
    assert gain.mean() >= -3.0 * error - FLOAT32 * base.mean()


def test_luck_stays_paired() -> None:
    """What the lines do does not depend on the designs that their wafers carry."""
    _, block = planned()
    _, shares = planned("allocation.rule=shares")
    for name in ("wafer_starts", "wafer_outs", "d0_per_cm2", "cycle_time_days", "stacks_in"):
        assert block[name].tobytes() == shares[name].tobytes(), name
