"""One realization of the whole supply chain in plain Python: the executable specification.

`simulate` takes a typed model and the drawn values of its parameters and gives nested dicts. It is
slow and shares no arithmetic with the kernels: objects and names instead of arrays and indices,
explicit cohorts that walk along a line, exact sums for the bins, a trial of every place for the
gross dies. Of the engine it uses the model, the names of the variables, and Philox for the luck
(which has known answers of its own).

Wafers are here, tools in twin_tools.py, dies in twin_dies.py, packages in twin_supply.py and the
two files that it names.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.reference import twin_dies as dies
from tests.reference import twin_tools as tools
from tests.reference.twin_assembly import book_usable
from tests.reference.twin_results import Book
from tests.reference.twin_supply import Packaging
from tests.reference.twin_world import MONTHS_PER_QUARTER, World
from yieldsim.model import Model
from yieldsim.model.check import OTHER

PLAN_WITHOUT_LIMIT = 100.0  # times as many wafers planned where tools limit them
DEFECTS_EVEN = 2.0  # gross over good dies at which defects cost as many dies as are left


def simulate(
    model: Model, values: Mapping[str, float], seed: int, realization: int
) -> dict[str, dict[str, Any]]:
    """``results[quarter][variable][name]...`` of one realization.

    ``values`` holds the drawn value of every parameter by its path, as `Sampler.draw` gives them;
    names follow the dims of `yieldsim.variables.OUTPUTS`, bins are called by their own names.
    Entries that are missing are zero.
    """
    world = World(model, values, seed, realization)
    book = Book(world)
    packaging = Packaging(world, book)
    fabs = [Line(world, book, packaging, name) for name in model.fabs]
    for step in range(world.quarters * world.steps_per_quarter):
        packaging.wafers_behind_cause.clear()
        packaging.from_fabs.clear()
        packaging.from_banks.clear()
        for fab in fabs:
            fab.advance(step)
        packaging.advance(step)
    book_usable(world, book)
    return book.nested()


@dataclass
class Cohort:
    """The wafers of a process that were started in one step."""

    started: float
    weights: dict[str, float]  # shares of the designs
    sorting: dict[str, dies.Sorting]  # what their dies will turn out to be
    left: float  # not yet out
    first: float = 0.0  # way gone by its first wafer; at 1 it leaves
    last: float = 0.0  # way gone by its last wafer


@dataclass
class Route:
    """A process in a fab."""

    process: str
    cohorts: list[Cohort] = field(default_factory=list)
    wafers_so_far: float = 0.0

    @property
    def wip(self) -> float:
        """Wafers in the line."""
        return sum(cohort.left for cohort in self.cohorts)


class Line:
    """One fab: its tools, its processes and the wafers in it."""

    def __init__(self, world: World, book: Book, packaging: Packaging, name: str) -> None:
        self.world, self.book, self.packaging, self.name = world, book, packaging, name
        self.fab = world.model.fabs[name]
        self.routes = [Route(process) for process in self.fab.plan]
        self.kpasses: dict[tuple[str, str], float] = defaultdict(float)

    def advance(self, step: int) -> None:
        """Capacity, release, defects and flow of one step."""
        world = self.world
        per_step = MONTHS_PER_QUARTER / world.steps_per_quarter
        if self.fab.fleets and world.lifted("wafers"):
            per_step *= PLAN_WITHOUT_LIMIT
        plan = {
            process: world.schedule(f"fabs.{self.name}.plan.{process}", schedule, step) * per_step
            for process, schedule in self.fab.plan.items()
        }
        rates = self.rates(step, plan) if self.fab.fleets else {}
        left, dirt = tools.accident(world, self.name, step)
        asked = self.loads(plan)
        released = {}
        for route in self.routes:
            possible, cause = self.possible(route, rates, asked)
            if left < min(possible, 1.0):
                cause = "accident"
            possible = left if math.isinf(possible) else possible * left
            if possible >= 1.0:
                cause = "wafer plan"
            released[route.process] = self.release(route, plan[route.process], possible, cause)
        begun = self.loads({process: starts for process, (starts, _) in released.items()})
        waits = {}
        for group, rate in rates.items():
            usage = begun[group] / rate.passes if rate.passes > 0.0 else 0.0
            waits[group] = tools.wait_days(world, self.name, group, rate, usage) if usage else 0.0
            share = usage / world.steps_per_quarter
            self.book.add(step, "utilization", self.name, group, amount=share)
        days, flows = {}, {}
        for route in self.routes:
            starts, cause = released[route.process]
            waiting = route.wip  # without the cohort that starts now
            stay = self.start_route(
                step, route, plan[route.process], starts, cause, dirt, rates, waits
            )
            days[route.process] = stay
            flows[route.process] = waiting * world.days_per_step / stay if stay > 0.0 else 0.0
        moving = self.loads(flows)
        for route in self.routes:
            slow = self.possible(route, rates, moving)[0] * left if rates else 1.0
            self.move(step, route, days[route.process], min(1.0, slow))
            where = (self.name, route.process)
            self.book.put(step, "wafer_wip", *where, level=route.wip)

    def loads(self, wafers: dict[str, float]) -> dict[str, float]:
        """Passes through each group that so many wafers of each process ask for."""
        load: dict[str, float] = defaultdict(float)
        for process, number in wafers.items():
            for group, visits in tools.visits_of(self.world, process).items():
                load[group] += number * visits
        return load

    def possible(
        self, route: Route, rates: dict[str, tools.GroupRate], load: dict[str, float]
    ) -> tuple[float, str]:
        """Share of a load that a route's scarcest group can serve, and what that is."""
        share, cause = math.inf, "wafer plan"
        visited = tools.visits_of(self.world, route.process)
        for group in self.world.model.tool_groups:
            if visited.get(group, 0.0) > 0.0 and group in rates and load[group] > 0.0:
                ratio = rates[group].passes / load[group]
                if ratio < share:
                    share = ratio
                    cause = f"tools: {group}" if ratio < 1.0 else "wafer plan"
        return share, cause

    def rates(self, step: int, plan: dict[str, float]) -> dict[str, tools.GroupRate]:
        """Rate of every group that the plan or the wafers in the line ask for."""
        there = {route.process: plan[route.process] + route.wip for route in self.routes}
        load = self.loads(there)
        return {
            group: tools.group_rate(self.world, self.name, group, step, self.kpasses)
            for group in self.world.model.tool_groups
            if load[group] > 0.0
        }

    def release(
        self, route: Route, planned: float, possible: float, cause: str
    ) -> tuple[float, str]:
        """Wafers that a route starts, and what held the rest."""
        world, name = self.world, route.process
        process = world.model.processes[name]
        raw_days = world.number(f"processes.{name}", process, "raw_process_days")
        cap = world.number(f"fabs.{self.name}", self.fab, "wip_cap_ratio")
        starts = planned * min(1.0, possible)
        room = max(0.0, cap * planned * raw_days / world.days_per_step - route.wip)
        return (room, "release rule") if raw_days > 0.0 and room < starts else (starts, cause)

    def start_route(
        self,
        step: int,
        route: Route,
        planned: float,
        starts: float,
        cause: str,
        dirt: float,
        granted: dict[str, tools.GroupRate],
        waits: dict[str, float],
    ) -> float:
        """Start a cohort of one process; how many days it would stay at the present load."""
        world, name = self.world, route.process
        process = world.model.processes[name]
        visited = {
            group: visits
            for group, visits in tools.visits_of(world, name).items()
            if visits > 0.0 and group in granted
        }
        raw_days = world.number(f"processes.{name}", process, "raw_process_days")
        density = world.number(f"processes.{name}", process, "d0_mature_per_cm2") * dirt
        density *= dies.learning(world, name, process, step, route.wafers_so_far)
        survive = world.number(f"processes.{name}", process, "systematic_yield")
        if visited and starts > 0.0:
            density *= tools.adder_ratio(world, visited, granted)
            survive *= tools.overlay_yield(world, name, process, visited, granted)
        if world.lifted("defects"):
            density, survive = 0.0, 1.0
        for group, visits in visited.items():
            for kind in tools.CLASSES:
                passes = starts * visits * granted[group].share(kind)
                self.kpasses[group, kind] += passes / tools.PASSES_PER_KPASS
        path = f"fabs.{self.name}.plan.{name}"
        alpha = world.number(f"processes.{name}", process, "alpha")
        factor, left = dies.clustered_density(world, process, name, path, step, starts)
        gain = planned / starts if starts > 0.0 else math.inf
        self.start(step, route, starts, (density, factor), (alpha, left), survive, cause, gain)

        days = raw_days + sum(visits * waits[group] for group, visits in visited.items())
        where = (self.name, name)
        self.book.add(step, "wafer_plan", *where, amount=planned)
        self.book.add(step, "wafer_starts", *where, amount=starts)
        self.book.add(step, "cycle_time_days", *where, amount=days / world.steps_per_quarter)
        self.book.add(step, "d0_times_starts", *where, amount=density * factor * starts)
        started = self.book.sums[self.book.quarter(step), "wafer_starts"][where]
        defects = self.book.sums[self.book.quarter(step), "d0_times_starts"][where]
        self.book.put(step, "d0_per_cm2", *where, level=defects / started if started else 0.0)
        return days

    def start(
        self,
        step: int,
        route: Route,
        starts: float,
        densities: tuple[float, float],
        clustering: tuple[float, float],
        survive: float,
        cause: str,
        gain: float,
    ) -> None:
        """Give the wafers of a step their designs, and the designs what holds them down."""
        density, factor = densities  # mean, and this period's over it
        path = f"fabs.{self.name}.allocation.{route.process}"
        curves = self.fab.allocation[route.process]
        weights = {
            die: max(0.0, self.world.schedule(f"{path}.{die}", curve, step))
            for die, curve in curves.items()
        }
        total = sum(weights.values())
        weights = {die: w / total if total else 0.0 for die, w in weights.items()}
        sorting = {}
        for die, weight in weights.items():
            if die == OTHER or starts * weight <= 0.0:
                continue
            design = self.world.model.dies[die]
            alpha = dies.alpha_within(self.world, die, design, density, *clustering)
            sorting[die] = dies.sort_dies(self.world, die, design, density * factor, alpha, survive)
            to_test = self.to_test(route.process)
            self.packaging.start(step, die, starts * weight, to_test, sorting[die])
            lost = 1.0 / sorting[die].good if sorting[die].good > 0.0 else math.inf
            worst = "defects" if lost > max(gain, DEFECTS_EVEN) else cause
            self.packaging.note_cause(die, starts * weight, worst)
        route.wafers_so_far += starts
        route.cohorts.append(Cohort(starts, weights, sorting, left=starts))

    def to_test(self, name: str) -> float:
        """Share of the wafers started that come to the wafer test."""
        process = self.world.model.processes[name]
        engineering = self.world.number(f"processes.{name}", process, "engineering_fraction")
        return self.world.number(f"processes.{name}", process, "line_yield") * (1.0 - engineering)

    def move(self, step: int, route: Route, cycle_days: float, slow: float) -> None:
        """Let the line advance: one way per cycle time, or ``slow`` of that if tools allow less."""
        speed = slow * self.world.days_per_step / cycle_days if cycle_days > 0.0 else math.inf
        newest = route.cohorts[-1]
        for cohort in route.cohorts:
            cohort.first += speed
            if cohort is not newest:
                cohort.last += speed
            wide = cohort.first - cohort.last
            if cohort.last >= 1.0 or math.isinf(cohort.first):
                gone = 1.0
            elif cohort.first <= 1.0:
                gone = 0.0
            else:
                gone = (cohort.first - 1.0) / wide
            still = min(cohort.left, cohort.started * (1.0 - gone))
            self.finish(step, route, cohort, cohort.left - still)
            cohort.left = still
        route.cohorts = [cohort for cohort in route.cohorts if cohort.left > 0.0]

    def finish(self, step: int, route: Route, cohort: Cohort, out: float) -> None:
        """Divide finished wafers among loss, development, designs and the rest."""
        where, process = (self.name, route.process), self.world.model.processes[route.process]
        path = f"processes.{route.process}"
        saved = out * self.world.number(path, process, "line_yield")
        development = saved * self.world.number(path, process, "engineering_fraction")
        to_designs = 0.0
        for die, sorting in cohort.sorting.items():
            wafers = (saved - development) * cohort.weights[die]
            self.packaging.probe(step, die, wafers, sorting)
            to_designs += wafers
        other = max(0.0, saved - development - to_designs)
        self.book.add(step, "wafer_outs", *where, amount=out)
        self.book.add(step, "wafers_scrapped", *where, amount=out - saved)
        self.book.add(step, "wafers_engineering", *where, amount=development)
        self.book.add(step, "wafers_other", *where, amount=other)
