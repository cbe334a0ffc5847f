import numpy as np
import pytest
import zarr

from tests.ensemble.fake import flip_bit
from yieldsim.ensemble.chunks import CHUNK_NAMES, codecs, damage, encode, is_chunk
from yieldsim.ensemble.layout import chunk_name

TYPE_SIZE = 3  # place of it in Blosc's header


def values_of(dtype: str) -> np.ndarray:
    steps = np.arange(7 * 5 * 3).reshape(7, 5, 3)
    return (1000.0 * np.sin(steps)).astype(dtype)


@pytest.mark.parametrize("compressed", [True, False])
@pytest.mark.parametrize("dtype", ["float32", "float64", "int16", "uint8"])
def test_a_chunk_is_byte_for_byte_what_zarr_writes(dtype: str, compressed: bool) -> None:
    values = values_of(dtype)
    buffers: dict = {}
    array = zarr.create_array(
        zarr.storage.MemoryStore(buffers),
        shape=values.shape,
        chunks=values.shape,
        dtype=dtype,
        compressors=codecs(dtype, compressed),
        chunk_key_encoding=CHUNK_NAMES,
    )
    array[...] = values
    made = buffers[chunk_name(0, 0, 0)].to_bytes()
    if compressed and made[TYPE_SIZE] != values.itemsize:
        pytest.skip("this version of Zarr does not tell Blosc the size of the type")
    assert made == encode(values, compressed)


def test_a_chunk_of_a_strided_view_is_that_of_its_copy() -> None:
    values = values_of("float32")[:, ::2]
    assert encode(values, True) == encode(values.copy(), True)


def test_every_flipped_bit_is_found() -> None:
    data = encode(values_of("float32"), compressed=True)
    assert damage(np.frombuffer(data, "uint8")) is None
    for bit in range(8 * len(data)):
        flipped = np.frombuffer(flip_bit(data, bit), "uint8")
        assert damage(flipped) == "does not match its checksum"


def test_every_truncation_is_found() -> None:
    data = np.frombuffer(encode(values_of("int16"), compressed=True), "uint8")
    assert damage(None) == "is missing"
    for length in range(len(data)):
        assert damage(data[:length]) is not None


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("c.0", True),
        ("c.0.12.0", True),
        ("c", False),
        ("zarr.json", False),
        ("c.0.1.77-88.partial", False),
    ],
)
def test_chunks_are_told_from_other_keys(name: str, expected: bool) -> None:
    assert is_chunk(name) is expected
