"""A store that grows: more realizations or scenarios, of which only the new ones are computed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from yieldsim.ensemble.chunks import decode
from yieldsim.ensemble.layout import ArraySpec, BlockSource, RunPlan
from yieldsim.ensemble.ledger import ORIGIN, SEAL, BlockRecord, sealed
from yieldsim.ensemble.provenance import Stored, extended_attrs
from yieldsim.ensemble.shards import problem_of, unpack
from yieldsim.ensemble.storage import ROOT_METADATA, reason
from yieldsim.ensemble.summaries import SUMMARIES
from yieldsim.ensemble.write import (
    Writer,
    blank_keys,
    fill,
    marked_blocks,
    missing_rows,
    unmark,
)
from yieldsim.errors import StoreError

Arrays = Mapping[str, np.ndarray]


def enlarge(stored: Stored, source: BlockSource, plan: RunPlan, command: str) -> None:
    """Make a store one of a larger plan, with the blocks missing that the plan adds to.

    The origin comes first, and the seal is removed: from the origin everything else follows
    (`yieldsim.execute.repair`), wherever this is killed. Raises StoreError if it cannot be written.
    """
    try:
        _enlarge(stored, source, plan, command)
    except OSError as error:
        problem = f"{reason(error)} while it was extended; the same command continues"
        raise StoreError(str(stored.place), problem) from None


def _enlarge(stored: Stored, source: BlockSource, plan: RunPlan, command: str) -> None:
    place = stored.place
    attrs = extended_attrs(stored, plan, command)
    keys = blank_keys(source, plan, attrs, place.compressed)
    place.put(ORIGIN, sealed(attrs))
    place.delete(SEAL)
    place.put(ROOT_METADATA, keys.pop(ROOT_METADATA))
    changed = [b for b in marked_blocks(place) if b >= plan.blocks or missing_rows(place, plan, b)]
    unmark(place, changed)
    for name in SUMMARIES:
        place.delete_array(name)
    seal = keys.pop(SEAL)
    fill(place, keys)
    place.put(SEAL, seal)


def add_block(writer: Writer, source: BlockSource, block: int) -> None:
    """Store a block, computing only the realizations and the scenarios that it lacks."""
    plan, (first, count) = writer.plan, writer.plan.span(block)
    stored = {row: _sound_record(writer, row, block) for row in range(plan.rows)}
    fresh = [row for row, old in stored.items() if old is None]
    if fresh:
        names = [name for row in fresh for name in plan.row(row)]
        writer.write(block, source.block(first, count, names), rows=fresh)
    for row, old in stored.items():
        if old is not None and (old.count < count or old.scenarios != plan.row(row)):
            writer.write(block, _completed(writer, source, row, old), rows=[row])
    if not fresh:
        writer.write(block, {}, rows=[])  # the marker alone


def _sound_record(writer: Writer, row: int, block: int) -> BlockRecord | None:
    """Return the record of a row that holds the block or a part of it, every byte of it sound."""
    plan, count = writer.plan, writer.plan.span(block)[1]
    record = BlockRecord.read(writer.place, row, block)
    if record is None or not record.scenarios or not 0 < record.count <= count:
        return None
    names = plan.row(row)[: len(record.scenarios)]
    if replace(record, count=0, files={}) != BlockRecord(plan.run_hash, block, 0, names, {}):
        return None
    sound = all(problem_of(writer.place.get(k), file) is None for k, file in record.files.items())
    return record if sound else None


def _completed(writer: Writer, source: BlockSource, row: int, old: BlockRecord) -> Arrays:
    """Return the arrays of a row, of which a part is stored already."""
    plan, (first, count) = writer.plan, writer.plan.span(old.block)
    arrays = {s.name: stored_values(writer, s, row, old) for s in writer.specs}
    if old.count < count:
        more = source.block(first + old.count, count - old.count, old.scenarios)
        arrays = {k: np.concatenate([values, more[k]], axis=1) for k, values in arrays.items()}
    names = plan.row(row)[len(old.scenarios) :]
    if names:
        more = source.block(first, count, names)
        arrays = {k: np.concatenate([values, more[k]], axis=0) for k, values in arrays.items()}
    return arrays


def stored_values(writer: Writer, spec: ArraySpec, row: int, record: BlockRecord) -> np.ndarray:
    """Return what a block holds of an array in a row: (scenario, realization, ...)."""
    shape = (len(record.scenarios), record.count, *spec.shape[2:])
    key = spec.key(row, record.block)
    if math.prod(shape) == 0:
        return np.empty(shape, spec.dtype)
    file = record.files[key]
    values = np.empty(shape, spec.dtype)
    for number, chunk in enumerate(unpack(writer.place.get(key) or b"", file)):
        whole = decode(chunk or b"", spec.dtype, writer.place.compressed)
        values[number] = whole.reshape(spec.chunks[1:])[: record.count]
    return values
