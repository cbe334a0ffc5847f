"""Finalizing a store: all blocks checked, summaries added, metadata consolidated."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Mapping
from typing import Any

import zarr

from yieldsim.ensemble.chunks import CheckedStore
from yieldsim.ensemble.layout import DONE, PARAMETER_VALUE, ArraySpec
from yieldsim.ensemble.provenance import Stored, finished_attrs, read_stored
from yieldsim.ensemble.read import unfinished
from yieldsim.ensemble.storage import Place, reason
from yieldsim.ensemble.summaries import SUMMARIES, summary_specs
from yieldsim.ensemble.write import add_arrays, damaged_chunks, marked_blocks, unmark
from yieldsim.errors import IncompleteError, StoreError
from yieldsim.outputs import EXTRA_OUTPUTS, LEADING, chosen_outputs

BLOCK_DIMS = ("scenario", "realization")


def finalize(place: Place, *, checked: Collection[int] = ()) -> None:
    """Check every block, sweep leftovers, add summaries, and last mark the store as complete.

    ``checked`` are blocks whose bytes this process wrote or checked itself. A complete store is
    left as it is.

    Raises IncompleteError if blocks are missing or damaged. A damaged block loses its marker, so
    that the command that wrote it computes it again.
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
        arrays = _arrays(place)
        drop_damaged(place, block_specs_of(arrays), marked - set(checked))
        place.sweep()
        _add_summaries(place, arrays, stored.attrs)
        _declare_complete(stored)
    except OSError as error:
        problem = f"{reason(error)} while it was finalized; the same command continues"
        raise StoreError(str(place), problem) from None


def drop_damaged(place: Place, specs: list[ArraySpec], blocks: Collection[int]) -> None:
    """Unmark damaged blocks, and raise IncompleteError if there are any."""
    damaged = damaged_chunks(place, specs, blocks)
    if damaged:
        unmark(place, damaged)
        block, problem = next(iter(damaged.items()))
        raise IncompleteError(
            str(place),
            f"{len(damaged)} damaged block(s), block {block}: {problem}; "
            "the command that began it computes them again",
        )


def block_specs_of(arrays: dict[str, zarr.Array[Any]]) -> list[ArraySpec]:
    """The arrays that are written block by block, as the store describes them."""
    specs = []
    for name, array in arrays.items():
        dims = _dims(array)
        if dims[:2] == BLOCK_DIMS:
            specs.append(ArraySpec(name, dims, array.dtype, array.shape, array.chunks))
    return specs


def _dims(array: zarr.Array[Any]) -> tuple[str, ...]:
    names = getattr(array.metadata, "dimension_names", None) or ()
    return tuple(str(name) for name in names)


def _arrays(place: Place) -> dict[str, zarr.Array[Any]]:
    """All arrays of a store.

    Zarr leaves out an array whose metadata are missing. Raises StoreError that names it.
    """
    try:
        group = _open_group(place)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about files that are not arrays: reported below
            arrays = dict(group.arrays())
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(str(place), f"its metadata are damaged ({error})") from error
    names = str(group.attrs.get("outputs", "")).split()
    kept = chosen_outputs(names, EXTRA_OUTPUTS if names else ())
    dims = {dim for variable in kept for dim in (*LEADING, *variable.dims)}
    wanted = {v.name for v in kept} | dims | {PARAMETER_VALUE, "parameter", DONE}
    missing = sorted(wanted - set(arrays))
    if missing:
        problem = f"its metadata are damaged: no array {', '.join(missing)}"
        raise StoreError(str(place), f"{problem}; the ensemble must be made anew")
    return arrays


def _open_group(place: Place) -> zarr.Group:
    store = CheckedStore(place.zarr())
    return zarr.open_group(store=store, mode="r+", use_consolidated=False)


def _add_summaries(
    place: Place, arrays: dict[str, zarr.Array[Any]], attrs: Mapping[str, Any]
) -> None:
    for name in SUMMARIES:  # a killed finalize may have written half of it
        place.delete_array(name)
    add_arrays(place, summary_specs(arrays, attrs))


def _declare_complete(stored: Stored) -> None:
    """Consolidate the metadata, then set the status: one atomic write of the root's metadata."""
    store = stored.place.zarr()
    with warnings.catch_warnings():
        # Zarr warns that its format 3 does not yet specify consolidated metadata.
        warnings.filterwarnings("ignore", message="Consolidated metadata")
        group = zarr.consolidate_metadata(store)
    group.update_attributes(finished_attrs(stored))
