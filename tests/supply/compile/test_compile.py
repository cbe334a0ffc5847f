"""From names to arrays: bounds, neutral values, and luck that belongs to names, not to places."""

import copy
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest

from tests.examples import some
from tests.paths import VALID
from tests.supply.kernels.by_hand import ALL_KEPT
from yieldsim.model.load import ModelFile, load_file
from yieldsim.outputs import OUTPUTS, constraint_names
from yieldsim.supply.compile import Compiled, compile_model
from yieldsim.supply.compile.results import new_state
from yieldsim.supply.simulate import Simulator

SMALL = ["two_fabs", "overload", "tiers", "one_line", "one_group", "layers", "shocks"]


@cache
def model_file(name: str) -> ModelFile:
    place = VALID / f"{name}.toml"
    return load_file(place if place.is_file() else name)


def changed(name: str, edit: Callable[[dict[str, Any]], None]) -> ModelFile:
    """A model file with its raw tables edited."""
    file = model_file(name)
    raw = copy.deepcopy(file.raw)
    edit(raw)
    return ModelFile(file.place, raw, {})


# ---- indices: kernels do not check them


def within(indices: np.ndarray, size: int, least: int = 0) -> bool:
    return bool(np.all(indices >= least) and np.all(indices < size))


def check_indices(compiled: Compiled) -> None:
    s, model = compiled.structure, compiled.model
    curves, dies, bins = len(s.curve_low), len(s.die), s.min_good.shape[1]
    groups = len(model.tool_groups)
    assert s.curve_low.shape == s.curve_high.shape == (curves, compiled.clock.steps)
    assert within(s.route.fab, len(s.fab))
    assert within(s.route.process, len(model.processes))
    np.testing.assert_array_equal(s.route.first_entry[1:], s.route.end_entry[:-1])
    assert s.route.end_entry[-1] == len(s.entry)
    assert s.fab.end_route[-1] == len(s.route)
    assert within(s.entry.die, dies, -1)
    for always in (s.route.plan_curve, s.entry.share_curve, s.line.capacity_curve):
        assert within(always, curves)
    for perhaps in (s.fleet.count_curve, s.fleet.retired_curve, s.product.share_curve):
        assert within(perhaps, curves, -1)
    for perhaps in (s.pool.deliveries_curve, s.pool.wafers_curve, s.pool.yield_curve):
        assert within(perhaps, curves, -1)
    assert s.fleet.shape == (len(s.fab), groups, 2)
    assert np.all((s.fleet.count_curve >= 0) | (s.fleet.retired_curve < 0))
    check_segments(compiled)
    assert within(s.die.bins, bins + 1, 1)
    assert within(s.bank.die, dies)
    assert np.all(s.bank.bin < s.die.bins[s.bank.die])
    assert np.all((s.pool.wafers_curve >= 0) == (s.pool.yield_curve >= 0))
    assert within(s.product.die, dies)
    assert within(s.product_line, len(s.line), -1)
    assert within(s.product.recipes, s.recipe.shape[1] + 1, 1)
    assert np.all(s.recipe[:, :, -1] < s.die.bins[s.product.die][:, None])
    assert within(s.other.product, len(s.product))
    assert within(s.other.die, dies)
    assert len(s.no_tool_limit) == groups
    assert sorted(s.product.coordinate) == list(range(len(s.product)))
    assert within(s.product_pool, len(s.pool), -1)
    assert s.tier[0] == 0
    assert s.tier[-1] == len(s.product)
    assert np.all(np.diff(s.tier) > 0)
    hits = (len(s.effect), len(s.fab))
    assert s.effect_on_tools.shape == (*hits, groups, 2)
    assert s.effect_on_fab.shape == hits
    assert s.effect_on_density.shape == (*hits, len(model.processes))
    columns = compiled.sampler.width + len(compiled.constants)
    assert all(within(table.columns, columns) for table in compiled.world_columns.values())


WAITS = ("transport", "batch", "hold")


def check_segments(compiled: Compiled) -> None:
    """No segment is shorter than two parts of a step, and the routes of a fab have as many."""
    s, model, median = compiled.structure, compiled.model, compiled.sampler.medians()
    days = np.zeros(len(model.processes))
    for p, name in enumerate(model.processes):
        path = f"processes.{name}"
        ratios = [
            median.get(f"{path}.{kind}_ratio", 0.0) for kind in ("transport", "batch", "hold")
        ]
        days[p] = median.get(f"{path}.raw_process_days", 0.0) * (1.0 + sum(ratios))
    parts = days[s.route.process] * compiled.clock.flow_steps / compiled.clock.days_per_step
    most = np.clip(np.floor(parts / 2.0 + 1e-9), 1, model.simulation.segments)
    equipped = s.fab[s.route.fab].equipped == 1
    assert np.all(s.route.segments[~equipped] == 1)
    assert np.all(s.route.segments <= most)
    assert s.route.segments[equipped].max(initial=0) in [0, *most]
    for fab in range(len(s.fab)):
        own = (s.route.fab == fab) & equipped & (parts > 0.0)
        assert len(set(s.route.segments[own])) <= 1


@pytest.mark.parametrize("name", [*SMALL, "baseline"])
def test_every_index_points_at_something(name: str) -> None:
    file = model_file(name)
    for scenario in some(("baseline", *file.scenarios)):
        compiled = compile_model(file.model(scenario))
        check_indices(compiled)
        drawn, worlds = compiled.draw(3, 0, 5)
        assert np.all(np.isfinite(worlds))
        # a schedule has no value of its own: its points stand in the curves
        known = [p.path in compiled.sampler.uncertain for p in compiled.sampler.declared]
        assert np.all(np.isfinite(drawn[:, known]))
        steps, row = compiled.clock.steps, compiled.structure.row
        assert new_state(compiled)[1].cohort.shape[1] == steps == len(row) - 1
        assert within(row, compiled.clock.quarters + 2)


def test_products_are_served_by_tier_in_the_order_of_the_file() -> None:
    structure = compile_model(model_file("tiers").model()).structure
    names = list(model_file("tiers").model().products)
    served = [names[place] for place in structure.product.coordinate]
    assert served == ["first", "rival", "second", "plain", "last"]
    np.testing.assert_array_equal(structure.tier, [0, 2, 4, 5])


# ---- fields that are absent, refer, or have another unit


Entries = dict[tuple[str, ...], np.ndarray]


def run(file: ModelFile, count: int = 3) -> dict[str, Entries]:
    """Results by variable and by the names of their coordinates, bins excepted."""
    engine = Simulator(file.with_changes([ALL_KEPT]), ["baseline"], 11)
    block = engine.block(0, count)
    results: dict[str, Entries] = {}
    for variable in OUTPUTS:
        named = [dim for dim in variable.dims if dim != "bin"]
        entries = results[variable.name] = {}
        for at in np.ndindex(*(len(engine.coords[dim]) for dim in named)):
            key = tuple(engine.coords[dim][k] for dim, k in zip(named, at, strict=True))
            entries[key] = block[variable.name][(0, slice(None), slice(None), *at)]
    names = np.array(constraint_names(engine.coords["tool_group"]))
    results["binding"] = {key: names[codes] for key, codes in results["binding"].items()}
    drawn = block["parameter_value"][0].T
    paths = ((path,) for path in engine.coords["parameter"])
    return {**results, "parameter_value": dict(zip(paths, drawn, strict=True))}


def assert_kept(before: ModelFile, after: ModelFile) -> None:
    """All that ``before`` gives is in ``after``, bit for bit."""
    kept, more = run(before), run(after)
    for name, entries in kept.items():
        for key, values in entries.items():
            again = more[name][key][tuple(slice(n) for n in values.shape)]
            np.testing.assert_array_equal(again, values, err_msg=f"{name} of {key}")


NEUTRAL = {
    "processes.n2": {
        "cluster_wafers": 25,
        "raw_process_days": 0,
        "transport_ratio": 0,
        "batch_ratio": 0,
        "hold_ratio": 0,
        "line_yield": 1,
        "engineering_fraction": 0,
        "rework": 0,
        "overlay_layers": 0,
        "overlay_tolerance_nm": 1,
        "systematic_yield": 1,
    },
    "fabs.line": {"lot_size_wafers": 25, "arrival_cv2": 1, "wip_cap_ratio": 1e9},
    "dies.chip": {"parametric_yield": 1, "test_overkill": 0, "test_escape": 0},
    "memory.stacks": {"usable_fraction": 1},
    "products.a": {
        "slip_quarters": 0,
        "die_share": 1,
        "assembly_yield": 1,
        "final_test_yield": 1,
        "lag_days": 0,
        "sample_fraction": 0,
        "field_escape_fraction": 0,
        "demand": 1e18,
    },
}


def test_an_absent_field_is_its_neutral_value() -> None:
    settings = [f"{path}.{key}={value}" for path, m in NEUTRAL.items() for key, value in m.items()]
    noisy = ["simulation.process_noise=true", "processes.n2.d0_mature_per_cm2=0.1"]
    base = model_file("one_line").with_changes(noisy)
    assert_kept(base, base.with_changes(settings))


@pytest.mark.parametrize(
    "same",
    [
        {"processes.n2.raw_process_days": "{value=480, unit='hour'}"},
        {"fabs.line.plan.n2": "{value=3000, unit='wafer/quarter'}"},
        {"fabs.line.plan.n2": "{quarters=['2026Q1'], low=[500], high=[1500], position=0.5}"},
        {"fabs.line.plan.n2": "{quarters=['2026Q1'], values=[500], scale=2}"},
        {"shared.days": "{value=20, unit='day'}", "processes.n2.raw_process_days.ref": "days"},
        {"shared.two": "2", "fabs.line.plan.n2": "{quarters=['2026Q1'], values=[500]}"}
        | {"fabs.line.plan.n2.scale.ref": "two"},
    ],
)
def test_a_value_written_in_another_way(same: dict[str, str]) -> None:
    def edit(raw: dict[str, Any]) -> None:
        raw["processes"]["n2"].pop("raw_process_days") if "shared.days" in same else None

    file = changed("one_group", edit)
    assert_kept(model_file("one_group"), file.with_changes([f"{p}={v}" for p, v in same.items()]))


# ---- additions without effect


def add_unused_group(raw: dict[str, Any]) -> None:
    tool = {"wafers_per_hour": 10, "mttf_hours": 9, "mttr_hours": 1}
    unused = {"source": "made_up", "defect_weight": 5, "imported": tool}
    raw["tool_groups"] = {"ash": unused, **raw["tool_groups"]}  # before all others
    fleet = {"imported": {"source": "made_up", "count": 3}}
    raw["fabs"]["north"]["fleets"]["ash"] = fleet


def add_idle_product(raw: dict[str, Any]) -> None:
    """A design that gets no wafers, with more bins than any other, and its product."""
    bins = {f"bin{k}": {"min_good_cores": k} for k in (4, 3, 2, 1)}
    die = {"process": "n2", "width_mm": 5, "height_mm": 5, "cores": 4, "core_fraction": 0.5}
    raw["dies"]["idle"] = {"source": "made_up", **die, "bins": bins}
    raw["fabs"]["north"]["allocation"]["n2"]["idle"] = 0
    product = {"die": "idle", "start": "2026Q1", "packaging": "cowos", "memory": ["stockpile"]}
    product |= {"kind": "other", "stacks_per_package": 2}
    raw["products"] = {"idle": {"source": "made_up", **product}, **raw["products"]}


def add_unused_parameter(raw: dict[str, Any]) -> None:
    unused = {"dist": "uniform", "low": 0, "high": 1, "source": "made_up", "grade": "assumed"}
    raw["shared"] = {"aaa": unused, **raw["shared"]}


def add_unused_pool(raw: dict[str, Any]) -> None:
    pool = {"source": "made_up", "deliveries": 5}
    raw["memory"] = {"aaa": pool, **raw["memory"]}
    raw["packaging"] = {"aaa": {"source": "made_up", "capacity": 7}, **raw["packaging"]}


def make_uncertain(raw: dict[str, Any]) -> None:
    """A sure parameter of no consequence becomes uncertain."""
    raw["fabs"]["toolless"]["arrival_cv2"] = {"dist": "uniform", "low": 1, "high": 2}


@pytest.mark.parametrize(
    "add",
    [add_unused_group, add_idle_product, add_unused_parameter, add_unused_pool, make_uncertain],
)
def test_what_is_not_used_changes_nothing(add: Callable[[dict[str, Any]], None]) -> None:
    assert_kept(model_file("two_fabs"), changed("two_fabs", add))


def test_the_order_of_tables_changes_no_luck() -> None:
    """Noise and draws belong to names; only the order of sums follows the file."""

    def reverse(raw: dict[str, Any]) -> None:
        for table in ("tool_groups", "processes", "fabs", "dies", "memory", "shared"):
            raw[table] = dict(reversed(raw[table].items()))

    kept, turned = run(model_file("two_fabs")), run(changed("two_fabs", reverse))
    for path, values in kept["parameter_value"].items():
        np.testing.assert_array_equal(turned["parameter_value"][path], values)
    for name in ("good_dies", "usable_chips"):
        for key, values in kept[name].items():
            # sums in another order: a few roundings of doubles, one of float32
            np.testing.assert_allclose(turned[name][key], values, rtol=3e-7, atol=1e-6)


def test_the_luck_of_a_date_does_not_depend_on_the_start() -> None:
    noisy = ["simulation.process_noise=true", "processes.n2.d0_mature_per_cm2=0.1"]
    long = run(model_file("one_group").with_changes(noisy))
    late = run(model_file("one_group").with_changes([*noisy, "simulation.start='2026Q3'"]))
    early = run(model_file("one_group").with_changes([*noisy, "simulation.warmup_quarters=3"]))
    # flows depend on earlier starts; the luck of tools and of defects does not
    where = {"tool_availability": ("line", "litho", "imported"), "d0_per_cm2": ("line", "n2")}
    for name, key in where.items():
        assert np.ptp(long[name][key]) > 0.0
        np.testing.assert_array_equal(late[name][key], long[name][key][:, 2:])
        np.testing.assert_array_equal(early[name][key], long[name][key])
