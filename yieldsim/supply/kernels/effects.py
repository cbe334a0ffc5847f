"""What the events of a model do in a step: each is an effect, a set of factors between two dates.

Kernels know no kinds of events: `supply.compile.effects` says which factors and dates an event has.
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
    """Fill the factors of each effect in a step: one outside its dates.

    A ramp raises each factor to the power of the quarters since its start, up to
    ``ramp_quarters``: so a loss that goes on from quarter to quarter is drawn once.
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
    """Return the step before which a fab starts no wafers; ``hits`` are the effects on it."""
    begin = -np.inf
    for e in range(effects.shape[0]):
        if hits[e] == 1:
            begin = max(begin, effects[e].first_start_step)
    return begin


@inline_jit
def effects_on_capacity(hits: Ints, effects: Records[EffectState], left: Lanes, n: int) -> None:
    """Fill what effects leave of a fab's capacity; ``hits`` are those on it."""
    for k in range(n):
        left[k] = 1.0
    for e in range(effects.shape[0]):
        if hits[e] == 1:
            for k in range(n):
                left[k] *= effects[e].capacity_ratio[k]


@inline_jit
def effects_on_density(hits: Ints, effects: Records[EffectState], factor: Lanes, n: int) -> None:
    """Fill what effects do to the density of a route; ``hits`` are those on its process there."""
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
    """Fill what effects do to a class of tools: ratios of MTTF and MTTR, the share kept.

    ``hits`` are those on the class. Return the step after which nothing is delivered, and the
    first one in which the class may produce.
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
        now = effects[e]
        for k in range(n):
            scratch.mttf_ratio[k] *= now.mttf_ratio[k]
            scratch.mttr_ratio[k] *= now.mttr_ratio[k]
            scratch.kept_share[k] *= now.kept_share[k]
    return stop, begin
