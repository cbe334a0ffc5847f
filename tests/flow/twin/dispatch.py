"""Dispatching in the twin: which lot for a tool, which tool for a lot."""

from __future__ import annotations

from typing import Any

from tests.flow.twin.parts import TOOL, Group, Lot, Tool
from yieldsim.flow.dataset import DataSet, Step
from yieldsim.flow.laws import Spread


class Dispatching:
    """The decisions of a twin. They change nothing."""

    data: DataSet
    groups: dict[str, Group]
    now: float

    def batch_key(self, lot: Lot) -> tuple[str, ...]:
        if self.data.groups[lot.step.group].batch_by == "route step":
            return (lot.step.group, lot.part.route, lot.step.name)
        return (lot.step.group, lot.part.family, lot.step.name)

    def may_start(self, tool: Tool, lot: Lot) -> bool:
        only = lot.lenses.get(lot.position)
        if only is not None and only is not tool and not only.away:
            return False
        setup = lot.step.setup
        if tool.run_left > 0 and setup is not None and setup.name != tool.setup:
            return False
        if lot.step.batch_pieces is None:
            return True
        key = self.batch_key(lot)
        waiting = sum(
            other.order.pieces
            for other in tool.group.queue
            if other.step.batch_pieces is not None and self.batch_key(other) == key
        )
        return waiting >= lot.step.batch_pieces[0]

    def needs_setup(self, tool: Tool, step: Step) -> bool:
        return step.setup is not None and (step.setup.name != tool.setup or step.setup.always)

    def table_setup(self, tool: Tool, step: Step) -> Spread:
        assert step.setup is not None
        setups, name = self.data.setup_times, step.setup.name
        return setups.get((tool.setup, name)) or setups.get(("", name)) or Spread(0.0)

    def choose(self, tool: Tool) -> Lot | None:
        ranks = tool.group.data.ranks
        best: tuple[Any, ...] | None = None
        for lot in tool.group.queue:
            if not self.may_start(tool, lot):
                continue
            step = lot.step
            avoids = tool.group.data.min_run_group != ""
            key = (
                avoids and self.needs_setup(tool, step),
                -lot.order.priority if "rank_HP" in ranks else 0,
                self.table_setup(tool, step).mean
                if "rank_RSETUP" in ranks and self.needs_setup(tool, step)
                else 0.0,
                self.last_rank(ranks[-1], lot),
            )
            if best is None or key < best[0]:
                best = (key, lot)
            plain = len(ranks) == ranks.count("rank_HP") + ranks.count("rank_FIFO")
            if plain and not avoids:
                break  # the queue is in this order
        return None if best is None else best[1]

    def last_rank(self, rank: str, lot: Lot) -> float:
        due = lot.released + lot.order.due_after_min
        left = sum(
            step.sampling * self.alone(step, lot)
            for step in reversed(lot.part.steps[lot.position :])
        )
        return {
            "rank_CR": (due - self.now) / max(left, 1e-9),
            "rank_EDD": due,
            "rank_SLACK": due - self.now - left,
            "rank_SPT": self.alone(lot.step, lot),
        }.get(rank, 0.0)

    def alone(self, step: Step, lot: Lot) -> float:
        group = self.data.groups[step.group]
        units = lot.order.pieces if step.by_piece else 1
        work = step.time.mean * units
        if step.interval_min > 0.0:
            work = step.time.mean + (units - 1) * step.interval_min
        return group.load_min + work + group.unload_min

    def pick_tool(self, lot: Lot) -> Tool | None:
        group = self.groups[lot.step.group]
        only = lot.lenses.get(lot.position)
        if only is not None and not only.away:
            return only if only in group.ready else None
        fit = [tool for tool in group.ready if self.may_start(tool, lot)]
        keys = [(self.wake_minutes(tool, lot.step), -tool.speed) for tool in fit]
        best = [tool for tool, key in zip(fit, keys, strict=True) if key == min(keys)]
        if not best:
            return None
        return best[self.words(lot.visits, lot.number, TOOL)[0] * len(best) >> 32]

    def words(self, draw: int, entity: int, stream: int) -> tuple[int, int, int, int]:
        raise NotImplementedError

    def wake_minutes(self, tool: Tool, step: Step) -> float:
        if not tool.group.data.wake_least_setup or not self.needs_setup(tool, step):
            return 0.0
        assert step.setup is not None
        return (step.setup.time or self.table_setup(tool, step)).mean
