"""The defects of `points`, one by one: made again from their counters, to be drawn and looked at.

Legend: columns of a list float64[defect, 6] are die, x and y (-1/2 to 1/2 of the die, from its
centre), layer (-1 without layer groups), size in um (nan without), and 1 where it kills a block.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from yieldsim.kernels.inverse import poisson_ppf_exact
from yieldsim.kernels.jit import jit
from yieldsim.kernels.philox import (
    STREAM_DEFECT_COUNT,
    STREAM_DEFECT_PLACE,
    fill_blocks,
    seeded_words,
    uniform_open,
)
from yieldsim.wafer.kernels.points import kills, layer_and_size, place_words, strip_of
from yieldsim.wafer.kernels.points_plain import PLAIN, die_of, looked_up

__all__ = ["defects_by_die", "plain_defects"]

_IN_BLOCK = 3
_ZERO = np.uint32(0)


@jit
def defects_by_die(
    field: Any, floor: Any, density: NDArray[np.float64], wafer: Any
) -> NDArray[np.float64]:
    """Return the list of a wafer whose dies have these densities per cm2."""
    dies = density.shape[0]
    words = np.empty((4, dies), np.uint32)
    fill_blocks(words, field.seed, _ZERO, _ZERO, STREAM_DEFECT_COUNT, wafer)
    counts = np.empty(dies, np.int64)
    for die in range(dies):
        counts[die] = poisson_ppf_exact(uniform_open(words[0, die]), density[die] * floor.area_cm2)
    out = np.empty((counts.sum(), 6))
    row = 0
    for die in range(dies):
        for defect in range(counts[die]):
            height, width, layer_word, size_word = place_words(field, die, defect, wafer)
            if defect < _IN_BLOCK:
                height = words[defect + 1, die]
            strip = strip_of(floor, height)
            layer, size, kill = -1, np.nan, True
            if floor.layer_end.shape[0] > 0:
                layer, left, size = layer_and_size(floor, layer_word, size_word)
                if floor.kill.shape[0] > 0:
                    kill = kills(floor, floor.strip_kind[strip], layer, left, size)
            out[row, 0] = die
            out[row, 1] = uniform_open(width) - 0.5
            out[row, 2] = uniform_open(height) - 0.5
            out[row, 3] = layer
            out[row, 4] = size
            out[row, 5] = kill and floor.strip_node[strip] >= 0
            row += 1
    return out


@jit
def plain_defects(plain: Any, floor: Any, wafer: Any) -> NDArray[np.float64]:
    """Return the list of a wafer of `plain_points`, whose defects are not numbered by die."""
    w0, _, _, _ = seeded_words(plain.seed, _ZERO, PLAIN, STREAM_DEFECT_COUNT, wafer)
    count = looked_up(plain.count_below, plain.count_guide, w0)
    out = np.empty((count, 6))
    for defect in range(count):
        word = np.uint32(defect + 1)
        four = seeded_words(plain.seed, word // 4, PLAIN, STREAM_DEFECT_COUNT, wafer)
        out[defect, 0] = die_of(plain, four[word % 4])
        four = seeded_words(plain.seed, word, PLAIN, STREAM_DEFECT_PLACE, wafer)
        x, y, layer_word, size_word = four
        out[defect, 1] = uniform_open(x) - 0.5
        out[defect, 2] = uniform_open(y) - 0.5
        layer, size = -1, np.nan
        if floor.layer_end.shape[0] > 0:
            layer, _, size = layer_and_size(floor, layer_word, size_word)
        out[defect, 3] = layer
        out[defect, 4] = size
        out[defect, 5] = 1.0
    return out
