"""Orders of a realization, quarter by quarter and order by order.

This is the readable specification of `yieldsim.supply.orders.deliveries` in exact fractions. Within
a tier the group of orders that can get the least share of its need is served first. It gets that
share, and the other orders are compared again without it. A group is limited by the chips of its
products and by the largest shares that its orders may have. Chips are taken in the same way: the
group that needs the largest part of its products' chips comes first.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations


@dataclass(frozen=True)
class Wish:
    """An order of the twin."""

    name: str
    size: Fraction
    products: frozenset[str]
    placed: int
    tier: int = 1
    claims: bool = True
    share: Fraction = Fraction(1)


Chips = dict[str, Fraction]


def fill(wishes: list[Wish], usable: list[Chips]) -> tuple[list[Chips], list[Chips], list[Chips]]:
    """Deliveries and backlogs of each order by quarter, and the unclaimed chips of each product."""
    lacking = {wish.name: wish.size for wish in wishes}
    delivered, backlogs, unclaimed = [], [], []
    for quarter, chips in enumerate(usable):
        open_now = [wish for wish in wishes if wish.placed <= quarter]
        need = {wish.name: lacking[wish.name] for wish in open_now}
        cap = {w.name: w.share * sum(chips[product] for product in w.products) for w in open_now}
        got = {w.name: min(need[w.name], cap[w.name]) for w in open_now if not w.claims}
        left = dict(chips)
        for tier in sorted({wish.tier for wish in open_now}):
            mine = [wish for wish in open_now if wish.claims and wish.tier == tier]
            share = shared(mine, need, cap, left)
            take(mine, share, left)
            got |= share
        for name, amount in got.items():
            lacking[name] -= amount
        delivered.append({wish.name: got.get(wish.name, Fraction(0)) for wish in wishes})
        backlogs.append({w.name: lacking[w.name] if w in open_now else Fraction(0) for w in wishes})
        unclaimed.append(left)
    return delivered, backlogs, unclaimed


def shared(mine: list[Wish], need: Chips, cap: Chips, left: Chips) -> Chips:
    """Chips that the orders of one tier get."""
    waiting = [wish for wish in mine if need[wish.name] > 0]
    got = {wish.name: Fraction(0) for wish in mine}
    served: list[Wish] = []
    while waiting:
        before = most(served, cap, left)
        cover, group = min(
            (
                ((most([*served, *group], cap, left) - before) / total(group, need), group)
                for group in groups(waiting)
            ),
            key=lambda item: item[0],
        )
        for wish in group:
            got[wish.name] = need[wish.name] * min(Fraction(1), cover)
        served += group
        waiting = [wish for wish in waiting if wish not in group]
    return got


def most(group: list[Wish], cap: Chips, left: Chips) -> Fraction:
    """The most that a group can get: some orders are limited by their caps, others by chips."""
    limits = [total(group, cap)]
    for some in groups(group):
        capped = [wish for wish in group if wish not in some]
        limits.append(sum(left[product] for product in products(some)) + total(capped, cap))
    return min(limits)


def take(mine: list[Wish], got: Chips, left: Chips) -> None:
    """Take the chips of the orders from their products, in parts as equal as possible."""
    waiting = [wish for wish in mine if got[wish.name] > 0]
    free = set(left)
    while waiting:
        part, group = max(
            (
                (total(group, got) / sum(left[p] for p in products(group) & free), group)
                for group in groups(waiting)
            ),
            key=lambda item: item[0],
        )
        for product in products(group) & free:
            left[product] *= 1 - part
        free -= products(group)
        waiting = [wish for wish in waiting if wish not in group]


def groups(wishes: list[Wish]) -> list[tuple[Wish, ...]]:
    """Every group of orders but the empty one."""
    sizes = range(1, len(wishes) + 1)
    return [group for size in sizes for group in combinations(wishes, size)]


def products(group: tuple[Wish, ...] | list[Wish]) -> set[str]:
    """All products that a group of orders wants."""
    return {product for wish in group for product in wish.products}


def total(group: tuple[Wish, ...] | list[Wish], chips: Chips) -> Fraction:
    """Sum over the orders of a group."""
    return sum((chips[wish.name] for wish in group), Fraction(0))
