"""SINF as probers write it, and what is wrong with it."""

import numpy as np
import pytest

from tests.wafer.maps.wrong import refused, refused_text
from yieldsim.errors import ModelError
from yieldsim.wafer.maps.files import load_maps
from yieldsim.wafer.maps.options import ReadOptions
from yieldsim.wafer.maps.wafer_maps import FAIL, NONE, PASS

HEAD = """DEVICE:ABC123
LOT:L77
WAFER:L77-03
FNLOC:180
ROWCT:2
COLCT:4
BCEQU:01 02
REFPX:1
REFPY:1
DUTMS:mil
XDIES:100
YDIES:200
"""
ROWS = "RowData:__ 01 2A __\nRowData:02 @@ 00 01\n"
GRID = np.array([[NONE, PASS, FAIL, NONE], [PASS, NONE, FAIL, PASS]])


def test_a_map(tmp_path):
    path = tmp_path / "m.map"
    path.write_text(HEAD + ROWS)
    maps = load_maps(path)
    np.testing.assert_array_equal(maps.grid(0), GRID)
    assert (maps.lot.tolist(), maps.name.tolist()) == (["L77"], ["L77-03"])
    np.testing.assert_allclose(maps.pitch_mm, [[2.54, 5.08]])


def test_several_wafers_share_the_head(tmp_path):
    path = tmp_path / "m.sinf"
    path.write_text(HEAD + ROWS + "WAFER:L77-04\n" + ROWS.replace("2A", "01"))
    maps = load_maps(path)
    assert maps.name.tolist() == ["L77-03", "L77-04"]
    assert maps.lot.tolist() == ["L77", "L77"]
    assert maps.grid(1)[0, 2] == PASS


def test_three_digits_and_pass_bins(tmp_path):
    path = tmp_path / "m.sinf"
    path.write_text("ROWCT:1\nCOLCT:3\nRowData:___ 001 00A\n")
    refused(path, ["wafer 0", "which bins pass", "--pass-bins"])
    maps = load_maps(path, ReadOptions(pass_bins=frozenset({"1"})))
    np.testing.assert_array_equal(maps.grid(0), [[NONE, PASS, FAIL]])


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("RowData:02 @@ 00 01\n", "", ["wafer L77-03", "cut short", "1 rows", "2"]),
        ("02 @@ 00 01", "02 @@ 0", ["row 2", "ragged map", "3 dies", "4"]),
        ("2A", "?!", ["wafer L77-03", "unknown code", "'?!'"]),
        ("mil", "furlong", ["DUTMS", "unknown unit", "'furlong'", "mm"]),
        ("XDIES:100", "XDIES:wide", ["XDIES", "no number", "'wide'"]),
        ("COLCT:4", "COLCT:-4", ["COLCT", "no count", "'-4'"]),
        ("FNLOC:180", "\x00\x01\x02", ["line 4", "no line of SINF"]),
        (ROWS, "", ["cut short"]),
    ],
)
def test_what_is_wrong(tmp_path, old, new, words):
    refused_text(tmp_path, "m.sinf", (HEAD + ROWS).replace(old, new), words)


def test_binary(tmp_path):
    (tmp_path / "m.sinf").write_bytes(b"\xff\xfe\x00DEVICE:\x80")
    refused(tmp_path / "m.sinf", ["is not text"])


def test_a_cut_is_an_error_or_leaves_whole_wafers(tmp_path):
    whole = HEAD + ROWS + "WAFER:L77-04\n" + ROWS
    path = tmp_path / "m.sinf"
    for size in range(len(whole)):
        path.write_text(whole[:size])
        try:
            maps = load_maps(path)
        except ModelError:
            continue
        for w in range(len(maps)):
            np.testing.assert_array_equal(maps.grid(w)[:, :3], GRID[:, :3])
