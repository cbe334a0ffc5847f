"""Paired differences between scenarios: realization r has the same random draws in each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from yieldsim.analysis.periods import Period, period_quarters
from yieldsim.analysis.statistics.standard_error import (
    P10_P50_P90,
    mean_and_error,
    sample_quantiles,
)
from yieldsim.analysis.statistics.weighted import weighted_sd
from yieldsim.analysis.totals import BUDGET_BYTES, gather, labels_of, product_groups
from yieldsim.analysis.weights import weights_of
from yieldsim.errors import UsageError
from yieldsim.model.scenario_names import BASELINE

if TYPE_CHECKING:
    import xarray as xr

FIGURES = ("mean", "se_mean", "sd_paired", "sd_independent", "spread_ratio")
PLAIN = ("spread_ratio",)  # without a unit


def paired_differences(
    ds: xr.Dataset,
    base: str = BASELINE,
    variable: str = "usable_chips",
    period: Period = "quarter",
    probabilities: Iterable[float] = P10_P50_P90,
) -> xr.Dataset:
    """Each other scenario minus ``base``, realization by realization.

    Returns a Dataset over the other scenarios, the products (``total`` first) and the periods:
    ``mean``, ``quantile`` (with a dim probability) and their Monte Carlo standard errors
    ``se_mean``, ``se_quantile``; ``sd_paired``, the standard deviation of the paired difference;
    ``sd_independent``, that of the difference of two separate runs, sqrt(var a + var b); and
    ``spread_ratio``, the first over the second. Its square is the share of the realizations that
    suffices thanks to common random numbers; it is NaN if neither scenario varies. Raises
    UsageError for an unknown ``base`` or an ensemble of a single scenario.
    """
    scenarios = labels_of(ds, "scenario")
    if base not in scenarios:
        raise UsageError("base", "is not in the ensemble", got=base, allowed=", ".join(scenarios))
    others = [place for place, name in enumerate(scenarios) if name != base]
    if not others:
        raise UsageError("scenario", f"the ensemble holds {base} alone", allowed="two or more")
    levels, weights = tuple(probabilities), weights_of(ds)
    groups = product_groups(ds)
    labels, _ = period_quarters(ds, period)
    shape = (len(others), len(groups), len(labels))
    figures = {name: np.empty(shape) for name in FIGURES}
    quantile, se_quantile = np.empty((*shape, len(levels))), np.empty((*shape, len(levels)))
    budget = BUDGET_BYTES // 3  # totals of both, and their difference
    for row, other in enumerate(others):
        pairs = zip(
            gather(ds, variable, period, groups, [scenarios.index(base)], budget),
            gather(ds, variable, period, groups, [other], budget),
            strict=True,
        )
        for first, second in pairs:
            at = (row, slice(None), slice(first.first, first.first + len(first.periods)))
            for name, figure in spreads(first.values, second.values, weights).items():
                figures[name][at] = figure
            difference = second.values - first.values
            quantile[at], se_quantile[at] = sample_quantiles(difference, levels, weights)
    coords = {
        "scenario": [scenarios[other] for other in others],
        "product": list(groups),
        "period": labels,
        "probability": list(levels),
    }
    attrs = {"variable": variable, "base": base, "realizations": ds.sizes["realization"]}
    found: dict[str, np.ndarray] = {**figures, "quantile": quantile, "se_quantile": se_quantile}
    return differences_of(ds, found, coords, attrs)


def differences_of(
    ds: xr.Dataset,
    figures: Mapping[str, np.ndarray],
    coords: Mapping[str, Any],
    attrs: Mapping[str, Any],
) -> xr.Dataset:
    """Figures of differences, over ``coords`` in their order, with the unit of their variable.

    The last dim, probability, is that of quantiles alone.
    """
    import xarray as xr

    units = {"units": str(ds[attrs["variable"]].attrs.get("units", "1"))}
    content = {
        name: (list(coords)[: figure.ndim], figure, {"units": "1"} if name in PLAIN else units)
        for name, figure in figures.items()
    }
    return xr.Dataset(content, coords=coords, attrs=dict(attrs))


def spreads(
    base: np.ndarray, other: np.ndarray, weights: np.ndarray | None = None
) -> dict[str, np.ndarray]:
    """Mean and spreads along the last axis; ``base`` and ``other`` are (..., realization)."""
    difference = other - base
    mean, se_mean = mean_and_error(difference, weights)
    paired = _deviation(difference, weights)
    independent = np.hypot(_deviation(base, weights), _deviation(other, weights))
    ratio = np.divide(paired, independent, out=np.full(mean.shape, np.nan), where=independent > 0.0)
    figures = (mean, se_mean, paired, independent, ratio)
    return dict(zip(FIGURES, figures, strict=True))


def _deviation(values: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
    """Standard deviation along the last axis; NaN for a single value."""
    if weights is not None:
        return weighted_sd(values, weights)
    return mean_and_error(values)[1] * np.sqrt(values.shape[-1])
