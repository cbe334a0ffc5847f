"""What drives a figure, as flat records ready for JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

from yieldsim.analysis.caption import origin
from yieldsim.analysis.drivers.figure import Figure, figure_of
from yieldsim.analysis.drivers.noise import explained_by_regression, explained_without_noise
from yieldsim.analysis.drivers.sensitivity import directions, first_order_indices
from yieldsim.analysis.drivers.swapped import Design, design_of, joined_groups
from yieldsim.analysis.drivers.swaps import quantile_swaps
from yieldsim.analysis.drivers.total import total_indices
from yieldsim.analysis.evidence.comparison import compared_scenario
from yieldsim.analysis.records import Record
from yieldsim.analysis.statistics.correlation import rank_correlations
from yieldsim.analysis.statistics.standard_error import named
from yieldsim.analysis.totals import choose, labels_of
from yieldsim.analysis.weights import weights_of
from yieldsim.errors import UsageError

LEADING = 10  # inputs of a period that have quantile swaps


def sensitivity_summary(
    ds: xr.Dataset,
    variable: str = "usable_chips",
    product: str | None = None,
    periods: Sequence[str] = (),
    scenario: str | None = None,
    without_noise: xr.Dataset | None = None,
    leading: int = LEADING,
) -> dict[str, Any]:
    """What drives a figure of an ensemble, as plain numbers ready for JSON.

    ``indices``: for each drawn input that varies and each period the first-order index, its
    interval, whether it lies above the threshold of dummies, and in which direction the figure
    goes; ``sd_if_known``, the standard deviation expected once the input is known; and
    ``correlated_with``, the inputs whose effect the index shares. The highest index of each period
    comes first. A designed run (see `swapped`) has total indices too. ``tornado``: for the
    ``leading`` inputs of each period the mean and the median of the figure where the input is in
    its lowest and in its highest tenth, the largest difference of means first. ``variance``: what
    is due to parameters at least, and to process noise at most; where a designed run repeats
    inputs, these are estimates and no bounds. ``designed``: its rows and groups, or None.
    ``thresholds`` by period. ``constant``: inputs that do not vary. Swaps and variance are given
    for years and longer periods; for quarters if nothing else is asked for.

    Raises UsageError for names that the ensemble does not hold, too few realizations, a figure that
    does not vary, and a store ``without_noise`` of other draws; StoreError without draws.
    """
    if weights_of(ds) is not None:
        problem = "indices are of independent draws, which weighted realizations are not"
        allowed = "no --weights; `yieldsim condition` says which inputs the evidence moved"
        raise UsageError("--weights", problem, allowed=allowed)
    name = compared_scenario(ds, scenario)
    choose(ds, [name])  # refuses a name that is not there
    design = design_of(ds, name)
    whole = figure_of(ds, variable, product, name, periods).varying()
    figure = whole
    if design is not None:  # only its first two blocks are independent draws
        draws = slice(0, 2 * design.rows)
        ds, figure = ds.isel(realization=draws), replace(whole, values=whole.values[draws])
    partners = partners_of(ds, name)
    found = first_order_indices(ds, figure)
    first = _index_records(found, partners)
    totals = total_indices(whole, design) if design is not None else None
    longer = figure.longer()
    inner = found.sel(period=longer.periods)
    tornado = _tornado(ds, longer, inner, leading)
    return {
        "scenario": name,
        "variable": variable,
        "product": figure.product,
        "units": figure.units,
        "indices": first + _total_records(totals, partners, first),
        "tornado": tornado,
        "variance": _variance(ds, longer, inner, without_noise, totals),
        "designed": None if design is None else {"rows": design.rows, "groups": _lists(design)},
        "thresholds": _thresholds(found),
        "constant": _constant(found),
        "classes": found.attrs["classes"],
        "dummies": found.attrs["dummies"],
        "false_rate": found.attrs["false_rate"],
        "level": found.attrs["level"],
        **origin(ds),
    }


def _lists(design: Design) -> list[list[str]]:
    return [list(group) for group in design.groups]


def _constant(found: xr.Dataset) -> list[str]:
    pairs = zip(labels_of(found, "parameter"), found["varies"].to_numpy(), strict=True)
    return [name for name, varies in pairs if not varies]


def _order(found: xr.Dataset, period: int) -> np.ndarray:
    """The inputs that vary, the highest index first."""
    order = np.argsort(-found["index"].to_numpy()[:, period], kind="stable")
    return order[found["varies"].to_numpy()[order]]


def _index_records(found: xr.Dataset, partners: dict[str, list[str]]) -> list[Record]:
    inputs, periods = labels_of(found, "parameter"), labels_of(found, "period")
    index, low, high = (found[name].to_numpy() for name in ("index", "low", "high"))
    significant, words = found["significant"].to_numpy(), directions(found)
    sd = found["sd"].to_numpy()
    return [
        {"parameter": inputs[i], "kind": "first", "period": periods[p]}
        | named(("index", "low", "high"), [float(own[i, p]) for own in (index, low, high)])
        | {
            "significant": bool(significant[i, p]),
            "direction": str(words[i, p]) or None,
            "sd_if_known": float(sd[p] * np.sqrt(np.clip(1.0 - index[i, p], 0.0, 1.0))),
            "correlated_with": partners.get(inputs[i], []),
        }
        for p in range(len(periods))
        for i in _order(found, p)
    ]


def _total_records(
    totals: xr.Dataset | None, partners: dict[str, list[str]], first: list[Record]
) -> list[Record]:
    """Records of the total indices of a designed run, the highest of each period first.

    Directions are those of the ``first`` records; a group of several inputs has none.
    """
    if totals is None:
        return []
    groups, periods = labels_of(totals, "group"), labels_of(totals, "period")
    numbers = [totals[name].to_numpy() for name in ("index", "low", "high")]
    significant = totals["significant"].to_numpy()
    goes = {(r["parameter"], r["period"]): r["direction"] for r in first}
    return [
        {"parameter": groups[g], "kind": "total", "period": periods[p]}
        | named(("index", "low", "high"), [float(own[g, p]) for own in numbers])
        | {
            "significant": bool(significant[g, p]),
            "direction": goes.get((groups[g], periods[p])),
            "sd_if_known": None,
            "correlated_with": partners.get(groups[g], []),
        }
        for p in range(len(periods))
        for g in np.argsort(-numbers[0][:, p], kind="stable")
    ]


def partners_of(ds: xr.Dataset, scenario: str) -> dict[str, list[str]]:
    """Input -> the inputs that the model correlates it with."""
    partners: dict[str, list[str]] = {}
    for first, second in _pairs(ds, scenario):
        partners.setdefault(first, []).append(second)
        partners.setdefault(second, []).append(first)
    return partners


def _pairs(ds: xr.Dataset, scenario: str) -> Iterator[tuple[str, str]]:
    """The correlated pairs, from the store's own list, else from the model that it carries."""
    names = ("parameter_first", "parameter_second")
    if all(name in ds for name in names):
        first, second = ([str(path) for path in ds[name].to_numpy()] for name in names)
        yield from zip(first, second, strict=True)
    elif "model_json" in ds.attrs:
        for record in rank_correlations(choose(ds, [scenario])):
            yield record["first"], record["second"]


def leading_groups(summary: dict[str, Any], most: int) -> list[list[str]]:
    """The inputs with the highest first-order index in any period, correlated ones together."""
    best: dict[str, float] = {}
    partners: dict[str, list[str]] = {}
    for record in summary["indices"]:
        if record["kind"] == "first":
            name = record["parameter"]
            best[name] = max(best.get(name, -1.0), record["index"])
            partners[name] = record["correlated_with"]
    leading = sorted(best, key=lambda name: -best[name])[:most]
    return joined_groups(leading, partners)


def _tornado(ds: xr.Dataset, figure: Figure, found: xr.Dataset, leading: int) -> list[Record]:
    labels = labels_of(found, "parameter")
    orders = [_order(found, p)[:leading] for p in range(len(figure.periods))]
    inputs = list(dict.fromkeys(labels[i] for order in orders for i in order))
    swaps = quantile_swaps(ds, figure, inputs)
    several = [_swap_records(swaps, p, [labels[i] for i in own]) for p, own in enumerate(orders)]
    return [r for own in several for r in sorted(own, key=lambda r: -abs(r["difference"]))]


def _swap_records(swaps: xr.Dataset, period: int, inputs: Sequence[str]) -> Iterator[Record]:
    at = swaps.isel(period=period).sel(parameter=list(inputs))
    units = at["mean"].attrs["units"]
    for i, name in enumerate(inputs):
        ends: dict[str, float] = {}
        for e, end in enumerate(("low", "high")):
            for statistic in ("mean", "se_mean", "median", "se_median"):
                ends[f"{end}_{statistic}"] = float(at[statistic][i, e])
            ends[f"{end}_input"] = float(at["input_limit"][i, e])
        ends["difference"] = ends["high_mean"] - ends["low_mean"]
        ends["se_difference"] = float(np.hypot(ends["low_se_mean"], ends["high_se_mean"]))
        yield (
            {"parameter": name, "period": labels_of(swaps, "period")[period], "units": units}
            | named(ends, list(ends.values()))
            | {"low_count": int(at["count"][i, 0]), "high_count": int(at["count"][i, 1])}
        )


def _variance(
    ds: xr.Dataset,
    figure: Figure,
    found: xr.Dataset,
    without_noise: xr.Dataset | None,
    totals: xr.Dataset | None,
) -> list[Record]:
    """Records of the split by period: by regression, by a second store, by repeated inputs."""
    splits = {"regression": explained_by_regression(ds, figure, found)}
    if totals is not None:
        own = totals.sel(period=figure.periods)
        splits["repeat"] = own.assign(parameters=1.0 - own["noise"], se=own["se_noise"])
    if without_noise is not None:
        splits["pair"] = explained_without_noise(ds, without_noise, figure)
    records = []
    for how, split in splits.items():
        for p, period in enumerate(figure.periods):
            share, error = float(split["parameters"][p]), float(split["se"][p])
            least = float(np.clip(share, 0.0, 1.0))
            bounds = {"parameters_at_least": least, "noise_at_most": 1.0 - least, "se": error}
            sd = float(found["sd"][p])
            numbers = named([*bounds, "sd"], [*bounds.values(), sd])
            records.append({"period": period, "how": how} | numbers)
    return records


def _thresholds(found: xr.Dataset) -> dict[str, float | None]:
    return named(labels_of(found, "period"), found["threshold"].to_numpy().tolist())
