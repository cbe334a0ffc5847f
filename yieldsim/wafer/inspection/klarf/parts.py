"""What both versions of KLARF share in making an inspection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields

import numpy as np
from numpy.typing import NDArray

from yieldsim.errors import ModelError
from yieldsim.wafer.inspection.inspection import Found, Inspection

__all__ = [
    "NM_PER_MM",
    "STAMP",
    "UM_PER_MM",
    "defects_of",
    "first_number",
    "numbers_of",
    "quoted",
    "summary_row",
    "together",
]

UM_PER_MM, NM_PER_MM = 1e3, 1e6
STAMP = "01-01-2000 00:00:00"  # what is written does not depend on the time
_NEEDED = ("XREL", "YREL", "XINDEX", "YINDEX")
_LARGEST_INDEX = 2**31


def defects_of(
    where: str, columns: Sequence[str], rows: NDArray[np.float64], units_per_mm: float
) -> Found:
    """Return the defects of a table. Raises ModelError for a column that is missing."""
    place = {name.upper(): number for number, name in enumerate(columns)}
    for name in _NEEDED:
        if name not in place:
            got, allowed = ", ".join(columns), ", ".join(_NEEDED)
            raise ModelError(f"{where} defects", f"lack {name}", got=got, allowed=allowed)
    index = rows[:, [place["XINDEX"], place["YINDEX"]]]
    if np.any(index != np.floor(index)) or np.any(np.abs(index) > _LARGEST_INDEX):
        bad = index[(index != np.floor(index)) | (np.abs(index) > _LARGEST_INDEX)][0]
        raise ModelError(f"{where} XINDEX, YINDEX", "no index", got=bad, allowed="whole numbers")
    size = rows[:, place["DSIZE"]] if "DSIZE" in place else np.full(len(rows), np.nan)
    if "DSIZE" not in place and "XSIZE" in place and "YSIZE" in place:
        size = np.hypot(rows[:, place["XSIZE"]], rows[:, place["YSIZE"]])
    kind = rows[:, place["CLASSNUMBER"]] if "CLASSNUMBER" in place else np.zeros(len(rows))
    return Found(
        index_x=index[:, 0].astype(np.int64),
        index_y=index[:, 1].astype(np.int64),
        across_mm=rows[:, place["XREL"]] / units_per_mm,
        up_mm=rows[:, place["YREL"]] / units_per_mm,
        size_um=np.where(size > 0.0, size / units_per_mm * UM_PER_MM, np.nan),
        kind=np.clip(kind, -1.0, 1e9).astype(np.int64),
    )


def together(first: Found, second: Found) -> Found:
    """Return the defects of two lists as one."""
    pairs = ((getattr(first, f.name), getattr(second, f.name)) for f in fields(Found))
    return Found(*(np.concatenate(pair) for pair in pairs))


def numbers_of(where: str, words: Sequence[str], count: int) -> list[float]:
    """Return the first numbers of a field. Raises ModelError where they are missing or wrong."""
    try:
        values = [float(word) for word in words[:count]]
    except ValueError:
        values = []
    if len(values) < count or not np.isfinite(values).all():
        got = " ".join(words)
        raise ModelError(where, "wrong field", got=got, allowed=f"{count} numbers")
    return values


def first_number(found: Mapping[str, Sequence[str]], name: str, default: float) -> float:
    """Return a field of one number, or a default where it is missing or no number."""
    try:
        return float(found[name][0])
    except (KeyError, IndexError, ValueError):
        return default


def quoted(text: str) -> str:
    """Return a name in quotes, on one line and without quotes of its own."""
    return '"' + " ".join(text.replace('"', "'").replace(";", ",").split()) + '"'


def summary_row(wafer: Inspection) -> str:
    """Return test, defects, density per cm2, dies and dies hit."""
    density = len(wafer.found) / wafer.area_cm2 if wafer.area_mm2 else 0.0
    hit = int(np.count_nonzero(wafer.per_die()))
    return f"1 {len(wafer.found)} {density:.10e} {len(wafer.dies)} {hit}"
