"""Densities, classes and kill ratios."""

import numpy as np
import pytest
from scipy import stats

from tests.wafer.inspection.made_up import inspection, strewn
from yieldsim.errors import ModelError
from yieldsim.wafer.inspection.groups import cluster_numbers
from yieldsim.wafer.inspection.summary import class_counts, density_interval, figures_of
from yieldsim.wafer.kill_ratios import kill_ratios, match_maps
from yieldsim.wafer.maps.wafer_maps import FAIL, PASS, maps_from_grids


def test_a_wafers_figures():
    places = [(0, 0, 1.0, 1.0), (0, 0, 1.2, 1.0), (0, 0, 1.4, 1.0), (2, 2, 9.0, 7.0)]
    one = inspection(places)
    row = figures_of(one, cluster_numbers(one.x_mm, one.y_mm, 0.5, 3))
    assert (row.defects, row.events, row.clusters, row.dies, row.dies_hit) == (4, 2, 1, 25, 2)
    assert (row.area_cm2, row.per_cm2, row.events_per_cm2) == pytest.approx((20.0, 0.2, 0.1))
    counts = [3, 1] + [0] * 23
    assert row.variance_ratio == pytest.approx(np.var(counts, ddof=1) / np.mean(counts))
    assert row.alpha == pytest.approx(np.mean(counts) ** 2 / (np.var(counts, ddof=1) - 4 / 25))


def test_density_of_one_wafer_is_a_poisson_interval():
    value, low, high = density_interval([9], [3.0])
    assert value == 3.0
    # the exact interval: P(N >= 9 | low) = P(N <= 9 | high) = 2.5 %
    assert stats.poisson.sf(8, 3 * low) == pytest.approx(0.025)
    assert stats.poisson.cdf(9, 3 * high) == pytest.approx(0.025)
    assert density_interval([0], [2.0])[:2] == (0.0, 0.0)
    assert density_interval([0], [2.0])[2] == pytest.approx(-np.log(0.025) / 2.0)


@pytest.mark.statistical
@pytest.mark.parametrize("alpha", [1.0, np.inf])
def test_density_of_several_wafers_covers(alpha):
    """Of 400 sets of six wafers 95 % hold the density, and on neither side twice its 2.5 % miss.

    Within 3 errors. A t interval of the densities themselves misses a tenth of the sets that
    cluster, nearly all of them below the truth.
    """
    rng = np.random.default_rng(3)
    low, high = np.zeros(400), np.zeros(400)
    for k in range(400):
        mean = 30.0 * (rng.gamma(alpha, 1 / alpha, 6) if np.isfinite(alpha) else np.ones(6))
        _, low[k], high[k] = density_interval(rng.poisson(mean).tolist(), [10.0] * 6)
    error = np.sqrt(0.05 * 0.95 / 400)
    assert np.mean((low <= 3.0) & (high >= 3.0)) >= 0.95 - 3 * error
    assert max(np.mean(low > 3.0), np.mean(high < 3.0)) <= 0.05 + error


def test_classes():
    one = inspection([(0, 0, 1, 1)] * 3, kinds=[3, 3, 9], sizes=[0.2, 0.4, np.nan])
    first, second = class_counts([one])
    assert (first.number, first.name, first.defects) == (3, "particle", 2)
    assert (first.per_cm2, first.median_um) == pytest.approx((0.1, 0.3))
    assert (second.number, second.name) == (9, "")
    assert np.isnan(second.median_um)


def test_kill_ratio_of_a_known_law():
    """Class 3 kills 60 %, class 0 none, and a tenth of the dies fails for other reasons."""
    rng = np.random.default_rng(8)
    wafers, grids = [], []
    for w in range(200):
        one = strewn(rng, 12, wafer=f"{w:02}", kinds=rng.choice([0, 3], 12))
        die = one.die_of_defect()
        fails = rng.random(25) < 0.1
        for number, kind in zip(die.tolist(), one.found.kind.tolist(), strict=True):
            fails[number] |= kind == 3 and rng.random() < 0.6
        grid = np.where(fails, FAIL, PASS).reshape(5, 5)[::-1]  # rows of a map go down
        wafers.append(one)
        grids.append(np.pad(grid, ((1, 0), (2, 1))))
    maps = maps_from_grids(grids, names=[str(w) for w in range(200)])
    every, harmless, killer = kill_ratios(match_maps(wafers, maps), {3: "particle"})
    assert (every.kind, harmless.kind, killer.kind, killer.name) == (-1, 0, 3, "particle")
    clean = 1.0 - every.dies / 5000
    assert clean == pytest.approx(np.exp(12 * np.log(24 / 25)), abs=0.03)
    # a die with a particle has 1 / (1 - e^-m) of them on average, m = 6 / 25, and others beside
    survive = (np.exp(-0.24 * 0.6) - np.exp(-0.24)) / (1.0 - np.exp(-0.24))
    assert killer.ratio == pytest.approx(1.0 - survive, abs=4 * killer.error)
    # a die with a harmless defect has a particle beside it as often as any die
    assert harmless.ratio == pytest.approx(1.0 - np.exp(-0.24 * 0.6), abs=4 * harmless.error)


def test_maps_that_do_not_match():
    one = inspection([(0, 0, 1, 1)], wafer="07")
    with pytest.raises(ModelError, match="none is of an inspected wafer, got '07'"):
        match_maps([one], maps_from_grids([np.ones((5, 5), int)], names=["8"]))
    with pytest.raises(ModelError, match="map and inspection have other dies, got '5 x 4'"):
        match_maps([one], maps_from_grids([np.ones((4, 5), int)], names=["7"]))
    grids, names = [np.ones((5, 5), int)] * 2, ["7", "7"]
    with pytest.raises(ModelError, match="none is of an inspected wafer"):  # which of the two?
        match_maps([one], maps_from_grids(grids, names=names))
    assert len(match_maps([one], maps_from_grids(grids, names=names, lots=["L", "M"]))) == 1
