"""The likelihood of the wafers' fails, and the region of the law's two numbers that it allows.

A wafer with gamma factor g fails as n / phi independent dies would, each with the chance that the
law gives at density g times the mean: phi is the design effect of the blocks within a wafer (Kish
1965). The gamma is integrated out exactly, which for few fails is the negative binomial. The two
numbers are the mean density and the spread between wafers 1 / alpha_wafer. Figures that follow from
them (mean yield, spread of the yield) have their interval over the region whose log likelihood lies
at most half a threshold below the highest. Unlike the sandwich estimator this holds for few fails
and few wafers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.special import gammainc, gammaln

__all__ = ["Region", "Surface", "likelihood_surface"]

Floats = NDArray[np.float64]

# Grid of the logarithm of density: a step is this part of the least width of a wafer's likelihood,
# and it reaches this many such widths, and this far in all, beyond the outermost wafers.
_STEP, _REACH, _BEYOND = 0.4, 5.0, 3.0
_MOST_STEPS = 2048
# Spreads 1 / alpha_wafer of the first pass; the second refines where the likelihood is high.
_SPREADS, _MOST_SPREAD, _REFINED = 24, 30.0, 28
# Points of the log density at one spread, and how many standard errors they reach.
_POINTS, _WIDTHS = 56, 12.0
_DEEP = 12.0  # log likelihoods further below the highest do not matter


@dataclass(frozen=True)
class Region:
    """The ends of a likelihood region: for each spread the least and most log density inside."""

    spread: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True)
class Surface:
    """The log likelihood by spread, and by log density relative to the reference."""

    spreads: Floats
    curves: list[CubicSpline]  # [spread], by log density
    peak: Floats  # [spread], log density of the highest likelihood at each spread
    top: Floats  # [spread], that likelihood
    bend: Floats  # [spread], minus its second derivative by log density

    @property
    def best(self) -> int:
        """The place of the most likely spread."""
        return int(np.argmax(self.top))

    def region(self, threshold: float) -> Region:
        """Return where twice the log likelihood lies at most ``threshold`` below the highest."""
        cut = float(self.top.max()) - 0.5 * threshold
        inside = np.flatnonzero(self.top >= cut)
        ends = np.array([self._ends(k, cut) for k in inside.tolist()])
        return Region(self.spreads[inside], ends[:, 0], ends[:, 1])

    def _ends(self, k: int, cut: float) -> tuple[float, float]:
        ends = []
        for side in (0, -1):
            reach = self.curves[k].x[side] - self.peak[k]
            fine = self.peak[k] + reach * np.linspace(0.0, 1.0, 400)
            high = self.curves[k](fine) - cut
            below = np.flatnonzero(high < 0.0)
            ends.append(_crossing(fine, high, int(below[0]) - 1, 1) if len(below) else fine[-1])
        return float(ends[0]), float(ends[1])

    def spread_interval(self, threshold: float) -> tuple[float, float]:
        """Return the interval of the spread, by the adjusted profile of Cox and Reid (1987)."""
        profile = self.top - 0.5 * np.log(np.maximum(self.bend, 1e-300))
        root = np.sqrt(self.spreads)
        fine = np.linspace(root[0], root[-1], 2000)
        high = np.interp(fine, root, profile)
        high -= high.max() - 0.5 * threshold
        inside = np.flatnonzero(high >= 0.0)
        low, most = _crossing(fine, high, inside[0], -1), _crossing(fine, high, inside[-1], 1)
        open_above = inside[-1] == len(fine) - 1 and most**2 > 0.9 * _MOST_SPREAD
        return low**2, np.inf if open_above else most**2


def _crossing(x: Floats, y: Floats, k: int, step: int) -> float:
    """Return where y falls below 0 beyond its place k."""
    j = k + step
    if not 0 <= j < len(x):
        return float(x[k])
    return float(x[k] + (x[j] - x[k]) * y[k] / max(y[k] - y[j], 1e-300))


def likelihood_surface(
    fails: NDArray[np.int64],
    dies: NDArray[np.int64],
    design_effect: float,
    chance: Callable[[Floats], Floats],
) -> Surface:
    """Return the likelihood of ``fails`` of ``dies``, int64[wafer].

    chance : gives P(fail) of each wafer's dies, float64[wafer, point], and never 0 or 1, at log
        densities float64[point] relative to the reference.
    """
    x = _grid(fails, dies, design_effect, chance)
    p = chance(x)
    n, k = dies[:, None] / design_effect, fails[:, None] / design_effect
    log_of = k * np.log(p) + (n - k) * np.log1p(-p)
    most = log_of.max(axis=1, keepdims=True)
    each = np.exp(log_of - most)
    least = (1.5 * float(x[1] - x[0])) ** 2
    spreads = np.concatenate([[0.0], np.geomspace(least, _MOST_SPREAD, _SPREADS)])
    whole = CubicSpline(x, (log_of - most).sum(axis=0))
    first = _surface(x, each, whole, spreads)
    high = np.flatnonzero(first.top >= first.top.max() - _DEEP)
    ends = first.spreads[[max(high[0] - 1, 0), min(high[-1] + 1, len(spreads) - 1)]]
    root = np.linspace(np.sqrt(max(ends[0], least)), np.sqrt(ends[1]), _REFINED)
    return _surface(x, each, whole, root**2 if ends[0] > 0.0 else np.append(0.0, root**2))


def _grid(
    fails: NDArray[np.int64],
    dies: NDArray[np.int64],
    design_effect: float,
    chance: Callable[[Floats], Floats],
) -> Floats:
    """Return equidistant log densities that hold the likelihood of every wafer."""
    coarse = np.linspace(-14.0, 8.0, 400)
    p = chance(coarse)
    n, k = dies[:, None] / design_effect, fails[:, None] / design_effect
    log_of = k * np.log(p) + (n - k) * np.log1p(-p)
    # a wafer without a fail allows any low density, so it sets no lower end
    near = log_of >= log_of.max(axis=1, keepdims=True) - 0.5 * _REACH**2
    total = log_of.sum(axis=0)
    whole = total >= total.max() - 0.5 * _REACH**2
    some = (fails > 0) & (fails < dies)
    near = np.vstack([near[some], whole])
    low = coarse[min(int(row.argmax()) for row in near)] - _BEYOND
    high = coarse[max(len(row) - 1 - int(row[::-1].argmax()) for row in near)] + 0.5 * _BEYOND
    information = np.gradient(p, coarse, axis=1) ** 2 * n / (p * (1.0 - p))
    width = 1.0 / np.sqrt(max(float(information.max()), 1e-12))
    steps = int(np.clip((high - low) / (_STEP * min(width, 0.5)), 200, _MOST_STEPS))
    return np.linspace(low, high, steps)


def _surface(x: Floats, each: Floats, whole: CubicSpline, spreads: Floats) -> Surface:
    centre = _highest(whole, x)
    sharp = max(float(-whole(centre, 2)), 1e-12)
    curves, peak, top, bend = [], [], [], []
    for spread in spreads:
        width = np.sqrt(spread / len(each) + 1.0 / sharp)
        at = centre + width * np.sinh(np.linspace(-1.0, 1.0, _POINTS) * np.arcsinh(_WIDTHS))
        at = at[at > x[0] + 1.0] if spread > 0.0 else at[(at > x[0]) & (at < x[-1])]
        curve = CubicSpline(at, whole(at) if spread == 0.0 else _mixed(x, each, spread, at))
        place = _highest(curve, at)
        curves.append(curve)
        peak.append(place)
        top.append(float(curve(place)))
        bend.append(float(-curve(place, 2)))
    return Surface(spreads, curves, np.array(peak), np.array(top), np.array(bend))


def _highest(curve: CubicSpline, x: Floats) -> float:
    k = int(np.argmax(curve(x)))
    low, high = x[max(k - 1, 0)], x[min(k + 1, len(x) - 1)]
    fine = np.linspace(low, high, 401)
    return float(fine[int(np.argmax(curve(fine)))])


def _mixed(x: Floats, each: Floats, spread: float, at: Floats) -> Floats:
    """Return the log likelihood of all wafers at mean densities ``at``, their gammas integrated."""
    alpha, step = 1.0 / spread, float(x[1] - x[0])
    u = x[:, None] - at
    with np.errstate(over="ignore"):
        log_prior = alpha * np.log(alpha) - gammaln(alpha) + alpha * (u - np.exp(u))
        below = gammainc(alpha, alpha * np.exp(x[0] - 0.5 * step - at))
    # densities below the grid: the likelihood there is that of its first point
    inner = each @ (np.exp(log_prior) * step) + each[:, :1] * below
    return np.asarray(np.log(np.maximum(inner, 1e-300)).sum(axis=0))
