"""Shapes on maps held apart: wafers simulated like one half of the maps, against the other half.

The maps are dealt into two halves at random. Each map of one half is simulated from the library of
the other, with its own grid and missing dies. Both halves together are compared with all maps.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.stats import ks_2samp

from yieldsim.wafer.fit.radii import RadialBins, by_shape
from yieldsim.wafer.fit.refit import map_sites
from yieldsim.wafer.fit.shapes.library import Library, Marked, make_library, process_tables
from yieldsim.wafer.fit.signatures import KINDS, find_signatures
from yieldsim.wafer.fit.statistics import LAGS, measure, stack
from yieldsim.wafer.maps.wafer_maps import FAIL, NONE, PASS, WaferMaps, joined
from yieldsim.wafer.model.load import wafer_model
from yieldsim.wafer.simulate import simulate_wafers

__all__ = ["LEAST_MAPS", "ShapeRow", "compare_shapes", "held_apart", "simulate_seen"]

Ints = NDArray[np.int64]

LEAST_MAPS = 20  # fewer leave a half that shows too little
# A map is simulated from the maps of its grid, or of the nearest number of dies if those are few.
_LEAST_OF_GRID, _NEAREST = 10, 40
_AROUND = np.ones((3, 3), np.bool_)
_SCRATCH = KINDS.index("scratch")


@dataclass(frozen=True)
class ShapeRow:
    """One figure of the maps, of wafers from the moments alone, and of those held apart.

    For ``yield KS`` they are distances between distributions: of the maps' halves from each other,
    and of the simulated wafers from the maps.
    """

    name: str
    observed: float
    moments: float
    held_apart: float


def held_apart(marked: Marked, bins: RadialBins, seed: int, repeats: int) -> tuple[Ints, WaferMaps]:
    """Return the half of each map, int64[wafer], and the wafers simulated from the other half."""
    half = np.random.default_rng([seed, 0x4A]).permutation(len(marked.maps)) % 2
    parts = []
    for side in (0, 1):
        library = make_library(marked.select(np.flatnonzero(half != side)), bins, seed)
        like = marked.maps.select(np.flatnonzero(half == side))
        parts.append(simulate_seen(library, like, seed + side, repeats))
    return half, joined(parts)


def simulate_seen(library: Library, like: WaferMaps, seed: int, repeats: int) -> WaferMaps:
    """Return wafers from the library, ``repeats`` for each of ``like``, with its grid and dies."""
    parts, first = [], 0
    for rows, cols, some in by_shape(like):
        sites = map_sites(rows, cols)
        radius = sites.usable_radius_mm
        width, height = 2.0 * radius / cols, 2.0 * radius / rows
        valid = np.tile(stack(like, rows, cols, some) > NONE, (repeats, 1, 1))
        seen = _seen_like(library, rows, cols, float(valid[0].sum()))
        model = wafer_model(
            {
                "die": {"width_mm": width, "height_mm": height},
                "process": process_tables(library, seen, width * height, radius, 1.0),
            }
        )
        made = simulate_wafers(model, len(valid), seed, "dies", first, keep_maps=True, sites=sites)
        assert made.bin_map is not None
        # the simulator's rows begin at the bottom
        failed = made.bin_map.reshape(valid.shape)[:, ::-1] > 0
        codes = np.where(valid, np.where(failed, FAIL, PASS), NONE).astype(np.uint8)
        parts.append(_as_maps(codes, like, np.tile(some, repeats)))
        first += len(valid)
    return joined(parts)


def _as_maps(codes: NDArray[np.uint8], like: WaferMaps, wafers: Ints) -> WaferMaps:
    number, rows, cols = codes.shape
    return WaferMaps(
        die=codes.ravel(),
        offset=rows * cols * np.arange(number + 1, dtype=np.int64),
        rows=np.full(number, rows, np.int64),
        cols=np.full(number, cols, np.int64),
        label=like.label[wafers],
        name=like.name[wafers],
        lot=like.lot[wafers],
        pitch_mm=like.pitch_mm[wafers],
    )


def _seen_like(library: Library, rows: int, cols: int, dies: float) -> Ints:
    """Return the wafers of the library that a wafer of this grid may be like."""
    maps = library.marked.maps
    same = np.flatnonzero((maps.rows == rows) & (maps.cols == cols))
    if len(same) >= _LEAST_OF_GRID:
        return same
    return np.sort(np.argsort(abs(library.marked.dies - dies), kind="stable")[:_NEAREST])


def compare_shapes(
    observed: WaferMaps, half: Ints, moments: WaferMaps, apart: WaferMaps
) -> list[ShapeRow]:
    """Compare largest clusters, pairs of fails, scratches and the distribution of yield."""
    columns = [_figures(maps) for maps in (observed, moments, apart)]
    names = [
        "largest cluster, share",
        *(f"pairs at {lag} dies" for lag in LAGS),
        "scratches, share",
    ]
    rows = [
        ShapeRow(name, *(float(figures[k]) for figures, _ in columns))
        for k, name in enumerate(names)
    ]
    fails = [fail for _, fail in columns]
    sides = fails[0][half == 0], fails[0][half == 1]
    pairs = [sides, (fails[0], fails[1]), (fails[0], fails[2])]
    distances = [float(ks_2samp(a, b, method="asymp").statistic) for a, b in pairs]
    return [*rows, ShapeRow("yield, KS", *distances)]


def _figures(maps: WaferMaps) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the compared figures, and the share of fails of each wafer."""
    counts = measure(maps, RadialBins(np.array([0.0, 1.0]), np.array([0.5])))
    share = float(counts.fails.sum() / counts.dies.sum())
    pair_dies = counts.pair_dies.sum(axis=0)
    pairs = counts.pair_fails.sum(axis=0) / np.where(pair_dies > 0, pair_dies, np.nan) / share**2
    largest = np.array([_largest(maps.grid(w) == FAIL) for w in range(len(maps))])
    scratches = find_signatures(maps)[:, _SCRATCH].mean()
    return np.array([(largest / counts.dies).mean(), *pairs, scratches]), counts.fail


def _largest(bad: NDArray[np.bool_]) -> int:
    """Return the dies of the largest cluster of fails, corners included."""
    label, count = ndimage.label(bad, _AROUND)
    return int(np.bincount(label.ravel(), minlength=count + 2)[1:].max())
