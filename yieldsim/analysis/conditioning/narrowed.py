"""How much evidence narrows a figure: P90 over P10 after it, over P90 over P10 before."""

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
    the interval lies on one side of 1. It is a bootstrap: realizations are drawn again, and keep
    their weights. Both widths are of the same realizations, so that their luck cancels in part.
    None where P10 is zero.
    """
    n = values.shape[1]
    rng = np.random.default_rng(_SEED)
    draws = [rng.multinomial(n, np.full(n, 1.0 / n)) for _ in range(RESAMPLES)]
    tails = [(1.0 - LEVEL) / 2.0, (1.0 + LEVEL) / 2.0]
    records: list[Record] = []
    for label, own in zip(labels, values, strict=True):
        order = np.argsort(own)
        ordered, weighed = own[order], weights[order]
        ones = np.ones(n)
        width = _width(ordered, weighed) / _width(ordered, ones)
        again = []
        for draw in draws:
            counts = draw[order]
            again.append(_width(ordered, counts * weighed) / _width(ordered, counts))
        low, high = np.quantile(again, tails)
        numbers = named(("width", "low", "high"), [width, float(low), float(high)])
        records.append({"year": label, **numbers, "sure": bool(low > 1.0 or high < 1.0)})
    return records


def _width(ordered: np.ndarray, weights: np.ndarray) -> float:
    """P90 over P10 of values in rising order; NaN where P10 is zero."""
    below = np.cumsum(weights)
    places = np.searchsorted(below, _ENDS * below[-1], side="left")
    low, high = ordered[np.minimum(places, len(ordered) - 1)]
    return float(high / low) if low > 0.0 else np.nan
