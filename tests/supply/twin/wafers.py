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

DEFECTS_EVEN = 2.0  # gross over good dies; here as many dies are lost as are good


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
        survive = world.number(f"processes.{name}", process, "systematic_yield")
        if visits and starts > 0.0:
            density *= tools.adder_ratio(world, visits, rates)
            density *= tools.skipped_ratio(world, visits, kept)
            survive *= tools.overlay_yield(world, name, process, visits, rates)
        if world.lifted("defects"):
            density, survive = 0.0, 1.0
        path = f"fabs.{self.name}.plan.{name}"
        alpha = world.number(f"processes.{name}", process, "alpha")
        factor, left = dies.clustered_density(world, process, name, path, step, starts)
        self.give_designs(step, route, release, (density, factor), (alpha, left), survive)
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
        survive: float,
    ) -> None:
        """Give the wafers of a step their designs, and note what limits each design."""
        density, factor = densities  # the mean, and the period's over the mean
        starts = release.starts
        # wafers that tools do not allow in the long run only fill the buffer: they are no gain
        lasting = min(starts, release.allowed)
        gain = release.planned / lasting if lasting > 0.0 else math.inf
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
            worst = "defects" if lost > max(gain, DEFECTS_EVEN) else release.cause
            self.packaging.note_cause(die, starts * weight, worst)
        line = self.name, route.process
        self.experience.wafers[line] = self.experience.wafers.get(line, 0.0) + starts
        if starts > 0.0:
            route.cohorts.append(Cohort(step, starts, weights, sorting, left=starts))

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
