"""The working arrays of a compiled model: its state, its tally, and the layout of its outputs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from yieldsim.outputs import TOOL_GROUP, Variable
from yieldsim.supply.compile.axes import Axes, axes_of, spread
from yieldsim.supply.compile.compiled import Compiled
from yieldsim.supply.compile.memory import Part, lane_table, lane_views, rows_of
from yieldsim.supply.compile.planning import new_plan
from yieldsim.supply.kernels.records import (
    LANES,
    TALLY_DIMS,
    Assembling,
    BinState,
    Cohort,
    DieState,
    EffectState,
    FleetState,
    GroupState,
    Leaving,
    ProductState,
    RouteState,
    Scratch,
    Segment,
    Sorting,
    State,
    Tally,
    lanes_dtype,
    record_dtype,
    tally_fields,
)

_EXTRA_ROWS = 2  # the warm-up, and everything after the last quarter


class TallyLayout:
    """The layout of the outputs in the results of a realization.

    ``places`` holds the row of the flat tally of each output, variable by variable in the store's
    order of coordinates. It is -1 where nothing is counted, as for a process that a fab does not
    run, or a product of ``axes`` that the model does not have.
    """

    def __init__(self, compiled: Compiled, outputs: Sequence[Variable], axes: Axes) -> None:
        self._parts = _tally_parts(compiled, outputs)
        self._size = sum(rows_of(part) for part in self._parts.values())
        numbers = self._numbers()
        own = axes_of(compiled.model)
        grids = [
            (variable, spread(_grid(compiled, numbers, variable), own, axes, variable.dims))
            for variable in outputs
        ]
        self._shapes = [(variable, grid.shape) for variable, grid in grids]
        self.places = np.concatenate([grid.ravel() for _, grid in grids])

    def _numbers(self) -> dict[str, np.ndarray]:
        """Return the rows of each table of the tally, (*shape, field)."""
        numbers, first = {}, 0
        for table, part in self._parts.items():
            last = first + rows_of(part)
            numbers[table] = np.arange(first, last).reshape(*part[0], len(tally_fields(table)))
            first = last
        return numbers

    def tally(self) -> tuple[np.ndarray, Tally]:
        """Return a flat buffer (row, lane) for the results of the lanes, and its views."""
        flat = np.zeros((self._size, LANES))
        return flat, Tally(*lane_views(flat, self._parts.values()))

    def split(self, out: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
        """Yield each variable's name and its part of ``out``, as (realization, quarter, ...).

        ``out`` is (realization, place).
        """
        first = 0
        for variable, shape in self._shapes:
            last = first + math.prod(shape)
            yield variable.name, out[:, first:last].reshape(len(out), *shape)
            first = last


def _tally_parts(compiled: Compiled, outputs: Sequence[Variable]) -> dict[str, Part]:
    """Return the shape and record type of each table of the tally, in the order of a Tally."""
    structure = compiled.structure
    dies, bins = structure.min_good.shape
    sizes = {
        "fab": len(structure.fab),
        "tool_group": structure.fleet.shape[1],
        "tool_class": structure.fleet.shape[2],
        "die": dies,
        "bin": bins,
        "memory": len(structure.pool),
        "packaging": len(structure.line),
        "product": len(structure.product),
    }
    asked = {variable.dims for variable in outputs}
    parts: dict[str, Part] = {}
    for table in Tally._fields:
        dims = TALLY_DIMS[table]
        rows = compiled.clock.quarters + _EXTRA_ROWS
        if table == "route":  # a route stands for its fab and process
            shape: tuple[int, ...] = (rows, len(structure.route))
        elif table == "fleet" and dims not in asked:
            shape = (0, *(sizes[dim] for dim in dims))
        else:
            shape = (rows, *(sizes[dim] for dim in dims))
        parts[table] = shape, lanes_dtype(tally_fields(table))
    return parts


def _grid(compiled: Compiled, numbers: dict[str, np.ndarray], variable: Variable) -> np.ndarray:
    """Return the rows of a variable in the flat tally, (quarter, ...) in the store's order."""
    table = next(name for name, dims in TALLY_DIMS.items() if dims == variable.dims)
    field = tally_fields(table).index(variable.name)
    quarters, structure = compiled.clock.quarters, compiled.structure
    rows = numbers[table][:quarters, ..., field]
    if table == "route":
        model = compiled.model
        grid = np.full((quarters, len(model.fabs), len(model.processes)), -1)
        grid[:, structure.route["fab"], structure.route["process"]] = rows
        return grid
    if table in ("product", "product_bin"):
        return rows[:, np.argsort(structure.product["coordinate"])]
    return rows


def new_state(compiled: Compiled) -> tuple[np.ndarray, State]:
    """Return the tables that must start from zero as a flat buffer (row, lane), and the state."""
    structure, steps = compiled.structure, compiled.clock.steps
    fabs, groups, classes = structure.fleet.shape
    routes, entries = len(structure.route), len(structure.entry)
    segments, rows = compiled.model.simulation.segments, compiled.clock.quarters + _EXTRA_ROWS
    followed = steps if compiled.mix_size else 0  # a mix needs the time at which each cohort leaves
    dies, bins = structure.min_good.shape
    products, pools = len(structure.product), len(structure.pool)
    from_zero: dict[str, Part] = {
        "fleet": ((fabs, groups, classes), record_dtype(FleetState)),
        "recent": ((fabs, groups), None),
        "excursion_days": ((fabs,), None),
        "group": ((groups,), record_dtype(GroupState)),
        "route": ((routes,), record_dtype(RouteState)),
        "segment": ((routes, segments), record_dtype(Segment)),
        "die": ((dies,), record_dtype(DieState)),
        "die_bin": ((dies, bins), record_dtype(BinState)),
        "stacks": ((pools,), None),
        "stacks_per_wafer": ((pools,), None),
        "product": ((products,), record_dtype(ProductState)),
        "held": ((products, TOOL_GROUP + groups), None),
        "planned": (structure.product_pool.shape, None),
    }
    written_first: dict[str, Part] = {
        "effect": ((len(structure.effect),), record_dtype(EffectState)),
        "cohort": ((routes, steps), record_dtype(Cohort)),
        "exits": ((routes, followed, rows), None),
        "weight": ((steps, entries), None),
        "bin_yield": ((steps, entries, bins + 1), None),
        "clean": ((steps, entries), None),
        "line_left": ((len(structure.line),), None),
        "taken": (structure.product_pool.shape, None),
        "tail": ((bins,), None),
        "shares": ((bins + 1,), None),
        "sorting": ((), record_dtype(Sorting)),
        "leaving": ((), record_dtype(Leaving)),
        "assembling": ((), record_dtype(Assembling)),
        "available": ((bins,), None),
        "scratch": ((), record_dtype(Scratch)),
    }
    flat = np.zeros((sum(rows_of(part) for part in from_zero.values()), LANES))
    tables = dict(zip(from_zero, lane_views(flat, from_zero.values()), strict=True))
    tables |= {name: lane_table(*part) for name, part in written_first.items()}
    plan = new_plan(structure, entries, bins, pools)
    return flat, State(**tables, plan=plan)
