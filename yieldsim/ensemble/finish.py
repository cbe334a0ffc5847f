"""Finalizing a store: all blocks checked, summaries added, metadata consolidated."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

import zarr

from yieldsim.ensemble.checked import CheckedStore
from yieldsim.ensemble.ledger import ORIGIN, SEAL, Seal, metadata_digest, sealed
from yieldsim.ensemble.provenance import Stored, finished_attrs, no_store
from yieldsim.ensemble.read import advice, remedy, unfinished
from yieldsim.ensemble.storage import ROOT_METADATA, Folder, Memory, Place, reason
from yieldsim.ensemble.summaries import SUMMARIES, SUMMARIZED, summary_specs
from yieldsim.ensemble.verify import (
    damaged_blocks,
    damaged_metadata,
    examine,
    seal_of_store,
    trusted,
)
from yieldsim.ensemble.write import array_keys, fill, marked_blocks, seal_of, unmark
from yieldsim.errors import IncompleteError, StoreError, VerificationError


def finalize(place: Place, *, checked: Collection[int] = ()) -> None:
    """Check every block, sweep leftovers, add summaries, and last mark the store as complete.

    ``checked`` are blocks whose bytes this process wrote or checked itself. A complete store is
    checked and left as it is.

    Raises IncompleteError if blocks are missing or damaged. A damaged block loses its marker, so
    that the command that wrote it computes it again. Raises VerificationError for damaged metadata,
    and for any damage of a complete store: `verify --repair` mends both.
    """
    stored = trusted(place)
    if stored is None:
        raise no_store(place, "init")
    if stored.complete:
        _check_finished(stored, checked)
        return
    marked = marked_blocks(place)
    if len(marked) < stored.blocks:
        raise unfinished(stored)
    try:
        seal = seal_of_store(stored)
        wrong = damaged_metadata(place, seal)
        if seal is None or wrong:
            key, problem = next(iter(wrong.items()))
            raise VerificationError(f"{place}/{key}", f"{problem}; {advice(place)}")
        drop_damaged(stored, marked - set(checked))
        place.sweep()
        summaries = summary_keys(stored)
        for name in SUMMARIES:  # a killed finalize may have written half of it
            place.delete_array(name)
        fill(place, summaries)
        _declare_complete(stored, seal, summaries)
    except OSError as error:
        problem = f"{reason(error)} while it was finalized; the same command continues"
        raise StoreError(str(place), problem) from None


def _check_finished(stored: Stored, checked: Collection[int]) -> None:
    """Raise VerificationError if a complete store is damaged outside the blocks ``checked``."""
    damaged = examine(stored, skip=checked).keys
    if damaged:
        key, problem = next(iter(damaged.items()))
        what = f"complete, but {len(damaged)} of its files are damaged ({key} {problem})"
        raise VerificationError(str(stored.place), f"{what}; {remedy(stored)}")


def summary_keys(stored: Stored) -> dict[str, bytes]:
    """Return every key of the summaries of a store whose blocks are all there."""
    # Zarr decodes ten chunks at once in as many threads, which keep the memory. Only over a network
    # is that faster.
    local = isinstance(stored.place, Folder | Memory)
    with zarr.config.set({"async.concurrency": 1} if local else {}):
        specs = summary_specs(_arrays(stored), stored.attrs)
    return array_keys(specs, stored.place.compressed)


def drop_damaged(stored: Stored, blocks: Collection[int]) -> None:
    """Unmark damaged blocks, and raise IncompleteError if there are any."""
    damaged = damaged_blocks(stored.place, stored.plan, blocks)
    if damaged:
        unmark(stored.place, damaged)
        block, keys = next(iter(damaged.items()))
        problem = " ".join(next(iter(keys.items())))
        raise IncompleteError(
            str(stored.place),
            f"{len(damaged)} damaged block(s), block {block}: {problem}; "
            "the command that began it computes them again",
        )


def _arrays(stored: Stored) -> dict[str, zarr.Array[Any]]:
    """The arrays that summaries are made of, those that the store has.

    Others may be damaged.
    """
    place = stored.place
    try:
        store = CheckedStore(stored, Seal.read(place))
        group = zarr.open_group(store=store, mode="r", use_consolidated=False)
        return {name: array for name in SUMMARIZED if (array := _array(group, name)) is not None}
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(str(place), f"its metadata are damaged ({error})") from error


def _array(group: zarr.Group, name: str) -> zarr.Array[Any] | None:
    item = group.get(name)
    return item if isinstance(item, zarr.Array) else None


def _declare_complete(stored: Stored, seal: Seal, summaries: Mapping[str, bytes]) -> None:
    """Seal the summaries, consolidate the metadata and set the status.

    The root's metadata are replaced in one atomic write. The seal has both digests of the root
    until then, so that a store whose finalizing was killed is sound before and after.
    """
    place, added = stored.place, seal_of(summaries)
    attrs = finished_attrs(stored)
    seal.metadata |= added.metadata
    seal.files |= added.files
    root = finished_root(place, place.get(ROOT_METADATA) or b"", attrs, seal.metadata)
    digests = [*seal.root[-1:], metadata_digest(root)]
    place.put(SEAL, replace(seal, root=digests).as_bytes())
    place.put(ORIGIN, sealed(attrs))
    place.put(ROOT_METADATA, root)
    place.put(SEAL, replace(seal, root=digests[-1:]).as_bytes())


def finished_root(
    place: Place, root: bytes, attrs: Mapping[str, Any], arrays: Iterable[str]
) -> bytes:
    """Return the root's metadata of a complete store, with those of its arrays consolidated."""
    scratch = Memory()
    scratch.put(ROOT_METADATA, root)
    for array in arrays:
        key = f"{array}/{ROOT_METADATA}"
        scratch.put(key, place.get(key) or b"")
    with warnings.catch_warnings():
        # Zarr warns that its format 3 does not yet specify consolidated metadata.
        warnings.filterwarnings("ignore", message="Consolidated metadata")
        group = zarr.consolidate_metadata(scratch.zarr())
    group.update_attributes(dict(attrs))
    return scratch.get(ROOT_METADATA) or b""
