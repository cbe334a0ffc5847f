"""Merging stores that were made apart: blocks and scenarios are copied, not computed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from yieldsim.ensemble import (
    Place,
    RunPlan,
    Stored,
    Writer,
    check_same,
    create,
    finalize,
    marked_blocks,
    place_of,
    trusted,
)
from yieldsim.ensemble.ledger import BlockRecord
from yieldsim.ensemble.read import unfinished
from yieldsim.ensemble.shards import problem_of, unpack
from yieldsim.ensemble.write import missing_rows
from yieldsim.errors import StoreError, UsageError
from yieldsim.execute.ensemble_run import RunResult
from yieldsim.execute.extend import check_same_axes, check_version
from yieldsim.execute.job import simulator
from yieldsim.execute.repair import existing

Chunks = dict[str, list[bytes | None]]  # by array, a chunk a scenario


@dataclass(frozen=True)
class _Part:
    """A store to be merged."""

    place: Place
    plan: RunPlan
    marked: set[int]


def merge_stores(stores: Sequence[str | Path], out: str | Path) -> RunResult:
    """Join stores of one model, seed, number of realizations and block size into a new store.

    They hold different blocks, as copies of a store that `init` made, or different scenarios, or
    both. Scenarios are in the order in which they are met. Chunks are checked and copied as they
    are. The same call continues where it was interrupted.

    Raises UsageError without stores, StoreError where they differ, IncompleteError where blocks are
    still missing: `yieldsim work` computes them in the new store.
    """
    start = time.perf_counter()
    if not stores:
        raise UsageError("STORE", "no store is given", allowed="one or more")
    parts = [_part(existing(place_of(store))) for store in stores]
    first = parts[0].plan
    for part in parts[1:]:
        _check_same_run(parts[0], part)
    names = tuple(dict.fromkeys(name for part in parts for name in part.plan.scenarios))
    plan = replace(first, scenarios=names, per_file=0)
    source = simulator(plan.file, names, plan.seed, plan.design)
    for part in parts:
        if part.plan.scenarios != names:
            own = simulator(part.plan.file, part.plan.scenarios, part.plan.seed, part.plan.design)
            where = str(part.place)
            check_same_axes(source, own, where)
            check_same_axes(own, source, where)
            if list(own.coords["parameter"]) != list(source.coords["parameter"]):
                problem = "cannot be merged: its parameters have another order"
                raise StoreError(where, problem, allowed="another order of the stores")
    place = place_of(out)
    stored = trusted(place)
    if stored is None:
        create(place, source, plan, f"merge {' '.join(str(part.place) for part in parts)}")
    else:
        plan = replace(plan, per_file=stored.plan.per_file)
        check_same(stored, plan)
    writer = Writer.of(place, source, plan)
    missing = set(range(plan.blocks)) - marked_blocks(place)
    copied = sum(_copy(writer, parts, block) for block in sorted(missing))
    stored = existing(place)
    if copied < len(missing):
        raise unfinished(stored)
    finalize(place)
    seconds = time.perf_counter() - start
    return RunResult(place, plan, range(plan.blocks), 1, copied, seconds)


def _part(stored: Stored) -> _Part:
    check_version(stored)
    return _Part(stored.place, stored.plan, marked_blocks(stored.place))


def _check_same_run(first: _Part, part: _Part) -> None:
    """Raise StoreError unless two stores have one model, seed, realizations and block size."""
    mine, theirs = part.plan, first.plan
    for what, got, held in (
        ("seed", mine.seed, theirs.seed),
        ("realizations", mine.realizations, theirs.realizations),
        ("block size", mine.block_size, theirs.block_size),
        ("model", mine.file.digest()[:12], theirs.file.digest()[:12]),
        ("model (a scenario or its name)", mine.run_hash[:12], theirs.run_hash[:12]),
    ):
        if got != held:
            problem = f"cannot be merged with {first.place}: {what} differs"
            raise StoreError(str(part.place), problem, got=got, allowed=str(held))


def _copy(writer: Writer, parts: Sequence[_Part], block: int) -> bool:
    """Copy a block into the new store, and return whether all its scenarios were there."""
    chunks: dict[str, dict[str, bytes | None]] = {}  # by scenario and array
    for part in parts:
        if block in part.marked:
            for name, own in _sound_chunks(part, block).items():
                chunks.setdefault(name, own)
    if not set(writer.plan.scenarios) <= set(chunks):
        return False
    encoded: Chunks = {}
    for name in writer.plan.scenarios:
        for array, chunk in chunks[name].items():
            encoded.setdefault(array, []).append(chunk)
    writer.write_encoded(block, encoded)
    return True


def _sound_chunks(part: _Part, block: int) -> dict[str, dict[str, bytes | None]]:
    """Return the chunks of a block by scenario and array, of the rows that are sound."""
    chunks: dict[str, dict[str, bytes | None]] = {}
    lacking = missing_rows(part.place, part.plan, block)
    for row in range(part.plan.rows):
        record = BlockRecord.read(part.place, row, block)
        if row in lacking or record is None:
            continue
        data = {key: part.place.get(key) for key in record.files}
        if any(problem_of(data[key], file) for key, file in record.files.items()):
            continue
        for key, file in record.files.items():
            array = key.rpartition("/")[0]
            pieces = unpack(data[key] or b"", file)
            for name, piece in zip(record.scenarios, pieces, strict=True):
                chunks.setdefault(name, {})[array] = piece
    return chunks
