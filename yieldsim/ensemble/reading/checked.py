"""Reading a store with every byte checked against its ledger.

Zarr reads a missing chunk as fill values, and a chunk of another place as if it were the right one.
The records of the blocks bind each chunk to its place and run; the seal binds metadata, coordinates
and summaries.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
from collections.abc import AsyncIterator
from functools import lru_cache
from typing import Any

import numpy as np
from zarr.abc.store import (
    ByteRequest,
    OffsetByteRequest,
    RangeByteRequest,
    SuffixByteRequest,
)
from zarr.buffer import cpu
from zarr.core.buffer import Buffer, BufferPrototype

from yieldsim.ensemble.chunks import damage, is_chunk
from yieldsim.ensemble.layout import DONE
from yieldsim.ensemble.ledger import Seal
from yieldsim.ensemble.places.reading import ReadingStore
from yieldsim.ensemble.provenance import Stored
from yieldsim.ensemble.shards import FileRecord, digest, index_of, problem_of
from yieldsim.errors import VerificationError

_RECORDS_IN_MEMORY = 64
# what asyncio says of a task that no one waits for any more
_LONGEST_WAIT_SECONDS = 5.0
_DROPPED = ("Task exception was never retrieved", "Task was destroyed but it is pending")
_SLOT_BYTES, _CRC_BYTES = 16, 4  # of the index of a shard


class CheckedStore(ReadingStore):
    """A Zarr store whose files are checked as they are read.

    Raises VerificationError that names the array and the chunk. A store of the first format has no
    ledger: its chunks are checked by their own checksums alone.
    """

    def __init__(self, stored: Stored, seal: Seal | None) -> None:
        super().__init__()
        self._store = stored.place.zarr(read_only=True)
        self._place, self._seal = stored.place, seal
        self._stored, self._ledger = stored, stored.has_ledger
        self._record = lru_cache(_RECORDS_IN_MEMORY)(stored.record)

    async def get(
        self,
        key: str,
        prototype: BufferPrototype | None = None,
        byte_range: ByteRequest | None = None,
    ) -> Buffer | None:
        if _Abandoned.exiting:
            raise VerificationError(str(self._place), "is not read any more")
        try:
            return await self._checked(key, prototype or cpu.buffer_prototype, byte_range)
        except VerificationError:
            _Abandoned.end_quietly(asyncio.get_running_loop())
            raise

    async def exists(self, key: str) -> bool:
        return await self._store.exists(key)

    def list_prefix(self, prefix: str) -> AsyncIterator[str]:
        return self._store.list_prefix(prefix)

    def list_dir(self, prefix: str) -> AsyncIterator[str]:
        return self._store.list_dir(prefix)

    async def _checked(
        self, key: str, prototype: BufferPrototype, byte_range: ByteRequest | None
    ) -> Buffer | None:
        array, _, name = key.rpartition("/")
        if not array or not is_chunk(name):
            return await self._store.get(key, prototype, byte_range)
        file = self._file(key, array, name)
        if byte_range is None or file is None:
            buffer = await self._store.get(key, prototype, byte_range)
            if byte_range is None:
                self._check(key, None if buffer is None else buffer.to_bytes(), file)
            return buffer
        return await self._part(key, prototype, byte_range, file)

    def _file(self, key: str, array: str, name: str) -> FileRecord | None:
        """Return what the ledger says of a file of results, None where it says nothing."""
        if not self._ledger or array == DONE or (self._seal and key in self._seal.files):
            return None
        index = [int(part) for part in name.split(".")[1:]]
        if len(index) < 2:
            return None
        record = self._record(index[0], index[1])
        if record is None or key not in record.files:
            problem = f"the record of block {index[1]} is missing, damaged or of another place"
            raise VerificationError(str(self._place), f"{problem}, so {key} cannot be trusted")
        return record.files[key]

    def _check(self, key: str, data: bytes | None, file: FileRecord | None) -> None:
        array, _, name = key.rpartition("/")
        if file is not None:
            problem = problem_of(data, file)
        else:
            problem = damage(None if data is None else np.frombuffer(data, "uint8"))
            expected = self._seal.files.get(key) if self._seal else None
            if problem is None and expected is not None and digest(data or b"") != expected:
                problem = "does not match its checksum"
        if problem:
            raise VerificationError(str(self._place), f"chunk {name} of {array} {problem}")

    async def _part(
        self, key: str, prototype: BufferPrototype, wanted: ByteRequest, file: FileRecord
    ) -> Buffer | None:
        """Read a part of a file, together with the rest of the chunks that it touches."""
        first, last = _span(wanted, file.size)
        index = max((o + n for o, n, _ in file.chunks if o >= 0), default=0)
        touched = [c for c in file.chunks if c[0] >= 0 and c[0] < last and c[0] + c[1] > first]
        begin = min([first, *(o for o, _, _ in touched)])
        end = max([last, *(o + n for o, n, _ in touched)])
        if last > index:  # the index has no digest of its own: it follows from the record
            end = file.size
        buffer = await self._store.get(key, prototype, RangeByteRequest(begin, end))
        data = b"" if buffer is None else buffer.to_bytes()
        bad = len(data) != end - begin or any(
            digest(data[o - begin : o - begin + n]) != check for o, n, check in touched
        )
        if not bad and last > index:
            table = index_of(file.chunks, (file.size - index - _CRC_BYTES) // _SLOT_BYTES)
            bad = data[max(0, index - begin) :] != table[max(0, begin - index) :]
        if bad:
            self._check(key, self._place.get(key), file)  # says which way it is damaged
            array, _, name = key.rpartition("/")
            problem = f"chunk {name} of {array} does not match its checksum"
            raise VerificationError(str(self._place), problem)
        return prototype.buffer.from_bytes(data[first - begin : last - begin])


class _Abandoned:
    """The reads that are still under way when a damaged chunk was found.

    Zarr reads many chunks at once, raises the first error and leaves the rest to themselves. Python
    would report each of them when the process ends: hundreds of lines.
    """

    exiting = False
    _loop: asyncio.AbstractEventLoop | None = None

    @classmethod
    def end_quietly(cls, loop: asyncio.AbstractEventLoop) -> None:
        """Report nothing of such reads, and end them before the process ends."""
        if cls._loop is not loop:
            cls._loop = loop
            loop.set_exception_handler(cls._report)
            atexit.register(cls._end)  # runs before Zarr's own, which closes the loop

    @staticmethod
    def _report(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        if not str(context.get("message")).startswith(_DROPPED):
            loop.default_exception_handler(context)

    @classmethod
    def _end(cls) -> None:
        cls.exiting = True
        with contextlib.suppress(Exception):
            waiting = asyncio.run_coroutine_threadsafe(cls._wait(), cls._loop)  # type: ignore[arg-type]
            waiting.result(_LONGEST_WAIT_SECONDS)

    @staticmethod
    async def _wait() -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.gather(*others, return_exceptions=True)


def _span(wanted: ByteRequest, size: int) -> tuple[int, int]:
    """Return the first byte of a request and the one after its last."""
    if isinstance(wanted, RangeByteRequest):
        return wanted.start, min(wanted.end, size)
    if isinstance(wanted, OffsetByteRequest):
        return wanted.offset, size
    if isinstance(wanted, SuffixByteRequest):
        return max(0, size - wanted.suffix), size
    raise TypeError(f"unknown byte request {wanted!r}")
