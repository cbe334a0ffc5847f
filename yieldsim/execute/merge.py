"""Merging stores that were made apart: blocks and scenarios are copied, not computed."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from yieldsim.ensemble import (
    BlockSource,
    Place,
    RunPlan,
    Writer,
    check_same,
    create,
    finalize,
    marked_blocks,
    place_of,
    trusted,
)
from yieldsim.ensemble.chunks import decode, encode
from yieldsim.ensemble.layout import PARAMETER_VALUE
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
    parameters: Sequence[str]


def merge_stores(stores: Sequence[str | Path], out: str | Path) -> RunResult:
    """Join stores of one model, seed, number of realizations and block size into a new store.

    They hold different blocks, as copies of a store that `init` made, or different scenarios, or
    both. Scenarios are in the order in which they are met. Chunks are checked and copied as they
    are; those of drawn parameters get columns for the parameters of the other scenarios. The
    same call continues where it was interrupted.

    Raises UsageError without stores, StoreError where they differ, IncompleteError where blocks are
    still missing: `yieldsim work` computes them in the new store.
    """
    start = time.perf_counter()
    if not stores:
        raise UsageError("STORE", "no store is given", allowed="one or more")
    parts, sources = _parts(stores)
    first = parts[0].plan
    for part in parts[1:]:
        _check_same_run(parts[0], part)
    names = tuple(dict.fromkeys(name for part in parts for name in part.plan.scenarios))
    plan = replace(first, scenarios=names, per_file=0)
    source = simulator(plan.file, names, plan.seed, plan.design)
    for part, own in zip(parts, sources, strict=True):
        check_same_axes(source, own, str(part.place))
    place = place_of(out)
    stored = trusted(place)
    if stored is None:
        create(place, source, plan, f"merge {' '.join(str(part.place) for part in parts)}")
    else:
        plan = replace(plan, per_file=stored.plan.per_file)
        check_same(stored, plan)
    writer, fixed = Writer.of(place, source, plan), _parameters(source, parts)
    missing = set(range(plan.blocks)) - marked_blocks(place)
    copied = sum(_copy(writer, parts, fixed, block) for block in sorted(missing))
    stored = existing(place)
    if copied < len(missing):
        raise unfinished(stored)
    finalize(place)
    seconds = time.perf_counter() - start
    return RunResult(place, plan, range(plan.blocks), 1, copied, seconds)


def _parts(stores: Sequence[str | Path]) -> tuple[list[_Part], list[BlockSource]]:
    """Return the stores, and the simulation of each. Raises StoreError if one cannot be read."""
    parts, sources = [], []
    for store in stores:
        stored = existing(place_of(store))
        check_version(stored)
        plan = stored.plan
        own = simulator(plan.file, plan.scenarios, plan.seed, plan.design)
        marked = marked_blocks(stored.place)
        parts.append(_Part(stored.place, plan, marked, list(own.coords["parameter"])))
        sources.append(own)
    return parts, sources


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


def _parameters(source: BlockSource, parts: Sequence[_Part]) -> dict[str, dict[str, float]]:
    """Return the values of all parameters in each scenario, for those that it does not draw.

    Where no store lacks a parameter they are not needed, and NaN.
    """
    names = list(source.coords["parameter"])
    lacking = {s for part in parts if list(part.parameters) != names for s in part.plan.scenarios}
    values: dict[str, dict[str, float]] = {}
    for scenario in dict.fromkeys(s for part in parts for s in part.plan.scenarios):
        drawn = [math.nan] * len(names)
        if scenario in lacking:
            drawn = source.block(0, 1, [scenario])[PARAMETER_VALUE][0, 0].tolist()
        values[scenario] = dict(zip(names, drawn, strict=True))
    return values


def _copy(
    writer: Writer, parts: Sequence[_Part], fixed: Mapping[str, Mapping[str, float]], block: int
) -> bool:
    """Copy a block into the new store, and return whether all its scenarios were there."""
    chunks: dict[str, dict[str, bytes | None]] = {}  # by scenario and array
    count = writer.plan.span(block)[1]
    for part in parts:
        if block in part.marked:
            for name, own in _sound_chunks(part, block).items():
                if name not in chunks:
                    if list(part.parameters) != list(fixed[name]):
                        own[PARAMETER_VALUE] = _with_parameters(
                            own.get(PARAMETER_VALUE), part, fixed[name], writer.place, count
                        )
                    chunks[name] = own
    if not set(writer.plan.scenarios) <= set(chunks):
        return False
    encoded: Chunks = {}
    for name in writer.plan.scenarios:
        for array, chunk in chunks[name].items():
            encoded.setdefault(array, []).append(chunk)
    writer.write_encoded(block, encoded)
    return True


def _with_parameters(
    chunk: bytes | None, part: _Part, parameters: Mapping[str, float], place: Place, count: int
) -> bytes:
    """Return a chunk of drawn parameters with a column for each parameter of the new store.

    ``parameters`` has the values of those that the part does not draw: they are the same in all
    of the ``count`` realizations.
    """
    values = np.full((part.plan.block_size, len(parameters)), np.nan)
    values[:count] = list(parameters.values())
    if chunk is not None:
        own = decode(chunk, values.dtype, part.place.compressed)
        columns = [list(parameters).index(name) for name in part.parameters]
        values[:, columns] = own.reshape(part.plan.block_size, -1)
    return encode(values, place.compressed)


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
