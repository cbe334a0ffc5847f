"""Files that commands write: never over a file of somebody else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

__all__ = ["check_output", "force", "whole"]

# images, pages, maps, npz and Parquet files of yieldsim hold its name; a CSV file has no place
# for it
_MARK = b"yieldsim"
_MARKED = {".png", ".svg", ".pdf", ".html", ".npz", ".parquet", ""} | {
    ".xml",
    ".g85",
    ".e142",
    ".sinf",
    ".klarf",
}
_READ_BYTES = 2**26

force = click.option("--force", is_flag=True, help="Overwrite files that yieldsim did not write.")


def check_output(path: str | None, force: bool, option: str) -> None:
    """Refuse to overwrite a file that yieldsim did not write.

    Raises UsageError under the option's name.
    """
    if path is None or force or not Path(path).is_file() or _ours(Path(path)):
        return
    from yieldsim.errors import UsageError

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
    if path.suffix.lower() not in _MARKED:
        return path.stat().st_size == 0
    with path.open("rb") as stream:
        content = stream.read(_READ_BYTES)
    return _MARK in content or not content
