"""The formats of wafer maps: a row each. A format is a module of this folder.

The module has ``recognizes(head)``, which says whether a file that begins so may be of it,
``load(path, options)`` and, where it can be written, ``save(path, maps)``.
"""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from yieldsim.errors import UsageError
from yieldsim.wafer.maps.formats import csv, e142, g85, mixedwm38, npz, sinf

__all__ = ["FORMATS", "Format", "format_to_read", "format_to_write", "known_endings"]

_HEAD_BYTES = 65536


class Format(NamedTuple):
    """A format: its name in options and messages, the endings of its files, its module."""

    name: str
    endings: tuple[str, ...]
    module: ModuleType

    @property
    def writes(self) -> bool:
        """Whether maps can be written in the format."""
        return hasattr(self.module, "save")


# Of two formats that share an ending, the first is written; the first that recognizes a file's
# beginning reads it, and the last of them stands for a file that none recognizes.
FORMATS = (
    Format("mixedwm38", (".mixedwm38.npz", ".npz"), mixedwm38),
    Format("npz", (".npz",), npz),
    Format("csv", (".csv", ".txt", ".tsv"), csv),
    Format("e142", (".e142", ".xml"), e142),
    Format("g85", (".g85", ".xml"), g85),
    Format("sinf", (".sinf", ".txt", ".map"), sinf),
)
_WRITTEN = {".npz": "npz", ".xml": "g85", ".txt": "csv"}  # where an ending has several formats


def format_to_read(path: Path) -> Format:
    """Return the format of a file, by its ending and, where that leaves a choice, its beginning.

    Raises UsageError for a file of no known format, and OSError.
    """
    with path.open("rb") as stream:
        head = stream.read(_HEAD_BYTES)
    ending = path.suffix.lower()
    by_ending = [row for row in FORMATS if ending in row.endings]
    for row in by_ending or FORMATS:
        if row.module.recognizes(head):
            return row
    if by_ending:
        return by_ending[-1]
    got = ending or "no ending"
    allowed = ", ".join(known_endings())
    raise UsageError(str(path), "unknown format of wafer maps", got=got, allowed=allowed)


def format_to_write(path: str | Path, name: str | None = None) -> Format:
    """Return the format of that name, or of the file's ending. Raises UsageError."""
    if name is not None:
        return next(row for row in FORMATS if row.name == name)
    text = Path(path).name.lower()
    fits = [r for r in FORMATS if r.writes and any(text.endswith(end) for end in r.endings)]
    if not fits:
        ending, allowed = Path(path).suffix.lower(), ", ".join(known_endings(written=True))
        raise UsageError(str(path), "unknown format of wafer maps", got=ending, allowed=allowed)
    wanted = _WRITTEN.get(Path(path).suffix.lower())
    if text.endswith(".mixedwm38.npz"):
        wanted = "mixedwm38"
    return next((row for row in fits if row.name == wanted), fits[0])


def known_endings(written: bool = False) -> list[str]:
    """Return the endings of all formats, or of those that can be written."""
    rows = [row for row in FORMATS if row.writes or not written]
    return list(dict.fromkeys(end for row in rows for end in row.endings))
