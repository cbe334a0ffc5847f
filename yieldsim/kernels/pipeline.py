"""Wafers on their way: segments that tools empty, the last ones first, or a plain conveyor.

A route with tools is cut into segments of equal raw process time. In each part of a step a segment
hands on what its pace lets go (its wafers over the time that it takes), as far as the tool groups
can make the passes of the segment, which are charged as it is handed on. Groups give to the last
segments first: sharing in proportion would starve the end of a re-entrant line in overload. A line
without tools is a conveyor. Either only says how many wafers leave; which, order says (`flow`).
"""

from __future__ import annotations

from typing import Any

from yieldsim.kernels import arrays as a
from yieldsim.kernels.jit import inline_jit

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
    visits: Any,
    group: Any,
    pieces: Any,
    lane: Any,
    part: Any,
    n: Any,
) -> None:
    """Fill the wafers that GO on from each segment of an equipped fab in a ``part`` of a step.

    ``fab`` is its row of the structure, ``table`` that of the routes, ``visits`` are (process,
    segment, group, lane) and ``pieces`` (route, segment, field, lane). Where several routes ask a
    group for passes as far from the end, they share in proportion. The passes count as MADE.
    """
    routes = range(fab[a.FAB_FIRST], fab[a.FAB_LAST])
    _ask(fab, table, visits, group, pieces, lane, part, n)
    for behind in range(pieces.shape[1]):
        for g in range(group.shape[0]):
            if group[g, a.LOOKED_AT, 0] > 0.0:
                _share(fab, table, visits, group[g], pieces, behind, g, n)
        for route in routes:
            s = table[route, a.ROUTE_SEGMENTS] - 1 - behind
            if s >= 0:
                passes, piece = visits[table[route, a.ROUTE_PROCESS], s], pieces[route, s]
                _most(passes, group, piece[a.PERMITTED], n)
                for k in range(n):
                    piece[a.GO, k] *= piece[a.PERMITTED, k]
                _take(passes, piece, group, n)
    for route in routes:
        segments = table[route, a.ROUTE_SEGMENTS]
        _add_passes(
            visits[table[route, a.ROUTE_PROCESS]], pieces[route], segments, group, a.MADE, n
        )


@inline_jit
def _ask(
    fab: Any, table: Any, visits: Any, group: Any, pieces: Any, lane: Any, part: Any, n: Any
) -> None:
    """Fill GO as if tools were no limit, what each group can give and NEEDs to give for that, and
    whether it is TIGHT: only then is it LOOKED_AT."""
    left = lane[a.CAPACITY_LEFT]
    for g in range(group.shape[0]):
        for k in range(n):
            group[g, a.GRANTABLE, k] = group[g, a.PASSES, k] * left[k] * part
            group[g, a.NEED, k] = 0.0
    for route in range(fab[a.FAB_FIRST], fab[a.FAB_LAST]):
        segments = table[route, a.ROUTE_SEGMENTS]
        for s in range(segments):
            piece = pieces[route, s]
            for k in range(n):
                few = piece[a.INSIDE, k] < _FEW
                piece[a.GO, k] = piece[a.INSIDE, k] / (
                    1.0 if few else max(1.0, piece[a.PACE, k] / part)
                )
        _add_passes(
            visits[table[route, a.ROUTE_PROCESS]], pieces[route], segments, group, a.NEED, n
        )
    for g in range(group.shape[0]):
        any_tight = 0.0
        for k in range(n):
            tight = 1.0 if group[g, a.NEED, k] > group[g, a.GRANTABLE, k] else 0.0
            group[g, a.TIGHT, k] = tight
            any_tight = max(any_tight, tight)
        group[g, a.LOOKED_AT, 0] = any_tight


@inline_jit
def _add_passes(visits: Any, pieces: Any, segments: Any, group: Any, sums: Any, n: Any) -> None:
    """Add to a field of the groups the passes of the wafers that go on."""
    for s in range(segments):
        go = pieces[s, a.GO]
        for g in range(group.shape[0]):
            for k in range(n):
                group[g, sums, k] += go[k] * visits[s, g, k]


@inline_jit
def _share(
    fab: Any, table: Any, visits: Any, row: Any, pieces: Any, behind: Any, g: Any, n: Any
) -> None:
    """Fill the RATIO of what a group can give to what all routes ask of it, so many segments from
    their ends, at most one. A lane in which it can give all goes unhindered, whatever rounding."""
    ratio, grantable = row[a.RATIO], row[a.GRANTABLE]
    for k in range(n):
        ratio[k] = 0.0
    for route in range(fab[a.FAB_FIRST], fab[a.FAB_LAST]):
        s = table[route, a.ROUTE_SEGMENTS] - 1 - behind
        if s >= 0:
            passes, go = visits[table[route, a.ROUTE_PROCESS], s, g], pieces[route, s, a.GO]
            for k in range(n):
                ratio[k] += go[k] * passes[k]
    for k in range(n):
        held = row[a.TIGHT, k] > 0.0 and ratio[k] > grantable[k]
        ratio[k] = grantable[k] / ratio[k] if held else 1.0


@inline_jit
def _most(passes: Any, group: Any, granted: Any, n: Any) -> None:
    """Fill the part of what a route asks for a segment that its scarcest group can give."""
    for k in range(n):
        granted[k] = 1.0
    for g in range(group.shape[0]):
        if group[g, a.LOOKED_AT, 0] > 0.0:
            ratio = group[g, a.RATIO]
            for k in range(n):
                if passes[g, k] > 0.0:
                    granted[k] = min(granted[k], ratio[k])


@inline_jit
def _take(passes: Any, piece: Any, group: Any, n: Any) -> None:
    """Take the passes of the wafers that go on from the groups that are looked at."""
    for g in range(group.shape[0]):
        if group[g, a.LOOKED_AT, 0] > 0.0:
            grantable = group[g, a.GRANTABLE]
            for k in range(n):
                grantable[k] = max(0.0, grantable[k] - piece[a.GO, k] * passes[g, k])


@inline_jit
def hand_on(pieces: Any, segments: Any, out: Any, n: Any) -> None:
    """Move the wafers that GO from each segment into the next; fill those that go ``out``."""
    last = pieces[segments - 1]
    for k in range(n):
        out[k] = last[a.GO, k]
        last[a.INSIDE, k] -= last[a.GO, k]
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
