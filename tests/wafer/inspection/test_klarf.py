"""KLARF 1.2 and 1.8: as tools write them, what is written and read back, and what is wrong."""

import dataclasses

import numpy as np
import pytest

from tests.wafer.inspection.made_up import inspection, strewn
from yieldsim.errors import ModelError, UsageError
from yieldsim.wafer.inspection.klarf.files import VERSIONS, load_klarf, save_klarf
from yieldsim.wafer.maps.files import load_maps
from yieldsim.wafer.maps.options import ReadOptions
from yieldsim.wafer.maps.wafer_maps import FAIL, PASS

V12 = """FileVersion 1 2;
FileTimestamp 08-23-24 10:11:12;
InspectionStationID "KLA" "2351" "S;1";
LotID "A1234.1";
SampleSize 1 200;
DeviceID "DEV";
StepID "M2 CMP";
DiePitch 1.0000000000e+004 8.0000000000e+003;
DieOrigin 0.0 0.0;
ClassLookup 2
 0 "Unclassified"
 7 "Scratch; long";
WaferID "05";
SampleCenterLocation 5.0e+003 4.0e+003;
InspectionTest 1;
SampleTestPlan 3
 0 0
 1 0
 0 -1;
AreaPerTest 2.4e+008;
DefectRecordSpec 9 DEFECTID XREL YREL XINDEX YINDEX DSIZE CLASSNUMBER IMAGECOUNT IMAGELIST ;
DefectList
 1 100.0 200.0 0 0 0.5 7 0 0
 2 9000.0 7900.0 1 0 1.5 0 2 2
 1 0
 2 0
 3 5000.0 4000.0 0 -1 0 0 0;
SummarySpec 5 TESTNO NDEFECT DEFDENSITY NDIE NDEFDIE ;
SummaryList
 1 3 1.25 3 3;
WaferID "06";
SampleCenterLocation 5.0e+003 4.0e+003;
DefectList;
EndOfFile;
"""
V18 = """Record FileRecord "1.8"
{
  Field FileTimestamp 2 {"08-23-2024", "10:11:12"}
  Record LotRecord "A1234.1"
  {
    Field DiePitch 2 {10000000, 8000000}
    Field SampleSize 2 {1, 200000000}
    Field StepID 1 {"M2 CMP"}
    Field DeviceID 1 {"DEV"}
    List ClassLookupList
    {
      Columns 2 { int32 CLASSNUMBER, string CLASSNAME }
      Data 2
      {
        0 "Unclassified" ;
        7 "Scratch; long" ;
      }
    }
    Record WaferRecord "05"
    {
      Field SampleCenterLocation 2 {5000000, 4000000}
      Field SlotNumber 1 {5}
      List DefectList
      {
        Columns 8 { int32 DEFECTID, int32 XREL, int32 YREL, int32 XINDEX, int32 YINDEX,
          int32 DSIZE, int32 CLASSNUMBER, ImageInfo IMAGEINFO }
        Data 3
        {
          1 100000 200000 0 0 500 7 N ;
          2 9000000 7900000 1 0 1500 0 Images 1 { "a b.jpg" "JPEG" 1 2 } ;
          3 5000000 4000000 0 -1 0 0 N ;
        }
      }
      Record TestRecord 1
      {
        Field AreaPerTest 1 {2.4e+14}
        List SampleTestPlanList
        {
          Columns 2 { int32 XINDEX, int32 YINDEX }
          Data 3 { 0 0 ; 1 0 ; 0 -1 ; }
        }
      }
    }
    Record WaferRecord "06"
    {
      Field SampleCenterLocation 2 {5000000, 4000000}
      List SampleTestPlanList
      {
        Columns 2 { int32 XINDEX, int32 YINDEX }
        Data 3 { 0 0 ; 1 0 ; 0 -1 ; }
      }
    }
  }
}
EndOfFile;
"""


def written(path, text):
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize("text", [V12, V18], ids=VERSIONS)
def test_files_as_tools_write_them(tmp_path, text):
    one, empty = load_klarf(written(tmp_path / "f.001", text))
    assert (one.lot, one.wafer, one.step, one.device) == ("A1234.1", "05", "M2 CMP", "DEV")
    assert (one.diameter_mm, one.pitch_mm, one.area_mm2) == (200.0, (10.0, 8.0), pytest.approx(240))
    assert one.classes == {0: "Unclassified", 7: "Scratch; long"}
    np.testing.assert_allclose(one.x_mm, [-4.9, 14.0, 0.0], atol=1e-12)
    np.testing.assert_allclose(one.y_mm, [-3.8, 3.9, -8.0], atol=1e-12)
    np.testing.assert_allclose(one.found.size_um, [0.5, 1.5, np.nan])
    assert one.found.kind.tolist() == [7, 0, 0]
    assert one.per_die().tolist() == [1, 1, 1]
    assert (empty.wafer, len(empty.found), len(empty.dies)) == ("06", 0, 3)


@pytest.mark.parametrize("text", [V12, V18], ids=VERSIONS)
def test_dies_with_a_defect_fail(tmp_path, text):
    maps = load_maps(written(tmp_path / "f.klarf", text))
    assert maps.name.tolist() == ["05", "06"]
    assert maps.grid(0).tolist() == [[FAIL, FAIL], [FAIL, 0]]
    assert maps.grid(1).tolist() == [[PASS, PASS], [PASS, 0]]
    assert maps.pitch_mm.tolist() == [[10.0, 8.0]] * 2
    with pytest.raises(UsageError, match="has no bins, got '1'"):
        load_maps(tmp_path / "f.klarf", ReadOptions(pass_bins=frozenset("1")))


@pytest.mark.parametrize("version", VERSIONS)
def test_what_is_written_is_read_back(tmp_path, version):
    rng = np.random.default_rng(5)
    wafers = [
        strewn(
            rng,
            40,
            mark="LEFT",
            wafer="1",
            kinds=rng.integers(0, 4, 40),
            sizes=rng.random(40) + 0.1,
        ),
        inspection([], mark="LEFT", wafer="2", lot="M"),
        strewn(rng, 3, mark="LEFT", wafer="1", lot='N"; x'),
    ]
    path = tmp_path / "f.klarf"
    save_klarf(path, wafers, version)
    again = load_klarf(path)
    assert [one.lot for one in again] == ["L", "M", "N', x"]
    for old, new in zip(wafers, again, strict=True):
        for name in ("wafer", "step", "device", "diameter_mm", "pitch_mm", "classes", "mark"):
            assert getattr(new, name) == getattr(old, name), name
        # 1.2 has tenths of a nm, 1.8 whole ones; half a step is lost
        np.testing.assert_allclose(new.x_mm, old.x_mm, atol=0.51e-6)
        np.testing.assert_allclose(new.y_mm, old.y_mm, atol=0.51e-6)
        np.testing.assert_allclose(new.found.size_um, old.found.size_um, atol=0.51e-3)
        assert new.found.kind.tolist() == old.found.kind.tolist()
        assert new.area_mm2 == pytest.approx(old.area_mm2, rel=1e-9)
        assert set(map(tuple, new.dies.tolist())) == set(map(tuple, old.dies.tolist()))


WRONG = {
    "version": ("FileVersion 1 2", "FileVersion 9 9", ["FileVersion", "'9.9'", "1.2"]),
    "pitch in nm": (
        "DiePitch 1.0000000000e+004",
        "DiePitch 1e7",
        ["wafer 05 DiePitch X", "10000 mm"],
    ),
    "pitch in mm": ("DiePitch 1.0000000000e+004", "DiePitch 10.0", ["DiePitch X", "0.01 mm", "um"]),
    "places in nm": ("1 100.0 200.0", "1 9000000.0 200.0", ["wafer 05 XREL", "outside its die"]),
    "area in nm2": ("2.4e+008", "2.4e+014", ["wafer 05 AreaPerTest", "no wafer has", "units?"]),
    "index too large": (" 0 -1;\nArea", " 0 -999999;\nArea", ["YINDEX", "out of range", "-999999"]),
    "index no number": (" 0 -1;\nArea", " 0 x;\nArea", ["SampleTestPlan", "no number", "'x'"]),
    "index far": (" 0 -1;\nArea", " 0 -900;\nArea", ["YINDEX", "dies reach too far", "units"]),
    "plan too short": (
        "SampleTestPlan 3",
        "SampleTestPlan 4",
        ["SampleTestPlan", "wrong plan", "4"],
    ),
    "defect index": (" 1 100.0 200.0 0 0", " 1 100.0 200.0 0.5 0", ["XINDEX", "no index"]),
    "no number": ("100.0 200.0", "100.0 2oo.0", ["wafer 05 DefectList row 1", "'2oo.0'"]),
    "no columns": ("YREL ", "ABCD ", ["wafer 05 defects", "lack YREL"]),
    "diameter": ("SampleSize 1 200", "SampleSize 1 20000", ["SampleSize", "20000", "450 mm"]),
    "no centre": (
        "SampleCenterLocation 5.0e+003",
        "SampleCenterLocation here",
        ["'here 4.0e+003'"],
    ),
    "no pitch": ("DiePitch", "DiePitsch", ["wafer 05", "lacks DiePitch"]),
    "classes": (' 7 "Scr', ' seven "Scr', ["ClassLookup", "wrong classes"]),
    "no end": ("EndOfFile;", "", ["cut short", "EndOfFile"]),
    "quotes": ('"M2 CMP"', '"M2 CMP', ["cut short", "up to its ;"]),
    "rubbish": ("EndOfFile;", "\x01\x02", ["no statement of KLARF"]),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_in_a_file(tmp_path, name):
    old, new, words = WRONG[name]
    path = tmp_path / "bad.klarf"
    assert old in V12
    refused(written(path, V12.replace(old, new)), words)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("{10000000,", "{10000,", ["wafer 05 DiePitch X", "0.01 mm", "nm in 1.8"]),
        ("int32 YINDEX }", "int32 Q }", ["SampleTestPlanList", "wrong Columns", "Q"]),
        ("1 100000 200000", "1 100000 2x", ["wafer 05 DefectList row 1", "'2x'"]),
        ("500 7 N", "500 N", ["wafer 05 DefectList row 1", "wrong row", "7 values"]),
        ("EndOfFile;", "}", ["closes more braces"]),
        ("EndOfFile;", "\x00", ["cut short, or no record"]),
        ("  Record LotRecord", "Record A { " * 40 + "Record LotRecord", ["records too deep"]),
        ("Data 2", "Record 2", ["Record inside a list"]),
        ("Columns 2 { int32 CLASSNUMBER,", "Columns 2 { CLASSNUMBER,", ["wrong Columns"]),
    ],
)
def test_what_is_wrong_in_a_file_of_records(tmp_path, old, new, words):
    assert old in V18
    refused(written(tmp_path / "bad.klarf", V18.replace(old, new)), words)


@pytest.mark.parametrize("text", [V12, V18], ids=VERSIONS)
def test_no_cut_gives_an_inspection(tmp_path, text):
    path = tmp_path / "cut.klarf"
    whole = text.rstrip()
    for size in range(0, len(whole) - len("EndOfFile;"), 7):
        refused(written(path, whole[:size]), ["cut.klarf"])


def test_other_files(tmp_path):
    refused(written(tmp_path / "x.klarf", bytes(range(256))), ["is no KLARF"])
    refused(written(tmp_path / "x.klarf", "FileVersion 1 2;\nEndOfFile;\n"), ["holds no wafer"])
    other = dataclasses.replace(inspection([]), step="M2")
    with pytest.raises(ModelError, match="wafers of several values of step, got 'M1, M2'"):
        save_klarf(tmp_path / "y.klarf", [inspection([]), other])


def refused(path, words):
    with pytest.raises(ModelError) as raised:
        load_klarf(path)
    text = str(raised.value)
    assert "\n" not in text
    for word in (path.name, *words):
        assert word in text, text
