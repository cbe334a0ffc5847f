"""Wafers into and out of a line: release, what a cohort will yield, and first in, first out.

The starts of a step are a cohort. How many wafers leave a line is the pipeline's affair; they are
the oldest ones in it, so each is known by its start, and wafers are conserved exactly.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from yieldsim.kernels.jit import inline_jit, stage_jit
from yieldsim.outputs import DEFECTS
from yieldsim.supply.kernels import records as a
from yieldsim.supply.kernels.curves import curve_value
from yieldsim.supply.kernels.dies import alpha_within, sort_dies, susceptible_cm2

_ALL = 1.0 - 1e-9
_DUST = 1e-9
_EVEN = 2.0  # gross over good dies at which defects cost as many dies as are left


@inline_jit
def release(
    planned: Any,
    allowed: Any,
    buffered: Any,
    wip: Any,
    leaving: Any,
    cap_ratio: Any,
    raw_steps: Any,
) -> Any:
    """(wafers started, whether the WIP cap held them back).

    ``allowed`` is what plan and tools allow in the long run, whose raw time's worth the cap counts
    by; a line that is ``buffered`` may start more than that until its wafers reach the cap. Those
    that will leave in the step, as many as in the one before, make room too.
    """
    wanted = planned if buffered and raw_steps > 0.0 else allowed
    # the wafers of a step stand in the line even where they go through it faster
    cap = cap_ratio * allowed * max(1.0, raw_steps)
    room = cap - wip + leaving
    if room < _DUST * cap:
        room = 0.0  # rounding leaves no wafers to start
    if raw_steps > 0.0 and room < wanted:
        return room, True
    return wanted, False


@stage_jit
def share_wafers(structure: Any, world: Any, route: Any, step: Any, state: Any, n: Any) -> None:
    """Fill the shares of the designs in a cohort: weights over their sum."""
    first, last = structure.route[route, a.ROUTE_FIRST], structure.route[route, a.ROUTE_LAST]
    weight, total = state.weight[step], state.lane[a.WEIGHT]
    for k in range(n):
        total[k] = 0.0
    for entry in range(first, last):
        curve = structure.entry[entry, a.ENTRY_CURVE]
        for k in range(n):
            weight[entry, k] = max(
                0.0,
                curve_value(structure.curve, world.curve, curve, step, k),
            )
            total[k] += weight[entry, k]
    for entry in range(first, last):
        for k in range(n):
            weight[entry, k] = weight[entry, k] / total[k] if total[k] > 0.0 else 0.0


@stage_jit
def mix_wafers(structure: Any, mix: Any, route: Any, step: Any, state: Any, n: Any) -> None:
    """Divide among the designs that a mix moves what the shares give them together.

    ``mix`` holds the part of each entry, negative for one that is not moved.
    """
    first, last = structure.route[route, a.ROUTE_FIRST], structure.route[route, a.ROUTE_LAST]
    weight, moved = state.weight[step], state.lane[a.WEIGHT]
    for k in range(n):
        moved[k] = 0.0
    for entry in range(first, last):
        for k in range(n):
            if mix[entry, k] >= 0.0:
                moved[k] += weight[entry, k]
    for entry in range(first, last):
        for k in range(n):
            if mix[entry, k] >= 0.0:
                weight[entry, k] = mix[entry, k] * moved[k]


@stage_jit
def start_cohort(
    structure: Any, world: Any, state: Any, booked: Any, route: Any, step: Any, n: Any
) -> None:
    """Give the wafers started in a step their designs and the yields that they will have.

    DENSITY is the mean density and FACTOR this period's over it, ALPHA_LEFT what the period leaves
    of the clustering of lots; HELD_BY holds the starts down. Each design remembers whether that or
    defects cost it more. ``booked`` are the results of dies in this row. The designs' shares of the
    cohort stand in ``state.weight``.
    """
    line, lane = state.route[route], state.lane
    process = world.process[structure.route[route, a.ROUTE_PROCESS]]
    alpha = process[a.ALPHA]
    for entry in range(structure.route[route, a.ROUTE_FIRST], structure.route[route, a.ROUTE_LAST]):
        die = structure.entry[entry, a.ENTRY_DIE]
        if die < 0:
            continue
        values, now = world.die[die], state.die[die]
        for k in range(n):
            wafers = line[a.STARTS, k] * state.weight[step, entry, k]
            if wafers <= 0.0:
                continue
            faults = lane[a.DENSITY, k] * susceptible_cm2(values[:, k]) * structure.kill[die]
            good = sort_dies(
                values[:, k],
                structure.die[die],
                structure.min_good[die],
                structure.harvest[die],
                structure.bin_table[die],
                lane[a.DENSITY, k] * lane[a.FACTOR, k],
                alpha_within(alpha[k], lane[a.ALPHA_LEFT, k], faults),
                lane[a.SURVIVE, k],
                state.tail,
                state.bin_yield[step, entry, :, k],
            )
            gross, sold = wafers * now[a.GROSS, k], 0.0
            for b in range(structure.die[die, a.DIE_BINS]):
                sold += state.bin_yield[step, entry, b, k]
            booked[a.T_GROSS_STARTED, die, k] += gross
            saved = process[a.LINE_YIELD, k] * (1.0 - process[a.ENGINEERING, k])
            booked[a.T_SALEABLE, die, k] += gross * saved * sold
            if wafers > now[a.CAUSE_WAFERS, k]:
                now[a.CAUSE_WAFERS, k] = wafers
                # a line may start more for a while than tools allow in the long run
                gain = line[a.PLANNED, k] / min(line[a.STARTS, k], line[a.ALLOWED, k])
                now[a.CAUSE, k] = dies_cause(good, line[a.HELD_BY, k], gain)
    cohort = state.cohort[route, step]
    for k in range(n):
        line[a.WAFERS_SO_FAR, k] += line[a.STARTS, k]
        cohort[a.START, k] = line[a.STARTS, k]
        cohort[a.LEFT, k] = line[a.STARTS, k]
        cohort[a.FRONT, k] = 0.0
    if step < state.exits.shape[1]:
        for row in range(state.exits.shape[2]):
            for k in range(n):
                state.exits[route, step, row, k] = 0.0


@inline_jit
def dies_cause(good: Any, code: Any, gain: Any) -> Any:
    """What costs a design most dies: the constraint on starts, or defects.

    Defects where a perfect yield would give more than lifting the constraint on starts would, and
    more dies are lost than are good.
    """
    lost = 1.0 / good if good > 0.0 else np.inf
    return DEFECTS if lost > max(gain, _EVEN) else code


@stage_jit
def leave(
    clock: Any,
    structure: Any,
    world: Any,
    state: Any,
    tally: Any,
    route: Any,
    step: Any,
    now: Any,
    row: Any,
    k: Any,
) -> None:
    """Hand over the wafers that go OUT of a route at a time, the oldest ones, in one lane."""
    line, cohort = state.route[route], state.cohort[route]
    left = line[a.OUT, k]
    line[a.LAST_OUT, k] += left
    t = int(line[a.OLDEST, k])
    while left > 0.0 and t <= step:
        held = cohort[t, a.LEFT, k]
        out = held if left >= held * _ALL else left
        if out > 0.0:
            wafers_out(clock, structure, world, state, tally, route, t, now, out, row, k)
            cohort[t, a.LEFT, k] = held - out
        left -= out
        t += 1 if out >= held else step + 1  # the last one keeps some
    while line[a.OLDEST, k] <= step and cohort[int(line[a.OLDEST, k]), a.LEFT, k] <= 0.0:
        line[a.OLDEST, k] += 1.0


@inline_jit
def settle(line: Any, piece: Any, step: Any, n: Any) -> None:
    """Empty a line that all have left, whatever rounding says."""
    for k in range(n):
        if line[a.OLDEST, k] > step:
            line[a.WIP, k] = 0.0
            for s in range(piece.shape[0]):
                piece[s, a.INSIDE, k] = 0.0


@stage_jit
def wafers_out(
    clock: Any,
    structure: Any,
    world: Any,
    state: Any,
    tally: Any,
    route: Any,
    cohort: Any,
    now: Any,
    out: Any,
    row: Any,
    k: Any,
) -> None:
    """Divide finished wafers among loss, development and designs, and probe their dies."""
    process = world.process[structure.route[route, a.ROUTE_PROCESS]]
    line, own = state.route[route], state.cohort[route, cohort]
    # evenly started over the step of the cohort
    gone = (own[a.START, k] - own[a.LEFT, k] + 0.5 * out) / own[a.START, k]
    days = max(0.0, now - cohort - gone) * clock.days_per_step  # none below zero by rounding
    line[a.WIP, k] = max(0.0, line[a.WIP, k] - out)
    if cohort < state.exits.shape[1]:
        state.exits[route, cohort, row, k] += out
    saved = out * process[a.LINE_YIELD, k]
    development = saved * process[a.ENGINEERING, k]
    tally.route[a.T_OUTS, row, route, k] += out
    tally.route[a.T_CYCLE, row, route, k] += out * days
    tally.route[a.T_SCRAPPED, row, route, k] += out - saved
    tally.route[a.T_ENGINEERING, row, route, k] += development
    rest = saved - development
    for entry in range(structure.route[route, a.ROUTE_FIRST], structure.route[route, a.ROUTE_LAST]):
        die = structure.entry[entry, a.ENTRY_DIE]
        wafers = (saved - development) * state.weight[cohort, entry, k]
        if die >= 0 and wafers > 0.0:
            probe(
                structure.die[die, a.DIE_BINS],
                wafers,
                state.bin_yield[cohort, entry, :, k],
                state.die[die, :, k],
                state.stock[die, :, a.STOCK, k],
                tally.die[:, row, die, k],
                tally.good_dies[row, die, :, k],
            )
            rest -= wafers
    tally.route[a.T_OTHER, row, route, k] += max(0.0, rest)


@inline_jit
def probe(
    bins: Any, wafers: Any, shares: Any, die: Any, stock: Any, booked: Any, good_dies: Any
) -> None:
    """Sort the dies of finished wafers into bins; bad dies that pass join the last bin."""
    gross = wafers * die[a.GROSS]
    passed = 0.0
    for b in range(bins):
        good = gross * shares[b]
        good_dies[b] += good
        stock[b] += good
        passed += good
    escaped = gross * shares[shares.shape[0] - 1]
    stock[bins - 1] += escaped
    die[a.STOCK_BAD] += escaped
    die[a.FROM_FABS] += passed
    booked[a.T_WAFERS] += wafers
    booked[a.T_GROSS] += gross
    booked[a.T_BAD_PASSED] += escaped
    booked[a.T_DIES_SCRAPPED] += gross - passed - escaped
