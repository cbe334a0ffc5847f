"""One block of realizations: the only caller of the kernels."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .compile import Compiled, compile_model
from .kernels import arrays as a
from .kernels.supply import simulate_block
from .model import Model, ModelFile, Quantity
from .model.calendar import quarter_range
from .variables import ROUTE, TOOL_GROUP, Variable, chosen_outputs, constraint_names

_EXTRA_ROWS = 2  # the warm-up, and what ends after the last quarter


@dataclass(frozen=True)
class ParameterInfo:
    """An uncertain parameter, as described in the store."""

    path: str
    unit: str
    source: str
    grade: str
    description: str


class Simulator:
    """A model file in some scenarios, with a seed: gives any block of realizations.

    Realization r depends on the model, the seed and r alone, and meets the same luck in every
    scenario. `block` may be called from several threads.
    """

    def __init__(self, file: ModelFile, scenarios: Sequence[str], seed: int) -> None:
        self.seed = int(seed)
        self.scenarios = list(scenarios)
        self.models = {name: file.model(name) for name in scenarios}
        self.compiled = {name: compile_model(model) for name, model in self.models.items()}
        model = next(iter(self.models.values()))
        self.coords = _coords(model, self.scenarios)
        self.parameters = _uncertain(self.compiled.values())
        self.coords["parameter"] = [p.path for p in self.parameters]
        self.outputs = chosen_outputs(model.simulation.outputs)
        self.attrs = _attrs(model)
        # scenarios may differ in routes and tiers: each has its own places, all the same grid
        self._layouts = {n: _Layout(c, self.outputs) for n, c in self.compiled.items()}

    @property
    def bytes_per_realization(self) -> int:
        """Memory of one realization's results in all scenarios."""
        sizes = sum(layout.size for layout in self._layouts.values())
        return 4 * sizes + 8 * len(self.parameters) * len(self.scenarios)

    def block(self, first: int, count: int) -> dict[str, np.ndarray]:
        """Results of realizations first..first+count.

        Returns each of `outputs` with dims (scenario, realization, quarter, ...) and
        ``parameter_value`` (scenario, realization, parameter).
        """
        first_layout = self._layouts[self.scenarios[0]]
        results = first_layout.empty(len(self.scenarios), count)
        values = np.full((len(self.scenarios), count, len(self.parameters)), np.nan)
        for number, name in enumerate(self.scenarios):
            compiled = self.compiled[name]
            drawn, worlds = compiled.draw(self.seed, first, count)
            layout = self._layouts[name]
            layout.store(self._kernel(compiled, layout, worlds, first), results, number)
            column = compiled.sampler.column
            for k, parameter in enumerate(self.parameters):
                if parameter.path in column:
                    values[number, :, k] = drawn[:, column[parameter.path]]
        return {**results, "parameter_value": values}

    def _kernel(
        self, compiled: Compiled, layout: _Layout, worlds: np.ndarray, first: int
    ) -> np.ndarray:
        """Flat results of a block in one scenario, (realization, place)."""
        world_flat, world = compiled.world()
        tally_flat, tally = layout.tally()
        out = np.empty((len(worlds), layout.size), dtype=np.float32)
        simulate_block(
            np.uint64(self.seed),
            compiled.clock,
            compiled.structure,
            worlds,
            world_flat,
            world,
            np.int64(first),
            *new_state(compiled),
            tally_flat,
            tally,
            out,
        )
        return out


# the place of each output in the tally: its array, and the index on the first axis (None: all)
_PLACES: dict[str, tuple[str, int | None]] = {
    "wafer_plan": ("route", a.T_PLAN),
    "wafer_starts": ("route", a.T_STARTS),
    "wafer_outs": ("route", a.T_OUTS),
    "wafers_scrapped": ("route", a.T_SCRAPPED),
    "wafers_engineering": ("route", a.T_ENGINEERING),
    "wafers_other": ("route", a.T_OTHER),
    "wafer_wip": ("route", a.T_WIP),
    "cycle_time_days": ("route", a.T_CYCLE),
    "d0_per_cm2": ("route", a.T_D0),
    "utilization": ("utilization", None),
    "wafers_to_die": ("die", a.T_WAFERS),
    "gross_dies": ("die", a.T_GROSS),
    "good_dies": ("good_dies", None),
    "bad_dies_passed": ("die", a.T_BAD_PASSED),
    "dies_scrapped": ("die", a.T_DIES_SCRAPPED),
    "bank_dies": ("die", a.T_BANK),
    "dies_used": ("die", a.T_USED),
    "die_stock": ("die", a.T_STOCK),
    "stacks_in": ("pool", a.T_STACKS_IN),
    "stacks_used": ("pool", a.T_STACKS_USED),
    "stack_stock": ("pool", a.T_STACK_STOCK),
    "packaging_capacity": ("line", a.T_CAPACITY),
    "packaging_used": ("line", a.T_CAPACITY_USED),
    "packages_started": ("product", a.T_STARTED),
    "packages_passed": ("passed", None),
    "packages_failed": ("product", a.T_FAILED),
    "packages_wip": ("product", a.T_PACKAGES_WIP),
    "usable_chips": ("product", a.T_USABLE),
    "binding": ("product", a.T_BINDING),
    "h100_equivalents": ("product", a.T_H100),
    "h100_equivalents_bandwidth": ("product", a.T_H100_BANDWIDTH),
}


class _Layout:
    """Where each variable stands in the flat results of one realization."""

    def __init__(self, compiled: Compiled, outputs: Sequence[Variable]) -> None:
        self.outputs = outputs
        structure, model = compiled.structure, compiled.model
        routes, dies = len(structure.route), len(structure.die)
        products, bins = len(structure.product), structure.min_good.shape[1]
        fabs, groups = structure.fleet_curve.shape[:2]
        self.quarters = compiled.clock.quarters
        rows = self.quarters + _EXTRA_ROWS
        self.shapes: dict[str, tuple[int, ...]] = {
            "route": (9, rows, routes),
            "utilization": (rows, fabs, groups),
            "die": (7, rows, dies),
            "good_dies": (rows, dies, bins),
            "pool": (3, rows, len(structure.pool)),
            "line": (2, rows, len(structure.line_curve)),
            "product": (7, rows, products),
            "passed": (rows, products, bins),
        }
        self.size = sum(math.prod(shape) for shape in self.shapes.values())
        self.route_at = structure.route[:, [a.ROUTE_FAB, a.ROUTE_PROCESS]]
        self.product_at = structure.product[:, a.PRODUCT_PLACE]
        self.grid = (len(model.fabs), len(model.processes))

    def tally(self) -> tuple[np.ndarray, a.Tally]:
        """A flat buffer and its views by name."""
        flat = np.zeros(self.size)
        return flat, a.Tally(*a.views(flat, self.shapes.values()))

    def empty(self, scenarios: int, count: int) -> dict[str, np.ndarray]:
        """Arrays for all outputs of a block, (scenario, realization, quarter, ...)."""
        products, bins = self.shapes["passed"][1:]
        sizes = {
            "fab": self.grid[0],
            "process": self.grid[1],
            "tool_group": self.shapes["utilization"][2],
            "die": self.shapes["die"][2],
            "bin": bins,
            "memory": self.shapes["pool"][2],
            "packaging": self.shapes["line"][2],
            "product": products,
        }
        made = {}
        for v in self.outputs:
            shape = (scenarios, count, self.quarters, *(sizes[dim] for dim in v.dims))
            # routes that no fab runs stay zero; all else is written by `store`
            made[v.name] = np.zeros(shape, v.dtype) if v.dims == ROUTE else np.empty(shape, v.dtype)
        return made

    def store(self, out: np.ndarray, results: dict[str, np.ndarray], scenario: int) -> None:
        """Copy the flat results of one scenario into the arrays of its variables."""
        tally = a.Tally(*a.views(out, self.shapes.values()))
        for v in self.outputs:
            name, index = _PLACES[v.name]
            values: np.ndarray = getattr(tally, name)
            values = (values if index is None else values[:, index])[:, : self.quarters]
            target = results[v.name][scenario]
            if name == "route":
                target[:, :, self.route_at[:, 0], self.route_at[:, 1]] = values
            elif name in ("product", "passed"):
                target[:, :, self.product_at] = values
            else:
                target[...] = values


def new_state(compiled: Compiled) -> tuple[np.ndarray, a.State]:
    """Working arrays for one realization at a time; the flat part must start from zero."""
    structure, steps = compiled.structure, compiled.clock.steps
    fabs, groups = structure.fleet_curve.shape[:2]
    routes, entries, events = len(structure.route), len(structure.entry), len(structure.event)
    dies, bins = structure.min_good.shape
    products, pools, lines = len(structure.product), len(structure.pool), len(structure.line_curve)
    from_zero = {
        "passes": (fabs, groups, 2),
        "group": (groups, 10),
        "route": (routes, 9),
        "bin_yield": (steps, entries, bins + 1),
        "die": (dies, 6),
        "stock": (dies, bins, 2),
        "stacks": (pools,),
        "held": (products, TOOL_GROUP + groups),
    }
    written_first = {
        "curve": structure.curve_low.shape,
        "event": (events, steps, 2),
        "cohort": (routes, steps, 4),
        "weight": (steps, entries),
        "tail": (bins,),
        "line_left": (lines,),
        "product": (products, 4),
        "taken": structure.product_pool.shape,
        "need": (lines,),
    }
    flat = np.zeros(sum(math.prod(shape) for shape in from_zero.values()))
    arrays = dict(zip(from_zero, a.views(flat, from_zero.values()), strict=True))
    arrays |= {name: np.zeros(shape) for name, shape in written_first.items()}
    return flat, a.State(**arrays)


def _coords(model: Model, scenarios: list[str]) -> dict[str, list[str]]:
    bins = max(len(die.bins) for die in model.dies.values())
    return {
        "scenario": scenarios,
        "quarter": quarter_range(model.simulation.start, model.simulation.end),
        "fab": list(model.fabs),
        "process": list(model.processes),
        "tool_group": list(model.tool_groups),
        "die": list(model.dies),
        "bin": [f"bin_{number + 1}" for number in range(bins)],
        "memory": list(model.memory),
        "packaging": list(model.packaging),
        "product": list(model.products),
    }


def _uncertain(compiled: Any) -> list[ParameterInfo]:
    """Parameters that are drawn in any of the scenarios, in the order of their first meeting."""
    found: dict[str, ParameterInfo] = {}
    for one in compiled:
        for p in one.sampler.declared:
            if p.uncertain and isinstance(p.item, Quantity):
                info = ParameterInfo(
                    p.path,
                    p.item.unit or p.spec.unit,
                    p.item.source,
                    p.item.grade,
                    p.item.describe(),
                )
                found.setdefault(p.path, info)
    return list(found.values())


def _attrs(model: Model) -> dict[str, Any]:
    """What the labels of a store mean."""
    names = constraint_names(list(model.tool_groups))
    bins = {
        die: {f"bin_{k + 1}": name for k, name in enumerate(one.bins)}
        for die, one in model.dies.items()
    }
    return {
        "binding": {"flag_values": list(range(len(names))), "flag_names": names},
        "bin_names": json.dumps(bins),
        "product_kind": {name: product.kind for name, product in model.products.items()},
        "outputs": " ".join(v.name for v in chosen_outputs(model.simulation.outputs)),
        "correlations": json.dumps([[*c.between, c.rank] for c in model.correlations.values()]),
    }
