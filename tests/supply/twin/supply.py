"""Packaging of the readable twin: stocks of dies and memory, and their allocation to products.

recipes.py says which dies go into a package, assembly.py assembles and tests packages.
"""

from __future__ import annotations

import math
from collections import defaultdict

from tests.supply.twin.assembly import Stocks, assemble
from tests.supply.twin.dies import Sorting, gross_dies
from tests.supply.twin.memory import made
from tests.supply.twin.planning.planner import Plan
from tests.supply.twin.recipes import batches, memory_choices
from tests.supply.twin.results import Book
from tests.supply.twin.world import MONTHS_PER_QUARTER, World
from yieldsim.model.schema import Product

FEW = 1e-6  # packages; a constraint that holds back fewer is rounding
NEXT_TO_NONE = 1e-200  # weight of a product in production of which nothing is due


class Packaging:
    """Stocks and products."""

    def __init__(self, world: World, book: Book) -> None:
        self.world, self.book, self.model = world, book, world.model
        self.dies = Stocks(self.model)
        self.stacks = dict.fromkeys(self.model.memory, 0.0)
        self.cause = dict.fromkeys(self.model.dies, "wafer plan")
        self.wafers_behind_cause: dict[str, float] = {}
        self.from_fabs: dict[str, float] = defaultdict(float)  # good dies of the step
        self.from_banks: dict[str, float] = defaultdict(float)
        self.gross = {name: self.gross_of(name) for name in self.model.dies}
        self.pools = {n: memory_choices(self.model, p) for n, p in self.model.products.items()}
        self.plan: Plan | None = None
        self.due: dict[str, dict[str | None, float]] = {}  # planned and not begun, by pool
        tiers = sorted({product.tier for product in self.model.products.values()})
        self.tiers = [
            [name for name, product in self.model.products.items() if product.tier == tier]
            for tier in tiers
        ]

    def of(self, name: str, field: str) -> float:
        """A parameter of a product."""
        return self.world.number(f"products.{name}", self.model.products[name], field)

    def gross_of(self, name: str) -> float:
        """Gross dies of a wafer: given, or by geometry."""
        die, wafer, world = self.model.dies[name], self.model.wafer, self.world
        if die.gross_die_per_wafer is not None:
            return world.number(f"dies.{name}", die, "gross_die_per_wafer")
        radius = world.number("wafer", wafer, "diameter_mm") / 2.0
        radius -= world.number("wafer", wafer, "edge_exclusion_mm")
        width = world.number(f"dies.{name}", die, "width_mm")
        height = world.number(f"dies.{name}", die, "height_mm")
        return gross_dies(width, height, world.number("wafer", wafer, "scribe_mm"), radius)

    def note_cause(self, die: str, wafers: float, cause: str) -> None:
        """Note what limits a design: the cause of the line that starts most wafers of it."""
        if wafers > self.wafers_behind_cause.get(die, 0.0):
            self.wafers_behind_cause[die] = wafers
            self.cause[die] = cause

    def start(self, step: int, die: str, wafers: float, to_test: float, sorting: Sorting) -> None:
        """Count the dies of started wafers; those of the share ``to_test`` will be sorted."""
        gross = wafers * self.gross[die]
        saleable = gross * to_test * sum(sorting.shipped.values())
        self.book.add(step, "die_wafer_starts", die, amount=wafers)
        self.book.add(step, "gross_dies_started", die, amount=gross)
        self.book.add(step, "saleable_dies", die, amount=saleable)

    def probe(self, step: int, die: str, wafers: float, sorting: Sorting) -> None:
        """Sort the dies of finished wafers."""
        gross = wafers * self.gross[die]
        good = {name: gross * share for name, share in sorting.shipped.items()}
        for name, dies in good.items():
            self.from_fabs[die] += dies
            self.book.add(step, "good_dies", die, name, amount=dies)
        escaped = gross * sorting.escaped
        self.dies.add(die, good, escaped)
        scrapped = gross * (1.0 - sum(sorting.shipped.values()) - sorting.escaped)
        self.book.add(step, "wafers_to_die", die, amount=wafers)
        self.book.add(step, "gross_dies", die, amount=gross)
        self.book.add(step, "bad_dies_passed", die, amount=escaped)
        self.book.add(step, "dies_scrapped", die, amount=scrapped)
        for mechanism, share in sorting.lost.items():
            self.book.add(step, f"dies_lost_{mechanism}", die, amount=gross * share)

    def follow(self, plan: Plan) -> None:
        """Follow the plan of a quarter; what was due before is planned anew."""
        self.plan = plan
        self.due = {name: dict.fromkeys(own, 0.0) for name, own in plan.packages.items()}

    def due_of(self, name: str) -> float:
        """Packages of a product that are planned and not begun; any without a plan."""
        return sum(self.due[name].values()) if name in self.due else math.inf

    def advance(self, step: int) -> None:
        """Receive dies, stacks and capacity, and serve the products tier by tier."""
        capacity = self.receive(step)
        for name, own in self.due.items():
            for pool in own:
                own[pool] += self.plan.packages[name][pool] if self.plan else 0.0
        shares = self.shares(step)
        offers, wants, limits = {}, {}, {}
        for name, product in self.model.products.items():
            lying = self.dies.stock[product.die]
            offers[name] = {bin_name: dies * shares[name] for bin_name, dies in lying.items()}
        for name in self.model.products:
            wants[name], limits[name] = self.want(step, name, offers[name], shares[name])
        for tier in self.tiers:
            self.cut_to_other_dies(tier, wants, limits)
            granted, taken = self.grant_memory(tier, wants, limits)
            self.cut_to_packaging(tier, granted, taken, limits, capacity)
            for name in tier:
                for line in self.model.products[name].packaging:
                    places = granted[name] * self.places(name, line)
                    capacity[line] = max(0.0, capacity[line] - places)
                    self.book.add(step, "packaging_used", line, amount=places)
                for pool, stacks in taken[name].items():
                    self.book.add(step, "stacks_used", pool, amount=stacks)
                if granted[name] > 0.0:
                    assemble(self.world, self.book, self.dies, step, name, granted[name], offers)
                    self.settle(name, granted[name], taken[name])
                self.book.hold(step, name, limits[name])
        for die, bins in self.dies.stock.items():
            self.book.put(step, "die_stock", die, level=sum(bins.values()))
        for pool, stacks in self.stacks.items():
            self.book.put(step, "stack_stock", pool, level=stacks)

    def receive(self, step: int) -> dict[str, float]:
        """Add banked dies and new stacks to the stocks; return the packaging capacity."""
        world, per_quarter = self.world, 1.0 / self.world.steps_per_quarter
        per_month = MONTHS_PER_QUARTER * per_quarter
        for name, bank in self.model.die_banks.items():
            dies = world.schedule(f"die_banks.{name}.draw", bank.draw, step) * per_quarter
            self.dies.stock[bank.die][bank.bin] += dies
            self.from_banks[bank.die] += dies
            self.book.add(step, "bank_dies", bank.die, amount=dies)
        for name in self.model.memory:
            stacks = self.stacks_coming(name, step)
            self.stacks[name] += stacks
            self.book.add(step, "stacks_in", name, amount=stacks)
        capacity = {}
        for name, line in self.model.packaging.items():
            path = f"packaging.{name}.capacity"
            capacity[name] = world.schedule(path, line.capacity, step) * per_month
            self.book.add(step, "packaging_capacity", name, amount=capacity[name])
        return capacity

    def stacks_coming(self, name: str, step: int) -> float:
        """Usable stacks of a pool that arrive in a step."""
        world, pool, per_quarter = self.world, self.model.memory[name], self.world.steps_per_quarter
        path, stacks = f"memory.{name}", 0.0
        if pool.deliveries is not None:
            stacks += world.schedule(f"{path}.deliveries", pool.deliveries, step)
        if pool.maker is not None:
            stacks += made(world, name, step) * MONTHS_PER_QUARTER
        return stacks / per_quarter * world.number(path, pool, "usable_fraction")

    def settle(self, name: str, packages: float, taken: dict[str, float]) -> None:
        """Strike the packages begun off those that are due."""
        each = self.model.products[name].stacks_per_package
        for pool in self.due.get(name, {}):
            begun = packages if pool is None else taken.get(pool, 0.0) / each
            self.due[name][pool] = max(0.0, self.due[name][pool] - begun)

    def shares(self, step: int) -> dict[str, float]:
        """Each product's share of its die's stock, by the weights of those in production."""
        weights: dict[str, float] = {}
        for name, product in self.model.products.items():
            weights[name] = 0.0
            if self.in_production(step, name, product):
                share, path = product.die_share, f"products.{name}.die_share"
                weights[name] = 1.0 if share is None else self.world.schedule(path, share, step)
            if weights[name] > 0.0 and name in self.due:
                due = self.due_of(name) * product.dies_per_package
                weights[name] = max(NEXT_TO_NONE, due)
        total: dict[str, float] = defaultdict(float)
        for name, weight in weights.items():
            total[self.model.products[name].die] += max(0.0, weight)
        return {
            name: max(0.0, weight) / (total[self.model.products[name].die] or 1.0)
            for name, weight in weights.items()
        }

    def in_production(self, step: int, name: str, product: Product) -> bool:
        """Whether the step begins between the product's start and its end, both slipped."""
        slip = self.of(name, "slip_quarters") * self.world.steps_per_quarter
        end = math.inf if product.end is None else self.world.first_step(product.end) + slip
        return self.world.first_step(product.start) + slip <= step < end

    def want(
        self, step: int, name: str, offer: dict[str, float], share: float
    ) -> tuple[float, str]:
        """Return the packages that dies and demand allow, and which of the two is the limit."""
        product = self.model.products[name]
        if share <= 0.0:
            return 0.0, "not in production"
        none_bad = dict.fromkeys(offer, 0.0)
        made_of = batches(self.model.dies[product.die], product, offer, math.inf, none_bad)
        packages, limit = sum(batch.packages for batch in made_of), self.behind(product.die)
        if product.demand is not None and not self.world.lifted("demand"):
            demand = self.world.schedule(f"products.{name}.demand", product.demand, step)
            if demand / self.world.steps_per_quarter < packages:
                packages, limit = demand / self.world.steps_per_quarter, "demand"
        if self.due_of(name) < packages:
            limit = "mix" if self.due_of(name) < packages - FEW else limit
            packages = self.due_of(name)
        return packages, limit

    def behind(self, die: str) -> str:
        """What limits the dies of a design."""
        return "die bank" if self.from_banks[die] > self.from_fabs[die] else self.cause[die]

    def cut_to_other_dies(
        self, tier: list[str], wants: dict[str, float], limits: dict[str, str]
    ) -> None:
        """Cut all wants in proportion where dies of another design in the packages are short."""
        for die in self.model.dies:
            each = {name: self.model.products[name].other_dies.get(die, 0) for name in tier}
            need = sum(wants[name] * each[name] for name in tier)
            there = sum(self.dies.stock[die].values())
            if need <= there:
                continue
            for name in tier:
                if wants[name] * each[name] > 0.0:
                    if wants[name] * (1.0 - there / need) > FEW:
                        limits[name] = self.behind(die)
                    wants[name] *= there / need

    def grant_memory(
        self, tier: list[str], wants: dict[str, float], limits: dict[str, str]
    ) -> tuple[dict[str, float], dict[str, dict[str, float]]]:
        """Return the packages that get their stacks, and the stacks taken by product and pool.

        First choices are served first; each pool is shared in proportion to need.
        """
        if self.world.lifted("memory"):
            return {name: wants[name] for name in tier}, {name: {} for name in tier}
        each = {name: self.model.products[name].stacks_per_package for name in tier}
        granted = {name: 0.0 if each[name] else wants[name] for name in tier}
        taken: dict[str, dict[str, float]] = {name: {} for name in tier}
        for rank in range(max(len(self.pools[name]) for name in tier)):
            for pool in self.stacks:
                users = [name for name in tier if self.prefers(name, rank, pool)]
                asks = {
                    name: min(wants[name] - granted[name], self.due_with(name, pool))
                    for name in users
                }
                need = {name: asks[name] * each[name] for name in users}
                total = sum(need.values())
                ratio = min(1.0, self.stacks[pool] / total) if total > 0.0 else 0.0
                for name in users:
                    granted[name] += asks[name] * ratio
                    taken[name][pool] = need[name] * ratio
                self.stacks[pool] = max(0.0, self.stacks[pool] - total * ratio)
        for name in tier:
            if wants[name] - granted[name] > FEW:
                limits[name] = "memory"
        return granted, taken

    def due_with(self, name: str, pool: str) -> float:
        """Packages due of a product with stacks of a pool; any without a plan."""
        return self.due[name].get(pool, 0.0) if name in self.due else math.inf

    def cut_to_packaging(
        self,
        tier: list[str],
        granted: dict[str, float],
        taken: dict[str, dict[str, float]],
        limits: dict[str, str],
        capacity: dict[str, float],
    ) -> None:
        """Cut the products of a full line in proportion; they return their stacks."""
        if self.world.lifted("packaging"):
            return
        for line, left in capacity.items():
            users = [name for name in tier if line in self.model.products[name].packaging]
            need = sum(granted[name] * self.places(name, line) for name in users)
            for name in users:
                if need <= left or granted[name] <= 0.0:
                    continue
                if granted[name] * (1.0 - left / need) > FEW:
                    limits[name] = "packaging"
                granted[name] *= left / need
                for pool, stacks in taken[name].items():
                    self.stacks[pool] += stacks * (1.0 - left / need)
                    taken[name][pool] = stacks * left / need

    def places(self, name: str, line: str) -> float:
        """What a package of a product takes of a line's capacity."""
        if self.model.packaging[line].counts == "packages":
            return 1.0
        return 1.0 / self.of(name, "packages_per_interposer_wafer")

    def prefers(self, name: str, rank: int, pool: str) -> bool:
        """Whether a pool is the product's choice of a rank."""
        return rank < len(self.pools[name]) and self.pools[name][rank] == pool
