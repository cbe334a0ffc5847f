"""Where an ensemble comes from: the few words that stand under a table or a chart."""

from __future__ import annotations

import json
from typing import Any

import xarray as xr


def origin(ds: xr.Dataset) -> dict[str, Any]:
    """The model's name and title, the seed and the number of realizations.

    What the ensemble's attributes do not say is an empty text.
    """
    model = raw_model(ds)
    return {
        "model": str(model.get("name", ds.attrs.get("model_name", ""))),
        "title": str(model.get("title", ds.attrs.get("title", ""))),
        "seed": str(ds.attrs.get("seed", "")),
        "realizations": int(ds.sizes["realization"]),
    }


def raw_model(ds: xr.Dataset) -> dict[str, Any]:
    """The tables of the model whose text the ensemble carries; empty where it carries none."""
    text = ds.attrs.get("model_json")
    model: dict[str, Any] = json.loads(text).get("raw", {}) if isinstance(text, str) else {}
    return model
