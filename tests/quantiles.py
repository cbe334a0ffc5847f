"""Weighted quantiles by their definition; ``np.quantile`` takes weights from NumPy 2 on."""

from collections.abc import Iterable

import numpy as np


def least_reaching(values: np.ndarray, weights: np.ndarray, q: Iterable[float]) -> list[float]:
    """The least value up to which the share of the weight reaches each ``q``."""
    share = [weights[values <= value].sum() / weights.sum() for value in values]
    return [min(v for v, s in zip(values, share, strict=True) if s >= p - 1e-12) for p in q]
