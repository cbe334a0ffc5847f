"""A model whose parameters can be turned up and down without compiling it again.

A turn goes half of the way to a bound, or to 1.5 times or two thirds of the value. It changes drawn
worlds and curves of schedules. Up and down are the two halves of one run, each compared with the
same half of the run without a turn.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest

from yieldsim.design import RANDOM, Design
from yieldsim.model import ModelFile, Parameter, Quantity, Schedule, parameters
from yieldsim.model.schema.fabs import OTHER
from yieldsim.model.schema.fields import Spec
from yieldsim.outputs import ALL_OUTPUTS, OUTPUTS
from yieldsim.sampling import Sampler
from yieldsim.supply.compile import columns
from yieldsim.supply.orders.compiled import Series
from yieldsim.supply.simulate import Simulator

REALIZATIONS = 8  # with this seed they meet both worlds of every two-valued level
SEED = 7
SHARES = "allocation.rule=shares"  # a plan answers a turn as a whole, and weighs no die_share
COARSE = "simulation.steps_per_quarter=3"  # half of the time; dates are rounded to months
# Results are stored in single precision: less than this share of the whole is rounding.
ROUNDING = 1e-6
SUPPLY_ONLY = f"simulation.outputs={[variable.name for variable in OUTPUTS]}"
ALL_KEPT = f"simulation.outputs={[variable.name for variable in ALL_OUTPUTS]}"  # on request too
DIMS = {variable.name: variable.dims for variable in ALL_OUTPUTS}
TABLES = {
    "fabs": "fab",
    "processes": "process",
    "tool_groups": "tool_group",
    "dies": "die",
    "memory": "memory",
    "packaging": "packaging",
    "products": "product",
    "orders": "order",
    "imports": "import",
}


class Given(Sampler):
    """A sampler that hands out one drawn table."""

    def __init__(self, sampler: Sampler, drawn: np.ndarray) -> None:
        self.__dict__.update(vars(sampler))
        self.drawn = drawn

    def draw(self, seed: int, first: int, count: int, design: Design = RANDOM) -> np.ndarray:
        return self.drawn


Results = dict[str, np.ndarray]
UP, DOWN = slice(0, REALIZATIONS), slice(REALIZATIONS, 2 * REALIZATIONS)  # halves of a run


class Bench:
    """One model in one scenario, whose drawn parameters and schedules can be turned."""

    def __init__(self, file: ModelFile, scenario: str, *changes: str) -> None:
        self.curves: dict[str, int] = {}
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(columns.Curves, "add", self._noting(columns.Curves.add))
            self.simulator = Simulator(file.with_changes([*changes, ALL_KEPT]), [scenario], SEED)
        # without the orders, which take most of the time of so few realizations
        self.supply = Simulator(file.with_changes([*changes, SUPPLY_ONLY]), [scenario], SEED)
        self.scenario = scenario
        self.compiled = self.simulator.compiled[scenario]
        self.demand = self.simulator.demand[scenario]
        self.model = self.simulator.models[scenario]
        self.parameters = {p.path: p for p in parameters(self.model)}
        drawn = self.compiled.sampler.draw(SEED, 0, REALIZATIONS)
        self.drawn = np.tile(drawn, (2, 1))
        self.base = self._run(self.simulator, slice(0, 2 * REALIZATIONS), self.drawn)

    def _noting(self, add: Callable[..., int]) -> Callable[..., int]:
        def noting(curves: columns.Curves, path: str, schedule: Schedule | None) -> int:
            self.curves[path] = add(curves, path, schedule)
            return self.curves[path]

        return noting

    def _run(
        self,
        simulator: Simulator,
        part: slice,
        drawn: np.ndarray,
        curves: dict[str, np.ndarray] | None = None,
        series: dict[str, Series] | None = None,
    ) -> Results:
        """Results of a part of the realizations, with turned parameters, curves or series."""
        structure = self.compiled.structure._replace(**(curves or {}))
        sampler = Given(self.compiled.sampler, drawn[part])
        turned = replace(self.compiled, sampler=sampler, structure=structure)
        simulator.compiled[self.scenario] = turned
        all_series = {**self.demand.series, **(series or {})}
        simulator.demand[self.scenario] = replace(self.demand, series=all_series)
        return simulator.block(part.start, part.stop - part.start)

    def turned(self, parameter: Parameter) -> Results:
        """Results with a parameter turned up in one half and down in the other, at all times."""
        supplied = parameter.spec.effect[0] in {variable.name for variable in OUTPUTS}
        simulator = self.supply if supplied else self.simulator
        if isinstance(
            parameter.item, Schedule
        ):  # the curves of a run are those of all realizations
            halves = [self._schedule_turned(simulator, parameter, up) for up in (True, False)]
            return {name: np.concatenate([half[name] for half in halves], 1) for name in halves[0]}
        spec, column = self._range(parameter), self.compiled.sampler.column
        drawn, own = self.drawn.copy(), column[parameter.path]
        for half in (UP, DOWN):
            drawn[half, own] = turn(drawn[half, own], spec, half == UP)
        for other, share in self._referring(parameter):
            drawn[:, column[other.path]] = drawn[:, own] * share
        return self._run(simulator, slice(0, 2 * REALIZATIONS), drawn)

    def _schedule_turned(self, simulator: Simulator, parameter: Parameter, up: bool) -> Results:
        """Results of a half with a schedule turned."""
        spec, half = self._range(parameter), UP if up else DOWN
        if parameter.path in self.demand.series:
            series = self.demand.series[parameter.path]
            low, high = (turn(curve, spec, up) for curve in (series.low, series.high))
            moved = {parameter.path: replace(series, low=low, high=high)}
            return self._run(simulator, half, self.drawn, series=moved)
        number, structure = self.curves[parameter.path], self.compiled.structure
        curves = {
            "curve_low": structure.curve_low.copy(),
            "curve_high": structure.curve_high.copy(),
        }
        for curve in curves.values():
            curve[number] = turn(curve[number], spec, up)
        return self._run(simulator, half, self.drawn, curves)

    def _referring(self, parameter: Parameter) -> Iterator[tuple[Parameter, float]]:
        """The parameters that refer to a shared one, with their values over its own."""
        column = self.compiled.sampler.column
        for other in self.parameters.values():
            if isinstance(other.item, Quantity) and f"shared.{other.item.ref}" == parameter.path:
                pair = self.drawn[:, [column[other.path], column[parameter.path]]]
                (share,) = {round(float(a / b), 9) for a, b in pair if b != 0.0}
                yield other, share

    def _range(self, parameter: Parameter) -> Spec:
        """The field's range; of a shared quantity, what all that refer to it allow."""
        spec = parameter.spec
        if not parameter.path.startswith("shared."):
            return spec
        ranges = [(other.spec, share) for other, share in self._referring(parameter)]
        low = max(own.minimum / share for own, share in ranges)
        high = min(own.maximum / share for own, share in ranges)
        return replace(spec, minimum=low, maximum=high)

    def counted(self, results: Results, parameter: Parameter) -> np.ndarray:
        """The parameter's output by realization, quarter and further dims, summed over quarters."""
        name = parameter.spec.effect[0]
        values = results[name][0].astype(float)
        wanted = self._coordinates(parameter.path)
        for axis, dim in enumerate(DIMS[name], start=2):
            if dim in wanted:
                values = values.take([self.simulator.coords[dim].index(wanted[dim])], axis=axis)
        return np.cumsum(values, axis=1)

    def _coordinates(self, path: str) -> dict[str, str]:
        """The coordinates that a path names, by dim."""
        steps = path.split(".")
        named = {TABLES[steps[0]]: steps[1]} if steps[0] in TABLES else {}
        if steps[0] == "die_banks":
            named["die"] = self.model.die_banks[steps[1]].die
        if steps[0] == "products" and self.model.products[steps[1]].packaging:
            named["packaging"] = self.model.products[steps[1]].packaging[0]
        if steps[0] in ("processes", "patterning") and steps[-2] in ("visits", "sampling"):
            named["tool_group"] = steps[-1]
        if steps[0] == "fabs" and steps[2] == "fleets":
            named["tool_group"] = steps[3]
        if steps[0] == "fabs" and steps[2] in ("plan", "allocation"):
            named["process"] = steps[3]
        if steps[0] == "fabs" and steps[2] == "allocation" and steps[4] != OTHER:
            named["die"] = steps[4]
        return named

    def bought_for_the_plan(self, path: str) -> bool:
        """Whether a line buys only what it needs of a fleet: deliveries are a ceiling then.

        Fleets without `planned_use`, and the small models, move the same fields.
        """
        steps = path.split(".")
        if steps[0] != "fabs" or steps[2] != "fleets" or steps[-1] == "planned_use":
            return False
        return f"{'.'.join(steps[:5])}.planned_use" in self.parameters

    def fault(self, parameter: Parameter) -> str | None:
        """What is wrong with a parameter's effect, None where all is well."""
        sign = parameter.spec.effect[1]
        base = self.counted(self.base, parameter)
        change = self.counted(self.turned(parameter), parameter) - base
        # what float32 loses of each entry is independent of the others; four standard errors
        least = [4.0 * ROUNDING * float(np.sqrt(np.square(base[h]).sum())) for h in (UP, DOWN)]
        if sign == 0:
            sizes = [float(np.abs(change[half]).sum()) for half in (UP, DOWN)]
            still = any(size <= slack for size, slack in zip(sizes, least, strict=True))
            return f"{parameter.path}: does not move {parameter.spec.effect[0]}" if still else None
        moved = [float(change[UP].sum()) * sign, -float(change[DOWN].sum()) * sign]
        if all(size > slack for size, slack in zip(moved, least, strict=True)):
            return None
        return f"{parameter.path}: {parameter.spec.effect} moved by {moved} of {base.sum():g}"


def turn(values: np.ndarray, spec: Spec, up: bool) -> np.ndarray:
    """Values turned up or down, within the field's range."""
    if spec.maximum == 1.0 and set(np.unique(values)) <= {0.0, 1.0}:
        return np.full_like(values, 1.0 if up else 0.0)  # which of two worlds holds
    above = values - spec.minimum
    if not up:
        return spec.minimum + above / 1.5
    if spec.maximum < np.inf:
        return values + 0.5 * (spec.maximum - values)
    return spec.minimum + np.where(above == 0.0, 0.5, above * 1.5)
