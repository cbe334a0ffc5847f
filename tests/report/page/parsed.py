"""What a page holds: its tables, its data, and what it would load."""

import base64
import json
from html.parser import HTMLParser
from typing import Any

import numpy as np

# attributes by which a browser loads something without being asked
LOADING = {"src", "srcset", "poster", "data", "background", "action", "formaction"}


class Page(HTMLParser):
    """``tables``: name -> rows of texts, the heading first; ``loads``: what is loaded."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tables: dict[str, list[list[str]]] = {}
        self.loads: list[str] = []
        self.ids: list[str] = []
        self.scripts: list[str] = []
        self.words: list[str] = []
        self._table: list[list[str]] | None = None
        self._inside = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.loads += [str(value) for name, value in attrs if name in LOADING]
        if tag == "link":
            self.loads.append(str(given.get("href")))
        if given.get("id"):
            self.ids.append(str(given["id"]))
        if tag == "table":
            self._table = self.tables.setdefault(str(given["id"]).removeprefix("table-"), [])
        elif tag == "tr" and self._table is not None:
            self._table.append([])
        elif tag in ("th", "td") and self._table is not None:
            self._table[-1].append("")
        self._inside = tag

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""
        if tag == "table":
            self._table = None

    def handle_data(self, data: str) -> None:
        if self._inside == "script":
            self.scripts.append(data)
            return
        if self._table and self._table[-1] and data.strip():
            self._table[-1][-1] += data
        self.words.append(data)

    @property
    def data(self) -> dict[str, Any]:
        """What the script reads."""
        return json.loads(self.scripts[0])


def unpacked(text: str, dtype: str = "<f4") -> np.ndarray:
    """The numbers that a page holds as base64."""
    return np.frombuffer(base64.b64decode(text), dtype=dtype)
