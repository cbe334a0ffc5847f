"""The wafer model of a die of a supply model, every parameter at its median."""

from __future__ import annotations

from typing import Any

from yieldsim.closed_form import overlay_yield
from yieldsim.errors import UsageError
from yieldsim.model import Model
from yieldsim.model.references import visited_groups
from yieldsim.sampling import Medians
from yieldsim.wafer.bin_table import floorplan_model
from yieldsim.wafer.model.die import Test
from yieldsim.wafer.model.load import wafer_model
from yieldsim.wafer.model.wafer_model import WaferModel

__all__ = ["die_of_product", "wafer_model_of"]


def die_of_product(model: Model, product: str) -> str:
    """Return the die of a product. Raises UsageError for a product that is not in the model."""
    if product not in model.products:
        allowed = ", ".join(model.products)
        raise UsageError("--product", "is not in the model", got=product, allowed=allowed)
    return model.products[product].die


def wafer_model_of(
    model: Model, die: str, process: str | None = None, d0_per_cm2: float | None = None
) -> WaferModel:
    """Return the wafer model of a die on a process (default: its own, or the first of its own).

    Parameters are at their medians, the density is the mature one unless ``d0_per_cm2`` is given,
    and all tools are imported. As in the ensemble, the wafers of a cluster share the clustered
    density, there is no profile and no signature, and repaired memory counts as no area. Raises
    UsageError for a process that is not in the model.
    """
    described, name = model.dies[die], process or model.dies[die].process[0]
    if name not in model.processes:
        allowed = ", ".join(model.processes)
        raise UsageError("--process", "is not in the model", got=name, allowed=allowed)
    if described.floorplan is not None:
        return _with_floorplan(model, die, name, d0_per_cm2)
    medians = Medians(model)
    here = model.processes[name]
    made = medians.row(f"processes.{name}", here, _PROCESS)
    design = medians.row(f"dies.{die}", described, _DIE)
    systematic = made["systematic_yield"] * design["parametric_yield"]
    systematic *= _aligned(model, medians, name, made)
    density = made["d0_mature_per_cm2"] if d0_per_cm2 is None else d0_per_cm2
    return wafer_model(
        {
            "name": f"{die} on {name}",
            "wafer": medians.row("wafer", model.wafer, _WAFER),
            "die": _die(described.cores, design),
            "bins": {
                key: {"min_good_cores": rule.min_good_cores} for key, rule in described.bins.items()
            },
            "process": {**_lots(density, made), "systematic": {"systematic_yield": systematic}},
            "test": _test(design),
        }
    )


def _with_floorplan(model: Model, die: str, process: str, d0_per_cm2: float | None) -> WaferModel:
    """Return `wafer_model_of` a die with a floorplan."""
    described = model.dies[die]
    assert described.floorplan is not None
    medians = Medians(model)
    made = medians.row(f"processes.{process}", model.processes[process], _PROCESS)
    design = medians.row(f"dies.{die}", described, _DIE)
    wafer = medians.row("wafer", model.wafer, _WAFER)
    size = design["width_mm"], design["height_mm"]
    wafer_tables = floorplan_model(f"dies.{die}.floorplan", described.floorplan.root, wafer, *size)
    systematic = wafer_tables.process.systematic
    survive = systematic.systematic_yield * made["systematic_yield"]
    survive *= _aligned(model, medians, process, made)
    density = made["d0_mature_per_cm2"] if d0_per_cm2 is None else d0_per_cm2
    changed = systematic.model_copy(update={"systematic_yield": survive})
    return wafer_tables.model_copy(
        update={
            "name": f"{die} on {process}",
            "process": wafer_tables.process.model_copy(
                update={**_lots(density, made), "systematic": changed}
            ),
            "test": Test(**_test(design)),
        }
    )


def _lots(d0_per_cm2: float, made: dict[str, float]) -> dict[str, Any]:
    """Return the density and its spread between lots."""
    return {
        "d0_per_cm2": d0_per_cm2,
        "alpha_lot": made["alpha"],
        "lot_wafers": max(1, round(made["cluster_wafers"])),
    }


def _test(design: dict[str, float]) -> dict[str, Any]:
    return {"coverage": 1.0 - design["test_escape"], "overkill": design["test_overkill"]}


_WAFER = ("diameter_mm", "edge_exclusion_mm", "scribe_mm")
_PROCESS = (
    "d0_mature_per_cm2",
    "alpha",
    "cluster_wafers",
    "systematic_yield",
    "overlay_layers",
    "overlay_tolerance_nm",
)
_DIE = (
    "width_mm",
    "height_mm",
    "core_fraction",
    "memory_fraction",
    "memory_repair",
    "parametric_yield",
    "test_overkill",
    "test_escape",
)


def _aligned(model: Model, medians: Medians, process: str, made: dict[str, float]) -> float:
    """Return the share of dies whose layers all align on imported tools."""
    survive = 1.0
    if made["overlay_layers"] <= 0.0:
        return survive
    for group in visited_groups(model, model.processes[process]):
        tool = model.tool_groups[group].imported
        path = f"tool_groups.{group}.imported"
        sigma = medians(path, tool, "overlay_sigma_nm") if tool is not None else 0.0
        if sigma > 0.0:
            tolerance, layers = made["overlay_tolerance_nm"], made["overlay_layers"]
            survive *= float(overlay_yield(sigma, tolerance, layers))
    return survive


def _die(cores: int, design: dict[str, float]) -> dict[str, Any]:
    """Return the floorplan: the fatal area and the cores. Repaired memory takes no harm."""
    area_mm2 = design["width_mm"] * design["height_mm"]
    mended = design["memory_fraction"] * design["memory_repair"]
    in_cores = design["core_fraction"] if cores else 0.0
    fatal = max(0.0, 1.0 - design["core_fraction"] - mended)
    blocks: dict[str, Any] = {"logic": {"kind": "fatal", "area_mm2": fatal * area_mm2}}
    if cores:
        blocks["core"] = {"kind": "core", "count": cores, "area_mm2": in_cores * area_mm2 / cores}
    return {
        "width_mm": design["width_mm"],
        "height_mm": design["height_mm"],
        "rest": "empty",
        "offset": None,
        "blocks": blocks,
    }
