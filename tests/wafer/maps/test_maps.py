"""Wafer maps: what is written is read back, and what is wrong is said in one line."""

import dataclasses

import numpy as np
import pytest

from yieldsim.errors import ModelError, UsageError, YieldsimError
from yieldsim.wafer.maps.files import load_maps, save_maps
from yieldsim.wafer.maps.wafer_maps import FAIL, NONE, PASS, maps_from_grids

SEED = 20260


def some_maps():
    rng = np.random.default_rng(SEED)
    grids = [rng.integers(0, 3, shape) for shape in ((5, 4), (3, 7), (1, 1), (6, 6))]
    grids[1][:, 0] = NONE  # an empty column and corner: the size of the grid must survive
    grids[2][:] = PASS
    labels = ["Edge-Ring", "", "None", "a, b"]
    pitch = [(8.25, 12.5), (1.0, 0.3), (np.nan, np.nan), (2.0, 2.0)]
    names, lots = ["w1", "w 2", "w3", "x<&>y"], ["A", "A", "", "b;c"]
    return maps_from_grids(grids, labels, names, lots=lots, pitch_mm=pitch)


@pytest.mark.parametrize("ending", ["npz", "csv", "xml", "g85", "e142", "sinf"])
def test_what_is_written_is_read_back(tmp_path, ending):
    maps, path = some_maps(), tmp_path / f"maps.{ending}"
    if ending in ("csv", "e142"):  # a table has no pitch, and E142 one layout for all wafers
        maps = dataclasses.replace(maps, pitch_mm=np.full((4, 2), np.nan))
    save_maps(path, maps)
    again = load_maps(path)
    for field in dataclasses.fields(maps):
        if field.name not in ("first", "notch"):  # None and zeros: where nothing is known
            np.testing.assert_array_equal(getattr(again, field.name), getattr(maps, field.name))
    np.testing.assert_array_equal(again.origin(), maps.origin())
    assert again.grid(1).shape == (3, 7)


def test_select_and_labels():
    maps = some_maps()
    chosen = maps.select(np.array([3, 0]))
    assert chosen.name.tolist() == ["x<&>y", "w1"]
    np.testing.assert_array_equal(chosen.grid(0), maps.grid(3))
    np.testing.assert_array_equal(chosen.grid(1), maps.grid(0))
    assert maps.labels() == ["Edge-Ring", "None", "a, b"]


def test_csv_takes_codes_as_numbers_and_any_origin(tmp_path):
    path = tmp_path / "m.csv"
    path.write_text("wafer,x,y,result\nA,-1,10,1\nA,0,10,FAIL\nA,-1,11,none\n\nB,5,5,2\n")
    maps = load_maps(path)
    np.testing.assert_array_equal(maps.grid(0), [[PASS, FAIL], [NONE, NONE]])
    np.testing.assert_array_equal(maps.grid(1), [[FAIL]])


G85 = """<?xml version="1.0" encoding="utf-8"?>
<Maps><Map xmlns="http://www.semi.org" SubstrateId="W7" FormatRevision="G85-1101">
<Device BinType="{kind}" NullBin="{null}" Rows="2" Columns="3" OriginLocation="2">
<ReferenceDevice ReferenceDeviceX="1" ReferenceDeviceY="1"/>
<Bin BinCode="{good}" BinQuality="Pass" BinCount="3"/><Bin BinCode="{bad}" BinQuality="Fail"/>
<Data><Row><![CDATA[{row1}]]></Row><Row><![CDATA[{row2}]]></Row></Data></Device></Map></Maps>"""


@pytest.mark.parametrize(
    ("kind", "null", "good", "bad", "row1", "row2"),
    [
        ("Ascii", "_", "1", "X", "_1X", "111"),
        ("Decimal", "255", "001", "002", "255 001 002 ", "001 001 001 "),
        ("HexaDecimal", "FF", "00", "a5", "FF00A5", "000000"),
        ("HexaDecimal", "FF", "00", "a5", "FF 00 A5", "00 00 00"),
        ("Integer2", "FFFF", "0001", "0002", "FFFF00010002", "000100010001"),
    ],
)
def test_g85_bin_types(tmp_path, kind, null, good, bad, row1, row2):
    path = tmp_path / "m.xml"
    path.write_text(G85.format(kind=kind, null=null, good=good, bad=bad, row1=row1, row2=row2))
    maps = load_maps(path)
    assert maps.name.tolist() == ["W7"]
    np.testing.assert_array_equal(maps.grid(0), [[NONE, PASS, FAIL], [PASS, PASS, PASS]])


def test_e142_is_read_too(tmp_path):
    path = tmp_path / "m.xml"
    path.write_text(
        '<MapData xmlns="urn:semi-org:xsd.E142-1.V1005.SubstrateMap"><SubstrateMaps>'
        '<SubstrateMap SubstrateType="Wafer" SubstrateId="E1"><Overlay MapName="SortGrade">'
        '<BinCodeMap BinType="HexaDecimal" NullBin="FF"><BinDefinitions>'
        '<BinDefinition BinCode="00" BinQuality="Fail"/><BinDefinition BinCode="01" '
        'BinQuality="Pass"/></BinDefinitions><BinCode>FF01</BinCode><BinCode>0001</BinCode>'
        "</BinCodeMap></Overlay></SubstrateMap></SubstrateMaps></MapData>"
    )
    maps = load_maps(path)
    np.testing.assert_array_equal(maps.grid(0), [[NONE, PASS], [FAIL, PASS]])


def arrays(**changes):
    made = {
        "die": np.array([1, 2, 1, 0], np.uint8),
        "offset": np.array([0, 2, 4]),
        "rows": np.array([1, 2]),
        "cols": np.array([2, 1]),
    }
    return {key: value for key, value in {**made, **changes}.items() if value is not None}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"die": None}, ["no array 'die'", "die, offset, rows, cols"]),
        ({"die": np.array([1, 2, 7, 0])}, ["wafer 1", "unknown code", "got 7", "0 no die"]),
        ({"die": np.array([1, 2, 1, 999])}, ["unknown code", "got 999"]),
        ({"die": np.array([1, -2, 1, 1])}, ["unknown code", "got -2"]),
        ({"die": np.array([1.5, 2, 1, 1])}, ["die", "float64", "integers"]),
        ({"die": np.array([1, 2, 0, 0])}, ["wafer 1", "map with no die"]),
        ({"die": np.array([1, 2, 1])}, ["ragged"]),
        ({"cols": np.array([2, 3])}, ["wafer 1", "ragged", "2 x 3"]),
        ({"cols": np.array([2])}, ["cols", "wrong length", "got 1"]),
        ({"label": np.array(["a"])}, ["label", "wrong length"]),
        (
            {key: np.zeros(0, int) for key in ("die", "rows", "cols")}
            | {"offset": np.zeros(1, int)},
            ["holds no wafer map"],
        ),
    ],
)
def test_wrong_npz(tmp_path, changes, words):
    path = tmp_path / "bad.npz"
    np.savez(path, **arrays(**changes))
    with pytest.raises(ModelError) as raised:
        load_maps(path)
    assert_one_line(raised.value, ["bad.npz", *words])


def test_an_archive_that_unpacks_without_end(tmp_path, monkeypatch):
    monkeypatch.setattr("yieldsim.wafer.maps.formats.npz._MOST_BYTES", 400)
    path = tmp_path / "bad.npz"
    np.savez_compressed(path, **arrays())
    with pytest.raises(ModelError) as raised:
        load_maps(path)
    assert_one_line(raised.value, ["bad.npz", "arrays too large", "400 bytes"])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["line 1", "wrong header"]),
        ("wafer,x,y\nA,1,1\n", ["line 1", "wrong header", "x, y and result"]),
        ("wafer,x,y,result\n", ["holds no wafer map"]),
        ("wafer,x,y,result\nA,1,1,1\nA,2,1\n", ["line 3", "columns", "got 3", "4"]),
        ("wafer,x,y,result\nA,1,1,9\n", ["line 2", "unknown code", "'9'", "pass"]),
        ("wafer,x,y,result\nA,1.5,1,1\n", ["line 2", "not a place", "two integers"]),
        ("wafer,x,y,result\nA,1,1,1\nA,1e9,1,2\n", ["line 3", "not a place", "'1e9"]),
        ("wafer,x,y,result\nA,1,1,1\nA,-9999999,1,2\n", ["wafer A", "out of range", "-9999999"]),
        ("wafer,x,y,result,label\nA,1,1,1,u\nA,1,2,2,v\n", ["line 3", "wafer A", "'u, then v'"]),
        ("x,y,result\n1,1,0\n1,2,1\n", ["0 and 1 only", "--pass-bins 1"]),
        ("x,y,hbin\n1,1,4\n1,2,5\n", ["no die is in hard bin 1", "'4, 5'", "--pass-bins"]),
        ("wafer,x,y,result\nA,1,1,none\n", ["wafer A", "map with no die"]),
        ("wafer,x,y,result\nA,0,0,1\nA,9999,9999,1\n", ["wafer A", "too large"]),
        ('wafer,x,y,result\n"A,1,1,1\n', ["cannot be read"]),
    ],
)
def test_wrong_csv(tmp_path, text, words):
    path = tmp_path / "bad.csv"
    path.write_text(text)
    with pytest.raises(ModelError) as raised:
        load_maps(path)
    assert_one_line(raised.value, ["bad.csv", *words])


FINE = {"kind": "Ascii", "null": ".", "good": "P", "bad": "F", "row1": ".PF", "row2": "PPP"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"row1": "PF"}, ["wafer W7 row 1", "ragged map", "2 dies", "3"]),
        ({"row1": "PFQ"}, ["wafer W7", "unknown code", "'Q'", "P, F"]),
        ({"kind": "Octal"}, ["wafer W7", "unknown BinType", "Octal", "Decimal"]),
        ({"row1": "...", "row2": "..."}, ["wafer W7", "map with no die"]),
        ({"row1": "", "row2": ""}, ["wafer W7", "empty map"]),
        ({"row2": ""}, ["wafer W7", "ragged map", "1 rows"]),
        ({"kind": "HexaDecimal", "row1": "0000F"}, ["wafer W7", "row cut short"]),
    ],
)
def test_wrong_g85(tmp_path, changes, words):
    path = tmp_path / "bad.xml"
    path.write_text(G85.format(**{**FINE, **changes}))
    with pytest.raises(ModelError) as raised:
        load_maps(path)
    assert_one_line(raised.value, ["bad.xml", *words])


def test_xml_without_maps_and_wrong_quality(tmp_path):
    path = tmp_path / "bad.xml"
    path.write_text("<Lots/>")
    with pytest.raises(ModelError, match="holds no wafer map, got '<Lots>'"):
        load_maps(path)
    path.write_text(G85.format(**FINE).replace('"Pass"', '"Odd"'))
    with pytest.raises(ModelError, match="bin P: unknown BinQuality, got 'Odd'"):
        load_maps(path)


@pytest.mark.parametrize("ending", ["npz", "xml", "e142"])
def test_truncated_files_at_every_length(tmp_path, ending):
    """No cut gives maps or a traceback (a .csv cut at a line's end is a shorter table)."""
    whole, cut = tmp_path / f"whole.{ending}", tmp_path / f"cut.{ending}"
    save_maps(whole, some_maps())
    data = whole.read_bytes()
    for size in range(0, len(data.rstrip()) - 1, 37):
        cut.write_bytes(data[:size])
        with pytest.raises(ModelError) as raised:
            load_maps(cut)
        assert_one_line(raised.value, [f"cut.{ending}", "cut short"])


def test_unknown_ending_and_missing_file(tmp_path):
    odd = tmp_path / "maps.tiff"
    odd.write_bytes(b"II*")
    with pytest.raises(UsageError, match=r"unknown format.*got '.tiff'; allowed: .*\.npz, .csv"):
        load_maps(odd)
    with pytest.raises(FileNotFoundError):
        load_maps(tmp_path / "none.npz")


@pytest.mark.parametrize(
    ("grids", "words"),
    [
        ([], ["holds no wafer map"]),
        ([np.zeros((2, 2), int)], ["wafer 0", "map with no die"]),
        ([np.ones((2, 2), int), np.ones(3, int)], ["wafer 1", "ragged map"]),
        ([np.full((2, 2), -1)], ["wafer 0", "unknown code", "got -1"]),
        ([np.ones((0, 3), int)], ["wafer 0", "ragged map", "0 x 3"]),
    ],
)
def test_wrong_grids(grids, words):
    with pytest.raises(ModelError) as raised:
        maps_from_grids(grids)
    assert_one_line(raised.value, words)


def assert_one_line(error: YieldsimError, words: list[str]) -> None:
    text = str(error)
    assert "\n" not in text
    for word in words:
        assert word in text, text
