"""Wafer maps as SEMI G85 XML, and the bin-code maps of SEMI E142 (reading only).

G85: ``<Maps><Map WaferId><Device BinType NullBin><Bin BinCode BinQuality/><Data><Row>``. A code is
one character (Ascii), two or four hexadecimal digits (HexaDecimal, Integer2) or a decimal number;
codes stand side by side or are separated by blanks. E142 has the same in ``BinCodeMap``,
``BinDefinition`` and ``BinCode``. Namespaces are ignored. The order of the rows is kept, because
the fit does not depend on the origin.

The package g85 is under the AGPL and changes xml.etree for the whole process, so it is not used.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from yieldsim.errors import ModelError
from yieldsim.wafer.maps.wafer_maps import FAIL, NONE, PASS, WaferMaps, maps_from_grids

__all__ = ["load", "save"]

# Letters of a code; None: codes are separated by blanks.
_WIDTHS = {"ascii": 1, "hexadecimal": 2, "integer2": 4, "decimal": None}
_QUALITIES = {"pass": PASS, "fail": FAIL, "null": NONE, "untested": NONE}
_LETTERS = ".PF"  # written for no die, pass and fail
_BIN_LETTERS = "123456789ABCDEGHIJKLMNOPQRSTUVWXYZ"  # for bins of passing dies; F is fail


def load(path: Path) -> WaferMaps:
    """Read all maps of a file. Raises ModelError, with the wafer, and OSError."""
    with path.open("rb") as stream:
        try:
            root = ElementTree.parse(stream).getroot()
        except (ElementTree.ParseError, ValueError, LookupError) as error:
            raise ModelError(
                str(path),
                f"cut short, or not XML: {error}",
                allowed="a whole SEMI G85 or E142 file",
            ) from None
    grids: list[NDArray[np.uint8]] = []
    names: list[str] = []
    labels: list[str] = []
    for element in root.iter():
        if _tag(element) not in ("Map", "SubstrateMap"):
            continue
        name = element.get("WaferId") or element.get("SubstrateId") or str(len(names))
        where = f"{path}: wafer {name}"
        for device in _children(element, "Device", "BinCodeMap"):
            grids.append(_grid(where, device))
            names.append(name)
            labels.append(_label(device))
    if not grids:
        allowed = "Map/Device (G85) or SubstrateMap/BinCodeMap (E142)"
        raise ModelError(str(path), "holds no wafer map", got=f"<{_tag(root)}>", allowed=allowed)
    return maps_from_grids(grids, labels, names, str(path))


def _tag(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _children(element: ElementTree.Element, *tags: str) -> Iterator[ElementTree.Element]:
    return (child for child in element.iter() if _tag(child) in tags)


def _label(device: ElementTree.Element) -> str:
    return next((s.get("Label", "") for s in _children(device, "SupplierData")), "")


def _grid(where: str, device: ElementTree.Element) -> NDArray[np.uint8]:
    bin_type = device.get("BinType", "Ascii")
    if bin_type.lower() not in _WIDTHS:
        allowed = "Ascii, Decimal, HexaDecimal, Integer2"
        raise ModelError(where, "unknown BinType", got=bin_type, allowed=allowed)
    width = _WIDTHS[bin_type.lower()]
    meaning = _meaning(where, device, width)
    data = [e for e in _children(device, "Row", "BinCode") if _tag(e) == "Row" or not e.attrib]
    rows = [codes for e in data if (codes := _split(where, e.text or "", width))]
    if not rows:
        raise ModelError(where, "empty map", allowed="at least one row of codes")
    wanted = int(device.get("Columns") or len(rows[0])), int(device.get("Rows") or len(rows))
    for number, row in enumerate(rows, 1):
        if len(row) != wanted[0]:
            place = f"{where} row {number}"
            raise ModelError(place, "ragged map", got=f"{len(row)} dies", allowed=str(wanted[0]))
    if len(rows) != wanted[1]:
        raise ModelError(where, "ragged map", got=f"{len(rows)} rows", allowed=str(wanted[1]))
    unknown = {code for row in rows for code in row} - set(meaning)
    if unknown:
        got, allowed = min(unknown), ", ".join(meaning)
        raise ModelError(where, "unknown code", got=got, allowed=f"{allowed} as its bins declare")
    return np.array([[meaning[code] for code in row] for row in rows], np.uint8)


def _meaning(where: str, device: ElementTree.Element, width: int | None) -> dict[str, int]:
    """Return the meaning of the declared codes: no die, pass or fail."""
    meaning = {}
    for element in _children(device, "Bin", "BinDefinition"):
        quality = element.get("BinQuality", "")
        if quality.lower() not in _QUALITIES:
            place = f"{where} bin {element.get('BinCode')}"
            allowed = "Pass, Fail, Null, Untested"
            raise ModelError(place, "unknown BinQuality", got=quality, allowed=allowed)
        meaning[_plain(element.get("BinCode", ""), width)] = _QUALITIES[quality.lower()]
    null = device.get("NullBin")
    if null is not None:
        meaning[_plain(null, width)] = NONE
    return meaning


def _plain(code: str, width: int | None) -> str:
    """Return a code as it is compared: decimal 007 is 7, hexadecimal ff is FF."""
    if width is None:
        return code.strip().lstrip("0") or "0"
    return code if width == 1 else code.strip().upper()


def _split(where: str, text: str, width: int | None) -> list[str]:
    parts = text.split()
    if width is not None and len(parts) == 1:
        whole = parts[0]
        if len(whole) % width:
            got = f"{len(whole)} letters"
            raise ModelError(where, "row cut short", got=got, allowed=f"a multiple of {width}")
        parts = [whole[i : i + width] for i in range(0, len(whole), width)]
    return [_plain(part, width) for part in parts]


def save(path: Path, maps: WaferMaps) -> None:
    """Write one G85 ``Map`` per wafer, with single letters: ``.`` no die, ``P``, ``F``.

    Where bins are known, a die that passed has its bin's letter, 1 for the first.
    """
    root = ElementTree.Element("Maps")
    for w in range(len(maps)):
        grid = maps.grid(w)
        attributes = {"WaferId": str(maps.name[w]), "FormatRevision": "G85-1101"}
        element = ElementTree.SubElement(root, "Map", attributes)
        device = ElementTree.SubElement(
            element,
            "Device",
            BinType="Ascii",
            NullBin=_LETTERS[NONE],
            Rows=str(grid.shape[0]),
            Columns=str(grid.shape[1]),
            OriginLocation="2",  # upper left
            Orientation="0",
        )
        letters = _letters(grid, maps.bin_grid(w))
        passing = {_LETTERS[PASS]: ""} if maps.bin is None else _bin_letters(maps)
        for letter, name in {**passing, _LETTERS[FAIL]: ""}.items():
            attributes = {
                "BinCode": letter,
                "BinQuality": "Fail" if letter == _LETTERS[FAIL] else "Pass",
                "BinCount": str(int((letters == letter).sum())),
                **({"BinDescription": name} if name else {}),
            }
            ElementTree.SubElement(device, "Bin", attributes)
        if maps.label[w]:
            ElementTree.SubElement(device, "SupplierData", Label=str(maps.label[w]))
        data = ElementTree.SubElement(device, "Data", MapName="yieldsim", MapVersion="1")
        for row in letters.tolist():
            ElementTree.SubElement(data, "Row").text = "".join(row)
    ElementTree.indent(root)
    with path.open("wb") as stream:
        ElementTree.ElementTree(root).write(stream, encoding="utf-8", xml_declaration=True)


def _bin_letters(maps: WaferMaps) -> dict[str, str]:
    """Return the letter of each bin, with its name."""
    return dict(zip(_BIN_LETTERS, maps.bin_names, strict=False))


def _letters(grid: NDArray[np.uint8], bins: NDArray[np.uint8] | None) -> NDArray[np.str_]:
    """Return the letter of each cell, str[row, column]."""
    letters = np.array(list(_LETTERS))[grid]
    if bins is not None:
        passed = grid == PASS
        letters[passed] = np.array(list(_BIN_LETTERS))[bins[passed]]
    return letters
