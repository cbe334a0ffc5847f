"""Moves of wafers in the readable twin: which get tools, how many leave, and which leave.

A route with tools is cut into segments of equal raw process time. Each is a pool of wafers that
hands some of them on. A route without tools is a conveyor of cohorts, each the wafers of a step.
Wafers leave first in, first out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.supply.twin.dies import Sorting
from tests.supply.twin.visits import Passes, passes_of

LEAST_STEPS = 1e-12  # to cross a segment without raw process time and waits
ALL = 1.0 - 1e-9  # a larger share leaves as a whole
DUST = 1e-9  # wafers that rounding may keep
FEW = 1e-3  # wafers that leave a segment at once


@dataclass
class Cohort:
    """The wafers of a process that were started in one step."""

    step: int
    started: float
    weights: dict[str, float]  # shares of the designs
    sorting: dict[str, Sorting]  # what their dies will turn out to be
    left: float  # not yet out
    front: float = 0.0  # on a conveyor: the position of its first wafer
    tail: float = 0.0  # and of its last one


@dataclass
class Route:
    """A process in a fab: the passes of each of its segments, and the wafers on them."""

    process: str
    by_segment: list[Passes]
    visits: Passes = field(init=False)  # on the whole route
    inside: list[float] = field(init=False)  # wafers in each segment
    cohorts: list[Cohort] = field(default_factory=list)  # oldest first
    started: list[tuple[int, float]] = field(default_factory=list)  # wafers by step
    gone: float = 0.0  # wafers that have left
    last_out: float = 0.0  # wafers that left in the step before

    def __post_init__(self) -> None:
        self.visits = passes_of(self.by_segment)
        self.inside = [0.0] * self.segments

    @property
    def segments(self) -> int:
        """Number of segments."""
        return len(self.by_segment)

    @property
    def wip(self) -> float:
        """Wafers in the line."""
        return sum(cohort.left for cohort in self.cohorts)

    def asks(self, tau: list[float], part: float) -> list[float]:
        """Wafers that would leave each segment in a part of a step if tools were no limit."""
        return [
            there if there < FEW else there / max(1.0, steps / part)
            for there, steps in zip(self.inside, tau, strict=True)
        ]

    def ripe(self, end: float, raw_steps: float) -> float:
        """Wafers that may leave by a time: those at least the raw process time in the line.

        Wafers enter evenly over their step.
        """
        before = end - raw_steps
        entered = sum(wafers * min(1.0, max(0.0, before - step)) for step, wafers in self.started)
        return max(DUST, entered - self.gone)

    def hand_on(self, go: list[float]) -> float:
        """Move wafers on by a segment; return those that leave the line."""
        came = 0.0
        for s, wafers in enumerate(go):
            self.inside[s] += came - wafers
            came = wafers
        return came

    def convey(self, step: int, speed: float) -> float:
        """Move a conveyor by a step; return the wafers that leave it."""
        out = 0.0
        for cohort in self.cohorts:
            cohort.front += speed
            if cohort.step < step:  # the next cohort will begin at 0, behind the newest one
                cohort.tail += speed
            if cohort.front > 1.0:
                gone = 1.0
                if cohort.tail < 1.0:
                    gone = (cohort.front - 1.0) / (cohort.front - cohort.tail)
                gone = 1.0 if gone >= ALL else gone
                out += max(0.0, cohort.started * gone - (cohort.started - cohort.left))
        return out

    def take(self, wafers: float) -> list[tuple[Cohort, float]]:
        """Take wafers out of the line, the oldest first: return (cohort, wafers) pairs."""
        out = []
        for cohort in self.cohorts:
            if wafers <= 0.0:
                break
            gone = cohort.left if wafers >= cohort.left * ALL else wafers
            cohort.left -= gone
            wafers -= gone
            self.gone += gone
            out.append((cohort, gone))
        self.cohorts = [cohort for cohort in self.cohorts if cohort.left > 0.0]
        return out

    def settle(self) -> None:
        """Empty a line that all wafers have left: rounding may leave a trace."""
        if not self.cohorts:
            self.inside = [0.0] * self.segments


def grant(
    routes: list[Route], asks: list[list[float]], there: Mapping[str, float]
) -> tuple[list[list[float]], dict[str, float]]:
    """Return the wafers that go on from each segment of each route, and passes by group.

    ``there`` are the passes that each group of the fab can make. The last segments come first;
    segments as far from the ends of their routes get the same share of what a group has left.
    """
    rest = dict(there)
    goes = [list(ask) for ask in asks]
    for behind in range(max(route.segments for route in routes)):
        here = [
            (route.by_segment[route.segments - 1 - behind], go, route.segments - 1 - behind)
            for route, go in zip(routes, goes, strict=True)
            if behind < route.segments
        ]
        needs: dict[str, float] = defaultdict(float)
        for passes, go, s in here:
            for group, visits in passes.items():
                needs[group] += go[s] * visits
        ratios = {g: min(1.0, rest[g] / needs[g]) if needs[g] > 0.0 else 1.0 for g in rest}
        for passes, go, s in here:
            go[s] *= min((ratios[g] for g, visits in passes.items() if visits > 0.0), default=1.0)
            for group, visits in passes.items():
                rest[group] -= go[s] * visits
        rest = {group: max(0.0, passes) for group, passes in rest.items()}
    made: dict[str, float] = defaultdict(float)
    for route, go in zip(routes, goes, strict=True):
        for passes, wafers in zip(route.by_segment, go, strict=True):
            for group, visits in passes.items():
                made[group] += wafers * visits
    return goes, made


def steps_since_start(cohort: Cohort, out: float, now: float) -> float:
    """Mean number of steps since their start of the ``out`` wafers that leave a cohort at a time.

    They entered evenly over the step of their cohort, first in, first out. Call it after `take`.
    """
    gone_after = cohort.started - cohort.left
    gone_before = gone_after - out
    entered = (gone_before + gone_after) / 2.0 / cohort.started
    return now - cohort.step - entered
