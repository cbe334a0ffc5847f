"""The inverse problem: density, clustering and radial profile from wafer maps.

The law is fitted by the method of moments, with pooled moments. For each size of the blocks in
turn, the share of fails in each bin of the radius, the variance of the yield between wafers and the
share of adjacent pairs of dies that both fail give the profile, alpha_wafer and alpha_region. The
fit takes the size whose pairs at larger distances agree best (Hansen's J, doi:10.2307/1912775).

The mean yield is that of all dies together. `intervals/` gives each figure its interval. They
hold for independent wafers; wafers of one lot are treated as independent.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

from yieldsim.errors import ModelError, UsageError
from yieldsim.wafer.fit.intervals.estimate import Estimate, binomial_interval
from yieldsim.wafer.fit.intervals.evidence import Evidence
from yieldsim.wafer.fit.intervals.figures import all_intervals
from yieldsim.wafer.fit.moments import Moments, make_design
from yieldsim.wafer.fit.radii import RadialBins
from yieldsim.wafer.fit.solve import Solution, solve
from yieldsim.wafer.fit.statistics import MapStatistics, merged, spread_weights, target_moments
from yieldsim.wafer.maps.wafer_maps import WaferMaps

__all__ = ["BLOCKS", "ClusterFit", "fit_clusters"]

Floats = NDArray[np.float64]

BLOCKS = (2, 3, 4, 5, 6, 8, 10, 12)
# A map has at least this many rows and columns: fewer give no radius.
_LEAST_ACROSS = 3


@dataclass(frozen=True)
class ClusterFit:
    """The clustered law fitted to a set of maps.

    Attributes
    ----------
    wafers, dies : number of maps, and of tested dies on them.
    mean_yield, sd_yield : of all dies together, and between wafers.
    d0_per_die : faults per die area, mean over the usable disc: D0 times the area of a die, which
        maps do not tell.
    faults_per_die : the same, mean over the dies of the maps.
    alpha_wafer, alpha_region : gamma shapes; inf means no clustering at that scale.
    block_dies : the side of a block (region) in dies, with the range of sizes that fit as well.
    edges : float64[node + 1], bounds of the bins of the radius.
    rho, densities : float64[node], nodes of the piecewise-linear profile, and faults per die there.
    ratio, ratio_low, ratio_high : float64[bin], mean faults of the dies whose centres lie in the
        bin, over the mean of the disc.
    covariance : float64[parameter, parameter] of (log densities, 1/alpha_wafer, 1/alpha_region).
    j, j_degrees, j_p : Hansen's J of the pairs at larger distances, and P(worse by chance).
    moments : moments of the fitted law.
    """

    wafers: int
    dies: int
    mean_yield: Estimate
    sd_yield: Estimate
    d0_per_die: Estimate
    faults_per_die: Estimate
    alpha_wafer: Estimate
    alpha_region: Estimate
    block_dies: Estimate
    edges: Floats
    rho: Floats
    ratio: Floats
    ratio_low: Floats
    ratio_high: Floats
    densities: Floats
    covariance: Floats
    j: float
    j_degrees: int
    j_p: float
    moments: Moments


def fit_clusters(
    maps: WaferMaps,
    figures: MapStatistics,
    bins: RadialBins,
    confidence: float,
    where: str,
    blocks: tuple[int, ...] = BLOCKS,
    exact: bool = True,
) -> ClusterFit:
    """Fit the clustered law to these maps, whose ``figures`` were measured with ``bins``.

    Without ``exact`` the intervals are those of the sandwich estimator, whatever the number of
    maps. That is enough for the components of a mixture, which are only simulated.

    Raises UsageError for a confidence outside (0, 1) and ModelError where nothing can be estimated:
    no failed die, or no passed die, or maps of one or two rows.
    """
    if not 0.0 < confidence < 1.0:
        raise UsageError("confidence", "out of range", got=confidence, allowed="0 < C < 1")
    _check(figures, confidence, where)
    across = float(np.median(np.minimum(maps.rows, maps.cols)))
    if across < _LEAST_ACROSS:
        allowed = f"{_LEAST_ACROSS} or more rows and columns"
        raise ModelError(where, "maps too small to fit", got=f"{across:g} dies", allowed=allowed)
    blocks = tuple(block for block in blocks if block <= across / 3.0) or (2,)
    figures, bins = merged(figures, bins)
    target = target_moments(figures)
    maps_design = make_design(maps, bins, blocks, spread_weights(figures))
    solutions: list[Solution] = []
    for block in blocks:
        solutions.append(solve(maps_design, block, target, solutions[-1] if solutions else None))
    best = min(solutions, key=lambda solution: solution.j)
    limit = best.j + float(chi2.ppf(confidence, 1))
    fitting = [s for s in solutions if s.j <= limit]
    evidence = Evidence(maps, figures, bins, maps_design, target, best, fitting, confidence, exact)
    found = all_intervals(evidence)
    return ClusterFit(
        wafers=len(figures.dies),
        dies=int(figures.dies.sum()),
        **found,
        block_dies=Estimate(
            float(best.block),
            float(min(s.block for s in fitting)),
            float(max(s.block for s in fitting)),
        ),
        edges=bins.edges,
        rho=bins.nodes,
        densities=best.densities,
        j=best.j,
        j_degrees=max(best.degrees - 1, 0),
        j_p=float(chi2.sf(best.j, max(best.degrees - 1, 1))),
        moments=best.moments,
    )


def _check(figures: MapStatistics, confidence: float, where: str) -> None:
    """Refuse maps without a fail or without a pass, and say what such maps do show."""
    fails, dies = int(figures.fails.sum()), int(figures.dies.sum())
    low, high = binomial_interval(fails, dies, confidence)
    if fails == 0:
        most = f"at {confidence:g} at most {-math.log1p(-high):.3g} faults per die"
        problem = f"no die failed: density, clustering and profile cannot be estimated ({most})"
    elif fails == dies:
        least = f"at {confidence:g} at least {-math.log1p(-low):.3g} faults per die"
        problem = f"no die passed: density has no upper bound, nothing can be estimated ({least})"
    else:
        return
    raise ModelError(where, problem, allowed="maps with passes and fails")
