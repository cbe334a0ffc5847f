"""Sizes, imports, demand and gap of a made-up model, with made-up supply."""

import numpy as np
import pytest

from tests.supply.orders.made_up_model import DEMAND, IMPORTS, ORDERS, model
from yieldsim import units
from yieldsim.outputs import DEMAND_OUTPUTS, IMPORT_OUTPUTS, ORDER_OUTPUTS
from yieldsim.sampling import Sampler
from yieldsim.supply.kernels import block as supply
from yieldsim.supply.orders import compile_demand, demand_outputs, run_demand

REALIZATIONS, QUARTERS, SEED = 6, 8, 7


def block(*changes: str, first: int = 0, count: int = REALIZATIONS):
    declared = model(*changes)
    sampler = Sampler(declared)
    plan = compile_demand(declared, sampler, list(declared.products))
    supply = np.random.default_rng(1).uniform(0.0, 900.0, (2, REALIZATIONS, QUARTERS, 2))
    usable, h100 = supply[:, first : first + count]
    drawn = sampler.draw(SEED, first, count)
    return plan, sampler, drawn, usable, h100, run_demand(plan, drawn, usable, h100)


def column(sampler: Sampler, drawn: np.ndarray, path: str) -> np.ndarray:
    return drawn[:, sampler.column[path]]


def test_sizes_are_chips_money_over_price_or_pods_times_chips() -> None:
    plan, sampler, drawn, _, _, results = block(*ORDERS)
    size = results["order_size"]
    assert [order.name for order in plan.orders] == ["first", "money", "pods"]
    assert (size[:, :, 0] == 2000.0).all()
    value = column(sampler, drawn, "orders.money.value_yuan")
    assert 1e8 < value.min() < value.max() < 2e8
    np.testing.assert_allclose(size[:, 2:, 1], np.tile(value[:, None] / 50000.0, 6))
    assert (size[:, :2, 1] == 0.0).all()
    assert (size[:, 4:, 2] == 1536.0).all()
    assert (size[:, :4, 2] == 0.0).all()


def test_a_pattern_leaves_phone_chips_alone_and_a_name_takes_them() -> None:
    plan, *_ = block(
        'orders.all={products=["*"], placed="2025Q1", chips=5}',
        'orders.phones={products=["handset"], placed="2025Q1", chips=5}',
        'orders.both={products=["*", "handset"], placed="2025Q1", chips=5}',
    )
    assert [order.products for order in plan.orders] == [(0,), (1,), (0, 1)]


def test_imports_are_what_is_delivered_and_licensed() -> None:
    plan, _, _, _, _, results = block(*IMPORTS)
    assert plan.imports == ("h20", "grey")
    expected = np.zeros((QUARTERS, 2))
    expected[:2, 0], expected[:, 1] = 1000.0, 120.0
    for realization in results["imports"]:
        np.testing.assert_allclose(realization, expected)
    compute = expected * np.array([148.0, 989.0]) / 989.0
    np.testing.assert_allclose(results["imports_h100_equivalents"][0], compute)
    bandwidth = expected * np.array([4.0, 0.0]) / 3.35
    np.testing.assert_allclose(results["imports_h100_equivalents_bandwidth"][0], bandwidth)


def test_the_gap_is_demand_less_supply_and_less_imports() -> None:
    _, sampler, drawn, usable, h100, results = block(*DEMAND, *IMPORTS)
    at = np.linspace(0.0, 1.0, QUARTERS)
    position = column(sampler, drawn, "demand.chips.position")[:, None]
    scale = column(sampler, drawn, "demand.chips.scale")[:, None]
    wanted = (4000.0 + 2000.0 * at + position * 3000.0 * at) * scale
    np.testing.assert_allclose(results["demand"], wanted)
    # the handset is a phone chip: the first product alone meets the demand
    short = wanted - usable[:, :, 0]
    np.testing.assert_allclose(results["gap_without_imports"], short)
    np.testing.assert_allclose(results["gap_with_imports"], short - results["imports"].sum(axis=2))
    compute = wanted * 300.0 / 989.0
    np.testing.assert_allclose(results["demand_h100_equivalents"], compute)
    short = compute - h100[:, :, 0]
    np.testing.assert_allclose(results["gap_without_imports_h100_equivalents"], short)
    imported = results["imports_h100_equivalents"].sum(axis=2)
    np.testing.assert_allclose(results["gap_with_imports_h100_equivalents"], short - imported)


def test_factors_multiply_demand_and_imports() -> None:
    changes = (
        'factors.world={quarters=["2025Q1", "2026Q4"], low=[1, 1], high=[1, 0.3], '
        'position={dist="uniform", low=0, high=1}}',
        "factors.twice=2",
        'demand={chips={value=1000, factors=["world", "twice"]}, tflops_fp16=300}',
        'imports.grey={deliveries={value=40, factors="world"}, tflops_fp16=989}',
    )
    _, sampler, drawn, _, _, results = block(*changes)
    level = column(sampler, drawn, "factors.world.position")[:, None]
    factor = 1.0 - 0.7 * level * np.linspace(0.0, 1.0, QUARTERS)
    assert np.ptp(level) > 0.1
    np.testing.assert_allclose(results["demand"], 2000.0 * factor)
    np.testing.assert_allclose(results["imports"][:, :, 0], 40.0 * factor)


def test_more_supply_than_is_wanted_is_a_negative_gap() -> None:
    *_, results = block("demand={chips=10, tflops_fp16=300}")
    assert (results["gap_without_imports"] < 0.0).any()
    np.testing.assert_array_equal(results["gap_with_imports"], results["gap_without_imports"])


@pytest.mark.parametrize("changes", [(), ORDERS, DEMAND, IMPORTS, (*ORDERS, *DEMAND, *IMPORTS)])
def test_a_model_has_the_variables_of_what_it_declares(changes) -> None:
    plan, *_, results = block(*changes)
    assert set(results) == {v.name for v in plan.outputs}
    expected = ()
    for kind, outputs in (
        (ORDERS, ORDER_OUTPUTS),
        (IMPORTS, IMPORT_OUTPUTS),
        (DEMAND, DEMAND_OUTPUTS),
    ):
        if set(kind) <= set(changes):
            expected += outputs
    assert plan.outputs == expected
    dims = {"order": 3, "import_source": 2, "product": 2}
    for variable in plan.outputs:
        shape = (REALIZATIONS, QUARTERS, *(dims[dim] for dim in variable.dims))
        assert results[variable.name].shape == shape, variable.name


def test_all_variables_together_are_those_of_the_registry() -> None:
    assert demand_outputs(True, True, True) == (*ORDER_OUTPUTS, *IMPORT_OUTPUTS, *DEMAND_OUTPUTS)


@pytest.mark.parametrize("cut", [1, 2, 5])
def test_blocks_of_any_size_give_the_same_bits(cut: int) -> None:
    changes = (*ORDERS, *DEMAND, *IMPORTS)
    *_, whole = block(*changes)
    for first in range(0, REALIZATIONS, cut):
        count = min(cut, REALIZATIONS - first)
        *_, part = block(*changes, first=first, count=count)
        for name, values in part.items():
            np.testing.assert_array_equal(values, whole[name][first : first + count], err_msg=name)


def test_an_h100_is_the_same_for_supply_and_for_imports() -> None:
    assert supply.H100_TFLOPS_FP16 == units.H100_TFLOPS_FP16
    assert supply.H100_TB_PER_S == units.H100_TB_PER_S
