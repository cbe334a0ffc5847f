"""Calendar quarters: the periods of results and the dates of a model file."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator

from yieldsim.model.schema.values import shown

# from the year 1000 on, so that warm-ups and delays never reach back to the year 0
_PATTERN = re.compile(r"([12][0-9]{3})Q([1-4])")


def quarter_index(quarter: str) -> int:
    """Quarters since the year 0; differences of indices are numbers of quarters.

    Raises ValueError unless the text is a quarter such as ``2026Q3``.
    """
    match = _PATTERN.fullmatch(quarter)
    if match is None:
        raise ValueError(f'must be a quarter, got {shown(quarter)}; allowed: such as "2026Q3"')
    return int(match[1]) * 4 + int(match[2]) - 1


def quarter_name(index: int) -> str:
    """The text of a quarter index: the inverse of `quarter_index`."""
    return f"{index // 4}Q{index % 4 + 1}"


def quarter_range(start: str, end: str) -> list[str]:
    """All quarters from ``start`` to ``end``, both included."""
    return [quarter_name(i) for i in range(quarter_index(start), quarter_index(end) + 1)]


def _check(quarter: Any) -> str:
    if not isinstance(quarter, str):  # a date of TOML, or a year
        raise ValueError(f'must be a quarter, got {shown(quarter)}; allowed: such as "2026Q3"')
    quarter_index(quarter)
    return quarter


Quarter = Annotated[str, BeforeValidator(_check)]
