"""One small line, with as many products, bins, fabs, tool groups, layers and steps as asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

ORIGIN = {"source": "made_up", "grade": "assumed"}
CORES = 16
STARTS = 3000.0  # wafers a month of each fab
PASSES = 24.0  # of a wafer, over all tool groups


@dataclass(frozen=True)
class Size:
    """How many there are of each; tool groups and layers of 0 leave the line without them."""

    products: int = 1
    bins: int = 1
    fabs: int = 1
    tool_groups: int = 0
    layers: int = 0
    steps: int = 6
    scenarios: int = 1


def model(size: Size, rule: str) -> dict[str, Any]:
    """Each product has its own design; fabs differ in nothing; all share memory and packaging."""
    designs = [f"die_{k}" for k in range(size.products)]
    groups = [f"group_{g}" for g in range(size.tool_groups)]
    return {
        "name": "growth",
        **ORIGIN,
        "sources": {"made_up": {"title": "for timing only"}},
        "simulation": {"start": "2026Q1", "end": "2027Q4", "steps_per_quarter": size.steps},
        "allocation": {"rule": rule},
        "wafer": {"diameter_mm": 300, "edge_exclusion_mm": 3, "scribe_mm": 0.1, **ORIGIN},
        "tool_groups": {name: _group(len(groups)) for name in groups},
        "processes": {"n2": _process(groups, size.layers)},
        "fabs": {f"fab_{f}": _fab(designs, groups) for f in range(size.fabs)},
        "dies": {name: _die(k, size.bins) for k, name in enumerate(designs)},
        "memory": {"stacks": {"deliveries": 3e5, **ORIGIN}},
        "packaging": {"line": {"capacity": 3000, **ORIGIN}},
        "products": {
            f"product_{k}": _product(k, name, size.bins) for k, name in enumerate(designs)
        },
    }


def _group(count: int) -> dict[str, Any]:
    tools = {"wafers_per_hour": 100, "mttf_hours": 200, "mttr_hours": 8, **ORIGIN}
    return {"defect_weight": 1.0 / count, "imported": tools, "domestic": tools, **ORIGIN}


def _process(groups: list[str], layers: int) -> dict[str, Any]:
    process: dict[str, Any] = {
        "d0_mature_per_cm2": 0.1,
        "alpha": 3,
        "raw_process_days": 30,
        **ORIGIN,
    }
    if layers:  # the passes are then those of the layers, in their order
        visits = {name: PASSES / (len(groups) * layers) for name in groups}
        process["layers"] = {
            f"layer_{n}": {"order": n, "visits": visits, **ORIGIN} for n in range(layers)
        }
    elif groups:
        process["visits"] = {name: PASSES / len(groups) for name in groups}
    return process


def _fab(designs: list[str], groups: list[str]) -> dict[str, Any]:
    fleet = {"count": 3, **ORIGIN}
    return {
        "plan": {"n2": STARTS},
        "allocation": {"n2": {**dict.fromkeys(designs, 1), "other": 1}},
        "fleets": {name: {"imported": fleet, "domestic": fleet} for name in groups},
        **ORIGIN,
    }


def _die(number: int, bins: int) -> dict[str, Any]:
    return {
        "process": "n2",
        "width_mm": 20 + number / 2,
        "height_mm": 25,
        "cores": CORES,
        "core_fraction": 0.6,
        "bins": {f"b{b}": {"min_good_cores": CORES - b} for b in range(bins)},
        **ORIGIN,
    }


def _product(number: int, design: str, bins: int) -> dict[str, Any]:
    return {
        "die": design,
        "start": "2026Q1",
        "memory": ["stacks"],
        "stacks_per_package": 4,
        "packaging": "line",
        "packages_per_interposer_wafer": 20 + number,
        "lag_days": 60,
        "performance": {f"b{b}": {"tflops_fp16": 400 + 20 * number - b} for b in range(bins)},
        **ORIGIN,
    }
