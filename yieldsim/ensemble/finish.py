"""Finalizing a store: all blocks checked, summaries added, metadata consolidated."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

from yieldsim.ensemble.documents import consolidated_root
from yieldsim.ensemble.ledger import ORIGIN, SEAL, Seal, metadata_digest, sealed
from yieldsim.ensemble.provenance import Stored, finished_attrs, no_store
from yieldsim.ensemble.read import advice, remedy, unfinished
from yieldsim.ensemble.reading.arrays import StoredArrays
from yieldsim.ensemble.storage import ROOT_METADATA, Place, reason
from yieldsim.ensemble.summaries import SUMMARIES, summary_specs
from yieldsim.ensemble.verify import (
    damaged_blocks,
    damaged_metadata,
    examine,
    seal_of_store,
    trusted,
)
from yieldsim.ensemble.write import array_keys, fill, marked_blocks, seal_of, unmark
from yieldsim.errors import IncompleteError, StoreError, VerificationError


def finalize(place: Place, *, checked: Collection[int] = (), threads: int = 1) -> None:
    """Check every block, sweep leftovers, add summaries, and last mark the store as complete.

    ``checked`` are blocks whose bytes this process wrote or checked itself. A complete store is
    checked and left as it is. Summaries are computed in ``threads`` threads.

    Raises IncompleteError if blocks are missing or damaged. A damaged block loses its marker, so
    that the command that wrote it computes it again. Raises VerificationError for damaged metadata,
    and for any damage of a complete store: `verify --repair` mends both.
    """
    stored = trusted(place)
    if stored is None:
        raise no_store(place, "init")
    if stored.complete:
        _check_finished(stored, checked)
        _settle(place)
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
        summaries = summary_keys(stored, threads)
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


def _settle(place: Place) -> None:
    """Do what a killed process left undone at a complete store: sweep, and end the seal."""
    seal = Seal.read(place)
    with contextlib.suppress(OSError, StoreError):  # it is sound so too, and may be read only
        place.sweep()
        if seal is not None and len(seal.root) > 1:
            place.put(SEAL, replace(seal, root=seal.root[-1:]).as_bytes())


def summary_keys(stored: Stored, threads: int = 1) -> dict[str, bytes]:
    """Return every key of the summaries of a store whose blocks are all there."""
    arrays = StoredArrays(stored, Seal.read(stored.place))
    try:
        specs = summary_specs(arrays, threads)
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(str(stored.place), f"its metadata are damaged ({error})") from error
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


def _declare_complete(stored: Stored, seal: Seal, summaries: Mapping[str, bytes]) -> None:
    """Seal the summaries, consolidate the metadata and set the status.

    The root's metadata are replaced in one atomic write. The seal has both digests of the root
    until then, so that a store whose finalizing was killed, however often, is sound throughout.
    """
    place, added = stored.place, seal_of(summaries)
    attrs = finished_attrs(stored)
    seal.metadata |= added.metadata
    seal.files |= added.files
    before = place.get(ROOT_METADATA) or b""
    root = finished_root(place, before, attrs, seal.metadata)
    digests = [metadata_digest(before), metadata_digest(root)]
    place.put(SEAL, replace(seal, root=digests).as_bytes())
    place.put(ORIGIN, sealed(attrs))
    place.put(ROOT_METADATA, root)
    place.put(SEAL, replace(seal, root=digests[-1:]).as_bytes())


def finished_root(
    place: Place, root: bytes, attrs: Mapping[str, Any], arrays: Iterable[str]
) -> bytes:
    """Return the root's metadata of a complete store, with those of its arrays consolidated."""
    documents = {array: place.get(f"{array}/{ROOT_METADATA}") or b"" for array in arrays}
    return consolidated_root(root, attrs, documents)
