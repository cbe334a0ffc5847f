"""Files of several chunks are the shards that Zarr writes, and their records describe them."""

import json

import numpy as np
import pytest
import zarr
from zarr.codecs import Crc32cCodec

from tests.ensemble.fake import flip_bit
from yieldsim.ensemble.chunks import decode, encode
from yieldsim.ensemble.layout import ArraySpec
from yieldsim.ensemble.ledger import (
    BlockRecord,
    Seal,
    consolidated,
    metadata_digest,
    record_key,
    sealed,
    unsealed,
)
from yieldsim.ensemble.shards import FileRecord, describe, pack, problem_of, unpack
from yieldsim.ensemble.storage import Memory
from yieldsim.ensemble.write import array_keys

VALUES = np.arange(2 * 5 * 3, dtype="float32").reshape(2, 5, 3)


def chunks_of(values: np.ndarray) -> list[bytes | None]:
    return [encode(own, True) for own in values]


def test_a_shard_is_what_zarr_writes() -> None:
    buffers: dict = {}
    array = zarr.create_array(
        zarr.storage.MemoryStore(buffers),
        name="a",
        shape=VALUES.shape,
        chunks=(1, 5, 3),
        shards=VALUES.shape,
        dtype="float32",
        compressors=[Crc32cCodec()],
        chunk_key_encoding={"name": "default", "separator": "."},
    )
    array[...] = VALUES
    made = buffers["a/c.0.0.0"].to_bytes()
    assert pack([encode(own, False) for own in VALUES], 2) == made


@pytest.mark.parametrize("held", [1, 2])
def test_zarr_reads_a_shard_with_absent_chunks(held: int) -> None:
    store = Memory()
    dims = ("scenario", "realization", "quarter")
    spec = ArraySpec("a", dims, "float32", VALUES.shape, (1, 5, 3), per_file=2)
    for key, data in array_keys([spec], True, {}).items():
        store.put(key, data)
    store.put(spec.key(0, 0), pack(chunks_of(VALUES[:held]), 2))
    values = zarr.open_array(store.zarr(), path="a")[...]
    np.testing.assert_array_equal(values[:held], VALUES[:held])
    assert np.isnan(values[held:]).all()


def test_a_file_is_taken_apart_again() -> None:
    chunks = chunks_of(VALUES)
    for some in (chunks, [chunks[0], None], [None, chunks[1]], chunks[:1]):
        data = pack(some, 2)
        record = describe(data, some)
        assert unpack(data, record) == some
        assert FileRecord.from_json(json.loads(json.dumps(record.as_json()))) == record
    assert pack(chunks[:1], 1) == chunks[0]
    for compressed in (True, False):
        part = decode(encode(VALUES[0], compressed), "float32", compressed)
        np.testing.assert_array_equal(part.reshape(5, 3), VALUES[0], strict=True)


def test_every_flipped_bit_of_a_file_is_noticed() -> None:
    chunks = chunks_of(VALUES)
    data = pack(chunks, 2)
    record = describe(data, chunks)
    assert problem_of(data, record) is None
    assert problem_of(None, record) == "is missing"
    assert problem_of(data[:-1], record) == f"has {len(data) - 1} bytes in place of {len(data)}"
    for bit in range(8 * len(data)):
        assert problem_of(flip_bit(data, bit), record) == "does not match its checksum"


def test_every_flipped_bit_of_a_record_is_noticed() -> None:
    place, chunks = Memory(), chunks_of(VALUES)
    file = describe(pack(chunks, 2), chunks)
    record = BlockRecord("run", 3, 5, ("a", "b"), {"x/c.0.3.0": file})
    data = record.as_bytes()
    place.put(record_key(0, 3), data)
    assert BlockRecord.read(place, 0, 3) == record
    assert BlockRecord.read(place, 1, 3) is None
    for bit in range(8 * len(data)):
        place.put(record_key(0, 3), flip_bit(data, bit))
        assert BlockRecord.read(place, 0, 3) is None
    for other in ([], {}, 1, None, ["run", "x", 5, [], {}], ["run", 3, 5, ["a"], {"x": [1]}]):
        place.put(record_key(0, 3), sealed(other))
        assert BlockRecord.read(place, 0, 3) is None


def test_a_seal_leaves_out_arrays() -> None:
    seal = Seal({"a": "1", "b": "2"}, {"a/c.0": "3", "b/c.0": "4"}, ["5"])
    assert seal.without(["a"]) == Seal({"b": "2"}, {"b/c.0": "4"}, ["5"])
    assert unsealed(seal.as_bytes()) == [seal.metadata, seal.files, seal.root]


def test_metadata_may_be_written_another_way_but_not_say_something_else() -> None:
    document = {"b": [1, 2], "a": {"x": "é"}, "consolidated_metadata": {"metadata": {}}}
    same = b'{"a":{"x":"\\u00e9"},"b":[1,2]}'
    assert metadata_digest(document) == metadata_digest(same)
    assert metadata_digest(b'{"a":{"x":"e"},"b":[1,2]}') != metadata_digest(same)
    with pytest.raises(ValueError, match="not a JSON object"):
        metadata_digest(b"[]")
    part = {"kind": "inline", "must_understand": False, "metadata": {"a": {}}}
    assert consolidated(json.dumps({"consolidated_metadata": part}).encode()) == {"a": {}}
    assert consolidated(b"{}") == {}
    for wrong in ([], {**part, "kind": "other"}, {**part, "metadata": []}, {"metadata": {}}):
        assert consolidated(json.dumps({"consolidated_metadata": wrong}).encode()) is None
