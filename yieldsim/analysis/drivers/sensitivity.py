"""Sensitivity indices of an ensemble's figures to the inputs that its realizations draw."""

from __future__ import annotations

import numpy as np
import xarray as xr

from yieldsim.analysis.drivers.classes import class_count, labelled
from yieldsim.analysis.drivers.figure import Figure
from yieldsim.analysis.drivers.first_order import (
    DUMMIES,
    FALSE_RATE,
    LEVEL,
    FirstOrder,
    Indices,
    threshold,
)
from yieldsim.analysis.totals import labels_of
from yieldsim.errors import StoreError

PARAMETER_VALUE = "parameter_value"


def first_order_indices(ds: xr.Dataset, figure: Figure) -> xr.Dataset:
    """First-order indices of each drawn input, for each period of a figure.

    Returns a Dataset over parameter and period: ``index``, the ends ``low`` and ``high`` of its
    interval, ``significant`` (above the threshold), ``trend`` (the share of the variance along a
    straight line in the input's rank, with the sign of its slope), and ``half_index`` (half,
    parameter, period), the same index from each half of the realizations. Over parameter:
    ``varies``, whether the input does. Over period: the
    ``threshold`` and ``sd``, the figure's standard deviation. Figures of a period that does not
    vary are NaN. See `first_order` for the estimator and `classes` for its classes.

    Raises StoreError if the ensemble lacks the drawn inputs.
    """
    drawn = drawn_inputs(ds, figure.scenario)
    classes = class_count(len(figure.values))
    estimator = FirstOrder(figure.values, classes)
    found: list[Indices] = []
    for _, labels in labelled(drawn, classes):
        found += [estimator.estimate(own) for own in labels]
    limit = threshold(estimator.dummies())
    content = {name: np.stack([getattr(i, name) for i in found]) for name in _TABLES}
    dims = ("parameter", "period")
    with np.errstate(invalid="ignore"):
        significant = content["index"] > limit
    halves = np.stack([i.half for i in found], axis=1)
    return xr.Dataset(
        {name: (dims, values, {"units": "1"}) for name, values in content.items()}
        | {
            "significant": (dims, significant),
            "varies": ("parameter", [i.varies for i in found]),
            "half_index": (("half", *dims), halves, {"units": "1"}),
            "threshold": ("period", limit, {"units": "1"}),
            "sd": ("period", figure.values.std(axis=0, ddof=1), {"units": figure.units}),
        },
        coords={"parameter": labels_of(ds, "parameter"), "period": figure.periods},
        attrs={
            "variable": figure.variable,
            "scenario": figure.scenario,
            "realizations": len(figure.values),
            "classes": classes,
            "dummies": DUMMIES,
            "false_rate": FALSE_RATE,
            "level": LEVEL,
        },
    )


_TABLES = ("index", "low", "high", "trend")


def drawn_inputs(ds: xr.Dataset, scenario: str) -> xr.DataArray:
    """The drawn values (realization, parameter) of a scenario. Raises StoreError without any."""
    if PARAMETER_VALUE not in ds:
        raise StoreError(PARAMETER_VALUE, "is missing from the ensemble")
    if not ds.sizes["parameter"]:
        raise StoreError(PARAMETER_VALUE, "the model has no uncertain input")
    return ds[PARAMETER_VALUE].isel(scenario=labels_of(ds, "scenario").index(scenario))


def directions(indices: xr.Dataset) -> np.ndarray:
    """How the figure goes with each input (parameter, period): ``up``, ``down`` or ``mixed``.

    ``mixed`` where a straight line in the input's rank has less than half of the index, as where
    the figure rises and falls again. Empty where the index is not significant.
    """
    trend, index = indices["trend"].to_numpy(), indices["index"].to_numpy()
    straight = np.where(trend > 0.0, "up", "down")
    words = np.where(np.abs(trend) < 0.5 * index, "mixed", straight)
    return np.where(indices["significant"].to_numpy(), words, "")
