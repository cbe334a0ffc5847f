"""The moment equations of the clustered law, solved for one size of the blocks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from yieldsim.wafer.fit.moments import Design, Moments, moments
from yieldsim.wafer.fit.statistics import TargetMoments

__all__ = ["MOST_SPREAD", "Solution", "solve"]

Floats = NDArray[np.float64]
Function = Callable[[Floats], Floats]

# Relative step of the numerical derivatives, and the largest 1 / alpha searched.
_STEP = 1e-5
MOST_SPREAD = 50.0
# A weak prior where the maps leave a node of the profile open: the bend of the log density from
# node to node is 0 with this standard deviation. A hundredfold rise at the edge costs 0.3.
_BEND = 8.0
# Broyden steps, the length of a step that ends them, what may be left, and the longest step.
_STEPS, _SOLVED, _CLOSE, _LONGEST = 40, 1e-6, 1e-3, 2.0
_AGAIN = 5  # steps with a spread set to 0


@dataclass(frozen=True)
class Solution:
    """The law for one size of the blocks.

    ``wafer`` and ``region`` are 1 / alpha. ``x`` solves the equations, with spreads below 0 where
    the maps vary less than independent dies do; the law has 0 there.
    """

    block: int
    densities: Floats
    wafer: float
    region: float
    per_wafer: Floats  # [wafer, parameter], influence
    by_moment: Floats  # [parameter, moment], derivative of the solution
    moments: Moments
    x: Floats
    jacobian: Floats
    j: float
    degrees: int


def solve(
    maps_design: Design,
    block: int,
    target: TargetMoments,
    start: Solution | None,
) -> Solution:
    """Solve the moment equations for one size of the blocks, from the solution of another."""
    size = maps_design.hats.shape[1]
    bend = _bend(size)
    low = np.array([-40.0] * size + [-MOST_SPREAD] * 2)
    high = np.array([6.0] * size + [MOST_SPREAD] * 2)

    def expected(x: Floats) -> Moments:
        return moments(maps_design, block, np.exp(x[:size]), float(x[size]), float(x[size + 1]))

    def residual(x: Floats) -> Floats:
        misfit = (_vector(expected(x), target.near) - target.means) / target.error
        return np.concatenate([misfit, bend @ x])

    if start is None:
        x = np.concatenate([np.log(-np.log1p(-target.means[:size])), [0.1] * 2])
        slope = _derivative(residual, x)
    else:
        x, slope = start.x, start.jacobian
    x, slope = _descend(residual, x, slope, low, high)
    by_moment = _by_moment(slope, size) / target.error
    per_wafer = target.influence @ by_moment.T
    law = _law(residual, x, slope)
    fitted = expected(law)
    j, degrees = 0.0, 0
    if len(target.lags):
        lag_slope = _derivative(lambda p: expected(p).pairs[target.lag_index], law)
        influence = target.lag_influence - per_wafer @ lag_slope.T
        counts = np.maximum(target.lags, fitted.pairs[target.lag_index]) * target.lag_dies
        # few pairs of fails are a Poisson number: their variance is at least about one
        least = (counts + 1.0) / target.lag_dies**2
        j, degrees = _j(target.lags - fitted.pairs[target.lag_index], influence, least)
    return Solution(
        block,
        np.exp(law[:size]),
        float(law[size]),
        float(law[size + 1]),
        per_wafer,
        by_moment,
        fitted,
        x,
        slope,
        j,
        degrees,
    )


def _bend(size: int) -> Floats:
    """Return the prior's rows: second differences of the log densities, 0 for the two spreads."""
    return np.hstack([np.diff(np.eye(size), 2, axis=0) / _BEND, np.zeros((max(size - 2, 0), 2))])


def _descend(
    residual: Function, x: Floats, slope: Floats, low: Floats, high: Floats
) -> tuple[Floats, Floats]:
    """Return the least squares solution and the derivative there.

    Broyden's method needs few evaluations; what it does not solve goes to the trust region method.
    """
    r, fresh = residual(x), False
    for _ in range(_STEPS):
        step = np.linalg.lstsq(slope, -r, rcond=1e-12)[0]
        step *= min(1.0, _LONGEST / max(float(np.abs(step).max()), 1e-300))
        new = np.clip(x + step, low, high)
        step = new - x
        length = float(step @ step)
        if length < _SOLVED**2:
            break
        after = residual(new)
        if float(after @ after) < float(r @ r):
            slope = slope + np.outer(after - r - slope @ step, step) / length
            x, r, fresh = new, after, False
        elif fresh:
            break
        else:
            slope, fresh = _derivative(residual, x), True
    slope = _derivative(residual, x)
    left = np.linalg.lstsq(slope, -r, rcond=1e-12)[0]
    inside = np.clip(x + left, low, high) - x
    if float(np.abs(inside).max()) > _CLOSE:
        start = np.clip(x, low + 1e-9, high - 1e-9)
        x = least_squares(residual, start, bounds=(low, high), max_nfev=60).x
        slope = _derivative(residual, x)
    return x, slope


def _by_moment(slope: Floats, size: int) -> Floats:
    """Return the derivative of the solution by each moment in standard errors."""
    inverse = np.linalg.pinv(slope.T @ slope, rcond=1e-14, hermitian=True)
    return np.asarray(inverse @ slope[: size + 2].T)


def _law(residual: Function, x: Floats, slope: Floats) -> Floats:
    """Return the solution with spreads of 0 or more.

    A spread below 0 is set to 0, and the rest is solved again without the moment that sets it.
    """
    size = len(x) - 2
    law, fixed = x.copy(), np.zeros(0, np.int64)
    while True:
        negative = size + np.flatnonzero(law[size:] < 0.0)
        if not len(negative):
            return law
        fixed = np.union1d(fixed, negative)
        law[fixed] = 0.0
        free = np.delete(np.arange(size + 2), fixed)
        rows = np.delete(np.arange(len(slope)), fixed)
        inner = slope[np.ix_(rows, free)]
        for _ in range(_AGAIN):
            step = np.linalg.lstsq(inner, residual(law)[rows], rcond=1e-12)[0]
            law[free] -= np.clip(step, -1.0, 1.0)


def _vector(fitted: Moments, near: int) -> Floats:
    """Return the moments that are solved for, in the order of ``TargetMoments.means``."""
    return np.concatenate([fitted.radial, [fitted.variance, fitted.pairs[near]]])


def _derivative(function: Function, x: Floats) -> Floats:
    """Return forward differences of a vector function, float64[value, parameter]."""
    here, columns = function(x), []
    for k in range(len(x)):
        step = np.zeros(len(x))
        step[k] = _STEP * max(1.0, abs(x[k]))
        columns.append((function(x + step) - here) / step[k])
    return np.array(columns).T


def _j(misfit: Floats, influence: Floats, least: Floats) -> tuple[float, int]:
    """Return (Hansen's J of the pairs at larger distances, degrees); parameters have errors too.

    ``least`` float64[lag] are lower bounds of the variances.
    The factor is that of Hotelling's test: a covariance from few wafers is too small.
    """
    wafers, lags = influence.shape
    if wafers <= lags + 1:
        return 0.0, 0
    covariance = influence.T @ influence / wafers / (wafers - 1)
    covariance += np.diag(np.maximum(least - np.diag(covariance), 0.0))
    inverse = np.linalg.pinv(covariance, rcond=1e-8, hermitian=True)
    return float(misfit @ inverse @ misfit) * (wafers - lags) / (wafers - 1), lags
