"""Dispatching of the event simulator: which lot for a tool, which tool for a lot, and the start."""

from __future__ import annotations

from typing import Any

import numpy as np

from yieldsim.flow.kernels.lots import lot_node, unqueue
from yieldsim.flow.kernels.queue import block, overlap, post, spread
from yieldsim.flow.kernels.records import CONSTANT, IN_TOOL, STREAM_SETUP
from yieldsim.flow.kernels.tools import join_ready, leave_ready
from yieldsim.kernels.jit import inline_jit

__all__ = ["begin", "choose", "pick_tool"]


@inline_jit
def _may_start(network: Any, state: Any, tool_index: Any, index: Any) -> Any:
    """Tell whether a waiting lot may go into a ready tool now."""
    lot = state.lots[index]
    step = network.steps[lot.step]
    if step.lens_need >= 0:
        only = state.lenses[index, step.lens_need]
        if only >= 0 and only != tool_index and state.tools[only].away == 0:
            return False
    tool = state.tools[tool_index]
    if tool.run_left > 0 and step.setup > 0 and step.setup != tool.setup:
        return False
    return step.least == 0 or state.waiting[step.batch] >= step.least


@inline_jit
def _needs_setup(tool: Any, step: Any) -> Any:
    return step.setup > 0 and (step.setup != tool.setup or step.setup_always > 0)


@inline_jit
def choose(network: Any, state: Any, tool_index: Any) -> Any:
    """Return the waiting lot that a ready tool should take next, or -1.

    By priority; then, where the group ranks by setup, the least setup time of the table of setups
    (times that a route gives do not count); then the least critical ratio, time to the due date
    over work left, or who came first.
    """
    lots = state.lots
    tool = state.tools[tool_index]
    group = state.groups[tool.group]
    now = state.run[0].now
    best = -1
    least_setup = least_ratio = np.inf
    index = group.first
    while index >= 0:
        lot = lots[index]
        if best >= 0 and group.by_priority > 0 and lot.priority < lots[best].priority:
            break
        if _may_start(network, state, tool_index, index):
            if group.by_setup == 0 and group.by_ratio == 0:
                return index
            step = network.steps[lot.step]
            setup = ratio = 0.0
            if group.by_setup > 0 and _needs_setup(tool, step):
                setup = network.setup_times[tool.setup, step.setup].mean
            if group.by_ratio > 0:
                ratio = (lot.due - now) / max(step.remaining, 1e-9)
            if setup < least_setup or (setup == least_setup and ratio < least_ratio):
                best, least_setup, least_ratio = index, setup, ratio
                if setup == 0.0 and group.by_ratio == 0:
                    break
        index = lot.next
    return best


@inline_jit
def pick_tool(network: Any, state: Any, index: Any) -> Any:
    """Return the ready tool that should look at a lot that has just come, or -1.

    Its own tool where a lens binds it to one that is in the line; the one with the least setup time
    where the group wakes tools so; else the one that has been ready longest (the fastest, where
    speeds differ).
    """
    lot = state.lots[index]
    step = network.steps[lot.step]
    group = state.groups[step.group]
    if step.lens_need >= 0:
        only = state.lenses[index, step.lens_need]
        if only >= 0 and state.tools[only].away == 0:
            return only if state.tools[only].ready > 0 else -1
    first = group.first_ready
    if first < 0 or (group.wake_least == 0 and group.runs == 0):
        return first
    best, least = -1, np.inf
    tool_index = first
    while tool_index >= 0:
        tool = state.tools[tool_index]
        if _may_start(network, state, tool_index, index):
            minutes = 0.0
            if group.wake_least > 0 and _needs_setup(tool, step):
                minutes = step.setup_time.mean
                if minutes < 0.0:
                    minutes = network.setup_times[tool.setup, step.setup].mean
            if minutes < least:
                best, least = tool_index, minutes
                if minutes == 0.0:
                    break
        tool_index = tool.ready_next
    return best


@inline_jit
def _set_up(network: Any, state: Any, tool: Any, step: Any, leader: Any) -> Any:
    """Change a tool's setup for a step, and return the minutes that it takes."""
    minutes = 0.0
    if _needs_setup(tool, step):
        law = step.setup_time
        if law.mean < 0.0:
            law = network.setup_times[tool.setup, step.setup]
        if law.law == CONSTANT:
            minutes = law.mean
        else:
            lot = state.lots[leader]
            word, _, _, _ = block(state, lot.visit, lot.number, STREAM_SETUP)
            minutes = spread(law, word)
        if step.setup != tool.setup:
            tool.setup = step.setup
            if state.groups[tool.group].runs > 0:
                tool.run_left = network.setup_runs[step.setup]
    return minutes


@inline_jit
def _take(network: Any, state: Any, tool_index: Any, index: Any) -> None:
    """Take one lot out of the queue into a tool."""
    run = state.run[0]
    lot = state.lots[index]
    step = network.steps[lot.step]
    group = state.groups[step.group]
    unqueue(network, state, index)
    lot.place = IN_TOOL
    lot.tool = tool_index
    if run.from_time <= run.now <= run.to_time:
        group.started += 1
        group.waited += run.now - lot.queued
    if step.lens_set >= 0:
        state.lenses[index, step.lens_set] = tool_index
    for slot in range(step.limit_check, step.limit_check + step.limit_checks):
        limit = state.limits[index, slot]
        state.limits[index, slot] = np.inf
        if limit < np.inf and run.from_time <= run.now <= run.to_time:
            order = state.orders[lot.order]
            order.limits += 1
            if limit < run.now:
                order.limits_missed += 1


@inline_jit
def _gather(network: Any, state: Any, tool_index: Any, leader: Any) -> Any:
    """Take a job's lots: the leader, and what fits beside it into a batch; return the pieces."""
    lots = state.lots
    step = network.steps[lots[leader].step]
    pieces = lots[leader].pieces
    _take(network, state, tool_index, leader)
    if step.least == 0:
        return pieces
    last = leader
    index = state.groups[step.group].first
    while index >= 0 and pieces < step.most:
        lot = lots[index]
        behind = lot.next
        if network.steps[lot.step].batch == step.batch and pieces + lot.pieces <= step.most:
            pieces += lot.pieces
            _take(network, state, tool_index, index)
            lots[last].mate = index
            last = index
        index = behind
    return pieces


@inline_jit
def begin(network: Any, state: Any, tool_index: Any, leader: Any) -> None:
    """Start a job: setup, loading, the work, unloading; post its end.

    Where a tool holds several jobs, setup and loading go on beside the job before, and the first
    unit enters when that job's last one has moved on from the front of the tool.
    """
    now = state.run[0].now
    lot = state.lots[leader]
    step = network.steps[lot.step]
    tool = state.tools[tool_index]
    group = state.groups[tool.group]
    pieces = _gather(network, state, tool_index, leader)
    setup = _set_up(network, state, tool, step, leader)
    tool.run_left = max(tool.run_left - 1, 0)
    tool.setting_up += overlap(state, now, now + setup)
    if lot.work_left > 0.0:
        end = now + setup + lot.work_left / tool.speed
        lot.work_left = 0.0
    else:
        units = pieces if step.by_piece > 0 else 1
        one = spread(step.time, lot.time_word) / tool.speed
        interval = step.interval / tool.speed
        enter = now + setup + group.load
        if group.capacity > 1:
            enter = max(enter, tool.front_free)
        work = one + (units - 1) * interval if interval > 0.0 else units * one
        tool.front_free = enter + (units * interval if interval > 0.0 else work)
        end = enter + work + group.unload
    tool.busy += overlap(state, max(now, tool.busy_end), max(end, tool.busy_end))
    tool.busy_end = max(end, tool.busy_end)
    tool.job = leader
    lot.delay_seen = tool.delay
    post(state, lot_node(state, leader), end)
    tool.inside += 1
    leave_ready(state, tool_index)
    if tool.inside < group.capacity:
        join_ready(network, state, tool_index)
