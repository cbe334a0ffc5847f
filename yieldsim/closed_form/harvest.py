"""Harvesting: dies that sell with some of their cores dead, under clustered defects.

I. Koren, Z. Koren, "Defect tolerance in VLSI circuits: techniques and yield analysis", Proc. IEEE
86 (1998) 1819-1838, doi:10.1109/5.705525, gives P(at least k of n) as an alternating sum of
negative binomial yields. That sum loses every digit at, say, 132 of 144. Here the binomial tail is
averaged over the die's gamma density instead, a sum of positive terms.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from yieldsim.closed_form.require import Floats, require
from yieldsim.closed_form.yields import mean_defects, negative_binomial
from yieldsim.errors import UsageError

__all__ = ["harvest_bins", "harvest_yield"]

_LEAST_ALPHA = 1e-3  # below it the gamma's lower tail takes more than 100,000 nodes
_LOG_CUT = 60.0  # the density is cut where its log has fallen by this: e^-60 is far below rounding
_RELATIVE_CHANGE = 1e-14
_MOST_HALVINGS = 12
# (e^t - 1 - t) / t^2 = 1/2! + t/3! + ..., highest order first; 15 terms are exact for |t| < 1/2.
_SERIES = [1.0 / math.factorial(k) for k in range(16, 1, -1)]


def harvest_yield(
    fatal_mm2: ArrayLike,
    core_mm2: ArrayLike,
    cores: int,
    min_good: int,
    d0_per_cm2: ArrayLike,
    alpha: ArrayLike,
) -> Floats:
    """Return P(fatal area good and at least ``min_good`` of ``cores`` cores good).

    The fatal area and the cores of a die share one gamma density (``alpha`` inf: Poisson);
    ``core_mm2`` is one core. ``cores`` and ``min_good`` are whole numbers, 0 <= min_good <= cores;
    ``alpha`` is at least 0.001; all else broadcasts. Relative error below 1e-13 for yields above
    1e-9 (test_harvest_against_high_precision).
    """
    count = int(require("cores", cores, least=1.0, whole=True))
    needed = int(require("min_good", min_good, least=0.0, most=float(count), whole=True))
    fatal = require("fatal_mm2", fatal_mm2, least=0.0)
    core = require("core_mm2", core_mm2, least=0.0)
    shape = require("alpha", alpha, least=_LEAST_ALPHA, infinite=True)
    if needed in {0, count}:
        return negative_binomial(fatal + needed * core, d0_per_cm2, shape)
    each = np.broadcast(mean_defects(fatal, d0_per_cm2), mean_defects(core, d0_per_cm2), shape)
    yields = [_harvest_one(f, c, count, needed, a) for f, c, a in each]
    return np.reshape(np.array(yields, np.float64), each.shape)[()]


def harvest_bins(
    fatal_mm2: float,
    core_mm2: float,
    cores: int,
    min_good: Sequence[int],
    d0_per_cm2: float,
    alpha: float,
) -> NDArray[np.float64]:
    """Return float64[bin + 1]: the probability of each bin, best first, and of scrap last.

    Bin b takes the dies with at least ``min_good[b]`` good cores that no better bin took, so
    ``min_good`` must fall from bin to bin. The probabilities sum to one.
    """
    needed = list(min_good)
    if not needed or any(b >= a for a, b in itertools.pairwise(needed)):
        raise UsageError("min_good", "not a list of bins", got=needed, allowed="falling numbers")
    reached = [harvest_yield(fatal_mm2, core_mm2, cores, k, d0_per_cm2, alpha) for k in needed]
    return np.diff(np.array([0.0, *map(float, reached), 1.0]))


def _harvest_one(
    fatal_mean: float, core_mean: float, cores: int, min_good: int, alpha: float
) -> float:
    """Return the harvest yield for 0 < min_good < cores and mean defects per part."""
    if math.isinf(alpha):
        tail = _binomial_tail(np.float64(core_mean), cores, min_good)
        return math.exp(-fatal_mean) * float(tail)
    # The fatal area's factor exp(-fatal_mean x) turns the gamma law into another one, exactly.
    fatal_yield = math.exp(-alpha * math.log1p(fatal_mean / alpha))
    core_mean *= alpha / (alpha + fatal_mean)
    # The trapezoid rule over log x converges geometrically: once two steps agree to rounding, the
    # finer one is far better than their difference. Halving uses the old nodes again.
    step = 0.5 / math.sqrt(1.0 + alpha)
    nodes = _log_nodes(alpha, step)
    sums = _density_sums(nodes, alpha, core_mean, cores, min_good)
    for _ in range(_MOST_HALVINGS):
        before = sums[1] / sums[0]
        nodes = _log_nodes(alpha, step) + 0.5 * step
        step *= 0.5
        sums = sums + _density_sums(nodes, alpha, core_mean, cores, min_good)
        if abs(sums[1] / sums[0] - before) <= _RELATIVE_CHANGE * before:
            break
    return fatal_yield * float(sums[1] / sums[0])


def _log_nodes(alpha: float, step: float) -> NDArray[np.float64]:
    """Return multiples of ``step`` that cover log x where x's gamma density matters.

    The log density of t = log x falls from its peak at 0 by alpha (e^t - 1 - t). These bounds lie
    outside the points where that reaches the cut.
    """
    cut = _LOG_CUT / alpha
    left = cut + math.sqrt(2.0 * cut)
    right = min(math.sqrt(2.0 * cut), math.log(2.0 + 2.0 * cut))
    return step * np.arange(-math.ceil(left / step), math.ceil(right / step) + 1, dtype=np.float64)


def _density_sums(
    t: NDArray[np.float64], alpha: float, core_mean: float, cores: int, min_good: int
) -> NDArray[np.float64]:
    """Return the sums over nodes of the density and of density times binomial tail.

    The density lacks its constant, which the ratio of the two sums drops.
    """
    near = np.abs(t) < 0.5
    fall = np.where(near, t * t * np.polyval(_SERIES, np.where(near, t, 0.0)), np.expm1(t) - t)
    density = np.exp(-alpha * fall)
    tail = _binomial_tail(core_mean * np.exp(t), cores, min_good)
    return np.array([density.sum(), (density * tail).sum()], np.float64)


def _binomial_tail(core_mean: Floats, cores: int, min_good: int) -> Floats:
    """Return P(at least ``min_good`` of ``cores`` good), each good with p = exp(-core_mean)."""
    bad = -np.expm1(-core_mean)
    # The complement of the smaller of p and 1 - p keeps the digits of both ends.
    by_bad = special.betaincc(cores - min_good + 1, min_good, bad)
    by_good = special.betainc(min_good, cores - min_good + 1, np.exp(-core_mean))
    return np.where(bad < 0.5, by_bad, by_good)[()]
