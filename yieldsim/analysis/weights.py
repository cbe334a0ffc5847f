"""The weights of an ensemble's realizations: a coordinate of its Dataset, and what they rest on.

Every statistic of `yieldsim.analysis` is weighted where the Dataset has weights, and its summary
then says so under ``weights`` (see `caption.origin`). `conditioning.stored` reads them from a
store. All scenarios share them, because realization r is the same world in each.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from yieldsim.analysis.attributes import json_table

if TYPE_CHECKING:
    import xarray as xr

WEIGHT = "realization_weight"
ABOUT = "weights_json"  # attribute: name, evidence, effective sample size, ...


def with_weights(ds: xr.Dataset, weights: np.ndarray, about: Mapping[str, Any]) -> xr.Dataset:
    """The ensemble with a weight for each realization, and what its summaries say about them."""
    scaled = np.asarray(weights, dtype=np.float64) / np.sum(weights)
    weighted = ds.assign_coords({WEIGHT: ("realization", scaled)})
    return weighted.assign_attrs({ABOUT: json.dumps(dict(about), ensure_ascii=False)})


def without_weights(ds: xr.Dataset) -> xr.Dataset:
    """The ensemble with equal weights."""
    return ds.drop_vars(WEIGHT, errors="ignore")


def weights_of(ds: xr.Dataset) -> np.ndarray | None:
    """The weights (realization), which add up to 1; None if the ensemble has none."""
    if WEIGHT not in ds.coords:
        return None
    own = ds[WEIGHT].to_numpy()
    return own / own.sum()


def weighting(ds: xr.Dataset) -> dict[str, Any]:
    """``weights``, what the ensemble's weights rest on; empty if it has none."""
    about = json_table(ds.attrs, ABOUT) if WEIGHT in ds.coords else None
    return {} if about is None else {"weights": about}


def weights_note(origin: Mapping[str, Any]) -> str:
    """A sentence on the weights of what an `caption.origin` describes; empty if it has none."""
    about = origin.get("weights")
    if not about:
        return ""
    return (
        f"Weighted by {about['evidence']} (weights {about['name']}): an effective sample size of "
        f"{about['effective_sample_size']:,.0f}."
    )
