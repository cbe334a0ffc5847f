"""The structure of a model, the same in all realizations: indices, calendar, harvest weights."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from yieldsim.model import Model
from yieldsim.model.limits import TOOLS
from yieldsim.model.recipes import recipes
from yieldsim.model.references import ai_designs, memory_pools
from yieldsim.model.schema import ExponentialLearning, PowerLearning, Product
from yieldsim.model.schema.calendar import quarter_range
from yieldsim.model.schema.fabs import AI, OTHER
from yieldsim.supply.compile.columns import (
    CLASSES,
    Curves,
    StepOf,
    by_tier,
    fleets_of,
    integers,
    noise_entity,
)
from yieldsim.supply.compile.designs import designs_of
from yieldsim.supply.compile.effects import effect_dates, effects_on
from yieldsim.supply.compile.memory import records
from yieldsim.supply.compile.planning import planning_of
from yieldsim.supply.compile.visits import Visits
from yieldsim.supply.kernels.records import (
    EXPONENTIAL,
    NO_LEARNING,
    POWER,
    AllocationEntry,
    BankDraw,
    FabRoutes,
    FleetCurves,
    OtherDie,
    PackagingCapacity,
    PoolCurves,
    ProductPlan,
    RoutePlan,
    Structure,
)

_LEARNING = {type(None): NO_LEARNING, ExponentialLearning: EXPONENTIAL, PowerLearning: POWER}


def structure_of(model: Model, curves: Curves, start: StepOf, passes: Visits) -> Structure:
    """Return the structure of a model; its schedules are added to ``curves``.

    ``passes`` gives the tool groups that each segment of a route visits.
    """
    fabs, groups = model.fabs, list(model.tool_groups)
    fleets = _fleets(model, curves)
    fleet_names = [[noise_entity(f"fabs.{f}.fleets.{g}") for g in groups] for f in fabs]
    fab_rows, routes, route_names, entries = _routes(model, curves, passes.segments)
    learning = [process.learning for process in model.processes.values()]
    designs, min_good, harvest, bin_table = designs_of(model, curves.columns.sampler)
    order = by_tier(model)
    lines = [
        (curves.add(f"packaging.{n}.capacity", p.capacity), int(p.counts == "packages"))
        for n, p in model.packaging.items()
    ]
    products = [_product(model, curves, start, name, product) for name, product in order]
    banks, pools = _banks(model, curves), _pools(model, curves, start)
    on_tools, on_fab, on_density = effects_on(model)
    who, tiers = records(ProductPlan, products), _tiers(order)
    recipe = _recipes(model, order, min_good.shape[1])
    other, entry = records(OtherDie, _other_dies(model, order)), records(AllocationEntry, entries)
    kinds = [product.kind for _, product in order]
    return Structure(
        row=rows_of(model),
        curve_low=np.stack(curves.low),
        curve_high=np.stack(curves.high),
        fab=records(FabRoutes, fab_rows),
        fab_entity=np.array([noise_entity(f"fabs.{name}") for name in fabs], np.uint32),
        fleet=records(FleetCurves, fleets, len(fabs), len(groups), len(CLASSES)),
        fleet_entity=np.array(fleet_names, np.uint32).reshape(len(fabs), len(groups)),
        learning=integers([_LEARNING[type(kind)] for kind in learning], len(learning)),
        learning_start=np.array(
            [
                start(kind.start) if isinstance(kind, ExponentialLearning) else 0.0
                for kind in learning
            ]
        ),
        route=records(RoutePlan, routes),
        route_entity=np.array(route_names, np.uint32),
        visit_first=passes.first,
        visit_group=passes.group,
        entry=entry,
        die=designs,
        min_good=min_good,
        harvest=harvest,
        bin_table=bin_table,
        bank=records(BankDraw, banks),
        pool=records(PoolCurves, pools),
        line=records(PackagingCapacity, lines),
        tier=tiers,
        product=who,
        product_pool=_ranks(model.memory, [memory_pools(model, product) for _, product in order]),
        product_line=_ranks(model.packaging, [product.packaging for _, product in order]),
        recipe=recipe,
        other=other,
        no_tool_limit=integers(
            [{TOOLS, group} & set(model.simulation.no_limit) != set() for group in groups],
            len(groups),
        ),
        effect=effect_dates(model, start),
        effect_on_tools=on_tools,
        effect_on_fab=on_fab,
        effect_on_density=on_density,
        planning=planning_of(kinds, tiers, who, recipe, designs, other, entry),
    )


def rows_of(model: Model) -> np.ndarray:
    """Return the row of the results of each step: a quarter, the warm-up, or after the end."""
    per_quarter = model.simulation.steps_per_quarter
    quarters = len(quarter_range(model.simulation.start, model.simulation.end))
    warmup = model.simulation.warmup_quarters * per_quarter
    steps = np.arange(quarters * per_quarter) // per_quarter
    return np.concatenate([np.full(warmup, quarters), steps, [quarters + 1]])


def _fleets(model: Model, curves: Curves) -> list[tuple[int, int]]:
    """Return the curves of each fab, group and class: tools and retired tools; -1 for no fleet."""
    rows = []
    for path, fleet in fleets_of(model):
        if fleet is None:
            rows.append((-1, -1))
            continue
        count = curves.add(f"{path}.count", fleet.count)
        rows.append((count, curves.add(f"{path}.retired", fleet.retired)))
    return rows


def _routes(
    model: Model, curves: Curves, segments: list[int]
) -> tuple[list[Any], list[Any], list[int], list[Any]]:
    """Return the records of fabs and routes, the noise identities of routes, and the entries."""
    processes, dies, for_ai = list(model.processes), list(model.dies), ai_designs(model)
    fabs: list[Any] = []
    routes: list[Any] = []
    names: list[int] = []
    entries: list[Any] = []
    places: dict[tuple[str, str], int] = {}
    for f, (fab_name, fab) in enumerate(model.fabs.items()):
        first_route = len(routes)
        for process, plan in fab.plan.items():
            curve = curves.add(f"fabs.{fab_name}.plan.{process}", plan)
            first = len(entries)
            for die, weight in fab.allocation[process].items():
                path = f"fabs.{fab_name}.allocation.{process}.{die}"
                index = -1 if die == OTHER else dies.index(die)
                kind = int(die in for_ai), int(weight.share_of == AI)
                entries.append((index, curves.add(path, weight), *kind))
            p, own = processes.index(process), fab.learning.get(process)
            mother = -1 if own is None else places.get((own.copied_from or "", process), -1)
            places[fab_name, process] = len(routes)
            cuts = segments[p] if fab.fleets else 1
            routes.append((f, p, curve, first, len(entries), cuts, int(own is not None), mother))
            names.append(noise_entity(f"fabs.{fab_name}.plan.{process}"))
        fabs.append((first_route, len(routes), 1 if fab.fleets else 0))
    return fabs, routes, names, entries


def _banks(model: Model, curves: Curves) -> list[tuple[int, int, int]]:
    dies = list(model.dies)
    return [
        (
            dies.index(bank.die),
            list(model.dies[bank.die].bins).index(bank.bin),
            curves.add(f"die_banks.{name}.draw", bank.draw),
        )
        for name, bank in model.die_banks.items()
    ]


def _pools(model: Model, curves: Curves, start: StepOf) -> list[tuple[float, ...]]:
    lines = list(model.dram_lines)
    wafers_of = [
        curves.add(f"dram_lines.{name}.wafers", line.wafers)
        for name, line in model.dram_lines.items()
    ]
    rows: list[tuple[float, ...]] = []
    for name, pool in model.memory.items():
        path, maker = f"memory.{name}.maker", pool.maker
        deliveries = curves.add(f"memory.{name}.deliveries", pool.deliveries)
        pace = (start(pool.paced_from) if pool.paced_from else 0.0, start(pool.lasts_until))
        if maker is None:
            rows.append((deliveries, -1, -1, -1, -1, -1, 0, *pace))
            continue
        line = lines.index(maker.dram_line) if maker.dram_line else -1
        own = curves.add(f"{path}.wafers", maker.wafers)
        rows.append(
            (
                deliveries,
                own if line < 0 else wafers_of[line],
                curves.add(f"{path}.stack_yield", maker.stack_yield),
                curves.add(f"{path}.die_yield", maker.die_yield),
                line,
                curves.add(f"{path}.line_weight", maker.line_weight),
                int(maker.dram_die_mm2 is not None),
                *pace,
            )
        )
    return rows


def _tiers(order: list[tuple[str, Product]]) -> np.ndarray:
    tiers = [product.tier for _, product in order]
    first = [k for k, tier in enumerate(tiers) if k == 0 or tier != tiers[k - 1]]
    return np.array([*first, len(order)], dtype=np.int64)


def _product(
    model: Model, curves: Curves, start: StepOf, name: str, product: Product
) -> tuple[float, ...]:
    return (
        list(model.products).index(name),
        list(model.dies).index(product.die),
        product.dies_per_package,
        curves.add(f"products.{name}.die_share", product.die_share),
        product.stacks_per_package,
        curves.add(f"products.{name}.demand", product.demand),
        len(recipes(product, model.dies[product.die])),
        int(product.pairing == "random"),
        start(product.start),
        start(product.end),
    )


def _recipes(model: Model, order: list[tuple[str, Product]], bins: int) -> np.ndarray:
    """Return dies of each bin in a package, then the bin it is sold in: (product, recipe, bin)."""
    chosen = [recipes(product, model.dies[product.die]) for _, product in order]
    made = np.zeros((len(order), max(map(len, chosen)), bins + 1), np.int64)
    for i, own in enumerate(chosen):
        for r, (counts, sold) in enumerate(own):
            made[i, r, : len(counts)] = counts
            made[i, r, bins] = sold
    return made


def _other_dies(model: Model, order: list[tuple[str, Product]]) -> list[tuple[int, int, int]]:
    dies = list(model.dies)
    return [
        (i, dies.index(name), count)
        for i, (_, product) in enumerate(order)
        for name, count in product.other_dies.items()
    ]


def _ranks(names: Iterable[str], chosen: Sequence[Sequence[str]]) -> np.ndarray:
    """Return the indices of each product's choices among ``names``, (product, rank), or -1."""
    places = list(names)
    ranks = max(1, *map(len, chosen))
    rows = [[places.index(name) for name in own] + [-1] * (ranks - len(own)) for own in chosen]
    return integers(rows, len(chosen), ranks)
