"""The linear program of the twin's planner, by the names of its choices; HiGHS solves it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy.optimize import linprog

from tests.supply.twin.assembly import passing_share
from tests.supply.twin.planning.outlook import Outlook
from tests.supply.twin.recipes import recipes
from tests.supply.twin.world import MONTHS_PER_QUARTER
from yieldsim.model.schema.fabs import OTHER

LATER, RANK, WAFER, PLACE = 0.08, 1e-3, 1e-4, 0.02
TIERS = (1.0, 0.01, 1e-4)  # the last for all later tiers
FROM_WAFERS = 1e-9  # weight of the bins of wafers beside those of dies that are there
NEAR = (0, 1)  # periods up to C + 2
FEW = 1e-6  # packages or wafers that are rounding
SCALE = 1e4  # lifts the smallest gains above the tolerance of the solver
Choice = tuple[Any, ...]  # ("wafer", period, fab, process, die), ("package", period, product, pool)
Limit = tuple[dict[Choice, float], float]


class Program(Outlook):
    """What a plan chooses, what it is worth, and its limits."""

    def worths(self) -> dict[str, float]:
        """Value of a package of each planned product, the best of all 1 before tiers."""
        values = {}
        for name in self.planned:
            product = self.model.products[name]
            chip = self.chip(name)
            for loss in ("sample_fraction", "field_escape_fraction"):
                chip *= 1.0 - self.world.number(f"products.{name}", product, loss)
            values[name] = chip * passing_share(self.world, name)
        best = max(values.values(), default=0.0)
        if best <= 0.0:
            return dict.fromkeys(values, 0.0)
        return {
            name: value / best * TIERS[min(2, self.tier[name])] for name, value in values.items()
        }

    def chip(self, name: str) -> float:
        """What a chip is worth on the average of its bins."""
        product = self.model.products[name]
        dies = {b: 0.0 for b in self.model.dies[product.die].bins}
        for b in self.takes[name]:
            dies[b] = sum(period[product.die][b] for period in self.dies)
            wafers = [t[b] for (_, _, die), t in self.tested.items() if die == product.die]
            dies[b] += FROM_WAFERS * sum(wafers)
        total = sum(dies.values())
        if total <= 0.0:
            return 0.0
        worth, better, above = 0.0, 0.0, 0.0
        for b, number in dies.items():
            share = number / total
            if product.pairing == "random":
                better += share
                whole = better**product.dies_per_package
                whole = 1.0 if b == list(dies)[-1] else whole
                share, above = max(0.0, whole - above), whole
            worth += share * self.rated(name, b)
        return worth

    def rated(self, name: str, b: str) -> float:
        """What a chip with dies of a bin is worth."""
        product, value = self.model.products[name], self.model.allocation.worth
        if value == "chips":
            return 1.0
        if product.pairing != "random":
            made = recipes(self.model.dies[product.die], product)
            b = next((sold for sold, count in reversed(made) if count[b] > 0), b)
        chip = product.performance.get(b)
        if chip is None:
            return 0.0
        unit = "bandwidth_tb_per_s" if value == "bandwidth" else "tflops_fp16"
        return self.world.number(f"products.{name}.performance.{b}", chip, unit)

    def best(self) -> dict[Choice, float]:
        """The choices of the best plan: packages and wafers."""
        choices = self.wafer_choices()
        choices += self.package_choices({(c[1], c[4]) for c in choices})
        if not choices:
            return {}
        place = {choice: n for n, choice in enumerate(choices)}
        limits: list[Limit] = []
        limits += self.markets_and_lines(choices)
        limits += self.stock_limits(choices)
        limits += self.wafer_limits(choices)
        limits += self.ahead_limits(choices)
        rows = np.zeros((len(limits), len(choices)))
        for r, (terms, _) in enumerate(limits):
            for choice, each in terms.items():
                rows[r, place[choice]] += each
        gain = np.array([self.gain(choice) for choice in choices])
        bounds = [max(0.0, most) for _, most in limits]
        solved = linprog(-gain * SCALE, A_ub=rows, b_ub=bounds, method="highs-ds")
        assert solved.status == 0, solved.message
        chosen = [float(x) if x > FEW else 0.0 for x in solved.x]
        return dict(zip(choices, chosen, strict=True))

    def gain(self, choice: Choice) -> float:
        """What a package or a wafer is worth in the objective."""
        if choice[0] == "wafer":
            dearer = 1.0 + PLACE * self.places.index(choice[2:5])
            return -WAFER * dearer * (1.0 - LATER) ** self.edges[choice[1]]
        _, q, name, pool = choice
        pools = self.packaging.pools[name]
        rank = pools.index(pool) if pool is not None else 0
        return self.worth[name] * (1.0 - LATER) ** self.edges[q] * (1.0 - RANK * rank)

    def wafer_choices(self) -> list[Choice]:
        """Wafers of each design in each line whose dies come out in each period."""
        choices: list[Choice] = []
        for q in range(len(self.periods)):
            for line in self.lines:
                for route in line.routes:
                    first, last = self.starts(line, route, q)
                    if last <= first or self.ai_wafers(line, route, first, last) <= 0.0:
                        continue
                    for die in line.fab.allocation[route.process]:
                        if die == OTHER or die not in self.designs:
                            continue
                        if not self.has_share(line, route, die, first, last):
                            continue
                        tested = self.tested[line.name, route.process, die]
                        if sum(tested[b] for b in self.counted[die]) > 0.0:
                            choices.append(("wafer", q, line.name, route.process, die))
        return choices

    def package_choices(self, coming: set[tuple[int, str]]) -> list[Choice]:
        """Packages of each product and period with stacks of each of its pools."""
        choices: list[Choice] = []
        self.stacks = {pool: self.stacks_until(pool) for pool in self.model.memory}
        self.wanted = {
            (q, name): self.demand(name, *period)
            for q, period in enumerate(self.periods)
            for name in self.planned
        }
        for q in range(len(self.periods)):
            for name in self.planned:
                product = self.model.products[name]
                there = all(
                    any(
                        (p, die) in coming
                        or any(self.dies[p][die][b] > 0 for b in self.counted[die])
                        for p in range(q + 1)
                    )
                    for die in (product.die, *product.other_dies)
                )
                if not there or self.wanted[q, name] <= 0.0 or self.worth[name] <= 0.0:
                    continue
                pools: list[str | None] = [None]
                if product.stacks_per_package and not self.world.lifted("memory"):
                    pools = [p for p in self.packaging.pools[name] if self.stacks[p][q] > 0.0]
                choices += [("package", q, name, pool) for pool in pools]
        return choices

    def may_have(self, die: str, until: int, coming: set[tuple[int, str]]) -> bool:
        """Whether there are or may be dies of a design by the end of a period."""
        return any(
            (q, die) in coming or any(self.dies[q][die][b] > 0.0 for b in self.counted[die])
            for q in range(until + 1)
        )

    def markets_and_lines(self, choices: list[Choice]) -> list[Limit]:
        """Demand and packaging of each period."""
        limits: list[Limit] = []
        for q, (first, last) in enumerate(self.periods):
            here = [c for c in choices if c[0] == "package" and c[1] == q]
            for name in self.planned:
                if self.wanted[q, name] < math.inf:
                    terms = {c: 1.0 for c in here if c[2] == name}
                    limits.append((terms, self.wanted[q, name]))
            if self.world.lifted("packaging"):
                continue
            for line, own in self.model.packaging.items():
                path = f"packaging.{line}.capacity"
                capacity = self.mean(
                    first,
                    last,
                    lambda at, p=path, c=own.capacity: (
                        self.world.schedule(p, c, at) * MONTHS_PER_QUARTER
                    ),
                )
                users = [c for c in here if line in self.model.products[c[2]].packaging]
                limits.append(({c: self.packaging.places(c[2], line) for c in users}, capacity))
        return limits

    def stock_limits(self, choices: list[Choice]) -> list[Limit]:
        """Stacks and dies up to the end of each period."""
        limits: list[Limit] = []
        products = self.model.products
        for until in range(len(self.periods)):
            packages = [c for c in choices if c[0] == "package" and c[1] <= until]
            wafers = [c for c in choices if c[0] == "wafer" and c[1] <= until]
            for pool in self.model.memory:
                terms = {
                    c: float(products[c[2]].stacks_per_package) for c in packages if c[3] == pool
                }
                limits.append((terms, self.stacks[pool][until]))
            for die in self.designs:
                each = {
                    n: (products[n].die == die) * products[n].dies_per_package
                    + products[n].other_dies.get(die, 0)
                    for n in self.planned
                }
                terms = {c: float(each[c[2]]) for c in packages}
                limits.append(self.die_limit(terms, wafers, die, self.counted[die], until))
            for name in self.planned:
                product = products[name]
                if self.takes[name] < self.counted[product.die]:
                    terms = {c: float(product.dies_per_package) for c in packages if c[2] == name}
                    own = self.takes[name]
                    limits.append(self.die_limit(terms, wafers, product.die, own, until))
        return limits

    def die_limit(
        self,
        terms: dict[Choice, float],
        wafers: list[Choice],
        die: str,
        bins: set[str],
        until: int,
    ) -> tuple[dict[Choice, float], float]:
        """Packages take no more dies of some bins than there are and come of wafers."""
        there = sum(self.dies[q][die][b] for q in range(until + 1) for b in bins)
        for c in wafers:
            if c[4] == die:
                terms[c] = -sum(self.tested[c[2], c[3], die][b] for b in bins)
        return terms, there

    def ahead_limits(self, choices: list[Choice]) -> list[Limit]:
        """Dies made up to C + 2 are those that the memory expected until then can still take."""
        limits: list[Limit] = []
        if self.world.lifted("memory"):
            return limits
        for die in self.designs:
            most = self.dies_that_memory_takes(die)
            if most == math.inf:
                continue
            for q in NEAR:
                most -= sum(self.dies[q][die][b] for b in self.counted[die])
            terms = {
                c: sum(self.tested[c[2], c[3], die][b] for b in self.counted[die])
                for c in choices
                if c[0] == "wafer" and c[1] in NEAR and c[4] == die
            }
            limits.append((terms, most))
        return limits

    def dies_that_memory_takes(self, die: str) -> float:
        """Dies of a design that go with all stacks expected up to C + 2; inf: some need none."""
        by_stack: dict[str, float] = {}
        for name in self.planned:
            product = self.model.products[name]
            each = (product.die == die) * product.dies_per_package + product.other_dies.get(die, 0)
            if each and not product.stacks_per_package:
                return math.inf
            for pool in self.packaging.pools[name] if each else ():
                own = each / product.stacks_per_package
                by_stack[pool] = max(own, by_stack.get(pool, 0.0))
        return sum(own * self.stacks[pool][NEAR[-1]] for pool, own in by_stack.items())

    def wafer_limits(self, choices: list[Choice]) -> list[Limit]:
        """AI wafers of each route and period."""
        limits = []
        for q in range(len(self.periods)):
            for line in self.lines:
                for route in line.routes:
                    where = ("wafer", q, line.name, route.process)
                    terms = {c: 1.0 for c in choices if c[:4] == where}
                    if terms:
                        most = self.ai_wafers(line, route, *self.starts(line, route, q))
                        limits.append((terms, most))
        return limits
