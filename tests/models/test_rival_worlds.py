"""The rival worlds, the memory that a die can take, and the outlook of the baseline.

These are properties of its inputs: nothing is simulated.
"""

from functools import cache
from itertools import pairwise

import numpy as np
import pytest

from yieldsim.model import Model, Schedule, load_file, parameters
from yieldsim.model.references import memory_pools
from yieldsim.model.schema.calendar import quarter_index
from yieldsim.sampling import Sampler

OUTLOOK = "2029Q1"
END = "2030Q4"
BUILDINGS = ("smic_sn1", "smic_sn2")
PLAN_ROUNDING = 25.0  # plan.csv is rounded to 50 wafers
FACTOR_ROUNDING = 0.005  # factors.toml to two or three digits
# IDC via Jiemian, 2026-01-15: phones of Huawei sold in China in 2025, and 1.9 % more in 2024
PHONES_2025 = 46.7e6
PHONES_2024 = PHONES_2025 / (1.0 - 0.019)


@cache
def baseline() -> Model:
    return load_file("baseline").model()


def ends(schedule: Schedule, quarter: str) -> tuple[float, float]:
    """The low and the high series in the middle of a quarter."""
    low, high = schedule.curves(np.array([quarter_index(quarter) + 0.5]))
    return float(low[0]), float(high[0])


def starts(building: str, quarter: str, level: int, world: int) -> tuple[float, float]:
    """Planned N+2 wafers of a building at a level of capacity in a world, and their rounding."""
    plan = baseline().fabs[building].plan["n2"]
    (name,) = [name for name in plan.factors if not name.startswith("outlook")]
    factor = ends(baseline().factors[name], quarter)[world]
    wafers = ends(plan, quarter)[level]
    return wafers * factor, PLAN_ROUNDING * factor + FACTOR_ROUNDING * wafers


@pytest.mark.parametrize("level", [0, 1])
@pytest.mark.parametrize("quarter", ["2023Q4", "2024Q4", "2025Q4", "2026Q4", "2027Q4", "2028Q4"])
def test_both_buildings_together_start_the_same_in_either_world(quarter: str, level: int) -> None:
    first, second = (
        [starts(building, quarter, level, world) for building in BUILDINGS] for world in (0, 1)
    )
    slack = sum(rounding for _, rounding in (*first, *second))
    assert abs(sum(n for n, _ in first) - sum(n for n, _ in second)) <= slack


@pytest.mark.parametrize("quarter", ["2023Q1", "2024Q4", "2025Q4"])
def test_in_the_other_world_sn2_is_the_only_line_up_to_2025(quarter: str) -> None:
    assert all(starts("smic_sn1", quarter, level, 1)[0] == 0.0 for level in (0, 1))
    assert all(starts("smic_sn1", quarter, level, 0)[0] > 0.0 for level in (0, 1))


def test_lines_copy_the_building_that_makes_n2_in_both_worlds() -> None:
    """SN1 begins with the process or in 2026; SN2 makes N+2 in both and learns as the process."""
    model = baseline()
    learning = {name: fab.learning for name, fab in model.fabs.items()}
    assert "n2" not in learning["smic_sn2"]
    for fab in ("smic_sn1", "huawei_affiliated", "huali"):
        assert learning[fab]["n2"].copied_from == "smic_sn2"
    plan, law = model.fabs["smic_sn1"].plan["n2"], model.processes["n2"].learning
    assert (plan.quarters[0], plan.before) == (law.start, "zero")


def test_the_950_is_made_on_one_process_in_each_world() -> None:
    times = quarter_index("2025Q3") + np.arange(22) + 0.5
    made: dict[int, set[str]] = {0: set(), 1: set()}
    for fab in baseline().fabs.values():
        for process, weights in fab.allocation.items():
            if "ascend_950" in weights:
                assert weights["ascend_950"].position.ref == "ascend_950_node_level"
                for world, curve in enumerate(weights["ascend_950"].curves(times)):
                    made[world] |= {process} if curve.any() else set()
    assert made == {0: {"n3"}, 1: {"n2"}}
    assert set(baseline().dies["ascend_950"].process) == {"n2", "n3"}


@pytest.mark.parametrize("name", ["n2_building_level", "ascend_950_node_level"])
def test_a_world_holds_whole(name: str) -> None:
    drawn = Sampler(baseline())
    level = drawn.draw(7, 0, 400)[:, drawn.column[f"shared.{name}"]]
    assert set(level) == {0.0, 1.0}


# one die in two memories makes two products; HiBL and HiZQ are no stacks of a standard
TWO_PRODUCTS = {"ascend_950pr", "ascend_950dt"}


def test_products_of_one_die_take_the_same_memory() -> None:
    products = baseline().products
    by_die: dict[str, list[str]] = {}
    for name, product in products.items():
        if name not in TWO_PRODUCTS and product.memory:
            by_die.setdefault(product.die, []).append(name)
    assert max(map(len, by_die.values())) > 1
    for names in by_die.values():
        pools = [set(memory_pools(baseline(), products[name])) for name in names]
        assert all(a == b for a, b in pairwise(pools)), names


def test_every_accelerator_has_substrates_burn_in_and_test_slots() -> None:
    for name, product in baseline().products.items():
        if product.kind == "ai":
            assert {"abf_substrates", "burn_in", "final_test"} <= set(product.packaging), name


def test_the_outlook_begins_at_one_and_widens() -> None:
    factors = {k: f for k, f in baseline().factors.items() if k.startswith("outlook")}
    assert len(factors) >= 2
    for factor in factors.values():
        assert ends(factor, "2028Q4") == ends(factor, "2024Q1") == (1.0, 1.0)
        widths = [high - low for low, high in (ends(factor, q) for q in (OUTLOOK, "2029Q4", END))]
        assert 0.0 < widths[0] < widths[1] < widths[2]


def test_what_is_planned_is_planned_to_the_end() -> None:
    """Starts, tools and packaging have a point at the end, and spread with the outlook."""
    model = baseline()
    assert (model.simulation.end, model.simulation.outlook_from) == (END, OUTLOOK)
    planned = [
        p
        for p in parameters(model)
        if isinstance(p.item, Schedule)
        and (p.path.startswith("packaging.") or ".plan." in p.path or ".fleets." in p.path)
    ]
    assert len(planned) > 150
    for p in planned:
        assert p.item.quarters[-1] == END, p.path
        assert any(name.startswith("outlook") for name in p.item.factors), p.path


@pytest.mark.parametrize(("year", "sold"), [(2024, PHONES_2024), (2025, PHONES_2025)])
def test_phones_are_those_that_were_sold(year: int, sold: float) -> None:
    """Before the scale; the series is printed to 100,000 chips a quarter, so 50,000 in each."""
    wanted = 0.0
    for name in ("kirin_n2", "kirin_n3"):
        wanted += sum(ends(baseline().products[name].demand, f"{year}Q{q}")[0] for q in range(1, 5))
    assert abs(wanted - sold) <= 8 * 50_000
