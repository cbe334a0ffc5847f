"""The fans of an ensemble: mean and quantiles by scenario, product and period."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from yieldsim.analysis.statistics.quantiles import quantiles
from yieldsim.analysis.totals import TOTAL, ai_names, labels_of, product_groups

LEVELS = (0.1, 0.25, 0.5, 0.75, 0.9)
COLUMNS = ("mean", "p10", "p25", "p50", "p75", "p90", "se_mean", "se_p10", "se_p50", "se_p90")
# a page shows no errors of quarters, and has no room for them
BY_QUARTER = COLUMNS[:6]
_WITH_ERRORS = [0, 2, 4]  # of LEVELS: P10, P50, P90


@dataclass(frozen=True)
class Fan:
    """Figures (scenario, product, period, column of `COLUMNS`) of usable chips.

    Products are those with a chip in any scenario, the total first.
    """

    scenarios: list[str]
    products: list[str]
    periods: list[str]
    quarters: list[int]  # of each period that the ensemble covers
    values: np.ndarray

    def at(self, scenario: str, product: str, period: str) -> dict[str, float]:
        """The figures of one place under their names."""
        place = (
            self.scenarios.index(scenario),
            self.products.index(product),
            self.periods.index(period),
        )
        return dict(zip(COLUMNS, self.values[place].tolist(), strict=True))


def fan_of(ds: xr.Dataset, period: str, products: list[str] | None = None) -> Fan:
    """The fan of every scenario by ``quarter`` or ``year``; products by default as `supplied`."""
    groups = product_groups(ds)
    result = quantiles(ds, period=period, probabilities=LEVELS, groups=groups)
    errors = result["se_quantile"].to_numpy()[..., _WITH_ERRORS]
    values = np.concatenate(
        [
            result["mean"].to_numpy()[..., None],
            result["quantile"].to_numpy(),
            result["se_mean"].to_numpy()[..., None],
            errors,
        ],
        axis=-1,
    )
    known = list(groups)
    names = supplied(known, ai_names(ds), values) if products is None else products
    return Fan(
        labels_of(result, "scenario"),
        names,
        labels_of(result, "period"),
        result["quarters"].to_numpy().tolist(),
        values[:, [known.index(name) for name in names]],
    )


def supplied(names: list[str], in_total: list[str], values: np.ndarray) -> list[str]:
    """The total, then the products that ever have a chip: those of the total, the largest first."""
    means = values[..., 0].sum(axis=(0, 2))
    order = sorted(range(len(names)), key=lambda place: -means[place])
    kept = [names[p] for p in order if means[p] > 0.0 and names[p] != TOTAL]
    return [TOTAL, *sorted(kept, key=lambda name: name not in in_total)]
