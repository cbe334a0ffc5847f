"""A wafer probed twice is one wafer, and which of its results counts can be chosen."""

from dataclasses import replace

import numpy as np
import pytest

from yieldsim.wafer.maps.files import load_maps, save_maps
from yieldsim.wafer.maps.options import ReadOptions
from yieldsim.wafer.maps.retests import without_retests
from yieldsim.wafer.maps.wafer_maps import FAIL, NONE, PASS, maps_from_grids

FIRST = [[PASS, FAIL, FAIL, NONE]]
LAST = [[FAIL, PASS, NONE, PASS]]


def probed_twice(lots=("", "", "")):
    grids = [np.array(grid) for grid in (FIRST, [[PASS, PASS, PASS, PASS]], LAST)]
    return maps_from_grids(grids, names=["7", "8", "7"], lots=lots)


@pytest.mark.parametrize(
    ("retest", "wanted"),
    [
        ("last", [FAIL, PASS, FAIL, PASS]),
        ("first", [PASS, FAIL, FAIL, PASS]),
        ("best", [PASS, PASS, FAIL, PASS]),
    ],
)
def test_each_die_has_the_result_that_counts(retest, wanted):
    """By hand; what one probing leaves out, the other tells."""
    notes = []
    maps = without_retests(probed_twice(), ReadOptions(retest=retest, note=notes.append))
    assert maps.name.tolist() == ["7", "8"]
    assert maps.grid(0)[0].tolist() == wanted
    assert maps.grid(1)[0].tolist() == [PASS] * 4
    assert len(notes) == 1
    for word in ("1 wafers", "(7)", retest, "--retest"):
        assert word in notes[0]


def test_wafers_of_other_lots_or_without_a_name_are_other_wafers():
    apart = probed_twice(("A", "A", "B"))
    assert without_retests(apart, ReadOptions()) is apart
    nameless = replace(probed_twice(), name=np.array(["", "", ""]))
    assert len(without_retests(nameless, ReadOptions())) == 3


def test_probings_are_laid_over_one_another_by_their_places():
    """The second probing covers the last two columns and one more row."""
    maps = maps_from_grids(
        [np.full((2, 3), PASS), np.full((2, 2), FAIL)], names=["1", "1"], first=[(0, 0), (1, 1)]
    )
    grid = without_retests(maps, ReadOptions()).grid(0)
    assert grid.tolist() == [[1, 1, 1], [1, 2, 2], [0, 2, 2]]


@pytest.mark.parametrize("ending", ["csv", "npz"])
def test_places_survive_a_file(tmp_path, ending):
    """Where a grid begins is known again, so that an aborted wafer keeps its place."""
    grids = [np.full((5, 5), PASS), np.array([[FAIL, PASS]])]
    maps = maps_from_grids(grids, names=["1", "2"], first=[(10, -3), (14, 0)])
    path = tmp_path / f"maps.{ending}"
    save_maps(path, maps)
    again = load_maps(path)
    assert again.origin().tolist() == [[10, -3], [14, 0]]
    assert again.grid(1).tolist() == [[FAIL, PASS]]


def test_one_wafer_in_two_files_of_its_lot(tmp_path):
    maps = probed_twice(("A", "A", "A"))
    paths = [tmp_path / name for name in ("one.npz", "two.npz")]
    save_maps(paths[0], maps.select(np.array([0, 1])))
    save_maps(paths[1], maps.select(np.array([2])))
    got = load_maps(paths)
    assert sorted(got.name.tolist()) == ["7", "8"]
    assert got.grid(got.name.tolist().index("7"))[0].tolist() == [FAIL, PASS, FAIL, PASS]
