"""Where compiled kernels are kept between processes.

Numba keeps an index and numbered data files for each function. A torn or garbled file ends its run,
and two processes that compile one function for different processors can read each other's code.
Here each compiled form is a file of its own, written under another name and renamed. Its name and
its checksum cover the sources, Numba's version and options, the signature and the processor. A file
that fails the check is compiled again.
"""

from __future__ import annotations

import contextlib
import hashlib
import inspect
import os
import pickle
import stat
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numba
from numba.core import caching, config
from numba.core.serialize import dumps
from numba.misc.appdirs import AppDirs

from yieldsim.kernels.jit_beside import wait_for
from yieldsim.kernels.jit_stage import rebuilt

__all__ = ["KernelCache", "cache_folders"]

SUFFIX, OLD_INDEX = ".nbc", ".nbi"  # Numba's own endings, which other tools know
_DIGEST_BYTES = 32
# Numba's own cache does not know them: a run with bounds checks took kernels without, and left
# slow ones to all later runs
_OPTIONS = ("OPT", "BOUNDSCHECK", "DEBUGINFO_DEFAULT", "LOOP_VECTORIZE", "SLP_VECTORIZE")


class _Locator(caching._CacheLocator):  # type: ignore[misc]
    """What Numba asks of a function's place; `cache_folders` chooses the folder later."""

    def __init__(self, function: Callable[..., Any], file: str) -> None:
        self._py_file, self._line = file, function.__code__.co_firstlineno

    def ensure_cache_path(self) -> None:
        """`KernelFiles.save` finds a folder that it can write into."""

    def get_cache_path(self) -> str:
        return str(Path(self._py_file).parent / "__pycache__")

    def get_source_stamp(self) -> str:
        return ""  # the stamp of all kernel sources takes its place

    def get_disambiguator(self) -> str:
        return str(self._line)


class _Contents(caching.CompileResultCacheImpl):  # type: ignore[misc]
    """How Numba turns compiled code into bytes, without its own search for a folder."""

    def __init__(self, function: Callable[..., Any]) -> None:
        file = inspect.getfile(function)
        self._locator, self._lineno = _Locator(function, file), function.__code__.co_firstlineno
        name = f"{Path(file).stem}.{function.__qualname__}"
        self._filename_base = self.get_filename_base(name, sys.abiflags)

    def rebuild(self, target_context: Any, payload: tuple[Any, ...]) -> Any:
        return rebuilt(target_context, payload)


class KernelCache(caching.FunctionCache):  # type: ignore[misc]
    """Numba's cache of one kernel, with files that cannot harm a run.

    ``stamp`` stands for the text of all sources that may be compiled into the kernel.
    """

    def __init__(self, function: Callable[..., Any], stamp: str) -> None:
        # Not Numba's, which finds the file at once: most of 300 kernels are only parts of others.
        self._py_func, self._name, self._stamp = function, repr(function), stamp
        self.missed: Callable[[Any], None] = lambda sig: None  # called before it is compiled
        self.enable()

    @cached_property
    def _impl(self) -> _Contents:
        return _Contents(self._py_func)

    @cached_property
    def _cache_path(self) -> str:
        return self._impl.locator.get_cache_path()

    @cached_property
    def _cache_file(self) -> Any:  # type: ignore[override]
        source = Path(self._impl.locator._py_file).absolute()
        return KernelFiles(source.parent, self._impl.filename_base, self._stamp)

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Load a compiled form without what Numba loads first: all that it needs to compile.

        That takes a quarter of a second.
        """
        wait_for(self._py_func.__module__, self._py_func.__qualname__, sig)
        try:
            found = self._load_overload(sig, target_context)
        except Exception:  # whatever a file that passed its check may still hide
            found = None
        if found is None and self._cache_file.keeps():
            self.missed(sig)
        return found


class KernelFiles:
    """The compiled forms of one kernel."""

    def __init__(self, source: Path, base: str, stamp: str) -> None:
        self._source, self._base, self.stamp = source, base, stamp

    def load(self, key: object) -> Any:
        """The compiled form of a signature and processor, or None."""
        identity = self._identity(key)
        for folder in cache_folders(self._source):
            with contextlib.suppress(OSError):
                content = memoryview((folder / self._name(identity)).read_bytes())
                digest, body = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
                if digest == _digest(identity, body):
                    return pickle.loads(body)
        return None

    def save(self, key: object, data: object) -> None:
        """Keep a compiled form. A folder that cannot take it costs a note, not the run."""
        identity, body = self._identity(key), dumps(data)
        try:
            if not self.keeps():
                raise OSError("no folder can be written")
            folder = cache_folders(self._source)[-1]
            folder.mkdir(parents=True, exist_ok=True)  # it may have been removed meanwhile
            _sweep(folder, self.stamp)
            _write(folder / self._name(identity), _digest(identity, body) + body)
        except OSError as error:
            _say_once(error.strerror or str(error))

    def keeps(self) -> bool:
        """Return whether what is compiled can be kept."""
        folders = cache_folders(self._source)
        return bool(folders) and _is_writable(folders[-1])

    def flush(self) -> None:
        """Numba calls this before it compiles again; the new file replaces the old one."""

    def _identity(self, key: object) -> bytes:
        options = [str(getattr(config, name, None)) for name in _OPTIONS]
        words = [numba.__version__, self.stamp, self._base, repr(key), *options]
        return "\0".join(words).encode()

    def _name(self, identity: bytes) -> str:
        form = hashlib.sha256(identity).hexdigest()[:16]
        return f"{self._base}.{self.stamp[:12]}.{form}{SUFFIX}"


def cache_folders(source: Path) -> tuple[Path, ...]:
    """The folders that may hold the kernels of a source folder, in the order they are searched.

    The list ends with the first folder that can be written, which receives what is compiled now.
    The candidates are NUMBA_CACHE_DIR, the folder beside the sources, the user's cache, and a
    folder of the user's own under TMPDIR.
    """
    chosen = str(getattr(config, "CACHE_DIR", ""))
    return _folders(source, chosen, os.environ.get("TMPDIR") or "/tmp")


@cache
def _folders(source: Path, chosen: str, temporary: str) -> tuple[Path, ...]:
    folders: list[Path] = []
    for folder in _candidates(source, chosen, temporary):
        if _is_writable(folder):
            return (*folders, folder)
        if os.path.isdir(folder):
            folders.append(folder)
    return tuple(folders)


def _candidates(source: Path, chosen: str, temporary: str) -> Iterator[Path]:
    # One folder for each source folder, with Numba's name for it. Kernels of two installs differ.
    below = caching._CacheLocator.get_suitable_cache_subpath(str(source / "file.py"))
    if chosen:
        yield Path(chosen) / below
    yield source / "__pycache__"
    if os.environ.get("XDG_CACHE_HOME") or os.path.isdir(os.path.expanduser("~")):
        yield Path(AppDirs(appname="numba", appauthor=False).user_cache_dir) / below
    own = Path(temporary) / f"yieldsim-{os.getuid()}"
    if _is_ours(own):
        yield own / below


def _is_ours(folder: Path) -> bool:
    """Whether a folder, made if need be, is closed to others: what it holds will be executed."""
    try:
        with contextlib.suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        status = folder.lstat()
    except OSError:
        return False
    closed = not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid() and closed


@cache
def _is_writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        return False
    return True


@cache
def _sweep(folder: Path, stamp: str) -> None:
    """Remove what other versions of the sources left in a folder, once in a process."""
    for path in folder.iterdir():
        stale = path.suffix == OLD_INDEX or SUFFIX in path.suffixes
        if stale and f".{stamp[:12]}." not in path.name:
            with contextlib.suppress(OSError):
                path.unlink()


def _write(path: Path, content: bytes) -> None:
    """Write a file as a whole: another process sees all of it or nothing."""
    partial = path.with_name(f"{path.name}.{uuid.uuid4().hex[:16]}")
    try:
        partial.write_bytes(content)
        os.replace(partial, path)
    except BaseException:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise


def _digest(identity: bytes, body: bytes | memoryview) -> bytes:
    digest = hashlib.sha256(identity + b"\0")
    digest.update(body)  # megabytes, so not copied
    return digest.digest()


def _say_once(reason: str) -> None:
    if not _said and sys.stderr is not None:
        note = "compiled kernels cannot be kept, so every run compiles them"
        advice = "set NUMBA_CACHE_DIR to a folder that can be written"
        print(f"yieldsim: note: {note} ({reason}); {advice}", file=sys.stderr)
    _said.append(reason)


_said: list[str] = []
