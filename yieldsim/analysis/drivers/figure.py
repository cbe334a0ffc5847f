"""The figure that is explained: a total of the ensemble by realization and period."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from yieldsim.analysis.totals import (
    PERIODS,
    TOTAL,
    Period,
    check_variable,
    gather,
    labels_of,
    period_quarters,
    places_of,
    product_groups,
)
from yieldsim.errors import UsageError
from yieldsim.outputs import ALL_OUTPUTS, FLOW, LEVEL

FEWEST_REALIZATIONS = 16
DEFAULT_PERIODS: tuple[Period, ...] = ("quarter", "year", "horizon")
_KINDS = {variable.name: variable.cell_methods for variable in ALL_OUTPUTS}


@dataclass(frozen=True)
class Figure:
    """``values`` (realization, period) of a variable, with what they are of."""

    variable: str
    product: str | None
    scenario: str
    units: str
    periods: list[str]
    kinds: list[Period]
    values: np.ndarray

    @property
    def varies(self) -> np.ndarray:
        """Whether the figure of each period differs between realizations."""
        found: np.ndarray = np.ptp(self.values, axis=0) > 0.0
        return found


def figure_of(
    ds: xr.Dataset,
    variable: str,
    product: str | None,
    scenario: str,
    period: str | None = None,
) -> Figure:
    """The figure by quarter, year and over the horizon, or of one period such as 2027 or 2027Q3.

    ``period`` may also be a kind of period, such as ``half``. ``product`` is by default the total
    of AI products; a variable that has no products is summed over all its labels. A stock has
    quarters only, and levels such as a utilization do not add up. Raises UsageError for what the
    ensemble does not hold, too few realizations, and figures that do not vary.
    """
    by_product = variable in ds and "product" in ds[variable].dims
    check_variable(ds, variable, by_product=by_product)
    if _KINDS.get(variable) == LEVEL:
        problem = f"{variable} is a level: its labels do not add up"
        raise UsageError("--variable", problem, allowed="a flow or a stock, such as wafer_starts")
    if ds.sizes["realization"] < FEWEST_REALIZATIONS:
        got, allowed = ds.sizes["realization"], f"{FEWEST_REALIZATIONS} or more"
        raise UsageError("STORE", "has too few realizations", got=got, allowed=allowed)
    groups = {"": places_of(ds[variable], {})}
    if by_product:
        product = product or TOTAL
        groups = {product: _places(ds, product)}
    elif product is not None:
        raise UsageError("--product", f"{variable} has no products", got=product, allowed="none")
    chosen = _periods(ds, variable, period)
    place = labels_of(ds, "scenario").index(scenario)
    labels: list[str] = []
    kinds: list[Period] = []
    columns: list[np.ndarray] = []
    for kind, names in chosen.items():
        for part in gather(ds, variable, kind, groups, [place]):
            kept = [p for p, name in enumerate(part.periods) if name in names]
            labels += [part.periods[p] for p in kept]
            kinds += [kind] * len(kept)
            columns += list(part.values[0, kept])
    units = str(ds[variable].attrs.get("units", "1"))
    values = np.stack(columns, axis=1)
    figure = Figure(variable, product, scenario, units, labels, kinds, values)
    if not figure.varies.any():
        of = "" if product is None else f" of {product}"
        when = period or "any period"
        problem = f"{variable}{of} is the same in all realizations in {when}"
        raise UsageError("STORE", problem, allowed="a figure that varies")
    return figure


def _places(ds: xr.Dataset, product: str) -> list[int]:
    groups = product_groups(ds)
    if product not in groups:
        allowed = ", ".join(groups)
        raise UsageError("--product", "is not in the ensemble", got=product, allowed=allowed)
    if not groups[product]:
        raise UsageError("--product", "the ensemble has no AI products to add up", got=product)
    return groups[product]


def _periods(ds: xr.Dataset, variable: str, period: str | None) -> dict[Period, list[str]]:
    """Which periods of each kind are asked for."""
    kinds: tuple[Period, ...] = PERIODS if _KINDS.get(variable, FLOW) == FLOW else ("quarter",)
    known: dict[Period, list[str]] = {kind: period_quarters(ds, kind)[0] for kind in kinds}
    if period is None:
        return {kind: known[kind] for kind in kinds if kind in DEFAULT_PERIODS}
    for kind, names in known.items():
        if period == kind:
            return {kind: names}
        if period in names:
            return {kind: [period]}
    first, last = known["quarter"][0], known["quarter"][-1]
    allowed = f"a quarter from {first} to {last}"
    if len(kinds) > 1:
        allowed += ", a half such as 2027H1, a year, horizon"
    raise UsageError("--period", "is not in the ensemble", got=period, allowed=allowed)
