"""Gross dies, and the yields of a die by bin in closed form.

Clustering is a gamma density shared by the whole die, so the yield of an area is a negative
binomial (Stapper 1989). P(fatal area good and at least k of n cores good) is a sum of such yields,
by inclusion and exclusion over cores (Koren and Koren 1998).
"""

from __future__ import annotations

import math

import numpy as np

from yieldsim.kernels.jit import bare_jit, inline_jit, stage_jit
from yieldsim.outputs import ALLOCATION, DEFECTS, WAFER_PLAN
from yieldsim.supply.kernels.records import (
    DieDesign,
    Floats,
    Ints,
    Parameters,
    State,
    Structure,
    World,
)
from yieldsim.units import MM2_PER_CM2
from yieldsim.wafer.kernels.classes import cell_place, pieces_value
from yieldsim.wafer.kernels.geometry import count_best_of_four

POISSON_ALPHA = 1e8  # above this the negative binomial differs from Poisson by less than 1e-8
_NODES = 32
_NO_LIFE = 700.0  # exp(-700) = 1e-304
_STEP = 0.2  # step of the log density where the gamma's tail makes the range long
_NEGLIGIBLE = 30.0  # exp(-30) = 1e-13
_TENTH = 0.1  # by which a label changes each constraint to see what would add most dies


@inline_jit
def area_yield(faults: float, alpha: float) -> float:
    """Return (1 + faults/alpha)^-alpha, or the Poisson exp(-faults) for a very large alpha."""
    if alpha >= POISSON_ALPHA:
        return math.exp(-faults)
    return math.exp(-alpha * math.log1p(faults / alpha))


@bare_jit
def gross_dies(wafer: Parameters, die: Parameters, k: int) -> float:
    """Return gross dies per wafer: the given count, or the best of four half-pitch grid offsets."""
    if die.gross_die_per_wafer[k] > 0.0:
        return die.gross_die_per_wafer[k]
    width, height, scribe = die.width_mm[k], die.height_mm[k], wafer.scribe_mm[k]
    radius = 0.5 * wafer.diameter_mm[k] - wafer.edge_exclusion_mm[k]
    return float(count_best_of_four(width + scribe, height + scribe, width, height, radius))


@inline_jit
def gamma_nodes(alpha: float) -> tuple[float, float, int]:
    """Return (low end, step, number of nodes) of a midpoint rule over the log of a gamma density.

    The density has mean 1. For Poisson there is a single node, at density 1.
    """
    spread = math.sqrt(2.0 * _NEGLIGIBLE / alpha)
    low = -(_NEGLIGIBLE / alpha + spread)
    high = math.log1p(_NEGLIGIBLE / alpha + spread)
    nodes = max(_NODES, int((high - low) / _STEP))
    if alpha >= POISSON_ALPHA:
        nodes = 1
    return low, (high - low) / nodes, nodes


@inline_jit
def _gamma_node(
    alpha: float, low: float, step: float, nodes: int, node: int
) -> tuple[float, float]:
    """Return the density at a node of `gamma_nodes`, and its weight (not normalized)."""
    log_density = 0.0 if nodes == 1 else low + (node + 0.5) * step
    density = math.exp(log_density)
    return density, math.exp(alpha * (log_density + 1.0 - density))


@bare_jit
def deep_tails(
    fatal: float, core: float, cores: int, min_good: Ints, bins: int, alpha: float, tail: Floats
) -> None:
    """Fill ``tail[b]`` by quadrature, for designs whose alternating sum would cancel.

    The midpoint rule integrates over the log of the die's gamma density. The integrand decays on
    both sides, so the rule converges geometrically (Trefethen and Weideman 2014,
    doi:10.1137/130932132). It is right to 1e-10 for alpha >= 0.3 (test_deep_tails). ``min_good``
    falls from bin to bin.
    """
    for b in range(bins):
        tail[b] = 0.0
    low, step, nodes = gamma_nodes(alpha)
    mass = 0.0
    for node in range(nodes):
        density, weight = _gamma_node(alpha, low, step, nodes, node)
        mass += weight
        if (fatal + cores * core) * density > _NO_LIFE:
            continue  # the odds of a bad core may be infinite there
        odds = math.expm1(core * density)  # of a core being bad rather than good
        term = weight * math.exp(-(fatal + cores * core) * density)
        met = term
        lost = 0
        for b in range(bins):
            while lost < cores - min_good[b]:
                lost += 1
                term *= odds * (cores - lost + 1) / lost
                met += term
            tail[b] += met
    for b in range(bins):
        tail[b] /= mass


@inline_jit
def bin_tails(
    design: DieDesign,
    min_good: Ints,
    harvest: Floats,
    fatal: float,
    core: float,
    alpha: float,
    tail: Floats,
) -> None:
    """Fill ``tail[b]`` with the probability that a die meets the rule of bin b.

    ``fatal`` and ``core`` are the mean faults of the fatal area and of a core.
    """
    bins, cores = design.bins, design.cores
    if design.deep == 1:
        deep_tails(fatal, core, cores, min_good, bins, alpha, tail)
        return
    lowest = min_good[bins - 1]
    for b in range(bins):
        tail[b] = 0.0
    for j in range(cores - lowest + 1):
        area = area_yield(fatal + (lowest + j) * core, alpha)
        for b in range(bins):
            tail[b] += harvest[b, j] * area


@bare_jit
def table_tails(
    design: DieDesign, table: Floats, faults: float, alpha: float, tail: Floats
) -> None:
    """Fill ``tail[b]`` with the share of dies in bin b or better, from the table of a floorplan.

    The table does not hold the clustering. It is integrated as in `deep_tails`.
    """
    bins, first, cells = design.bins, design.table_first, design.table_cells
    low, step, nodes = gamma_nodes(alpha)
    for b in range(bins):
        tail[b] = 0.0
    mass = 0.0
    for node in range(nodes):
        density, weight = _gamma_node(alpha, low, step, nodes, node)
        mass += weight
        cell, t = cell_place(first, cells, faults * density)
        for b in range(bins):
            tail[b] += weight * pieces_value(table, cell, b, t)
    above = 0.0
    for b in range(bins):
        above += max(0.0, tail[b] / mass)
        tail[b] = min(above, 1.0)


@stage_jit
def susceptible_cm2(die: Parameters, k: int) -> float:
    """Return the area of a die on which a defect can kill a block: all but repairable memory."""
    mended = die.memory_fraction[k] * die.memory_repair[k]
    return die.width_mm[k] * die.height_mm[k] / MM2_PER_CM2 * (1.0 - mended)


@inline_jit
def alpha_within(alpha: float, left: float, faults: float) -> float:
    """Return the clustering of a die given its period's density, such that the mean yield holds.

    ``left`` (from `clustered`) matches the variance of the density, which is right for few faults.
    For more faults, left - alpha is scaled by psi = (x/(1+x))^2 / (2 (ln(1+x) - x/(1+x))) with
    x = faults/alpha. The mean yield over the period's gamma is then that of alpha, to second order
    in the gamma's width (test_mean_yield_is_the_negative_binomial).
    """
    x = faults / alpha
    if x < 1e-4 or left == alpha:  # equal without process noise
        return left
    part = x / (1.0 + x)
    return alpha + (left - alpha) * part * part / (2.0 * (math.log1p(x) - part))


@inline_jit
def sort_dies(
    die: Parameters,
    k: int,
    design: DieDesign,
    min_good: Ints,
    harvest: Floats,
    table: Floats,
    d0_per_cm2: float,
    alpha: float,
    survive: float,
    tail: Floats,
    out: Floats,
) -> float:
    """Fill ``out[b]`` with the share of gross dies that pass in bin b, ``out[-1]`` with escapes.

    ``die`` are the parameters of the design, read in lane ``k``. ``survive`` is the systematic
    yield. Return the share that is truly good.
    """
    area_cm2 = die.width_mm[k] * die.height_mm[k] / MM2_PER_CM2
    if design.tabled == 1:
        table_tails(design, table, d0_per_cm2 * area_cm2, alpha, tail)
    else:
        in_cores = die.core_fraction[k]
        mended = die.memory_fraction[k] * die.memory_repair[k]
        fatal = d0_per_cm2 * area_cm2 * max(0.0, 1.0 - in_cores - mended)
        cores = design.cores
        core = d0_per_cm2 * area_cm2 * in_cores / cores if cores > 0 else 0.0
        bin_tails(design, min_good, harvest, fatal, core, alpha, tail)
    functional = survive * die.parametric_yield[k]
    kept = functional * (1.0 - die.test_overkill[k])
    above = 0.0
    for b in range(design.bins):
        out[b] = max(0.0, tail[b] - above) * kept
        above = tail[b]
    good = above * functional
    out[out.shape[0] - 1] = (1.0 - good) * die.test_escape[k]
    return good


@stage_jit
def _alpha(
    structure: Structure, world: World, state: State, route: int, die: int, ratio: float, k: int
) -> float:
    """Return the clustering of a design's dies at ``ratio`` times the density of the step."""
    alpha, scratch = world.process[structure.route[route].process].alpha[k], state.scratch
    part = scratch.d0_per_cm2[k] * ratio * structure.die[die].killing_part
    return alpha_within(alpha, scratch.alpha_within[k], part * susceptible_cm2(world.die[die], k))


@stage_jit
def sort_cohort(
    structure: Structure,
    world: World,
    state: State,
    route: int,
    entry: int,
    step: int,
    ratio: float,
    k: int,
) -> float:
    """Fill the bin yields of an entry in a cohort; return the share of its dies that is good.

    The density of defects is ``ratio`` times that of the step.
    """
    die, scratch = structure.entry[entry].die, state.scratch
    design, values = structure.die[die], world.die[die]
    return sort_dies(
        values,
        k,
        design,
        structure.min_good[die],
        structure.harvest[die],
        structure.bin_table[die],
        scratch.d0_per_cm2[k] * ratio * scratch.cluster_factor[k],
        _alpha(structure, world, state, route, die, ratio, k),
        scratch.systematic_yield[k],
        state.tail,
        state.bin_yield[step, entry, :, k],
    )


@stage_jit
def label_design(
    structure: Structure, world: World, state: State, route: int, entry: int, step: int, k: int
) -> float:
    """Fill the bin yields of an entry in a cohort; return the constraint on its design.

    What fewer defects would gain is known to a factor of two without sorting the dies again
    (`cleaner_gain`). They are sorted again where this does not decide.
    """
    wafers, scratch = state.route[route], state.scratch
    good = sort_cohort(structure, world, state, route, entry, step, 1.0, k)
    others = 0.0  # AI chips come first: others' wafers add nothing to a design for none
    if structure.entry[entry].for_ai == 1:
        others = scratch.for_others[k] / state.weight[step, entry, k]
    more = starts_gain(wafers.planned[k], wafers.starts[k], wafers.allowed[k], wafers.held_by[k])
    die = structure.entry[entry].die
    alpha = _alpha(structure, world, state, route, die, 1.0, k)
    functional = scratch.systematic_yield[k] * world.die[die].parametric_yield[k]
    gain = cleaner_gain(good / functional if functional > 0.0 else 0.0, alpha)
    rival = max(more, _TENTH * others)
    cleaner = good * (1.0 + gain)
    if 0.5 * rival < gain < 2.0 * rival:
        cleaner = sort_cohort(structure, world, state, route, entry, step, 1.0 - _TENTH, k)
        sort_cohort(structure, world, state, route, entry, step, 1.0, k)
    return dies_limit(good, cleaner, wafers.held_by[k], more, others)


@inline_jit
def cleaner_gain(good: float, alpha: float) -> float:
    """Return the dies gained, over the good ones, by 10 % fewer defects, by the whole-die law.

    It is exact for a die without spare cores under a negative binomial of this alpha.
    """
    if good <= 0.0:
        return np.inf
    faults = math.expm1(-math.log(min(1.0, good)) / alpha)  # over alpha
    return math.expm1(alpha * (math.log1p(faults) - math.log1p((1.0 - _TENTH) * faults)))


@inline_jit
def starts_gain(planned: float, starts: float, allowed: float, held_by: float) -> float:
    """Return the wafers gained, over those started, by 10 % more of what holds the starts.

    Where it is not the plan, the plan limits the gain. A route may start more for a while than its
    tools allow in the long run: these wafers only fill its buffer.
    """
    lasting = min(starts, allowed)
    if held_by == WAFER_PLAN or lasting <= 0.0:
        return _TENTH
    return min(_TENTH, max(0.0, planned / lasting - 1.0))


@inline_jit
def dies_limit(good: float, cleaner: float, held_by: float, more: float, others: float) -> float:
    """Return the constraint on a design of which a change of 10 % would add most good dies.

    With 10 % fewer defects the share ``cleaner`` would be good instead of ``good``: the gain is of
    defects. 10 % more of what holds the starts adds the share ``more``: the gain is of ``held_by``.
    A tenth of the wafers that the line starts for no AI product, ``others`` times as many as for
    the design, is the gain of allocation. Of equal gains the starts come first, then allocation.
    """
    given = _TENTH * others
    if good <= 0.0 or cleaner - good > good * max(more, given):
        return DEFECTS
    return ALLOCATION if given > more else held_by
