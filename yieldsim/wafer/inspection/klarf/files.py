"""KLARF files: their version is recognized by their beginning."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from yieldsim.errors import ModelError
from yieldsim.model.files.allowed import check_ordinary
from yieldsim.wafer.inspection.inspection import Inspection
from yieldsim.wafer.inspection.klarf import v12, v18, write12, write18

__all__ = ["VERSIONS", "is_klarf", "load_klarf", "save_klarf"]

VERSIONS = ("1.2", "1.8")
_SHARED = ("step", "device", "mark", "diameter_mm", "pitch_mm")
_V12 = re.compile(rb"\s*FileVersion\s+\d", re.IGNORECASE)
_V18 = re.compile(rb"\s*Record\s+FileRecord\b")
_BOM = b"\xef\xbb\xbf"


def is_klarf(head: bytes) -> bool:
    """Whether a file that begins so may be KLARF."""
    head = head.removeprefix(_BOM)
    return bool(_V12.match(head) or _V18.match(head))


def load_klarf(paths: str | Path | Sequence[str | Path]) -> list[Inspection]:
    """Read the inspections of a file, or of several, wafer by wafer.

    Raises ModelError, with the file and the wafer, for a file that is not KLARF, is cut short or
    has values that no inspection has; OSError if it cannot be read.
    """
    files = [Path(paths)] if isinstance(paths, str | Path) else [Path(path) for path in paths]
    found = []
    for path in files:
        check_ordinary(path, str(path))
        data = path.read_bytes().removeprefix(_BOM)
        if _V18.match(data):
            part = v18.read(str(path), data)
        elif _V12.match(data):
            part = v12.read(str(path), data)
        else:
            got = data[:20].decode("latin-1")
            allowed = "FileVersion 1 2; or Record FileRecord"
            raise ModelError(str(path), "is no KLARF", got=got, allowed=allowed)
        if not part:
            raise ModelError(str(path), "holds no wafer", allowed="WaferID with a DefectList")
        found += part
    return found


def save_klarf(path: str | Path, wafers: Sequence[Inspection], version: str = "1.2") -> None:
    """Write inspections into one file.

    Raises ModelError for wafers of several steps, devices or sizes, and OSError.
    """
    for name in _SHARED:
        if len({getattr(wafer, name) for wafer in wafers}) != 1:
            got = ", ".join(sorted({str(getattr(wafer, name)) for wafer in wafers})[:4])
            allowed = "one for all wafers of a file"
            raise ModelError(
                str(path), f"wafers of several values of {name}", got=got, allowed=allowed
            )
    text = (write12 if version == "1.2" else write18).text(wafers)
    Path(path).write_text(text, encoding="utf-8")
