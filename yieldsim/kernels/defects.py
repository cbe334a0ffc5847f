"""Defect density of the wafers started in a step: learning, tools and clustering."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from yieldsim.kernels import arrays as a
from yieldsim.kernels.dies import POISSON_ALPHA
from yieldsim.kernels.jit import inline_jit
from yieldsim.kernels.philox import STREAM_DENSITY, noise_uniform
from yieldsim.kernels.special import gamma_mean_one, normal_ppf


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
def adder_ratio(visits: Any, weights: Any, group: Any) -> Any:
    """Weighted defect adders of the passes granted, over those of mature imported tools."""
    total = 0.0
    sum_of_weights = 0.0
    for g in range(visits.shape[0]):
        if visits[g] <= 0.0:
            continue
        if group[g, a.SHARE] + group[g, a.SHARE + 1] <= 0.0:
            continue  # no tool is up, so nothing starts
        weight = weights[g, a.GROUP_WEIGHT]
        sum_of_weights += weight
        for c in range(2):
            total += weight * group[g, a.SHARE + c] * group[g, a.ADDER_NOW + c]
    return total / sum_of_weights if sum_of_weights > 0.0 else 1.0


@inline_jit
def overlay_yield(process: Any, visits: Any, tool: Any, group: Any) -> Any:
    """Share of dies whose critical layers all align, each exposed by a class at random.

    Overlay errors are normal: a layer survives with erf(tolerance / (sigma sqrt 2)).
    """
    layers = process[a.OVERLAY_LAYERS]
    if layers <= 0.0:
        return 1.0
    survive = 1.0
    for g in range(visits.shape[0]):
        if visits[g] <= 0.0:
            continue
        aligned = 0.0
        relevant = False
        for c in range(2):
            sigma = tool[g, c, a.OVERLAY_SIGMA]
            share = group[g, a.SHARE + c]
            inside = 1.0
            if sigma > 0.0 and share > 0.0:
                relevant = True
                inside = math.erf(process[a.TOLERANCE] / (sigma * math.sqrt(2.0)))
            aligned += share * inside
        if relevant:
            survive *= aligned**layers
    return survive


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
    factor = gamma_mean_one(normal_ppf(u), alpha * count)
    if count <= 1.0:
        return factor, 2.0 * POISSON_ALPHA
    return factor, (alpha * count + 1.0) / (count - 1.0)
