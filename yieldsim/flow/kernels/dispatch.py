"""Dispatching of the event simulator: which lot for a tool, which tool for a lot, job starts."""

from __future__ import annotations

import numpy as np

from yieldsim.flow.kernels.draws import sample_minutes, words
from yieldsim.flow.kernels.lots import unqueue
from yieldsim.flow.kernels.queue import cancel, front_node, lot_node, post
from yieldsim.flow.kernels.records import (
    CONSTANT,
    IN_TOOL,
    RANK_DUE,
    RANK_FIFO,
    RANK_RATIO,
    RANK_SHORTEST,
    RANK_SLACK,
    STREAM_SETUP,
    STREAM_TOOL,
    LineState,
    Network,
    Record,
)
from yieldsim.flow.kernels.tools import leave_ready
from yieldsim.flow.kernels.window import counted_minutes, is_counted
from yieldsim.kernels.jit import inline_jit, stage_jit
from yieldsim.kernels.philox import word_below

__all__ = ["begin", "choose", "pick_tool"]


@inline_jit
def _bound(state: LineState, lot: Record) -> int:
    """Return the only tool that may take a waiting lot, or -1."""
    if lot.bound >= 0 and state.run[0].away > 0 and state.tools[lot.bound].away:
        return -1
    return lot.bound


@inline_jit
def _may_start(network: Network, state: LineState, tool_index: int, lot_index: int) -> bool:
    """Tell whether a waiting lot, unless bound to another tool, may go into a ready tool now."""
    lot = state.lots[lot_index]
    step = network.steps[lot.step]
    tool = state.tools[tool_index]
    if tool.run_left > 0 and step.setup > 0 and step.setup != tool.setup:
        return False
    return step.batch_min == 0 or state.waiting[step.batch_kind] >= step.batch_min


@inline_jit
def _needs_setup(tool: Record, step: Record) -> bool:
    return step.setup > 0 and (step.setup != tool.setup or step.setup_always)


@inline_jit
def _last_rank(rank: int, rest: Record, step: Record, now: float) -> float:
    """Return the number of which the least goes first: 0 for first come first served."""
    if rank == RANK_RATIO:
        return (rest.due - now) / max(step.remaining, 1e-9)
    if rank == RANK_DUE:
        return rest.due
    if rank == RANK_SLACK:
        return rest.due - now - step.remaining
    if rank == RANK_SHORTEST:
        return step.alone
    return 0.0


@inline_jit
def choose(network: Network, state: LineState, tool_index: int) -> int:
    """Return the waiting lot that a ready tool should take next, or -1.

    Tools whose setups have minimum runs avoid setups before anything else: they take a lot that
    needs none if there is one, even before a hot lot.
    """
    if state.groups[state.tools[tool_index].group].has_min_runs:
        best = _first_in_rank(network, state, tool_index, True)
        if best >= 0:
            return best
    return _first_in_rank(network, state, tool_index, False)


@stage_jit
def _first_in_rank(network: Network, state: LineState, tool_index: int, without_setup: bool) -> int:
    """Return the waiting lot of highest rank, among those without a setup or among all; or -1.

    The order is priority; then, where the group ranks by setup, the least time in the table of
    setup times (times that a route gives do not count); then the group's last rank.
    """
    lots = state.lots
    tool = state.tools[tool_index]
    group = state.groups[tool.group]
    now = state.run[0].now
    best = -1
    least_setup = least_last = np.inf
    index = group.first_lot
    while index >= 0:
        lot = lots[index]
        if best >= 0 and group.by_priority and lot.priority < lots[best].priority:
            break
        bound = _bound(state, lot)
        if bound >= 0 and bound != tool_index:
            index = lot.next
            continue
        step = network.steps[lot.step]
        fits = not (without_setup and _needs_setup(tool, step))
        if fits and _may_start(network, state, tool_index, index):
            if not group.by_setup and group.last_rank == RANK_FIFO:
                return index
            setup = 0.0
            if group.by_setup and _needs_setup(tool, step):
                setup = network.setup_times[tool.setup, step.setup].mean
            last = _last_rank(group.last_rank, state.lot_rests[index], step, now)
            if setup < least_setup or (setup == least_setup and last < least_last):
                best, least_setup, least_last = index, setup, last
                if setup == 0.0 and group.last_rank == RANK_FIFO:
                    break
        index = lot.next
    return best


@inline_jit
def _wake_minutes(network: Network, state: LineState, tool_index: int, lot_index: int) -> float:
    """Return by what an arriving lot ranks a ready tool, or inf if it may not start there.

    This is the setup time where the group wakes tools so, and 0 otherwise.
    """
    tool = state.tools[tool_index]
    step = network.steps[state.lots[lot_index].step]
    if not _may_start(network, state, tool_index, lot_index):
        return np.inf
    if not state.groups[tool.group].wake_least_setup or not _needs_setup(tool, step):
        return 0.0
    minutes = step.setup_time.mean
    return minutes if minutes >= 0.0 else network.setup_times[tool.setup, step.setup].mean


@stage_jit
def _best_ready(network: Network, state: LineState, lot_index: int, passed: int) -> tuple[int, int]:
    """Return how many of the ready tools are best, and the one of them that ``passed`` precede.

    The best have the least `_wake_minutes`, and are the fastest of these.
    """
    group = state.groups[network.steps[state.lots[lot_index].step].group]
    least, speed = np.inf, 0.0
    best, equal = -1, 0
    for place in range(group.first_tool, group.first_tool + group.ready_tools):
        index = state.ready[place]
        minutes = _wake_minutes(network, state, index, lot_index)
        faster = state.tools[index].speed
        if minutes < least or (minutes == least and faster > speed):
            least, speed, equal = minutes, faster, 0
        if minutes == least and faster == speed and minutes < np.inf:
            if equal <= passed:
                best = index
            equal += 1
    return equal, best


@inline_jit
def pick_tool(network: Network, state: LineState, lot_index: int) -> int:
    """Return the ready tool that should look at a lot that has just arrived, or -1.

    This is the lot's own tool where a lens binds it to one in the line. Otherwise it is any of the
    ready tools: of those with the least setup time where the group wakes tools so, and of these any
    of the fastest.
    """
    lot = state.lots[lot_index]
    group = state.groups[network.steps[lot.step].group]
    bound = _bound(state, lot)
    if bound >= 0:
        return bound if state.tools[bound].ready else -1
    equal = group.ready_tools
    if equal == 0:
        return -1
    tool_index = state.ready[group.first_tool]
    ranked = group.wake_least_setup or group.has_min_runs or network.mixed_speeds
    if ranked:
        equal, tool_index = _best_ready(network, state, lot_index, 0)
    if equal > 1:
        word, _, _, _ = words(state, lot.visit, lot.number, STREAM_TOOL)
        passed = int(np.int64(word_below(word, equal)))
        if ranked:
            _, tool_index = _best_ready(network, state, lot_index, passed)
        else:
            tool_index = state.ready[group.first_tool + passed]
    return tool_index


@inline_jit
def _set_up(network: Network, state: LineState, tool: Record, step: Record, leader: int) -> float:
    """Change a tool's setup for a step, and return the minutes that this takes."""
    minutes = 0.0
    if _needs_setup(tool, step):
        time = step.setup_time
        if time.mean < 0.0:
            time = network.setup_times[tool.setup, step.setup]
        if time.law == CONSTANT:
            minutes = time.mean
        else:
            lot = state.lots[leader]
            word, _, _, _ = words(state, lot.visit, lot.number, STREAM_SETUP)
            minutes = sample_minutes(time, word)
        if step.setup != tool.setup:
            tool.setup = step.setup
            if state.groups[tool.group].has_min_runs:
                tool.run_left = network.min_runs[step.setup]
    return minutes


@stage_jit
def _take(network: Network, state: LineState, tool_index: int, lot_index: int) -> None:
    """Take one lot out of the queue into a tool."""
    run = state.run[0]
    lot = state.lots[lot_index]
    step = network.steps[lot.step]
    group = state.groups[step.group]
    unqueue(network, state, lot_index)
    lot.status = IN_TOOL
    lot.tool = tool_index
    if is_counted(state):
        group.started += 1
        group.waited += run.now - lot.queued
    if step.lens_set >= 0:
        state.lenses[lot_index, step.lens_set] = tool_index
    for slot in range(step.first_limit, step.first_limit + step.limits):
        deadline = state.deadlines[lot_index, slot]
        state.deadlines[lot_index, slot] = np.inf
        if deadline < np.inf and is_counted(state):
            order = state.orders[state.lot_rests[lot_index].order]
            order.limits += 1
            if deadline < run.now:
                order.limits_missed += 1


@inline_jit
def _gather(network: Network, state: LineState, tool_index: int, leader: int) -> int:
    """Take a job's lots, the leader and what fits into its batch; return their pieces."""
    lots = state.lots
    step = network.steps[lots[leader].step]
    pieces = lots[leader].pieces
    _take(network, state, tool_index, leader)
    if step.batch_min == 0:
        return pieces
    last = leader
    index = state.groups[step.group].first_lot
    while index >= 0 and pieces < step.batch_max:
        lot = lots[index]
        behind = lot.next
        same_kind = network.steps[lot.step].batch_kind == step.batch_kind
        if same_kind and pieces + lot.pieces <= step.batch_max:
            pieces += lot.pieces
            _take(network, state, tool_index, index)
            lots[last].batch_next = index
            last = index
        index = behind
    return pieces


@inline_jit
def begin(network: Network, state: LineState, tool_index: int, leader: int) -> None:
    """Start a job (setup, loading, work, unloading), and post its end.

    A tool that holds several jobs takes the next one when its first unit can enter as soon as it is
    loaded: the last unit of the job before has then moved on from the front of the tool.
    """
    now = state.run[0].now
    lot = state.lots[leader]
    step = network.steps[lot.step]
    tool = state.tools[tool_index]
    group = state.groups[tool.group]
    pieces = _gather(network, state, tool_index, leader)
    setup = _set_up(network, state, tool, step, leader)
    tool.run_left = max(tool.run_left - 1, 0)
    tool.setting_up += counted_minutes(state, now, now + setup)
    if lot.interrupted:
        end = now + setup + state.lot_rests[leader].work_left / tool.speed
        lot.interrupted = False
    else:
        units = pieces if step.by_piece else 1
        unit_min = sample_minutes(step.time, lot.time_word)
        interval = step.cascade_interval
        if tool.speed != 1.0:  # a division would keep the event's bucket waiting
            unit_min /= tool.speed
            interval /= tool.speed
        # The setup went on beside the job before, from the start of that job at the earliest. A
        # factor of 0 takes the place of a condition, which the processor cannot guess here.
        since = max(tool.began, now * np.float64(tool.jobs == 0))
        enter = max(now, since + setup) + group.load
        enter = max(enter, tool.front_free * np.float64(group.capacity > 1))
        work = unit_min + (units - 1) * interval if interval > 0.0 else units * unit_min
        tool.front_free = enter + (units * interval if interval > 0.0 else work)
        end = enter + work + group.unload
    tool.began = now
    tool.busy += counted_minutes(state, max(now, tool.busy_end), max(end, tool.busy_end))
    tool.busy_end = max(end, tool.busy_end)
    tool.leader = leader
    lot.delay_seen = tool.delay
    post(state, lot_node(state, leader), end)
    tool.jobs += 1
    leave_ready(state, tool_index)
    if group.capacity > 1:
        node = front_node(state, tool_index)
        if tool.front_pending:
            cancel(state, node)
        tool.front_pending = True
        post(state, node, max(now, tool.front_free - group.load))
