"""Checking every byte of a store against its ledger."""

from __future__ import annotations

import itertools
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from yieldsim.ensemble.chunks import damage
from yieldsim.ensemble.layout import DONE, RunPlan, chunk_name
from yieldsim.ensemble.ledger import (
    ORIGIN,
    SEAL,
    BlockRecord,
    Seal,
    consolidated,
    metadata_digest,
    record_key,
    unsealed,
)
from yieldsim.ensemble.provenance import COMPLETE, Stored, read_stored, stored_of
from yieldsim.ensemble.shards import FileRecord, digest, problem_of
from yieldsim.ensemble.storage import ROOT_METADATA, Place
from yieldsim.ensemble.summaries import SUMMARIES
from yieldsim.ensemble.write import marked_blocks, missing_rows
from yieldsim.errors import StoreError, VerificationError

FOREIGN = "is the record of another run or place"
_BEHIND_SEAL = "the metadata of arrays, the coordinates and the summaries"


@dataclass
class Damage:
    """What is wrong with a store.

    ``blocks`` has the keys of each damaged block with what is wrong with them; ``metadata`` the
    keys of metadata, coordinates, summaries and the ledger itself.
    """

    blocks: dict[int, dict[str, str]] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.blocks or self.metadata)

    @property
    def keys(self) -> dict[str, str]:
        """What is wrong, by key."""
        keys = dict(self.metadata)
        for own in self.blocks.values():
            keys |= own
        return keys

    def unjudged(self, plan: RunPlan) -> dict[str, str]:
        """Return what cannot be judged for damage of the ledger, by the key of its part."""
        hidden = {SEAL: _BEHIND_SEAL} if SEAL in self.metadata else {}
        for block, keys in self.blocks.items():
            for row in range(plan.rows):
                if record_key(row, block) in keys:
                    names = ", ".join(plan.row(row))
                    hidden[record_key(row, block)] = f"the results of block {block} ({names})"
        return hidden


def trusted(place: Place) -> Stored | None:
    """Return what a store says of itself: by its root where that is sound, else by its origin.

    None where the place is empty. Raises StoreError where it is no store, and VerificationError
    where the metadata and their second copy are damaged.
    """
    if not place.used():
        return None
    seal, origin = Seal.read(place), unsealed(place.get(ORIGIN))
    sound = seal is not None and not _document_problem(place.get(ROOT_METADATA), seal.root)
    if not sound and isinstance(origin, dict):
        return stored_of(place, origin)
    if seal is not None and not sound:
        problem = f"damaged, and so is its second copy {ORIGIN}: the ensemble must be made anew"
        raise VerificationError(f"{place}/{ROOT_METADATA}", problem)
    return read_stored(place)


def seal_of_store(stored: Stored) -> Seal | None:
    """Return the seal of a store, without the summaries where they are still to be written."""
    seal = Seal.read(stored.place)
    return seal if seal is None or stored.complete else seal.without(SUMMARIES)


def examine(stored: Stored, *, sizes_only: bool = False, skip: Collection[int] = ()) -> Damage:
    """Return all that is damaged. Blocks that are not yet done are not damaged.

    Reads every byte; with ``sizes_only`` only the sizes of the blocks' files, their records and
    markers, and every byte of the rest. Blocks to ``skip`` are not looked at.
    """
    place = stored.place
    if not stored.has_ledger:
        return _examine_first_format(stored)
    metadata = damaged_metadata(place, seal_of_store(stored))
    markers = place.sizes(DONE)
    named = {b for b in range(stored.blocks) if stored.complete or chunk_name(b) in markers}
    named -= set(skip)
    blocks = damaged_blocks(place, stored.plan, named, sizes_only=sizes_only)
    for block in named - marked_blocks(place):
        key = f"{DONE}/{chunk_name(block)}"
        state = "is damaged" if chunk_name(block) in markers else "is missing"
        blocks.setdefault(block, {})[key] = state
    return Damage(dict(sorted(blocks.items())), metadata)


def damaged_blocks(
    place: Place, plan: RunPlan, blocks: Iterable[int], *, sizes_only: bool = False
) -> dict[int, dict[str, str]]:
    """Return what is wrong with the records and files of some blocks, by block and key.

    Reads every byte, or with ``sizes_only`` the records and the sizes of the files.
    """
    problems: dict[int, dict[str, str]] = {}
    sizes: dict[str, dict[str, int]] = {}
    for block in sorted(blocks):
        own: dict[str, str] = {}
        bad_rows = missing_rows(place, plan, block)
        for row in range(plan.rows):
            record = BlockRecord.read(place, row, block)
            if row in bad_rows or record is None:
                own[record_key(row, block)] = _record_problem(place, row, block, record)
                continue
            for key, file in record.files.items():
                if sizes_only:
                    problem = _size_problem(place, key, file, sizes)
                else:
                    problem = problem_of(place.get(key), file)
                if problem:
                    own[key] = problem
        if own:
            problems[block] = own
    return problems


def _record_problem(place: Place, row: int, block: int, record: BlockRecord | None) -> str:
    if record is not None:
        return FOREIGN
    return "is missing" if place.get(record_key(row, block)) is None else "is damaged"


def _size_problem(
    place: Place, key: str, file: FileRecord, sizes: dict[str, dict[str, int]]
) -> str | None:
    array, _, name = key.rpartition("/")
    if array not in sizes:
        sizes[array] = place.sizes(array)
    size = sizes[array].get(name)
    if size is None:
        return "is missing"
    return None if size == file.size else f"has {size} bytes in place of {file.size}"


def _examine_first_format(stored: Stored) -> Damage:
    """`examine` of a store of the first format: the checksum of every chunk, and the model's."""
    import zarr  # late: it takes a fifth of a second

    place, found = stored.place, Damage()
    try:
        _ = stored.plan  # compares the model with its hash
        arrays = dict(zarr.open_group(place.zarr(read_only=True), mode="r").arrays())
    except (StoreError, ValueError, KeyError, TypeError) as error:
        problem = error.problem if isinstance(error, StoreError) else str(error)
        return Damage(metadata={ROOT_METADATA: problem})
    marked = marked_blocks(place)
    wanted = range(stored.blocks) if stored.complete else sorted(marked)
    for name, array in arrays.items():
        if 0 in array.shape:
            continue
        counts = [-(-n // chunk) for n, chunk in zip(array.shape, array.chunks, strict=True)]
        dims = array.metadata.dimension_names or ()  # type: ignore[union-attr]
        by_block = dims[:2] == ("scenario", "realization")
        for index in itertools.product(*map(range, counts)):
            block = index[1] if by_block else (index[0] if name == DONE else -1)
            if block >= 0 and block not in wanted:
                continue
            key = f"{name}/{chunk_name(*index)}"
            data = place.get(key)
            text = damage(None if data is None else np.frombuffer(data, dtype="uint8"))
            if text:
                own = found.metadata if block < 0 else found.blocks.setdefault(block, {})
                own[key] = text
    return found


def damaged_metadata(place: Place, seal: Seal | None) -> dict[str, str]:
    """Return what is wrong with metadata, coordinates, summaries and the ledger, by key."""
    problems: dict[str, str] = {}
    if unsealed(place.get(ORIGIN)) is None:
        problems[ORIGIN] = "is missing or damaged"
    if seal is None:
        return {**problems, SEAL: "is missing or damaged"}
    root = place.get(ROOT_METADATA)
    problems |= _root_problems(root, seal)
    for array, expected in seal.metadata.items():
        key = f"{array}/{ROOT_METADATA}"
        text = _document_problem(place.get(key), [expected])
        if text:
            problems[key] = text
    for key, expected in seal.files.items():
        data = place.get(key)
        if data is None:
            problems[key] = "is missing"
        elif digest(data) != expected:
            problems[key] = "does not match its checksum"
    return problems


def check_root(place: Place, seal: Seal | None) -> dict[str, str]:
    """Return what is wrong with the root document, from which everything is opened."""
    if seal is None:
        return {SEAL: "is missing or damaged"}
    return _root_problems(place.get(ROOT_METADATA), seal)


def _root_problems(data: bytes | None, seal: Seal) -> dict[str, str]:
    root = _parsed(data)  # once: it holds the whole model
    problem = _document_problem(data if root is None else root, seal.root)
    if problem or root is None:
        return {ROOT_METADATA: problem or "is missing"}
    documents = consolidated(root)
    if documents is None:
        return {ROOT_METADATA: "has damaged consolidated metadata"}
    for array, document in documents.items():
        expected = seal.metadata.get(array)
        if expected is not None and _document_problem(document, [expected]):
            return {ROOT_METADATA: f"does not match its checksum (metadata of {array})"}
    if not documents and root["attributes"].get("status") == COMPLETE:
        return {ROOT_METADATA: "has lost its consolidated metadata"}
    if documents and set(seal.metadata) - set(documents):
        lost = ", ".join(sorted(set(seal.metadata) - set(documents)))
        return {ROOT_METADATA: f"has lost the metadata of {lost}"}
    return {}


def _parsed(data: bytes | None) -> Mapping[str, Any] | None:
    try:
        content = json.loads(data or b"")
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def _document_problem(data: bytes | Mapping[str, Any] | None, expected: Collection[str]) -> str:
    if data is None:
        return "is missing"
    try:
        return "" if metadata_digest(data) in expected else "does not match its checksum"
    except (ValueError, TypeError, RecursionError):
        return "is damaged"
