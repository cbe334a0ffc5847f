"""A store under a URL, such as ``s3://bucket/name.zarr``, through fsspec.

An object store puts a whole object or nothing, so keys need no temporary names. It has no rename: a
store comes into being with its root metadata, which are put last.
"""

from __future__ import annotations

import contextlib
import errno
import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from yieldsim.ensemble.storage import CREATING, ROOT_METADATA, Memory, Place, reason
from yieldsim.errors import RetryError, StoreError

if TYPE_CHECKING:
    from zarr.abc.store import Store

_EXTRAS = {"s3": "s3", "s3a": "s3"}


class Remote:
    """An ensemble under a URL that fsspec understands."""

    compressed = True

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        try:
            import fsspec

            # other processes write too, so listings must be fresh
            self._files, path = fsspec.url_to_fs(self.url, use_listings_cache=False)
        except ImportError as error:
            extra = _EXTRAS.get(self.url.partition("://")[0], "s3")
            wanted = f"pip install 'yieldsim[{extra}]'"
            problem = f"a store URL needs a package that is not installed ({error})"
            raise StoreError(self.url, problem, allowed=f"a folder, or {wanted}") from None
        except ValueError as error:  # an unknown protocol
            allowed = "a folder, or a URL of fsspec such as s3://bucket/name.zarr"
            raise StoreError(self.url, str(error), allowed=allowed) from None
        self._root = str(path).rstrip("/")

    def __str__(self) -> str:
        return self.url

    def zarr(self, *, read_only: bool = False) -> Store:
        if not read_only:
            raise TypeError("a remote place is written by keys, not through Zarr")
        from yieldsim.ensemble.places.reading import PlaceStore

        return PlaceStore(self)

    def used(self) -> bool:
        """Whether it holds anything but what a killed creation left."""
        names = self.names("")
        return bool(names) and (ROOT_METADATA in names or CREATING not in names)

    def get(self, key: str) -> bytes | None:
        return self.part(key, 0, None)

    def part(self, key: str, start: int, end: int | None) -> bytes | None:
        """The bytes of a key from ``start`` (negative: from the end) to before ``end``."""
        with self._reading(key):
            try:
                span = {} if (start, end) == (0, None) else {"start": start, "end": end}
                return bytes(self._files.cat_file(self._path(key), **span))
            except (FileNotFoundError, IsADirectoryError):
                return None

    def put(self, key: str, data: bytes) -> None:
        with _as_os_error(self.url):
            self._files.pipe_file(self._path(key), data)

    def new_array(self, array: str) -> None:
        """Nothing to prepare: an object store has no folders."""

    def delete(self, key: str) -> None:
        with self._reading(key, "removed"), contextlib.suppress(FileNotFoundError):
            self._files.rm_file(self._path(key))

    def delete_array(self, array: str) -> None:
        with self._reading(array, "removed"), contextlib.suppress(FileNotFoundError):
            self._files.rm(self._path(array), recursive=True)

    def sizes(self, array: str) -> dict[str, int]:
        entries = self._entries(array)
        return {name: int(i["size"]) for name, i in entries.items() if i["type"] == "file"}

    def names(self, folder: str) -> list[str]:
        """The names of keys and folders in a folder ("" is the root)."""
        return list(self._entries(folder))

    def times(self, array: str) -> dict[str, float]:
        """Empty where the client library names the time of an object another way."""
        times = {name: info.get("LastModified") for name, info in self._entries(array).items()}
        return {name: time.timestamp() for name, time in times.items() if time is not None}

    def sweep(self) -> None:
        """A killed writer leaves only whole objects here."""

    @contextlib.contextmanager
    def creating(self) -> Iterator[Place]:
        """Collect all keys, put them together, and the root metadata last.

        Raises RetryError if another process created the store meanwhile.
        """
        draft, mine = _Draft(), uuid.uuid4().hex.encode()
        yield draft
        keys = {key: draft.get(key) or b"" for key in draft.keys()}  # noqa: SIM118 (not a dict)
        root = keys.pop(ROOT_METADATA)
        ledger = {key: keys.pop(key) for key in list(keys) if not self._same_for_all(key)}
        try:
            self.put(CREATING, mine)
            with _as_os_error(self.url):
                self._files.pipe({self._path(key): data for key, data in keys.items()})
            if self.get(CREATING) != mine or self.get(ROOT_METADATA) is not None:
                raise self._created_meanwhile()
            for key, data in ledger.items():
                self.put(key, data)
            with _as_os_error(self.url):
                self._files.pipe_file(self._path(ROOT_METADATA), root, mode="create")
            self.delete(CREATING)
        except FileExistsError:
            raise self._created_meanwhile() from None
        except OSError as error:
            raise StoreError(str(self), f"cannot be created ({reason(error)})") from None

    @staticmethod
    def _same_for_all(key: str) -> bool:
        """Whether two processes that create one store would write the same bytes."""
        return "/" not in key or key.rpartition("/")[2] not in ("seal", "origin")

    def _created_meanwhile(self) -> RetryError:
        problem = "another process created it meanwhile; the same command continues it"
        return RetryError(str(self), problem)

    def _path(self, key: str) -> str:
        return f"{self._root}/{key}" if key else self._root

    def _entries(self, folder: str) -> dict[str, Any]:
        with self._reading(folder):
            try:
                listed = self._files.ls(self._path(folder), detail=True)
            except (FileNotFoundError, NotADirectoryError):
                return {}
        start = f"{self._path(folder)}/"
        names = [str(info["name"]).rstrip("/") for info in listed]
        pairs = zip(names, listed, strict=True)
        return {name[len(start) :]: info for name, info in pairs if name.startswith(start)}

    @contextlib.contextmanager
    def _reading(self, key: str, what: str = "read") -> Iterator[None]:
        try:
            with _as_os_error(self.url):
                yield
        except OSError as error:
            raise StoreError(self._named(key), f"cannot be {what} ({reason(error)})") from None

    def _named(self, key: str) -> str:
        return f"{self.url}/{key}" if key else self.url


class _Draft(Memory):
    """The keys of a store before it is put under its URL."""

    compressed = True


@contextlib.contextmanager
def _as_os_error(url: str) -> Iterator[None]:
    """Turn what a client library raises (no credentials, no connection) into an OSError."""
    try:
        yield
    except (OSError, StoreError):
        raise
    except Exception as error:
        text = " ".join(str(error).split()) or type(error).__name__
        raise OSError(errno.EIO, text, url) from None
