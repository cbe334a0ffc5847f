"""Tables of numbers: as Python reads them, and what is wrong in which row."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yieldsim.errors import ModelError
from yieldsim.wafer.inspection.kernels.numbers import parse_rows
from yieldsim.wafer.inspection.klarf.numbers import number_table

FORMATS = ("{:.6g}", "{:.10e}", "{:+.4f}", "{:.17g}")


@given(st.lists(st.floats(-1e15, 1e15), min_size=1), st.sampled_from(FORMATS))
def test_numbers_are_those_that_python_reads(values, form):
    texts = [form.format(value) for value in values]
    table = number_table("t", " ".join(texts).encode(), b"\n", len(values))
    # three roundings of half a unit: of the digits, the power of ten and their product
    np.testing.assert_allclose(table[0], [float(text) for text in texts], rtol=5e-16, atol=1e-290)


@pytest.mark.parametrize(
    "text", ["1e400", "--1", "1.2.3", "e5", "1e", "1e+", "-", ".", "nan", "0x1"]
)
def test_what_is_no_number(text):
    with pytest.raises(ModelError, match=r"t row 2: no number, or cut short, got "):
        number_table("t", f"1 2\n3 {text}\n".encode(), b"\n", 2)


def test_rows_and_their_ends():
    for text in ("1 2\n3 4\n", "\n 1\t2 \r\n\n3 4", "1 2;3 4;"):
        end = b";" if ";" in text else b"\n"
        assert number_table("t", text.encode(), end, 2).tolist() == [[1.0, 2.0], [3.0, 4.0]]
    assert number_table("t", b"", b"\n", 2).shape == (0, 2)
    for text, got in (("1 2\n3\n", "1 values"), ("1 2\n3 4 5\n", "3 values")):
        with pytest.raises(ModelError, match=f"t row 2: wrong row, or cut short, got '{got}'"):
            number_table("t", text.encode(), b"\n", 2)


def test_rows_with_images_after_them():
    text = b"1 2 3 0\n2 2 3 2 9 9\n 7 7\n 8 8\n3 2 3\n"
    rows = number_table("t", text, b"\n", 4, spare=1)
    assert rows.tolist() == [[1, 2, 3, 0], [2, 2, 3, 2], [3, 2, 3, 0]]


def test_the_plain_function_does_the_same():
    text = b"1.5 -2e-3\n12345678901234567890 .5\n"
    blank = np.zeros(256, bool)
    blank[list(b" ")] = True
    out = np.zeros((3, 2))
    assert parse_rows.py_func(np.frombuffer(text, np.uint8), blank, 10, 0, out)[0] == 2
    assert out[:2].tolist() == number_table("t", text, b"\n", 2).tolist()


def test_a_table_takes_no_more_memory_than_its_text_can_fill():
    """A million empty lines and a hundred thousand columns promise 800 GB."""
    assert number_table("t", b"\n" * 10**6, b"\n", 10**5).shape == (0, 10**5)
    for count in range(1, 5):
        text = "\n".join(["1 2 3"] * count).encode()
        assert len(number_table("t", text, b"\n", 3)) == count
        assert len(number_table("t", text, b"\n", 4, spare=1)) == count
