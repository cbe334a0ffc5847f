"""Die sites: a twin that tests every die of every field, and what must hold on any wafer."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.examples import EVERYTHING, examples
from yieldsim.wafer.geometry.outline import FLAT_LENGTH_MM
from yieldsim.wafer.geometry.sites import Grid, Reticle, Sites, WaferOutline, make_sites, place_grid
from yieldsim.wafer.kernels.geometry import RADIUS_TOLERANCE

Pair = tuple[float, float]
Die = tuple[int, int, int, int]  # field column, field row, column in field, row in field


def sites_of(wafer: WaferOutline, *size: Any, **how: Any) -> Sites:
    return make_sites(wafer, place_grid(wafer, *size, **how))


def to_segment(x: float, y: float, ax: float, ay: float, bx: float, by: float) -> float:
    """Distance of a point from a line segment."""
    t = ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / ((bx - ax) ** 2 + (by - ay) ** 2)
    t = min(max(t, 0.0), 1.0)
    return math.hypot(ax + t * (bx - ax) - x, ay + t * (by - ay) - y)


def is_usable(wafer: WaferOutline, x: float, y: float, w: float, h: float) -> bool:
    """The definition, corner by corner; the notch by its distance from the die's four sides."""
    radius = 0.5 * wafer.diameter_mm - wafer.edge_exclusion_mm
    slack = radius * RADIUS_TOLERANCE
    corners = [
        (x + a * w, y + b * h) for a, b in ((-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5))
    ]
    if any(math.hypot(*corner) > radius + slack for corner in corners):
        return False
    if wafer.notch == "flat":
        length = wafer.flat_length_mm or FLAT_LENGTH_MM[wafer.diameter_mm]
        chord = 0.5 * wafer.diameter_mm * math.cos(math.asin(length / wafer.diameter_mm))
        return all(b >= wafer.edge_exclusion_mm - chord - slack for _, b in corners)
    if wafer.notch == "notch":
        sides = zip(corners, corners[1:] + corners[:1], strict=True)
        notch = (0.0, -0.5 * wafer.diameter_mm)
        return min(to_segment(*notch, *a, *b) for a, b in sides) >= wafer.keep_out_mm - slack
    return True


def twin(
    wafer: WaferOutline,
    size: Pair,
    field: tuple[int, int],
    offset: Pair,
    partial_fields: bool,
) -> dict[Die, tuple[float, float]]:
    """Every die of every field that could touch the wafer, and its centre if it counts."""
    steps = [side + wafer.scribe_mm for side in size]
    fields = [step * count for step, count in zip(steps, field, strict=True)]
    reach = [range(-n, n + 1) for n in (math.ceil(wafer.radius_mm / f) + 2 for f in fields)]
    found = {}
    for i in reach[0]:
        for j in reach[1]:
            centre = ((i + offset[0]) * fields[0], (j + offset[1]) * fields[1])
            places = {
                (i, j, c, r): (
                    centre[0] + (c + 0.5 - 0.5 * field[0]) * steps[0],
                    centre[1] + (r + 0.5 - 0.5 * field[1]) * steps[1],
                )
                for c in range(field[0])
                for r in range(field[1])
            }
            good = {die: place for die, place in places.items() if is_usable(wafer, *place, *size)}
            if partial_fields or len(good) == len(places):
                found |= good
    return found


def as_dies(sites: Sites, found: dict[Die, tuple[float, float]]) -> dict[Die, tuple[float, float]]:
    """The sites under the twin's names, whose field numbers do not begin at 0."""
    first = [min((die[axis] for die in found), default=0) for axis in (0, 1)]
    names = zip(
        (sites.field_column + first[0]).tolist(),
        (sites.field_row + first[1]).tolist(),
        sites.column_in_field.tolist(),
        sites.row_in_field.tolist(),
        strict=True,
    )
    return dict(zip(names, zip(sites.x_mm, sites.y_mm, strict=True), strict=True))


@st.composite
def wafers(draw: st.DrawFn) -> WaferOutline:
    kind = draw(st.sampled_from(["none", "notch", "flat"]))
    diameter = draw(
        st.sampled_from([d for d in FLAT_LENGTH_MM if d > 70.0])  # the largest die fits
        if kind == "flat"
        else st.floats(100, 300) | st.just(450.0)
    )
    return WaferOutline(
        diameter_mm=diameter,
        edge_exclusion_mm=draw(st.floats(0.0, 6.0)),
        scribe_mm=draw(st.floats(0.0, 0.5)),
        notch=kind,
        notch_keep_out_mm=draw(st.none() | st.floats(1.0, 25.0)) if kind == "notch" else None,
        flat_length_mm=draw(st.none() | st.floats(0.2, 0.9).map(lambda part: part * diameter))
        if kind == "flat"
        else None,
    )


sizes = st.tuples(st.floats(3.0, 40.0), st.floats(3.0, 40.0))
offsets = st.tuples(st.floats(-1.0, 1.0), st.floats(-1.0, 1.0))
fields = st.tuples(st.integers(1, 4), st.integers(1, 3))


def wide(columns: int, rows: int) -> Reticle:
    """A reticle that never limits the dies in the field, only says how many."""
    return Reticle(450.0, 450.0, columns, rows)


@examples(80)
@given(wafers(), sizes, fields, offsets, st.booleans())
def test_sites_are_those_of_the_twin(
    wafer: WaferOutline,
    size: Pair,
    field: tuple[int, int],
    offset: Pair,
    partial_fields: bool,
) -> None:
    sites = sites_of(wafer, *size, wide(*field), offset, partial_fields)
    found = twin(wafer, size, field, offset, partial_fields)
    got = as_dies(sites, found)
    assert got.keys() == found.keys()
    for die, place in got.items():
        # Two orders of adding numbers of a wafer's size.
        assert place == pytest.approx(found[die], abs=1e-11)
    assert sites.grid.gross_die == len(sites) == len(found)
    counts = np.bincount(sites.field) if len(sites) else np.zeros(0)
    assert sites.grid.fields_whole == np.sum(counts == field[0] * field[1])
    assert sites.grid.fields_partial == np.sum((counts > 0) & (counts < field[0] * field[1]))


@given(wafers(), sizes, fields, offsets, st.booleans())
def test_numbers_of_sites_say_the_same_as_their_places(
    wafer: WaferOutline,
    size: Pair,
    field: tuple[int, int],
    offset: Pair,
    partial_fields: bool,
) -> None:
    sites = sites_of(wafer, *size, wide(*field), offset, partial_fields)
    if not len(sites):
        assert sites.shape == (0, 0)
        return
    assert (sites.row.min(), sites.column.min()) == (0, 0)
    assert sites.shape == (sites.row.max() + 1, sites.column.max() + 1)
    places = list(zip(sites.row.tolist(), sites.column.tolist(), strict=True))
    assert places == sorted(set(places))
    # Float rounding of a wafer's size.
    across = sites.x_mm.min() + sites.column * sites.pitch_x_mm
    np.testing.assert_allclose(sites.x_mm, across, atol=1e-11)
    np.testing.assert_allclose(
        sites.y_mm, sites.y_mm.min() + sites.row * sites.pitch_y_mm, atol=1e-11
    )
    assert sites.die_in_field.max() < field[0] * field[1]
    np.testing.assert_array_equal(
        sites.die_in_field, sites.row_in_field * field[0] + sites.column_in_field
    )
    # Grid, field and place in the field are one number written in two ways.
    for whole, outer, inner, count in (
        (sites.column, sites.field_column, sites.column_in_field, field[0]),
        (sites.row, sites.field_row, sites.row_in_field, field[1]),
    ):
        rest = outer * count + inner - whole
        assert rest.min() == rest.max()


@given(wafers(), sizes, offsets, st.booleans())
def test_one_die_per_field_is_the_plain_grid(
    wafer: WaferOutline,
    size: Pair,
    offset: Pair,
    partial_fields: bool,
) -> None:
    plain = sites_of(wafer, *size, None, offset)
    printed = sites_of(wafer, *size, wide(1, 1), offset, partial_fields)
    for name in ("x_mm", "y_mm", "column", "row", "field_column", "field_row", "die_in_field"):
        np.testing.assert_array_equal(getattr(plain, name), getattr(printed, name), err_msg=name)
    np.testing.assert_array_equal(plain.column, plain.field_column)
    assert plain.grid.fields_partial == 0


@given(wafers(), sizes, fields, offsets, st.booleans(), st.floats(0.0, 40.0), st.floats(0.0, 1.0))
def test_a_larger_wafer_or_a_smaller_exclusion_loses_no_die(
    wafer: WaferOutline,
    size: Pair,
    field: tuple[int, int],
    offset: Pair,
    partial_fields: bool,
    growth_mm: float,
    part: float,
) -> None:
    def count(**changes: float) -> int:
        same = {
            name: getattr(wafer, name)
            for name in ("diameter_mm", "edge_exclusion_mm", "scribe_mm", "notch")
        }
        keep_out, length = wafer.notch_keep_out_mm, wafer.flat_length_mm
        if wafer.notch == "flat" and length is None:
            length = FLAT_LENGTH_MM[wafer.diameter_mm]
        changed = WaferOutline(**same | changes, notch_keep_out_mm=keep_out, flat_length_mm=length)
        return place_grid(changed, *size, wide(*field), offset, partial_fields).gross_die

    assert count(diameter_mm=min(wafer.diameter_mm + growth_mm, 450.0)) >= count()
    assert count(edge_exclusion_mm=wafer.edge_exclusion_mm * part) >= count()


@given(wafers(), sizes, fields, offsets)
def test_whole_fields_are_a_part_of_all(
    wafer: WaferOutline,
    size: Pair,
    field: tuple[int, int],
    offset: Pair,
) -> None:
    every = place_grid(wafer, *size, wide(*field), offset)
    whole = place_grid(wafer, *size, wide(*field), offset, partial_fields=False)
    assert whole.gross_die == whole.fields_whole * whole.dies_per_field
    assert whole.fields_whole == every.fields_whole
    assert whole.fields_partial == 0
    most = every.fields_partial * (every.dies_per_field - 1)
    assert whole.gross_die <= every.gross_die <= whole.gross_die + most


@settings(max_examples=40 if EVERYTHING else 5)  # a fifth of a second each
@given(wafers(), sizes, fields, st.booleans())
def test_searches_of_offsets_are_ordered(
    wafer: WaferOutline, size: Pair, field: tuple[int, int], partial_fields: bool
) -> None:
    args = (wafer, *size, wide(*field))
    best = place_grid(*args, None, partial_fields, optimize=True)
    halves = place_grid(*args, None, partial_fields)
    centred = place_grid(*args, (0.0, 0.0), partial_fields)
    assert best.gross_die >= halves.gross_die >= centred.gross_die
    assert (best.search, halves.search, centred.search) == ("all-offsets", "half-pitches", "given")
    for grid in (best, halves):
        again = place_grid(*args, (grid.offset_x, grid.offset_y), partial_fields)
        assert (again.gross_die, again.fields_whole, again.fields_partial) == (
            grid.gross_die,
            grid.fields_whole,
            grid.fields_partial,
        )


def touched(grid: Grid) -> int:
    return grid.fields_whole + grid.fields_partial


def test_of_equal_grids_the_one_with_the_fewest_fields_is_taken() -> None:
    # 2 x 3 dies of 10 mm: the dies' offset is fixed, the fields may begin at any of six dies.
    got = place_grid(WaferOutline(), 10.0, 10.0, Reticle())
    assert (got.gross_die, got.fields.columns, got.fields.rows) == (616, 2, 3)
    u, v = got.offset_x, got.offset_y
    others = [
        place_grid(WaferOutline(), 10.0, 10.0, Reticle(), (u - i / 2, v - j / 3))
        for i in range(2)
        for j in range(3)
    ]
    assert {other.gross_die for other in others} == {616}
    assert touched(got) == min(map(touched, others)) < max(map(touched, others))


def test_the_reticle_holds_as_many_dies_as_fit() -> None:
    assert Reticle().dies(26.0, 33.0, 0.1) == (1, 1)
    assert Reticle().dies(12.95, 16.45, 0.1) == (2, 2)  # exactly: 2 x 12.95 + 0.1 = 26
    assert Reticle().dies(12.96, 16.45, 0.1) == (1, 2)
    assert Reticle().dies(10.0, 10.0, 0.0) == (2, 3)
    assert Reticle(columns=1).dies(10.0, 10.0, 0.0) == (1, 3)
    assert Reticle(100.0, 10.0).dies(1.0, 0.1, 0.0) == (100, 100)


@given(wafers(), sizes, fields, offsets, st.booleans(), st.sampled_from(["left", "top", "right"]))
def test_another_side_of_the_notch_turns_the_sites(
    wafer: WaferOutline,
    size: Pair,
    field: tuple[int, int],
    offset: Pair,
    partial_fields: bool,
    side: str,
) -> None:
    """The same dies as with the notch at the bottom, each at its place on the turned wafer."""
    if wafer.notch == "none":
        return
    quarters = {"left": 1, "top": 2, "right": 3}[side]
    turned = replace(wafer, side=side)
    how = {"partial_fields": partial_fields}
    sites = sites_of(turned, *size, wide(*field), offset, **how)
    swap = quarters % 2
    turned_offset = complex(*offset) * 1j**quarters
    plain = sites_of(
        wafer,
        *(size[::-1] if swap else size),
        wide(*(field[::-1] if swap else field)),
        (turned_offset.real, turned_offset.imag),
        **how,
    )
    assert len(sites) == len(plain)
    assert sites.grid.fields_whole == plain.grid.fields_whole
    got = (sites.x_mm + 1j * sites.y_mm) * 1j**quarters
    want = plain.x_mm + 1j * plain.y_mm
    order, other = (np.lexsort((np.round(v.real, 6), np.round(v.imag, 6))) for v in (got, want))
    np.testing.assert_allclose(got[order], want[other], atol=1e-9)
    if not len(sites):
        return
    # numbers of columns, rows and fields say the same as the places
    assert np.all(np.diff(sites.row * sites.shape[1] + sites.column) > 0)
    for place, number, pitch in (
        (sites.x_mm, sites.column, sites.pitch_x_mm),
        (sites.y_mm, sites.row, sites.pitch_y_mm),
    ):
        np.testing.assert_allclose(place - place.min(), number * pitch, atol=1e-9)
    left = sites.column - sites.column_in_field
    np.testing.assert_array_equal(np.diff(np.unique(left)) % sites.field_columns, 0)
    np.testing.assert_array_equal(left - left.min(), sites.field_column * sites.field_columns)
    low = sites.row - sites.row_in_field
    np.testing.assert_array_equal(low - low.min(), sites.field_row * sites.field_rows)
    inside = sites.row_in_field * sites.field_columns + sites.column_in_field
    np.testing.assert_array_equal(sites.die_in_field, inside)
