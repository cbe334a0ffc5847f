"""Wafers of the readable twin: their defects and designs at the start, their dies at the end."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tests.supply.twin import dies, tools
from tests.supply.twin.flow import Cohort, Route
from tests.supply.twin.learning import Experience
from tests.supply.twin.results import Book
from tests.supply.twin.supply import Packaging
from tests.supply.twin.world import World
from yieldsim.model.schema.fabs import OTHER

TENTH = 0.1  # of a constraint, by which a label asks what would add most dies


@dataclass
class Release:
    """Wafers that a route starts in a step, those planned, and what held the rest."""

    planned: float
    starts: float
    allowed: float  # what plan and tools allow in the long run
    cause: str


class Wafers:
    """Wafers that start and end in a fab."""

    def __init__(
        self, world: World, book: Book, packaging: Packaging, experience: Experience, name: str
    ) -> None:
        self.world, self.book, self.packaging, self.name = world, book, packaging, name
        self.experience = experience
        self.fab = world.model.fabs[name]
        self.last: dict[str, tuple[float, float]] = {}  # density and systematic yield by process

    def start(
        self,
        step: int,
        route: Route,
        release: Release,
        dirt: float,
        rates: dict[str, tools.GroupRate],
        kept: dict[str, float],
    ) -> None:
        """Start a cohort of a process with the defect density of the step.

        ``kept`` is the share of its planned passes that each tool group makes.
        """
        world, name, starts = self.world, route.process, release.starts
        process = world.model.processes[name]
        visits = {g: v for g, v in route.visits.items() if v > 0.0 and g in rates}
        density = world.number(f"processes.{name}", process, "d0_mature_per_cm2") * dirt
        density *= tools.excursions(world, self.name, name, step)
        density *= self.experience.ratio(self.name, name, step)
        systematic = world.number(f"processes.{name}", process, "systematic_yield")
        survive = systematic
        if visits:
            density *= tools.adder_ratio(world, visits, rates)
            density *= tools.skipped_ratio(world, visits, kept)
            survive *= tools.overlay_yield(world, name, process, visits, rates)
        if world.lifted("defects"):
            density, survive, systematic = 0.0, 1.0, 1.0
        self.last[name] = density, survive
        path = f"fabs.{self.name}.plan.{name}"
        alpha = world.number(f"processes.{name}", process, "alpha")
        factor, left = dies.clustered_density(world, process, name, path, step, starts)
        self.give_designs(
            step, route, release, (density, factor), (alpha, left), (survive, systematic)
        )
        where = (self.name, name)
        self.book.add(step, "wafer_plan", *where, amount=release.planned)
        self.book.add(step, "wafer_starts", *where, amount=starts)
        self.book.add(step, "d0_times_starts", *where, amount=density * factor * starts)
        started = self.book.sums[self.book.quarter(step), "wafer_starts"][where]
        defects = self.book.sums[self.book.quarter(step), "d0_times_starts"][where]
        self.book.put(step, "d0_per_cm2", *where, level=defects / started if started else 0.0)

    def give_designs(
        self,
        step: int,
        route: Route,
        release: Release,
        densities: tuple[float, float],
        clustering: tuple[float, float],
        survive: tuple[float, float],
    ) -> None:
        """Give the wafers of a step their designs, and note what limits each design.

        ``survive`` is the share of dies that overlay and systematic losses leave, and that which
        the latter alone leave.
        """
        density, factor = densities  # the mean, and the period's over the mean
        starts, sorting = release.starts, {}
        shares = self.weights(step, route.process)
        others = sum(share for die, share in shares.items() if die not in self.for_ai())
        weights = self.planned(route.process, shares)
        for die, weight in weights.items():
            if die == OTHER or starts * weight <= 0.0:
                continue
            design = self.world.model.dies[die]
            good = []
            for ratio in (1.0 - TENTH, 1.0):
                part = ratio * density
                alpha = dies.alpha_within(self.world, die, design, part, *clustering)
                sorting[die] = dies.sort_dies(
                    self.world, die, design, part * factor, alpha, *survive
                )
                good.append(sorting[die].good)
            to_test = self.to_test(route.process)
            self.packaging.start(step, die, starts * weight, to_test, sorting[die])
            part = others / weight if die in self.for_ai() else 0.0
            self.packaging.note_cause(die, starts * weight, self.cause(release, good, part))
        line = self.name, route.process
        self.experience.wafers[line] = self.experience.wafers.get(line, 0.0) + starts
        if starts > 0.0:
            route.cohorts.append(Cohort(step, starts, weights, sorting, left=starts))

    def weights(self, step: int, process: str) -> dict[str, float]:
        """Shares of the wafers by design; a share of the AI wafers takes part of what these get."""
        path, curves = f"fabs.{self.name}.allocation.{process}", self.fab.allocation[process]
        given = {
            die: max(0.0, self.world.schedule(f"{path}.{die}", curve, step))
            for die, curve in curves.items()
        }
        shares = {die: given[die] for die, curve in curves.items() if curve.share_of == "ai"}
        plain = sum(given[die] for die in self.for_ai() if die in given and die not in shares)
        for die, share in shares.items():
            given[die] = plain * share / (1.0 - sum(shares.values()))
        total = sum(given.values())
        return {die: weight / total if total else 0.0 for die, weight in given.items()}

    def for_ai(self) -> set[str]:
        """Designs that AI products use."""
        ai = [p for p in self.world.model.products.values() if p.kind == "ai"]
        return {product.die for product in ai} | {die for p in ai for die in p.other_dies}

    def cause(self, release: Release, good: list[float], others: float) -> str:
        """The constraint of which a tenth more (of defects: less) gives most dies of a design.

        ``good`` are the shares of good dies with fewer defects and as they are, ``others`` the
        wafers that the shares give to no AI product, over those of the design.
        """
        # wafers that tools do not allow in the long run only fill the buffer: they are no gain
        lasting = min(release.starts, release.allowed)
        most = math.inf if release.cause == "wafer plan" else release.planned / lasting - 1.0
        gains = {release.cause: min(TENTH, max(0.0, most)), "allocation": TENTH * others}
        gains["defects"] = good[0] / good[1] - 1.0 if good[1] > 0.0 else math.inf
        return max(gains, key=lambda name: gains[name])  # of equals the first

    def planned(self, process: str, weights: dict[str, float]) -> dict[str, float]:
        """The shares after the plan has divided those of AI and phone designs, if there is one."""
        plan = self.packaging.plan
        if plan is None or (self.name, process) not in plan.parts:
            return weights
        parts = plan.parts[self.name, process]
        ai = sum(weights[die] for die in parts)
        changed = weights | {die: part * ai for die, part in parts.items()}
        for die, part in plan.kept.get((self.name, process), {}).items():
            changed[die] *= part
        for die, part in plan.phones.get((self.name, process), {}).items():
            changed[die] += part * ai
        return changed

    def to_test(self, name: str) -> float:
        """Share of the wafers started that come to the wafer test."""
        process = self.world.model.processes[name]
        engineering = self.world.number(f"processes.{name}", process, "engineering_fraction")
        return self.world.number(f"processes.{name}", process, "line_yield") * (1.0 - engineering)

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
