"""Reading arrays of a store chunk by chunk, without Zarr, with every byte checked."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

import numpy as np

from yieldsim.ensemble.chunks import decode, decode_texts
from yieldsim.ensemble.layout import chunk_name
from yieldsim.ensemble.ledger import BlockRecord, Seal
from yieldsim.ensemble.provenance import Stored
from yieldsim.ensemble.shards import digest
from yieldsim.ensemble.storage import ROOT_METADATA
from yieldsim.errors import StoreError, VerificationError

_RECORDS_IN_MEMORY = 64
Item = TypeVar("Item")


class StoredArrays:
    """The arrays of a store by name. Several threads may read them at once.

    Their metadata are the ``documents`` where these are given, else each is read.
    """

    def __init__(
        self, stored: Stored, seal: Seal | None, documents: Mapping[str, Any] | None = None
    ) -> None:
        self.place, self.attrs = stored.place, stored.attrs
        self.scenarios_per_file = stored.scenarios_per_file
        self._stored, self._seal, self._documents = stored, seal, documents
        self.record = lru_cache(_RECORDS_IN_MEMORY)(self._read_record)

    def array(self, name: str) -> StoredArray | None:
        """An array of blocks, None where the store does not have it."""
        document = self._document(name)
        if document is None:
            return None
        try:
            if document["data_type"] == "string":
                return None
            codecs, chunks = document["codecs"], document["chunk_grid"]["configuration"]
            chunks = tuple(chunks["chunk_shape"])
            if codecs[0]["name"] == "sharding_indexed":
                shard = codecs[0]["configuration"]
                codecs, chunks = shard["codecs"], tuple(shard["chunk_shape"])
            return StoredArray(
                self,
                name,
                tuple(document["shape"]),
                np.dtype(document["data_type"]),
                chunks,
                any(codec["name"] == "blosc" for codec in codecs),
            )
        except (KeyError, TypeError, IndexError) as error:
            where = f"{self.place}/{name}/{ROOT_METADATA}"
            raise StoreError(where, f"its metadata are damaged ({error})") from error

    def texts(self, name: str) -> list[str]:
        """The texts of a coordinate."""
        document, key = self._document(name) or {}, f"{name}/{chunk_name(0)}"
        if document.get("shape") == [0]:
            return []
        data = self.place.get(key) or b""
        if self._seal is not None and self._seal.files.get(key) != digest(data):
            raise self._damaged(key)
        return decode_texts(data, "blosc" in [codec["name"] for codec in document["codecs"]])

    def _document(self, name: str) -> Mapping[str, Any] | None:
        if self._documents is not None:
            return self._documents.get(name)
        data = self.place.get(f"{name}/{ROOT_METADATA}")
        return None if data is None else json.loads(data)

    def _read_record(self, row: int, block: int) -> BlockRecord:
        """The record of a block. Raises VerificationError if it is not that of this place."""
        record = self._stored.record(row, block)
        if record is None:
            problem = f"the record of block {block} is missing, damaged or of another place"
            raise VerificationError(str(self.place), problem)
        return record

    def _damaged(self, key: str) -> VerificationError:
        array, _, name = key.rpartition("/")
        problem = f"chunk {name} of {array} does not match its checksum"
        return VerificationError(str(self.place), problem)

    def chunk(self, key: str, row: int, place: int, block: int) -> bytes:
        """The bytes of a chunk in a file of a block: that of a scenario in its row."""
        try:
            offset, size, check = self.record(row, block).files[key].chunks[place]
        except (KeyError, IndexError):
            raise self._damaged(key) from None
        data = self.place.part(key, offset, offset + size) if offset >= 0 else None
        if data is None or digest(data) != check:
            raise self._damaged(key)
        return data


@dataclass(frozen=True)
class StoredArray:
    """An array of results or draws: (scenario, realization, ...) in blocks of realizations."""

    store: StoredArrays
    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    chunks: tuple[int, ...]
    compressed: bool

    @property
    def blocks(self) -> int:
        """Blocks of realizations."""
        return -(-self.shape[1] // self.chunks[1])

    def block(self, scenario: int, block: int) -> np.ndarray:
        """The figures of a block in a scenario, (realization, ...).

        Raises VerificationError unless every byte is what was written.
        """
        first = block * self.chunks[1]
        count = min(self.chunks[1], self.shape[1] - first)
        if 0 in self.shape:
            return np.empty((count, *self.shape[2:]), self.dtype)
        row, place = divmod(scenario, self.store.scenarios_per_file)
        index = (row, block, *(0 for _ in self.shape[2:]))
        data = self.store.chunk(f"{self.name}/{chunk_name(*index)}", row, place, block)
        whole = decode(data, self.dtype, self.compressed).reshape(self.chunks[1:])
        return whole[:count]


def in_threads(work: Callable[[Item], object], items: Iterable[Item], threads: int) -> None:
    """Call ``work`` for each item, in several threads if there are several."""
    items = list(items)
    if min(threads, len(items)) < 2:
        for item in items:
            work(item)
        return
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, items))
