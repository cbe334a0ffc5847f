"""Plain values of a model file, and how a message shows them."""

from __future__ import annotations

import math
from typing import Annotated, Any

from pydantic import BeforeValidator

# far above any count of the field (1e18 stands for "no limit"), far below where sums overflow
LARGEST = 1e30
_LONGEST = 60


def shown(item: Any) -> str:
    """A value of a model file on one line, as its author wrote it."""
    if isinstance(item, bool):
        return str(item).lower()
    if isinstance(item, dict):
        return _cut(f"a table of {', '.join(map(str, item))}") if item else "an empty table"
    if isinstance(item, list | tuple):
        return (
            "[" + ", ".join(shown(entry) for entry in item[:4]) + (", ..." * (len(item) > 4)) + "]"
        )
    if isinstance(item, int | float):
        return _huge(item) if abs(item) > LARGEST else f"{item:.12g}"
    return _cut(repr(item) if isinstance(item, str) else str(item))


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."


def _huge(item: int | float) -> str:
    # a huge integer converts neither to a float nor, beyond 4300 digits, to a text
    finite = isinstance(item, int) or math.isfinite(item)
    return f"{'-' if item < 0 else ''}{'more than 1e30' if finite else 'inf'}"


def is_number(item: Any) -> bool:
    """Whether a raw item is a number; booleans are not."""
    return isinstance(item, int | float) and not isinstance(item, bool)


def _number(item: Any) -> float:
    if not is_number(item):
        raise ValueError(f"must be a number, got {shown(item)}")
    if not abs(item) <= LARGEST:
        raise ValueError(f"must be a finite number, got {shown(item)}; allowed: -1e30 to 1e30")
    return float(item)


def _whole(item: Any) -> int:
    if not is_number(item) or not abs(item) <= LARGEST or item != int(item):
        raise ValueError(f"must be a whole number, got {shown(item)}")
    return int(item)


Number = Annotated[float, BeforeValidator(_number)]
Whole = Annotated[int, BeforeValidator(_whole)]
