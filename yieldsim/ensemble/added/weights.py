"""Weights of a store's realizations: a Zarr group ``weights`` with an array for each name.

They are inside the store and move with it, but outside its consolidated metadata and its ledger: a
reader of the ensemble finds it byte for byte as it was. ``xarray.open_zarr(store, group="weights",
consolidated=False)`` reads them. The attributes of an array say what the weights rest on and which
ensemble they belong to; they also hold the digest of its chunk.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from yieldsim.ensemble.chunks import decode, encode
from yieldsim.ensemble.layout import ArraySpec, chunk_name
from yieldsim.ensemble.places import place_of
from yieldsim.ensemble.provenance import Stored, no_store, read_stored
from yieldsim.ensemble.read import unfinished
from yieldsim.ensemble.shards import digest
from yieldsim.ensemble.storage import ROOT_METADATA, Place, reason
from yieldsim.ensemble.write import array_keys
from yieldsim.errors import StoreError, UsageError, VerificationError

WEIGHTS = "weights"
_NAMES, _ENSEMBLE, _DIGEST, _ABOUT = "names", "ensemble", "chunk_digest", "about"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_NAME_ALLOWED = "up to 64 letters, digits, - and _, a letter or digit first"


def check_name(name: str, where: str = "--name") -> None:
    """Raise UsageError unless weights may have this name."""
    if not _NAME.fullmatch(name):
        raise UsageError(where, "is no name for weights", got=name, allowed=_NAME_ALLOWED)


def identity(stored: Stored) -> str:
    """Which ensemble the realizations of a store belong to: model, seed, draws, number, version.

    Scenarios are not part of it: realization r is the same world in each.
    """
    attrs = stored.attrs
    parts = [stored.run_hash, attrs["realizations"], attrs["versions"].get("yieldsim")]
    return digest(json.dumps(parts).encode())


def store_identity(path: str | Path) -> str:
    """`identity` of the finished store at a path."""
    return identity(_finished(place_of(path)))


def write_weights(
    path: str | Path, name: str, weights: np.ndarray, about: Mapping[str, Any]
) -> None:
    """Store weights (realization) under a name, in place of older ones of that name.

    Raises UsageError for a bad name, StoreError if the store is of format 1 or cannot be written,
    and IncompleteError if it is not finished.
    """
    check_name(name)
    place = place_of(path)
    stored = _finished(place)
    if not stored.has_ledger:
        problem = "is of an older store format, so it can only be read"
        raise StoreError(str(place), problem, allowed="a store of a new run")
    if weights.shape != (stored.attrs["realizations"],):
        got, allowed = weights.shape, f"one of {stored.attrs['realizations']} realizations each"
        raise ValueError(f"weights have the shape {got}, allowed: {allowed}")
    chunk = encode(weights.astype(np.float64), place.compressed)
    attrs = {
        "long_name": "weight of each realization; the weights add up to 1",
        "units": "1",
        _ENSEMBLE: identity(stored),
        _DIGEST: digest(chunk),
        _ABOUT: json.dumps(dict(about), ensure_ascii=False),
    }
    spec = ArraySpec(name, ("realization",), "float64", weights.shape, weights.shape, attrs)
    names = sorted({*weight_names(place), name})
    keys = array_keys([spec], place.compressed, {_NAMES: json.dumps(names)})
    # the metadata last: they hold the digest of the chunk
    keys = {f"{name}/{chunk_name(0)}": chunk} | keys
    try:
        for folder in (WEIGHTS, f"{WEIGHTS}/{name}"):
            place.new_array(folder)
        for key, data in keys.items():
            place.put(f"{WEIGHTS}/{key}", data)
    except OSError as error:
        raise StoreError(str(place), f"{reason(error)}: the weights were not stored") from None


def read_weights(path: str | Path, name: str) -> tuple[np.ndarray, dict[str, Any]]:
    """The weights (realization) under a name, and what was stored about them.

    Raises StoreError for an unknown name and for weights of another ensemble, VerificationError
    for damaged ones, and IncompleteError for a store that is not finished.
    """
    place = place_of(path)
    stored = _finished(place)
    known = weight_names(place)
    if name not in known:
        allowed = ", ".join(known) or f"none yet; `yieldsim condition {place}` makes them"
        raise StoreError(str(place), "has no weights of this name", got=name, allowed=allowed)
    where = f"{place}/{WEIGHTS}/{name}"
    document = _document(place, f"{WEIGHTS}/{name}/{ROOT_METADATA}")
    data = place.get(f"{WEIGHTS}/{name}/{chunk_name(0)}") or b""
    again = f"`yieldsim condition {place} --name {name}` makes them again"
    try:
        attrs = document["attributes"]
        about = json.loads(attrs[_ABOUT])
        sound = attrs[_DIGEST] == digest(data)
    except (KeyError, TypeError, ValueError):
        sound = False
    if not sound:
        raise VerificationError(where, f"the weights are damaged; {again}")
    weights = decode(data, "float64", place.compressed)
    if attrs[_ENSEMBLE] != identity(stored):
        has = f"this one has {stored.attrs['realizations']:,} realizations"
        problem = f"are weights of another ensemble, of {len(weights):,} realizations ({has})"
        raise StoreError(where, f"{problem}; {again}")
    return weights.astype(np.float64), about


def weight_names(place: Place) -> list[str]:
    """The names of the weights that a store has."""
    try:
        names = json.loads(_document(place, f"{WEIGHTS}/{ROOT_METADATA}")["attributes"][_NAMES])
    except (KeyError, TypeError, ValueError):
        return []
    return [str(name) for name in names]


def _document(place: Place, key: str) -> dict[str, Any]:
    try:
        document = json.loads(place.get(key) or b"{}")
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _finished(place: Place) -> Stored:
    stored = read_stored(place)
    if stored is None:
        raise no_store(place)
    if not stored.complete:
        raise unfinished(stored)
    return stored
