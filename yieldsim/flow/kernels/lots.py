"""Lots of the event simulator: release, the way from step to step, the queue, the end."""

from __future__ import annotations

import numpy as np

from yieldsim.flow.kernels.draws import sample_minutes, word_uniform, words
from yieldsim.flow.kernels.links import link, unlink
from yieldsim.flow.kernels.queue import lot_node, order_node, post
from yieldsim.flow.kernels.records import (
    MOVING,
    QUEUED,
    STREAM_LOT_STEP,
    STREAM_RELEASE,
    LineState,
    Network,
)
from yieldsim.flow.kernels.window import counted_minutes, is_counted
from yieldsim.kernels.jit import inline_jit, stage_jit

__all__ = ["enqueue", "finish_step", "release", "unqueue"]


@stage_jit
def _change_wip(state: LineState, change: int) -> None:
    run = state.run[0]
    run.wip_minutes += run.wip * counted_minutes(state, run.wip_since, run.now)
    run.wip_since = run.now
    run.wip += change


@stage_jit
def _room(network: Network, state: LineState, index: int) -> float:
    """Return the pieces that a WIP cap still lets into the line."""
    cap = state.caps[index]
    now = state.run[0].now
    while cap.period < cap.last_period and network.periods[cap.period].until <= now:
        cap.period += 1
    return network.periods[cap.period].value - cap.pieces


@stage_jit
def _next_release(network: Network, state: LineState, order_index: int, minutes: float) -> float:
    """Return the time of an order's next release, or inf.

    ``minutes`` from now at the order's plain rate; the periods speed this up or slow it down.
    """
    order = state.orders[order_index]
    time = state.run[0].now
    if order.last_period < 0:
        return time + minutes
    while order.period < order.last_period:
        period = network.periods[order.period]
        passed = max(period.until - time, 0.0) * period.value
        if passed > minutes:
            break
        minutes -= passed
        time = max(time, period.until)
        order.period += 1
    ratio = network.periods[order.period].value
    return time + minutes / ratio if ratio > 0.0 else np.inf


@stage_jit
def _release_lot(network: Network, state: LineState, order_index: int) -> None:
    """Release the next lot of an order, or lose it where the line is at its WIP cap."""
    run = state.run[0]
    order = state.orders[order_index]
    # A lot's number comes from its place in its order, whatever else is in the line. A lost lot
    # uses up its number, so that the others keep their luck.
    number = np.uint32(order.draws * state.orders.shape[0] + order_index)
    order.draws += np.uint32(1)
    if order.cap >= 0:
        if _room(network, state, order.cap) < order.pieces:
            order.lost += 1
            return
        state.caps[order.cap].pieces += order.pieces
    index = run.first_unused
    lot = state.lots[index]
    run.first_unused = lot.next
    run.unused_lots -= 1
    lot.number = number
    lot.visit = np.uint32(0)
    lot.interrupted = False
    rest = state.lot_rests[index]
    rest.order = order_index
    lot.step = order.step
    lot.priority = order.priority
    lot.pieces = order.pieces
    rest.released = min(run.now, order.released_at) if order.released_at < 0.0 else run.now
    rest.due = rest.released + order.due_after
    lot.batch_next = -1
    for slot in range(state.lenses.shape[1]):
        state.lenses[index, slot] = -1
        state.deadlines[index, slot] = np.inf
    _change_wip(state, 1)
    _go_on(network, state, index, -1)


@stage_jit
def release(network: Network, state: LineState, order_index: int) -> None:
    """Release the lots that an order has due now, and post its next release."""
    order = state.orders[order_index]
    for _ in range(order.lots_per_release):
        _release_lot(network, state, order_index)
    order.releases_left -= 1
    if order.releases_left > 0:
        word, _, _, _ = words(state, order.draws, order_index, STREAM_RELEASE)
        minutes = sample_minutes(order.interval, word)
        due = _next_release(network, state, order_index, minutes)
        if due < np.inf:
            post(state, order_node(state, order_index), due)


@stage_jit
def _go_on(network: Network, state: LineState, index: int, location: int) -> None:
    """Send a lot to the next step that it does, from ``lot.step`` on; after the last, end it.

    ``location`` is where it is, -1 for a new lot.
    """
    run = state.run[0]
    lot = state.lots[index]
    step_index = lot.step
    while step_index >= 0:
        step = network.steps[step_index]
        sampling, transport, time, rework = words(state, lot.visit, lot.number, STREAM_LOT_STEP)
        lot.visit += np.uint32(1)
        if step.sampling >= 1.0 or word_uniform(sampling) < step.sampling:
            lot.step = step_index
            lot.time_word = time
            lot.rework_word = rework
            lot.status = MOVING
            minutes = 0.0
            if location >= 0:
                to = state.groups[step.group].location
                minutes = sample_minutes(network.moves[location, to], transport)
            post(state, lot_node(state, index), run.now + minutes)
            return
        step_index = step.following
    _finish(state, index)


@inline_jit
def _finish(state: LineState, index: int) -> None:
    """Count a finished lot and make its record unused."""
    run = state.run[0]
    lot = state.lots[index]
    rest = state.lot_rests[index]
    order = state.orders[rest.order]
    _change_wip(state, -1)
    order.finished_ever += 1
    if order.cap >= 0:
        state.caps[order.cap].pieces -= lot.pieces
    if order.timed and is_counted(state):
        cycle = run.now - rest.released
        order.finished += 1
        order.cycle += cycle
        order.cycle_squared += cycle * cycle
        if run.now <= rest.due:
            order.on_time += 1
    lot.next = run.first_unused
    run.first_unused = index
    run.unused_lots += 1


@inline_jit
def finish_step(network: Network, state: LineState, index: int) -> None:
    """End a lot's step: start its queue-time limit, then send it on or back for rework."""
    lot = state.lots[index]
    step = network.steps[lot.step]
    if step.limit_set >= 0:
        state.deadlines[index, step.limit_set] = state.run[0].now + step.limit
    if step.rework > 0.0 and word_uniform(lot.rework_word) < step.rework:
        lot.step = step.rework_to
    else:
        lot.step = step.following
    _go_on(network, state, index, state.groups[step.group].location)


@stage_jit
def enqueue(network: Network, state: LineState, index: int, in_front: bool) -> None:
    """Put a lot into the queue of its group, behind those of its priority or in front of them."""
    lots = state.lots
    lot = lots[index]
    step = network.steps[lot.step]
    group = state.groups[step.group]
    lot.status = QUEUED
    if step.batch_min > 0:
        state.waiting[step.batch_kind] += lot.pieces
    lot.bound = -1
    if step.lens_need >= 0:
        lot.bound = state.lenses[index, step.lens_need]
    before = group.last_lot
    if lot.priority > 0 or in_front:
        while before >= 0 and (
            (group.by_priority and lots[before].priority < lot.priority)
            or (in_front and (not group.by_priority or lots[before].priority == lot.priority))
        ):
            before = lots[before].before
    group.first_lot, group.last_lot = link(lots, index, before, group.first_lot, group.last_lot)


@inline_jit
def unqueue(network: Network, state: LineState, index: int) -> None:
    """Take a lot out of the queue of its group."""
    lot = state.lots[index]
    step = network.steps[lot.step]
    group = state.groups[step.group]
    if step.batch_min > 0:
        state.waiting[step.batch_kind] -= lot.pieces
    group.first_lot, group.last_lot = unlink(state.lots, index, group.first_lot, group.last_lot)
