"""Packages of the readable twin: which dies go into one, and the bin that it is sold in.

A recipe is a count of dies by bin. It is found by trying every composition, with the mean of its
cores in exact fractions.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate, combinations_with_replacement

from yieldsim.model import Model
from yieldsim.model.schema import Die, Product


@dataclass(frozen=True)
class Batch:
    """Packages of one kind that a product starts in a step."""

    sold: str  # the bin that they are sold in
    packages: float
    dies: dict[str, float]  # by bin, in all packages
    survive: float  # share of packages without a bad die


def sold_bins(die: Die, product: Product) -> list[str]:
    """The bins that a product sells, best first; all bins where it names none."""
    return [name for name in die.bins if name in product.sells or not product.sells]


def recipes(die: Die, product: Product) -> list[tuple[str, Counter[str]]]:
    """Return (bin sold, dies of each bin) of each kind of package, in the order of use."""
    each, sold = product.dies_per_package, sold_bins(die, product)
    pure = [(name, Counter({name: each})) for name in sold]
    if product.pairing == "like":
        return pure
    assert product.pairing == "best_fit"
    mixed = []
    for members in combinations_with_replacement(die.bins, each):
        count = Counter(members)
        if len(count) == 1 or all(name in sold for name in count):
            continue
        mean = Fraction(sum(die.bins[name].min_good_cores for name in members), each)
        met = [name for name in sold if die.bins[name].min_good_cores <= mean]
        if met:
            excess = mean - die.bins[met[0]].min_good_cores
            vector = [count[name] for name in die.bins]
            mixed.append((excess, vector, met[0], count))
    mixed.sort(key=lambda recipe: recipe[:2])
    return [(sold_as, count) for _, _, sold_as, count in mixed] + pure


def batches(
    die: Die,
    product: Product,
    offer: Mapping[str, float],
    packages: float,
    bad: Mapping[str, float],
) -> list[Batch]:
    """Make packages of the dies on offer in each bin, up to a given number.

    ``bad`` is the share of bad dies in each bin of the stock.
    """
    if product.pairing == "random":
        return at_random(die, product, offer, packages, bad)
    started = []
    there = dict(offer)
    for sold, count in recipes(die, product):
        made = min(packages, *(there[name] / number for name, number in count.items()))
        if made <= 0.0:
            continue
        packages -= made
        used = {name: made * number for name, number in count.items()}
        for name, number in used.items():
            there[name] = max(0.0, there[name] - number)
        survive = math.prod((1.0 - bad[name]) ** number for name, number in count.items())
        started.append(Batch(sold, made, used, survive))
    return started


def at_random(
    die: Die,
    product: Product,
    offer: Mapping[str, float],
    packages: float,
    bad: Mapping[str, float],
) -> list[Batch]:
    """Make packages of dies drawn at random from all on offer; the worst die gives the bin.

    A package survives if all its dies are good: a package sold in a bin or better does so with the
    d-th power of the share of good dies in these bins.
    """
    each, total = product.dies_per_package, sum(offer.values())
    if total <= 0.0:
        return []
    packages = min(packages, total / each)
    so_far = [min(1.0, part / total) for part in accumulate(offer[name] for name in die.bins)]
    so_far[-1] = 1.0
    good = [part / total for part in accumulate(offer[b] * (1.0 - bad[b]) for b in die.bins)]
    started, better, alive = [], 0.0, 0.0
    for name, share, sound in zip(die.bins, so_far, good, strict=True):
        part, left = share**each - better, sound**each - alive
        if part > 0.0:
            made = packages * part
            used = {b: offer[b] / total * made * each for b in die.bins}
            started.append(Batch(name, made, used, min(1.0, max(0.0, left) / part)))
        better, alive = share**each, sound**each
    return started


def memory_choices(model: Model, product: Product) -> list[str]:
    """The pools that a product may take from, in its order; a generation stands for its pools."""
    pools: list[str] = []
    for name in product.memory:
        if name in model.memory:
            pools.append(name)
        else:
            pools += [key for key, pool in model.memory.items() if pool.generation == name]
    return pools
