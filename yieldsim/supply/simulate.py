"""Simulation of a block of realizations in all scenarios of a model file."""

from __future__ import annotations

import json
import threading
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from yieldsim.errors import ModelError
from yieldsim.model import Model, ModelFile, Quantity
from yieldsim.outputs import OUTPUTS, TOTAL_CHIPS, Variable, chosen_outputs, constraint_names
from yieldsim.sampling import RANDOM, Design, check_samples
from yieldsim.supply.compile import Compiled, compile_model
from yieldsim.supply.compile.axes import united_axes
from yieldsim.supply.compile.results import TallyLayout, new_state
from yieldsim.supply.kernels.block import simulate_block
from yieldsim.supply.kernels.records import LANES, Clock
from yieldsim.supply.mix import Mixer, Warmup, mixer_of
from yieldsim.supply.orders import NEEDED, compile_demand, order_attributes, run_demand

_MOST_KEPT_BYTES = 32 * 2**20  # of working arrays of all scenarios, in each thread


@dataclass(frozen=True)
class ParameterInfo:
    """An uncertain parameter, as described in the store.

    ``unit`` is that of the values drawn; the ``description`` says so where it has another. It is
    put into words when the store is created, while the first blocks are simulated.
    """

    path: str
    unit: str
    item: Quantity

    @property
    def source(self) -> str:
        return self.item.source

    @property
    def grade(self) -> str:
        return self.item.grade

    @property
    def description(self) -> str:
        words = self.item.describe()
        return words if self.item.unit in (None, self.unit) else f"{words} in {self.item.unit}"


class Simulator:
    """Simulates any block of realizations of a model file in some scenarios, with a seed.

    Realization r depends on the model, the seed, the design and r alone. It has the same process
    noise in every scenario. `block` may be called from several threads.
    """

    def __init__(
        self, file: ModelFile, scenarios: Sequence[str], seed: int, design: Design = RANDOM
    ) -> None:
        self.seed, self.design = int(seed), design
        self.scenarios = list(scenarios)
        self.models = {name: file.model(name) for name in scenarios}
        self.compiled = {name: _compiled(file, name, model) for name, model in self.models.items()}
        model = next(iter(self.models.values()))
        axes = united_axes(self.models.values())
        if design.samples is not None:
            samplers = {name: compiled.sampler for name, compiled in self.compiled.items()}
            check_samples(design.samples, samplers)
        self._mixers = {name: mixer_of(c) for name, c in self.compiled.items()}
        self.coords = {"scenario": self.scenarios, **axes}
        self.parameters = _uncertain(self.compiled.values())
        self.coords["parameter"] = [p.path for p in self.parameters]
        products = axes["product"]
        self.demand = {
            n: compile_demand(c.model, c.sampler, products) for n, c in self.compiled.items()
        }
        also = self.demand[self.scenarios[0]].outputs
        self.outputs = chosen_outputs(model.simulation.outputs, also)
        self.attrs = _attrs(self.models.values(), self.outputs) | order_attributes(self.models)
        self._has_demand = not set(also).isdisjoint(self.outputs)
        needed = NEEDED if self._has_demand else ()
        counted = [v for v in OUTPUTS if v in self.outputs or v.name in needed]
        kinds = self.attrs["product_kind"]
        self._ai = [kinds[name] == "ai" for name in products]
        # scenarios may differ in routes and tiers, so each has its own layout of the same grid
        self._layouts = {n: TallyLayout(c, counted, axes) for n, c in self.compiled.items()}
        self._of_thread = threading.local()

    def block(
        self, first: int, count: int, only: Collection[str] | None = None
    ) -> dict[str, np.ndarray]:
        """Return the results of ``count`` realizations from ``first`` on.

        Those of the scenarios in ``only``, in the order of `scenarios`; of all of them without it.

        They are each of `outputs`, (scenario, realization, quarter, ...), and ``parameter_value``,
        (scenario, realization, parameter), which is NaN where a scenario lacks a parameter.
        """
        scenarios = [name for name in self.scenarios if only is None or name in only]
        values = np.full((len(scenarios), count, len(self.parameters)), np.nan)
        results: dict[str, np.ndarray] = {}
        for number, name in enumerate(scenarios):
            compiled = self.compiled[name]
            drawn, worlds = compiled.draw(self.seed, first, count, self.design)
            out = self._kernel(name, worlds, first)
            outputs = dict(self._layouts[name].split(out))
            if self._has_demand:
                outputs |= run_demand(self.demand[name], drawn, *(outputs[key] for key in NEEDED))
            total = outputs["usable_chips"][..., self._ai].sum(axis=-1, dtype=np.float64)
            outputs[TOTAL_CHIPS.name] = total
            for variable in self.outputs:
                output = outputs[variable.name]
                shape = (len(scenarios), *output.shape)
                kept = results.setdefault(variable.name, np.empty(shape, variable.dtype))
                kept[number] = output
            column = compiled.sampler.column
            for k, parameter in enumerate(self.parameters):
                if parameter.path in column:
                    values[number, :, k] = drawn[:, column[parameter.path]]
        return {**results, "parameter_value": values}

    def _kernel(self, name: str, worlds: np.ndarray, first: int) -> np.ndarray:
        """Return the outputs of a block in a scenario side by side, (realization, place)."""
        mixer, run = self._mixers[name], self._run(name)
        if mixer is None:
            return run(run.compiled.clock, worlds, first)
        lanes = range(0, worlds.shape[1], LANES)
        parts = [_mixed(run, mixer, worlds[:, r : r + LANES], first + r) for r in lanes]
        return np.concatenate(parts)

    def _run(self, name: str) -> _Run:
        """Return the kernel of a scenario with the working arrays of this thread.

        They are kept for its next block: new memory costs a page fault each 4 KiB, and its views
        half a millisecond, in which a small model simulates 16 realizations. Those of the first
        scenario are kept always, those of others as far as `_MOST_KEPT_BYTES` allow.
        """
        kept: dict[str, _Run] | None = getattr(self._of_thread, "runs", None)
        if kept is None:
            kept = self._of_thread.runs = {}
        run, compiled = kept.get(name), self.compiled[name]
        if run is None or run.compiled is not compiled:
            run = _Run(self.seed, compiled, self._layouts[name])
            if not kept or run.nbytes + sum(r.nbytes for r in kept.values()) <= _MOST_KEPT_BYTES:
                kept[name] = run
        return run


def _compiled(file: ModelFile, scenario: str, model: Model) -> Compiled:
    try:
        return compile_model(model)
    except ModelError as error:  # of a floorplan, which is read here
        raise file.located(error, scenario) from None


class _Run:
    """The kernel with its working arrays, which hold the last lanes simulated."""

    def __init__(self, seed: int, compiled: Compiled, layout: TallyLayout) -> None:
        self.seed, self.compiled, self.places = np.uint64(seed), compiled, layout.places
        self.world_flat, self.world = compiled.world()
        self.state_flat, self.state = new_state(compiled)
        self.tally_flat, self.tally = layout.tally()
        self.nbytes = self.tally_flat.nbytes + self.world_flat.nbytes + _nbytes(self.state)

    def __call__(self, clock: Clock, worlds: np.ndarray, first: int) -> np.ndarray:
        """Return the outputs of worlds (flat world, realization), as (realization, place)."""
        out = np.empty((worlds.shape[1], len(self.places)), dtype=np.float32)
        simulate_block(
            self.seed,
            clock,
            self.compiled.structure,
            worlds,
            self.world_flat,
            self.world,
            first,
            self.state_flat,
            self.state,
            self.tally_flat,
            self.tally,
            self.places,
            out,
        )
        return out


def _nbytes(arrays: Any) -> int:
    """Return the bytes of an array, a record or a tuple of them."""
    if isinstance(arrays, tuple):
        return sum(map(_nbytes, arrays))
    return int(arrays.nbytes)


def _mixed(run: _Run, mixer: Mixer, worlds: np.ndarray, first: int) -> np.ndarray:
    """Return the outputs of up to LANES realizations, each by what makes the most compute.

    That is the shares, the planner, or the mix of a linear program that knows all quarters. The
    warm-up before the mix is the planner's, so the program may do all that the planner may. The
    program learns what wafers give from the run by shares, which has the same starts and defects.
    """
    clock, count = run.compiled.clock, worlds.shape[1]
    worlds = np.ascontiguousarray(worlds)
    planned = clock._replace(planned_warmup=True)
    run(planned._replace(steps=clock.warmup_steps), worlds, first)
    warmup = Warmup.of(run.state, clock.warmup_steps)
    best = run(clock, worlds, first)
    most = mixer.compute(run.tally, count)
    mixes = mixer.mixes(run.world, run.state, run.tally, warmup, count)
    other = run(planned._replace(planned=True), worlds, first)
    best, most = _better(mixer, best, most, other, mixer.compute(run.tally, count))
    worlds[-len(mixes) :] = mixes
    other = run(planned._replace(mixed=True), worlds, first)
    return _better(mixer, best, most, other, mixer.compute(run.tally, count))[0]


def _better(
    mixer: Mixer, best: np.ndarray, most: np.ndarray, other: np.ndarray, made: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the outputs and the compute of the better of two runs in each lane."""
    better = mixer.better(made, most)
    return np.where(better[:, None], other, best), np.where(better, made, most)


def _uncertain(scenarios: Iterable[Compiled]) -> list[ParameterInfo]:
    """Return the parameters drawn in any of the scenarios, in the order of first appearance."""
    parameters: dict[str, ParameterInfo] = {}
    for compiled in scenarios:
        for p in compiled.sampler.declared:
            if p.uncertain and isinstance(p.item, Quantity):
                unit = p.spec.unit or p.item.unit or "1"  # a shared quantity has its own alone
                parameters.setdefault(p.path, ParameterInfo(p.path, unit, p.item))
    return list(parameters.values())


def _attrs(models: Iterable[Model], outputs: Sequence[Variable]) -> dict[str, Any]:
    """Return the attributes that explain the labels in a store."""
    first, *others = models
    names = constraint_names(list(first.tool_groups))
    bins: dict[str, dict[str, str]] = {}
    kinds: dict[str, str] = {}
    for model in (first, *others):
        for name, die in model.dies.items():
            bins.setdefault(name, {f"bin_{k + 1}": rule for k, rule in enumerate(die.bins)})
        for name, product in model.products.items():
            kinds.setdefault(name, product.kind)
    return {
        "binding": {"flag_values": list(range(len(names))), "flag_names": names},
        "bin_names": json.dumps(bins),
        "product_kind": kinds,
        "outputs": " ".join(v.name for v in outputs),
        "correlations": json.dumps([[*c.between, c.rank] for c in first.correlations.values()]),
    }
