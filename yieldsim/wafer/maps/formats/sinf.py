"""Wafer maps as SINF, the text maps of wafer probers and die bonders.

``KEY:value`` lines, then one ``RowData:`` line per row with codes of two hexadecimal digits (some
makers: more), separated by blanks. ``__`` is no die, ``BCEQU`` lists the bins that pass, and
``@@`` marks a reference die, which is not a product. ``XDIES`` and ``YDIES`` are the die's size in
``DUTMS`` (mm or mil). ``FNLOC`` says where the notch lies, in degrees clockwise from the top. A
file may hold several wafers, one after another.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from yieldsim.errors import ModelError
from yieldsim.wafer.maps.bins import BinNames, TwoBins, word
from yieldsim.wafer.maps.formats.written_codes import Note, silent, sinf_codes
from yieldsim.wafer.maps.notch import notch_of
from yieldsim.wafer.maps.options import ReadOptions, bin_text
from yieldsim.wafer.maps.wafer_maps import FAIL, NONE, PASS, WaferMaps, maps_from_grids

__all__ = ["load", "recognizes", "save"]

_MM = {"mm": 1.0, "um": 1e-3, "mil": 0.0254, "mils": 0.0254, "in": 25.4, "inch": 25.4}
_NO_DIE, _REFERENCE = "_", "@"
_LONGEST_LINE = 10_000_000
_WORDS = ("1", "FF")  # codes that we write for pass and fail without bins
_TOP = 180  # FNLOC counts clockwise from the top


@dataclass
class _Wafer:
    line: int
    fields: dict[str, str] = field(default_factory=dict)
    rows: list[str] = field(default_factory=list)


def recognizes(head: bytes) -> bool:
    """Whether a file that begins so may be SINF."""
    return b"RowData:" in head or head.lstrip(b"\xef\xbb\xbf \r\n").startswith(b"DEVICE:")


def load(path: Path, options: ReadOptions) -> WaferMaps:
    """Read all maps of a file. Raises ModelError, with the wafer, and OSError."""
    wafers = list(_wafers(path))
    if not wafers:
        raise ModelError(
            str(path), "cut short, or holds no wafer map", allowed="RowData: lines (SINF)"
        )
    names = [wafer.fields.get("WAFER") or str(i) for i, wafer in enumerate(wafers)]
    grids, pitches, notches = [], [], []
    bins = TwoBins(BinNames(str(path), _WORDS))
    for name, wafer in zip(names, wafers, strict=True):
        where = f"{path}: wafer {name}"
        grids.append(_grid(where, wafer, options, bins.hard))
        notch = notch_of(where, "FNLOC", wafer.fields.get("FNLOC"))
        notches.append(notch if notch < 0 else (notch + _TOP) % 360)
        pitches.append(_pitch(where, wafer.fields))
    lots = [wafer.fields.get("LOT", "") for wafer in wafers]
    labels = [wafer.fields.get("LABEL", "") for wafer in wafers]
    return maps_from_grids(grids, labels, names, str(path), lots, pitches, bins=bins, notch=notches)


def _wafers(path: Path) -> Iterator[_Wafer]:
    """Yield the wafers of a file: a key after rows begins the next one."""
    wafer = _Wafer(1)
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise ModelError(str(path), "is not text", allowed="SINF in UTF-8") from None
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        key, colon, value = line.partition(":")
        key = key.strip().upper()
        if not colon or not key.replace("_", "").replace(" ", "").isalnum():
            allowed = "KEY:value, or RowData:"
            raise ModelError(f"{path} line {number}", "no line of SINF", got=line, allowed=allowed)
        if key == "ROWDATA":
            wafer.rows.append(value)
            continue
        if wafer.rows:
            yield wafer
            # keys that a later wafer does not repeat keep their values
            wafer = _Wafer(number, {k: v for k, v in wafer.fields.items() if k != "WAFER"})
        wafer.fields[key] = value.strip()
    if wafer.rows:
        yield wafer
    elif wafer.fields:
        where = f"{path} line {wafer.line}"
        raise ModelError(where, "cut short, or a wafer without rows", allowed="RowData: lines")


def _grid(where: str, wafer: _Wafer, options: ReadOptions, names: BinNames) -> NDArray[np.uint32]:
    columns, rows = (_count(where, wafer.fields, key) for key in ("COLCT", "ROWCT"))
    split = [row.split() for row in wafer.rows]
    wanted = len(split[0]) if columns is None else columns
    for number, codes in enumerate(split, 1):
        if len(codes) != wanted:
            place, got = f"{where} row {number}", f"{len(codes)} dies"
            raise ModelError(place, "ragged map", got=got, allowed=str(wanted))
    if rows is not None and len(split) != rows:
        got = f"{len(split)} rows"
        raise ModelError(where, "ragged map, or cut short", got=got, allowed=str(rows))
    good = {bin_text(code) for code in wafer.fields.get("BCEQU", "").replace(",", " ").split()}
    if options.pass_bins is not None:
        good = set(options.pass_bins)
    if not good:
        allowed = "BCEQU: with the bins that pass, or --pass-bins"
        raise ModelError(where, "does not say which bins pass", allowed=allowed)
    known = {code: _meaning(where, code, good, names) for code in sorted(set().union(*split))}
    return np.array([[known[code] for code in codes] for codes in split], np.uint32)


def _meaning(where: str, code: str, good: set[str], names: BinNames) -> int:
    """Return the word of a code."""
    if not code.strip(_NO_DIE) or not code.strip(_REFERENCE):
        return NONE
    if not code.isalnum() or len(code) > 4:
        allowed = "hexadecimal digits, __ or @@"
        raise ModelError(where, "unknown code", got=code, allowed=allowed)
    return word(PASS if bin_text(code) in good else FAIL, names.number(code))


def _count(where: str, fields: dict[str, str], key: str) -> int | None:
    if not fields.get(key):
        return None
    if not fields[key].isdigit() or not 0 < int(fields[key]) <= _LONGEST_LINE:
        raise ModelError(f"{where} {key}", "no count", got=fields[key], allowed="a whole number")
    return int(fields[key])


def _pitch(where: str, fields: dict[str, str]) -> tuple[float, float]:
    """Return the die's size, mm, nan where the file does not say."""
    unit = (fields.get("DUTMS") or "mm").lower()
    if unit not in _MM:
        raise ModelError(f"{where} DUTMS", "unknown unit", got=unit, allowed=", ".join(_MM))
    sizes = []
    for key in ("XDIES", "YDIES"):
        text = fields.get(key) or "nan"
        try:
            size = float(text) * _MM[unit]
        except ValueError:
            raise ModelError(f"{where} {key}", "no number", got=text, allowed="a size") from None
        sizes.append(size if size > 0.0 else float("nan"))
    return sizes[0], sizes[1]


def save(path: Path, maps: WaferMaps, note: Note = silent) -> None:
    """Write one wafer after another; without bins, 01 is a pass and FF a fail."""
    codes = sinf_codes(str(path), maps, note)
    good = " ".join(code.text for code in codes.codes if code.passes)
    lines = []
    for w, notch in enumerate(maps.notches().tolist()):
        grid = codes.grid(maps, w)
        x, y = maps.pitch_mm[w].tolist()
        lines += [
            f"DEVICE:{_one_line(str(maps.label[w]))}",
            f"LOT:{_one_line(str(maps.lot[w]))}",
            f"WAFER:{_one_line(str(maps.name[w]))}",
            f"FNLOC:{(max(notch, 0) + _TOP) % 360}",
            f"ROWCT:{grid.shape[0]}",
            f"COLCT:{grid.shape[1]}",
            f"BCEQU:{good}",
            "REFPX:0",
            "REFPY:0",
            "DUTMS:mm",
            *(f"{k}:{v:.12g}" if v > 0.0 else f"{k}:" for k, v in (("XDIES", x), ("YDIES", y))),
            "PRODUCER:yieldsim",  # by which a command knows a file of its own
            f"LABEL:{_one_line(str(maps.label[w]))}",
        ]
        lines += ["RowData:" + " ".join(row) for row in grid.tolist()]
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")


def _one_line(text: str) -> str:
    return " ".join(text.split())
