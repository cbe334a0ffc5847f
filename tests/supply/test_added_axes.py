"""Scenarios that add products, dies, lines, ...: the axes are the union, the rest stays."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.paths import INVALID
from yieldsim.errors import ModelError, UsageError
from yieldsim.model.load import ModelFile, load_file
from yieldsim.supply.simulate import Simulator

SOUND = INVALID / "parts" / "sound.toml"
SEED, REALIZATIONS = 7, 3
ORIGIN = {"source": "made_up", "grade": "assumed"}
ORDER_ORIGIN = 'source = "made_up"\ngrade = "assumed"'
BANK = {"die": "cheap", "bin": "cut", "draw": {"value": 4000}, **ORIGIN}
CHEAP = {
    "process": "n5",
    "width_mm": 8,
    "height_mm": 9,
    "cores": 4,
    "core_fraction": 0.5,
    "bins": {"full": {"min_good_cores": 4}, "cut": {"min_good_cores": 3}, "rest": {}},
    **ORIGIN,
}
# a chip on a die of its own, on a process, line, pool and packaging line of its own
ADDED: dict[str, Any] = {
    "processes": {"n5": {"d0_mature_per_cm2": 0.1, "alpha": 2, **ORIGIN}},
    "fabs": {
        "third": {
            "plan": {"n5": {"value": 800}},
            "allocation": {"n5": {"cheap": {"value": 1}}},
            **ORIGIN,
        }
    },
    "dies": {"cheap": CHEAP},
    "die_banks": {"cheap_bank": BANK},
    "memory": {"lpddr": {"deliveries": {"value": 1e6}, **ORIGIN}},
    "packaging": {"fanout": {"capacity": {"value": 5000}, "counts": "packages", **ORIGIN}},
    "products": {
        "card": {
            "die": "cheap",
            "start": "2025Q2",
            "memory": ["lpddr"],
            "stacks_per_package": 2,
            "packaging": ["fanout"],
            "performance": {"full": {"tflops_fp16": 50}, "cut": {"tflops_fp16": 40}},
            "sells": ["full", "cut"],
            **ORIGIN,
        }
    },
}
PHONE = {"products": {"basic": {"kind": "phone", "die": "phone", "start": "2026Q1", **ORIGIN}}}
NEW = {
    "process": "n5",
    "fab": "third",
    "die": "cheap",
    "memory": "lpddr",
    "packaging": "fanout",
    "product": "card",
}


def model_file(**scenarios: dict[str, Any]) -> ModelFile:
    file = load_file(SOUND)
    entries = {
        name: {"title": name, "changes": changes, **ORIGIN} for name, changes in scenarios.items()
    }
    return ModelFile(file.place, file.raw, file.scenarios | entries)


FILE = model_file(added=ADDED, basic=PHONE)


def block(*names: str) -> tuple[Simulator, dict[str, np.ndarray]]:
    engine = Simulator(FILE, names, SEED)
    return engine, engine.block(0, REALIZATIONS)


def own(engine: Simulator, axes: Simulator, name: str, values: np.ndarray) -> np.ndarray:
    """The part of some results of a scenario, (realization, ...), that ``axes`` has labels for."""
    dims = next(v.dims for v in engine.outputs if v.name == name)
    for axis, dim in enumerate(dims, start=2):
        places = [engine.coords[dim].index(label) for label in axes.coords[dim]]
        values = values.take(places, axis=axis)
    return values


def test_the_axes_are_the_union_in_the_order_of_the_model() -> None:
    engine, _ = block("baseline", "added", "basic")
    base = Simulator(FILE, ["baseline"], SEED)
    for dim, label in NEW.items():
        more = [label, "basic"] if dim == "product" else [label]
        assert engine.coords[dim] == [*base.coords[dim], *more]
    assert engine.coords["bin"] == ["bin_1", "bin_2", "bin_3"]
    assert engine.attrs["product_kind"]["card"] == "ai"
    assert engine.attrs["product_kind"]["basic"] == "phone"
    assert (
        '"cheap": {"bin_1": "full", "bin_2": "cut", "bin_3": "rest"}' in engine.attrs["bin_names"]
    )


@pytest.mark.parametrize("name", ["baseline", "added", "basic"])
def test_a_scenario_has_the_figures_that_it_has_alone(name: str) -> None:
    engine, got = block("baseline", "added", "basic")
    alone = Simulator(FILE, [name], SEED)
    expected = alone.block(0, REALIZATIONS)
    row = engine.scenarios.index(name)
    for variable in alone.outputs:
        mine = own(engine, alone, variable.name, got[variable.name][row])
        assert mine.tobytes() == expected[variable.name][0].tobytes(), variable.name


def test_what_a_scenario_lacks_is_zero_in_it() -> None:
    engine, got = block("baseline", "added")
    met = set()
    for variable in engine.outputs:
        for axis, dim in enumerate(variable.dims, start=3):
            if dim in NEW:
                place = engine.coords[dim].index(NEW[dim])
                values = got[variable.name].take([place], axis=axis)
                assert not values[0].any(), (variable.name, dim)
                met |= {dim} if values[1].any() else set()
    assert met == set(NEW)


def test_the_total_counts_an_added_chip() -> None:
    engine, got = block("baseline", "added", "basic")
    ai = [engine.coords["product"].index(name) for name in ("chip", "card")]
    total = got["usable_chips"][..., ai].sum(axis=-1, dtype=float)
    np.testing.assert_allclose(got["usable_chips_total"], total, rtol=1e-6)  # single precision
    assert np.all(
        got["usable_chips_total"][1].sum(axis=1) > got["usable_chips_total"][0].sum(axis=1)
    )


def test_orders_and_the_gap_count_an_added_chip(tmp_path: Path) -> None:
    """An order by pattern meets the new product; the market has its chips."""
    text = f'''extends = "{SOUND}"
[orders.any]
products = ["c*"]
placed = "2025Q1"
chips = 1e7
{ORDER_ORIGIN}
[demand]
chips = 1e6
tflops_fp16 = 300
{ORDER_ORIGIN}
'''
    path = tmp_path / "m.toml"
    path.write_text(text)
    file = load_file(path, [SOUND.parent])
    changes = {"title": "t", "changes": ADDED, **ORIGIN}
    engine = Simulator(ModelFile("m", file.raw, {"added": changes}), ["baseline", "added"], SEED)
    got = engine.block(0, REALIZATIONS)
    delivered = got["order_delivered"].sum(axis=3)
    np.testing.assert_allclose(delivered, got["usable_chips_total"], rtol=1e-6)
    gap = got["demand"] - got["usable_chips_total"]
    np.testing.assert_allclose(got["gap_without_imports"], gap, rtol=1e-6)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"products": {"p": {"die": "phone"}}},
            "products: unknown product, got 'p'; allowed: chip",
        ),
        ({"products": {"p": {"start": "2025Q1"}}}, "or a new product with die, start"),
        ({"fabs": {"f": {"plan": {}}}}, "or a new fab with plan, allocation"),
        ({"memory": {"m": {"generation": "x"}}}, "or a new memory pool with deliveries or maker"),
        ({"tool_groups": {"g": {"defect_weight": 1}}}, "unknown tool group, got 'g'"),
    ],
)
def test_an_addition_that_is_not_whole_is_taken_for_a_misspelt_name(
    changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ModelError) as caught:
        model_file(bad=changes).model("bad")
    assert message in str(caught.value)
    assert str(caught.value).startswith("scenarios.bad.changes.")


def test_two_scenarios_that_add_one_name_differently_cannot_be_combined() -> None:
    other = {"products": {"basic": {**PHONE["products"]["basic"], "start": "2026Q2"}}}
    file = model_file(basic=PHONE, later=other)
    with pytest.raises(UsageError, match=r"both set products\.basic, differently"):
        file.model("basic+later")
    assert "basic" in file.model("basic+service_lost").products
