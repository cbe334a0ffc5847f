"""A model becomes arrays: names to indices, schedules to curves, parameters to columns.

Kernels do not check bounds: every index that leaves this module points at something, and every
number was proven to be in its range when the model was loaded.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .kernels import arrays as a
from .model import Model, Quantity, Schedule
from .model.calendar import quarter_index
from .model.check import OTHER
from .model.fields import Entity, spec_of
from .model.schema import (
    Accident,
    DeliveriesStop,
    Die,
    ExponentialLearning,
    PowerLearning,
    Product,
    ServiceLoss,
)
from .sampling import Sampler, path_entity
from .units import DAYS_PER_QUARTER, HOURS_PER_DAY

CLASSES = ("imported", "domestic")
# up to this the alternating sum of a harvest is right to about 1e-6; beyond, a quadrature is used
_LARGEST_WEIGHT = 1e10

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
    "rework",
    "overlay_layers",
    "overlay_tolerance_nm",
    "systematic_yield",
)
_LEARNING: dict[type, tuple[int, tuple[str, ...]]] = {
    type(None): (a.NO_LEARNING, ()),
    ExponentialLearning: (a.EXPONENTIAL, ("start_ratio", "tau_quarters")),
    PowerLearning: (a.POWER, ("start_ratio", "reference_wafers", "exponent")),
}
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
    "final_test_yield",
    "lag_days",
    "sample_fraction",
    "field_escape_fraction",
)
_PERFORMANCE = ("tflops_fp16", "bandwidth_tb_per_s")
_EVENT: dict[type, tuple[int, tuple[str, ...]]] = {
    ServiceLoss: (a.SERVICE_LOSS, ("mttf_ratio", "mttr_ratio", "quarters")),
    DeliveriesStop: (a.DELIVERIES_STOP, ()),
    Accident: (a.ACCIDENT, ("capacity_ratio", "d0_ratio")),
}


@dataclass
class _Columns:
    """Where each parameter stands in a draw; constants for absent fields follow the declared."""

    sampler: Sampler
    neutral: dict[float, int] = field(default_factory=dict)

    def of(self, path: str, entity: Entity | None, name: str) -> int:
        """Column of field ``name`` of the entity at ``path``, or that of its neutral value."""
        if entity is None:
            return self.constant(1.0)
        if isinstance(getattr(entity, name), Quantity):
            return self.sampler.column[f"{path}.{name}"]
        spec = spec_of(type(entity), name)
        assert spec is not None and spec.neutral is not None
        return self.constant(spec.neutral)

    def row(self, path: str, entity: Entity | None, names: Sequence[str], width: int) -> list[int]:
        """Columns of several fields, padded with ones to a width."""
        found = [self.of(path, entity, name) for name in names]
        return found + [self.constant(1.0)] * (width - len(found))

    def constant(self, value: float) -> int:
        """Column of a constant."""
        return self.neutral.setdefault(value, self.sampler.width + len(self.neutral))


@dataclass
class _Curves:
    """Schedules gathered so far."""

    times: np.ndarray
    columns: _Columns
    low: list[np.ndarray] = field(default_factory=list)
    high: list[np.ndarray] = field(default_factory=list)
    world: list[list[int]] = field(default_factory=list)  # position and scale

    def add(self, path: str, schedule: Schedule | None) -> int:
        """Number of the curve of a schedule, -1 where there is none."""
        if schedule is None:
            return -1
        low, high = schedule.curves(self.times)
        self.low.append(low)
        self.high.append(high)
        column = self.columns.sampler.column
        position = column.get(f"{path}.position", self.columns.constant(0.0))
        scale = column.get(f"{path}.scale", self.columns.constant(1.0))
        self.world.append([position, scale])
        return len(self.low) - 1


@dataclass(frozen=True)
class Compiled:
    """A model as arrays: what stays, and where each number of a world comes from."""

    model: Model
    sampler: Sampler
    clock: a.Clock
    structure: a.Structure
    world_columns: a.World  # integer arrays of the world's shapes
    constants: np.ndarray

    def draw(self, seed: int, first: int, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Drawn parameters (count, parameter) and worlds (count, flat world) of realizations
        first..first+count."""
        drawn = self.sampler.draw(seed, first, count)
        x = np.concatenate([drawn, np.tile(self.constants, (count, 1))], axis=1)
        flat = np.concatenate([columns.ravel() for columns in self.world_columns])
        return drawn, x[:, flat]

    def world(self) -> tuple[np.ndarray, a.World]:
        """A flat buffer for one world and its views."""
        sizes = [columns.size for columns in self.world_columns]
        flat = np.empty(sum(sizes))
        parts = np.split(flat, np.cumsum(sizes)[:-1])
        views = [
            part.reshape(columns.shape)
            for part, columns in zip(parts, self.world_columns, strict=True)
        ]
        return flat, a.World(*views)


def compile_model(model: Model) -> Compiled:
    """Turn a checked model into arrays."""
    sampler = Sampler(model)
    columns = _Columns(sampler)
    clock = _clock(model)
    first = quarter_index(model.simulation.start) - model.simulation.warmup_quarters
    times = first + (np.arange(clock.steps) + 0.5) / clock.steps_per_quarter
    curves = _Curves(times, columns)
    start = _StepOf(first, clock.steps_per_quarter)
    structure = _structure(model, curves, start)
    world = _world(model, columns, curves)
    constants = np.array(list(columns.neutral), dtype=float)
    return Compiled(model, sampler, clock, structure, world, constants)


@dataclass(frozen=True)
class _StepOf:
    """Step at which a quarter begins, as a number of steps from the start of the warm-up."""

    first: int
    steps_per_quarter: int

    def __call__(self, quarter: str | None) -> float:
        if quarter is None:
            return math.inf
        return float((quarter_index(quarter) - self.first) * self.steps_per_quarter)


def _table(rows: Iterable[Any], *shape: int) -> np.ndarray:
    """Integers of a given shape, also where a part of the model is empty."""
    return np.array(list(rows), dtype=np.int64).reshape(shape)


def _clock(model: Model) -> a.Clock:
    simulation = model.simulation
    per_quarter = simulation.steps_per_quarter
    start = quarter_index(simulation.start)
    quarters = quarter_index(simulation.end) - start + 1
    warmup = simulation.warmup_quarters * per_quarter
    days = DAYS_PER_QUARTER / per_quarter
    # counted from the year 0, so that the luck of a date does not depend on the start
    first_draw = (start - simulation.warmup_quarters) * per_quarter
    return a.Clock(
        quarters * per_quarter + warmup,
        warmup,
        per_quarter,
        quarters,
        days * HOURS_PER_DAY,
        days,
        first_draw,
        simulation.process_noise,
    )


def noise_entity(path: str) -> int:
    """32-bit identity of what meets process noise, tied to its name and not to its place."""
    return path_entity(path) & 0xFFFFFFFF


def by_tier(model: Model) -> list[tuple[str, Product]]:
    """Products in the order in which they are served."""
    return sorted(model.products.items(), key=lambda item: item[1].tier)


def _structure(model: Model, curves: _Curves, start: _StepOf) -> a.Structure:
    fabs, groups = model.fabs, list(model.tool_groups)
    fleets = np.full((len(fabs), len(groups), 2), -1, np.int64)
    for f, (name, fab) in enumerate(fabs.items()):
        for group, classes in fab.fleets.items():
            for kind, fleet in classes.items():
                path = f"fabs.{name}.fleets.{group}.{kind}.count"
                number = curves.add(path, fleet.count)
                fleets[f, groups.index(group), CLASSES.index(kind)] = number
    fleet_names = [[noise_entity(f"fabs.{f}.fleets.{g}") for g in groups] for f in fabs]
    fab_table, route, route_names, entry = _routes(model, curves)
    learning = [p.learning for p in model.processes.values()]
    min_good, harvest, deep = _harvest(model)
    dies = [[die.cores, len(die.bins), d] for die, d in zip(model.dies.values(), deep, strict=True)]
    order = by_tier(model)
    lines = [curves.add(f"packaging.{n}.capacity", p.capacity) for n, p in model.packaging.items()]
    products = [_product_row(model, curves, name, product) for name, product in order]
    bank, pool = _bank(model, curves), _pool(model, curves)
    steps = [[start(p.start), start(p.end)] for _, p in order]
    kinds, event_steps, hits = _events(model, start)
    return a.Structure(
        curve_low=np.array(curves.low),
        curve_high=np.array(curves.high),
        fab=fab_table,
        fleet_curve=fleets,
        fleet_entity=np.array(fleet_names, np.uint32).reshape(len(fabs), len(groups)),
        learning=_table([_LEARNING[type(one)][0] for one in learning], len(learning)),
        learning_start=np.array(
            [start(one.start) if isinstance(one, ExponentialLearning) else 0.0 for one in learning]
        ),
        route=route,
        route_entity=route_names,
        entry=entry,
        die=_table(dies, len(dies), 3),
        min_good=min_good,
        harvest=harvest,
        bank=bank,
        pool=pool,
        line_curve=_table(lines, len(lines)),
        tier=_tiers(order),
        product=_table(products, len(order), 7),
        product_steps=np.array(steps),
        product_pool=_ranks(model, order),
        event=kinds,
        event_steps=event_steps,
        event_hits=hits,
    )


def _routes(model: Model, curves: _Curves) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Fabs, routes, their noise and the allocation of their wafers."""
    processes, dies = list(model.processes), list(model.dies)
    fabs, routes, names, entries = [], [], [], []
    for f, (fab_name, fab) in enumerate(model.fabs.items()):
        first_route = len(routes)
        for process, plan in fab.plan.items():
            curve = curves.add(f"fabs.{fab_name}.plan.{process}", plan)
            first = len(entries)
            for die, weight in fab.allocation[process].items():
                path = f"fabs.{fab_name}.allocation.{process}.{die}"
                index = -1 if die == OTHER else dies.index(die)
                entries.append([index, curves.add(path, weight)])
            routes.append([f, processes.index(process), curve, first, len(entries)])
            names.append(noise_entity(f"fabs.{fab_name}.plan.{process}"))
        fabs.append([first_route, len(routes), 1 if fab.fleets else 0])
    return (
        _table(fabs, len(fabs), 3),
        _table(routes, len(routes), 5),
        np.array(names, np.uint32),
        _table(entries, len(entries), 2),
    )


def _harvest(model: Model) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """Rules of the bins, weights of the harvest sums, and where they would cancel."""
    dies = list(model.dies.values())
    bins = max(len(die.bins) for die in dies)
    min_good = np.zeros((len(dies), bins), np.int64)
    harvest = np.zeros((len(dies), bins, max(_depth(die) for die in dies) + 1))
    for d, die in enumerate(dies):
        for b, rule in enumerate(die.bins.values()):
            min_good[d, b] = rule.min_good_cores
            harvest[d, b, : _depth(die) + 1] = harvest_weights(die, rule.min_good_cores)
    deep = [int(np.abs(one).max() > _LARGEST_WEIGHT) for one in harvest]
    return min_good, harvest, deep


def _depth(die: Die) -> int:
    return die.cores - min(rule.min_good_cores for rule in die.bins.values())


def harvest_weights(die: Die, least: int) -> np.ndarray:
    """Weights of the yields of the fatal area with lowest, lowest + 1, ... cores.

    P(>= k of n good) = sum_m (-1)^(m-k) C(m-1, k-1) C(n, m) P(m given cores good), the
    inclusion-exclusion of order k (Feller 1968, section IV.5).
    """
    lowest = min(rule.min_good_cores for rule in die.bins.values())
    weights = np.zeros(die.cores - lowest + 1)
    if least == 0:
        weights[0] = 1.0  # no core is needed: the lowest rule is this one
        return weights
    for m in range(least, die.cores + 1):
        ways = math.comb(m - 1, least - 1) * math.comb(die.cores, m)
        weights[m - lowest] = ways if (m - least) % 2 == 0 else -ways
    return weights


def _bank(model: Model, curves: _Curves) -> np.ndarray:
    dies = list(model.dies)
    rows = [
        [
            dies.index(bank.die),
            list(model.dies[bank.die].bins).index(bank.bin),
            curves.add(f"die_banks.{name}.draw", bank.draw),
        ]
        for name, bank in model.die_banks.items()
    ]
    return _table(rows, len(rows), 3)


def _pool(model: Model, curves: _Curves) -> np.ndarray:
    rows = []
    for name, pool in model.memory.items():
        path, maker = f"memory.{name}", pool.maker
        rows.append(
            [
                curves.add(f"{path}.deliveries", pool.deliveries),
                curves.add(f"{path}.maker.wafers", maker.wafers if maker else None),
                curves.add(f"{path}.maker.stack_yield", maker.stack_yield if maker else None),
            ]
        )
    return _table(rows, len(rows), 3)


def _tiers(order: list[tuple[str, Product]]) -> np.ndarray:
    tiers = [product.tier for _, product in order]
    first = [k for k, tier in enumerate(tiers) if k == 0 or tier != tiers[k - 1]]
    return np.array([*first, len(order)], dtype=np.int64)


def _product_row(model: Model, curves: _Curves, name: str, product: Product) -> list[int]:
    lines = list(model.packaging)
    return [
        list(model.products).index(name),
        list(model.dies).index(product.die),
        product.dies_per_package,
        curves.add(f"products.{name}.die_share", product.die_share),
        product.stacks_per_package,
        lines.index(product.packaging) if product.packaging else -1,
        curves.add(f"products.{name}.demand", product.demand),
    ]


def _ranks(model: Model, order: list[tuple[str, Product]]) -> np.ndarray:
    """Memory pools of each product by preference, padded with -1."""
    pools = list(model.memory)
    ranks = max(1, *(len(product.memory) for _, product in order))
    rows = [
        [pools.index(name) for name in product.memory] + [-1] * (ranks - len(product.memory))
        for _, product in order
    ]
    return _table(rows, len(order), ranks)


def _events(model: Model, start: _StepOf) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    kinds, steps = [], []
    # an event of no group stands in the first column too, also where a model has no groups
    groups = list(model.tool_groups) or [""]
    hits = np.zeros((len(model.events), len(model.fabs), len(groups)), np.int64)
    for e, event in enumerate(model.events.values()):
        kinds.append(
            [_EVENT[type(event)][0], CLASSES.index(getattr(event, "tool_class", CLASSES[0]))]
        )
        end = start(getattr(event, "end", None)) + start.steps_per_quarter
        steps.append([start(event.start), end])  # the last quarter is included
        chosen = getattr(event, "groups", ())
        for f, fab in enumerate(model.fabs):
            for g, group in enumerate(groups):
                in_group = not chosen or group in chosen
                hits[e, f, g] = (not event.fabs or fab in event.fabs) and in_group
    return _table(kinds, len(kinds), 2), np.array(steps, float).reshape(len(kinds), 2), hits


def _world(model: Model, columns: _Columns, curves: _Curves) -> a.World:
    """Columns of every number of a world, in the shapes of `kernels.arrays.World`."""
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
    install = [
        [[_install(columns, model, f, g, kind) for kind in CLASSES] for g in groups] for f in fabs
    ]
    visits = [[_visit(columns, model, p, g) for g in groups] for p in processes]
    performance = [
        [_performance(columns, model, name, p, b) for b in range(bins)] for name, p in order
    ]

    def rows(prefix: str, entities: dict[str, Any], names: Sequence[str]) -> np.ndarray:
        table = [columns.row(f"{prefix}.{k}", one, names, 0) for k, one in entities.items()]
        return _table(table, len(entities), len(names))

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
        columns.row(f"events.{n}", event, _EVENT[type(event)][1], 3)
        for n, event in model.events.items()
    ]
    return a.World(
        curve=_table(curves.world, len(curves.world), 2),
        tool=_table(tool, len(groups), 2, len(_TOOL)),
        group=rows("tool_groups", dict(groups), _GROUP),
        fab=rows("fabs", dict(fabs), _FAB),
        install=_table(install, len(fabs), len(groups), 2),
        process=process,
        visits=_table(visits, len(processes), len(groups)),
        wafer=_table(columns.row("wafer", model.wafer, _WAFER, 0), len(_WAFER)),
        die=rows("dies", dict(model.dies), _DIE),
        pool=pools,
        product=rows("products", dict(order), _PRODUCT),
        performance=_table(performance, len(order), bins, 2),
        event=_table(events, len(events), 3),
    )


def _learning_columns(model: Model, columns: _Columns) -> np.ndarray:
    rows = [
        columns.row(f"processes.{p}.learning", one.learning, _LEARNING[type(one.learning)][1], 3)
        for p, one in model.processes.items()
    ]
    return _table(rows, len(rows), 3)


def _install(columns: _Columns, model: Model, fab: str, group: str, kind: str) -> int:
    fleet = model.fabs[fab].fleets.get(group, {}).get(kind)
    if fleet is None:
        return columns.constant(0.0)
    return columns.of(f"fabs.{fab}.fleets.{group}.{kind}", fleet, "install_quarters")


def _visit(columns: _Columns, model: Model, process: str, group: str) -> int:
    if group not in model.processes[process].visits:
        return columns.constant(0.0)
    return columns.sampler.column[f"processes.{process}.visits.{group}"]


def _performance(columns: _Columns, model: Model, name: str, product: Product, b: int) -> list[int]:
    keys = list(model.dies[product.die].bins)
    one = product.performance.get(keys[b]) if b < len(keys) else None
    if one is None:
        return [columns.constant(0.0)] * len(_PERFORMANCE)
    path = f"products.{name}.performance.{keys[b]}"
    return [columns.of(path, one, field_name) for field_name in _PERFORMANCE]
