"""Two fast paths: plain points, and expected wafers that depend on their density alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import special

from yieldsim.wafer.compile.compiled import CompiledWafer
from yieldsim.wafer.compile.cubics import Pieces, make_pieces
from yieldsim.wafer.kernels.dies import (
    DieCounts,
    ExpectedCounts,
    expected_dies,
    expected_from_scale,
)
from yieldsim.wafer.kernels.points_plain import (
    GROUP,
    GUIDE_CELLS,
    PlainWafers,
    PlainWork,
    plain_block,
)
from yieldsim.wafer.kernels.sorting import ParametricShift
from yieldsim.wafer.repeaters import repeater_mean

__all__ = [
    "expected_counts",
    "is_plain",
    "is_scaled",
    "make_plain",
    "plain_wafers",
    "plain_work",
    "scaled_wafers",
]

Floats = NDArray[np.float64]
_WORD = 2.0**32
_MOST_DEFECTS = 1e6  # per wafer: the table of counts would be too long


def is_plain(compiled: CompiledWafer) -> bool:
    """Return whether all wafers share one density, any defect kills its die, and nothing else."""
    density, sorting, layout = compiled.density_model, compiled.sorting, compiled.layout
    gammas = (density.lot_gamma, density.wafer_gamma, density.region_gamma)
    draws = sorting.has_systematic or sorting.has_parametric or sorting.escape or sorting.overkill
    drawn = density.signatures.size or density.seen.ratio.size
    moved = density.excursions.look_back or drawn or repeater_mean(compiled)
    mean = float(compiled.model.process.d0_per_cm2 * density.profile.sum() * layout.area_cm2)
    return bool(
        not (any(table.size for table in gammas) or moved or draws)
        and layout.flat
        and layout.cores == 0
        and np.all(layout.strip_node[: np.searchsorted(layout.strip_end, 1 << 32) + 1] == 0)
        and len(compiled.bins) == 1
        and sorting.bin_of[0, 0] == 0
        and 0 < len(compiled.sites) < 2**31
        and mean < _MOST_DEFECTS
    )


def make_plain(compiled: CompiledWafer) -> PlainWafers:
    """Return the arrays of `wafer.kernels.points_plain`."""
    rate = compiled.model.process.d0_per_cm2 * compiled.density_model.profile
    mean = float(rate.sum() * compiled.layout.area_cm2)
    most = int(mean + 12.0 * np.sqrt(mean) + 40.0)
    below = np.rint(special.pdtr(np.arange(most), mean) * _WORD).astype(np.uint64)
    below = np.append(below[below < np.uint64(_WORD)], np.uint64(_WORD))
    uneven = np.ptp(rate) > 0.0
    ends = np.rint(np.cumsum(rate) / max(rate.sum(), 1e-300) * _WORD).astype(np.uint64)
    ends[-1] = np.uint64(_WORD)
    return PlainWafers(
        seed=compiled.density_model.seed,
        dies=len(compiled.sites),
        count_below=below,
        count_guide=_guide(below),
        die_below=ends if uneven else np.zeros(0, np.uint64),
        die_guide=_guide(ends) if uneven else np.zeros(0, np.int64),
    )


def plain_work(plain: PlainWafers) -> PlainWork:
    """Return a fresh work space of `wafer.kernels.points_plain`."""
    return PlainWork(
        first=np.zeros((4, GROUP), np.uint32),
        defects=np.zeros(GROUP, np.int64),
        killed=np.zeros(GROUP, np.int64),
        mask=np.zeros(GROUP, np.uint64),
        words=np.zeros((4, plain.count_below.size // 4 + 8), np.uint32),
        stamp=np.zeros(plain.dies, np.uint32),
    )


def plain_wafers(
    compiled: CompiledWafer,
    first_wafer: int,
    counts: DieCounts,
    image: NDArray[np.uint8],
    density: Floats,
) -> None:
    """Fill the arrays of `wafer.kernels.points.points_block` for a plain model."""
    rate = compiled.model.process.d0_per_cm2 * compiled.density_model.profile
    density[:] = rate[: density.shape[1]]
    plain = make_plain(compiled)
    plain_block(plain, np.uint64(first_wafer), plain_work(plain), counts, image)


def _guide(below: NDArray[np.uint64]) -> NDArray[np.int64]:
    starts = np.arange(GUIDE_CELLS, dtype=np.uint64) << np.uint64(20)
    return np.searchsorted(below, starts, side="right").astype(np.int64)


def is_scaled(compiled: CompiledWafer) -> bool:
    """Return whether the expected dies of a wafer depend on its density alone."""
    density, sorting = compiled.density_model, compiled.sorting
    region_gone = not density.region_gamma.size or compiled.region_pieces is not None
    spreads = [sd for level in (sorting.lot, sorting.wafer) for sd in level[:2]]
    moving = sorting.has_parametric and any(sd > 0.0 for sd in spreads)
    drawn = density.signatures.size or density.seen.ratio.size
    return region_gone and not (drawn or repeater_mean(compiled) or moving)


def expected_counts(wafers: int, bins: int) -> ExpectedCounts:
    """Return zeros for ``wafers`` expected wafers."""
    by_bin, by_wafer = (wafers, bins), (wafers,)
    shapes = (by_bin, by_wafer, by_wafer, by_bin, by_wafer)
    return ExpectedCounts(*(np.zeros(shape) for shape in shapes))


def scaled_pieces(compiled: CompiledWafer) -> Pieces:
    """Tabulate the expected counts by the wafer's density: channels are `ExpectedCounts` in order.

    Pieces float64[cell, channel, 4].
    """
    used = compiled.pieces if compiled.region_pieces is None else compiled.region_pieces
    tables = used.coefficients[None]
    state = np.zeros(len(compiled.sites), np.int32)
    work = compiled.work_space()
    profile, shift = compiled.density_model.profile, ParametricShift(0.0, 0.0)

    def rows(densities: Floats) -> Floats:
        counts = expected_counts(densities.size, len(compiled.bins))
        for w, density in enumerate(densities):
            np.multiply(profile, density, out=work.density)
            expected_dies(
                compiled.sorting, used.first, tables, state, work.density, shift, work, counts, w
            )
        return np.column_stack(counts)

    low, high = compiled.density_range
    ratio = profile[profile > 0.0]
    if not ratio.size:
        return make_pieces(rows, low, high)
    return make_pieces(rows, low / float(ratio.max()), high / float(ratio.max()))


def scaled_wafers(compiled: CompiledWafer, first_wafer: int, counts: ExpectedCounts) -> None:
    """Fill the expected counts of wafers by table."""
    if compiled.scaled is None:
        pieces = scaled_pieces(compiled)
        # a row of whole vectors is filled faster, so unused columns fill it up
        unused = -pieces.coefficients.shape[1] % 4
        turned = np.pad(pieces.coefficients.transpose(0, 2, 1), ((0, 0), (0, 0), (0, unused)))
        compiled.scaled = Pieces(pieces.first, np.ascontiguousarray(turned))
    table = compiled.scaled
    out = np.zeros((len(counts.good), table.coefficients.shape[2]))
    words, ratios = np.zeros(GROUP, np.uint32), np.zeros(GROUP)
    expected_from_scale(
        compiled.density_model, table.first, table.coefficients, first_wafer, words, ratios, out
    )
    ends = np.cumsum([1 if part.ndim == 1 else part.shape[1] for part in counts])
    for part, columns in zip(counts, np.split(out, ends, axis=1), strict=False):
        part[...] = columns.reshape(part.shape)
