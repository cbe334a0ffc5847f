"""The defects of points.py one by one, made again from their counters for maps and files."""

from __future__ import annotations

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
from yieldsim.wafer.kernels.points import (
    BlockLayout,
    kills,
    layer_and_size,
    place_words,
    strip_of,
)
from yieldsim.wafer.kernels.points_flat import height_word
from yieldsim.wafer.kernels.points_plain import PLAIN, PlainWafers, die_of_defect, looked_up

__all__ = ["DEFECT", "defects_by_die", "plain_defects"]

_ZERO = np.uint32(0)

# ``across`` and ``up`` are in parts of the die from its centre, -1/2 to 1/2. Without layer groups
# ``layer`` is -1 and ``size_um`` nan.
DEFECT = np.dtype(
    [
        ("die", np.int64),
        ("across", np.float64),
        ("up", np.float64),
        ("layer", np.int64),
        ("size_um", np.float64),
        ("kills", np.bool_),
    ]
)


@jit
def defects_by_die(
    seed: np.uint64, layout: BlockLayout, density: NDArray[np.float64], wafer: np.uint32
) -> NDArray[np.void]:
    """Return the records DEFECT of a wafer whose dies have these densities per cm2."""
    dies = density.shape[0]
    words = np.empty((4, dies), np.uint32)
    fill_blocks(words, seed, _ZERO, _ZERO, STREAM_DEFECT_COUNT, wafer)
    counts = np.empty(dies, np.int64)
    for die in range(dies):
        counts[die] = poisson_ppf_exact(uniform_open(words[0, die]), density[die] * layout.area_cm2)
    out = np.empty(counts.sum(), DEFECT)
    row = 0
    for die in range(dies):
        for defect in range(counts[die]):
            own, width, layer_word, size_word = place_words(seed, die, defect, wafer)
            height = height_word(words, die, defect, own)
            strip = strip_of(layout, height)
            layer, size_um, kill = -1, np.nan, True
            if layout.layer_end.shape[0] > 0:
                layer, u, size_um = layer_and_size(layout, layer_word, size_word)
                if layout.kill.shape[0] > 0:
                    kill = kills(layout, layout.strip_kind[strip], layer, u, size_um)
            out[row].die = die
            out[row].across = uniform_open(width) - 0.5
            out[row].up = uniform_open(height) - 0.5
            out[row].layer = layer
            out[row].size_um = size_um
            out[row].kills = kill and layout.strip_node[strip] >= 0
            row += 1
    return out


@jit
def plain_defects(plain: PlainWafers, layout: BlockLayout, wafer: np.uint32) -> NDArray[np.void]:
    """Return the records DEFECT of a wafer of points_plain.py, whose defects are not by die."""
    w0, _, _, _ = seeded_words(plain.seed, _ZERO, PLAIN, STREAM_DEFECT_COUNT, wafer)
    count = looked_up(plain.count_below, plain.count_guide, w0)
    out = np.empty(count, DEFECT)
    for defect in range(count):
        out[defect].die = die_of_defect(plain, wafer, defect)
        place = seeded_words(plain.seed, np.uint32(defect + 1), PLAIN, STREAM_DEFECT_PLACE, wafer)
        across, up, layer_word, size_word = place
        out[defect].across = uniform_open(across) - 0.5
        out[defect].up = uniform_open(up) - 0.5
        layer, size_um = -1, np.nan
        if layout.layer_end.shape[0] > 0:
            layer, _, size_um = layer_and_size(layout, layer_word, size_word)
        out[defect].layer = layer
        out[defect].size_um = size_um
        out[defect].kills = True
    return out
