"""Flow of wafers along a route: segments limited by tools, or a plain conveyor.

A route with tools is cut into segments of equal raw process time. In each part of a step, wafers
move on from a segment at its pace: its wafers over the time to cross it. Tool groups must make the
passes of the wafers that move on. They serve the last segments first, because sharing in proportion
would starve the end of a re-entrant line in overload. A route without tools is a conveyor. Both
give the number of wafers that leave; `cohorts` gives which wafers these are.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from yieldsim.kernels.jit import inline_jit, lane_jit, stage_jit
from yieldsim.supply.kernels.capacity import add_product
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
_DUST = 1e-9
_FEW = 1e-3  # fewer wafers than this leave a segment at once, not ever fewer per step


class FabVisits(NamedTuple):
    """The routes of a fab and the visits of their segments to its tool groups.

    Visits ``first[process, segment]`` to before ``first[process, segment + 1]`` are those of a
    segment. Visit v is to ``group[v]`` and takes ``passes[v]`` (lane) per wafer.
    """

    first_route: int  # of the fab
    end_route: int
    route: Records[RoutePlan]
    first: Ints
    group: Ints
    passes: Floats
    wafers: Records[RouteState]


@stage_jit
def enter(
    segment: Segment, starts: Lanes, raw_days: Lanes, early: bool, part: float, n: int
) -> None:
    """Put a ``part`` of the step's starts into the first segment.

    Wafers enter after the segments have moved. Without raw process time they cross the route at
    once, so they enter before (``early``).
    """
    for k in range(n):
        if (raw_days[k] <= 0.0) == early:
            segment.wafers[k] += starts[k] * part


@stage_jit
def ripen(
    wafers: RouteState,
    cohorts: Records[Cohort],
    raw_days: Lanes,
    days_per_step: float,
    end: float,
    part: float,
    n: int,
) -> None:
    """Update the wafers of a route that may leave in the ``part`` of a step that ends at ``end``.

    No wafer leaves before its raw process time. Wafers of a cohort start evenly over its step.
    """
    for k in range(n):
        if raw_days[k] <= 0.0:
            wafers.ripe[k] = np.inf
            continue
        last = end - raw_days[k] / days_per_step  # steps; wafers that started before may leave
        first = max(0.0, last - part)
        if last <= first:
            continue
        t = int(first)
        wafers.ripe[k] += cohorts[t].started[k] * (min(last, t + 1.0) - first)
        if last > t + 1.0:
            wafers.ripe[k] += cohorts[t + 1].started[k] * (last - t - 1.0)


@stage_jit
def pick(wafers: RouteState, n: int) -> None:
    """Subtract the wafers that leave a route from those that may."""
    for k in range(n):
        # rounding must not keep the last wafers in the line
        wafers.ripe[k] = max(_DUST, wafers.ripe[k] - wafers.outs[k])


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

    ``left`` is the share of the fab's capacity that events leave. Segments equally far from the
    ends of their routes share a group in proportion to the passes that they ask for.
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
    """Fill the wafers that would move on with unlimited tools, and the passes that they need.

    A group is tight where it cannot make all these passes. Only tight groups are looked at. Return
    whether any group is tight.
    """
    for g in range(groups.shape[0]):
        group = groups[g]
        for k in range(n):
            group.grantable[k] = group.possible_passes[k] * left[k] * part / group.kept[k]
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
            if s == visits.route[route].segments - 1:
                for k in range(n):
                    segment.moving[k] = min(segment.moving[k], visits.wafers[route].ripe[k])
            for v in range(visits.first[p, s], visits.first[p, s + 1]):
                group = groups[visits.group[v]]
                add_product(group.need, segment.moving, visits.passes[v], n)
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
    """Fill the ratio of the passes that each tight group can make to those that routes ask for.

    The routes ask for those of the segments ``behind`` places before their last ones. The ratio is
    at most 1, and exactly 1 in lanes where the group is not tight.
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
                    add_product(group.granted_ratio, moving, visits.passes[v], n)
    for g in range(groups.shape[0]):
        if groups[g].looked_at[0] > 0.0:
            ratio, grantable, tight = groups[g].granted_ratio, groups[g].grantable, groups[g].tight
            for k in range(n):
                held = (tight[k] > 0.0) & (ratio[k] > grantable[k])
                asked, possible = ratio[k], grantable[k]
                ratio[k] = (possible if held else 1.0) / (asked if held else 1.0)


@inline_jit
def _permit(
    visits: FabVisits,
    begin: int,
    end: int,
    groups: Records[GroupState],
    permitted: Lanes,
    n: int,
) -> None:
    """Fill the part of a segment's wafers that its most limited group permits."""
    for k in range(n):
        permitted[k] = 1.0
    for v in range(begin, end):
        group = groups[visits.group[v]]
        if group.looked_at[0] > 0.0:
            _limit(permitted, group.granted_ratio, visits.passes[v], n)


@inline_jit
def _take(
    visits: FabVisits, begin: int, end: int, moving: Lanes, groups: Records[GroupState], n: int
) -> None:
    """Subtract the passes of the wafers that move on from what tight groups can still make."""
    for v in range(begin, end):
        group = groups[visits.group[v]]
        if group.looked_at[0] > 0.0:
            _use(group.grantable, moving, visits.passes[v], n)


@lane_jit
def _limit(permitted: Lanes, ratio: Lanes, passes: Lanes, n: int) -> None:
    """Limit the part permitted to a group's ratio where a segment needs passes of the group."""
    for k in range(n):
        least = min(permitted[k], ratio[k])
        permitted[k] = least if passes[k] > 0.0 else permitted[k]


@lane_jit
def _use(grantable: Lanes, moving: Lanes, passes: Lanes, n: int) -> None:
    """Subtract the passes of the wafers that move on from what a group can still make."""
    for k in range(n):
        grantable[k] = max(0.0, grantable[k] - moving[k] * passes[k])


@inline_jit
def charge(
    visits: FabVisits, groups: Records[GroupState], segments: Records2[Segment], n: int
) -> None:
    """Fill the passes made for the wafers that moved on in the step; clear these wafers."""
    for g in range(groups.shape[0]):
        for k in range(n):
            groups[g].made_passes[k] = 0.0
    for route in range(visits.first_route, visits.end_route):
        p = visits.route[route].process
        for s in range(visits.route[route].segments):
            moved = segments[route, s].moved
            for v in range(visits.first[p, s], visits.first[p, s + 1]):
                group = groups[visits.group[v]]
                add_product(group.made_passes, moved, visits.passes[v], n)
            for k in range(n):
                moved[k] = 0.0
    for g in range(groups.shape[0]):
        group = groups[g]
        for k in range(n):
            group.made_passes[k] *= group.kept[k]


@inline_jit
def hand_on(segments: Records[Segment], count: int, outs: Lanes, n: int) -> None:
    """Move the wafers of a route's ``count`` segments; fill those that leave the last segment."""
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
    """Move a conveyor by a step, slower where events leave less capacity; fill the wafer outs.

    The wafers of a cohort are spread evenly between its front and that of the next cohort.
    """
    for k in range(n):
        outs[k] = 0.0
        speed, tail = left[k] / pace_steps[k], 0.0
        for t in range(step, int(route.oldest_cohort[k]) - 1, -1):
            cohort = cohorts[t]
            front = cohort.front[k] + speed
            if front > 1.0:
                # the front continues beyond the end: ``part`` of the cohort has left in all
                gone = cohort.started[k] - cohort.remaining[k]
                length = front - tail
                part = 1.0 if tail >= 1.0 else (front - 1.0) / length
                part = 1.0 if part >= _ALL else part
                outs[k] += max(0.0, cohort.started[k] * part - gone)
            cohort.front[k] = front
            tail = front
