"""Statistics of each wafer map: fails, fails by radius, and pairs of fails by distance.

There is one figure per wafer, because dies of a wafer are not independent and wafers are assumed to
be: so means over wafers have valid standard errors.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from yieldsim.errors import ModelError
from yieldsim.wafer.fit.radii import RadialBins, by_shape, die_radii
from yieldsim.wafer.maps.wafer_maps import FAIL, NONE, WaferMaps

__all__ = [
    "LAGS",
    "MapStatistics",
    "TargetMoments",
    "mean_and_influence",
    "mean_of_known",
    "measure",
    "stack",
    "target_moments",
]

Floats = NDArray[np.float64]

# Distances in dies along rows and columns. The first gives the neighbour ratio, the others tell how
# large the blocks are.
LAGS = (1, 2, 3, 4, 6, 8, 12)
# A bin without a fail (or a pass) gets half a die of them, so that its density is finite.
_HALF = 0.5


@dataclass(frozen=True)
class MapStatistics:
    """Figures of each wafer; nan where its map has no such dies.

    Attributes
    ----------
    fail : float64[wafer], share of its dies that failed.
    radial : float64[wafer, bin], the same within each bin of the radius.
    pairs : float64[wafer, lag], share of its pairs of dies at each of ``LAGS`` that both failed.
    dies : int64[wafer], dies on the map.
    """

    fail: Floats
    radial: Floats
    pairs: Floats
    dies: NDArray[np.int64]

    def select(self, wafers: NDArray[np.int64] | NDArray[np.bool_]) -> MapStatistics:
        """Return the figures of these wafers."""
        return MapStatistics(
            self.fail[wafers], self.radial[wafers], self.pairs[wafers], self.dies[wafers]
        )


def stack(maps: WaferMaps, rows: int, cols: int, wafers: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Return maps of one grid as uint8[wafer, row, column]."""
    cells = maps.offset[wafers][:, None] + np.arange(rows * cols)
    return maps.die[cells].reshape(len(wafers), rows, cols)


def measure(maps: WaferMaps, bins: RadialBins) -> MapStatistics:
    """Return the figures of every map, in the order of the wafers."""
    wafers = len(maps)
    fail, dies = np.zeros(wafers), np.zeros(wafers, np.int64)
    radial = np.full((wafers, bins.size), np.nan)
    pairs = np.full((wafers, len(LAGS)), np.nan)
    for rows, cols, some in by_shape(maps):
        codes = stack(maps, rows, cols, some)
        valid, bad = (codes > NONE), (codes == FAIL)
        dies[some] = valid.sum(axis=(1, 2))
        fail[some] = bad.sum(axis=(1, 2)) / dies[some]
        ring = bins.of(die_radii(rows, cols)[:, :, 0])
        for k in range(bins.size):
            radial[some, k] = _ratio(bad[:, ring == k].sum(1), valid[:, ring == k].sum(1))
        for i, lag in enumerate(LAGS):
            pairs[some, i] = _ratio(_pairs(bad, lag), _pairs(valid, lag))
    return MapStatistics(fail, radial, pairs, dies)


def _pairs(flags: NDArray[np.bool_], lag: int) -> NDArray[np.int64]:
    """Count pairs of set cells ``lag`` apart along a row or a column, for each map."""
    down = (flags[:, lag:] & flags[:, :-lag]).sum(axis=(1, 2), dtype=np.int64)
    across = (flags[:, :, lag:] & flags[:, :, :-lag]).sum(axis=(1, 2), dtype=np.int64)
    return np.asarray(down + across)


def _ratio(part: NDArray[np.int64], whole: NDArray[np.int64]) -> Floats:
    return np.where(whole > 0, part / np.maximum(whole, 1), np.nan)


def mean_of_known(values: Floats) -> Floats:
    """Return means over wafers of the values that are not nan, float64[column]; nan without any."""
    has = np.isfinite(values)
    count = has.sum(axis=0)
    total = np.where(has, values, 0.0).sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def mean_and_influence(values: Floats, where: str) -> tuple[Floats, Floats]:
    """Return means over wafers, float64[column], and each wafer's influence on them.

    values : float64[wafer, column], nan where a wafer has no value. The influences, float64[wafer,
    column], have mean 0; their covariance divided by the number of wafers is that of the means.
    Raises ModelError where no wafer has a value.
    """
    has = np.isfinite(values)
    share = has.mean(axis=0)
    if not share.all():
        raise ModelError(where, "no map has dies at some radius or distance", allowed="larger maps")
    means = np.where(has, values, 0.0).mean(axis=0) / share
    return means, np.where(has, values - means, 0.0) / share


@dataclass(frozen=True)
class TargetMoments:
    """The observed moments, each wafer's influence on them, and their errors."""

    means: Floats  # [bin..., variance, adjacent pairs]
    influence: Floats  # [wafer, moment]
    lags: Floats  # [lag], pairs at larger distances
    lag_influence: Floats  # [wafer, lag]
    lag_index: NDArray[np.int64]
    error: Floats  # [moment]


def target_moments(figures: MapStatistics, where: str) -> TargetMoments:
    """Return the moments that a fit must meet.

    Raises ModelError where no map has dies at some radius.
    """
    deviation = (figures.fail - figures.fail.mean()) ** 2
    radial = figures.radial.copy()
    number = np.isfinite(radial).sum(axis=0) * figures.dies.mean() / radial.shape[1]
    low = _HALF / np.maximum(number, 1.0)
    mean = mean_of_known(radial)
    radial += np.where(mean <= 0.0, low, np.where(mean >= 1.0, -low, 0.0))
    has_lags = np.isfinite(figures.pairs).mean(axis=0) > 0.5
    index = np.flatnonzero(has_lags)[1:]
    columns = np.column_stack([radial, deviation, figures.pairs[:, 0]])
    means, influence = mean_and_influence(columns, where)
    lags, lag_influence = mean_and_influence(figures.pairs[:, index], where)
    error = np.sqrt((influence**2).mean(axis=0) / len(influence))
    error = np.maximum(error, 1e-3 * np.abs(means) + 1e-9)
    return TargetMoments(means, influence, lags, lag_influence, index, error)
