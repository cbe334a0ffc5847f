"""Memory makers by hand: DRAM wafers, dies by geometry, yields, and the division of a DRAM line."""

import math

import numpy as np
import pytest

from tests.supply.kernels.by_hand import FLOAT32, Block, assert_all, run

RADIUS_MM, SCRIBE_MM = 147.0, 0.1  # of one_line.toml
RAMP = "{quarters=['2025Q4', '2026Q4'], values=[0, 800]}"


def made(*changes: str, **fields: object) -> Block:
    """Results of one_line.toml whose stacks have this maker and no other origin."""
    inner = ", ".join(f"{name}={item}" for name, item in fields.items())
    return run("memory.stacks.deliveries=0", f"memory.stacks.maker={{{inner}}}", *changes)


def by_geometry(area_mm2: float, **fields: object) -> float:
    """Stacks that a quarter of 100 wafers a month gives."""
    wafers = {"wafers": 100, "stack_yield": 1, "dies_per_stack": 8}
    got = made(dram_die_mm2=area_mm2, **(wafers | fields))["stacks_in"]
    assert_all(got, got[0, 0])
    return float(got[0, 0])


@pytest.mark.parametrize("area_mm2", [60.0, 110.0, 132.0, 400.0])
def test_dies_by_geometry_fit_on_the_wafer(area_mm2: float) -> None:
    dies = by_geometry(area_mm2) * 8 / 300
    assert dies == pytest.approx(round(dies), rel=FLOAT32)
    # all dies lie inside the usable circle, and every cell of the grid that touches a circle
    # smaller by the cell's diagonal is a die
    pitch = math.sqrt(area_mm2) + SCRIBE_MM
    inner = RADIUS_MM - math.sqrt(2.0) * pitch
    assert math.pi * inner**2 / pitch**2 <= dies <= math.pi * RADIUS_MM**2 / area_mm2


def test_the_dies_of_hbm3_give_57_to_70_stacks() -> None:
    # the published pair of 132 and 110 mm2, eight high, without base dies; a stack for the edge
    assert by_geometry(132) / 300 == pytest.approx(57, abs=1.0)
    assert by_geometry(110) / 300 == pytest.approx(70, abs=1.0)


def test_base_dies_from_the_same_wafers_take_their_share() -> None:
    alone = by_geometry(120)
    assert by_geometry(120, base_dies_per_stack=1) == pytest.approx(alone * 8 / 9, rel=FLOAT32)
    assert by_geometry(120, dies_per_stack=12) == pytest.approx(alone * 8 / 12, rel=FLOAT32)


def test_the_yields_of_both_ends_multiply() -> None:
    alone = by_geometry(120)
    both = by_geometry(120, die_yield=0.35, stack_yield=0.7)
    assert both == pytest.approx(alone * 0.35 * 0.7, rel=FLOAT32)


def test_a_slip_of_whole_quarters_moves_the_series() -> None:
    fields = {"stacks_per_wafer": 10, "stack_yield": 1, "wafers": RAMP}
    prompt = made(**fields)["stacks_in"][:, 0]
    late = made(slip_quarters=1, **fields)["stacks_in"][:, 0]
    np.testing.assert_allclose(late[1:], prompt[:-1], rtol=FLOAT32)
    # before the first step the ramp keeps the value of that step: 800 a year, 0.55 quarters up
    assert late[0] == pytest.approx(10 * 3 * 800 / 4 * 0.55, rel=FLOAT32)


def test_a_slip_of_part_of_a_step_lies_between() -> None:
    # 5.1 steps late on a straight ramp of 200 a quarter, which is flat from the middle of 2026Q4 on
    fields = {"stacks_per_wafer": 10, "stack_yield": 1, "wafers": RAMP}
    prompt = made(**fields)["stacks_in"][1:3, 0]
    late = made(slip_quarters=0.51, **fields)["stacks_in"][1:3, 0]
    np.testing.assert_allclose(prompt - late, 10 * 3 * 200 * 0.51, rtol=1e-5)


POOLS = ("a", "b", "c")


def divided(*weights: str, line: str = "{wafers=600}") -> np.ndarray:
    """Stacks of pools (quarter, pool) with 10, 20 and 40 stacks a wafer on one DRAM line."""
    changes = [f"dram_lines.line={line}", "memory.stacks.deliveries=0"]
    for pool, each, weight in zip(POOLS, (10, 20, 40), weights, strict=False):
        maker = f"dram_line='line', stacks_per_wafer={each}, stack_yield=1{weight}"
        changes.append(f"memory.{pool}={{maker={{{maker}}}}}")
    return run(*changes)["stacks_in"][:, 1:]


def test_pools_divide_a_dram_line_by_weight() -> None:
    got = divided(", line_weight=1", "", ", line_weight=4")  # no weight stands for 1
    assert_all(got, [[300 * 10, 300 * 20, 1200 * 40]])
    alone = divided(", line_weight=7")
    assert_all(alone, 1800 * 10)


def test_no_wafer_of_a_line_is_used_twice_or_lost() -> None:
    falling = ", line_weight={quarters=['2026Q1', '2026Q4'], values=[3, 0]}"
    late = ", line_weight={quarters=['2026Q3', '2026Q4'], values=[0.1, 9], before='zero'}"
    line = f"{{wafers={RAMP}, slip_quarters=0.3}}"
    wafers = divided(falling, "", late, line=line) / np.array([10, 20, 40])
    whole = divided("", line=line)[:, 0] / 10
    np.testing.assert_allclose(wafers.sum(axis=1), whole, rtol=1e-6)


def test_a_line_without_weights_makes_nothing() -> None:
    assert_all(divided(", line_weight=0", ", line_weight=0"), 0.0)
