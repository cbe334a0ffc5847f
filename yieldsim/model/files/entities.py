"""CSV rows that add to an entry of a table, such as a process, which must be made elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, get_args, get_origin

from pydantic import BaseModel

from yieldsim.errors import ModelError
from yieldsim.model.files.merge import Raw
from yieldsim.model.files.origins import Part
from yieldsim.model.schema import Model

_Name = tuple[str, str]  # a table and an entry of it


def check_added(parts: Iterable[Part], base: Raw, raw: Raw) -> None:
    """Raise ModelError for a row that adds to an entry which nothing makes.

    ``base`` are the tables that the parts extend, ``raw`` are all of them together. An entry that
    stands in such rows alone and lacks what it needs has most likely a misspelt name.
    """
    several = list(parts)
    made = dict.fromkeys(_names(base))  # a dict keeps the order of the files
    for part in several:
        if part.entity is None:
            made |= dict.fromkeys(_names(part.raw))
    for part in several:
        if part.entity is None or part.entity[:2] in made:
            continue
        table, name, place = part.entity
        missing = [key for key in _needed(table) if key not in raw[table][name]]
        if missing:
            others = ", ".join(other for top, other in made if top == table) or "none"
            allowed = f"{others}; a new one needs {', '.join(missing)}"
            raise ModelError(table, "unknown name", got=name, allowed=allowed, file=place)


def _names(raw: Raw) -> Iterator[_Name]:
    for table, entries in raw.items():
        if isinstance(entries, dict):
            yield from ((table, name) for name in entries)


def _needed(table: str) -> list[str]:
    """The keys that every entry of a table must have."""
    field = Model.model_fields.get(table)
    kinds: tuple[Any, ...] = ()
    if field is not None and get_origin(field.annotation) is dict:
        kinds = get_args(field.annotation)
    kind = kinds[-1] if kinds else None
    if not (isinstance(kind, type) and issubclass(kind, BaseModel)):
        return []
    return [name for name, inner in kind.model_fields.items() if inner.is_required()]
