"""The baseline's memory says what the publications say, each once (models/README.md)."""

import numpy as np
import pytest

from yieldsim.model import Model, Schedule, load_file, load_model
from yieldsim.model.schema import MemoryMaker
from yieldsim.model.schema.calendar import quarter_index

# SemiAnalysis, Huawei Ascend Production Ramp, 2025-09-08: stacks that entered China in all
ENTERED_CHINA = 13.0e6
# SemiAnalysis, CXMT anatomy, 2026-07: HBM3, 8 high, 35 % of dies and 70 % of stacks
HBM3_DIES, HBM3_STACKS = 0.35, 0.70
# Korean press via TechPowerUp, 2026-09-09: HBM3E, 25 %, front end about 30 %
HBM3E_DIES, HBM3E = 0.30, 0.25
MIDDLES = np.arange(2023 * 4, 2031 * 4) + 0.5
MEMORY = ("memory_fast", "memory_slow", "memory_available", "memory_banned")


@pytest.fixture(scope="module")
def model() -> Model:
    return load_model("baseline")


def maker(model: Model, pool: str) -> MemoryMaker:
    made = model.memory[pool].maker
    assert made is not None
    return made


def at(schedule: Schedule | None, quarter: str) -> tuple[float, float]:
    """Both ends of a series in the middle of a quarter."""
    assert schedule is not None
    low, high = schedule.curves(np.array([quarter_index(quarter) + 0.5]))
    return float(low[0]), float(high[0])


@pytest.mark.parametrize("among", [0, 1])
@pytest.mark.parametrize("vendors", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("cambricon", [0.0, 0.2, 1.0])
def test_the_stockpile_is_what_entered_china(
    model: Model, vendors: float, cambricon: float, among: int
) -> None:
    """The holders' parts add up to all stacks at any shares, with those of cards among them."""
    shares = {"vendor_stack_share": vendors, "cambricon_stack_share": cambricon}
    entered = 0.0
    for pool in ("zhenwu_hbm", "kunlun_hbm"):
        with_cards = model.memory[pool].deliveries
        assert with_cards is not None
        entered += among * with_cards.curves(MIDDLES)[0].sum()
    for pool in ("foreign_hbm", "cambricon_hbm", "vendor_hbm"):
        deliveries = model.memory[pool].deliveries
        assert deliveries is not None
        assert deliveries.scale is not None
        assert deliveries.scale.ref == "foreign_stack_scale"
        held = deliveries.curves(MIDDLES)[among].copy()
        for name in deliveries.factors:
            position = model.factors[name].position
            assert position is not None
            low, high = model.factors[name].curves(MIDDLES)
            held *= low + shares[str(position.ref)] * (high - low)
        entered += held.sum()
    rounding = 8 * 50 if among else 1e-3  # eight quarters in hundreds of stacks
    assert entered == pytest.approx(ENTERED_CHINA, abs=rounding)


@pytest.mark.parametrize(("firm", "product"), [("zhenwu", "zhenwu_ppu"), ("kunlun", "kunlun_p800")])
def test_cards_made_elsewhere_have_the_stacks_that_their_dies_need(
    model: Model, firm: str, product: str
) -> None:
    """In both worlds, beside the stockpile or among it; and no other product takes them."""
    draw = model.die_banks[f"{firm}_foreign"].draw
    came = model.memory[f"{firm}_hbm"].deliveries
    assert came is not None
    for series in (draw, came):
        assert series.scale is not None
        assert series.scale.ref == "foreign_cards_scale"
    beside, among = came.curves(MIDDLES)
    np.testing.assert_array_equal(beside, among)
    begun = quarter_index(came.quarters[0]) + 0.5 <= MIDDLES  # dies of 2023Q3 go for samples
    needed = model.products[product].stacks_per_package * draw.curves(MIDDLES)[0]
    np.testing.assert_allclose(beside[begun], needed[begun])
    takers = [name for name, own in model.products.items() if f"{firm}_hbm" in own.memory]
    assert takers == [product]


def test_grey_stacks_may_be_none(model: Model) -> None:
    level = model.shared["grey_hbm_level"]
    assert level.values is not None
    assert level.weights is not None
    assert dict(zip(level.values, level.weights, strict=True))[0] == 0.5
    deliveries = model.memory["grey_hbm"].deliveries
    assert deliveries is not None
    assert not deliveries.curves(MIDDLES)[0].any()


def test_the_yields_of_mid_2026_are_those_published(model: Model) -> None:
    hbm3, hbm3e = maker(model, "cxmt_hbm3"), maker(model, "cxmt_hbm3e")
    assert np.mean(at(hbm3.die_yield, "2026Q3")) == pytest.approx(HBM3_DIES)
    assert np.mean(at(hbm3.stack_yield, "2026Q3")) == pytest.approx(HBM3_STACKS)
    dies = np.mean(at(hbm3e.die_yield, "2026Q3"))
    assert dies == pytest.approx(HBM3E_DIES)
    alone, together = at(hbm3e.stack_yield, "2026Q3")
    assert alone == HBM3E
    assert dies * together == pytest.approx(HBM3E, abs=0.005)  # 83 % is rounded


@pytest.mark.parametrize(
    ("some", "rest"), [("cxmt_hbm3", "cxmt_hbm3e"), ("huawei_hibl", "huawei_hizq")]
)
def test_pools_of_a_dram_line_have_complementary_weights(
    model: Model, some: str, rest: str
) -> None:
    first, second = maker(model, some), maker(model, rest)
    assert first.dram_line == second.dram_line
    assert first.line_weight is not None
    assert second.line_weight is not None
    assert first.line_weight.position == second.line_weight.position
    pairs = zip(first.line_weight.curves(MIDDLES), second.line_weight.curves(MIDDLES), strict=True)
    for one, other in pairs:
        np.testing.assert_allclose(one + other, 1.0, rtol=1e-12)


@pytest.mark.parametrize("scenario", MEMORY)
def test_scenarios_of_memory_leave_the_years_to_2026_alone(model: Model, scenario: str) -> None:
    changed = load_file("baseline").model(scenario)
    slip = model.dram_lines["cxmt"].slip_quarters.raw_support()[0]  # the least
    weeks = np.arange(2023 * 4, 2027 * 4, 1 / 13)
    series = [
        (f"{name}.{table}", getattr(one, table), getattr(other, table), weeks)
        for name, pool in model.memory.items()
        for one, other in ((pool.maker, changed.memory[name].maker),)
        if one is not None
        for table in ("die_yield", "stack_yield", "line_weight")
    ]
    series += [
        (name, line.wafers, changed.dram_lines[name].wafers, weeks - slip * (name == "cxmt"))
        for name, line in model.dram_lines.items()
    ]
    series += [
        (name, pool.deliveries, changed.memory[name].deliveries, weeks)
        for name, pool in model.memory.items()
        if pool.deliveries is not None
    ]
    assert changed.dram_lines != model.dram_lines or changed.memory != model.memory
    for name, one, other, times in series:
        assert one is not None, name
        for own, theirs in zip(one.curves(times), other.curves(times), strict=True):
            np.testing.assert_allclose(theirs, own, rtol=1e-12, err_msg=name)


def test_all_ai_products_have_the_same_lag(model: Model) -> None:
    for name, product in model.products.items():
        if product.kind == "ai":
            assert product.lag_days.ref == "ai_package_lag_days", name
