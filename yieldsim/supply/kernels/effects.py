"""What happens to lines in a step: a model's events, and random excursions.

An event has factors that hold between two dates. Kernels know no kinds of events:
`supply.compile.effects` gives the factors and dates of each. Random excursions arrive, raise the
defect density, and are detected.
"""

from __future__ import annotations

import numpy as np

from yieldsim.kernels.inverse import gamma_wilson_hilferty, normal_ppf, poisson_ppf_within_one
from yieldsim.kernels.jit import inline_jit, stage_jit
from yieldsim.kernels.philox import STREAM_LINE_EXCURSION, seeded_words, uniform53
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
from yieldsim.units import DAYS_PER_QUARTER


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
            now.adder_ratio[k] = 1.0
            now.overlay_ratio[k] = 1.0
            now.kept_share[k] = 1.0
            now.capacity_ratio[k] = 1.0
            now.d0_ratio[k] = 1.0
            if since <= 0.0 or step >= effect.end_step:
                continue
            now.mttf_ratio[k] = given.mttf_ratio[k]
            now.mttr_ratio[k] = given.mttr_ratio[k]
            now.adder_ratio[k] = given.adder_ratio[k]
            now.overlay_ratio[k] = given.overlay_ratio[k]
            now.kept_share[k] = 1.0 - given.tools_lost[k]
            now.capacity_ratio[k] = given.capacity_ratio[k]
            now.d0_ratio[k] = given.d0_ratio[k]
            if effect.ramp == 1:
                power = min(since / clock.steps_per_quarter, given.ramp_quarters[k])
                now.mttf_ratio[k] **= power
                now.mttr_ratio[k] **= power
                now.adder_ratio[k] **= power
                now.overlay_ratio[k] **= power
                now.kept_share[k] **= power
                now.capacity_ratio[k] **= power
                now.d0_ratio[k] **= power


@stage_jit
def effects_on_starts(effects: Records[EffectDates], hits: Ints) -> float:
    """Return the step before which a fab starts no wafers; ``hits`` marks the effects on it."""
    begin = -np.inf
    for e in range(effects.shape[0]):
        if hits[e] == 1:
            begin = max(begin, effects[e].first_start_step)
    return begin


@stage_jit
def effects_on_capacity(hits: Ints, effects: Records[EffectState], left: Lanes, n: int) -> None:
    """Fill the share of a fab's capacity that effects leave; ``hits`` marks those on the fab."""
    for k in range(n):
        left[k] = 1.0
    for e in range(effects.shape[0]):
        if hits[e] == 1:
            for k in range(n):
                left[k] *= effects[e].capacity_ratio[k]


@stage_jit
def effects_on_density(hits: Ints, effects: Records[EffectState], factor: Lanes, n: int) -> None:
    """Fill the factor of effects on the density of a route; ``hits`` marks those on the route."""
    for k in range(n):
        factor[k] = 1.0
    for e in range(effects.shape[0]):
        if hits[e] == 1:
            for k in range(n):
                factor[k] *= effects[e].d0_ratio[k]


@stage_jit
def effects_on_tools(
    dates: Records[EffectDates], hits: Ints, effects: Records[EffectState], scratch: Scratch, n: int
) -> tuple[float, float]:
    """Fill the factors of effects on a class of tools: MTTF, MTTR, defects, overlay, tools kept.

    ``hits`` marks the effects on the class. Return the step after which no tool is delivered, and
    the first step in which the class may produce.
    """
    stop, begin = np.inf, -np.inf
    for k in range(n):
        scratch.mttf_ratio[k] = 1.0
        scratch.mttr_ratio[k] = 1.0
        scratch.adder_ratio[k] = 1.0
        scratch.overlay_ratio[k] = 1.0
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
            scratch.adder_ratio[k] *= effect.adder_ratio[k]
            scratch.overlay_ratio[k] *= effect.overlay_ratio[k]
            scratch.kept_share[k] *= effect.kept_share[k]
    return stop, begin


@inline_jit
def new_days(arrivals: float, mean_days: float, u1: float, u2: float) -> float:
    """Return the days of the excursions that arrive in a step with ``arrivals`` expected.

    Arrivals are Poisson and durations exponential, so the sum of some durations is a gamma.
    """
    count = poisson_ppf_within_one(u1, arrivals)
    days = count * mean_days
    return days * gamma_wilson_hilferty(normal_ppf(u2), float(count)) if count > 0.0 else days


@stage_jit
def meet_excursions(
    seed: np.uint64,
    clock: Clock,
    structure: Structure,
    world: World,
    state: State,
    fab: int,
    step: int,
    first: int,
    n: int,
) -> None:
    """Fill the factor of a fab's random excursions on the density of the wafers of a step.

    One excursion follows another, so a fab has one for at most all of its time. Wafers of a step
    are exposed in proportion to the time. An excursion is found by control steps, so its time is
    that with all planned ones over the share of them that is made.
    """
    own, scratch, waiting = world.excursion[fab], state.scratch, state.excursion_days[fab]
    draw, entity = np.uint32(clock.first_draw + step), structure.fab_entity[fab]
    for k in range(n):
        scratch.exposed[k] = 0.0
        if own.rate_per_quarter[k] <= 0.0:
            continue
        mean_days = own.detection_days[k] / scratch.kept_passes[k]
        if clock.noise:
            words = seeded_words(seed, draw, entity, STREAM_LINE_EXCURSION, np.uint32(first + k))
            u1, u2 = uniform53(words[0], words[1]), uniform53(words[2], words[3])
            arrivals = own.rate_per_quarter[k] / clock.steps_per_quarter
            waiting[k] += new_days(arrivals, mean_days, u1, u2)
            days = min(waiting[k], clock.days_per_step)
            waiting[k] -= days
            scratch.exposed[k] = days / clock.days_per_step
        else:
            share = own.rate_per_quarter[k] * mean_days / DAYS_PER_QUARTER
            scratch.exposed[k] = min(1.0, share)
    for k in range(n):
        rise = own.d0_ratio[k] - 1.0
        scratch.excursion_factor[k] = 1.0 + scratch.exposed[k] * rise
