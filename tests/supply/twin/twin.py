"""One realization of the whole supply chain in plain Python: the executable specification.

`simulate` takes a typed model and the drawn values of its parameters and gives nested dicts. It is
slow and shares no arithmetic with the kernels: it has objects and names instead of arrays and
indices, explicit cohorts that walk along a line, exact sums for the bins, and tries every place for
the gross dies. Of the engine it uses the model, the names of the variables, the medians of the
parameters, and Philox for the luck, which is tested against known answers.

This file holds a fab's step. Tools are in tools.py and noise.py, passes in
visits.py, moves of wafers in flow.py, what wafers carry in wafers.py, dies in
dies.py, memory stacks in memory.py, packages in supply.py, recipes.py and assembly.py.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from tests.supply.twin import flow, tools
from tests.supply.twin.assembly import book_usable
from tests.supply.twin.excursions import excursion_ratio, exposure
from tests.supply.twin.flow import Route
from tests.supply.twin.learning import Experience
from tests.supply.twin.planning.planner import Planner
from tests.supply.twin.results import Book
from tests.supply.twin.supply import Packaging
from tests.supply.twin.visits import passes_by_segment
from tests.supply.twin.wafers import Release, Wafers
from tests.supply.twin.world import MONTHS_PER_QUARTER, World
from yieldsim.model import Model
from yieldsim.model.schema import FabStarts

MEMORY_DAYS = 365.25 / 4  # of the mean of passes made, which waits follow
WAITS = ("transport_ratio", "batch_ratio", "hold_ratio")  # over raw process time
TIE = 1e-12  # more than the rounding of two ratios that are the same number
LEAST_ROOM = 1e-9  # of the wafers of a full line; less room is rounding


def simulate(
    model: Model, values: Mapping[str, float], seed: int, realization: int
) -> dict[str, dict[str, Any]]:
    """``results[quarter][variable][name]...`` of one realization.

    ``values`` holds the drawn value of every parameter by its path, as `Sampler.draw` gives them;
    names follow the dims of `yieldsim.outputs.OUTPUTS`, bins are called by their own names.
    Entries that are missing are zero.
    """
    world = World(model, values, seed, realization)
    book = Book(world)
    packaging = Packaging(world, book)
    experience = Experience(world)
    fabs = [Line(world, book, packaging, experience, name) for name in model.fabs]
    planner = Planner(world, packaging, fabs) if model.allocation.rule == "planner" else None
    for step in range(world.quarters * world.steps_per_quarter):
        if planner and step > 0 and step % world.steps_per_quarter == 0:
            packaging.follow(planner.plan(step))
        packaging.wafers_behind_cause.clear()
        packaging.from_fabs.clear()
        packaging.from_banks.clear()
        experience.begin(step)
        for fab in fabs:
            fab.advance(step)
        packaging.advance(step)
    book_usable(world, book)
    return book.nested()


class Line:
    """One fab: its tools, its processes and the wafers in it."""

    def __init__(
        self, world: World, book: Book, packaging: Packaging, experience: Experience, name: str
    ) -> None:
        self.world, self.book, self.name = world, book, name
        self.fab = world.model.fabs[name]
        self.routes = [
            Route(process, passes_by_segment(world, process, self.segments(process)))
            for process in self.fab.plan
        ]
        self.started: dict[str, float] = {}
        self.recent: dict[str, float] = defaultdict(float)  # use of tools, a mean that forgets
        self.days_in_line: dict[str, float] = {}  # at the load of the last step
        self.tools = tools.Tools(world, name)
        self.wafers = Wafers(world, book, packaging, experience, name)
        self.excursion_days = 0.0  # still to come

    def segments(self, process: str) -> int:
        """Number of segments of a route, the same for all that share tools or a shared process."""
        if not self.fab.fleets:
            return 1
        tied = {process}
        if self.median_days(process) > 0.0:
            for _ in self.world.model.fabs:
                for fab in self.world.model.fabs.values():
                    if fab.fleets and tied & set(fab.plan):
                        tied |= {name for name in fab.plan if self.median_days(name) > 0.0}
        return min(self.own_segments(name) for name in tied)

    def own_segments(self, process: str) -> int:
        """Number of segments by the length of a route; each takes at least two parts of a step."""
        simulation = self.world.model.simulation
        parts = self.median_days(process) / self.world.days_per_step * simulation.flow_steps
        return max(1, min(simulation.segments, int(parts / 2.0 + 1e-9)))

    def median_days(self, process: str) -> float:
        """Time without waits for tools, at the medians."""
        path, medians = f"processes.{process}", self.world.medians
        waits = sum(medians.get(f"{path}.{wait}", 0.0) for wait in WAITS)
        return medians.get(f"{path}.raw_process_days", 0.0) * (1.0 + waits)

    def advance(self, step: int) -> None:
        """Release, defects, and flow of one step."""
        plan = {route.process: self.plan(step, route) for route in self.routes}
        load = self.loads(plan)
        rates = self.tools.rates(step, load)
        kept = tools.sampling_kept(self.world, rates, load)
        left, dirt = tools.accident(self.world, self.name, step)
        exposed, self.excursion_days = exposure(
            self.world, self.name, step, self.excursion_days, min(kept.values(), default=1.0)
        )
        dirt *= excursion_ratio(self.world, self.name, exposed)
        releases = [
            self.release(route, plan[route.process], *self.possible(route, rates, load, kept, left))
            for route in self.routes
        ]
        taus = self.steps_through_segments(rates, kept, left)
        self.started = {
            route.process: release.starts
            for route, release in zip(self.routes, releases, strict=True)
        }
        for route, release, tau in zip(self.routes, releases, taus, strict=True):
            route.last_out = 0.0
            route.started.append((step, release.starts))
            self.wafers.start(step, route, release, dirt, rates, kept)
            days = sum(tau) * self.world.days_per_step
            self.days_in_line[route.process] = days
            self.book.add(step, "days_expected", self.name, route.process, amount=days)
        made = self.move_with_tools(step, rates, kept, left, taus) if rates else {}
        if rates:
            for group in rates:
                weight = min(1.0, self.world.days_per_step / MEMORY_DAYS)
                possible = rates[group].mean * left
                if possible > 0.0:
                    self.recent[group] += (made[group] / possible - self.recent[group]) * weight
            self.book_tools(step, rates, load, kept, left, made)
            self.tools.gain_experience(rates, made)
        else:
            for route, (tau,) in zip(self.routes, taus, strict=True):
                out = route.convey(step, left / tau)  # an accident slows the line
                self.finish(step + 0.5, route, out)
        for route in self.routes:
            route.settle()
            self.book.put(step, "wafer_wip", self.name, route.process, level=route.wip)
            self.book_cycle_time(step, self.name, route.process)

    def move_with_tools(
        self,
        step: int,
        rates: dict[str, tools.GroupRate],
        kept: dict[str, float],
        left: float,
        taus: list[list[float]],
    ) -> dict[str, float]:
        """Let the lines advance part by part of the step; the passes made by each group."""
        made: dict[str, float] = defaultdict(float)
        parts = self.world.model.simulation.flow_steps
        # planned passes, of which a group makes a share
        there = {group: rate.passes * left / parts / kept[group] for group, rate in rates.items()}
        for part in range(parts):
            self.enter(parts, early=True)
            now = step + (part + 0.5) / parts
            asks = [
                route.asks(tau, 1.0 / parts) for route, tau in zip(self.routes, taus, strict=True)
            ]
            for route, ask in zip(self.routes, asks, strict=True):
                raw_steps = self.raw_days(route.process) / self.world.days_per_step
                if raw_steps > 0.0:
                    ask[-1] = min(ask[-1], route.ripe(now + 0.5 / parts, raw_steps))
            goes, granted = flow.grant(self.routes, asks, there)
            for group in rates:
                made[group] += granted.get(group, 0.0) * kept[group]
            outs = [route.hand_on(go) for route, go in zip(self.routes, goes, strict=True)]
            self.enter(parts, early=False)
            for route, out in zip(self.routes, outs, strict=True):
                self.finish(now, route, out)
        return made

    def enter(self, parts: int, *, early: bool) -> None:
        """Let a part of the step's starts enter: early where they go through in no time."""
        for route in self.routes:
            if (self.raw_days(route.process) == 0.0) == early:
                route.inside[0] += self.started[route.process] / parts

    def plan(self, step: int, route: Route) -> float:
        """Planned wafers of a step; none before the fab starts."""
        world, process = self.world, route.process
        if step < self.begins():
            return 0.0
        per_step = MONTHS_PER_QUARTER / world.steps_per_quarter
        if self.fab.fleets and world.lifted("wafers"):
            per_step *= tools.PLAN_WITHOUT_LIMIT
        path = f"fabs.{self.name}.plan.{process}"
        return world.schedule(path, self.fab.plan[process], step) * per_step

    def begins(self) -> float:
        """The first step in which the fab may start wafers."""
        steps = [
            float(self.world.first_step(event.start))
            for event in self.world.model.events.values()
            if isinstance(event, FabStarts) and (not event.fabs or self.name in event.fabs)
        ]
        return max(steps, default=-math.inf)

    def loads(self, wafers: Mapping[str, float]) -> dict[str, float]:
        """Passes through each group that so many wafers of each process ask for."""
        load: dict[str, float] = defaultdict(float)
        for route in self.routes:
            for group, visits in route.visits.items():
                load[group] += wafers[route.process] * visits
        return load

    def possible(
        self,
        route: Route,
        rates: dict[str, tools.GroupRate],
        load: dict[str, float],
        kept: dict[str, float],
        left: float,
    ) -> tuple[float, str]:
        """Share of the plan that a route's scarcest group and accidents allow, and what that is."""
        share, cause = math.inf, "wafer plan"
        for group, rate in rates.items():
            if route.visits.get(group, 0.0) > 0.0 and load[group] > 0.0:
                ratio = rate.mean / (load[group] * kept[group])
                if tools.gives_way(self.world, group, kept[group]):
                    ratio *= 1.0 + TIE  # it keeps up with the scarcest of the others
                if ratio < share:
                    share = ratio
                    cause = f"tools: {group}" if ratio < 1.0 else "wafer plan"
        if left < min(share, 1.0):
            cause = "accident"
        share = left if math.isinf(share) else share * left
        return share, "wafer plan" if share >= 1.0 else cause

    def release(self, route: Route, planned: float, possible: float, cause: str) -> Release:
        """Start what is planned, up to a WIP of so many times what plan and tools allow.

        Where nothing waits in the line (no tools, or no raw process time), what they allow.
        """
        allowed = planned * min(1.0, possible)
        raw_steps = self.raw_days(route.process) / self.world.days_per_step
        wanted = planned if self.fab.fleets and raw_steps > 0.0 else allowed
        if raw_steps == 0.0:
            return Release(planned, wanted, allowed, cause)
        cap = self.world.number(f"fabs.{self.name}", self.fab, "wip_cap_ratio")
        full = cap * allowed * max(1.0, raw_steps)
        room = full - route.wip + route.last_out
        if room < LEAST_ROOM * full:
            room = 0.0
        if room < wanted and allowed >= planned:
            cause = "release rule"
        return Release(planned, min(wanted, room), allowed, cause)

    def raw_days(self, name: str) -> float:
        """Raw process time of a process."""
        process = self.world.model.processes[name]
        return self.world.number(f"processes.{name}", process, "raw_process_days")

    def unqueued_days(self, name: str) -> float:
        """Time in the line of a wafer that never waits for tools."""
        process = self.world.model.processes[name]
        waits = sum(self.world.number(f"processes.{name}", process, wait) for wait in WAITS)
        return self.raw_days(name) * (1.0 + waits)

    def steps_through_segments(
        self, rates: dict[str, tools.GroupRate], kept: dict[str, float], left: float
    ) -> list[list[float]]:
        """Steps that a lot spends in each segment of each route, waits at the load of late.

        Only a part of the lots waits for control steps.
        """
        waits = {}
        for group, rate in rates.items():
            usage = self.recent[group] if rate.mean * left > 0.0 else 0.0
            waits[group] = (
                tools.wait_days(self.world, self.name, group, rate, usage) if usage > 0.0 else 0.0
            )
            waits[group] *= kept[group]
        taus = []
        for route in self.routes:
            unqueued = self.unqueued_days(route.process) / route.segments
            days = [
                unqueued + sum(passes * waits.get(group, 0.0) for group, passes in segment.items())
                for segment in route.by_segment
            ]
            taus.append([max(flow.LEAST_STEPS, each / self.world.days_per_step) for each in days])
        return taus

    def finish(self, now: float, route: Route, wafers: float) -> None:
        """Hand over wafers that leave a line at a time."""
        step = int(now)
        route.last_out += wafers
        for cohort, out in route.take(wafers):
            self.wafers.finish(step, route, cohort, out)
            days = flow.steps_since_start(cohort, out, now) * self.world.days_per_step
            self.book.add(step, "days_of_outs", self.name, route.process, amount=out * days)

    def book_cycle_time(self, step: int, *where: str) -> None:
        """Mean time of the wafers that left in the quarter so far; expected where none did."""
        sums, quarter = self.book.sums, self.book.quarter(step)
        outs = sums[quarter, "wafer_outs"][where]
        days = sums[quarter, "days_expected"][where] / (step % self.world.steps_per_quarter + 1)
        if outs > 0.0:
            days = sums[quarter, "days_of_outs"][where] / outs
        raw = self.raw_days(where[1])
        days = max(days, raw)  # the first wafers seem faster by up to half a part of a step
        self.book.put(step, "cycle_time_days", *where, level=days)
        self.book.put(step, "x_factor", *where, level=days / raw if raw > 0.0 else 0.0)

    def book_tools(
        self,
        step: int,
        rates: dict[str, tools.GroupRate],
        load: Mapping[str, float],
        kept: Mapping[str, float],
        left: float,
        made: Mapping[str, float],
    ) -> None:
        """What the fleets could do and did."""
        add, part = self.book.add, 1.0 / self.world.steps_per_quarter
        for group, rate in rates.items():
            where = (self.name, group)
            add(step, "tool_load", *where, amount=load[group])
            add(step, "sampling_kept", *where, amount=kept[group] * part)
            add(step, "passes_possible", *where, amount=rate.passes * left)
            add(step, "passes_made", *where, amount=made[group])
            self.book_ratio(step, "utilization", "passes_made", "passes_possible", *where)
            for kind, own in rate.classes.items():
                each = (*where, kind)
                add(step, "tools", *each, amount=own.count * part)
                add(step, "tool_passes_possible", *each, amount=own.passes * left)
                add(step, "tool_passes", *each, amount=made[group] * rate.share(kind))
                add(step, "tools_available", *each, amount=own.count * own.availability * part)
                self.book_ratio(step, "tool_availability", "tools_available", "tools", *each)

    def book_ratio(self, step: int, name: str, over: str, under: str, *where: str) -> None:
        """Set a level to the ratio of two sums of the quarter so far; 0 where there is nothing."""
        quarter = self.book.quarter(step)
        whole = self.book.sums[quarter, under][where]
        part = self.book.sums[quarter, over][where]
        self.book.put(step, name, *where, level=part / whole if whole > 0.0 else 0.0)
