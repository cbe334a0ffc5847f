"""Finished wafers of a route: first in, first out, by cohort, and their dies in bins.

`segments` gives the number of wafers that leave a route. The loops over lanes have no branch, so
that they vectorize. A lane without wafers of a cohort adds zero.
"""

from __future__ import annotations

from yieldsim.kernels.jit import lane_jit, stage_jit
from yieldsim.supply.kernels.records import (
    BinState,
    Clock,
    Cohort,
    DieState,
    Floats,
    Lanes,
    Leaving,
    Parameters,
    Records,
    Results,
    RouteState,
    State,
    Structure,
    Tally,
    World,
)

_ALL = 1.0 - 1e-9


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
    n: int,
) -> None:
    """Take the oldest wafers of a route for its outs at time ``now`` (steps)."""
    wafers, cohorts, work = state.route[route], state.cohort[route], state.leaving
    process = world.process[structure.route[route].process]
    t = step + 1
    for k in range(n):
        work.left[k] = wafers.outs[k]
        wafers.last_outs[k] += wafers.outs[k]
        if wafers.outs[k] > 0.0:
            t = min(t, int(wafers.oldest_cohort[k]))
    going = True
    while going and t <= step:
        if _take_oldest(float(t), now, clock.days_per_step, cohorts[t], wafers, work, n):
            if t < state.exits.shape[1]:
                for k in range(n):
                    state.exits[route, t, row, k] += work.out[k]
            _book_wafers(process, tally.route[row, route], work, n)
            _book_dies(clock, structure, world, state, tally, route, t, row, n)
        going = False
        for k in range(n):
            going |= work.left[k] > 0.0
        t += 1
    for k in range(n):
        while wafers.oldest_cohort[k] <= step:
            if cohorts[int(wafers.oldest_cohort[k])].remaining[k] > 0.0:
                break
            wafers.oldest_cohort[k] += 1.0


@lane_jit
def _take_oldest(
    t: float,
    now: float,
    days_per_step: float,
    cohort: Cohort,
    wafers: RouteState,
    work: Leaving,
    n: int,
) -> bool:
    """Take the wafers that leave from the cohort of step ``t``; return whether any lane has some.

    A cohort is taken only where no older one is left. Fills the days that they took.
    """
    any_lane = False
    for k in range(n):
        left, held, started = work.left[k], cohort.remaining[k], cohort.started[k]
        wanted = held if left >= held * _ALL else left
        out = wanted if left > 0.0 and t >= wafers.oldest_cohort[k] else 0.0
        # the wafers of a cohort start evenly over its step
        gone = (started - held + 0.5 * out) / (started if out > 0.0 else 1.0)
        days = max(0.0, now - t - gone) * days_per_step  # rounding could make it negative
        work.days[k] = days
        work.out[k] = out
        work.left[k] = left - out
        cohort.remaining[k] = held - out if out > 0.0 else held
        wafers.wip[k] = max(0.0, wafers.wip[k] - out)
        any_lane |= out > 0.0
    return any_lane


@lane_jit
def _book_wafers(process: Parameters, booked: Results, work: Leaving, n: int) -> None:
    """Divide the wafers that leave among scrap, development and the rest, which is for designs."""
    for k in range(n):
        out = work.out[k]
        saved = out * process.line_yield[k]
        development = saved * process.engineering_fraction[k]
        booked.wafer_outs[k] += out
        booked.cycle_time_days[k] += out * work.days[k]
        booked.wafers_scrapped[k] += out - saved
        booked.wafers_engineering[k] += development
        work.for_designs[k] = saved - development
        work.rest[k] = saved - development


@stage_jit
def _book_dies(
    clock: Clock,
    structure: Structure,
    world: World,
    state: State,
    tally: Tally,
    route: int,
    t: int,
    row: int,
    n: int,
) -> None:
    """Probe the dies of the designs on the wafers of the cohort of step ``t``."""
    work, process = state.leaving, world.process[structure.route[route].process]
    survive = state.cohort[route, t].survive
    for entry in range(structure.route[route].first_entry, structure.route[route].end_entry):
        die = structure.entry[entry].die
        if die < 0 or not _share(state.weight[t, entry], work, n):
            continue
        probe(
            structure.die[die].bins,
            state.bin_yield[t, entry],
            state.die[die],
            state.die_bin[die],
            tally.die[row, die],
            tally.die_bin[row, die],
            work,
            n,
        )
        _lose_dies(
            clock.no_defects,
            process.systematic_yield,
            survive,
            state.clean[t, entry],
            world.die[die].parametric_yield,
            tally.die[row, die],
            work,
            n,
        )
    for k in range(n):
        tally.route[row, route].wafers_other[k] += max(0.0, work.rest[k])


@lane_jit
def _share(weight: Lanes, work: Leaving, n: int) -> bool:
    """Fill the wafers of an entry; return whether any lane has some."""
    any_lane = False
    for k in range(n):
        probed = work.for_designs[k] * weight[k]
        work.probed[k] = probed
        work.rest[k] -= probed if probed > 0.0 else 0.0
        any_lane |= probed > 0.0
    return any_lane


@stage_jit
def probe(
    bins: int,
    shares: Floats,
    die: DieState,
    stock: Records[BinState],
    booked: Results,
    booked_bins: Records[Results],
    work: Leaving,
    n: int,
) -> None:
    """Sort the dies of the wafers of an entry into bins.

    A test that misses a fault grades the die like any other, so bad dies that pass spread over the
    bins as good ones do. Where no die is good they join the last bin.
    """
    _clear_passed(shares[shares.shape[0] - 1], die.gross_dies, work, n)
    for b in range(bins):
        _add_passed(shares[b], work, n)
    for b in range(bins):
        last = 1.0 if b == bins - 1 else 0.0
        _sort(last, shares[b], stock[b], booked_bins[b], work, n)
    _book_probed(die, booked, work, n)


@lane_jit
def _clear_passed(escapes: Lanes, gross_dies: Lanes, work: Leaving, n: int) -> None:
    """Fill the dies on the wafers of an entry, and the bad ones that pass."""
    for k in range(n):
        there = work.probed[k] > 0.0  # else the yields were never filled
        work.gross[k] = work.probed[k] * gross_dies[k]
        work.escaped[k] = work.gross[k] * (escapes[k] if there else 0.0)
        work.passed[k] = 0.0


@lane_jit
def _add_passed(shares: Lanes, work: Leaving, n: int) -> None:
    """Add the dies of a bin to those that pass."""
    for k in range(n):
        there = work.probed[k] > 0.0
        work.passed[k] += work.gross[k] * (shares[k] if there else 0.0)


@lane_jit
def _sort(
    last: float, shares: Lanes, stock: BinState, booked: Results, work: Leaving, n: int
) -> None:
    """Put the dies of a bin in stock. ``last`` is 1 for the last bin of the design, else 0."""
    for k in range(n):
        there, passed = work.probed[k] > 0.0, work.passed[k]
        good = work.gross[k] * (shares[k] if there else 0.0)
        part = good / (passed if passed > 0.0 else 1.0)
        bad = work.escaped[k] * (part if passed > 0.0 else last)
        booked.good_dies[k] += good
        stock.stock[k] += good + bad
        stock.bad[k] += bad


@lane_jit
def _book_probed(die: DieState, booked: Results, work: Leaving, n: int) -> None:
    """Book the dies of an entry that were probed."""
    for k in range(n):
        gross, passed, escaped = work.gross[k], work.passed[k], work.escaped[k]
        die.from_fabs[k] += passed
        booked.wafers_to_die[k] += work.probed[k]
        booked.gross_dies[k] += gross
        booked.bad_dies_passed[k] += escaped
        booked.dies_scrapped[k] += gross - passed - escaped


@lane_jit
def _lose_dies(
    no_defects: bool,
    systematic: Lanes,
    survive: Lanes,
    clean: Lanes,
    parametric: Lanes,
    booked: Results,
    work: Leaving,
    n: int,
) -> None:
    """Book the dies of finished wafers that each mechanism costs, of those that are left to it.

    ``survive`` is the yield of systematic losses and overlay together, ``clean`` that of random
    defects.
    """
    for k in range(n):
        gross, kept = work.gross[k], 1.0 if no_defects else systematic[k]
        free = clean[k] if work.probed[k] > 0.0 else 1.0
        booked.dies_lost_systematic[k] += gross * (1.0 - kept)
        booked.dies_lost_overlay[k] += gross * (kept - survive[k])
        booked.dies_lost_random[k] += gross * survive[k] * (1.0 - free)
        booked.dies_lost_parametric[k] += gross * survive[k] * free * (1.0 - parametric[k])
