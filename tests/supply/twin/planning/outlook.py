"""What the planner of the readable twin knows and expects, by the rule book."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from tests.supply.twin.dies import Sorting, sort_dies
from tests.supply.twin.flow import Route
from tests.supply.twin.recipes import recipes
from tests.supply.twin.world import World

if TYPE_CHECKING:
    from tests.supply.twin.supply import Packaging
    from tests.supply.twin.twin import Line

DATES = 4
ROUNDING = 1e-6  # of a step
LONGEST_QUARTERS = 8.0
TWO_YEARS = 8.0


def with_bad(sorting: Sorting) -> dict[str, float]:
    """Shares of a wafer's dies that pass the test, by bin: bad ones spread as good ones do."""
    good = sum(sorting.shipped.values())
    if good <= 0.0:
        return dict.fromkeys(sorting.shipped, 0.0)
    return {b: share * (1.0 + sorting.escaped / good) for b, share in sorting.shipped.items()}


class Outlook:
    """Stocks, wafers in the line and all that is expected, by period."""

    def __init__(self, world: World, packaging: Packaging, lines: list[Line]) -> None:
        self.world, self.packaging, self.lines, self.model = world, packaging, lines, world.model
        dies = {n: {p.die, *p.other_dies} for n, p in self.model.products.items()}
        kinds = {n: p.kind for n, p in self.model.products.items()}
        first = set().union(*(dies[n] for n, kind in kinds.items() if kind == "ai"))
        self.planned = [n for n, kind in kinds.items() if kind == "ai" or dies[n] & first]
        self.designs = set().union(*(dies[n] for n in self.planned))
        self.phone_products = [
            n
            for n, p in self.model.products.items()
            if kinds[n] == "phone" and p.die not in self.designs
        ]
        phones = {self.model.products[n].die for n in self.phone_products}
        self.tried = self.designs | phones  # designs of which a wafer is tried
        self.takes = {n: self.bins_taken(n) for n in self.model.products}
        self.counted = {d: self.bins_counted(d) for d in self.model.dies}
        self.places = [
            (line.name, r.process, die)
            for line in lines
            for r in line.routes
            for die in line.fab.allocation[r.process]
        ]
        tiers = sorted({p.tier for p in self.model.products.values()})
        self.tier = {n: tiers.index(p.tier) for n, p in self.model.products.items()}

    def bins_taken(self, name: str) -> set[str]:
        """Bins that go into some package of a product."""
        product = self.model.products[name]
        die = self.model.dies[product.die]
        if product.pairing == "random":
            return set(die.bins)
        return {b for _, count in recipes(die, product) for b in count}

    def bins_counted(self, die: str) -> set[str]:
        """Bins of a design that plans count."""
        others = {d for p in self.model.products.values() for d in p.other_dies}
        if die in others or die in {self.model.products[n].die for n in self.phone_products}:
            return set(self.model.dies[die].bins)
        users = [n for n in self.planned if self.model.products[n].die == die]
        return set().union(*(self.takes[n] for n in users))

    def look(self, step: int) -> None:
        """See what there is and what is to be expected at the start of a quarter."""
        self.step = step
        self.cycle: dict[tuple[str, str], float] = {}
        for line in self.lines:
            for route in line.routes:
                days = line.days_in_line[route.process]
                last = self.packaging.book.quarter(step) - 1
                if last >= self.model.simulation.warmup_quarters:
                    took = self.packaging.book.sums[last, "cycle_time_days"]
                    days = max(days, took[line.name, route.process])
                quarters = days / self.world.days_per_step / self.world.steps_per_quarter
                self.cycle[line.name, route.process] = min(LONGEST_QUARTERS, quarters)
        with_ai = [
            self.cycle[line.name, r.process]
            for line in self.lines
            for r in line.routes
            if self.designs & set(line.fab.allocation[r.process])
        ]
        longest = max(with_ai, default=0.0)
        self.lead = longest + 1.0
        self.edges = [0.0, 1.0, longest + 2.0, longest + 2.0 + TWO_YEARS]
        self.periods = list(zip(self.edges, self.edges[1:], strict=False))
        self.tested = {
            (line.name, r.process, die): self.dies_of_wafer(line, r, die)
            for line in self.lines
            for r in line.routes
            for die in line.fab.allocation[r.process]
            if die in self.tried
        }
        self.dies = [self.dies_coming(q) for q in range(len(self.periods))]

    def dates(self, first: float, last: float) -> list[float]:
        """The middles of the four parts of a period."""
        return [first + (last - first) * (n + 0.5) / DATES for n in range(DATES)]

    def at(self, ahead: float) -> int:
        """The step at which a schedule is read for a date."""
        known = min(ahead, self.lead) * self.world.steps_per_quarter
        return min(self.step + math.floor(known + ROUNDING), self.last_step)

    @property
    def last_step(self) -> int:
        return self.world.quarters * self.world.steps_per_quarter - 1

    def mean(
        self,
        first: float,
        last: float,
        value: Any,
        *,
        outside: bool = False,
        grows: bool = False,
    ) -> float:
        """A rate per quarter over a period, times its length; ``value`` takes a step."""
        rates = []
        for ahead in self.dates(first, last):
            at = self.at(ahead)
            rate = value(at)
            if outside and ahead > self.lead:
                rate = min(rate, value(self.step))
            if grows and ahead > self.lead and at > self.step:
                growth = (rate - value(self.step)) / (at - self.step)
                rate += max(0.0, growth) * self.world.steps_per_quarter * (ahead - self.lead)
            rates.append(rate)
        return sum(rates) / DATES * (last - first)

    def stacks_coming(self, pool: str, first: float, last: float) -> float:
        """Stacks that arrive in a period."""
        made = self.model.memory[pool].maker is not None
        per_quarter = self.world.steps_per_quarter
        return self.mean(
            first,
            last,
            lambda at: self.packaging.stacks_coming(pool, at) * per_quarter,
            outside=not made,
            grows=made,
        )

    def stacks_until(self, pool: str) -> list[float]:
        """Stacks that may be used up to the end of each period."""
        there, pace, left = self.packaging.stacks[pool], math.inf, -1.0
        source = self.model.memory[pool]
        begun = source.paced_from is None or self.step >= self.world.first_step(source.paced_from)
        if begun and source.lasts_until is not None:
            slip = self.world.number(f"memory.{pool}", source, "lasts_slip_quarters")
            steps = self.world.first_step(source.lasts_until) - self.step
            left = steps / self.world.steps_per_quarter + slip
            if left > 0.0:
                announced = self.stacks_coming(pool, 0.0, min(self.lead, left))
                pace = (there + announced) / max(1.0, left)
        limits = []
        for first, last in self.periods:
            there += self.stacks_coming(pool, first, last)
            limits.append(min(there, pace * last) if last < left else there)
        return limits

    def begun(self, line: Line, at: int) -> bool:
        """Whether a fab may start wafers."""
        return line.begins() <= at

    def ai_share(self, line: Line, route: Route, at: int) -> float:
        """Part of a route's wafers that its shares give to AI designs."""
        weights = line.wafers.weights(at, route.process)
        total = sum(weights.values())
        ai = sum(w for die, w in weights.items() if die in self.designs)
        return ai / total if total > 0.0 else 0.0

    def ai_wafers(self, line: Line, route: Route, first: float, last: float) -> float:
        """AI wafers that a route starts in a period."""
        where, book = (line.name, route.process), self.packaging.book
        planned = book.last(self.step, "wafer_plan", *where)
        part = book.last(self.step, "wafer_starts", *where) / planned if planned > 0.0 else 1.0

        def rate(at: int) -> float:
            if not self.begun(line, at):
                return 0.0
            wafers = line.plan(at, route) * self.ai_share(line, route, at)
            return wafers * self.world.steps_per_quarter * part

        return self.mean(first, last, rate, grows=True)

    def has_share(self, line: Line, route: Route, die: str, first: float, last: float) -> bool:
        """Whether a design has a share of a route at a date of a period."""
        steps = [at for at in map(self.at, self.dates(first, last)) if self.begun(line, at)]
        return any(line.wafers.weights(at, route.process)[die] > 0.0 for at in steps)

    def starts(self, line: Line, route: Route, q: int) -> tuple[float, float]:
        """The time in which wafers start whose dies come out in a period."""
        first, last = self.periods[q]
        late = self.cycle[line.name, route.process]
        return max(0.0, first - late), max(0.0, last - late)

    def dies_of_wafer(self, line: Line, route: Route, die: str) -> dict[str, float]:
        """Tested dies by bin of a wafer that starts now, if the design has a share at any time."""
        spans = [self.starts(line, route, q) for q in range(len(self.periods))]
        spans = [(first, last) for first, last in spans if last > first] + [(0.0, 1.0)]
        if not any(self.has_share(line, route, die, *span) for span in spans):
            return dict.fromkeys(self.model.dies[die].bins, 0.0)
        density, survive = line.wafers.last[route.process]
        process = self.model.processes[route.process]
        alpha = self.world.number(f"processes.{route.process}", process, "alpha")
        sorting = sort_dies(self.world, die, self.model.dies[die], density, alpha, survive)
        each = self.packaging.gross[die] * line.wafers.to_test(route.process)
        return {b: share * each for b, share in with_bad(sorting).items()}

    def dies_coming(self, q: int) -> dict[str, dict[str, float]]:
        """Dies by design and bin that arrive in a period, those in stock in the first."""
        first, last = self.periods[q]
        coming = {die: dict.fromkeys(own.bins, 0.0) for die, own in self.model.dies.items()}
        if q == 0:
            coming = {die: dict(bins) for die, bins in self.packaging.dies.stock.items()}
        for name, bank in self.model.die_banks.items():
            coming[bank.die][bank.bin] += self.mean(
                first,
                last,
                lambda at, n=name, b=bank: self.world.schedule(f"die_banks.{n}.draw", b.draw, at),
                outside=True,
            )
        width = 1.0 / self.world.steps_per_quarter
        for line in self.lines:
            for route in line.routes:
                for cohort in route.cohorts:
                    begin = (cohort.step - self.step) * width + self.cycle[line.name, route.process]
                    low = begin if q == 0 else max(begin, first)
                    part = max(0.0, min(begin + width, last) - low) / width
                    wafers = cohort.left * part * line.wafers.to_test(route.process)
                    for die, sorting in cohort.sorting.items():
                        if die not in self.tried:
                            continue
                        dies = wafers * cohort.weights[die] * self.packaging.gross[die]
                        for b, share in with_bad(sorting).items():
                            coming[die][b] += dies * share
        return coming

    def demand(self, name: str, first: float, last: float) -> float:
        """Most packages of a product in a period."""
        product, packages = self.model.products[name], 0.0
        for ahead in self.dates(first, last):
            if not self.in_production(name, ahead):
                continue
            if product.die_share is not None:
                path = f"products.{name}.die_share"
                if self.world.schedule(path, product.die_share, self.at(ahead)) <= 0.0:
                    continue
            if product.demand is None or self.world.lifted("demand"):
                return math.inf
            path = f"products.{name}.demand"
            packages += self.world.schedule(path, product.demand, self.at(ahead))
        return packages / DATES * (last - first)

    def in_production(self, name: str, ahead: float) -> bool:
        """Whether a product is expected to be in production at a date."""
        product = self.model.products[name]
        slip = self.world.number(f"products.{name}", product, "slip_quarters")

        def seen(quarter: str | None) -> float:
            if quarter is None:
                return math.inf
            steps = self.world.first_step(quarter) - self.step
            date = steps / self.world.steps_per_quarter
            return date + slip if date + slip <= self.lead else max(date, self.lead)

        return seen(product.start) <= ahead < seen(product.end)
