"""Inspections made up by hand."""

import numpy as np

from yieldsim.wafer.inspection.inspection import Found, Inspection

PITCH = (10.0, 8.0)


def inspection(places, wafer="1", lot="L", kinds=None, sizes=None, **changes):
    """A wafer of 5 x 5 dies with defects at (die x, die y, across mm, up mm)."""
    rows = np.array(places, float).reshape(-1, 4)
    count = len(rows)
    found = Found(
        index_x=rows[:, 0].astype(np.int64),
        index_y=rows[:, 1].astype(np.int64),
        across_mm=rows[:, 2],
        up_mm=rows[:, 3],
        size_um=np.full(count, np.nan) if sizes is None else np.array(sizes, float),
        kind=np.zeros(count, np.int64) if kinds is None else np.array(kinds, np.int64),
    )
    dies = np.array([(x, y) for y in range(-2, 3) for x in range(-2, 3)])
    made = {
        "lot": lot,
        "wafer": wafer,
        "step": "M1",
        "device": "D",
        "diameter_mm": 200.0,
        "pitch_mm": PITCH,
        "centre_mm": (5.0, 4.0),
        "dies": dies,
        "area_mm2": len(dies) * PITCH[0] * PITCH[1],
        "found": found,
        "classes": {0: "unknown", 3: "particle"},
    }
    return Inspection(**{**made, **changes})


def strewn(rng, count, **changes):
    """Defects at random over all 25 dies."""
    place = np.column_stack(
        [
            rng.integers(-2, 3, (count, 2)),
            rng.random(count) * PITCH[0],
            rng.random(count) * PITCH[1],
        ]
    )
    return inspection(place, **changes)
