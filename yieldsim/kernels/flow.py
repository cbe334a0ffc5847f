"""Wafers through the line: release, cycle time, and a conveyor that capacity can slow down.

A route is a conveyor. The starts of a step are a cohort, spread evenly over the step; the whole
line advances by ``speed`` routes per step, one over the cycle time, and a wafer leaves when it has
advanced by one. When the tools cannot make the passes that the wafers in the line need per step,
the line slows in proportion, so overload lengthens the stay instead of being lost. First in, first
out; wafers are conserved exactly.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from yieldsim.kernels import arrays as a
from yieldsim.kernels.dies import alpha_within, sort_dies, susceptible_cm2
from yieldsim.kernels.jit import inline_jit
from yieldsim.variables import DEFECTS

FASTEST = 1e12  # routes per step of a line without cycle time
_ALL = 1.0 - 1e-9
_EVEN = 2.0  # gross over good dies at which defects cost as many dies as are left


@inline_jit
def cycle_time_days(process: Any, visits: Any, group: Any) -> Any:
    """Raw process time plus the waits of all visits."""
    days = process[a.RAW_DAYS]
    for g in range(visits.shape[0]):
        days += visits[g] * (1.0 + process[a.REWORK]) * group[g, a.WAIT]
    return days


@inline_jit
def release(planned: Any, fraction: Any, wip: Any, cap_ratio: Any, raw_steps: Any) -> Any:
    """(wafers started, whether the WIP cap held them back)."""
    wanted = planned * min(1.0, fraction)
    room = max(0.0, cap_ratio * planned * raw_steps - wip)
    if raw_steps > 0.0 and room < wanted:
        return room, True
    return wanted, False


@inline_jit
def share_wafers(structure: Any, curve: Any, route: Any, step: Any, weight: Any) -> None:
    """Fill the shares of the designs in a cohort: weights over their sum."""
    first, last = structure.route[route, a.ROUTE_FIRST], structure.route[route, a.ROUTE_LAST]
    total = 0.0
    for entry in range(first, last):
        weight[entry] = max(0.0, curve[structure.entry[entry, a.ENTRY_CURVE], step])
        total += weight[entry]
    for entry in range(first, last):
        weight[entry] = weight[entry] / total if total > 0.0 else 0.0


@inline_jit
def start_cohort(
    structure: Any,
    world: Any,
    state: Any,
    route: Any,
    step: Any,
    starts: Any,
    d0: Any,
    factor: Any,
    alpha: Any,
    left: Any,
    survive: Any,
    code: Any,
    gain: Any,
) -> None:
    """Give the wafers started in a step their designs and the yields that they will have.

    ``d0`` is the mean density and ``factor`` this period's over it, ``alpha`` the clustering of
    lots and ``left`` what is left of it in the period. ``code`` is what holds the starts down and
    ``gain`` how many times more there would be without it; each design remembers whether that or
    defects cost it more.
    """
    share_wafers(structure, state.curve, route, step, state.weight[step])
    for entry in range(structure.route[route, a.ROUTE_FIRST], structure.route[route, a.ROUTE_LAST]):
        die = structure.entry[entry, a.ENTRY_DIE]
        wafers = starts * state.weight[step, entry]
        if die < 0 or wafers <= 0.0:
            continue
        faults = d0 * susceptible_cm2(world.die[die]) * structure.kill[die]
        good = sort_dies(
            world.die[die],
            structure.die[die],
            structure.min_good[die],
            structure.harvest[die],
            structure.bin_table[die],
            d0 * factor,
            alpha_within(alpha, left, faults),
            survive,
            state.tail,
            state.bin_yield[step, entry],
        )
        if wafers > state.die[die, a.CAUSE_WAFERS]:
            state.die[die, a.CAUSE_WAFERS] = wafers
            state.die[die, a.CAUSE] = dies_cause(good, code, gain)
    state.route[route, a.WAFERS_SO_FAR] += starts
    state.cohort[route, step, a.START] = starts
    state.cohort[route, step, a.LEFT] = starts


@inline_jit
def dies_cause(good: Any, code: Any, gain: Any) -> Any:
    """What costs a design most dies: the constraint on starts, or defects.

    Defects where a perfect yield would give more than lifting the constraint on starts would, and
    more dies are lost than are good.
    """
    lost = 1.0 / good if good > 0.0 else np.inf
    return DEFECTS if lost > max(gain, _EVEN) else code


@inline_jit
def advance(
    structure: Any,
    world: Any,
    state: Any,
    tally: Any,
    route: Any,
    step: Any,
    cycle_steps: Any,
    slow: Any,
    row: Any,
) -> None:
    """Move a route's line by one step and hand over the wafers that leave it.

    ``slow`` is the share of the normal speed that the tools allow the wafers in the line.
    """
    line, cohort = state.route[route], state.cohort[route]
    if line[a.WIP] <= 0.0:  # an empty line starts anew: progress that only grew would lose digits
        line[a.LINE_PROGRESS] = 0.0
        line[a.OLDEST] = step
    speed = FASTEST if cycle_steps < 1.0 / FASTEST else slow / cycle_steps
    cohort[step, a.SPEED] = speed
    cohort[step, a.PROGRESS] = line[a.LINE_PROGRESS]
    line[a.LINE_PROGRESS] += speed
    line[a.WIP] += cohort[step, a.START]
    goal = line[a.LINE_PROGRESS] - 1.0
    for t in range(int(line[a.OLDEST]), step + 1):
        inside = goal - cohort[t, a.PROGRESS]
        if inside <= 0.0:
            break
        began = cohort[t, a.SPEED]
        out = cohort[t, a.LEFT]
        if inside >= began * _ALL:
            line[a.OLDEST] = t + 1.0
        else:
            stays = cohort[t, a.START] * (1.0 - inside / began)
            out = max(0.0, out - stays)
        if out > 0.0:
            cohort[t, a.LEFT] -= out
            line[a.WIP] = max(0.0, line[a.WIP] - out)
            wafers_out(structure, world, state, tally, route, t, out, row)


@inline_jit
def wafers_out(
    structure: Any, world: Any, state: Any, tally: Any, route: Any, cohort: Any, out: Any, row: Any
) -> None:
    """Divide finished wafers among loss, development and designs, and probe their dies."""
    process = world.process[structure.route[route, a.ROUTE_PROCESS]]
    saved = out * process[a.LINE_YIELD]
    development = saved * process[a.ENGINEERING]
    booked = tally.route[:, row, route]
    booked[a.T_OUTS] += out
    booked[a.T_SCRAPPED] += out - saved
    booked[a.T_ENGINEERING] += development
    rest = saved - development
    for entry in range(structure.route[route, a.ROUTE_FIRST], structure.route[route, a.ROUTE_LAST]):
        die = structure.entry[entry, a.ENTRY_DIE]
        wafers = (saved - development) * state.weight[cohort, entry]
        if die >= 0 and wafers > 0.0:
            probe(
                structure.die[die, a.DIE_BINS],
                wafers,
                state.bin_yield[cohort, entry],
                state.die[die],
                state.stock[die],
                tally.die[:, row, die],
                tally.good_dies[row, die],
            )
            rest -= wafers
    booked[a.T_OTHER] += max(0.0, rest)


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
        stock[b, a.STOCK] += good
        passed += good
    escaped = gross * shares[shares.shape[0] - 1]
    stock[bins - 1, a.STOCK] += escaped
    die[a.STOCK_BAD] += escaped
    die[a.FROM_FABS] += passed
    booked[a.T_WAFERS] += wafers
    booked[a.T_GROSS] += gross
    booked[a.T_BAD_PASSED] += escaped
    booked[a.T_DIES_SCRAPPED] += gross - passed - escaped
