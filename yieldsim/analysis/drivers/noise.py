"""The variance of a figure between parameters and process noise, as far as stores can tell.

With the inputs X and the luck of the process Z, ``Var Y = Var E[Y | X] + E Var[Y | X]``: the part
of the parameters, and that of process noise. One store has one luck for each X, so it bounds them:

- a regression g(X) misses at least the noise: ``E (Y - g(X))^2 >= E Var[Y | X]``. It is fitted to
  one half of the realizations and judged on the other, so it cannot fit the noise.
- a second store without noise gives Y0 for the same X, and
  ``corr(Y, Y0)^2 <= Var E[Y | X] / Var Y`` (Cauchy and Schwarz, as Y0 is a function of X), an
  equality where noise leaves the mean at each X where it was, up to a shift and a factor.

Both are lower bounds of the parameters' share, and so upper bounds of the share of noise.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from yieldsim.analysis.caption import raw_model
from yieldsim.analysis.drivers.classes import columns_of
from yieldsim.analysis.drivers.figure import Figure, figure_of
from yieldsim.analysis.drivers.first_order import GROUPS, Weights
from yieldsim.analysis.drivers.sensitivity import drawn_inputs
from yieldsim.analysis.totals import labels_of, realization_blocks
from yieldsim.closed_form.ranks import average_ranks
from yieldsim.errors import UsageError

MOST_INPUTS = 20  # of a regression
_ROWS_EACH = 12  # realizations of the fitted half for each input
_OTHER = "--without-noise"


def explained_by_regression(ds: xr.Dataset, figure: Figure, indices: xr.Dataset) -> xr.Dataset:
    """The share of the variance (period) that the leading inputs explain in the other half.

    Returns ``parameters``, at least this share is due to parameters, and its standard error
    ``se``. The regression has the rank of each input and its square (Legendre polynomials), no
    products of inputs. The inputs are those with the highest indices in the half that it is fitted
    to, as far as these are significant. ``indices`` are those of `first_order_indices`.
    """
    weights = Weights.of(len(figure.values))
    fitted = weights.rows[1].astype(bool)[weights.group]
    leading = _leading(indices, int(fitted.sum()))
    wanted = np.unique(np.concatenate([own for several in leading for own in several]))
    ranks = _ranks(columns_of(drawn_inputs(ds, figure.scenario), wanted.tolist()))
    share, error = np.full((2, len(figure.periods)), np.nan)
    for p in np.flatnonzero(figure.varies):
        y = figure.values[:, p]
        missed, whole = np.empty(len(y)), np.empty(len(y))
        for half, own in enumerate((fitted, ~fitted)):
            chosen = ranks[np.searchsorted(wanted, leading[half][p])]
            terms = np.vstack([np.ones((1, len(y)), np.float32), chosen, 1.5 * chosen**2 - 0.5])
            factors = np.linalg.lstsq(terms[:, own].T, y[own], rcond=None)[0]
            missed[~own] = (y[~own] - factors @ terms[:, ~own]) ** 2
            whole[~own] = (y[~own] - y[~own].mean()) ** 2
        share[p] = 1.0 - missed.sum() / whole.sum()
        part = missed - (1.0 - share[p]) * whole  # of a quotient of means, by the delta method
        error[p] = part.std(ddof=1) / np.sqrt(len(y)) / whole.mean()
    return _shares(figure, share, error)


def _leading(indices: xr.Dataset, fitted: int) -> list[list[np.ndarray]]:
    """The inputs of the regression fitted to each half, by period, the highest index first.

    They lie above the threshold of dummies, which is twice as high for half of the realizations.
    """
    most = int(np.clip(fitted // _ROWS_EACH, 1, MOST_INPUTS))
    limit = 2.0 * indices["threshold"].to_numpy()
    return [
        [
            np.argsort(-column)[:most][np.sort(-column)[:most] < -above]
            for column, above in zip(own.T, limit, strict=True)
        ]
        for own in np.nan_to_num(indices["half_index"].to_numpy(), nan=-1.0)
    ]


def explained_without_noise(ds: xr.Dataset, other: xr.Dataset, figure: Figure) -> xr.Dataset:
    """The squared correlation (period) of a figure with that of a run without process noise.

    Returns ``parameters`` and ``se`` as `explained_by_regression`, here by a jackknife of groups of
    realizations. ``other`` is an ensemble of the same seed and draws, run with
    ``--set simulation.process_noise=false``. Realizations that only one of the two has are left
    out. Raises UsageError, naming the option ``--without-noise``, if it is anything else.
    """
    _check_pair(ds, other, figure.scenario)
    count = min(len(figure.values), other.sizes["realization"])
    what = (figure.variable, figure.product, figure.scenario, figure.periods)
    beside = figure_of(other.isel(realization=slice(0, count)), *what)
    first, second = figure.values[:count], beside.values
    weights = Weights.of(count)
    groups = np.arange(min(count, GROUPS))
    with np.errstate(invalid="ignore"):
        share = _squared_correlation(first, second)
        without = np.stack(
            [
                _squared_correlation(first[weights.group != g], second[weights.group != g])
                for g in groups
            ]
        )
    error = without.std(axis=0) * np.sqrt(len(groups) - 1.0)
    return _shares(figure, share, error)


def _check_pair(ds: xr.Dataset, other: xr.Dataset, scenario: str) -> None:
    """Raise UsageError unless the draws are the same and only the first has process noise."""
    if scenario not in labels_of(other, "scenario"):
        names = ", ".join(labels_of(other, "scenario"))
        raise UsageError(_OTHER, "lacks the scenario", got=scenario, allowed=names)
    noise = [_has_noise(ds), _has_noise(other)]
    if noise != [True, False]:
        problem = "has process noise" if noise[1] else "is compared with another without noise"
        allowed = "a run with --set simulation.process_noise=false, beside one without that"
        raise UsageError(_OTHER, problem, allowed=allowed)
    first, second = drawn_inputs(ds, scenario), drawn_inputs(other, scenario)
    same = ds.attrs.get("seed") == other.attrs.get("seed")
    same = same and labels_of(ds, "parameter") == labels_of(other, "parameter")
    if not (same and _equal(first, second)):
        problem = "has other draws than the ensemble"
        raise UsageError(_OTHER, problem, allowed="a run of the same model, seed and design")


def _has_noise(ds: xr.Dataset) -> bool:
    simulation = raw_model(ds).get("simulation", {})
    return not isinstance(simulation, dict) or simulation.get("process_noise", True) is not False


def _equal(first: xr.DataArray, second: xr.DataArray) -> bool:
    """Whether two arrays of draws agree in the realizations that both have."""
    count = min(first.sizes["realization"], second.sizes["realization"])
    one, two = (a.isel(realization=slice(0, count)) for a in (first, second))
    return all(
        np.array_equal(
            one.isel(realization=block).to_numpy(),
            two.isel(realization=block).to_numpy(),
            equal_nan=True,
        )
        for block in realization_blocks(one)
    )


def _squared_correlation(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Squared correlation along the first axis; 0 where only the second does not vary."""
    first, second = first - first.mean(axis=0), second - second.mean(axis=0)
    both = (first * second).sum(axis=0) ** 2
    scale = (second**2).sum(axis=0)
    quotient = np.divide(both, scale, out=np.zeros_like(both), where=scale > 0.0)
    found: np.ndarray = quotient / (first**2).sum(axis=0)
    return found


def _ranks(values: np.ndarray) -> np.ndarray:
    """Ranks of each input (input, n), from -1 to 1, in single precision to save memory."""
    n = values.shape[1]
    ranks = np.empty(values.shape, dtype=np.float32)
    for row, own in enumerate(values):
        ranks[row] = (2.0 * average_ranks(own) - n - 1.0) / (n - 1.0)
    return ranks


def _shares(figure: Figure, share: np.ndarray, error: np.ndarray) -> xr.Dataset:
    content = {"parameters": ("period", share), "se": ("period", error)}
    return xr.Dataset(content, coords={"period": figure.periods})
