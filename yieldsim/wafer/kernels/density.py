"""Density of defects on the dies of a wafer: clusters, profile, excursions, spatial signatures.

Legend: lot, wafer, die and region are numbers from zero; densities are per cm2. Gamma tables are
those of `quantiles`, with no columns where the spread is off. A wafer's numbers depend on the seed
and on the numbers of its lot and of itself.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from yieldsim.kernels.inverse import gamma_tabulated
from yieldsim.kernels.jit import bare_jit, inline_jit
from yieldsim.kernels.philox import (
    STREAM_DENSITY,
    STREAM_EXCURSION,
    STREAM_SIGNATURE,
    fill_blocks,
    seeded_words,
    uniform_open,
)
from yieldsim.wafer.kernels.signatures import ring_mean, scratch_mean, spot_mean

__all__ = ["Field", "add_signatures", "density_row", "lot_density", "wafer_ratio", "wafer_ratios"]

# Entities of the stream of densities.
_LOT = np.uint32(0)
_WAFER = np.uint32(1)
_REGION = np.uint32(2)
_ZERO = np.uint32(0)

# Columns of `Field.signatures`.
PROBABILITY, PEAK, RADIUS, WIDTH, HALF_SPAN, HALF_LENGTH = range(6)  # length > 0: a scratch
SIGNATURE_COLUMNS = 6


class Field(NamedTuple):
    """All that decides the densities.

    ``profile`` float64[die] is the mean ratio over the die; ``region`` int64[die]; ``excursion``
    float64[3] is the chance of a start before a lot, of going on and the ratio, and ``look_back``
    the number of earlier lots whose excursions may still last (0: none). ``sub_x``, ``sub_y``
    float64[die, point] are points of the dies as parts of the usable radius, each the middle of a
    rectangle with half sides ``half_x``, ``half_y``.
    """

    seed: Any
    d0_per_cm2: Any
    lot_wafers: Any
    lot_gamma: NDArray[np.float64]
    wafer_gamma: NDArray[np.float64]
    region_gamma: NDArray[np.float64]
    region: NDArray[np.int64]
    profile: NDArray[np.float64]
    excursion: NDArray[np.float64]
    look_back: Any
    signatures: NDArray[np.float64]
    sub_x: NDArray[np.float64]
    sub_y: NDArray[np.float64]
    half_x: Any
    half_y: Any


@bare_jit
def in_excursion(field: Any, lot: Any) -> Any:
    """Whether an excursion that started before this lot, or an earlier one, still lasts.

    Each lot draws whether one starts there and how many lots it lasts, so any lot can be entered;
    what started before lot 0 has numbers below zero, which wrap.
    """
    start, go_on = field.excursion[0], field.excursion[1]
    for back in range(field.look_back):
        number = np.uint32(np.int64(lot) - back)
        w0, w1, _, _ = seeded_words(field.seed, _ZERO, _ZERO, STREAM_EXCURSION, number)
        # it lasts beyond `back` lots with probability go_on^back
        if uniform_open(w0) < start and uniform_open(w1) < go_on**back:
            return True
    return False


@bare_jit
def lot_density(field: Any, lot: Any) -> Any:
    """D0 times what the whole lot shares."""
    density = field.d0_per_cm2
    if field.lot_gamma.shape[1] > 0:
        w0, _, _, _ = seeded_words(field.seed, _ZERO, _LOT, STREAM_DENSITY, lot)
        density *= gamma_tabulated(field.lot_gamma, w0)
    if field.look_back > 0 and in_excursion(field, lot):
        density *= field.excursion[2]
    return density


@inline_jit
def wafer_ratio(field: Any, wafer: Any) -> Any:
    """The wafer's own gamma."""
    if field.wafer_gamma.shape[1] == 0:
        return 1.0
    w0, _, _, _ = seeded_words(field.seed, _ZERO, _WAFER, STREAM_DENSITY, wafer)
    return gamma_tabulated(field.wafer_gamma, w0)


@bare_jit
def wafer_ratios(field: Any, first_wafer: Any, words: Any, out: Any) -> None:
    """Fill ``out`` float64[wafer] with `wafer_ratio` of consecutive wafers, several at once.

    ``words`` uint32[wafer] is work space.
    """
    if field.wafer_gamma.shape[1] == 0:
        for w in range(out.shape[0]):
            out[w] = 1.0
        return
    for w in range(words.shape[0]):
        wafer = np.uint32(np.uint64(first_wafer) + np.uint64(w))
        words[w], _, _, _ = seeded_words(field.seed, _ZERO, _WAFER, STREAM_DENSITY, wafer)
    for w in range(out.shape[0]):
        out[w] = gamma_tabulated(field.wafer_gamma, words[w])


@bare_jit
def density_row(
    field: Any, wafer: Any, wafer_density: Any, words: Any, regions: Any, out: Any
) -> Any:
    """Fill ``out`` float64[die] with all but the signatures.

    ``words`` uint32[4, >= regions / 4] and ``regions`` float64[>= regions] are work space.
    """
    dies = out.shape[0]
    if field.region_gamma.shape[1] == 0:
        for die in range(dies):
            out[die] = wafer_density * field.profile[die]
        return
    fill_blocks(words, field.seed, _ZERO, _REGION, STREAM_DENSITY, wafer)
    for block in range(words.shape[1]):
        for k in range(4):
            regions[4 * block + k] = gamma_tabulated(field.region_gamma, words[k, block])
    for die in range(dies):
        out[die] = wafer_density * field.profile[die] * regions[field.region[die]]


@inline_jit
def _in_sector(shape: Any, angle: Any, x: Any, y: Any) -> Any:
    """Whether a point is in a ring's sector."""
    if shape[HALF_SPAN] >= math.pi:
        return True
    turn = abs(math.atan2(y, x) - angle)
    return min(turn, 2.0 * math.pi - turn) <= shape[HALF_SPAN]


@inline_jit
def _ring(shape: Any, angle: Any, x: Any, y: Any, narrow: Any, sides: Any) -> Any:
    """A ring at a point, or where it is narrow its mean over the point's rectangle."""
    if not _in_sector(shape, angle, x, y):
        return 0.0
    if narrow:
        if shape[RADIUS] == 0.0:
            return spot_mean(x, y, shape[WIDTH], sides)
        return ring_mean(x, y, shape[RADIUS], shape[WIDTH], sides)
    across = (math.hypot(x, y) - shape[RADIUS]) / shape[WIDTH]
    return math.exp(-0.5 * across * across)


@inline_jit
def _scratch(shape: Any, cos: Any, sin: Any, dx: Any, dy: Any, narrow: Any, sides: Any) -> Any:
    """A scratch at a point that lies (dx, dy) from its middle, or its mean as of `_ring`."""
    width, half_length = shape[WIDTH], shape[HALF_LENGTH]
    along, across = dx * cos + dy * sin, dy * cos - dx * sin
    if narrow:
        return scratch_mean(along, across, cos, sin, width, half_length, sides)
    beyond = max(0.0, abs(along) - half_length)
    return math.exp(-0.5 * (across * across + beyond * beyond) / (width * width))


@bare_jit
def add_signatures(field: Any, wafer: Any, extra: Any) -> Any:
    """Fill ``extra`` float64[die] with the signatures' densities; False where there are none."""
    found = False
    for kind in range(field.signatures.shape[0]):
        shape = field.signatures[kind]
        w0, w1, w2, w3 = seeded_words(field.seed, _ZERO, np.uint32(kind), STREAM_SIGNATURE, wafer)
        if uniform_open(w0) >= shape[PROBABILITY]:
            continue
        if not found:
            for die in range(extra.shape[0]):
                extra[die] = 0.0
        found = True
        add_signature(field, shape, uniform_open(w1), uniform_open(w2), uniform_open(w3), extra)
    return found


@bare_jit
def add_signature(field: Any, shape: Any, u1: Any, u2: Any, u3: Any, extra: Any) -> None:
    """Add one signature, whose direction and place come from three uniforms."""
    angle = math.pi * (2.0 * u1 - 1.0)
    cos, sin = math.cos(angle), math.sin(angle)
    middle = math.sqrt(u2)
    x0 = middle * math.cos(2.0 * math.pi * u3)
    y0 = middle * math.sin(2.0 * math.pi * u3)
    points = field.sub_x.shape[1]
    sides = (field.half_x, field.half_y)
    # what is wider than the rectangle's diagonal is as good at its middle, and sooner found
    narrow = shape[WIDTH] < 2.0 * math.hypot(field.half_x, field.half_y)
    for die in range(extra.shape[0]):
        total = 0.0
        for point in range(points):
            x, y = field.sub_x[die, point], field.sub_y[die, point]
            if shape[HALF_LENGTH] > 0.0:
                total += _scratch(shape, cos, sin, x - x0, y - y0, narrow, sides)
            else:
                total += _ring(shape, angle, x, y, narrow, sides)
        extra[die] += shape[PEAK] * total / points
