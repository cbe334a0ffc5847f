"""Random numbers of the event simulator: words of a counter, and times from them."""

from __future__ import annotations

import math

import numpy as np

from yieldsim.flow.kernels.records import EXPONENTIAL, UNIFORM, LineState, Record
from yieldsim.kernels.jit import inline_jit, stage_jit
from yieldsim.kernels.philox import seeded_words

__all__ = ["sample_minutes", "word_uniform", "words"]

_TWO_POW_MINUS_32 = 2.0**-32


@inline_jit
def words(state: LineState, draw: int, entity: int, stream: np.uint32) -> tuple[int, int, int, int]:
    """Return the four words of counter (draw, entity, stream, replication)."""
    run = state.run[0]
    return seeded_words(run.seed, draw, entity, stream, run.replication)


@stage_jit
def word_uniform(word: int) -> float:
    """Return the middle of the word's cell of (0, 1)."""
    return (np.float64(word) + 0.5) * _TWO_POW_MINUS_32


@stage_jit
def sample_minutes(spread: Record, word: int) -> float:
    """Return a time (minutes) of a SPREAD from one word, through the inverse CDF."""
    if spread.law == UNIFORM:
        return spread.mean + spread.half_width * (2.0 * word_uniform(word) - 1.0)
    if spread.law == EXPONENTIAL:
        return -spread.mean * math.log(word_uniform(word))
    return spread.mean
