"""How much evidence narrows a figure: P90/P10 after it, relative to P90/P10 before."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from yieldsim.analysis.records import Record
from yieldsim.analysis.statistics.standard_error import named

RESAMPLES = 200
LEVEL = 0.95  # of the interval
_ENDS = np.array((0.1, 0.9))
_SEED = 21


def narrowing(labels: Sequence[str], values: np.ndarray, weights: np.ndarray) -> list[Record]:
    """Records by year of the relative ``width`` that is left, with the ends of its interval.

    ``values`` (year, realization). Below 1 the evidence narrows the year, and ``sure`` says whether
    the interval lies on one side of 1. The interval is a bootstrap: realizations are resampled, and
    keep their weights. Both widths use the same realizations, so sampling noise partly cancels.
    None where P10 is zero.
    """
    orders = np.argsort(values, axis=1)
    ordered = np.take_along_axis(values, orders, axis=1)
    n = values.shape[1]
    found = _widths(ordered, orders, np.ones(n), weights)
    rng = np.random.default_rng(_SEED)
    again = [
        _widths(ordered, orders, rng.multinomial(n, np.full(n, 1.0 / n)), weights)
        for _ in range(RESAMPLES)
    ]
    ends = np.quantile(again, [(1.0 - LEVEL) / 2.0, (1.0 + LEVEL) / 2.0], axis=0)
    records: list[Record] = []
    for label, width, low, high in zip(labels, found, *ends, strict=True):
        numbers = named(("width", "low", "high"), [float(width), float(low), float(high)])
        records.append({"year": label, **numbers, "sure": bool(low > 1.0 or high < 1.0)})
    return records


def _widths(
    ordered: np.ndarray, orders: np.ndarray, counts: np.ndarray, weights: np.ndarray
) -> list[float]:
    """The relative width of each year, with the number of times each realization counts."""
    pairs = zip(ordered, orders, strict=True)
    weighed = counts * weights
    return [_width(own, weighed[order]) / _width(own, counts[order]) for own, order in pairs]


def _width(ordered: np.ndarray, weights: np.ndarray) -> float:
    """P90 over P10 of values in rising order; NaN where P10 is zero."""
    below = np.cumsum(weights)
    places = np.searchsorted(below, _ENDS * below[-1], side="left")
    low, high = ordered[np.minimum(places, len(ordered) - 1)]
    return float(high / low) if low > 0.0 else np.nan
