"""Opening a complete store as a Dataset."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from yieldsim.ensemble.ledger import Seal
from yieldsim.ensemble.places import place_of
from yieldsim.ensemble.provenance import Stored, no_store, read_stored
from yieldsim.ensemble.storage import Place
from yieldsim.ensemble.verify import check_root
from yieldsim.ensemble.write import marked_blocks
from yieldsim.errors import IncompleteError, StoreError, VerificationError

if TYPE_CHECKING:
    import xarray as xr

    from yieldsim.ensemble.reading.plain import PlainDataset

# dims of stores of the first format: a dim named by a keyword of Python cannot be selected by it
RENAMED = {"import": "import_source"}


def open_ensemble(path: str | Path) -> xr.Dataset:
    """Open a complete ensemble store. Values are read from it when they are used.

    ``path`` is a folder, a zipped store (``.zip``) or a URL such as ``s3://bucket/name.zarr``.

    Figures, names, units and coordinates are those of ``xarray.open_zarr(path)``; in addition
    each chunk is checked as it is read. `yieldsim.outputs` lists the variables and their dims.

    Raises StoreError if there is no ensemble or its metadata are damaged, IncompleteError if
    blocks are missing, and VerificationError, also on later reading, for a damaged chunk.
    """
    return open_place(place_of(path))


def open_place(place: Place) -> xr.Dataset:
    """`open_ensemble` for a place, on disk or in memory."""
    # with pandas and Zarr half a second, which commands that only write can spare
    import xarray as xr

    from yieldsim.ensemble.reading.checked import CheckedStore

    stored, seal = _finished(place)
    store = CheckedStore(stored, seal)
    try:
        # No cache, so that memory stays flat over an analysis. (The engine takes a Zarr store,
        # although xarray's signature does not say so.)
        ds = xr.open_dataset(
            store,  # type: ignore[arg-type]
            engine="zarr",
            consolidated=True,
            cache=False,
        )
        old = {old: new for old, new in RENAMED.items() if old in ds.dims}
        found = _with_plain_texts(ds.rename(old) if old else ds)
        found.encoding["source"] = str(place)  # as xarray names the file of a Dataset
        return found
    except VerificationError:
        raise
    except (ValueError, LookupError, TypeError, AttributeError, OSError, RecursionError) as error:
        raise StoreError(str(place), f"its metadata are damaged ({error})") from error


def open_plain(path: str | Path) -> PlainDataset:
    """`open_ensemble` without xarray: results, and coordinates that are texts."""
    from yieldsim.ensemble.reading.plain import plain_dataset

    return plain_dataset(*_finished(place_of(path)))


def _finished(place: Place) -> tuple[Stored, Seal | None]:
    """What a finished store says of itself, and its seal. Raises what `open_ensemble` raises."""
    stored = read_stored(place)
    if stored is None:
        raise no_store(place)
    if not stored.complete:
        raise unfinished(stored)
    seal = Seal.read(place) if stored.has_ledger else None
    wrong = check_root(place, seal) if stored.has_ledger else {}
    if wrong:
        key, problem = next(iter(wrong.items()))
        raise VerificationError(f"{place}/{key}", f"{problem}; {advice(place)}")
    return stored, seal


def _with_plain_texts(ds: xr.Dataset) -> xr.Dataset:
    """Return the Dataset with texts as Python strings: NumPy's StringDType has no astype(str)."""
    texts = {
        name: (own.dims, own.to_numpy().astype(object), own.attrs)
        for name, own in ds.variables.items()
        if own.dtype.kind == "T"
    }
    others = {name: text for name, text in texts.items() if name not in ds.coords}
    coords = {name: text for name, text in texts.items() if name in ds.coords}
    return (ds.assign(others) if others else ds).assign_coords(coords)


def advice(place: Place) -> str:
    """What mends a damaged store."""
    return f"`yieldsim verify {place} --repair` mends it"


def remedy(stored: Stored) -> str:
    """`advice` for a store of any format: one of the first cannot be mended."""
    if stored.has_ledger:
        return advice(stored.place)
    return "the same run again into another --out replaces it"


def unfinished(stored: Stored) -> IncompleteError:
    """The error that says how many blocks a store lacks and how to continue."""
    missing = stored.blocks - len(marked_blocks(stored.place))
    state = f"{missing} of {stored.blocks} blocks are missing" if missing else "is not finalized"
    problem = f"{state}; the command that began it continues it"
    return IncompleteError(str(stored.place), problem)
