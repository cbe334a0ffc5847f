"""Periods of an ensemble: quarters, halves of years, calendar years and the whole horizon.

A kind of period (`KINDS`) stands for all its periods in the ensemble. A name stands for one:
``2027Q3``, ``2027H1``, ``2027`` or ``horizon``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from yieldsim.errors import UsageError

if TYPE_CHECKING:
    import xarray as xr

HORIZON = "horizon"
KINDS = ("quarter", "half", "year", HORIZON)
Names = tuple[str, ...]
Period = str | Names  # a kind, or the names of some periods
_NAME = re.compile(r"\d{4}(?:Q[1-4]|H[12])?", re.ASCII)
_EXAMPLES = "or one such as 2027Q3, 2027H1 or 2027"


def quarter_labels(ds: xr.Dataset) -> list[str]:
    """The quarters as texts such as ``2025Q3``."""
    if "quarter_label" in ds.coords:
        return [str(label) for label in ds["quarter_label"].to_numpy()]
    quarters = ds["quarter"].to_numpy()
    if np.issubdtype(quarters.dtype, np.datetime64):
        months = quarters.astype("datetime64[M]").astype(int)
        return [f"{1970 + m // 12}Q{m % 12 // 3 + 1}" for m in months]
    return [str(quarter) for quarter in quarters]


def period_quarters(ds: xr.Dataset, period: Period) -> tuple[list[str], list[list[int]]]:
    """The names of the periods and the places of the quarters in each.

    A year or half that the ensemble covers in part has fewer quarters. The kind ``horizon`` is
    named by its first and last quarter. Raises UsageError for a name that is no period, or one
    outside the ensemble.
    """
    labels = quarter_labels(ds)
    if period == "quarter":
        return labels, [[place] for place in range(len(labels))]
    if period == HORIZON:
        return [f"{labels[0]}-{labels[-1]}"], [list(range(len(labels)))]
    if period in ("half", "year"):
        several: dict[str, list[int]] = {}
        for place, label in enumerate(labels):
            several.setdefault(label[:4] if period == "year" else _half(label), []).append(place)
        return list(several), list(several.values())
    names = (period,) if isinstance(period, str) else period
    return list(names), [_places(labels, name) for name in names]


def _half(quarter: str) -> str:
    return f"{quarter[:4]}H{1 + (quarter[5:] > '2')}"


def _places(labels: list[str], name: str) -> list[int]:
    """The places of the quarters of a period, by its name."""
    if name == HORIZON:
        return list(range(len(labels)))
    if not _NAME.fullmatch(name):
        allowed = f"{', '.join(KINDS)}, {_EXAMPLES}"
        raise UsageError("period", "unknown period", got=name, allowed=allowed)
    places = [i for i, label in enumerate(labels) if name in (label, _half(label), label[:4])]
    if not places:
        allowed = f"{labels[0]} to {labels[-1]}"
        raise UsageError("period", "is outside the ensemble", got=name, allowed=allowed)
    return places


def named_periods(ds: xr.Dataset, chosen: Sequence[str]) -> Names:
    """The names of the chosen periods, of which each is a name or a kind.

    Raises UsageError as `period_quarters` does.
    """
    names: list[str] = []
    for period in chosen:
        labels, _ = period_quarters(ds, period)
        names += [HORIZON] if period == HORIZON else labels
    return tuple(dict.fromkeys(names))


def period_ends(ds: xr.Dataset, period: Period) -> Names:
    """The last quarter of each period."""
    labels = quarter_labels(ds)
    return tuple(labels[places[-1]] for places in period_quarters(ds, period)[1])


def time_key(period: Period) -> str:
    """The key of the period's name in a record: its kind, or ``period`` for chosen periods."""
    return period if isinstance(period, str) and period in KINDS else "period"


def time_fields(period: Period, label: str, quarters: int) -> dict[str, Any]:
    """What a record says of its period.

    Years and chosen periods say how many of their ``quarters`` the ensemble covers.
    """
    key = time_key(period)
    return {key: label, "quarters": quarters} if key in ("year", "period") else {key: label}


def by_period(
    made: Callable[[Period], list[dict[str, Any]]],
    names: Names,
    by_quarter: str = "records",
    by_year: str = "yearly",
) -> dict[str, list[dict[str, Any]]]:
    """Lists of records by quarter and by calendar year, or the first alone of chosen periods."""
    if names:
        return {by_quarter: made(names)}
    return {by_quarter: made("quarter"), by_year: made("year")}


def chosen_periods(names: Names) -> dict[str, list[str]]:
    """What a summary says of its periods: nothing unless some are chosen."""
    return {"periods": list(names)} if names else {}
