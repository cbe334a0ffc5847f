"""Philox4x32-10 and the uniforms made of it."""

import json
import os
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.paths import REFERENCE
from yieldsim.kernels import inverse as special
from yieldsim.kernels import philox
from yieldsim.kernels.jit import source_stamp
from yieldsim.wafer.kernels import geometry

CASES = REFERENCE / "philox.json"
KNOWN = json.loads(CASES.read_text(encoding="utf-8"))["cases"]
SEED = np.uint64(0x299F31D0_A4093822)  # halves of the third known answer's key

word = st.integers(0, 2**32 - 1)


def philox_by_integers(counter: list[int], key: list[int]) -> list[int]:
    """The generator in Python integers, as the paper writes it."""
    x, k = list(counter), list(key)
    for _ in range(10):
        high0, low0 = divmod(0xD2511F53 * x[0], 2**32)
        high1, low1 = divmod(0xCD9E8D57 * x[2], 2**32)
        x = [high1 ^ x[1] ^ k[0], low1, high0 ^ x[3] ^ k[1], low0]
        k = [(k[0] + 0x9E3779B9) % 2**32, (k[1] + 0xBB67AE85) % 2**32]
    return x


def words_of(text: list[str]) -> list[np.uint32]:
    return [np.uint32(int(part, 16)) for part in text]


@pytest.mark.parametrize("case", KNOWN)
@pytest.mark.parametrize("form", ["compiled", "plain"])
def test_known_answers(case: dict[str, list[str]], form: str) -> None:
    function = philox.philox4x32 if form == "compiled" else philox.philox4x32.py_func
    got = function(*words_of(case["counter"]), *words_of(case["key"]))
    assert [f"{int(w):08x}" for w in got] == case["words"]


@given(st.tuples(word, word, word, word), st.tuples(word, word))
def test_any_counter_and_key_agree_with_integers(
    counter: tuple[int, ...], key: tuple[int, ...]
) -> None:
    compiled = philox.philox4x32(*map(np.uint32, counter), *map(np.uint32, key))
    assert [int(w) for w in compiled] == philox_by_integers(list(counter), list(key))


@pytest.mark.parametrize("kind", [int, np.int64, np.uint32, np.uint64])
def test_the_type_of_a_counter_does_not_matter(kind: type) -> None:
    # uint64 mixed with int64 becomes float64 in Numba: the top words would be rounded.
    counter = [kind(v) for v in (4294967295, 1, 4294967294, 7)]
    got = philox.philox4x32(*counter, kind(3), kind(4294967293))
    assert [int(w) for w in got] == philox_by_integers(
        [4294967295, 1, 4294967294, 7], [3, 4294967293]
    )


@pytest.mark.parametrize("bits", [0, 1, 63, 64, 2**31, 2**32 - 1])
def test_uniform_open_is_the_exact_middle_of_its_cell(bits: int) -> None:
    value = float(philox.uniform_open(np.uint32(bits)))
    assert Fraction(value) == Fraction(2 * bits + 1, 2**33)
    assert 0.0 < value < 1.0


@given(word, word)
def test_uniform53_is_the_exact_middle_of_its_cell(high: int, low: int) -> None:
    value = float(philox.uniform53(np.uint32(high), np.uint32(low)))
    cell = (high >> 6) * 2**26 + (low >> 6)
    assert Fraction(value) == Fraction(2 * cell + 1, 2**53)


def test_uniform53_never_reaches_the_ends() -> None:
    top = np.uint32(2**32 - 1)
    assert float(philox.uniform53(np.uint32(0), np.uint32(0))) == 2.0**-53
    assert float(philox.uniform53(top, top)) == 1.0 - 2.0**-53


def test_fill_words_holds_consecutive_draws() -> None:
    out = np.zeros(40, np.uint32)
    philox.fill_words(out, SEED, np.uint32(100), np.uint32(5), philox.STREAM_DENSITY, np.uint32(9))
    expected = [philox_by_integers([100 + b, 5, 2, 9], [0xA4093822, 0x299F31D0]) for b in range(10)]
    assert out.tolist() == [w for block in expected for w in block]


def test_fill_blocks_holds_the_same_words_in_rows() -> None:
    words = np.zeros(400, np.uint32)
    rows = np.zeros((4, 100), np.uint32)
    place = (np.uint32(3), np.uint32(5), philox.STREAM_SPEED, np.uint32(9))
    philox.fill_words(words, SEED, *place)
    philox.fill_blocks(rows, SEED, *place)
    np.testing.assert_array_equal(rows.T.ravel(), words)


def test_a_longer_buffer_changes_no_word() -> None:
    short = np.zeros(8, np.uint32)
    long = np.zeros(64, np.uint32)
    place = (np.uint32(5), philox.STREAM_SPEED, np.uint32(9))
    philox.fill_words(long, SEED, np.uint32(0), *place)
    philox.fill_words(short, SEED, np.uint32(6), *place)
    np.testing.assert_array_equal(short, long[24:32])


def test_column_is_counted_by_entity_words_stream_and_realization() -> None:
    entity = np.uint64(0xFEDCBA98_76543210)
    out = np.zeros(3)
    philox.column_uniforms(SEED, entity, np.uint32(6), np.uint32(1000), out)
    for r in range(3):
        w = philox_by_integers([0x76543210, 0xFEDCBA98, 6, 1000 + r], [0xA4093822, 0x299F31D0])
        assert out[r] == (((w[0] >> 6) << 26) + (w[1] >> 6) + 0.5) * 2.0**-52


def test_a_column_can_be_entered_at_any_realization() -> None:
    entity = np.uint64(12345678901234567)
    whole = np.zeros(1000)
    part = np.zeros(17)
    philox.column_uniforms(SEED, entity, philox.STREAM_PARAMETER, np.uint32(0), whole)
    philox.column_uniforms(SEED, entity, philox.STREAM_PARAMETER, np.uint32(701), part)
    np.testing.assert_array_equal(part, whole[701:718])


def test_noise_is_the_same_number_as_the_column_of_its_counter() -> None:
    out = np.zeros(1)
    philox.column_uniforms(SEED, np.uint64((8 << 32) | 7), np.uint32(3), np.uint32(5), out)
    noise = philox.noise_uniform(SEED, np.uint32(7), np.uint32(8), np.uint32(3), np.uint32(5))
    assert noise == out[0]


@pytest.mark.parametrize("argument", range(5))
def test_each_part_of_the_counter_and_both_halves_of_the_seed_matter(argument: int) -> None:
    base = [SEED, np.uint32(1), np.uint32(2), np.uint32(3), np.uint32(4)]
    steps = [1, 1 << 32] if argument == 0 else [1, 1 << 31]
    values = {float(philox.noise_uniform(*base))}
    for step in steps:
        moved = list(base)
        kind = type(base[argument])
        moved[argument] = kind(int(base[argument]) ^ step)
        values.add(float(philox.noise_uniform(*moved)))
    assert len(values) == 3


def test_streams_are_distinct_words() -> None:
    streams = [getattr(philox, name) for name in philox.__all__ if name.startswith("STREAM_")]
    assert len({int(s) for s in streams}) == len(streams) >= 3
    assert all(isinstance(s, np.uint32) for s in streams)
    assert (philox.STREAM_PARAMETER, philox.STREAM_AVAILABILITY, philox.STREAM_DENSITY) == (0, 1, 2)


@pytest.mark.statistical
def test_neighbouring_realizations_entities_and_streams_are_independent() -> None:
    count = 100_000
    columns = np.zeros((3, count))
    for row, (entity, stream) in enumerate([(1, 0), (2, 0), (1, 1)]):
        philox.column_uniforms(
            np.uint64(2026), np.uint64(entity), np.uint32(stream), np.uint32(0), columns[row]
        )
    standard = (columns - 0.5) * np.sqrt(12.0)
    # Standard errors: mean 1, variance sqrt(E z^4 - 1) = sqrt(0.8), product of independents 1, all
    # over sqrt(count). 4.5 of them fail by chance once in 150,000.
    limit = 4.5 / np.sqrt(count)
    assert np.abs(standard.mean(axis=1)).max() < limit
    assert np.abs((standard**2).mean(axis=1) - 1.0).max() < limit * np.sqrt(0.8)
    assert abs((standard[0, 1:] * standard[0, :-1]).mean()) < limit
    assert abs((standard[0] * standard[1]).mean()) < limit
    assert abs((standard[0] * standard[2]).mean()) < limit


def test_jit_cache_sees_every_kernel_file() -> None:
    # Numba itself would look at the function's own file only.
    for kernel in (philox.fill_words, geometry.count_dies, special.normal_ppf):
        assert kernel._cache._cache_file.stamp == source_stamp()


@pytest.mark.parametrize(
    "name", ["units.py", "outputs.py", "kernels/jit.py", "supply/kernels/dies.py"]
)
def test_the_stamp_changes_with_the_text_of_any_kernel_file(tmp_path: Path, name: str) -> None:
    for file in ("units.py", "outputs.py", "kernels/jit.py", "supply/kernels/dies.py"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text("x = 1\n", encoding="utf-8")
    before = source_stamp(tmp_path)
    os.utime(tmp_path / name, (1e9, 1e9))
    assert source_stamp(tmp_path) == before
    (tmp_path / name).write_text("x = 2\n", encoding="utf-8")
    assert source_stamp(tmp_path) != before
