"""XML files of wafer maps, from anybody: parsed whole, without entities."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from yieldsim.errors import ModelError

__all__ = ["children", "parse", "tag"]


def parse(path: Path, allowed: str) -> ElementTree.Element:
    """Return the root of an XML file.

    Raises ModelError for a file that is no XML, is cut short or declares entities (which can grow
    without bound), and OSError.
    """
    data = path.read_bytes()
    if b"<!ENTITY" in data.replace(b"\0", b""):  # UTF-16 has zeros between
        raise ModelError(str(path), "declares XML entities", allowed=f"{allowed} without them")
    try:
        return ElementTree.fromstring(data)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        problem = f"cut short, or not XML: {error}"
        raise ModelError(str(path), problem, allowed=allowed) from None


def tag(element: ElementTree.Element) -> str:
    """Return an element's name without its namespace."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def children(element: ElementTree.Element, *tags: str) -> Iterator[ElementTree.Element]:
    """Yield what lies in an element, at any depth, under one of the names."""
    return (child for child in element.iter() if tag(child) in tags)
