"""Stores of Zarr that can only be read; one of a place that Zarr has no store for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any, Protocol

from zarr.abc.store import (
    ByteRequest,
    OffsetByteRequest,
    RangeByteRequest,
    Store,
    SuffixByteRequest,
)
from zarr.buffer import cpu
from zarr.core.buffer import Buffer, BufferPrototype


class Readable(Protocol):
    """What reading needs of a place; several threads may call it."""

    def get(self, key: str) -> bytes | None:
        """The bytes of a key, or None."""

    def part(self, key: str, start: int, end: int | None) -> bytes | None:
        """The bytes from start (negative: from the end) to before end (None: to the end)."""

    def names(self, folder: str) -> list[str]:
        """The names of keys and folders in a folder ("" is the root)."""


class ReadingStore(Store):
    """A store that can only be read, all of it by its `get`.

    Not a `WrapperStore`: that passes whatever else a later Zarr calls for bytes to the store
    inside, past `get`.
    """

    supports_writes = False
    supports_deletes = False
    supports_partial_writes = False
    supports_listing = True

    def __init__(self) -> None:
        super().__init__(read_only=True)

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)

    async def get_partial_values(
        self, prototype: BufferPrototype, key_ranges: Iterable[tuple[str, ByteRequest | None]]
    ) -> list[Buffer | None]:
        return [await self.get(key, prototype, wanted) for key, wanted in key_ranges]

    async def get_ranges(
        self,
        key: str,
        byte_ranges: Sequence[ByteRequest | None],
        *,
        prototype: BufferPrototype,
        **_: Any,
    ) -> AsyncIterator[Sequence[tuple[int, Buffer | None]]]:
        """Yield parts of a file. In later versions Zarr has one, which raises errors in groups."""
        parts = await asyncio.gather(*(self.get(key, prototype, part) for part in byte_ranges))
        yield list(enumerate(parts))

    async def set(self, key: str, value: Buffer, *_: Any) -> None:
        self._check_writable()

    async def delete(self, key: str) -> None:
        self._check_writable()

    async def list(self) -> AsyncIterator[str]:
        async for key in self.list_prefix(""):
            yield key


class PlaceStore(ReadingStore):
    """A place as a Zarr store. Each read runs in a thread."""

    def __init__(self, place: Readable) -> None:
        super().__init__()
        self._place = place

    def __str__(self) -> str:
        return str(self._place)

    async def get(
        self,
        key: str,
        prototype: BufferPrototype | None = None,
        byte_range: ByteRequest | None = None,
    ) -> Buffer | None:
        prototype = prototype or cpu.buffer_prototype
        if byte_range is None:
            data = await asyncio.to_thread(self._place.get, key)
        else:
            data = await asyncio.to_thread(self._place.part, key, *_span(byte_range))
        return None if data is None else prototype.buffer.from_bytes(data)

    async def exists(self, key: str) -> bool:
        return await asyncio.to_thread(self._place.get, key) is not None

    async def list_prefix(self, prefix: str) -> AsyncIterator[str]:
        folder = prefix.rpartition("/")[0]
        for name in await asyncio.to_thread(self._place.names, folder):
            key = f"{folder}/{name}" if folder else name
            if key.startswith(prefix):
                yield key

    async def list_dir(self, prefix: str) -> AsyncIterator[str]:
        for name in await asyncio.to_thread(self._place.names, prefix.strip("/")):
            yield name


def _span(wanted: ByteRequest) -> tuple[int, int | None]:
    if isinstance(wanted, RangeByteRequest):
        return wanted.start, wanted.end
    if isinstance(wanted, OffsetByteRequest):
        return wanted.offset, None
    if isinstance(wanted, SuffixByteRequest):
        return -wanted.suffix, None
    raise TypeError(f"unknown byte request {wanted!r}")
