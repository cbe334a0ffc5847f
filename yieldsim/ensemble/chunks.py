"""Chunks of a store: their bytes, with a checksum.

`encode` gives the same bytes as Zarr's codecs ``bytes, blosc, crc32c`` (a test compares them).
"""

from __future__ import annotations

from typing import Any, Literal

import google_crc32c
import numpy as np
import numpy.typing as npt
from numcodecs import blosc
from zarr.codecs import BloscCodec, Crc32cCodec

CHECKSUM_BYTES = 4
CHUNK_NAMES: Any = {"name": "default", "separator": "."}  # flat: one folder an array
_COMPRESSOR: Literal["zstd"] = "zstd"
_LEVEL = 1


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


def decode(data: bytes, dtype: npt.DTypeLike, compressed: bool) -> np.ndarray:
    """The values that `encode` made a chunk of, one after another. The checksum is not checked."""
    body = data[:-CHECKSUM_BYTES]
    plain = blosc.decompress(body) if compressed else body
    return np.frombuffer(plain, dtype=np.dtype(dtype).newbyteorder("<"))


def damage(data: np.ndarray | None) -> str | None:
    """What is wrong with the bytes (uint8) of a chunk, or None."""
    if data is None:
        return "is missing"
    if len(data) <= CHECKSUM_BYTES:
        return f"is truncated to {len(data)} bytes"
    stored = int.from_bytes(data[-CHECKSUM_BYTES:].tobytes(), "little")
    sound = google_crc32c.value(data[:-CHECKSUM_BYTES]) == stored
    return None if sound else "does not match its checksum"
