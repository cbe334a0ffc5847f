"""Lots of the event simulator: release, the way from step to step, waiting, the end."""

from __future__ import annotations

from typing import Any

import numpy as np

from yieldsim.flow.kernels.queue import block, overlap, post, spread, word_uniform
from yieldsim.flow.kernels.records import MOVING, QUEUED, STREAM_LOT_STEP, STREAM_RELEASE
from yieldsim.kernels.jit import inline_jit

__all__ = ["enqueue", "finish_step", "lot_node", "release", "unqueue"]


@inline_jit
def lot_node(state: Any, lot: Any) -> Any:
    """Return the event node of a lot."""
    return state.clocks.shape[0] + state.tools.shape[0] + state.orders.shape[0] + lot


@inline_jit
def _count_wip(state: Any, change: Any) -> None:
    run = state.run[0]
    run.wip_minutes += run.wip * overlap(state, run.wip_since, run.now)
    run.wip_since = run.now
    run.wip += change


@inline_jit
def _room(network: Any, state: Any, index: Any) -> Any:
    """Return the pieces that a limit of WIP still lets into the line."""
    cap = state.caps[index]
    now = state.run[0].now
    while cap.period < cap.last_period and network.periods[cap.period].until <= now:
        cap.period += 1
    return network.periods[cap.period].value - cap.pieces


@inline_jit
def _due(network: Any, state: Any, order_index: Any, minutes: Any) -> Any:
    """Return when an order has its next release, ``minutes`` of its plain rate from now; or inf."""
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


@inline_jit
def release(network: Any, state: Any, order_index: Any) -> None:
    """Start the lots of one release of an order, and post its next release."""
    run = state.run[0]
    order = state.orders[order_index]
    for _ in range(order.lots):
        if order.cap >= 0:
            if _room(network, state, order.cap) < order.pieces:
                # Not caught up later; its number is used up, so that other lots keep their luck.
                order.draws += np.uint32(1)
                order.lost += 1
                continue
            state.caps[order.cap].pieces += order.pieces
        index = run.free
        lot = state.lots[index]
        run.free = lot.next
        run.free_lots -= 1
        # A lot's numbers come from its place in its order, whatever else is in the line.
        lot.number = np.uint32(order.draws * state.orders.shape[0] + order_index)
        order.draws += np.uint32(1)
        lot.visit = np.uint32(0)
        lot.order = order_index
        lot.step = order.step
        lot.priority = order.priority
        lot.pieces = order.pieces
        lot.location = -1
        lot.released = min(run.now, order.released_at) if order.released_at < 0.0 else run.now
        lot.due = lot.released + order.due_after
        lot.work_left = 0.0
        lot.mate = -1
        state.lenses[index, :] = -1
        state.limits[index, :] = np.inf
        run.released += 1
        _count_wip(state, 1)
        _go_on(network, state, index)
    order.left -= 1
    if order.left > 0:
        word, _, _, _ = block(state, order.draws, order_index, STREAM_RELEASE)
        due = _due(network, state, order_index, spread(order.every, word))
        if due < np.inf:
            post(state, state.clocks.shape[0] + state.tools.shape[0] + order_index, due)


@inline_jit
def _go_on(network: Any, state: Any, index: Any) -> None:
    """Send a lot to the next step that it does, from ``lot.step`` on; or end it."""
    run = state.run[0]
    lot = state.lots[index]
    step_index = lot.step
    while step_index >= 0:
        step = network.steps[step_index]
        chance, way, time, rework = block(state, lot.visit, lot.number, STREAM_LOT_STEP)
        lot.visit += np.uint32(1)
        if step.sampled >= 1.0 or word_uniform(chance) < step.sampled:
            lot.step = step_index
            lot.time_word = time
            lot.rework_word = rework
            lot.place = MOVING
            minutes = 0.0
            if lot.location >= 0:
                to = state.groups[step.group].location
                minutes = spread(network.moves[lot.location, to], way)
            post(state, lot_node(state, index), run.now + minutes)
            return
        step_index = step.following
    _finish(state, index)


@inline_jit
def _finish(state: Any, index: Any) -> None:
    run = state.run[0]
    lot = state.lots[index]
    order = state.orders[lot.order]
    run.finished += 1
    _count_wip(state, -1)
    order.finished_ever += 1
    if order.cap >= 0:
        state.caps[order.cap].pieces -= lot.pieces
    if run.from_time <= run.now <= run.to_time:
        cycle = run.now - lot.released
        order.finished += 1
        order.cycle += cycle
        order.cycle_squared += cycle * cycle
        if run.now <= lot.due:
            order.on_time += 1
    lot.next = run.free
    run.free = index
    run.free_lots += 1


@inline_jit
def finish_step(network: Any, state: Any, index: Any) -> None:
    """End a lot's step: start its queue-time limit, send it back for rework, or on."""
    lot = state.lots[index]
    step = network.steps[lot.step]
    lot.location = state.groups[step.group].location
    if step.limit_set >= 0:
        state.limits[index, step.limit_set] = state.run[0].now + step.limit
    if step.reworked > 0.0 and word_uniform(lot.rework_word) < step.reworked:
        lot.step = step.rework_to
    else:
        lot.step = step.following
    _go_on(network, state, index)


@inline_jit
def enqueue(network: Any, state: Any, index: Any, in_front: Any) -> None:
    """Put a lot into its group's queue: behind its equals in priority, or in front of them."""
    lots = state.lots
    lot = lots[index]
    step = network.steps[lot.step]
    group = state.groups[step.group]
    lot.place = QUEUED
    if step.least > 0:
        state.waiting[step.batch] += lot.pieces
    before = group.last
    # From the end: nearly every lot has the lowest priority and stays there.
    while before >= 0 and (
        (group.by_priority > 0 and lots[before].priority < lot.priority)
        or (in_front and (group.by_priority == 0 or lots[before].priority == lot.priority))
    ):
        before = lots[before].before
    behind = group.first if before < 0 else lots[before].next
    lot.before = before
    lot.next = behind
    if before < 0:
        group.first = index
    else:
        lots[before].next = index
    if behind < 0:
        group.last = index
    else:
        lots[behind].before = index


@inline_jit
def unqueue(network: Any, state: Any, index: Any) -> None:
    """Take a lot out of its group's queue."""
    lots = state.lots
    lot = lots[index]
    step = network.steps[lot.step]
    group = state.groups[step.group]
    if step.least > 0:
        state.waiting[step.batch] -= lot.pieces
    if lot.before < 0:
        group.first = lot.next
    else:
        lots[lot.before].next = lot.next
    if lot.next < 0:
        group.last = lot.before
    else:
        lots[lot.next].before = lot.before
