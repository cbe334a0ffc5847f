"""What the weights say about the inputs: which moved, and by how much."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from scipy.special import ndtri

from yieldsim.analysis.drivers.classes import columns_of
from yieldsim.analysis.drivers.sensitivity import PARAMETER_VALUE, drawn_inputs
from yieldsim.analysis.records import Record
from yieldsim.analysis.statistics.standard_error import P10_P50_P90, sample_quantiles
from yieldsim.analysis.statistics.weighted import effective_sample_size, weighted_quantile
from yieldsim.analysis.totals import labels_of, realization_blocks

LEADING = 10
STATISTICS = ("mean", "sd", "p10", "p50", "p90")
FALSE_RATE = 0.01  # probability that any input without effect is called moved


@dataclass(frozen=True)
class Moments:
    """Mean and standard deviation of each input, unweighted and weighted."""

    mean: np.ndarray
    sd: np.ndarray
    weighted_mean: np.ndarray
    weighted_sd: np.ndarray


def input_moments(drawn: xr.DataArray, weights: np.ndarray) -> Moments:
    """The moments of inputs (realization, parameter), read in one pass."""
    drawn = drawn.transpose("realization", "parameter")
    n = drawn.sizes["realization"]
    start = drawn.isel(realization=0).to_numpy()
    sums = np.zeros((4, drawn.sizes["parameter"]))
    for block in realization_blocks(drawn):
        away = drawn.isel(realization=block).to_numpy() - start  # else squares would cancel
        own = weights[block]
        sums += (away.sum(axis=0), (away**2).sum(axis=0), own @ away, own @ away**2)
    mean, square, weighted, weighted_square = sums / np.array([n, n, 1.0, 1.0])[:, None]
    with np.errstate(invalid="ignore"):
        sd, weighted_sd = np.sqrt(np.maximum((square - mean**2, weighted_square - weighted**2), 0))
    return Moments(start + mean, sd, start + weighted, weighted_sd)


def moved_inputs(
    ds: xr.Dataset, scenario: str, weights: np.ndarray, leading: int = LEADING
) -> dict[str, Any]:
    """The inputs that the weights moved most, in standard deviations of their priors.

    ``inputs``: records of the ``leading`` ones with mean, sd, P10, P50 and P90 of ``prior_...`` and
    ``posterior_...``, the ``shift`` of the mean in prior standard deviations with its error
    ``se_shift``, ``sd_ratio`` of posterior to prior, and whether it ``moved``. The shift of an
    input that is unrelated to the weights has the standard deviation
    ``sqrt(1 / effective sample size - 1 / n)``. An input moved if its shift is larger than any
    input would show by chance in one of a hundred ensembles. ``moved``: how many inputs did, ``of``
    how many that vary.
    An ensemble without drawn inputs has none.
    """
    if PARAMETER_VALUE not in ds or not ds.sizes["parameter"]:
        return {"inputs": [], "moved": 0, "of": 0}
    drawn, labels = drawn_inputs(ds, scenario), labels_of(ds, "parameter")
    moments = input_moments(drawn, weights)
    varies = np.flatnonzero(np.isfinite(moments.sd) & (moments.sd > 0.0))
    shift = (moments.weighted_mean - moments.mean)[varies] / moments.sd[varies]
    error = float(np.sqrt(max(0.0, 1.0 / effective_sample_size(weights) - 1.0 / len(weights))))
    limit = -float(ndtri(FALSE_RATE / 2.0 / max(1, len(varies)))) * error
    order = np.argsort(-np.abs(shift), kind="stable")[:leading]
    places = varies[order]
    columns = columns_of(drawn, places.tolist())
    prior = sample_quantiles(columns, P10_P50_P90)[0]
    posterior = weighted_quantile(columns, weights, P10_P50_P90)
    records = [
        _record(labels[place], moments, place, float(shift[order[row]]), prior[row], posterior[row])
        | {"se_shift": error, "moved": bool(abs(shift[order[row]]) > limit)}
        for row, place in enumerate(places)
    ]
    moved = int((np.abs(shift) > limit).sum())
    return {"inputs": records, "moved": moved, "of": len(varies)}


def _record(
    name: str,
    moments: Moments,
    place: int,
    shift: float,
    prior: np.ndarray,
    posterior: np.ndarray,
) -> Record:
    numbers = {
        "prior": (moments.mean[place], moments.sd[place], *prior),
        "posterior": (moments.weighted_mean[place], moments.weighted_sd[place], *posterior),
    }
    ratio = float(moments.weighted_sd[place] / moments.sd[place])
    record: Record = {"parameter": name, "shift": shift, "sd_ratio": ratio}
    for when, figures in numbers.items():
        record |= {f"{when}_{n}": float(x) for n, x in zip(STATISTICS, figures, strict=True)}
    return record
