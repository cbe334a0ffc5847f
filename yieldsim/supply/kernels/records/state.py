"""What the realizations carry from step to step."""

from __future__ import annotations

from typing import NamedTuple

from yieldsim.kernels.jit_tables import by_address
from yieldsim.supply.kernels.records.plan import Plan
from yieldsim.supply.kernels.records.tables import (
    ClassLanes,
    Floats,
    Lanes,
    Records,
    Records2,
    Records3,
)


class EffectState:
    """The factors of an effect in the step, 1 where it has none."""

    mttf_ratio: Lanes
    mttr_ratio: Lanes
    adder_ratio: Lanes  # of the defects that a pass adds
    overlay_ratio: Lanes
    kept_share: Lanes  # share of the tools
    capacity_ratio: Lanes
    d0_ratio: Lanes


class FleetState:
    """The tools of a class in a group of a fab."""

    kpasses: Lanes  # thousand passes made so far
    repair_hours: Lanes  # backlog of repair
    bought: Lanes  # tools that the plan has needed so far


class GroupState:
    """A tool group of the current fab. Fields from `mean_passes` on are sums of the step."""

    load: Lanes  # passes asked for
    kept: Lanes  # share of the planned passes that are made: below 1 where sampling gives way
    wait_days: Lanes  # per planned pass
    grantable: Lanes  # planned passes for which a part of a step has capacity left
    granted_ratio: Lanes
    tight: Lanes  # 1 where more passes are asked for than can be made
    need: Lanes
    looked_at: Lanes  # lane 0 only: 1 where the group is tight in any lane
    mean_passes: Lanes  # possible at the mean availability
    rated_passes: Lanes  # possible without downtime
    tool_count: Lanes
    mttr_hours: Lanes
    repair_cv2: Lanes
    possible_passes: Lanes  # possible at the availability drawn for the step
    made_passes: Lanes
    share: ClassLanes  # of the possible passes
    defect_adder: ClassLanes
    overlay_ratio: ClassLanes  # factor of events on the overlay error
    tools: ClassLanes
    availability: ClassLanes


class RouteState:
    """A route, in wafers per step unless said otherwise."""

    wafers_so_far: Lanes
    first_step: Lanes  # in which a line with its own learning started its first wafer
    first_excess: Lanes  # density over the mature density, less 1, of that wafer
    ripe: Lanes  # wafers in the line for at least the raw process time
    wip: Lanes
    oldest_cohort: Lanes  # step in which the wafers started that leave next
    planned: Lanes
    allowed: Lanes  # what plan and tools allow in the long run
    starts: Lanes
    held_by: Lanes  # code of the constraint on the starts
    outs: Lanes  # in a part of a step
    last_outs: Lanes  # of the step before; after the release, of the current step
    d0_per_cm2: Lanes  # mean of the wafers started in the last step
    systematic_yield: Lanes


class Cohort:
    """The wafers that a route started in a step."""

    started: Lanes
    remaining: Lanes
    front: Lanes  # position on a route without tools, 1 at its end
    survive: Lanes  # share of the dies that systematic losses and overlay leave


class Segment:
    """A segment of a route: its wafers, the steps to cross it, and the wafers that move on."""

    wafers: Lanes
    pace_steps: Lanes
    moving: Lanes  # in a part of a step
    permitted: Lanes  # part of `moving` that tools permit
    moved: Lanes  # in the step


class DieState:
    """The dies of a design, and the constraint on them."""

    gross_dies: Lanes  # per wafer
    limit: Lanes  # code of the constraint that costs most dies
    limit_wafers: Lanes  # wafers of the cohort that set `limit`, the largest of the step
    from_fabs: Lanes  # dies that arrived in the step
    from_banks: Lanes


class BinState:
    """The dies of a bin."""

    stock: Lanes
    bad: Lanes  # dies in stock that passed the wafer test although they are bad
    offer: Lanes


class ProductState:
    """Packages of a product in the step."""

    wanted: Lanes
    granted: Lanes
    die_share: Lanes  # share of its design's dies; 0 out of production
    limit: Lanes  # code of the constraint that binds in the step
    longest_limit: Lanes  # constraint of most steps in the quarter
    longest_steps: Lanes


class Sorting:
    """Working numbers of the sorting of a cohort's dies."""

    alpha: Lanes  # clustering within the period
    d0_per_cm2: Lanes
    fatal: Lanes  # mean faults of the fatal area of a die, or of the whole die
    core: Lanes  # mean faults of a core
    low: Lanes  # end of the axis of a quadrature
    width: Lanes  # of a node's part of the axis
    bend: Lanes  # by which the log density at the next node is below its place on the axis
    bend_ratio: Lanes  # from node to node
    nodes: Lanes
    mass: Lanes  # sum of the weights so far
    density: Lanes  # at a node, over its mean
    weight: Lanes
    odds: Lanes  # of a core being bad rather than good
    term: Lanes
    met: Lanes  # sum of terms
    sold: Lanes  # share of the dies that pass in any bin
    most: Lanes  # 1 where an entry has the most wafers of its design so far


class Leaving:
    """Working numbers of the wafers that leave a route, cohort by cohort."""

    left: Lanes  # wafers still to be taken from cohorts
    out: Lanes  # of the cohort
    days: Lanes  # since their start
    for_designs: Lanes  # wafers without scrap and development
    rest: Lanes  # of those, not on any design so far
    probed: Lanes  # wafers of an entry
    gross: Lanes  # dies on those wafers
    passed: Lanes  # good dies of all bins
    escaped: Lanes  # bad dies that pass


class Assembling:
    """Working numbers of the packages that a product begins."""

    left: Lanes  # packages still to be given a recipe
    packages: Lanes  # of a recipe
    survive: Lanes  # share that passes assembly and tests if all dies are good
    known_good: Lanes  # share of a recipe's packages without a bad die
    lag: Lanes  # from start to test, in steps
    bad: Lanes  # share of bad dies among those taken of a bin


class Scratch:
    """Working numbers of a stage, filled and read within a step."""

    capacity_left: Lanes  # share of a fab's capacity that accidents leave
    kept_passes: Lanes  # share of the planned control steps that a fab makes
    exposed: Lanes  # share of the step in which a fab has an undetected excursion
    excursion_factor: Lanes  # on the density, of the fab's random excursions
    unqueued_days: Lanes  # time in the line without waits for tools
    d0_factor: Lanes  # factor of events on the density
    allowed_fraction: Lanes  # of the plan, by the bottleneck group
    scarcest_group: Lanes
    mttf_ratio: Lanes
    mttr_ratio: Lanes
    adder_ratio: Lanes
    overlay_ratio: Lanes
    kept_share: Lanes
    delay_steps: Lanes  # from the delivery of tools to their first pass
    delivery_step: Lanes  # until which tools delivered are in production
    tools_before: Lanes  # delivered by the whole step before it
    tools_after: Lanes
    arrived: Lanes  # tools delivered that are in production
    mttf_hours: Lanes
    mttr_hours: Lanes
    mean_uptime: Lanes
    uptime: Lanes  # in the step
    failure_uniform: Lanes
    repair_uniform: Lanes
    failures_expected: Lanes
    failures: Lanes
    term: Lanes  # probability of a number of failures
    reached: Lanes  # sum of those
    normal: Lanes
    new_repair_hours: Lanes
    d0_per_cm2: Lanes
    adder_sum: Lanes
    adder_weight: Lanes
    weight_sum: Lanes
    shared_sum: Lanes  # shares of the AI wafers that designs have
    group_sum: Lanes  # weights of the other AI designs
    for_others: Lanes  # part of the wafers that the shares give to no AI product
    systematic_yield: Lanes
    cluster_factor: Lanes  # density of the period's wafers over its mean
    alpha_within: Lanes  # clustering left within the period
    need: Lanes


@by_address
class State(NamedTuple):
    """What the lanes carry from step to step."""

    effect: Records[EffectState]  # E
    fleet: Records3[FleetState]  # F G C
    recent: Floats  # F G k, exponential mean of the use of tools
    excursion_days: Floats  # F k, days of random excursions still to come
    group: Records[GroupState]  # G, of the current fab
    route: Records[RouteState]  # N
    cohort: Records2[Cohort]  # N T
    segment: Records2[Segment]  # N J
    exits: Floats  # N T R k, wafers of a cohort that left in each row; T = 0 without a mix
    weight: Floats  # T M k, share of a cohort's wafers
    bin_yield: Floats  # T M B+1 k; the last bin holds escapes
    clean: Floats  # T M k, share of a cohort's dies that random defects leave
    die: Records[DieState]  # D
    tail: Floats  # B k, share of dies in the bin or a better one
    shares: Floats  # B+1 k, dies of a design by bin; the last bin holds escapes
    available: Floats  # B k, dies that the current product may take
    die_bin: Records2[BinState]  # D B
    stacks: Floats  # H k
    stacks_per_wafer: Floats  # H k, of a maker, before yield
    line_left: Floats  # L k
    product: Records[ProductState]  # I
    held: Floats  # I code k, steps in the quarter
    taken: Floats  # I rank k, stacks taken in the step
    planned: Floats  # I rank k, packages of the plan that are due and not begun yet
    plan: Plan
    sorting: Sorting
    leaving: Leaving
    assembling: Assembling
    scratch: Scratch
