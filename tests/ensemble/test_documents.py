"""The metadata that are written without Zarr are those that Zarr writes."""

import json
import warnings
from typing import Any

import numpy as np
import pytest
import zarr
from zarr.codecs import BloscCodec, Crc32cCodec

from yieldsim.ensemble.documents import array_document, as_bytes, consolidated_root, group_document
from yieldsim.ensemble.layout import DONE, ArraySpec

LEADING = ("scenario", "realization", "quarter")
ATTRS = {"long_name": "größe", "flag_values": [0, 1]}
SPECS = [
    ArraySpec("a", LEADING, "float32", (3, 10, 4), (1, 5, 4), ATTRS),
    ArraySpec("b", LEADING, "float64", (3, 10, 4), (1, 5, 4), {}, per_file=2),
    ArraySpec("c", LEADING, "int16", (3, 10, 0), (1, 5, 1), {}, per_file=3),
    ArraySpec("d", ("die",), str, (2,), (2,), {}, np.array(["x", "y"], dtype=object)),
    ArraySpec(DONE, ("block",), "uint8", (8,), (1,), {}),
]


def zarrs_keys(compressed: bool, attrs: dict[str, Any]) -> dict[str, Any]:
    """The documents that Zarr writes for the same arrays, by key."""
    buffers: dict = {}
    group = zarr.create_group(zarr.storage.MemoryStore(buffers))
    for spec in SPECS:
        size = 1 if spec.dtype is str else np.dtype(spec.dtype).itemsize
        squeeze = [BloscCodec(typesize=size, cname="zstd", clevel=1, shuffle="shuffle")]
        squeezed = compressed and spec.name != DONE
        group.create_array(
            spec.name,
            shape=spec.shape,
            chunks=spec.chunks,
            shards=spec.shards,
            dtype=spec.dtype,
            compressors=[*(squeeze if squeezed else []), Crc32cCodec()],
            fill_value=spec.fill,
            dimension_names=spec.dims,
            attributes=spec.attrs,
            chunk_key_encoding={"name": "default", "separator": "."},
        )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Consolidated metadata")
        zarr.consolidate_metadata(group.store).update_attributes(attrs)
    return {key: json.loads(buffer.to_bytes()) for key, buffer in buffers.items()}


@pytest.mark.parametrize("compressed", [True, False])
def test_all_documents_are_those_of_zarr(compressed: bool) -> None:
    attrs = {"status": "complete", "n": [1, 2]}
    expected = zarrs_keys(compressed, attrs)
    own = {spec.name: as_bytes(array_document(spec, compressed)) for spec in SPECS}
    for name, document in own.items():
        assert json.loads(document) == expected[f"{name}/zarr.json"]
    root = consolidated_root(as_bytes(group_document({"status": "", "n": [1, 2]})), attrs, own)
    assert json.loads(root) == expected["zarr.json"]
