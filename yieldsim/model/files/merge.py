"""Merging raw model tables: included parts, `extends`, scenarios and settings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from yieldsim.errors import ModelError
from yieldsim.model.schema.fields import LEAF_KEYS
from yieldsim.model.schema.values import is_number

Raw = dict[str, Any]
_ENTRY = 2  # steps of the path to an entry of a table, as in events.NAME


def is_leaf(item: Any) -> bool:
    """Whether a raw item is one parameter: a number, or a table with a value, dist or points."""
    return not isinstance(item, dict) or bool(LEAF_KEYS & set(item))


def merge(base: Raw, changes: Raw, origin: Raw | None = None) -> Raw:
    """``base`` after ``changes``; both stay as they are.

    A parameter is replaced whole, and so is learning of another kind. Any other table changes only
    the keys it names, for instance the ``scale`` of a schedule. Changed parameters without a source
    and grade take those of ``origin``.
    """
    merged = dict(base)
    for key, item in changes.items():
        old = merged.get(key)
        if isinstance(item, dict) and isinstance(old, dict) and not _is_whole(key, item, old):
            merged[key] = merge(old, item, origin)
        else:
            merged[key] = _with_origin(item, old, origin)
    return merged


def _is_whole(key: str, item: Raw, old: Raw) -> bool:
    """Whether a table replaces the old one: a parameter, or learning of another kind."""
    # another kind of learning has other parameters
    other = key == "learning" and item.get("kind", old.get("kind")) != old.get("kind")
    return is_leaf(item) or other


def _with_origin(item: Any, old: Any, origin: Raw | None) -> Any:
    if not origin:
        return item
    if isinstance(item, dict):
        return {**origin, **item}
    was_parameter = isinstance(old, dict) and is_leaf(old)
    return {"value": item, **origin} if is_number(item) and was_parameter else item


def first_conflict(first: Raw, second: Raw, base: Raw, steps: tuple[str, ...] = ()) -> str | None:
    """The path of a parameter that two sets of changes of ``base`` set differently, or None.

    Two changes conflict if one replaces whole what the other changes in part, or if both add an
    entry (for instance an event) of one name that differs in any key.
    """
    for key in (key for key in first if key in second):
        a, b, old = first[key], second[key], base.get(key)
        here = (*steps, key)
        tables = isinstance(a, dict) and isinstance(b, dict)
        if tables and not _must_agree(here, a, b, old):
            path = first_conflict(a, b, old if isinstance(old, dict) else {}, here)
        else:
            path = None if a == b else ".".join(here)
        if path is not None:
            return path
    return None


def _must_agree(steps: tuple[str, ...], first: Raw, second: Raw, old: Any) -> bool:
    """Whether two tables must be equal as a whole: a replaced parameter, or a new entry."""
    known = old if isinstance(old, dict) else {}
    replaced = any(_is_whole(steps[-1], item, known) for item in (first, second))
    return replaced or (len(steps) == _ENTRY and old is None)


def join(parts: list[tuple[str, Raw]]) -> Raw:
    """The tables of several named parts as one.

    Raises ModelError with the path and both names if two parts define one parameter.
    """
    joined: Raw = {}
    owner: dict[str, str] = {}
    for name, part in parts:
        _join_into(joined, part, "", name, owner)
    return joined


def _join_into(joined: Raw, part: Raw, prefix: str, name: str, owner: dict[str, str]) -> None:
    for key, item in part.items():
        path = f"{prefix}{key}"
        if key not in joined:
            joined[key] = _copy(item)
            owner[path] = name
        elif isinstance(item, dict) and isinstance(joined[key], dict) and not is_leaf(item):
            _join_into(joined[key], item, f"{path}.", name, owner)
        else:
            first = _owner_of(path, owner)
            raise ModelError(path, f"defined twice, got {first} and {name}", allowed="one file")


def _copy(item: Any) -> Any:
    return {key: _copy(inner) for key, inner in item.items()} if isinstance(item, dict) else item


def _owner_of(path: str, owner: dict[str, str]) -> str:
    while path and path not in owner:
        path = path.rpartition(".")[0]
    return owner.get(path, "the model file")


def nested(steps: Sequence[str], item: Any) -> Raw:
    """Nested tables that hold ``item`` at the end of ``steps``."""
    for key in reversed(steps):
        item = {key: item}
    return item
