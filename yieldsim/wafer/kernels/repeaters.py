"""Defects of the reticle: which blocks of which dies they hit on a wafer.

Legend: a repeater has a place, the number of the die in the field, and a strip of that die, at
``across`` and ``up`` (-1/2 to 1/2 of the die, from its centre).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from yieldsim.kernels.inverse import poisson_ppf_exact
from yieldsim.kernels.jit import jit
from yieldsim.kernels.philox import (
    STREAM_REPEATER,
    noise_uniform,
    seeded_words,
    uniform_open,
    word_below,
)
from yieldsim.wafer.kernels.points import strip_of

__all__ = ["lot_repeaters", "wafer_hits"]

_RETICLE = np.uint32(0xFFFFFFFF)  # entity of what the lot draws; fields have the numbers from zero
_ZERO = np.uint32(0)


@jit
def lot_repeaters(
    seed: Any, floor: Any, mean: Any, dies_in_field: Any, lot: Any
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Return (die in the field, strip, across, up) of the lot's repeaters.

    Their number is Poisson of the given mean.
    """
    u = noise_uniform(seed, _ZERO, _RETICLE, STREAM_REPEATER, lot)
    count = poisson_ppf_exact(u, mean)
    place = np.empty(count, np.int64)
    strip = np.empty(count, np.int64)
    across = np.empty(count)
    up = np.empty(count)
    for k in range(count):
        w0, w1, w2, _ = seeded_words(seed, np.uint32(k + 1), _RETICLE, STREAM_REPEATER, lot)
        place[k] = np.int64(word_below(w0, dies_in_field))
        strip[k] = strip_of(floor, w1)
        across[k] = uniform_open(w2) - 0.5
        up[k] = uniform_open(w1) - 0.5
    return place, strip, across, up


@jit
def wafer_hits(
    seed: Any,
    place: NDArray[np.int64],
    strip: NDArray[np.int64],
    chance: Any,
    die_in_field: NDArray[np.int64],
    field: NDArray[np.int64],
    wafer: Any,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return (start int64[die + 1], strip int64[hit]): hits of die d are from start[d] on.

    A repeater prints on each field of the wafer with probability ``chance``.
    """
    dies = die_in_field.shape[0]
    start = np.zeros(dies + 1, np.int64)
    hits = np.empty(dies * place.shape[0], np.int64)
    count = 0
    for die in range(dies):
        for k in range(place.shape[0]):
            if place[k] != die_in_field[die]:
                continue
            number = np.uint32(field[die])
            u = noise_uniform(seed, np.uint32(k + 1), number, STREAM_REPEATER, wafer)
            if u < chance:
                hits[count] = strip[k]
                count += 1
        start[die + 1] = count
    return start, hits[:count]
