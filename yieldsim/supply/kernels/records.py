"""The records that supply kernels work on: structure, worlds, states and results.

Realizations are simulated side by side, at most `LANES` of them. A field of a World, State or Tally
record holds one number a realization: the last axis is the lane, marked k below. A stage is then a
short loop over lanes of one piece of memory each, and the lanes share what it costs to find them.

Tables of records are named after what a record describes. Their axes: F fab, G tool group, C class
(0 imported, 1 domestic), P process, N route (a process in a fab, sorted by fab), J segment of a
route, V visit (of a group by a segment, sorted by process and segment), M allocation entry (sorted
by route), D die, B bin, K die bank, H memory pool, L packaging line, I product (sorted by tier), E
effect of an event, S curve, T step, R row of the results (the quarters, then the warm-up, then what
ends too late).

The fields of a World table are those of the model's schema, and the fields of a Tally table are the
variables of `yieldsim.outputs`: a kernel that reads a name which neither has does not compile.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from yieldsim.outputs import FLEET, OUTPUTS, ROUTE

LANES = 16  # two cache lines of doubles; 8 and 32 were slower (benchmarks/README.md)
CLASSES = 2  # of tools: imported and domestic

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Words = NDArray[np.uint32]
Lanes = Floats  # (k)
ClassLanes = Floats  # (C, k)

# how a field of an annotated record class lies in memory
_FORMS: dict[str, tuple[Any, ...]] = {
    "int": (np.int64,),
    "float": (np.float64,),
    "Lanes": (np.float64, (LANES,)),
    "ClassLanes": (np.float64, (CLASSES, LANES)),
}


def record_dtype(fields: type) -> np.dtype[Any]:
    """The record type of a class whose annotations name the fields."""
    return np.dtype([(name, *_FORMS[kind]) for name, kind in fields.__annotations__.items()])


def lanes_dtype(names: tuple[str, ...]) -> np.dtype[Any]:
    """A record type of named fields with one number a lane."""
    return np.dtype([(name, np.float64, (LANES,)) for name in names])


Record_co = TypeVar("Record_co", covariant=True)


class Table(Protocol[Record_co]):
    """An array of records: a place gives a record, a name gives that field of all records."""

    shape: tuple[int, ...]

    @overload
    def __getitem__(self, place: str) -> NDArray[Any]: ...
    @overload
    def __getitem__(self, place: int | tuple[int, ...]) -> Record_co: ...
    def __len__(self) -> int: ...


class Parameters(Protocol):
    """A record of a World, with the fields of its table in the model's schema."""

    def __getattr__(self, name: str) -> Lanes: ...


class Results(Protocol):
    """A record of a Tally, with the variables of `yieldsim.outputs` that have its dims."""

    def __getattr__(self, name: str) -> Lanes: ...


# ---- Structure: what does not change between realizations. A curve of -1: there is none.
class Route:
    """A process in a fab."""

    fab: int
    process: int
    plan_curve: int
    first_entry: int
    end_entry: int
    segments: int


class Fab:
    """The routes of a fab, from the first to before the end; equipped: it has tools."""

    first_route: int
    end_route: int
    equipped: int


class Fleet:
    """The tools of a class in a group of a fab."""

    count_curve: int
    retired_curve: int


class Entry:
    """A share of a route's wafers; a die of -1: designs outside the model."""

    die: int
    share_curve: int


class Design:
    """A die. Deep: the alternating sum of its harvest would cancel; tabled: its bins by density
    stand in `Structure.bin_table`; the killing part is where a defect can kill."""

    cores: int
    bins: int
    deep: int
    tabled: int
    table_first: int
    table_cells: int
    killing_part: float


class Bank:
    """Dies made elsewhere."""

    die: int
    bin: int
    draw_curve: int


class Pool:
    """A pool of memory stacks: deliveries, and the wafers and yield of its maker."""

    deliveries_curve: int
    wafers_curve: int
    yield_curve: int


class PackagingLine:
    """A packaging line, counted in packages or else in interposer wafers."""

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
    """When an event has its effect.

    Its factors hold from the start to before the end; with a ramp they are powers of the quarters
    since the start. No tool is delivered after `last_delivery_step`, none produces before
    `first_production_step`, and no wafer starts before `first_start_step`.
    """

    start_step: float
    end_step: float
    ramp: int
    last_delivery_step: float
    first_production_step: float
    first_start_step: float


NO_LEARNING, EXPONENTIAL, POWER = range(3)  # kinds of learning


class Clock(NamedTuple):
    """Steps and their length; ``first_draw`` is the absolute number of step 0."""

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
    mixed: bool  # wafers and packages follow `mix_entry` and `mix_product`, not shares


class Structure(NamedTuple):
    """What does not change between realizations: indices, calendar, weights."""

    row: Ints  # T, row of the results that a step belongs to; the last: all steps after the end
    curve_low: Floats  # S T
    curve_high: Floats  # S T
    fab: Table[Fab]  # F
    fleet: Table[Fleet]  # F G C
    fleet_entity: Words  # F G, noise
    learning: Ints  # P, kind
    learning_start: Floats  # P, step
    route: Table[Route]  # N
    route_entity: Words  # N, noise
    visit_first: Ints  # P J+1, first visit of each segment of a route, and the end
    visit_group: Ints  # V
    entry: Table[Entry]  # M
    die: Table[Design]  # D
    min_good: Ints  # D B
    harvest: Floats  # D B J, weights of the yields of the fatal area and lowest + j cores
    bin_table: Floats  # D cell B coefficient, as wafer.kernels.classes reads them
    bank: Table[Bank]  # K
    pool: Table[Pool]  # H
    line: Table[PackagingLine]  # L
    tier: Ints  # first product of each tier, and their number
    product: Table[ProductPlan]  # I
    product_pool: Ints  # I rank
    product_line: Ints  # I rank
    recipe: Ints  # I recipe B+1, dies of each bin in a package; the last is the bin it is sold in
    other: Table[OtherDie]  # dies of other designs in a package
    no_tool_limit: Ints  # G
    effect: Table[EffectDates]  # E
    effect_on_tools: Ints  # E F G C, 1 where an effect concerns these tools
    effect_on_fab: Ints  # E F
    effect_on_density: Ints  # E F P


class World(NamedTuple):
    """The parameters of each lane's realization, views of one flat buffer."""

    curve: Table[Parameters]  # S, position and scale
    tool: Table[Parameters]  # G C
    group: Table[Parameters]  # G
    fab: Table[Parameters]  # F
    fleet: Table[Parameters]  # F G C
    process: Table[Parameters]  # P
    learning: Table[Parameters]  # P, the fields of all kinds of learning
    wafer: Parameters
    die: Table[Parameters]  # D
    pool: Table[Parameters]  # H
    maker: Table[Parameters]  # H
    product: Table[Parameters]  # I
    performance: Table[Parameters]  # I B
    effect: Table[Parameters]  # E, the factors of `supply.compile.effects`
    # last, as they are filled in after the draw
    visits: Floats  # P G k, passes of a wafer, rework and sampling included
    visit: Floats  # V k, those of one group in one segment of a route
    # no quarters where wafers follow the shares
    mix_entry: Floats  # quarter M k, part of what shares give the designs it moves; -1: not moved
    mix_product: Floats  # quarter I rank k, packages a step with stacks of that rank; inf: any


# ---- State: what the lanes carry from step to step
class EffectState:
    """The factors of an effect in the step, one where it has none."""

    mttf_ratio: Lanes
    mttr_ratio: Lanes
    kept_share: Lanes  # of the tools
    capacity_ratio: Lanes
    d0_ratio: Lanes


class FleetState:
    """The tools of a class in a group of a fab."""

    kpasses: Lanes  # thousand passes made so far
    repair_hours: Lanes  # hours of repair that are still to come


class GroupState:
    """A tool group of the fab at hand. Fields from `mean_passes` on are sums of the step."""

    load: Lanes  # passes asked for
    wait_days: Lanes  # per visit
    grantable: Lanes  # passes that are left in a part of a step
    granted_ratio: Lanes
    tight: Lanes  # 1 where more passes are asked for than can be made
    need: Lanes
    looked_at: Lanes  # the first lane alone: 1 where the group is tight in any lane
    mean_passes: Lanes  # possible by the mean availability
    rated_passes: Lanes  # possible without any stop
    tool_count: Lanes
    mttr_hours: Lanes
    repair_cv2: Lanes
    possible_passes: Lanes  # possible by the luck of the step
    made_passes: Lanes
    share: ClassLanes  # of the possible passes
    defect_adder: ClassLanes
    tools: ClassLanes
    availability: ClassLanes


class RouteState:
    """A route: wafers a step unless said otherwise."""

    wafers_so_far: Lanes
    wip: Lanes
    oldest_cohort: Lanes  # step at which the wafers started that leave next
    planned: Lanes
    allowed: Lanes  # what plan and tools allow in the long run
    starts: Lanes
    held_by: Lanes  # constraint on the starts
    outs: Lanes  # in a part of a step
    last_outs: Lanes  # in the step before, then in the step


class Cohort:
    """The wafers that a route started in a step."""

    started: Lanes
    remaining: Lanes
    front: Lanes  # how far they are on a route without tools


class Segment:
    """A segment of a route: wafers in it, steps to cross it, wafers that go on."""

    wafers: Lanes
    pace_steps: Lanes
    moving: Lanes  # in a part of a step
    permitted: Lanes  # part of those that tools permit
    moved: Lanes  # in the step


class DieState:
    """The dies of a design, and what holds them down."""

    gross_dies: Lanes  # per wafer
    bad_in_stock: Lanes
    limit: Lanes  # constraint that costs most dies
    limit_wafers: Lanes  # wafers of the route that said so
    from_fabs: Lanes  # dies of the step
    from_banks: Lanes


class BinState:
    """The dies of a bin."""

    stock: Lanes
    offer: Lanes


class ProductState:
    """Packages of a product in the step."""

    wanted: Lanes
    granted: Lanes
    die_share: Lanes  # share of its design's dies; 0 where it is not in production
    limit: Lanes  # constraint of the step
    longest_limit: Lanes  # constraint of most steps in the quarter
    longest_steps: Lanes


class Scratch:
    """Numbers of one stage, filled and read within a step."""

    capacity_left: Lanes  # what accidents leave of a fab's capacity
    d0_factor: Lanes  # what events do to the density
    allowed_fraction: Lanes  # of the plan, by the group with the least capacity over load
    scarcest_group: Lanes
    mttf_ratio: Lanes
    mttr_ratio: Lanes
    kept_share: Lanes
    failure_uniform: Lanes
    repair_uniform: Lanes
    d0_per_cm2: Lanes
    adder_sum: Lanes
    adder_weight: Lanes
    weight_sum: Lanes
    systematic_yield: Lanes
    cluster_factor: Lanes  # density of the period's wafers over its mean
    alpha_within: Lanes  # clustering that is left within the period
    usage: Lanes
    usage_power: Lanes
    failure_cv2: Lanes
    need: Lanes


class State(NamedTuple):
    """What the lanes carry from step to step."""

    effect: Table[EffectState]  # E
    fleet: Table[FleetState]  # F G C
    recent: Floats  # F G k, passes made a step, a mean that forgets
    group: Table[GroupState]  # G, of the fab at hand
    route: Table[RouteState]  # N
    cohort: Table[Cohort]  # N T
    segment: Table[Segment]  # N J
    exits: Floats  # N T R k, wafers of a cohort that left in each row; no steps where none asks
    weight: Floats  # T M k, share of a cohort's wafers
    bin_yield: Floats  # T M B+1 k; the last is escapes
    die: Table[DieState]  # D
    tail: Floats  # B, of one lane
    available: Floats  # B, of one lane
    die_bin: Table[BinState]  # D B
    stacks: Floats  # H k
    line_left: Floats  # L k
    product: Table[ProductState]  # I
    held: Floats  # I code k, steps in the quarter
    taken: Floats  # I rank k, stacks taken in the step
    planned: Floats  # I rank k, packages of the mix that are not begun yet
    scratch: Scratch


# ---- Tally: the results. Its tables by the dims of their variables, and fields that are no output.
TALLY_DIMS: dict[str, tuple[str, ...]] = {
    "route": ROUTE,
    "group": ("fab", "tool_group"),
    "fleet": FLEET,
    "die": ("die",),
    "die_bin": ("die", "bin"),
    "pool": ("memory",),
    "line": ("packaging",),
    "product": ("product",),
    "product_bin": ("product", "bin"),
}
_WORKING: dict[str, tuple[str, ...]] = {"group": ("passes_possible",)}


def tally_fields(table: str) -> tuple[str, ...]:
    """The fields of a table of the tally: the outputs that have its dims, and working sums."""
    dims = TALLY_DIMS[table]
    return (*(v.name for v in OUTPUTS if v.dims == dims), *_WORKING.get(table, ()))


class Tally(NamedTuple):
    """Results of the lanes, views of one flat buffer (place, k)."""

    route: Table[Results]  # R N
    group: Table[Results]  # R F G
    fleet: Table[Results]  # R F G C; no rows where no output asks
    die: Table[Results]  # R D
    die_bin: Table[Results]  # R D B
    pool: Table[Results]  # R H
    line: Table[Results]  # R L
    product: Table[Results]  # R I, in the order of `Structure.product`
    product_bin: Table[Results]  # R I B
