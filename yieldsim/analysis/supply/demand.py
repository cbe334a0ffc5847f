"""Demand: when each order is filled, its backlog, and the gap between supply and demand.

An order is filled in the first quarter at whose end less than half a chip of it is missing. The
P50 of the quarter by which it is filled is the first quarter by which at least half of the
realizations have filled it, and None if fewer than half have by the end of the horizon.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from yieldsim.analysis.attributes import json_table
from yieldsim.analysis.caption import origin
from yieldsim.analysis.periods import (
    Names,
    Period,
    by_period,
    chosen_periods,
    named_periods,
    period_ends,
    period_quarters,
    quarter_labels,
    time_fields,
)
from yieldsim.analysis.records import Record, label_records
from yieldsim.analysis.statistics.standard_error import P10_P50_P90, STATISTICS, share_and_error
from yieldsim.analysis.totals import BUDGET_BYTES, TOTAL, ai_products, gather, labels_of
from yieldsim.analysis.weights import weights_of

FILLED_BELOW = 0.5  # chips: results are stored in single precision, and chips are whole
WHOLE = {TOTAL: [0]}  # the only place of a variable without labels
COMPARED = (
    "In chips every AI chip counts as one; in H100-equivalents each by its dense FP16 compute. "
    "The gap is demand less usable domestic AI chips (those of the model and of other makers), "
    "without and with imports; negative is a surplus."
)


def demand_summary(ds: xr.Dataset, periods: Sequence[str] = ()) -> dict[str, Any]:
    """Orders and the gap of the market as plain numbers, ready for JSON.

    ``orders``: for each scenario and order what it is (title, buyer, kind, products, placed, due,
    tier, claims), its size in chips (mean, p10, p50, p90, errors ``se_...``), the quarter by which
    it is filled in 10, 50 and 90 % of the realizations (``filled_p10``, ...; None: not by the end)
    and the shares of realizations that fill it by the due date (None without a date) and by the
    end, with their standard errors. ``filled``: the share that fills it by each quarter.
    ``backlog``: chips not yet delivered at the end of each quarter. ``delivered``: chips delivered
    by calendar year. ``market`` and ``market_yearly``: demand, supply, imports and gaps, in chips
    and in H100-equivalents. ``imports``: each import by year. ``compared`` says what the gap
    compares. Chosen ``periods`` take the place of quarters and years, as in `summarize`: ``filled``
    and ``backlog`` are then those at their ends. Lists are empty if the model has no orders,
    imports or demand.
    """
    quarters = quarter_labels(ds)
    names = named_periods(ds, periods)
    has_orders = {"order_size", "order_backlog"} <= set(ds)
    orders = _by_label(ds, "order") if has_orders else {}
    filled = _filled(ds, orders) if has_orders else np.zeros((2, 0, 0, 0))
    return {
        "quarters": quarters,
        **chosen_periods(names),
        "end": quarters[-1],
        "orders": _order_records(ds, filled, orders) if has_orders else [],
        "filled": _filled_records(ds, filled, orders, names) if has_orders else [],
        "backlog": _backlog(ds, orders, names),
        "delivered": _figures(ds, "order_delivered", names or "year", orders, "order"),
        **by_period(lambda period: _market(ds, period), names, "market", "market_yearly"),
        "imports": _figures(
            ds, "imports", names or "year", _by_label(ds, "import_source"), "import"
        ),
        "compared": COMPARED,
        **origin(ds),
    }


def order_records(ds: xr.Dataset) -> list[Record]:
    """The ``orders`` of `demand_summary` alone."""
    if not {"order_size", "order_backlog"} <= set(ds):
        return []
    orders = _by_label(ds, "order")
    return _order_records(ds, _filled(ds, orders), orders)


def _by_label(ds: xr.Dataset, dim: str) -> dict[str, list[int]]:
    """Each label of a dimension with its place; empty if the ensemble lacks the dimension."""
    names = labels_of(ds, dim) if dim in ds.sizes else []
    return {name: [place] for place, name in enumerate(names)}


def _filled(ds: xr.Dataset, orders: Mapping[str, list[int]]) -> np.ndarray:
    """The share of the realizations that fill the order by the quarter, and its standard error.

    (2, scenario, order, quarter)
    """
    filled = np.zeros((2, ds.sizes["scenario"], len(orders), ds.sizes["quarter"]))
    weights = weights_of(ds)
    parts = zip(
        gather(ds, "order_size", groups=orders, budget_bytes=BUDGET_BYTES // 2),
        gather(ds, "order_backlog", groups=orders, budget_bytes=BUDGET_BYTES // 2),
        strict=True,
    )
    for size, backlog in parts:
        done = (size.values > 0.0) & (backlog.values < FILLED_BELOW)
        at = slice(backlog.first, backlog.first + len(backlog.periods))
        filled[:, backlog.scenario, :, at] = share_and_error(done, weights)
    return filled


def _order_records(
    ds: xr.Dataset, filled: np.ndarray, orders: Mapping[str, list[int]]
) -> list[Record]:
    quarters = quarter_labels(ds)
    # every order placed within the horizon has its size in the last quarter
    last = ds.isel(quarter=[-1])
    sizes = {
        (r["scenario"], r["order"]): r
        for r in _figures(last, "order_size", "quarter", orders, "order")
    }
    about = _about(ds)
    records = []
    for s, scenario in enumerate(labels_of(ds, "scenario")):
        for o, name in enumerate(orders):
            share, error = filled[:, s, o]
            size = {key: sizes[scenario, name][key] for key in STATISTICS}
            record: Record = {"scenario": scenario, "order": name}
            record |= about.get(scenario, {}).get(name, {"due": None})
            record |= {f"size_{key}": number for key, number in size.items()}
            for p in P10_P50_P90:
                record[f"filled_p{round(100 * p)}"] = _quarter_by(share, p, quarters)
            for end, quarter in (("by_due", record["due"]), ("by_end", quarters[-1])):
                record[f"share_{end}"] = _at(share, quarter, quarters)
                record[f"se_share_{end}"] = _at(error, quarter, quarters)
            records.append(record)
    return records


def _about(ds: xr.Dataset) -> dict[str, dict[str, Record]]:
    """Scenario -> order -> its description, from the store's attributes."""
    return json_table(ds["order_size"].attrs, "orders", depth=3) or {}


def _quarter_by(share: np.ndarray, p: float, quarters: list[str]) -> str | None:
    reached = np.flatnonzero(share >= p)
    return quarters[int(reached[0])] if reached.size else None


def _at(numbers: np.ndarray, due: str | None, quarters: list[str]) -> float | None:
    """The number at the end of a quarter; None without a date, beyond the horizon, or for NaN."""
    number = math.nan if due not in quarters else float(numbers[quarters.index(due)])
    return None if math.isnan(number) else number


def _filled_records(
    ds: xr.Dataset, filled: np.ndarray, orders: Mapping[str, list[int]], names: Names
) -> list[Record]:
    """The share that fills each order by each quarter, or by the end of the chosen periods."""
    period, quarters = names or "quarter", quarter_labels(ds)
    labels, places = period_quarters(ds, period)
    return [
        {
            "scenario": scenario,
            "order": name,
            **time_fields(period, label, len(several)),
            "share": _at(filled[0, s, o], quarters[several[-1]], quarters),
            "se_share": _at(filled[1, s, o], quarters[several[-1]], quarters),
        }
        for s, scenario in enumerate(labels_of(ds, "scenario"))
        for o, name in enumerate(orders)
        for label, several in zip(labels, places, strict=True)
    ]


def _backlog(ds: xr.Dataset, orders: Mapping[str, list[int]], names: Names) -> list[Record]:
    """Chips not yet delivered at the end of each quarter, or of the chosen periods."""
    if not names:
        return _figures(ds, "order_backlog", "quarter", orders, "order")
    ends = period_ends(ds, names)
    at_end = _figures(ds, "order_backlog", tuple(dict.fromkeys(ends)), orders, "order")
    found = {(r["scenario"], r["order"], r["period"]): r for r in at_end}
    return [
        {**found[scenario, order, end], "period": name, "quarters": len(places)}
        for scenario in labels_of(ds, "scenario")
        for order in orders
        for name, end, places in zip(names, ends, period_quarters(ds, names)[1], strict=True)
        if found
    ]


def _market(ds: xr.Dataset, period: Period) -> list[Record]:
    """Demand, supply, imports and gaps: in chips, then in compute."""
    if "demand" not in ds:
        return []
    domestic = {TOTAL: ai_products(ds)}
    imports = {TOTAL: list(range(ds.sizes.get("import_source", 0)))}
    records: list[Record] = []
    for end, supply in (("", "usable_chips"), ("_h100_equivalents", "h100_equivalents")):
        for variable, figure, groups in (
            (f"demand{end}", "demand", WHOLE),
            (supply, "domestic supply", domestic),
            (f"imports{end}", "imports", imports),
            (f"gap_without_imports{end}", "gap without imports", WHOLE),
            (f"gap_with_imports{end}", "gap with imports", WHOLE),
        ):
            for record in _figures(ds, variable, period, groups, "group"):
                del record["group"]
                units = str(ds[variable].attrs.get("units", "1"))
                records.append({"figure": figure, "variable": variable, "units": units, **record})
    return records


def _figures(
    ds: xr.Dataset, variable: str, period: Period, groups: Mapping[str, list[int]], key: str
) -> list[Record]:
    """`label_records`; empty if the ensemble lacks the variable."""
    return label_records(ds, variable, period, groups, key) if variable in ds and groups else []
