"""SEMI G85 and E142 as other makers write them."""

import numpy as np
import pytest

from tests.paths import SHARED
from tests.wafer.maps.wrong import refused, refused_text
from yieldsim.wafer.maps.files import load_maps, save_maps
from yieldsim.wafer.maps.options import ReadOptions
from yieldsim.wafer.maps.wafer_maps import FAIL, NONE, PASS, maps_from_grids

CASES = SHARED / "cases" / "maps"
GRID = np.array([[NONE, PASS, FAIL], [PASS, PASS, PASS]])


def e142(maps, bins='<BinDefinition BinCode="0" BinQuality="Fail"/>', attributes='NullBin="."'):
    overlays = "".join(
        f'<Overlay MapName="{name}"><BinCodeMap BinType="Ascii" {attributes}><BinDefinitions>'
        f'<BinDefinition BinCode="1" BinQuality="Pass"/>{bins}</BinDefinitions>{data}'
        "</BinCodeMap></Overlay>"
        for name, data in maps.items()
    )
    return (
        '<MapData xmlns="urn:semi-org:xsd.E142-1.V1005.SubstrateMap"><SubstrateMaps><SubstrateMap '
        f'SubstrateId="E1" AxisDirection="DownRight">{overlays}</SubstrateMap></SubstrateMaps>'
        "</MapData>"
    )


ROWS = "<BinCode>.10</BinCode><BinCode>111</BinCode>"
PLACES = {(x, y): "?10"[GRID[y, x]] for y in range(2) for x in range(3) if GRID[y, x]}
ONE_BY_ONE = "".join(
    f'<BinCode X="{x}" Y="{y}">{code}</BinCode>' for (x, y), code in PLACES.items()
)
RUNS = '<BinCode X="1" Y="0">10</BinCode><BinCode X="0" Y="1">111</BinCode>'


@pytest.mark.parametrize("data", [ROWS, ONE_BY_ONE, RUNS])
def test_e142_rows_and_places(tmp_path, data):
    path = tmp_path / "m.xml"
    path.write_text(e142({"SortGrade": data}))
    np.testing.assert_array_equal(load_maps(path).grid(0), GRID)
    path.write_text(e142({"SortGrade": data}).replace("DownRight", "UpLeft"))
    turned = GRID if data == ROWS else GRID[::-1, ::-1]
    np.testing.assert_array_equal(load_maps(path).grid(0), turned)


def test_an_overlay_is_chosen_by_name(tmp_path):
    path, notes = tmp_path / "m.xml", []
    other = ROWS.replace("0", "1")
    path.write_text(e142({"Ink": other, "SortGrade": ROWS}))
    np.testing.assert_array_equal(load_maps(path, ReadOptions(note=notes.append)).grid(0), GRID)
    assert notes == [f"{path}: overlays Ink, SortGrade: SortGrade counts (--overlay)"]
    assert FAIL not in load_maps(path, ReadOptions(overlay="Ink")).grid(0)
    refused(path, ["wafer E1", "no such overlay", "'Grade'"], ReadOptions(overlay="Grade"))


def test_lot_and_size_of_a_whole_e142_file(tmp_path):
    """The wafer's own layout lies round that of its dies; the lot is the substrate's."""
    path = tmp_path / "m.xml"
    head = (
        '<Layouts><Layout LayoutId="Devices" DefaultUnits="micron"><Dimension X="3" Y="2"/>'
        '<DeviceSize X="9000" Y="4000"/></Layout><Layout LayoutId="WaferLayout" TopLevel="true">'
        '<DeviceSize X="300" Y="300"/></Layout></Layouts><Substrates><Substrate SubstrateId="E1" '
        'SubstrateType="Wafer"><LotId>L42</LotId></Substrate></Substrates><SubstrateMaps>'
    )
    path.write_text(e142({"A": ROWS}).replace("<SubstrateMaps>", head))
    maps = load_maps(path)
    assert (maps.lot.tolist(), maps.pitch_mm.tolist()) == (["L42"], [[9.0, 4.0]])
    other = e142({"A": ROWS}).replace("<SubstrateMaps>", head.replace('"E1"', '"E9"'))
    path.write_text(other)
    assert load_maps(path).lot.tolist() == [""]


@pytest.mark.parametrize(
    ("word", "code"), [("Good", PASS), ("REJECT", FAIL), ("Not tested", NONE), ("NG", FAIL)]
)
def test_words_of_other_makers(tmp_path, word, code):
    path = tmp_path / "m.xml"
    path.write_text(e142({"A": ROWS}, f'<BinDefinition BinCode="0" BinQuality="{word}"/>'))
    assert load_maps(path).grid(0)[0, 2] == code


def test_pass_bins_stand_for_missing_or_unknown_qualities(tmp_path):
    path = tmp_path / "m.xml"
    path.write_text(e142({"A": ROWS}, ""))
    refused(path, ["wafer E1", "unknown code", "'0'", "--pass-bins"])
    options = ReadOptions(pass_bins=frozenset("1"))
    np.testing.assert_array_equal(load_maps(path, options).grid(0), GRID)
    path.write_text(e142({"A": ROWS}, '<BinDefinition BinCode="0" BinQuality="Blue"/>'))
    refused(path, ["wafer E1 bin 0", "unknown BinQuality", "'Blue'"])
    options = ReadOptions(pass_bins=frozenset("0"))
    want = np.select([GRID == PASS, GRID == FAIL], [FAIL, PASS], NONE)
    np.testing.assert_array_equal(load_maps(path, options).grid(0), want)


G85 = (
    '<Map xmlns="http://www.semi.org" WaferId="W7"><Device BinType="{kind}" NullBin="{null}" '
    'Rows="2" Columns="3" LotId="L9" DeviceSizeX="{x}" DeviceSizeY="5000"><Bin BinCode="{good}" '
    'BinQuality="Pass"/><Bin BinCode="{bad}" BinQuality="Fail"/><Data><Row><![CDATA[{row1}]]></Row>'
    "<Row><![CDATA[{row2}]]></Row></Data></Device></Map>"
)
PLAIN = {"kind": "Ascii", "null": ".", "good": "1", "bad": "X", "row1": ".1X", "row2": "111"}


@pytest.mark.parametrize(
    "changes",
    [
        {"null": " ", "row1": " 1X"},  # a blank is no die
        {"null": " ", "row1": "  1 X", "row2": "1 1 1"},
        {"row1": ". 1 X", "row2": "1 1 1"},
        {"row1": "\n   .1X\n  ", "row2": "\t111"},
        {"kind": "Decimal", "null": "255", "good": "1", "bad": "0", "row1": "255001000"}
        | {"row2": "001001001"},
        {
            "kind": "Decimal",
            "null": "255",
            "good": "1",
            "bad": "0",
            "row1": "255 1 0",
            "row2": "1 1 1",
        },
    ],
)
def test_g85_rows(tmp_path, changes):
    path = tmp_path / "m.xml"
    path.write_text(G85.format(**{**PLAIN, "x": 8000, **changes}))
    maps = load_maps(path)
    np.testing.assert_array_equal(maps.grid(0), GRID)
    assert maps.lot.tolist() == ["L9"]
    assert maps.pitch_mm.tolist() == [[8.0, 5.0]]


def test_entities_are_refused(tmp_path):
    bomb = '<!DOCTYPE b [<!ENTITY a "aa"><!ENTITY c "&a;&a;">]><Maps>&c;</Maps>'
    refused_text(tmp_path, "m.xml", bomb, ["declares XML entities"])
    (tmp_path / "m.xml").write_bytes(bomb.encode("utf-16"))
    refused(tmp_path / "m.xml", ["declares XML entities"])


def test_wrong_numbers_and_places(tmp_path):
    text = G85.format(**PLAIN, x=8000)
    refused_text(
        tmp_path, "m.xml", text.replace('Rows="2"', 'Rows="two"'), ["wafer W7 Rows", "'two'"]
    )
    refused_text(tmp_path, "m.xml", text.replace('Rows="2"', 'Rows="9"'), ["ragged map", "2 rows"])
    for count in ("-3", "0", "9" * 30, "1e3"):
        words = ["wafer W7 Columns", "no count of dies", "1 to 100000"]
        refused_text(tmp_path, "m.xml", text.replace('Columns="3"', f'Columns="{count}"'), words)
    for place in ('X="a" Y="0"', 'X="0"'):
        data = ROWS.replace("<BinCode>", f"<BinCode {place}>", 1)
        refused_text(tmp_path, "m.xml", e142({"A": data}), ["wafer E1", "not a place"])
    for x in (-9999999, 10**30):
        far = f'<BinCode X="{x}" Y="0">1</BinCode><BinCode X="1" Y="0">1</BinCode>'
        refused_text(tmp_path, "m.xml", e142({"A": far}), ["wafer E1", "out of range", str(x)])


@pytest.mark.parametrize("ending", ["e142", "sinf"])
def test_pitch_and_lot_are_read_back(tmp_path, ending):
    maps = maps_from_grids([GRID], ["x"], ["1"], lots=["L1"], pitch_mm=[(8.1, 12.3)])
    save_maps(tmp_path / f"m.{ending}", maps)
    again = load_maps(tmp_path / f"m.{ending}")
    np.testing.assert_allclose(again.pitch_mm, maps.pitch_mm, rtol=1e-11)
    assert (again.lot.tolist(), again.label.tolist()) == (["L1"], ["x"])


@pytest.mark.skipif(not CASES.is_dir(), reason="the cases are not here (shared/cases)")
@pytest.mark.parametrize("name", ["glued", "e_coord", "e_insp", "e_two", "pad_ul"])
def test_the_same_wafers_in_other_forms(name):
    """25 wafers of 620 dies: as rows of separate codes, and in other forms."""
    base, other = load_maps(CASES / "base.xml"), load_maps(CASES / f"{name}.xml")
    assert other.name.tolist() == base.name.tolist()
    for w in range(25):
        rows, columns = base.grid(w).shape
        np.testing.assert_array_equal(other.grid(w)[:rows, :columns], base.grid(w))
        assert other.grid(w)[rows:].max(initial=0) == 0
