"""Wafer maps as SEMI G85 XML.

``<Maps><Map WaferId><Device BinType NullBin LotId><Bin BinCode BinQuality/><Data><Row>``, or one
``Map`` as the root. Namespaces are ignored. The order of the rows is kept, because the fit does not
depend on the origin.

The package g85 is under the GPL and changes xml.etree for the whole process, so it is not used.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from yieldsim.errors import ModelError
from yieldsim.wafer.maps.bins import BinNames, TwoBins
from yieldsim.wafer.maps.codes import bin_table
from yieldsim.wafer.maps.formats.written_codes import Note, WrittenCodes, semi_codes, silent
from yieldsim.wafer.maps.notch import notch_of
from yieldsim.wafer.maps.options import ReadOptions
from yieldsim.wafer.maps.wafer_maps import UNKNOWN_PITCH, WaferMaps, maps_from_grids
from yieldsim.wafer.maps.xml_files import check_texts, children, parse

__all__ = ["WORDS", "bin_attributes", "load", "recognizes", "row_text", "save"]

WORDS = ("P", "F")  # codes that say pass and fail, if a file has no others
_MOST_ACROSS = 100_000
_UM_PER_MM = 1000.0
_LEAST_UM = 50.0  # DeviceSize is in um; a smaller one can only be in mm


def recognizes(head: bytes) -> bool:
    """Whether a file that begins so may be SEMI G85."""
    return head.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"<") and b"SubstrateMap" not in head


def load(path: Path, options: ReadOptions) -> WaferMaps:
    """Read all maps of a file. Raises ModelError, with the wafer, and OSError."""
    root = parse(path, "a whole SEMI G85 or E142 file")
    grids: list[NDArray[np.uint32]] = []
    names: list[str] = []
    labels: list[str] = []
    lots: list[str] = []
    pitches: list[tuple[float, float]] = []
    notches: list[int] = []
    bins = TwoBins(BinNames(str(path), WORDS))
    for element in children(root, "Map"):
        name = element.get("WaferId") or element.get("SubstrateId") or str(len(names))
        for device in children(element, "Device"):
            where = f"{path}: wafer {name}"
            grids.append(_grid(where, device, options, bins.hard))
            notches.append(notch_of(where, "Orientation", device.get("Orientation")))
            names.append(name)
            labels.append(next((s.get("Label", "") for s in children(device, "SupplierData")), ""))
            lots.append(device.get("LotId") or element.get("LotId") or "")
            pitches.append(_pitch(device))
    if not grids:
        allowed = "Map/Device (G85) or SubstrateMap/BinCodeMap (E142)"
        raise ModelError(str(path), "holds no wafer map", got=f"<{root.tag}>", allowed=allowed)
    return maps_from_grids(grids, labels, names, str(path), lots, pitches, bins=bins, notch=notches)


def _grid(
    where: str, device: ElementTree.Element, options: ReadOptions, names: BinNames
) -> NDArray[np.uint32]:
    bins = [(b.get("BinCode", ""), b.get("BinQuality", "")) for b in children(device, "Bin")]
    null = device.get("NullBin")
    table = bin_table(where, device.get("BinType", "Ascii"), null, bins, options, names)
    rows = [row.text or "" for row in children(device, "Row")]
    grid = table.grid(rows, _count(where, device, "Columns"))
    wanted = _count(where, device, "Rows")
    if wanted is not None and len(grid) != wanted:
        raise ModelError(where, "ragged map", got=f"{len(grid)} rows", allowed=str(wanted))
    return grid


def _count(where: str, device: ElementTree.Element, name: str) -> int | None:
    text = device.get(name)
    if text is None:
        return None
    if not text.strip().isdecimal() or not 0 < int(text[:20]) <= _MOST_ACROSS:
        allowed = f"1 to {_MOST_ACROSS}"
        raise ModelError(f"{where} {name}", "no count of dies", got=text, allowed=allowed)
    return int(text)


def _pitch(device: ElementTree.Element) -> tuple[float, float]:
    """Return the die's size in mm, nan where the file does not say."""
    try:
        x, y = (float(device.get(f"DeviceSize{axis}", "nan")) for axis in "XY")
    except ValueError:
        return UNKNOWN_PITCH
    if not (x > 0.0 and y > 0.0):
        return UNKNOWN_PITCH
    scale = _UM_PER_MM if min(x, y) >= _LEAST_UM else 1.0
    return x / scale, y / scale


def save(path: Path, maps: WaferMaps, note: Note = silent) -> None:
    """Write one ``Map`` per wafer; without bins, ``.`` is no die, ``P`` a pass and ``F`` a fail."""
    check_texts(path, maps)
    codes = semi_codes(str(path), maps, note)
    root = ElementTree.Element("Maps")
    for w, notch in enumerate(maps.notches().tolist()):
        grid = codes.grid(maps, w)
        attributes = {"WaferId": str(maps.name[w]), "FormatRevision": "G85-1101"}
        element = ElementTree.SubElement(root, "Map", attributes)
        device = ElementTree.SubElement(
            element,
            "Device",
            BinType=codes.kind,
            NullBin=codes.null,
            Rows=str(grid.shape[0]),
            Columns=str(grid.shape[1]),
            OriginLocation="2",  # upper left
            Orientation=str(max(notch, 0)),
        )
        if maps.lot[w]:
            device.set("LotId", str(maps.lot[w]))
        for axis, size in zip("XY", maps.pitch_mm[w].tolist(), strict=True):
            if math.isfinite(size):
                device.set(f"DeviceSize{axis}", f"{size * _UM_PER_MM:.12g}")
        for attributes in bin_attributes(codes, grid):
            ElementTree.SubElement(device, "Bin", attributes)
        if maps.label[w]:
            ElementTree.SubElement(device, "SupplierData", Label=str(maps.label[w]))
        data = ElementTree.SubElement(device, "Data", MapName="yieldsim", MapVersion="1")
        for row in grid.tolist():
            ElementTree.SubElement(data, "Row").text = row_text(codes, row)
    ElementTree.indent(root)
    with path.open("wb") as stream:
        ElementTree.ElementTree(root).write(stream, encoding="utf-8", xml_declaration=True)


def bin_attributes(codes: WrittenCodes, grid: NDArray[np.str_]) -> Iterator[dict[str, str]]:
    """Yield the attributes by which SEMI G85 and E142 declare each bin of a map."""
    for code in codes.codes:
        yield {
            "BinCode": code.text,
            "BinQuality": "Pass" if code.passes else "Fail",
            "BinCount": str(int((grid == code.text).sum())),
            **({"BinDescription": code.name} if code.name else {}),
        }


def row_text(codes: WrittenCodes, row: list[str]) -> str:
    """Return a row; both formats part decimal codes by blanks, and others by nothing."""
    return (" " if codes.kind == "Decimal" else "").join(row)
