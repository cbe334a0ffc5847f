"""The figure of an ensemble that matches a published one: its variable, labels and quarters."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

import xarray as xr

from yieldsim.analysis.caption import raw_model
from yieldsim.analysis.evidence.file import Published
from yieldsim.analysis.periods import quarter_labels
from yieldsim.analysis.totals import AI, LEADING, ai_products, label_dims, labels_of, places_of
from yieldsim.errors import ModelError
from yieldsim.outputs import FLOW, LEVEL, OUTPUTS

PERIOD = re.compile(r"(\d{4})(?:H([12])|Q([1-4]))?")
PERIODS_ALLOWED = "a year, half or quarter such as 2025, 2025H1 or 2025Q1"
_METHODS = {variable.name: variable.cell_methods for variable in OUTPUTS}
_UNITS = {variable.name: variable.units for variable in OUTPUTS}
Select = tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True)
class Match:
    """What is summed for a row: ``places`` of labels (see `gather`) and of ``quarters``.

    The sum is multiplied by ``factor`` and taken ``per`` month, quarter or period. If nothing
    matches, ``reason`` says why and the rest is empty.
    """

    variable: str = ""
    select: str = ""
    note: str = ""
    places: tuple[int, ...] = ()
    quarters: tuple[int, ...] = ()
    factor: float = 1.0
    per: str = "period"
    reason: str = ""

    @property
    def scale(self) -> float:
        """What the sum over the quarters is multiplied by."""
        quarters = len(self.quarters)
        return self.factor / {"period": 1, "quarter": quarters, "month": 3 * quarters}[self.per]


class _NoMatch(Exception):
    """Nothing in the ensemble matches a row; the text says why."""


def match(ds: xr.Dataset, row: Published, known: Sequence[Published]) -> Match:
    """The match of a row. A row without ``variable`` is matched like a similar ``known`` row.

    Raises ModelError for a variable, dim or period that no ensemble can have.
    """
    try:
        if not row.has_number:
            raise _NoMatch("the row gives no number")
        if row.variable is None:
            row = _learned(ds, row, known)
        if not row.variable:
            raise _NoMatch(row.comparable or "the row names no variable")
        array = _array(ds, row)
        select = _chosen(ds, array, row)
        quarters = _quarters(ds, row)
        places = places_of(array, select)
        _check_sum(row, len(places), len(quarters))
    except _NoMatch as no:
        return Match(reason=str(no))
    text = "; ".join(f"{dim}={'|'.join(patterns)}" for dim, patterns in row.select)
    return Match(
        row.variable,
        text,
        row.comparable,
        tuple(places),
        tuple(quarters),
        row.factor,
        row.per,
    )


def _learned(ds: xr.Dataset, row: Published, known: Sequence[Published]) -> Published:
    """A row of the base columns alone, completed from known rows of its unit and entity.

    An entity that no known row has may be a label of the ensemble, such as a product, or a pattern.
    """
    same = [other for other in known if other.entity.lower() == row.entity.lower()]
    alike = [other for other in same if other.counted == row.counted]
    if alike and not any(other.variable for other in alike):
        raise _NoMatch(alike[0].comparable)
    counts = {other.counted: other for other in known if other.variable}
    if row.counted not in counts:
        words = ", ".join(counts)
        raise _NoMatch(f"counts '{row.counted}', not {words}: add a column variable")
    if not PERIOD.fullmatch(row.period):
        raise _NoMatch(f"the period is not {PERIODS_ALLOWED}")
    example = counts[row.counted]
    variable = str(example.variable)
    for other in same:
        if other.variable == variable:
            return _with(row, variable, other.select, other.factor, other.per)
    dim = label_dims(ds[variable])[0] if variable in ds else ""
    if dim and any(fnmatchcase(label, row.entity) for label in labels_of(ds, dim)):
        return _with(row, variable, ((dim, (row.entity,)),), 1.0, example.per)
    raise _NoMatch("the model does not know who is counted: add columns variable and select")


def _with(row: Published, variable: str, select: Select, factor: float, per: str) -> Published:
    """The row matched like another; how far the two count the same is its own to say."""
    return replace(row, variable=variable, select=select, factor=factor, per=per)


def _array(ds: xr.Dataset, row: Published) -> xr.DataArray:
    name = str(row.variable)
    figures = [str(name) for name in ds.data_vars if set(LEADING) <= set(ds[name].dims)]
    if name in figures and name != "binding":
        return ds[name]
    if name not in _METHODS or name == "binding":
        allowed = ", ".join(figure for figure in figures if figure != "binding")
        raise ModelError(f"{row.place}: variable", "is not known", got=name, allowed=allowed)
    raise _NoMatch(f"the store does not keep {name} (simulation.outputs)")


def _chosen(ds: xr.Dataset, array: xr.DataArray, row: Published) -> dict[str, list[int]]:
    """Places of the labels along each dim that the row selects.

    A pattern is compared with the labels of a dim or of another coordinate along it, such as
    product_kind. If the row selects no products, those of kind ai are taken, and if it selects no
    dies, those of such products. Figures of dies count compute dies alone: I/O dies are left out
    unless they are named in full.
    """
    dims = label_dims(array)
    along = {str(c): str(ds[c].dims[0]) for c in ds.coords if ds[c].ndim == 1}
    allowed = [name for name, dim in along.items() if dim in dims]
    beside = _dies_beside(ds) if _UNITS.get(str(row.variable)) == "die" else set()
    chosen: dict[str, list[int]] = {}
    for name, patterns in row.select:
        if name not in allowed:
            where = f"{row.place}: select"
            raise ModelError(
                where, f"is not a dim of {row.variable}", got=name, allowed=", ".join(allowed)
            )
        labels = labels_of(ds, name)
        dim = along[name]
        places = [
            i
            for i, label in enumerate(labels)
            if label in patterns
            or (label not in beside and any(fnmatchcase(label, p) for p in patterns))
        ]
        chosen[dim] = [i for i in chosen.get(dim, places) if i in places]
        if not chosen[dim]:
            raise _NoMatch(f"the model has no {name} {' or '.join(patterns)}")
    if "product" in dims and "product" not in chosen:
        chosen["product"] = ai_products(ds)
    if "die" in dims and "die" not in chosen:
        wanted = _dies_of_ai(ds) - beside
        chosen["die"] = [i for i, die in enumerate(labels_of(ds, "die")) if die in wanted]
    return chosen


def _products(ds: xr.Dataset) -> list[dict[str, Any]]:
    """The product tables of the model that the ensemble carries."""
    products = raw_model(ds).get("products", {})
    tables = products.values() if isinstance(products, dict) else ()
    return [table for table in tables if isinstance(table, dict)]


def _dies_beside(ds: xr.Dataset) -> set[str]:
    """Dies that are packaged beside compute dies, such as I/O dies."""
    return {str(die) for product in _products(ds) for die in product.get("other_dies", {})}


def _dies_of_ai(ds: xr.Dataset) -> set[str]:
    """All dies of the products of kind ai; every die of an ensemble without its model."""
    ai = [product for product in _products(ds) if product.get("kind", AI) == AI]
    dies = {str(product.get("die")) for product in ai}
    dies |= {str(die) for product in ai for die in product.get("other_dies", {})}
    return dies or set(labels_of(ds, "die"))


def _quarters(ds: xr.Dataset, row: Published) -> list[int]:
    """Places of the quarters of the row's period, all of which the ensemble must cover."""
    read = PERIOD.fullmatch(row.period)
    if read is None:
        raise ModelError(f"{row.place}: period", "cannot be read", allowed=PERIODS_ALLOWED)
    year, half, quarter = read.groups()
    numbers = [int(quarter)] if quarter else [1, 2, 3, 4]
    if half:
        numbers = [1, 2] if half == "1" else [3, 4]
    labels = quarter_labels(ds)
    wanted = [f"{year}Q{number}" for number in numbers]
    there = [labels.index(label) for label in wanted if label in labels]
    if len(there) < len(wanted):
        reach = f"the ensemble covers {labels[0]} to {labels[-1]}"
        part = f"is there with {len(there)} of {len(wanted)} quarters" if there else "is not there"
        raise _NoMatch(f"{row.period} {part}: {reach}")
    return there


def _check_sum(row: Published, labels: int, quarters: int) -> None:
    """Refuse meaningless sums: of stocks over quarters, and of levels over anything."""
    method = _METHODS.get(str(row.variable), FLOW)
    if method != FLOW and quarters > 1:
        where = f"{row.place}: period"
        raise ModelError(
            where, f"{row.variable} is not a flow", got=row.period, allowed="a quarter"
        )
    if method != FLOW and row.per == "month":
        raise ModelError(f"{row.place}: per", f"{row.variable} is not a flow", got=row.per)
    if method == LEVEL and labels > 1:
        raise ModelError(f"{row.place}: select", f"{row.variable} of several does not add up")
