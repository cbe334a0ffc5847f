"""The event simulator in plain Python: the executable specification of `yieldsim.flow`.

It runs one replication of a re-entrant line with objects, names, lists and `heapq` instead of
indices and flat arrays. It shares only the data set with the engine. Random numbers come from
Philox in Python integers. Times are minutes.
"""

from __future__ import annotations

import heapq
import math
from typing import Any

from tests.flow.twin.dispatch import Dispatching
from tests.flow.twin.parts import (
    CLOCK,
    FIRST_DRAW,
    LOT_STEP,
    RELEASE,
    SETUP,
    Clock,
    Group,
    Job,
    Lot,
    Tool,
    after,
    drawn,
    numbered_clocks,
    philox,
    uniform,
    value_at,
)
from yieldsim.flow.dataset import DataSet


class Twin(Dispatching):
    """One replication: call `run_until(minutes)`, then read `groups`, `lots`, `finished`."""

    def __init__(self, data: DataSet, seed: int, replication: int, migrate: bool = False) -> None:
        self.data, self.seed, self.replication, self.migrate = data, seed, replication, migrate
        self.now, self.events, self.posted = 0.0, 0, 0
        self.heap: list[tuple[float, int, str, Any]] = []
        self.lots: dict[int, Lot] = {}
        self.finished: list[tuple[Lot, float]] = []
        self.limits_missed = 0
        self.released = [0] * len(data.orders)  # lots that were due, including lost ones
        self.lost = [0] * len(data.orders)
        self.wip = dict.fromkeys(data.caps, 0)
        self.groups = {name: Group(group) for name, group in data.groups.items()}
        self.min_runs = {s: n for runs in data.min_runs.values() for s, n in runs.items()}
        self._make_tools()
        for clock, tool in numbered_clocks(data.calendars, self.groups):
            if clock.calendar.kind == "pieces":
                clock.left = float(clock.first)  # type: ignore[arg-type]
                tool.clocks.append(clock)
            else:
                word = self.words(FIRST_DRAW, clock.number, CLOCK)[0]
                self.post(drawn(clock.first, word), "clock", (tool, clock))  # type: ignore[arg-type]
        for absence in data.absences:
            tool = self.groups[absence.group].tools[absence.tool]
            self.post(absence.from_min, "leaves", tool)
            if absence.to_min < math.inf:
                self.post(absence.to_min, "comes", tool)
        for number, order in enumerate(data.orders):
            self.post(order.first_min, "release", number)
        for group in self.groups.values():
            for tool in group.tools:
                self.refresh(tool)

    def _make_tools(self) -> None:
        number = 0
        for group in self.groups.values():
            for speed in group.data.speeds:
                group.tools.append(Tool(group, number, speed))
                number += 1

    # -- events ---------------------------------------------------------------------------------

    def post(self, time: float, kind: str, what: Any) -> None:
        self.posted += 1  # events of equal time come in the order of posting
        heapq.heappush(self.heap, (time, self.posted, kind, what))

    def words(self, draw: int, entity: int, stream: int) -> tuple[int, int, int, int]:
        return philox((draw, entity, stream, self.replication), self.seed)

    def run_until(self, until: float) -> None:
        while self.heap and self.heap[0][0] <= until:
            self.now, _, kind, what = heapq.heappop(self.heap)
            self.events += 1
            tool = getattr(self, f"on_{kind}")(what)
            if tool is not None:
                self.serve(tool)
        self.now = until

    def serve(self, tool: Tool) -> None:
        self.refresh(tool)
        while tool in tool.group.ready:
            lot = self.choose(tool)
            if lot is None:
                break
            self.begin(tool, lot)

    # -- lots -----------------------------------------------------------------------------------

    def on_release(self, number: int) -> None:
        order = self.data.orders[number]
        for _ in range(order.lots):
            name = self.released[number] * len(self.data.orders) + number
            self.released[number] += 1
            if order.cap:
                if self.wip[order.cap] + order.pieces > value_at(
                    self.data.caps[order.cap], self.now
                ):
                    self.lost[number] += 1
                    continue
                self.wip[order.cap] += order.pieces
            released = min(self.now, order.released_min) if order.released_min < 0.0 else self.now
            lot = Lot(order, name, self.data.parts[order.part], released, order.step)
            self.lots[name] = lot
            self.go_on(lot)
        if self.released[number] < order.releases * order.lots:
            word = self.words(self.released[number], number, RELEASE)[0]
            due = after(order.rates, self.now, drawn(order.interval, word))
            if due < math.inf:
                self.post(due, "release", number)

    def go_on(self, lot: Lot) -> None:
        while lot.position < len(lot.part.steps):
            sampling, transport, lot.time_word, lot.rework_word = self.words(
                lot.visits, lot.number, LOT_STEP
            )
            lot.visits += 1
            if lot.step.sampling >= 1.0 or uniform(sampling) < lot.step.sampling:
                lot.status = "moving"
                to = self.data.groups[lot.step.group].location
                move = self.data.moves.get((lot.location, to)) if lot.location is not None else None
                self.post(self.now + (drawn(move, transport) if move else 0.0), "arrival", lot)
                return
            lot.position += 1
        if lot.order.cap:
            self.wip[lot.order.cap] -= lot.order.pieces
        del self.lots[lot.number]
        self.finished.append((lot, self.now))

    def on_arrival(self, lot: Lot) -> Tool | None:
        lot.queued = self.now
        self.enqueue(lot, in_front=False)
        return self.pick_tool(lot)

    def enqueue(self, lot: Lot, in_front: bool) -> None:
        lot.status = "queued"
        group = self.groups[lot.step.group]
        position = len(group.queue)
        while position > 0:
            other = group.queue[position - 1]
            ahead = "rank_HP" in group.data.ranks and lot.order.priority > other.order.priority
            equal = "rank_HP" not in group.data.ranks or lot.order.priority == other.order.priority
            if not (ahead or (in_front and equal)):
                break
            position -= 1
        group.queue.insert(position, lot)

    def finish_step(self, lot: Lot) -> None:
        step = lot.step
        lot.location = self.data.groups[step.group].location
        if step.limit is not None:
            lot.limits[lot.position] = self.now + step.limit[1]
        if step.rework is not None and uniform(lot.rework_word) < step.rework[0]:
            lot.position = step.rework[1]
        else:
            lot.position += 1
        self.go_on(lot)

    # -- jobs -----------------------------------------------------------------------------------

    def gather(self, tool: Tool, leader: Lot) -> list[Lot]:
        lots = [leader]
        if leader.step.batch_pieces is not None:
            key, most = self.batch_key(leader), leader.step.batch_pieces[1]
            for lot in tool.group.queue:
                fits = sum(member.order.pieces for member in lots) + lot.order.pieces <= most
                same = lot.step.batch_pieces is not None and self.batch_key(lot) == key
                if lot is not leader and same and fits:
                    lots.append(lot)
        return lots

    def take(self, tool: Tool, lot: Lot) -> None:
        tool.group.queue.remove(lot)
        lot.status = "in tool"
        tool.group.started += 1
        tool.group.waited += self.now - lot.queued
        if lot.step.lens_for is not None:
            lot.lenses[lot.step.lens_for] = tool
        for start, deadline in list(lot.limits.items()):
            limit = lot.part.steps[start].limit
            assert limit is not None
            if limit[0] == lot.position:
                del lot.limits[start]
                self.limits_missed += deadline < self.now

    def set_up(self, tool: Tool, lot: Lot) -> float:
        setup = lot.step.setup
        if setup is None or not self.needs_setup(tool, lot.step):
            return 0.0
        law = setup.time or self.table_setup(tool, lot.step)
        minutes = drawn(law, self.words(lot.visits, lot.number, SETUP)[0])
        if setup.name != tool.setup:
            tool.setup = setup.name
            if tool.group.data.min_run_group:
                tool.run_left = self.min_runs.get(setup.name, 0)
        return minutes

    def begin(self, tool: Tool, leader: Lot) -> None:
        step, group = leader.step, tool.group.data
        lots = self.gather(tool, leader)
        for lot in lots:
            self.take(tool, lot)
        setup = self.set_up(tool, leader)
        tool.run_left = max(tool.run_left - 1, 0)
        if leader.work_left > 0.0:
            end = self.now + setup + leader.work_left / tool.speed
            leader.work_left = 0.0
        else:
            units = sum(lot.order.pieces for lot in lots) if step.by_piece else 1
            unit_min = drawn(step.time, leader.time_word) / tool.speed
            interval = step.interval_min / tool.speed
            set_up = max(self.now, tool.began + setup) if tool.jobs else self.now + setup
            enter = set_up + group.load_min
            if group.capacity > 1:
                enter = max(enter, tool.front_free)
            work = unit_min + (units - 1) * interval if interval > 0.0 else units * unit_min
            tool.front_free = enter + (units * interval if interval > 0.0 else work)
            end = enter + work + group.unload_min
        tool.began = self.now
        tool.busy += max(end, tool.busy_end) - max(self.now, tool.busy_end)
        tool.busy_end = max(end, tool.busy_end)
        job = Job(lots, end, tool.delay)
        tool.jobs.append(job)
        self.post(end, "job_done", (tool, job))
        self.leave_ready(tool)
        if group.capacity > 1:
            tool.fronts += 1
            self.post(max(self.now, tool.front_free - group.load_min), "front", (tool, tool.fronts))

    def on_front(self, tool_and_number: tuple[Tool, int]) -> Tool | None:
        tool, number = tool_and_number
        if number != tool.fronts:
            self.events -= 1  # the tool took its next lot at the same moment, before this event
            return None
        free = tool.front_free - tool.group.data.load_min
        if free > self.now:  # delayed by a repair
            self.post(free, "front", tool_and_number)
            return None
        return tool

    def on_job_done(self, tool_and_job: tuple[Tool, Job]) -> Tool | None:
        tool, job = tool_and_job
        if job not in tool.jobs:
            self.events -= 1  # its lot went to another tool and the event was cancelled
            return None
        if job.delay_seen < tool.delay:  # delayed by a repair
            later = self.now + (tool.delay - job.delay_seen)
            job.end, job.delay_seen = later, tool.delay
            self.post(later, "job_done", tool_and_job)
            return None
        tool.jobs.remove(job)
        for lot in job.lots:
            self.finish_step(lot)
        for clock in tool.clocks:
            clock.left -= sum(lot.order.pieces for lot in job.lots)
            if clock.left <= 0.0:
                clock.left = max(clock.left + clock.calendar.interval.mean, 0.0)
                word = self.words(clock.draws, clock.number, CLOCK)[0]
                clock.draws += 1
                tool.backlog += drawn(clock.calendar.duration, word)
        return tool

    # -- tools ----------------------------------------------------------------------------------

    def leave_ready(self, tool: Tool) -> None:
        ready = tool.group.ready
        if tool in ready:
            place = ready.index(tool)  # the last one takes it; the order decides who is drawn
            ready[place] = ready[-1]
            ready.pop()

    def refresh(self, tool: Tool) -> None:
        group = tool.group.data
        if tool.down or len(tool.jobs) >= group.capacity:
            return
        if tool.jobs and self.now < tool.front_free - group.load_min:
            return
        if tool.away:
            self.leave_ready(tool)
        elif tool.backlog > 0.0:
            self.leave_ready(tool)
            if not tool.jobs:
                tool.down, tool.up_at = True, self.now + tool.backlog
                tool.maintenance += tool.up_at - self.now
                tool.backlog = 0.0
                self.post(tool.up_at, "up", tool)
        elif tool not in tool.group.ready:
            tool.group.ready.append(tool)

    def on_up(self, tool: Tool) -> Tool | None:
        if tool.up_at > self.now:
            self.post(tool.up_at, "up", tool)
            return None
        tool.down = False
        return tool

    def on_clock(self, tool_and_clock: tuple[Tool, Clock]) -> Tool | None:
        tool, clock = tool_and_clock
        duration_word, interval_word, _, _ = self.words(clock.draws, clock.number, CLOCK)
        clock.draws += 1
        if tool.away and not tool.jobs:
            self.post(
                self.now + drawn(clock.calendar.interval, interval_word), "clock", tool_and_clock
            )
            return None
        minutes = drawn(clock.calendar.duration, duration_word)
        if clock.calendar.kind == "calendar":
            tool.backlog += minutes
            self.post(
                self.now + drawn(clock.calendar.interval, interval_word), "clock", tool_and_clock
            )
            return tool
        repaired = self.now + minutes
        rest = max(tool.up_at - self.now, 0.0) if tool.down else 0.0
        tool.up_at = repaired + rest
        tool.repair += repaired - self.now
        self.post(repaired + drawn(clock.calendar.interval, interval_word), "clock", tool_and_clock)
        served = self.interrupt(tool, minutes) if tool.jobs else None
        if not tool.down:
            tool.down = True
            self.leave_ready(tool)
            self.post(tool.up_at, "up", tool)
        return served

    def on_comes(self, tool: Tool) -> Tool:
        tool.away = False
        return tool

    def on_leaves(self, tool: Tool) -> Tool:
        tool.away = True
        bound = [lot for lot in tool.group.queue if lot.lenses.get(lot.position) is tool]
        for lot in bound:
            tool.group.queue.remove(lot)
            lot.status = "moving"
            self.post(self.now, "arrival", lot)
        return tool

    def interrupt(self, tool: Tool, minutes: float) -> Tool | None:
        job = tool.jobs[-1]
        if self.migrate and tool.group.data.capacity == 1 and len(job.lots) == 1:
            lot = job.lots[0]
            left = job.end + (tool.delay - job.delay_seen) - self.now
            lot.work_left = max(left, 0.0) * tool.speed
            tool.busy -= tool.busy_end - self.now
            tool.busy_end = self.now
            tool.jobs.clear()
            self.enqueue(lot, in_front=True)
            return max(tool.group.ready, key=lambda other: other.speed, default=None)
        tool.delay += minutes
        tool.front_free += minutes
        tool.busy_end += minutes
        return None
