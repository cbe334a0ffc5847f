"""Total indices and the exact share of process noise from a designed run (see `swapped`).

The total index of a group of inputs is the share of the variance that remains, on average, if all
other inputs are known: its own effect, and all products with others (Homma and Saltelli 1996).
Jansen's estimator (1999, doi:10.1016/S0010-4655(98)00154-4) is ``E (Y_A - Y_i)^2 / (2 Var Y)``,
with the figures of the rows A and of those whose group i is swapped. Each row has its own luck of
the process, which this would count. Rows A repeated with other luck measure it:
``E (Y_A - Y_A')^2 / (2 Var Y)`` is the share of process noise, and the excess over it is the total
index of the mean over the luck. An inert group has the mean zero.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from yieldsim.analysis.drivers.figure import Figure
from yieldsim.analysis.drivers.first_order import LEVEL
from yieldsim.analysis.drivers.swapped import Design

RESAMPLES = 500
_SEED = 16


def total_indices(figure: Figure, design: Design) -> xr.Dataset:
    """Total indices (group, period) of a designed run, and its share of noise.

    Returns ``index``, the ends ``low`` and ``high`` of its bootstrap interval and ``significant``
    (the interval lies above zero), each (group, period); ``noise`` (period) with its standard
    error ``se_noise``. A group is named by its inputs, joined by `` + ``.
    """
    y = figure.values
    centred = y - y.mean(axis=0)
    first, second = centred[design.block(0)], centred[design.block(1)]
    luck = (first - centred[design.block(2)]) ** 2
    swaps = [(first - centred[design.swap(g)]) ** 2 - luck for g in range(len(design.groups))]
    halves = 0.5 * np.stack([luck, *swaps])  # (noise or group, row, period)
    rng = np.random.default_rng(_SEED)
    drawn = rng.multinomial(design.rows, np.full(design.rows, 1.0 / design.rows), RESAMPLES)
    weights = np.vstack([np.ones(design.rows), drawn]) / design.rows
    mean = 0.5 * (weights @ (first + second))
    variance = 0.5 * (weights @ (first**2 + second**2)) - mean**2
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = np.einsum("wr,grp->wgp", weights, halves, optimize=True) / variance[:, None]
    estimate, resampled = shares[0], shares[1:]
    ends = [(1.0 - LEVEL) / 2.0, (1.0 + LEVEL) / 2.0]
    low, high = np.quantile(resampled[:, 1:], ends, axis=0)
    dims = ("group", "period")
    return xr.Dataset(
        {
            "index": (dims, estimate[1:]),
            "low": (dims, low),
            "high": (dims, high),
            "significant": (dims, low > 0.0),
            "noise": ("period", estimate[0]),
            "se_noise": ("period", resampled[:, 0].std(axis=0)),
        },
        coords={"group": [" + ".join(g) for g in design.groups], "period": figure.periods},
        attrs={"variable": figure.variable, "scenario": figure.scenario, "rows": design.rows},
    )
