"""Signatures seen on maps: found where they are, not by chance, and drawn again as they were."""

import dataclasses
import json

import numpy as np
import pytest
from scipy import ndimage
from scipy.stats import ks_2samp

from tests.examples import thinned
from tests.paths import SHARED
from tests.wafer.fake_maps import draw_maps
from yieldsim.cli.main import main
from yieldsim.wafer import load_wafer_model, simulate_wafers, wafer_model
from yieldsim.wafer.fit.group import fit_group
from yieldsim.wafer.fit.radii import die_radii, radial_bins
from yieldsim.wafer.fit.shapes.background import fit_background
from yieldsim.wafer.fit.shapes.cells import signature_cells
from yieldsim.wafer.fit.shapes.chance import FALSE_RATE, least_cluster
from yieldsim.wafer.fit.shapes.held_apart import compare_shapes, held_apart, simulate_seen
from yieldsim.wafer.fit.shapes.library import find_cells, make_library
from yieldsim.wafer.maps.export import wafer_maps
from yieldsim.wafer.maps.files import save_maps
from yieldsim.wafer.maps.wafer_maps import FAIL, NONE, PASS, WaferMaps, maps_from_grids
from yieldsim.wafer.model.seen_signatures import SeenSignatures, runs_of, seen_cells

SEED = 3
SHAPE = (21, 20)
WIDTH_MM, HEIGHT_MM = 14.0, 13.5  # of a die that has SHAPE on 300 mm
REAL = SHARED / "data" / "wm811k" / "wafer_maps.npz"
NO_REAL = "the real wafer maps are not here (shared/data/wm811k)"
AROUND = np.ones((3, 3), bool)


def marked_maps(wafers=120, faults=0.03, share=0.5, shape=SHAPE):
    """Maps of thin background, and what was drawn on them: a blot, a bow or an arc at the edge."""
    rng = np.random.default_rng(SEED)
    maps = draw_maps(rng, wafers, shape=shape, density=lambda r: np.full(r.shape, faults))
    y, x = (np.indices(shape).transpose(1, 2, 0) - 0.5 * (np.array(shape) - 1)).transpose(2, 0, 1)
    rho = die_radii(*shape)[:, :, 0]
    bow = np.zeros(shape, bool)
    steps = np.arange(-(shape[1] // 3), shape[1] // 3 + 1)
    bow[shape[0] // 2 + np.round(0.08 * steps**2).astype(int), shape[1] // 2 - 1 + steps] = True
    kinds = [np.hypot(x - 3, y + 2) < 3, bow, (rho > 0.88) & (x > 4) & (y > 0)]
    grids, drawn = [], []
    for wafer in range(wafers):
        mark = np.zeros(shape, bool) if wafer >= share * wafers else kinds[wafer % 3]
        mark = np.rot90(mark, 2) if wafer % 2 else mark
        grid = maps.grid(wafer)
        drawn.append(mark & (grid > NONE))
        grids.append(np.where(drawn[-1], FAIL, grid))
    return maps_from_grids(grids), drawn


@pytest.mark.statistical
@pytest.mark.parametrize(("across", "share"), [(20, 0.045), (36, 0.09)])
@pytest.mark.parametrize("diagonal", [True, False])
def test_a_wafer_of_chance_reaches_the_limit_once_in_twenty(across, share, diagonal):
    """The limit is a quantile: it is reached at most so often, and one die less is more often."""
    wafers = 1500
    y, x = np.indices((across, across)) - 0.5 * (across - 1)
    valid = np.hypot(x, y) <= 0.5 * across
    rng, joins = np.random.default_rng(SEED), AROUND if diagonal else None
    largest = np.zeros(wafers)
    for wafer in range(wafers):
        label, _ = ndimage.label((rng.random(valid.shape) < share) & valid, joins)
        largest[wafer] = np.bincount(label.ravel(), minlength=2)[1:].max()
    limit = least_cluster(int(valid.sum()), share, diagonal)
    error = np.sqrt(FALSE_RATE / wafers)
    table_error = np.sqrt(FALSE_RATE / 1500)  # the table's own, at its fewest wafers of this size
    assert (largest >= limit).mean() < FALSE_RATE + 4.0 * np.hypot(error, table_error)
    assert (largest >= limit - 1.0).mean() > FALSE_RATE - 4.0 * np.hypot(error, table_error)


@pytest.mark.statistical
@pytest.mark.parametrize("share", [0.02, 0.1, 0.2, 0.4])
def test_the_background_alone_has_no_more_signatures_than_stated(share):
    """One in twenty by clusters, and one in twenty by scratches at most."""
    wafers, rng = 400, np.random.default_rng(SEED)
    valid = die_radii(30, 31)[:, :, 0] <= 1.0
    found = 0
    for _ in range(wafers):
        fails = rng.random(valid.shape) < share
        grid = np.where(valid, np.where(fails, FAIL, PASS), NONE).astype(np.uint8)
        found += signature_cells(grid)[0].any()
    limit = 2.0 * FALSE_RATE
    assert found / wafers < limit + 3.0 * np.sqrt(limit * (1.0 - limit) / wafers)


def test_known_signatures_are_found_where_they_are():
    maps, drawn = marked_maps()
    marked = find_cells(maps)
    table = SeenSignatures(
        rows=tuple(maps.rows.tolist()),
        cols=tuple(maps.cols.tolist()),
        ratio=(1.0,) * len(maps),
        cells=marked.cells,
    )
    by_chance = 0
    for wafer, mark in enumerate(drawn):
        valid = maps.grid(wafer) > NONE
        found = seen_cells(table, wafer) & valid
        if mark.any():
            # fails that touch it join it; nothing else does, but for a rare cluster of chance
            assert not (mark & ~found).any()
            assert (found & ~mark).sum() <= 0.3 * mark.sum() + 4
        by_chance += not mark.any() and found.any()
    assert by_chance <= 12  # of 60 plain wafers 6 at most on average: 2.5 standard errors more


@pytest.mark.statistical
def test_the_background_is_found_beside_signatures():
    """Its density to within four standard errors of the fails it has, and a flat profile."""
    maps, _ = marked_maps(wafers=200)
    marked, bins = find_cells(maps), radial_bins(maps)
    background = fit_background(maps, marked.rest, bins, SEED)
    fails = int((marked.rest.die == FAIL).sum())
    # clusters of chance that were taken away hold a few per cent of the fails
    assert background.faults.mean() == pytest.approx(0.03, rel=4.0 / np.sqrt(fails) + 0.05)
    inner = background.profile[bins.nodes > 0.3]
    assert inner.min() > 0.7
    assert inner.max() < 1.4


@pytest.mark.statistical
@pytest.mark.parametrize("alpha", [np.inf, 2.0])
def test_the_luck_of_the_dies_is_not_taken_for_spread(alpha):
    """Law of total variance: spread of the densities plus that of the dies is that of the maps."""
    rng = np.random.default_rng(SEED)
    maps = draw_maps(rng, 600, shape=(12, 12), alpha_wafer=alpha)
    background = fit_background(maps, maps, radial_bins(maps), SEED)
    fail = np.array(
        [(maps.grid(w) == FAIL).sum() / (maps.grid(w) > NONE).sum() for w in range(600)]
    )
    dies = (maps.grid(0) > NONE).sum()
    chance = -np.expm1(-background.faults)
    made = chance.var() + (chance * (1.0 - chance)).mean() / dies
    # relative error of a variance over n wafers, heavy tails included, twice: drawn and observed
    error = np.sqrt(((fail - fail.mean()) ** 4).mean() / fail.var() ** 2 / 600)
    assert made == pytest.approx(fail.var(), rel=4.0 * error * np.sqrt(2.0))


@pytest.mark.statistical
def test_wafers_like_those_seen_have_their_shapes():
    """Half of the maps predicts the other: clusters, pairs, scratches, yield; moments do not."""
    maps, _ = marked_maps(wafers=240)
    marked, bins = find_cells(maps), radial_bins(maps)
    half, apart = held_apart(marked, bins, SEED, 8)
    group = fit_group("made", maps, 0.95, SEED)
    flat = draw_maps(np.random.default_rng(1), 400, shape=SHAPE, alpha_wafer=2.0)
    rows = {row.name: row for row in compare_shapes(maps, half, flat, apart)}
    assert np.bincount(half).tolist() == [120, 120]
    for name in ("largest cluster, share", "pairs at 1 dies", "pairs at 2 dies", "pairs at 3 dies"):
        # a sixth of the wafers has each kind of mark: 40 of 240, and 20 of each half
        assert rows[name].held_apart == pytest.approx(rows[name].observed, rel=0.25), name
    assert rows["scratches, share"].held_apart == pytest.approx(
        rows["scratches, share"].observed, abs=4.0 * np.sqrt(0.2 * 0.8 / 120)
    )
    fails = [np.array([(m.grid(w) == FAIL).mean() for w in range(len(m))]) for m in (maps, apart)]
    assert ks_2samp(*fails).pvalue > 1e-3
    assert group.shapes is None  # unless asked for


def plain_model(**changes):
    cells = np.zeros(SHAPE, bool)
    cells[4:8, 3:10] = True
    seen = {"rows": [21], "cols": [20], "ratio": [1.0], "cells": [runs_of(cells)]} | changes
    process = {"d0_per_cm2": 0.1, "seen_signatures": seen}
    die = {"width_mm": WIDTH_MM, "height_mm": HEIGHT_MM, "offset": [0.5, 0.0]}
    raw = {"wafer": {"scribe_mm": 0}, "die": die, "process": process}
    return wafer_model(raw), cells


@pytest.mark.statistical
def test_struck_dies_fail_and_those_beside_them_do_not():
    model, cells = plain_model()
    made = simulate_wafers(model, 500, SEED, "dies", keep_maps=True)
    fails = wafer_maps(made).die.reshape(500, *made.sites.shape) == FAIL
    assert made.sites.shape == SHAPE
    valid = np.zeros(SHAPE, bool)
    valid[SHAPE[0] - 1 - made.sites.row, made.sites.column] = True
    beside = ndimage.binary_dilation(cells, AROUND) & ~cells
    share = fails.mean(axis=0)
    lost = np.exp(-6.0)
    assert abs(share[cells].mean() - 1.0 + lost) < 4.0 * np.sqrt(lost / 500 / cells.sum())
    assert not share[beside].any()
    rest = valid & ~cells & ~beside
    wanted = -np.expm1(-0.1 * WIDTH_MM * HEIGHT_MM / 100.0)
    error = np.sqrt(wanted * (1.0 - wanted) / 500 / rest.sum())
    assert abs(share[rest].mean() - wanted) < 4.0 * error


def test_d0_scales_the_background_and_leaves_signatures():
    model, cells = plain_model()
    process = model.process.model_copy(update={"d0_per_cm2": 0.0})
    made = simulate_wafers(model.model_copy(update={"process": process}), 3, SEED, "points")
    assert made.gross - made.shipped == pytest.approx(cells.sum(), abs=1)  # e^-6 of a die passes


@pytest.mark.parametrize("scale", thinned([2.0, 0.5], 2))
def test_a_signature_covers_the_same_part_of_a_wafer_with_other_dies(scale):
    """A die is struck where it is half covered: the area is right to half a die all around."""
    model, cells = plain_model()
    width, height = scale * WIDTH_MM, scale * HEIGHT_MM
    die = model.die.model_copy(update={"width_mm": width, "height_mm": height})
    process = model.process.model_copy(update={"d0_per_cm2": 0.0})
    other = model.model_copy(update={"die": die, "process": process})
    made = simulate_wafers(other, 1, SEED, "expected")
    struck_mm2 = (made.gross - made.shipped[0]) * width * height
    mm2 = cells.sum() * WIDTH_MM * HEIGHT_MM
    rim_mm2 = (4 * HEIGHT_MM + 7 * WIDTH_MM) * 2 * 0.5 * max(width, WIDTH_MM)
    assert abs(struck_mm2 - mm2) < rim_mm2


@pytest.mark.statistical
def test_symmetric_draws_all_four_equally_often():
    model, cells = plain_model(symmetric=True)
    made = simulate_wafers(model, 400, SEED, "dies", keep_maps=True)
    fails = wafer_maps(made).die.reshape(400, *made.sites.shape) == FAIL
    turns = [cells, cells[::-1], cells[:, ::-1], cells[::-1, ::-1]]
    like = np.array([[(wafer & turn).sum() for turn in turns] for wafer in fails]).argmax(axis=1)
    assert np.abs(np.bincount(like, minlength=4) - 100).max() < 4.0 * np.sqrt(400 * 0.25 * 0.75)


def turned(maps: WaferMaps, turns: int, pad: int, order) -> WaferMaps:
    grids = [np.pad(np.rot90(maps.grid(w), turns), ((pad, 1), (0, 2))) for w in order]
    return maps_from_grids(grids)


def test_padding_turns_and_order_change_no_shape():
    """The figures are the same, and the model's wafers lie as in each file."""
    maps, _ = marked_maps(wafers=24, shape=(12, 11))
    wanted = fit_group("all", maps, 0.95, SEED, with_shapes=True).shapes
    seen = wanted.model("m", "s")["process"]["seen_signatures"]
    for turns, pad, order in ((1, 0, range(23, -1, -1)), (2, 3, range(24))):
        other = turned(maps, turns, pad, list(order))
        got = fit_group("all", other, 0.95, SEED, with_shapes=True).shapes
        assert repr(got.table) == repr(wanted.table)  # nan where no pair is so far apart
        assert np.array_equal(got.library.background.faults, wanted.library.background.faults)
        again = got.model("m", "s")["process"]["seen_signatures"]
        assert again["ratio"] == seen["ratio"]
        for a, b in zip(grids_of(again), grids_of(seen), strict=True):
            assert np.array_equal(a, np.rot90(b, turns))


def grids_of(seen):
    lists = {key: tuple(seen[key]) for key in ("rows", "cols", "ratio", "cells")}
    table = SeenSignatures(**lists)
    return [seen_cells(table, w) for w in range(len(table.cells))]


@pytest.mark.parametrize("flip", [False, True])
def test_runs_of_cells_are_read_back(flip):
    cells = np.random.default_rng(SEED).random((7, 5)) < 0.4
    cells[0, 0] = flip
    table = SeenSignatures(rows=(7,), cols=(5,), ratio=(1.0,), cells=(runs_of(cells),))
    assert np.array_equal(seen_cells(table, 0), cells)


def test_a_fitted_model_simulates_wafers_of_the_maps_grid(tmp_path, capsys):
    maps, _ = marked_maps(wafers=60)
    path, model, made = tmp_path / "maps.npz", tmp_path / "model.toml", tmp_path / "made.npz"
    save_maps(path, maps)
    png = tmp_path / "fit.png"
    assert main(["fit", str(path), "--out", str(model), "--json", "--png", str(png)]) == 0
    assert png.stat().st_size > 10_000
    shapes = json.loads(capsys.readouterr().out)["groups"]["all"]["shapes"]
    assert shapes["marked"] == pytest.approx(0.55, abs=0.1)
    names = [row["name"] for row in shapes["held_apart"]]
    assert (names[0], names[-1]) == ("largest cluster, share", "yield, KS")
    assert "60 maps of maps.npz" in load_wafer_model(model).process.seen_signatures.source
    line = ["wafer", str(model), "--wafers", "400", "--fidelity", "dies", "--npz", str(made)]
    assert main(line) == 0
    simulated = np.load(made)
    assert (simulated["rows"][0], simulated["cols"][0]) == SHAPE
    dies = (maps.grid(0) > NONE).sum()
    assert abs(simulated["bin"].shape[1] - dies) <= 0.02 * dies
    real = (maps.die == FAIL).sum() / (maps.die > NONE).sum()
    # 60 wafers, half of them with 13 to 30 dies of 330 under a mark, drawn again
    assert simulated["bin"].mean() == pytest.approx(real, abs=4.0 * 0.04 / np.sqrt(60))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--out x.json", "--out: unknown format, got 'x.json'; allowed: a file that ends in .toml"),
        ("--out x.toml --label a --label b", "--label: too many for one model, got 'a, b'"),
    ],
)
def test_a_model_that_cannot_be_written_is_refused(tmp_path, capsys, options, message):
    path = tmp_path / "maps.npz"
    save_maps(path, marked_maps(wafers=20)[0])
    assert main(["fit", str(path), *options.split()]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


@pytest.mark.slow  # made-up maps are held apart above
@pytest.mark.statistical
@pytest.mark.skipif(not REAL.exists(), reason=NO_REAL)
def test_real_maps_held_apart_have_the_shapes_of_the_others():
    """Clusters and pairs within 10 % on maps that were not fitted: half of WM-811K's edge rings."""
    data = np.load(REAL)
    chosen = np.flatnonzero(data["label"] == "Edge-Ring")[::3]
    places = zip(data["offset"][chosen], data["rows"][chosen], data["cols"][chosen], strict=True)
    die = data["die"]  # read once
    grids = [die[i : i + int(r) * int(c)].reshape(r, c) for i, r, c in places]
    maps = maps_from_grids(grids)
    marked, bins = find_cells(maps), radial_bins(maps)
    half, apart = held_apart(marked, bins, SEED, 1)
    rows = {row.name: row for row in compare_shapes(maps, half, maps, apart)}
    for name, row in rows.items():
        if name.startswith(("largest", "pairs")):
            assert row.held_apart == pytest.approx(row.observed, rel=0.10), name
    # two samples of one distribution differ by more once in a thousand
    assert rows["yield, KS"].held_apart < 1.95 * np.sqrt(2.0 / len(maps))


def test_a_wafer_is_simulated_from_maps_of_its_grid():
    """A library of two grids: each wafer gets the signatures of its own."""
    small, _ = marked_maps(wafers=12, share=1.0)
    large, _ = marked_maps(wafers=12, share=0.0, shape=(30, 31))
    both = maps_from_grids([m.grid(w) for m in (small, large) for w in range(12)])
    library = make_library(find_cells(both), radial_bins(both), SEED)
    made = simulate_seen(library, large, SEED, 2)
    assert dataclasses.astuple(made)[2].tolist() == [30] * 24
    biggest = [ndimage.label(made.grid(w) == FAIL, AROUND)[0].ravel() for w in range(24)]
    assert max(np.bincount(b)[1:].max() for b in biggest) < 10  # no blot of 28 dies
