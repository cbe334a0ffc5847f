"""The parameters of one realization: which column of a draw fills each place of a World."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from yieldsim.model import Model
from yieldsim.model.schema import Product
from yieldsim.supply.compile.columns import (
    CLASSES,
    EVENT_FACTORS,
    EVENTS,
    LEARNING,
    Columns,
    Curves,
    by_tier,
    table,
)
from yieldsim.supply.kernels import records as a

# fields of each World table, in the order of its last axis
_TOOL = (
    "wafers_per_hour",
    "performance",
    "mttf_hours",
    "mttr_hours",
    "pm_fraction",
    "defect_adder",
    "overlay_sigma_nm",
    "initial_adder_ratio",
    "initial_mttf_ratio",
    "maturity_kpasses",
    "repair_cv2",
    "engineering_fraction",
    "nonscheduled_fraction",
)
_GROUP = ("defect_weight", "service_cv2")
_FAB = ("lot_size_wafers", "arrival_cv2", "wip_cap_ratio")
_PROCESS = (
    "d0_mature_per_cm2",
    "alpha",
    "cluster_wafers",
    "raw_process_days",
    "line_yield",
    "engineering_fraction",
    "overlay_layers",
    "overlay_tolerance_nm",
    "systematic_yield",
)
_WAFER = ("diameter_mm", "edge_exclusion_mm", "scribe_mm")
_DIE = (
    "width_mm",
    "height_mm",
    "gross_die_per_wafer",
    "core_fraction",
    "memory_fraction",
    "memory_repair",
    "parametric_yield",
    "test_overkill",
    "test_escape",
)
_PRODUCT = (
    "slip_quarters",
    "packages_per_interposer_wafer",
    "assembly_yield",
    "burn_in_yield",
    "final_test_yield",
    "rework_fraction",
    "rework_yield",
    "lag_days",
    "sample_fraction",
    "field_escape_fraction",
)
_PERFORMANCE = ("tflops_fp16", "bandwidth_tb_per_s")


def world_of(
    model: Model, columns: Columns, curves: Curves, structure: a.Structure, mixed_quarters: int
) -> a.World:
    """Columns of every number of a world, in the shapes of `supply.kernels.records.World`.

    The passes of wafers and the ``mixed_quarters`` of a mix are filled in after the draw.
    """
    groups, fabs, processes = model.tool_groups, model.fabs, model.processes
    order = by_tier(model)
    bins = max(len(die.bins) for die in model.dies.values())
    tool = [
        [
            columns.row(f"tool_groups.{g}.{kind}", getattr(one, kind), _TOOL, len(_TOOL))
            for kind in CLASSES
        ]
        for g, one in groups.items()
    ]
    delay = [
        [[_delay(columns, model, f, g, kind) for kind in CLASSES] for g in groups] for f in fabs
    ]
    performance = [
        [_performance(columns, model, name, p, b) for b in range(bins)] for name, p in order
    ]

    def rows(prefix: str, entities: dict[str, Any], names: Sequence[str]) -> np.ndarray:
        found = [columns.row(f"{prefix}.{k}", one, names, 0) for k, one in entities.items()]
        return table(found, len(entities), len(names))

    makers = {f"{name}.maker": pool.maker for name, pool in model.memory.items()}
    pools = np.concatenate(
        [
            rows("memory", makers, ("stacks_per_wafer",)),
            rows("memory", dict(model.memory), ("usable_fraction",)),
        ],
        axis=1,
    )
    process = np.concatenate(
        [rows("processes", dict(processes), _PROCESS), _learning_columns(model, columns)], axis=1
    )
    events = [
        columns.row(f"events.{n}", event, EVENTS[type(event)][1], EVENT_FACTORS)
        for n, event in model.events.items()
    ]
    blank = columns.constant(0.0)
    return a.World(
        curve=table(curves.world, len(curves.world), 2),
        tool=table(tool, len(groups), 2, len(_TOOL)),
        group=rows("tool_groups", dict(groups), _GROUP),
        fab=rows("fabs", dict(fabs), _FAB),
        delay=table(delay, len(fabs), len(groups), 2, 2),
        process=process,
        wafer=table(columns.row("wafer", model.wafer, _WAFER, 0), len(_WAFER)),
        die=rows("dies", dict(model.dies), _DIE),
        pool=pools,
        product=rows("products", dict(order), _PRODUCT),
        performance=table(performance, len(order), bins, 2),
        event=table(events, len(events), EVENT_FACTORS),
        visits=np.full((len(processes), len(groups)), blank),
        visit=np.full(len(structure.visit_group), blank),
        mix_entry=np.full((mixed_quarters, len(structure.entry)), blank),
        mix_product=np.full((mixed_quarters, *structure.product_pool.shape), blank),
    )


def _learning_columns(model: Model, columns: Columns) -> np.ndarray:
    rows = [
        columns.row(f"processes.{p}.learning", one.learning, LEARNING[type(one.learning)][1], 3)
        for p, one in model.processes.items()
    ]
    return table(rows, len(rows), 3)


def _delay(columns: Columns, model: Model, fab: str, group: str, kind: str) -> list[int]:
    fleet = model.fabs[fab].fleets.get(group, {}).get(kind)
    if fleet is None:
        return [columns.constant(0.0)] * 2
    path = f"fabs.{fab}.fleets.{group}.{kind}"
    return [columns.of(path, fleet, f"{name}_quarters") for name in ("install", "qualification")]


def _performance(columns: Columns, model: Model, name: str, product: Product, b: int) -> list[int]:
    keys = list(model.dies[product.die].bins)
    one = product.performance.get(keys[b]) if b < len(keys) else None
    if one is None:
        return [columns.constant(0.0)] * len(_PERFORMANCE)
    path = f"products.{name}.performance.{keys[b]}"
    return [columns.of(path, one, field_name) for field_name in _PERFORMANCE]
