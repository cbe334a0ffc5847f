"""Creating a store, and writing whole blocks of realizations into it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from yieldsim.ensemble.chunks import encode, encode_texts
from yieldsim.ensemble.documents import array_document, as_bytes, group_document
from yieldsim.ensemble.layout import (
    DONE,
    ArraySpec,
    BlockSource,
    RunPlan,
    block_specs,
    chunk_name,
    coordinate_specs,
)
from yieldsim.ensemble.ledger import (
    ORIGIN,
    SAMPLES,
    SEAL,
    BlockRecord,
    Seal,
    metadata_digest,
    record_key,
    sealed,
)
from yieldsim.ensemble.provenance import global_attrs
from yieldsim.ensemble.shards import FileRecord, describe, digest, pack
from yieldsim.ensemble.storage import ROOT_METADATA, Place, reason
from yieldsim.errors import StoreError

DONE_BYTES = encode(np.ones(1, dtype="uint8"), compressed=False)


def create(place: Place, source: BlockSource, plan: RunPlan, command: str) -> None:
    """Create the store with all its metadata and coordinates, but without results.

    Raises StoreError if it cannot be written.
    """
    texts = {name: item for name, item in source.attrs.items() if isinstance(item, str)}
    attrs = {**texts, **global_attrs(plan, command)}
    with place.creating() as fresh:
        fill(fresh, blank_keys(source, plan, attrs, fresh.compressed))
        fresh.put(ORIGIN, sealed(attrs))


def blank_keys(
    source: BlockSource, plan: RunPlan, attrs: Mapping[str, Any], compressed: bool
) -> dict[str, bytes]:
    """Return every key of a store without results, and its seal: what `create` writes."""
    specs = [*block_specs(source, plan), *coordinate_specs(source, plan)]
    keys = array_keys(specs, compressed, attrs)
    if plan.design.samples is not None:
        keys |= dict.fromkeys(SAMPLES, plan.design.samples.as_bytes())
    return {**keys, SEAL: seal_of(keys).as_bytes()}


def seal_of(keys: Mapping[str, bytes]) -> Seal:
    """Return the seal of some metadata documents and files."""
    seal = Seal()
    for key, data in keys.items():
        array, _, name = key.rpartition("/")
        if name != ROOT_METADATA:
            seal.files[key] = digest(data)
        elif array:
            seal.metadata[array] = metadata_digest(data)
        else:
            seal.root = [metadata_digest(data)]
    return seal


def fill(place: Place, keys: Mapping[str, bytes]) -> None:
    """Write some keys into a place."""
    for array in dict.fromkeys(key.rpartition("/")[0] for key in keys):
        if array:
            place.new_array(array)
    for key, data in keys.items():
        place.put(key, data)


def array_keys(
    specs: Iterable[ArraySpec], compressed: bool, attrs: Mapping[str, Any] | None = None
) -> dict[str, bytes]:
    """Return the keys of arrays: metadata, and values (a single chunk) where they have any.

    ``attrs`` are the attributes of the root of a new store; without them its key is left out.
    """
    keys = {} if attrs is None else {ROOT_METADATA: as_bytes(group_document(attrs))}
    for spec in specs:
        keys[f"{spec.name}/{ROOT_METADATA}"] = as_bytes(array_document(spec, compressed))
        if spec.values is not None and spec.values.size:
            chunk = chunk_name(*(0 for _ in spec.shape))
            keys[f"{spec.name}/{chunk}"] = _whole_chunk(spec, spec.values, compressed)
    return keys


def _whole_chunk(spec: ArraySpec, values: np.ndarray, compressed: bool) -> bytes:
    if spec.dtype is str:
        return encode_texts([str(text) for text in values], compressed)
    return encode(values.astype(spec.dtype, copy=False), compressed)


@dataclass(frozen=True)
class Writer:
    """Writes the blocks of a run; several threads may use it at once."""

    place: Place
    plan: RunPlan
    specs: tuple[ArraySpec, ...]

    @classmethod
    def of(cls, place: Place, source: BlockSource, plan: RunPlan) -> Writer:
        """The writer of a store that `create` made from the same source and plan."""
        return cls(place, plan, tuple(block_specs(source, plan)))

    def write(
        self,
        block: int,
        arrays: Mapping[str, np.ndarray],
        *,
        rows: Collection[int] | None = None,
        only: Collection[str] | None = None,
    ) -> None:
        """Store a block: the files of every array first, then its record, then its marker.

        ``arrays`` hold the scenarios of the ``rows`` given, all of them by default, one row after
        another. With ``only``, all that is sound stays as it is: the files of other keys, and the
        record and the marker where they say the same.

        Raises StoreError if an array has another shape or type than the block, or the disk is
        full.
        """
        rows = range(self.plan.rows) if rows is None else sorted(rows)
        for spec in self.specs if rows else ():
            self._check(spec, block, arrays.get(spec.name), rows)

        def encoded(spec: ArraySpec, first: int, last: int) -> list[bytes | None]:
            return self._chunks(spec, arrays[spec.name][first:last])

        self._write(block, encoded, rows, only)

    def write_encoded(self, block: int, chunks: Mapping[str, Sequence[bytes | None]]) -> None:
        """`write` of a whole block from its encoded chunks: by array, one a scenario."""

        def encoded(spec: ArraySpec, first: int, last: int) -> list[bytes | None]:
            return list(chunks.get(spec.name, ())[first:last])

        self._write(block, encoded, range(self.plan.rows), None)

    def _write(
        self,
        block: int,
        encoded: Callable[[ArraySpec, int, int], list[bytes | None]],
        rows: Sequence[int],
        only: Collection[str] | None,
    ) -> None:
        """Write the files of some rows, their records, and the marker if no row is missing."""
        put = self.place.put if only is None else self._put_if_different
        key = ""
        try:
            first = 0
            for row in rows:
                last = first + len(self.plan.row(row))
                files: dict[str, FileRecord] = {}
                kept = {} if only is None else self._kept(row, block, only)
                for spec in self.specs:
                    key = spec.key(row, block)
                    if key in kept:
                        files[key] = kept[key]
                    elif chunks := encoded(spec, first, last):
                        data = pack(chunks, spec.per_file)
                        files[key] = describe(data, chunks)
                        put(key, data)
                key = record_key(row, block)
                put(key, self.record(row, block, files).as_bytes())
                first = last
            key = f"{DONE}/{chunk_name(block)}"
            if len(rows) == self.plan.rows or self._recorded(block):
                put(key, DONE_BYTES)
        except OSError as error:
            raise StoreError(
                str(self.place),
                f"{reason(error)}: block {block} of {self.plan.blocks} was not stored ({key}); "
                "the same command continues from there",
            ) from None

    def _put_if_different(self, key: str, data: bytes) -> None:
        if self.place.get(key) != data:
            self.place.put(key, data)

    def _kept(self, row: int, block: int, only: Collection[str]) -> dict[str, FileRecord]:
        """Return the files of a sound record that are not to be written again."""
        record = BlockRecord.read(self.place, row, block)
        if record is None or row in missing_rows(self.place, self.plan, block):
            return {}
        return {key: file for key, file in record.files.items() if key not in only}

    def record(self, row: int, block: int, files: Mapping[str, FileRecord]) -> BlockRecord:
        """Return the record of a block in a row of scenarios."""
        count = self.plan.span(block)[1]
        return BlockRecord(self.plan.run_hash, block, count, self.plan.row(row), files)

    def _recorded(self, block: int) -> bool:
        return not missing_rows(self.place, self.plan, block)

    def _chunks(self, spec: ArraySpec, values: np.ndarray) -> list[bytes | None]:
        """Return the encoded chunks of a row of scenarios; none where the array is empty."""
        if not values.size:
            return []
        chunks: list[bytes | None] = []
        for own in values:
            whole = own
            if own.shape != spec.chunks[1:]:  # the last block: all chunks have one size
                whole = np.full(spec.chunks[1:], spec.fill, dtype=spec.dtype)
                whole[: len(own)] = own
            chunks.append(encode(whole, self.place.compressed))
        return chunks

    def _check(
        self, spec: ArraySpec, block: int, values: np.ndarray | None, rows: Iterable[int]
    ) -> None:
        """Check the shape: a block of the wrong shape would overwrite its neighbours."""
        scenarios = sum(len(self.plan.row(row)) for row in rows)
        shape = (scenarios, self.plan.span(block)[1], *spec.shape[2:])
        if values is None or values.shape != shape or values.dtype != np.dtype(spec.dtype):
            got = "nothing" if values is None else f"{values.dtype} {values.shape}"
            where = f"{self.place}: block {block}: {spec.name}"
            allowed = f"{spec.dtype} {shape}"
            raise StoreError(where, "has the wrong shape or type", got=got, allowed=allowed)


def missing_rows(place: Place, plan: RunPlan, block: int) -> list[int]:
    """Return the rows of scenarios of which a block has no sound record of this run."""
    count, missing = plan.span(block)[1], []
    for row in range(plan.rows):
        record = BlockRecord.read(place, row, block)
        expected = replace(record, files={}) if record else None
        if expected != BlockRecord(plan.run_hash, block, count, plan.row(row), {}):
            missing.append(row)
    return missing


def marked_blocks(place: Place) -> set[int]:
    """The blocks that are marked as done."""
    names = place.sizes(DONE)
    numbers = (name.removeprefix("c.") for name in names if name.startswith("c."))
    blocks = (int(number) for number in numbers if number.isdecimal())
    return {b for b in blocks if place.get(f"{DONE}/{chunk_name(b)}") == DONE_BYTES}


def unmark(place: Place, blocks: Iterable[int]) -> None:
    """Remove the marker of blocks, so that they are computed again."""
    for block in blocks:
        place.delete(f"{DONE}/{chunk_name(block)}")
