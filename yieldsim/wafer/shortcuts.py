"""The two fast paths: plain points, and expected wafers that hang on one number."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from yieldsim.wafer.compile.compiled import Plan
from yieldsim.wafer.compile.cubics import Pieces, make_pieces
from yieldsim.wafer.kernels.dies import expected_dies, expected_from_scale
from yieldsim.wafer.kernels.points_plain import GROUP, GUIDE_CELLS, Plain, plain_block
from yieldsim.wafer.repeaters import repeater_mean

__all__ = ["is_plain", "is_scaled", "make_plain", "plain_wafers", "scaled_wafers"]

Floats = NDArray[np.float64]
_WORD = 2.0**32
_MOST_DEFECTS = 1e6  # a table of counts beyond would be longer than it is worth


def is_plain(plan: Plan) -> bool:
    """Whether all wafers share one density, any defect kills its die, and nothing else does."""
    field, sorting, floor = plan.field, plan.sorting, plan.floor
    shared = not (field.lot_gamma.size or field.wafer_gamma.size or field.region_gamma.size)
    draws = sorting.has_systematic or sorting.has_parametric or sorting.escape or sorting.overkill
    mean = float(plan.model.process.d0_per_cm2 * field.profile.sum() * floor.area_cm2)
    return bool(
        shared
        and not (field.look_back or field.signatures.size or repeater_mean(plan) or draws)
        and floor.flat
        and floor.cores == 0
        and np.all(floor.strip_node[: np.searchsorted(floor.strip_end, 1 << 32) + 1] == 0)
        and len(plan.bins) == 1
        and plan.sorting.bin_of[0, 0] == 0
        and 0 < len(plan.sites) < 2**31
        and mean < _MOST_DEFECTS
    )


def make_plain(plan: Plan) -> Plain:
    """The arrays of `wafer.kernels.points_plain`."""
    rate = plan.model.process.d0_per_cm2 * plan.field.profile
    mean = float(rate.sum() * plan.floor.area_cm2)
    most = int(mean + 12.0 * np.sqrt(mean) + 40.0)
    below = np.rint(special.pdtr(np.arange(most), mean) * _WORD).astype(np.uint64)
    below = np.append(below[below < np.uint64(_WORD)], np.uint64(_WORD))
    uneven = np.ptp(rate) > 0.0
    ends = np.rint(np.cumsum(rate) / max(rate.sum(), 1e-300) * _WORD).astype(np.uint64)
    ends[-1] = np.uint64(_WORD)
    return Plain(
        seed=plan.field.seed,
        dies=np.int64(len(plan.sites)),
        count_below=below,
        count_guide=_guide(below),
        die_below=ends if uneven else np.zeros(0, np.uint64),
        die_guide=_guide(ends) if uneven else np.zeros(0, np.int64),
    )


def plain_wafers(plan: Plan, first_wafer: int, out: Floats, image: Any, density: Floats) -> None:
    """Fill the columns of `wafer.kernels.dies.dies_block`."""
    density[:] = (plan.model.process.d0_per_cm2 * plan.field.profile)[: density.shape[1]]
    plain = make_plain(plan)
    words = np.zeros((4, plain.count_below.size // 4 + 8), np.uint32)
    stamp = np.zeros(len(plan.sites), np.uint32)
    first = np.zeros((4, GROUP), np.uint32)
    block: Any = plain_block
    block(plain, np.uint64(first_wafer), first, words, stamp, out, image)


def _guide(below: NDArray[np.uint64]) -> NDArray[np.int64]:
    starts = np.arange(GUIDE_CELLS, dtype=np.uint64) << np.uint64(20)
    return np.searchsorted(below, starts, side="right").astype(np.int64)


def is_scaled(plan: Plan) -> bool:
    """Whether the expected dies of a wafer are a function of its density alone."""
    region_gone = not plan.field.region_gamma.size or plan.region_pieces is not None
    moving = plan.sorting.has_parametric and bool(np.any(plan.sorting.sd[:2] > 0.0))
    return not (plan.field.signatures.size or repeater_mean(plan) or moving) and region_gone


def scaled_pieces(plan: Plan) -> Pieces:
    """Every column of `wafer.kernels.dies.expected_block` as a function of the wafer's density."""
    used = plan.pieces if plan.region_pieces is None else plan.region_pieces
    tables = used.coefficients[None]
    state = np.zeros(len(plan.sites), np.int32)
    work = plan.work()
    columns = 2 * len(plan.bins) + 3
    dies: Any = expected_dies

    def rows(densities: Floats) -> Floats:
        out = np.zeros((densities.size, columns))
        for row, density in zip(out, densities, strict=True):
            np.multiply(plan.field.profile, density, out=work.density)
            first = np.int64(used.first)
            dies(plan.sorting, first, tables, state, work.density, (0.0, 0.0), work, row)
        return out

    low, high = plan.density_range
    ratio = plan.field.profile[plan.field.profile > 0.0]
    if not ratio.size:
        return make_pieces(rows, low, high)
    return make_pieces(rows, low / float(ratio.max()), high / float(ratio.max()))


def scaled_wafers(plan: Plan, first_wafer: int, out: Floats) -> None:
    """Fill the columns of `wafer.kernels.dies.expected_block`."""
    if plan.scaled is None:
        pieces = scaled_pieces(plan)
        unused = out.shape[1] - pieces.coefficients.shape[1]
        turned = np.pad(pieces.coefficients.transpose(0, 2, 1), ((0, 0), (0, 0), (0, unused)))
        plan.scaled = Pieces(pieces.first, np.ascontiguousarray(turned))
    block: Any = expected_from_scale
    first = np.int64(plan.scaled.first)
    work = (np.zeros(GROUP, np.uint32), np.zeros(GROUP))
    block(plan.field, first, plan.scaled.coefficients, np.uint64(first_wafer), *work, out)
