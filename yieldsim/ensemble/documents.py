"""The metadata documents of a store: those that Zarr writes (format 3), made without Zarr.

To make them through Zarr took a fifth of a second to import it and 3 ms an array. A test compares
them with Zarr's.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from yieldsim.ensemble.chunks import BLOSC
from yieldsim.ensemble.layout import DONE, ArraySpec

Document = dict[str, Any]
_CHECKSUM = {"name": "crc32c"}
_LITTLE = {"name": "bytes", "configuration": {"endian": "little"}}


def as_bytes(document: Mapping[str, Any]) -> bytes:
    """Return a document as the bytes of its key.

    It has no line breaks: Python breaks lines without its encoder in C, ten times as slowly.
    """
    return json.dumps(document).encode()


def group_document(attrs: Mapping[str, Any]) -> Document:
    """Return the document of a group."""
    return {"attributes": dict(attrs), "zarr_format": 3, "node_type": "group"}


def array_document(spec: ArraySpec, compressed: bool) -> Document:
    """Return the document of an array."""
    shape, chunks = list(spec.shape), list(spec.chunks)
    codecs = _codecs(spec, compressed)
    if spec.shards is not None:
        shard = {
            "chunk_shape": chunks,
            "codecs": codecs,
            "index_codecs": [_LITTLE, _CHECKSUM],
            "index_location": "end",
        }
        codecs, chunks = [_named("sharding_indexed", shard)], list(spec.shards)
    text = spec.dtype is str
    is_float = not text and np.dtype(spec.dtype).kind == "f"
    return {
        "shape": shape,
        "data_type": "string" if text else np.dtype(spec.dtype).name,
        "chunk_grid": _named("regular", {"chunk_shape": chunks}),
        # flat names: one folder an array
        "chunk_key_encoding": _named("default", {"separator": "."}),
        "fill_value": "NaN" if is_float else spec.fill,
        "codecs": codecs,
        "attributes": spec.attrs,
        "dimension_names": list(spec.dims),
        "zarr_format": 3,
        "node_type": "array",
        "storage_transformers": [],
    }


def _codecs(spec: ArraySpec, compressed: bool) -> list[Document]:
    """Return the codecs of a chunk."""
    size = 1 if spec.dtype is str else np.dtype(spec.dtype).itemsize
    if spec.dtype is str:
        first = _named("vlen-utf8", {})
    else:
        first = _LITTLE if size > 1 else {"name": "bytes"}
    # the marker is one plain byte, so that a task writes a constant
    squeezed = compressed and spec.name != DONE
    return [first, *([_named("blosc", {"typesize": size, **BLOSC})] if squeezed else []), _CHECKSUM]


def _named(name: str, configuration: Document) -> Document:
    return {"name": name, "configuration": configuration}


def consolidated_root(root: bytes, attrs: Mapping[str, Any], arrays: Mapping[str, bytes]) -> bytes:
    """Return a root document with further attributes and the documents of its arrays in it.

    Raises ValueError for bytes that are not JSON.
    """
    document = json.loads(root)
    document["attributes"] = {**document["attributes"], **attrs}
    metadata = {name: json.loads(arrays[name]) for name in sorted(arrays)}
    inside = {"kind": "inline", "must_understand": False, "metadata": metadata}
    return as_bytes({**document, "consolidated_metadata": inside})
