"""The linear program sees the run by the shares as it is: dies, their dates and packages."""

from typing import NamedTuple

import numpy as np
import pytest

from tests.paths import VALID
from yieldsim.model.load import load_file
from yieldsim.supply.kernels.records import Tally
from yieldsim.supply.mix.realization import Realization, Warmup, realizations_of
from yieldsim.supply.mix.scope import Scope, scope_of
from yieldsim.supply.mix.supplies import supplies_of
from yieldsim.supply.mix.wafers import exits
from yieldsim.supply.simulate import Simulator, _Run

MIX = "allocation.rule=most_compute"
# of sums of some hundred doubles, over the whole run
ROUNDING = 1e-9
REALIZATIONS = 3


class ByShares(NamedTuple):
    """A run by the shares: what the program sees of each realization, and all that was booked."""

    scope: Scope
    realizations: list[Realization]
    tally: Tally


def by_shares(name: str, *changes: str) -> ByShares:
    """A model by its shares."""
    file = load_file(VALID / f"{name}.toml").with_changes([*changes, MIX])
    engine = Simulator(file, ["baseline"], 7)
    compiled = engine.compiled["baseline"]
    run = _Run(7, compiled, engine._layouts["baseline"])
    _, worlds = compiled.draw(7, 0, REALIZATIONS)
    clock = compiled.clock
    run(clock._replace(steps=clock.warmup_steps), worlds, 0)
    warmup = Warmup.of(run.state, clock.warmup_steps)
    run(clock, worlds, 0)
    now = (run.world, run.state, run.tally, warmup)
    seen = list(realizations_of(compiled, *now, REALIZATIONS))
    return ByShares(scope_of(compiled), seen, run.tally)


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
    scope, realizations, _ = by_shares(name, *changes)
    for seen in realizations:
        supplies, quarters = supplies_of(scope, seen), seen.clock.quarters
        wafers = supplies.wafers
        came = supplies.dies + wafers.by_shares()
        booked, good = seen.tally["die"], seen.tally["die_bin"]["good_dies"]
        for die in scope.dies:
            bins = seen.structure.die[die].bins
            probed = good[:quarters, die, :bins].sum(axis=1)
            probed = probed + booked["bad_dies_passed"][:quarters, die]
            expected = probed + booked["bank_dies"][:quarters, die]
            expected[0] += seen.die_stock[die].sum()
            scale = max(1.0, expected.max())
            got = came[scope.rows_of(die)].sum(axis=0)
            np.testing.assert_allclose(got, expected, rtol=1e-6, atol=ROUNDING * scale)


@pytest.mark.parametrize(("name", "changes"), CASES)
def test_every_cohort_leaves_once(name: str, changes: tuple[str, ...]) -> None:
    _, realizations, tally = by_shares(name, *changes)
    for k, seen in enumerate(realizations):
        for route, (started, left) in enumerate(zip(seen.started, seen.exits, strict=True)):
            part = exits(started, left, seen.clock)
            assert part.min() >= 0.0
            assert part.sum(axis=1).max() <= 1.0 + ROUNDING
            outs = (started[:, None] * part).sum(axis=0)
            booked = tally.route["wafer_outs"][: seen.clock.quarters, route, k]
            np.testing.assert_allclose(outs, booked, rtol=1e-6, atol=ROUNDING * booked.max())


def test_the_shares_keep_every_limit_of_the_program() -> None:
    """The packages of the kernel are a feasible solution, so the best solution is worth no less."""
    scope, realizations, _ = by_shares("mix")
    for seen in realizations:
        supplies, quarters = supplies_of(scope, seen), seen.clock.quarters
        started = seen.tally["product"]["packages_started"][:quarters, scope.products].T
        assert np.all(started <= supplies.ceiling * (1.0 + ROUNDING) + ROUNDING)
        used = np.zeros_like(supplies.capacity)
        for place, several in enumerate(scope.lines):
            for line in several:
                used[line] += started[place] * supplies.units[place, line]
        assert np.all(used <= supplies.capacity * (1.0 + ROUNDING))
        stacks = seen.tally["pool"]["stacks_used"][:quarters].T
        left = np.cumsum(supplies.stacks - stacks, axis=1)
        assert left.min() >= -ROUNDING * supplies.stacks.max()
        booked = seen.tally["pool"]["stack_stock"][:quarters].T
        np.testing.assert_allclose(left, booked, atol=ROUNDING * supplies.stacks.max())


def test_packages_are_worth_what_the_kernel_makes_of_them() -> None:
    """For products of one bin."""
    scope, (seen, *_), _ = by_shares("two_products", "products.light.assembly_yield=0.5")
    supplies, booked = supplies_of(scope, seen), seen.tally["product"]
    made = booked["h100_equivalents"][:4].sum(axis=0) * 989.0
    started = booked["packages_started"][:4].sum(axis=0)
    worth = np.array([each[0] for each in supplies.worth])
    np.testing.assert_allclose(started * worth, made, rtol=ROUNDING)
    np.testing.assert_array_equal(supplies.in_time, 1.0)
