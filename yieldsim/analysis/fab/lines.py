"""What the lines start and finish by year, beside their plan, and their busiest tools."""

from __future__ import annotations

import numpy as np
import xarray as xr

from yieldsim.analysis.periods import Period, period_quarters, time_key
from yieldsim.analysis.records import Record, figure_records
from yieldsim.analysis.totals import labels_of, places_of, realization_blocks
from yieldsim.analysis.weights import weights_of

PLAN, STARTS, OUTS, UTILIZATION = "wafer_plan", "wafer_starts", "wafer_outs", "utilization"
NEEDED = (PLAN, STARTS, OUTS)


def line_records(ds: xr.Dataset, period: Period = "year") -> list[Record]:
    """Records by scenario, ``fab``, ``process`` and period, of the lines that ever start a wafer.

    Mean, P10, P50, P90 and errors ``se_...`` of the wafers started; ``plan`` and ``outs``, the mean
    wafers planned and finished; ``busiest``, the tool group with the highest mean ``utilization``
    of its fab in the period (passes made over passes possible), None where the ensemble keeps no
    tools. Empty for an ensemble that lacks any of `NEEDED`.
    """
    if not all(name in ds for name in NEEDED):
        return []
    fabs, processes = labels_of(ds, "fab"), labels_of(ds, "process")
    groups = [
        ({"fab": fab, "process": process}, places_of(ds[STARTS], {"fab": [f], "process": [p]}))
        for f, fab in enumerate(fabs)
        for p, process in enumerate(processes)
    ]
    planned, started, finished = (figure_records(ds, name, period, groups) for name in NEEDED)
    busiest = _busiest(ds, period)
    active = {(r["fab"], r["process"]) for r in started if r["mean"]}
    records = []
    for plan, starts, outs in zip(planned, started, finished, strict=True):
        if (starts["fab"], starts["process"]) in active:
            place = (starts["scenario"], starts["fab"], starts[time_key(period)])
            name, share = busiest.get(place, (None, None))
            more = {"plan": plan["mean"], "outs": outs["mean"]}
            records.append(starts | more | {"busiest": name, "utilization": share})
    return records


def _busiest(ds: xr.Dataset, period: Period) -> dict[tuple[str, str, str], tuple[str, float]]:
    """(scenario, fab, period) -> the tool group with the highest mean utilization, and that."""
    if UTILIZATION not in ds:
        return {}
    labels, quarters = period_quarters(ds, period)
    names, weights = labels_of(ds, "tool_group"), weights_of(ds)
    found = {}
    for s, scenario in enumerate(labels_of(ds, "scenario")):
        means = _means(ds[UTILIZATION].isel(scenario=s), weights)
        for f, fab in enumerate(labels_of(ds, "fab")):
            for label, several in zip(labels, quarters, strict=True):
                own = means[several, f].mean(axis=0)
                best = int(own.argmax())
                if own[best] > 0.0:
                    found[scenario, fab, label] = (names[best], float(own[best]))
    return found


def _means(array: xr.DataArray, weights: np.ndarray | None) -> np.ndarray:
    """(quarter, fab, tool group) means over the realizations, read block by block."""
    array = array.transpose("realization", "quarter", "fab", "tool_group")
    total = np.zeros(array.shape[1:])
    count = array.sizes["realization"]
    own = np.full(count, 1.0 / count) if weights is None else weights
    for block in realization_blocks(array):
        values = array.isel(realization=block).to_numpy().astype(np.float64)
        total += np.tensordot(own[block], values, axes=1)
    return total
