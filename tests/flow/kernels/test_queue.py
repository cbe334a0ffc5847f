"""The event list against a sorted list, and the draws of the event kernels."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.reference.twin_events_parts import philox
from yieldsim.flow.kernels import records as k
from yieldsim.flow.kernels.queue import block, next_event, overlap, post, spread, take_out

NODES = 12
time = st.one_of(
    st.floats(0.0, 50.0),
    st.integers(0, 20).map(float),  # equal times
    st.sampled_from([1e4, 1e9, 2.0**-40]),
)
# What to do next: post a node after some minutes, take a node out, or let the next event happen.
action = st.one_of(
    st.tuples(st.just("post"), st.integers(0, NODES - 1), time),
    st.tuples(st.just("take"), st.integers(0, NODES - 1), st.just(0.0)),
    st.tuples(st.just("next"), st.just(0), time),
)


def empty_state(per_minute: float = 1.0) -> k.State:
    arrays = {
        "run": np.zeros(1, k.RUN),
        "groups": np.zeros(1, k.GROUP),
        "tools": np.zeros(1, k.TOOL),
        "clocks": np.zeros(1, k.CLOCK),
        "orders": np.zeros(1, k.ORDER),
        "caps": np.zeros(1, k.CAP),
        "lots": np.zeros(1, k.LOT),
        "lenses": np.zeros((1, 1), np.int32),
        "limits": np.zeros((1, 1)),
        "waiting": np.zeros(1, np.int64),
        "events": np.zeros(NODES, k.EVENT),
        "buckets": np.full(1 << k.BUCKET_BITS, -1, np.int32),
    }
    arrays["run"]["per_minute"] = per_minute
    return k.State(**arrays)


@given(st.lists(action, max_size=60), st.sampled_from([1e-3, 0.7, 100.0, 5e4]))
def test_events_come_by_time_and_then_as_they_were_posted(
    actions: list[tuple[str, int, float]], per_minute: float
) -> None:
    state = empty_state(per_minute)
    pending: list[tuple[float, int, int]] = []
    now, posted = 0.0, 0
    for what, node, minutes in actions:
        waiting = {entry[2] for entry in pending}
        if what == "post" and node not in waiting:
            posted += 1
            pending.append((now + minutes, posted, node))
            post(state, node, now + minutes)
        elif what == "take" and node in waiting:
            pending = [entry for entry in pending if entry[2] != node]
            take_out(state, node)
        elif what == "next":
            # A day's worth of empty buckets at most, or the narrow ones take long to pass.
            until = now + min(minutes, 1e5 / per_minute)
            found = next_event(state, until)
            due = min((entry for entry in pending if entry[0] <= until), default=None)
            assert found == (-1 if due is None else due[2])
            if due is not None:
                pending.remove(due)
                take_out(state, found)
            now = until if due is None else due[0]
            state.run["now"] = now


@given(st.tuples(*[st.integers(0, 2**32 - 1)] * 3), st.integers(0, 2**64 - 1))
def test_a_block_is_philox_of_draw_entity_stream_and_replication(
    counter: tuple[int, ...], seed: int
) -> None:
    state = empty_state()
    state.run["seed"], state.run["replication"] = seed, 2**32 - 2
    words = block(state, *(np.uint32(number) for number in counter))
    assert tuple(map(int, words)) == philox((*counter, 2**32 - 2), seed)  # type: ignore[arg-type]


@pytest.mark.parametrize("word", [0, 1, 2**31, 2**32 - 1])
def test_laws_are_inverse_distributions(word: int) -> None:
    law = np.zeros(1, k.SPREAD)
    law["mean"], law["half"] = 10.0, 2.0
    share = (word + 0.5) / 2**32
    assert spread(law[0], np.uint32(word)) == 10.0
    law["law"] = k.UNIFORM
    # One rounding each of the product and the sum.
    assert spread(law[0], np.uint32(word)) == pytest.approx(8.0 + 4.0 * share, rel=1e-15)
    law["law"] = k.EXPONENTIAL
    assert spread(law[0], np.uint32(word)) == pytest.approx(-10.0 * math.log(share), rel=1e-15)


@pytest.mark.parametrize(
    ("start", "end", "minutes"),
    [(0.0, 5.0, 0.0), (0.0, 12.0, 2.0), (12.0, 15.0, 3.0), (18.0, 30.0, 2.0), (25.0, 30.0, 0.0)],
)
def test_only_the_window_is_counted(start: float, end: float, minutes: float) -> None:
    state = empty_state()
    state.run["from_time"], state.run["to_time"] = 10.0, 20.0
    assert overlap(state, start, end) == minutes
