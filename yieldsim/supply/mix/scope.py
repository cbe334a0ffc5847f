"""The scope of a mix: the designs, allocation entries and products that compete."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from yieldsim.supply.compile import Compiled, by_tier
from yieldsim.supply.compile.memory import each_record
from yieldsim.supply.kernels.records import Structure

Recipe = tuple[tuple[int, float], ...]  # rows of dies, with the dies of each in a package


@dataclass(frozen=True)
class Entries:
    """The entries of the designs in a scope as arrays, those that move first.

    A pair is an entry and a row of its design, in the order of the entries.
    """

    number: np.ndarray  # (entry)
    route: np.ndarray  # (entry)
    process: np.ndarray  # (entry)
    die: np.ndarray  # (entry)
    has_bin: np.ndarray  # (entry, bin) bool
    last_bin: np.ndarray  # (entry)
    alike: np.ndarray  # (entry) bool: all bins are in a single row
    of_pair: np.ndarray  # (pair), its entry
    bin: np.ndarray  # (pair), the first bin in the row
    row: np.ndarray  # (pair)

    def by_route(self, moved: np.ndarray) -> np.ndarray:
        """Return the sum of ``moved`` (entry, ...) over the moved entries of each one's route."""
        _, first, own = np.unique(self.route[: len(moved)], return_index=True, return_inverse=True)
        return np.asarray(np.add.reduceat(moved, first, axis=0)[own]) if len(moved) else moved


@dataclass(frozen=True)
class Scope:
    """The parts of a model that a mix moves, as indices of its structure.

    Products are those of the linear program: all that share a design, a memory pool or a packaging
    line with an AI product. A row is a bin of a design, or all its bins if these are taken alike.
    """

    ai: np.ndarray  # bool of all products
    planned: np.ndarray  # bool of all products: AI products, and those that share their dies
    products: list[int]
    dies: list[int]  # designs of the planned products
    moved: list[int]  # entries whose wafers can go to another entry of the same route
    entries: Entries  # those moved, then entries of the same designs that are alone in their route
    row_of: np.ndarray  # (die, bin), row; -1 for designs outside the scope
    rows: int  # number of rows
    recipes: list[list[Recipe]]  # of each product in `products`
    sold: list[list[int]]  # bin of each recipe, -1: the worst of random dies
    pools: list[list[int]]  # memory pools of each product, by rank
    lines: list[list[int]]  # packaging lines of each product
    on_line: np.ndarray  # (packaging line, product) bool: the same

    @property
    def choices(self) -> bool:
        """Whether there is anything to choose."""
        return bool(self.moved) or int(self.ai.sum()) > 1

    def rows_of(self, die: int) -> slice:
        """Return the rows of a design."""
        rows = self.row_of[die][self.row_of[die] >= 0]
        return slice(int(rows.min()), int(rows.max()) + 1)


def scope_of(compiled: Compiled) -> Scope:
    """Return the scope of a mix in a model."""
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
    moved, alone = _entries(structure, dies)
    row_of, rows = _rows(structure, dies, products)
    recipes = [_recipes(structure, i, row_of) for i in products]
    return Scope(
        ai,
        planned,
        products,
        dies,
        moved,
        _as_arrays(structure, [*moved, *alone], row_of),
        row_of,
        rows,
        [[recipe for recipe, _ in own] for own in recipes],
        [[sold for _, sold in own] for own in recipes],
        [pools[i] for i in products],
        [lines[i] for i in products],
        np.array([[x in lines[i] for i in products] for x in range(len(structure.line))], bool),
    )


def _dies_of(structure: Structure, i: int) -> list[int]:
    others = structure.other["die"][structure.other["product"] == i]
    return [int(structure.product[i].die), *map(int, others)]


def _pools_of(structure: Structure, i: int) -> list[int]:
    if structure.product[i].stacks_per_package == 0:
        return []
    return [int(pool) for pool in structure.product_pool[i] if pool >= 0]


def _entries(structure: Structure, dies: list[int]) -> tuple[list[int], list[int]]:
    """Return the entries of some designs: those that share their route, and those alone in it."""
    moved: list[int] = []
    alone: list[int] = []
    for route in each_record(structure.route):
        span = range(route.first_entry, route.end_entry)
        own = [entry for entry in span if structure.entry[entry].die in dies]
        (moved if len(own) > 1 else alone).extend(own)
    return moved, alone


def _as_arrays(structure: Structure, entries: list[int], row_of: np.ndarray) -> Entries:
    number = np.array(entries, dtype=int)
    route = np.searchsorted(structure.route["end_entry"], number, side="right")
    die = structure.entry["die"][number]
    rows = row_of[die]
    alike = (rows[:, 1:2] == rows[:, :1]).any(axis=1)
    bins = structure.die["bins"][die]
    has_bin = np.arange(rows.shape[1]) < bins[:, None]
    of_pair, first_bin = np.nonzero(has_bin & ~(alike[:, None] & (np.arange(rows.shape[1]) > 0)))
    process, row = structure.route["process"][route], rows[of_pair, first_bin]
    return Entries(number, route, process, die, has_bin, bins - 1, alike, of_pair, first_bin, row)


def _rows(structure: Structure, dies: list[int], products: list[int]) -> tuple[np.ndarray, int]:
    """Return the row of each bin of some designs; a design paired at random has a single row."""
    alike = set(structure.other["die"].tolist())
    for i in products:
        if structure.product[i].random_pairing == 1:
            alike.add(int(structure.product[i].die))
    row_of = np.full(structure.min_good.shape, -1)
    rows = 0
    for die in dies:
        bins = int(structure.die[die].bins)
        own = 1 if die in alike else bins
        row_of[die, :bins] = rows if own == 1 else rows + np.arange(bins)
        rows += own
    return row_of, rows


def _recipes(structure: Structure, i: int, row_of: np.ndarray) -> list[tuple[Recipe, int]]:
    """Return the recipes of a product by row, and the bin in which each is sold; -1 at random."""
    product = structure.product[i]
    die, each = int(product.die), int(product.dies_per_package)
    others = [
        (int(row_of[other.die, 0]), float(other.count))
        for other in each_record(structure.other)
        if other.product == i
    ]
    if product.random_pairing == 1:
        return [(_joined([(int(row_of[die, 0]), float(each)), *others]), -1)]
    taken = []
    for recipe in structure.recipe[i, : product.recipes]:
        counts = [(int(row_of[die, b]), float(x)) for b, x in enumerate(recipe[:-1]) if x > 0]
        taken.append((_joined([*counts, *others]), int(recipe[-1])))
    return taken


def _joined(counts: list[tuple[int, float]]) -> Recipe:
    """Return counts added up by row; designs outside the scope (row -1) are left out."""
    total: dict[int, float] = {}
    for row, count in counts:
        if row >= 0:
            total[row] = total.get(row, 0.0) + count
    return tuple(total.items())
