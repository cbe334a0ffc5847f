"""Files of a store: chunks of all scenarios of a block side by side, and their digests.

A file is one chunk where a store was made with one scenario. Else it is a shard of Zarr's sharding
codec: the encoded chunks of the scenarios one after another, then an index of their offsets and
lengths (little-endian uint64) and its crc32c. A chunk that is not there has the largest uint64.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import google_crc32c
import numpy as np

_ABSENT = 2**64 - 1
_CRC_BYTES = 4


def digest(data: bytes) -> str:
    """Return the BLAKE2b digest of some bytes, 128 bits in hexadecimal."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()


@dataclass(frozen=True)
class FileRecord:
    """What a file of a block must hold: its digest, and (offset, length, digest) of each chunk."""

    digest: str
    size: int
    chunks: tuple[tuple[int, int, str], ...]

    def as_json(self) -> list[object]:
        """Return it as JSON."""
        return [self.digest, self.size, [list(chunk) for chunk in self.chunks]]

    @classmethod
    def from_json(cls, content: list[object]) -> FileRecord:
        """Return what `as_json` wrote. Raises ValueError or TypeError for anything else."""
        name, size, chunks = content
        parts = tuple((int(o), int(n), str(d)) for o, n, d in chunks)  # type: ignore[attr-defined]
        return cls(str(name), int(size), parts)  # type: ignore[call-overload]


def pack(chunks: Sequence[bytes | None], slots: int) -> bytes:
    """Return the bytes of a file of some encoded chunks.

    With one slot it is the chunk itself; else a shard of ``slots`` places, the first of which hold
    the ``chunks`` (None: absent).
    """
    if slots == 1:
        only = chunks[0]
        assert only is not None
        return only
    body = [chunk for chunk in chunks if chunk is not None]
    return b"".join([*body, index_of(describe_chunks(chunks), slots)])


def index_of(chunks: Sequence[tuple[int, int, str]], slots: int) -> bytes:
    """Return the index of a shard of ``slots`` places whose first chunks are given."""
    index = np.full((slots, 2), _ABSENT, dtype="<u8")
    for place, (offset, length, _) in enumerate(chunks):
        if offset >= 0:
            index[place] = offset, length
    table = index.tobytes()
    return table + google_crc32c.value(table).to_bytes(_CRC_BYTES, "little")


def describe(data: bytes, chunks: Sequence[bytes | None]) -> FileRecord:
    """Return the record of a file that `pack` made of some chunks."""
    parts = describe_chunks(chunks)
    whole = parts[0][2] if chunks[0] is data else digest(data)  # one chunk, digested already
    return FileRecord(whole, len(data), parts)


def describe_chunks(chunks: Sequence[bytes | None]) -> tuple[tuple[int, int, str], ...]:
    """Return (offset, length, digest) of chunks that stand one after another; -1 where absent."""
    parts, offset = [], 0
    for chunk in chunks:
        parts.append((-1, 0, "") if chunk is None else (offset, len(chunk), digest(chunk)))
        offset += 0 if chunk is None else len(chunk)
    return tuple(parts)


def unpack(data: bytes, record: FileRecord) -> list[bytes | None]:
    """Return the encoded chunks of a file, by its record."""
    return [data[o : o + n] if o >= 0 else None for o, n, _ in record.chunks]


def problem_of(data: bytes | None, record: FileRecord) -> str | None:
    """Return what is wrong with the bytes of a file, or None."""
    if data is None:
        return "is missing"
    if len(data) != record.size:
        return f"has {len(data)} bytes in place of {record.size}"
    return None if digest(data) == record.digest else "does not match its checksum"
