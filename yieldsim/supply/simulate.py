"""One block of realizations: the only caller of the kernels."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from yieldsim.model import Model, ModelFile, Quantity
from yieldsim.model.schema.calendar import quarter_range
from yieldsim.outputs import OUTPUTS, TOOL_GROUP, Variable, chosen_outputs, constraint_names
from yieldsim.supply.compile import CLASSES, Compiled, compile_model
from yieldsim.supply.kernels import records as a
from yieldsim.supply.kernels.block import simulate_block
from yieldsim.supply.mix import Mixer, Stocks, mixer_of
from yieldsim.supply.orders import NEEDED, compile_demand, order_attributes, run_demand

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
        self._mixers = {name: mixer_of(one) for name, one in self.compiled.items()}
        self.coords = _coords(model, self.scenarios)
        self.parameters = _uncertain(self.compiled.values())
        self.coords["parameter"] = [p.path for p in self.parameters]
        self.demand = {n: compile_demand(c.model, c.sampler) for n, c in self.compiled.items()}
        also = self.demand[self.scenarios[0]].outputs
        self.outputs = chosen_outputs(model.simulation.outputs, also)
        self.attrs = _attrs(model, self.outputs) | order_attributes(self.models)
        self._has_demand = not set(also).isdisjoint(self.outputs)
        needed = NEEDED if self._has_demand else ()
        counted = [v for v in OUTPUTS if v in self.outputs or v.name in needed]
        # scenarios may differ in routes and tiers: each has its own places, all the same grid
        self._layouts = {n: _Layout(c, counted) for n, c in self.compiled.items()}

    @property
    def bytes_per_realization(self) -> int:
        """Memory of one realization's results in all scenarios."""
        sizes = sum(len(layout.places) for layout in self._layouts.values())
        return 4 * sizes + 8 * len(self.parameters) * len(self.scenarios)

    def block(self, first: int, count: int) -> dict[str, np.ndarray]:
        """Results of realizations first..first+count.

        Returns each of `outputs` with dims (scenario, realization, quarter, ...) and
        ``parameter_value`` (scenario, realization, parameter).
        """
        values = np.full((len(self.scenarios), count, len(self.parameters)), np.nan)
        results: dict[str, np.ndarray] = {}
        for number, name in enumerate(self.scenarios):
            compiled = self.compiled[name]
            drawn, worlds = compiled.draw(self.seed, first, count)
            out = self._kernel(name, worlds, first)
            found = dict(self._layouts[name].split(out))
            if self._has_demand:
                found |= run_demand(self.demand[name], drawn, *(found[key] for key in NEEDED))
            for variable in self.outputs:
                figures = found[variable.name]
                shape = (len(self.scenarios), *figures.shape)
                kept = results.setdefault(variable.name, np.empty(shape, variable.dtype))
                kept[number] = figures
            column = compiled.sampler.column
            for k, parameter in enumerate(self.parameters):
                if parameter.path in column:
                    values[number, :, k] = drawn[:, column[parameter.path]]
        return {**results, "parameter_value": values}

    def _kernel(self, name: str, worlds: np.ndarray, first: int) -> np.ndarray:
        """The outputs of a block in one scenario side by side, (realization, place)."""
        compiled, mixer = self.compiled[name], self._mixers[name]
        run = _Run(self.seed, compiled, self._layouts[name])
        if mixer is None:
            return run(compiled.clock, worlds, first)
        lanes = range(0, worlds.shape[1], a.LANES)
        parts = [_mixed(run, mixer, worlds[:, r : r + a.LANES], first + r) for r in lanes]
        return np.concatenate(parts)


class _Run:
    """The kernel with its working arrays, which hold the last lanes that were simulated."""

    def __init__(self, seed: int, compiled: Compiled, layout: _Layout) -> None:
        self.seed, self.compiled, self.places = np.uint64(seed), compiled, layout.places
        self.world_flat, self.world = compiled.world()
        self.state_flat, self.state = new_state(compiled)
        self.tally_flat, self.tally = layout.tally()

    def __call__(self, clock: a.Clock, worlds: np.ndarray, first: int) -> np.ndarray:
        """The outputs of the realizations of some worlds side by side, (realization, place)."""
        out = np.empty((worlds.shape[1], len(self.places)), dtype=np.float32)
        simulate_block(
            self.seed,
            clock,
            self.compiled.structure,
            worlds,
            self.world_flat,
            self.world,
            np.int64(first),
            self.state_flat,
            self.state,
            self.tally_flat,
            self.tally,
            self.places,
            out,
        )
        return out


def _mixed(run: _Run, mixer: Mixer, worlds: np.ndarray, first: int) -> np.ndarray:
    """The outputs of at most LANES realizations: by their mix where it makes more compute."""
    clock, count = run.compiled.clock, worlds.shape[1]
    worlds = np.ascontiguousarray(worlds)
    run(clock._replace(steps=clock.warmup_steps), worlds, first)
    stocks = Stocks.of(run.state)
    shares = run(clock, worlds, first)
    made = mixer.compute(run.tally, count)
    mixes = mixer.mixes(run.world, run.state, run.tally, stocks, count)
    worlds[-len(mixes) :] = mixes
    mixed = run(clock._replace(mixed=True), worlds, first)
    better = mixer.better(mixer.compute(run.tally, count), made)
    return np.where(better[:, None], mixed, shares)


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
    "x_factor": ("route", a.T_X_FACTOR),
    "d0_per_cm2": ("route", a.T_D0),
    "utilization": ("group", a.T_UTILIZATION),
    "tool_load": ("group", a.T_LOAD),
    "tools": ("fleet", a.T_TOOLS),
    "tool_availability": ("fleet", a.T_UP),
    "tool_passes_possible": ("fleet", a.T_POSSIBLE),
    "tool_passes": ("fleet", a.T_MADE),
    "wafers_to_die": ("die", a.T_WAFERS),
    "gross_dies": ("die", a.T_GROSS),
    "good_dies": ("good_dies", None),
    "bad_dies_passed": ("die", a.T_BAD_PASSED),
    "dies_scrapped": ("die", a.T_DIES_SCRAPPED),
    "bank_dies": ("die", a.T_BANK),
    "dies_used": ("die", a.T_USED),
    "die_stock": ("die", a.T_STOCK),
    "gross_dies_started": ("die", a.T_GROSS_STARTED),
    "saleable_dies": ("die", a.T_SALEABLE),
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
    """Where each variable stands in the results of one realization.

    ``places`` are those of all outputs, one variable after another, each in the store's order of
    coordinates; -1 where nothing is counted, as for a process that a fab does not run.
    """

    def __init__(self, compiled: Compiled, outputs: Sequence[Variable]) -> None:
        structure, model = compiled.structure, compiled.model
        routes, dies = len(structure.route), len(structure.die)
        products, bins = len(structure.product), structure.min_good.shape[1]
        fabs, groups = structure.fleet_curve.shape[:2]
        quarters = compiled.clock.quarters
        rows = quarters + _EXTRA_ROWS
        of_fleets = any(_PLACES[variable.name][0] == "fleet" for variable in outputs)
        self._shapes: dict[str, tuple[int, ...]] = {
            "route": (10, rows, routes),
            "group": (3, rows, fabs, groups),
            "fleet": (4, rows if of_fleets else 0, fabs, groups, 2),
            "die": (9, rows, dies),
            "good_dies": (rows, dies, bins),
            "pool": (3, rows, len(structure.pool)),
            "line": (2, rows, len(structure.line)),
            "product": (7, rows, products),
            "passed": (rows, products, bins),
        }
        self._size = sum(math.prod(shape) for shape in self._shapes.values())
        numbers = a.Tally(*a.views(np.arange(self._size), self._shapes.values()))
        grids: list[tuple[Variable, np.ndarray]] = []
        for variable in outputs:
            name, index = _PLACES[variable.name]
            places: np.ndarray = getattr(numbers, name)
            places = (places if index is None else places[index])[:quarters]
            if name == "route":
                grid = np.full((quarters, len(model.fabs), len(model.processes)), -1)
                grid[:, structure.route[:, a.ROUTE_FAB], structure.route[:, a.ROUTE_PROCESS]] = (
                    places
                )
                places = grid
            elif name in ("product", "passed"):
                places = places[:, np.argsort(structure.product[:, a.PRODUCT_PLACE])]
            grids.append((variable, places))
        self._shape_of = [(variable, places.shape) for variable, places in grids]
        self.places = np.concatenate([places.ravel() for _, places in grids])

    def tally(self) -> tuple[np.ndarray, a.Tally]:
        """A flat buffer for the lanes and its views by name."""
        flat = np.zeros((self._size, a.LANES))
        return flat, a.Tally(*a.views(flat, self._shapes.values()))

    def split(self, out: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
        """The name of each variable and its part of the outputs, (realization, quarter, ...)."""
        first = 0
        for variable, shape in self._shape_of:
            last = first + math.prod(shape)
            yield variable.name, out[:, first:last].reshape(len(out), *shape)
            first = last


def new_state(compiled: Compiled) -> tuple[np.ndarray, a.State]:
    """Working arrays of the lanes; the flat part must start from zero."""
    structure, steps = compiled.structure, compiled.clock.steps
    fabs, groups = structure.fleet_curve.shape[:2]
    routes, entries, events = len(structure.route), len(structure.entry), len(structure.event)
    segments, rows = compiled.model.simulation.segments, compiled.clock.quarters + _EXTRA_ROWS
    followed = steps if compiled.mix_size else 0  # a mix asks when each cohort leaves
    dies, bins = structure.min_good.shape
    products, pools, lines = len(structure.product), len(structure.pool), len(structure.line)
    from_zero = {
        "passes": (fabs, groups, 2),
        "repairs": (fabs, groups, 2),
        "recent": (fabs, groups),
        "group": (a.GROUP_FIELDS, groups),
        "route": (routes, 9),
        "segment": (routes, segments, a.SEGMENT_FIELDS),
        "die": (dies, 6),
        "stock": (dies, bins, 2),
        "stacks": (pools,),
        "product": (products, 6),
        "held": (products, TOOL_GROUP + groups),
        "planned": structure.product_pool.shape,
    }
    written_first = {
        "event": (events, 3),
        "cohort": (routes, steps, 3),
        "exits": (routes, followed, rows),
        "weight": (steps, entries),
        "bin_yield": (steps, entries, bins + 1),
        "line_left": (lines,),
        "taken": structure.product_pool.shape,
        "need": (),
        "lane": (a.LANE_FIELDS,),
    }
    flat = np.zeros((sum(math.prod(shape) for shape in from_zero.values()), a.LANES))
    arrays = dict(zip(from_zero, a.views(flat, from_zero.values()), strict=True))
    arrays |= {name: np.zeros((*shape, a.LANES)) for name, shape in written_first.items()}
    return flat, a.State(**arrays, tail=np.zeros(bins), avail=np.zeros(bins))


def _coords(model: Model, scenarios: list[str]) -> dict[str, list[str]]:
    bins = max(len(die.bins) for die in model.dies.values())
    return {
        "scenario": scenarios,
        "quarter": quarter_range(model.simulation.start, model.simulation.end),
        "fab": list(model.fabs),
        "process": list(model.processes),
        "tool_group": list(model.tool_groups),
        "tool_class": list(CLASSES),
        "die": list(model.dies),
        "bin": [f"bin_{number + 1}" for number in range(bins)],
        "memory": list(model.memory),
        "packaging": list(model.packaging),
        "product": list(model.products),
        "order": list(model.orders),
        "import": list(model.imports),
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


def _attrs(model: Model, outputs: Sequence[Variable]) -> dict[str, Any]:
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
        "outputs": " ".join(v.name for v in outputs),
        "correlations": json.dumps([[*c.between, c.rank] for c in model.correlations.values()]),
    }
