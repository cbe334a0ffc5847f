"""The attributes of a store: identity, model text, seed, versions, history."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from yieldsim.arithmetic import arithmetic
from yieldsim.design import DESIGNS, Design, Samples, design_text
from yieldsim.ensemble.layout import RunPlan, plain, run_hash
from yieldsim.ensemble.ledger import ORIGIN, SAMPLES, BlockRecord
from yieldsim.ensemble.storage import ROOT_METADATA, Folder, Place
from yieldsim.errors import StoreError
from yieldsim.model.load import ModelFile
from yieldsim.version import VERSION

FORMAT = 2  # with a ledger; stores of format 1 are opened and checked as far as they can be
_OLDEST = 1
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
    """What the metadata of an existing store says; ``attrs`` with lists and tables decoded."""

    place: Place
    attrs: Mapping[str, Any]

    @property
    def has_ledger(self) -> bool:
        """Whether the store binds its bytes to their places."""
        # a damaged format number must not switch off the checks
        return self.attrs["yieldsim_store"] >= FORMAT or self.place.get(ORIGIN) is not None

    @property
    def plan(self) -> RunPlan:
        """The run that the store holds. Raises StoreError if the model text is damaged."""
        attrs = self.attrs
        try:
            held_by = (str(self.place), str(attrs["versions"].get("yieldsim", "unknown")))
            file = ModelFile.from_json(attrs["model_json"], held_by)
        except (ValueError, TypeError, KeyError, RecursionError):
            where = f"{self.place}: metadata (zarr.json)"
            raise StoreError(where, "the text of its model is damaged") from None
        if file.digest(attrs["scenarios"]) != attrs["model_hash"]:
            where = f"{self.place}: metadata (zarr.json)"
            raise StoreError(where, "the text of its model does not match model_hash")
        return RunPlan(
            file,
            tuple(attrs["scenarios"]),
            attrs["seed"],
            attrs["realizations"],
            attrs["block_size"],
            self.scenarios_per_file,
            self.design,
        )

    @property
    def run_hash(self) -> str:
        """`RunPlan.run_hash`, without reading the model and the samples."""
        attrs = self.attrs
        design = design_text(attrs.get("design", DESIGNS[0]), attrs.get("samples_digest"))
        return run_hash(attrs["model_json"], attrs["seed"], attrs["block_size"], design)

    @property
    def design(self) -> Design:
        """How the inputs came about. Raises StoreError if the samples are lost."""
        wanted = self.attrs.get("samples_digest")
        samples = None if wanted is None else _given_samples(self.place, wanted)
        return Design(self.attrs.get("design", DESIGNS[0]), samples)

    @property
    def scenarios_per_file(self) -> int:
        """Scenarios that share a file."""
        return int(self.attrs.get("scenarios_per_file", 1))

    def record(self, row: int, block: int) -> BlockRecord | None:
        """Return the record of a block, None where it is not that of this place and run."""
        record, attrs = BlockRecord.read(self.place, row, block), self.attrs
        per_file = self.scenarios_per_file
        size = int(attrs["block_size"])
        count = min(size, int(attrs["realizations"]) - block * size)
        scenarios = tuple(attrs["scenarios"][row * per_file : (row + 1) * per_file])
        expected = BlockRecord(self.run_hash, block, count, scenarios, {})
        return record if record and replace(record, files={}) == expected else None

    @property
    def complete(self) -> bool:
        return bool(self.attrs["status"] == COMPLETE)

    @property
    def blocks(self) -> int:
        return -(-int(self.attrs["realizations"]) // int(self.attrs["block_size"]))


def _given_samples(place: Place, digest: str) -> Samples:
    """The samples that a run was given, from the first of both copies that is sound."""
    for key in SAMPLES:
        try:
            samples = Samples.from_bytes(place.get(key) or b"")
        except ValueError:
            continue
        if samples.digest == digest:
            return samples
    problem = "both copies of the samples that the run was given are missing or damaged"
    allowed = "a new run of the same samples under another --out"
    raise StoreError(f"{place}/{SAMPLES[0]}", problem, allowed=allowed)


def global_attrs(plan: RunPlan, command: str) -> dict[str, Any]:
    """The attributes of a new store. They alone suffice to reproduce it."""
    model, samples = plan.file.raw, plan.design.samples
    attrs = {
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
        "scenarios_per_file": plan.row_size,
        "arithmetic": arithmetic(),
        "design": plan.design.name,
        **({} if samples is None else {"samples_digest": samples.digest}),
        "versions": {
            "yieldsim": VERSION,
            "python": platform.python_version(),
            **{package: version(package) for package in _SOFTWARE},
        },
        "platform": f"{platform.system()} {platform.machine()}",
        "coordinates": "quarter_bounds",
        "model_json": plan.file.to_json(),
    }
    return plain(attrs)


def finished_attrs(stored: Stored) -> dict[str, Any]:
    """The attributes of a complete store."""
    attrs = dict(stored.attrs)
    attrs |= {
        "status": COMPLETE,
        "comment": "every block is stored; block_done tells of each",
        "history": f"{stored.attrs.get('history', '')}\n{_history('finalized')}",
    }
    return plain(attrs)


def extended_attrs(stored: Stored, plan: RunPlan, command: str) -> dict[str, Any]:
    """The attributes of a store that is becoming that of a larger plan."""
    attrs = dict(stored.attrs)
    own = global_attrs(plan, command)
    kept = ("status", "comment", "model_hash", "scenarios", "realizations", "scenarios_per_file")
    attrs |= {name: own[name] for name in kept}
    attrs["history"] = f"{stored.attrs.get('history', '')}\n{own['history']}"
    return plain(attrs)


def plain_attrs(stored: Stored) -> dict[str, Any]:
    """Return the attributes of a store as its root has them."""
    return plain(stored.attrs)


def _decoded(attrs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes with lists, tables and numbers as they were before `plain`."""
    return {name: _decode(value, _TYPES.get(name)) for name, value in attrs.items()}


def _decode(value: Any, kind: type | None) -> Any:
    if not isinstance(value, str) or kind in (None, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return None  # reported as no valid value


def _history(what: str) -> str:
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    line = f"{now} yieldsim {VERSION}: {what}"
    return line.encode(errors="replace").decode()  # the names of stores on disk may be no text


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
    return stored_of(place, attrs)


def no_store(place: Place, maker: str = "run") -> StoreError:
    """Return the error for a place that holds no store; ``maker`` is the command that makes one."""
    is_empty = isinstance(place, Folder) and place.path.is_dir()
    problem = "is an empty folder, not an ensemble store" if is_empty else "no such ensemble store"
    return StoreError(str(place), f"{problem}; `yieldsim {maker} MODEL --out {place}` makes one")


def stored_of(place: Place, raw: Mapping[str, Any]) -> Stored:
    """Return the store that some attributes describe. Raises StoreError if one is not valid."""
    attrs = _decoded(raw)
    _check_attrs(place, attrs)
    return Stored(place, attrs)


def _check_attrs(place: Place, attrs: dict[str, Any]) -> None:
    where = f"{place}: metadata (zarr.json)"
    if attrs["yieldsim_store"] not in range(_OLDEST, FORMAT + 1):
        raise StoreError(
            where,
            "has another store format",
            got=attrs["yieldsim_store"],
            allowed=f"format {_OLDEST} to {FORMAT}",
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


def check_arithmetic(stored: Stored) -> None:
    """Refuse to compute blocks of a store on a machine that rounds otherwise than its first.

    Raises StoreError. A store that does not say how its machine rounds is not refused.
    """
    mine, first = arithmetic(), stored.attrs.get("arithmetic")
    if first not in (None, mine):
        problem = (
            "was begun on a machine whose C library or NumPy rounds otherwise, so blocks of this "
            "one would differ in the last digits"
        )
        allowed = f"{first}: like machines, or made alike (runs/README.md, mixed clusters)"
        raise StoreError(str(stored.place), problem, got=mine, allowed=allowed)


def check_same(stored: Stored, plan: RunPlan) -> None:
    """Refuse to continue a store of another run, or of another version if it is unfinished.

    Raises StoreError that names the difference, the value asked for and the stored value.
    """
    attrs, place = stored.attrs, str(stored.place)
    if not stored.has_ledger:
        problem = "is of an older store format, so it can only be read"
        raise StoreError(place, problem, allowed="another --out")
    held = {
        "seed": (plan.seed, attrs["seed"]),
        "scenarios": (", ".join(plan.scenarios), ", ".join(attrs["scenarios"])),
        "realizations": (plan.realizations, attrs["realizations"]),
        "block size": (plan.block_size, attrs["block_size"]),
        "design": (plan.design.name, attrs.get("design", DESIGNS[0])),
        "samples": (
            "no samples" if plan.design.samples is None else plan.design.samples.digest,
            attrs.get("samples_digest", "no samples"),
        ),
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
    if not stored.complete:
        check_arithmetic(stored)
    mine, theirs = VERSION, attrs["versions"].get("yieldsim")
    if not stored.complete and mine != theirs:
        raise StoreError(
            place,
            "was begun by another version of yieldsim, so it cannot be continued",
            got=mine,
            allowed=f"yieldsim {theirs}, or another --out",
        )
