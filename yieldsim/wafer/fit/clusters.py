"""The inverse problem: density, clustering and radial profile from wafer maps.

The estimator is the exactly identified method of moments. For each size of the blocks in turn, the
share of fails in each bin of the radius, the variance of the yield between wafers and the share of
adjacent pairs of dies that both fail give the profile, alpha_wafer and alpha_region. The fit takes
the size whose pairs at larger distances agree best (Hansen's J, doi:10.2307/1912775).

Intervals come from the covariance of these figures between wafers (the sandwich of the generalized
method of moments), with Student's t for few wafers. They hold for independent wafers; wafers of one
lot are treated as independent.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares
from scipy.stats import chi2
from scipy.stats import t as student_t

from yieldsim.errors import ModelError, UsageError
from yieldsim.wafer.fit.estimate import Estimate, alpha_estimate, positive_estimate, weighted_mean
from yieldsim.wafer.fit.moments import Design, Moments, make_design, moments
from yieldsim.wafer.fit.radii import RadialBins
from yieldsim.wafer.fit.statistics import MapStatistics, TargetMoments, target_moments
from yieldsim.wafer.maps.wafer_maps import WaferMaps

__all__ = ["BLOCKS", "ClusterFit", "fit_clusters"]

Floats = NDArray[np.float64]

BLOCKS = (2, 3, 4, 5, 6, 8, 10, 12)
LEAST_WAFERS = 10
# Relative step of the numerical derivatives, and the largest 1 / alpha searched.
_STEP = 1e-5
_MOST_SPREAD = 50.0
# A weak prior where the maps leave a node of the profile open: the bend of the log density from
# node to node is 0 with this standard deviation. A hundredfold rise at the edge costs 0.3.
_BEND = 8.0


@dataclass(frozen=True)
class ClusterFit:
    """The clustered law fitted to a set of maps.

    Attributes
    ----------
    wafers, dies : number of maps, and of dies on them.
    mean_yield, sd_yield : over wafers.
    d0_per_die : faults per die area, mean over the usable disc: D0 times the area of a die, which
        maps do not tell.
    faults_per_die : the same, mean over the dies of the maps.
    alpha_wafer, alpha_region : gamma shapes; inf means no clustering at that scale.
    block_dies : the side of a block (region) in dies, with the range of sizes that fit as well.
    rho, ratio : float64[node], the profile, of mean 1 over the disc; ratio_low, ratio_high.
    densities : float64[node], d0_per_die * ratio.
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


@dataclass(frozen=True)
class _Solution:
    block: int
    densities: Floats
    wafer: float
    region: float
    per_wafer: Floats  # [wafer, parameter], influence
    moments: Moments
    j: float
    degrees: int

    @property
    def parameters(self) -> Floats:
        return np.concatenate([np.log(self.densities), [self.wafer, self.region]])


def fit_clusters(
    maps: WaferMaps,
    figures: MapStatistics,
    bins: RadialBins,
    confidence: float,
    where: str,
    blocks: tuple[int, ...] = BLOCKS,
) -> ClusterFit:
    """Fit the clustered law to these maps, whose ``figures`` were measured with ``bins``.

    Raises UsageError for a confidence outside (0, 1) and ModelError where nothing can be estimated:
    fewer than LEAST_WAFERS maps, no failed die, or no passed die.
    """
    if not 0.0 < confidence < 1.0:
        raise UsageError("confidence", "out of range", got=confidence, allowed="0 < C < 1")
    _check(figures, where)
    across = float(np.median(np.minimum(maps.rows, maps.cols)))
    blocks = tuple(block for block in blocks if block <= across / 3.0)
    if not blocks:
        allowed = "6 or more rows and columns"
        raise ModelError(where, "maps too small to fit", got=f"{across:g} dies", allowed=allowed)
    target = target_moments(figures, where)
    maps_design = make_design(maps, bins, blocks)
    solutions: list[_Solution] = []
    for block in blocks:
        start = solutions[-1] if solutions else None
        solutions.append(_solve(maps_design, block, target, bins, start))
    best = min(solutions, key=lambda solution: solution.j)
    return _report(figures, maps_design, bins, target, solutions, best, confidence)


def _check(figures: MapStatistics, where: str) -> None:
    wafers, fails = len(figures.fail), float(figures.fail.sum())
    if wafers < LEAST_WAFERS:
        raise ModelError(
            where, "too few maps to fit", got=wafers, allowed=f"at least {LEAST_WAFERS} wafers"
        )
    for count, what, lost in (
        (fails, "no die failed", "density, clustering and profile cannot be estimated"),
        (wafers - fails, "no die passed", "density has no upper bound, nothing can be estimated"),
    ):
        if count <= 0.0:
            raise ModelError(where, f"{what}: {lost}", allowed="maps with passes and fails")


def _solve(
    maps_design: Design,
    block: int,
    target: TargetMoments,
    bins: RadialBins,
    start: _Solution | None,
) -> _Solution:
    """Solve the moment equations for one size of the blocks."""
    size = bins.size

    def expected(x: Floats) -> Moments:
        return moments(maps_design, block, np.exp(x[:size]), float(x[size]), float(x[size + 1]))

    bend = _bend(size)

    def residual(x: Floats) -> Floats:
        misfit = (_vector(expected(x)) - target.means) / target.error
        return np.concatenate([misfit, bend @ x])

    if start is None:
        x = np.concatenate(
            [np.log(-np.log1p(-np.clip(target.means[:size], 1e-6, 0.99))), [0.1] * 2]
        )
    else:
        x = start.parameters
    bounds = np.array([[-25.0, 5.0]] * size + [[-_MOST_SPREAD, _MOST_SPREAD]] * 2).T
    x = np.clip(x, bounds[0] + 1e-6, bounds[1] - 1e-6)
    x = least_squares(residual, x, bounds=bounds, x_scale=1.0, xtol=1e-10, max_nfev=60).x
    jacobian = _derivative(lambda p: _vector(expected(p)), x)
    lag_slope = _derivative(lambda p: expected(p).pairs[target.lag_index], x)
    fitted = expected(x)
    per_wafer = _per_wafer(target, jacobian, bend)
    j, degrees = _j(target, per_wafer, lag_slope, fitted)
    return _Solution(
        block, np.exp(x[:size]), float(x[size]), float(x[size + 1]), per_wafer, fitted, j, degrees
    )


def _bend(size: int) -> Floats:
    """Return the prior's rows: second differences of the log densities, 0 for the two spreads."""
    return np.hstack([np.diff(np.eye(size), 2, axis=0) / _BEND, np.zeros((size - 2, 2))])


def _per_wafer(target: TargetMoments, jacobian: Floats, bend: Floats) -> Floats:
    """Return each wafer's influence on the parameters, float64[wafer, parameter]."""
    scaled = jacobian / target.error[:, None]
    normal = scaled.T @ scaled + bend.T @ bend
    slope = np.linalg.pinv(normal, rcond=1e-14, hermitian=True) @ scaled.T
    return np.asarray((target.influence / target.error) @ slope.T)


def _vector(fitted: Moments) -> Floats:
    """Return the moments that are solved for, in the order of ``TargetMoments.means``."""
    return np.concatenate([fitted.radial, [fitted.variance, fitted.pairs[0]]])


def _derivative(function: Callable[[Floats], Floats], x: Floats) -> Floats:
    """Return central differences of a vector function, float64[value, parameter]."""
    columns = []
    for k in range(len(x)):
        step = np.zeros(len(x))
        step[k] = _STEP * max(1.0, abs(x[k]))
        columns.append((function(x + step) - function(x - step)) / (2.0 * step[k]))
    return np.array(columns).T


def _j(
    target: TargetMoments, per_wafer: Floats, lag_slope: Floats, fitted: Moments
) -> tuple[float, int]:
    """Return (Hansen's J of the pairs at larger distances, degrees); parameters have errors too."""
    if not len(target.lags):
        return 0.0, 0
    misfit = target.lags - fitted.pairs[target.lag_index]
    influence = target.lag_influence - per_wafer @ lag_slope.T
    covariance = influence.T @ influence / len(influence) ** 2
    inverse = np.linalg.pinv(covariance, rcond=1e-8, hermitian=True)
    return float(misfit @ inverse @ misfit), len(misfit)


def _report(
    figures: MapStatistics,
    maps_design: Design,
    bins: RadialBins,
    target: TargetMoments,
    solutions: list[_Solution],
    best: _Solution,
    confidence: float,
) -> ClusterFit:
    wafers = len(figures.fail)
    quantile = float(student_t.ppf(0.5 + 0.5 * confidence, wafers - 1))
    # the parameters took part in the fit: HC1 of MacKinnon and White (1985)
    free = max(wafers - best.per_wafer.shape[1], wafers // 2)
    covariance = best.per_wafer.T @ best.per_wafer / (wafers * free)
    densities, size = best.densities, bins.size
    log_covariance = covariance[:size, :size]
    disc = bins.disc_weights()
    d0_per_die, d0_error = weighted_mean(densities, disc, log_covariance)
    on_dies = maps_design.share @ maps_design.hats
    faults, faults_error = weighted_mean(densities, on_dies, log_covariance)
    # log ratio = log density - log d0_per_die
    slope = np.eye(size) - disc * densities / d0_per_die
    ratio_error = np.sqrt(np.diag(slope @ log_covariance @ slope.T))
    most_error = np.minimum(quantile * ratio_error, 700.0)
    ratio = densities / d0_per_die
    mean, sd = float(figures.fail.mean()), float(figures.fail.std())
    sd_error = target.error[size] / (2.0 * sd) if sd > 0.0 else 0.0
    mean_error = sd / math.sqrt(wafers)
    blocks = _blocks(solutions, best, confidence)
    spread_error = np.sqrt(np.diag(covariance)[size:])
    return ClusterFit(
        wafers=wafers,
        dies=int(figures.dies.sum()),
        mean_yield=Estimate(
            1.0 - mean, 1.0 - mean - quantile * mean_error, 1.0 - mean + quantile * mean_error
        ),
        sd_yield=Estimate(sd, max(0.0, sd - quantile * sd_error), sd + quantile * sd_error),
        d0_per_die=positive_estimate(d0_per_die, d0_error, quantile),
        faults_per_die=positive_estimate(faults, faults_error, quantile),
        alpha_wafer=alpha_estimate(best.wafer, spread_error[0], quantile),
        alpha_region=alpha_estimate(best.region, spread_error[1], quantile),
        block_dies=blocks,
        rho=bins.nodes,
        ratio=ratio,
        ratio_low=ratio * np.exp(-most_error),
        ratio_high=ratio * np.exp(most_error),
        densities=densities,
        covariance=covariance,
        j=best.j,
        j_degrees=max(best.degrees - 1, 0),
        j_p=float(chi2.sf(best.j, max(best.degrees - 1, 1))),
        moments=best.moments,
    )


def _blocks(solutions: list[_Solution], best: _Solution, confidence: float) -> Estimate:
    """Return the best size of the blocks, and the range of those that fit about as well."""
    limit = best.j + float(chi2.ppf(confidence, 1))
    fitting = [s.block for s in solutions if s.j <= limit]
    return Estimate(float(best.block), float(min(fitting)), float(max(fitting)))
