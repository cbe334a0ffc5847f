"""Results of the readable twin by quarter, under the names of `yieldsim.outputs`."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

from tests.supply.twin.world import World
from yieldsim.model.schema.calendar import quarter_name
from yieldsim.outputs import OUTPUTS, constraint_names

Key = tuple[str, ...]


class Book:
    """Sums by quarter, variable and names, with the quarters of the warm-up and after the end."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.sums: dict[tuple[int, str], dict[Key, float]] = defaultdict(lambda: defaultdict(float))
        self.held: dict[tuple[int, str], Counter[str]] = defaultdict(Counter)

    def quarter(self, step: int) -> int:
        """Quarters since the start of the warm-up."""
        return step // self.world.steps_per_quarter

    def add(self, step: int, variable: str, *names: str, amount: float) -> None:
        """Add to a flow of the quarter that a step lies in."""
        self.sums[self.quarter(step), variable][names] += amount

    def put(self, step: int, variable: str, *names: str, level: float) -> None:
        """Set a level; the last value in a quarter stays."""
        self.sums[self.quarter(step), variable][names] = level

    def hold(self, step: int, product: str, constraint: str) -> None:
        """Count a step in which a constraint limited a product."""
        self.held[self.quarter(step), product][constraint] += 1

    def total(self, quarter: int, variable: str, first: str) -> float:
        """Sum of a variable over all names that begin with ``first``."""
        sums = self.sums[quarter, variable]
        return sum(amount for names, amount in sums.items() if names[0] == first)

    def last(self, step: int, variable: str, *names: str) -> float:
        """A flow of the quarter before that of a step; in the warm-up, of all quarters so far."""
        before = self.quarter(step) - 1
        warmup = self.world.model.simulation.warmup_quarters
        quarters = range(before + 1) if before < warmup else (before,)
        return sum(self.sums[quarter, variable][names] for quarter in quarters)

    def binding(self, quarter: int, product: str) -> str:
        """The constraint of most steps; of equals, the first in the list of constraints."""
        order = constraint_names(list(self.world.model.tool_groups))
        counts = self.held[quarter, product]
        return max(order, key=lambda name: (counts[name], -order.index(name)))

    def nested(self) -> dict[str, dict[str, Any]]:
        """``results[quarter][variable][name]...`` for the quarters of the model."""
        warmup = self.world.model.simulation.warmup_quarters
        results: dict[str, dict[str, Any]] = {}
        for quarter in range(warmup, self.world.quarters):
            name = quarter_name(self.world.first_quarter + quarter)
            results[name] = {v.name: _nest(self.sums[quarter, v.name]) for v in OUTPUTS}
            results[name]["binding"] = {
                product: self.binding(quarter, product) for product in self.world.model.products
            }
        return results


def _nest(sums: dict[Key, float]) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for names, amount in sums.items():
        level = nested
        for name in names[:-1]:
            level = level.setdefault(name, {})
        level[names[-1]] = amount
    return nested
