"""Flat records of figures: what a table or JSON shows of a variable, one record a period."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from yieldsim.analysis.statistics.quantiles import STATISTICS, quantiles
from yieldsim.analysis.statistics.standard_error import (
    P10_P50_P90,
    mean_and_error,
    sample_quantiles,
)
from yieldsim.analysis.totals import Period, labels_of

Record = dict[str, Any]


def figure_records(
    ds: xr.Dataset, variable: str, period: Period, groups: Sequence[tuple[Record, list[int]]]
) -> list[Record]:
    """Records of a variable for groups of its labels: mean, P10, P50, P90 and their errors.

    Each of ``groups`` has what its records say beside scenario and period, and the places that
    are summed (see `gather`). Records follow scenario, group, period; those of a year say how many
    ``quarters`` it has here. Raises UsageError as `quantiles` does.
    """
    places = {str(number): places for number, (_, places) in enumerate(groups)}
    found = quantiles(ds, variable, period, groups=places)
    numbers = np.concatenate(
        [
            found["mean"].to_numpy()[..., None],
            found["quantile"].to_numpy(),
            found["se_mean"].to_numpy()[..., None],
            found["se_quantile"].to_numpy(),
        ],
        axis=-1,
    )
    scenarios, labels = labels_of(found, "scenario"), labels_of(found, "period")
    counts = found["quarters"].to_numpy().tolist()
    records = []
    for s, g, t in np.ndindex(numbers.shape[:-1]):
        record = {"scenario": scenarios[s], **groups[g][0], **_time(period, labels[t], counts[t])}
        records.append(record | _named(numbers[s, g, t].tolist()))
    return records


def _time(period: Period, label: str, quarters: int) -> Record:
    return {period: label, "quarters": quarters} if period == "year" else {period: label}


def share_records(
    shares: np.ndarray, about: Record, period: Period, labels: Sequence[str], counts: Sequence[int]
) -> list[Record]:
    """Records of a share by period, over the realizations in which it is defined.

    ``shares`` is (period, realization), NaN where there is nothing to take a share of; ``made`` is
    the part of the realizations in which there is. Periods without any are left out.
    """
    records = []
    for values, label, quarters in zip(shares, labels, counts, strict=True):
        defined = values[np.isfinite(values)]
        if not defined.size:
            continue
        mean, se_mean = mean_and_error(defined)
        quantile, se_quantile = sample_quantiles(defined, P10_P50_P90)
        numbers = [float(mean), *quantile.tolist(), float(se_mean), *se_quantile.tolist()]
        time = _time(period, label, quarters)
        records.append(about | time | {"made": defined.size / values.size} | _named(numbers))
    return records


def _named(numbers: Sequence[float]) -> Record:
    """JSON knows no NaN."""
    kept = (number if math.isfinite(number) else None for number in numbers)
    return dict(zip(STATISTICS, kept, strict=True))


def bin_names(ds: xr.Dataset, die: str | None) -> dict[str, str]:
    """The bins of a die: label of the dimension ``bin`` -> its name in the model.

    All labels under their own names where the ensemble's attributes do not know the die.
    """
    text = ds.attrs.get("bin_names")
    known: dict[str, dict[str, str]] = json.loads(text) if isinstance(text, str) else {}
    return known.get(die or "") or {label: label for label in labels_of(ds, "bin")}


def product_dies(ds: xr.Dataset) -> dict[str, str]:
    """Product -> its (first) compute die, as the model's text in the ensemble says."""
    text = ds.attrs.get("model_json")
    model = json.loads(text).get("raw", {}) if isinstance(text, str) else {}
    products = model.get("products", {})
    return {name: one["die"] for name, one in products.items() if isinstance(one.get("die"), str)}
