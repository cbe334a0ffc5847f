"""The event list against a sorted list, and the words of the event kernels against plain Philox."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.flow.lines import data_set, order, step, tool_group
from tests.flow.twin.parts import philox
from yieldsim.flow import compile_line
from yieldsim.flow.kernels.draws import words
from yieldsim.flow.kernels.queue import cancel, next_event, post
from yieldsim.flow.kernels.records import LineState
from yieldsim.flow.replicate import new_state

NODES = 12
LINE = compile_line(data_set([tool_group()], [step("1")], [order(60.0, releases=0)]))
time = st.one_of(
    st.floats(0.0, 50.0),
    st.integers(0, 20).map(float),  # equal times
    st.sampled_from([1e4, 1e9, 2.0**-40]),
)
# What to do next: post a node after some minutes, cancel a node, or take the next event.
action = st.one_of(
    st.tuples(st.just("post"), st.integers(0, NODES - 1), time),
    st.tuples(st.just("cancel"), st.integers(0, NODES - 1), st.just(0.0)),
    st.tuples(st.just("next"), st.just(0), time),
)


def empty_state(seed: int = 0, replication: int = 0) -> LineState:
    """A state without a pending event."""
    return new_state(LINE, seed, replication, 1.0)


@given(st.lists(action, max_size=60), st.sampled_from([1e-3, 0.7, 100.0, 5e4]))
def test_events_come_by_time_and_then_as_they_were_posted(
    actions: list[tuple[str, int, float]], buckets_per_min: float
) -> None:
    state = empty_state()
    state.run["buckets_per_min"] = buckets_per_min
    pending: list[tuple[float, int, int]] = []
    now, posted = 0.0, 0
    for what, node, minutes in actions:
        waiting = {entry[2] for entry in pending}
        if what == "post" and node not in waiting:
            posted += 1
            pending.append((now + minutes, posted, node))
            post(state, node, now + minutes)
        elif what == "cancel" and node in waiting:
            pending = [entry for entry in pending if entry[2] != node]
            cancel(state, node)
        elif what == "next":
            # At most 100,000 empty buckets, so that passing narrow ones does not take long.
            until = now + min(minutes, 1e5 / buckets_per_min)
            due = min((entry for entry in pending if entry[0] <= until), default=(until, 0, -1))
            node_due = next_event(state, until)
            assert node_due == due[2]
            if node_due >= 0:
                pending.remove(due)
                cancel(state, node_due)
            now = due[0]
            state.run["now"] = now


@given(st.tuples(*[st.integers(0, 2**32 - 1)] * 3), st.integers(0, 2**64 - 1))
def test_words_are_philox_of_draw_entity_stream_and_replication(
    counter: tuple[int, int, int], seed: int
) -> None:
    state = empty_state(seed, 2**32 - 2)
    drawn = words(state, *(np.uint32(number) for number in counter))
    assert tuple(map(int, drawn)) == philox((*counter, 2**32 - 2), seed)
