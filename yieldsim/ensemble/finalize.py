"""Turning a store whose blocks are all written into a finished one."""

from __future__ import annotations

import warnings
from collections.abc import Collection

import zarr

from ..errors import IncompleteError, StoreError
from .chunks import CheckedStore
from .layout import ArraySpec
from .place import Place, reason
from .provenance import Stored, finished_attrs, read_stored
from .read import open_dataset, unfinished
from .summaries import summary_specs
from .write import add_array, damaged_chunks, marked_blocks, unmark


def finalize(place: Place, *, checked: Collection[int] = ()) -> None:
    """Check every block, sweep leftovers, add summaries, and say last that the store is whole.

    ``checked`` are blocks whose bytes this process wrote or checked itself. A store that is
    finished already is left as it is.

    Raises IncompleteError where blocks are missing or damaged; a damaged block loses its marker,
    so that the command that wrote it computes it again.
    """
    stored = read_stored(place)
    if stored is None:
        raise StoreError(str(place), "no such ensemble store")
    if stored.complete:
        return
    marked = marked_blocks(place)
    if len(marked) < stored.blocks:
        raise unfinished(stored)
    try:
        drop_damaged(place, marked - set(checked))
        place.sweep()
        _add_summaries(place)
        _declare_complete(stored)
    except OSError as error:
        problem = f"{reason(error)} while it was finalized; the same command continues"
        raise StoreError(str(place), problem) from None


def drop_damaged(place: Place, blocks: Collection[int]) -> None:
    """Take the marker from damaged blocks, and raise IncompleteError if there are any."""
    found = damaged_chunks(place, stored_specs(place), blocks)
    if found:
        unmark(place, found)
        block, problem = next(iter(found.items()))
        raise IncompleteError(
            str(place),
            f"{len(found)} damaged block(s), block {block}: {problem}; "
            "the command that began it computes them again",
        )


def stored_specs(place: Place) -> list[ArraySpec]:
    """The arrays that are written block by block, as the store itself describes them."""
    group = open_group(place)
    specs = []
    for name, array in group.arrays():
        dims = tuple(str(dim) for dim in getattr(array.metadata, "dimension_names", None) or ())
        if dims[:2] == ("scenario", "realization"):
            specs.append(ArraySpec(name, dims, array.dtype, array.shape, array.chunks))
    return specs


def open_group(place: Place) -> zarr.Group:
    """The Zarr group of a store, its chunks checked as they are read.

    Raises StoreError where the metadata of an array are damaged.
    """
    try:
        return zarr.open_group(store=CheckedStore(place.zarr()), mode="r+", use_consolidated=False)
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(str(place), f"its metadata are damaged ({error})") from error


def _add_summaries(place: Place) -> None:
    group = open_group(place)
    for spec in summary_specs(open_dataset(place, consolidated=False)):
        add_array(group, spec, place.compressed)


def _declare_complete(stored: Stored) -> None:
    """Consolidate the metadata, then set the status: one atomic write of the root's metadata."""
    store = stored.place.zarr()
    with warnings.catch_warnings():
        # Zarr warns that its format 3 does not yet specify consolidated metadata.
        warnings.filterwarnings("ignore", message="Consolidated metadata")
        group = zarr.consolidate_metadata(store)
    group.update_attributes(finished_attrs(stored))
