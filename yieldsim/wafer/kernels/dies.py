"""Wafers with each die drawn (``dies``) and with die outcomes integrated (``expected``).

Legend: ``tables`` float64[state, cell, tail, 4] are cubic pieces as in classes.py, whose first cell
is ``first``. ``state`` int32[die] says which of a die's blocks a reticle defect has hit (0: none).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from yieldsim.kernels.jit import bare_jit, inline_jit, stage_jit
from yieldsim.kernels.philox import STREAM_DIE, fill_blocks, uniform_open
from yieldsim.wafer.kernels.classes import cell_place, class_tail
from yieldsim.wafer.kernels.density import DensityModel, lot_density, wafer_ratios
from yieldsim.wafer.kernels.sorting import (
    ParametricShift,
    Sorting,
    cell_chances,
    needs_draws,
    sort_die,
)
from yieldsim.wafer.kernels.wafer_state import (
    WaferStart,
    WorkSpace,
    begin_wafer,
    fill_density,
    keep_density,
    no_wafer,
)

__all__ = [
    "DieCounts",
    "ExpectedCounts",
    "count_dies",
    "dies_block",
    "expected_block",
    "expected_dies",
    "expected_from_scale",
]

Floats = NDArray[np.float64]
States = NDArray[np.int32]
_ZERO = np.uint32(0)


class DieCounts(NamedTuple):
    """Dies of each wafer: shipped float64[wafer, bin], truly good and escapes float64[wafer]."""

    good: Floats
    truly_good: Floats
    escapes: Floats


class ExpectedCounts(NamedTuple):
    """Means of `DieCounts`, variances of the bins, and the variance of all shipped dies."""

    good: Floats
    truly_good: Floats
    escapes: Floats
    variance: Floats
    total_variance: Floats


@inline_jit
def draw_classes(
    model: DensityModel,
    wafer: np.uint32,
    density: Floats,
    first: int,
    tables: Floats,
    state: States,
    words: NDArray[np.uint32],
    works: NDArray[np.int64],
) -> None:
    """Fill ``works`` int64[die]: one uniform a die, through the inverse distribution of classes."""
    fill_blocks(words, model.seed, _ZERO, _ZERO, STREAM_DIE, wafer)
    cells, tails = tables.shape[1], tables.shape[2]
    for die in range(density.shape[0]):
        u = uniform_open(words[die & 3, die >> 2])
        cell, t = cell_place(first, cells, density[die])
        pieces = tables[state[die]]
        works[die] = tails
        for tail in range(tails):
            if u < class_tail(pieces, cell, tail, t):
                works[die] = tail
                break


@inline_jit
def count_equal(numbers: NDArray[np.int64], wanted: int) -> int:
    """Return how many of ``numbers`` are the wanted one."""
    count = 0
    for k in range(numbers.shape[0]):
        count += numbers[k] == wanted
    return count


@inline_jit
def count_dies(
    sorting: Sorting,
    works: NDArray[np.int64],
    wafer: WaferStart,
    counts: DieCounts,
    w: int,
    image: NDArray[np.uint8],
) -> None:
    """Sort the dies of a wafer by class; book them in row ``w`` and, unless empty, in its map."""
    bins = sorting.bins
    good = counts.good[w]
    truly_good = escapes = 0.0
    for b in range(bins):
        good[b] = 0.0
    if not needs_draws(sorting):
        for number in range(sorting.bin_of.shape[0]):
            shipped = sorting.bin_of[number, 0]
            if shipped < bins:
                count = float(count_equal(works, number))
                good[shipped] += count
                truly_good += count
        for die in range(image.shape[0]):
            image[die] = sorting.bin_of[works[die], 0]
    else:
        for die in range(works.shape[0]):
            shipped, true = sort_die(sorting, works[die], die, wafer.number, wafer.shift)
            if shipped < bins:
                good[shipped] += 1.0
                escapes += true == bins
            truly_good += true < bins
            if image.shape[0] > 0:
                image[die] = shipped
    counts.truly_good[w] = truly_good
    counts.escapes[w] = escapes


@bare_jit
def dies_block(
    model: DensityModel,
    sorting: Sorting,
    first: int,
    tables: Floats,
    state: States,
    first_wafer: int,
    work: WorkSpace,
    counts: DieCounts,
    image: NDArray[np.uint8],
    densities: Floats,
) -> None:
    """Draw each die of the wafers of ``counts``.

    ``image`` uint8[wafer, die] (the bin shipped in) and ``densities`` float64[wafer, die] may have
    no columns.
    """
    wafer = no_wafer()
    for w in range(counts.good.shape[0]):
        wafer = begin_wafer(model, sorting, first_wafer + w, wafer, work)
        fill_density(model, wafer, work)
        draw_classes(
            model, wafer.number, work.density, first, tables, state, work.die_words, work.works
        )
        count_dies(sorting, work.works, wafer, counts, w, image[w])
        keep_density(work, densities[w])


@bare_jit
def expected_dies(
    sorting: Sorting,
    first: int,
    tables: Floats,
    state: States,
    density: Floats,
    shift: ParametricShift,
    work: WorkSpace,
    counts: ExpectedCounts,
    w: int,
) -> None:
    """Add the means and variances of the dies of one wafer to row ``w``."""
    bins = sorting.bins
    cells, tails = tables.shape[1], tables.shape[2]
    chances, share = work.chances, work.share
    chances[0] = 1.0
    for die in range(density.shape[0]):
        cell, t = cell_place(first, cells, density[die])
        pieces = tables[state[die]]
        if sorting.has_parametric:
            cell_chances(sorting, die, shift, work.below, chances)
        for b in range(bins + 1):
            share[b] = 0.0
        reached = 0.0
        for tail in range(tails):
            met = max(class_tail(pieces, cell, tail, t), reached)
            mass = (met - reached) * sorting.survive[die]
            for c in range(sorting.bin_of.shape[1]):
                share[sorting.bin_of[tail, c]] += mass * chances[c]
            reached = met
        book_shares(sorting, share, counts, w)


@stage_jit
def book_shares(sorting: Sorting, share: Floats, counts: ExpectedCounts, w: int) -> None:
    """Add a die's probabilities of its bins, after test, to row ``w``."""
    bins = sorting.bins
    good = 0.0
    for b in range(bins):
        good += share[b]
    escapes = (1.0 - good) * sorting.escape
    shipped = 0.0
    for b in range(bins):
        p = share[b] * (1.0 - sorting.overkill) + escapes * sorting.escape_bins[b]
        shipped += p
        counts.good[w, b] += p
        counts.variance[w, b] += p * (1.0 - p)
    counts.truly_good[w] += good
    counts.escapes[w] += escapes
    counts.total_variance[w] += shipped * (1.0 - shipped)


@stage_jit
def _clear(counts: ExpectedCounts, w: int) -> None:
    for b in range(counts.good.shape[1]):
        counts.good[w, b] = 0.0
        counts.variance[w, b] = 0.0
    counts.truly_good[w] = 0.0
    counts.escapes[w] = 0.0
    counts.total_variance[w] = 0.0


@bare_jit
def expected_block(
    model: DensityModel,
    sorting: Sorting,
    first: int,
    tables: Floats,
    blurred: Floats,
    state: States,
    first_wafer: int,
    work: WorkSpace,
    counts: ExpectedCounts,
    densities: Floats,
) -> None:
    """Integrate the dies of the wafers of ``counts``, given their densities.

    ``blurred`` are tables with the regions' gamma integrated, or empty. They serve where regions
    are single dies and the wafer has no signature, whose density the gamma does not multiply.
    """
    wafer = no_wafer()
    for w in range(counts.good.shape[0]):
        wafer = begin_wafer(model, sorting, first_wafer + w, wafer, work)
        used = tables
        if wafer.signed or wafer.marked or blurred.shape[0] == 0:
            fill_density(model, wafer, work)
        else:
            used = blurred
            for die in range(work.density.shape[0]):
                work.density[die] = wafer.density_per_cm2 * model.profile[die]
        _clear(counts, w)
        expected_dies(sorting, first, used, state, work.density, wafer.shift, work, counts, w)
        keep_density(work, densities[w])


@bare_jit
def expected_from_scale(
    model: DensityModel,
    first: int,
    pieces: Floats,
    first_wafer: int,
    words: NDArray[np.uint32],
    ratios: Floats,
    out: Floats,
) -> None:
    """Do as `expected_block` where a wafer depends on its density alone: a row from a table.

    ``pieces`` float64[cell, 4, column] has a power's coefficients side by side; columns are a
    multiple of four. ``out`` is float64[wafer, column]. ``words`` uint32 and ``ratios`` float64 of
    any one length are work space: the gammas of so many wafers are drawn in one loop. Lots and
    these batches are counted, because a division takes longer than the row.
    """
    next_lot = -1
    lot_per_cm2 = 0.0
    used = ratios.shape[0]
    for w in range(out.shape[0]):
        wafer = first_wafer + w
        if used == ratios.shape[0]:
            wafer_ratios(model, wafer, words, ratios)
            used = 0
        if wafer >= next_lot:
            lot = wafer // model.lot_wafers
            next_lot = (lot + 1) * model.lot_wafers
            lot_per_cm2 = lot_density(model, lot)
        cell, t = cell_place(first, pieces.shape[0], lot_per_cm2 * float(ratios[used]))
        used += 1
        powers = pieces[cell]
        row = out[w]
        for c in range(row.shape[0]):
            value = powers[0, c] + t * (powers[1, c] + t * (powers[2, c] + t * powers[3, c]))
            row[c] = value if value > 0.0 else 0.0
