"""Quantile swaps: the figure where an input is in its lowest tenth, and in its highest."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from yieldsim.analysis.drivers.classes import columns_of
from yieldsim.analysis.drivers.figure import Figure
from yieldsim.analysis.drivers.sensitivity import drawn_inputs
from yieldsim.analysis.statistics.standard_error import mean_and_error, sample_quantiles
from yieldsim.analysis.totals import labels_of

TAIL = 0.1
ENDS = ("low", "high")
_MEDIAN = (0.5,)


def quantile_swaps(ds: xr.Dataset, figure: Figure, inputs: Sequence[str]) -> xr.Dataset:
    """Means and medians of a figure where each input is in its lowest and in its highest tenth.

    Returns a Dataset over parameter, end (low, high) and period with ``mean``, ``median`` and their
    standard errors ``se_mean`` and ``se_median``; ``input_limit`` (parameter, end), the value at
    the inner end of the tenth; and ``count``, its realizations. Values that are equal stay
    together, so an input of few values may have larger tails than a tenth. Nothing is held
    constant: what is correlated with the input moves too.
    """
    labels = labels_of(ds, "parameter")
    drawn = drawn_inputs(ds, figure.scenario)
    values = columns_of(drawn, [labels.index(name) for name in inputs])
    shape = (len(inputs), len(ENDS), len(figure.periods))
    figures = {name: np.full(shape, np.nan) for name in ("mean", "se_mean", "median", "se_median")}
    limit, count = np.full(shape[:2], np.nan), np.zeros(shape[:2], dtype=np.int64)
    for row, own in enumerate(values):
        for end, (inner, chosen) in enumerate(tails(own)):
            part = np.ascontiguousarray(figure.values[chosen].T)
            at = (row, end)
            limit[at], count[at] = inner, chosen.sum()
            figures["mean"][at], figures["se_mean"][at] = mean_and_error(part)
            median, error = sample_quantiles(part, _MEDIAN)
            figures["median"][at], figures["se_median"][at] = median[..., 0], error[..., 0]
    dims = ("parameter", "end", "period")
    return xr.Dataset(
        {name: (dims, numbers, {"units": figure.units}) for name, numbers in figures.items()}
        | {"input_limit": (dims[:2], limit), "count": (dims[:2], count)},
        coords={"parameter": list(inputs), "end": list(ENDS), "period": figure.periods},
        attrs={"variable": figure.variable, "scenario": figure.scenario, "tail": TAIL},
    )


def tails(values: np.ndarray) -> list[tuple[float, np.ndarray]]:
    """The lowest and the highest tenth of an input: the inner end of each, and who is in it.

    Where one value reaches into both tenths, they are the smallest and the largest value.
    """
    low, high = np.quantile(values, (TAIL, 1.0 - TAIL), method="inverted_cdf")
    if low == high:
        low, high = values.min(), values.max()
    return [(float(low), values <= low), (float(high), values >= high)]
