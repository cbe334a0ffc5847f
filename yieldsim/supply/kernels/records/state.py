"""What the realizations carry from step to step."""

from __future__ import annotations

from typing import NamedTuple

from yieldsim.supply.kernels.records.tables import (
    ClassLanes,
    Floats,
    Lanes,
    Records,
    Records2,
    Records3,
)


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

    effect: Records[EffectState]  # E
    fleet: Records3[FleetState]  # F G C
    recent: Floats  # F G k, passes made a step, a mean that forgets
    group: Records[GroupState]  # G, of the fab at hand
    route: Records[RouteState]  # N
    cohort: Records2[Cohort]  # N T
    segment: Records2[Segment]  # N J
    exits: Floats  # N T R k, wafers of a cohort that left in each row; no steps where none asks
    weight: Floats  # T M k, share of a cohort's wafers
    bin_yield: Floats  # T M B+1 k; the last is escapes
    die: Records[DieState]  # D
    tail: Floats  # B, of one lane
    available: Floats  # B, of one lane
    die_bin: Records2[BinState]  # D B
    stacks: Floats  # H k
    line_left: Floats  # L k
    product: Records[ProductState]  # I
    held: Floats  # I code k, steps in the quarter
    taken: Floats  # I rank k, stacks taken in the step
    planned: Floats  # I rank k, packages of the mix that are not begun yet
    scratch: Scratch
