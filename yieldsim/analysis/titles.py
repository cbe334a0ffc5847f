"""The titles that a model gives its products, lines and scenarios, for people who read no keys."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from yieldsim.analysis.caption import raw_model, scenario_changes
from yieldsim.analysis.totals import TOTAL, labels_of, product_names

if TYPE_CHECKING:
    import xarray as xr

ALL_AI = "All AI products"


def table_titles(ds: xr.Dataset, table: str, names: Iterable[str]) -> dict[str, str]:
    """The titles of entries such as products; of one without a title its name as words.

    Entries that only a scenario adds are found too.
    """
    titles: dict[str, str] = {}
    for tables in (raw_model(ds), *scenario_changes(ds)):
        entries = tables.get(table, {})
        for name, entry in entries.items() if isinstance(entries, dict) else ():
            if isinstance(entry, dict) and isinstance(entry.get("title"), str):
                titles.setdefault(name, entry["title"])
    return {name: titles.get(name) or name.replace("_", " ") for name in names}


def product_titles(ds: xr.Dataset) -> dict[str, str]:
    """The title of each product, and of the ``total``."""
    return {TOTAL: ALL_AI} | table_titles(ds, "products", product_names(ds))


def scenario_titles(ds: xr.Dataset) -> dict[str, str]:
    """The title of each scenario; its name as words where the ensemble has none."""
    names = labels_of(ds, "scenario")
    words = [name.replace("_", " ") for name in names]
    if "scenario_title" not in ds.coords:
        return dict(zip(names, words, strict=True))
    titles = [str(title) for title in ds["scenario_title"].to_numpy()]
    return {
        name: title if title not in ("", name) else word
        for name, title, word in zip(names, titles, words, strict=True)
    }
