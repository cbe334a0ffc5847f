"""Chunks of a store: their bytes, compressed by Blosc, with a checksum.

A chunk has the bytes that Zarr's codecs ``bytes`` (or ``vlen-utf8``), ``blosc`` and ``crc32c``
make (a test compares them). Zarr is not needed for them.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

import google_crc32c
import numpy as np
import numpy.typing as npt
from numcodecs import blosc

CHECKSUM_BYTES = 4
# What the metadata of a store say of its chunks. The header of each says how it was made: readers
# go by that.
BLOSC: dict[str, Any] = {"cname": "zstd", "clevel": 1, "shuffle": "shuffle", "blocksize": 0}
_LEVEL = 1
_PROBE_BYTES = 2**14
# Where LZ4 finds so little to shorten, the values are all different, and what Zstandard saves then
# is in their high bytes. Shuffled to stand side by side they leave LZ4 5 % more to write than
# Zstandard, in a third of its time. Elsewhere Zstandard does better without shuffling: a tenth
# smaller and a sixth faster over the arrays of the baseline.
_DENSE = 0.95


def is_chunk(name: str) -> bool:
    """Whether a key within an array names a chunk (not metadata or a leftover)."""
    head, *index = name.split(".")
    return head == "c" and bool(index) and all(part.isdecimal() for part in index)


def encode(values: np.ndarray, compressed: bool) -> bytes:
    """The bytes of a whole chunk: little-endian C order, compressed, checksum last.

    Compression releases the GIL.
    """
    values = np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("<"))
    return _with_checksum(_squeezed(values) if compressed else values.tobytes())


def encode_texts(texts: Sequence[str], compressed: bool) -> bytes:
    """The bytes of a whole chunk of texts: their number, then the length and UTF-8 of each."""
    words = [text.encode() for text in texts]
    parts = [struct.pack("<I", len(words)), *(struct.pack("<I", len(w)) + w for w in words)]
    return encode(np.frombuffer(b"".join(parts), "uint8"), compressed)


def _squeezed(values: np.ndarray) -> bytes:
    """The values compressed: by LZ4 if they are dense, else by Zstandard (see ``_DENSE``)."""
    flat = values.reshape(-1)
    count = max(1, _PROBE_BYTES // values.itemsize)
    start = max(0, (flat.size - count) // 2)
    probe = flat[start : start + count]
    dense = len(blosc.compress(probe, b"lz4", _LEVEL, blosc.NOSHUFFLE)) > _DENSE * probe.nbytes
    if dense:
        return bytes(blosc.compress(values, b"lz4", _LEVEL, blosc.SHUFFLE))
    return bytes(blosc.compress(values, b"zstd", _LEVEL, blosc.NOSHUFFLE))


def _with_checksum(body: bytes) -> bytes:
    return body + google_crc32c.value(body).to_bytes(CHECKSUM_BYTES, "little")


def decode(data: bytes, dtype: npt.DTypeLike, compressed: bool) -> np.ndarray:
    """The values that `encode` made a chunk of, one after another. The checksum is not checked."""
    body = memoryview(data)[:-CHECKSUM_BYTES]
    plain = blosc.decompress(body) if compressed else body
    return np.frombuffer(plain, dtype=np.dtype(dtype).newbyteorder("<"))


def decode_texts(data: bytes, compressed: bool) -> list[str]:
    """The texts that `encode_texts` made a chunk of. The checksum is not checked."""
    body = decode(data, "uint8", compressed).tobytes()
    (count,), place, texts = struct.unpack_from("<I", body), 4, []
    for _ in range(count):
        (size,) = struct.unpack_from("<I", body, place)
        place += 4 + size
        texts.append(body[place - size : place].decode())
    return texts


def damage(data: np.ndarray | None) -> str | None:
    """What is wrong with the bytes (uint8) of a chunk, or None."""
    if data is None:
        return "is missing"
    if len(data) <= CHECKSUM_BYTES:
        return f"is truncated to {len(data)} bytes"
    stored = int.from_bytes(data[-CHECKSUM_BYTES:].tobytes(), "little")
    sound = google_crc32c.value(data[:-CHECKSUM_BYTES]) == stored
    return None if sound else "does not match its checksum"
