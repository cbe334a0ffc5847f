"""Small wafer models for tests: a plain one, and options laid over it one at a time."""

from __future__ import annotations

import copy
from typing import Any

from yieldsim.wafer import WaferModel, wafer_model

Raw = dict[str, Any]

# 96 dies on 200 mm with about 0.9 defects each, so that every bin is met and missed often.
PLAIN: Raw = {
    "wafer": {"diameter_mm": 200},
    "reticle": {"field_width_mm": 36, "field_height_mm": 32, "columns": 2, "rows": 2},
    "die": {
        "width_mm": 17,
        "height_mm": 15,
        "blocks": {"core": {"kind": "core", "count": 12, "area_mm2": 14}},
    },
    "bins": {"full": {"min_good_cores": 12}, "cut": {"min_good_cores": 10}},
    "process": {"d0_per_cm2": 0.35, "lot_wafers": 4},
}

NESTED: Raw = {
    "groups": {"cluster": {"count": 3, "area_mm2": 6, "min_good": 3}},
    "blocks": {
        "noc": {"kind": "fatal", "area_mm2": 30},
        "core": {"kind": "core", "inside": "cluster", "count": 4, "area_mm2": 11},
        "cache": {"kind": "memory", "inside": "core", "count": 1, "area_mm2": 3, "spares": 1},
        "shared": {"kind": "memory", "count": 2, "area_mm2": 12, "spares": 1},
    },
}
SPEED: Raw = {
    "speed": {"mean_ghz": 2.0, "lot_sd_ghz": 0.05, "wafer_sd_ghz": 0.05, "die_sd_ghz": 0.1},
    "leakage": {"median_w": 20.0, "lot_sigma": 0.1, "wafer_sigma": 0.1, "die_sigma": 0.2},
    "lot_correlation": 0.5,
    "wafer_correlation": -0.3,
    "die_correlation": 0.6,
    "dynamic_w_per_ghz": 10.0,
}
PROFILE: Raw = {"radial_amplitude": 0.8, "edge_amplitude": 1.5, "edge_length_mm": 8}
LAYERS: Raw = {"front": {"share": 0.4, "x0_um": 0.03}, "back": {"share": 0.6, "x0_um": 0.05}}
SIGNATURES: Raw = {
    "ring": {"kind": "edge_ring", "probability": 0.3, "peak_per_cm2": 1.5, "span_deg": 120},
    "spot": {"kind": "centre", "probability": 0.2, "peak_per_cm2": 1.0, "width": 0.3},
    "donut": {"kind": "donut", "probability": 0.2, "peak_per_cm2": 1.0},
    "scratch": {"kind": "scratch", "probability": 0.3, "peak_per_cm2": 6.0, "width": 0.03},
}
SYSTEMATIC: Raw = {
    "systematic_yield": 0.97,
    "critical_layers": 3,
    "overlay_tolerance_nm": 8,
    "imported_sigma_nm": 2.5,
    "domestic_sigma_nm": 4.0,
    "domestic_share": 0.4,
    "edge_die_mm": 6,
    "edge_die_yield": 0.7,
}
FAST_BINS: Raw = {
    "full": {"min_good_cores": 12, "min_ghz": 2.0, "max_watt": 42},
    "cool": {"min_good_cores": 11, "min_ghz": 1.8, "max_watt": 42},
    "cut": {"min_good_cores": 10, "min_ghz": 1.9},
}

# One plain wafer and two with signatures, on a grid unlike that of the dies.
SEEN: Raw = {
    "rows": [10, 10, 6],
    "cols": [9, 9, 8],
    "ratio": [0.5, 1.5, 1.0],
    "cells": ["", "11 7 2 7 63", "0 8 8 8 24"],
    "symmetric": True,
}

# Each changes PLAIN at dotted places.
OPTIONS: dict[str, Raw] = {
    "lot": {"process.alpha_lot": 3.0},
    "wafer": {"process.alpha_wafer": 2.0},
    "die": {"process.alpha_region": 1.5},
    "region": {"process.alpha_region": 2.0, "process.region_dies_x": 3, "process.region_dies_y": 2},
    "profile": {"process.profile": PROFILE},
    "signatures": {"process.signatures": SIGNATURES},
    "die and signatures": {"process.signatures": SIGNATURES, "process.alpha_region": 1.5},
    "seen signatures": {"process.seen_signatures": SEEN},
    "die and seen": {"process.seen_signatures": SEEN, "process.alpha_region": 1.5},
    "repeaters": {"process.repeaters": {"per_cm2": 0.06, "print_probability": 0.8}},
    "excursions": {
        "process.excursions": {"mean_lots_between": 6, "d0_ratio": 3, "lots_to_detect": 2}
    },
    "layers": {
        "process.layers": LAYERS,
        "die.blocks.core.kill": {"front": 0.9, "back": 0.4},
        "die.blocks.core.inside": None,
    },
    "nested": {
        "die.blocks": NESTED["blocks"],
        "die.groups": NESTED["groups"],
        "bins": {
            "full": {"min_good_cores": 12},
            "pairs": {"min_good_cores": 7, "min_good_clusters": 2},
            "cut": {"min_good_cores": 4},
        },
    },
    "speed": {"parametric": SPEED, "bins": FAST_BINS},
    "systematic": {"process.systematic": SYSTEMATIC},
    "test": {"test": {"coverage": 0.9, "overkill": 0.03}},
    "plain die": {"die.blocks": {}, "bins": {}},
    "plain die and profile": {"die.blocks": {}, "bins": {}, "process.profile": PROFILE},
}
ALL: Raw = {
    **{
        key: value
        for name, option in OPTIONS.items()
        if name not in ("region", "plain die", "plain die and profile", "layers")
        for key, value in option.items()
    },
    # every set of signatures is combined with every wafer seen: two of each, without symmetries
    "process.signatures": {kind: SIGNATURES[kind] for kind in ("ring", "scratch")},
    "process.seen_signatures": {
        "rows": SEEN["rows"][:2],
        "cols": SEEN["cols"][:2],
        "ratio": SEEN["ratio"][:2],
        "cells": SEEN["cells"][:2],
    },
    "process.layers": LAYERS,
    "die.blocks.core.kill": {"front": 0.9, "back": 0.4},
    "die.blocks.shared.spacing_um": 0.04,
    "die.blocks.shared.width_um": 0.04,
    "bins": {**FAST_BINS, "cut": {"min_good_cores": 4, "min_good_clusters": 1, "min_ghz": 1.9}},
}


def raw_model(changes: Raw | None = None) -> Raw:
    """PLAIN with values laid over it; None removes a key."""
    raw = copy.deepcopy(PLAIN)
    for place, value in copy.deepcopy(changes or {}).items():
        *tables, key = place.split(".")
        here = raw
        for table in tables:
            here = here.setdefault(table, {})
        if value is None:
            here.pop(key, None)
        else:
            here[key] = value
    return raw


def make_model(changes: Raw | None = None) -> WaferModel:
    """The checked model of `raw_model`."""
    return wafer_model(raw_model(changes))
