"""Rank correlations of the parameters: what the model asked for and what the draws have."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import xarray as xr

from ..errors import StoreError
from ..model import ModelFile
from .columns import labels_of, realization_blocks


def rank_correlations(ds: xr.Dataset) -> list[dict[str, Any]]:
    """Requested and achieved rank correlation (Spearman) of each pair the model names.

    Returns records with scenario, first, second (paths of the parameters), requested, achieved
    and ``se``, the standard error of the achieved one: (1 - r^2) sqrt((1 + r^2/2) / (n - 3)) after
    Bonett and Wright (2000, doi:10.1007/BF02294183), for independent draws. ``achieved`` and
    ``se`` are None where one of the two is not drawn in the scenario, or too few draws exist.
    Raises StoreError where the ensemble lacks its model's text or the sampled parameters.
    """
    text = ds.attrs.get("model_json")
    if not isinstance(text, str):
        raise StoreError("attribute model_json", "is missing from the ensemble")
    if "parameter_value" not in ds:
        raise StoreError("parameter_value", "is missing from the ensemble")
    file = ModelFile.from_json(text)
    paths = labels_of(ds, "parameter")
    records = []
    for scenario, name in enumerate(labels_of(ds, "scenario")):
        for wanted in file.model(name).correlations.values():
            first, second = wanted.between
            achieved = _achieved(ds, scenario, paths, first, second)
            records.append(
                {
                    "scenario": name,
                    "first": first,
                    "second": second,
                    "requested": wanted.rank,
                    "achieved": achieved,
                    "se": _error(achieved, ds.sizes["realization"]),
                }
            )
    return records


def _achieved(
    ds: xr.Dataset, scenario: int, paths: list[str], first: str, second: str
) -> float | None:
    if first not in paths or second not in paths:
        return None
    values = _draws(ds, scenario, [paths.index(first), paths.index(second)])
    return spearman(values[0], values[1])


def spearman(first: np.ndarray, second: np.ndarray) -> float | None:
    """Pearson correlation of the average ranks; None where one does not vary."""
    ranks = np.stack([average_ranks(first), average_ranks(second)])
    ranks -= ranks.mean(axis=1, keepdims=True)
    scale = math.sqrt(float((ranks[0] ** 2).sum()) * float((ranks[1] ** 2).sum()))
    return float((ranks[0] * ranks[1]).sum()) / scale if scale > 0.0 else None


def average_ranks(values: np.ndarray) -> np.ndarray:
    """Ranks from 1 on; equal values share the mean of their ranks.

    That of scipy.stats, whose import alone takes longer than a whole summary.
    """
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    shared: np.ndarray = np.cumsum(counts) - (counts - 1) / 2.0
    return shared[place]


def _draws(ds: xr.Dataset, scenario: int, places: list[int]) -> np.ndarray:
    """(parameter, realization) draws of some parameters of one scenario."""
    array = ds["parameter_value"]
    values = np.empty((len(places), array.sizes["realization"]))
    view = array.isel(scenario=scenario).transpose("realization", "parameter")
    for block in realization_blocks(array):
        values[:, block] = view.isel(realization=block).to_numpy()[:, places].T
    return values


def _error(achieved: float | None, count: int) -> float | None:
    if achieved is None or count <= 3:
        return None
    square = achieved**2
    return (1.0 - square) * math.sqrt((1.0 + square / 2.0) / (count - 3))
