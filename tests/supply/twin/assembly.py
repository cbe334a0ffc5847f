"""Assembly and test of the readable twin: dies leave their stocks and become usable chips."""

from __future__ import annotations

import math

from tests.supply.twin.recipes import batches
from tests.supply.twin.results import Book
from tests.supply.twin.world import World
from yieldsim.model import Model

H100_TFLOPS_FP16 = 989.0  # NVIDIA H100 SXM, dense BF16 (NVIDIA data sheet 2022)
H100_TB_PER_S = 3.35  # its memory bandwidth


class Stocks:
    """Tested dies that wait for a package, by design and bin."""

    def __init__(self, model: Model) -> None:
        self.stock = {name: dict.fromkeys(die.bins, 0.0) for name, die in model.dies.items()}
        self.bad = {name: dict.fromkeys(die.bins, 0.0) for name, die in model.dies.items()}

    def add(self, die: str, good: dict[str, float], escaped: float) -> None:
        """Add good dies by bin, and bad ones that the test graded like good ones."""
        total = sum(good.values())
        for name, dies in good.items():
            share = dies / total if total > 0.0 else float(name == list(good)[-1])
            self.bad[die][name] += escaped * share
            self.stock[die][name] += dies + escaped * share

    def bad_shares(self, die: str) -> dict[str, float]:
        """Share of bad dies in each bin."""
        return {
            name: min(1.0, self.bad[die][name] / there) if there > 0.0 else 0.0
            for name, there in self.stock[die].items()
        }

    def take(self, die: str, bin_name: str, dies: float) -> None:
        """Take dies at random: bad ones go with good ones."""
        there = self.stock[die][bin_name]
        if there > 0.0:
            self.bad[die][bin_name] *= max(0.0, 1.0 - dies / there)
        self.stock[die][bin_name] = max(0.0, there - dies)


def assemble(
    world: World,
    book: Book,
    stocks: Stocks,
    step: int,
    name: str,
    packages: float,
    offers: dict[str, dict[str, float]],
) -> None:
    """Start packages of a product and book them for the steps in which they are tested."""
    product = world.model.products[name]
    die = product.die
    survive = passing_share(world, name) * known_good_others(
        world, book, stocks, step, name, packages
    )
    book.add(step, "packages_started", name, amount=packages)
    bad = stocks.bad_shares(die)
    for batch in batches(world.model.dies[die], product, offers[name], packages, bad):
        for bin_name, dies in batch.dies.items():
            stocks.take(die, bin_name, dies)
            book.add(step, "dies_used", die, amount=dies)
        finish(world, book, step, name, batch.sold, batch.packages, survive * batch.survive)


def passing_share(world: World, name: str) -> float:
    """Share of packages of good dies that pass assembly and test, some after rework."""
    product = world.model.products[name]

    def number(field: str) -> float:
        return world.number(f"products.{name}", product, field)

    at_once = number("burn_in_yield") * number("final_test_yield")
    mended = (1.0 - at_once) * number("rework_fraction") * number("rework_yield")
    return number("assembly_yield") * (at_once + mended)


def known_good_others(
    world: World, book: Book, stocks: Stocks, step: int, name: str, packages: float
) -> float:
    """Take the dies of other designs evenly from all bins; return the share without a bad one."""
    survive = 1.0
    for die, each in world.model.products[name].other_dies.items():
        there = sum(stocks.stock[die].values())
        if there <= 0.0:
            continue
        bad = sum(stocks.bad[die].values())
        survive *= (1.0 - min(1.0, bad / there)) ** each
        part = packages * each / there
        for bin_name, dies in list(stocks.stock[die].items()):
            stocks.take(die, bin_name, dies * part)
        book.add(step, "dies_used", die, amount=packages * each)
    return survive


def finish(
    world: World, book: Book, step: int, name: str, sold: str, packages: float, survive: float
) -> None:
    """Book packages after the lag of assembly and test; a broken lag divides them."""
    product = world.model.products[name]
    lag = world.number(f"products.{name}", product, "lag_days") / world.days_per_step
    for later, part in ((math.floor(lag), 1.0 - lag % 1.0), (math.floor(lag) + 1, lag % 1.0)):
        passed = packages * part * survive
        book.add(step + later, "packages_passed", name, sold, amount=passed)
        book.add(step + later, "packages_failed", name, amount=packages * part - passed)


def book_usable(world: World, book: Book) -> None:
    """Book usable chips, their compute and the packages under way, from those that passed."""
    for name, product in world.model.products.items():
        path = f"products.{name}"
        kept = 1.0 - world.number(path, product, "sample_fraction")
        kept *= 1.0 - world.number(path, product, "field_escape_fraction")
        under_way = 0.0
        for quarter in range(world.quarters):
            at = quarter * world.steps_per_quarter
            passed = book.total(quarter, "packages_passed", name)
            under_way += book.total(quarter, "packages_started", name) - passed
            under_way -= book.total(quarter, "packages_failed", name)
            book.put(at, "packages_wip", name, level=max(0.0, under_way))
            book.put(at, "usable_chips", name, level=passed * kept)
            for bin_name, chip in product.performance.items():
                passed = book.sums[quarter, "packages_passed"][name, bin_name]
                what = f"{path}.performance.{bin_name}"
                for variable, each in (
                    (
                        "h100_equivalents",
                        world.number(what, chip, "tflops_fp16") / H100_TFLOPS_FP16,
                    ),
                    (
                        "h100_equivalents_bandwidth",
                        world.number(what, chip, "bandwidth_tb_per_s") / H100_TB_PER_S,
                    ),
                ):
                    book.add(at, variable, name, amount=passed * kept * each)
