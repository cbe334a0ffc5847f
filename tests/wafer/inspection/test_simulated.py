"""Simulated wafers as inspections: every defect at its place, and the reticle's repeaters found."""

import numpy as np
import pytest

from yieldsim.wafer import simulate_wafers, wafer_model
from yieldsim.wafer.compile.compiled import compile_wafer
from yieldsim.wafer.inspection.groups import find_repeaters
from yieldsim.wafer.inspection.simulated import inspections
from yieldsim.wafer.repeaters import lot_places

SEED = 2
MODEL = {
    "die": {"width_mm": 8.0, "height_mm": 10.0},
    "reticle": {"field_width_mm": 26.0, "field_height_mm": 33.0},
    "process": {
        "d0_per_cm2": 0.2,
        "lot_wafers": 3,
        "repeaters": {"per_cm2": 0.4, "print_probability": 0.7},
    },
}


@pytest.fixture(scope="module")
def result():
    return simulate_wafers(wafer_model(MODEL), 5, SEED, "points", 0, keep_maps=True)


def test_places_dies_and_density(result):
    wafers = inspections(result, "chip")
    assert [(one.lot, one.wafer) for one in wafers] == [
        ("0", "0"), ("0", "1"), ("0", "2"), ("1", "3"), ("1", "4"),
    ]  # fmt: skip
    for number, one in enumerate(wafers):
        some = result.defects.wafer == number
        np.testing.assert_allclose(one.x_mm, result.defects.x_mm[some], atol=1e-9)
        np.testing.assert_allclose(one.y_mm, result.defects.y_mm[some], atol=1e-9)
        np.testing.assert_array_equal(one.die_of_defect(), result.defects.die[some])
        assert one.check("w") is one
        assert one.area_mm2 == pytest.approx(result.gross * 80.0)


def test_the_repeaters_of_a_reticle_are_found(result):
    model = wafer_model(MODEL)
    places = lot_places(compile_wafer(model, SEED), 0)
    assert len(places.across) > 1
    found = find_repeaters(inspections(result)[:3], 0.02)
    # from the middle of a die, in its sides
    want = np.column_stack([(places.across + 0.5) * 8.0, (places.up + 0.5) * 10.0])
    got = np.column_stack([found.across_mm, found.up_mm])
    order, places_order = np.lexsort(got.T), np.lexsort(want.T)
    np.testing.assert_allclose(got[order], want[places_order], atol=1e-6)
    # each is on one of nine dies of a field, and prints on 70 % of them, on three wafers
    mean = 3 * result.gross / 9 * 0.7
    # five standard errors, and the fields that the wafer's edge cuts
    assert np.all(np.abs(found.dies - mean) < 5 * np.sqrt(mean * 0.3) + 0.1 * mean)
