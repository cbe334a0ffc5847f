"""Quantiles of totals: what a quarter or a year brings, by product and in total, and how sure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import xarray as xr

from yieldsim.analysis.caption import origin
from yieldsim.analysis.statistics.correlation import rank_correlations
from yieldsim.analysis.statistics.differences import difference_records
from yieldsim.analysis.statistics.standard_error import (
    P10_P50_P90,
    mean_and_error,
    sample_quantiles,
)
from yieldsim.analysis.supply.binding import binding_shares
from yieldsim.analysis.totals import (
    Period,
    ai_products,
    gather,
    labels_of,
    period_quarters,
    product_groups,
    product_names,
    quarter_labels,
)

STATISTICS = ("mean", "p10", "p50", "p90", "se_mean", "se_p10", "se_p50", "se_p90")


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
    ds : an ensemble with dims scenario, realization, quarter and product.
    variable : a figure by product, such as ``usable_chips`` or ``h100_equivalents``.
    period : ``quarter``, ``year`` (sums over its quarters) or ``horizon`` (over all quarters).
    probabilities : of the quantiles, each in (0, 1).
    groups : places of the products summed in each group; default the total over products of kind
        ``ai`` under the name ``total``, then each product.

    Returns
    -------
    Dataset with ``mean``, ``se_mean`` (scenario, product, period) and ``quantile``,
    ``se_quantile`` (scenario, product, period, probability), in the unit of the variable. The
    coordinate ``quarters`` counts the quarters in each period: a year may be there in part.

    Sums are made within each realization before quantiles are taken. Errors: sd / sqrt(n) for the
    mean, Maritz-Jarrett for quantiles (see `standard_error`); NaN for a single realization.
    Raises UsageError for a variable or period that makes no sense.
    """
    levels = tuple(probabilities)
    members = product_groups(ds) if groups is None else groups
    labels, places = period_quarters(ds, period)
    shape = (ds.sizes["scenario"], len(members), len(labels))
    mean, se_mean = np.empty(shape), np.empty(shape)
    quantile, se_quantile = np.empty((*shape, len(levels))), np.empty((*shape, len(levels)))
    for part in gather(ds, variable, period, members):
        at = (part.scenario, slice(None), slice(part.first, part.first + len(part.periods)))
        mean[at], se_mean[at] = mean_and_error(part.values)
        quantile[at], se_quantile[at] = sample_quantiles(part.values, levels)
    dims = ("scenario", "product", "period")
    units = {"units": str(ds[variable].attrs.get("units", "1"))}
    return xr.Dataset(
        {
            "mean": (dims, mean, units),
            "se_mean": (dims, se_mean, units),
            "quantile": ((*dims, "probability"), quantile, units),
            "se_quantile": ((*dims, "probability"), se_quantile, units),
        },
        coords={
            "scenario": labels_of(ds, "scenario"),
            "product": list(members),
            "period": labels,
            "quarters": ("period", [len(several) for several in places]),
            "probability": list(levels),
        },
        attrs={"variable": variable, "realizations": ds.sizes["realization"]},
    )


def summarize(ds: xr.Dataset) -> dict[str, Any]:
    """The summary of an ensemble as plain numbers, ready for JSON.

    ``quarters``: the quarters in order. ``records``: for each scenario, product (``total`` first:
    the sum over products of kind ai) and quarter the mean, P10, P50 and P90 of usable chips with
    the standard error ``se_...`` of each (None for a single realization). ``yearly``: the same by
    calendar year, with the number of ``quarters`` covered. ``binding``: for each scenario,
    product and quarter what held it and in which share of the realizations, most frequent first.
    ``correlations``: of the parameters, requested and achieved (see `rank_correlations`).
    ``differences``: the other scenarios against the baseline by calendar year, paired.
    ``in_total``: the products that the total counts; and the model, the seed, the realizations.
    """
    return {
        "quarters": quarter_labels(ds),
        "records": _records(quantiles(ds), "quarter"),
        "yearly": _records(quantiles(ds, period="year"), "year"),
        "binding": binding_shares(ds) if "binding" in ds else [],
        "differences": difference_records(ds),
        "correlations": rank_correlations(ds) if "parameter_value" in ds else [],
        "in_total": [product_names(ds)[place] for place in ai_products(ds)],
        "units": str(ds["usable_chips"].attrs.get("units", "chip")),
        **origin(ds),
    }


def _records(result: xr.Dataset, key: str) -> list[dict[str, Any]]:
    """One flat record per scenario, product and period."""
    figures = np.concatenate(
        [
            result["mean"].to_numpy()[..., None],
            result["quantile"].to_numpy(),
            result["se_mean"].to_numpy()[..., None],
            result["se_quantile"].to_numpy(),
        ],
        axis=-1,
    )
    labels = [labels_of(result, dim) for dim in ("scenario", "product", "period")]
    counts = result["quarters"].to_numpy().tolist()
    records = []
    for s, p, t in np.ndindex(figures.shape[:-1]):
        record: dict[str, Any] = {"scenario": labels[0][s], "product": labels[1][p]}
        record[key] = labels[2][t]
        if key == "year":
            record["quarters"] = counts[t]
        numbers = map(_finite, figures[s, p, t].tolist())
        records.append(record | dict(zip(STATISTICS, numbers, strict=True)))
    return records


def _finite(number: float) -> float | None:
    """JSON knows no NaN."""
    return number if math.isfinite(number) else None
