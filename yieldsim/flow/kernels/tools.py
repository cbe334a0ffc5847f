"""Tools of the event simulator: ready, finishing a job, failing, being maintained, away."""

from __future__ import annotations

import numpy as np

from yieldsim.flow.kernels.draws import sample_minutes, words
from yieldsim.flow.kernels.lots import enqueue, finish_step, unqueue
from yieldsim.flow.kernels.queue import cancel, front_node, lot_node, post, tool_node
from yieldsim.flow.kernels.records import (
    CLOCK_CALENDAR,
    CLOCK_LEAVES,
    MOVING,
    STREAM_CLOCK,
    LineState,
    Network,
)
from yieldsim.flow.kernels.window import counted_minutes
from yieldsim.kernels.jit import inline_jit, stage_jit

__all__ = ["clock_due", "front_free", "job_done", "leave_ready", "refresh", "tool_up"]


@inline_jit
def _join_ready(state: LineState, index: int) -> None:
    """Put a tool among its group's ready tools."""
    tool = state.tools[index]
    group = state.groups[tool.group]
    tool.ready = True
    tool.place = group.first_tool + group.ready_tools
    state.ready[tool.place] = index
    group.ready_tools += 1


@stage_jit
def leave_ready(state: LineState, index: int) -> None:
    """Take a tool out of its group's ready tools, if it is among them; the last takes its place."""
    tool = state.tools[index]
    if not tool.ready:
        return
    group = state.groups[tool.group]
    group.ready_tools -= 1
    last = state.ready[group.first_tool + group.ready_tools]
    state.ready[tool.place] = last
    state.tools[last].place = tool.place
    tool.ready = False


@stage_jit
def _fastest_ready(state: LineState, group_index: int) -> int:
    """Return one of the fastest ready tools of a group, or -1."""
    group = state.groups[group_index]
    best = -1
    for place in range(group.first_tool, group.first_tool + group.ready_tools):
        index = state.ready[place]
        if best < 0 or state.tools[index].speed > state.tools[best].speed:
            best = index
    return best


@inline_jit
def refresh(state: LineState, index: int) -> None:
    """Start the maintenance that an empty tool has due; otherwise let the tool take lots.

    A tool with maintenance due takes no lots, and neither does one that leaves the line, nor a
    cascading one whose front is not free once the lot is loaded.
    """
    tool = state.tools[index]
    group = state.groups[tool.group]
    if tool.down or tool.jobs >= group.capacity:
        return
    if (tool.jobs > 0) & (state.run[0].now < tool.front_free - group.load):
        return
    if tool.away:
        leave_ready(state, index)
    elif tool.backlog > 0.0:
        leave_ready(state, index)
        if tool.jobs == 0:
            now = state.run[0].now
            tool.down = True
            tool.up_at = now + tool.backlog
            tool.backlog = 0.0
            tool.maintenance += counted_minutes(state, now, tool.up_at)
            post(state, tool_node(state, index), tool.up_at)
    elif not tool.ready:
        _join_ready(state, index)


@inline_jit
def tool_up(state: LineState, index: int) -> int:
    """End a tool's downtime, unless a failure has made it longer; return the tool to serve."""
    tool = state.tools[index]
    if tool.up_at > state.run[0].now:
        post(state, tool_node(state, index), tool.up_at)
        return -1
    tool.down = False
    return index


@inline_jit
def front_free(state: LineState, index: int) -> int:
    """Tell that the front of a tool is free, unless a repair has delayed that; return the tool."""
    tool = state.tools[index]
    free = tool.front_free - state.groups[tool.group].load
    if free > state.run[0].now:
        post(state, front_node(state, index), free)
        return -1
    tool.front_pending = False
    return index


@inline_jit
def job_done(network: Network, state: LineState, leader: int) -> int:
    """Let a job leave its tool, unless a repair has delayed it; return the tool to serve."""
    lots = state.lots
    lot = lots[leader]
    tool_index = lot.tool
    tool = state.tools[tool_index]
    if lot.delay_seen < tool.delay:
        later = state.run[0].now + (tool.delay - lot.delay_seen)
        lot.delay_seen = tool.delay
        post(state, lot_node(state, leader), later)
        return -1
    tool.jobs -= 1
    pieces = 0
    member = leader
    while member >= 0:
        following = lots[member].batch_next
        lots[member].batch_next = -1
        pieces += lots[member].pieces
        finish_step(network, state, member)
        member = following
    tool.pieces_left -= pieces
    if tool.pieces_left <= 0.0:
        count_pieces(state, tool_index)
    return tool_index


@stage_jit
def count_pieces(state: LineState, index: int) -> None:
    """Subtract the pieces that a tool has done from its clocks, and let those at 0 fall due."""
    tool = state.tools[index]
    done = tool.pieces_before - tool.pieces_left
    least = np.inf
    for number in range(tool.first_clock, tool.first_clock + tool.clocks):
        clock = state.clocks[number]
        clock.left -= done
        if clock.left <= 0.0:
            # Pieces in excess count towards the next maintenance, which keeps its rate per piece.
            clock.left = max(clock.left + clock.interval.mean, 0.0)
            word, _, _, _ = words(state, clock.draws, number, STREAM_CLOCK)
            clock.draws += np.uint32(1)
            tool.backlog += sample_minutes(clock.duration, word)
        least = min(least, clock.left)
    tool.pieces_left = tool.pieces_before = least


@stage_jit
def clock_due(network: Network, state: LineState, number: int) -> int:
    """Process a clock: a failure, maintenance due, a tool that leaves or comes back.

    Returns the tool to serve, or -1.
    """
    now = state.run[0].now
    clock = state.clocks[number]
    index = clock.tool
    tool = state.tools[index]
    if clock.kind >= CLOCK_LEAVES:
        _come_or_leave(network, state, index, clock.kind == CLOCK_LEAVES)
        return index
    duration_word, interval_word, _, _ = words(state, clock.draws, number, STREAM_CLOCK)
    clock.draws += np.uint32(1)
    if tool.away and tool.jobs == 0:
        # Outside the line nothing fails and nothing is maintained.
        post(state, number, now + sample_minutes(clock.interval, interval_word))
        return -1
    minutes = sample_minutes(clock.duration, duration_word)
    if clock.kind == CLOCK_CALENDAR:
        # From start to start: maintenance that waits for its tool does not shift the next one.
        tool.backlog += minutes
        post(state, number, now + sample_minutes(clock.interval, interval_word))
        return index
    # A failure is repaired at once. During maintenance, the maintenance continues after the repair.
    # The share of repairs is thus MTTR / (MTTF + MTTR) whatever else a tool does, as in the
    # published runs.
    repaired = now + minutes
    rest = max(tool.up_at - now, 0.0) if tool.down else 0.0
    tool.up_at = repaired + rest
    # The rest was counted when that downtime began.
    tool.repair += counted_minutes(state, now, tool.up_at) - counted_minutes(state, now, now + rest)
    post(state, number, repaired + sample_minutes(clock.interval, interval_word))
    served = -1
    if tool.jobs > 0:
        served = _interrupt(network, state, index, minutes)
    if not tool.down:
        tool.down = True
        leave_ready(state, index)
        post(state, tool_node(state, index), tool.up_at)
    return served


@stage_jit
def _come_or_leave(network: Network, state: LineState, index: int, leaves: bool) -> None:
    """Take a tool out of the line or bring it back; lots bound to one that leaves queue anew."""
    tool = state.tools[index]
    state.run[0].away += int(leaves) - int(tool.away)
    tool.away = leaves
    waiting = state.groups[tool.group].first_lot if leaves else -1
    while waiting >= 0:
        lot = state.lots[waiting]
        behind = lot.next
        slot = network.steps[lot.step].lens_need
        if slot >= 0 and state.lenses[waiting, slot] == index:
            unqueue(network, state, waiting)
            lot.status = MOVING
            post(state, lot_node(state, waiting), state.run[0].now)
        waiting = behind


@stage_jit
def _interrupt(network: Network, state: LineState, index: int, minutes: float) -> int:
    """Delay the jobs of a failing tool, or let its lot go; return the tool to serve that lot."""
    run = state.run[0]
    tool = state.tools[index]
    lot = state.lots[tool.leader]
    alone = state.groups[tool.group].capacity == 1 and lot.batch_next < 0
    if run.migrate and alone:
        node = lot_node(state, tool.leader)
        left = state.events[node].time + (tool.delay - lot.delay_seen) - run.now
        cancel(state, node)
        state.lot_rests[tool.leader].work_left = max(left, 0.0) * tool.speed
        lot.interrupted = left > 0.0
        tool.busy -= counted_minutes(state, run.now, tool.busy_end)
        tool.busy_end = run.now
        tool.jobs = 0
        enqueue(network, state, tool.leader, True)
        return _fastest_ready(state, tool.group)
    tool.delay += minutes
    tool.front_free += minutes
    tool.busy_end += minutes
    return -1
