"""Defects of the reticle: which blocks of which dies they hit on a wafer."""

from __future__ import annotations

from typing import NamedTuple

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
from yieldsim.wafer.kernels.points import BlockLayout, strip_of

__all__ = ["LotRepeaters", "lot_repeaters", "wafer_hits"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_RETICLE = np.uint32(0xFFFFFFFF)  # entity of the lot's draws; fields have the numbers from zero
_ZERO = np.uint32(0)


class LotRepeaters(NamedTuple):
    """Reticle defects of a lot: each lies in a strip of one die of the field.

    ``die_in_field`` and ``strip`` int64[repeater]; ``across`` and ``up`` float64[repeater] are in
    parts of the die from its centre, -1/2 to 1/2.
    """

    die_in_field: Ints
    strip: Ints
    across: Floats
    up: Floats


@jit
def lot_repeaters(
    seed: np.uint64, layout: BlockLayout, mean: float, dies_in_field: int, lot: np.uint32
) -> LotRepeaters:
    """Draw the lot's repeaters, whose number is Poisson with the given mean."""
    u = noise_uniform(seed, _ZERO, _RETICLE, STREAM_REPEATER, lot)
    count = poisson_ppf_exact(u, mean)
    die_in_field = np.empty(count, np.int64)
    strip = np.empty(count, np.int64)
    across = np.empty(count)
    up = np.empty(count)
    for k in range(count):
        w0, w1, w2, _ = seeded_words(seed, np.uint32(k + 1), _RETICLE, STREAM_REPEATER, lot)
        die_in_field[k] = np.int64(word_below(w0, dies_in_field))
        strip[k] = strip_of(layout, w1)
        across[k] = uniform_open(w2) - 0.5
        up[k] = uniform_open(w1) - 0.5
    return LotRepeaters(die_in_field, strip, across, up)


@jit
def wafer_hits(
    seed: np.uint64,
    repeater_die: Ints,
    chance: float,
    die_in_field: Ints,
    field: Ints,
    wafer: np.uint32,
) -> tuple[Ints, Ints]:
    """Return (start int64[die + 1], repeater int64[hit]): hits of die d are from start[d] on.

    ``repeater_die`` int64[repeater] is each repeater's die in the field. It prints on each field of
    the wafer with probability ``chance``.
    """
    dies = die_in_field.shape[0]
    start = np.zeros(dies + 1, np.int64)
    hits = np.empty(dies * repeater_die.shape[0], np.int64)
    count = 0
    for die in range(dies):
        for k in range(repeater_die.shape[0]):
            if repeater_die[k] != die_in_field[die]:
                continue
            number = np.uint32(field[die])
            u = noise_uniform(seed, np.uint32(k + 1), number, STREAM_REPEATER, wafer)
            if u < chance:
                hits[count] = k
                count += 1
        start[die + 1] = count
    return start, hits[:count]
