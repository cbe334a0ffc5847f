"""Rank correlation, without scipy.stats: its import alone takes longer than a small run."""

from __future__ import annotations

import math

import numpy as np


def spearman(first: np.ndarray, second: np.ndarray) -> float | None:
    """Pearson correlation of the average ranks of two samples of equal length (Spearman 1904).

    None where one of the two does not vary.
    """
    ranks = np.stack([average_ranks(first), average_ranks(second)])
    ranks -= ranks.mean(axis=1, keepdims=True)
    scale = math.sqrt(float((ranks[0] ** 2).sum()) * float((ranks[1] ** 2).sum()))
    return float((ranks[0] * ranks[1]).sum()) / scale if scale > 0.0 else None


def average_ranks(values: np.ndarray) -> np.ndarray:
    """Ranks from 1 on; equal values share the mean of their ranks."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    shared: np.ndarray = np.cumsum(counts) - (counts - 1) / 2.0
    return shared[place]
