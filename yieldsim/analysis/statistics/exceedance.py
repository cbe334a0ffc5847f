"""The probability that a total exceeds a number: the share of the realizations that do."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import xarray as xr

from yieldsim.analysis.periods import Period, period_quarters
from yieldsim.analysis.statistics.standard_error import share_and_error
from yieldsim.analysis.totals import TOTAL, chosen_groups, gather, labels_of
from yieldsim.analysis.weights import weights_of
from yieldsim.errors import UsageError


def exceedance(
    ds: xr.Dataset,
    above: Sequence[float],
    period: Period = "year",
    products: Sequence[str] = (TOTAL,),
    variable: str = "usable_chips",
) -> xr.Dataset:
    """The probability that the sum over a period is larger than each number of ``above``.

    Sums are made within each realization. ``products`` are names, or ``total``: the products of
    kind ai together. Returns ``probability`` and its Monte Carlo standard error ``se`` (see
    `share_and_error`), each (scenario, product, period, above), and the coordinate ``quarters`` of
    a period. Raises UsageError for a number that is not finite, an unknown product or period, or a
    variable that cannot be summed.
    """
    for number in above:
        if not math.isfinite(number):
            raise UsageError("above", "is not a number", got=number, allowed="such as 2000000")
    groups = chosen_groups(ds, products)
    labels, places = period_quarters(ds, period)
    weights = weights_of(ds)
    probability, error = np.empty((2, ds.sizes["scenario"], len(groups), len(labels), len(above)))
    for part in gather(ds, variable, period, groups):
        at = (part.scenario, slice(None), slice(part.first, part.first + len(part.periods)))
        for place, number in enumerate(above):
            share = share_and_error(part.values > number, weights)
            probability[(*at, place)], error[(*at, place)] = share
    dims = ("scenario", "product", "period", "above")
    units = str(ds[variable].attrs.get("units", "1"))
    return xr.Dataset(
        {
            "probability": (dims, probability, {"units": "1"}),
            "se": (dims, error, {"units": "1"}),
        },
        coords={
            "scenario": labels_of(ds, "scenario"),
            "product": list(groups),
            "period": labels,
            "quarters": ("period", [len(several) for several in places]),
            "above": ("above", [float(number) for number in above], {"units": units}),
        },
        attrs={"variable": variable, "realizations": ds.sizes["realization"]},
    )
