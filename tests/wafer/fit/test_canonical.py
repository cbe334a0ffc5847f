"""How a file lists its maps changes no figure: padding, turns, order, format, split into files."""

import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.examples import EVERYTHING, thinned
from tests.wafer.fake_maps import draw_maps
from yieldsim.cli.main import main
from yieldsim.errors import ModelError
from yieldsim.wafer.fit.canonical import canonical, framed, mostly_untested
from yieldsim.wafer.fit.group import fit_group
from yieldsim.wafer.maps.files import save_maps
from yieldsim.wafer.maps.wafer_maps import FAIL, NONE, PASS, maps_from_grids

SEED = 5


def some_maps(wafers=8, shape=(12, 9)):
    return draw_maps(
        np.random.default_rng(SEED), wafers, shape=shape, alpha_wafer=3.0, alpha_region=1.0, block=2
    )


def grids_of(maps):
    return [maps.grid(w) for w in range(len(maps))]


def figures(maps):
    """Every figure of a fit, simulated ones included."""
    group = fit_group("all", maps, 0.95, 7)
    fit = {
        field.name: getattr(group.fit, field.name)
        for field in dataclasses.fields(group.fit)
        if field.name != "moments"
    }
    return repr((fit, group.form, group.signatures, group.table))


WANTED = {}


def wanted():
    if not WANTED:
        WANTED["figures"] = figures(some_maps())
    return WANTED["figures"]


# each example is a whole fit of half a second
@settings(max_examples=6 if EVERYTHING else 3)
@given(
    pad=st.tuples(*[st.integers(0, 7)] * 4),
    turns=st.integers(0, 3),
    mirrored=st.booleans(),
    order=st.permutations(range(8)),
)
def test_padding_turns_mirrors_and_order_change_no_figure(pad, turns, mirrored, order):
    top, bottom, left, right = pad
    grids = []
    for w in order:
        grid = np.pad(some_maps().grid(w), ((top, bottom), (left, right)))
        grids.append(np.rot90(grid[:, ::-1] if mirrored else grid, turns))
    assert figures(maps_from_grids(grids)) == wanted()


@pytest.mark.parametrize("ending", thinned(["csv", "xml", "e142", "sinf"], 2))
def test_formats_and_several_files_change_no_figure(capsys, tmp_path, ending):
    """Three files in their format against one .npz; names of wafers play no part."""
    maps = some_maps()
    outputs = []
    for paths, parts in (
        ([tmp_path / "all.npz"], [range(8)]),
        ([tmp_path / f"{k}.{ending}" for k in range(3)], [range(2), range(2, 3), range(3, 8)]),
    ):
        for path, part in zip(paths, parts, strict=True):
            save_maps(path, maps.select(np.array(part)))
        assert main(["fit", *map(str, paths), "--json"]) == 0
        outputs.append(json.loads(capsys.readouterr().out)["groups"])
    assert outputs[0] == outputs[1]


def test_the_one_form_keeps_every_wafer_and_can_be_turned_back():
    maps = some_maps()
    seen = canonical(maps)
    back = [seen.back(seen.maps.grid(w)) for w in range(len(maps))]
    assert sorted(g.tobytes() for g in back) == sorted(g.tobytes() for g in grids_of(maps))
    assert {g.shape for g in back} == {(12, 9)}


def disc(rows, cols):
    return np.where(
        np.hypot(*(np.indices((rows, cols)) - np.array([[[rows - 1]], [[cols - 1]]]) / 2))
        <= rows / 2,
        PASS,
        NONE,
    )


def test_a_wafer_tested_in_part_keeps_its_place():
    """In a grid with null cells by the grid, among places by what lies around it."""
    whole = disc(11, 11)
    part = np.where(np.indices((11, 11)).sum(axis=0) == 9, whole, NONE)
    rows, cols = (np.flatnonzero(part.any(axis=axis)) for axis in (1, 0))
    tight = part[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1]
    in_grid = framed(maps_from_grids([np.pad(g, 3) for g in (whole, whole, part)]))
    by_place = framed(
        maps_from_grids([whole, whole, tight], first=[(5, 5), (5, 5), (5 + rows[0], 5 + cols[0])])
    )
    for maps in (in_grid, by_place):
        assert maps.rows.tolist() == [11] * 3
        np.testing.assert_array_equal(maps.grid(2), part)
        assert mostly_untested(maps) == ["2"]


def test_sampled_dies_of_each_wafer_span_it_together():
    """Every wafer has other dies, none is whole: the frame holds them all."""
    first = [(3, 4), (0, 2), (6, 0)]
    maps = framed(maps_from_grids([np.array([[PASS, FAIL]])] * 3, first=first))
    assert maps.rows.tolist() == [7] * 3
    assert maps.cols.tolist() == [6] * 3
    assert np.argwhere(maps.grid(1)).tolist() == [[0, 2], [0, 3]]


def test_a_usable_disc_that_is_given_keeps_the_radius_of_dies_that_were_not_probed():
    """Without the outermost dies the rest would seem to reach the edge."""
    maps = some_maps()
    inner = []
    for grid in grids_of(maps):
        part = grid.copy()
        part[[0, -1]], part[:, [0, -1]] = NONE, NONE
        inner.append(part)
    probed = dataclasses.replace(maps_from_grids(inner), pitch_mm=np.tile([20.0, 15.0], (8, 1)))
    assert framed(probed).rows.tolist() == [10] * 8
    np.testing.assert_array_equal(framed(probed, (9, 12)).die, probed.die)
    np.testing.assert_array_equal(framed(framed(probed), (9.4, 12.3)).die, probed.die)
    with pytest.raises(ModelError, match="smaller than the dies of a wafer, got '5 x 12'; allowed"):
        framed(probed, (5, 12))


def test_the_usable_disc_in_dies_or_by_its_diameter(tmp_path, capsys):
    maps = dataclasses.replace(some_maps(3), pitch_mm=np.tile([20.0, 15.0], (3, 1)))
    path = tmp_path / "m.npz"
    save_maps(path, maps)
    found = []
    for options in ([], ["--across", "15,20"], ["--usable-diameter", "300"]):
        assert main(["fit", str(path), *options, "--json"]) == 0
        found.append(json.loads(capsys.readouterr().out)["groups"]["all"])
    assert found[1] == found[2] != found[0]
    assert found[1]["mean_yield"]["value"] == found[0]["mean_yield"]["value"]
    for options, words in (
        (["--across", "15"], "--across: not columns and rows, got '15'"),
        (["--across", "5,6"], "the usable disc is smaller than the dies of a wafer"),
        (["--usable-diameter", "-1"], "is no diameter of a wafer, got -1.0"),
        (["--across", "15,20", "--usable-diameter", "300"], "clashes with --usable-diameter"),
    ):
        assert main(["fit", str(path), *options]) in (1, 2)
        err = capsys.readouterr().err
        assert words in err
        assert err.count("\n") == 1
