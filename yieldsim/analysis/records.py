"""Flat records: what a table or JSON shows of a figure, one record for each period."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from yieldsim.analysis.attributes import json_table
from yieldsim.analysis.caption import raw_model, scenario_changes
from yieldsim.analysis.periods import Period, period_quarters, time_fields
from yieldsim.analysis.statistics.differences import FIGURES, paired_differences
from yieldsim.analysis.statistics.quantiles import quantile_figures
from yieldsim.analysis.statistics.standard_error import (
    P10_P50_P90,
    STATISTICS,
    named,
    statistics,
)
from yieldsim.analysis.totals import labels_of, product_groups
from yieldsim.errors import StoreError
from yieldsim.model.scenario_names import BASELINE

if TYPE_CHECKING:
    import xarray as xr

Record = dict[str, Any]


def figure_records(
    ds: xr.Dataset, variable: str, period: Period, groups: Sequence[tuple[Record, list[int]]]
) -> list[Record]:
    """Records of a variable for groups of its labels: mean, P10, P50, P90 and their errors.

    Each of ``groups`` has the further content of its records and the places that are summed (see
    `gather`). Records are in the order of scenario, group, period. Records of a year say how many
    of its ``quarters`` the ensemble covers. Raises UsageError as `quantiles` does.
    """
    places = {str(number): places for number, (_, places) in enumerate(groups)}
    result = quantile_figures(ds, variable, period, P10_P50_P90, places)
    parts = (result.mean[..., None], result.quantile, result.se_mean[..., None], result.se_quantile)
    numbers = np.concatenate(parts, axis=-1)
    scenarios, labels, counts = labels_of(ds, "scenario"), result.periods, result.quarters
    return [
        {"scenario": scenarios[s], **groups[g][0], **time_fields(period, labels[t], counts[t])}
        | named(STATISTICS, numbers[s, g, t].tolist())
        for s, g, t in np.ndindex(numbers.shape[:-1])
    ]


def label_records(
    ds: xr.Dataset, variable: str, period: Period, groups: Mapping[str, list[int]], key: str
) -> list[Record]:
    """`figure_records` of named groups; ``key`` is the key of the names."""
    named_groups = [({key: name}, places) for name, places in groups.items()]
    return figure_records(ds, variable, period, named_groups)


def share_records(
    shares: np.ndarray,
    about: Record,
    period: Period,
    labels: Sequence[str],
    counts: Sequence[int],
    weights: np.ndarray | None = None,
) -> list[Record]:
    """Records of a quotient by period, over the realizations in which it is defined.

    ``shares`` is (period, realization), NaN where the divisor is zero, ``weights`` (realization);
    ``made`` is the share of the realizations in which it is not. Periods without any such
    realization, or any of some weight, are left out.
    """
    records = []
    for values, label, quarters in zip(shares, labels, counts, strict=True):
        defined = np.isfinite(values)
        made = defined.mean() if weights is None else weights[defined].sum()
        if not made > 0.0:
            continue
        own = statistics(values[defined], None if weights is None else weights[defined])
        time = time_fields(period, label, quarters)
        records.append(about | time | {"made": float(made)} | own)
    return records


def difference_records(
    ds: xr.Dataset, base: str | None = None, period: Period = "year"
) -> list[Record]:
    """Paired differences of usable chips by period (see `paired_differences`).

    ``base`` is by default the scenario ``baseline``, or the first scenario without it. Empty for an
    ensemble of a single scenario.
    """
    scenarios = labels_of(ds, "scenario")
    if len(scenarios) < 2:
        return []
    if base is None:
        base = BASELINE if BASELINE in scenarios else scenarios[0]
    result = paired_differences(ds, base, period=period)
    figures = {name: result[name].to_numpy() for name in FIGURES}
    for i, name in enumerate(("p10", "p50", "p90")):
        figures[name] = result["quantile"].to_numpy()[..., i]
        figures[f"se_{name}"] = result["se_quantile"].to_numpy()[..., i]
    others, products, labels = (labels_of(result, dim) for dim in ("scenario", "product", "period"))
    counts = [len(places) for places in period_quarters(ds, period)[1]]
    return [
        {"scenario": others[s], "base": base, "product": products[p]}
        | time_fields(period, labels[t], counts[t])
        | named(figures, [float(figure[s, p, t]) for figure in figures.values()])
        for s, p, t in np.ndindex(figures["mean"].shape)
    ]


def product_records(ds: xr.Dataset, variable: str, period: Period) -> list[Record]:
    """`label_records` of the total and of each product."""
    return label_records(ds, variable, period, product_groups(ds), "product")


def bin_names(ds: xr.Dataset, die: str | None) -> dict[str, str]:
    """The bins of a die: label of the dimension ``bin`` -> its name in the model.

    All labels under their own names if the ensemble's attributes do not name the die.
    """
    known: dict[str, dict[str, str]] = json_table(ds.attrs, "bin_names", depth=2) or {}
    return known.get(die or "") or {label: label for label in labels_of(ds, "bin")}


def product_dies(ds: xr.Dataset) -> dict[str, str]:
    """Product -> its (first) compute die, from the model that the ensemble carries.

    Products that only a scenario adds are included.
    """
    dies: dict[str, str] = {}
    for tables in (raw_model(ds), *scenario_changes(ds)):
        products = tables.get("products", {})
        if not isinstance(products, dict):
            raise StoreError("attribute model_json", "is damaged: products is no table")
        for name, product in products.items():
            if isinstance(product, dict) and isinstance(product.get("die"), str):
                dies.setdefault(name, product["die"])
    return dies
