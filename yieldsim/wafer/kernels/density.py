"""Density of defects on the dies of a wafer: clusters, profile, excursions, spatial signatures.

Legend: lots, wafers, dies and regions are numbered from zero; densities are per cm2. Gamma tables
are those of `kernels.inverse.gamma_tabulated`, without columns where there is no spread; that of
the regions has one row after the other. A wafer's
densities depend on the seed, the number of its lot and its own number only.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from yieldsim.kernels.inverse import GAMMA_CELLS, gamma_place, gamma_tabulated
from yieldsim.kernels.jit import bare_jit, inline_jit, stage_jit
from yieldsim.kernels.philox import (
    STREAM_DENSITY,
    STREAM_EXCURSION,
    STREAM_SIGNATURE,
    fill_blocks,
    seeded_words,
    uniform_open,
)
from yieldsim.wafer.kernels.signatures import SeenWafers, ring_mean, scratch_mean, spot_mean

__all__ = [
    "SIGNATURE",
    "DensityModel",
    "ExcursionChances",
    "add_signature",
    "add_signatures",
    "density_row",
    "lot_density",
    "wafer_ratio",
    "wafer_ratios",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Entities of the stream of densities.
_LOT = np.uint32(0)
_WAFER = np.uint32(1)
_REGION = np.uint32(2)
_ZERO = np.uint32(0)
_ROW, _NEXT = np.uint64(GAMMA_CELLS + 1), np.uint64(1)  # of a gamma table

# Lengths are in usable radii. A half length above zero makes the signature a scratch.
SIGNATURE = np.dtype(
    [
        ("probability", np.float64),
        ("peak_per_cm2", np.float64),
        ("radius", np.float64),
        ("width", np.float64),
        ("half_span_rad", np.float64),
        ("half_length", np.float64),
    ]
)


class ExcursionChances(NamedTuple):
    """``start`` is the chance that one begins before a lot, ``go_on`` that it lasts one lot more.

    ``look_back`` is the number of earlier lots whose excursions may still last, 0 without any.
    """

    start: float
    go_on: float
    d0_ratio: float
    look_back: int


class DensityModel(NamedTuple):
    """Everything that decides the densities.

    ``profile`` float64[die] is the mean ratio over the die, ``place`` uint64[die] the place of its
    region's word, ``signatures`` are records SIGNATURE. ``sub_x``, ``sub_y`` float64[die, point]
    are points of the dies in usable radii, each the middle of a rectangle with half sides
    ``half_x``, ``half_y``.
    ``seen`` are the wafers that the fitted maps showed, of length 0 without any.
    """

    seed: np.uint64
    d0_per_cm2: float
    lot_wafers: int
    lot_gamma: Floats
    wafer_gamma: Floats
    region_gamma: Floats
    place: NDArray[np.uint64]
    profile: Floats
    excursions: ExcursionChances
    signatures: NDArray[np.void]
    sub_x: Floats
    sub_y: Floats
    half_x: float
    half_y: float
    seen: SeenWafers


@stage_jit
def in_excursion(model: DensityModel, lot: int) -> bool:
    """Whether an excursion that started before this lot, or an earlier one, still lasts.

    Each lot draws whether one starts there and how many lots it lasts, so any lot can be entered.
    Lots before lot 0 have negative numbers, which wrap.
    """
    for back in range(model.excursions.look_back):
        number = np.uint32(np.int64(lot) - back)
        w0, w1, _, _ = seeded_words(model.seed, _ZERO, _ZERO, STREAM_EXCURSION, number)
        starts = uniform_open(w0) < model.excursions.start
        # it lasts beyond `back` lots with probability go_on^back
        if starts and uniform_open(w1) < model.excursions.go_on**back:
            return True
    return False


@stage_jit
def lot_density(model: DensityModel, lot: int) -> float:
    """Return D0 times the factors that all wafers of the lot share."""
    density = model.d0_per_cm2
    if model.lot_gamma.shape[1] > 0:
        w0, _, _, _ = seeded_words(model.seed, _ZERO, _LOT, STREAM_DENSITY, lot)
        density *= gamma_tabulated(model.lot_gamma, w0)
    if model.excursions.look_back > 0 and in_excursion(model, lot):
        density *= model.excursions.d0_ratio
    return density


@inline_jit
def wafer_ratio(model: DensityModel, wafer: np.uint32) -> float:
    """Return the wafer's own gamma."""
    if model.wafer_gamma.shape[1] == 0:
        return 1.0
    w0, _, _, _ = seeded_words(model.seed, _ZERO, _WAFER, STREAM_DENSITY, wafer)
    return gamma_tabulated(model.wafer_gamma, w0)


@stage_jit
def wafer_ratios(
    model: DensityModel, first_wafer: int, words: NDArray[np.uint32], out: Floats
) -> None:
    """Fill ``out`` float64[wafer] with `wafer_ratio` of consecutive wafers, several at once.

    ``words`` uint32[wafer] is work space.
    """
    if model.wafer_gamma.shape[1] == 0:
        for w in range(out.shape[0]):
            out[w] = 1.0
        return
    for w in range(words.shape[0]):
        wafer = np.uint32(np.uint64(first_wafer) + np.uint64(w))
        words[w], _, _, _ = seeded_words(model.seed, _ZERO, _WAFER, STREAM_DENSITY, wafer)
    for w in range(out.shape[0]):
        out[w] = gamma_tabulated(model.wafer_gamma, words[w])


@inline_jit
def density_row(
    model: DensityModel,
    wafer: np.uint32,
    wafer_density: float,
    words: NDArray[np.uint32],
    flat: NDArray[np.uint32],
    regions: Floats,
    out: Floats,
) -> None:
    """Fill ``out`` float64[die] with the densities without signatures.

    ``words`` uint32[4, block], ``flat`` uint32[4 block] of the same memory and ``regions``
    float64[4 block] are work space.
    """
    dies = out.shape[0]
    table = model.region_gamma
    if table.shape[0] == 0:
        for die in range(dies):
            out[die] = wafer_density * model.profile[die]
        return
    fill_blocks(words, model.seed, _ZERO, _REGION, STREAM_DENSITY, wafer)
    # `gamma_tabulated` in two loops, of which the first vectorizes
    for k in range(flat.shape[0]):
        row, cell, part = gamma_place(flat[k])
        flat[k] = row * _ROW + cell
        regions[k] = part
    for k in range(flat.shape[0]):
        cell = np.uint64(flat[k])
        left = table[cell]
        regions[k] = left + regions[k] * (table[cell + _NEXT] - left)
    for die in range(dies):
        out[die] = wafer_density * model.profile[die] * regions[model.place[die]]


@inline_jit
def _in_sector(shape: Any, angle: float, x: float, y: float) -> bool:
    """Whether a point is in a ring's sector."""
    if shape.half_span_rad >= math.pi:
        return True
    turn = abs(math.atan2(y, x) - angle)
    return bool(min(turn, 2.0 * math.pi - turn) <= shape.half_span_rad)


@inline_jit
def _ring(
    shape: Any, angle: float, x: float, y: float, narrow: bool, sides: tuple[float, float]
) -> float:
    """Return a ring's value at a point; for a narrow ring, its mean over the point's rectangle."""
    if not _in_sector(shape, angle, x, y):
        return 0.0
    if narrow:
        if shape.radius == 0.0:
            return spot_mean(x, y, shape.width, sides)
        return ring_mean(x, y, shape.radius, shape.width, sides)
    across = (math.hypot(x, y) - shape.radius) / shape.width
    return math.exp(-0.5 * across * across)


@inline_jit
def _scratch(
    shape: Any,
    cos: float,
    sin: float,
    dx: float,
    dy: float,
    narrow: bool,
    sides: tuple[float, float],
) -> float:
    """Return a scratch's value (dx, dy) from its middle; if narrow, a mean as in `_ring`."""
    width, half_length = shape.width, shape.half_length
    along, across = dx * cos + dy * sin, dy * cos - dx * sin
    if narrow:
        return scratch_mean(along, across, cos, sin, width, half_length, sides)
    beyond = max(0.0, abs(along) - half_length)
    return math.exp(-0.5 * (across * across + beyond * beyond) / (width * width))


@inline_jit
def add_signatures(model: DensityModel, wafer: np.uint32, extra: Floats) -> bool:
    """Fill ``extra`` float64[die] with the signatures' densities; False where there are none."""
    signed = False
    for kind in range(model.signatures.shape[0]):
        w0, w1, w2, w3 = seeded_words(model.seed, _ZERO, np.uint32(kind), STREAM_SIGNATURE, wafer)
        if uniform_open(w0) >= model.signatures[kind].probability:
            continue
        if not signed:
            for die in range(extra.shape[0]):
                extra[die] = 0.0
        signed = True
        add_signature(model, kind, uniform_open(w1), uniform_open(w2), uniform_open(w3), extra)
    return signed


@bare_jit
def add_signature(
    model: DensityModel, kind: int, u1: float, u2: float, u3: float, extra: Floats
) -> None:
    """Add one signature, whose direction and place come from three uniforms."""
    shape: Any = model.signatures[kind]
    angle = math.pi * (2.0 * u1 - 1.0)
    cos, sin = math.cos(angle), math.sin(angle)
    middle = math.sqrt(u2)
    x0 = middle * math.cos(2.0 * math.pi * u3)
    y0 = middle * math.sin(2.0 * math.pi * u3)
    points = model.sub_x.shape[1]
    sides = (model.half_x, model.half_y)
    # a signature wider than the rectangle's diagonal needs no mean: its middle is as good
    narrow = shape.width < 2.0 * math.hypot(model.half_x, model.half_y)
    for die in range(extra.shape[0]):
        total = 0.0
        for point in range(points):
            x, y = model.sub_x[die, point], model.sub_y[die, point]
            if shape.half_length > 0.0:
                total += _scratch(shape, cos, sin, x - x0, y - y0, narrow, sides)
            else:
                total += _ring(shape, angle, x, y, narrow, sides)
        extra[die] += shape.peak_per_cm2 * total / points
