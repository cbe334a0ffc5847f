"""Defect density of the wafers started in a step: learning, tools and clustering."""

from __future__ import annotations

import math

import numpy as np

from yieldsim.kernels.inverse import gamma_wilson_hilferty, normal_ppf
from yieldsim.kernels.jit import inline_jit
from yieldsim.kernels.philox import STREAM_DENSITY, noise_uniform
from yieldsim.supply.kernels.dies import POISSON_ALPHA
from yieldsim.supply.kernels.records import (
    CLASSES,
    EXPONENTIAL,
    NO_LEARNING,
    Floats,
    GroupState,
    Lanes,
    Parameters,
    Records,
    Records2,
    Scratch,
)


@inline_jit
def learning_ratio(
    learning: Parameters, kind: int, elapsed_quarters: float, wafers: float, k: int
) -> float:
    """Return density over mature density in lane ``k``.

    The formulas are those of `closed_form.exponential_learning` and `closed_form.power_learning`.
    """
    if kind == NO_LEARNING:
        return 1.0
    excess = learning.start_ratio[k] - 1.0
    if kind == EXPONENTIAL:
        return 1.0 + excess * math.exp(-max(0.0, elapsed_quarters) / learning.tau_quarters[k])
    return 1.0 + excess * (1.0 + wafers / learning.reference_wafers[k]) ** -learning.exponent[k]


@inline_jit
def adder_ratio(
    visits: Floats,
    weights: Records[Parameters],
    group: Records[GroupState],
    scratch: Scratch,
    n: int,
) -> None:
    """Multiply the density by the defect adders of the passes granted.

    The adders are weighted by tool group, over those of mature imported tools.
    """
    total, weight = scratch.adder_sum, scratch.adder_weight
    for k in range(n):
        total[k] = 0.0
        weight[k] = 0.0
    for g in range(visits.shape[0]):
        own, defect_weight = group[g], weights[g].defect_weight
        for k in range(n):
            imported, domestic = own.share[0, k], own.share[1, k]
            if visits[g, k] > 0.0 and imported + domestic > 0.0:  # nothing starts without tools
                adders = imported * own.defect_adder[0, k]
                adders += domestic * own.defect_adder[1, k]
                total[k] += defect_weight[k] * adders
                weight[k] += defect_weight[k]
    for k in range(n):
        if weight[k] > 0.0:
            scratch.d0_per_cm2[k] *= total[k] / weight[k]


@inline_jit
def _aligned(
    tool: Records2[Parameters], group: Records[GroupState], g: int, tolerance_nm: float, k: int
) -> float:
    """Return the share of a group's passes that align, one where no class has an overlay error.

    Overlay errors are normal: a layer survives with erf(tolerance / (sigma sqrt 2)).
    """
    aligned = 0.0
    relevant = False
    for c in range(CLASSES):
        sigma_nm = tool[g, c].overlay_sigma_nm[k]
        share = group[g].share[c, k]
        inside = 1.0
        if sigma_nm > 0.0 and share > 0.0:
            relevant = True
            inside = math.erf(tolerance_nm / (sigma_nm * math.sqrt(2.0)))
        aligned += share * inside
    return aligned if relevant else 1.0


@inline_jit
def overlay_yield(
    process: Parameters,
    visits: Floats,
    tool: Records2[Parameters],
    group: Records[GroupState],
    survive: Lanes,
    n: int,
) -> None:
    """Multiply ``survive`` by the share of dies whose critical layers all align.

    Each layer is exposed by a class at random.
    """
    for g in range(visits.shape[0]):
        for k in range(n):
            layers = process.overlay_layers[k]
            if layers > 0.0 and visits[g, k] > 0.0:
                aligned = _aligned(tool, group, g, process.overlay_tolerance_nm[k], k)
                if aligned != 1.0:
                    survive[k] *= aligned**layers


@inline_jit
def clustered(
    seed: np.uint64,
    draw: int,
    entity: np.uint32,
    realization: np.uint32,
    alpha: float,
    clusters: float,
) -> tuple[float, float]:
    """Return the factor of the period's density, and the clustering left within the period.

    The mean of L gamma densities of shape alpha is gamma of shape alpha L. Given that mean, each
    has the relative variance (L - 1)/(alpha L + 1) of a scaled beta, which a gamma of shape
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
