"""What tools allow a line: loads, the scarcest group, queues and the waits in them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from yieldsim.kernels import arrays as a
from yieldsim.kernels.jit import inline_jit
from yieldsim.units import DAYS_PER_QUARTER, HOURS_PER_DAY

HIGHEST_UTILIZATION = 0.97  # queue formulas diverge at 1; a released line never waits longer
_SHORTEST = 1e-12  # steps in a segment
_KPASS = 1000.0
# Assumption: waits follow the passes made of late, as queues take weeks to build up. From two weeks
# to a quarter agree with the event simulator; the longest swings least where tools are scarce.
_MEMORY_DAYS = DAYS_PER_QUARTER


@inline_jit
def queue_days(
    tools: Any,
    lot_hours: Any,
    pure_hours: Any,
    mttr: Any,
    repair_cv2: Any,
    usage: Any,
    cv2: Any,
) -> Any:
    """Waiting time per visit in days: VUT with Sakasegawa's exponent (Hopp and Spearman 2008).

    ``lot_hours`` is the effective process time te = t0/A of a lot on one tool, ``cv2`` the sum of
    those of arrivals and of work without failures.
    """
    u = min(usage, HIGHEST_UTILIZATION)
    availability = pure_hours / lot_hours
    failures = (1.0 + repair_cv2) * availability * (1.0 - availability) * mttr / pure_hours
    power = math.exp(math.log(u) * (math.sqrt(2.0 * (tools + 1.0)) - 1.0))
    return 0.5 * (cv2 + failures) * power / (tools * (1.0 - u)) * lot_hours / HOURS_PER_DAY


@inline_jit
def load_groups(
    fab: Any, table: Any, visits: Any, lines: Any, wafers: Any, group: Any, n: Any
) -> None:
    """Fill the LOAD of each group: passes that a field of the ``routes``' lines asks of it."""
    for g in range(group.shape[0]):
        load = group[g, a.LOAD]
        for k in range(n):
            load[k] = 0.0
        for route in range(fab[a.FAB_FIRST], fab[a.FAB_LAST]):
            passes, line = visits[table[route, a.ROUTE_PROCESS], g], lines[route, wafers]
            for k in range(n):
                load[k] += line[k] * passes[k]


@inline_jit
def scarcest(visits: Any, group: Any, lane: Any, n: Any) -> None:
    """Fill FRACTION, mean passes over LOAD of a route's scarcest group, and BINDING, which.

    Infinite and -1 where there is none. Each group is shared in proportion to what its routes ask,
    so the minimum over a route's own groups can be granted to all routes at once.
    """
    fraction, binding = lane[a.FRACTION], lane[a.BINDING]
    for k in range(n):
        fraction[k] = np.inf
        binding[k] = -1.0
    for g in range(visits.shape[0]):
        for k in range(n):
            if visits[g, k] > 0.0 and group[g, a.LOAD, k] > 0.0:
                ratio = group[g, a.CALM, k] / group[g, a.LOAD, k]
                if ratio < fraction[k]:
                    fraction[k] = ratio
                    binding[k] = g


@inline_jit
def group_waits(hours: Any, fab: Any, groups: Any, group: Any, left: Any, n: Any) -> None:
    """Fill the WAIT of each group in days per visit at its LOAD.

    ``left`` is the part of the capacity that accidents leave, ``hours`` the length of a step.
    """
    for g in range(group.shape[0]):
        row = group[g]
        for k in range(n):
            row[a.WAIT, k] = 0.0
            possible = row[a.CALM, k] * left[k]
            if row[a.LOAD, k] <= 0.0 or possible <= 0.0:
                continue
            lot_hours = row[a.COUNT, k] * fab[a.LOT_SIZE, k] * hours
            row[a.WAIT, k] = queue_days(
                row[a.COUNT, k],
                lot_hours / row[a.CALM, k],
                lot_hours / row[a.PURE, k],
                row[a.REPAIR, k],
                row[a.REPAIR_SPREAD, k],
                row[a.LOAD, k] / possible,
                fab[a.ARRIVAL_CV2, k] + groups[g, a.GROUP_CV2, k],
            )


@inline_jit
def pace_route(
    raw_days: Any,
    days_per_step: Any,
    equipped: Any,
    visits: Any,
    group: Any,
    pieces: Any,
    segments: Any,
    n: Any,
) -> None:
    """Fill the PACE of a route's segments: the steps to cross each one at the current waits.

    ``visits`` are those of each segment.
    """
    for s in range(segments):
        piece = pieces[s]
        for k in range(n):
            piece[a.PACE, k] = raw_days[k] / segments
        if equipped:
            for g in range(group.shape[0]):
                for k in range(n):
                    piece[a.PACE, k] += visits[s, g, k] * group[g, a.WAIT, k]
        for k in range(n):
            piece[a.PACE, k] = max(_SHORTEST, piece[a.PACE, k] / days_per_step)


@inline_jit
def book_groups(steps: Any, group: Any, left: Any, kpasses: Any, booked: Any, n: Any) -> None:
    """Count the passes made as experience of their classes, and what the tools did as results.

    ``booked`` are the results of the fab's fleets in a row (T_TOOLS..., group, class, lane), of
    ``steps`` a quarter.
    """
    for g in range(group.shape[0]):
        row = group[g]
        for c in range(2):
            for k in range(n):
                share, tools = row[a.SHARE + c, k], row[a.TOOLS + c, k]
                possible = row[a.PASSES, k] * left[k]
                made = row[a.MADE, k] * share
                kpasses[g, c, k] += made / _KPASS
                booked[a.T_TOOLS, g, c, k] += tools / steps
                booked[a.T_UP, g, c, k] += tools * row[a.UP + c, k]
                booked[a.T_POSSIBLE, g, c, k] += possible * share
                booked[a.T_MADE, g, c, k] += made


@inline_jit
def book_load(group: Any, booked: Any, n: Any) -> None:
    """Add the LOAD of the groups to the results of a row."""
    for g in range(group.shape[0]):
        for k in range(n):
            booked[g, k] += group[g, a.LOAD, k]


@inline_jit
def recall_load(recent: Any, group: Any, n: Any) -> None:
    """Fill the LOAD of each group for its waits: the passes a step that it made of late."""
    for g in range(group.shape[0]):
        for k in range(n):
            group[g, a.LOAD, k] = recent[g, k]


@inline_jit
def remember(days_per_step: Any, group: Any, recent: Any, n: Any) -> None:
    """Add the passes made in a step to their mean over _MEMORY_DAYS."""
    weight = min(1.0, days_per_step / _MEMORY_DAYS)
    for g in range(group.shape[0]):
        for k in range(n):
            recent[g, k] += (group[g, a.MADE, k] - recent[g, k]) * weight
