"""Figures of inspections: densities, spread between dies, classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from yieldsim.wafer.inspection.inspection import Inspection

__all__ = ["ClassCount", "WaferFigures", "class_counts", "density_interval", "figures_of"]

_MOST_LOG = 50.0  # logarithm of the widest interval, far beyond any use


@dataclass(frozen=True)
class WaferFigures:
    """One wafer: defects, dies and densities. A cluster counts as one event in ``events``.

    ``variance_ratio`` is the variance of defects between dies over their mean: 1 without clusters.
    ``alpha`` is the negative binomial's parameter of defects a die, by moments (inf: Poisson).
    """

    lot: str
    wafer: str
    step: str
    defects: int
    events: int
    clusters: int
    dies: int
    dies_hit: int
    area_cm2: float
    per_cm2: float
    events_per_cm2: float
    variance_ratio: float
    alpha: float


def figures_of(one: Inspection, cluster: NDArray[np.int64]) -> WaferFigures:
    """Return a wafer's figures; ``cluster`` is each defect's cluster, or -1."""
    per_die = one.per_die()
    mean = float(per_die.mean()) if len(per_die) else float("nan")
    spread = float(per_die.var(ddof=1)) if len(per_die) > 1 else float("nan")
    clusters = int(cluster.max(initial=-1)) + 1
    events = int(np.count_nonzero(cluster < 0)) + clusters
    over = spread - mean
    return WaferFigures(
        lot=one.lot,
        wafer=one.wafer,
        step=one.step,
        defects=len(one.found),
        events=events,
        clusters=clusters,
        dies=len(one.dies),
        dies_hit=int(np.count_nonzero(per_die)),
        area_cm2=one.area_cm2,
        per_cm2=_ratio(len(one.found), one.area_cm2),
        events_per_cm2=_ratio(events, one.area_cm2),
        variance_ratio=spread / mean if mean > 0.0 else float("nan"),
        alpha=mean**2 / over if over > 0.0 else float("inf") if mean > 0.0 else float("nan"),
    )


def _ratio(count: float, area: float) -> float:
    return count / area if area > 0.0 else float("nan")


def density_interval(
    counts: Sequence[int], areas_cm2: Sequence[float], confidence: float = 0.95
) -> tuple[float, float, float]:
    """Return the pooled density per cm2 and its interval.

    Of one wafer the interval is that of a Poisson count; of several it is of their spread, if that
    is wider: Student's t of the densities, weighed by area. From three wafers on it is that of the
    logarithm, because densities that cluster are skewed.
    """
    total, area = float(sum(counts)), float(sum(areas_cm2))
    if area <= 0.0:
        return (float("nan"),) * 3
    tail = 0.5 * (1.0 - confidence)
    low = float(stats.chi2.ppf(tail, 2.0 * total)) / 2.0 / area if total else 0.0
    high = float(stats.chi2.ppf(1.0 - tail, 2.0 * total + 2.0)) / 2.0 / area
    value, wafers = total / area, len(counts)
    if wafers > 1:
        rest = np.asarray(counts, float) - value * np.asarray(areas_cm2, float)
        error = float(np.sqrt(np.sum(rest**2) * wafers / (wafers - 1.0))) / area
        half = error * float(stats.t.ppf(1.0 - tail, wafers - 1))
        ends = (value - half, value + half)
        if wafers > 2 and value > 0.0:
            factor = float(np.exp(min(half / value, _MOST_LOG)))
            ends = (value / factor, value * factor)
        low, high = min(low, max(ends[0], 0.0)), max(high, ends[1])
    return value, low, high


@dataclass(frozen=True)
class ClassCount:
    """The defects of one class, on all wafers."""

    number: int
    name: str
    defects: int
    per_cm2: float
    median_um: float


def class_counts(wafers: Sequence[Inspection]) -> list[ClassCount]:
    """Return the classes that occur, the most frequent first."""
    kind = np.concatenate([one.found.kind for one in wafers])
    size = np.concatenate([one.found.size_um for one in wafers])
    names = {number: name for one in wafers for number, name in one.classes.items()}
    area = sum(one.area_cm2 for one in wafers)
    numbers, counts = np.unique(kind, return_counts=True)
    found = []
    for number, count in zip(numbers.tolist(), counts.tolist(), strict=True):
        sizes = size[(kind == number) & np.isfinite(size)]
        median = float(np.median(sizes)) if len(sizes) else float("nan")
        found.append(ClassCount(number, names.get(number, ""), count, _ratio(count, area), median))
    return sorted(found, key=lambda row: (-row.defects, row.number))
