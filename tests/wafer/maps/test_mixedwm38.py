"""The archive of MixedWM38."""

import numpy as np

from tests.wafer.maps.wrong import refused
from yieldsim.wafer.maps.files import load_maps, save_maps
from yieldsim.wafer.maps.options import ReadOptions
from yieldsim.wafer.maps.wafer_maps import FAIL, NONE, PASS


def archive(path, **changes):
    rng = np.random.default_rng(3)
    flags = np.zeros((4, 8), np.int64)
    flags[1, [0, 6]] = flags[2, 3] = 1
    made = {"arr_0": rng.integers(0, 3, (4, 52, 52)), "arr_1": flags} | changes
    np.savez(path, **made)
    return made["arr_0"]


def test_maps_and_labels(tmp_path):
    path = tmp_path / "Wafer_Map_Datasets.npz"
    grids = archive(path)
    maps = load_maps(path)
    assert maps.label.tolist() == ["Normal", "Center+Scratch", "Edge-Ring", "Normal"]
    for w in range(4):
        np.testing.assert_array_equal(maps.grid(w), grids[w])


def test_the_unexplained_code_is_no_die_and_noted(tmp_path):
    path, notes = tmp_path / "m.npz", []
    grids = np.full((2, 3, 3), PASS)
    grids[1, 0, :2] = 3, FAIL
    archive(path, arr_0=grids, arr_1=np.zeros((2, 8), int))
    maps = load_maps(path, ReadOptions(note=notes.append))
    assert maps.grid(1)[0].tolist() == [NONE, FAIL, PASS]
    assert notes == [f"{path}: 1 cells of 1 maps are 3: read as no die"]


def test_what_is_written_is_read_back(tmp_path):
    path, again = tmp_path / "m.npz", tmp_path / "again.mixedwm38.npz"
    archive(path)
    save_maps(again, load_maps(path))
    maps = load_maps(again)
    np.testing.assert_array_equal(maps.die, load_maps(path).die)
    assert maps.label.tolist() == load_maps(path).label.tolist()


def test_what_is_wrong(tmp_path):
    path = tmp_path / "m.npz"
    archive(path, arr_0=np.full((2, 3, 3), 4))
    refused(path, ["arr_0", "unknown code", "4"])
    archive(path, arr_0=np.ones((3, 3)))
    refused(path, ["arr_0", "wrong array", "float64 of shape (3, 3)"])
    refused(path, ["has no bins", "'1,2'"], ReadOptions(pass_bins=frozenset("12")))
    archive(path, arr_1=np.ones((4, 3), int))
    refused(path, ["arr_1", "wrong shape", "(4, 8)"])
    path.write_bytes(path.read_bytes()[:200])
    refused(path, ["cut short"])
