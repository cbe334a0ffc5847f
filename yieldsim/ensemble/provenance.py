"""The attributes of a store: identity, model text, seed, versions, history."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from yieldsim.ensemble.layout import RunPlan
from yieldsim.ensemble.storage import ROOT_METADATA, Place
from yieldsim.errors import StoreError
from yieldsim.version import VERSION

FORMAT = 1
INCOMPLETE, COMPLETE = "incomplete", "complete"
_SOFTWARE = ("numpy", "numba", "zarr", "xarray")
_TYPES = {
    "yieldsim_store": int,
    "status": str,
    "model_name": str,
    "model_hash": str,
    "model_json": str,
    "seed": int,
    "scenarios": list,
    "realizations": int,
    "block_size": int,
    "versions": dict,
}


@dataclass(frozen=True)
class Stored:
    """What the metadata of an existing store says."""

    place: Place
    attrs: Mapping[str, Any]

    @property
    def complete(self) -> bool:
        return bool(self.attrs["status"] == COMPLETE)

    @property
    def blocks(self) -> int:
        return -(-int(self.attrs["realizations"]) // int(self.attrs["block_size"]))


def global_attrs(plan: RunPlan, command: str) -> dict[str, Any]:
    """The attributes of a new store. They alone suffice to reproduce it."""
    model = plan.file.raw
    return {
        "Conventions": "CF-1.11",
        "title": str(model.get("title") or plan.file.place),
        "history": _history(command),
        "source": f"yieldsim {VERSION}, a Monte Carlo simulation",
        "yieldsim_store": FORMAT,
        "status": INCOMPLETE,
        "comment": "unfinished: only the blocks whose block_done is 1 hold results",
        "model_name": plan.file.place,
        "model_hash": plan.file.digest(plan.scenarios),
        "seed": plan.seed,
        "scenarios": list(plan.scenarios),
        "realizations": plan.realizations,
        "block_size": plan.block_size,
        "versions": {
            "yieldsim": VERSION,
            "python": platform.python_version(),
            **{package: version(package) for package in _SOFTWARE},
        },
        "platform": f"{platform.system()} {platform.machine()}",
        "coordinates": "quarter_bounds",
        "model_json": plan.file.to_json(),
    }


def finished_attrs(stored: Stored) -> dict[str, Any]:
    """The attributes of a complete store."""
    attrs = dict(stored.attrs)
    attrs |= {
        "status": COMPLETE,
        "comment": "every block is stored; block_done tells of each",
        "history": f"{stored.attrs.get('history', '')}\n{_history('finalized')}",
    }
    return attrs


def _history(what: str) -> str:
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return f"{now} yieldsim {VERSION}: {what}"


def read_stored(place: Place) -> Stored | None:
    """The metadata of the store at a place, or None if the place is empty.

    Raises StoreError if the place holds something else or damaged metadata.
    """
    if not place.used():
        return None
    text = place.get(ROOT_METADATA)
    if text is None:
        raise StoreError(str(place), "exists and is not a yieldsim store (it has no zarr.json)")
    try:
        content = json.loads(text)
        attrs = content["attributes"] if content["node_type"] == "group" else {}
    except (ValueError, KeyError, TypeError, RecursionError):
        raise StoreError(str(place), "its metadata (zarr.json) are damaged") from None
    if not isinstance(attrs, dict) or "yieldsim_store" not in attrs:
        raise StoreError(str(place), "is a Zarr store, but not of yieldsim")
    _check_attrs(place, attrs)
    return Stored(place, attrs)


def _check_attrs(place: Place, attrs: dict[str, Any]) -> None:
    where = f"{place}: metadata (zarr.json)"
    if attrs["yieldsim_store"] != FORMAT:
        raise StoreError(
            where,
            "has another store format",
            got=attrs["yieldsim_store"],
            allowed=f"format {FORMAT}",
        )
    for name, kind in _TYPES.items():
        if not isinstance(attrs.get(name), kind):
            raise StoreError(where, f"damaged: no valid {name}", got=attrs.get(name))
    if not all(isinstance(name, str) for name in attrs["scenarios"]):
        raise StoreError(where, "damaged: no valid scenarios", got=attrs["scenarios"])
    if attrs["status"] not in (INCOMPLETE, COMPLETE):
        raise StoreError(where, "damaged: no valid status", got=attrs["status"])
    if attrs["block_size"] < 1 or attrs["realizations"] < 1:
        raise StoreError(where, "damaged: no valid block size or number of realizations")


def check_same(stored: Stored, plan: RunPlan) -> None:
    """Refuse to continue a store of another run, or of another version if it is unfinished.

    Raises StoreError that names the difference, the value asked for and the stored value.
    """
    attrs, place = stored.attrs, str(stored.place)
    held = {
        "seed": (plan.seed, attrs["seed"]),
        "scenarios": (", ".join(plan.scenarios), ", ".join(attrs["scenarios"])),
        "realizations": (plan.realizations, attrs["realizations"]),
        "block size": (plan.block_size, attrs["block_size"]),
        "model": (
            f"{plan.file.place} {plan.file.digest(plan.scenarios)[:12]}",
            f"{attrs['model_name']} {attrs['model_hash'][:12]}",
        ),
    }
    for name, (asked, had) in held.items():
        if asked != had:
            allowed = f"{had}, or another --out"
            raise StoreError(
                place, f"holds another run: {name} differs", got=asked, allowed=allowed
            )
    mine, theirs = VERSION, attrs["versions"].get("yieldsim")
    if not stored.complete and mine != theirs:
        raise StoreError(
            place,
            "was begun by another version of yieldsim, so it cannot be continued",
            got=mine,
            allowed=f"yieldsim {theirs}, or another --out",
        )
