"""Merging of raw model tables: parts, `extends`, scenarios and command-line changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from yieldsim.errors import ModelError
from yieldsim.model.schema.fields import LEAF_KEYS
from yieldsim.model.schema.values import is_number

Raw = dict[str, Any]
_ENTRY = 2  # steps to an entry of a table, as in events.NAME


def is_leaf(item: Any) -> bool:
    """Whether a raw item is one parameter: a number, or a table with a value, dist or points."""
    return not isinstance(item, dict) or bool(LEAF_KEYS & set(item))


def merge(base: Raw, changes: Raw, origin: Raw | None = None) -> Raw:
    """``base`` with ``changes`` laid over it; a parameter is replaced whole.

    ``origin`` (source and grade of a scenario) is given to changed parameters that name none.
    A table without value, dist or quarters changes only the keys it names (say, the ``scale`` of
    a schedule). Learning of another kind is replaced whole too.
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
    # the parameters of one kind of learning mean nothing to another
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

    What one replaces whole the other may not change in part, and a new entry (say, an event) is
    one thing: tables that differ anywhere would together say what neither means.
    """
    for key in (key for key in first if key in second):
        one, other, old = first[key], second[key], base.get(key)
        here = (*steps, key)
        tables = isinstance(one, dict) and isinstance(other, dict)
        if tables and not _is_one_thing(here, one, other, old):
            found = first_conflict(one, other, old if isinstance(old, dict) else {}, here)
        else:
            found = None if one == other else ".".join(here)
        if found is not None:
            return found
    return None


def _is_one_thing(steps: tuple[str, ...], one: Raw, other: Raw, old: Any) -> bool:
    known = old if isinstance(old, dict) else {}
    replaced = any(_is_whole(steps[-1], item, known) for item in (one, other))
    return replaced or (len(steps) == _ENTRY and old is None)


def join(parts: list[tuple[str, Raw]]) -> Raw:
    """Tables of several parts of one model, which may not define the same thing twice.

    Raises ModelError naming the path and both parts.
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
            raise ModelError(path, f"defined twice, got it in {first} and in {name}", allowed="one")


def _copy(item: Any) -> Any:
    return {key: _copy(one) for key, one in item.items()} if isinstance(item, dict) else item


def _owner_of(path: str, owner: dict[str, str]) -> str:
    while path and path not in owner:
        path = path.rpartition(".")[0]
    return owner.get(path, "the model file")


def nested(steps: Sequence[str], item: Any) -> Raw:
    """The tables that hold ``item`` at a place."""
    for key in reversed(steps):
        item = {key: item}
    return item
