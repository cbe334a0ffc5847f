"""What a mix may move: which designs, allocations and products compete for what."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from yieldsim.supply.compile import Compiled, by_tier
from yieldsim.supply.kernels import records as a

Recipe = tuple[tuple[int, float], ...]  # rows of dies and how many of each a package takes


@dataclass(frozen=True)
class Scope:
    """The parts of a model that a mix moves, as indices of its structure.

    Products are those of the linear program: all that take a die, a pool or a line that an AI
    product takes. A row is a bin of a design, or all bins where they are taken alike.
    """

    ai: np.ndarray  # bool of all products
    planned: np.ndarray  # bool of all products: AI, and those on the same dies
    products: list[int]
    dies: list[int]  # designs of the planned products
    moved: list[int]  # entries whose wafers can go to another entry of the same route
    given: list[int]  # entries of the same designs that are alone in their route
    row_of: np.ndarray  # (die, bin) -> row, -1 for designs outside
    rows: int
    recipes: list[list[Recipe]]  # of each product in `products`
    sold: list[list[int]]  # bin of each recipe, -1: the worst of random dies
    pools: list[list[int]]  # of each product, by rank
    lines: list[list[int]]

    @property
    def choices(self) -> bool:
        """Whether there is anything to choose."""
        return bool(self.moved) or int(self.ai.sum()) > 1

    def rows_of(self, die: int) -> slice:
        """The rows of a design."""
        rows = self.row_of[die][self.row_of[die] >= 0]
        return slice(int(rows.min()), int(rows.max()) + 1)


def scope_of(compiled: Compiled) -> Scope:
    """What a mix may move in a model."""
    structure, clock = compiled.structure, compiled.clock
    ai = np.array([product.kind == "ai" for _, product in by_tier(compiled.model)])
    takes = [_dies_of(structure, i) for i in range(len(ai))]
    dies = sorted({die for i in np.flatnonzero(ai) for die in takes[i]})
    planned = np.array([bool(ai[i] or set(takes[i]) & set(dies)) for i in range(len(ai))])
    dies = sorted({die for i in np.flatnonzero(planned) for die in takes[i]})
    pools = [[] if clock.no_memory_limit else _pools_of(structure, i) for i in range(len(ai))]
    lines = [
        [] if clock.no_packaging_limit else [x for x in structure.product_line[i] if x >= 0]
        for i in range(len(ai))
    ]
    taken = {("pool", x) for i in np.flatnonzero(planned) for x in pools[i]}
    taken |= {("line", x) for i in np.flatnonzero(planned) for x in lines[i]}
    products = [
        i
        for i in range(len(ai))
        if planned[i] or taken & ({("pool", x) for x in pools[i]} | {("line", x) for x in lines[i]})
    ]
    moved, given = _entries(structure, dies)
    row_of, rows = _rows(structure, dies, products)
    recipes = [_recipes(structure, i, row_of) for i in products]
    return Scope(
        ai,
        planned,
        products,
        dies,
        moved,
        given,
        row_of,
        rows,
        [[recipe for recipe, _ in several] for several in recipes],
        [[sold for _, sold in several] for several in recipes],
        [pools[i] for i in products],
        [lines[i] for i in products],
    )


def _dies_of(structure: a.Structure, i: int) -> list[int]:
    others = structure.other[structure.other[:, a.OTHER_PRODUCT] == i, a.OTHER_DIE]
    return [int(structure.product[i, a.PRODUCT_DIE]), *map(int, others)]


def _pools_of(structure: a.Structure, i: int) -> list[int]:
    if structure.product[i, a.PRODUCT_STACKS] == 0:
        return []
    return [int(pool) for pool in structure.product_pool[i] if pool >= 0]


def _entries(structure: a.Structure, dies: list[int]) -> tuple[list[int], list[int]]:
    """Entries of some designs: those with another such entry in their route, and those without."""
    moved: list[int] = []
    given: list[int] = []
    for route in structure.route:
        span = range(route[a.ROUTE_FIRST], route[a.ROUTE_LAST])
        found = [entry for entry in span if structure.entry[entry, a.ENTRY_DIE] in dies]
        (moved if len(found) > 1 else given).extend(found)
    return moved, given


def _rows(structure: a.Structure, dies: list[int], products: list[int]) -> tuple[np.ndarray, int]:
    """Rows of the bins of designs; one for all bins of a design whose dies go as they come."""
    alike = set(structure.other[:, a.OTHER_DIE].tolist())
    for i in products:
        if structure.product[i, a.PRODUCT_RANDOM] == 1:
            alike.add(int(structure.product[i, a.PRODUCT_DIE]))
    row_of = np.full(structure.min_good.shape, -1)
    rows = 0
    for die in dies:
        bins = int(structure.die[die, a.DIE_BINS])
        several = 1 if die in alike else bins
        row_of[die, :bins] = rows if several == 1 else rows + np.arange(bins)
        rows += several
    return row_of, rows


def _recipes(structure: a.Structure, i: int, row_of: np.ndarray) -> list[tuple[Recipe, int]]:
    """What a package takes of each row, and the bin it is sold in."""
    one = structure.product[i]
    die, each = int(one[a.PRODUCT_DIE]), int(one[a.PRODUCT_DIES_EACH])
    others = [
        (int(row_of[other[a.OTHER_DIE], 0]), float(other[a.OTHER_COUNT]))
        for other in structure.other
        if other[a.OTHER_PRODUCT] == i
    ]
    if one[a.PRODUCT_RANDOM] == 1:
        return [(_joined([(int(row_of[die, 0]), float(each)), *others]), -1)]
    found = []
    for recipe in structure.recipe[i, : one[a.PRODUCT_RECIPES]]:
        counts = [(int(row_of[die, b]), float(x)) for b, x in enumerate(recipe[:-1]) if x > 0]
        found.append((_joined([*counts, *others]), int(recipe[-1])))
    return found


def _joined(counts: list[tuple[int, float]]) -> Recipe:
    """Counts by row; designs outside the mix (row -1) limit nothing here."""
    total: dict[int, float] = {}
    for row, count in counts:
        if row >= 0:
            total[row] = total.get(row, 0.0) + count
    return tuple(total.items())
