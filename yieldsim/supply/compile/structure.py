"""What does not change between realizations: indices, calendar, harvest weights."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

from yieldsim.model import Model
from yieldsim.model.limits import TOOLS
from yieldsim.model.recipes import recipes
from yieldsim.model.references import memory_pools
from yieldsim.model.schema import Die, ExponentialLearning, Product
from yieldsim.model.schema.calendar import quarter_range
from yieldsim.model.schema.fabs import OTHER
from yieldsim.supply.compile.columns import (
    CLASSES,
    EVENTS,
    LEARNING,
    Curves,
    StepOf,
    by_tier,
    noise_entity,
    table,
)
from yieldsim.supply.compile.floorplans import floorplan_tables, stacked_tables
from yieldsim.supply.compile.visits import Visits
from yieldsim.supply.kernels import records as a

# up to this the alternating sum of a harvest is right to about 1e-6; beyond, a quadrature is used
_LARGEST_WEIGHT = 1e10


def structure_of(model: Model, curves: Curves, start: StepOf, passes: Visits) -> a.Structure:
    """The structure of a model, adding its schedules to ``curves`` on the way.

    ``passes`` say which tool groups a segment of a route visits.
    """
    fabs, groups = model.fabs, list(model.tool_groups)
    fleets = np.full((len(fabs), len(groups), 2, 2), -1, np.int64)
    for f, (name, fab) in enumerate(fabs.items()):
        for group, classes in fab.fleets.items():
            for kind, fleet in classes.items():
                path = f"fabs.{name}.fleets.{group}.{kind}"
                place = fleets[f, groups.index(group), CLASSES.index(kind)]
                place[a.FLEET_COUNT] = curves.add(f"{path}.count", fleet.count)
                place[a.FLEET_RETIRED] = curves.add(f"{path}.retired", fleet.retired)
    fleet_names = [[noise_entity(f"fabs.{f}.fleets.{g}") for g in groups] for f in fabs]
    fab_table, route, route_names, entry = _routes(model, curves, passes.segments)
    learning = [p.learning for p in model.processes.values()]
    min_good, harvest, deep = _harvest(model)
    tables = floorplan_tables(model, curves.columns.sampler)
    bin_table, table_row, kill = stacked_tables(tables, min_good.shape[1])
    dies = [
        [die.cores, len(die.bins), is_deep, *row]
        for die, is_deep, row in zip(model.dies.values(), deep, table_row, strict=True)
    ]
    order = by_tier(model)
    lines = [
        [curves.add(f"packaging.{n}.capacity", p.capacity), int(p.counts == "packages")]
        for n, p in model.packaging.items()
    ]
    recipe = _recipes(model, order, min_good.shape[1])
    products = [_product_row(model, curves, name, product) for name, product in order]
    bank, pool = _bank(model, curves), _pool(model, curves)
    steps = [[start(p.start), start(p.end)] for _, p in order]
    kinds, event_steps, hits = _events(model, start)
    return a.Structure(
        row=rows_of(model),
        curve=np.stack([curves.low, curves.high], axis=1),
        fab=fab_table,
        fleet_curve=fleets,
        fleet_entity=np.array(fleet_names, np.uint32).reshape(len(fabs), len(groups)),
        learning=table([LEARNING[type(one)][0] for one in learning], len(learning)),
        learning_start=np.array(
            [start(one.start) if isinstance(one, ExponentialLearning) else 0.0 for one in learning]
        ),
        route=route,
        route_entity=route_names,
        visit_first=passes.first,
        visit_group=passes.group,
        entry=entry,
        die=table(dies, len(dies), 6),
        min_good=min_good,
        harvest=harvest,
        bin_table=bin_table,
        kill=kill,
        bank=bank,
        pool=pool,
        line=table(lines, len(lines), 2),
        tier=_tiers(order),
        product=table(products, len(order), 8),
        product_steps=np.array(steps),
        product_pool=_ranks(model.memory, [memory_pools(model, one) for _, one in order]),
        product_line=_ranks(model.packaging, [one.packaging for _, one in order]),
        recipe=recipe,
        other=_other_dies(model, order),
        no_tool_limit=table(
            [{TOOLS, group} & set(model.simulation.no_limit) != set() for group in groups],
            len(groups),
        ),
        event=kinds,
        event_steps=event_steps,
        event_hits=hits,
        event_process=_processes_hit(model),
    )


def rows_of(model: Model) -> np.ndarray:
    """The row of the results of each step: a quarter, then the warm-up, then what ends too late."""
    per_quarter = model.simulation.steps_per_quarter
    quarters = len(quarter_range(model.simulation.start, model.simulation.end))
    warmup = model.simulation.warmup_quarters * per_quarter
    steps = np.arange(quarters * per_quarter) // per_quarter
    return np.concatenate([np.full(warmup, quarters), steps, [quarters + 1]])


def _routes(
    model: Model, curves: Curves, cuts: list[int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Fabs, routes, their noise and the allocation of their wafers."""
    processes, dies = list(model.processes), list(model.dies)
    fabs: list[list[int]] = []
    routes: list[list[int]] = []
    names: list[int] = []
    entries: list[list[int]] = []
    for f, (fab_name, fab) in enumerate(model.fabs.items()):
        first_route = len(routes)
        for process, plan in fab.plan.items():
            curve = curves.add(f"fabs.{fab_name}.plan.{process}", plan)
            first = len(entries)
            for die, weight in fab.allocation[process].items():
                path = f"fabs.{fab_name}.allocation.{process}.{die}"
                index = -1 if die == OTHER else dies.index(die)
                entries.append([index, curves.add(path, weight)])
            p = processes.index(process)
            routes.append([f, p, curve, first, len(entries), cuts[p] if fab.fleets else 1])
            names.append(noise_entity(f"fabs.{fab_name}.plan.{process}"))
        fabs.append([first_route, len(routes), 1 if fab.fleets else 0])
    return (
        table(fabs, len(fabs), 3),
        table(routes, len(routes), 6),
        np.array(names, np.uint32),
        table(entries, len(entries), 2),
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


def _bank(model: Model, curves: Curves) -> np.ndarray:
    dies = list(model.dies)
    rows = [
        [
            dies.index(bank.die),
            list(model.dies[bank.die].bins).index(bank.bin),
            curves.add(f"die_banks.{name}.draw", bank.draw),
        ]
        for name, bank in model.die_banks.items()
    ]
    return table(rows, len(rows), 3)


def _pool(model: Model, curves: Curves) -> np.ndarray:
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
    return table(rows, len(rows), 3)


def _tiers(order: list[tuple[str, Product]]) -> np.ndarray:
    tiers = [product.tier for _, product in order]
    first = [k for k, tier in enumerate(tiers) if k == 0 or tier != tiers[k - 1]]
    return np.array([*first, len(order)], dtype=np.int64)


def _product_row(model: Model, curves: Curves, name: str, product: Product) -> list[int]:
    return [
        list(model.products).index(name),
        list(model.dies).index(product.die),
        product.dies_per_package,
        curves.add(f"products.{name}.die_share", product.die_share),
        product.stacks_per_package,
        curves.add(f"products.{name}.demand", product.demand),
        len(recipes(product, model.dies[product.die])),
        int(product.pairing == "random"),
    ]


def _recipes(model: Model, order: list[tuple[str, Product]], bins: int) -> np.ndarray:
    """Dies of each bin in a package and the bin it is sold in, (product, recipe, bin + 1)."""
    found = [recipes(product, model.dies[product.die]) for _, product in order]
    made = np.zeros((len(order), max(map(len, found)), bins + 1), np.int64)
    for i, several in enumerate(found):
        for r, (counts, sold) in enumerate(several):
            made[i, r, : len(counts)] = counts
            made[i, r, bins] = sold
    return made


def _other_dies(model: Model, order: list[tuple[str, Product]]) -> np.ndarray:
    dies = list(model.dies)
    rows = [
        [i, dies.index(name), count]
        for i, (_, product) in enumerate(order)
        for name, count in product.other_dies.items()
    ]
    return table(rows, len(rows), 3)


def _ranks(names: Iterable[str], chosen: Sequence[Sequence[str]]) -> np.ndarray:
    """Places of what each product chooses, padded with -1."""
    places = list(names)
    ranks = max(1, *(len(several) for several in chosen))
    rows = [
        [places.index(name) for name in several] + [-1] * (ranks - len(several))
        for several in chosen
    ]
    return table(rows, len(chosen), ranks)


def _events(model: Model, start: StepOf) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    kinds, steps = [], []
    # an event of no group stands in the first column too, also where a model has no groups
    groups = list(model.tool_groups) or [""]
    hits = np.zeros((len(model.events), len(model.fabs), len(groups)), np.int64)
    for e, event in enumerate(model.events.values()):
        tool_class = getattr(event, "tool_class", None)
        number = CLASSES.index(tool_class) if tool_class else a.BOTH_CLASSES
        kinds.append([EVENTS[type(event)][0], number])
        end = start(getattr(event, "end", None)) + start.steps_per_quarter
        steps.append([start(event.start), end])  # the last quarter is included
        chosen = getattr(event, "groups", ())
        for f, fab in enumerate(model.fabs):
            for g, group in enumerate(groups):
                in_group = not chosen or group in chosen
                hits[e, f, g] = (not event.fabs or fab in event.fabs) and in_group
    return table(kinds, len(kinds), 2), np.array(steps, float).reshape(len(kinds), 2), hits


def _processes_hit(model: Model) -> np.ndarray:
    """Which processes an event concerns, (event, process); all where it names none."""
    rows = [
        [not (chosen := getattr(event, "processes", ())) or p in chosen for p in model.processes]
        for event in model.events.values()
    ]
    return table(rows, len(rows), len(model.processes))
