"""The small arrays that a finished store carries: quantiles of supply, and correlations.

Totals are summed in each realization before quantiles are taken: quantiles do not add up.
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np

from yieldsim.closed_form.ranks import spearman
from yieldsim.ensemble.layout import PARAMETER_VALUE, ArraySpec
from yieldsim.ensemble.reading.arrays import StoredArray, StoredArrays, in_threads
from yieldsim.model.load import ModelFile

QUANTILES = (0.1, 0.5, 0.9)
CHIPS = "usable_chips"
PAIR = ("parameter_first", "parameter_second")
RANK = ("rank_correlation_requested", "rank_correlation_achieved")
SUPPLY = ("mean", "quantile", "total_mean", "total_quantile")
# every array that `summary_specs` can make
SUMMARIES = ("quantile", *(f"{CHIPS}_{what}" for what in SUPPLY), *PAIR, *RANK)
# Figures are held as they are stored, as many as one pass over the array gives. What is made of
# them in double precision, and what is decoded at once, is a smaller part.
_HELD_BYTES, _PART_BYTES = 256 * 2**20, 8 * 2**20


def summary_specs(arrays: StoredArrays, threads: int = 1) -> list[ArraySpec]:
    """Mean and quantiles of usable chips per quarter, and rank correlations if the model has any.

    Results are read in batches.
    """
    chips, drawn = arrays.array(CHIPS), arrays.array(PARAMETER_VALUE)
    specs = [] if chips is None else _supply_specs(chips, arrays.texts("product_kind"), threads)
    return [*specs, *([] if drawn is None else _correlation_specs(drawn, threads))]


def _supply_specs(chips: StoredArray, kinds: list[str], threads: int) -> list[ArraySpec]:
    scenarios, realizations, *cells = chips.shape
    shape = (scenarios, *cells)
    mean, quantile = np.empty(shape), np.empty((len(QUANTILES), *shape))
    total_mean, total_quantile = np.empty(shape[:2]), np.empty((len(QUANTILES), *shape[:2]))
    counted = np.array([kind == "ai" for kind in kinds], dtype=bool)
    several = counted.sum() > 1
    held = _HELD_BYTES // (chips.dtype.itemsize * realizations)
    for s, quarters in itertools.product(range(scenarios), _batches(held, *cells)):
        total = np.zeros((len(mean[s, quarters]), realizations)) if several else None
        for products in _batches(held, cells[1], 1):
            at = (s, quarters, products)
            # not kept under a name: the next batch would be read beside it
            _summarize(
                _rows(chips, s, (quarters, products), threads),
                mean[at],
                quantile[:, *at],
                counted[products],
                total,
                threads,
            )
        if total is not None:
            total_mean[s, quarters] = total.mean(axis=-1)
            total_quantile[:, s, quarters] = _quantiles(total)
    if not several:  # the total is a single product or nothing: no second pass
        total_mean[:] = mean[..., counted].sum(axis=-1)
        total_quantile[:] = quantile[..., counted].sum(axis=-1)
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


def _summarize(
    values: np.ndarray,
    mean: np.ndarray,
    quantile: np.ndarray,
    counted: np.ndarray,
    total: np.ndarray | None,
    threads: int,
) -> None:
    """Set mean and quantiles of (quarter, product, realization), and add to the total of some.

    Overwrites ``values``.
    """
    *cells, realizations = values.shape

    def summarize(part: slice) -> None:
        if total is not None:
            total[part] += values[part, counted].sum(axis=1, dtype=np.float64)
        mean[part] = values[part].mean(axis=-1, dtype=np.float64)
        quantile[:, part] = _quantiles(values[part])

    most = _PART_BYTES // (8 * realizations * threads)
    # at least one part for each thread
    most = min(most, -(-cells[0] // threads) * max(1, *cells[1:]))
    in_threads(summarize, _batches(most, *cells), threads)


def _batches(most: int, count: int, cells: int) -> list[slice]:
    """Slices of ``count`` items of ``cells`` cells each, ``most`` cells together but one item."""
    step = max(1, most // max(1, cells))
    return [slice(first, min(first + step, count)) for first in range(0, count, step)]


def _rows(array: StoredArray, scenario: int, cells: tuple[Any, ...], threads: int) -> np.ndarray:
    """The figures of some cells of a scenario, (..., realization), each row contiguous."""
    few = np.empty((1, *array.shape[2:]), array.dtype)[(slice(None), *cells)]
    rows = np.empty((*few.shape[1:], array.shape[1]), array.dtype)

    def read(block: int) -> None:
        part = array.block(scenario, block)[(slice(None), *cells)]
        first = block * array.chunks[1]
        rows[..., first : first + len(part)] = np.moveaxis(part, 0, -1)

    in_threads(read, range(array.blocks), threads)
    return rows


def _quantiles(values: np.ndarray) -> np.ndarray:
    """Quantiles over the last axis by linear interpolation (type 7, Hyndman and Fan 1996).

    Overwrites ``values``: a copy would be as large again.
    """
    return np.quantile(values, QUANTILES, axis=-1, overwrite_input=True)


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


def _correlation_specs(drawn: StoredArray, threads: int) -> list[ArraySpec]:
    """Requested and achieved Spearman correlation of each pair that the model declares."""
    store, (scenarios, realizations, _) = drawn.store, drawn.shape
    pairs = ModelFile.from_json(store.attrs["model_json"]).correlations(store.attrs["scenarios"][0])
    paths = store.texts("parameter") if pairs else []
    pairs = [p for p in pairs if p[0] in paths and p[1] in paths and realizations > 1]
    if not pairs:
        return []
    columns = list(dict.fromkeys(path for *both, _ in pairs for path in both))
    achieved = np.empty((scenarios, len(pairs)))
    for s in range(scenarios):
        rows = _rows(drawn, s, ([paths.index(path) for path in columns],), threads)
        values = dict(zip(columns, rows, strict=True))
        for i, (first, second, _) in enumerate(pairs):
            rank = spearman(values[first], values[second])
            # a parameter that a scenario fixes has no correlation
            achieved[s, i] = math.nan if rank is None else rank
    common = {"units": "1", "coordinates": " ".join(PAIR)}
    requested = np.array([rank for _, _, rank in pairs])
    return [
        *(_names(name, [str(pair[at]) for pair in pairs]) for at, name in enumerate(PAIR)),
        _plain(
            RANK[0],
            ("correlation",),
            requested,
            {"long_name": "rank correlation of two parameters that the model asks for", **common},
        ),
        _plain(
            RANK[1],
            ("scenario", "correlation"),
            achieved,
            {"long_name": "rank correlation (Spearman) of the values drawn", **common},
        ),
    ]


def _names(name: str, texts: list[str]) -> ArraySpec:
    values = np.array(texts, dtype=object)
    attrs = {"long_name": "path of a correlated parameter"}
    return ArraySpec(name, ("correlation",), str, values.shape, values.shape, attrs, values)
