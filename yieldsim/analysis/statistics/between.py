"""Differences between two ensembles: paired where they have the same draws, else unpaired.

Realization r of two runs meets the same luck if both have the same seed and the same design of
draws (`yieldsim.design`): a draw depends on the seed, r and the path of its parameter alone, and
an input with another prior leaves all others as they were. Weighted realizations must have the
same weights too. Then the difference is taken realization by realization. Otherwise only the
difference of means has a meaning, with the error sqrt(se a^2 + se b^2) of independent samples.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from yieldsim.analysis.periods import Period, period_quarters
from yieldsim.analysis.statistics.differences import FIGURES, differences_of, spreads
from yieldsim.analysis.statistics.quantiles import quantiles
from yieldsim.analysis.statistics.standard_error import P10_P50_P90, sample_quantiles
from yieldsim.analysis.totals import BUDGET_BYTES, TOTAL, chosen_groups, gather, labels_of
from yieldsim.analysis.weights import weights_of

CHECKED = 16  # realizations whose draws are compared


def unpaired_reason(base: xr.Dataset, other: xr.Dataset) -> str | None:
    """Why realizations of two ensembles are not the same worlds; None if they are.

    Each has a single scenario.
    """
    if any("seed" not in ds.attrs for ds in (base, other)):
        return "seed: unknown"
    known = {"seed": "", "design": "random", "samples_digest": "no samples"}
    for name, default in known.items():
        first, second = (str(ds.attrs.get(name, default)) for ds in (base, other))
        if first != second:
            return f"{name.removesuffix('_digest')}: {first} and {second}"
    count = min(base.sizes["realization"], other.sizes["realization"])
    if not np.array_equal(_numbers(base)[:count], _numbers(other)[:count]):
        return "their realizations have other numbers"
    weights = [weights_of(ds) for ds in (base, other)]
    if any(own is not None for own in weights) and not _same(*weights):
        return "their realizations have other weights"
    shared = _shared_inputs(base, other)
    if len(shared) > 1 and not any(shared.values()):
        return f"none of their {len(shared)} common inputs has the same draws"
    return None


def _same(first: np.ndarray | None, second: np.ndarray | None) -> bool:
    return first is not None and second is not None and np.array_equal(first, second)


def _shared_inputs(base: xr.Dataset, other: xr.Dataset) -> dict[str, bool]:
    """The inputs that both ensembles draw, and whether the first draws of each are the same."""
    if any("parameter_value" not in ds or "parameter" not in ds.coords for ds in (base, other)):
        return {}
    count = min(CHECKED, *(ds.sizes["realization"] for ds in (base, other)))
    paths = [labels_of(ds, "parameter") for ds in (base, other)]
    first, second = (
        ds["parameter_value"].isel(scenario=0, realization=slice(count)).transpose("parameter", ...)
        for ds in (base, other)
    )
    both = [path for path in paths[0] if path in set(paths[1])]
    places = [[own.index(path) for path in both] for own in paths]
    same = (first.to_numpy()[places[0]] == second.to_numpy()[places[1]]).all(axis=1)
    return dict(zip(both, same.tolist(), strict=True))


def _numbers(ds: xr.Dataset) -> np.ndarray:
    known = "realization" in ds.coords
    return ds["realization"].to_numpy() if known else np.arange(ds.sizes["realization"])


def difference_between(
    base: xr.Dataset,
    other: xr.Dataset,
    period: Period = "year",
    products: Sequence[str] = (TOTAL,),
    variable: str = "usable_chips",
) -> xr.Dataset:
    """The other ensemble minus the base, each of a single scenario.

    Returns ``mean`` and ``se_mean``, ``quantile`` and ``se_quantile`` of the paired difference,
    and ``spread_ratio`` (see `paired_differences`), over product, period and probability; all but
    the first two are NaN if the two are not paired. Attributes: ``paired`` (0 or 1), ``reason`` why
    not, and ``realizations``, the number of pairs, or of the smaller ensemble. Where one ensemble
    has more realizations, the first ones are paired. Raises UsageError for a product or a period
    that one of them lacks.
    """
    reason = unpaired_reason(base, other)
    count = min(ds.sizes["realization"] for ds in (base, other))
    labels, _ = period_quarters(base, period)
    names = list(chosen_groups(base, products))
    shape = (len(names), len(labels))
    figures = {name: np.full(shape, np.nan) for name in FIGURES}
    quantile, se_quantile = (np.full((*shape, len(P10_P50_P90)), np.nan) for _ in range(2))
    if reason is None:
        weights = weights_of(base)
        budget = BUDGET_BYTES // 3  # totals of both, and their difference
        parts = (
            gather(
                ds.isel(realization=slice(count)),
                variable,
                period,
                chosen_groups(ds, products),
                budget_bytes=budget,
            )
            for ds in (base, other)
        )
        for first, second in zip(*parts, strict=True):
            at = (slice(None), slice(first.first, first.first + len(first.periods)))
            for name, figure in spreads(first.values, second.values, weights).items():
                figures[name][at] = figure
            quantile[at], se_quantile[at] = sample_quantiles(
                second.values - first.values, P10_P50_P90, weights
            )
    else:
        first, second = (
            quantiles(ds, variable, period, groups=chosen_groups(ds, products)).isel(scenario=0)
            for ds in (base, other)
        )
        figures["mean"] = second["mean"].to_numpy() - first["mean"].to_numpy()
        figures["se_mean"] = np.hypot(first["se_mean"].to_numpy(), second["se_mean"].to_numpy())
    coords = {"product": names, "period": labels, "probability": list(P10_P50_P90)}
    attrs = {
        "variable": variable,
        "paired": int(reason is None),
        "reason": reason or "",
        "realizations": count,
    }
    found: dict[str, np.ndarray] = {**figures, "quantile": quantile, "se_quantile": se_quantile}
    return differences_of(base, found, coords, attrs)
