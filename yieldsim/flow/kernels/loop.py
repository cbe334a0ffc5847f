"""The event simulator's loop: one replication of a re-entrant line, in steps of any length.

The rules are written down in ``yieldsim.flow``; ``tests/reference/twin_events.py`` holds the same
rules as plain Python, and a test compares the two event by event.
"""

from __future__ import annotations

from typing import Any

from yieldsim.flow.kernels.dispatch import begin, choose, pick_tool
from yieldsim.flow.kernels.lots import enqueue, release
from yieldsim.flow.kernels.queue import block, next_event, post, spread
from yieldsim.flow.kernels.records import (
    BUCKET_BITS,
    CLOCK_PIECES,
    FULL,
    IN_TOOL,
    REACHED,
    STREAM_CLOCK,
)
from yieldsim.flow.kernels.tools import clock_due, job_done, refresh, tool_up
from yieldsim.kernels.jit import bare_jit, inline_jit

__all__ = ["run_until", "start"]

_MASK = (1 << BUCKET_BITS) - 1
_FIRST_DRAW = 0xFFFFFFFF  # of a clock's first time; its later draws count up from 0


@bare_jit
def start(network: Any, state: Any) -> None:
    """Post the first event of every clock and order of a new ``state``; all tools are ready."""
    for number in range(state.clocks.shape[0]):
        clock = state.clocks[number]
        if clock.kind != CLOCK_PIECES:
            word, _, _, _ = block(state, _FIRST_DRAW, number, STREAM_CLOCK)
            post(state, number, spread(clock.first, word))
    first_order = state.clocks.shape[0] + state.tools.shape[0]
    for number in range(state.orders.shape[0]):
        if state.orders[number].left > 0:
            post(state, first_order + number, state.orders[number].first)
    for index in range(state.tools.shape[0]):
        refresh(network, state, index)


@inline_jit
def _serve(network: Any, state: Any, tool_index: Any) -> None:
    """Let a tool start what it can."""
    refresh(network, state, tool_index)
    while state.tools[tool_index].ready > 0:
        leader = choose(network, state, tool_index)
        if leader < 0:
            break
        begin(network, state, tool_index, leader)


@inline_jit
def _arrive(network: Any, state: Any, index: Any) -> Any:
    """Let a lot join its group's queue; return the tool that should look at it, or -1."""
    state.lots[index].queued = state.run[0].now
    enqueue(network, state, index, False)
    return pick_tool(network, state, index)


@bare_jit
def run_until(network: Any, state: Any, until: Any) -> Any:
    """Let all events up to ``until`` happen (minutes from the start); return REACHED or FULL.

    FULL comes before a release for which there is no room among the lots: add some, call again.
    The result does not depend on where a run is cut into such calls.
    """
    run = state.run[0]
    first_tool = state.clocks.shape[0]
    first_order = first_tool + state.tools.shape[0]
    first_lot = first_order + state.orders.shape[0]
    while True:
        node = next_event(state, until)
        if node < 0:
            run.now = until
            return REACHED
        event = state.events[node]
        releases = first_order <= node < first_lot
        if releases and run.free_lots < state.orders[node - first_order].lots:
            return FULL
        state.buckets[run.bucket & _MASK] = event.next
        run.now = event.time
        run.events += 1
        tool_index = -1
        if node >= first_lot:
            index = node - first_lot
            if state.lots[index].place == IN_TOOL:
                tool_index = job_done(network, state, index)
            else:
                tool_index = _arrive(network, state, index)
        elif node >= first_order:
            release(network, state, node - first_order)
        elif node >= first_tool:
            tool_index = tool_up(state, node - first_tool)
        else:
            tool_index = clock_due(network, state, node)
        if tool_index >= 0:
            _serve(network, state, tool_index)
