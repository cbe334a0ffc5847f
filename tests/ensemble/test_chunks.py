import numpy as np
import pytest
import zarr
from zarr.codecs import BloscCodec, Crc32cCodec

from tests.ensemble.fake import flip_bit
from yieldsim.ensemble.chunks import (
    damage,
    decode,
    decode_texts,
    encode,
    encode_texts,
    is_chunk,
)
from yieldsim.ensemble.layout import chunk_name

TYPE_SIZE = 3  # place of it in Blosc's header


def values_of(dtype: str) -> np.ndarray:
    steps = np.arange(7 * 5 * 3).reshape(7, 5, 3)
    return (1000.0 * np.sin(steps)).astype(dtype)


def zarrs_chunk(values: np.ndarray, compressors: list) -> bytes:
    """The bytes of a single chunk as Zarr writes it."""
    buffers: dict = {}
    array = zarr.create_array(
        zarr.storage.MemoryStore(buffers),
        shape=values.shape,
        chunks=values.shape,
        dtype=values.dtype if values.dtype != object else str,
        compressors=compressors,
        chunk_key_encoding={"name": "default", "separator": "."},
    )
    array[...] = values
    return bytes(buffers[chunk_name(*(0 for _ in values.shape))].to_bytes())


@pytest.mark.parametrize("dtype", ["float32", "float64", "int16", "uint8"])
def test_a_plain_chunk_is_byte_for_byte_what_zarr_writes(dtype: str) -> None:
    values = values_of(dtype)
    assert zarrs_chunk(values, [Crc32cCodec()]) == encode(values, compressed=False)


@pytest.mark.parametrize(
    ("dense", "name", "shuffle"), [(True, "lz4", "shuffle"), (False, "zstd", "noshuffle")]
)
@pytest.mark.parametrize("dtype", ["float32", "float64", "int16"])
def test_a_compressed_chunk_is_byte_for_byte_what_zarr_writes(
    dtype: str, dense: bool, name: str, shuffle: str
) -> None:
    values = np.random.default_rng(1).integers(1, 30_000, (7, 500, 3)).astype(dtype)
    values = (values * 1.37).astype(dtype) if dense else np.where(values < 29_000, 0, values)
    codec = BloscCodec(typesize=values.itemsize, cname=name, clevel=1, shuffle=shuffle)
    made = zarrs_chunk(values, [codec, Crc32cCodec()])
    if made[TYPE_SIZE] != values.itemsize:
        pytest.skip("this version of Zarr does not tell Blosc the size of the type")
    assert made == encode(values, compressed=True)


@pytest.mark.parametrize("compressed", [True, False])
def test_texts_are_byte_for_byte_what_zarr_writes(compressed: bool) -> None:
    texts = ["", "größe", "a" * 300, *map(str, range(50))]
    squeeze = [BloscCodec(typesize=1, cname="zstd", clevel=1, shuffle="noshuffle")]
    made = zarrs_chunk(
        np.array(texts, dtype=object), [*(squeeze if compressed else []), Crc32cCodec()]
    )
    assert made == encode_texts(texts, compressed)
    assert decode_texts(made, compressed) == texts


@pytest.mark.parametrize("dtype", ["float32", "float64", "int16", "uint8"])
def test_a_chunk_is_read_again(dtype: str) -> None:
    values = values_of(dtype)
    for compressed in (True, False):
        found = decode(encode(values, compressed), dtype, compressed)
        np.testing.assert_array_equal(found, values.ravel())


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
