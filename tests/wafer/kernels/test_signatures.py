"""Signatures narrower than the parts of a die: the mean over each die is that of the law."""

import math
from typing import Any

import numpy as np
import pytest

from tests.wafer.made_up_wafers import make_model
from yieldsim.errors import ModelError
from yieldsim.wafer.compile.compiled import CompiledWafer, compile_wafer
from yieldsim.wafer.kernels.density import add_signature

PLACE = (0.31, 0.2, 0.85)  # three uniforms: direction, distance and direction of the middle
FINE = 600  # points of a die's side: 0.0003 of the radius apart, a seventh of the narrowest width


def compiled_with(signature: dict[str, Any]) -> CompiledWafer:
    one = {"probability": 1.0, "peak_per_cm2": 1.0, **signature}
    return compile_wafer(make_model({"process.signatures": {"one": one}}), 0)


def drawn(compiled: CompiledWafer, uniforms: tuple[float, float, float] = PLACE) -> np.ndarray:
    extra = np.zeros(len(compiled.sites))
    add_signature(compiled.density_model, 0, *uniforms, extra)
    return extra


def over_die(compiled: CompiledWafer, die: int) -> tuple[np.ndarray, np.ndarray]:
    sites = compiled.sites
    step = (np.arange(FINE) + 0.5) / FINE - 0.5
    x = (sites.x_mm[die] + step * sites.width_mm) / sites.usable_radius_mm
    y = (sites.y_mm[die] + step * sites.height_mm) / sites.usable_radius_mm
    return x[None, :], y[:, None]


@pytest.mark.parametrize("width", [0.002, 0.01, 0.03])
def test_a_long_scratch(width: float) -> None:
    compiled = compiled_with({"kind": "scratch", "width": width, "length": 6.0})
    angle = math.pi * (2.0 * PLACE[0] - 1.0)
    x0, y0 = (math.sqrt(PLACE[1]) * turn(2.0 * math.pi * PLACE[2]) for turn in (math.cos, math.sin))
    found = drawn(compiled)
    hit = np.argsort(found)[-4:]
    for die in hit:
        x, y = over_die(compiled, int(die))
        across = (y - y0) * math.cos(angle) - (x - x0) * math.sin(angle)
        exact = np.exp(-0.5 * (across / width) ** 2).mean()
        # the points' own error is that of a sum of a seventh of the width: far below
        assert found[die] == pytest.approx(exact, rel=1e-5)


@pytest.mark.parametrize(("radius", "width"), [(0.5, 0.002), (0.7, 0.01), (0.0, 0.004)])
def test_rings_and_spots(radius: float, width: float) -> None:
    compiled = compiled_with({"kind": "donut", "radius": radius, "width": width})
    found = drawn(compiled)
    exact = np.empty_like(found)
    for die in range(len(found)):
        x, y = over_die(compiled, die)
        exact[die] = np.exp(-0.5 * ((np.hypot(x, y) - radius) / width) ** 2).mean()
    assert found.sum() == pytest.approx(exact.sum(), rel=0.01)
    # the ring is straight in each part: it bends by up to 0.05^2 / (8 * 0.5) = 6e-4 of the radius
    assert found == pytest.approx(exact, abs=0.02 * exact.max())


@pytest.mark.parametrize("width", [0.0005, 0.005, 0.06])
def test_the_mass_of_a_scratch_is_that_of_its_line(width: float) -> None:
    """Over many directions: peak * (length + width sqrt(2 pi)) * width sqrt(2 pi)."""
    length = 0.2
    compiled = compiled_with({"kind": "scratch", "width": width, "length": length})
    sites, radius = compiled.sites, compiled.sites.usable_radius_mm
    share = sites.width_mm * sites.height_mm / sites.pitch_x_mm / sites.pitch_y_mm
    u = (np.arange(300)[:, None] * [0.754878, 0.569840] + 0.5) % 1.0
    # middles up to 0.45 of the radius away, so that all of it is on dies or between them
    mass = np.array([drawn(compiled, (a, 0.2 * b, (7.1 * b) % 1.0)).sum() for a, b in u])
    mass *= sites.width_mm * sites.height_mm / radius**2
    wide = width * math.sqrt(2.0 * math.pi)
    error = mass.std(ddof=1) / math.sqrt(len(mass))
    assert error < 0.03 * mass.mean()
    assert abs(mass.mean() - share * wide * (length + wide)) < 4.0 * error


def test_a_ring_too_small_for_a_part_of_a_die() -> None:
    with pytest.raises(ModelError, match=r"signatures.one.width: too narrow, got 0.01; allowed: >"):
        compiled_with({"kind": "donut", "radius": 0.02, "width": 0.01})
    compiled_with({"kind": "donut", "radius": 0.02, "width": 0.1})
