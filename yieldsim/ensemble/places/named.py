"""The place that a path or a URL names."""

from __future__ import annotations

import os
from pathlib import Path

from yieldsim.ensemble.places.zipped import Zipped
from yieldsim.ensemble.storage import Folder, Place


def place_of(path: str | Path) -> Place:
    """Return the place of a folder, a zipped store (``.zip``, read only) or a URL of fsspec.

    Raises StoreError if a URL needs a package that is not installed, or cannot be reached.
    """
    name = str(path)
    if "://" in name:
        from yieldsim.ensemble.places.remote import Remote

        return Remote(name)
    if name.lower().endswith(".zip") and not os.path.isdir(name):
        return Zipped(name)
    return Folder(path)
