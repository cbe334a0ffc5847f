"""Cohorts of a route: wafer release, the yields of a cohort, and first in, first out.

A cohort is the wafers started in a step. `segments` gives the number of wafers that leave a route.
The oldest wafers leave first, so wafers are tracked by their start and conserved exactly.
"""

from __future__ import annotations

from yieldsim.kernels.jit import inline_jit, stage_jit
from yieldsim.supply.kernels.curves import curve_value
from yieldsim.supply.kernels.dies import label_design, sort_cohort
from yieldsim.supply.kernels.records import (
    PHONE_ENTRY,
    BinState,
    Clock,
    DieState,
    Floats,
    Lanes,
    Parameters,
    Records,
    Results,
    RouteState,
    Segment,
    Sorting,
    State,
    Structure,
    Tally,
    World,
)

_ALL = 1.0 - 1e-9
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
def leave(
    clock: Clock,
    structure: Structure,
    world: World,
    state: State,
    tally: Tally,
    route: int,
    step: int,
    now: float,
    row: int,
    k: int,
) -> None:
    """Take the oldest wafers of a route for its outs at time ``now`` (steps), in lane ``k``."""
    wafers, cohorts = state.route[route], state.cohort[route]
    left = wafers.outs[k]
    wafers.last_outs[k] += left
    t = int(wafers.oldest_cohort[k])
    while left > 0.0 and t <= step:
        held = cohorts[t].remaining[k]
        out = held if left >= held * _ALL else left
        if out > 0.0:
            wafers_out(clock, structure, world, state, tally, route, t, now, out, row, k)
            cohorts[t].remaining[k] = held - out
        left -= out
        t += 1 if out >= held else step + 1  # the last cohort keeps some
    while wafers.oldest_cohort[k] <= step:
        if cohorts[int(wafers.oldest_cohort[k])].remaining[k] > 0.0:
            break
        wafers.oldest_cohort[k] += 1.0


@stage_jit
def settle(wafers: RouteState, segments: Records[Segment], step: int, n: int) -> None:
    """Clear the rounding errors of a route that all wafers have left."""
    for k in range(n):
        if wafers.oldest_cohort[k] > step:
            wafers.wip[k] = 0.0
            for s in range(segments.shape[0]):
                segments[s].wafers[k] = 0.0


@stage_jit
def wafers_out(
    clock: Clock,
    structure: Structure,
    world: World,
    state: State,
    tally: Tally,
    route: int,
    step: int,
    now: float,
    out: float,
    row: int,
    k: int,
) -> None:
    """Divide the wafers ``out`` of the cohort of a ``step`` among scrap, development and designs.

    The dies of the designs are probed.
    """
    process = world.process[structure.route[route].process]
    wafers, cohort, booked = state.route[route], state.cohort[route, step], tally.route[row, route]
    # the wafers of a cohort start evenly over its step
    gone = (cohort.started[k] - cohort.remaining[k] + 0.5 * out) / cohort.started[k]
    days = max(0.0, now - step - gone) * clock.days_per_step  # rounding could make it negative
    wafers.wip[k] = max(0.0, wafers.wip[k] - out)
    if step < state.exits.shape[1]:
        state.exits[route, step, row, k] += out
    saved = out * process.line_yield[k]
    development = saved * process.engineering_fraction[k]
    booked.wafer_outs[k] += out
    booked.cycle_time_days[k] += out * days
    booked.wafers_scrapped[k] += out - saved
    booked.wafers_engineering[k] += development
    rest = saved - development
    for entry in range(structure.route[route].first_entry, structure.route[route].end_entry):
        die = structure.entry[entry].die
        probed = (saved - development) * state.weight[step, entry, k]
        if die >= 0 and probed > 0.0:
            probe(
                structure.die[die].bins,
                probed,
                state.bin_yield[step, entry, :, k],
                state.die[die],
                state.die_bin[die],
                tally.die[row, die],
                tally.die_bin[row, die],
                k,
            )
            lose_dies(
                probed * state.die[die].gross_dies[k],
                1.0 if clock.no_defects else process.systematic_yield[k],
                cohort.survive[k],
                state.clean[step, entry, k],
                world.die[die].parametric_yield[k],
                tally.die[row, die],
                k,
            )
            rest -= probed
    booked.wafers_other[k] += max(0.0, rest)


@inline_jit
def lose_dies(
    gross: float,
    systematic: float,
    survive: float,
    clean: float,
    parametric: float,
    booked: Results,
    k: int,
) -> None:
    """Book the dies of finished wafers that each mechanism costs, of those that are left to it.

    ``survive`` is the yield of systematic losses and overlay together, ``clean`` that of random
    defects.
    """
    booked.dies_lost_systematic[k] += gross * (1.0 - systematic)
    booked.dies_lost_overlay[k] += gross * (systematic - survive)
    booked.dies_lost_random[k] += gross * survive * (1.0 - clean)
    booked.dies_lost_parametric[k] += gross * survive * clean * (1.0 - parametric)


@inline_jit
def probe(
    bins: int,
    wafers: float,
    shares: Floats,
    die: DieState,
    stock: Records[BinState],
    booked: Results,
    booked_bins: Records[Results],
    k: int,
) -> None:
    """Sort the dies of finished wafers into bins.

    A test that misses a fault grades the die like any other, so bad dies that pass spread over the
    bins as good ones do. Where no die is good they join the last bin.
    """
    gross = wafers * die.gross_dies[k]
    passed = 0.0
    for b in range(bins):
        passed += gross * shares[b]
    escaped = gross * shares[shares.shape[0] - 1]
    for b in range(bins):
        good = gross * shares[b]
        part = 1.0 if b == bins - 1 else 0.0
        bad = escaped * (good / passed if passed > 0.0 else part)
        booked_bins[b].good_dies[k] += good
        stock[b].stock[k] += good + bad
        stock[b].bad[k] += bad
    die.from_fabs[k] += passed
    booked.wafers_to_die[k] += wafers
    booked.gross_dies[k] += gross
    booked.bad_dies_passed[k] += escaped
    booked.dies_scrapped[k] += gross - passed - escaped
