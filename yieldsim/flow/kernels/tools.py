"""Tools of the event simulator: ready, taking a job, letting it go, failing, being maintained."""

from __future__ import annotations

from typing import Any

import numpy as np

from yieldsim.flow.kernels.lots import enqueue, finish_step, lot_node, unqueue
from yieldsim.flow.kernels.queue import block, overlap, post, spread, take_out
from yieldsim.flow.kernels.records import CLOCK_CALENDAR, CLOCK_LEAVES, MOVING, STREAM_CLOCK
from yieldsim.kernels.jit import inline_jit

__all__ = ["clock_due", "job_done", "join_ready", "leave_ready", "refresh", "tool_up"]


@inline_jit
def join_ready(network: Any, state: Any, index: Any) -> None:
    """Put a tool at the end of its group's ready tools; of several speeds, behind the faster."""
    tools = state.tools
    tool = tools[index]
    group = state.groups[tool.group]
    before = group.last_ready
    if network.tools_by_speed[0] > 0:
        while before >= 0 and tools[before].speed < tool.speed:
            before = tools[before].ready_before
    behind = group.first_ready if before < 0 else tools[before].ready_next
    tool.ready = 1
    tool.ready_before = before
    tool.ready_next = behind
    if before < 0:
        group.first_ready = index
    else:
        tools[before].ready_next = index
    if behind < 0:
        group.last_ready = index
    else:
        tools[behind].ready_before = index


@inline_jit
def leave_ready(state: Any, index: Any) -> None:
    """Take a tool out of its group's ready tools, if it is there."""
    tools = state.tools
    tool = tools[index]
    if tool.ready == 0:
        return
    group = state.groups[tool.group]
    tool.ready = 0
    if tool.ready_before < 0:
        group.first_ready = tool.ready_next
    else:
        tools[tool.ready_before].ready_next = tool.ready_next
    if tool.ready_next < 0:
        group.last_ready = tool.ready_before
    else:
        tools[tool.ready_next].ready_before = tool.ready_before


@inline_jit
def refresh(network: Any, state: Any, index: Any) -> None:
    """Start the maintenance that a tool has due once it is empty; else let it take lots.

    A tool that is taken out of the line takes none.
    """
    tool = state.tools[index]
    if tool.down > 0 or tool.inside >= state.groups[tool.group].capacity:
        return
    if tool.away > 0:
        leave_ready(state, index)
    elif tool.backlog > 0.0:
        leave_ready(state, index)
        if tool.inside == 0:
            now = state.run[0].now
            tool.down = 1
            tool.up_at = now + tool.backlog
            tool.backlog = 0.0
            tool.maintenance += overlap(state, now, tool.up_at)
            post(state, state.clocks.shape[0] + index, tool.up_at)
    elif tool.ready == 0:
        join_ready(network, state, index)


@inline_jit
def tool_up(state: Any, index: Any) -> Any:
    """End a tool's downtime, unless a failure has made it longer; return the tool to serve."""
    tool = state.tools[index]
    if tool.up_at > state.run[0].now:
        post(state, state.clocks.shape[0] + index, tool.up_at)
        return -1
    tool.down = 0
    return index


@inline_jit
def job_done(network: Any, state: Any, leader: Any) -> Any:
    """Let a job leave its tool, unless a repair has held it up; return the tool to serve."""
    lots = state.lots
    lot = lots[leader]
    index = lot.tool
    tool = state.tools[index]
    if lot.delay_seen < tool.delay:
        later = state.run[0].now + (tool.delay - lot.delay_seen)
        lot.delay_seen = tool.delay
        post(state, lot_node(state, leader), later)
        return -1
    tool.inside -= 1
    pieces = 0
    member = leader
    while member >= 0:
        mate = lots[member].mate
        lots[member].mate = -1
        pieces += lots[member].pieces
        finish_step(network, state, member)
        member = mate
    for number in range(tool.first_clock, tool.first_clock + tool.clocks):
        clock = state.clocks[number]
        clock.left -= pieces
        if clock.left <= 0.0:
            # Pieces beyond count towards the next one: their rate is that of the pieces.
            clock.left = max(clock.left + clock.every.mean, 0.0)
            tool.backlog += _lasts(state, number)
    return index


@inline_jit
def _lasts(state: Any, number: Any) -> Any:
    clock = state.clocks[number]
    word, _, _, _ = block(state, clock.draws, number, STREAM_CLOCK)
    clock.draws += np.uint32(1)
    return spread(clock.lasts, word)


@inline_jit
def clock_due(network: Any, state: Any, number: Any) -> Any:
    """Let a tool fail, have maintenance due, leave or come; return the tool to serve, or -1."""
    now = state.run[0].now
    clock = state.clocks[number]
    index = clock.tool
    tool = state.tools[index]
    if clock.kind >= CLOCK_LEAVES:
        _come_or_leave(network, state, index, clock.kind == CLOCK_LEAVES)
        return index
    lasts, next_one, _, _ = block(state, clock.draws, number, STREAM_CLOCK)
    clock.draws += np.uint32(1)
    if tool.away > 0 and tool.inside == 0:
        # Out of the line nothing fails and nothing is maintained.
        post(state, number, now + spread(clock.every, next_one))
        return -1
    minutes = spread(clock.lasts, lasts)
    if clock.kind == CLOCK_CALENDAR:
        # From start to start: a maintenance that waits for its tool does not shift the next one.
        tool.backlog += minutes
        post(state, number, now + spread(clock.every, next_one))
        return index
    # A failure is repaired at once, also during maintenance, which goes on after it: the share of
    # repairs is then MTTR / (MTTF + MTTR) whatever else a tool does, as in the published runs.
    repaired = now + minutes
    rest = max(tool.up_at - now, 0.0) if tool.down > 0 else 0.0
    tool.up_at = repaired + rest
    # The rest has been counted already, where it was.
    tool.repair += overlap(state, now, tool.up_at) - overlap(state, now, now + rest)
    post(state, number, repaired + spread(clock.every, next_one))
    served = -1
    if tool.inside > 0:
        served = _interrupt(network, state, index, minutes)
    if tool.down == 0:
        tool.down = 1
        leave_ready(state, index)
        post(state, state.clocks.shape[0] + index, tool.up_at)
    return served


@inline_jit
def _come_or_leave(network: Any, state: Any, index: Any, leaves: Any) -> None:
    """Take a tool out of the line, or bring it back; lots bound to one that leaves queue anew."""
    tool = state.tools[index]
    tool.away = 1 if leaves else 0
    waiting = state.groups[tool.group].first if leaves else -1
    while waiting >= 0:
        lot = state.lots[waiting]
        behind = lot.next
        slot = network.steps[lot.step].lens_need
        if slot >= 0 and state.lenses[waiting, slot] == index:
            unqueue(network, state, waiting)
            lot.place = MOVING
            post(state, lot_node(state, waiting), state.run[0].now)
        waiting = behind


@inline_jit
def _interrupt(network: Any, state: Any, index: Any, minutes: Any) -> Any:
    """Hold up the jobs of a tool that fails, or let its lot go; return who may take that lot."""
    run = state.run[0]
    tool = state.tools[index]
    lot = state.lots[tool.job]
    alone = state.groups[tool.group].capacity == 1 and lot.mate < 0
    if run.migrate > 0 and alone:
        node = lot_node(state, tool.job)
        left = state.events[node].time + (tool.delay - lot.delay_seen) - run.now
        take_out(state, node)
        lot.work_left = max(left, 0.0) * tool.speed
        tool.busy -= overlap(state, run.now, tool.busy_end)
        tool.busy_end = run.now
        tool.inside = 0
        enqueue(network, state, tool.job, True)
        return state.groups[tool.group].first_ready
    tool.delay += minutes
    tool.front_free += minutes
    tool.busy_end += minutes
    return -1
