"""Promises of a block: conservation at every stage, and the same bits however it is run."""

import itertools
import threading
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.examples import examples
from tests.paths import VALID
from tests.supply.blocks import (
    Block,
    assert_any_split_is_the_same,
    assert_same,
    assert_threads_do_not_meet,
)
from tests.supply.kernels.by_hand import ALL_KEPT
from yieldsim.model.load import ModelFile, load_file
from yieldsim.model.schema.chips import Product
from yieldsim.outputs import OUTPUTS
from yieldsim.supply import simulate
from yieldsim.supply.simulate import Simulator

LOSSES = [f"dies_lost_{name}" for name in ("systematic", "overlay", "random", "parametric")]
SMALL = ["two_fabs", "overload", "one_group", "layers", "shocks", "worlds"]  # with tools


@cache
def model_file(name: str) -> ModelFile:
    place = VALID / f"{name}.toml"
    return load_file(place if place.is_file() else name).with_changes([ALL_KEPT])


def simulator(name: str, *scenarios: str, seed: int = 7) -> Simulator:
    return Simulator(model_file(name), scenarios or ("baseline",), seed)


# ---- conservation


def change(states: np.ndarray) -> np.ndarray:
    """Change of a state over each quarter but the first, whose start is not stored."""
    return np.diff(states, axis=2)


def assert_balance(left: list[np.ndarray], right: list[np.ndarray], what: str) -> None:
    """Sums are equal up to the rounding of every term to float32 (6e-8 of each)."""
    left, right = [x.astype(float) for x in left], [x.astype(float) for x in right]
    slack = 1e-7 * sum(np.abs(x) for x in (*left, *right)) + 1e-6
    gap = np.abs(sum(left) - sum(right))
    assert np.all(gap <= slack), f"{what}: {gap.max():g} too many or too few"


def check_wafers(engine: Simulator, b: Block) -> None:
    later = slice(1, None)
    starts, outs, wip = b["wafer_starts"], b["wafer_outs"], b["wafer_wip"]
    # the rounding is that of the sum of two states, not of their difference
    assert_balance(
        [starts[:, :, later], wip[:, :, :-1]], [outs[:, :, later], wip[:, :, later]], "wafers"
    )
    designs = engine.models[engine.scenarios[0]].dies.values()
    processes = list(engine.coords["process"])
    # wafers of a design are not told apart by process: processes that share one are added up
    shared = any(len(die.process) > 1 for die in designs)
    for together in [processes] if shared else [[process] for process in processes]:
        of = [processes.index(process) for process in together]
        dies = [d for d, die in enumerate(designs) if set(die.process) & set(together)]
        ways = [b[f"wafers_{kind}"][..., of] for kind in ("scrapped", "engineering", "other")]
        left = [wafers for way in (*ways, b["wafers_to_die"][..., dies]) for wafers in terms(way)]
        assert_balance(terms(outs[..., of]), left, f"wafers of {', '.join(together)}")


def terms(amounts: np.ndarray) -> list[np.ndarray]:
    """The amounts of every fab, process or die, each by scenario, realization and quarter."""
    return list(np.moveaxis(amounts.reshape(*amounts.shape[:3], -1), -1, 0))


def dies_each(product: Product, die: str) -> int:
    """Dies of a design in a package of a product."""
    return product.dies_per_package if product.die == die else product.other_dies.get(die, 0)


def check_tools(engine: Simulator, b: Block) -> None:
    """No group makes more passes than it can; utilization is their quotient."""
    made_passes, possible = (
        b[name].astype(float) for name in ("tool_passes", "tool_passes_possible")
    )
    # classes share by their passes in each step: rounding of sums, and to float32
    assert np.all(made_passes <= possible * (1.0 + 3e-7))
    both = made_passes.sum(axis=-1), possible.sum(axis=-1)
    assert_balance([both[0]], [b["utilization"] * both[1]], "passes")
    tools = b["tools"]
    assert np.all(b["tool_availability"] <= 1.0 + 1e-7)
    assert np.all(b["tool_availability"][tools == 0.0] == 0.0)
    assert np.all(possible[tools == 0.0] == 0.0)
    whole = tools * engine.compiled[engine.scenarios[0]].clock.steps_per_quarter
    np.testing.assert_allclose(whole, np.rint(whole), rtol=1e-6)


def check_dies(engine: Simulator, b: Block) -> None:
    later = slice(1, None)
    good = [*np.moveaxis(b["good_dies"], -1, 0)]
    passed = [*good, b["bad_dies_passed"]]
    assert_balance([b["gross_dies"]], [*passed, b["dies_scrapped"]], "dies probed")
    check_losses(engine, b)
    stock = b["die_stock"]
    received = [x[:, :, later] for x in (*passed, b["bank_dies"])]
    assert_balance(
        [*received, stock[:, :, :-1]], [b["dies_used"][:, :, later], stock[:, :, later]], "dies"
    )
    products = engine.models[engine.scenarios[0]].products.values()
    for d, die in enumerate(engine.coords["die"]):
        used = [dies_each(p, die) * b["packages_started"][..., i] for i, p in enumerate(products)]
        assert_balance(used, [b["dies_used"][..., d]], f"dies {die} in packages")


def check_losses(engine: Simulator, b: Block) -> None:
    """Dies are lost to a mechanism or good, and of good ones the test rejects its overkill."""
    lost = [b[name] for name in LOSSES]
    assert all((own >= 0.0).all() for own in lost)
    model = engine.models[engine.scenarios[0]]
    for d, name in enumerate(engine.coords["die"]):
        item = model.dies[name].test_overkill
        overkill = 0.0 if item is None else item.value
        if overkill is None:  # drawn
            continue
        good = b["good_dies"][..., d, :].sum(axis=-1, dtype=float) / (1.0 - overkill)
        assert_balance([b["gross_dies"][..., d]], [good, *(x[..., d] for x in lost)], f"die {name}")


def check_packages(engine: Simulator, b: Block) -> None:
    later = slice(1, None)
    passed = [x[:, :, later] for x in np.moveaxis(b["packages_passed"], -1, 0)]
    wip = b["packages_wip"]
    assert_balance(
        [b["packages_started"][:, :, later], wip[:, :, :-1]],
        [*passed, b["packages_failed"][:, :, later], wip[:, :, later]],
        "packages",
    )
    stock = b["stack_stock"]
    assert_balance(
        [b["stacks_in"][:, :, later], stock[:, :, :-1]],
        [b["stacks_used"][:, :, later], stock[:, :, later]],
        "stacks",
    )
    products = engine.models[engine.scenarios[0]].products.values()
    stacks = [p.stacks_per_package * b["packages_started"][..., i] for i, p in enumerate(products)]
    assert_balance([*np.moveaxis(b["stacks_used"], -1, 0)] or [np.zeros(1)], stacks, "stacks")
    if b["packaging_used"].size:
        assert np.all(b["packaging_used"] <= b["packaging_capacity"] * (1 + 1e-6))
    for name in ("usable_chips", "packages_started"):
        assert np.all(b[name] >= 0.0), name
    assert np.all(b["usable_chips"] <= b["packages_passed"].sum(axis=-1) * (1 + 1e-6))


def check_conservation(engine: Simulator, realizations: int) -> None:
    block = engine.block(0, realizations)
    for variable in OUTPUTS:
        values = block[variable.name]
        assert np.all(np.isfinite(values)), variable.name
        # a cycle time is a difference of times: one of zero may be off by rounding
        least = -1e-12 if variable.name == "cycle_time_days" else 0.0
        assert np.all(values >= least), variable.name
    check_wafers(engine, block)
    check_tools(engine, block)
    check_dies(engine, block)
    check_packages(engine, block)


@pytest.mark.parametrize("scenario", ["baseline", "service_lost", "memory_cut"])
def test_the_baseline_conserves_everything(scenario: str) -> None:
    check_conservation(simulator("baseline", scenario), 8)


@pytest.mark.parametrize("name", [*SMALL, "tiers", "one_line"])
def test_small_models_conserve_everything(name: str) -> None:
    check_conservation(simulator(name), 10)


SHARE = st.floats(0.0, 1.0)
# zero, or enough that waits over raw time fit into single precision
RAW_DAYS = st.one_of(st.just(0.0), st.floats(1e-6, 300.0))
RANDOM_CHANGES = st.fixed_dictionaries(
    {
        "simulation.steps_per_quarter": st.integers(1, 20),
        "simulation.warmup_quarters": st.integers(0, 3),
        "simulation.process_noise": st.sampled_from(["true", "false"]),
        "fabs.north.plan.n2.scale": st.floats(0.0, 4.0),
        "fabs.north.wip_cap_ratio": st.floats(0.1, 4.0),
        "fabs.north.fleets.litho.imported.count": st.floats(0.0, 8.0),
        "fabs.north.fleets.litho.domestic.install_quarters": st.floats(0.0, 6.0),
        "processes.n2.raw_process_days": RAW_DAYS,
        "processes.n2.d0_mature_per_cm2": st.floats(0.0, 2.0),
        "processes.n2.alpha": st.floats(0.3, 1e6),
        "processes.n2.cluster_wafers": st.floats(1.0, 1e5),
        "processes.n2.line_yield": SHARE,
        "processes.n2.engineering_fraction": SHARE,
        "processes.n3.raw_process_days": RAW_DAYS,
        "dies.accelerator.test_escape": SHARE,
        "dies.accelerator.test_overkill": SHARE,
        "dies.next.parametric_yield": SHARE,
        "memory.stockpile.usable_fraction": SHARE,
        "packaging.cowos.capacity": st.floats(0.0, 8000.0),
        "products.top.dies_per_package": st.integers(1, 6),
        "products.top.lag_days": st.floats(0.0, 300.0),
        "products.top.tier": st.integers(1, 3),
        "products.edge.tier": st.integers(1, 3),
        "products.single.slip_quarters": st.floats(0.0, 3.0),
        "products.handset.demand": st.floats(0.0, 1e7),
        "events.accident.capacity_ratio": st.floats(0.01, 1.0),
    }
)


@examples(60)
@given(RANDOM_CHANGES)
def test_random_models_conserve_everything(changes: dict[str, object]) -> None:
    settings_ = [f"{path}={value}" for path, value in changes.items()]
    file = model_file("two_fabs").with_changes(settings_)
    check_conservation(Simulator(file, ["baseline"], 3), 2)


# ---- independence of blocks, threads and scenarios


@pytest.mark.parametrize("name", ["two_fabs", "tiers", "baseline"])
def test_any_split_of_a_block_gives_the_same_bits(name: str) -> None:
    assert_any_split_is_the_same(simulator(name), [(3, 7), (1, 8, 1)])


def test_a_later_realization_can_be_run_on_its_own() -> None:
    engine = simulator("tiers")
    far = engine.block(999_990, 10)
    assert_same({k: v[:, 9:] for k, v in far.items()}, simulator("tiers").block(999_999, 1))


def test_threads_do_not_disturb_each_other() -> None:
    assert_threads_do_not_meet(simulator("two_fabs"))


def test_scenarios_do_not_disturb_each_other() -> None:
    together = simulator("two_fabs", "cut", "baseline", "dirty").block(2, 4)
    for number, name in enumerate(("cut", "baseline", "dirty")):
        alone = simulator("two_fabs", name).block(2, 4)
        for variable in OUTPUTS:
            both = together[variable.name][number]
            assert both.tobytes() == alone[variable.name][0].tobytes(), variable.name


def test_scenarios_keep_working_arrays_as_far_as_memory_allows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Made anew for each block, they take a small model about as long as the kernel."""
    made: list[int] = []

    class Counted(simulate._Run):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            made.append(self.nbytes)

    monkeypatch.setattr(simulate, "_Run", Counted)
    engine = simulator("two_fabs", "baseline", "cut", "dirty")
    blocks = [engine.block(first, 2) for first in (0, 2)]
    assert len(made) == 3
    two = made[0] + made[1]
    # the first one's are kept whatever the bound, those of the others within it
    for most_bytes, times in ((two, 4), (two - 1, 5), (0, 5)):
        made.clear()
        monkeypatch.setattr(engine, "_of_thread", threading.local())
        monkeypatch.setattr(simulate, "_MOST_KEPT_BYTES", most_bytes)
        for first, block in zip((0, 2), blocks, strict=True):
            assert_same(block, engine.block(first, 2))
        assert len(made) == times


def test_scenarios_may_differ_in_the_processes_that_a_fab_runs() -> None:
    """Each has its own routes; results are by fab and process."""
    base = model_file("two_fabs")
    changes = {"fabs": {"toolless": {"plan": {"n2": 500}, "allocation": {"n2": {"phone": 1}}}}}
    more = {"title": "", "source": "made_up", "grade": "assumed", "changes": changes}
    file = ModelFile(base.place, base.raw, {"more": more})
    for order in (["baseline", "more"], ["more", "baseline"]):
        together = Simulator(file, order, 7).block(0, 3)
        for number, name in enumerate(order):
            alone = Simulator(file, [name], 7).block(0, 3)
            for variable in OUTPUTS:
                both = together[variable.name][number]
                assert both.tobytes() == alone[variable.name][0].tobytes(), variable.name


def test_a_realization_meets_the_same_parameters_in_every_scenario() -> None:
    engine = simulator("two_fabs", "baseline", "cut", "dirty")
    drawn, paths = engine.block(0, 50)["parameter_value"], engine.coords["parameter"]
    d0 = paths.index("processes.n2.d0_mature_per_cm2")
    same = [k for k in range(len(paths)) if k != d0]
    np.testing.assert_array_equal(drawn[0][:, same], drawn[2][:, same])
    np.testing.assert_array_equal(drawn[0], drawn[1])
    # the changed one keeps its luck: another median, the same quantile
    np.testing.assert_allclose(drawn[2][:, d0] / drawn[0][:, d0], 0.25 / 0.15, rtol=1e-12)


def test_scenarios_are_paired() -> None:
    """Common luck: the spread of the difference is far below that of two separate runs."""
    engine = simulator("two_fabs", "baseline", "dirty")
    good = engine.block(0, 64)["good_dies"].sum(axis=(2, 3, 4), dtype=float)
    assert np.std(good[0] - good[1]) < 0.3 * np.hypot(np.std(good[0]), np.std(good[1]))


def test_all_64_bits_of_the_seed_count() -> None:
    low, high = (simulator("tiers", seed=seed).block(0, 2) for seed in (7, 7 + 2**32))
    assert not np.array_equal(low["parameter_value"], high["parameter_value"])
    low, high = (simulator("one_group", seed=seed).block(0, 2) for seed in (7, 7 + 2**32))
    assert_same(low, high)  # nothing is drawn there


# ---- one direction


@settings(max_examples=15)
@given(st.lists(st.floats(0.0, 1.5), min_size=2, max_size=4), st.floats(0.5, 20.0))
def test_more_defects_never_mean_more_good_dies(densities: list[float], alpha: float) -> None:
    """Under the same luck, process noise on: every design, quarter and realization."""
    totals = []
    for d0 in sorted(densities):
        changes = [f"processes.n2.d0_mature_per_cm2={d0}", f"processes.n2.alpha={alpha}"]
        engine = Simulator(model_file("two_fabs").with_changes(changes), ["baseline"], 5)
        totals.append(engine.block(0, 3)["good_dies"].sum(axis=-1, dtype=float))
    for cleaner, dirtier in itertools.pairwise(totals):
        assert np.all(dirtier <= cleaner * (1.0 + 1e-6))


def test_without_clustering_yield_is_poisson_and_noise_is_gone() -> None:
    noise = ("simulation.process_noise=true", "processes.n2.d0_mature_per_cm2=0.1")
    for alpha, error in ((1e9, 1e-9), (1e5, 1e-2)):
        file = model_file("one_line").with_changes([*noise, f"processes.n2.alpha={alpha}"])
        got = Simulator(file, ["baseline"], 1).block(0, 20)
        share = got["good_dies"].sum(axis=-1, dtype=float) / got["gross_dies"]
        # 5 cm2; a density of relative spread 1/sqrt(alpha L), L > 10 clusters, remains at 1e5
        np.testing.assert_allclose(share, np.exp(-0.5), rtol=error + 1e-7)
