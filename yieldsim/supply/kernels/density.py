"""Killer defect density and clustering of the wafers started in a step, and overlay yield."""

from __future__ import annotations

import math

import numpy as np

from yieldsim.kernels.inverse import gamma_wilson_hilferty, normal_ppf
from yieldsim.kernels.jit import inline_jit, stage_jit
from yieldsim.kernels.philox import STREAM_DENSITY, noise_uniform
from yieldsim.supply.kernels.dies import POISSON_ALPHA
from yieldsim.supply.kernels.effects import effects_on_density
from yieldsim.supply.kernels.records import (
    CLASSES,
    EXPONENTIAL,
    LANES,
    NO_LEARNING,
    Clock,
    Floats,
    GroupState,
    Lanes,
    Parameters,
    Records,
    Records2,
    Scratch,
    State,
    Structure,
    World,
)


@inline_jit
def excess_left(
    learning: Parameters,
    kind: int,
    excess: float,
    elapsed_quarters: float,
    wafers: float,
    k: int,
) -> float:
    """Return what is left of an excess over the mature density in lane ``k``.

    The formulas are those of `closed_form.exponential_learning` and `closed_form.power_learning`.
    """
    if kind == NO_LEARNING:
        return 0.0
    if kind == EXPONENTIAL:
        return excess * math.exp(-max(0.0, elapsed_quarters) / learning.tau_quarters[k])
    return excess * (1.0 + wafers / learning.reference_wafers[k]) ** -learning.exponent[k]


@stage_jit
def line_excess(
    structure: Structure, world: World, state: State, route: int, elapsed: float, k: int
) -> float:
    """Return the excess of a line over the mature density in lane ``k``.

    ``elapsed`` is the time in quarters since its process began to learn, or since its own first
    wafer where it has its own learning.
    """
    p, wafers = structure.route[route].process, state.route[route]
    excess = world.learning[p].start_ratio[k] - 1.0
    if structure.route[route].own_learning == 1:
        excess = wafers.first_excess[k]
    kind, so_far = structure.learning[p], wafers.wafers_so_far[k]
    return excess_left(world.learning[p], kind, excess, elapsed, so_far, k)


@stage_jit
def since_start(
    structure: Structure, state: State, route: int, time: float, per_quarter: int, k: int
) -> float:
    """Return the quarters for which a line has learnt at a ``time`` in steps."""
    start = structure.learning_start[structure.route[route].process]
    if structure.route[route].own_learning == 1:
        start = state.route[route].first_step[k]
    return (time - start) / per_quarter


@stage_jit
def begin_learning(
    clock: Clock, structure: Structure, world: World, state: State, step: int, n: int
) -> None:
    """Fill the excess with which each line starts, as long as it has started no wafer.

    What another line has lost of its excess is copied in part: (1 - s) (R - 1) + s E with the
    start ratio R, the transferred share s and the excess E of the line that is copied. That line
    comes first, so that it has its own start.
    """
    per_quarter = clock.steps_per_quarter
    for route in range(structure.route.shape[0]):
        if structure.route[route].own_learning == 0:
            continue
        own, wafers = world.line_learning[route], state.route[route]
        mother = structure.route[route].copied_from
        for k in range(n):
            if wafers.wafers_so_far[k] > 0.0:
                continue
            excess, share = own.start_ratio[k] - 1.0, own.transferred_share[k]
            if mother >= 0:
                elapsed = since_start(structure, state, mother, float(step), per_quarter, k)
                copied = line_excess(structure, world, state, mother, elapsed, k)
                excess = (1.0 - share) * excess + share * copied
            wafers.first_step[k] = step
            wafers.first_excess[k] = excess


@stage_jit
def adder_ratio(
    visits: Floats,
    weights: Records[Parameters],
    group: Records[GroupState],
    scratch: Scratch,
    n: int,
) -> None:
    """Multiply the density by the mean defect adder of the passes granted.

    An adder is relative to mature imported tools. Tool groups count by their ``defect_weight``.
    """
    total, weight = scratch.adder_sum, scratch.adder_weight
    for k in range(n):
        total[k] = 0.0
        weight[k] = 0.0
    for g in range(visits.shape[0]):
        tools, defect_weight = group[g], weights[g].defect_weight
        for k in range(n):
            imported, domestic = tools.share[0, k], tools.share[1, k]
            if visits[g, k] > 0.0 and imported + domestic > 0.0:  # nothing starts without tools
                adders = imported * tools.defect_adder[0, k]
                adders += domestic * tools.defect_adder[1, k]
                total[k] += defect_weight[k] * adders
                weight[k] += defect_weight[k]
    for k in range(n):
        if weight[k] > 0.0:
            scratch.d0_per_cm2[k] *= total[k] / weight[k]


@stage_jit
def skipped_passes(
    visits: Floats,
    parameters: Records[Parameters],
    group: Records[GroupState],
    density: Lanes,
    n: int,
) -> None:
    """Raise the density by the control steps that are skipped where sampling gives way.

    Assumption: the rise is proportional to the share of the planned passes that is skipped.
    """
    for g in range(visits.shape[0]):
        kept, adder = group[g].kept, parameters[g].skipped_adder
        for k in range(n):
            if visits[g, k] > 0.0:
                density[k] *= 1.0 + adder[k] * (1.0 - kept[k])


@inline_jit
def _aligned(
    tool: Records2[Parameters], group: Records[GroupState], g: int, tolerance_nm: float, k: int
) -> float:
    """Return the share of a group's passes that align; 1 where no class has an overlay error.

    Overlay errors are normal and independent along x and y, with one sigma for both axes. A layer
    aligns with probability erf(tolerance / (sigma sqrt 2))^2.
    """
    aligned = 0.0
    relevant = False
    for c in range(CLASSES):
        sigma_nm = tool[g, c].overlay_sigma_nm[k] * group[g].overlay_ratio[c, k]
        share = group[g].share[c, k]
        inside = 1.0
        if sigma_nm > 0.0 and share > 0.0:
            relevant = True
            along_an_axis = math.erf(tolerance_nm / (sigma_nm * math.sqrt(2.0)))
            inside = along_an_axis * along_an_axis
        aligned += share * inside
    return aligned if relevant else 1.0


@inline_jit
def overlay_yield(
    process: Parameters,
    visits: Floats,
    tool: Records2[Parameters],
    group: Records[GroupState],
    survive: Lanes,
    n: int,
) -> None:
    """Multiply ``survive`` by the share of dies whose critical layers all align.

    Each layer is exposed by a tool class drawn in proportion to its passes.
    """
    for g in range(visits.shape[0]):
        for k in range(n):
            layers = process.overlay_layers[k]
            if layers > 0.0 and visits[g, k] > 0.0:
                aligned = _aligned(tool, group, g, process.overlay_tolerance_nm[k], k)
                if aligned != 1.0:
                    survive[k] *= aligned**layers


@inline_jit
def clustered(
    seed: np.uint64,
    draw: int,
    entity: np.uint32,
    realization: np.uint32,
    alpha: float,
    clusters: float,
) -> tuple[float, float]:
    """Return the factor on the period's density, and the clustering left within the period.

    The mean of L gamma densities of shape alpha is gamma of shape alpha L. Given that mean, each
    density is a scaled beta of relative variance (L - 1)/(alpha L + 1). A gamma of shape
    (alpha L + 1)/(L - 1) matches that variance: Poisson for one cluster, alpha for many.
    """
    if alpha >= POISSON_ALPHA:
        return 1.0, alpha
    u = noise_uniform(seed, np.uint32(draw), entity, STREAM_DENSITY, realization)
    count = max(clusters, 1.0)
    factor = gamma_wilson_hilferty(normal_ppf(u), alpha * count)
    if count <= 1.0:
        return factor, 2.0 * POISSON_ALPHA
    return factor, (alpha * count + 1.0) / (count - 1.0)


@stage_jit
def fill_density(
    clock: Clock, structure: Structure, world: World, state: State, route: int, step: int, n: int
) -> None:
    """Fill the mean killer density of the wafers started: maturity, learning, events, tools."""
    fab, p = structure.route[route].fab, structure.route[route].process
    d0_per_cm2, density = world.process[p].d0_mature_per_cm2, state.scratch.d0_per_cm2
    factor, excursion = state.scratch.d0_factor, state.scratch.excursion_factor
    effects_on_density(structure.effect_on_density[:, fab, p], state.effect, factor, n)
    for k in range(n):
        now = step + 0.5
        elapsed = since_start(structure, state, route, now, clock.steps_per_quarter, k)
        learnt = 1.0 + line_excess(structure, world, state, route, elapsed, k)
        density[k] = d0_per_cm2[k] * factor[k] * learnt * excursion[k]
    if structure.fab[fab].equipped == 1:
        adder_ratio(world.visits[p], world.group, state.group, state.scratch, LANES)
        least = 1.0
        for k in range(n):
            least = min(least, state.scratch.kept_passes[k])
        if least < 1.0:
            skipped_passes(world.visits[p], world.group, state.group, density, n)
    if clock.no_defects:
        for k in range(n):
            density[k] = 0.0


@stage_jit
def fill_clustering(
    seed: np.uint64,
    clock: Clock,
    structure: Structure,
    process: Parameters,
    state: State,
    route: int,
    step: int,
    first: int,
    n: int,
) -> None:
    """Fill the factor on the density of the period's wafers, and the clustering left within it."""
    for k in range(n):
        state.scratch.cluster_factor[k] = 1.0
        state.scratch.alpha_within[k] = process.alpha[k]
    if not clock.noise:
        return
    draw, entity = clock.first_draw + step, structure.route_entity[route]
    for k in range(n):
        starts = state.route[route].starts[k]
        if starts > 0.0:
            clusters = starts / process.cluster_wafers[k]
            alpha, realization = process.alpha[k], np.uint32(first + k)
            factor, left = clustered(seed, draw, entity, realization, alpha, clusters)
            state.scratch.cluster_factor[k] = factor
            state.scratch.alpha_within[k] = left
