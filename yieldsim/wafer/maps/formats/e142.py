"""Wafer maps as SEMI E142 XML: the bin-code maps of substrates.

``<MapData><SubstrateMaps><SubstrateMap SubstrateId><Overlay MapName><BinCodeMap BinType NullBin>``
with ``BinDefinition`` and rows in ``BinCode``, or one ``BinCode X Y`` per die (or per run of dies).
Namespaces are ignored. A substrate may have several overlays (sort, inspection, ink). The one named
SortGrade is used, else the first, unless another is asked for. Dies with places are put in the grid
by the substrate's AxisDirection; the order of plain rows is kept, because the fit does not depend
on the origin.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from yieldsim.errors import ModelError
from yieldsim.wafer.maps.bins import BinNames, TwoBins
from yieldsim.wafer.maps.codes import BinTable, bin_table
from yieldsim.wafer.maps.formats.g85 import WORDS, bin_attributes, row_text
from yieldsim.wafer.maps.formats.written_codes import Note, semi_codes, silent
from yieldsim.wafer.maps.notch import notch_of
from yieldsim.wafer.maps.options import ReadOptions
from yieldsim.wafer.maps.places import MOST_PLACE, grid_of_places
from yieldsim.wafer.maps.wafer_maps import UNKNOWN_PITCH, WaferMaps, maps_from_grids
from yieldsim.wafer.maps.xml_files import check_texts, children, parse

__all__ = ["load", "recognizes", "save"]

_NAMESPACE = "urn:semi-org:xsd.E142-1.V1005.SubstrateMap"
_OVERLAY = "SortGrade"
_MM = {"mm": 1.0, "micron": 1e-3, "um": 1e-3, "inch": 25.4, "mil": 0.0254}


def recognizes(head: bytes) -> bool:
    """Whether a file that begins so may be SEMI E142."""
    return head.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"<") and (
        b"SubstrateMap" in head or b"MapData" in head
    )


def load(path: Path, options: ReadOptions) -> WaferMaps:
    """Read all maps of a file. Raises ModelError, with the wafer, and OSError."""
    root = parse(path, "a whole SEMI G85 or E142 file")
    grids: list[NDArray[np.integer]] = []
    names: list[str] = []
    labels: list[str] = []
    lots: list[str] = []
    corners: list[tuple[int, int]] = []
    notches: list[int] = []
    overlays: dict[str, int] = {}
    bins = TwoBins(BinNames(str(path), WORDS))
    for element in children(root, "SubstrateMap"):
        name = element.get("SubstrateId") or element.get("WaferId") or str(len(names))
        found = _overlays(element)
        for overlay in found if len(found) > 1 else ():
            overlays[overlay] = overlays.get(overlay, 0) + 1
        bin_map = _chosen(f"{path}: wafer {name}", found, options)
        if bin_map is None:
            continue
        where = f"{path}: wafer {name}"
        grid, place = _grid(where, element, bin_map, options, bins.hard)
        notches.append(notch_of(where, "Orientation", element.get("Orientation")))
        grids.append(grid)
        corners.append(place)
        names.append(name)
        lots.append(element.get("LotId") or "")
        labels.append(next((s.get("Label", "") for s in children(element, "SupplierData")), ""))
    if not grids:
        allowed = "Map/Device (G85) or SubstrateMap/BinCodeMap (E142)"
        raise ModelError(str(path), "holds no wafer map", got=f"<{root.tag}>", allowed=allowed)
    if overlays and options.overlay is None:
        first = _default(overlays)
        options.note(f"{path}: overlays {', '.join(overlays)}: {first} counts (--overlay)")
    lots = [own or lot for own, lot in zip(lots, _lots(root, names), strict=True)]
    pitches = [_pitch(root)] * len(grids)
    return maps_from_grids(
        grids, labels, names, str(path), lots, pitches, corners, bins=bins, notch=notches
    )


def _overlays(element: ElementTree.Element) -> dict[str, ElementTree.Element]:
    """Return the bin-code maps of a substrate by the names of their overlays."""
    found = {}
    for number, overlay in enumerate(children(element, "Overlay")):
        for bin_map in children(overlay, "BinCodeMap"):
            found[overlay.get("MapName") or str(number)] = bin_map
    if not found:
        found = {str(i): bin_map for i, bin_map in enumerate(children(element, "BinCodeMap"))}
    return found


def _chosen(
    where: str, found: dict[str, ElementTree.Element], options: ReadOptions
) -> ElementTree.Element | None:
    if not found:
        return None
    if options.overlay is None:
        return found[_default(found)]
    if options.overlay not in found:
        allowed = ", ".join(found)
        raise ModelError(where, "has no such overlay", got=options.overlay, allowed=allowed)
    return found[options.overlay]


def _default(overlays: Mapping[str, object]) -> str:
    return _OVERLAY if _OVERLAY in overlays else next(iter(overlays))


def _lots(root: ElementTree.Element, names: list[str]) -> list[str]:
    """Return the lot of each wafer: that of the substrate of its place, or else of its name."""
    listed = [
        (one.get("SubstrateId") or "", (one.findtext("LotId") or "").strip())
        for one in children(root, "Substrate")
    ]
    if [name for name, _ in listed] == names:  # lots may have wafers of one name
        return [lot for _, lot in listed]
    by_name = dict(listed)
    return [by_name.get(name, "") for name in names]


def _grid(
    where: str,
    substrate: ElementTree.Element,
    bin_map: ElementTree.Element,
    options: ReadOptions,
    names: BinNames,
) -> tuple[NDArray[np.integer], tuple[int, int]]:
    """Return the grid of words and the row and column of its first cell."""
    bins = [
        (b.get("BinCode", ""), b.get("BinQuality", "")) for b in children(bin_map, "BinDefinition")
    ]
    null = bin_map.get("NullBin")
    table = bin_table(where, bin_map.get("BinType", "Ascii"), null, bins, options, names)
    data = list(children(bin_map, "BinCode"))
    placed = [e for e in data if e.get("X") is not None or e.get("Y") is not None]
    if placed:
        return _of_places(where, substrate, placed, table, options)
    rows = [text for e in data if (text := e.text or "").strip("\r\n\t")]
    return table.grid(rows, table.columns_of(rows[0]) if rows else None), (0, 0)


def _of_places(
    where: str,
    substrate: ElementTree.Element,
    data: list[ElementTree.Element],
    table: BinTable,
    options: ReadOptions,
) -> tuple[NDArray[np.integer], tuple[int, int]]:
    """Return the grid of words with places; a text of several codes goes on to the right."""
    places: list[tuple[int, int, int]] = []
    known: dict[str, list[int]] = {}
    try:
        for element in data:
            x, y, text = int(element.get("X", "")), int(element.get("Y", "")), element.text or ""
            if text not in known:
                known[text] = [table.of(code) for code in table.split(text)]
            places += [(x + i, y, code) for i, code in enumerate(known[text])]
    except ValueError:
        got = f"X={element.get('X')} Y={element.get('Y')}"
        raise ModelError(where, "not a place", got=got, allowed="two integers") from None
    try:
        x_all, y_all, code_all = np.array(places, np.int64).reshape(-1, 3).T
    except OverflowError:
        far = max((n for place in places for n in place[:2]), key=abs)
        allowed = f"-{MOST_PLACE} to {MOST_PLACE}"
        raise ModelError(where, "place of a die out of range", got=far, allowed=allowed) from None
    direction = substrate.get("AxisDirection", "DownRight").lower()
    x_all = -x_all if "left" in direction else x_all
    y_all = -y_all if "up" in direction else y_all
    placed = grid_of_places(where, x_all, y_all, code_all, options.retest)
    if placed.again:
        options.note(f"{where}: {placed.again} dies listed again; the {options.retest} counts")
    return placed.grid, placed.first


def _pitch(root: ElementTree.Element) -> tuple[float, float]:
    """Return the step or size of the smallest layout's devices, mm; nan where none says."""
    found = [UNKNOWN_PITCH]
    for layout in children(root, "Layout"):
        unit = _MM.get(layout.get("DefaultUnits", "mm").lower(), math.nan)
        for name in ("StepSize", "DeviceSize"):
            element = layout.find(name)
            try:
                x, y = (float("nan" if element is None else element.get(k, "nan")) for k in "XY")
            except ValueError:
                continue
            if x > 0.0 and y > 0.0 and math.isfinite(unit):
                found.append((x * unit, y * unit))
                break
    return min(found[1:] or found, key=lambda size: size[0] * size[1])


def save(path: Path, maps: WaferMaps, note: Note = silent) -> None:
    """Write one ``SubstrateMap`` per wafer, with the codes of SEMI G85."""
    check_texts(path, maps)
    codes = semi_codes(str(path), maps, note)
    root = ElementTree.Element("MapData", xmlns=_NAMESPACE)
    pitch = maps.pitch_mm[0].tolist()
    if all(map(math.isfinite, pitch)) and (maps.pitch_mm == maps.pitch_mm[0]).all():
        layouts = ElementTree.SubElement(root, "Layouts")
        layout = ElementTree.SubElement(layouts, "Layout", LayoutId="Devices", DefaultUnits="mm")
        size = dict(zip("XY", (f"{side:.12g}" for side in pitch), strict=True))
        ElementTree.SubElement(layout, "StepSize", size)
    listed = ElementTree.SubElement(root, "Substrates")
    for name, lot in zip(maps.name.tolist(), maps.lot.tolist(), strict=True):
        one = ElementTree.SubElement(listed, "Substrate", SubstrateType="Wafer", SubstrateId=name)
        if lot:
            ElementTree.SubElement(one, "LotId").text = lot
    substrates = ElementTree.SubElement(root, "SubstrateMaps")
    for w, notch in enumerate(maps.notches().tolist()):
        substrate = ElementTree.SubElement(
            substrates,
            "SubstrateMap",
            SubstrateType="Wafer",
            SubstrateId=str(maps.name[w]),
            LayoutSpecifier="WaferLayout/Devices",
            Orientation=str(max(notch, 0)),
            OriginLocation="UpperLeft",
            AxisDirection="DownRight",
        )
        if maps.label[w]:
            ElementTree.SubElement(substrate, "SupplierData", Label=str(maps.label[w]))
        overlay = ElementTree.SubElement(substrate, "Overlay", MapName=_OVERLAY, MapVersion="1")
        grid = codes.grid(maps, w)
        attributes = {"BinType": codes.kind, "NullBin": codes.null}
        bin_map = ElementTree.SubElement(overlay, "BinCodeMap", attributes)
        definitions = ElementTree.SubElement(bin_map, "BinDefinitions")
        for attributes in bin_attributes(codes, grid):
            ElementTree.SubElement(definitions, "BinDefinition", attributes)
        for row in grid.tolist():
            ElementTree.SubElement(bin_map, "BinCode").text = row_text(codes, row)
    ElementTree.indent(root)
    with path.open("wb") as stream:
        tree = ElementTree.ElementTree(root)
        tree.write(stream, encoding="utf-8", xml_declaration=True)
        stream.write(b"<!-- yieldsim -->\n")  # by which a command knows a file of its own
