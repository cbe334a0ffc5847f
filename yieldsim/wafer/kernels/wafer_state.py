"""The wafer in hand: its work space, and what it and its lot draw before its dies."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from yieldsim.kernels.jit import inline_jit
from yieldsim.wafer.kernels.density import (
    DensityModel,
    add_signatures,
    density_row,
    lot_density,
    wafer_ratio,
)
from yieldsim.wafer.kernels.signatures import apply_marks, mark_dies, seen_wafer
from yieldsim.wafer.kernels.sorting import ParametricShift, Sorting, parametric_shift

__all__ = ["WaferStart", "WorkSpace", "begin_wafer", "fill_density", "keep_density", "no_wafer"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class WorkSpace(NamedTuple):
    """Work space of the kernels for one wafer.

    By die: ``density`` and ``extra`` (the signatures' part) float64[die], ``marks`` int64[die] of
    signatures seen on maps, ``works`` (the class) int64[die], ``means`` float32[die] and ``counts``
    int32[die] of defects, ``nodes`` uint32[die] what the first defects hit, ``die_words``
    uint32[4, die / 4], ``count_words`` uint32[4, die]. By region: ``region_words``
    uint32[4, region / 4], ``region_flat`` uint32 (the same memory) and ``regions`` float64
    [4 ceil(region / 4)]. For one die: ``stamp``, ``dead`` and ``good`` [node], ``faults``
    int64[memory], ``chances`` float64[cell], ``share`` float64[bin + 1], ``below``
    float64[speed cell + 1, leakage cell + 1].
    """

    region_words: NDArray[np.uint32]
    region_flat: NDArray[np.uint32]
    regions: Floats
    density: Floats
    extra: Floats
    marks: Ints
    die_words: NDArray[np.uint32]
    count_words: NDArray[np.uint32]
    works: Ints
    means: NDArray[np.float32]
    counts: NDArray[np.int32]
    nodes: NDArray[np.uint32]
    stamp: Ints
    dead: NDArray[np.bool_]
    faults: Ints
    good: Ints
    chances: Floats
    share: Floats
    below: Floats


class WaferStart(NamedTuple):
    """What a wafer has before its dies are drawn; ``signed``: whether it has a signature.

    ``marked``: whether it has one that was seen on a map. The signatures' densities and the marks
    of the dies are in the work space. ``density_per_cm2`` is that of the wafer
    without profile, regions and signatures.
    """

    number: np.uint32
    lot: int
    lot_per_cm2: float
    density_per_cm2: float
    shift: ParametricShift
    signed: bool
    marked: bool


@inline_jit
def no_wafer() -> WaferStart:
    """Return the start before the first wafer, which is of no lot."""
    shift = ParametricShift(0.0, 0.0)
    return WaferStart(np.uint32(0), -1, 0.0, 0.0, shift, False, False)


@inline_jit
def begin_wafer(
    model: DensityModel, sorting: Sorting, wafer: int, before: WaferStart, work: WorkSpace
) -> WaferStart:
    """Draw what wafer ``wafer`` has before its dies; ``before`` is the wafer computed last.

    The lot's part is drawn once a lot.
    """
    lot, lot_per_cm2 = before.lot, before.lot_per_cm2
    if wafer // model.lot_wafers != lot:
        lot = wafer // model.lot_wafers
        lot_per_cm2 = lot_density(model, lot)
    number = np.uint32(wafer)
    density = lot_per_cm2 * wafer_ratio(model, number)
    shift = ParametricShift(0.0, 0.0)
    if sorting.has_parametric:
        shift = parametric_shift(sorting, np.uint32(lot), number)
    signed = add_signatures(model, number, work.extra)
    marked = False
    if model.seen.ratio.shape[0] > 0:
        which, symmetry = seen_wafer(model.seen, model.seed, number)
        density *= model.seen.ratio[which]
        marked = bool(model.seen.marked[which])
        if marked:
            mark_dies(model.seen, which, symmetry, work.marks)
    return WaferStart(number, lot, lot_per_cm2, density, shift, signed, marked)


@inline_jit
def fill_density(model: DensityModel, wafer: WaferStart, work: WorkSpace) -> None:
    """Fill ``work.density`` float64[die]: profile, regions and signatures included."""
    density = wafer.density_per_cm2
    words, flat = work.region_words, work.region_flat
    density_row(model, wafer.number, density, words, flat, work.regions, work.density)
    if wafer.marked:
        apply_marks(model.seen, work.marks, work.density)
    if wafer.signed:
        for die in range(work.extra.shape[0]):
            work.density[die] += work.extra[die]


@inline_jit
def keep_density(work: WorkSpace, row: Floats) -> None:
    """Copy the wafer's densities to its row of the result, which may be empty."""
    if row.shape[0] > 0:
        for die in range(work.density.shape[0]):
            row[die] = work.density[die]
