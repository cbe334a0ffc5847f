"""Maps that once gave wrong figures without a word: each has a known right value."""

import math

import numpy as np
import pytest

from tests.examples import thinned
from tests.paths import SHARED
from tests.wafer.fake_maps import draw_maps, ring_means
from yieldsim.wafer.fit.clusters import fit_clusters
from yieldsim.wafer.fit.group import fit_group
from yieldsim.wafer.fit.intervals.estimate import binomial_interval
from yieldsim.wafer.fit.radii import die_radii, radial_bins
from yieldsim.wafer.fit.statistics import measure
from yieldsim.wafer.maps.files import load_maps
from yieldsim.wafer.maps.options import ReadOptions
from yieldsim.wafer.maps.wafer_maps import FAIL, NONE, PASS, maps_from_grids

CASES = SHARED / "cases" / "maps"
NO_CASES = "the cases are not here (shared/cases)"


def fit(maps, confidence=0.95):
    bins = radial_bins(maps)
    return fit_clusters(maps, measure(maps, bins), bins, confidence, "maps")


def disc(side):
    return die_radii(side, side)[:, :, 0] <= 1.0


def apart(fails, wafers=20, side=40):
    """Wafers of which no two neighbouring dies fail."""
    rng, valid, grids = np.random.default_rng(12), disc(side), []
    for w in range(wafers):
        grid = np.where(valid, PASS, NONE)
        for y, x in rng.permutation(np.argwhere(valid)):
            if (grid == FAIL).sum() == fails + w % 3 - 1:
                break
            if not (grid[max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2] == FAIL).any():
                grid[y, x] = FAIL
        grids.append(grid)
    return maps_from_grids(grids)


@pytest.mark.parametrize("fails", thinned([2, 8, 32], 3))
def test_no_two_neighbours_fail(fails):
    """The density is -log(1 - fails / dies): the second moment that is 0 does not bend it.

    0.2 %: places of few fails stand apart, which the logarithm sees.
    """
    maps = apart(fails)
    share = float((maps.die == FAIL).sum() / (maps.die > NONE).sum())
    found = fit(maps)
    right = -math.log1p(-share)
    assert found.faults_per_die.value == pytest.approx(right, rel=2e-3)
    assert found.faults_per_die.low < right < found.faults_per_die.high
    assert math.isinf(found.alpha_region.value)


@pytest.mark.parametrize("fails", [1, 2, 5])
def test_few_fails(fails):
    """1 fail in some 7,000 dies: the pooled rate, and no tighter than the exact interval."""
    valid = disc(26)
    grids = [np.where(valid, PASS, NONE) for _ in range(14)]
    places = np.argwhere(valid)
    for k in range(fails):
        grids[2 * k][tuple(places[61 * k])] = FAIL
    found, dies = fit(maps_from_grids(grids)), 14 * int(valid.sum())
    assert found.faults_per_die.value == pytest.approx(fails / dies, rel=1e-2)
    assert found.mean_yield.value == 1.0 - fails / dies
    low, high = binomial_interval(fails, dies, 0.95)
    assert found.mean_yield.low <= 1.0 - high
    assert found.mean_yield.high >= 1.0 - low
    # 0.2 %: bins of the radius with and without fails differ, which the logarithm sees
    assert found.faults_per_die.low <= low * 1.002
    assert found.faults_per_die.high >= high
    # nothing is known of the profile and of clusters
    assert np.all(found.ratio_high > 2.0)
    assert np.all(found.ratio_low < 0.5)
    assert found.alpha_wafer.low < 1.0
    assert math.isinf(found.alpha_region.high)


@pytest.mark.statistical
@pytest.mark.parametrize(
    ("edge", "inside", "ring"),
    thinned([("corner", 0.05, 0.7), (0.9, 0.08, 0.6), (0.8, 0.08, 0.4)], 3),
)
def test_sharp_edge_ring(edge, inside, ring):
    """A step between two dies, which no smooth profile has: 3 of 3 intervals hold at 99 %.

    The mean faults are those over the places, not of the mean rate of a ring.
    """
    side = 30
    y, x = np.mgrid[:side, :side] - 0.5 * (side - 1)
    corner = np.hypot(np.abs(x) + 0.5, np.abs(y) + 0.5)
    valid = corner <= np.hypot(0.5 * side, 1.0)
    at_edge = corner > 0.5 * side - 1.15 if edge == "corner" else np.hypot(x, y) > edge * side / 2
    rate = np.where(at_edge, ring, inside)
    truth = float(-np.log1p(-rate[valid]).mean())
    for seed in range(3):
        rng = np.random.default_rng(seed)
        grids = [
            np.where(valid, np.where(rng.random((side, side)) < rate, FAIL, PASS), NONE)
            for _ in range(25)
        ]
        found = fit(maps_from_grids(grids), 0.99).faults_per_die
        assert found.low <= truth <= found.high
        # and it says something: five hundred fails tell the mean within a tenth
        assert found.high / found.low < 1.3


@pytest.mark.statistical
def test_the_profile_beside_a_sharp_edge():
    """A step at nine tenths of the radius: the rings on both sides hold the density of their dies.

    Eleven rings at 99.9 %, so one miss in a hundred such tests. With 60 wafers every ring has a
    hundred fails or more, which tell its density within a third.
    """

    def step(rho):
        return np.where(rho > 0.9, 0.5, 0.05)

    maps = draw_maps(np.random.default_rng(5), 60, shape=(30, 30), density=step)
    found = fit(maps, 0.999)
    disc = 0.05 * 0.81 + 0.5 * 0.19
    truth = ring_means((30, 30), step, found.edges) / disc
    assert np.all((found.ratio_low <= truth) & (truth <= found.ratio_high))
    some = found.edges[:-1] > 0.2  # the inner rings are small
    assert np.all(found.ratio_high[some] / found.ratio_low[some] < 2.5)


def test_a_fit_that_misses_says_so():
    """Every wafer has all its fails in one half: no law of rings and blocks does that."""
    valid, rng = disc(24), np.random.default_rng(3)
    rate = np.where(np.arange(24) < 12, 0.5, 0.02)
    grids = [
        np.where(valid, np.where(rng.random((24, 24)) < rate, FAIL, PASS), NONE) for _ in range(40)
    ]
    assert fit_group("halves", maps_from_grids(grids), 0.95, 1).misses
    for wafers in (1, 40):
        plain = draw_maps(np.random.default_rng(4), wafers, shape=(24, 24))
        assert not fit_group("plain", plain, 0.95, 1).misses, wafers


def test_an_aborted_wafer_moves_little():
    """25 wafers, and one of which four dies were tested, all bad: alpha stays, and it is named."""
    rng = np.random.default_rng(8)
    maps = draw_maps(rng, 25, shape=(25, 32), alpha_wafer=6.0)
    aborted = np.zeros((25, 32), int)
    aborted[0, 14:18] = FAIL
    both = maps_from_grids([maps.grid(w) for w in range(25)] + [aborted])
    base, more = (fit_group("all", some, 0.95, 1) for some in (maps, both))
    assert more.untested == ["25"]
    assert base.untested == []
    # one wafer in 26 whose dies are 1 in 4,000: the moment moves by less than a fiftieth
    assert more.fit.alpha_wafer.value == pytest.approx(base.fit.alpha_wafer.value, rel=0.02)
    assert more.fit.faults_per_die.value == pytest.approx(base.fit.faults_per_die.value, rel=0.01)
    assert more.fit.mean_yield.value == pytest.approx(base.fit.mean_yield.value, rel=0.001)


def test_sampled_dies_are_fitted():
    """Of each wafer every second row and column was tested: no two dies are neighbours."""
    rng = np.random.default_rng(9)
    maps = draw_maps(rng, 30, shape=(30, 30), alpha_wafer=4.0)
    grids = []
    for w in range(30):
        grid = np.zeros_like(maps.grid(w))
        grid[::2, ::2] = maps.grid(w)[::2, ::2]
        grids.append(grid)
    found = fit(maps_from_grids(grids), 0.99)
    assert found.faults_per_die.low < 0.2 < found.faults_per_die.high
    assert found.alpha_wafer.low < 4.0 < found.alpha_wafer.high


@pytest.mark.parametrize("wafers", [1, 2, 3, 9])
def test_fewer_than_ten_wafers(wafers):
    """Their intervals are wide, wider the fewer, and lie where figures can."""
    maps = draw_maps(np.random.default_rng(10), wafers, shape=(24, 24), alpha_wafer=4.0)
    found = fit(maps)
    assert 0.0 <= found.mean_yield.low < found.mean_yield.value < found.mean_yield.high <= 1.0
    if wafers == 1:  # its own density cannot tell that of others
        assert found.alpha_wafer.low < 1.0
        assert math.isinf(found.alpha_wafer.high)
    else:
        assert found.faults_per_die.low < 0.2 < found.faults_per_die.high
        # wider than 1.96 standard deviations of the mean of a relative spread of a half
        ratio = found.faults_per_die.high / found.faults_per_die.low
        assert ratio > math.exp(2.0 * 1.96 * 0.3 / math.sqrt(wafers))


@pytest.mark.skipif(not CASES.exists(), reason=NO_CASES)
@pytest.mark.parametrize(
    ("file", "options"),
    thinned(
        [
            ("base.xml", ReadOptions()),
            ("pad_ul.xml", ReadOptions()),
            ("e_coord.xml", ReadOptions()),
            ("glued.xml", ReadOptions()),
            ("e_two.xml", ReadOptions(overlay="SortGrade")),
            ("e_insp.xml", ReadOptions()),
            ("abort1.xml", ReadOptions()),
        ],
        2,
    ),
)
def test_the_same_wafers_in_other_forms(file, options):
    """Mean yield 0.7788, 0.256 faults a die, alpha 6; an aborted wafer changes the last digits."""
    from yieldsim.wafer.fit.canonical import canonical, framed

    found = fit(canonical(framed(load_maps(CASES / file, options))).maps)
    assert found.mean_yield.value == pytest.approx(0.7788, abs=3e-4)
    assert found.faults_per_die.value == pytest.approx(0.2573, abs=2e-3)
    assert found.alpha_wafer.value == pytest.approx(6.04, abs=0.1)
    assert found.alpha_wafer.low < 6.25 < found.alpha_wafer.high


@pytest.mark.skipif(not CASES.exists(), reason=NO_CASES)
def test_one_wafer_twice_is_one_wafer():
    """25 wafers probed twice; the first probing and the last have figures of their own."""
    seen = {}
    for retest in ("first", "last", "best"):
        notes = []
        maps = load_maps(CASES / "reprobe.xml", ReadOptions(retest=retest, note=notes.append))
        assert len(maps) == 25
        assert "25 wafers" in notes[0]
        seen[retest] = float((maps.die == PASS).sum() / (maps.die > NONE).sum())
    assert seen["first"] == pytest.approx(0.7788, abs=1e-4)
    assert seen["first"] < seen["last"] <= seen["best"]


def test_grids_of_unlike_rates_and_heavy_clusters_keep_the_faults_of_their_rates():
    """Few wafers of many grids, strongly clustered: places without a pass do not blow up."""
    rng = np.random.default_rng(21)
    grids = []
    for side in range(14, 24):
        part = draw_maps(
            rng,
            6,
            shape=(side, side),
            density=lambda r: 0.2 + 2.0 * (abs(r - 0.5) < 0.15),
            alpha_wafer=1.5,
            alpha_region=0.5,
            block=5,
        )
        grids += [part.grid(w) for w in range(6)]
    found = fit(maps_from_grids(grids), 0.99)
    # mean over the disc: 0.2 and 2.0 on 0.65^2 - 0.35^2 = 0.3 of it
    assert found.d0_per_die.low < 0.2 + 2.0 * 0.3 < found.d0_per_die.high
    assert found.d0_per_die.value < 2.0
