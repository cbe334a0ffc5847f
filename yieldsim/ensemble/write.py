"""Creating a store, and writing whole blocks of realizations into it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import zarr

from yieldsim.ensemble.chunks import CHUNK_NAMES, chunk_name, codecs, damage, encode
from yieldsim.ensemble.layout import (
    DONE,
    ArraySpec,
    BlockSource,
    RunPlan,
    block_specs,
    coordinate_specs,
)
from yieldsim.ensemble.provenance import global_attrs
from yieldsim.ensemble.storage import ROOT_METADATA, Memory, Place, reason
from yieldsim.errors import StoreError

DONE_BYTES = encode(np.ones(1, dtype="uint8"), compressed=False)


def create(place: Place, source: BlockSource, plan: RunPlan, command: str) -> None:
    """Create the store with all its metadata and coordinates, but without results.

    Raises StoreError if it cannot be written.
    """
    specs = [*block_specs(source, plan), *coordinate_specs(source, plan)]
    with place.creating() as fresh:
        texts = {name: item for name, item in source.attrs.items() if isinstance(item, str)}
        attrs = {**texts, **global_attrs(plan, command)}
        add_arrays(fresh, specs, attrs)


def add_arrays(
    place: Place, specs: Iterable[ArraySpec], attrs: Mapping[str, Any] | None = None
) -> None:
    """Add arrays to a store. ``attrs`` are the attributes of the root of a new store.

    Zarr creates the arrays in memory, and their bytes are copied to the place. Zarr's own way,
    file after file through its event loop, took twice as long: a fifth of a small run.
    """
    scratch = Memory()
    group = zarr.create_group(store=scratch.zarr(), attributes=dict(attrs or {}))
    for spec in specs:
        add_array(group, spec, place.compressed)
        place.new_array(spec.name)
    for key in scratch.keys():  # noqa: SIM118 (not a dict)
        if attrs is not None or key != ROOT_METADATA:
            place.put(key, scratch.get(key) or b"")


def add_array(group: zarr.Group, spec: ArraySpec, compressed: bool) -> None:
    """Add an array to the store, with its values if it has any."""
    array = group.create_array(
        spec.name,
        shape=spec.shape,
        chunks=spec.chunks,
        dtype=spec.dtype,
        # the marker is one plain byte, so that a task writes a constant
        compressors=codecs(spec.dtype, compressed and spec.name != DONE),
        fill_value=spec.fill,
        dimension_names=spec.dims,
        attributes=spec.attrs,
        chunk_key_encoding=CHUNK_NAMES,
        config={"write_empty_chunks": True},
    )
    if spec.values is not None and spec.values.size:
        array[...] = spec.values


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

    def write(self, block: int, arrays: Mapping[str, np.ndarray]) -> None:
        """Store a block: the chunks of every array first, then its marker.

        Raises StoreError if an array has another shape or type than the block, or the disk is
        full.
        """
        for spec in self.specs:
            self._check(spec, block, arrays.get(spec.name))
        key = ""
        try:
            for spec in self.specs:
                for scenario in range(spec.shape[0]):
                    index = spec.chunk_index(scenario, block)
                    key = f"{spec.name}/{chunk_name(*index)}"
                    self._put(spec, key, arrays[spec.name][scenario])
            key = f"{DONE}/{chunk_name(block)}"
            self.place.put(key, DONE_BYTES)
        except OSError as error:
            raise StoreError(
                str(self.place),
                f"{reason(error)}: block {block} of {self.plan.blocks} was not stored ({key}); "
                "the same command continues from there",
            ) from None

    def _put(self, spec: ArraySpec, key: str, values: np.ndarray) -> None:
        if not values.size:
            return
        if values.shape != spec.chunks[1:]:  # the last block: all chunks of an array have one size
            whole = np.full(spec.chunks[1:], spec.fill, dtype=spec.dtype)
            whole[: len(values)] = values
            values = whole
        self.place.put(key, encode(values, self.place.compressed))

    def _check(self, spec: ArraySpec, block: int, values: np.ndarray | None) -> None:
        """Check the shape: a block of the wrong shape would overwrite its neighbours."""
        shape = (spec.shape[0], self.plan.span(block)[1], *spec.shape[2:])
        if values is None or values.shape != shape or values.dtype != np.dtype(spec.dtype):
            got = "nothing" if values is None else f"{values.dtype} {values.shape}"
            where = f"{self.place}: block {block}: {spec.name}"
            allowed = f"{spec.dtype} {shape}"
            raise StoreError(where, "has the wrong shape or type", got=got, allowed=allowed)


def marked_blocks(place: Place) -> set[int]:
    """The blocks that are marked as done."""
    names = place.sizes(DONE)
    numbers = (name.removeprefix("c.") for name in names if name.startswith("c."))
    blocks = (int(number) for number in numbers if number.isdecimal())
    return {b for b in blocks if place.get(f"{DONE}/{chunk_name(b)}") == DONE_BYTES}


def damaged_chunks(
    place: Place, specs: Iterable[ArraySpec], blocks: Iterable[int]
) -> dict[int, str]:
    """Of the given blocks, those with a chunk that is missing or fails its checksum.

    Reads every byte of the blocks. The text names the first such chunk and its problem.
    """
    wanted = sorted(blocks)
    problems: dict[int, str] = {}
    for spec in specs:
        if 0 in spec.shape:
            continue
        for block in wanted:
            for scenario in range(spec.shape[0]):
                name = chunk_name(*spec.chunk_index(scenario, block))
                data = place.get(f"{spec.name}/{name}")
                problem = damage(None if data is None else np.frombuffer(data, dtype="uint8"))
                if problem:
                    problems.setdefault(block, f"chunk {name} of {spec.name} {problem}")
    return problems


def unmark(place: Place, blocks: Iterable[int]) -> None:
    """Remove the marker of blocks, so that they are computed again."""
    for block in blocks:
        place.delete(f"{DONE}/{chunk_name(block)}")
