"""The event list: a calendar queue in flat arrays, and the draws of the event simulator.

R. Brown, "Calendar queues: a fast O(1) priority queue implementation for the simulation event set
problem", Communications of the ACM 31 (1988) 1220-1227, doi:10.1145/63039.63045. The buckets are
fixed in number and width: a failure weeks ahead lies behind the events of this hour in its bucket's
list and is passed over with one comparison.

Events of equal time come out in the order they were posted, so that a result does not depend on
where a lot's record happens to lie.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from yieldsim.flow.kernels.records import BUCKET_BITS, EXPONENTIAL, UNIFORM
from yieldsim.kernels.jit import inline_jit
from yieldsim.kernels.philox import seeded_words

__all__ = ["block", "next_event", "overlap", "post", "spread", "take_out", "word_uniform"]

_MASK = (1 << BUCKET_BITS) - 1
_TWO_POW_MINUS_32 = 2.0**-32


@inline_jit
def post(state: Any, node: Any, time: Any) -> None:
    """Let ``node`` happen at ``time`` (not before now), after all that is posted for then."""
    events = state.events
    event = events[node]
    event.time = time
    bucket = np.int64(time * state.run[0].per_minute) & _MASK
    behind = state.buckets[bucket]
    if behind < 0 or events[behind].time > time:
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
def next_event(state: Any, until: Any) -> Any:
    """Return the node of the next event up to ``until``, still in the list, or -1."""
    run = state.run[0]
    bucket = run.bucket
    last = np.int64(until * run.per_minute)
    found = -1
    while bucket <= last:
        node = state.buckets[bucket & _MASK]
        # Times round to buckets in one way everywhere, so this tells this year's events exactly.
        if node >= 0 and np.int64(state.events[node].time * run.per_minute) == bucket:
            found = node
            break
        bucket += 1
    run.bucket = min(bucket, last)
    if found >= 0 and state.events[found].time > until:
        found = -1
    return found


@inline_jit
def take_out(state: Any, node: Any) -> None:
    """Take a pending node out of the list, wherever it stands."""
    events = state.events
    bucket = np.int64(events[node].time * state.run[0].per_minute) & _MASK
    here = state.buckets[bucket]
    if here == node:
        state.buckets[bucket] = events[node].next
        return
    while events[here].next != node:
        here = events[here].next
    events[here].next = events[node].next


@inline_jit
def block(state: Any, draw: Any, entity: Any, stream: Any) -> Any:
    """Return four words of counter (draw, entity, stream, replication)."""
    run = state.run[0]
    return seeded_words(run.seed, draw, entity, stream, run.replication)


@inline_jit
def word_uniform(word: Any) -> Any:
    """Return the middle of the word's cell of (0, 1)."""
    return (np.float64(word) + 0.5) * _TWO_POW_MINUS_32


@inline_jit
def spread(law: Any, word: Any) -> Any:
    """Return a time of a law (SPREAD), in minutes, from one word through the inverse CDF."""
    if law.law == UNIFORM:
        return law.mean + law.half * (2.0 * word_uniform(word) - 1.0)
    if law.law == EXPONENTIAL:
        return -law.mean * math.log(word_uniform(word))
    return law.mean


@inline_jit
def overlap(state: Any, start: Any, end: Any) -> Any:
    """Return the minutes of [start, end] that lie in the window that is counted."""
    run = state.run[0]
    return max(0.0, min(end, run.to_time) - max(start, run.from_time))
