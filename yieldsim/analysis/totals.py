"""Totals of an ensemble: sums over a group of products and a period in each realization.

An ensemble is stored by blocks of realizations, and a quantile needs all realizations of one
total. `gather` reads the blocks and yields a few periods at a time, within a memory budget.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from yieldsim.analysis.periods import Period, period_quarters
from yieldsim.errors import StoreError, UsageError
from yieldsim.outputs import ALL_OUTPUTS, FLOW

if TYPE_CHECKING:
    import xarray as xr

TOTAL = "total"
AI = "ai"
LEADING = ("scenario", "realization", "quarter")
# Totals gathered at once. Two such parts are held while the next is gathered beside the last.
# 384 MiB halved the time of a summary of a million realizations, but took 1.0 GB.
BUDGET_BYTES = 192 * 2**20
BLOCK_BYTES = 16 * 2**20  # of the store read at once
_METHODS = {variable.name: variable.cell_methods for variable in ALL_OUTPUTS}


@dataclass(frozen=True)
class Totals:
    """Totals of one scenario: ``values`` (group, period, realization) for some ``periods``.

    ``first`` is the place of the first of these periods among all periods.
    """

    scenario: int
    first: int
    periods: list[str]
    values: np.ndarray


def gather(
    ds: xr.Dataset,
    variable: str = "usable_chips",
    period: Period = "quarter",
    groups: Mapping[str, list[int]] | None = None,
    scenarios: list[int] | None = None,
    budget_bytes: int | None = None,
    weight: str | None = None,
) -> Iterator[Totals]:
    """Sums of ``variable`` over each group of products and each period, all realizations at once.

    ``groups`` gives the places of the products in each (default `product_groups`). With groups
    the variable may have other dims than product: places then count its labels as NumPy counts
    the elements of an array of these dims (see `places_of`). Sums are made in each realization,
    in double precision. With ``weight``, a flow of the same dims, the sum is of the products of
    both; where the weight is zero the figure does not count.

    Yields scenario by scenario as many periods at a time as ``budget_bytes`` holds (default
    `BUDGET_BYTES`), at least one. Raises UsageError for a variable that has no products where no
    groups are given, or whose sum over quarters means nothing.
    """
    check_variable(ds, variable, "quarter" if weight else period, by_product=groups is None)
    members = product_groups(ds) if groups is None else groups
    labels, quarters = period_quarters(ds, period)
    count = ds.sizes["realization"]
    budget = BUDGET_BYTES if budget_bytes is None else budget_bytes
    width = max(1, budget // max(1, len(members) * count * 8))
    chosen = range(ds.sizes["scenario"]) if scenarios is None else scenarios
    for scenario in chosen:
        for first in range(0, len(labels), width):
            part = quarters[first : first + width]
            values = _sums(ds, (variable, weight), scenario, list(members.values()), part)
            yield Totals(scenario, first, labels[first : first + width], values)


def _sums(
    ds: xr.Dataset,
    names: tuple[str, str | None],
    scenario: int,
    members: list[list[int]],
    quarters: list[list[int]],
) -> np.ndarray:
    """(group, period, realization) sums of one scenario over groups of labels and of quarters.

    ``names`` are the variable and its weight.
    """
    variable, weight = names
    low, high = min(several[0] for several in quarters), max(s[-1] for s in quarters) + 1
    part = ds.isel(scenario=scenario, quarter=slice(low, high))
    dims = ("realization", "quarter", *label_dims(ds[variable]))
    values = np.empty((len(members), len(quarters), ds.sizes["realization"]))
    for block in realization_blocks(ds[variable]):
        figures = _block(part[variable], dims, block)
        if weight is not None:
            weights = _block(part[weight], dims, block)
            figures = np.where(weights > 0.0, figures, 0.0) * weights
        for p, several in enumerate(quarters):
            # quarters of a period stand side by side
            period = figures[:, several[0] - low : several[-1] - low + 1].sum(axis=1)
            for g, places in enumerate(members):
                values[g, p, block] = period[:, places].sum(axis=1)
    return values


def _block(array: xr.DataArray, dims: tuple[str, ...], block: slice) -> np.ndarray:
    """(realization, quarter, label) figures of some realizations in double precision."""
    figures = array.transpose(*dims).isel(realization=block).to_numpy().astype(np.float64)
    return figures.reshape(*figures.shape[:2], math.prod(figures.shape[2:]))


def label_dims(array: xr.DataArray) -> list[str]:
    """The dims of a variable after the leading ones, in its own order."""
    return [str(dim) for dim in array.dims if dim not in LEADING]


def places_of(array: xr.DataArray, chosen: Mapping[str, Sequence[int]]) -> list[int]:
    """Places for `gather`: the labels chosen along some dims, all labels along the others."""
    dims = label_dims(array)
    labels = [list(chosen.get(dim, range(array.sizes[dim]))) for dim in dims]
    shape = tuple(array.sizes[dim] for dim in dims)
    grid = np.arange(math.prod(shape)).reshape(shape)
    return [int(place) for place in grid[np.ix_(*labels)].ravel()] if dims else [0]


def realization_blocks(array: xr.DataArray) -> Iterator[slice]:
    """Slices of realizations, whole stored blocks of about `BLOCK_BYTES` each."""
    count = array.sizes["realization"]
    scenarios = array.sizes.get("scenario", 1)
    per_realization = array.dtype.itemsize * array.size // max(1, count * scenarios)
    step = max(1, BLOCK_BYTES // max(1, per_realization))
    stored = _stored_block(array)
    if stored:
        step = max(1, step // stored) * stored
    for first in range(0, count, step):
        yield slice(first, min(first + step, count))


def _stored_block(array: xr.DataArray) -> int:
    """Realizations of a stored chunk; 0 if the array does not come from a store."""
    chunks = array.encoding.get("preferred_chunks") or {}
    if isinstance(chunks, Mapping) and "realization" in chunks:
        size = chunks["realization"]
        return int(size[0] if isinstance(size, tuple) else size)
    shape = array.encoding.get("chunks")
    if shape and len(shape) == array.ndim:
        return int(shape[array.get_axis_num("realization")])
    return 0


def check_variable(
    ds: xr.Dataset, variable: str, period: Period = "quarter", by_product: bool = True
) -> None:
    """Raise UsageError unless the variable can be summed over products and the period.

    Without ``by_product`` it may have any dims after the leading ones.
    """
    wanted = {*LEADING, "product"} if by_product else set(LEADING)
    allowed = [
        name
        for name in ds.data_vars
        if name != "binding"
        and wanted <= set(ds[name].dims)
        and (not by_product or len(ds[name].dims) == len(wanted))
    ]
    if variable not in allowed:
        what = "is not a figure by product" if by_product else "is not a figure of the ensemble"
        names = ", ".join(str(name) for name in allowed) or "none: the store holds no products"
        raise UsageError("variable", what, got=variable, allowed=names)
    _, quarters = period_quarters(ds, period)
    added = any(len(several) > 1 for several in quarters)
    if added and _METHODS.get(variable, FLOW) != FLOW:
        raise UsageError(
            "period", f"{variable} is not a flow: its quarters do not add up", allowed="quarter"
        )


def product_names(ds: xr.Dataset) -> list[str]:
    """The products in the order of the store."""
    return labels_of(ds, "product")


def labels_of(ds: xr.Dataset, dim: str) -> list[str]:
    """The labels of a dimension as texts. Raises StoreError if it has none."""
    if dim not in ds.coords:
        raise StoreError(f"coordinate {dim}", "is missing from the ensemble")
    return [str(label) for label in ds[dim].to_numpy()]


def ai_products(ds: xr.Dataset) -> list[int]:
    """Places of the products that count in the total: those of kind ``ai``.

    In an ensemble without ``product_kind`` all products count.
    """
    if "product_kind" not in ds.coords and "product_kind" not in ds:
        return list(range(ds.sizes["product"]))
    kinds = [str(kind) for kind in ds["product_kind"].to_numpy()]
    return [place for place, kind in enumerate(kinds) if kind == AI]


def ai_names(ds: xr.Dataset) -> list[str]:
    """The products that count in the total."""
    names = product_names(ds)
    return [names[place] for place in ai_products(ds)]


def product_groups(ds: xr.Dataset) -> dict[str, list[int]]:
    """The total over AI products first, then each product."""
    groups = {TOTAL: ai_products(ds)}
    return groups | {name: [place] for place, name in enumerate(product_names(ds))}


def chosen_groups(ds: xr.Dataset, products: Sequence[str]) -> dict[str, list[int]]:
    """The places of each of these products, of which ``total`` is one; all if none is named.

    Raises UsageError for a product that the ensemble does not hold.
    """
    groups = product_groups(ds)
    for name in products:
        if name not in groups:
            allowed = ", ".join(groups)
            raise UsageError("product", "is not in the ensemble", got=name, allowed=allowed)
    return {name: groups[name] for name in products or groups}


def choose(ds: xr.Dataset, scenarios: Sequence[str]) -> xr.Dataset:
    """The ensemble with only these scenarios; all if none is named.

    Raises UsageError for a scenario that it does not hold.
    """
    names = labels_of(ds, "scenario")
    for name in scenarios:
        if name not in names:
            raise UsageError(
                "scenario", "is not in the ensemble", got=name, allowed=", ".join(names)
            )
    if not scenarios:
        return ds
    return ds.isel(scenario=[names.index(name) for name in dict.fromkeys(scenarios)])
