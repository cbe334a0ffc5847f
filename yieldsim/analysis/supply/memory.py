"""The balance of memory stacks: what came in, what was used, what is left, and who used it.

Means add up: what lay there and came in is used or left. Quantiles do not, so they are given for
what came in alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import xarray as xr

from yieldsim.analysis.caption import origin, raw_model
from yieldsim.analysis.periods import (
    Period,
    chosen_periods,
    named_periods,
    period_ends,
    period_quarters,
    quarter_labels,
    time_fields,
    time_key,
)
from yieldsim.analysis.records import Record, figure_records
from yieldsim.analysis.totals import TOTAL, labels_of, places_of, product_names
from yieldsim.errors import StoreError

VARIABLES = ("stacks_in", "stacks_used", "stack_stock", "packages_started")
SPREAD = ("p10", "p50", "p90", "se_p10", "se_p50", "se_p90")


def memory_summary(ds: xr.Dataset, periods: Sequence[str] = ()) -> dict[str, Any]:
    """Balance and users of memory stacks as plain numbers, ready for JSON.

    ``balance``: for each scenario, pool (and ``total``) and calendar year the mean stacks at its
    ``start``, those that came ``in`` and were ``used``, and those at its ``end``; ``in_p10``, ...
    with errors ``in_se_p10``; ``generation`` and ``origin`` of the pool. ``users``: mean stacks by
    product and year, which are packages started times stacks of a package. Chosen ``periods`` take
    the place of years, as in `summarize`. ``missing`` lists variables that the ensemble does not
    keep.
    """
    names = named_periods(ds, periods)
    missing = [name for name in VARIABLES if name not in ds]
    return {
        "quarters": quarter_labels(ds),
        **chosen_periods(names),
        "balance": [] if missing else _balance(ds, names or "year"),
        "users": [] if "packages_started" in missing else _users(ds, names or "year"),
        "missing": missing,
        **origin(ds),
    }


def _table(ds: xr.Dataset, name: str) -> dict[str, Any]:
    """A table of entries of the model that the ensemble carries."""
    table = raw_model(ds).get(name, {})
    if not isinstance(table, dict) or not all(isinstance(entry, dict) for entry in table.values()):
        raise StoreError("attribute model_json", f"is damaged: {name} is no table of tables")
    return table


def _balance(ds: xr.Dataset, period: Period) -> list[Record]:
    pools, described = labels_of(ds, "memory"), _table(ds, "memory")
    groups: list[tuple[Record, list[int]]] = [
        ({"pool": TOTAL, "generation": "", "origin": ""}, list(range(len(pools))))
    ]
    for place, name in enumerate(pools):
        about = {key: str(described.get(name, {}).get(key, "")) for key in ("generation", "origin")}
        groups.append(({"pool": name, **about}, [place]))
    flows = {name: _by_period(ds, name, period, groups) for name in ("stacks_in", "stacks_used")}
    ends = period_ends(ds, period)
    stocks = _by_period(ds, "stack_stock", tuple(dict.fromkeys(ends)), groups)
    labels, quarters = period_quarters(ds, period)
    records = []
    for scenario in labels_of(ds, "scenario"):
        for about, _ in groups:
            for label, places, last in zip(labels, quarters, ends, strict=True):
                came = flows["stacks_in"][scenario, about["pool"], label]
                used = flows["stacks_used"][scenario, about["pool"], label]["mean"]
                end = stocks[scenario, about["pool"], last]["mean"]
                row = {"scenario": scenario, **about, **time_fields(period, label, len(places))}
                row |= {"start": end + used - came["mean"], "in": came["mean"], "used": used}
                records.append(row | {"end": end} | {f"in_{key}": came[key] for key in SPREAD})
    return records


def _by_period(
    ds: xr.Dataset, variable: str, period: Period, groups: list[tuple[Record, list[int]]]
) -> dict[tuple[str, str, str], Record]:
    """Records of a variable by scenario, pool and period."""
    records = figure_records(ds, variable, period, groups)
    return {(r["scenario"], r["pool"], r[time_key(period)]): r for r in records}


def _users(ds: xr.Dataset, period: Period) -> list[Record]:
    described, users, time = _table(ds, "products"), [], time_key(period)
    for place, name in enumerate(product_names(ds)):
        product = described.get(name, {})
        each = product.get("stacks_per_package", 0)
        if not isinstance(each, int) or each == 0:
            continue
        about = {"product": name, "vendor": str(product.get("vendor", ""))}
        places = places_of(ds["packages_started"], {"product": [place]})
        for r in figure_records(ds, "packages_started", period, [(about, places)]):
            kept = {key: r[key] for key in ("scenario", "product", "vendor", time, "quarters")}
            users.append({**kept, "used": r["mean"] * each})
    return users
