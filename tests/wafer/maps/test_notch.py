"""Wafers of one lot whose maps were written with the notch at other sides are turned to one."""

import numpy as np
import pytest

from tests.wafer.inspection.made_up import strewn
from tests.wafer.maps.wrong import refused_text
from yieldsim.wafer.inspection.klarf.files import save_klarf
from yieldsim.wafer.maps.files import load_maps, save_maps
from yieldsim.wafer.maps.options import ReadOptions
from yieldsim.wafer.maps.wafer_maps import FAIL, NONE, PASS, maps_from_grids

SIDES = (0, 90, 180, 270)  # bottom, left, top, right
PITCH = (3.0, 2.0)


def turned_maps(first=None):
    """Return one random wafer as seen with its notch at each side, and as seen from the bottom."""
    rng = np.random.default_rng(6)
    grid = rng.integers(0, 3, (4, 7))
    # to bring the notch from the bottom to the left a wafer turns right, which rot90 calls -1
    grids = [np.rot90(grid, -side // 90) for side in SIDES]
    pitch = [PITCH if side % 180 == 0 else PITCH[::-1] for side in SIDES]
    names = [str(side) for side in SIDES]
    return grid, maps_from_grids(grids, names=names, pitch_mm=pitch, notch=SIDES, first=first)


@pytest.mark.parametrize("ending", ["npz", "g85", "e142", "sinf"])
def test_one_lot_of_all_sides(tmp_path, ending):
    grid, maps = turned_maps()
    parts = [tmp_path / f"{side}.{ending}" for side in SIDES]
    for w, path in enumerate(parts):
        save_maps(path, maps.select(np.array([w])))
        alone = load_maps(path)  # a file alone stays as it is, and says where the notch lies
        np.testing.assert_array_equal(alone.grid(0), maps.grid(w))
        assert alone.notches().tolist() == [SIDES[w]]
    notes = []
    got = load_maps(parts, ReadOptions(note=notes.append))
    for w in range(4):
        np.testing.assert_array_equal(got.grid(w), grid)
    assert got.notches().tolist() == [0] * 4
    assert got.pitch_mm.tolist() == [list(PITCH)] * 4
    assert len(notes) == 1
    assert "notch bottom on 1 wafers, left on 1 wafers, top on 1 wafers, right on 1" in notes[0]


@pytest.mark.parametrize(
    ("name", "text", "beside"),
    [
        ("m.sinf", "WAFER:1\nFNLOC:270\nBCEQU:01\nRowData:01 02\nRowData:01 02\n", "FNLOC:180"),
        ("m.xml", "Orientation", None),
    ],
)
def test_a_notch_at_the_left_by_hand(tmp_path, name, text, beside):
    """The dies along the left edge, which pass, come to lie along the bottom."""
    xml = (
        '<Map WaferId="{}"><Device BinType="Ascii" NullBin="." Orientation="{}"><Bin BinCode="1" '
        'BinQuality="Pass"/><Bin BinCode="2" BinQuality="Fail"/><Data><Row>12</Row><Row>12</Row>'
        "</Data></Device></Map>"
    )
    if beside is None:
        text = f"<Maps>{xml.format(1, 90)}{xml.format(2, 0)}</Maps>"
    else:
        text += text.replace("WAFER:1", "WAFER:2").replace("FNLOC:270", beside)
    (tmp_path / name).write_text(text)
    maps = load_maps(tmp_path / name)
    assert maps.grid(0).tolist() == [[FAIL, FAIL], [PASS, PASS]]
    assert maps.grid(1).tolist() == [[PASS, FAIL], [PASS, FAIL]]


def test_an_aborted_wafer_keeps_its_place(tmp_path):
    """It is a piece of another wafer of its side, whose places have an origin of their own."""
    rng = np.random.default_rng(7)
    whole = rng.integers(1, 3, (5, 3))
    left = np.rot90(whole, -1)
    piece = left[1:3, 2:4]
    maps = maps_from_grids(
        [whole, left, piece], names="abc", notch=[0, 90, 90], first=[(10, 20), (-3, 1), (-2, 3)]
    )
    save_maps(tmp_path / "m.npz", maps)
    got = load_maps(tmp_path / "m.npz")
    np.testing.assert_array_equal(got.grid(1), whole)
    assert got.origin()[:2].tolist() == [[10, 20], [10, 20]]
    top, low = got.origin()[2] - got.origin()[1]
    rows, columns = got.grid(2).shape
    np.testing.assert_array_equal(got.grid(2), whole[top : top + rows, low : low + columns])


def test_bins_turn_with_their_dies(tmp_path):
    path = tmp_path / "m.csv"
    path.write_text("wafer,x,y,bin\n1,0,0,1\n1,1,0,5\n1,0,1,6\n")
    maps = load_maps(path)
    for side in (90, 0):
        save_maps(tmp_path / f"{side}.npz", maps)
        with np.load(tmp_path / f"{side}.npz") as archive:
            np.savez(tmp_path / f"{side}.npz", **{**archive, "notch": np.array([side])})
    got = load_maps([tmp_path / "90.npz", tmp_path / "0.npz"])
    bins = [got.hard.names[number] for number in got.hard.cell[: got.offset[1]]]
    assert bins == ["5", "", "1", "6"]
    assert got.grid(0).tolist() == [[FAIL, NONE], [PASS, FAIL]]


def test_wafers_whose_files_do_not_say_stay_as_they_are(tmp_path):
    grid, maps = turned_maps()
    save_maps(tmp_path / "a.npz", maps)
    save_maps(tmp_path / "b.csv", maps_from_grids([grid]))
    notes = []
    got = load_maps([tmp_path / "a.npz", tmp_path / "b.csv"], ReadOptions(note=notes.append))
    np.testing.assert_array_equal(got.grid(4), grid)
    assert "; 1 wafers whose files do not say stay as they are" in notes[0]


def test_the_mark_of_an_inspection(tmp_path):
    rng = np.random.default_rng(3)
    save_klarf(tmp_path / "d.klarf", [strewn(rng, 5, wafer="1", mark="LEFT")], "1.2")
    assert load_maps(tmp_path / "d.klarf").notches().tolist() == [90]


@pytest.mark.parametrize("angle", ["45", "north", "nan"])
def test_a_side_that_no_map_can_be_turned_to(tmp_path, angle):
    text = f"WAFER:1\nFNLOC:{angle}\nBCEQU:01\nRowData:01 02\n"
    refused_text(tmp_path, "m.sinf", text, ["wafer 1 FNLOC", f"'{angle}'", "0, 90, 180 or 270"])
