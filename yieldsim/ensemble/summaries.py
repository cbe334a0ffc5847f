"""The small arrays that a finished store carries: quantiles of supply, and correlations.

Totals are summed realization by realization and then ranked: quantiles do not add up.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import xarray as xr

from ..model.load import ModelFile
from .layout import PARAMETER_VALUE, ArraySpec

QUANTILES = (0.1, 0.5, 0.9)
CHIPS = "usable_chips"
PAIR = ("parameter_first", "parameter_second")
RANK = ("rank_correlation_requested", "rank_correlation_achieved")
SUPPLY = ("mean", "quantile", "total_mean", "total_quantile")
# every array that `summary_specs` may make
SUMMARIES = ("quantile", *(f"{CHIPS}_{what}" for what in SUPPLY), *PAIR, *RANK)
_BATCH_BYTES = 32 * 2**20


def summary_specs(ds: xr.Dataset) -> list[ArraySpec]:
    """Mean and quantiles of usable chips per quarter, and rank correlations where asked for.

    ``ds`` is the whole store, opened lazily: results are read from it in batches.
    """
    specs = [] if CHIPS not in ds else _supply_specs(ds)
    return [*specs, *_correlation_specs(ds)]


def _supply_specs(ds: xr.Dataset) -> list[ArraySpec]:
    shape = (ds.sizes["scenario"], ds.sizes["quarter"], ds.sizes["product"])
    mean, quantile = np.empty(shape), np.empty((len(QUANTILES), *shape))
    total_mean, total_quantile = np.empty(shape[:2]), np.empty((len(QUANTILES), *shape[:2]))
    counted = ds["product_kind"].values == "ai"
    for s, quarters in itertools.product(range(shape[0]), _batches(ds, shape[1], shape[2])):
        total: np.ndarray | float = 0.0
        for products in _batches(ds, shape[2], 1):
            chips = ds[CHIPS][s, :, quarters, products].values  # (realization, quarter, product)
            total = total + chips[:, :, counted[products]].sum(axis=2, dtype=np.float64)
            mean[s, quarters, products] = chips.mean(axis=0, dtype=np.float64)
            quantile[:, s, quarters, products] = _quantiles(chips)
        total_mean[s, quarters] = np.mean(total, axis=0)
        total_quantile[:, s, quarters] = _quantiles(np.asarray(total))
    dims = ("scenario", "quarter", "product")
    whole = "all products of kind ai together, summed realization by realization"
    return [
        _coordinate("quantile", np.array(QUANTILES), "cumulative probability"),
        _spec(f"{CHIPS}_mean", dims, mean, "mean", "usable chips"),
        _spec(f"{CHIPS}_quantile", ("quantile", *dims), quantile, "quantile", "usable chips"),
        _spec(f"{CHIPS}_total_mean", dims[:2], total_mean, "mean", f"usable chips, {whole}"),
        _spec(
            f"{CHIPS}_total_quantile",
            ("quantile", *dims[:2]),
            total_quantile,
            "quantile",
            f"usable chips, {whole}",
        ),
    ]


def _batches(ds: xr.Dataset, count: int, cells: int) -> list[slice]:
    """Slices of ``count`` things of so many cells a realization that fit into memory together.

    Everything is decoded once a batch, so as few are made as memory allows.
    """
    step = max(1, _BATCH_BYTES // (4 * ds.sizes["realization"] * cells))
    return [slice(first, first + step) for first in range(0, count, step)]


def _quantiles(values: np.ndarray) -> np.ndarray:
    """Quantiles over the first axis by linear interpolation (type 7, Hyndman and Fan 1996).

    Spoils ``values``: a copy would be as large again.
    """
    return np.quantile(values, QUANTILES, axis=0, overwrite_input=True)


def _spec(
    name: str, dims: tuple[str, ...], values: np.ndarray, statistic: str, what: str
) -> ArraySpec:
    attrs = {
        "long_name": f"{statistic} over the realizations of {what}",
        "units": "chip",
        "cell_methods": "quarter: sum" + (" realization: mean" if statistic == "mean" else ""),
        "coordinates": "quarter_label" + (" product_kind" if "product" in dims else ""),
    }
    return _plain(name, dims, values, attrs)


def _coordinate(name: str, values: np.ndarray, long_name: str) -> ArraySpec:
    return _plain(name, (name,), values, {"long_name": long_name, "units": "1"})


def _plain(
    name: str, dims: tuple[str, ...], values: np.ndarray, attrs: dict[str, Any]
) -> ArraySpec:
    chunks = tuple(max(1, n) for n in values.shape)
    return ArraySpec(name, dims, values.dtype.name, values.shape, chunks, attrs, values)


def _correlation_specs(ds: xr.Dataset) -> list[ArraySpec]:
    """Requested and achieved Spearman correlation of each pair that the model declares."""
    paths = list(ds["parameter"].values)
    pairs = _pairs(ds.attrs["model_json"], ds.attrs["scenarios"][0])
    pairs = [p for p in pairs if p[0] in paths and p[1] in paths and ds.sizes["realization"] > 1]
    if not pairs:
        return []
    achieved = np.empty((ds.sizes["scenario"], len(pairs)))
    for s in range(ds.sizes["scenario"]):
        for i, (first, second, _) in enumerate(pairs):
            columns = sorted({paths.index(first), paths.index(second)})
            drawn = ds[PARAMETER_VALUE][s, :, columns].values
            achieved[s, i] = _spearman(drawn[:, 0], drawn[:, -1])
    one = {"units": "1", "coordinates": " ".join(PAIR)}
    requested = np.array([rank for _, _, rank in pairs])
    return [
        *(_names(name, [str(pair[at]) for pair in pairs]) for at, name in enumerate(PAIR)),
        _plain(
            RANK[0],
            ("correlation",),
            requested,
            {"long_name": "rank correlation of two parameters that the model asks for", **one},
        ),
        _plain(
            RANK[1],
            ("scenario", "correlation"),
            achieved,
            {"long_name": "rank correlation (Spearman) of the values drawn", **one},
        ),
    ]


def _names(name: str, texts: list[str]) -> ArraySpec:
    values = np.array(texts, dtype=object)
    attrs = {"long_name": "path of a correlated parameter"}
    return ArraySpec(name, ("correlation",), str, values.shape, values.shape, attrs, values)


def _pairs(model_json: str, scenario: str) -> list[tuple[str, str, float]]:
    model = ModelFile.from_json(model_json).model(scenario)
    return [(*one.between, one.rank) for one in model.correlations.values()]


def _spearman(first: np.ndarray, second: np.ndarray) -> float:
    """Rank correlation; NaN where one of the two does not vary (fixed by a scenario)."""
    from scipy.stats import rankdata

    if np.ptp(first) == 0.0 or np.ptp(second) == 0.0:
        return float("nan")
    return float(np.corrcoef(rankdata(first), rankdata(second))[0, 1])
