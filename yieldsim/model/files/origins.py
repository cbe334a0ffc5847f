"""Where each key of a model stands: its file, and in a CSV file the line and the column.

A model has thousands of keys in many files. A fault is reported by its path in the model, and the
`Places` kept here add the file to the message. They are no part of the model or of its identity.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from yieldsim.errors import YieldsimError
from yieldsim.model.files.merge import Raw

Places = dict[str, str]  # path in the model -> place in the files; the path "" is the whole model
SETTING = "--set"


@dataclass(frozen=True)
class Part:
    """Tables from one place: a TOML file, or the rows of a CSV file for one entry.

    ``cells`` are the places of single keys and list items where they are known more exactly.
    ``entity`` is the entry of a table that CSV rows add to, such as ``processes``, ``n2``, with the
    place of its name; None where the part makes entries.
    """

    place: str
    raw: Raw
    cells: Places = field(default_factory=dict)
    entity: tuple[str, str, str] | None = None


def places_of(parts: Iterable[Part]) -> Places:
    """The place of every table and key; a table that several parts share stands in the first."""
    found: Places = {}
    for part in parts:
        for path in _paths(part.raw, ""):
            found.setdefault(path, part.place)
        found |= part.cells
    return found


def _paths(raw: Raw, prefix: str) -> Iterator[str]:
    for key, item in raw.items():
        yield f"{prefix}{key}"
        if isinstance(item, dict):
            yield from _paths(item, f"{prefix}{key}.")


def with_setting(places: Places, path: str, raw: Raw) -> Places:
    """``places`` after a setting of ``path``; ``raw`` are its tables from the top."""
    own = [key for key in _paths(raw, "") if f"{key}.".startswith(f"{path}.")]
    return places | dict.fromkeys(own, SETTING)


def located(error: YieldsimError, places: Places, prefixes: Iterable[str] = ("",)) -> YieldsimError:
    """The same error with the file of its place.

    An unknown name stands one step below the table that is at fault, so that is looked for first.
    ``prefixes`` are tables that may hold the place, the likeliest first, such as the changes of a
    scenario.
    """
    if error.file is not None:
        return error
    steps = error.where.split(".")
    # a parameter of a CSV row stands in the whole row, but its fault in the column of its value
    paths = [f"{error.where}.value"]
    paths += [".".join(steps[: len(steps) - cut]) for cut in range(len(steps))]
    if isinstance(error.got, str):
        # last, a key at the top of the model
        paths = [f"{error.where}.{error.got}", *paths, error.got]
    for path in paths:
        for prefix in prefixes:
            place = places.get(f"{prefix}{path}")
            if place is not None:
                return error.at(error.where, place)
    return error.at(error.where, places.get(""))
