"""Weights that are kept in a store, and the ensemble opened with them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr

from yieldsim.analysis.weights import with_weights
from yieldsim.ensemble.added.weights import read_weights


def load_weights(store: str | Path, name: str) -> np.ndarray:
    """The weights (realization) that a store keeps under a name; they add up to 1.

    Raises what `open_weighted` raises.
    """
    return read_weights(store, name)[0]


def open_weighted(store: str | Path, name: str | None) -> xr.Dataset:
    """`open_ensemble`, with the weights of a name if one is given.

    All figures of `yieldsim.analysis` are then weighted. Raises StoreError for an unknown name and
    for weights of another ensemble, VerificationError for damaged ones, and what `open_ensemble`
    raises.
    """
    from yieldsim.ensemble import open_ensemble  # a name that tests replace

    ds = open_ensemble(store)
    if name is None:
        return ds
    weights, about = read_weights(store, name)
    return with_weights(ds, weights, about)
