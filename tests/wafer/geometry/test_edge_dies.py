"""Which dies are edge dies: near the circle, the flat or the notch."""

import numpy as np
import pytest

from tests.wafer.made_up_wafers import make_model
from yieldsim.wafer import WaferModel, expected_yield
from yieldsim.wafer.compile.compiled import model_sites
from yieldsim.wafer.compile.systematic import edge_distance_mm

# Up and down in pitches: the lowest row is then near flat or notch and further from the circle.
OFFSETS = {"none": 0.0, "flat": 0.0, "notch": -0.2625}


def edge_model(notch: str, diameter_mm: float, side: str = "bottom") -> WaferModel:
    wafer = {"diameter_mm": diameter_mm, "edge_exclusion_mm": 3, "notch": notch}
    change = {
        "wafer": wafer | {"notch_side": side},
        "reticle": None,
        "die": {"width_mm": 4.9, "height_mm": 3.9, "offset": [0, OFFSETS[notch]]},
        "bins": {},
        "process": {
            "d0_per_cm2": 0.0,
            "systematic": {"edge_die_mm": 1.5, "edge_die_yield": 0.25},
        },
    }
    return make_model(change)


@pytest.mark.parametrize(
    ("notch", "diameter_mm", "side", "quarters"),
    [
        ("none", 150, "bottom", 0),
        ("flat", 150, "bottom", 0),
        ("notch", 200, "bottom", 0),
        ("flat", 150, "left", 1),
        ("notch", 200, "top", 2),
        ("notch", 200, "right", 3),
    ],
)
def test_distance_by_points_of_the_outline(
    notch: str, diameter_mm: float, side: str, quarters: int
) -> None:
    """The least distance over many points of each die's outline."""
    model = edge_model(notch, diameter_mm, side)
    sites = model_sites(model)
    usable = sites.grid.usable
    t = np.linspace(-0.5, 0.5, 201)
    x = np.concatenate([t, t, np.full(201, -0.5), np.full(201, 0.5)]) * sites.width_mm
    y = np.concatenate([np.full(201, -0.5), np.full(201, 0.5), t, t]) * sites.height_mm
    px, py = sites.x_mm[:, None] + x, sites.y_mm[:, None] + y
    turned = (px + 1j * py) * 1j**quarters  # brings notch or flat to the bottom
    px, py = turned.real, turned.imag
    distance = np.minimum(usable.radius - np.hypot(px, py), py - usable.flat_y)
    if notch == "notch":
        distance = np.minimum(distance, np.hypot(px, py - usable.notch_y) - usable.notch_radius)
    exact = distance.min(axis=1)
    # points on a side are 0.025 mm apart: to a point half of that aside, at a distance of 0.5 mm
    # or more, the way is longer by less than 0.0125^2 / (2 * 0.5)
    assert edge_distance_mm(sites) == pytest.approx(exact, abs=2e-4)
    by_die = expected_yield(model).by_die
    assert by_die == pytest.approx(np.where(exact < 1.5, 0.25, 1.0))


def test_flat_and_notch_make_edge_dies() -> None:
    for notch, diameter_mm in (("flat", 150), ("notch", 200)):
        model = edge_model(notch, diameter_mm)
        sites = model_sites(model)
        circle = np.hypot(
            np.abs(sites.x_mm) + 0.5 * sites.width_mm, np.abs(sites.y_mm) + 0.5 * sites.height_mm
        )
        inside = circle < sites.usable_radius_mm - 1.5
        assert np.any(expected_yield(model).by_die[inside] < 1.0), notch
