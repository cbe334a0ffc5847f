"""The structure of a model, the same in all realizations. A curve of -1 stands for no schedule."""

from __future__ import annotations

from typing import NamedTuple

from yieldsim.kernels.jit_tables import by_address
from yieldsim.supply.kernels.records.plan import Planning
from yieldsim.supply.kernels.records.tables import Floats, Ints, Records, Records3, Words


class RoutePlan:
    """A process in a fab.

    `own_learning` is 1 where the line does not share the learning of its process. `copied_from` is
    the route of the same process that it was copied from, -1 for none.
    """

    fab: int
    process: int
    plan_curve: int
    first_entry: int
    end_entry: int
    segments: int
    own_learning: int
    copied_from: int


class FabRoutes:
    """The routes of a fab, from the first to before the end. `equipped` is 1 where it has tools."""

    first_route: int
    end_route: int
    equipped: int


class FleetCurves:
    """The tools of a class in a group of a fab: curves of the tools in place and retired."""

    count_curve: int
    retired_curve: int


class AllocationEntry:
    """A share of a route's wafers. A die of -1 stands for designs outside the model.

    `for_ai` is 1 where an AI product uses the design. `shares_ai` is 1 where the curve is a share
    of the wafers of all such designs instead of a weight.
    """

    die: int
    share_curve: int
    for_ai: int
    shares_ai: int


class DieDesign:
    """A die design.

    `deep` is 1 where the alternating sum of its harvest would cancel. `tabled` is 1 where
    `Structure.bin_table` holds its bins by density. `killing_part` is the part of its susceptible
    area on which a defect can kill.
    """

    cores: int
    bins: int
    deep: int
    tabled: int
    table_first: int
    table_cells: int
    killing_part: float


class BankDraw:
    """A die bank: dies made elsewhere."""

    die: int
    bin: int
    draw_curve: int


class PoolCurves:
    """A pool of memory stacks: deliveries, and the wafers and yields of its maker.

    Pools with the same `dram_line` divide its wafers by weight; -1 for wafers of its own. A weight
    or die yield of -1 stands for 1. `by_geometry` is 1 where stacks follow from the DRAM die. A
    planner that begins to pace at `paced_step` makes the stacks last until `last_step`, which is
    infinite for no such date.
    """

    deliveries_curve: int
    wafers_curve: int
    yield_curve: int
    die_yield_curve: int
    dram_line: int
    weight_curve: int
    by_geometry: int
    paced_step: float
    last_step: float


class PackagingCapacity:
    """A packaging line, whose capacity counts packages or else interposer wafers."""

    capacity_curve: int
    counts_packages: int


class ProductPlan:
    """A product. `coordinate` is its place in the model's own order."""

    coordinate: int
    die: int
    dies_per_package: int
    share_curve: int
    stacks_per_package: int
    demand_curve: int
    recipes: int
    random_pairing: int
    start_step: float
    end_step: float


class OtherDie:
    """Dies of another design in a product's package."""

    product: int
    die: int
    count: int


class EffectDates:
    """The dates of an event's effect.

    Its factors hold from the start to before the end. With a ramp they are raised to the power of
    the quarters since the start. No tool is delivered after `last_delivery_step`, no tool produces
    before `first_production_step`, and no wafer starts before `first_start_step`.
    """

    start_step: float
    end_step: float
    ramp: int
    last_delivery_step: float
    first_production_step: float
    first_start_step: float


NO_LEARNING, EXPONENTIAL, POWER = range(3)  # kinds of learning


@by_address
class Clock(NamedTuple):
    """Steps, their length, and switches. ``first_draw`` is the absolute number of step 0."""

    steps: int
    warmup_steps: int
    steps_per_quarter: int
    flow_steps: int  # parts of a step in which passes are granted and wafers move
    quarters: int
    hours_per_step: float
    days_per_step: float
    first_draw: int
    noise: bool
    no_memory_limit: bool
    no_packaging_limit: bool
    no_demand_limit: bool
    no_plan_limit: bool
    no_defects: bool
    mixed: bool  # after the warm-up, plans are those of `mix_entry` and `mix_product`
    planned: bool  # a planner makes the plans of the quarters
    planned_warmup: bool  # a planner makes those of the warm-up
    worth: int  # what a planner values a package by


@by_address
class Structure(NamedTuple):
    """The structure of a model, the same in all realizations: indices, calendar, weights."""

    row: Ints  # T + 1, row of the results of each step; the last is for all steps after the end
    curve_low: Floats  # S T
    curve_high: Floats  # S T
    fab: Records[FabRoutes]  # F
    fab_entity: Words  # F, identity in the noise
    fleet: Records3[FleetCurves]  # F G C
    fleet_entity: Words  # F G, identity in the noise
    learning: Ints  # P, kind of learning
    learning_start: Floats  # P, step
    route: Records[RoutePlan]  # N
    route_entity: Words  # N, identity in the noise
    visit_first: Ints  # P J+1, first visit of each segment of a process, and the end
    visit_group: Ints  # V, tool group
    entry: Records[AllocationEntry]  # M
    die: Records[DieDesign]  # D
    min_good: Ints  # D B
    harvest: Floats  # D B J, weights of the yields of the fatal area and lowest + j cores
    bin_table: Floats  # D cell B coefficient, as wafer.kernels.classes reads them
    bank: Records[BankDraw]  # K
    pool: Records[PoolCurves]  # H
    line: Records[PackagingCapacity]  # L
    tier: Ints  # first product of each tier, and the number of products
    product: Records[ProductPlan]  # I
    product_pool: Ints  # I rank
    product_line: Ints  # I rank
    recipe: Ints  # I recipe B+1, dies of each bin in a package, then the bin it is sold in
    other: Records[OtherDie]  # dies of other designs in a package
    no_tool_limit: Ints  # G, 1 where tools shall limit nothing
    effect: Records[EffectDates]  # E
    effect_on_tools: Ints  # E F G C, 1 where an effect concerns these tools
    effect_on_fab: Ints  # E F
    effect_on_density: Ints  # E F P
    planning: Planning
