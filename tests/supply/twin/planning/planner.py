"""The planner of the readable twin, by the rule book in ``yieldsim/supply/PLANNER.md``."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.supply.twin.flow import Route
from tests.supply.twin.planning.program import Choice, Program

if TYPE_CHECKING:
    from tests.supply.twin.twin import Line

TO_SPARE = 1.02
SPARE_WAFERS = 1.15


@dataclass
class Plan:
    """The plan of a quarter."""

    parts: dict[tuple[str, str], dict[str, float]] = field(default_factory=dict)  # of AI wafers
    phones: dict[tuple[str, str], dict[str, float]] = field(default_factory=dict)
    packages: dict[str, dict[str | None, float]] = field(default_factory=dict)  # per step


class Planner(Program):
    """Plans the quarters of a realization."""

    def plan(self, step: int) -> Plan:
        """Plan the quarter that begins with a step."""
        self.look(step)
        self.worth = self.worths()
        chosen = self.best()
        plan = Plan()
        for name in self.planned:
            plan.packages[name] = {
                key[3]: packages * TO_SPARE / self.world.steps_per_quarter
                for key, packages in chosen.items()
                if key[0] == "package" and key[1] == 0 and key[2] == name
            }
        for line in self.lines:
            for route in line.routes:
                self.divide(plan, line, route, chosen)
        self.give_to_phones(plan)
        return plan

    def divide(self, plan: Plan, line: Line, route: Route, chosen: dict[Choice, float]) -> None:
        """Divide the AI wafers of the quarter among designs."""
        designs = [d for d in line.fab.allocation[route.process] if d in self.designs]
        there = self.ai_wafers(line, route, 0.0, 1.0)
        if there <= 0.0 or not designs:
            return
        now = dict.fromkeys(designs, 0.0)
        for (kind, q, *rest), wafers in chosen.items():
            if kind == "wafer" and rest[:2] == [line.name, route.process]:
                first, last = self.starts(line, route, q)
                if first < 1.0:
                    now[rest[2]] += wafers * (min(last, 1.0) - first) / (last - first)
        used = min(1.0, SPARE_WAFERS * sum(now.values()) / there)
        can = {d: w * self.has_share(line, route, d, 0.0, 1.0) for d, w in now.items()}
        total = sum(can.values())
        plan.parts[line.name, route.process] = {
            d: used * w / total if total > 0.0 else 0.0 for d, w in can.items()
        }

    def give_to_phones(self, plan: Plan) -> None:
        """Give idle AI wafers to phone designs up to their demand."""
        for die in self.model.dies:
            products = [n for n, p in self.model.products.items() if p.die == die]
            if not set(products) & set(self.phone_products):
                continue
            short = self.short_of(die, products)
            for line in self.lines:
                for route in line.routes:
                    where = (line.name, route.process)
                    tested = self.tested.get((*where, die))
                    if where not in plan.parts or tested is None or sum(tested.values()) <= 0.0:
                        continue
                    if not self.has_share(line, route, die, 0.0, 1.0):
                        continue
                    there = self.ai_wafers(line, route, 0.0, 1.0)
                    extra = plan.phones.setdefault(where, {})
                    idle = 1.0 - sum(plan.parts[where].values()) - sum(extra.values())
                    wafers = min(max(0.0, idle) * there, short / sum(tested.values()))
                    if wafers > 0.0:
                        extra[die] = wafers / there
                        short -= wafers * sum(tested.values())

    def short_of(self, die: str, products: list[str]) -> float:
        """Dies of a phone design that a quarter's demand asks for beyond stock and shares."""
        short = 0.0
        for name in products:
            product = self.model.products[name]
            if product.demand is None or self.world.lifted("demand"):
                return math.inf
            demand = self.world.schedule(f"products.{name}.demand", product.demand, self.step)
            short += demand * product.dies_per_package
        short -= sum(self.packaging.dies.stock[die].values())
        for line in self.lines:
            for route in line.routes:
                weights = line.wafers.weights(self.step, route.process)
                ai = sum(w for d, w in weights.items() if d in self.designs)
                if weights.get(die, 0.0) <= 0.0 or ai <= 0.0:
                    continue
                wafers = self.ai_wafers(line, route, 0.0, 1.0) * weights[die] / ai
                short -= wafers * sum(self.tested[line.name, route.process, die].values())
        return max(0.0, short)
