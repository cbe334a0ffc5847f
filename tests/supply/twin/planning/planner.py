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
    kept: dict[tuple[str, str], dict[str, float]] = field(default_factory=dict)  # of phone shares
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
        """Give phone designs what their products need: of their shares, then of idle AI wafers."""
        phones = {self.model.products[name].die for name in self.phone_products}
        for die in self.model.dies:
            if die in phones:
                self.supply(plan, die)

    def supply(self, plan: Plan, die: str) -> None:
        """Give a phone design the wafers whose dies it is short of."""
        short, by_shares = self.short_of(die), 0.0
        divided = []
        for line in self.lines:
            for route in line.routes:
                where = (line.name, route.process)
                if (*where, die) not in self.tested:
                    continue
                dies = sum(self.tested[*where, die].values())
                wafers = self.share_wafers(line, route, die)
                if where in plan.parts:
                    by_shares += wafers * dies
                    divided.append((line, route, dies))
                else:
                    short -= wafers * dies
        short = max(0.0, short)
        kept = min(1.0, short / by_shares) if by_shares > 0.0 else 1.0
        more = max(0.0, short - by_shares)
        for line, route, dies in divided:
            where = (line.name, route.process)
            plan.kept.setdefault(where, {})[die] = kept
            extra = plan.phones.setdefault(where, {})
            if dies > 0.0 and self.has_share(line, route, die, 0.0, 1.0):
                there = self.ai_wafers(line, route, 0.0, 1.0)
                idle = 1.0 - sum(plan.parts[where].values()) - sum(extra.values())
                wafers = min(max(0.0, idle) * there, more / dies)
                extra[die] = wafers / there
                more -= wafers * dies

    def share_wafers(self, line: Line, route: Route, die: str) -> float:
        """Wafers that a design has in the quarter by its share in the middle of it."""
        at, where = self.at(0.5), (line.name, route.process)
        planned = self.packaging.book.last(self.step, "wafer_plan", *where)
        started = self.packaging.book.last(self.step, "wafer_starts", *where)
        part = started / planned if planned > 0.0 else 1.0
        share = line.wafers.weights(at, route.process)[die]
        return line.plan(at, route) * share * part * self.world.steps_per_quarter

    def short_of(self, die: str) -> float:
        """Dies of a phone design that the demand up to C + 2 asks for beyond those there."""
        short, until = 0.0, self.edges[2]
        for name, product in self.model.products.items():
            if product.die == die:
                if product.demand is None or self.world.lifted("demand"):
                    return math.inf
                short += self.demand(name, 0.0, until) * product.dies_per_package
        return short - sum(sum(self.dies[q][die].values()) for q in (0, 1))
