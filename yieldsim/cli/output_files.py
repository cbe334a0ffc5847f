"""Files that commands write: never over a file of somebody else."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

__all__ = ["check_output", "force", "whole"]

# images, pages, maps, npz and Parquet files of yieldsim hold its name; a CSV file has no place
# for it
_MARK = b"yieldsim"
_IMAGES = (".png", ".svg", ".pdf", ".html", ".htm", "")
_DATA = (".npz", ".parquet", ".xml", ".g85", ".e142", ".sinf")
_MARKS = dict.fromkeys((*_IMAGES, *_DATA), _MARK) | {
    # a model in TOML may well name yieldsim in a remark
    ".toml": b"# A calibration that `yieldsim condition --write` wrote",
}
_KLARF = b"FileVersion", b"Record FileRecord"  # KLARF, which has many endings, begins so
_READ_BYTES = 2**26

force = click.option("--force", is_flag=True, help="Overwrite files that yieldsim did not write.")


def check_output(path: str | None, force: bool, option: str) -> None:
    """Refuse, before any work, a file that cannot be written or that yieldsim did not write.

    Raises UsageError under the option's name.
    """
    if path is None:
        return
    from yieldsim.errors import UsageError

    file = Path(path)
    if not file.parent.is_dir():
        raise UsageError(option, "no such folder", got=str(file.parent), allowed="one that exists")
    if file.is_dir():
        raise UsageError(option, "is a folder", got=path, allowed="the name of a file")
    if not os.access(file if file.exists() else file.parent, os.W_OK):
        raise UsageError(option, "cannot be written", got=path, allowed="a place with permission")
    if not force and file.is_file() and not _ours(file):
        problem = "exists, and may not be a file that yieldsim wrote"
        raise UsageError(option, problem, got=path, allowed="another name, or --force")


@contextmanager
def whole(path: str) -> Iterator[None]:
    """Write a file in whole: if the disk is full, no part of it is left.

    Raises OSError with the file's name.
    """
    try:
        yield
    except OSError as error:
        if error.filename is None:  # the file was opened, so what it held is gone already
            if Path(path).is_file():  # not a device
                Path(path).unlink()
            error.filename = path
        raise


def _ours(path: Path) -> bool:
    with path.open("rb") as stream:
        content = stream.read(_READ_BYTES)
    mark = _MARK if content.startswith(_KLARF) else _MARKS.get(path.suffix.lower())
    return not content or (mark is not None and mark in content)
