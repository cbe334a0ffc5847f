"""Published figures as short texts, for tables and charts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

NOTHING = 1e-9  # of anything that is counted: rounding of a sum that is zero


def published(record: Mapping[str, Any]) -> str:
    """The published figure as text: 805,000, a range, or a bound."""
    low, central, high = (record[f"published_{name}"] for name in ("low", "central", "high"))
    if low is None and high is None:
        return short(central)
    if central is None and low is None:
        return f"<= {short(high)}"
    if central is None and high is None:
        return f">= {short(low)}"
    ends = [end for end in (low, central, high) if end is not None]
    return f"{short(ends[0])} to {short(ends[-1])}"


def entity_in(record: Mapping[str, Any]) -> str:
    """Who is counted, and when."""
    return f"{record['entity']}, {record['period']}"


def below(record: Mapping[str, Any]) -> str:
    """The share of realizations below the published figure, as text."""
    if record["percentile"] is not None:
        return f"{_percent(record['percentile'])} %"
    ends = [record[f"percentile_{name}"] for name in ("low", "high")]
    texts = [_percent(end) for end in ends if end is not None]
    return " to ".join(dict.fromkeys(texts)) + " %"


def _percent(share: float) -> str:
    """Whole percent; <1 and >99 are kept apart from 0 and 100."""
    if 0.0 < share < 0.01:
        return "<1"
    return ">99" if 0.99 < share < 1.0 else f"{100.0 * share:.0f}"


def short(number: float | None) -> str:
    """A count with thousands separated; smaller figures with three digits."""
    if number is None:
        return "-"
    if abs(number) >= 1e9:
        return f"{number:.3g}".replace("e+", "e")
    if abs(number) < NOTHING:
        return "0"
    return f"{number:,.0f}" if abs(number) >= 100.0 else f"{number:.3g}"
