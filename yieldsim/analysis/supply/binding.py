"""How often each constraint binds supply, by product and for the total."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from yieldsim.analysis.periods import Period, period_quarters, time_fields
from yieldsim.analysis.statistics.weighted import effective_sample_size
from yieldsim.analysis.totals import (
    BLOCK_BYTES,
    TOTAL,
    ai_products,
    labels_of,
    product_names,
    realization_blocks,
)
from yieldsim.analysis.weights import weights_of
from yieldsim.errors import StoreError
from yieldsim.outputs import CONSTRAINTS, NOT_IN_PRODUCTION

if TYPE_CHECKING:
    import xarray as xr

_CACHED_COUNTS = 2**16  # counts of a histogram that stays in the processor's cache, which is faster


def binding_shares(ds: xr.Dataset, period: Period = "quarter") -> list[dict[str, Any]]:
    """Records scenario, product, period, constraint, share and its standard error ``se_share``.

    An ensemble with weights has weighted shares, with errors of Kish's effective sample size. For a
    product it is the share of the realizations in which the constraint binds longest; of a
    period of several quarters, the share of realizations and quarters. For
    ``total`` each realization counts once, split over the AI products in production by packages
    started, or evenly if none was started. The most frequent constraints come first; constraints
    that never bind are left out. Raises StoreError for a value without a name.
    """
    names = flag_names(ds)
    scenarios = labels_of(ds, "scenario")
    labels, quarters = period_quarters(ds, period)
    first, last = min(several[0] for several in quarters), max(s[-1] for s in quarters)
    part = ds.isel(quarter=slice(first, last + 1))  # no other quarters are read
    places = [[quarter - first for quarter in several] for several in quarters]
    products = [TOTAL, *product_names(ds)]
    weights = weights_of(ds)
    count = ds.sizes["realization"] if weights is None else effective_sample_size(weights)
    records: list[dict[str, Any]] = []
    for scenario, name in enumerate(scenarios):
        mean, square = _shares(part, scenario, len(names), places)
        for p, t in np.ndindex(mean.shape[:2]):
            place = {"scenario": name, "product": products[p]}
            place |= time_fields(period, labels[t], len(quarters[t]))
            records += _ranked(place, names, mean[p, t], square[p, t], count)
    return records


def flag_names(ds: xr.Dataset) -> list[str]:
    """The meaning of each value of ``binding``, from the store's attributes.

    ``flag_names`` is a list of names with spaces; ``flag_meanings`` is CF's list, or its text with
    underscores for spaces. Raises StoreError for values that do not count from 0.
    """
    attrs = ds["binding"].attrs
    names = attrs.get("flag_names", attrs.get("flag_meanings"))
    if isinstance(names, str):
        names = _parsed(names) if names.lstrip().startswith("[") else names.split()
    if names is None:
        highest = int(ds["binding"].max()) if ds["binding"].size else 0
        return [*CONSTRAINTS, *(f"tools: {i}" for i in range(len(CONSTRAINTS), highest + 1))]
    if not isinstance(names, (list, tuple, np.ndarray)):
        raise StoreError("binding.flag_names", "is damaged: it is no list of names")
    values = np.ravel(attrs.get("flag_values", range(len(names)))).tolist()
    if values != list(range(len(names))):
        raise StoreError("binding.flag_values", "must count from 0", got=values)
    return [str(name) for name in names]


def _parsed(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return ""


def _shares(
    ds: xr.Dataset, scenario: int, flags: int, periods: list[list[int]]
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and mean square over realizations of each constraint's share.

    Both have the shape (1 + product, period, flag), the total first.
    """
    mean = np.zeros((1 + ds.sizes["product"], len(periods), flags))
    square = np.zeros_like(mean)
    ai = ai_products(ds)
    count, weights = ds.sizes["realization"], weights_of(ds)
    for block, held, started in _blocks(ds, scenario, flags):
        each = None if weights is None else count * weights[block]
        if held.min() < 0 or held.max() >= flags:
            worst = held.max() if held.max() >= flags else held.min()
            raise StoreError("binding", "holds a value without a name", got=int(worst))
        total = _total_share(held[:, :, ai], started[:, :, ai], flags)
        for t, quarters in enumerate(periods):
            share = total[:, quarters].mean(axis=1)
            mean[0, t] += _sum(share, each)
            square[0, t] += _sum(share**2, each)
            sums, squares = _product_shares(held[:, quarters], flags, each)
            mean[1:, t] += sums
            square[1:, t] += squares
    return mean / count, square / count


def _sum(shares: np.ndarray, each: np.ndarray | None) -> np.ndarray:
    """The sum over realizations, along the first axis, in which each counts so much."""
    total: np.ndarray = shares.sum(axis=0) if each is None else np.tensordot(each, shares, 1)
    return total


def _product_shares(
    held: np.ndarray, flags: int, each: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Sum and sum of squares over realizations of the share of the quarters that each binds.

    ``held`` is (realization, quarter, product), ``each`` how much a realization counts, both
    results (product, flag).
    """
    count, quarters, products = held.shape
    if quarters == 1:  # a single constraint binds a product: its share is 0 or 1
        bins = held[:, 0] + flags * np.arange(products)
        counted = None if each is None else np.repeat(each, products)
        once = np.bincount(bins.ravel(), counted, products * flags).reshape(products, flags)
        return once, once
    sums, squares = np.zeros((2, products, flags))
    step = max(1, _CACHED_COUNTS // (products * flags))
    for first in range(0, count, step):
        part = held[first : first + step]
        rows = np.arange(len(part) * products).reshape(len(part), 1, products)
        counts = np.bincount((part + flags * rows).ravel(), minlength=rows.size * flags)
        share = counts.reshape(len(part), products, flags) / quarters
        own = None if each is None else each[first : first + step]
        sums += _sum(share, own)
        squares += _sum(share**2, own)
    return sums, squares


def _total_share(held: np.ndarray, started: np.ndarray, flags: int) -> np.ndarray:
    """(realization, quarter, flag) share of each constraint in what binds the AI products."""
    rows = held.shape[0] * held.shape[1]
    bins = held.reshape(rows, -1) + flags * np.arange(rows)[:, None]
    weights = _weights(held, started).ravel()
    share = np.bincount(bins.ravel(), weights, minlength=rows * flags)
    return share.reshape(*held.shape[:2], flags)


def _weights(held: np.ndarray, started: np.ndarray) -> np.ndarray:
    """(realization, quarter, product) weights that add up to 1 in each realization and quarter.

    If no product is in production, the weights are equal: the total is not in production.
    """
    active = held != NOT_IN_PRODUCTION
    weight = np.where(active, started, 0.0)
    none_started = weight.sum(axis=2, keepdims=True) <= 0.0
    weight = np.where(none_started, active, weight)
    none_active = ~active.any(axis=2, keepdims=True)
    weight = np.where(none_active, 1.0, weight)
    return weight / np.maximum(weight.sum(axis=2, keepdims=True), 1e-300)


def _blocks(
    ds: xr.Dataset, scenario: int, flags: int
) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
    """Constraints and packages started of a scenario in (realization, quarter, product) blocks.

    Each comes after the slice of its realizations.

    Stored blocks are cut so that the histogram of each stays small.
    """
    dims = ("realization", "quarter", "product")
    step = max(1, BLOCK_BYTES // (8 * max(flags, ds.sizes["product"]) * ds.sizes["quarter"]))
    for block in realization_blocks(ds["binding"]):
        part = {"scenario": scenario, "realization": block}
        held = ds["binding"].isel(part).transpose(*dims).to_numpy()
        if "packages_started" in ds:
            started = ds["packages_started"].isel(part).transpose(*dims).to_numpy()
        else:
            started = np.zeros(held.shape)
        for first in range(0, len(held), step):
            chosen = slice(first, first + step)
            own = slice(block.start + first, min(block.start + first + step, block.stop))
            yield own, held[chosen].astype(np.int64), started[chosen].astype(np.float64)


def _ranked(
    place: dict[str, Any], names: list[str], mean: np.ndarray, square: np.ndarray, count: float
) -> list[dict[str, Any]]:
    """Records of the constraints that bind, most frequent first."""
    records = []
    for flag in np.argsort(-mean, kind="stable"):
        if mean[flag] <= 0.0:
            break
        variance = max(0.0, float(square[flag] - mean[flag] ** 2))
        error = math.sqrt(variance / (count - 1)) if count > 1 else None
        shares = {"constraint": names[flag], "share": float(mean[flag]), "se_share": error}
        records.append(place | shares)
    return records
