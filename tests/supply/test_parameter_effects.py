"""Every parameter moves the output that it declares, in the direction that it declares.

The parameters are those of the baseline, of a scenario with lost service, and of a made-up model
with the fields that these lack. Each is turned up and down under the same luck, and the output of
its declaration (`Spec.effect`) is compared. The output is summed up to each quarter, so that a
delay counts, and over the coordinates that the parameter's path names (a product's chips, a
group's tools).

A turn goes half of the way to a bound, or to 1.5 times or two thirds of the value. It changes drawn
worlds and curves of schedules, so that nothing is compiled again. Up and down are the two halves of
one run, each compared with the same half of the run without a turn.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from tests.paths import INVALID, VALID
from yieldsim.design import RANDOM, Design
from yieldsim.model import ModelFile, Parameter, Quantity, Schedule, load_file, parameters
from yieldsim.model.schema.fabs import OTHER
from yieldsim.model.schema.fields import Entity, Spec, spec_of
from yieldsim.outputs import ALL_OUTPUTS, OUTPUTS
from yieldsim.sampling import Sampler
from yieldsim.supply.compile import columns
from yieldsim.supply.orders.compiled import Series
from yieldsim.supply.simulate import Simulator

SOUND = INVALID / "parts" / "sound.toml"
REALIZATIONS = 8  # with this seed they meet both worlds of every two-valued level
SEED = 7
SHARES = "allocation.rule=shares"  # a plan answers a turn as a whole, and weighs no die_share
PLANNER = "allocation.rule=planner"  # for what only a plan knows
COARSE = "simulation.steps_per_quarter=3"  # half of the time, the same directions
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
EXTRA = (  # parameters that neither the baseline nor its scenarios declare
    "tool_groups.litho.imported.repair_cv2=0.5",
    "tool_groups.litho.imported.engineering_fraction=0.05",
    "tool_groups.litho.imported.nonscheduled_fraction=0.02",
    "fabs.first.fleets.litho.imported.qualification_quarters=0.5",
    "fabs.first.fleets.litho.imported.retired=1",
    "tool_groups.litho.service_cv2=0.8",
    "tool_groups.etch.service_cv2=0.8",
    "fabs.first.lot_size_wafers=25",
    "fabs.first.arrival_cv2=1.5",
    "processes.n2.transport_ratio=0.2",
    "processes.n2.batch_ratio=0.2",
    "processes.n2.hold_ratio=0.3",
    "fabs.second.learning.n2={copied_from='first', transferred_share=0.4, start_ratio=4}",
    "fabs.second.excursions={rate_per_quarter=1, d0_ratio=2, detection_days=9}",
    'events.leak={kind="excursion", start="2025Q4", end="2026Q1", d0_ratio=1.5}',
    'processes.n2.learning={kind="power", start_ratio=3, reference_wafers=9000, exponent=0.5}',
    "dies.phone.gross_die_per_wafer=500",
    'memory.domestic.maker.wafers={quarters=["2025Q1", "2026Q4"], values=[500, 3000]}',
    "memory.domestic.maker.slip_quarters=0.5",
    "products.handset.demand=20000",
    "products.chip.burn_in_yield=0.9",
    "products.chip.rework_fraction=0.4",
    "products.chip.rework_yield=0.5",
)
SCARCE = (  # losses of tools that cost starts where tools limit them
    'events.scrapped={kind="service_loss", start="2025Q2", mttf_ratio=0.9, mttr_ratio=1.1,'
    " d0_ratio=1.1, overlay_ratio=1.2, quarters=3, cannibalized=0.1}",
    'events.seized={kind="tools_lost", start="2025Q4", groups=["etch"], share=0.4}',
)
GIVING_WAY = (  # of a group that is short, and of tools bought for the plan
    "tool_groups.etch.skipped_adder=0.6",
    "tool_groups.etch.sampling_floor=0.6",
    "fabs.first.fleets.litho.imported.planned_use=0.5",
)
SHORT = (  # etch for some 40 % of the plan, and scanners to be had
    "fabs.first.fleets.etch.imported.count=3",
    "fabs.first.fleets.litho.imported.count=40",
    "simulation.process_noise=false",
)
PLANNED = ("memory.fast.lasts_slip_quarters=0.6",)
PACED = 'memory.fast.lasts_until="2027Q2"'
# what the baseline does not reach by the shares: a bound that no line of it comes to ("giving way"
# turns the field), and the pace of a stockpile ("planned")
NEVER_REACHED = (
    "tool_groups.inspection.sampling_floor",
    "memory.cambricon_hbm.lasts_slip_quarters",
    "memory.foreign_hbm.lasts_slip_quarters",
)
# in the baseline fewer scanners are bought if they work longer, so their use hardly moves
BOUGHT_AWAY = ("tool_groups.arf_immersion.imported.nonscheduled_fraction",)
VALID_MODELS = ("layers", "memory", "overload", "tiers", "two_fabs", "pairing", "worlds")
SMALL = ("extra", "scarce", "giving way", "planned", *VALID_MODELS)
FEW_TOOLS = ("fabs.first.fleets.etch.imported.count=8", "simulation.process_noise=false")
ENOUGH_TOOLS = (  # but few enough that wafers wait for some
    'fabs.first.fleets.litho.imported.count={quarters=["2024Q1", "2026Q1"], values=[3, 5]}',
    "fabs.first.fleets.etch.imported.count=14",
)


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

    def __init__(self, file: ModelFile, scenario: str, rule: str = SHARES) -> None:
        self.curves: dict[str, int] = {}
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(columns.Curves, "add", self._noting(columns.Curves.add))
            self.simulator = Simulator(
                file.with_changes([COARSE, rule, ALL_KEPT]), [scenario], SEED
            )
        # without the orders, which take most of the time of so few realizations
        self.supply = Simulator(file.with_changes([COARSE, rule, SUPPLY_ONLY]), [scenario], SEED)
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


@cache
def bench(name: str) -> Bench:
    if name == "extra":
        return Bench(load_file(SOUND).with_changes([*EXTRA, *ENOUGH_TOOLS]), "baseline")
    if name == "scarce":
        return Bench(load_file(SOUND).with_changes([*SCARCE, *FEW_TOOLS]), "baseline")
    if name == "giving way":
        return Bench(load_file(SOUND).with_changes([*GIVING_WAY, *SHORT]), "baseline")
    if name == "planned":
        mix = load_file(VALID / "mix.toml").with_changes([PACED, *PLANNED])
        return Bench(mix, "baseline", PLANNER)
    if name in VALID_MODELS:
        return Bench(load_file(VALID / f"{name}.toml"), "baseline")
    return Bench(load_file("baseline"), name)


# Tables of a kind have the same fields. Of each kind some are turned here, a few of each form, and
# all by `make test-full`: a turn of the baseline takes a tenth of a second.
SOME = (
    *("wafer", "demand", "events", "dram_lines.cxmt", "tool_groups.arf_immersion"),
    *("patterning.lele", "dies.ascend_910", "die_banks.tsmc_full", "memory.cxmt_hbm3"),
    *("packaging.china_cowos", "products.ascend_910c", "orders.supernodes_2025"),
    *("orders.bytedance_950pr", "orders.huawei_plan_910c", "imports.h200"),
    *("factors.sn1_starts", "factors.licences", "shared.tsmc_bank_level"),
    *("shared.smic_plan_scale", "shared.ai_package_lag_days", "shared.domestic_mttf_hours"),
)
ALL = (  # the kinds of tables
    *("wafer", "demand", "events", "dram_lines", "tool_groups", "patterning", "processes", "fabs"),
    *("dies", "die_banks", "memory", "packaging", "products", "orders", "imports", "factors"),
    "shared",
)
CASES = [
    *(("baseline", table) for table in SOME),
    *(pytest.param("baseline", kind, marks=pytest.mark.slow) for kind in ALL),
    ("service_lost", "events.service_denied"),
    *(("extra", setting.partition("=")[0]) for setting in EXTRA),
    *(("scarce", setting.partition("=")[0]) for setting in SCARCE),
    *(("giving way", setting.partition("=")[0]) for setting in GIVING_WAY),
    *(("planned", setting.partition("=")[0]) for setting in PLANNED),
]


@pytest.mark.parametrize(("name", "table"), CASES)
def test_every_parameter_moves_its_output(name: str, table: str) -> None:
    model = bench(name)
    tested = [
        p
        for p in model.parameters.values()
        if f"{p.path}.".startswith(f"{table}.")
        and p.path not in (*NEVER_REACHED, *BOUGHT_AWAY)
        and (name != "baseline" or not model.bought_for_the_plan(p.path))
    ]
    assert tested
    faults = [model.fault(parameter) for parameter in tested]
    assert [text for text in faults if text] == []


@pytest.mark.slow
def test_no_kind_of_table_is_left_out() -> None:
    for scenario in ("baseline", "service_lost"):
        assert {path.split(".")[0] for path in bench(scenario).parameters} == set(ALL)


def declared_fields() -> dict[int, str]:
    """The parameter fields of the schema by the identity of their declaration."""
    fields = {
        id(spec): f"{kind.__name__}.{name}"
        for kind in Entity.__subclasses__()
        for name in kind.model_fields
        if (spec := spec_of(kind, name)) is not None
    }
    assert len(fields) > 60
    return fields


def test_every_field_moves_its_output_somewhere() -> None:
    """The small models move every field but those of orders and imports, which SOME turns."""
    still = declared_fields()
    for name in SMALL:
        model = bench(name)
        for parameter in model.parameters.values():
            if id(parameter.spec) in still and model.fault(parameter) is None:
                del still[id(parameter.spec)]
    for parameter in bench("baseline").parameters.values():
        if parameter.path.startswith(tuple(f"{table}." for table in SOME)):
            still.pop(id(parameter.spec), None)
    assert list(still.values()) == []


def test_a_turn_stays_in_the_range() -> None:
    values = np.array([0.0, 0.25, 0.9])
    share, ratio = Spec("1", 0.0, 1.0), Spec("1", 1.0)
    np.testing.assert_allclose(turn(values, share, True), [0.5, 0.625, 0.95])
    np.testing.assert_allclose(turn(values, share, False), values / 1.5)
    np.testing.assert_allclose(turn(np.array([1.0, 3.0]), ratio, True), [1.5, 4.0])
    np.testing.assert_allclose(turn(np.array([1.0, 4.0]), ratio, False), [1.0, 3.0])
    np.testing.assert_array_equal(turn(np.array([0.0, 1.0]), share, True), [1.0, 1.0])


def test_a_dead_parameter_and_a_wrong_direction_are_found() -> None:
    model = bench("extra")
    dead = model.parameters["dies.phone.width_mm"]  # the count of its dies is given
    assert "('gross_dies', -1) moved by [-0.0, 0.0] of " in str(model.fault(dead))
    either = replace(dead.spec, effect=("gross_dies", 0))
    assert "does not move" in str(model.fault(replace(dead, spec=either)))
    plan = model.parameters["fabs.second.plan.n2.scale"]
    assert model.fault(plan) is None
    wrong = replace(plan.spec, effect=("wafer_plan", -1))
    assert "moved by [-" in str(model.fault(replace(plan, spec=wrong)))
