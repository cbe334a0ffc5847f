"""Tool fleets: whole tools in production, their availability and the passes that they can make."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from yieldsim.kernels.inverse import gamma_mean_one, normal_ppf, poisson_ppf
from yieldsim.kernels.jit import apart_jit, inline_jit, stage_jit
from yieldsim.kernels.philox import STREAM_AVAILABILITY, philox4x32, uniform53
from yieldsim.supply.kernels import records as a
from yieldsim.supply.kernels.curves import between, curve_value

_MUCH = 1e6  # times its tools, where a group is to limit nothing
_WORD = np.uint64(0xFFFFFFFF)
_BITS_32 = np.uint64(32)
_OTHER_CLASS = np.uint32(0x80000000)


@inline_jit
def delivered(
    series: Any, position: Any, scale: Any, delay_steps: Any, step: Any, stop_step: Any
) -> Any:
    """Tools that were delivered by ``stop_step`` and have been installed and qualified.

    ``series`` are the low and the high one of the fleet's schedule; it is linear between two steps.
    """
    low, high = series[0], series[1]
    # tools still on order never come; those delivered before go on being installed
    time = min(step - delay_steps, stop_step)
    if time <= 0.0:
        return between(low[0], high[0], position, scale)
    whole = int(time)
    count = between(low[whole], high[whole], position, scale)
    if time > whole:
        after = between(low[whole + 1], high[whole + 1], position, scale)
        count += (time - whole) * (after - count)
    return count


@inline_jit
def in_production(arrived: Any, retired: Any, kept: Any) -> Any:
    """Whole tools: those that arrived less those retired, of which events leave a part."""
    return math.floor(max(0.0, arrived - retired) * kept + 0.5)


@inline_jit
def repair_hours(failures: Any, mttf: Any, mttr: Any, cv2: Any, u1: Any, u2: Any) -> Any:
    """Hours of repair that a step brings to a fleet that expects so many ``failures``.

    Failures are Poisson, each repair is gamma with mean ``mttr``. Deviations from the mean count by
    the availability, as a tool that is down cannot fail: so the long-run variance is that of
    alternating renewal, A^2 (1 + cr^2) MTTR^2 a failure (D. R. Cox, "Renewal Theory" (1962),
    chapter 7). The mean is exact, and no hours are negative.
    """
    count = poisson_ppf(u1, failures)
    hours = count * mttr
    if count > 0.0 and cv2 > 0.0:
        hours *= gamma_mean_one(normal_ppf(u2), count / cv2)
    expected = failures * mttr
    return expected + mttf / (mttf + mttr) * (hours - expected)


@inline_jit
def _draw_luck(
    seed: Any, draw: Any, entity: Any, tool_class: Any, first: Any, lane: Any, n: Any
) -> None:
    """Fill LUCK with the two uniforms of a class: how many failures, how long the repairs."""
    key = np.uint64(seed)
    if tool_class == 1:
        entity = np.uint32(entity ^ _OTHER_CLASS)
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
def wear(
    events: Any, steps: Any, hits: Any, factors: Any, tool_class: Any, lane: Any, n: Any
) -> Any:
    """Fill what events do to a class of tools: its uptime, its repairs, the part KEPT.

    ``hits`` says which events concern the group. Returns (the step after which nothing is
    delivered, the first one in which the class may produce).
    """
    stop, begin = np.inf, -np.inf
    for k in range(n):
        lane[a.UPTIME_RATIO, k] = 1.0
        lane[a.REPAIR_RATIO, k] = 1.0
        lane[a.KEPT, k] = 1.0
    for e in range(events.shape[0]):
        if hits[e] == 0 or events[e, a.EVENT_CLASS] not in (tool_class, a.BOTH_CLASSES):
            continue
        kind = events[e, a.EVENT_KIND]
        if kind == a.DELIVERIES_STOP:
            stop = min(stop, steps[e, 0] - 1.0)  # the last step before it
        elif kind == a.TOOL_QUALIFIED:
            begin = max(begin, steps[e, 0])
        elif kind in (a.SERVICE_LOSS, a.TOOLS_LOST):  # lost tools leave uptime and repairs at one
            for k in range(n):
                lane[a.UPTIME_RATIO, k] *= factors[e, 0, k]
                lane[a.REPAIR_RATIO, k] *= factors[e, 1, k]
                lane[a.KEPT, k] *= factors[e, 2, k]
    return stop, begin


@stage_jit
def _count_tools(
    clock: Any, structure: Any, world: Any, state: Any, fab: Any, g: Any, c: Any, step: Any, n: Any
) -> None:
    """Fill the TOOLS of a class that are in production."""
    curve = structure.fleet_curve[fab, g, c, a.FLEET_COUNT]
    curves, drawn = structure.curve, world.curve
    less = structure.fleet_curve[fab, g, c, a.FLEET_RETIRED]
    group, waits = state.group, world.delay[fab, g, c]
    hits = structure.event_hits[:, fab, g]
    steps, events = structure.event_steps, structure.event
    stop, begin = wear(events, steps, hits, state.event, c, state.lane, n)
    for k in range(n):
        tools = 0.0
        if step >= begin:
            delay = (waits[a.INSTALL, k] + waits[a.QUALIFICATION, k]) * clock.steps_per_quarter
            position, scale = drawn[curve, 0, k], drawn[curve, 1, k]
            arrived = delivered(curves[curve], position, scale, delay, step, stop)
            retired = curve_value(curves, drawn, less, step, k) if less >= 0 else 0.0
            tools = in_production(arrived, retired, state.lane[a.KEPT, k])
        group[a.TOOLS + c, g, k] = tools


@inline_jit
def rate_class(
    noise: Any,
    hours: Any,
    tool: Any,
    c: Any,
    group: Any,
    g: Any,
    kpasses: Any,
    repairs: Any,
    lane: Any,
    n: Any,
) -> None:
    """Add one class to the passes that a group can make in a step of so many ``hours``.

    ``tool`` are the parameters of the class, ``kpasses`` its experience and ``repairs`` the hours
    of repair that wait, which luck adds to.
    """
    for k in range(n):
        tools = group[a.TOOLS + c, g, k]
        if tools <= 0.0:
            continue
        mttf = tool[a.MTTF, k] * lane[a.UPTIME_RATIO, k]
        mttr = tool[a.MTTR, k] * lane[a.REPAIR_RATIO, k]
        cv2, adder = tool[a.REPAIR_CV2, k], tool[a.ADDER, k]
        if tool[a.INITIAL_ADDER, k] != 1.0 or tool[a.INITIAL_MTTF, k] != 1.0:
            young = math.exp(-kpasses[k] / tool[a.MATURITY, k])
            mttf *= 1.0 - (1.0 - tool[a.INITIAL_MTTF, k]) * young
            adder *= 1.0 + (tool[a.INITIAL_ADDER, k] - 1.0) * young
        mean = mttf / (mttf + mttr)
        up = mean
        if noise:
            failures = tools * hours / (mttf + mttr)
            luck, other = lane[a.LUCK, k], lane[a.LUCK + 1, k]
            repairs[k] += repair_hours(failures, mttf, mttr, cv2, luck, other)
            down = min(repairs[k], tools * hours)
            repairs[k] -= down
            up = 1.0 - down / (tools * hours)
        scheduled = (1.0 - tool[a.NONSCHEDULED, k]) * (1.0 - tool[a.PM, k])
        scheduled *= 1.0 - tool[a.ENGINEERING_TIME, k]
        rated = tools * tool[a.RATE, k] * tool[a.PERFORMANCE, k] * hours
        group[a.CALM, g, k] += rated * mean * scheduled
        group[a.PASSES, g, k] += rated * up * scheduled
        group[a.PURE, g, k] += rated
        group[a.COUNT, g, k] += tools
        group[a.REPAIR, g, k] += rated * mttr
        group[a.REPAIR_SPREAD, g, k] += rated * cv2
        group[a.SHARE + c, g, k] = rated * up * scheduled
        group[a.ADDER_NOW + c, g, k] = adder
        group[a.UP + c, g, k] = up * scheduled


@inline_jit
def clear_groups(group: Any, n: Any) -> None:
    """Forget what groups can do and did in the last step."""
    for j in range(a.CALM, a.GROUP_FIELDS):
        for g in range(group.shape[1]):
            for k in range(n):
                group[j, g, k] = 0.0


@inline_jit
def _turn_into_means(group: Any, g: Any, n: Any) -> None:
    """Divide what was added up over the classes of a group by their passes."""
    for k in range(n):
        pure = group[a.PURE, g, k]
        one = pure if pure > 0.0 else 1.0
        group[a.REPAIR, g, k] /= one
        group[a.REPAIR_SPREAD, g, k] /= one
    for k in range(n):
        passes = group[a.PASSES, g, k]
        one = passes if passes > 0.0 else 1.0
        group[a.SHARE, g, k] /= one
        group[a.SHARE + 1, g, k] /= one


@apart_jit
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
    """Fill the passes that a group can make in the step, by class, and its defect adders: all of
    its numbers from CALM on, which start from zero."""
    group = state.group
    for c in range(2):
        for k in range(n):
            group[a.ADDER_NOW + c, g, k] = 1.0
        if structure.fleet_curve[fab, g, c, a.FLEET_COUNT] < 0:
            continue
        _count_tools(clock, structure, world, state, fab, g, c, step, n)
        if clock.noise:
            entity = structure.fleet_entity[fab, g]
            _draw_luck(seed, clock.first_draw + step, entity, c, first, state.lane, n)
        rate_class(
            clock.noise,
            clock.hours_per_step,
            world.tool[g, c],
            c,
            group,
            g,
            state.passes[fab, g, c],
            state.repairs[fab, g, c],
            state.lane,
            n,
        )
    _turn_into_means(group, g, n)
    if structure.no_tool_limit[g] == 1:
        for k in range(n):
            group[a.CALM, g, k] *= _MUCH
            group[a.PASSES, g, k] *= _MUCH
            group[a.PURE, g, k] *= _MUCH
            group[a.COUNT, g, k] *= _MUCH
