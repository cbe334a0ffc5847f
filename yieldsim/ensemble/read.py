"""Opening a finished store as a Dataset."""

from __future__ import annotations

from pathlib import Path

import xarray as xr

from yieldsim.ensemble.chunks import CheckedStore
from yieldsim.ensemble.provenance import Stored, read_stored
from yieldsim.ensemble.storage import Folder, Place
from yieldsim.ensemble.write import marked_blocks
from yieldsim.errors import IncompleteError, StoreError, VerificationError


def open_ensemble(path: str | Path) -> xr.Dataset:
    """Open a finished ensemble store; values are read from it when they are asked for.

    The same figures, names, units and coordinates as ``xarray.open_zarr(path)``, and each chunk
    is checked as it is read. Dims are those of `yieldsim.outputs`.

    Raises StoreError where no ensemble lies there or its metadata are damaged, IncompleteError
    where blocks are missing, and VerificationError, also later on reading, for a damaged chunk.
    """
    return open_place(Folder(path))


def open_place(place: Place) -> xr.Dataset:
    """`open_ensemble` of a place."""
    stored = read_stored(place)
    if stored is None:
        raise StoreError(str(place), "no such ensemble store")
    if not stored.complete:
        raise unfinished(stored)
    store = CheckedStore(place.zarr(read_only=True))
    try:
        # No cache: what is read is the caller's to keep, so that memory stays flat over an
        # analysis. (The engine takes a Zarr store; xarray's signature does not know it.)
        return xr.open_dataset(
            store,  # type: ignore[arg-type]
            engine="zarr",
            consolidated=True,
            cache=False,
        )
    except VerificationError:
        raise
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise StoreError(str(place), f"its metadata are damaged ({error})") from error


def unfinished(stored: Stored) -> IncompleteError:
    """How many blocks an unfinished store lacks, and what to do."""
    missing = stored.blocks - len(marked_blocks(stored.place))
    problem = (
        f"{missing} of {stored.blocks} blocks are missing; the command that began it continues it"
        if missing
        else "all blocks are there, but it is not finalized; the command that began it does so"
    )
    return IncompleteError(str(stored.place), problem)
