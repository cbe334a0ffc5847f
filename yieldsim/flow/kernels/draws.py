"""Random numbers of the event simulator: words of a counter, and times from them."""

from __future__ import annotations

import math

import numpy as np

from yieldsim.flow.kernels.records import (
    CONSTANT,
    EXPONENTIAL,
    LOGNORMAL,
    NORMAL,
    TRIANGULAR,
    UNIFORM,
    LineState,
    Record,
)
from yieldsim.kernels.gamma import gamma_ppf
from yieldsim.kernels.inverse import normal_ppf
from yieldsim.kernels.jit import inline_jit, stage_jit
from yieldsim.kernels.philox import seeded_words

__all__ = ["sample_minutes", "word_uniform", "words"]

_TWO_POW_MINUS_32 = 2.0**-32


@inline_jit
def words(state: LineState, draw: int, entity: int, stream: np.uint32) -> tuple[int, int, int, int]:
    """Return the four words of counter (draw, entity, stream, replication)."""
    run = state.run[0]
    return seeded_words(run.seed, draw, entity, stream, run.replication)


@inline_jit
def word_uniform(word: int) -> float:
    """Return the middle of the word's cell of (0, 1)."""
    return (np.float64(word) + 0.5) * _TWO_POW_MINUS_32


@stage_jit
def sample_minutes(spread: Record, word: int) -> float:
    """Return a time (minutes) of a SPREAD from one word, through the inverse CDF."""
    if spread.law == CONSTANT:
        return spread.mean
    if spread.law == UNIFORM:
        return spread.mean + spread.width * (2.0 * word_uniform(word) - 1.0)
    if spread.law == EXPONENTIAL:
        return -spread.mean * math.log(word_uniform(word))
    return _sample_other(spread, word_uniform(word))


@stage_jit
def _sample_other(spread: Record, u: float) -> float:
    """Return the quantile of ``u`` under one of the rarer laws."""
    if spread.width <= 0.0:
        return spread.mean
    if spread.law == TRIANGULAR:
        least = 0.5 * (3.0 * spread.mean - spread.mode) - spread.width
        span = 2.0 * spread.width
        rise = spread.mode - least
        if u * span < rise:
            return least + math.sqrt(u * span * rise)
        return least + span - math.sqrt((1.0 - u) * span * (span - rise))
    if spread.law == NORMAL:
        return max(spread.mean + spread.width * normal_ppf(u), 0.0)
    variation = (spread.width / spread.mean) ** 2
    if spread.law == LOGNORMAL:
        log_variance = math.log(1.0 + variation)
        middle = math.log(spread.mean) - 0.5 * log_variance
        return math.exp(middle + math.sqrt(log_variance) * normal_ppf(u))
    return spread.mean * variation * gamma_ppf(u, 1.0 / variation)
