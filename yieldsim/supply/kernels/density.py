"""Defect density of the wafers started in a step: learning, tools and clustering."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from yieldsim.kernels.inverse import gamma_wilson_hilferty, normal_ppf
from yieldsim.kernels.jit import inline_jit
from yieldsim.kernels.philox import STREAM_DENSITY, noise_uniform
from yieldsim.supply.kernels import records as a
from yieldsim.supply.kernels.dies import POISSON_ALPHA


@inline_jit
def learning_ratio(process: Any, kind: Any, elapsed_quarters: Any, wafers: Any) -> Any:
    """Density over mature density: closed_form.exponential_learning or power_learning."""
    if kind == a.NO_LEARNING:
        return 1.0
    excess = process[a.LEARNING_RATIO] - 1.0
    scale = process[a.LEARNING_SCALE]
    if kind == a.EXPONENTIAL:
        return 1.0 + excess * math.exp(-max(0.0, elapsed_quarters) / scale)
    return 1.0 + excess * (1.0 + wafers / scale) ** -process[a.LEARNING_EXPONENT]


@inline_jit
def adder_ratio(visits: Any, weights: Any, group: Any, lane: Any, n: Any) -> None:
    """Multiply DENSITY by the weighted defect adders of the passes granted, over those of mature
    imported tools. Uses WEIGHT and SURVIVE, which the caller fills later, as scratch."""
    total, weight = lane[a.SURVIVE], lane[a.WEIGHT]
    for k in range(n):
        total[k] = 0.0
        weight[k] = 0.0
    for g in range(visits.shape[0]):
        for k in range(n):
            imported, domestic = group[a.SHARE, g, k], group[a.SHARE + 1, g, k]
            if visits[g, k] > 0.0 and imported + domestic > 0.0:  # none is up: nothing starts
                adders = imported * group[a.ADDER_NOW, g, k]
                adders += domestic * group[a.ADDER_NOW + 1, g, k]
                total[k] += weights[g, a.GROUP_WEIGHT, k] * adders
                weight[k] += weights[g, a.GROUP_WEIGHT, k]
    for k in range(n):
        if weight[k] > 0.0:
            lane[a.DENSITY, k] *= total[k] / weight[k]


@inline_jit
def _aligned(tool: Any, group: Any, g: Any, tolerance: Any, k: Any) -> Any:
    """Share of the passes of a group that align, one where no class has an overlay error.

    Overlay errors are normal: a layer survives with erf(tolerance / (sigma sqrt 2)).
    """
    aligned = 0.0
    relevant = False
    for c in range(2):
        sigma = tool[g, c, a.OVERLAY_SIGMA, k]
        share = group[a.SHARE + c, g, k]
        inside = 1.0
        if sigma > 0.0 and share > 0.0:
            relevant = True
            inside = math.erf(tolerance / (sigma * math.sqrt(2.0)))
        aligned += share * inside
    return aligned if relevant else 1.0


@inline_jit
def overlay_yield(process: Any, visits: Any, tool: Any, group: Any, survive: Any, n: Any) -> None:
    """Multiply ``survive`` by the share of dies whose critical layers all align, each exposed by a
    class at random."""
    for g in range(visits.shape[0]):
        for k in range(n):
            layers = process[a.OVERLAY_LAYERS, k]
            if layers > 0.0 and visits[g, k] > 0.0:
                aligned = _aligned(tool, group, g, process[a.TOLERANCE, k], k)
                if aligned != 1.0:
                    survive[k] *= aligned**layers


@inline_jit
def clustered(
    seed: Any, draw: Any, entity: Any, realization: Any, alpha: Any, clusters: Any
) -> Any:
    """(factor of the period's density, clustering that is left within the period).

    The mean of L gamma densities of shape alpha is gamma of shape alpha L. Given that mean, one of
    them has the relative variance (L - 1)/(alpha L + 1) of a scaled beta, which a gamma of shape
    (alpha L + 1)/(L - 1) matches: Poisson for one cluster, alpha itself for many.
    """
    if alpha >= POISSON_ALPHA:
        return 1.0, alpha
    u = noise_uniform(seed, np.uint32(draw), entity, STREAM_DENSITY, realization)
    count = max(clusters, 1.0)
    factor = gamma_wilson_hilferty(normal_ppf(u), alpha * count)
    if count <= 1.0:
        return factor, 2.0 * POISSON_ALPHA
    return factor, (alpha * count + 1.0) / (count - 1.0)
