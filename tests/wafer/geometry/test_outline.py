"""The edge of a wafer: flats, notches and their keep-outs; and input that is no wafer or die."""

import math
from typing import Any

import numpy as np
import pytest

from yieldsim.errors import UsageError
from yieldsim.wafer.geometry.outline import FLAT_LENGTH_MM, NOTCH_DEPTH_MM
from yieldsim.wafer.geometry.sites import Reticle, Sites, WaferOutline, make_sites, place_grid


def sites_of(wafer: WaferOutline, *size: Any, **how: Any) -> Sites:
    return make_sites(wafer, place_grid(wafer, *size, **how))


def test_the_flat_is_a_chord_of_its_length() -> None:
    for diameter, length in FLAT_LENGTH_MM.items():
        wafer = WaferOutline(diameter, notch="flat")
        assert math.hypot(wafer.flat_distance_mm, 0.5 * length) == pytest.approx(0.5 * diameter)


@pytest.mark.parametrize(("exclusion_mm", "reaches"), [(3.77, True), (3.79, False)])
def test_the_edge_exclusion_is_kept_from_the_flat(exclusion_mm: float, reaches: bool) -> None:
    # sqrt(100^2 - 28.75^2) = 95.778: of four dies in the middle column the lowest reaches to 92.
    wafer = WaferOutline(200.0, exclusion_mm, 0.0, notch="flat")
    sites = sites_of(wafer, 20.0, 46.0, None, (0.0, 0.5))
    middle = sites.y_mm[sites.x_mm == 0.0].tolist()
    assert middle == [-69.0, -23.0, 23.0, 69.0][0 if reaches else 1 :]


def test_the_keep_out_holds_the_edge_exclusion_from_the_whole_notch() -> None:
    wafer = WaferOutline(edge_exclusion_mm=2.0, notch="notch")
    # A V of 90 degrees: its sides run from the tip to the circle.
    for t in np.linspace(0.0, NOTCH_DEPTH_MM, 50):
        x, y = t, -(wafer.radius_mm - NOTCH_DEPTH_MM) - t
        if math.hypot(x, y) <= wafer.radius_mm:
            from_edge = math.hypot(x, y + wafer.radius_mm)
            assert from_edge + wafer.edge_exclusion_mm <= wafer.keep_out_mm + 1e-12
    # Above the tip it holds no more than that: the die's lower edge may be 2 mm from the tip.
    tip_mm = wafer.radius_mm - NOTCH_DEPTH_MM
    for gap, dies in ((2.0, 1), (1.999, 0)):
        height = 2.0 * (tip_mm - gap)
        assert place_grid(wafer, 1.0, height, None, (0.0, 0.0)).gross_die % 2 == dies


@pytest.mark.parametrize(
    ("where", "got", "make"),
    [
        ("diameter_mm", "40", lambda: WaferOutline(40.0)),
        ("diameter_mm", "451", lambda: WaferOutline(451.0)),
        ("diameter_mm", "nan", lambda: WaferOutline(math.nan)),
        ("edge_exclusion_mm", "-1", lambda: WaferOutline(edge_exclusion_mm=-1.0)),
        ("edge_exclusion_mm", "150", lambda: WaferOutline(edge_exclusion_mm=150.0)),
        ("scribe_mm", "inf", lambda: WaferOutline(scribe_mm=math.inf)),
        ("notch", "'v'", lambda: WaferOutline(notch="v")),
        ("notch", "'flat on 300 mm'", lambda: WaferOutline(notch="flat")),
        ("notch_keep_out_mm", "5.0", lambda: WaferOutline(notch_keep_out_mm=5.0)),
        ("notch_depth_mm", "1.0", lambda: WaferOutline(150.0, notch="flat", notch_depth_mm=1.0)),
        ("notch_keep_out_mm", "0", lambda: WaferOutline(notch="notch", notch_keep_out_mm=0.0)),
        ("flat_length_mm", "60.0", lambda: WaferOutline(notch="notch", flat_length_mm=60.0)),
        ("flat_length_mm", "300", lambda: WaferOutline(notch="flat", flat_length_mm=300.0)),
        ("field_width_mm", "0", lambda: Reticle(0.0)),
        ("field_height_mm", "nan", lambda: Reticle(26.0, math.nan)),
        ("columns", "0", lambda: Reticle(columns=0)),
        ("rows", "1.5", lambda: Reticle(rows=1.5)),
        (
            "columns, rows",
            "'3 x 1'",
            lambda: sites_of(WaferOutline(), 10, 10, Reticle(26, 33, 3, 1)),
        ),
        (
            "die_width_mm, die_height_mm",
            "'27 x 10 mm'",
            lambda: sites_of(WaferOutline(), 27, 10, Reticle()),
        ),
        (
            "die_width_mm, die_height_mm",
            "'250 x 200 mm'",
            lambda: sites_of(WaferOutline(), 250, 200),
        ),
        ("die_width_mm", "0", lambda: sites_of(WaferOutline(), 0, 10)),
        ("die_height_mm", "nan", lambda: sites_of(WaferOutline(), 10, math.nan)),
        ("die_height_mm", "-10", lambda: sites_of(WaferOutline(), 10, -10)),
        ("offset", "1.5", lambda: sites_of(WaferOutline(), 10, 10, None, (0.0, 1.5))),
        ("offset", "nan", lambda: sites_of(WaferOutline(), 10, 10, None, (math.nan, 0.0))),
        (
            "offset",
            "(0.0, 0.5)",
            lambda: sites_of(WaferOutline(), 9, 9, None, (0.0, 0.5), optimize=True),
        ),
        ("dies on the wafer", "27", lambda: sites_of(WaferOutline(scribe_mm=0.0), 0.05, 0.05)),
    ],
)
def test_bad_input_is_one_line(where: str, got: str, make) -> None:
    with pytest.raises(UsageError) as caught:
        make()
    message = str(caught.value)
    assert message.startswith(f"{where}: ")
    assert f", got {got}" in message
    assert "; allowed: " in message
    assert "\n" not in message
