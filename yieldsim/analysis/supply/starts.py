"""Wafer starts by period: of all lines, and of the designs of each kind of product."""

from __future__ import annotations

from typing import TYPE_CHECKING

from yieldsim.analysis.caption import raw_model, scenario_changes
from yieldsim.analysis.periods import Period
from yieldsim.analysis.records import Record, figure_records
from yieldsim.analysis.totals import AI, labels_of, places_of

if TYPE_CHECKING:
    import xarray as xr

ALL = "all"


def start_records(ds: xr.Dataset, period: Period = "year") -> list[Record]:
    """Records of the wafers started, by scenario, ``designs`` and period (see `figure_records`).

    ``designs`` is ``all`` for all lines, or a kind of product: ``ai``, ``phone``, ``other``. A
    design that products of several kinds use counts as ai, or else as the first. Empty for an
    ensemble that does not keep wafer starts.
    """
    records: list[Record] = []
    if "wafer_starts" in ds:
        everything = places_of(ds["wafer_starts"], {})
        records += figure_records(ds, "wafer_starts", period, [({"designs": ALL}, everything)])
    if "die_wafer_starts" in ds:
        dies, kinds = labels_of(ds, "die"), _die_kinds(ds)
        groups = []
        for kind in dict.fromkeys((AI, *kinds.values())):
            own = [place for place, die in enumerate(dies) if kinds.get(die) == kind]
            groups.append(({"designs": kind}, places_of(ds["die_wafer_starts"], {"die": own})))
        records += figure_records(ds, "die_wafer_starts", period, groups)
    return records


def _die_kinds(ds: xr.Dataset) -> dict[str, str]:
    """Die -> the kind of the products that use it, in the model or in any scenario of it."""
    kinds: dict[str, str] = {}
    known: dict[str, str] = {}
    for tables in (raw_model(ds), *scenario_changes(ds)):
        products = tables.get("products", {})
        for name, product in products.items() if isinstance(products, dict) else ():
            if not isinstance(product, dict):
                continue
            kind = known.setdefault(name, str(product.get("kind", AI)))
            others = product.get("other_dies", {})
            for die in (product.get("die"), *(others if isinstance(others, dict) else ())):
                if isinstance(die, str) and (kind == AI or die not in kinds):
                    kinds[die] = kind
    return kinds
