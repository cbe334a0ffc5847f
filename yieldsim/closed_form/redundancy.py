"""Redundancy within redundancy: cores in clusters, memories with spares, under a shared gamma.

I. Koren, Z. Koren, "Defect tolerance in VLSI circuits: techniques and yield analysis", Proc. IEEE
86 (1998) 1819-1838, doi:10.1109/5.705525. Given the density everything is independent, so that a
yield is the mean of binomials over the gamma density that the parts share.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from yieldsim.closed_form.require import Floats, require
from yieldsim.closed_form.yields import mean_defects

__all__ = ["gamma_mean", "harvest_variance_per_wafer", "nested_yield", "repairable_yield"]

_LEAST_ALPHA = 1e-2  # below it the gamma's lower tail takes tens of thousands of nodes
_LOG_CUT = 40.0  # e^-40 is far below rounding


def gamma_mean(function: Callable[[NDArray[np.float64]], Floats], alpha: float) -> float:
    """Return E[function(G)] for a gamma G of mean one and shape ``alpha`` (inf: function(1)).

    The trapezoid rule over log G, which converges geometrically for functions as smooth as yields
    (Trefethen and Weideman 2014, doi:10.1137/130932132). ``alpha`` is at least 0.01.
    """
    shape = float(require("alpha", alpha, least=_LEAST_ALPHA, infinite=True))
    if math.isinf(shape):
        return float(function(np.ones(1))[0])  # type: ignore[index]
    step = 0.125 / math.sqrt(1.0 + shape)
    cut = _LOG_CUT / shape
    left, right = cut + math.sqrt(2.0 * cut), math.log(2.0 + 2.0 * cut)
    right = min(right, math.sqrt(2.0 * cut))
    t = np.arange(-math.ceil(left / step), math.ceil(right / step) + 1.0) * step
    weight = np.exp(-shape * (np.expm1(t) - t))
    return float(np.sum(weight * function(np.exp(t))) / np.sum(weight))


def repairable_yield(
    memory_mm2: ArrayLike, memories: int, spares: int, d0_per_cm2: float, alpha: float
) -> float:
    """Return P(each of ``memories`` has no more faults than ``spares``), one gamma for all."""
    count = int(require("memories", memories, least=1.0, whole=True))
    most = int(require("spares", spares, least=0.0, whole=True))
    mean = float(mean_defects(memory_mm2, d0_per_cm2))
    return gamma_mean(lambda g: special.pdtr(most, mean * g) ** count, alpha)


def nested_yield(
    fatal_mm2: float,
    cluster_mm2: float,
    clusters: int,
    core_mm2: float,
    cores: int,
    min_good_in_cluster: int,
    min_good_clusters: int,
    d0_per_cm2: float,
    alpha: float,
) -> float:
    """Return P(fatal area good and at least ``min_good_clusters`` clusters good).

    A cluster is good if its own ``cluster_mm2`` is and at least ``min_good_in_cluster`` of its
    ``cores`` cores are: k of n within k of n. The die shares one gamma density.
    """
    outer = int(require("clusters", clusters, least=1.0, whole=True))
    inner = int(require("cores", cores, least=1.0, whole=True))
    need = int(require("min_good_in_cluster", min_good_in_cluster, least=0, most=inner, whole=True))
    groups = int(require("min_good_clusters", min_good_clusters, least=0, most=outer, whole=True))
    fatal, own, core = (
        float(mean_defects(area, d0_per_cm2)) for area in (fatal_mm2, cluster_mm2, core_mm2)
    )

    def given(g: NDArray[np.float64]) -> Floats:
        cluster = np.exp(-own * g) * special.bdtrc(need - 1, inner, np.exp(-core * g))
        return np.exp(-fatal * g) * special.bdtrc(groups - 1, outer, cluster)

    return gamma_mean(given, alpha)


def harvest_variance_per_wafer(
    gross_die: int,
    fatal_mm2: float,
    core_mm2: float,
    cores: int,
    min_good: int,
    d0_per_cm2: float,
    alpha: float,
) -> float:
    """Return the variance between wafers of the dies with at least ``min_good`` good cores.

    The whole wafer shares one gamma density: n p (1 - p) + n (n - 1) (E[P^2] - p^2), where P is the
    harvest yield given the density and p its mean (`good_die_variance_per_wafer` for whole dies).
    """
    n = float(require("gross_die", gross_die, least=0.0, whole=True))
    count = int(require("cores", cores, least=1.0, whole=True))
    need = int(require("min_good", min_good, least=0.0, most=float(count), whole=True))
    fatal = float(mean_defects(fatal_mm2, d0_per_cm2))
    core = float(mean_defects(core_mm2, d0_per_cm2))

    def given(g: NDArray[np.float64]) -> Floats:
        return np.exp(-fatal * g) * special.bdtrc(need - 1, count, np.exp(-core * g))

    p = gamma_mean(given, alpha)
    both = gamma_mean(lambda g: np.square(given(g)), alpha)
    return n * p * (1.0 - p) + n * (n - 1.0) * (both - p * p)
