"""Published figures beside the ensemble's: does its spread contain what others have counted?"""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from yieldsim.analysis.evidence.file import SHIPPED_EVIDENCE, Published, read_published
from yieldsim.analysis.evidence.match import Match, match
from yieldsim.analysis.records import Record
from yieldsim.analysis.statistics.standard_error import STATISTICS, statistics
from yieldsim.analysis.totals import Period, choose, gather, labels_of, quarter_labels
from yieldsim.errors import ModelError
from yieldsim.model.scenario_names import BASELINE

PERCENTILES = ("percentile", "se_percentile", "percentile_low", "percentile_high")


def compare_with_published(
    ds: xr.Dataset, path: str | Path | None = None, scenario: str | None = None
) -> list[dict[str, Any]]:
    """Published figures of a CSV file (see `evidence_file`) beside those of an ensemble.

    Parameters
    ----------
    ds : an ensemble with dims scenario, realization, quarter and others.
    path : the file; default the one that ships with the package. A file of the base columns
        alone is compared as the rows of that file with the same entity and unit are.
    scenario : default ``baseline``, or the first where there is none of this name.

    Returns
    -------
    One record for each row: ``entity``, ``period``, ``unit``, ``kind``, ``source``,
    ``published``, ``url``; ``published_low``, ``published_central``, ``published_high`` (None
    where not given); ``compared``, and where it is false the ``reason``; ``variable``,
    ``select``, ``factor``, ``per`` and ``comparable``, how far the two count the same. Where
    compared: ``mean``, ``p10``, ``p50``, ``p90`` with the Monte Carlo errors ``se_...``, in the
    unit of the row; ``percentile``, the share of realizations below the central figure (ties
    count half), with its error, and ``percentile_low``, ``percentile_high`` for the ends of the
    published range; ``inside``: whether that range and P10-P90 meet, where a bound alone is a
    range that is open at its other end.

    Raises ModelError for a file that cannot be read or of which no row can be compared, and
    UsageError for an unknown scenario.
    """
    file = Path(path) if path is not None else SHIPPED_EVIDENCE
    rows = read_published(file)
    one = choose(ds, [compared_scenario(ds, scenario)])
    bare = any(row.variable is None for row in rows)
    known = read_published(SHIPPED_EVIDENCE) if bare else []
    matches = [match(one, row, known) for row in rows]
    _some_answer(file, one, matches)
    figures = _figures(one, matches)
    return [
        _record(row, found, figures.get(place))
        for place, (row, found) in enumerate(zip(rows, matches, strict=True))
    ]


def compared_scenario(ds: xr.Dataset, scenario: str | None = None) -> str:
    """The scenario asked for, else ``baseline``, else the first that the ensemble has."""
    names = labels_of(ds, "scenario")
    return scenario or (BASELINE if BASELINE in names else names[0])


def _some_answer(file: Path, ds: xr.Dataset, matches: list[Match]) -> None:
    if not matches:
        raise ModelError(file.name, "has no rows")
    if all(one.reason for one in matches):
        ((reason, _),) = Counter(one.reason for one in matches).most_common(1)
        labels = quarter_labels(ds)
        raise ModelError(
            file.name,
            f"has no figure that the ensemble can answer (most often: {reason})",
            allowed=f"figures within {labels[0]} to {labels[-1]}",
        )


def _figures(ds: xr.Dataset, matches: list[Match]) -> dict[int, np.ndarray]:
    """The ensemble's figures (realization) for each match, by its place.

    Matches of the same variable and quarters are read in one pass.
    """
    several: dict[tuple[str, tuple[int, ...]], list[int]] = {}
    for place, one in enumerate(matches):
        if not one.reason:
            several.setdefault((one.variable, one.quarters), []).append(place)
    found: dict[int, np.ndarray] = {}
    for (variable, quarters), places in several.items():
        period: Period = "horizon" if len(quarters) > 1 else "quarter"
        groups = {str(place): list(matches[place].places) for place in places}
        (columns,) = gather(ds.isel(quarter=list(quarters)), variable, period, groups)
        for row, place in enumerate(places):
            found[place] = columns.values[row, 0] * matches[place].scale
    return found


def _record(row: Published, found: Match, values: np.ndarray | None) -> dict[str, Any]:
    record: dict[str, Any] = {
        "entity": row.entity,
        "period": row.period,
        "unit": row.unit,
        "kind": row.kind,
        "source": row.source,
        "published": row.published,
        "url": row.url,
        "published_low": row.low,
        "published_central": row.central,
        "published_high": row.high,
        "compared": values is not None,
        "reason": found.reason or None,
        "variable": found.variable or None,
        "select": found.select or None,
        "factor": found.factor if values is not None else None,
        "per": found.per if values is not None else None,
        "comparable": found.note or None,
    }
    if values is None:
        return record | dict.fromkeys((*STATISTICS, *PERCENTILES, "inside"))
    return record | _statistics(row, values)


def _statistics(row: Published, values: np.ndarray) -> Record:
    """The spread of the ensemble's figures, and where the published ones lie in it."""
    spread: Record = statistics(values)
    p10, p90 = spread["p10"], spread["p90"]
    low, high = row.bounds
    central = _below(values, row.central)
    error = None if central is None else math.sqrt(central * (1.0 - central) / len(values))
    return spread | {
        "percentile": central,
        "se_percentile": error,
        "percentile_low": _below(values, row.low),
        "percentile_high": _below(values, row.high),
        "inside": p10 is not None and p90 is not None and p10 <= high and low <= p90,
    }


def _below(values: np.ndarray, figure: float | None) -> float | None:
    """The share of realizations below a figure; those equal to it count half."""
    if figure is None:
        return None
    return float((values < figure).mean() + 0.5 * (values == figure).mean())
