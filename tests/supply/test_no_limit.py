"""Models without a limit: which limit is lifted, which stay, and that lifting costs no chips."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.examples import examples
from tests.paths import VALID
from tests.supply.kernels.by_hand import DIES, FLOAT32, ONE_LINE, Block, assert_all, of_file, run
from yieldsim.errors import ModelError
from yieldsim.model.limits import NO_LIMITS
from yieldsim.model.load import ModelFile, load_file
from yieldsim.supply.simulate import Simulator

ONE_GROUP = VALID / "one_group.toml"
LIMITS = (*NO_LIMITS, "litho")
FILLED = "simulation.warmup_quarters=8"  # the line up to its WIP cap, so that starts are outs


@cache
def model_file(name: str) -> ModelFile:
    return load_file(VALID / f"{name}.toml")


def without(limit: str, *changes: str) -> Block:
    return run(*changes, scenario=f"no_limit:{limit}")


# ---- what each lifts, by hand


def test_without_a_limit_of_memory_no_pool_is_touched() -> None:
    got = without("memory", "memory.stacks.deliveries=1000")
    assert_all(got["packages_started"][:, 0], DIES)
    assert_all(got["stacks_used"], 0.0)
    np.testing.assert_allclose(got["stack_stock"][:, 0], 1000.0 * np.arange(1, 5), rtol=FLOAT32)


def test_without_a_limit_of_packaging_more_is_used_than_there_is() -> None:
    got = without("packaging", "packaging.assembly.capacity=1000")
    assert_all(got["packages_started"][:, 0], DIES)
    assert_all(got["packaging_capacity"], 3000.0)
    assert_all(got["packaging_used"], DIES / 10)


def test_without_a_limit_of_demand_all_is_made() -> None:
    assert_all(without("demand", "products.a.demand=7")["packages_started"][:, 0], DIES)


def test_without_defects_all_functional_dies_are_good() -> None:
    dirty = ("processes.n2.d0_mature_per_cm2=0.3", "processes.n2.systematic_yield=0.8")
    got = without("defects", *dirty, "dies.chip.parametric_yield=0.9")
    assert_all(got["good_dies"][..., 0], 0.9 * DIES)
    assert_all(got["d0_per_cm2"], 0.0)
    assert run(*dirty)["good_dies"].sum() < 0.8 * 4 * DIES


def test_without_a_limit_of_wafers_tools_and_rules_remain() -> None:
    # no tools: nothing to start them with
    assert_all(without("wafers")["wafer_starts"], 3000.0)
    idle = ("fabs.line.fleets.litho.imported.count=20", "fabs.line.wip_cap_ratio=9", FILLED)
    file = load_file(ONE_GROUP).with_changes(idle)
    got = of_file(file, "no_limit:wafers")
    assert_all(got["wafer_plan"], 300_000.0)
    # the ten passes of a wafer fill tools that could do ten times what two of them can
    passes = 20 * 10 * 0.9 * 24 * 365.25 / 4
    np.testing.assert_allclose(got["wafer_starts"], passes / 10, rtol=1e-5)
    assert_all(got["utilization"], 1.0)


@pytest.mark.parametrize("limit", ["tools", "litho"])
def test_without_a_limit_of_tools_the_plan_is_met_without_waiting(limit: str) -> None:
    short = ("fabs.line.plan.n2=6000", FILLED)
    file = load_file(ONE_GROUP).with_changes(short)
    held, free = of_file(file), of_file(file, f"no_limit:{limit}")
    assert np.all(held["wafer_starts"] < 4000.0)
    assert_all(free["wafer_starts"], 18_000.0)
    # a million times the tools, each as busy as that many times fewer
    assert np.all(free["utilization"] < 1e-5)
    assert_all(free["cycle_time_days"], 20.0)


def test_lifting_tools_keeps_their_mixture() -> None:
    """The shares of imported and domestic tools, and with them defects, stay as they are."""
    mixed = "fabs.line.fleets.litho.domestic={count=4, source='made_up', grade='assumed'}"
    d0 = "processes.n2.d0_mature_per_cm2=0.1"
    file = load_file(ONE_GROUP).with_changes([mixed, d0])
    held, free = of_file(file), of_file(file, "no_limit:tools")
    # as many passes on each class: (1 + 3) / 2 times the defects
    assert_all(held["d0_per_cm2"], 0.2)
    assert_all(free["d0_per_cm2"], 0.2)


# ---- names


def test_limits_are_lifted_beside_scenarios_and_each_other() -> None:
    engine = Simulator(model_file("two_fabs"), ["cut+no_limit:memory+no_limit:litho", "cut"], 3)
    lifted, cut = (engine.models[name] for name in engine.scenarios)
    assert lifted.simulation.no_limit == ("memory", "litho")
    assert cut.simulation.no_limit == ()
    assert lifted.memory["stockpile"] == cut.memory["stockpile"]
    got = engine.block(0, 2)
    assert np.all(got["usable_chips"][0].sum() > got["usable_chips"][1].sum())


def test_a_model_may_say_it_itself() -> None:
    by_file = run("simulation.no_limit=['memory']", "memory.stacks.deliveries=1000")
    by_name = without("memory", "memory.stacks.deliveries=1000")
    for name, values in by_file.items():
        assert values.tobytes() == by_name[name].tobytes(), name


def test_an_unknown_limit_is_refused() -> None:
    with pytest.raises(ModelError, match="unknown limit, got 'money'; allowed: memory, packaging"):
        Simulator(load_file(ONE_LINE), ["no_limit:money"], 1)


# ---- lifting never hurts

# A product on a line with tools, every constraint, and nothing that varies from
# step to step by chance or by learning: those move with the wafers that are started.
LINE_WORLDS = st.fixed_dictionaries(
    {
        "simulation.steps_per_quarter": st.integers(1, 13),
        "fabs.line.plan.n2": st.floats(100.0, 3000.0),
        "fabs.line.fleets.litho.imported.count": st.integers(1, 6),
        "processes.n2.raw_process_days": st.floats(0.0, 120.0),
        "processes.n2.d0_mature_per_cm2": st.floats(0.0, 1.0),
        "processes.n2.line_yield": st.floats(0.5, 1.0),
        "processes.n2.systematic_yield": st.floats(0.5, 1.0),
        "dies.chip.test_escape": st.floats(0.0, 0.5),
        "dies.chip.test_overkill": st.floats(0.0, 0.5),
        "memory.stacks.deliveries": st.floats(0.0, 2e6),
        "packaging.assembly.capacity": st.floats(0.0, 2e4),
        "products.a.demand": st.floats(0.0, 5e5),
        "products.a.dies_per_package": st.integers(1, 4),
        "products.a.pairing": st.sampled_from(["'like'", "'random'"]),
        "products.a.lag_days": st.floats(0.0, 100.0),
    }
)


def assert_none_lost(changes: dict[str, object], limit: str, variable: str) -> None:
    """At the end of each quarter there have been at least as many without the limit."""
    file = model_file("one_group").with_changes([f"{k}={v}" for k, v in changes.items()])
    engine = Simulator(file, ["baseline", f"no_limit:{limit}"], 5)
    values = engine.block(0, 1)[variable][:, 0].reshape(2, 4, -1)[..., 0]
    held, free = np.cumsum(values, axis=1, dtype=float)
    assert np.all(free >= held * (1.0 - 1e-6) - 1e-6), (held, free)  # single precision


@examples(40)
@given(LINE_WORLDS, st.sampled_from([limit for limit in LIMITS if limit != "wafers"]))
def test_lifting_a_limit_never_costs_chips(changes: dict[str, object], limit: str) -> None:
    assert_none_lost(changes, limit, "usable_chips")


@settings(max_examples=20)
@given(LINE_WORLDS)
def test_lifting_the_wafer_plan_never_costs_starts(changes: dict[str, object]) -> None:
    """Chips may come later, though: wafers wait longer in a line that is full."""
    assert_none_lost(changes, "wafers", "wafer_starts")
