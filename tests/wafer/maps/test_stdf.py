"""STDF V4 files made up record by record, read through the extra ``stdf``."""

import gzip
import struct
import sys

import pytest

from tests.wafer.maps.wrong import refused
from yieldsim.wafer.maps.files import load_maps
from yieldsim.wafer.maps.options import ReadOptions
from yieldsim.wafer.maps.wafer_maps import FAIL, PASS


def record(kind, sub, body):
    return struct.pack("<HBB", len(body), kind, sub) + body


def text(words):
    return bytes([len(words)]) + words.encode()


HEAD = record(0, 10, b"\x02\x04") + record(
    1,
    10,
    struct.pack("<IIB3sHc", 0, 0, 1, b"P  ", 65535, b" ")
    + b"".join(map(text, ("LOT7", "part", "node", "tester", "job"))),
)
END = record(1, 20, struct.pack("<I", 0) + b"  " + text("") + text(""))


def wafer(name, head=1):
    return record(2, 10, struct.pack("<BBI", head, 255, 0) + text(name))


def part(x, y, flag=0, hard=1, soft=1, head=1):
    body = struct.pack("<BBBHHHhhI", head, 1, flag, 5, hard, soft, x, y, 10)
    return record(5, 20, body + text("") + text("") + b"\0")


def some_file(path, *records, end=END):
    path.write_bytes(HEAD + b"".join(records) + end)
    return path


@pytest.fixture
def reader():
    pytest.importorskip("stdf_convert", reason="the extra `stdf` is not installed")


@pytest.mark.usefixtures("reader")
def test_wafers_of_a_file(tmp_path):
    first = [part(-1, 5), part(0, 5, flag=8, hard=4, soft=44), part(0, 6, hard=1, soft=2)]
    second = [part(3, 3, flag=16, hard=1), part(4, 3, flag=16, hard=7)]  # no flag: the bin tells
    file = some_file(tmp_path / "t.stdf", wafer("W1"), *first, wafer("W2"), *second)
    maps = load_maps(file)
    assert (maps.name.tolist(), maps.lot.tolist()) == (["W1", "W2"], ["LOT7", "LOT7"])
    assert maps.grid(0).tolist() == [[PASS, FAIL], [0, PASS]]
    assert maps.grid(1).tolist() == [[PASS, FAIL]]
    options = ReadOptions(pass_bins=frozenset({"44"}), bins="soft")
    assert load_maps(file, options).grid(0).tolist() == [[FAIL, PASS], [0, FAIL]]
    (tmp_path / "t.stdf.gz").write_bytes(gzip.compress(file.read_bytes()))
    assert load_maps(tmp_path / "t.stdf.gz").grid(0).tolist() == maps.grid(0).tolist()


@pytest.mark.usefixtures("reader")
def test_two_heads_test_two_wafers_at_once(tmp_path):
    parts = [part(0, 0, head=1), part(0, 0, flag=8, head=2), part(1, 0, flag=8, head=1)]
    file = some_file(tmp_path / "t.std", wafer("A", 1), wafer("B", 2), *parts)
    maps = load_maps(file)
    assert [maps.grid(w).tolist() for w in range(2)] == [[[PASS, FAIL]], [[FAIL]]]


@pytest.mark.usefixtures("reader")
def test_retests_and_what_is_left_out(tmp_path):
    parts = [part(0, 0, flag=8), part(1, 0), part(0, 0), part(-32768, 0)]
    file, notes = some_file(tmp_path / "t.stdf", part(9, 9), wafer("A"), *parts, end=b""), []
    maps = load_maps(file, ReadOptions(note=notes.append))
    assert maps.grid(0).tolist() == [[PASS, PASS]]
    assert notes == [
        f"{file}: 2 parts without wafer or place are left out",
        f"{file}: has no last record (MRR): the test may have been cut short",
        f"{file}: 1 dies of 1 wafers are listed again; the last result counts (--retest)",
    ]


@pytest.mark.usefixtures("reader")
def test_what_is_wrong(tmp_path):
    file = some_file(tmp_path / "t.stdf", wafer("A"), part(0, 0))
    whole = file.read_bytes()
    for size in (10, 30, len(HEAD) + 20):
        file.write_bytes(whole[:size])
        refused(file, ["cut short, or no STDF"])
    file.write_bytes(b"\x02\x00\x00\x0a" + b"\xff" * 50)
    refused(file, ["t.stdf"])
    refused(some_file(file, wafer("A")), ["holds no part"])
    refused(some_file(file, part(0, 0)), ["no part has a wafer and a place"])


def test_without_the_extra_one_line_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "stdf_convert", None)
    refused(some_file(tmp_path / "t.stdf"), ["STDF needs the package", "yieldsim[stdf]"])
