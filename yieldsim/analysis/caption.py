"""The origin of an ensemble, as it stands under tables and charts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from yieldsim.analysis.attributes import json_table
from yieldsim.analysis.weights import weighting
from yieldsim.errors import StoreError

if TYPE_CHECKING:
    import xarray as xr


def origin(ds: xr.Dataset) -> dict[str, Any]:
    """The model's name and title, the seed, the design of the draws and the number of realizations.

    An attribute that the ensemble lacks gives an empty text. ``given_samples`` says whether some
    inputs were given: errors are those of independent realizations, and such rows need not be.
    An ensemble with weights says under ``weights`` what they rest on.
    """
    model = raw_model(ds)
    return {
        "model": str(model.get("name", ds.attrs.get("model_name", ""))),
        "title": str(model.get("title", ds.attrs.get("title", ""))),
        "seed": str(ds.attrs.get("seed", "")),
        "design": str(ds.attrs.get("design", "")),
        "given_samples": "samples_digest" in ds.attrs,
        "realizations": int(ds.sizes["realization"]),
        **weighting(ds),
    }


def outlook_from(ds: xr.Dataset) -> str | None:
    """The quarter from which the model calls its results an outlook; None if it names none."""
    simulation = raw_model(ds).get("simulation", {})
    return simulation.get("outlook_from") if isinstance(simulation, dict) else None


def raw_model(ds: xr.Dataset) -> dict[str, Any]:
    """The tables of the model that the ensemble carries as text; empty if it carries none.

    Raises StoreError if the text is damaged.
    """
    model = (json_table(ds.attrs, "model_json") or {}).get("raw", {})
    if not isinstance(model, dict):
        raise StoreError("attribute model_json", "is damaged: its raw tables are missing")
    return model


def scenario_changes(ds: xr.Dataset) -> list[dict[str, Any]]:
    """The tables that each scenario of the model changes; empty if the ensemble carries none.

    Raises StoreError if the text is damaged.
    """
    entries = (json_table(ds.attrs, "model_json") or {}).get("scenarios", {})
    if not isinstance(entries, dict):
        raise StoreError("attribute model_json", "is damaged: scenarios is no table")
    changes = [entry.get("changes", {}) for entry in entries.values() if isinstance(entry, dict)]
    return [tables for tables in changes if isinstance(tables, dict)]
