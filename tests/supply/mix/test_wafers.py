"""The program sees the run by shares as it is: its dies, when they come, and its packages."""

import numpy as np
import pytest

from tests.paths import VALID
from yieldsim.model.load import load_file
from yieldsim.supply.compile import Compiled
from yieldsim.supply.kernels import records as a
from yieldsim.supply.mix.realization import Lane, Stocks, lane_of
from yieldsim.supply.mix.scope import Scope, scope_of
from yieldsim.supply.mix.supplies import supplies_of
from yieldsim.supply.mix.wafers import exits
from yieldsim.supply.simulate import Simulator, _Run

MIX = "allocation.rule=most_compute"
# sums of some hundred doubles, and the line's progress, which grows over the whole run
ROUNDING = 1e-9
REALIZATIONS = 3


def lanes(name: str, *changes: str) -> tuple[Compiled, Scope, list[Lane]]:
    """A model by its shares: what the program sees of each realization."""
    file = load_file(VALID / f"{name}.toml").with_changes([*changes, MIX])
    made = Simulator(file, ["baseline"], 7)
    compiled = made.compiled["baseline"]
    run = _Run(7, compiled, made._layouts["baseline"])
    _, worlds = compiled.draw(7, 0, REALIZATIONS)
    clock = compiled.clock
    run(clock._replace(steps=clock.warmup_steps), worlds, 0)
    stocks = Stocks.of(run.state)
    run(clock, worlds, 0)
    found = [
        lane_of(compiled, run.world, run.state, run.tally, stocks, k) for k in range(REALIZATIONS)
    ]
    return compiled, scope_of(compiled), found


CASES = [
    ("mix", ()),
    ("mix", ("simulation.warmup_quarters=0",)),
    ("mix", ("processes.n2.raw_process_days=0",)),
    ("mix", ("processes.n2.raw_process_days=170", "simulation.steps_per_quarter=1")),
    ("two_fabs", ()),  # tools, waits, accidents and an overload
    ("overload", ()),
    ("tiers", ()),
]


@pytest.mark.parametrize(("name", "changes"), CASES)
def test_dies_come_in_the_quarter_in_which_the_kernel_probed_them(
    name: str, changes: tuple[str, ...]
) -> None:
    _, scope, found = lanes(name, *changes)
    for lane in found:
        supplies, quarters = supplies_of(scope, lane), lane.clock.quarters
        wafers = supplies.wafers
        by_shares = np.einsum("jrqp,jq->rp", wafers.arrive, wafers.share)
        came = supplies.dies + by_shares
        for die in scope.dies:
            rows, bins = scope.rows_of(die), int(lane.structure.die[die, a.DIE_BINS])
            probed = lane.tally.good_dies[:quarters, die, :bins].sum(axis=1)
            probed = probed + lane.tally.die[a.T_BAD_PASSED, :quarters, die]
            expected = probed + lane.tally.die[a.T_BANK, :quarters, die]
            expected[0] += lane.die_stock[die].sum()
            scale = max(1.0, expected.max())
            got = came[rows].sum(axis=0)
            np.testing.assert_allclose(got, expected, rtol=1e-6, atol=ROUNDING * scale)


@pytest.mark.parametrize(("name", "changes"), CASES)
def test_every_cohort_leaves_once(name: str, changes: tuple[str, ...]) -> None:
    compiled, _, found = lanes(name, *changes)
    for lane in found:
        for r in range(len(compiled.structure.route)):
            part = exits(lane.cohort[r], lane.exits[r], compiled.clock)
            assert part.min() >= 0.0
            assert part.sum(axis=1).max() <= 1.0 + ROUNDING
            outs = (lane.cohort[r, :, a.START, None] * part).sum(axis=0)
            quarters = compiled.clock.quarters
            booked = lane.tally.route[a.T_OUTS, :quarters, r]
            np.testing.assert_allclose(outs, booked, rtol=1e-6, atol=ROUNDING * booked.max())


def test_the_shares_keep_every_limit_of_the_program() -> None:
    """The kernel's own packages are a solution, so the best one is worth no less."""
    _, scope, found = lanes("mix")
    for lane in found:
        supplies, quarters = supplies_of(scope, lane), lane.clock.quarters
        started = lane.tally.product[a.T_STARTED, :quarters, scope.products].reshape(
            len(scope.products), quarters
        )
        assert np.all(started <= supplies.ceiling * (1.0 + ROUNDING) + ROUNDING)
        used = np.zeros_like(supplies.capacity)
        for place, several in enumerate(scope.lines):
            for line in several:
                used[line] += started[place] * supplies.units[place, line]
        assert np.all(used <= supplies.capacity * (1.0 + ROUNDING))
        stacks = lane.tally.pool[a.T_STACKS_USED, :quarters].T
        left = np.cumsum(supplies.stacks - stacks, axis=1)
        assert left.min() >= -ROUNDING * supplies.stacks.max()
        booked = lane.tally.pool[a.T_STACK_STOCK, :quarters].T
        np.testing.assert_allclose(left, booked, atol=ROUNDING * supplies.stacks.max())


def test_packages_are_worth_what_the_kernel_makes_of_them() -> None:
    """Of one bin only, in a long run: what is begun less what is still under way."""
    _, scope, found = lanes("two_products", "products.light.assembly_yield=0.5")
    (lane, *_) = found
    supplies = supplies_of(scope, lane)
    made = lane.tally.product[a.T_H100, :4].sum(axis=0) * 989.0
    started = lane.tally.product[a.T_STARTED, :4].sum(axis=0)
    worth = np.array([each[0] for each in supplies.worth])
    np.testing.assert_allclose(started * worth, made, rtol=ROUNDING)
    np.testing.assert_array_equal(supplies.in_time, 1.0)
