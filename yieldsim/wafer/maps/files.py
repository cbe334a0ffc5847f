"""Files of wafer maps; the ending of the name gives the format."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

from yieldsim.errors import UsageError
from yieldsim.model.files.allowed import check_ordinary
from yieldsim.wafer.maps import csv, npz, semi
from yieldsim.wafer.maps.wafer_maps import WaferMaps

__all__ = ["check_format", "load_maps", "save_maps"]

_FORMATS: dict[str, ModuleType] = {".npz": npz, ".csv": csv, ".xml": semi, ".g85": semi}


def load_maps(path: str | Path) -> WaferMaps:
    """Read wafer maps from a file.

    Raises UsageError for an unknown ending; ModelError for a pipe or a device, another format than
    the ending says, a truncated file, or maps that are empty, ragged, without dies or of unknown
    codes; OSError if it cannot be read.
    """
    kind = _format(path)
    check_ordinary(Path(path), str(path))
    maps: WaferMaps = kind.load(Path(path))
    return maps


def save_maps(path: str | Path, maps: WaferMaps) -> None:
    """Write wafer maps in the format of the file's ending. Raises UsageError and OSError."""
    _format(path).save(Path(path), maps)


def check_format(path: str | Path) -> None:
    """Raise UsageError unless the file's ending is that of a format of wafer maps."""
    _format(path)


def _format(path: str | Path) -> ModuleType:
    ending = Path(path).suffix.lower()
    if ending not in _FORMATS:
        allowed = ", ".join(_FORMATS)
        raise UsageError(str(path), "unknown format of wafer maps", got=ending, allowed=allowed)
    return _FORMATS[ending]
