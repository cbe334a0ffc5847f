"""Wafers with each die drawn (``dies``) and with die outcomes integrated (``expected``).

Legend: ``tables`` float64[state, cell, tail, 4] as in `working`, where a die's state says which of
its blocks a reticle defect has hit (0: none); ``state`` int32[die]. ``out`` float64[wafer, column]
of `dies`: bins shipped, then truly good, then escapes; of `expected`: the means of these, then the
variances of the bins, then that of all shipped dies.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from yieldsim.kernels.jit import bare_jit, inline_jit
from yieldsim.kernels.philox import STREAM_DIE, fill_blocks, uniform_open
from yieldsim.wafer.kernels.classes import cell_place, class_tail
from yieldsim.wafer.kernels.density import (
    add_signatures,
    density_row,
    lot_density,
    wafer_ratio,
    wafer_ratios,
)
from yieldsim.wafer.kernels.sorting import cell_chances, needs_draws, parametric_shift, sort_die

__all__ = ["dies_block", "expected_block", "expected_dies", "expected_from_scale"]

_ZERO = np.uint32(0)


@bare_jit
def draw_classes(
    field: Any,
    wafer: Any,
    density: Any,
    first: Any,
    tables: Any,
    state: Any,
    words: Any,
    works: Any,
) -> None:
    """Fill ``works`` int64[die]: one uniform a die, through the inverse distribution of classes."""
    fill_blocks(words, field.seed, _ZERO, _ZERO, STREAM_DIE, wafer)
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
def count_equal(numbers: Any, wanted: Any) -> Any:
    """How many of ``numbers`` are the wanted one."""
    count = 0
    for k in range(numbers.shape[0]):
        count += numbers[k] == wanted
    return count


@inline_jit
def count_dies(sorting: Any, works: Any, wafer: Any, shifts: Any, row: Any, image: Any) -> None:
    """Sort the dies of a wafer by class and book them in its row and, unless empty, its map."""
    bins = sorting.bins
    for c in range(row.shape[0]):
        row[c] = 0.0
    if not needs_draws(sorting):
        for number in range(sorting.bin_of.shape[0]):
            shipped = sorting.bin_of[number, 0]
            if shipped < bins:
                count = float(count_equal(works, number))
                row[shipped] += count
                row[bins] += count
        for die in range(image.shape[0]):
            image[die] = sorting.bin_of[works[die], 0]
        return
    for die in range(works.shape[0]):
        shipped, true = sort_die(sorting, works[die], die, wafer, shifts[0], shifts[1])
        if shipped < bins:
            row[shipped] += 1.0
            if true == bins:
                row[bins + 1] += 1.0
        if true < bins:
            row[bins] += 1.0
        if image.shape[0] > 0:
            image[die] = shipped


@bare_jit
def dies_block(
    field: Any,
    sorting: Any,
    first: Any,
    tables: Any,
    state: Any,
    first_wafer: Any,
    work: Any,
    out: Any,
    image: Any,
    densities: Any,
) -> None:
    """Draw each die of ``out``'s wafers; ``image`` uint8 and ``densities`` float64 may be empty."""
    lot = np.int64(-1)
    lot_part = 0.0
    for w in range(out.shape[0]):
        wafer = np.int64(first_wafer) + w
        if wafer // field.lot_wafers != lot:
            lot = wafer // field.lot_wafers
            lot_part = lot_density(field, lot)
        number = np.uint32(wafer)
        wafer_part = lot_part * wafer_ratio(field, number)
        density_row(field, number, wafer_part, work.region_words, work.regions, work.density)
        if add_signatures(field, number, work.extra):
            for die in range(work.extra.shape[0]):
                work.density[die] += work.extra[die]
        draw_classes(field, number, work.density, first, tables, state, work.die_words, work.works)
        shifts = (0.0, 0.0)
        if sorting.has_parametric:
            shifts = parametric_shift(sorting, np.uint32(lot), number)
        count_dies(sorting, work.works, number, shifts, out[w], image[w])
        if densities.shape[1] > 0:
            for die in range(work.density.shape[0]):
                densities[w, die] = work.density[die]


@bare_jit
def expected_dies(
    sorting: Any,
    first: Any,
    tables: Any,
    state: Any,
    density: Any,
    shifts: Any,
    work: Any,
    out: Any,
) -> None:
    """Add the means and variances of the dies of one wafer to ``out`` (a row)."""
    bins = sorting.bins
    cells, tails = tables.shape[1], tables.shape[2]
    chances, share = work.chances, work.share
    chances[0] = 1.0
    for die in range(density.shape[0]):
        cell, t = cell_place(first, cells, density[die])
        pieces = tables[state[die]]
        if sorting.has_parametric:
            cell_chances(sorting, die, shifts[0], shifts[1], work.below, chances)
        for b in range(bins + 1):
            share[b] = 0.0
        reached = 0.0
        for tail in range(tails):
            met = max(class_tail(pieces, cell, tail, t), reached)
            mass = (met - reached) * sorting.survive[die]
            for c in range(sorting.bin_of.shape[1]):
                share[sorting.bin_of[tail, c]] += mass * chances[c]
            reached = met
        book_shares(sorting, share, out)


@inline_jit
def book_shares(sorting: Any, share: Any, out: Any) -> None:
    """Add a die's probabilities of its bins, tested, to its wafer's row."""
    bins = sorting.bins
    good = 0.0
    for b in range(bins):
        good += share[b]
    escapes = (1.0 - good) * sorting.escape
    shipped = 0.0
    for b in range(bins):
        p = share[b] * (1.0 - sorting.overkill)
        if b == bins - 1:
            p += escapes
        shipped += p
        out[b] += p
        out[bins + 2 + b] += p * (1.0 - p)
    out[bins] += good
    out[bins + 1] += escapes
    out[2 * bins + 2] += shipped * (1.0 - shipped)


@bare_jit
def expected_block(
    field: Any,
    sorting: Any,
    first: Any,
    tables: Any,
    blurred: Any,
    state: Any,
    first_wafer: Any,
    work: Any,
    out: Any,
    densities: Any,
) -> None:
    """Integrate the dies of ``out``'s wafers, given their densities.

    ``blurred`` are tables with the regions' gamma integrated, used where regions are single dies
    and the wafer has no signature, whose density the gamma does not multiply; else empty.
    """
    lot = np.int64(-1)
    lot_part = 0.0
    for w in range(out.shape[0]):
        wafer = np.int64(first_wafer) + w
        if wafer // field.lot_wafers != lot:
            lot = wafer // field.lot_wafers
            lot_part = lot_density(field, lot)
        number = np.uint32(wafer)
        wafer_part = lot_part * wafer_ratio(field, number)
        for c in range(out.shape[1]):
            out[w, c] = 0.0
        shifts = (0.0, 0.0)
        if sorting.has_parametric:
            shifts = parametric_shift(sorting, np.uint32(lot), number)
        signed = add_signatures(field, number, work.extra)
        if signed or blurred.shape[0] == 0:
            density_row(field, number, wafer_part, work.region_words, work.regions, work.density)
            if signed:
                for die in range(work.extra.shape[0]):
                    work.density[die] += work.extra[die]
            expected_dies(sorting, first, tables, state, work.density, shifts, work, out[w])
        else:
            for die in range(work.density.shape[0]):
                work.density[die] = wafer_part * field.profile[die]
            expected_dies(sorting, first, blurred, state, work.density, shifts, work, out[w])
        if densities.shape[1] > 0:
            for die in range(work.density.shape[0]):
                densities[w, die] = work.density[die]


@bare_jit
def expected_from_scale(
    field: Any, first: Any, pieces: Any, first_wafer: Any, words: Any, ratios: Any, out: Any
) -> None:
    """As `expected_block`, where a wafer hangs on one number, its density: a row by table.

    ``pieces`` float64[cell, 4, column] has a power's coefficients side by side; columns are a
    multiple of four. ``words`` uint32 and ``ratios`` float64 of any one length are work space: the
    gammas of so many wafers are drawn in one loop. Lots and these turns are counted, for a division
    takes longer than the row.
    """
    next_lot = np.int64(-1)
    lot_part = 0.0
    here = ratios.shape[0]
    for w in range(out.shape[0]):
        wafer = np.int64(first_wafer) + w
        if here == ratios.shape[0]:
            wafer_ratios(field, wafer, words, ratios)
            here = 0
        if wafer >= next_lot:
            lot = wafer // field.lot_wafers
            next_lot = (lot + 1) * field.lot_wafers
            lot_part = lot_density(field, lot)
        cell, t = cell_place(first, pieces.shape[0], lot_part * ratios[here])
        here += 1
        powers = pieces[cell]
        row = out[w]
        for c in range(row.shape[0]):
            value = powers[0, c] + t * (powers[1, c] + t * (powers[2, c] + t * powers[3, c]))
            row[c] = value if value > 0.0 else 0.0
