"""The formats of wafer maps, one row each. A format is the module of its name in this folder.

The module has ``recognizes(head)``, which says whether a file with this beginning may have the
format, ``load(path, options)`` and, where it can be written, ``save(path, maps)``.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any, NamedTuple

from yieldsim.errors import UsageError

__all__ = ["FORMATS", "Format", "format_to_read", "format_to_write"]

_HEAD_BYTES = 65536


class Format(NamedTuple):
    """A format: its name, its file name endings for writing and reading, and those it shares."""

    name: str
    endings: tuple[str, ...]
    read_too: tuple[str, ...] = ()

    @property
    def module(self) -> Any:
        """The module that reads and writes the format."""
        return importlib.import_module(f"{__package__}.{self.name}")


# The first row that recognizes a file's beginning reads it, among those that know its ending. Where
# none does, the last of these says what is wrong with the file.
FORMATS = (
    Format("mixedwm38", (".mixedwm38.npz",), (".npz",)),
    Format("npz", (".npz",)),
    Format("csv", (".csv",), (".txt", ".tsv")),
    Format("e142", (".e142", ".e142.xml"), (".xml",)),
    Format("g85", (".g85", ".xml")),
    Format("klarf", (".klarf",), (".kla", ".klf", ".001", ".txt")),
    Format("sinf", (".sinf",), (".map", ".txt")),
    Format("stdf", (".stdf",), (".std", ".stdf4", ".gz")),
)


def format_to_read(path: Path) -> Format:
    """Return the format of a file, by its ending and, where that leaves a choice, its beginning.

    Raises UsageError for a file of no known format, and OSError.
    """
    with path.open("rb") as stream:
        head = stream.read(_HEAD_BYTES)
    ending = path.suffix.lower()
    known = [row for row in FORMATS if ending in (*row.endings, *row.read_too)]
    for row in known or FORMATS:
        if row.module.recognizes(head):
            return row
    if known:
        return known[-1]
    got, endings = ending or "no ending", (end for row in FORMATS for end in row.endings)
    allowed = ", ".join(endings)
    raise UsageError(str(path), "unknown format of wafer maps", got=got, allowed=allowed)


def format_to_write(path: str | Path, name: str | None = None) -> Format:
    """Return the format of that name, or of the file's ending. Raises UsageError."""
    written = [row for row in FORMATS if hasattr(row.module, "save")]
    if name is not None:
        return next(row for row in written if row.name == name)
    file = Path(path).name.lower()
    fits = [(len(end), row) for row in written for end in row.endings if file.endswith(end)]
    if not fits:
        allowed = ", ".join(end for row in written for end in row.endings)
        problem = "unknown format of wafer maps"
        raise UsageError(str(path), problem, got=Path(path).suffix.lower(), allowed=allowed)
    return max(fits, key=lambda fit: fit[0])[1]
