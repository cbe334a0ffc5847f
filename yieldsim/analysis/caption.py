"""Where an ensemble comes from: the few words that stand under a table or a chart."""

from __future__ import annotations

import json
from typing import Any

import xarray as xr


def origin(ds: xr.Dataset) -> dict[str, Any]:
    """The model's name and title, the seed and the number of realizations.

    What the ensemble's attributes do not say is an empty text.
    """
    model: dict[str, Any] = {}
    text = ds.attrs.get("model_json")
    if isinstance(text, str):
        model = json.loads(text).get("raw", {})
    return {
        "model": str(model.get("name", ds.attrs.get("model_name", ""))),
        "title": str(model.get("title", ds.attrs.get("title", ""))),
        "seed": str(ds.attrs.get("seed", "")),
        "realizations": int(ds.sizes["realization"]),
    }
