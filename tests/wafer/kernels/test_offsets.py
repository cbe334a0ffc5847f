"""The best offset of a grid with a flat, a notch and fields: no offset tried may beat it."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.examples import examples
from yieldsim.wafer.kernels.geometry import (
    Blocks,
    Usable,
    block_places,
    count_blocks,
    count_dies,
    count_fields,
)
from yieldsim.wafer.kernels.offsets import best_alignment, best_half_pitch, best_offset

RADIUS_MM = 100.0
ROUND = Usable(RADIUS_MM, -math.inf, -RADIUS_MM - 3.0, 0.0)


@st.composite
def usables(draw: st.DrawFn) -> Usable:
    """A wafer of 206 mm, edge exclusion 3 mm; keep-outs far larger than real, so that they bind."""
    kind = draw(st.sampled_from(["none", "notch", "flat"]))
    return Usable(
        RADIUS_MM,
        draw(st.floats(-98.0, -20.0)) if kind == "flat" else -math.inf,
        -RADIUS_MM - 3.0,
        draw(st.floats(4.0, 80.0)) if kind == "notch" else 0.0,
    )


@st.composite
def blocks(draw: st.DrawFn, least_mm: float = 8.0) -> Blocks:
    """Single dies, or fields of several with broad scribe lines."""
    w, h = draw(st.floats(least_mm, 50.0)), draw(st.floats(least_mm, 50.0))
    columns, rows = draw(st.sampled_from([(1, 1), (1, 1), (2, 1), (1, 2), (3, 2)]))
    scribe = draw(st.floats(0.0, 2.0))
    return Blocks(w / columns + scribe, h / rows + scribe, w / columns, h / rows, columns, rows)


def tried(dies: Blocks, usable: Usable, seed: int, count: int) -> int:
    """The most blocks at random offsets of the whole pitch."""
    offsets = np.random.default_rng(seed).random((count, 2)) - 0.5
    return max(count_blocks(dies, usable, u, v) for u, v in offsets)


@examples(150)
@given(blocks(), usables(), st.integers(0, 999))
def test_no_offset_beats_the_best(dies: Blocks, usable: Usable, seed: int) -> None:
    count, u, v, exact = best_offset(dies, usable)
    assert exact
    assert count == count_blocks(dies, usable, u, v)
    assert count >= tried(dies, usable, seed, 2000)
    # Close by, where a crossing missed by a hair would show.
    near = np.random.default_rng(seed).normal((u, v), 1e-3, (200, 2))
    assert count >= max(count_blocks(dies, usable, *place) for place in near)


@pytest.mark.parametrize(
    ("size", "field", "scribe", "usable", "best"),
    [
        # Only where a corner's arc meets the border of the box of distinct shifts.
        ((47.3, 45.9), (1, 1), 1.4, ROUND._replace(notch_radius=58.7), 7),
        ((48.9, 15.8), (1, 1), 1.7, ROUND._replace(notch_radius=8.6), 25),
        ((48.4, 45.0), (3, 2), 0.4, ROUND._replace(notch_radius=15.8), 8),
        ((45.6, 44.2), (3, 2), 0.4, ROUND._replace(flat_y=-41.9), 7),
        ((49.2, 33.7), (2, 1), 0.8, ROUND._replace(flat_y=-74.9), 11),
        # Only where a lower corner meets the keep-out's side.
        ((13.8, 8.4), (3, 2), 0.6, ROUND._replace(notch_radius=64.4), 148),
        ((18.0, 12.6), (3, 2), 0.8, ROUND._replace(notch_radius=77.2), 65),
    ],
)
def test_offsets_that_one_kind_of_crossing_alone_finds(
    size: tuple[float, float],
    field: tuple[int, int],
    scribe: float,
    usable: Usable,
    best: int,
) -> None:
    w, h = size[0] / field[0], size[1] / field[1]
    dies = Blocks(w + scribe, h + scribe, w, h, *field)
    count, u, v, exact = best_offset(dies, usable)
    assert exact
    assert count == count_blocks(dies, usable, u, v) == best


# Cases with one solution: a hair more is kept out, and the dies fit at no offset.
def test_a_die_between_the_top_and_the_notch_fits_exactly() -> None:
    # Its upper corners on the circle at (30, y), its lower edge the keep-out above the notch.
    top = math.sqrt(RADIUS_MM**2 - 30.0**2)
    keep_out = top - 40.0 + RADIUS_MM + 3.0
    dies = Blocks(200.0, 200.0, 60.0, 40.0, 1, 1)
    for change, expected in ((-1e-6, 1), (0.0, 1), (1e-5, 0)):
        usable = ROUND._replace(notch_radius=keep_out + change)
        assert best_offset(dies, usable)[0] == expected


def test_a_die_between_the_edge_and_the_flat_fits_exactly() -> None:
    flat = math.sqrt(RADIUS_MM**2 - 30.0**2) - 40.0
    dies = Blocks(200.0, 200.0, 60.0, 40.0, 1, 1)
    for change, expected in ((-1e-6, 1), (0.0, 1), (1e-5, 0)):
        assert best_offset(dies, ROUND._replace(flat_y=flat + change))[0] == expected


def test_two_dies_on_both_sides_of_the_notch_fit_exactly() -> None:
    # All four outer corners on the usable radius at (50, y), so that the dies of 40 mm, 20 mm
    # apart, cannot move; then the lower inner corners on the keep-out.
    half_h = math.sqrt(RADIUS_MM**2 - 50.0**2)
    keep_out = math.hypot(10.0, RADIUS_MM + 3.0 - half_h)
    dies = Blocks(60.0, 400.0, 40.0, 2.0 * half_h, 1, 1)
    for change, expected in ((-1e-6, 2), (0.0, 2), (1e-5, 1)):
        assert best_offset(dies, ROUND._replace(notch_radius=keep_out + change))[0] == expected


@given(st.floats(5.0, 60.0), st.floats(5.0, 60.0), st.floats(0.0, 0.5), st.floats(-1.0, 1.0))
def test_single_dies_on_a_round_wafer_are_the_plain_count(
    w: float, h: float, scribe: float, u: float
) -> None:
    dies = Blocks(w + scribe, h + scribe, w, h, 1, 1)
    assert count_blocks(dies, ROUND, u, 0.25) == count_dies(*dies[:4], RADIUS_MM, u, 0.25)


@given(blocks(), usables(), st.floats(-1.0, 1.0), st.floats(-1.0, 1.0))
def test_places_are_the_counted_blocks_and_touch_as_many_fields(
    fields: Blocks, usable: Usable, u: float, v: float
) -> None:
    columns, rows = block_places(fields, usable, u, v)
    whole = set(zip(columns.tolist(), rows.tolist(), strict=True))
    assert len(whole) == columns.size == count_blocks(fields, usable, u, v)
    single = fields._replace(columns=1, rows=1)
    shift = (u * fields.columns - (fields.columns - 1) / 2, v * fields.rows - (fields.rows - 1) / 2)
    columns, rows = block_places(single, usable, *shift)
    dies = zip((columns // fields.columns).tolist(), (rows // fields.rows).tolist(), strict=True)
    some = set(dies)
    assert whole <= some
    assert len(some) == count_fields(fields, usable, u, v)


@given(blocks(), usables())
def test_half_pitches_of_dies_are_all_tried(fields: Blocks, usable: Usable) -> None:
    count, u, v = best_half_pitch(fields, usable)
    assert count == count_blocks(fields, usable, u, v)
    assert count == max(
        count_blocks(fields, usable, i / (2 * fields.columns), j / (2 * fields.rows))
        for i in range(-fields.columns, fields.columns)
        for j in range(-fields.rows, fields.rows)
    )


@given(blocks(), usables(), st.floats(0.0, 0.5), st.floats(-0.5, 0.5))
def test_the_alignment_keeps_the_dies_and_saves_fields(
    fields: Blocks, usable: Usable, die_x: float, die_y: float
) -> None:
    count, u, v = best_alignment(fields, usable, die_x, die_y)
    assert max(abs(u), abs(v)) <= 0.5
    # The first die of the field lies a whole number of pitches from where it was asked for.
    for offset, asked, number in ((u, die_x, fields.columns), (v, die_y, fields.rows)):
        first = offset * number - (number - 1) / 2 - asked
        assert first == pytest.approx(round(first), abs=1e-12)
    others = [
        count_fields(fields, usable, u + i / fields.columns, v + j / fields.rows)
        for i in range(fields.columns)
        for j in range(fields.rows)
    ]
    assert count == others[0] == min(others)


def test_tiny_dies_are_searched_on_a_grid_which_is_said() -> None:
    dies = Blocks(0.15, 0.15, 0.1, 0.1, 1, 1)
    count, u, v, exact = best_offset(dies, Usable(147.0, -math.inf, -150.0, 4.25))
    assert not exact
    assert count == count_blocks(dies, Usable(147.0, -math.inf, -150.0, 4.25), u, v)
    assert 0.99 < count * 0.15**2 / (math.pi * 147.0**2) < 1.0
