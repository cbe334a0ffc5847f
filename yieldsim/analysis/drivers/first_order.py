"""First-order sensitivity indices from the draws of any ensemble ("given data").

The first-order index of an input X is ``Var(E[Y | X]) / Var(Y)`` (Sobol' 1993): the share of the
variance of the figure Y that is expected to go once X is known. With the realizations in classes of
X it is Pearson's correlation ratio (1905): the variance between classes over the whole (Plischke,
Borgonovo and Smith 2013, doi:10.1016/j.ejor.2012.11.047, section 3). That ratio is too large, as
class means are noisy; Kelley's correction (1935, doi:10.1073/pnas.21.9.554)
``1 - (n - 1) / (n - classes) * within / whole`` has the mean zero for an inert input. So an index
may be a little below zero. Classes lose a part of it: `classes.class_count`.

Dummies are inputs that play no part, drawn and estimated like the others. By exchange, an inert
input lies above the threshold, the ``k``-th largest of ``D`` dummies, with the probability
k / (D + 1). An input that acts only in products with others is not inert: its index has the mean
zero, but a larger spread than a dummy's. (One dummy: Khorashadi Zadeh et al. 2017,
doi:10.1016/j.envsoft.2017.02.001.)

Intervals come from a bootstrap of up to `GROUPS` groups of realizations. A resample repeats groups,
which raises its index; the interval is therefore centred on the estimate.

SALib has two estimators of this kind, rbd_fast and delta, one input and one output at a time. With
1e5 realizations and 100 resamples rbd_fast (SALib 1.6) takes 0.8 s for each pair, hours for the
1,700 inputs and 36 periods that this module does in half a minute.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from yieldsim.analysis.drivers.classes import HEAD, class_edges

DUMMIES = 999
FALSE_RATE = 0.01  # the share of inert inputs above the threshold: 10 / (999 + 1)
LEVEL = 0.95  # of the intervals
GROUPS = 50
RESAMPLES = 200
_SEED = 15  # of resamples and dummies: the same store gives the same figures


@dataclass(frozen=True)
class Weights:
    """Weights (row, group) of the groups of realizations: all, each half, then the resamples."""

    group: np.ndarray  # of each realization
    rows: np.ndarray

    @classmethod
    def of(cls, realizations: int) -> Weights:
        """Weights for a number of realizations. Groups are neighbours, the halves alternate."""
        groups = min(realizations, GROUPS)
        group = np.arange(realizations) * groups // realizations
        odd = np.arange(groups) % 2
        drawn = np.random.default_rng(_SEED).multinomial(
            groups, np.full(groups, 1.0 / groups), RESAMPLES
        )
        return cls(group, np.vstack([np.ones(groups), odd, 1 - odd, drawn]).astype(float))


@dataclass(frozen=True)
class Indices:
    """Figures of one input by period: arrays (period), ``half`` (2, period)."""

    index: np.ndarray
    low: np.ndarray
    high: np.ndarray
    trend: np.ndarray  # share of the variance along a line through the class means, with its sign
    half: np.ndarray
    varies: bool  # the input: it has more than one class


class FirstOrder:
    """Estimates indices of inputs of one or more figures.

    ``figures`` (realization, period); a period whose figure does not vary has NaN throughout.
    """

    def __init__(self, figures: np.ndarray, classes: int) -> None:
        self.classes = classes
        self.count = len(figures)
        deviation = figures.std(axis=0)
        scale = np.where(deviation > 0.0, deviation, np.nan)
        # centred and scaled: squares of large figures with a small spread would cancel
        self.figures = np.ascontiguousarray((figures - figures.mean(axis=0)) / scale)
        self.weights = Weights.of(self.count)
        groups = self.weights.rows.shape[1]
        self._size, self._sum = self._cells(self.weights.group, groups)
        self._square = self._cells(self.weights.group, groups, self.figures**2)[1]
        self._whole = _whole(self.weights.rows, self._size, self._sum, self._square)

    def estimate(self, labels: np.ndarray) -> Indices:
        """The indices of an input by the classes (realization) that its values lie in."""
        cell = self.weights.group * self.classes + labels
        rows = self.weights.rows
        groups = rows.shape[1]
        size, total = self._cells(cell, groups * self.classes)
        counts = rows @ size.reshape(groups, self.classes)
        sums = (rows @ total.reshape(groups, -1)).reshape(len(rows), self.classes, -1)
        found = _corrected(counts, sums, self._whole)
        index, half, drawn = found[0], found[1:3], found[3:]
        low, high = np.quantile(drawn, [(1.0 - LEVEL) / 2.0, (1.0 + LEVEL) / 2.0], axis=0)
        shift = index - drawn.mean(axis=0)
        trend = _trend(counts[0], sums[0], self._whole[0])
        varies = bool((counts[0] > 0.0).sum() > 1)
        return Indices(index, low + shift, high + shift, trend, half, varies)

    def dummies(self) -> np.ndarray:
        """The indices (dummy, period) of `DUMMIES` inputs that play no part."""
        return np.stack([self._plain(labels) for labels in self._dummy_labels()])

    def _dummy_labels(self) -> Iterator[np.ndarray]:
        rng = np.random.default_rng(_SEED + 1)
        for _ in range(DUMMIES):
            values = rng.random(self.count)
            yield np.searchsorted(class_edges(values[:HEAD], self.classes), values, side="left")

    def _plain(self, labels: np.ndarray) -> np.ndarray:
        size, total = self._cells(labels, self.classes)
        found: np.ndarray = _corrected(size[None], total[None], self._whole[:1])[0]
        return found

    def _cells(
        self, cell: np.ndarray, cells: int, figures: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """How many realizations each cell has, and the sums (cell, period) of their figures."""
        from scipy.sparse import csc_array  # its import takes longer than a small summary

        n = self.count
        one_of = csc_array((np.ones(n), cell, np.arange(n + 1)), shape=(cells, n))
        sums = one_of @ (self.figures if figures is None else figures)
        return np.bincount(cell, minlength=cells).astype(float), sums


def threshold(dummies: np.ndarray) -> np.ndarray:
    """The index (period) that a share `FALSE_RATE` of inert inputs exceeds."""
    place = round(FALSE_RATE * (len(dummies) + 1))
    found: np.ndarray = np.sort(dummies, axis=0)[-place]
    return found


def _whole(rows: np.ndarray, size: np.ndarray, total: np.ndarray, square: np.ndarray) -> np.ndarray:
    """The sum of squares (row, period) about the mean of each weighting of the groups."""
    found: np.ndarray = rows @ square - (rows @ total) ** 2 / (rows @ size)[:, None]
    return found


def _corrected(counts: np.ndarray, sums: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Corrected correlation ratios (row, period); 0 where the input is constant.

    ``counts`` (row, class), ``sums`` (row, class, period), ``whole`` (row, period).
    """
    n = counts.sum(axis=1)[:, None]
    filled = (counts > 0.0).sum(axis=1)[:, None]
    means = np.divide(sums, counts[..., None], out=np.zeros_like(sums), where=counts[..., None] > 0)
    between = np.einsum("rct,rct->rt", means, sums) - sums.sum(axis=1) ** 2 / n
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = 1.0 - (n - 1.0) / (n - filled) * (1.0 - between / whole)
    return np.where(filled > 1, ratio, np.where(np.isnan(whole), np.nan, 0.0))


def _trend(counts: np.ndarray, sums: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """The share of the variance along a line through the class means, with the line's sign."""
    n = counts.sum()
    order = np.cumsum(counts) - counts / 2.0  # the mean rank in each class
    centred = order - (counts * order).sum() / n
    spread = (counts * centred**2).sum()
    if spread == 0.0:
        return np.zeros(sums.shape[1])
    slope = centred @ sums
    found: np.ndarray = np.sign(slope) * (slope**2 / spread / whole - 1.0 / n)
    return found
