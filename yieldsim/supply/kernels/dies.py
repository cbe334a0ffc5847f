"""Gross dies, and the yields of a die by bin in closed form.

Clustering is a gamma density shared by the whole die, so the yield of an area is a negative
binomial (Stapper 1989). P(fatal area good and at least k of n cores good) is a sum of such yields,
by inclusion and exclusion over cores (Koren and Koren 1998).
"""

from __future__ import annotations

import math

from yieldsim.kernels.elementary import exp_minus, exp_within, log1p_positive
from yieldsim.kernels.jit import inline_jit, stage_jit
from yieldsim.outputs import ALLOCATION, DEFECTS, WAFER_PLAN
from yieldsim.supply.kernels.records import (
    DieDesign,
    Floats,
    Ints,
    Lanes,
    Parameters,
    Sorting,
    State,
    Structure,
    World,
)
from yieldsim.units import MM2_PER_CM2
from yieldsim.wafer.kernels.classes import cell_place, pieces_value
from yieldsim.wafer.kernels.geometry import count_best_of_four

POISSON_ALPHA = 1e8  # above this the negative binomial differs from Poisson by less than 1e-8
_NODES = 32.0
_NO_LIFE = 700.0  # exp(-700) = 1e-304
_STEP = 0.2  # of the axis of a quadrature, where that gives more nodes
_BEND = 1.5  # the axis is drawn together below the density exp(-1.5)
_NEGLIGIBLE = 30.0  # exp(-30) = 1e-13
_TENTH = 0.1  # by which a label changes each constraint to see what would add most dies


@inline_jit
def area_yield(faults: float, alpha: float) -> float:
    """Return (1 + faults/alpha)^-alpha, or the Poisson exp(-faults) for a very large alpha."""
    law = alpha * log1p_positive(faults / alpha)
    return exp_minus(faults if alpha >= POISSON_ALPHA else law)


@stage_jit
def gross_dies(wafer: Parameters, die: Parameters, k: int) -> float:
    """Return gross dies per wafer: the given count, or the best of four half-pitch grid offsets."""
    if die.gross_die_per_wafer[k] > 0.0:
        return die.gross_die_per_wafer[k]
    width, height, scribe = die.width_mm[k], die.height_mm[k], wafer.scribe_mm[k]
    radius = 0.5 * wafer.diameter_mm[k] - wafer.edge_exclusion_mm[k]
    return float(count_best_of_four(width + scribe, height + scribe, width, height, radius))


@inline_jit
def _place(log_density: float) -> float:
    """Return the place of a log density on the axis of `gamma_nodes`: u - exp(-(u + _BEND)) = it.

    Newton's steps come from below, where the slope is larger.
    """
    u = max(log_density, -_BEND - log1p_positive(max(0.0, -log_density)))
    for _ in range(3):
        bend = exp_within(-(u + _BEND))
        u -= (u - bend - log_density) / (1.0 + bend)
    return u


@inline_jit
def gamma_nodes(work: Sorting, begin: int, end: int) -> int:
    """Fill the midpoint rule of each lane for its gamma density of mean 1; return the most nodes.

    The axis is the log of the density, drawn together at low densities, where the gamma's tail is
    long and nothing else changes: log density = u - exp(-(u + _BEND)). For Poisson there is a
    single node, at density 1.
    """
    for k in range(begin, end):
        alpha = min(work.alpha[k], POISSON_ALPHA)
        spread = math.sqrt(2.0 * _NEGLIGIBLE / alpha)
        low = _place(-(_NEGLIGIBLE / alpha + spread))
        high = _place(log1p_positive(_NEGLIGIBLE / alpha + spread))
        nodes = max(_NODES, math.floor((high - low) / _STEP))
        width = (high - low) / nodes
        one = alpha >= POISSON_ALPHA
        work.nodes[k] = 1.0 if one else nodes
        work.low[k] = 0.0 if one else low
        work.width[k] = 0.0 if one else width
        work.bend[k] = 0.0 if one else exp_within(-(low + 0.5 * width + _BEND))
        work.bend_ratio[k] = exp_within(-width)
        work.mass[k] = 0.0
    most = 1.0
    for k in range(begin, end):
        most = max(most, work.nodes[k])
    return int(most)


@inline_jit
def _gamma_node(work: Sorting, node: int, begin: int, end: int) -> None:
    """Fill the density at the next node and its weight, 0 after a lane's last node."""
    for k in range(begin, end):
        bend = work.bend[k]
        log_density = work.low[k] + (node + 0.5) * work.width[k] - bend
        density = exp_within(log_density)
        weight = exp_within(min(work.alpha[k], POISSON_ALPHA) * (log_density + 1.0 - density))
        weight = (1.0 + bend) * weight if node < work.nodes[k] else 0.0
        work.density[k] = density
        work.weight[k] = weight
        work.mass[k] += weight
        work.bend[k] = bend * work.bend_ratio[k]


@stage_jit
def deep_tails(
    cores: int, min_good: Ints, bins: int, work: Sorting, tail: Floats, begin: int, end: int
) -> None:
    """Fill ``tail[b]`` by quadrature, for designs whose alternating sum would cancel.

    The integrand decays on both sides of the axis of `gamma_nodes`, so the midpoint rule converges
    geometrically (Trefethen and Weideman 2014, doi:10.1137/130932132). It is right to 1e-11 for
    alpha >= 0.3 (test_deep_tails). ``min_good`` falls from bin to bin.
    """
    for b in range(bins):
        for k in range(begin, end):
            tail[b, k] = 0.0
    for node in range(gamma_nodes(work, begin, end)):
        _gamma_node(work, node, begin, end)
        for k in range(begin, end):
            faults = (work.fatal[k] + cores * work.core[k]) * work.density[k]
            lives = faults <= _NO_LIFE
            # the odds of a core being bad rather than good may be infinite where no die lives
            work.odds[k] = exp_within(work.core[k] * work.density[k]) - 1.0 if lives else 0.0
            work.term[k] = work.weight[k] * exp_minus(faults) if lives else 0.0
            work.met[k] = work.term[k]
        lost = 0
        for b in range(bins):
            while lost < cores - min_good[b]:
                lost += 1
                ratio = (cores - lost + 1) / lost
                for k in range(begin, end):
                    work.term[k] *= work.odds[k] * ratio
                    work.met[k] += work.term[k]
            for k in range(begin, end):
                tail[b, k] += work.met[k]
    for b in range(bins):
        for k in range(begin, end):
            tail[b, k] /= work.mass[k]


@inline_jit
def bin_tails(
    design: DieDesign,
    min_good: Ints,
    harvest: Floats,
    work: Sorting,
    tail: Floats,
    begin: int,
    end: int,
) -> None:
    """Fill ``tail[b]`` with the probability that a die meets the rule of bin b.

    The lanes of ``work`` hold the mean faults of the fatal area and of a core, and the clustering.
    """
    bins, cores = design.bins, design.cores
    if design.deep == 1:
        deep_tails(cores, min_good, bins, work, tail, begin, end)
        return
    lowest = min_good[bins - 1]
    for b in range(bins):
        for k in range(begin, end):
            tail[b, k] = 0.0
    for j in range(cores - lowest + 1):
        for k in range(begin, end):
            faults = work.fatal[k] + (lowest + j) * work.core[k]
            work.term[k] = area_yield(faults, work.alpha[k])
        for b in range(bins):
            for k in range(begin, end):
                tail[b, k] += harvest[b, j] * work.term[k]


@stage_jit
def table_tails(
    design: DieDesign, table: Floats, work: Sorting, tail: Floats, begin: int, end: int
) -> None:
    """Fill ``tail[b]`` with the share of dies in bin b or better, from the table of a floorplan.

    The table does not hold the clustering. It is integrated as in `deep_tails`. The lanes of
    ``work`` hold the mean faults of the die as its fatal ones.
    """
    bins, first, cells = design.bins, design.table_first, design.table_cells
    for b in range(bins):
        for k in range(begin, end):
            tail[b, k] = 0.0
    for node in range(gamma_nodes(work, begin, end)):
        _gamma_node(work, node, begin, end)
        for k in range(begin, end):
            if work.weight[k] > 0.0:
                cell, t = cell_place(first, cells, work.fatal[k] * work.density[k])
                for b in range(bins):
                    tail[b, k] += work.weight[k] * pieces_value(table, cell, b, t)
    for k in range(begin, end):
        above = 0.0
        for b in range(bins):
            above += max(0.0, tail[b, k] / work.mass[k])
            tail[b, k] = min(above, 1.0)


@inline_jit
def alpha_within(alpha: float, left: float, faults: float) -> float:
    """Return the clustering of a die given its period's density, such that the mean yield holds.

    ``left`` (from `clustered`) matches the variance of the density, which is right for few faults.
    For more faults, left - alpha is scaled by psi = (x/(1+x))^2 / (2 (ln(1+x) - x/(1+x))) with
    x = faults/alpha. The mean yield over the period's gamma is then that of alpha, to second order
    in the gamma's width (test_mean_yield_is_the_negative_binomial).
    """
    x = faults / alpha
    part = x / (1.0 + x)
    scaled = alpha + (left - alpha) * part * part / (2.0 * (log1p_positive(x) - part))
    return left if x < 1e-4 or left == alpha else scaled  # equal without process noise


@stage_jit
def die_tails(
    values: Parameters,
    design: DieDesign,
    min_good: Ints,
    harvest: Floats,
    table: Floats,
    d0_per_cm2: Lanes,
    work: Sorting,
    tail: Floats,
    begin: int,
    end: int,
) -> None:
    """Fill ``tail[b]`` of a design at the densities given and the clustering in ``work``."""
    for k in range(begin, end):
        faults = d0_per_cm2[k] * (values.width_mm[k] * values.height_mm[k] / MM2_PER_CM2)
        in_cores = values.core_fraction[k]
        mended = values.memory_fraction[k] * values.memory_repair[k]
        fatal = faults * max(0.0, 1.0 - in_cores - mended)
        work.fatal[k] = faults if design.tabled == 1 else fatal
        work.core[k] = faults * in_cores / max(1, design.cores)
    if design.tabled == 1:
        table_tails(design, table, work, tail, begin, end)
    else:
        bin_tails(design, min_good, harvest, work, tail, begin, end)


@inline_jit
def sort_dies(
    bins: int,
    values: Parameters,
    survive: Lanes,
    tail: Floats,
    out: Floats,
    begin: int,
    end: int,
) -> None:
    """Fill ``out[b]`` with the share of gross dies that pass in bin b, ``out[-1]`` with escapes.

    ``tail`` is that of `die_tails`, and ``survive`` the systematic yield.
    """
    last = out.shape[0] - 1
    for b in range(bins):
        for k in range(begin, end):
            above = tail[b - 1, k] if b > 0 else 0.0
            functional = survive[k] * values.parametric_yield[k]
            kept = functional * (1.0 - values.test_overkill[k])
            out[b, k] = max(0.0, tail[b, k] - above) * kept
    for k in range(begin, end):
        good = tail[bins - 1, k] * (survive[k] * values.parametric_yield[k])
        out[last, k] = (1.0 - good) * values.test_escape[k]


@stage_jit
def _cohort_tails(
    structure: Structure, world: World, state: State, route: int, die: int, ratio: float, n: int
) -> None:
    """Fill the tails of a design in a step's cohort at ``ratio`` times the density of the step."""
    values, scratch, work = world.die[die], state.scratch, state.sorting
    alpha, design = world.process[structure.route[route].process].alpha, structure.die[die]
    for k in range(n):
        d0 = scratch.d0_per_cm2[k] * ratio
        mended = values.memory_fraction[k] * values.memory_repair[k]
        area = values.width_mm[k] * values.height_mm[k] / MM2_PER_CM2 * (1.0 - mended)
        faults = d0 * design.killing_part * area
        work.alpha[k] = alpha_within(alpha[k], scratch.alpha_within[k], faults)
        work.d0_per_cm2[k] = d0 * scratch.cluster_factor[k]
    min_good, harvest = structure.min_good[die], structure.harvest[die]
    table = structure.bin_table[die]
    die_tails(values, design, min_good, harvest, table, work.d0_per_cm2, work, state.tail, 0, n)


@stage_jit
def sort_cohort(
    structure: Structure, world: World, state: State, route: int, entry: int, step: int, n: int
) -> None:
    """Fill the bin yields of an entry in a step's cohort, and the yield of random defects."""
    die, survive = structure.entry[entry].die, state.scratch.systematic_yield
    bins, out = structure.die[die].bins, state.bin_yield[step, entry]
    _cohort_tails(structure, world, state, route, die, 1.0, n)
    sort_dies(bins, world.die[die], survive, state.tail, out, 0, n)
    for k in range(n):
        state.clean[step, entry, k] = state.tail[bins - 1, k]


@stage_jit
def label_design(
    structure: Structure, world: World, state: State, route: int, entry: int, step: int, n: int
) -> None:
    """Fill the constraint on the design of an entry where the entry's wafers are marked as `most`.

    The dies are sorted already. They are sorted again with fewer defects.
    """
    wafers, scratch, work = state.route[route], state.scratch, state.sorting
    die = structure.entry[entry].die
    last = structure.die[die].bins - 1
    _cohort_tails(structure, world, state, route, die, 1.0 - _TENTH, n)
    for k in range(n):
        if work.most[k] > 0.0:
            functional = scratch.systematic_yield[k] * world.die[die].parametric_yield[k]
            good = state.clean[step, entry, k] * functional
            cleaner = state.tail[last, k] * functional
            others = 0.0  # AI chips come first: others' wafers add nothing to a design for none
            if structure.entry[entry].for_ai == 1:
                others = scratch.for_others[k] / state.weight[step, entry, k]
            held_by = wafers.held_by[k]
            more = starts_gain(wafers.planned[k], wafers.starts[k], wafers.allowed[k], held_by)
            state.die[die].limit[k] = dies_limit(good, cleaner, held_by, more, others)


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
