"""Cohorts of a route: wafer release, and the yields of a cohort.

A cohort is the wafers started in a step. The oldest wafers leave first (`finished`), so wafers are
tracked by their start and conserved exactly.
"""

from __future__ import annotations

from yieldsim.kernels.jit import inline_jit, stage_jit
from yieldsim.supply.kernels.curves import curve_value
from yieldsim.supply.kernels.dies import label_design, sort_cohort
from yieldsim.supply.kernels.records import (
    PHONE_ENTRY,
    DieState,
    Lanes,
    Parameters,
    Records,
    Results,
    RouteState,
    Segment,
    Sorting,
    State,
    Structure,
    World,
)

_DUST = 1e-9


@inline_jit
def release(
    planned: float,
    allowed: float,
    buffered: bool,
    wip: float,
    leaving: float,
    cap_ratio: float,
    raw_steps: float,
) -> tuple[float, bool]:
    """Return the wafers started, and whether the WIP cap held them back.

    ``allowed`` is what plan and tools allow in the long run. The cap is ``cap_ratio`` times these
    starts over the raw process time. A ``buffered`` route may start more until its WIP reaches the
    cap. Wafers that leave in the step make room: as many as left in the step before (``leaving``).
    """
    wanted = planned if buffered and raw_steps > 0.0 else allowed
    # the wafers of a step count as WIP even where they cross the route in less than a step
    cap = cap_ratio * allowed * max(1.0, raw_steps)
    room = cap - wip + leaving
    if room < _DUST * cap:
        room = 0.0  # rounding leaves no wafers to start
    if raw_steps > 0.0 and room < wanted:
        return room, True
    return wanted, False


@stage_jit
def share_wafers(
    structure: Structure, world: World, route: int, step: int, state: State, n: int
) -> None:
    """Fill the shares of the designs in a cohort: weights over their sum.

    A design with a share of the AI wafers gets the weight that gives it this share, from the
    weights of the other AI designs.
    """
    first, end = structure.route[route].first_entry, structure.route[route].end_entry
    lows, highs, drawn = structure.curve_low, structure.curve_high, world.curve
    weight, total = state.weight[step], state.scratch.weight_sum
    shared, group = state.scratch.shared_sum, state.scratch.group_sum
    for k in range(n):
        total[k] = 0.0
        shared[k] = 0.0
        group[k] = 0.0
    for entry in range(first, end):
        design = structure.entry[entry]
        for k in range(n):
            own = max(0.0, curve_value(lows, highs, drawn, design.share_curve, step, k))
            weight[entry, k] = own
            if design.shares_ai == 1:
                shared[k] += own
            else:
                total[k] += own
                group[k] += own * design.for_ai
    for entry in range(first, end):
        if structure.entry[entry].shares_ai == 1:
            for k in range(n):
                weight[entry, k] *= group[k] / (1.0 - shared[k])
                total[k] += weight[entry, k]
    for entry in range(first, end):
        for k in range(n):
            weight[entry, k] = weight[entry, k] / total[k] if total[k] > 0.0 else 0.0
    _sum_others(structure, route, step, state, n)


@stage_jit
def _sum_others(structure: Structure, route: int, step: int, state: State, n: int) -> None:
    """Fill the part of a route's wafers that the shares give to no AI product."""
    others, weight = state.scratch.for_others, state.weight[step]
    for k in range(n):
        others[k] = 0.0
    for entry in range(structure.route[route].first_entry, structure.route[route].end_entry):
        if structure.entry[entry].for_ai == 0:
            for k in range(n):
                others[k] += weight[entry, k]


@stage_jit
def plan_wafers(structure: Structure, route: int, step: int, state: State, n: int) -> None:
    """Divide by the plan the AI wafers: those that the shares give to all entries that it moves.

    The plan holds the part of each entry, negative for an entry that is not moved. A phone design
    gets its part beside what it keeps of its share.
    """
    first, end = structure.route[route].first_entry, structure.route[route].end_entry
    weight, moved, part = state.weight[step], state.scratch.weight_sum, state.plan.entry
    role = structure.planning.entry
    for k in range(n):
        moved[k] = 0.0
    for entry in range(first, end):
        for k in range(n):
            if part[entry, k] >= 0.0 and role[entry] != PHONE_ENTRY:
                moved[k] += weight[entry, k]
    for entry in range(first, end):
        for k in range(n):
            if part[entry, k] >= 0.0:
                kept = state.plan.kept[entry, k] if role[entry] == PHONE_ENTRY else 0.0
                weight[entry, k] = kept * weight[entry, k] + part[entry, k] * moved[k]


@stage_jit
def start_cohort(
    structure: Structure,
    world: World,
    state: State,
    booked: Records[Results],
    route: int,
    step: int,
    n: int,
) -> None:
    """Fill the bin yields of the designs in a step's cohort, and the constraint on each design.

    The scratch holds the density and the clustering of the wafers, ``state.weight`` the shares of
    the designs. ``booked`` are the results of dies in this row.
    """
    wafers = state.route[route]
    process = world.process[structure.route[route].process]
    first, end = structure.route[route].first_entry, structure.route[route].end_entry
    for entry in range(first, end):
        die = structure.entry[entry].die
        if die >= 0 and _is_started(wafers, state.weight[step, entry], n):
            sort_cohort(structure, world, state, route, entry, step, n)
            if _is_most(wafers, state.weight[step, entry], state.die[die], state.sorting, n):
                label_design(structure, world, state, route, entry, step, n)
            _book_start(structure, process, state, booked[die], route, entry, step, n)
    cohort = state.cohort[route, step]
    for k in range(n):
        wafers.wafers_so_far[k] += wafers.starts[k]
        cohort.started[k] = wafers.starts[k]
        cohort.remaining[k] = wafers.starts[k]
        cohort.front[k] = 0.0
        cohort.survive[k] = state.scratch.systematic_yield[k]
    if step < state.exits.shape[1]:
        for row in range(state.exits.shape[2]):
            for k in range(n):
                state.exits[route, step, row, k] = 0.0


@stage_jit
def _is_started(wafers: RouteState, weight: Lanes, n: int) -> bool:
    """Return whether any lane starts wafers of an entry."""
    started = False
    for k in range(n):
        started |= wafers.starts[k] * weight[k] > 0.0
    return started


@stage_jit
def _is_most(wafers: RouteState, weight: Lanes, die: DieState, work: Sorting, n: int) -> bool:
    """Mark the lanes where an entry starts more wafers of its design than those before it.

    Return whether any does.
    """
    any_lane = False
    for k in range(n):
        started = wafers.starts[k] * weight[k]
        is_most = started > die.limit_wafers[k]
        work.most[k] = 1.0 if is_most else 0.0
        die.limit_wafers[k] = max(die.limit_wafers[k], started)
        any_lane |= is_most
    return any_lane


@stage_jit
def _book_start(
    structure: Structure,
    process: Parameters,
    state: State,
    booked: Results,
    route: int,
    entry: int,
    step: int,
    n: int,
) -> None:
    """Book the dies of an entry in a step's cohort."""
    die, starts, sold = structure.entry[entry].die, state.route[route].starts, state.sorting.sold
    for k in range(n):
        sold[k] = 0.0
    for b in range(structure.die[die].bins):
        for k in range(n):
            sold[k] += state.bin_yield[step, entry, b, k]
    for k in range(n):
        started = starts[k] * state.weight[step, entry, k]
        gross = started * state.die[die].gross_dies[k]
        booked.die_wafer_starts[k] += started
        booked.gross_dies_started[k] += gross
        saved = process.line_yield[k] * (1.0 - process.engineering_fraction[k])
        booked.saleable_dies[k] += gross * saved * sold[k]


@stage_jit
def settle(wafers: RouteState, segments: Records[Segment], step: int, n: int) -> None:
    """Clear the rounding errors of a route that all wafers have left."""
    for k in range(n):
        if wafers.oldest_cohort[k] > step:
            wafers.wip[k] = 0.0
            for s in range(segments.shape[0]):
                segments[s].wafers[k] = 0.0
