"""Finalizing a store: all blocks checked, summaries added, metadata consolidated."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

import zarr

from yieldsim.ensemble.checked import CheckedStore
from yieldsim.ensemble.layout import DONE, PARAMETER_VALUE, ArraySpec, RunPlan
from yieldsim.ensemble.ledger import SEAL, Seal, metadata_digest
from yieldsim.ensemble.provenance import Stored, finished_attrs, read_stored
from yieldsim.ensemble.read import unfinished
from yieldsim.ensemble.storage import ROOT_METADATA, Memory, Place, reason
from yieldsim.ensemble.summaries import SUMMARIES, summary_specs
from yieldsim.ensemble.verify import damaged_blocks, damaged_metadata
from yieldsim.ensemble.write import array_keys, fill, marked_blocks, seal_of, unmark
from yieldsim.errors import IncompleteError, StoreError
from yieldsim.outputs import EXTRA_OUTPUTS, LEADING, chosen_outputs

BLOCK_DIMS = ("scenario", "realization")


def finalize(place: Place, *, checked: Collection[int] = ()) -> None:
    """Check every block, sweep leftovers, add summaries, and last mark the store as complete.

    ``checked`` are blocks whose bytes this process wrote or checked itself. A complete store is
    left as it is.

    Raises IncompleteError if blocks are missing or damaged. A damaged block loses its marker, so
    that the command that wrote it computes it again.
    """
    stored = read_stored(place)
    if stored is None:
        raise StoreError(str(place), "no such ensemble store")
    if stored.complete:
        return
    marked = marked_blocks(place)
    if len(marked) < stored.blocks:
        raise unfinished(stored)
    try:
        seal = Seal.read(place)
        wrong = damaged_metadata(place, seal)
        if seal is None or wrong:
            key, problem = next(iter(wrong.items()))
            advice = f"`yieldsim verify {place} --repair` mends it"
            raise StoreError(f"{place}/{key}", f"{problem}; {advice}")
        arrays = _arrays(place)
        drop_damaged(place, stored.plan, block_specs_of(arrays), marked - set(checked))
        place.sweep()
        summaries = array_keys(summary_specs(arrays, stored.attrs), place.compressed)
        for name in SUMMARIES:  # a killed finalize may have written half of it
            place.delete_array(name)
        fill(place, summaries)
        _declare_complete(stored, seal, summaries)
    except OSError as error:
        problem = f"{reason(error)} while it was finalized; the same command continues"
        raise StoreError(str(place), problem) from None


def drop_damaged(
    place: Place, plan: RunPlan, specs: list[ArraySpec], blocks: Collection[int]
) -> None:
    """Unmark damaged blocks, and raise IncompleteError if there are any."""
    damaged = damaged_blocks(place, plan, specs, blocks)
    if damaged:
        unmark(place, damaged)
        block, keys = next(iter(damaged.items()))
        problem = " ".join(next(iter(keys.items())))
        raise IncompleteError(
            str(place),
            f"{len(damaged)} damaged block(s), block {block}: {problem}; "
            "the command that began it computes them again",
        )


def block_specs_of(arrays: dict[str, zarr.Array[Any]]) -> list[ArraySpec]:
    """The arrays that are written block by block, as the store describes them."""
    specs = []
    for name, array in arrays.items():
        dims = _dims(array)
        if dims[:2] == BLOCK_DIMS:
            shards = array.shards or array.chunks
            spec = ArraySpec(name, dims, array.dtype, array.shape, array.chunks, per_file=shards[0])
            specs.append(spec)
    return specs


def _dims(array: zarr.Array[Any]) -> tuple[str, ...]:
    names = getattr(array.metadata, "dimension_names", None) or ()
    return tuple(str(name) for name in names)


def _arrays(place: Place) -> dict[str, zarr.Array[Any]]:
    """All arrays of a store.

    Zarr leaves out an array whose metadata are missing. Raises StoreError that names it.
    """
    try:
        group = _open_group(place)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about files that are not arrays: reported below
            arrays = dict(group.arrays())
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(str(place), f"its metadata are damaged ({error})") from error
    names = str(group.attrs.get("outputs", "")).split()
    kept = chosen_outputs(names, EXTRA_OUTPUTS if names else ())
    dims = {dim for variable in kept for dim in (*LEADING, *variable.dims)}
    wanted = {v.name for v in kept} | dims | {PARAMETER_VALUE, "parameter", DONE}
    missing = sorted(wanted - set(arrays))
    if missing:
        problem = f"its metadata are damaged: no array {', '.join(missing)}"
        raise StoreError(str(place), f"{problem}; the ensemble must be made anew")
    return arrays


def _open_group(place: Place) -> zarr.Group:
    store = CheckedStore(place, Seal.read(place), ledger=True)
    return zarr.open_group(store=store, mode="r", use_consolidated=False)


def _declare_complete(stored: Stored, seal: Seal, summaries: Mapping[str, bytes]) -> None:
    """Seal the summaries, consolidate the metadata and set the status.

    The root's metadata are replaced in one atomic write. The seal has both digests of the root
    until then, so that a store whose finalizing was killed is sound before and after.
    """
    place, added = stored.place, seal_of(summaries)
    documents = {name: place.get(f"{name}/{ROOT_METADATA}") for name in seal.metadata}
    added_documents = {name: summaries[f"{name}/{ROOT_METADATA}"] for name in added.metadata}
    root = _finished_root(stored, {**documents, **added_documents})
    seal.metadata |= added.metadata
    seal.files |= added.files
    digests = [*seal.root[-1:], metadata_digest(root)]
    place.put(SEAL, replace(seal, root=digests).as_bytes())
    place.put(ROOT_METADATA, root)
    place.put(SEAL, replace(seal, root=digests[-1:]).as_bytes())


def _finished_root(stored: Stored, documents: Mapping[str, bytes | None]) -> bytes:
    """Return the root's metadata of a complete store, with those of all arrays consolidated."""
    scratch = Memory()
    root = stored.place.get(ROOT_METADATA) or b""
    for key, data in {"": root, **documents}.items():
        scratch.put(f"{key}/{ROOT_METADATA}" if key else ROOT_METADATA, data or b"")
    with warnings.catch_warnings():
        # Zarr warns that its format 3 does not yet specify consolidated metadata.
        warnings.filterwarnings("ignore", message="Consolidated metadata")
        group = zarr.consolidate_metadata(scratch.zarr())
    group.update_attributes(finished_attrs(stored))
    return scratch.get(ROOT_METADATA) or b""
