"""Chunks of a store: names, bytes with a checksum, and reading that checks it.

`encode` gives the same bytes as Zarr's codecs ``bytes, blosc, crc32c`` (a test compares them).
"""

from __future__ import annotations

from typing import Any, Literal

import google_crc32c
import numpy as np
import numpy.typing as npt
from numcodecs import blosc
from zarr.abc.store import ByteRequest
from zarr.buffer import cpu
from zarr.codecs import BloscCodec, Crc32cCodec
from zarr.core.buffer import Buffer, BufferPrototype
from zarr.storage import WrapperStore

from yieldsim.errors import VerificationError

CHECKSUM_BYTES = 4
CHUNK_NAMES: Any = {"name": "default", "separator": "."}  # flat: one folder an array
_COMPRESSOR: Literal["zstd"] = "zstd"
_LEVEL = 1


def chunk_name(*index: int) -> str:
    """The key of a chunk within its array, such as ``c.0.3.0``."""
    return ".".join(["c", *map(str, index)])


def is_chunk(name: str) -> bool:
    """Whether a key within an array names a chunk (not metadata or a leftover)."""
    head, *index = name.split(".")
    return head == "c" and bool(index) and all(part.isdecimal() for part in index)


def codecs(dtype: npt.DTypeLike, compressed: bool) -> list[Any]:
    """Zarr's codecs of an array, after the bytes codec."""
    size = 1 if dtype is str else np.dtype(dtype).itemsize
    squeeze = BloscCodec(typesize=size, cname=_COMPRESSOR, clevel=_LEVEL, shuffle="shuffle")
    return [squeeze, Crc32cCodec()] if compressed else [Crc32cCodec()]


def encode(values: np.ndarray, compressed: bool) -> bytes:
    """The bytes of a whole chunk: little-endian C order, compressed, checksum last.

    Compression releases the GIL.
    """
    values = np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("<"))
    name = _COMPRESSOR.encode()
    body = blosc.compress(values, name, _LEVEL, blosc.SHUFFLE) if compressed else values.tobytes()
    return body + google_crc32c.value(body).to_bytes(CHECKSUM_BYTES, "little")


def damage(data: np.ndarray | None) -> str | None:
    """What is wrong with the bytes (uint8) of a chunk, or None."""
    if data is None:
        return "is missing"
    if len(data) <= CHECKSUM_BYTES:
        return f"is truncated to {len(data)} bytes"
    stored = int.from_bytes(data[-CHECKSUM_BYTES:].tobytes(), "little")
    sound = google_crc32c.value(data[:-CHECKSUM_BYTES]) == stored
    return None if sound else "does not match its checksum"


class CheckedStore(WrapperStore[Any]):
    """A store whose chunks are checked as they are read.

    Zarr reads a missing chunk as fill values, and does not say which chunk fails its checksum.
    Raises VerificationError that names the array and the chunk.
    """

    async def get(
        self,
        key: str,
        prototype: BufferPrototype | None = None,
        byte_range: ByteRequest | None = None,
    ) -> Buffer | None:
        prototype = prototype or cpu.buffer_prototype
        buffer = await self._store.get(key, prototype, byte_range)
        array, _, name = key.rpartition("/")
        if byte_range is None and array and is_chunk(name):
            problem = damage(None if buffer is None else buffer.as_numpy_array())
            if problem:
                where = str(self._store).removeprefix("file://")
                raise VerificationError(where, f"chunk {name} of {array} {problem}")
        return buffer
