"""Wafers on their way in the readable twin: who gets tools, how far fronts come, who leaves.

A route runs from 0 to 1 through segments of equal raw process time. The wafers of a step (a cohort)
are spread evenly between their front and their tail, which is the front of the next cohort.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.reference.twin_dies import Sorting
from tests.reference.twin_visits import Passes, passes_of, segment_of, share_within

LEAST_STEPS = 1e-12  # that a segment takes, where a process has no raw time and no waits
LARGEST_SPEED = 1e12  # route lengths a step
ALL = 1.0 - 1e-9  # a larger share leaves as a whole


@dataclass
class Cohort:
    """The wafers of a process that were started in one step."""

    step: int
    started: float
    weights: dict[str, float]  # shares of the designs
    sorting: dict[str, Sorting]  # what their dies will turn out to be
    left: float  # not yet out
    outside: float = 0.0  # still to be started within the step
    front: float = 0.0  # way gone by its first wafer
    tail: float = 0.0  # way gone by its last wafer

    @property
    def inside(self) -> float:
        """Wafers of it that stand in the line."""
        return max(0.0, self.left - self.outside)


@dataclass
class Route:
    """A process in a fab: the passes of each of its segments, and the wafers on them."""

    process: str
    by_segment: list[Passes]
    visits: Passes = field(init=False)  # on the whole way
    cohorts: list[Cohort] = field(default_factory=list)
    wafers_so_far: float = 0.0

    def __post_init__(self) -> None:
        self.visits = passes_of(self.by_segment)

    @property
    def segments(self) -> int:
        """Pieces into which the route is cut."""
        return len(self.by_segment)

    @property
    def wip(self) -> float:
        """Wafers in the line."""
        return sum(cohort.left for cohort in self.cohorts)

    def flow(self, step: int, starts: float) -> float:
        """Wafers a step by Little's law: WIP over the age of the wafers that are next to leave;
        starts where the line is empty."""
        if not self.cohorts:
            return starts
        oldest = self.cohorts[0]
        gone = (oldest.started - oldest.left) / oldest.started
        return self.wip / (step - oldest.step - min(gone, ALL))

    def wafers_by_segment(self) -> list[float]:
        """Where the wafers in the line are."""
        wafers = [0.0] * self.segments
        for cohort in self.cohorts:
            for s in range(self.segments):
                part = share_within(cohort.tail, cohort.front, s, self.segments)
                wafers[s] += cohort.inside * part
        return wafers

    def asks(self, tau: list[float]) -> list[float]:
        """Wafers that would leave each segment in a step if they got all they need."""
        wafers = self.wafers_by_segment()
        return [there / t for there, t in zip(wafers, tau, strict=True)]


def grant(
    routes: list[Route], asks: list[list[float]], there: Mapping[str, float]
) -> tuple[list[list[float]], dict[str, float]]:
    """(share of its speed that each segment of each route keeps, passes made by each group).

    ``there`` are the passes that each group of the fab can make in the step. The last segments
    come first; within a segment number, all routes get the same share of what a group has left.
    """
    rest = dict(there)
    keeps = [[1.0] * route.segments for route in routes]
    for s in reversed(range(routes[0].segments)):
        needs: dict[str, float] = defaultdict(float)
        for route, ask in zip(routes, asks, strict=True):
            for group, passes in route.by_segment[s].items():
                needs[group] += ask[s] * passes
        ratios = {g: min(1.0, rest[g] / needs[g]) if needs[g] > 0.0 else 1.0 for g in rest}
        for route, ask, keep in zip(routes, asks, keeps, strict=True):
            visited = {g: v for g, v in route.by_segment[s].items() if v > 0.0}
            keep[s] = min((ratios[group] for group in visited), default=1.0)
            for group, passes in visited.items():
                rest[group] -= keep[s] * ask[s] * passes
        rest = {group: max(0.0, passes) for group, passes in rest.items()}
    return keeps, {group: there[group] - rest[group] for group in there}


def speeds(keeps: list[float], tau: list[float]) -> list[float]:
    """Route lengths a step in each segment, ``tau`` being the steps that it takes undisturbed."""
    return [min(LARGEST_SPEED, keep / len(keeps) / t) for keep, t in zip(keeps, tau, strict=True)]


def travel(place: float, speed: list[float], time: float) -> float:
    """Where a front stands some time later; beyond the end it goes on as in the last segment."""
    last = len(speed) - 1
    for s in range(segment_of(place, len(speed)), last):
        way = (s + 1) / len(speed) - place
        if way > speed[s] * time:
            return place + speed[s] * time
        time -= way / speed[s]
        place = (s + 1) / len(speed)
    return place + speed[last] * max(0.0, time)


def move(route: Route, step: int, speed: list[float], time: float) -> list[tuple[Cohort, float]]:
    """Let the line advance by a part of a step; (cohort, wafers of it) that leave."""
    out = []
    for cohort in route.cohorts:
        front = travel(cohort.front, speed, time)
        # behind the newest cohort the next will begin, at 0
        tail = travel(cohort.tail, speed, time) if cohort.step < step else 0.0
        if front > 1.0:
            part = 1.0 if tail >= 1.0 else (front - 1.0) / (front - tail)
            gone = cohort.inside * (1.0 if part >= ALL else part)
            out.append((cohort, gone))
            cohort.left = cohort.outside if part >= ALL else cohort.left - gone
        cohort.front, cohort.tail = min(1.0, front), min(1.0, tail)
    route.cohorts = [cohort for cohort in route.cohorts if cohort.left > 0.0]
    return out


def steps_since_start(cohort: Cohort, out: float, now: float) -> float:
    """Mean steps since their start of the wafers that leave at a time, ``out`` of them.

    They entered evenly over the step of their cohort, first come, first out. To be asked after the
    move.
    """
    gone_after = cohort.started - cohort.left
    gone_before = gone_after - out
    entered = (gone_before + gone_after) / 2.0 / cohort.started
    return now - cohort.step - entered
