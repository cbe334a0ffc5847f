"""Writing the page."""

from __future__ import annotations

from pathlib import Path


def write_page(text: str, path: str | Path) -> None:
    """Write the page in whole; no part of one is left. Raises OSError with the file's name."""
    path = Path(path)
    with path.open("w", encoding="utf-8", newline="\n") as stream:
        try:
            stream.write(text)
            stream.flush()
        except OSError as error:
            if path.is_file():  # not a device
                path.unlink()
            raise OSError(error.errno, error.strerror, str(path)) from None
