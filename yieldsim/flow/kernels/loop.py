"""The loop of the event simulator: one replication of a re-entrant line, in calls of any length.

``yieldsim.flow`` states the rules. ``tests/flow/twin/twin.py`` holds the same rules in plain
Python, and a test compares the two event by event.
"""

from __future__ import annotations

from yieldsim.flow.kernels.dispatch import begin, choose, pick_tool
from yieldsim.flow.kernels.draws import sample_minutes, words
from yieldsim.flow.kernels.lots import enqueue, release
from yieldsim.flow.kernels.queue import (
    front_node,
    lot_node,
    next_event,
    order_node,
    post,
    take,
    tool_node,
)
from yieldsim.flow.kernels.records import (
    CLOCK_PIECES,
    FULL,
    IN_TOOL,
    REACHED,
    STREAM_CLOCK,
    LineState,
    Network,
)
from yieldsim.flow.kernels.tools import clock_due, front_free, job_done, refresh, tool_up
from yieldsim.kernels.jit import bare_jit, inline_jit

__all__ = ["run_until", "start"]

_FIRST_DRAW = 0xFFFFFFFF  # for a clock's first time; its later draws count up from 0


@bare_jit
def start(network: Network, state: LineState) -> None:
    """Post the first event of every clock and order of a new state, and make all tools ready."""
    for number in range(state.clocks.shape[0]):
        clock = state.clocks[number]
        if clock.kind != CLOCK_PIECES:
            word, _, _, _ = words(state, _FIRST_DRAW, number, STREAM_CLOCK)
            post(state, number, sample_minutes(clock.first, word))
    for number in range(state.orders.shape[0]):
        if state.orders[number].releases_left > 0:
            post(state, order_node(state, number), state.orders[number].first)
    for tool_index in range(state.tools.shape[0]):
        refresh(state, tool_index)


@inline_jit
def _serve(network: Network, state: LineState, tool_index: int) -> None:
    """Let a tool start what it can."""
    refresh(state, tool_index)
    while state.tools[tool_index].ready:
        leader = choose(network, state, tool_index)
        if leader < 0:
            break
        begin(network, state, tool_index, leader)


@inline_jit
def _arrive(network: Network, state: LineState, lot_index: int) -> int:
    """Let a lot join the queue of its group; return the tool that should look at it, or -1."""
    state.lots[lot_index].queued = state.run[0].now
    enqueue(network, state, lot_index, False)
    return pick_tool(network, state, lot_index)


@bare_jit
def run_until(network: Network, state: LineState, until: float) -> int:
    """Process all events up to ``until`` (minutes from the start); return REACHED or FULL.

    FULL comes before a release for which too few lot records are unused: add some and call again.
    The result does not depend on where a run is cut into calls.
    """
    run = state.run[0]
    first_tool = tool_node(state, 0)
    first_front = front_node(state, 0)
    first_order = order_node(state, 0)
    first_lot = lot_node(state, 0)
    while True:
        node = next_event(state, until)
        if node < 0:
            run.now = until
            return REACHED
        event = state.events[node]
        releases = first_order <= node < first_lot
        if releases and run.unused_lots < state.orders[node - first_order].lots_per_release:
            return FULL
        take(state, node)
        run.now = event.time
        run.events += 1
        tool_index = -1
        if node >= first_lot:
            lot_index = node - first_lot
            if state.lots[lot_index].status == IN_TOOL:
                tool_index = job_done(network, state, lot_index)
            else:
                tool_index = _arrive(network, state, lot_index)
        elif node >= first_order:
            release(network, state, node - first_order)
        elif node >= first_front:
            tool_index = front_free(state, node - first_front)
        elif node >= first_tool:
            tool_index = tool_up(state, node - first_tool)
        else:
            tool_index = clock_due(network, state, node)
        if tool_index >= 0:
            _serve(network, state, tool_index)
