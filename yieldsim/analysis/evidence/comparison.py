"""Published figures beside those of an ensemble: does its spread contain them?"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from yieldsim.analysis.evidence.file import (
    SHIPPED_EVIDENCE,
    SHIPPED_FORECASTS,
    Published,
    read_published,
)
from yieldsim.analysis.evidence.match import Match, match
from yieldsim.analysis.periods import Period, quarter_labels
from yieldsim.analysis.records import Record
from yieldsim.analysis.statistics.standard_error import STATISTICS, mean_and_error, statistics
from yieldsim.analysis.totals import choose, gather, labels_of
from yieldsim.analysis.weights import weights_of
from yieldsim.errors import ModelError
from yieldsim.model.scenario_names import BASELINE

PERCENTILES = ("percentile", "se_percentile", "percentile_low", "percentile_high")
FAR = 0.05  # of the realizations: a figure beyond these shares needs a reason
Row = tuple[Published, Match]


def compare_with_published(
    ds: xr.Dataset, path: str | Path | None = None, scenario: str | None = None
) -> list[dict[str, Any]]:
    """Published figures of a CSV file (see `evidence.file`) beside those of an ensemble.

    Parameters
    ----------
    ds : an ensemble with dims scenario, realization, quarter and others.
    path : the file, by default the shipped one. Rows of the base columns alone are compared like
        the rows of the shipped files with the same entity and unit.
    scenario : by default ``baseline``, or the first if there is no such scenario.

    Returns
    -------
    A record for each row: ``entity``, ``period``, ``unit``, ``kind``, ``source``, ``published``,
    ``url``, ``role``, ``sets``, ``house``, ``remark``; ``published_low``, ``published_central``,
    ``published_high`` (None if not given); ``compared``, and if it is false the ``reason``;
    ``variable``, ``select``, ``factor``, ``per`` and ``comparable``, how far the two count the
    same. If compared: ``mean``, ``p10``, ``p50``, ``p90`` with the Monte Carlo errors ``se_...``,
    in the unit of the row; ``percentile``, the share of realizations below the central figure
    (ties count half), with its error, and ``percentile_low``, ``percentile_high`` for the ends of
    the published range; ``inside``: whether that range and P10 to P90 overlap; ``far``: whether it
    lies beyond P5 or P95. A bound alone is a range that is open at the other end.

    Raises ModelError for a file that cannot be read or without a comparable row, and UsageError
    for an unknown scenario.
    """
    (records,) = compare_files(ds, [path or SHIPPED_EVIDENCE], scenario)
    return records


def compare_files(
    ds: xr.Dataset, paths: Iterable[str | Path], scenario: str | None = None
) -> list[list[dict[str, Any]]]:
    """`compare_with_published` of several files, of which at least one has a comparable row."""
    chosen = choose(ds, [compared_scenario(ds, scenario)])
    return [_records(chosen, rows) for rows in matched_files(chosen, paths)]


def matched_files(ds: xr.Dataset, paths: Iterable[str | Path]) -> list[list[Row]]:
    """The rows of several files with their matches in an ensemble of a single scenario.

    Raises ModelError as `compare_with_published` does.
    """
    files = [Path(path) for path in paths]
    several = [read_published(file) for file in files]
    bare = any(row.variable is None for rows in several for row in rows)
    shipped = (SHIPPED_EVIDENCE, SHIPPED_FORECASTS) if bare else ()
    known = [row for file in shipped for row in read_published(file)]
    matched = [[(row, match(ds, row, known)) for row in rows] for rows in several]
    _check_matches(files, ds, matched)
    return matched


def _records(ds: xr.Dataset, rows: list[Row]) -> list[dict[str, Any]]:
    figures = figures_of(ds, [matched for _, matched in rows])
    weights = weights_of(ds)
    return [
        _record(row, matched, figures.get(place), weights)
        for place, (row, matched) in enumerate(rows)
    ]


def compared_scenario(ds: xr.Dataset, scenario: str | None = None) -> str:
    """The scenario asked for, else ``baseline``, else the first that the ensemble has."""
    names = labels_of(ds, "scenario")
    return scenario or (BASELINE if BASELINE in names else names[0])


def _check_matches(files: list[Path], ds: xr.Dataset, matched: list[list[Row]]) -> None:
    """Raise ModelError unless every file has rows, and at least one row has a match."""
    for file, rows in zip(files, matched, strict=True):
        if not rows:
            raise ModelError(file.name, "has no rows")
    reasons = [found.reason for rows in matched for _, found in rows]
    if all(reasons):
        ((reason, _),) = Counter(reasons).most_common(1)
        labels = quarter_labels(ds)
        raise ModelError(
            " and ".join(file.name for file in files),
            f"has no figure that the ensemble can be compared with (most often: {reason})",
            allowed=f"figures within {labels[0]} to {labels[-1]}",
        )


def figures_of(ds: xr.Dataset, matches: list[Match]) -> dict[int, np.ndarray]:
    """The ensemble's figures (realization) for each match, by its place.

    Matches of the same variable and quarters are read in a single pass.
    """
    several: dict[tuple[str, tuple[int, ...]], list[int]] = {}
    for place, matched in enumerate(matches):
        if not matched.reason:
            several.setdefault((matched.variable, matched.quarters), []).append(place)
    figures: dict[int, np.ndarray] = {}
    for (variable, quarters), places in several.items():
        period: Period = "horizon" if len(quarters) > 1 else "quarter"
        groups = {str(place): list(matches[place].places) for place in places}
        (totals,) = gather(ds.isel(quarter=list(quarters)), variable, period, groups)
        for row, place in enumerate(places):
            figures[place] = totals.values[row, 0] * matches[place].scale
    return figures


def _record(
    row: Published, matched: Match, values: np.ndarray | None, weights: np.ndarray | None
) -> dict[str, Any]:
    record: dict[str, Any] = {
        "entity": row.entity,
        "period": row.period,
        "unit": row.unit,
        "kind": row.kind,
        "source": row.source,
        "published": row.published,
        "url": row.url,
        "role": row.role,
        "sets": list(row.sets),
        "house": row.house,
        "remark": row.remark or None,
        "published_low": row.low,
        "published_central": row.central,
        "published_high": row.high,
        "compared": values is not None,
        "reason": matched.reason or None,
        "variable": matched.variable or None,
        "select": matched.select or None,
        "factor": matched.factor if values is not None else None,
        "per": matched.per if values is not None else None,
        "comparable": matched.note or None,
    }
    if values is None:
        return record | dict.fromkeys((*STATISTICS, *PERCENTILES, "inside", "far"))
    return record | _statistics(row, values, weights)


def _statistics(row: Published, values: np.ndarray, weights: np.ndarray | None) -> Record:
    """The spread of the ensemble's figures, and where the published ones lie in it."""
    spread: Record = statistics(values, weights)
    p10, p90 = spread["p10"], spread["p90"]
    low, high = row.bounds
    central = below(values, row.central, weights)
    return spread | {
        "percentile": central,
        "se_percentile": _percentile_error(values, row.central, central, weights),
        "percentile_low": below(values, row.low, weights),
        "percentile_high": below(values, row.high, weights),
        "inside": p10 is not None and p90 is not None and p10 <= high and low <= p90,
        "far": not _reaches(values, low, high, weights),
    }


def _reaches(values: np.ndarray, low: float, high: float, weights: np.ndarray | None) -> bool:
    """Whether the range from ``low`` to ``high`` meets the ensemble between P5 and P95."""
    above, under = below(values, high, weights), below(values, low, weights)
    assert above is not None
    assert under is not None
    return above >= FAR and under <= 1.0 - FAR


def below(
    values: np.ndarray, figure: float | None, weights: np.ndarray | None = None
) -> float | None:
    """The share of realizations below a figure; those equal to it count half."""
    if figure is None:
        return None
    under, equal = (
        np.average(hits, weights=weights) for hits in (values < figure, values == figure)
    )
    return float(under + 0.5 * equal)


def _percentile_error(
    values: np.ndarray,
    figure: float | None,
    percentile: float | None,
    weights: np.ndarray | None,
) -> float | None:
    if figure is None or percentile is None:
        return None
    if weights is None:
        return math.sqrt(percentile * (1.0 - percentile) / len(values))
    scores = (values < figure) + 0.5 * (values == figure)
    error = float(mean_and_error(scores, weights)[1])
    return error if math.isfinite(error) else None
