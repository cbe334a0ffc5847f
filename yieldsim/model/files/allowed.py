"""Which files a model may consist of, and how large they may be.

A model may come from a stranger. Its parts must be ordinary files inside its own folder, inside the
folder of the shipped models, or inside a folder that the user allows. Messages never show the text
of another file.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path

from yieldsim.errors import ModelError

MAX_FILE_BYTES, MAX_MODEL_BYTES = 8 * 2**20, 64 * 2**20
MAX_FILES, MAX_FILES_DEEP = 1000, 32
MAX_ROWS = 100_000
OUTSIDE_OPTION = "--allow-outside"


class AllowedFiles:
    """The files of one model: where they may lie, and how much has been read of them."""

    def __init__(self, folders: Iterable[str | Path]) -> None:
        self._folders = tuple(Path(folder).resolve() for folder in folders)
        self._files = self._bytes = 0

    def check_inside(self, path: Path, where: str, got: str) -> None:
        """Raise ModelError at ``where`` for a file outside the folders, by name or by a link."""
        try:
            real = path.resolve()
        except (OSError, ValueError, RuntimeError):  # such a path cannot be opened either
            real = Path(os.path.abspath(path))
        if not any(real.is_relative_to(folder) for folder in self._folders):
            allowed = f"a file inside it, or {OUTSIDE_OPTION} FOLDER"
            raise ModelError(where, "lies outside the model's folder", got=got, allowed=allowed)

    def check_depth(self, depth: int, where: str) -> None:
        """Raise ModelError where files lead to one another more than ``MAX_FILES_DEEP`` times."""
        if depth > MAX_FILES_DEEP:
            allowed = f"{MAX_FILES_DEEP} files"
            raise ModelError(where, "leads through too many files", allowed=allowed)

    def read(self, path: Path, place: str) -> str:
        """The text of a file in UTF-8, counted towards the size of the model."""
        text = read_text(path, place)
        self._files += 1
        self._bytes += len(text)
        if self._files > MAX_FILES or self._bytes > MAX_MODEL_BYTES:
            allowed = f"{MAX_FILES} files with {MAX_MODEL_BYTES} bytes in all"
            raise ModelError(place, "makes the model too large", allowed=allowed)
        return text


def read_text(path: Path, place: str) -> str:
    """The text of an ordinary file in UTF-8, with or without a byte order mark.

    Raises ModelError at ``place`` for a file that is missing, no ordinary file, larger than
    ``MAX_FILE_BYTES`` or not UTF-8.
    """
    try:
        check_ordinary(path, place)
        with path.open("rb") as stream:
            content = stream.read(MAX_FILE_BYTES + 1)
    except (OSError, ValueError) as error:
        raise ModelError(place, f"cannot be read ({reason_of(error)})") from None
    if len(content) > MAX_FILE_BYTES:
        raise ModelError(place, "is too large", allowed=f"{MAX_FILE_BYTES} bytes")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ModelError(place, "is not a text file in UTF-8") from None


def check_ordinary(path: Path, place: str) -> None:
    """Raise ModelError at ``place`` for a folder, a pipe or a device, and OSError for no file.

    Call it before a file is opened: opening a pipe waits for a writer, and a device has no end.
    """
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise ModelError(place, "is not an ordinary file")


def reason_of(error: Exception) -> str:
    """An operating system's error, or a name that cannot be one, in a few words."""
    text = error.strerror if isinstance(error, OSError) else str(error)
    return (text or str(error)).lower()
