"""Gross die: the exact counts, a brute-force twin, and what must hold for any die."""

import json
import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.paths import REFERENCE
from yieldsim.wafer.kernels.geometry import (
    RADIUS_TOLERANCE,
    Blocks,
    Usable,
    count_best_of_four,
    count_dies,
)
from yieldsim.wafer.kernels.offsets import best_offset as best_offset_of_blocks

GROSS_DIE = json.loads((REFERENCE / "gross_die.json").read_text("utf-8"))
CASES = GROSS_DIE["cases"]
WEB_CASES = GROSS_DIE["web_calculator"]["cases"]
RADIUS_MM = 147.0


def die(case: dict) -> tuple[float, float, float, float, float]:
    width, height = map(float, case["die_mm"])
    scribe = float(case["scribe_mm"])
    return width + scribe, height + scribe, width, height, RADIUS_MM


def best_offset(
    pitch_x: float, pitch_y: float, w: float, h: float, radius: float
) -> tuple[int, float, float]:
    """The best offset of single dies on a wafer without flat and notch."""
    dies = Blocks(pitch_x, pitch_y, w, h, 1, 1)
    return best_offset_of_blocks(dies, Usable(radius, -math.inf, -radius, 0.0))[:3]


def brute_count(
    pitch_x: float, pitch_y: float, w: float, h: float, radius: float, u: float, v: float
) -> int:
    """Test all four corners of every die of a grid that is larger than the wafer."""
    columns = np.arange(-math.ceil(radius / pitch_x) - 2, math.ceil(radius / pitch_x) + 3)
    rows = np.arange(-math.ceil(radius / pitch_y) - 2, math.ceil(radius / pitch_y) + 3)
    x = (columns[:, None] + u) * pitch_x
    y = (rows[None, :] + v) * pitch_y
    inside = np.ones((columns.size, rows.size), bool)
    for side_x in (-0.5, 0.5):
        for side_y in (-0.5, 0.5):
            corner = np.hypot(x + side_x * w, y + side_y * h)
            inside &= corner <= radius * (1.0 + RADIUS_TOLERANCE)
    return int(inside.sum())


sizes = st.floats(4.0, 60.0)
scribes = st.floats(0.0, 0.3)
offsets = st.floats(-1.0, 1.0)
radii = st.floats(45.0, 225.0)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("form", ["compiled", "plain"])
def test_reference_counts(case: dict, form: str) -> None:
    count = count_dies if form == "compiled" else count_dies.py_func
    halves = GROSS_DIE["offsets_in_half_pitches"]
    assert [count(*die(case), 0.5 * x, 0.5 * y) for x, y in halves] == case["counts"]


@pytest.mark.parametrize("case", CASES)
def test_the_best_offset_is_found_and_reached(case: dict) -> None:
    count, u, v = best_offset(*die(case))
    assert count == case["best"]
    assert brute_count(*die(case), u, v) == count


@pytest.mark.parametrize("case", CASES)
def test_best_of_four_is_the_largest_of_the_table(case: dict) -> None:
    assert count_best_of_four(*die(case)) == max(case["counts"])


@pytest.mark.parametrize("case", WEB_CASES)
def test_no_worse_than_a_web_calculator_that_also_loses_the_notch(case: dict) -> None:
    # It keeps 5 mm at the notch out and steps whole reticle fields, which can only lose dies.
    count, u, v = best_offset(*die(case))
    assert count >= case["count"]
    assert count <= case["count"] + 2
    assert brute_count(*die(case), u, v) == count


@given(sizes, sizes, scribes, radii, offsets, offsets)
def test_count_agrees_with_brute_force(
    w: float, h: float, scribe: float, radius: float, u: float, v: float
) -> None:
    grid = (w + scribe, h + scribe, w, h, radius, u, v)
    assert count_dies(*grid) == brute_count(*grid)


@given(sizes, sizes, scribes, scribes, radii, offsets, offsets)
def test_swapping_the_axes_changes_no_count(
    w: float, h: float, scribe_x: float, scribe_y: float, radius: float, u: float, v: float
) -> None:
    upright = (w + scribe_x, h + scribe_y, w, h, radius)
    turned = (h + scribe_y, w + scribe_x, h, w, radius)
    assert count_dies(*upright, u, v) == count_dies(*turned, v, u)
    assert count_best_of_four(*upright) == count_best_of_four(*turned)
    assert best_offset(*upright)[0] == best_offset(*turned)[0]


@given(sizes, sizes, scribes, radii, st.integers(-3, 3), st.integers(-3, 3))
def test_whole_pitches_and_mirrors_change_no_count(
    w: float, h: float, scribe: float, radius: float, i: int, j: int
) -> None:
    grid = (w + scribe, h + scribe, w, h, radius)
    base = count_dies(*grid, 0.25, 0.375)  # exact in binary, also after adding i and j
    assert count_dies(*grid, 0.25 + i, 0.375 + j) == base
    assert count_dies(*grid, -0.25, 0.375) == base
    assert count_dies(*grid, 0.25, -0.375) == base


@given(st.floats(1.0, 60.0))
def test_corners_on_the_usable_radius_count(w: float) -> None:
    # Lattice corners (a, b) with a, b >= 1 and a^2 + b^2 <= 25 are 15, two of them, (3, 4) and
    # (4, 3), exactly on the circle: w times 5 rounds either way, the count must not.
    assert count_dies(w, w, w, w, 5.0 * w, 0.5, 0.5) == 60
    assert count_dies(w, w, w, w, 5.0 * w * (1.0 - 1e-8), 0.5, 0.5) == 52


@settings(max_examples=40)
@given(st.floats(6.0, 60.0), st.floats(6.0, 60.0), scribes)
def test_no_grid_of_offsets_beats_the_best_offset(w: float, h: float, scribe: float) -> None:
    grid = (w + scribe, h + scribe, w, h, RADIUS_MM)
    count, u, v = best_offset(*grid)
    tried = [count_dies(*grid, i / 64, j / 64) for i in range(33) for j in range(33)]
    assert count >= max(tried)
    assert count == count_dies(*grid, u, v)
    assert count >= count_best_of_four(*grid)


def test_small_dies_take_the_grid_search() -> None:
    grid = (1.05, 1.05, 1.0, 1.0, RADIUS_MM)
    count, u, v = best_offset(*grid)
    assert count == count_dies(*grid, u, v)
    assert count >= count_best_of_four(*grid)
    # The wafer's area less a rim of about half a die bounds the count on both sides.
    assert 0.97 < count * 1.05**2 / (math.pi * RADIUS_MM**2) < 1.0


@given(sizes, sizes)
def test_a_die_fits_as_long_as_its_diagonal_does(w: float, h: float) -> None:
    radius = 0.5 * math.hypot(w, h)
    assert count_dies(w, h, w, h, radius, 0.0, 0.0) == 1
    assert best_offset(w, h, w, h, 0.999 * radius)[0] == 0


@given(sizes, sizes, scribes, radii, st.floats(1.0, 1.2))
def test_a_larger_usable_radius_loses_no_die(
    w: float, h: float, scribe: float, radius: float, factor: float
) -> None:
    grid = (w + scribe, h + scribe, w, h)
    assume(radius > w)
    assert count_dies(*grid, radius * factor, 0.25, 0.5) >= count_dies(*grid, radius, 0.25, 0.5)
