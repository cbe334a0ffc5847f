"""The closed-form moments of the clustered law, against maps drawn by that law in plain NumPy."""

import numpy as np
import pytest

from tests.wafer.fake_maps import draw_maps
from yieldsim.wafer.fit.moments import make_design, moments
from yieldsim.wafer.fit.radii import RadialBins, die_radii, plain_rings, radial_bins, tiles
from yieldsim.wafer.fit.statistics import LAGS, measure
from yieldsim.wafer.maps.wafer_maps import FAIL, NONE, PASS, maps_from_grids

SEED = 811
WAFERS = 3000
# Of some 16 figures in each of 5 cases none should be further off: P = 80 * 6e-5.
SIGMAS = 4.0


@pytest.mark.statistical
@pytest.mark.parametrize(
    ("alpha_wafer", "alpha_region", "block"),
    [(2.0, 1.0, 3), (np.inf, 0.5, 4), (1.0, np.inf, 2), (np.inf, np.inf, 2), (0.5, 3.0, 5)],
)
def test_moments_are_those_of_the_drawn_maps(alpha_wafer, alpha_region, block):
    rng = np.random.default_rng(SEED)
    shape = {"shape": (17, 21)}
    bins = radial_bins(draw_maps(rng, 1, **shape))
    densities = 0.15 * (1.0 + 1.5 * bins.nodes**3)
    clusters = {"alpha_wafer": alpha_wafer, "alpha_region": alpha_region, "block": block}
    maps = draw_maps(
        rng, WAFERS, density=lambda r: np.interp(r, bins.nodes, densities), **shape, **clusters
    )
    figures = measure(maps, bins)
    plan = make_design(maps, bins, (2, 3, 4, 5), np.full(WAFERS, 1.0 / WAFERS))
    wanted = moments(plan, block, densities, 1.0 / alpha_wafer, 1.0 / alpha_region)
    deviation = (figures.fail - figures.fail.mean()) ** 2
    for values, mean in (
        (figures.fail, wanted.fail),
        (figures.radial, wanted.radial),
        (deviation, wanted.variance),
        (figures.pairs, wanted.pairs),
    ):
        error = values.std(axis=0) / np.sqrt(WAFERS)
        np.testing.assert_array_less(abs(values.mean(axis=0) - mean) / error, SIGMAS)


def test_moments_pass_smoothly_through_no_clustering():
    """The mirror below 0: value and slope go on, so an estimate may fall on either side."""
    maps = draw_maps(np.random.default_rng(SEED), 20, shape=(12, 12))
    bins = radial_bins(maps)
    plan = make_design(maps, bins, (2,), np.full(20, 1.0 / 20))
    a = np.full(bins.size, 0.3)
    step = 1e-4
    for spreads in ((1.0, 0.0), (0.0, 1.0)):
        below, at, above = (
            moments(plan, 2, a, k * step * spreads[0], k * step * spreads[1]) for k in (-1, 0, 1)
        )
        for name in ("fail", "variance", "radial", "pairs"):
            low, mid, high = (getattr(m, name) for m in (below, at, above))
            # 1e-9: the curvature is of the order of step squared
            np.testing.assert_allclose(high - mid, mid - low, atol=1e-9)
            assert np.any(np.abs(high - mid) > 0.0) or name == "radial"


def test_measure_by_hand():
    grid = np.array([[NONE, FAIL, FAIL], [PASS, FAIL, PASS], [PASS, PASS, NONE]])
    maps = maps_from_grids([grid, np.full((1, 1), FAIL)])
    bins = RadialBins(np.array([0.0, 0.5, 1.0]), np.array([0.25, 0.75]))
    figures = measure(maps, bins)
    assert figures.dies.tolist() == [7, 1]
    np.testing.assert_allclose(figures.fail, [3 / 7, 1.0])
    # the centre die alone lies within half the radius
    np.testing.assert_allclose(figures.radial, [[1.0, 2 / 6], [1.0, np.nan]])
    # pairs across: 1 of 1, 0 of 2, 0 of 1; down: 0 of 1, 1 of 2, 0 of 1
    np.testing.assert_allclose(figures.pairs[:, 0], [2 / 8, np.nan])
    # two apart: rows 2 and columns 1 and 2 of the grid lack an end
    np.testing.assert_allclose(figures.pairs[0, 1], 0.0)
    assert np.isnan(figures.pairs[0, LAGS.index(3)])


def test_profile_weights():
    bins = radial_bins(draw_maps(np.random.default_rng(1), 1, shape=(40, 30)))
    rho = np.linspace(0.0, 1.2, 50)
    ratio = 1.0 + bins.nodes**2
    np.testing.assert_allclose(bins.hats(rho) @ ratio, np.interp(rho, bins.nodes, ratio))
    weights = bins.disc_weights()
    np.testing.assert_allclose(weights.sum(), 1.0)
    assert bins.size <= 18
    assert plain_rings(bins).size == 10
    assert bins.of(np.array([0.0, 0.999, 1.3])).tolist() == [0, bins.size - 1, bins.size - 1]


def test_radii_and_tiles():
    np.testing.assert_allclose(die_radii(3, 3)[1, :, 0], [2 / 3, 0.0, 2 / 3])
    assert die_radii(4, 5, 3).shape == (4, 5, 9)
    assert tiles(3, 5, 2).tolist() == [[0, 0, 1, 1, 2], [0, 0, 1, 1, 2], [3, 3, 4, 4, 5]]
