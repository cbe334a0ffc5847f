"""Promises of packaging for any model: conservation, and no effect of idle products and designs."""

from copy import deepcopy
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.examples import examples
from tests.paths import VALID
from yieldsim.model.load import ModelFile, load_file
from yieldsim.supply.simulate import Simulator

Block = dict[str, np.ndarray]
COUNTED = ("dies_used", "die_stock", "packages_started", "packages_passed", "packages_failed")
COMPUTE = ("blind", "fitted", "alike")  # products of one die with four bins


@cache
def model_file(name: str) -> ModelFile:
    return load_file(VALID / f"{name}.toml")


def summed(values: np.ndarray) -> np.ndarray:
    """Counted up over the quarters, in double precision."""
    return np.cumsum(values, axis=2, dtype=float)


def assert_equal(left: np.ndarray, right: np.ndarray, what: str) -> None:
    """Up to single precision of every term of the sums, 6e-8 of each, and roundings of doubles."""
    np.testing.assert_allclose(left, right, rtol=1e-6, atol=1e-3, err_msg=what)


SHARE = st.floats(0.0, 1.0)
PAIRING = st.sampled_from(["like", "best_fit", "random"])
SELLS = st.sets(st.sampled_from(["full", "high", "mid", "low"]), max_size=3)
ALL_BINS = "{full={tflops_fp16=4}, high={tflops_fp16=3}, mid={tflops_fp16=2}, low={tflops_fp16=1}}"
WORLDS = st.fixed_dictionaries(
    {
        "simulation.steps_per_quarter": st.integers(1, 10),
        "fabs.line.plan.n2.scale": st.floats(0.0, 3.0),
        "fabs.old.plan.n7.scale": st.floats(0.0, 3.0),
        "processes.n2.d0_mature_per_cm2": st.floats(0.0, 2.0),
        "dies.compute.test_escape": SHARE,
        "dies.io.test_escape": SHARE,
        "memory.korean.deliveries.scale": st.floats(0.0, 3.0),
        "packaging.cowos.capacity.scale": st.floats(0.0, 3.0),
        "products.alike.tier": st.integers(1, 3),
        "products.fitted.other_dies.io": st.integers(1, 3),
        "products.blind.lag_days": st.floats(0.0, 200.0),
        **{f"products.{name}.dies_per_package": st.integers(1, 5) for name in COMPUTE},
        **{f"products.{name}.die_share": st.floats(0.0, 5.0) for name in COMPUTE},
    }
)


def world(changes: dict[str, object], pairings: dict[str, str], sells: set[str]) -> Simulator:
    """pairing.toml with changes; a product of random pairing sells all bins."""
    lines = [f"{path}={value}" for path, value in changes.items()]
    for name, pairing in pairings.items():
        sold = sorted(sells) if pairing != "random" else []
        lines.append(f"products.{name}.pairing='{pairing}'")
        lines.append(f"products.{name}.sells={sold}")
        lines.append(f"products.{name}.performance={ALL_BINS}")
    # without a warm-up, so that the sums cover all dies from the first wafer on
    lines.append("simulation.warmup_quarters=0")
    return Simulator(model_file("pairing").with_changes(lines), ["baseline"], 3)


def check_dies(engine: Simulator, got: Block) -> None:
    """Dies that came are in a package or in stock, and each package took its dies."""
    model = engine.models["baseline"]
    came = summed(got["good_dies"].sum(axis=-1, dtype=float))
    came += summed(got["bad_dies_passed"]) + summed(got["bank_dies"])
    assert_equal(came, summed(got["dies_used"]) + got["die_stock"], "dies")
    for place, die in enumerate(engine.coords["die"]):
        taken = 0.0
        for number, product in enumerate(model.products.values()):
            each = product.dies_per_package * (product.die == die) + product.other_dies.get(die, 0)
            taken += each * got["packages_started"][..., number].astype(float)
        assert_equal(np.asarray(taken), got["dies_used"][..., place], f"dies of {die}")


def check_packages(engine: Simulator, got: Block) -> None:
    started, failed = summed(got["packages_started"]), summed(got["packages_failed"])
    passed = summed(got["packages_passed"])
    assert_equal(started, passed.sum(axis=-1) + failed + got["packages_wip"], "packages")
    for place, (name, product) in enumerate(engine.models["baseline"].products.items()):
        bins = list(engine.models["baseline"].dies[product.die].bins)
        for number, bin_name in enumerate(bins):
            if product.sells and bin_name not in product.sells:
                assert not passed[..., place, number].any(), f"{name} does not sell {bin_name}"


@examples(40)
@given(WORLDS, st.fixed_dictionaries(dict.fromkeys(COMPUTE, PAIRING)), SELLS)
def test_packaging_conserves_dies_and_packages(
    changes: dict[str, object], pairings: dict[str, str], sells: set[str]
) -> None:
    engine = world(changes, pairings, sells)
    got = engine.block(0, 2)
    for name in COUNTED:
        assert np.all(np.isfinite(got[name])), name
        assert np.all(got[name] >= 0.0), name
    check_dies(engine, got)
    check_packages(engine, got)
    assert_equal(
        summed(got["stacks_in"]), summed(got["stacks_used"]) + got["stack_stock"], "stacks"
    )
    room = got["packaging_capacity"] * (1.0 + 1e-6)
    assert np.all(got["packaging_used"] <= room + 1e-6)


@settings(max_examples=25)
@given(WORLDS, PAIRING, SELLS)
def test_no_bin_gives_more_than_it_holds(
    changes: dict[str, object], pairing: str, sells: set[str]
) -> None:
    """Good cores of the packages sold are at most those of all good dies that came.

    The packages sold cannot have more good cores than all dies have. With dies of one bin in a
    package, no bin is used beyond its dies.
    """
    engine = world(
        changes | {"dies.compute.test_escape": 0.0}, dict.fromkeys(COMPUTE, pairing), sells
    )
    got, model = engine.block(0, 2), engine.models["baseline"]
    die = engine.coords["die"].index("compute")
    dies = summed(got["good_dies"])[..., die, :]
    used = np.zeros_like(dies)
    for name in COMPUTE:
        place = engine.coords["product"].index(name)
        each = model.products[name].dies_per_package
        used += each * summed(got["packages_passed"])[..., place, :]
    least = [rule.min_good_cores for rule in model.dies["compute"].bins.values()]
    slack = 1e-6 * dies.sum(axis=-1) + 1e-3  # single precision of the terms
    assert np.all(used @ least <= dies @ least + slack * least[0])
    if pairing == "like":
        assert np.all(used <= dies + slack[..., None])


@settings(max_examples=15)
@given(WORLDS, PAIRING)
def test_a_product_without_memory_waits(changes: dict[str, object], pairing: str) -> None:
    starved = {"products.alike.memory": ["HBM3"], "memory.HBM3.deliveries": 0}
    engine = world(changes | starved, {"alike": pairing}, set())
    got = engine.block(0, 2)
    place = engine.coords["product"].index("alike")
    for name in ("packages_started", "usable_chips", "packages_wip"):
        assert not got[name][..., place].any(), name


@settings(max_examples=15)
@given(WORLDS, st.floats(0.0, 400.0))
def test_no_chip_comes_before_its_wafers(changes: dict[str, object], days: float) -> None:
    engine = world(changes | {"processes.n2.raw_process_days": days}, {}, set())
    got = engine.block(0, 2)
    fab, process = engine.coords["fab"].index("line"), engine.coords["process"].index("n2")
    none_yet = summed(got["wafer_outs"])[..., fab, process] == 0.0
    chips = summed(got["packages_started"]).sum(axis=-1)  # all products are made on n2
    assert not chips[none_yet].any()
    assert days < 92.0 or none_yet[:, :, 0].all()  # longer than a quarter


# ---- idle products and designs

IDLE_PRODUCT = {
    "source": "made_up",
    "kind": "other",
    "die_share": {"value": 0.0},
    "start": "2025Q1",
}
IDLE_DIE = {"source": "made_up", "process": "n2", "width_mm": 15, "height_mm": 15, "cores": 0}


def assert_unmoved(without: Simulator, with_idle: Simulator) -> None:
    """The same bits in all entries that both have."""
    before, after = without.block(0, 3), with_idle.block(0, 3)
    for variable in without.outputs:
        values = after[variable.name]
        for axis, dim in enumerate(variable.dims, start=3):
            if dim != "bin":
                keep = [with_idle.coords[dim].index(name) for name in without.coords[dim]]
                values = values.take(keep, axis=axis)
        assert values.tobytes() == before[variable.name].tobytes(), variable.name


def with_entry(name: str, table: str, key: str, entry: dict[str, Any], *, first: bool) -> ModelFile:
    """A model with an added entity, before or after the others."""
    base = model_file(name)
    raw = deepcopy(base.raw)
    raw[table] = {key: entry} | raw[table] if first else raw[table] | {key: entry}
    return ModelFile(base.place, raw, base.scenarios)


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize(
    ("name", "die", "pairing"),
    [
        ("pairing", "compute", "random"),
        ("pairing", "solo", "best_fit"),
        ("two_fabs", "accelerator", "like"),
    ],
)
def test_a_product_without_a_share_changes_nothing(
    name: str, die: str, pairing: str, first: bool
) -> None:
    entry = IDLE_PRODUCT | {"die": die, "pairing": pairing, "dies_per_package": 2}
    file = with_entry(name, "products", "idle", entry, first=first)
    assert_unmoved(Simulator(model_file(name), ["baseline"], 7), Simulator(file, ["baseline"], 7))


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize(("name", "fab"), [("pairing", "line"), ("two_fabs", "south")])
def test_a_design_without_wafers_changes_nothing(name: str, fab: str, first: bool) -> None:
    file = with_entry(name, "dies", "idle", IDLE_DIE, first=first)
    file.raw["fabs"][fab]["allocation"]["n2"]["idle"] = 0
    assert_unmoved(Simulator(model_file(name), ["baseline"], 7), Simulator(file, ["baseline"], 7))
