"""Packaging of the readable twin: stocks of dies and memory, who gets what, and what comes out."""

from __future__ import annotations

import math
from collections import defaultdict

from tests.reference.twin_dies import Sorting, gross_dies
from tests.reference.twin_results import Book
from tests.reference.twin_world import MONTHS_PER_QUARTER, World
from yieldsim.model.schema import Product

H100_TFLOPS_FP16 = 989.0  # NVIDIA H100 SXM, dense BF16 (NVIDIA data sheet 2022)
H100_TB_PER_S = 3.35  # its memory bandwidth
ROUNDING = 1e-12


class Packaging:
    """Stocks and products."""

    def __init__(self, world: World, book: Book) -> None:
        self.world, self.book, self.model = world, book, world.model
        self.stock = {name: dict.fromkeys(die.bins, 0.0) for name, die in self.model.dies.items()}
        self.bad = dict.fromkeys(self.model.dies, 0.0)  # bad dies among those of the worst bin
        self.stacks = dict.fromkeys(self.model.memory, 0.0)
        self.cause = dict.fromkeys(self.model.dies, "wafer plan")
        self.wafers_behind_cause: dict[str, float] = {}
        self.from_fabs: dict[str, float] = defaultdict(float)  # good dies of the step
        self.from_banks: dict[str, float] = defaultdict(float)
        self.gross = {name: self.gross_of(name) for name in self.model.dies}
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
        """Remember what holds a design down, by the line that starts most wafers of it."""
        if wafers > self.wafers_behind_cause.get(die, 0.0):
            self.wafers_behind_cause[die] = wafers
            self.cause[die] = cause

    def probe(self, step: int, die: str, wafers: float, sorting: Sorting) -> None:
        """Sort the dies of finished wafers; bad ones that pass lie in the worst bin."""
        gross = wafers * self.gross[die]
        for name, share in sorting.shipped.items():
            self.stock[die][name] += gross * share
            self.from_fabs[die] += gross * share
            self.book.add(step, "good_dies", die, name, amount=gross * share)
        escaped = gross * sorting.escaped
        self.stock[die][self.worst(die)] += escaped
        self.bad[die] += escaped
        scrapped = gross * (1.0 - sum(sorting.shipped.values()) - sorting.escaped)
        self.book.add(step, "wafers_to_die", die, amount=wafers)
        self.book.add(step, "gross_dies", die, amount=gross)
        self.book.add(step, "bad_dies_passed", die, amount=escaped)
        self.book.add(step, "dies_scrapped", die, amount=scrapped)

    def worst(self, die: str) -> str:
        """The last bin of a design."""
        return list(self.model.dies[die].bins)[-1]

    def advance(self, step: int) -> None:
        """Receive dies, stacks and capacity, serve the products tier by tier, send them off."""
        capacity = self.receive(step)
        shares = self.shares(step)
        offer = {die: dict(bins) for die, bins in self.stock.items()}
        wants, limits = {}, {}
        for name in self.model.products:
            wants[name], limits[name] = self.want(step, name, offer, shares[name])
        for tier in self.tiers:
            granted, taken = self.grant_memory(tier, wants, limits)
            self.cut_to_packaging(tier, granted, taken, limits, capacity)
            for name in tier:
                if granted[name] > 0.0:
                    line = self.model.products[name].packaging
                    if line is not None:
                        wafers = granted[name] / self.of(name, "packages_per_interposer_wafer")
                        capacity[line] = max(0.0, capacity[line] - wafers)
                        self.book.add(step, "packaging_used", line, amount=wafers)
                    for pool, stacks in taken[name].items():
                        self.book.add(step, "stacks_used", pool, amount=stacks)
                    self.assemble(step, name, granted[name], offer, shares[name])
                self.book.hold(step, name, limits[name])
        for die, bins in self.stock.items():
            self.book.put(step, "die_stock", die, level=sum(bins.values()))
        for pool, stacks in self.stacks.items():
            self.book.put(step, "stack_stock", pool, level=stacks)

    def receive(self, step: int) -> dict[str, float]:
        """Add banked dies and new stacks to the stocks; returns the packaging capacity left."""
        world, per_quarter = self.world, 1.0 / self.world.steps_per_quarter
        per_month = MONTHS_PER_QUARTER * per_quarter
        for name, bank in self.model.die_banks.items():
            dies = world.schedule(f"die_banks.{name}.draw", bank.draw, step) * per_quarter
            self.stock[bank.die][bank.bin] += dies
            self.from_banks[bank.die] += dies
            self.book.add(step, "bank_dies", bank.die, amount=dies)
        for name, pool in self.model.memory.items():
            path, stacks = f"memory.{name}", 0.0
            if pool.deliveries is not None:
                stacks += world.schedule(f"{path}.deliveries", pool.deliveries, step) * per_quarter
            if pool.maker is not None:
                made, maker = f"{path}.maker", pool.maker
                wafers = world.schedule(f"{made}.wafers", maker.wafers, step) * per_month
                good = world.schedule(f"{made}.stack_yield", maker.stack_yield, step)
                stacks += wafers * world.number(made, maker, "stacks_per_wafer") * good
            stacks *= world.number(path, pool, "usable_fraction")
            self.stacks[name] += stacks
            self.book.add(step, "stacks_in", name, amount=stacks)
        capacity = {}
        for name, line in self.model.packaging.items():
            path = f"packaging.{name}.capacity"
            capacity[name] = world.schedule(path, line.capacity, step) * per_month
            self.book.add(step, "packaging_capacity", name, amount=capacity[name])
        return capacity

    def shares(self, step: int) -> dict[str, float]:
        """Each product's share of its die's stock: weights among those in production."""
        weights: dict[str, float] = {}
        for name, product in self.model.products.items():
            weights[name] = 0.0
            if self.in_production(step, name, product):
                share, path = product.die_share, f"products.{name}.die_share"
                weights[name] = 1.0 if share is None else self.world.schedule(path, share, step)
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
        self, step: int, name: str, offer: dict[str, dict[str, float]], share: float
    ) -> tuple[float, str]:
        """(packages that dies and demand allow, what holds them down so far)."""
        product = self.model.products[name]
        if share <= 0.0:
            return 0.0, "not in production"
        packages = sum(offer[product.die].values()) * share / product.dies_per_package
        if product.demand is not None:
            demand = self.world.schedule(f"products.{name}.demand", product.demand, step)
            if demand / self.world.steps_per_quarter < packages:
                return demand / self.world.steps_per_quarter, "demand"
        if self.from_banks[product.die] > self.from_fabs[product.die]:
            return packages, "die bank"
        return packages, self.cause[product.die]

    def grant_memory(
        self, tier: list[str], wants: dict[str, float], limits: dict[str, str]
    ) -> tuple[dict[str, float], dict[str, dict[str, float]]]:
        """(packages that get their stacks, stacks taken from each pool for each product).

        First choices come first; each pool is shared in proportion to need.
        """
        each = {name: self.model.products[name].stacks_per_package for name in tier}
        granted = {name: 0.0 if each[name] else wants[name] for name in tier}
        taken: dict[str, dict[str, float]] = {name: {} for name in tier}
        for rank in range(max(len(self.model.products[name].memory) for name in tier)):
            for pool in self.stacks:
                users = [name for name in tier if self.prefers(name, rank, pool)]
                need = {name: (wants[name] - granted[name]) * each[name] for name in users}
                total = sum(need.values())
                ratio = min(1.0, self.stacks[pool] / total) if total > 0.0 else 0.0
                for name in users:
                    granted[name] += (wants[name] - granted[name]) * ratio
                    taken[name][pool] = need[name] * ratio
                self.stacks[pool] = max(0.0, self.stacks[pool] - total * ratio)
        for name in tier:
            if granted[name] < wants[name] * (1.0 - ROUNDING):
                limits[name] = "memory"
        return granted, taken

    def cut_to_packaging(
        self,
        tier: list[str],
        granted: dict[str, float],
        taken: dict[str, dict[str, float]],
        limits: dict[str, str],
        capacity: dict[str, float],
    ) -> None:
        """Where a line cannot take all, its products are cut in proportion and return stacks."""
        for line, left in capacity.items():
            users = [name for name in tier if self.model.products[name].packaging == line]
            need = sum(granted[n] / self.of(n, "packages_per_interposer_wafer") for n in users)
            for name in users:
                if need <= left or granted[name] <= 0.0:
                    continue
                granted[name] *= left / need
                limits[name] = "packaging"
                for pool, stacks in taken[name].items():
                    self.stacks[pool] += stacks * (1.0 - left / need)
                    taken[name][pool] = stacks * left / need

    def prefers(self, name: str, rank: int, pool: str) -> bool:
        """Whether a pool is the product's choice of a rank."""
        choices = self.model.products[name].memory
        return rank < len(choices) and choices[rank] == pool

    def assemble(
        self,
        step: int,
        name: str,
        packages: float,
        offer: dict[str, dict[str, float]],
        share: float,
    ) -> None:
        """Take dies, best bins first, all of one bin in a package; book them when they finish.

        Bad dies lie in the worst bin alone, mixed with its good ones; one of them kills a package.
        """
        product = self.model.products[name]
        die, each = product.die, product.dies_per_package
        stock = self.stock[die]
        self.book.add(step, "packages_started", name, amount=packages)
        survive = self.of(name, "assembly_yield") * self.of(name, "final_test_yield")
        left = packages
        for bin_name in self.model.dies[die].bins:
            taken = min(left, offer[die][bin_name] * share / each)
            if bin_name == self.worst(die):
                taken = left  # what rounding left is finished too
            if taken <= 0.0:
                continue
            left -= taken
            known_good = 1.0
            if bin_name == self.worst(die) and self.bad[die] > 0.0:
                known_good = (1.0 - min(1.0, self.bad[die] / stock[bin_name])) ** each
                self.bad[die] *= max(0.0, 1.0 - taken * each / stock[bin_name])
            stock[bin_name] = max(0.0, stock[bin_name] - taken * each)
            self.book.add(step, "dies_used", die, amount=taken * each)
            self.finish(step, name, bin_name, taken, survive * known_good)

    def finish(self, step: int, name: str, bin_name: str, packages: float, survive: float) -> None:
        """Book packages after the lag of assembly and test; a part of a step splits them."""
        lag = self.of(name, "lag_days") / self.world.days_per_step
        for later, part in ((math.floor(lag), 1.0 - lag % 1.0), (math.floor(lag) + 1, lag % 1.0)):
            passed = packages * part * survive
            failed = packages * part - passed
            self.book.add(step + later, "packages_passed", name, bin_name, amount=passed)
            self.book.add(step + later, "packages_failed", name, amount=failed)

    def book_usable(self) -> None:
        """Usable chips, their compute, and the packages under way, from those that passed."""
        for name, product in self.model.products.items():
            kept = 1.0 - self.of(name, "sample_fraction")
            kept *= 1.0 - self.of(name, "field_escape_fraction")
            under_way = 0.0
            for quarter in range(self.world.quarters):
                at = quarter * self.world.steps_per_quarter
                passed = self.book.total(quarter, "packages_passed", name)
                under_way += self.book.total(quarter, "packages_started", name) - passed
                under_way -= self.book.total(quarter, "packages_failed", name)
                self.book.put(at, "packages_wip", name, level=max(0.0, under_way))
                self.book.put(at, "usable_chips", name, level=passed * kept)
                for bin_name, chip in product.performance.items():
                    passed = self.book.sums[quarter, "packages_passed"][name, bin_name]
                    path = f"products.{name}.performance.{bin_name}"
                    tflops = self.world.number(path, chip, "tflops_fp16")
                    bandwidth = self.world.number(path, chip, "bandwidth_tb_per_s")
                    for variable, each in (
                        ("h100_equivalents", tflops / H100_TFLOPS_FP16),
                        ("h100_equivalents_bandwidth", bandwidth / H100_TB_PER_S),
                    ):
                        self.book.add(at, variable, name, amount=passed * kept * each)
