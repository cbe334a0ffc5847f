"""XML files of wafer maps, from untrusted sources: parsed whole, without entities."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from yieldsim.errors import ModelError
from yieldsim.wafer.maps.wafer_maps import WaferMaps

__all__ = ["check_texts", "children", "parse"]

_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def parse(path: Path, allowed: str) -> ElementTree.Element:
    """Return the root of an XML file, with the names of elements without their namespaces.

    Raises ModelError for a file that is not XML, is cut short or declares entities (which can grow
    without bound), and OSError.
    """
    data = path.read_bytes()
    if b"<!ENTITY" in data.replace(b"\0", b""):  # UTF-16 has zeros between
        raise ModelError(str(path), "declares XML entities", allowed=f"{allowed} without them")
    try:
        root = ElementTree.fromstring(data)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        problem = f"cut short, or not XML: {error}"
        raise ModelError(str(path), problem, allowed=allowed) from None
    for element in root.iter():
        if isinstance(element.tag, str) and element.tag[:1] == "{":
            element.tag = element.tag.rpartition("}")[2]
    return root


def check_texts(path: Path, maps: WaferMaps) -> None:
    """Raise ModelError for a name, lot or label with letters that no XML file can hold."""
    for kind, texts in (("name", maps.name), ("lot", maps.lot), ("label", maps.label)):
        for text in dict.fromkeys(texts.tolist()):
            if _FORBIDDEN.search(text):
                allowed = "letters that XML can hold, or .csv or .npz"
                raise ModelError(str(path), f"{kind} of a wafer", got=text, allowed=allowed)


def children(element: ElementTree.Element, *tags: str) -> Iterator[ElementTree.Element]:
    """Yield what lies in an element, at any depth, under one of the names."""
    if len(tags) == 1:
        return element.iter(tags[0])
    return (child for child in element.iter() if child.tag in tags)
