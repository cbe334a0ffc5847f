"""Ensembles side by side: totals of each, and differences of the others from the first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from yieldsim.analysis.caption import origin
from yieldsim.analysis.periods import (
    Names,
    named_periods,
    period_quarters,
    quarter_labels,
    time_fields,
)
from yieldsim.analysis.records import Record, label_records
from yieldsim.analysis.statistics.between import difference_between
from yieldsim.analysis.statistics.differences import FIGURES
from yieldsim.analysis.statistics.standard_error import named
from yieldsim.analysis.totals import (
    TOTAL,
    ai_names,
    choose,
    chosen_groups,
    labels_of,
    product_names,
)
from yieldsim.errors import UsageError
from yieldsim.model.scenario_names import BASELINE

VARIABLE = "usable_chips"
Stores = Sequence[tuple[str, xr.Dataset]]


class Column(NamedTuple):
    """A scenario of a store, beside others; ``ds`` holds it alone."""

    place: int
    store: str
    scenario: str
    ds: xr.Dataset


def compare_stores(
    stores: Stores,
    periods: Sequence[str] = (),
    products: Sequence[str] = (),
    scenarios: Sequence[str] = (),
) -> dict[str, Any]:
    """Usable chips of several ensembles as plain numbers, ready for JSON.

    ``records``: mean, P10, P50, P90 and their errors ``se_...`` by ``store``, scenario, product
    (default ``total``, that of AI chips) and period (default: each calendar year of which all
    stores cover the same quarters). ``differences``: each scenario of the other stores minus the
    same of the first one (``base`` and ``base_scenario``), or minus its baseline where it lacks
    that. Where seed, design, draws and the numbers of realizations are the same, a difference is
    ``paired``, with its P10, P50 and P90; else only its mean is given, with the error of
    independent samples, and the ``reason``. ``stores``: the origin of each. ``notes``: what else
    is not the same.

    Raises UsageError, with the store's name, for a product, period or scenario that it lacks, and
    for a product that is an AI chip in one store and none in another.
    """
    if len(stores) < 2:
        raise UsageError("STORE", "a comparison needs two stores or more", got=len(stores))
    _check_products(stores)
    names, left_out = _common_periods(stores, periods)
    chosen = tuple(dict.fromkeys(products)) or (TOTAL,)
    columns = _columns(stores, scenarios)
    return {
        "stores": [{"store": store, **origin(ds)} for store, ds in stores],
        "periods": list(names),
        "records": [r for column in columns for r in _totals(column, names, chosen)],
        "differences": [
            r
            for column in columns
            if column.place > 0
            for r in _differences(_base_of(column, columns), column, names, chosen)
        ],
        "notes": [*left_out, *(_other_products(stores) if TOTAL in chosen else ())],
        "in_total": ai_names(stores[0][1]),
        "units": str(stores[0][1][VARIABLE].attrs.get("units", "chip")),
    }


@contextmanager
def _naming(store: str) -> Iterator[None]:
    """Errors of usage name the store."""
    try:
        yield
    except UsageError as error:
        raise error.at(error.where, store) from None


def _columns(stores: Stores, scenarios: Sequence[str]) -> list[Column]:
    """The chosen scenarios that each store has; by default all."""
    columns = []
    for place, (store, ds) in enumerate(stores):
        known = labels_of(ds, "scenario")
        own = [name for name in known if not scenarios or name in scenarios]
        with _naming(store):
            choose(ds, () if own else scenarios)  # refuses what it lacks
        columns += [Column(place, store, name, choose(ds, [name])) for name in own]
    return columns


def _base_of(column: Column, columns: Sequence[Column]) -> Column:
    """What a column is compared with: the same scenario of the first store, or its baseline."""
    first = [one for one in columns if one.place == 0]
    for name in (column.scenario, BASELINE):
        for one in first:
            if one.scenario == name:
                return one
    return first[0]


def _totals(column: Column, names: Names, products: Names) -> list[Record]:
    with _naming(column.store):
        groups = chosen_groups(column.ds, products)
    records = label_records(column.ds, VARIABLE, names, groups, "product")
    return [{"store": column.store, **record} for record in records]


def _differences(base: Column, other: Column, names: Names, products: Names) -> list[Record]:
    result = difference_between(base.ds, other.ds, names, products, VARIABLE)
    figures = {name: result[name].to_numpy() for name in FIGURES}
    for i, name in enumerate(("p10", "p50", "p90")):
        figures[name] = result["quantile"].to_numpy()[..., i]
        figures[f"se_{name}"] = result["se_quantile"].to_numpy()[..., i]
    counts = [len(places) for places in period_quarters(base.ds, names)[1]]
    about = {
        "store": other.store,
        "scenario": other.scenario,
        "base": base.store,
        "base_scenario": base.scenario,
        "paired": bool(result.attrs["paired"]),
        "reason": result.attrs["reason"] or None,
        "realizations": result.attrs["realizations"],
    }
    return [
        {**about, "product": products[p], **time_fields(names, names[t], counts[t])}
        | named(figures, [float(figure[p, t]) for figure in figures.values()])
        for p, t in np.ndindex(figures["mean"].shape)
    ]


def _common_periods(stores: Stores, periods: Sequence[str]) -> tuple[Names, list[str]]:
    """The periods to compare, and a note on those of a kind that not all stores cover alike.

    A period that is asked for by its name must be the same quarters in each store.
    """
    covered: list[dict[str, list[str]]] = []
    for store, ds in stores:
        labels = quarter_labels(ds)
        with _naming(store):
            names = named_periods(ds, periods or ("year",))
        quarters = [[labels[i] for i in places] for places in period_quarters(ds, names)[1]]
        covered.append(dict(zip(names, quarters, strict=True)))
        for name, own in covered[-1].items():
            if name in periods and own != covered[0][name]:
                problem = f"has other quarters than in {stores[0][0]}"
                allowed = f"a period of the quarters {labels[0]} to {labels[-1]} and of the other's"
                raise UsageError("period", problem, got=name, allowed=allowed, file=store)
    everywhere = dict.fromkeys(name for own in covered for name in own)
    same = [
        name for name in everywhere if all(o.get(name) == covered[0].get(name) for o in covered)
    ]
    if not same:
        raise UsageError("period", "no period has the same quarters in all stores")
    left_out = [name for name in everywhere if name not in same]
    notes = [f"{', '.join(left_out)}: the stores cover other quarters"] if left_out else []
    return tuple(same), notes


def _check_products(stores: Stores) -> None:
    """Refuse a product that is an AI chip in one store, and none, such as a phone's, in another."""
    first, base = stores[0]
    for store, ds in stores[1:]:
        both = set(product_names(base)) & set(product_names(ds))
        for name in (name for name in product_names(ds) if name in both):
            kinds = [name in ai_names(one) for one in (base, ds)]
            if kinds[0] != kinds[1]:
                there, here = ("an AI chip" if ai else "no AI chip" for ai in kinds)
                problem = f"{name} is {here}, and {there} in {first}: their totals differ in kind"
                raise UsageError("product", problem, file=store)


def _other_products(stores: Stores) -> list[str]:
    """Notes on stores whose total is of other products than that of the first."""
    first, base = stores[0]
    notes = []
    for store, ds in stores[1:]:
        lacking = [name for name in ai_names(base) if name not in ai_names(ds)]
        further = [name for name in ai_names(ds) if name not in ai_names(base)]
        for names, verb in ((further, "has also"), (lacking, "lacks")):
            if names:
                listed = ", ".join(names)
                notes.append(f"the total of {store} {verb} {listed}, unlike that of {first}")
    return notes
