"""Rank correlations of the parameters: requested by the model, and achieved by the draws."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from yieldsim.analysis.attributes import json_table
from yieldsim.analysis.totals import labels_of, realization_blocks
from yieldsim.closed_form.ranks import spearman
from yieldsim.errors import StoreError
from yieldsim.model import ModelFile

if TYPE_CHECKING:
    import xarray as xr


def rank_correlations(ds: xr.Dataset) -> list[dict[str, Any]]:
    """Requested and achieved rank correlation (Spearman) of each pair that the model correlates.

    Returns records with scenario, first, second (paths of the parameters), requested, achieved
    and ``se``, the standard error of the latter: (1 - r^2) sqrt((1 + r^2/2) / (n - 3)) after
    Bonett and Wright (2000, doi:10.1007/BF02294183), for independent draws. ``achieved`` and
    ``se`` are None if a parameter of the pair is not drawn in the scenario, or too few draws
    exist. Raises StoreError if the ensemble lacks its model or the sampled parameters.
    """
    if json_table(ds.attrs, "model_json") is None:
        raise StoreError("attribute model_json", "is missing from the ensemble")
    if "parameter_value" not in ds:
        raise StoreError("parameter_value", "is missing from the ensemble")
    file = ModelFile.from_json(ds.attrs["model_json"])
    paths = labels_of(ds, "parameter")
    records = []
    for scenario, name in enumerate(labels_of(ds, "scenario")):
        pairs = file.correlations(name)
        drawn = _draws(ds, scenario, paths, {path for *both, _ in pairs for path in both})
        for first, second, requested in pairs:
            both = first in drawn and second in drawn
            achieved = spearman(drawn[first], drawn[second]) if both else None
            records.append(
                {
                    "scenario": name,
                    "first": first,
                    "second": second,
                    "requested": requested,
                    "achieved": achieved,
                    "se": _error(achieved, ds.sizes["realization"]),
                }
            )
    return records


def _draws(
    ds: xr.Dataset, scenario: int, paths: list[str], wanted: set[str]
) -> dict[str, np.ndarray]:
    """Draws of the wanted parameters, as far as the ensemble has them, read in a single pass."""
    drawn = sorted(wanted.intersection(paths))
    places = [paths.index(path) for path in drawn]
    array = ds["parameter_value"]
    values = np.empty((len(drawn), array.sizes["realization"]))
    view = array.isel(scenario=scenario).transpose("realization", "parameter")
    for block in realization_blocks(array) if drawn else ():
        values[:, block] = view.isel(realization=block).to_numpy()[:, places].T
    return dict(zip(drawn, values, strict=True))


def _error(achieved: float | None, count: int) -> float | None:
    if achieved is None or count <= 3:
        return None
    square = achieved**2
    return (1.0 - square) * math.sqrt((1.0 + square / 2.0) / (count - 3))
