"""The parameters of a realization: the column of a draw that fills each field of a World."""

from __future__ import annotations

from typing import Any

import numpy as np

from yieldsim.model import Model
from yieldsim.model.schema import (
    Die,
    ExponentialLearning,
    Fab,
    Fleet,
    LineLearning,
    MemoryMaker,
    MemoryPool,
    Performance,
    PowerLearning,
    Process,
    Product,
    RandomExcursions,
    ToolClass,
    ToolGroup,
    Wafer,
)
from yieldsim.supply.compile.columns import (
    CLASSES,
    Columns,
    ColumnTable,
    Curves,
    by_tier,
    fleets_of,
    quantity_fields,
)
from yieldsim.supply.compile.effects import factor_columns
from yieldsim.supply.kernels.records import Structure, World


def world_of(
    model: Model, columns: Columns, curves: Curves, structure: Structure, mixed_quarters: int
) -> dict[str, ColumnTable]:
    """Return the columns of each table of a World, by its name and in its order.

    The passes of wafers and the mix of ``mixed_quarters`` are filled in after the draw.
    """
    products = dict(by_tier(model))
    fabs, groups, processes = model.fabs, model.tool_groups, model.processes
    blank = columns.constant(0.0)

    def filled_later(*shape: int) -> ColumnTable:
        return ColumnTable((), np.full(shape, blank))

    wafer = quantity_fields(Wafer)
    tables = {
        "curve": curves.table(),
        "tool": _tools(model, columns),
        "group": columns.table("tool_groups", groups, ToolGroup),
        "fab": columns.table("fabs", fabs, Fab),
        "excursion": _excursions(model, columns),
        "fleet": _fleets(model, columns),
        "process": columns.table("processes", processes, Process),
        "learning": _learning(model, columns),
        "line_learning": _line_learning(model, columns),
        "wafer": ColumnTable.of(wafer, columns.row("wafer", model.wafer, wafer)),
        "die": columns.table("dies", model.dies, Die),
        "pool": columns.table("memory", model.memory, MemoryPool),
        "maker": _makers(model, columns),
        "product": columns.table("products", products, Product),
        "performance": _performance(model, columns, products),
        "effect": factor_columns(model, columns),
        "visits": filled_later(len(processes), len(groups)),
        "visit": filled_later(len(structure.visit_group)),
        "mix_entry": filled_later(mixed_quarters, len(structure.entry)),
        "mix_product": filled_later(mixed_quarters, *structure.product_pool.shape),
    }
    return {name: tables[name] for name in World._fields}


def _makers(model: Model, columns: Columns) -> ColumnTable:
    """Return the columns of each pool's maker, which slips with its DRAM line."""
    names = quantity_fields(MemoryMaker)
    rows = []
    for name, pool in model.memory.items():
        row = columns.row(f"memory.{name}.maker", pool.maker, names)
        if pool.maker is not None and pool.maker.dram_line:
            line = pool.maker.dram_line
            slip = columns.of(f"dram_lines.{line}", model.dram_lines[line], "slip_quarters")
            row[names.index("slip_quarters")] = slip
        rows.append(row)
    return ColumnTable.of(names, rows, len(rows))


def _tools(model: Model, columns: Columns) -> ColumnTable:
    """Return the columns of each class of each tool group."""
    names = quantity_fields(ToolClass)
    rows = [
        [columns.row(f"tool_groups.{g}.{c}", getattr(group, c), names) for c in CLASSES]
        for g, group in model.tool_groups.items()
    ]
    return ColumnTable.of(names, rows, len(model.tool_groups), len(CLASSES))


def _fleets(model: Model, columns: Columns) -> ColumnTable:
    """Return the columns of each class of each tool group of each fab."""
    names = quantity_fields(Fleet)
    rows = [columns.row(path, fleet, names) for path, fleet in fleets_of(model)]
    return ColumnTable.of(names, rows, len(model.fabs), len(model.tool_groups), len(CLASSES))


def _learning(model: Model, columns: Columns) -> ColumnTable:
    """Return the columns of the learning of each process, with the fields of all kinds."""
    names = quantity_fields(ExponentialLearning, PowerLearning)
    rows = []
    for name, process in model.processes.items():
        learning = process.learning
        own = quantity_fields(type(learning)) if learning is not None else ()
        path = f"processes.{name}.learning"
        rows.append(
            [
                columns.of(path, learning, key) if key in own else columns.constant(1.0)
                for key in names
            ]
        )
    return ColumnTable.of(names, rows, len(rows))


def _excursions(model: Model, columns: Columns) -> ColumnTable:
    """Return the columns of the random excursions of each fab; zeros where it has none."""
    names = quantity_fields(RandomExcursions)
    rows = [
        [columns.constant(0.0)] * len(names)
        if fab.excursions is None
        else columns.row(f"fabs.{name}.excursions", fab.excursions, names)
        for name, fab in model.fabs.items()
    ]
    return ColumnTable.of(names, rows, len(rows))


def _line_learning(model: Model, columns: Columns) -> ColumnTable:
    """Return the columns of the learning of each route; the process's ratio where it has none."""
    names = quantity_fields(LineLearning)
    rows = []
    for fab_name, fab in model.fabs.items():
        for process in fab.plan:
            own, path = fab.learning.get(process), f"fabs.{fab_name}.learning.{process}"
            if own is None or own.start_ratio is None:
                law = model.processes[process].learning
                shared = f"processes.{process}.learning"
                ratio = columns.constant(1.0) if law is None else columns.of(shared, law, names[0])
            else:
                ratio = columns.of(path, own, names[0])
            rest = [columns.constant(0.0)] if own is None else columns.row(path, own, names[1:])
            rows.append([ratio, *rest])
    return ColumnTable.of(names, rows, len(rows))


def _performance(model: Model, columns: Columns, products: dict[str, Product]) -> ColumnTable:
    """Return the columns of the performance of each product and bin; 0 where no chip is sold."""
    names, bins = quantity_fields(Performance), max(len(die.bins) for die in model.dies.values())
    blank = [columns.constant(0.0)] * len(names)
    rows: list[Any] = []
    for name, product in products.items():
        keys = list(model.dies[product.die].bins)
        for b in range(bins):
            rated = product.performance.get(keys[b]) if b < len(keys) else None
            path = f"products.{name}.performance.{keys[b]}" if b < len(keys) else ""
            rows.append(blank if rated is None else columns.row(path, rated, names))
    return ColumnTable.of(names, rows, len(products), bins)
