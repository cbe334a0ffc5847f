"""Maps of any shape and names of any letters survive every format, or are refused in one line."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tests.examples import EVERYTHING
from yieldsim.errors import ModelError
from yieldsim.wafer.maps.files import load_maps, save_maps
from yieldsim.wafer.maps.wafer_maps import maps_from_grids

ENDINGS = ("npz", "csv", "g85", "e142", "sinf")
GRIDS = arrays.arrays(
    np.uint8,
    st.tuples(st.integers(1, 6), st.integers(1, 6)),
    elements=st.integers(0, 2),
).filter(lambda grid: grid.any())
# no blanks at the ends, which tables and SINF do not keep, and no controls, which XML cannot hold
TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zs", "Zl", "Zp")), max_size=8)
WAFERS = st.lists(st.tuples(GRIDS, TEXTS, TEXTS), min_size=1, max_size=4)


@pytest.mark.parametrize("ending", ENDINGS)
@settings(max_examples=100 if EVERYTHING else 10)
@given(wafers=WAFERS)
def test_every_format_keeps_maps_lots_and_labels(ending, wafers):
    grids, lots, labels = zip(*wafers, strict=True)
    names = [str(number) for number in range(len(grids))]
    maps = maps_from_grids(grids, labels, names, lots=lots)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"m.{ending}"
        save_maps(path, maps)
        again = load_maps(path)
    for name in ("die", "rows", "cols", "name", "lot", "label"):
        np.testing.assert_array_equal(getattr(again, name), getattr(maps, name), err_msg=name)


@pytest.mark.parametrize("ending", ["g85", "e142"])
def test_letters_that_xml_cannot_hold_are_refused(tmp_path, ending):
    maps = maps_from_grids([np.ones((1, 1), int)], lots=["a\x01b"])
    with pytest.raises(ModelError, match=r"lot of a wafer, got 'a.x01b'; allowed: letters"):
        save_maps(tmp_path / f"m.{ending}", maps)
    assert not (tmp_path / f"m.{ending}").exists()
