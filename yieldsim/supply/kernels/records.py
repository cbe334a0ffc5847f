"""The arrays that kernels work on: structure, some realizations' worlds, states and results.

Realizations are simulated side by side, at most `LANES` of them: the last axis of a World, State or
Tally array is the lane, marked k below. So a stage is a short loop over lanes of one piece of
memory each, and what it costs to find the arrays is shared by the lanes.

Axes: F fab, G tool group, C class (0 imported, 1 domestic), P process, N route (a process in a fab,
sorted by fab), J segment of a route, V visit (of a group by a segment, sorted by process and
segment), M allocation entry (sorted by route), D die, B bin, K die bank, H memory pool, L packaging
line, I product (sorted by tier), E event, S curve, T step, R row of the results (the quarters, then
the warm-up, then what ends too late).

Few arrays with named last axes, because a kernel's arguments are flattened into array fields: a
hundred arrays made every call slow and compilation take minutes.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

LANES = 16  # two cache lines of doubles; 8 and 32 were slower (benchmarks/README.md)

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Words = NDArray[np.uint32]


def views(flat: Any, shapes: Any) -> list[Any]:
    """Views of the first axis of an array, one after another, each in its own shape."""
    found, at = [], 0
    for shape in shapes:
        size = math.prod(shape)
        found.append(flat[at : at + size].reshape(*shape, *flat.shape[1:]))
        at += size
    return found


# ---- last axes of Structure: indices, -1 says that there is none
ROUTE_FAB, ROUTE_PROCESS, ROUTE_PLAN, ROUTE_FIRST, ROUTE_LAST, ROUTE_SEGMENTS = range(6)
FAB_FIRST, FAB_LAST, FAB_EQUIPPED = range(3)
FLEET_COUNT, FLEET_RETIRED = range(2)
ENTRY_DIE, ENTRY_CURVE = range(2)
# deep: the alternating sum would cancel; tabled: bins by density stand in `bin_table`
DIE_CORES, DIE_BINS, DIE_DEEP, DIE_TABLED, DIE_TABLE_FIRST, DIE_TABLE_CELLS = range(6)
BANK_DIE, BANK_BIN, BANK_CURVE = range(3)
POOL_DELIVERIES, POOL_MAKER, POOL_YIELD = range(3)
(
    PRODUCT_PLACE,
    PRODUCT_DIE,
    PRODUCT_DIES_EACH,
    PRODUCT_SHARE,
    PRODUCT_STACKS,
    PRODUCT_DEMAND,
    PRODUCT_RECIPES,
    PRODUCT_RANDOM,
) = range(8)
OTHER_PRODUCT, OTHER_DIE, OTHER_COUNT = range(3)
LINE_CURVE, LINE_PACKAGES = range(2)  # the latter: counted in packages, not in interposer wafers
EVENT_KIND, EVENT_CLASS = range(2)
BOTH_CLASSES = -1
NO_LEARNING, EXPONENTIAL, POWER = range(3)
(
    SERVICE_LOSS,
    DELIVERIES_STOP,
    TOOLS_LOST,
    TOOL_QUALIFIED,
    FAB_STARTS,
    EXCURSION,
    ACCIDENT,
) = range(7)

# ---- last axes of World: values of parameters in the units of their fields
(
    RATE,
    PERFORMANCE,
    MTTF,
    MTTR,
    PM,
    ADDER,
    OVERLAY_SIGMA,
    INITIAL_ADDER,
    INITIAL_MTTF,
    MATURITY,
    REPAIR_CV2,
    ENGINEERING_TIME,
    NONSCHEDULED,
) = range(13)
INSTALL, QUALIFICATION = range(2)
GROUP_WEIGHT, GROUP_CV2 = range(2)
LOT_SIZE, ARRIVAL_CV2, WIP_CAP = range(3)
(
    D0,
    ALPHA,
    CLUSTER,
    RAW_DAYS,
    LINE_YIELD,
    ENGINEERING,
    OVERLAY_LAYERS,
    TOLERANCE,
    SYSTEMATIC,
    LEARNING_RATIO,
    LEARNING_SCALE,
    LEARNING_EXPONENT,
) = range(12)
(
    WIDTH,
    HEIGHT,
    GIVEN_GROSS,
    CORE_FRACTION,
    MEMORY_FRACTION,
    MEMORY_REPAIR,
    PARAMETRIC,
    OVERKILL,
    ESCAPE,
) = range(9)
DIAMETER, EDGE, SCRIBE = range(3)
STACKS_PER_WAFER, POOL_USABLE = range(2)
(
    SLIP,
    PER_WAFER,
    ASSEMBLY,
    BURN_IN,
    FINAL_TEST,
    REWORKED,
    REWORK_YIELD,
    LAG_DAYS,
    SAMPLES,
    FIELD_ESCAPES,
) = range(10)
TFLOPS, BANDWIDTH = range(2)

# ---- last axes of State
START, LEFT, FRONT = range(3)  # of a cohort
SEGMENT_FIELDS = 5
INSIDE, PACE, GO, PERMITTED, GONE = range(SEGMENT_FIELDS)  # of a segment; GO in a part of a step
# of a route; OLDEST is the cohort that leaves next, ALLOWED what plan and tools allow, OUT what
# leaves in a part of a step and LAST_OUT in the step (before)
WAFERS_SO_FAR, WIP, OLDEST, PLANNED, ALLOWED, STARTS, HELD_BY, OUT, LAST_OUT = range(9)
# of a group; CALM are the passes that it can make by its mean availability, PASSES by its luck;
# those from SHARE on are of a class, and of the next one behind it. LOOKED_AT is for all lanes, in
# the first. Sums of a step stand from CALM on
LOAD, WAIT, GRANTABLE, RATIO, TIGHT, NEED, LOOKED_AT = range(7)
CALM, PURE, COUNT, REPAIR, REPAIR_SPREAD, PASSES, MADE = range(7, 14)
SHARE, ADDER_NOW, TOOLS, UP = 14, 16, 18, 20
GROUP_FIELDS = 22
GROSS, STOCK_BAD, CAUSE, CAUSE_WAFERS, FROM_FABS, FROM_BANKS = range(6)  # of a die
STOCK, OFFER = range(2)  # of a die's bin
WANT, GRANTED, ACTIVE, LIMIT, LONGEST, LONGEST_STEPS = range(6)  # of a product
LANE_FIELDS = 17
# of a lane, within one stage: what accidents leave of capacity and how much dirt they bring, ...
(
    CAPACITY_LEFT,
    DIRT,
    FRACTION,
    BINDING,
    UPTIME_RATIO,
    REPAIR_RATIO,
    KEPT,
    LUCK,
    _SECOND_LUCK,
    DENSITY,
    WEIGHT,
    SURVIVE,
    FACTOR,
    ALPHA_LEFT,
    USAGE,
    USAGE_POWER,
    WAIT_CV2,
) = range(LANE_FIELDS)

# ---- first axes of Tally, named as the variables of the store
(
    T_PLAN,
    T_STARTS,
    T_OUTS,
    T_SCRAPPED,
    T_ENGINEERING,
    T_OTHER,
    T_WIP,
    T_CYCLE,  # days times wafers until the quarter is over
    T_X_FACTOR,  # days at the current load until the quarter is over
    T_D0,
) = range(10)
T_UTILIZATION, T_LOAD, T_POSSIBLE_IN_ALL = range(3)  # the first: passes until the quarter is over
T_TOOLS, T_UP, T_POSSIBLE, T_MADE = range(4)
(
    T_WAFERS,
    T_GROSS,
    T_BAD_PASSED,
    T_DIES_SCRAPPED,
    T_BANK,
    T_USED,
    T_STOCK,
    T_GROSS_STARTED,
    T_SALEABLE,
) = range(9)
T_STACKS_IN, T_STACKS_USED, T_STACK_STOCK = range(3)
T_CAPACITY, T_CAPACITY_USED = range(2)
(T_STARTED, T_FAILED, T_PACKAGES_WIP, T_USABLE, T_BINDING, T_H100, T_H100_BANDWIDTH) = range(7)


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
    curve: Floats  # S (low, high) T
    fab: Ints  # F FAB_
    fleet_curve: Ints  # F G C FLEET_
    fleet_entity: Words  # F G, noise
    learning: Ints  # P kind
    learning_start: Floats  # P, step
    route: Ints  # N ROUTE_
    route_entity: Words  # N, noise
    visit_first: Ints  # P J+1, first visit of each segment of a route, and the end
    visit_group: Ints  # V
    entry: Ints  # M ENTRY_
    die: Ints  # D DIE_
    min_good: Ints  # D B
    harvest: Floats  # D B J, weights of the yields of the fatal area and lowest + j cores
    bin_table: Floats  # D cell B coefficient, as kernels.working reads them
    kill: Floats  # D, part of the die on which a defect can kill
    bank: Ints  # K BANK_
    pool: Ints  # H POOL_
    line: Ints  # L LINE_
    tier: Ints  # first product of each tier, and their number
    product: Ints  # I PRODUCT_
    product_steps: Floats  # I, start and end
    product_pool: Ints  # I rank
    product_line: Ints  # I rank
    recipe: Ints  # I recipe B+1, dies of each bin in a package; the last is the bin it is sold in
    other: Ints  # OTHER_, dies of other designs in a package
    no_tool_limit: Ints  # G
    event: Ints  # E EVENT_
    event_steps: Floats  # E, start and end
    event_hits: Ints  # E F G
    event_process: Ints  # E P


class World(NamedTuple):
    """The parameters of each lane's realization, views of one flat buffer."""

    curve: Floats  # S (position, scale) k
    tool: Floats  # G C RATE... k
    group: Floats  # G GROUP_ k
    fab: Floats  # F LOT_SIZE... k
    delay: Floats  # F G C INSTALL... k, quarters
    process: Floats  # P D0... k
    wafer: Floats  # DIAMETER... k
    die: Floats  # D WIDTH... k
    pool: Floats  # H STACKS_PER_WAFER... k
    product: Floats  # I SLIP... k
    performance: Floats  # I B TFLOPS... k
    event: Floats  # E k, three factors
    # last, as they are filled in after the draw
    visits: Floats  # P G k, passes of a wafer, rework and sampling included
    visit: Floats  # V k, those of one group in one segment of a route
    # no quarters where wafers follow the shares
    mix_entry: Floats  # quarter M k, part of what shares give the designs it moves; -1: not moved
    mix_product: Floats  # quarter I rank k, packages a step with stacks of that rank; inf: any


class State(NamedTuple):
    """What the lanes carry from step to step."""

    event: Floats  # E (first, second, third) k, factors of the step
    passes: Floats  # F G C k, thousand passes so far
    repairs: Floats  # F G C k, hours of repair that are still to come
    recent: Floats  # F G k, passes made a step, a mean that forgets
    group: Floats  # LOAD... G k, of the fab at hand; a field in one piece, for loops over groups
    route: Floats  # N WAFERS_SO_FAR... k
    cohort: Floats  # N T START... k
    segment: Floats  # N J INSIDE... k
    exits: Floats  # N T R k, wafers of a cohort that left in each row; no steps where none asks
    weight: Floats  # T M k, share of a cohort's wafers
    bin_yield: Floats  # T M B+1 k; the last is escapes
    die: Floats  # D GROSS... k
    tail: Floats  # B, of one lane
    avail: Floats  # B, of one lane
    stock: Floats  # D B STOCK... k
    stacks: Floats  # H k
    line_left: Floats  # L k
    product: Floats  # I WANT... k
    held: Floats  # I code k, steps in the quarter
    taken: Floats  # I rank k, stacks taken in the step
    planned: Floats  # I rank k, packages of the mix that are not begun yet
    need: Floats  # k
    lane: Floats  # CAPACITY_LEFT... k


class Tally(NamedTuple):
    """Results of the lanes, views of one flat buffer (place, k).

    The variable comes first, so that each one lies in one piece when a block is copied out.
    """

    route: Floats  # T_PLAN... R N k
    group: Floats  # T_UTILIZATION... R F G k
    fleet: Floats  # T_TOOLS... R F G C k; no rows where no output asks
    die: Floats  # T_WAFERS... R D k
    good_dies: Floats  # R D B k
    pool: Floats  # T_STACKS_IN... R H k
    line: Floats  # T_CAPACITY... R L k
    product: Floats  # T_STARTED... R I k, in the order of `Structure.product`
    passed: Floats  # R I B k
