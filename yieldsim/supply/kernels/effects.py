"""Effects of a model's events in a step: factors that hold between two dates.

Kernels know no kinds of events: `supply.compile.effects` gives the factors and dates of each event.
"""

from __future__ import annotations

import numpy as np

from yieldsim.kernels.jit import inline_jit, stage_jit
from yieldsim.supply.kernels.records import (
    Clock,
    EffectDates,
    EffectState,
    Ints,
    Lanes,
    Records,
    Scratch,
    State,
    Structure,
    World,
)


@stage_jit
def begin_effects(
    clock: Clock, structure: Structure, world: World, state: State, step: int, n: int
) -> None:
    """Fill the factors of each effect in a step: 1 outside its dates.

    A ramp raises each factor to the power of the quarters since its start, up to
    ``ramp_quarters``. So a loss that continues from quarter to quarter is drawn once.
    """
    for e in range(structure.effect.shape[0]):
        effect, now, given = structure.effect[e], state.effect[e], world.effect[e]
        since = step + 0.5 - effect.start_step
        for k in range(n):
            now.mttf_ratio[k] = 1.0
            now.mttr_ratio[k] = 1.0
            now.kept_share[k] = 1.0
            now.capacity_ratio[k] = 1.0
            now.d0_ratio[k] = 1.0
            if since <= 0.0 or step >= effect.end_step:
                continue
            now.mttf_ratio[k] = given.mttf_ratio[k]
            now.mttr_ratio[k] = given.mttr_ratio[k]
            now.kept_share[k] = 1.0 - given.tools_lost[k]
            now.capacity_ratio[k] = given.capacity_ratio[k]
            now.d0_ratio[k] = given.d0_ratio[k]
            if effect.ramp == 1:
                power = min(since / clock.steps_per_quarter, given.ramp_quarters[k])
                now.mttf_ratio[k] **= power
                now.mttr_ratio[k] **= power
                now.kept_share[k] **= power
                now.capacity_ratio[k] **= power
                now.d0_ratio[k] **= power


@inline_jit
def effects_on_starts(effects: Records[EffectDates], hits: Ints) -> float:
    """Return the step before which a fab starts no wafers; ``hits`` marks the effects on it."""
    begin = -np.inf
    for e in range(effects.shape[0]):
        if hits[e] == 1:
            begin = max(begin, effects[e].first_start_step)
    return begin


@inline_jit
def effects_on_capacity(hits: Ints, effects: Records[EffectState], left: Lanes, n: int) -> None:
    """Fill the share of a fab's capacity that effects leave; ``hits`` marks those on the fab."""
    for k in range(n):
        left[k] = 1.0
    for e in range(effects.shape[0]):
        if hits[e] == 1:
            for k in range(n):
                left[k] *= effects[e].capacity_ratio[k]


@inline_jit
def effects_on_density(hits: Ints, effects: Records[EffectState], factor: Lanes, n: int) -> None:
    """Fill the factor of effects on the density of a route; ``hits`` marks those on the route."""
    for k in range(n):
        factor[k] = 1.0
    for e in range(effects.shape[0]):
        if hits[e] == 1:
            for k in range(n):
                factor[k] *= effects[e].d0_ratio[k]


@inline_jit
def effects_on_tools(
    dates: Records[EffectDates], hits: Ints, effects: Records[EffectState], scratch: Scratch, n: int
) -> tuple[float, float]:
    """Fill the factors of effects on a class of tools: MTTF, MTTR and the share of tools kept.

    ``hits`` marks the effects on the class. Return the step after which no tool is delivered, and
    the first step in which the class may produce.
    """
    stop, begin = np.inf, -np.inf
    for k in range(n):
        scratch.mttf_ratio[k] = 1.0
        scratch.mttr_ratio[k] = 1.0
        scratch.kept_share[k] = 1.0
    for e in range(effects.shape[0]):
        if hits[e] == 0:
            continue
        stop = min(stop, dates[e].last_delivery_step)
        begin = max(begin, dates[e].first_production_step)
        effect = effects[e]
        for k in range(n):
            scratch.mttf_ratio[k] *= effect.mttf_ratio[k]
            scratch.mttr_ratio[k] *= effect.mttr_ratio[k]
            scratch.kept_share[k] *= effect.kept_share[k]
    return stop, begin
