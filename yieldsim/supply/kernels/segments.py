"""Wafers on their way: segments that tools empty, the last ones first, or a plain conveyor.

A route with tools is cut into segments of equal raw process time. In each part of a step a segment
hands on what its pace lets go: its wafers over the time that it takes. It does so as far as the
tool groups can make its passes, and these are charged as wafers are handed on. Groups give to the
last segments first: sharing in proportion would starve the end of a re-entrant line in overload. A
route without tools is a conveyor. Either says only how many wafers leave; `cohorts` says which.
"""

from __future__ import annotations

from typing import NamedTuple

from yieldsim.kernels.jit import inline_jit
from yieldsim.supply.kernels.records import (
    Cohort,
    Floats,
    GroupState,
    Ints,
    Lanes,
    Records,
    Records2,
    RoutePlan,
    RouteState,
    Segment,
)

_ALL = 1.0 - 1e-9
_FEW = 1e-3  # wafers that leave a segment at once, in place of ever less of them


class FabVisits(NamedTuple):
    """The routes of a fab and the visits of their segments to its tool groups.

    Visits ``first[process, segment]`` to before ``first[process, segment + 1]`` are those of a
    segment: visit v is to ``group[v]``, with ``passes[v]`` (lane) a wafer.
    """

    first_route: int  # of the fab
    end_route: int
    route: Records[RoutePlan]
    first: Ints
    group: Ints
    passes: Floats


@inline_jit
def enter(
    segment: Segment, starts: Lanes, raw_days: Lanes, early: bool, part: float, n: int
) -> None:
    """Put a ``part`` of the step's starts into the first segment.

    Wafers enter after the segments have moved. Those without raw process time go through at once,
    so they enter before (``early``).
    """
    for k in range(n):
        if (raw_days[k] <= 0.0) == early:
            segment.wafers[k] += starts[k] * part


@inline_jit
def grant(
    visits: FabVisits,
    groups: Records[GroupState],
    segments: Records2[Segment],
    left: Lanes,
    part: float,
    n: int,
) -> None:
    """Fill the wafers that move on from each segment of an equipped fab in a ``part`` of a step.

    ``left`` is the fab's capacity that events leave. Routes that ask a group for passes as far
    from their ends share in proportion.
    """
    tight = _ask(visits, groups, segments, left, part, n)
    for behind in range(segments.shape[1] if tight else 0):
        _share(visits, groups, segments, behind, n)
        for route in range(visits.first_route, visits.end_route):
            s = visits.route[route].segments - 1 - behind
            if s >= 0:
                p, segment = visits.route[route].process, segments[route, s]
                begin, end = visits.first[p, s], visits.first[p, s + 1]
                _permit(visits, begin, end, groups, segment.permitted, n)
                for k in range(n):
                    segment.moving[k] *= segment.permitted[k]
                _take(visits, begin, end, segment.moving, groups, n)


@inline_jit
def _ask(
    visits: FabVisits,
    groups: Records[GroupState],
    segments: Records2[Segment],
    left: Lanes,
    part: float,
    n: int,
) -> bool:
    """Fill the wafers that would move on without a limit of tools, and what that asks of groups.

    A group is tight where it cannot make all these passes; only then is it looked at. Return
    whether any is.
    """
    for g in range(groups.shape[0]):
        group = groups[g]
        for k in range(n):
            group.grantable[k] = group.possible_passes[k] * left[k] * part
            group.need[k] = 0.0
    for route in range(visits.first_route, visits.end_route):
        p = visits.route[route].process
        for s in range(visits.route[route].segments):
            segment = segments[route, s]
            for k in range(n):
                few = segment.wafers[k] < _FEW
                segment.moving[k] = segment.wafers[k] / (
                    1.0 if few else max(1.0, segment.pace_steps[k] / part)
                )
            for v in range(visits.first[p, s], visits.first[p, s + 1]):
                group = groups[visits.group[v]]
                for k in range(n):
                    group.need[k] += segment.moving[k] * visits.passes[v, k]
    any_group = False
    for g in range(groups.shape[0]):
        group, any_lane = groups[g], 0.0
        for k in range(n):
            tight = 1.0 if group.need[k] > group.grantable[k] else 0.0
            group.tight[k] = tight
            any_lane = max(any_lane, tight)
        group.looked_at[0] = any_lane
        any_group = any_group or any_lane > 0.0
    return any_group


@inline_jit
def _share(
    visits: FabVisits, groups: Records[GroupState], segments: Records2[Segment], behind: int, n: int
) -> None:
    """Fill what each group can give over what all routes ask, so many segments from their ends.

    The ratio is at most one. A lane in which a group can give all has a ratio of one, whatever
    rounding.
    """
    for g in range(groups.shape[0]):
        if groups[g].looked_at[0] > 0.0:
            for k in range(n):
                groups[g].granted_ratio[k] = 0.0
    for route in range(visits.first_route, visits.end_route):
        s = visits.route[route].segments - 1 - behind
        if s >= 0:
            p, moving = visits.route[route].process, segments[route, s].moving
            for v in range(visits.first[p, s], visits.first[p, s + 1]):
                group = groups[visits.group[v]]
                if group.looked_at[0] > 0.0:
                    for k in range(n):
                        group.granted_ratio[k] += moving[k] * visits.passes[v, k]
    for g in range(groups.shape[0]):
        if groups[g].looked_at[0] > 0.0:
            ratio, grantable, tight = groups[g].granted_ratio, groups[g].grantable, groups[g].tight
            for k in range(n):
                held = tight[k] > 0.0 and ratio[k] > grantable[k]
                ratio[k] = grantable[k] / ratio[k] if held else 1.0


@inline_jit
def _permit(
    visits: FabVisits,
    begin: int,
    end: int,
    groups: Records[GroupState],
    permitted: Lanes,
    n: int,
) -> None:
    """Fill the part of a segment's wafers that the group which gives least permits."""
    for k in range(n):
        permitted[k] = 1.0
    for v in range(begin, end):
        group = groups[visits.group[v]]
        if group.looked_at[0] > 0.0:
            for k in range(n):
                if visits.passes[v, k] > 0.0:
                    permitted[k] = min(permitted[k], group.granted_ratio[k])


@inline_jit
def _take(
    visits: FabVisits, begin: int, end: int, moving: Lanes, groups: Records[GroupState], n: int
) -> None:
    """Take the passes of the wafers that move on from the groups that are looked at."""
    for v in range(begin, end):
        group = groups[visits.group[v]]
        if group.looked_at[0] > 0.0:
            grantable = group.grantable
            for k in range(n):
                grantable[k] = max(0.0, grantable[k] - moving[k] * visits.passes[v, k])


@inline_jit
def charge(
    visits: FabVisits, groups: Records[GroupState], segments: Records2[Segment], n: int
) -> None:
    """Add the passes of the wafers that moved on in the step to those made; forget the wafers."""
    for route in range(visits.first_route, visits.end_route):
        p = visits.route[route].process
        for s in range(visits.route[route].segments):
            moved = segments[route, s].moved
            for v in range(visits.first[p, s], visits.first[p, s + 1]):
                group = groups[visits.group[v]]
                for k in range(n):
                    group.made_passes[k] += moved[k] * visits.passes[v, k]
            for k in range(n):
                moved[k] = 0.0


@inline_jit
def hand_on(segments: Records[Segment], count: int, outs: Lanes, n: int) -> None:
    """Move the wafers of a route's ``count`` segments; fill those that leave the last one."""
    last = segments[count - 1]
    for k in range(n):
        outs[k] = last.moving[k]
        last.wafers[k] -= last.moving[k]
    for s in range(count):
        segment = segments[s]
        for k in range(n):
            segment.moved[k] += segment.moving[k]
    for s in range(count - 2, -1, -1):
        segment, following = segments[s], segments[s + 1]
        for k in range(n):
            segment.wafers[k] -= segment.moving[k]
            following.wafers[k] += segment.moving[k]


@inline_jit
def convey(
    cohorts: Records[Cohort],
    route: RouteState,
    step: int,
    pace_steps: Lanes,
    left: Lanes,
    outs: Lanes,
    n: int,
) -> None:
    """Move a conveyor by a step, slower where events leave less than all capacity; fill the outs.

    A step's starts are spread evenly between their front and that of the next ones.
    """
    for k in range(n):
        outs[k] = 0.0
        speed, tail = left[k] / pace_steps[k], 0.0
        for t in range(step, int(route.oldest_cohort[k]) - 1, -1):
            cohort = cohorts[t]
            front = cohort.front[k] + speed
            if front > 1.0:
                # a front goes on beyond the end, so what had left is known by it
                gone = cohort.started[k] - cohort.remaining[k]
                length = front - tail
                part = 1.0 if tail >= 1.0 else (front - 1.0) / length
                part = 1.0 if part >= _ALL else part
                outs[k] += max(0.0, cohort.started[k] * part - gone)
            cohort.front[k] = front
            tail = front
