"""Tool fleets: tools in production, their availability, and the passes that they can make."""

from __future__ import annotations

import math

import numpy as np

from yieldsim.kernels.elementary import exp_minus
from yieldsim.kernels.jit import inline_jit, lane_jit, stage_jit
from yieldsim.kernels.philox import STREAM_AVAILABILITY, seeded_words, uniform53
from yieldsim.supply.kernels.curves import between, curve_value
from yieldsim.supply.kernels.effects import effects_on_tools
from yieldsim.supply.kernels.fleets.repairs import draw_repairs
from yieldsim.supply.kernels.records import (
    CLASSES,
    LANES,
    Clock,
    FleetState,
    Floats,
    GroupState,
    Lanes,
    Parameters,
    Records,
    Scratch,
    State,
    Structure,
    World,
)

PLAN_WITHOUT_LIMIT = 100.0  # factor on the plan where only tools shall limit starts
_MUCH = 1e6  # factor on the tools of a group that shall limit nothing
_OTHER_CLASS = np.uint32(0x80000000)


@inline_jit
def delivered(
    lows: Floats,
    highs: Floats,
    drawn: Records[Parameters],
    curve: int,
    step: int,
    stop_step: float,
    scratch: Scratch,
    n: int,
) -> None:
    """Fill the tools delivered by ``stop_step`` that have been installed and qualified.

    The scratch holds the delay of each lane in steps. The fleet's schedule (see `curve_value`) is
    linear between steps.
    """
    before, after, last = scratch.tools_before, scratch.tools_after, lows.shape[1] - 1
    for k in range(n):
        # tools on order after the stop never arrive; tools delivered before it are still installed
        scratch.delivery_step[k] = max(0.0, min(step - scratch.delay_steps[k], stop_step))
        before[k] = 1.0
        after[k] = 1.0
    while curve >= 0:  # the schedule, and those that multiply it
        low, high, own = lows[curve], highs[curve], drawn[curve]
        for k in range(n):
            whole = int(scratch.delivery_step[k])
            following = min(whole + 1, last)
            position, scale = own.position[k], own.scale[k]
            before[k] *= between(low[whole], high[whole], position, scale)
            after[k] *= between(low[following], high[following], position, scale)
        curve = int(own.factor[0])  # the same in all lanes
    for k in range(n):
        part = scratch.delivery_step[k] - math.floor(scratch.delivery_step[k])
        scratch.arrived[k] = before[k] + part * (after[k] - before[k])


@inline_jit
def in_production(arrived: float, retired: float, kept_share: float) -> float:
    """Return whole tools: those arrived less those retired, times the share that events keep."""
    return math.floor(max(0.0, arrived - retired) * kept_share + 0.5)


@stage_jit
def _draw_luck(
    seed: np.uint64, draw: int, entity: np.uint32, c: int, first: int, scratch: Scratch, n: int
) -> None:
    """Fill the two uniforms of a class of tools: for failures, and for the length of repairs."""
    if c == 1:
        entity = np.uint32(entity ^ _OTHER_CLASS)
    for k in range(n):
        w0, w1, w2, w3 = seeded_words(
            seed, np.uint32(draw), entity, STREAM_AVAILABILITY, np.uint32(first + k)
        )
        scratch.failure_uniform[k] = uniform53(w0, w1)
        scratch.repair_uniform[k] = uniform53(w2, w3)


@stage_jit
def _buy(
    clock: Clock,
    group: GroupState,
    tool: Parameters,
    fleet: Parameters,
    owned: FleetState,
    n: int,
) -> None:
    """Raise the tools bought to what the plan of the step needs at the fleet's planned use.

    They count at their mature availability. A plan that is lifted does not buy tools.
    """
    for k in range(n):
        if fleet.planned_use[k] > 0.0:
            up = tool.mttf_hours[k] / (tool.mttf_hours[k] + tool.mttr_hours[k])
            rate = tool.wafers_per_hour[k] * tool.performance[k] * up * scheduled_share(tool, k)
            passes = group.load[k] / (PLAN_WITHOUT_LIMIT if clock.no_plan_limit else 1.0)
            needed = passes / (rate * clock.hours_per_step * fleet.planned_use[k])
            owned.bought[k] = max(owned.bought[k], needed)


@inline_jit
def scheduled_share(tool: Parameters, k: int) -> float:
    """Return the share of its uptime in which a tool may produce, by SEMI E10."""
    scheduled = (1.0 - tool.nonscheduled_fraction[k]) * (1.0 - tool.pm_fraction[k])
    return scheduled * (1.0 - tool.engineering_fraction[k])


@stage_jit
def _count_tools(
    clock: Clock,
    structure: Structure,
    world: World,
    state: State,
    fab: int,
    g: int,
    c: int,
    step: int,
    n: int,
) -> bool:
    """Fill the tools of a class that are in production; return whether any lane has one.

    They must be zero before.
    """
    fleet, delays = structure.fleet[fab, g, c], world.fleet[fab, g, c]
    lows, highs, drawn = structure.curve_low, structure.curve_high, world.curve
    curve, retirements = fleet.count_curve, fleet.retired_curve
    hits, effects = structure.effect_on_tools[:, fab, g, c], state.effect
    stop, begin = effects_on_tools(structure.effect, hits, effects, state.scratch, n)
    tools, scratch = state.group[g].tools, state.scratch
    _buy(clock, state.group[g], world.tool[g, c], delays, state.fleet[fab, g, c], n)
    bought = state.fleet[fab, g, c].bought
    if step < begin:
        return False
    for k in range(n):
        quarters = delays.install_quarters[k] + delays.qualification_quarters[k]
        scratch.delay_steps[k] = quarters * clock.steps_per_quarter
    delivered(lows, highs, drawn, curve, step, stop, scratch, n)
    any_lane = False
    for k in range(n):
        retired = 0.0
        if retirements >= 0:
            retired = curve_value(lows, highs, drawn, retirements, step, k)
        arrived = scratch.arrived[k]
        arrived = min(arrived, bought[k]) if delays.planned_use[k] > 0.0 else arrived
        tools[c, k] = in_production(arrived, retired, scratch.kept_share[k])
        any_lane |= tools[c, k] > 0.0
    return any_lane


@inline_jit
def rate_class(
    noise: bool,
    hours: float,
    tool: Parameters,
    c: int,
    group: GroupState,
    fleet: FleetState,
    scratch: Scratch,
    n: int,
) -> None:
    """Add a class of tools to the passes that a group can make in a step of ``hours``.

    ``tool`` are the parameters of the class. ``fleet`` holds its experience and its backlog of
    repair hours, to which random failures add.
    """
    adder, overlay = group.defect_adder[c], group.overlay_ratio[c]
    tools, share, availability = group.tools[c], group.share[c], group.availability[c]
    _means_of_class(tool, tools, adder, overlay, fleet, scratch, n)
    if noise:
        _draw_uptime(hours, tool, c, group, fleet, scratch, n)
    _add_passes(hours, tool, tools, share, availability, group, scratch, n)


@lane_jit
def _means_of_class(
    tool: Parameters,
    tools: Lanes,
    adder: Lanes,
    overlay: Lanes,
    fleet: FleetState,
    scratch: Scratch,
    n: int,
) -> None:
    """Fill MTTF, MTTR, mean uptime, defect adder and overlay of a class at its experience."""
    for k in range(min(n, LANES)):
        there = tools[k] > 0.0
        young = exp_minus(fleet.kpasses[k] / tool.maturity_kpasses[k])
        mttf = tool.mttf_hours[k] * scratch.mttf_ratio[k]
        mttr = tool.mttr_hours[k] * scratch.mttr_ratio[k]
        mttf *= 1.0 - (1.0 - tool.initial_mttf_ratio[k]) * young
        adds = tool.defect_adder[k] * scratch.adder_ratio[k]
        adds *= 1.0 + (tool.initial_adder_ratio[k] - 1.0) * young
        adder[k] = adds if there else 1.0
        overlay[k] = scratch.overlay_ratio[k] if there else 1.0
        scratch.mttf_hours[k] = mttf
        scratch.mttr_hours[k] = mttr
        mean_uptime = mttf / (mttf + mttr) if there else 0.0
        scratch.mean_uptime[k] = mean_uptime
        scratch.uptime[k] = mean_uptime


@inline_jit
def _draw_uptime(
    hours: float,
    tool: Parameters,
    c: int,
    group: GroupState,
    fleet: FleetState,
    scratch: Scratch,
    n: int,
) -> None:
    """Add random repair hours to a class's backlog; fill the uptime that is left."""
    repairs = fleet.repair_hours
    for k in range(n):
        tools, each = group.tools[c, k], scratch.mttf_hours[k] + scratch.mttr_hours[k]
        scratch.failures_expected[k] = tools * hours / each if tools > 0.0 else 0.0
    draw_repairs(tool.repair_cv2, scratch, n)
    for k in range(n):
        time = group.tools[c, k] * hours
        waiting = repairs[k] + scratch.new_repair_hours[k]
        down = min(waiting, time)
        repairs[k] = waiting - down
        scratch.uptime[k] = 1.0 - down / time if time > 0.0 else 0.0


@lane_jit
def _add_passes(
    hours: float,
    tool: Parameters,
    tools: Lanes,
    share: Lanes,
    availability: Lanes,
    group: GroupState,
    scratch: Scratch,
    n: int,
) -> None:
    """Add the passes that a class can make to those of its group."""
    for k in range(min(n, LANES)):
        up, scheduled = scratch.uptime[k], scheduled_share(tool, k)
        rated = tools[k] * tool.wafers_per_hour[k] * tool.performance[k] * hours
        group.mean_passes[k] += rated * scratch.mean_uptime[k] * scheduled
        group.possible_passes[k] += rated * up * scheduled
        group.rated_passes[k] += rated
        group.tool_count[k] += tools[k]
        group.mttr_hours[k] += rated * scratch.mttr_hours[k]
        group.repair_cv2[k] += rated * tool.repair_cv2[k]
        share[k] = rated * up * scheduled
        availability[k] = up * scheduled


@stage_jit
def clear_groups(groups: Records[GroupState], n: int) -> None:
    """Clear the sums of the last step of all groups."""
    for g in range(groups.shape[0]):
        group = groups[g]
        for k in range(n):
            group.mean_passes[k] = 0.0
            group.rated_passes[k] = 0.0
            group.tool_count[k] = 0.0
            group.mttr_hours[k] = 0.0
            group.repair_cv2[k] = 0.0
            group.possible_passes[k] = 0.0
            group.made_passes[k] = 0.0
        for c in range(CLASSES):
            for k in range(n):
                group.share[c, k] = 0.0
                group.defect_adder[c, k] = 0.0
                group.tools[c, k] = 0.0
                group.availability[c, k] = 0.0


@stage_jit
def _turn_into_means(group: GroupState, n: int) -> None:
    """Turn sums over the classes of a group into means weighted by passes."""
    for k in range(n):
        rated = group.rated_passes[k]
        divisor = rated if rated > 0.0 else 1.0
        group.mttr_hours[k] /= divisor
        group.repair_cv2[k] /= divisor
    for k in range(n):
        passes = group.possible_passes[k]
        divisor = passes if passes > 0.0 else 1.0
        group.share[0, k] /= divisor
        group.share[1, k] /= divisor


@stage_jit
def group_rate(
    seed: np.uint64,
    clock: Clock,
    structure: Structure,
    world: World,
    state: State,
    fab: int,
    g: int,
    step: int,
    first: int,
    n: int,
) -> None:
    """Fill the passes that a group can make in the step, by class, its defect adders and overlay.

    The sums of the step in the group's state must be zero before.
    """
    group, scratch = state.group[g], state.scratch
    for c in range(CLASSES):
        for k in range(n):
            group.defect_adder[c, k] = 1.0
            group.overlay_ratio[c, k] = 1.0
        if structure.fleet[fab, g, c].count_curve < 0:
            continue
        if not _count_tools(clock, structure, world, state, fab, g, c, step, n):
            continue
        if clock.noise:
            entity = structure.fleet_entity[fab, g]
            _draw_luck(seed, clock.first_draw + step, entity, c, first, scratch, n)
        hours, tool, fleet = clock.hours_per_step, world.tool[g, c], state.fleet[fab, g, c]
        rate_class(clock.noise, hours, tool, c, group, fleet, scratch, n)
    _turn_into_means(group, n)
    if structure.no_tool_limit[g] == 1:
        for k in range(n):
            group.mean_passes[k] *= _MUCH
            group.possible_passes[k] *= _MUCH
            group.rated_passes[k] *= _MUCH
            group.tool_count[k] *= _MUCH
