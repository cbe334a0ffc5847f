"""The answer of an ensemble in two lines: how many chips, how sure, and what holds them down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from yieldsim.analysis.overview.fans import Fan
from yieldsim.analysis.records import Record
from yieldsim.analysis.totals import TOTAL

MOST_YEARS = 2
LEAST_SHARE = 0.001  # of what 10 % more of an input adds


def headline_years(fan: Fan, outlook_from: str | None) -> list[str]:
    """The last whole years before the outlook; without an outlook, the last whole years.

    If the ensemble has no whole year, the last years that it covers.
    """
    whole = [p for p, n in zip(fan.periods, fan.quarters, strict=True) if n == 4]
    sure = [year for year in whole if outlook_from is None or year < outlook_from[:4]]
    return (sure or whole or fan.periods)[-MOST_YEARS:]


def headline(
    fan: Fan,
    years: Sequence[str],
    binding: Sequence[Record],
    drivers: Mapping[str, Any] | None,
    gains: Sequence[Record],
    labels: Mapping[str, str],
) -> list[str]:
    """Two sentences on the total of the first scenario.

    ``fan`` and ``binding`` are by year; ``drivers`` is a `sensitivity_summary`, and ``gains`` are
    `gain_records`, empty if the ensemble has no raised inputs. ``labels`` are words for inputs.
    """
    scenario = fan.scenarios[0]
    amounts = [_amount(year, fan.at(scenario, TOTAL, year), year == years[0]) for year in years]
    last = years[-1]
    parts = [_holds(binding, scenario, years), _adds(gains, scenario, last)]
    parts.append(_drives(drivers, last, labels))
    told = [part for part in parts if part] or ["What holds them down is not known"]
    return ["; ".join(amounts) + ".", "; ".join(told) + "."]


def _amount(year: str, figures: Mapping[str, float], is_first: bool) -> str:
    low, middle, high = (words_of(figures[name]) for name in ("p10", "p50", "p90"))
    if is_first:
        return f"{year}: {middle} usable AI chips (median), with 80 % probability {low} to {high}"
    return f"{year}: {middle} ({low} to {high})"


def words_of(chips: float) -> str:
    """A number of chips in three digits: 985,000 or 1.46 million."""
    if abs(chips) >= 999_500:
        return f"{chips / 1e6:.3g} million"
    rounded = float(f"{chips:.3g}")
    return f"{rounded:,.0f}"


def _holds(binding: Sequence[Record], scenario: str, years: Sequence[str]) -> str:
    """What binds the total most often, in the years of the headline."""
    leading: dict[str, Record] = {}
    for record in binding:  # the most frequent comes first
        if (record["scenario"], record["product"]) == (scenario, TOTAL):
            leading.setdefault(record["year"], record)
    shares: dict[str, list[str]] = {}
    for year in years:
        if year in leading:
            own = f"{100.0 * leading[year]['share']:.0f} % in {year}"
            shares.setdefault(leading[year]["constraint"], []).append(own)
    words = [f"{name} ({', '.join(several)})" for name, several in shares.items()]
    return f"What holds them down most often: {' and '.join(words)}" if words else ""


def _adds(gains: Sequence[Record], scenario: str, year: str) -> str:
    """The input of which 10 % more adds most chips in a year."""
    kept = [
        r
        for r in gains
        if (r["base"], r["product"], r.get("year")) == (scenario, TOTAL, year) and r["chips_base"]
    ]
    best = max(kept, key=lambda r: r["chips"], default=None)
    if best is None or best["chips"] < LEAST_SHARE * best["chips_base"]:
        return ""
    share = 100.0 * best["chips"] / best["chips_base"]
    return f"10 % more of {best['input'].replace('_', ' ')} adds {share:.1f} % in {year}"


def _drives(drivers: Mapping[str, Any] | None, year: str, labels: Mapping[str, str]) -> str:
    """The input that explains most of the spread of a year."""
    if drivers is None:
        return ""
    found = [
        r
        for r in drivers["indices"]
        if (r["kind"], r["period"]) == ("first", year) and r["significant"]
    ]
    if not found:
        return f"no single input stands out in the spread of {year}"
    best = max(found, key=lambda r: r["index"])
    name = labels.get(best["parameter"], best["parameter"])
    return f"“{name}” alone explains {100.0 * best['index']:.0f} % of the variance of {year}"
