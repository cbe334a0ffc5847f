"""Functions tabulated for the kernels: gamma quantiles, and functions of the density."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from yieldsim.kernels.inverse import GAMMA_CELLS, GAMMA_FIRST, GAMMA_STEPS
from yieldsim.wafer.compile.floorplan import CompiledFloorplan, Holder
from yieldsim.wafer.kernels.classes import WORKING_STEPS

__all__ = ["Pieces", "blurred", "density_range", "gamma_nodes", "gamma_table", "make_pieces"]

Floats = NDArray[np.float64]

_NO_SPREAD = 1e8  # larger shapes change no yield by more than 1e-8
_SLOPE_STEP = 1e-5  # relative; its square and the rounding over it are both near 1e-11
_FEWEST_FAULTS = 2.0**-14  # below, a yield is linear to 1e-9
_MOST_FAULTS = 64.0  # above, a block of the smallest area lives with less than e^-64
_MOST_OCTAVES = 40
_LOG_CUT = 36.0  # e^-36 is below rounding
_LOWEST_LOG = -40.0
_BITS_BELOW = np.uint64(52 - int(math.log2(WORKING_STEPS)))


def has_spread(alpha: float) -> bool:
    """Return whether a gamma of this shape differs from the number one."""
    return alpha < _NO_SPREAD


@functools.lru_cache(maxsize=16)
def gamma_table(alpha: float) -> Floats:
    """Return the table of `kernels.inverse.gamma_tabulated`, without columns for ``alpha`` inf.

    It is kept, because a fit simulates one law on maps of many grids. Nobody writes to it.
    """
    if not has_spread(alpha):
        return np.zeros((2, 0))
    octave, step = np.divmod(np.arange(GAMMA_CELLS + 1) + GAMMA_FIRST, GAMMA_STEPS)
    p = np.ldexp(1.0 + step / GAMMA_STEPS, octave - 1023 - 32)
    return np.stack([special.gammaincinv(alpha, p), special.gammainccinv(alpha, p)]) / alpha


def gamma_nodes(alpha: float) -> tuple[Floats, Floats]:
    """Return (density, weight) of a quadrature over a gamma of mean one and shape ``alpha``.

    It is the trapezoid rule over the log of the density, which converges geometrically (Trefethen
    and Weideman 2014, doi:10.1137/130932132). One node for ``alpha`` inf.
    """
    if not has_spread(alpha):
        return np.ones(1), np.ones(1)
    step = 0.25 / math.sqrt(1.0 + alpha)
    cut = _LOG_CUT / alpha
    left = cut + math.sqrt(2.0 * cut)
    right = min(math.sqrt(2.0 * cut), math.log(2.0 + 2.0 * cut))
    t = step * np.arange(-math.ceil(left / step), math.ceil(right / step) + 1.0)
    weight = np.exp(-alpha * (np.expm1(t) - t))
    # densities this low kill nothing, so the lower tail of a small shape is one node
    low = t < _LOWEST_LOG
    ratio = np.exp(np.append(_LOWEST_LOG, t[~low]))
    every = np.append(weight[low].sum(), weight[~low])
    keep = every > 0.0
    return ratio[keep], every[keep] / every.sum()


@dataclass(frozen=True)
class Pieces:
    """Cubic pieces for `wafer.kernels.classes`: ``coefficients`` float64[cell, channel, 4]."""

    first: int
    coefficients: Floats

    def __call__(self, density: Floats) -> Floats:
        """Return values float64[..., channel] at densities per cm2, as the kernels compute them."""
        x = np.asarray(density, np.float64)
        bits = x.view(np.uint64)
        cell = (bits >> _BITS_BELOW).astype(np.int64) - self.first + 1
        rest = bits & ((np.uint64(1) << _BITS_BELOW) - np.uint64(1))
        t = rest * 2.0 ** -float(_BITS_BELOW)
        last = self.coefficients.shape[0] - 1
        t = np.where(cell < 1, x / _node(self.first), np.where(cell > last, 1.0, t))[..., None]
        c = self.coefficients[np.clip(cell, 0, last)]
        value: Floats = c[..., 0] + t * (c[..., 1] + t * (c[..., 2] + t * c[..., 3]))
        return value


def _node(index: int | NDArray[np.int64]) -> Floats:
    return (np.asarray(index).astype(np.uint64) << _BITS_BELOW).view(np.float64)


def density_range(floorplan: CompiledFloorplan) -> tuple[float, float]:
    """Return the densities per cm2 below which yields are linear and above which no die works."""
    total = floorplan.die.killing_cm2()
    areas = list(_areas(floorplan.die))
    if not areas or total <= 0.0:
        return 1.0, 2.0
    least = min(cm2 / (1.0 + spares) for cm2, spares in areas)
    low = _FEWEST_FAULTS / total
    return low, min(_MOST_FAULTS / least, low * 2.0**_MOST_OCTAVES)


def _areas(holder: Holder) -> list[tuple[float, int]]:
    own = [(area.area_cm2 * area.kill, area.spares or 0) for area in holder.areas]
    below = [pair for part, _ in holder.held for pair in _areas(part)]
    return [pair for pair in [*own, *below] if pair[0] > 0.0]


def make_pieces(function: Callable[[Floats], Floats], low: float, high: float) -> Pieces:
    """Tabulate ``function`` (densities -> float64[density, channel]) with its slopes.

    A cubic on each 1/32 octave has the function's values and slopes at both ends. Its error is
    h^4 f'''' / 384, below 1e-6 for the yields of up to ten faults a die (test_pieces_error).
    """
    first = int(np.array([low]).view(np.uint64)[0] >> _BITS_BELOW)
    last = int(np.array([high]).view(np.uint64)[0] >> _BITS_BELOW) + 1
    x = _node(np.arange(first, last + 1))
    near = np.concatenate([x, x * (1.0 + _SLOPE_STEP), x * (1.0 - _SLOPE_STEP), [0.0]])
    values = np.asarray(function(near), np.float64)
    at, up, down = np.split(values[:-1], 3)
    slope = (up - down) / (2.0 * _SLOPE_STEP * x)[:, None]
    width = np.diff(x)[:, None]
    rise = at[1:] - at[:-1]
    a, b = width * slope[:-1], width * slope[1:]
    cubic = np.stack([at[:-1], a, 3.0 * rise - 2.0 * a - b, a + b - 2.0 * rise], axis=-1)
    start = np.zeros((1, *cubic.shape[1:]))
    start[0, :, 0] = values[-1]
    start[0, :, 1] = at[0] - values[-1]
    return Pieces(first, np.ascontiguousarray(np.concatenate([start, cubic])))


def blurred(pieces: Pieces, alpha: float) -> Callable[[Floats], Floats]:
    """Return the function E[pieces(x G)] of x, for a gamma G of mean one and shape ``alpha``."""
    density, weight = gamma_nodes(alpha)

    def average(x: Floats) -> Floats:
        total = np.zeros((x.size, pieces.coefficients.shape[1]))
        for g, w in zip(density, weight, strict=True):
            total += w * pieces(x * g)
        return total

    return average
