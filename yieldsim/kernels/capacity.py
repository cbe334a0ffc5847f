"""Tool fleets to line capacity: whole tools, availability, minimum over groups, queueing."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from yieldsim.kernels import arrays as a
from yieldsim.kernels.jit import inline_jit
from yieldsim.kernels.philox import STREAM_AVAILABILITY, philox4x32, uniform53
from yieldsim.kernels.special import normal_ppf
from yieldsim.units import HOURS_PER_DAY

HIGHEST_UTILIZATION = 0.97  # queue formulas diverge at 1; a released line never waits longer
REPAIR_CV2 = 1.0  # squared coefficient of variation of repair times (exponential)
_KPASS = 1000.0
_WORD = np.uint64(0xFFFFFFFF)
_BITS_32 = np.uint64(32)


@inline_jit
def fleet(curve: Any, delay_steps: Any, step: Any, stop_step: Any) -> Any:
    """Whole tools in production: delivered by ``stop_step``, installed and qualified."""
    # tools still on order never come; those delivered before go on being installed
    time = min(step - delay_steps, stop_step)
    if time <= 0.0:
        return math.floor(curve[0] + 0.5)
    whole = int(time)
    count = curve[whole]
    if time > whole:
        count += (time - whole) * (curve[whole + 1] - count)
    return math.floor(count + 0.5)


@inline_jit
def _hits(structure: Any, event: Any, kind: Any, tool_class: Any, fab: Any, group: Any) -> Any:
    return (
        structure.event[event, a.EVENT_KIND] == kind
        and structure.event[event, a.EVENT_CLASS] == tool_class
        and structure.event_hits[event, fab, group] == 1
    )


@inline_jit
def _noise(seed: Any, draw: Any, entity: Any, realization: Any) -> Any:
    """Uniforms of the two classes of a group, from one counter."""
    key = np.uint64(seed)
    w0, w1, w2, w3 = philox4x32(
        np.uint32(draw), entity, STREAM_AVAILABILITY, realization, key & _WORD, key >> _BITS_32
    )
    return uniform53(w0, w1), uniform53(w2, w3)


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


@inline_jit
def group_rate(
    seed: Any,
    clock: Any,
    structure: Any,
    world: Any,
    state: Any,
    fab: Any,
    g: Any,
    step: Any,
    realization: Any,
) -> None:
    """Fill the passes that a group can make in the step, by class, and its defect adders."""
    hours = clock.hours_per_step
    u = (0.5, 0.5)
    if clock.noise:
        entity = structure.fleet_entity[fab, g]
        u = _noise(seed, clock.first_draw + step, entity, realization)
    passes, pure, count, repair = 0.0, 0.0, 0.0, 0.0
    row = state.group[g]
    for c in range(2):
        row[a.SHARE + c] = 0.0
        row[a.ADDER_NOW + c] = 1.0
        curve = structure.fleet_curve[fab, g, c]
        if curve < 0:
            continue
        tool = world.tool[g, c]
        mttf, mttr, adder, stop = tool[a.MTTF], tool[a.MTTR], tool[a.ADDER], np.inf
        if tool[a.INITIAL_ADDER] != 1.0 or tool[a.INITIAL_MTTF] != 1.0:
            young = math.exp(-state.passes[fab, g, c] / tool[a.MATURITY])
            mttf *= 1.0 - (1.0 - tool[a.INITIAL_MTTF]) * young
            adder *= 1.0 + (tool[a.INITIAL_ADDER] - 1.0) * young
        for e in range(structure.event.shape[0]):
            if _hits(structure, e, a.SERVICE_LOSS, c, fab, g):
                mttf *= state.event[e, step, 0]
                mttr *= state.event[e, step, 1]
            elif _hits(structure, e, a.DELIVERIES_STOP, c, fab, g):
                stop = min(stop, structure.event_steps[e, 0] - 1.0)  # the last step before it
        delay = world.install[fab, g, c] * clock.steps_per_quarter
        n = fleet(state.curve[curve], delay, step, stop)
        if n <= 0.0:
            continue
        up = mttf / (mttf + mttr)
        if clock.noise:
            up = noisy_availability(up, mttf, mttr, n, hours, u[c])
        up *= 1.0 - tool[a.PM]  # planned, so no noise
        rated = n * tool[a.RATE] * tool[a.PERFORMANCE] * hours
        passes += rated * up
        pure += rated
        count += n
        repair += rated * mttr
        row[a.SHARE + c] = rated * up
        row[a.ADDER_NOW + c] = adder
    if passes > 0.0:
        row[a.SHARE] /= passes
        row[a.SHARE + 1] /= passes
        repair /= pure
    row[a.PASSES], row[a.PURE], row[a.COUNT], row[a.REPAIR] = passes, pure, count, repair


@inline_jit
def load_groups(structure: Any, world: Any, state: Any, fab: Any, wafers: Any) -> None:
    """Fill the LOAD of each group: passes that a column of ``state.route`` asks of it."""
    for g in range(state.group.shape[0]):
        load = 0.0
        for route in range(structure.fab[fab, a.FAB_FIRST], structure.fab[fab, a.FAB_LAST]):
            process = structure.route[route, a.ROUTE_PROCESS]
            again = 1.0 + world.process[process, a.REWORK]
            load += state.route[route, wafers] * world.visits[process, g] * again
        state.group[g, a.LOAD] = load


@inline_jit
def rate_groups(
    seed: Any,
    clock: Any,
    structure: Any,
    world: Any,
    state: Any,
    fab: Any,
    step: Any,
    realization: Any,
) -> None:
    """Fill the rates of all groups of a fab that the plan or the wafers in the line ask for."""
    for route in range(structure.fab[fab, a.FAB_FIRST], structure.fab[fab, a.FAB_LAST]):
        line = state.route[route]
        line[a.FLOW] = line[a.PLANNED] + line[a.WIP]
    load_groups(structure, world, state, fab, a.FLOW)
    for g in range(state.group.shape[0]):
        state.group[g, a.PASSES] = 0.0
        if state.group[g, a.LOAD] > 0.0:
            group_rate(seed, clock, structure, world, state, fab, g, step, realization)


@inline_jit
def scarcest(visits: Any, group: Any) -> Any:
    """(passes possible over LOAD of a route's scarcest group, which it is; infinite and -1: none).

    Each group is shared in proportion to what its routes ask, so the minimum over a route's own
    groups can be granted to all routes at once.
    """
    fraction, binding = np.inf, -1
    for g in range(visits.shape[0]):
        if visits[g] > 0.0 and group[g, a.LOAD] > 0.0:
            ratio = group[g, a.PASSES] / group[g, a.LOAD]
            if ratio < fraction:
                fraction, binding = ratio, g
    return fraction, binding


@inline_jit
def group_waits(clock: Any, fab: Any, groups: Any, group: Any, use: Any) -> None:
    """Fill the WAIT of each group in days per visit at the LOAD of what is started.

    ``use[g]`` gains the utilization, load over capacity, averaged over the quarter's steps.
    """
    hours = clock.hours_per_step
    for g in range(group.shape[0]):
        row = group[g]
        row[a.WAIT] = 0.0
        load = row[a.LOAD]
        if load <= 0.0 or row[a.PASSES] <= 0.0:
            continue
        usage = load / row[a.PASSES]
        use[g] += usage / clock.steps_per_quarter
        pure_hours = row[a.COUNT] * fab[a.LOT_SIZE] * hours / row[a.PURE]
        lot_hours = row[a.COUNT] * fab[a.LOT_SIZE] * hours / row[a.PASSES]
        cv2 = fab[a.ARRIVAL_CV2] + groups[g, a.GROUP_CV2]
        row[a.WAIT] = queue_days(row[a.COUNT], lot_hours, pure_hours, row[a.REPAIR], usage, cv2)


@inline_jit
def count_passes(visits: Any, again: Any, starts: Any, group: Any, passes: Any) -> None:
    """Add a cohort's passes to the experience of the tool classes that make them."""
    for g in range(visits.shape[0]):
        kpasses = starts * visits[g] * again / _KPASS
        passes[g, 0] += kpasses * group[g, a.SHARE]
        passes[g, 1] += kpasses * group[g, a.SHARE + 1]
