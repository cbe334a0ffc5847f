"""The variables of the linear program that every realization has, and what each of them takes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from yieldsim.supply.kernels.records import Structure
from yieldsim.supply.mix.scope import Scope


@dataclass(frozen=True)
class _Packages:
    """Packages of a product by recipe, by pool, or both where it has a single one of either."""

    place: int  # of the product in the scope
    recipe: int  # -1: by pool alone, and worth nothing
    rank: int  # of the pool; -1: by recipe alone, and not counted again
    takes: dict[int, float]  # dies or stacks of each stock


class Variables:
    """Packages, stocks and packaging lines as arrays; a stock is of a row of dies or of a pool.

    A product with several recipes and several pools has packages by recipe, which take dies, and
    packages by pool, which take stacks and capacity. Others have only one kind, which takes all.
    """

    def __init__(self, scope: Scope, structure: Structure) -> None:
        pools = sorted({pool for own in scope.pools for pool in own})
        stock_of = {pool: scope.rows + k for k, pool in enumerate(pools)}
        packages = [
            each
            for place in range(len(scope.products))
            for each in _packages(scope, structure, stock_of, place)
        ]
        self.pools = np.array(pools, dtype=int)
        self.stocks = scope.rows + len(pools)
        self.place = np.array([each.place for each in packages], dtype=int)
        self.recipe = np.array([each.recipe for each in packages], dtype=int)
        self.rank = np.array([each.rank for each in packages], dtype=int)
        most = max((len(each.takes) for each in packages), default=0)
        self.stock = np.full((len(packages), most), -1)  # (packages, term)
        self.count = np.zeros((len(packages), most))  # of the dies or stacks in a package
        for v, each in enumerate(packages):
            self.stock[v, : len(each.takes)] = list(each.takes)
            self.count[v, : len(each.takes)] = list(each.takes.values())
        self.taken = np.zeros((self.stocks, len(packages)), bool)
        for v, each in enumerate(packages):
            self.taken[list(each.takes), v] = True
        self.counted = np.zeros((len(scope.products), len(packages)), bool)
        self.counted[self.place, np.arange(len(packages))] = self.rank >= 0
        # packages by recipe count for 1 and those by pool for -1, of products that have both
        self.sign = (self.recipe >= 0).astype(int) - (self.rank >= 0)
        both = np.unique(self.place[self.sign != 0])
        own = self.place == both[:, None]  # (pair, packages)
        self.by_recipe, self.by_pool = own & (self.sign > 0), own & (self.sign < 0)
        self.pair = np.where(self.sign != 0, np.searchsorted(both, self.place), -1)
        self.lines, self.users = _lines(scope, structure)
        self.on_line = [np.flatnonzero((self.rank >= 0) & own[self.place]) for own in self.users]


def _packages(
    scope: Scope, structure: Structure, stock_of: dict[int, int], place: int
) -> list[_Packages]:
    recipes = [dict(recipe) for recipe in scope.recipes[place]]
    each = float(structure.product["stacks_per_package"][scope.products[place]])
    stacks = [{stock_of[pool]: each} for pool in scope.pools[place]] or [{}]
    if len(recipes) == 1:
        return [_Packages(place, 0, k, recipes[0] | own) for k, own in enumerate(stacks)]
    if len(stacks) == 1:
        return [_Packages(place, r, 0, recipe | stacks[0]) for r, recipe in enumerate(recipes)]
    by_recipe = [_Packages(place, r, -1, recipe) for r, recipe in enumerate(recipes)]
    return by_recipe + [_Packages(place, -1, k, own) for k, own in enumerate(stacks)]


def _lines(scope: Scope, structure: Structure) -> tuple[list[list[int]], np.ndarray]:
    """Return the packaging lines, those alike together, and the products that use them.

    Lines are alike if they count the same things of the same products: the smallest binds first.
    """
    alike: dict[tuple[int, ...], list[int]] = {}
    for line in range(len(structure.line)):
        users = [place for place, own in enumerate(scope.lines) if line in own]
        if users:
            kind = int(structure.line["counts_packages"][line])
            alike.setdefault((kind, *users), []).append(line)
    used = np.zeros((len(alike), len(scope.products)), bool)
    for group, (_, *users) in enumerate(alike):
        used[group, users] = True
    return list(alike.values()), used
