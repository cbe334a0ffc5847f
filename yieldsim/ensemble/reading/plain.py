"""A finished ensemble without xarray: as much of a Dataset as the summary of a run reads.

To import xarray, pandas and Zarr takes half a second, as long as a hundred realizations of the
baseline. Names have the meaning that they have in xarray, and a summary is the same of both (a test
compares them).
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from yieldsim.ensemble.ledger import Seal
from yieldsim.ensemble.provenance import Stored
from yieldsim.ensemble.reading.arrays import StoredArray, StoredArrays
from yieldsim.ensemble.storage import ROOT_METADATA

_REALIZATION = 1  # the axis of blocks
Places = int | range | Sequence[int]


class PlainArray:
    """Figures, some of whose places are chosen along each dim; read when they are used."""

    def __init__(
        self,
        stored: StoredArray | Sequence[str],
        attrs: Mapping[str, Any],
        chosen: Mapping[str, Places],
        dims: Sequence[str],
    ) -> None:
        self._stored, self._chosen = stored, chosen  # of each dim of the store, in its order
        self.attrs, self.dims = attrs, tuple(dims)

    @property
    def sizes(self) -> dict[str, int]:
        return {dim: len(_several(self._chosen[dim])) for dim in self.dims}

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.sizes.values())

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    @property
    def ndim(self) -> int:
        return len(self.dims)

    @property
    def dtype(self) -> np.dtype[Any]:
        return self._stored.dtype if isinstance(self._stored, StoredArray) else np.dtype(object)

    @property
    def encoding(self) -> dict[str, Any]:
        if not isinstance(self._stored, StoredArray):
            return {}
        return {"preferred_chunks": {"realization": self._stored.chunks[_REALIZATION]}}

    def isel(self, places: Mapping[str, Any] | None = None, **more: Any) -> PlainArray:
        """Choose places along dims: a slice, a list, or a single one, which drops the dim."""
        chosen, dims = dict(self._chosen), list(self.dims)
        for dim, wanted in {**(places or {}), **more}.items():
            there = _several(chosen[dim])
            if isinstance(wanted, int):
                chosen[dim] = there[wanted]
                dims.remove(dim)
            else:
                cut = isinstance(wanted, slice)
                chosen[dim] = there[wanted] if cut else [there[i] for i in wanted]
        return PlainArray(self._stored, self.attrs, chosen, dims)

    def transpose(self, *dims: str) -> PlainArray:
        """Put the dims in another order."""
        return PlainArray(self._stored, self.attrs, self._chosen, dims)

    def to_numpy(self) -> np.ndarray:
        """Read the figures. Raises VerificationError for a damaged chunk."""
        kept = [_several(places) for places in self._chosen.values()]
        if isinstance(self._stored, StoredArray):
            whole = _read(self._stored, *kept)
        else:
            whole = np.array([self._stored[place] for place in kept[0]], dtype=object)
        single = (isinstance(places, int) for places in self._chosen.values())
        whole = whole[tuple(0 if one else slice(None) for one in single)]
        left = [dim for dim in self._chosen if dim in self.dims]
        return whole.transpose([left.index(dim) for dim in self.dims])


def _several(places: Places) -> Sequence[int]:
    return [places] if isinstance(places, int) else places


def _read(
    stored: StoredArray,
    scenarios: Sequence[int],
    realizations: Sequence[int],
    *cells: Sequence[int],
) -> np.ndarray:
    """The figures at some places. Realizations stand side by side."""
    first, last = (realizations[0], realizations[-1] + 1) if realizations else (0, 0)
    values = np.empty([len(p) for p in (scenarios, realizations, *cells)], stored.dtype)
    size = stored.chunks[_REALIZATION]
    for number, scenario in enumerate(scenarios):
        for block in range(first // size, -(-last // size)):
            start = block * size
            part = stored.block(scenario, block)[max(0, first - start) : last - start]
            for axis, places in enumerate(cells, start=1):
                if len(places) < part.shape[axis]:
                    part = part.take(places, axis=axis)
            at = max(0, start - first)
            values[number, at : at + len(part)] = part
    return values


class PlainDataset:
    """The arrays of a finished ensemble by name, some of whose places are chosen along a dim."""

    def __init__(
        self,
        arrays: Mapping[str, PlainArray],
        coords: Mapping[str, PlainArray],
        attrs: Mapping[str, Any],
        source: str,
    ) -> None:
        self.data_vars, self.coords = arrays, coords
        self.attrs, self.encoding = attrs, {"source": source}

    @property
    def sizes(self) -> dict[str, int]:
        every = (*self.coords.values(), *self.data_vars.values())
        return {dim: count for array in every for dim, count in array.sizes.items()}

    def __contains__(self, name: object) -> bool:
        return name in self.data_vars or name in self.coords

    def __iter__(self) -> Iterator[str]:
        return iter(self.data_vars)

    def __getitem__(self, name: str) -> PlainArray:
        return self.data_vars[name] if name in self.data_vars else self.coords[name]

    def isel(self, places: Mapping[str, Any] | None = None, **more: Any) -> PlainDataset:
        """Choose places along dims, of the arrays that have them."""
        wanted = {**(places or {}), **more}

        def cut(arrays: Mapping[str, PlainArray]) -> dict[str, PlainArray]:
            return {
                name: array.isel({d: p for d, p in wanted.items() if d in array.dims})
                for name, array in arrays.items()
            }

        coords = cut(self.coords)
        return PlainDataset(cut(self.data_vars), coords, self.attrs, self.encoding["source"])


def plain_dataset(stored: Stored, seal: Seal | None) -> PlainDataset:
    """The results of a finished ensemble and the coordinates that are texts."""
    root = json.loads(stored.place.get(ROOT_METADATA) or b"{}")
    documents = root["consolidated_metadata"]["metadata"]
    store = StoredArrays(stored, seal, documents)
    results: dict[str, PlainArray] = {}
    texts: dict[str, PlainArray] = {}
    for name, document in documents.items():
        dims = document["dimension_names"]
        chosen = {dim: range(n) for dim, n in zip(dims, document["shape"], strict=True)}
        array = store.array(name)
        if document["data_type"] == "string":
            texts[name] = PlainArray(store.texts(name), document["attributes"], chosen, dims)
        elif array is not None and dims[:2] == ["scenario", "realization"]:
            results[name] = PlainArray(array, document["attributes"], chosen, dims)
    return PlainDataset(results, texts, root["attributes"], str(stored.place))
