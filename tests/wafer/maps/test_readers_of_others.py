"""Readers of others on PyPI read what we write. Each runs in a process of its own.

g85 changes xml.etree for the whole process, and klarfio needs a deep stack. PyPI has no other
reader of SEMI E142 and SINF.
"""

import importlib.util
import json
import subprocess
import sys

import numpy as np
import pytest

from tests.wafer.inspection.made_up import strewn
from yieldsim.wafer.inspection.klarf.files import save_klarf
from yieldsim.wafer.maps.files import load_maps, save_maps
from yieldsim.wafer.maps.wafer_maps import maps_from_grids


def read_by(package, code, path):
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"the reader {package} is not installed")
    command = [sys.executable, "-c", code, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


G85 = """
import json, sys, g85
with open(sys.argv[1]) as stream:
    maps = g85.read(stream)
print(json.dumps([[one.misc["WaferId"], one.devices[0].LotId, one.devices[0].DeviceSizeX,
    one.devices[0].bin_pass, ["".join(row) for row in one.devices[0].map]] for one in maps]))
"""
KLARF_READER = """
import json, sys
from klarf_reader.klarf import Klarf
got = Klarf.load_from_file(sys.argv[1])
print(json.dumps([got.lot_id, got.step_id, got.die_pitch.x, len(got.sample_plan_test.x),
    [[w.id, w.summary.number_of_defects, w.tests[0].area,
      [[*d.point, d.class_number, d.d_size] for d in w.defects]] for w in got.wafers]]))
"""
KLARFIO = """
import json, sys
from klarfio.klarfio import klarf
sys.setrecursionlimit(100_000)
lot = klarf(sys.argv[1]).data["FileRecord_1.8"]["LotRecord_L"]
print(json.dumps([lot["DiePitch"], lot["ClassLookupList"]["Data"],
    [lot[f"WaferRecord_{w}"]["DefectList"]["Data"] for w in (1, 2)]]))
"""


def test_g85_reads_our_maps(tmp_path):
    path = tmp_path / "m.xml"
    grids = [np.array([[0, 1, 2], [1, 1, 1]]), np.array([[2, 1], [0, 1]])]
    maps = maps_from_grids(grids, names=["a", "b"], lots=["L", "M"], pitch_mm=[(8.5, 9.0)] * 2)
    save_maps(path, maps)
    passing = {"P": True, "F": False}
    assert read_by("g85", G85, path) == [
        ["a", "L", 8500.0, passing, [".PF", "PPP"]],
        ["b", "M", 8500.0, passing, ["FP", ".P"]],
    ]


def test_g85_reads_our_bins(tmp_path):
    source, path = tmp_path / "t.csv", tmp_path / "m.xml"
    source.write_text("wafer,x,y,result,bin\n1,0,0,pass,1\n1,1,0,fail,12\n1,0,1,fail,130\n")
    save_maps(path, load_maps(source))
    ((name, _, _, passing, rows),) = read_by("g85", G85.replace('"".join(row)', "row"), path)
    assert (name, passing) == ("1", {"1": True, "12": False, "130": False})
    assert rows == [[1, 12], [130, 255]]


def two_wafers():
    rng = np.random.default_rng(3)
    return [
        strewn(rng, n, wafer=str(n), kinds=rng.integers(0, 4, n), sizes=rng.random(n))
        for n in (1, 2)
    ]


def test_klarf_reader_reads_our_defects(tmp_path):
    path, wafers = tmp_path / "d.klarf", two_wafers()
    save_klarf(path, wafers, "1.2")
    lot, step, pitch_um, dies, got = read_by("klarf_reader", KLARF_READER, path)
    assert (lot, step, pitch_um, dies) == ("L", "M1", 10000.0, 25)
    for one, (name, count, area_um2, rows) in zip(wafers, got, strict=True):
        assert (name, count, area_um2) == (one.wafer, len(one.found), one.area_mm2 * 1e6)
        want = np.column_stack([one.x_mm * 1e3, one.y_mm * 1e3, one.found.kind, one.found.size_um])
        np.testing.assert_allclose(rows, want, atol=1e-4)  # written with four decimals


def test_klarfio_reads_our_records(tmp_path):
    path, wafers = tmp_path / "d.klarf", two_wafers()
    save_klarf(path, wafers, "1.8")
    pitch_nm, classes, got = read_by("klarfio", KLARFIO, path)
    assert pitch_nm == [10_000_000, 8_000_000]
    assert classes == [[0, "unknown"], [3, "particle"]]
    for one, rows in zip(wafers, got, strict=True):
        found = one.found
        want = np.column_stack(
            [found.across_mm * 1e6, found.up_mm * 1e6, found.index_x, found.index_y]
        )
        np.testing.assert_array_equal(np.array(rows)[:, 1:5], np.rint(want))
