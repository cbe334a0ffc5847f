"""All figures of the page of an ensemble, gathered from the summaries of `yieldsim.analysis`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import xarray as xr

from yieldsim.analysis.attributes import json_table
from yieldsim.analysis.caption import origin, outlook_from
from yieldsim.analysis.drivers.summary import sensitivity_summary
from yieldsim.analysis.evidence.comparison import compare_files
from yieldsim.analysis.evidence.file import SHIPPED_EVIDENCE, SHIPPED_FORECASTS
from yieldsim.analysis.fab.defect_density import D0, WAFERS, d0_records
from yieldsim.analysis.fab.lines import line_records
from yieldsim.analysis.fab.losses import LEFT, MECHANISMS, NEEDED, loss_records
from yieldsim.analysis.overview.assumptions import assumption_summary
from yieldsim.analysis.overview.draws import carried_draws, leading_inputs
from yieldsim.analysis.overview.fans import fan_of
from yieldsim.analysis.overview.headline import headline, headline_years
from yieldsim.analysis.overview.wafers import wafer_maps
from yieldsim.analysis.records import Record, difference_records
from yieldsim.analysis.supply.binding import binding_shares
from yieldsim.analysis.supply.demand import order_records
from yieldsim.analysis.supply.gains import gain_records
from yieldsim.analysis.titles import product_titles, scenario_titles, table_titles
from yieldsim.analysis.totals import TOTAL, ai_names, choose, labels_of
from yieldsim.analysis.weights import weights_note, without_weights
from yieldsim.errors import ModelError, StoreError, UsageError
from yieldsim.model.scenario_names import BASELINE, lifted_limits, raised_inputs

MOST_DRIVEN = 20_000  # realizations from which indices are taken
ATTRIBUTES = (
    *("title", "source", "history", "model_name", "model_hash", "seed", "design"),
    *("realizations", "scenarios", "block_size", "versions", "platform", "arithmetic"),
)


def overview(
    ds: xr.Dataset, scenarios: Sequence[str] = (), with_wafers: bool = False
) -> dict[str, Any]:
    """What the page shows, of the given scenarios (default: `shown_scenarios`).

    ``scenarios`` and ``products``: their titles. ``fan``: the `Fan` by ``quarter`` and ``year``.
    ``draws``: those that the sliders reweight. ``headline``: the answer in two lines, on ``years``.
    The other keys hold the records of the summaries of the same name. What the ensemble lacks is
    empty, and ``missing`` says why, by key. Figures that need one scenario are of the first.
    ``with_wafers`` simulates a wafer of each leading die, which compiles the wafer simulator on
    first use. Raises UsageError for an unknown scenario.
    """
    chosen = choose(ds, list(scenarios) or shown_scenarios(ds))
    first = labels_of(chosen, "scenario")[0]
    alone = choose(ds, [first])
    by_quarter = fan_of(chosen, "quarter")
    fans = {"quarter": by_quarter, "year": fan_of(chosen, "year", by_quarter.products)}
    outlook = outlook_from(ds)
    years = headline_years(fans["year"], outlook)
    missing = {"wafers": "they were not asked for (--wafer-maps)"}
    drivers = _drivers(alone, missing)
    binding: dict[str, list[Record]] = {"quarter": [], "year": []}
    if "binding" in ds:
        binding = {period: binding_shares(chosen, period) for period in binding}
    else:
        missing["binding"] = "the ensemble does not keep what binds"
    gains = _gains(ds, first, missing)
    titles = product_titles(ds)
    assumptions = assumption_summary(ds, first)
    labels = {r["path"]: r["label"] for r in assumptions["inputs"]}
    note = weights_note(origin(ds))
    told = None if note else drivers  # the spread that they explain is that before weighting
    draws = carried_draws(chosen, by_quarter, leading_inputs(drivers, years))
    return {
        "scenarios": scenario_titles(chosen),
        "products": {name: titles[name] for name in by_quarter.products},
        "first": first,
        "fan": fans,
        "draws": draws,
        "years": years,
        "outlook_from": outlook,
        "headline": headline(fans["year"], years, binding["year"], told, gains, labels),
        "binding": binding["quarter"],
        "differences": _differences(chosen, missing),
        "drivers": drivers,
        "gains": gains,
        "orders": _orders(chosen, missing),
        "lines": _lines(alone, missing),
        "yields": _yields(alone),
        "wafers": _wafers(ds, by_quarter.products, first, missing) if with_wafers else [],
        "names": _names(ds),
        "published": _published(alone, missing),
        "assumptions": assumptions,
        "labels": labels,
        "missing": missing,
        "provenance": provenance(ds) | ({"weights": note} if note else {}),
        "weighted": note,
        **origin(ds),
    }


def shown_scenarios(ds: xr.Dataset) -> list[str]:
    """The scenarios that raise no input and lift no limit, the baseline first; else all."""
    names = labels_of(ds, "scenario")
    plain = [name for name in names if not raised_inputs(name) and not lifted_limits(name)]
    return sorted(plain or names, key=lambda name: name != BASELINE)


def _drivers(ds: xr.Dataset, missing: dict[str, str]) -> dict[str, Any] | None:
    """What drives the total by year; None where that cannot be estimated.

    All draws have equal weight. The first `MOST_DRIVEN` suffice, except for a designed run.
    """
    most = None if origin(ds)["given_samples"] else MOST_DRIVEN
    try:
        few = without_weights(ds).isel(realization=slice(0, most))
        return sensitivity_summary(few, periods=("year",))
    except (UsageError, StoreError) as error:
        missing["drivers"] = str(error)
        return None


def _gains(ds: xr.Dataset, first: str, missing: dict[str, str]) -> list[Record]:
    """What 10 % more of each input adds to the first scenario."""
    records = [r for r in gain_records(ds) if r["base"] == first and r["product"] == TOTAL]
    if not records:
        missing["gains"] = (
            f"the ensemble has no scenario with more of an input; "
            f"run it with --scenario {first} --scenario more:all"
        )
    return records


def _differences(ds: xr.Dataset, missing: dict[str, str]) -> list[Record]:
    records = difference_records(ds, labels_of(ds, "scenario")[0])
    if not records:
        missing["differences"] = "the page shows one scenario"
    return records


def _orders(ds: xr.Dataset, missing: dict[str, str]) -> list[Record]:
    records = order_records(ds)
    if not records:
        missing["orders"] = "the model has no orders"
    return records


def _lines(ds: xr.Dataset, missing: dict[str, str]) -> list[Record]:
    records = line_records(ds)
    if not records:
        missing["lines"] = "the ensemble does not keep the wafers of its lines"
    return records


def _yields(ds: xr.Dataset) -> dict[str, Any]:
    """By year: the share of good dies (all bins), the loss by mechanism, and D0."""
    lacking = [name for name in NEEDED if name not in ds]
    records = [] if lacking else loss_records(ds, "year", with_good=True)
    return {
        "losses": [r for r in records if r["mechanism"] != LEFT],
        "good": [r for r in records if r["mechanism"] == LEFT],
        "d0": d0_records(ds, "year") if D0 in ds and WAFERS in ds else [],
        "mechanisms": list(MECHANISMS),
        "notes": [f"the ensemble lacks {' and '.join(lacking)}"] if lacking else [],
    }


def _wafers(
    ds: xr.Dataset, products: list[str], scenario: str, missing: dict[str, str]
) -> list[dict[str, Any]]:
    missing["wafers"] = "the ensemble carries no model that can be read"
    named = [name for name in products if name in ai_names(ds)]
    return wafer_maps(ds, named, scenario)


def _names(ds: xr.Dataset) -> dict[str, dict[str, str]]:
    """Table of the model -> the titles of its entries."""
    dims = {"fabs": "fab", "processes": "process", "dies": "die", "tool_groups": "tool_group"}
    return {
        table: table_titles(ds, table, labels_of(ds, dim) if dim in ds.coords else ())
        for table, dim in dims.items()
    }


def _published(ds: xr.Dataset, missing: dict[str, str]) -> dict[str, list[Record]]:
    """Published counts and forecasts of others beside the first scenario."""
    try:
        counts, forecasts = compare_files(ds, [SHIPPED_EVIDENCE, SHIPPED_FORECASTS])
    except (ModelError, UsageError, StoreError) as error:
        missing["published"] = str(error)
        return {"forecasts": [], "figures": []}
    return {
        "forecasts": [r for r in forecasts if r["compared"]],
        "figures": [r for r in counts if r["compared"]],
    }


def provenance(ds: xr.Dataset) -> dict[str, str]:
    """The attributes of the store that say how its figures came about."""
    known = (name for name in ATTRIBUTES if ds.attrs.get(name) not in (None, ""))
    found = {name: str(ds.attrs[name]) for name in known}
    if "versions" in found:
        versions = json_table(ds.attrs, "versions") or {}
        found["versions"] = ", ".join(f"{name} {number}" for name, number in versions.items())
    if "scenarios" in found:
        found["scenarios"] = ", ".join(labels_of(ds, "scenario"))
    return {"realizations": str(ds.sizes["realization"])} | found
