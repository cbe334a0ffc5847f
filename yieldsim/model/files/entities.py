"""CSV rows that add to an entry of a table, such as a process, which must be made elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from typing import get_args, get_origin

from pydantic import BaseModel

from yieldsim.errors import ModelError
from yieldsim.model.files.merge import Raw
from yieldsim.model.files.origins import Part
from yieldsim.model.schema import Model


def check_added(parts: Iterable[Part], raw: Raw) -> None:
    """Raise ModelError for a row that adds to an entry which nothing makes.

    ``raw`` are the tables of all parts together. An entry that lacks what every entry of its table
    must have stands in such rows alone, so its name is most likely misspelt.
    """
    for part in parts:
        if part.entity is None:
            continue
        table, name, place = part.entity
        entries = raw.get(table)
        if isinstance(entries, dict) and not _is_made(table, entries.get(name)):
            others = [other for other, entry in entries.items() if _is_made(table, entry)]
            allowed = ", ".join(others) or "none: no file makes one"
            raise ModelError(table, "unknown name", got=name, allowed=allowed, file=place)


def _is_made(table: str, entry: object) -> bool:
    return not isinstance(entry, dict) or any(key in entry for key in _needed(table, entry))


def _needed(table: str, entry: Raw) -> list[str]:
    """The keys of which an entry must have all; those that it has, where none is needed."""
    field = Model.model_fields.get(table)
    kinds = get_args(field.annotation) if field and get_origin(field.annotation) is dict else ()
    kind = kinds[-1] if kinds else None
    if not (isinstance(kind, type) and issubclass(kind, BaseModel)):
        return list(entry)
    required = [name for name, field in kind.model_fields.items() if field.is_required()]
    return required or list(entry)
