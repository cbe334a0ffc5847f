"""Products: chips, packages by bin, and compute in two measures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import xarray as xr

from yieldsim.analysis.caption import origin
from yieldsim.analysis.periods import (
    Period,
    by_period,
    chosen_periods,
    named_periods,
    quarter_labels,
)
from yieldsim.analysis.records import Record, bin_names, figure_records, product_dies
from yieldsim.analysis.totals import ai_names, labels_of, places_of, product_groups, product_names
from yieldsim.units import H100_TFLOPS_FP16

VARIABLES = (
    "usable_chips",
    "packages_started",
    "packages_passed",
    "h100_equivalents",
    "h100_equivalents_bandwidth",
)
BY_BIN = "packages_passed"
FIGURES = ("mean", "p10", "p50", "p90")


def products_summary(ds: xr.Dataset, periods: Sequence[str] = ()) -> dict[str, Any]:
    """Figures of each product as plain numbers, ready for JSON.

    ``records`` (by quarter) and ``yearly`` (by calendar year) hold for each scenario, product
    (``total`` first: the sum over products of kind ai) and ``variable`` mean, P10, P50, P90 and
    the Monte Carlo error ``se_...`` of each: usable chips, packages started and passed,
    H100-equivalents by dense FP16 compute and by memory bandwidth, and that compute as
    ``tflops_fp16``. ``bin`` is None for all bins together; packages passed are also given for
    each bin of the product's die. ``missing`` lists variables that the ensemble does not keep,
    ``in_total`` the products of the total. Chosen ``periods`` take the place of quarters and years,
    as in `summarize`.
    """
    names = named_periods(ds, periods)
    there = [name for name in VARIABLES if name in ds]
    return {
        "quarters": quarter_labels(ds),
        **chosen_periods(names),
        **by_period(
            lambda period: [r for name in there for r in _records(ds, name, period)], names
        ),
        "missing": [name for name in VARIABLES if name not in ds],
        "in_total": ai_names(ds),
        **origin(ds),
    }


def _records(ds: xr.Dataset, variable: str, period: Period) -> list[Record]:
    about = {"variable": variable, "units": str(ds[variable].attrs.get("units", "1"))}
    groups = []
    dies = product_dies(ds)
    for product, members in product_groups(ds).items():
        place = {"product": product, **about}
        groups.append(({**place, "bin": None}, places_of(ds[variable], {"product": members})))
        if variable != BY_BIN or product not in product_names(ds):
            continue
        labels = labels_of(ds, "bin")
        for label, name in bin_names(ds, dies.get(product)).items():
            chosen = {"product": members, "bin": [labels.index(label)]}
            groups.append(({**place, "bin": name}, places_of(ds[variable], chosen)))
    records = figure_records(ds, variable, period, groups)
    if variable == "h100_equivalents":
        records += [_in_tflops(record) for record in records]
    return records


def _in_tflops(record: Record) -> Record:
    """A record of H100-equivalents by dense FP16 compute, in TFLOPS."""
    scaled = {
        name: figure * H100_TFLOPS_FP16
        for name, figure in record.items()
        if name.removeprefix("se_") in FIGURES and figure is not None
    }
    return {**record, **scaled, "variable": "tflops_fp16", "units": "TFLOPS"}
