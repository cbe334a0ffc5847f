"""Tables of dies as other programs write them: columns in any order, bins, comments, retests."""

import dataclasses

import numpy as np
import pytest

from tests.wafer.maps.wrong import refused, refused_text
from yieldsim.errors import UsageError
from yieldsim.wafer.maps.bins import Bins
from yieldsim.wafer.maps.files import load_maps, save_maps
from yieldsim.wafer.maps.formats import csv as csv_format
from yieldsim.wafer.maps.options import ReadOptions
from yieldsim.wafer.maps.wafer_maps import FAIL, NONE, PASS, maps_from_grids

GRID = np.array([[NONE, PASS, FAIL], [PASS, PASS, PASS]])
DIES = [(x, y, GRID[y, x]) for y in range(2) for x in range(3) if GRID[y, x]]


def written(path, head, line, before=""):
    path.write_text(before + "\n".join([head, *(line(x, y, c) for x, y, c in DIES), ""]))
    return path


VARIANTS = {
    "order": ("result,y,x,wafer", lambda x, y, c: f"{'?PF'[c]},{y},{x},W1"),
    "semicolons": ("wafer;x;y;result", lambda x, y, c: f"W1;{x};{y};{['', 'Pass', 'FAIL'][c]}"),
    "tabs": ("WAFER_ID\tX Coord\tY Coord\tPass/Fail", lambda x, y, c: f"W1\t{x}\t{y}\t{'?PF'[c]}"),
    "decimals": ("wafer,x,y,result", lambda x, y, c: f"W1,{x}.0,{y}.0,{c}"),
    "more columns": ("lot,wafer,vdd,x,y,result", lambda x, y, c: f"L,W1,0.9,{x},{y},{c}"),
    "hard bins": ("wafer,x,y,hbin,sbin", lambda x, y, c: f"W1,{x},{y},{'?17'[c]},{'?32'[c]}"),
    "flags": ("wafer,x,y,passed", lambda x, y, c: f"W1,{x},{y},{c == PASS}"),
    "far origin": ("wafer,x,y,result", lambda x, y, c: f"W1,{x - 90},{y + 7},{c}"),
}


@pytest.mark.parametrize("name", VARIANTS)
def test_the_same_dies_in_other_tables(tmp_path, name):
    maps = load_maps(written(tmp_path / "m.csv", *VARIANTS[name]))
    np.testing.assert_array_equal(maps.grid(0), GRID)
    assert maps.name.tolist() == ["W1"]


def test_comments_anywhere_and_the_line_number_after_them(tmp_path):
    path = tmp_path / "m.csv"
    head = "# made by a prober\n\n// lot 7\n"
    line = lambda x, y, c: f"W1,{x},{y},{c}\n# again"  # noqa: E731
    np.testing.assert_array_equal(
        load_maps(written(path, "wafer,x,y,result", line, head)).grid(0), GRID
    )
    path.write_text(head + "wafer,x,y,result\nW1,0,0,1\n# one more\nW1,0,1,Q\n")
    refused(path, ["line 7", "unknown code", "'Q'"])


@pytest.mark.parametrize(
    ("options", "grid"),
    [
        ({"pass_bins": frozenset({"1", "3"})}, [[PASS, PASS, FAIL]]),
        ({"pass_bins": frozenset({"12"}), "bins": "soft"}, [[FAIL, PASS, FAIL]]),
        ({"bins": "soft"}, None),
        ({}, [[PASS, FAIL, FAIL]]),
    ],
)
def test_which_bins_pass(tmp_path, options, grid):
    path = tmp_path / "m.csv"
    path.write_text("x,y,hard_bin,soft_bin\n0,0,001,11\n1,0,3,12\n2,0,4,13\n")
    notes = []
    if grid is None:
        refused(path, ["no die is in soft bin 1", "--pass-bins"], ReadOptions(**options))
        return
    maps = load_maps(path, ReadOptions(note=notes.append, **options))
    np.testing.assert_array_equal(maps.grid(0), grid)
    assert len(notes) == ("pass_bins" not in options)


def test_pass_bins_overrule_the_results_of_a_table(tmp_path):
    path = tmp_path / "m.csv"
    path.write_text("x,y,result,bin\n0,0,pass,full\n1,0,pass,cut\n2,0,fail,fail\n")
    maps = load_maps(path, ReadOptions(pass_bins=frozenset({"FULL"})))
    np.testing.assert_array_equal(maps.grid(0), [[PASS, FAIL, FAIL]])
    np.testing.assert_array_equal(load_maps(path).grid(0), [[PASS, PASS, FAIL]])


@pytest.mark.parametrize(
    ("retest", "codes"), [("last", [PASS, FAIL]), ("first", [FAIL, PASS]), ("best", [PASS, PASS])]
)
def test_a_die_tested_twice(tmp_path, retest, codes):
    path, notes = tmp_path / "m.csv", []
    path.write_text("wafer,x,y,result\nA,0,0,fail\nA,1,0,pass\nA,0,0,pass\nA,1,0,fail\nB,0,0,1\n")
    maps = load_maps(path, ReadOptions(retest=retest, note=notes.append))
    assert maps.grid(0).tolist() == [codes]
    assert notes == [
        f"{path}: 2 dies of 1 wafers are listed again; the {retest} result counts (--retest)"
    ]


def test_lots_tell_wafers_of_one_name_apart(tmp_path):
    path = tmp_path / "m.csv"
    path.write_text("lot,wafer,x,y,result\nA,1,0,0,1\nB,1,0,0,2\nA,1,1,0,2\n")
    maps = load_maps(path)
    assert list(zip(maps.lot.tolist(), maps.name.tolist(), strict=True)) == [("A", "1"), ("B", "1")]
    assert maps.grid(0).tolist() == [[PASS, FAIL]]


def test_several_files_are_one_set(tmp_path):
    parts = []
    for number, kind in enumerate(("csv", "xml", "npz", "e142", "sinf")):
        parts.append(tmp_path / f"lot{number}.{kind}")
        save_maps(parts[-1], maps_from_grids([GRID + 0, GRID[::-1]], ["a", "b"], ["1", "2"]))
    maps = load_maps(parts)
    assert len(maps) == 10
    assert maps.lot.tolist() == [f"lot{n}" for n in range(5) for _ in range(2)]
    for w in range(10):
        np.testing.assert_array_equal(maps.grid(w), GRID if w % 2 == 0 else GRID[::-1])


def test_binary_and_other_files(tmp_path):
    path = tmp_path / "m.csv"
    path.write_bytes(bytes(range(256)) * 4)
    refused(path, ["m.csv"])
    refused_text(tmp_path, "m.csv", "x,y\n1,2\n", ["line 1", "wrong header"])
    refused_text(tmp_path, "m.csv", f"x,y,result\n1,{10**30},1\n", ["line 2", "not a place"])
    refused_text(tmp_path, "m.csv", "x,y,hbin\n1,1,1.5\n", ["line 2", "unknown code", "'1.5'"])


def test_the_quick_reader_gives_the_same(tmp_path, monkeypatch):
    """Plain tables of any kind, and those that it leaves to the reader line by line."""
    rng = np.random.default_rng(9)
    rows = [
        f"{lot},{wafer:>2},{x},{y},{rng.choice(['pass', 'fail', 'P'])},{'ring' if wafer else ''}"
        for lot in "BA"
        for wafer in (1, 0)
        for x in range(-2, 3)
        for y in range(4)
    ]
    head = "lot,wafer,x,y,result,label"
    shuffled = rng.permutation(rows).tolist()
    texts = {
        "plain": [head, *rows],
        "mixed": [head, *shuffled],
        "comment": ["# by hand", head, *rows],
        "comment inside": [head, *rows[:9], "# note", *rows[9:]],
        "twice": [head, *rows, *rows[:7]],
        "quoted": [head, *[row.replace("ring", '"ring"') for row in rows]],
        "decimals": [head, *rows[:-1], "A, 0,1.0,5,fail,"],
    }
    bins = [f"{w:02},{x},{x},0{x % 3},{9 + x}" for w in (1, 12) for x in range(7)]
    texts["numbers"] = ["wafer,x,y,hard_bin,soft_bin", *bins]
    for name, lines in texts.items():
        path = tmp_path / "m.csv"
        path.write_text("\n".join(lines) + "\n")
        notes = ([], [])
        slow = load_maps(path, ReadOptions(note=notes[0].append))
        with monkeypatch.context() as patch:
            patch.setattr(csv_format, "LEAST_BYTES", 0)
            if name in ("plain", "mixed", "comment", "twice", "numbers"):
                patch.setattr(csv_format, "_read", None)  # the quick reader has them all
            quick = load_maps(path, ReadOptions(note=notes[1].append))
        for field in dataclasses.fields(slow):
            got, want = getattr(quick, field.name), getattr(slow, field.name)
            if isinstance(want, Bins):
                got, want = named(got), named(want)
            np.testing.assert_array_equal(got, want, err_msg=f"{name}: {field.name}")
        assert notes[0] == notes[1]


def named(bins):
    return [bins.names[number] for number in bins.cell]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("1,1,Q", ["line 31", "unknown code", "'Q'"]),
        ("1,1", ["line 31", "wrong number of columns"]),
        ("1,1.5,1", ["line 31", "not a place"]),
        ("1,1e300,1", ["line 31", "not a place"]),
        ("1,,1", ["line 31", "not a place"]),
    ],
)
def test_the_quick_reader_leaves_errors_to_the_other(tmp_path, monkeypatch, line, words):
    monkeypatch.setattr(csv_format, "LEAST_BYTES", 0)
    rows = [f"{x},{y},1" for x in range(7) for y in range(7)]
    text = "\n".join(["x,y,result", *rows[:29], line, *rows[29:]])
    refused_text(tmp_path, "m.csv", text, words)


@pytest.mark.parametrize(("column", "words"), [("result", ("Pass", "fail")), ("pass", ("y", "N"))])
def test_pass_bins_of_a_column_of_pass_and_fail_are_refused(tmp_path, column, words):
    path = tmp_path / "t.csv"
    path.write_text(f"x,y,{column}\n0,0,{words[0]}\n1,0,{words[1]}\n")
    with pytest.raises(UsageError, match=r"column \w+: has no bins, got '1'; allowed: leave"):
        load_maps(path, ReadOptions(pass_bins=frozenset("1")))
    passing = ReadOptions(pass_bins=frozenset({words[0].upper()}))
    assert load_maps(path, passing).die.tolist() == [PASS, FAIL]
