"""The event list: a calendar queue in flat arrays.

R. Brown, "Calendar queues: a fast O(1) priority queue implementation for the simulation event set
problem", Communications of the ACM 31 (1988) 1220-1227, doi:10.1145/63039.63045. The number and the
width of the buckets are fixed: a failure weeks ahead stands behind the events of this hour in the
list of its bucket and is passed over with one comparison.

Events of equal time come out in the order they were posted, so a result does not depend on where a
lot's record happens to lie.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from yieldsim.flow.kernels.records import BUCKET_BITS, BUCKET_MASK, LineState
from yieldsim.kernels.jit import inline_jit

__all__ = [
    "cancel",
    "front_node",
    "lot_node",
    "next_event",
    "order_node",
    "post",
    "take",
    "tool_node",
]


@inline_jit
def _turn(bucket: Any) -> Any:
    """Return the turn of the calendar of a bucket counted from the start of the run."""
    return np.int32(bucket >> BUCKET_BITS)


@inline_jit
def tool_node(state: LineState, tool: int) -> int:
    """Return the node of a tool; that of a clock is its index."""
    return state.clocks.shape[0] + tool


@inline_jit
def front_node(state: LineState, tool: int) -> int:
    """Return the node at which the front of a cascading tool is free."""
    return state.clocks.shape[0] + state.tools.shape[0] + tool


@inline_jit
def order_node(state: LineState, order: int) -> int:
    """Return the node of an order."""
    return state.clocks.shape[0] + 2 * state.tools.shape[0] + order


@inline_jit
def lot_node(state: LineState, lot: int) -> int:
    """Return the node of a lot."""
    return state.clocks.shape[0] + 2 * state.tools.shape[0] + state.orders.shape[0] + lot


@inline_jit
def post(state: LineState, node: int, time: float) -> None:
    """Post an event for ``time`` (not before now), behind those posted for the same time."""
    events = state.events
    event = events[node]
    bucket = np.int64(time * state.run[0].buckets_per_min)
    event.turn = _turn(bucket)
    bucket &= BUCKET_MASK
    behind = state.buckets[bucket]
    # An empty bucket is asked for this event's time: whether it is empty cannot be guessed.
    event.time = np.inf
    first_time = events[node if behind < 0 else behind].time
    event.time = time
    if first_time > time:
        event.next = behind
        state.buckets[bucket] = node
        return
    before = behind
    behind = events[before].next
    while behind >= 0 and events[behind].time <= time:
        before = behind
        behind = events[before].next
    event.next = behind
    events[before].next = node


@inline_jit
def next_event(state: LineState, until: float) -> int:
    """Return the node of the next event up to ``until``, or -1; it stays in the list."""
    run = state.run[0]
    bucket = run.bucket
    last = np.int64(until * run.buckets_per_min)
    due = -1
    while bucket <= last:
        node = state.buckets[bucket & BUCKET_MASK]
        if node >= 0 and state.events[node].turn == _turn(bucket):
            due = node
            break
        bucket += 1
    run.bucket = min(bucket, last)
    if due >= 0 and state.events[due].time > until:
        due = -1
    return due


@inline_jit
def take(state: LineState, node: int) -> None:
    """Take the event that `next_event` returned out of the list."""
    state.buckets[state.run[0].bucket & BUCKET_MASK] = state.events[node].next


@inline_jit
def cancel(state: LineState, node: int) -> None:
    """Take a pending event out of the list."""
    events = state.events
    bucket = np.int64(events[node].time * state.run[0].buckets_per_min) & BUCKET_MASK
    here = state.buckets[bucket]
    if here == node:
        state.buckets[bucket] = events[node].next
        return
    while events[here].next != node:
        here = events[here].next
    events[here].next = events[node].next
