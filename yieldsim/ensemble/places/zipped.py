"""A finished store in a zip file, which can only be read."""

from __future__ import annotations

import contextlib
import os
import zipfile
import zlib
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from yieldsim.ensemble.storage import ROOT_METADATA, Place, reason
from yieldsim.errors import StoreError

if TYPE_CHECKING:
    from zarr.abc.store import Store


class Zipped:
    """A store in a zip file: the content of its folder, or the folder itself."""

    compressed = True

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    def __str__(self) -> str:
        return str(self.path)

    def zarr(self, *, read_only: bool = False) -> Store:
        if not read_only:
            raise self._refusal()
        from yieldsim.ensemble.places.reading import PlaceStore

        return PlaceStore(self)

    def used(self) -> bool:
        return os.path.lexists(self.path)

    @cached_property
    def _archive(self) -> zipfile.ZipFile:
        try:
            return zipfile.ZipFile(self.path)
        except zipfile.BadZipFile as error:
            raise StoreError(str(self), f"is not a sound zip file ({error})") from None
        except OSError as error:
            raise StoreError(str(self), f"cannot be read ({reason(error)})") from None

    @cached_property
    def _entries(self) -> dict[str, zipfile.ZipInfo]:
        """The entries by their key in the store; the last of a name counts."""
        entries = {info.filename: info for info in self._archive.infolist() if not info.is_dir()}
        roots = [name for name in entries if name.rpartition("/")[2] == ROOT_METADATA]
        top = min(roots, key=len, default=ROOT_METADATA).removesuffix(ROOT_METADATA)
        return {name[len(top) :]: info for name, info in entries.items() if name.startswith(top)}

    def get(self, key: str) -> bytes | None:
        info = self._entries.get(key)
        if info is None:
            return None
        try:
            return self._archive.read(info)
        except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError) as error:
            raise StoreError(f"{self}/{key}", f"cannot be read ({error})") from None
        except OSError as error:
            raise StoreError(f"{self}/{key}", f"cannot be read ({reason(error)})") from None

    def part(self, key: str, start: int, end: int | None) -> bytes | None:
        """The bytes of a key from ``start`` (negative: from the end) to before ``end``."""
        data = self.get(key)
        return None if data is None else data[start:end]

    def names(self, folder: str) -> list[str]:
        """The names of keys and folders in a folder ("" is the root)."""
        start = f"{folder}/" if folder else ""
        inside = [key[len(start) :] for key in self._entries if key.startswith(start)]
        return list(dict.fromkeys(name.partition("/")[0] for name in inside))

    def sizes(self, array: str) -> dict[str, int]:
        start = f"{array}/"
        entries = self._entries.items()
        return {key[len(start) :]: i.file_size for key, i in entries if key.startswith(start)}

    def times(self, array: str) -> dict[str, float]:
        return {}

    def sweep(self) -> None:
        """Nothing is written here, so nothing is left behind."""

    def put(self, key: str, data: bytes) -> None:
        raise self._refusal()

    def new_array(self, array: str) -> None:
        raise self._refusal()

    def delete(self, key: str) -> None:
        raise self._refusal()

    def delete_array(self, array: str) -> None:
        raise self._refusal()

    def creating(self) -> contextlib.AbstractContextManager[Place]:
        raise self._refusal()

    def _refusal(self) -> StoreError:
        allowed = "a folder or a URL; unzip it to change it"
        return StoreError(str(self), "is a zipped store, which can only be read", allowed=allowed)
