"""The draws that the page carries for its sliders: chips by quarter, and the leading inputs.

A page has room for about a million numbers, so it has at most the first `MOST_DRAWS` realizations,
as 16-bit integers: a figure is ``code / 65535`` of the largest of its quarter, which is accurate to
8e-6 of that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import xarray as xr

from yieldsim.analysis.drivers.classes import columns_of
from yieldsim.analysis.drivers.sensitivity import drawn_inputs
from yieldsim.analysis.overview.fans import BY_QUARTER, COLUMNS, LEVELS, Fan
from yieldsim.analysis.overview.reweight import kernel_weights, mid_ranks
from yieldsim.analysis.periods import period_quarters
from yieldsim.analysis.statistics.weighted import effective_sample_size, weighted_quantile
from yieldsim.analysis.totals import TOTAL, gather, labels_of, product_groups
from yieldsim.analysis.weights import weights_of

MOST_DRAWS, FEWEST_DRAWS = 1024, 64
MOST_INPUTS = 6
MOST_CODES = 450_000  # about 1.2 MB of a page
MOST_NUMBERS = 700_000  # of 16 bits, with those of the fans, about 1.9 MB
LARGEST = 65_535
Series = tuple[str, str]


@dataclass(frozen=True)
class Draws:
    """``codes`` (series, quarter, n) of chips, with the largest figure (series, quarter) of each.

    A series is a scenario and a product. ``values`` (input, n) are the draws of the ``inputs`` in
    the first scenario, in single precision. ``base`` (n) are the weights of the ensemble.
    """

    series: list[Series]
    quarters: list[str]
    years: dict[str, list[int]]
    largest: np.ndarray
    codes: np.ndarray
    inputs: list[str]
    values: np.ndarray
    base: np.ndarray | None

    def chips(self, series: Series, period: str) -> np.ndarray:
        """(period, n) chips of a series by ``quarter`` or ``year``, as the page has them."""
        place = self.series.index(series)
        by_quarter = self.codes[place] * (self.largest[place].astype(float)[:, None] / LARGEST)
        if period == "quarter":
            return by_quarter
        return np.stack([by_quarter[places].sum(axis=0) for places in self.years.values()])

    @cached_property
    def ranks(self) -> np.ndarray:
        """(input, n) ranks of the inputs' draws."""
        return mid_ranks(self.values)

    def weights(self, held: Mapping[str, float]) -> np.ndarray:
        """The weights (n) where inputs are held near percentiles (see `reweight`)."""
        places = {self.inputs.index(name): percentile for name, percentile in held.items()}
        return kernel_weights(self.ranks, places, self.base)

    def reweighted(
        self, series: Series, held: Mapping[str, float], period: str = "quarter"
    ) -> tuple[np.ndarray, float]:
        """Quantiles (period, level of `LEVELS`) where inputs are held, and the effective draws."""
        weights = self.weights(held)
        found = weighted_quantile(self.chips(series, period), weights, LEVELS)
        return found, effective_sample_size(weights)


def carried_draws(ds: xr.Dataset, fan: Fan, inputs: list[str]) -> Draws | None:
    """The draws of the fan's scenarios and products that the page has room for.

    The total of each scenario comes first, then the products of the first scenario, then those of
    the others. None without inputs.
    """
    if not inputs:
        return None
    quarters = len(fan.periods)
    places = len(fan.scenarios) * len(fan.products)
    shown = places * (quarters * len(BY_QUARTER) + quarters // 4 * len(COLUMNS))
    codes = max(0, min(MOST_CODES, MOST_NUMBERS - 2 * shown))
    most = codes // (quarters * len(fan.scenarios))
    count = min(ds.sizes["realization"], MOST_DRAWS, max(FEWEST_DRAWS, most))
    order = [(s, TOTAL) for s in fan.scenarios]
    order += [(s, p) for s in fan.scenarios for p in fan.products if p != TOTAL]
    series = order[: max(1, codes // (quarters * count))]
    few = ds.isel(realization=slice(0, count))
    figures = _figures(few, series)
    largest = figures.max(axis=-1).astype(np.float32)
    scale = np.where(largest > 0.0, largest, 1.0).astype(float)[..., None]
    numbers = np.clip(np.rint(figures / scale * LARGEST), 0, LARGEST).astype(np.uint16)
    labels = labels_of(few, "parameter")
    drawn = drawn_inputs(few, fan.scenarios[0])
    values = columns_of(drawn, [labels.index(name) for name in inputs]).astype(np.float32)
    years = dict(zip(*period_quarters(ds, "year"), strict=True))
    return Draws(series, fan.periods, years, largest, numbers, inputs, values, weights_of(few))


def _figures(ds: xr.Dataset, series: list[Series]) -> np.ndarray:
    """(series, quarter, realization) usable chips."""
    scenarios, groups = labels_of(ds, "scenario"), product_groups(ds)
    found: dict[Series, np.ndarray] = {}
    for scenario in dict.fromkeys(name for name, _ in series):
        products = {p: groups[p] for s, p in series if s == scenario}
        parts = gather(ds, groups=products, scenarios=[scenarios.index(scenario)])
        values = np.concatenate([part.values for part in parts], axis=1)
        found |= {(scenario, p): own for p, own in zip(products, values, strict=True)}
    return np.stack([found[key] for key in series])


def leading_inputs(drivers: Mapping[str, Any] | None, years: Sequence[str]) -> list[str]:
    """The inputs with the highest significant first-order index in ``years``, then in any year."""
    best: dict[str, tuple[bool, float]] = {}
    for record in drivers["indices"] if drivers else ():
        if record["kind"] == "first" and record["significant"]:
            found = (record["period"] in years, record["index"])
            best[record["parameter"]] = max(best.get(record["parameter"], (False, 0.0)), found)
    return sorted(best, key=lambda name: best[name], reverse=True)[:MOST_INPUTS]
