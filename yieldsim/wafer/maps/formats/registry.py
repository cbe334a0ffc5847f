"""The formats of wafer maps, one row each. A format is the module of its name in this folder.

The module has ``recognizes(head)``, which says whether a file with this beginning may have the
format, ``load(path, options)`` and, where it can be written, ``save(path, maps, note)``.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from yieldsim.errors import UsageError
from yieldsim.wafer.maps.wafer_maps import WaferMaps

__all__ = ["FORMATS", "Format", "format_to_read", "format_to_write"]

_HEAD_BYTES = 65536
# What maps may have beside the results of dies, and how to know it.
_FEATURES: dict[str, Callable[[WaferMaps], bool]] = {
    "bins": lambda maps: maps.hard is not None or maps.soft is not None,
    "soft bins beside hard ones": lambda maps: maps.hard is not None and maps.soft is not None,
    "lots": lambda maps: bool((maps.lot != "").any()),
    "names of wafers": lambda maps: maps.name.tolist() != [str(w) for w in range(len(maps))],
    "sizes of dies": lambda maps: bool((maps.pitch_mm > 0.0).any()),
    "where each map begins": lambda maps: bool((maps.origin() != maps.origin()[0]).any()),
    "sides of notches": lambda maps: bool((maps.notches() > 0).any()),
}
_ONE_CODE = ("soft bins beside hard ones", "where each map begins")


class Format(NamedTuple):
    """A format: its name, its file name endings for writing and reading, and those it shares.

    ``lacks`` names what maps may have and the format has no place for.
    """

    name: str
    endings: tuple[str, ...]
    read_too: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()

    @property
    def module(self) -> Any:
        """The module that reads and writes the format."""
        return importlib.import_module(f"{__package__}.{self.name}")

    def lost(self, maps: WaferMaps) -> list[str]:
        """Return what these maps have and the format does not hold."""
        found = [feature for feature in self.lacks if _FEATURES[feature](maps)]
        return [f for f in found if not (f.startswith("soft bins") and "bins" in found)]


# The first row that recognizes a file's beginning reads it, among those that know its ending. Where
# none does, the last of these says what is wrong with the file.
FORMATS = (
    Format("mixedwm38", (".mixedwm38.npz",), (".npz",), tuple(_FEATURES)),
    Format("npz", (".npz",)),
    Format("csv", (".csv",), (".txt", ".tsv"), ("sizes of dies", "sides of notches")),
    Format("e142", (".e142", ".e142.xml"), (".xml",), _ONE_CODE),
    Format("g85", (".g85", ".xml"), (), _ONE_CODE),
    Format("klarf", (".klarf",), (".kla", ".klf", ".001", ".txt")),
    Format("sinf", (".sinf",), (".map", ".txt"), _ONE_CODE),
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
