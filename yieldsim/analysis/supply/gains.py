"""What 10 % more of each input would add, with the same random draws.

A scenario with a part ``more:INPUT`` in its name is the scenario of the other parts with that input
raised (`yieldsim.model.more`). The difference is taken realization by realization.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import xarray as xr

from yieldsim.analysis.periods import HORIZON, Names, Period, period_quarters
from yieldsim.analysis.records import Record
from yieldsim.analysis.statistics.standard_error import mean_and_error, named
from yieldsim.analysis.totals import TOTAL, gather, labels_of, product_groups
from yieldsim.analysis.weights import weights_of
from yieldsim.model.scenario_names import join_parts, raised_inputs, without_raises

# what is compared: the variable, and its key in a record
MEASURES = {"usable_chips": "chips", "h100_equivalents": "h100e"}


def gain_records(
    ds: xr.Dataset, scenarios: Sequence[str] = (), periods: Names = ()
) -> list[Record]:
    """Records of what raised inputs add, the input that adds most compute first.

    Each has the ``input``, the ``scenario`` and its ``base``, the ``product`` (``total`` first: all
    AI products), the ``year`` (``horizon``: all years) or one of the chosen ``periods`` as
    ``period``, the number of ``quarters``, and of
    ``chips`` and ``h100e`` (H100-equivalents by dense FP16 compute) the mean paired difference,
    its standard error ``..._se`` and the mean ``..._base`` without more. A figure that the ensemble
    does not keep is None. Inputs are ranked by the last period. ``scenarios`` keeps those of these
    names or bases; default all.
    """
    known = labels_of(ds, "scenario")
    pairs = [(name, without_raises(name)) for name in known if raised_inputs(name)]
    records: list[Record] = []
    for base in dict.fromkeys(base for _, base in pairs):
        names = [
            name
            for name, own in pairs
            if own == base and (not scenarios or {name, base} & set(scenarios))
        ]
        if base in known:
            records += [r for of_input in _ranked(ds, base, names, periods) for r in of_input]
    return records


def unpaired(ds: xr.Dataset) -> list[str]:
    """Scenarios with a raised input of which the ensemble lacks the same without it."""
    known = labels_of(ds, "scenario")
    return [name for name in known if raised_inputs(name) and without_raises(name) not in known]


def _ranked(ds: xr.Dataset, base: str, names: Sequence[str], periods: Names) -> list[list[Record]]:
    """The records of each scenario, by the total's compute of the last period, then its chips."""
    several = [list(_records(ds, base, name, periods)) for name in names]

    def rank(records: list[Record]) -> tuple[float, float]:
        last = [r for r in records if r["product"] == TOTAL][-1]
        return -(last["h100e"] or 0.0), -(last["chips"] or 0.0)

    return sorted(several, key=rank)


def _records(ds: xr.Dataset, base: str, scenario: str, periods: Names) -> Iterator[Record]:
    about = {
        "input": join_parts(raised_inputs(scenario)),
        "scenario": scenario,
        "base": base,
    }
    products = list(product_groups(ds))
    shown: tuple[Period, ...] = (periods,) if periods else ("year", (HORIZON,))
    key = "period" if periods else "year"
    for period in shown:
        labels, quarters = period_quarters(ds, period)
        figures = {
            f"{key}{suffix}": values
            for variable, key in MEASURES.items()
            for suffix, values in _differences(ds, variable, period, base, scenario).items()
        }
        for p, t in np.ndindex(len(products), len(labels)):
            place = {"product": products[p], key: labels[t], "quarters": len(quarters[t])}
            numbers = [float(values[p, t]) for values in figures.values()]
            yield about | place | named(figures, numbers)


def _differences(
    ds: xr.Dataset, variable: str, period: Period, base: str, scenario: str
) -> dict[str, np.ndarray]:
    """Mean paired difference, its error and the mean of the base, each (product, period)."""
    shape = (len(product_groups(ds)), len(period_quarters(ds, period)[0]))
    mean, error, without = (np.full(shape, np.nan) for _ in range(3))
    if variable in ds:
        weights = weights_of(ds)
        scenarios = labels_of(ds, "scenario")
        pairs = zip(
            gather(ds, variable, period, scenarios=[scenarios.index(base)]),
            gather(ds, variable, period, scenarios=[scenarios.index(scenario)]),
            strict=True,
        )
        for first, second in pairs:
            at = (slice(None), slice(first.first, first.first + len(first.periods)))
            mean[at], error[at] = mean_and_error(second.values - first.values, weights)
            without[at] = np.average(first.values, axis=-1, weights=weights)
    return {"": mean, "_se": error, "_base": without}
