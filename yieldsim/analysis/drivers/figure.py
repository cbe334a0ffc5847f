"""The figure that is explained: a total of the ensemble by realization and period."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

from yieldsim.analysis.attributes import place_of
from yieldsim.analysis.periods import named_periods
from yieldsim.analysis.totals import (
    TOTAL,
    check_variable,
    gather,
    labels_of,
    places_of,
    product_groups,
)
from yieldsim.errors import UsageError
from yieldsim.outputs import ALL_OUTPUTS, FLOW, LEVEL

FEWEST_REALIZATIONS = 16
FLOW_PERIODS, STOCK_PERIODS = ("quarter", "year", "horizon"), ("quarter",)
_KINDS = {variable.name: variable.cell_methods for variable in ALL_OUTPUTS}
_QUARTER = re.compile(r"\d{4}Q[1-4]")


@dataclass(frozen=True)
class Figure:
    """``values`` (realization, period) of a variable, with what they are of."""

    variable: str
    product: str | None
    scenario: str
    units: str
    periods: list[str]
    values: np.ndarray

    @property
    def varies(self) -> np.ndarray:
        """Whether the figure of each period differs between realizations."""
        found: np.ndarray = np.ptp(self.values, axis=0) > 0.0
        return found

    def varying(self) -> Figure:
        """The periods whose figure differs between realizations."""
        return self._kept(np.flatnonzero(self.varies).tolist())

    def longer(self) -> Figure:
        """The periods that are longer than a quarter, or all if there are none."""
        longer = [p for p, name in enumerate(self.periods) if not _QUARTER.fullmatch(name)]
        return self._kept(longer or list(range(len(self.periods))))

    def _kept(self, places: list[int]) -> Figure:
        names = [self.periods[p] for p in places]
        return replace(self, periods=names, values=self.values[:, places])


def figure_of(
    ds: xr.Dataset,
    variable: str,
    product: str | None,
    scenario: str,
    periods: Sequence[str] = (),
) -> Figure:
    """The figure by quarter, year and over the horizon, or of ``periods`` such as 2027 or 2027Q3.

    A kind of period, such as ``half``, stands for all of it. ``product`` is by default the total
    of AI products; a variable that has no products is summed over all its labels. A stock has
    quarters only, and levels such as a utilization do not add up. Raises UsageError for what the
    ensemble does not hold, too few realizations, and a figure that never varies.
    """
    by_product = variable in ds and "product" in ds[variable].dims
    check_variable(ds, variable, by_product=by_product)
    kind = _KINDS.get(variable, FLOW)
    if kind == LEVEL:
        problem = f"{variable} is a level: its labels do not add up"
        raise UsageError("--variable", problem, allowed="a flow or a stock, such as wafer_starts")
    if ds.sizes["realization"] < FEWEST_REALIZATIONS:
        got, allowed = ds.sizes["realization"], f"{FEWEST_REALIZATIONS} or more"
        raise UsageError(place_of(ds), "has too few realizations", got=got, allowed=allowed)
    if not by_product and product is not None:
        raise UsageError("--product", f"{variable} has no products", got=product, allowed="none")
    product = (product or TOTAL) if by_product else None
    groups = {"": places_of(ds[variable], {}) if product is None else _places(ds, product)}
    names = named_periods(ds, periods or (FLOW_PERIODS if kind == FLOW else STOCK_PERIODS))
    place = labels_of(ds, "scenario").index(scenario)
    parts = gather(ds, variable, names, groups, [place])
    values = np.concatenate([part.values[0] for part in parts]).T
    units = str(ds[variable].attrs.get("units", "1"))
    figure = Figure(variable, product, scenario, units, list(names), values)
    if not figure.varies.any():
        of = "" if product is None else f" of {product}"
        when = " and ".join(periods) or "any period"
        problem = f"{variable}{of} is the same in all realizations in {when}"
        raise UsageError(place_of(ds), problem, allowed="a figure that varies")
    return figure


def _places(ds: xr.Dataset, product: str) -> list[int]:
    groups = product_groups(ds)
    if product not in groups:
        allowed = ", ".join(groups)
        raise UsageError("--product", "is not in the ensemble", got=product, allowed=allowed)
    if not groups[product]:
        raise UsageError("--product", "the ensemble has no AI products to add up", got=product)
    return groups[product]
