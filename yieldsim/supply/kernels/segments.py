"""Wafers on their way: segments that tools empty, the last ones first, or a plain conveyor.

A route with tools is cut into segments of equal raw process time. In each part of a step a segment
hands on what its pace lets go (its wafers over the time that it takes), as far as the tool groups
can make the passes of the segment, which are charged as it is handed on. Groups give to the last
segments first: sharing in proportion would starve the end of a re-entrant line in overload. A line
without tools is a conveyor. Either only says how many wafers leave; which, order says (`flow`).
"""

from __future__ import annotations

from typing import Any

from yieldsim.kernels.jit import inline_jit
from yieldsim.supply.kernels import records as a

_ALL = 1.0 - 1e-9
_FEW = 1e-3  # wafers that leave a segment at once, in place of ever less of them


@inline_jit
def enter(piece: Any, starts: Any, raw_days: Any, early: Any, part: Any, n: Any) -> None:
    """Put a ``part`` of the step's starts into the first segment: after the wafers moved, or
    before (``early``) where there is no raw process time, as they go through at once."""
    for k in range(n):
        if (raw_days[k] <= 0.0) == early:
            piece[a.INSIDE, k] += starts[k] * part


@inline_jit
def grant(
    fab: Any,
    table: Any,
    first: Any,
    groups: Any,
    visits: Any,
    group: Any,
    pieces: Any,
    lane: Any,
    part: Any,
    n: Any,
) -> None:
    """Fill the wafers that GO on from each segment of an equipped fab in a ``part`` of a step.

    ``fab`` is its row of the structure, ``table`` that of the routes; ``visits`` (visit, lane) of
    the ``groups`` (visit) are those of a process's segment from ``first`` (process, segment) to the
    next one's; ``pieces`` are (route, segment, field, lane). Where several routes ask a group for
    passes as far from the end, they share in proportion.
    """
    tight = _ask(fab, table, first, groups, visits, group, pieces, lane, part, n)
    for behind in range(pieces.shape[1] if tight else 0):
        _share(fab, table, first, groups, visits, group, pieces, behind, n)
        for route in range(fab[a.FAB_FIRST], fab[a.FAB_LAST]):
            s = table[route, a.ROUTE_SEGMENTS] - 1 - behind
            if s >= 0:
                p, piece = table[route, a.ROUTE_PROCESS], pieces[route, s]
                begin, end = first[p, s], first[p, s + 1]
                _most(groups[begin:end], visits[begin:end], group, piece[a.PERMITTED], n)
                for k in range(n):
                    piece[a.GO, k] *= piece[a.PERMITTED, k]
                _take(groups[begin:end], visits[begin:end], piece[a.GO], group, n)


@inline_jit
def _ask(
    fab: Any,
    table: Any,
    first: Any,
    groups: Any,
    visits: Any,
    group: Any,
    pieces: Any,
    lane: Any,
    part: Any,
    n: Any,
) -> Any:
    """Fill GO as if tools were no limit, what each group can give and NEEDs to give for that, and
    whether it is TIGHT: only then is it LOOKED_AT. Returns whether any is."""
    left = lane[a.CAPACITY_LEFT]
    for g in range(group.shape[1]):
        for k in range(n):
            group[a.GRANTABLE, g, k] = group[a.PASSES, g, k] * left[k] * part
            group[a.NEED, g, k] = 0.0
    for route in range(fab[a.FAB_FIRST], fab[a.FAB_LAST]):
        p = table[route, a.ROUTE_PROCESS]
        for s in range(table[route, a.ROUTE_SEGMENTS]):
            piece, begin, end = pieces[route, s], first[p, s], first[p, s + 1]
            for k in range(n):
                few = piece[a.INSIDE, k] < _FEW
                piece[a.GO, k] = piece[a.INSIDE, k] / (
                    1.0 if few else max(1.0, piece[a.PACE, k] / part)
                )
            _add_passes(groups[begin:end], visits[begin:end], piece[a.GO], group, a.NEED, n)
    found = False
    for g in range(group.shape[1]):
        any_tight = 0.0
        for k in range(n):
            tight = 1.0 if group[a.NEED, g, k] > group[a.GRANTABLE, g, k] else 0.0
            group[a.TIGHT, g, k] = tight
            any_tight = max(any_tight, tight)
        group[a.LOOKED_AT, g, 0] = any_tight
        found = found or any_tight > 0.0
    return found


@inline_jit
def _add_passes(groups: Any, visits: Any, wafers: Any, group: Any, sums: Any, n: Any) -> None:
    """Add to a field of the groups the passes of wafers that make a segment's visits."""
    for v in range(groups.shape[0]):
        g = groups[v]
        for k in range(n):
            group[sums, g, k] += wafers[k] * visits[v, k]


@inline_jit
def _share(
    fab: Any,
    table: Any,
    first: Any,
    groups: Any,
    visits: Any,
    group: Any,
    pieces: Any,
    behind: Any,
    n: Any,
) -> None:
    """Fill the RATIO of what a group can give to what all routes ask of it, so many segments from
    their ends, at most one. A lane in which it can give all goes unhindered, whatever rounding."""
    for g in range(group.shape[1]):
        if group[a.LOOKED_AT, g, 0] > 0.0:
            for k in range(n):
                group[a.RATIO, g, k] = 0.0
    for route in range(fab[a.FAB_FIRST], fab[a.FAB_LAST]):
        s = table[route, a.ROUTE_SEGMENTS] - 1 - behind
        if s >= 0:
            p, go = table[route, a.ROUTE_PROCESS], pieces[route, s, a.GO]
            for v in range(first[p, s], first[p, s + 1]):
                if group[a.LOOKED_AT, groups[v], 0] > 0.0:
                    for k in range(n):
                        group[a.RATIO, groups[v], k] += go[k] * visits[v, k]
    for g in range(group.shape[1]):
        if group[a.LOOKED_AT, g, 0] > 0.0:
            ratio, grantable = group[a.RATIO, g], group[a.GRANTABLE, g]
            for k in range(n):
                held = group[a.TIGHT, g, k] > 0.0 and ratio[k] > grantable[k]
                ratio[k] = grantable[k] / ratio[k] if held else 1.0


@inline_jit
def _most(groups: Any, visits: Any, group: Any, granted: Any, n: Any) -> None:
    """Fill the part of what a route asks for a segment that its scarcest group can give."""
    for k in range(n):
        granted[k] = 1.0
    for v in range(groups.shape[0]):
        if group[a.LOOKED_AT, groups[v], 0] > 0.0:
            ratio = group[a.RATIO, groups[v]]
            for k in range(n):
                if visits[v, k] > 0.0:
                    granted[k] = min(granted[k], ratio[k])


@inline_jit
def _take(groups: Any, visits: Any, go: Any, group: Any, n: Any) -> None:
    """Take the passes of the wafers that go on from the groups that are looked at."""
    for v in range(groups.shape[0]):
        if group[a.LOOKED_AT, groups[v], 0] > 0.0:
            grantable = group[a.GRANTABLE, groups[v]]
            for k in range(n):
                grantable[k] = max(0.0, grantable[k] - go[k] * visits[v, k])


@inline_jit
def charge(
    fab: Any,
    table: Any,
    first: Any,
    groups: Any,
    visits: Any,
    group: Any,
    pieces: Any,
    n: Any,
) -> None:
    """Add to the passes MADE those of the wafers that have GONE on, and count these anew."""
    for route in range(fab[a.FAB_FIRST], fab[a.FAB_LAST]):
        p = table[route, a.ROUTE_PROCESS]
        for s in range(table[route, a.ROUTE_SEGMENTS]):
            gone, begin, end = pieces[route, s, a.GONE], first[p, s], first[p, s + 1]
            _add_passes(groups[begin:end], visits[begin:end], gone, group, a.MADE, n)
            for k in range(n):
                gone[k] = 0.0


@inline_jit
def hand_on(pieces: Any, segments: Any, out: Any, n: Any) -> None:
    """Move the wafers that GO from each segment into the next, and count them as GONE; fill those
    that go ``out``."""
    last = pieces[segments - 1]
    for k in range(n):
        out[k] = last[a.GO, k]
        last[a.INSIDE, k] -= last[a.GO, k]
    for s in range(segments):
        for k in range(n):
            pieces[s, a.GONE, k] += pieces[s, a.GO, k]
    for s in range(segments - 2, -1, -1):
        for k in range(n):
            pieces[s, a.INSIDE, k] -= pieces[s, a.GO, k]
            pieces[s + 1, a.INSIDE, k] += pieces[s, a.GO, k]


@inline_jit
def convey(cohort: Any, line: Any, step: Any, pace: Any, left: Any, out: Any, n: Any) -> None:
    """Move a conveyor by a step, slower where an accident ``left`` less than all; fill what goes
    ``out``. A step's starts are spread evenly between their front and that of the next ones."""
    for k in range(n):
        out[k] = 0.0
        speed, tail = left[k] / pace[k], 0.0
        for t in range(step, int(line[a.OLDEST, k]) - 1, -1):
            front = cohort[t, a.FRONT, k] + speed
            if front > 1.0:
                # a front goes on beyond the end, so what had left is known by it
                gone = cohort[t, a.START, k] - cohort[t, a.LEFT, k]
                length = front - tail
                part = 1.0 if tail >= 1.0 else (front - 1.0) / length
                part = 1.0 if part >= _ALL else part
                out[k] += max(0.0, cohort[t, a.START, k] * part - gone)
            cohort[t, a.FRONT, k] = front
            tail = front
