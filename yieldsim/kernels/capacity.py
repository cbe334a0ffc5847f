"""Tool fleets to line capacity: whole tools, availability, minimum over groups, queueing."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from yieldsim.kernels import arrays as a
from yieldsim.kernels.curves import between
from yieldsim.kernels.jit import inline_jit, stage_jit
from yieldsim.kernels.philox import STREAM_AVAILABILITY, philox4x32, uniform53
from yieldsim.kernels.special import normal_ppf
from yieldsim.units import HOURS_PER_DAY

HIGHEST_UTILIZATION = 0.97  # queue formulas diverge at 1; a released line never waits longer
REPAIR_CV2 = 1.0  # squared coefficient of variation of repair times (exponential)
_KPASS = 1000.0
_MUCH = 1e6  # times its tools, where a group is to limit nothing
_WORD = np.uint64(0xFFFFFFFF)
_BITS_32 = np.uint64(32)


@inline_jit
def fleet(
    low: Any, high: Any, position: Any, scale: Any, delay_steps: Any, step: Any, stop_step: Any
) -> Any:
    """Whole tools in production: delivered by ``stop_step``, installed and qualified.

    ``low`` and ``high`` are the rows of the fleet's schedule.
    """
    # tools still on order never come; those delivered before go on being installed
    time = min(step - delay_steps, stop_step)
    if time <= 0.0:
        return math.floor(between(low[0], high[0], position, scale) + 0.5)
    whole = int(time)
    count = between(low[whole], high[whole], position, scale)
    if time > whole:
        after = between(low[whole + 1], high[whole + 1], position, scale)
        count += (time - whole) * (after - count)
    return math.floor(count + 0.5)


@stage_jit
def _hits(structure: Any, event: Any, kind: Any, tool_class: Any, fab: Any, group: Any) -> Any:
    return (
        structure.event[event, a.EVENT_KIND] == kind
        and structure.event[event, a.EVENT_CLASS] == tool_class
        and structure.event_hits[event, fab, group] == 1
    )


@inline_jit
def _draw_luck(seed: Any, draw: Any, entity: Any, first: Any, lane: Any, n: Any) -> None:
    """Fill the LUCK of the two classes of a group, from one counter."""
    key = np.uint64(seed)
    for k in range(n):
        w0, w1, w2, w3 = philox4x32(
            np.uint32(draw),
            entity,
            STREAM_AVAILABILITY,
            np.uint32(first + k),
            key & _WORD,
            key >> _BITS_32,
        )
        lane[a.LUCK, k] = uniform53(w0, w1)
        lane[a.LUCK + 1, k] = uniform53(w2, w3)


@inline_jit
def noisy_availability(mean: Any, mttf: Any, mttr: Any, tools: Any, hours: Any, u: Any) -> Any:
    """Availability of a small fleet over a step: normal with the variance of alternating renewal.

    The time average of n independent two-state machines over T has the variance
    2 A (1-A) tau / (n T), tau = MTTF MTTR / (MTTF + MTTR), for T well above tau (Trivedi 2002,
    section 8.6 on interval availability).
    """
    tau = mttf * mttr / (mttf + mttr)
    spread = math.sqrt(2.0 * mean * (1.0 - mean) * tau / (tools * hours))
    return min(1.0, max(0.0, mean + spread * normal_ppf(u)))


@inline_jit
def queue_days(tools: Any, lot_hours: Any, pure_hours: Any, mttr: Any, usage: Any, cv2: Any) -> Any:
    """Waiting time per visit in days: VUT with Sakasegawa's exponent (Hopp and Spearman 2008).

    ``lot_hours`` is the effective process time te = t0/A of a lot on one tool.
    """
    u = min(usage, HIGHEST_UTILIZATION)
    availability = pure_hours / lot_hours
    failures = (1.0 + REPAIR_CV2) * availability * (1.0 - availability) * mttr / pure_hours
    power = math.exp(math.log(u) * (math.sqrt(2.0 * (tools + 1.0)) - 1.0))
    return 0.5 * (cv2 + failures) * power / (tools * (1.0 - u)) * lot_hours / HOURS_PER_DAY


@stage_jit
def _wear(structure: Any, state: Any, fab: Any, g: Any, c: Any, n: Any) -> Any:
    """Fill the ratios of uptime and repair time that events bring to a class of tools.

    Returns the step after which nothing is delivered.
    """
    stop = np.inf
    for k in range(n):
        state.lane[a.UPTIME_RATIO, k] = 1.0
        state.lane[a.REPAIR_RATIO, k] = 1.0
    for e in range(structure.event.shape[0]):
        if _hits(structure, e, a.SERVICE_LOSS, c, fab, g):
            for k in range(n):
                state.lane[a.UPTIME_RATIO, k] *= state.event[e, 0, k]
                state.lane[a.REPAIR_RATIO, k] *= state.event[e, 1, k]
        elif _hits(structure, e, a.DELIVERIES_STOP, c, fab, g):
            stop = min(stop, structure.event_steps[e, 0] - 1.0)  # the last step before it
    return stop


@stage_jit
def _rate_class(
    clock: Any,
    structure: Any,
    world: Any,
    state: Any,
    fab: Any,
    g: Any,
    c: Any,
    step: Any,
    n: Any,
) -> None:
    """Add one class to the passes that a group can make in the step."""
    curve = structure.fleet_curve[fab, g, c]
    low, high = structure.curve_low[curve], structure.curve_high[curve]
    row, tool = state.group[g], world.tool[g, c]
    hours = clock.hours_per_step
    stop = _wear(structure, state, fab, g, c, n)
    for k in range(n):
        if row[a.LOAD, k] <= 0.0:
            continue
        delay = world.install[fab, g, c, k] * clock.steps_per_quarter
        position, scale = world.curve[curve, 0, k], world.curve[curve, 1, k]
        tools = fleet(low, high, position, scale, delay, step, stop)
        if tools <= 0.0:
            continue
        mttf = tool[a.MTTF, k] * state.lane[a.UPTIME_RATIO, k]
        mttr = tool[a.MTTR, k] * state.lane[a.REPAIR_RATIO, k]
        adder = tool[a.ADDER, k]
        if tool[a.INITIAL_ADDER, k] != 1.0 or tool[a.INITIAL_MTTF, k] != 1.0:
            young = math.exp(-state.passes[fab, g, c, k] / tool[a.MATURITY, k])
            mttf *= 1.0 - (1.0 - tool[a.INITIAL_MTTF, k]) * young
            adder *= 1.0 + (tool[a.INITIAL_ADDER, k] - 1.0) * young
        up = mttf / (mttf + mttr)
        if clock.noise:
            up = noisy_availability(up, mttf, mttr, tools, hours, state.lane[a.LUCK + c, k])
        up *= 1.0 - tool[a.PM, k]  # planned, so no noise
        rated = tools * tool[a.RATE, k] * tool[a.PERFORMANCE, k] * hours
        row[a.PASSES, k] += rated * up
        row[a.PURE, k] += rated
        row[a.COUNT, k] += tools
        row[a.REPAIR, k] += rated * mttr
        row[a.SHARE + c, k] = rated * up
        row[a.ADDER_NOW + c, k] = adder


@stage_jit
def group_rate(
    seed: Any,
    clock: Any,
    structure: Any,
    world: Any,
    state: Any,
    fab: Any,
    g: Any,
    step: Any,
    first: Any,
    n: Any,
) -> None:
    """Fill the passes that a group can make in the step, by class, and its defect adders."""
    if clock.noise:
        entity = structure.fleet_entity[fab, g]
        _draw_luck(seed, clock.first_draw + step, entity, first, state.lane, n)
    row = state.group[g]
    for k in range(n):
        row[a.PASSES, k] = 0.0
        row[a.PURE, k] = 0.0
        row[a.COUNT, k] = 0.0
        row[a.REPAIR, k] = 0.0
    for c in range(2):
        for k in range(n):
            row[a.SHARE + c, k] = 0.0
            row[a.ADDER_NOW + c, k] = 1.0
        if structure.fleet_curve[fab, g, c] >= 0:
            _rate_class(clock, structure, world, state, fab, g, c, step, n)
    for k in range(n):
        if row[a.PASSES, k] > 0.0:
            row[a.SHARE, k] /= row[a.PASSES, k]
            row[a.SHARE + 1, k] /= row[a.PASSES, k]
            row[a.REPAIR, k] /= row[a.PURE, k]
    if structure.no_tool_limit[g] == 1:
        for k in range(n):
            row[a.PASSES, k] *= _MUCH
            row[a.PURE, k] *= _MUCH
            row[a.COUNT, k] *= _MUCH


@stage_jit
def load_groups(structure: Any, world: Any, state: Any, fab: Any, wafers: Any, n: Any) -> Any:
    """Fill the LOAD of each group: passes that a field of ``state.route`` asks of it."""
    first, last = structure.fab[fab, a.FAB_FIRST], structure.fab[fab, a.FAB_LAST]
    for g in range(state.group.shape[0]):
        load = state.group[g, a.LOAD]
        for k in range(n):
            load[k] = 0.0
        for route in range(first, last):
            process = structure.route[route, a.ROUTE_PROCESS]
            again, visits = world.process[process, a.REWORK], world.visits[process, g]
            line = state.route[route, wafers]
            for k in range(n):
                load[k] += line[k] * visits[k] * (1.0 + again[k])


@stage_jit
def rate_groups(
    seed: Any,
    clock: Any,
    structure: Any,
    world: Any,
    state: Any,
    fab: Any,
    step: Any,
    first: Any,
    n: Any,
) -> None:
    """Fill the rates of all groups of a fab that the plan or the wafers in the line ask for."""
    for route in range(structure.fab[fab, a.FAB_FIRST], structure.fab[fab, a.FAB_LAST]):
        line = state.route[route]
        for k in range(n):
            line[a.FLOW, k] = line[a.PLANNED, k] + line[a.WIP, k]
    load_groups(structure, world, state, fab, a.FLOW, n)
    for g in range(state.group.shape[0]):
        asked = 0.0
        for k in range(n):
            asked = max(asked, state.group[g, a.LOAD, k])
        if asked > 0.0:
            group_rate(seed, clock, structure, world, state, fab, g, step, first, n)
        else:
            for k in range(n):
                state.group[g, a.PASSES, k] = 0.0


@inline_jit
def scarcest(visits: Any, group: Any, lane: Any, n: Any) -> None:
    """Fill FRACTION, passes possible over LOAD of a route's scarcest group, and BINDING, which.

    Infinite and -1 where there is none. Each group is shared in proportion to what its routes ask,
    so the minimum over a route's own groups can be granted to all routes at once.
    """
    fraction, binding = lane[a.FRACTION], lane[a.BINDING]
    for k in range(n):
        fraction[k] = np.inf
        binding[k] = -1.0
    for g in range(visits.shape[0]):
        for k in range(n):
            if visits[g, k] > 0.0 and group[g, a.LOAD, k] > 0.0:
                ratio = group[g, a.PASSES, k] / group[g, a.LOAD, k]
                if ratio < fraction[k]:
                    fraction[k] = ratio
                    binding[k] = g


@stage_jit
def group_waits(clock: Any, fab: Any, groups: Any, group: Any, use: Any, n: Any) -> None:
    """Fill the WAIT of each group in days per visit at the LOAD of what is started.

    ``use[g]`` gains the utilization, load over capacity, averaged over the quarter's steps.
    """
    hours = clock.hours_per_step
    for g in range(group.shape[0]):
        row = group[g]
        for k in range(n):
            row[a.WAIT, k] = 0.0
            load = row[a.LOAD, k]
            if load <= 0.0 or row[a.PASSES, k] <= 0.0:
                continue
            usage = load / row[a.PASSES, k]
            use[g, k] += usage / clock.steps_per_quarter
            lot_hours = row[a.COUNT, k] * fab[a.LOT_SIZE, k] * hours
            cv2 = fab[a.ARRIVAL_CV2, k] + groups[g, a.GROUP_CV2, k]
            row[a.WAIT, k] = queue_days(
                row[a.COUNT, k],
                lot_hours / row[a.PASSES, k],
                lot_hours / row[a.PURE, k],
                row[a.REPAIR, k],
                usage,
                cv2,
            )


@inline_jit
def count_passes(visits: Any, rework: Any, starts: Any, group: Any, passes: Any, n: Any) -> None:
    """Add a cohort's passes to the experience of the tool classes that make them."""
    for g in range(visits.shape[0]):
        for k in range(n):
            kpasses = starts[k] * visits[g, k] * (1.0 + rework[k]) / _KPASS
            passes[g, 0, k] += kpasses * group[g, a.SHARE, k]
            passes[g, 1, k] += kpasses * group[g, a.SHARE + 1, k]
