"""Mean and quantiles of totals over the realizations, each with its Monte Carlo error."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from yieldsim.analysis.periods import Period, period_quarters
from yieldsim.analysis.statistics.standard_error import (
    P10_P50_P90,
    mean_and_error,
    sample_quantiles,
)
from yieldsim.analysis.totals import gather, labels_of, product_groups
from yieldsim.analysis.weights import weights_of

if TYPE_CHECKING:
    import xarray as xr


def quantiles(
    ds: xr.Dataset,
    variable: str = "usable_chips",
    period: Period = "quarter",
    probabilities: Iterable[float] = P10_P50_P90,
    groups: Mapping[str, list[int]] | None = None,
) -> xr.Dataset:
    """Mean and quantiles over the realizations, with the Monte Carlo standard error of each.

    Parameters
    ----------
    ds : an ensemble with dims scenario, realization, quarter and those of the variable.
    variable : a figure by product, such as ``usable_chips``; with groups any other too.
    period : ``quarter``, ``year`` (sums over its quarters) or ``horizon`` (over all quarters).
    probabilities : of the quantiles, each in (0, 1).
    groups : places of the labels summed in each group (see `gather`); default the total over
        products of kind ``ai`` under the name ``total``, then each product.

    Returns
    -------
    Dataset with ``mean``, ``se_mean`` (scenario, product, period) and ``quantile``,
    ``se_quantile`` (scenario, product, period, probability), in the unit of the variable. The
    dim is ``group`` in place of ``product`` where ``groups`` are given. The coordinate
    ``quarters`` counts the quarters of each period that the ensemble covers.

    Sums are made within each realization before quantiles are taken. Errors: sd / sqrt(n) for the
    mean, Maritz-Jarrett for quantiles (see `standard_error`); NaN for a single realization. An
    ensemble with weights has weighted figures (see `weighted`).
    Raises UsageError for a variable or period that makes no sense.
    """
    import xarray as xr

    levels = tuple(probabilities)
    members = product_groups(ds) if groups is None else groups
    figures = quantile_figures(ds, variable, period, levels, members)
    axis = "product" if groups is None else "group"
    dims = ("scenario", axis, "period")
    units = {"units": str(ds[variable].attrs.get("units", "1"))}
    return xr.Dataset(
        {
            "mean": (dims, figures.mean, units),
            "se_mean": (dims, figures.se_mean, units),
            "quantile": ((*dims, "probability"), figures.quantile, units),
            "se_quantile": ((*dims, "probability"), figures.se_quantile, units),
        },
        coords={
            "scenario": labels_of(ds, "scenario"),
            axis: list(members),
            "period": figures.periods,
            "quarters": ("period", figures.quarters),
            "probability": list(levels),
        },
        attrs={"variable": variable, "realizations": ds.sizes["realization"]},
    )


@dataclass(frozen=True)
class QuantileFigures:
    """The figures of `quantiles` as plain arrays, by scenario, group, period and probability."""

    periods: list[str]
    quarters: list[int]  # of each period
    mean: np.ndarray
    se_mean: np.ndarray
    quantile: np.ndarray
    se_quantile: np.ndarray


def quantile_figures(
    ds: xr.Dataset,
    variable: str,
    period: Period,
    levels: tuple[float, ...],
    members: Mapping[str, list[int]],
) -> QuantileFigures:
    """Return what `quantiles` makes a Dataset of."""
    weights = weights_of(ds)
    labels, places = period_quarters(ds, period)
    shape = (ds.sizes["scenario"], len(members), len(labels))
    mean, se_mean = np.empty(shape), np.empty(shape)
    quantile, se_quantile = np.empty((*shape, len(levels))), np.empty((*shape, len(levels)))
    for part in gather(ds, variable, period, members):
        at = (part.scenario, slice(None), slice(part.first, part.first + len(part.periods)))
        mean[at], se_mean[at] = mean_and_error(part.values, weights)
        quantile[at], se_quantile[at] = sample_quantiles(part.values, levels, weights)
    quarters = [len(several) for several in places]
    return QuantileFigures(labels, quarters, mean, se_mean, quantile, se_quantile)
