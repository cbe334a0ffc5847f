"""Tables that an ensemble carries as JSON in its attributes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from yieldsim.errors import StoreError

if TYPE_CHECKING:
    import xarray as xr


def place_of(ds: xr.Dataset) -> str:
    """The store that an ensemble was read from, for messages."""
    return str(ds.encoding.get("source", "the ensemble"))


def json_table(attrs: Mapping[Any, Any], name: str, depth: int = 1) -> dict[str, Any] | None:
    """The table under a name of the attributes, or None if the attribute is no text or missing.

    ``depth`` levels of it are tables too. The caller changes nothing in it, as others are given the
    same. Raises StoreError if the text is damaged.
    """
    text = attrs.get(name)
    if not isinstance(text, str):
        return None
    try:
        table = _parsed(text)
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise StoreError(f"attribute {name}", f"is damaged ({reason})") from None
    if not _is_nested(table, depth):
        raise StoreError(f"attribute {name}", "is damaged: it is no table of tables")
    nested: dict[str, Any] = table
    return nested


@lru_cache(maxsize=4)  # a summary asks ten times for the model, whose text takes 10 ms
def _parsed(text: str) -> Any:
    return json.loads(text)


def _is_nested(item: object, depth: int) -> bool:
    if depth == 0:
        return True
    return isinstance(item, dict) and all(_is_nested(entry, depth - 1) for entry in item.values())
