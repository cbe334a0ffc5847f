"""A fit is simulated again by the engine itself: what comes out must be what went in."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from tests.paths import SHARED
from tests.wafer.fake_maps import draw_maps
from yieldsim.cli.wafers.fit import fit as command
from yieldsim.wafer.fit.clusters import fit_clusters
from yieldsim.wafer.fit.group import fit_group
from yieldsim.wafer.fit.radii import die_radii, radial_bins
from yieldsim.wafer.fit.refit import compare, fitted_model, map_sites, simulate_like
from yieldsim.wafer.fit.statistics import measure
from yieldsim.wafer.maps.wafer_maps import FAIL, NONE, PASS, maps_from_grids
from yieldsim.wafer.model.load import wafer_model
from yieldsim.wafer.simulate import simulate_wafers

SEED = 77
REAL = SHARED / "data" / "wm811k" / "wafer_maps.npz"
NO_REAL = "the real wafer maps are not here (shared/data/wm811k)"


def some_maps(wafers=200, shape=(18, 14)):
    return draw_maps(
        np.random.default_rng(SEED),
        wafers,
        shape=shape,
        density=lambda r: 0.15 * (1.0 + 2.0 * r**4),
        alpha_wafer=3.0,
        alpha_region=1.0,
        block=3,
    )


def fitted(maps):
    bins = radial_bins(maps)
    return fit_clusters(maps, measure(maps, bins), bins, 0.95, "maps", (2, 3, 4))


@pytest.mark.statistical
def test_the_simulator_draws_the_law_that_was_fitted():
    """`simulate_wafers` against the closed-form moments: every figure within 4 standard errors."""
    maps = some_maps()
    fit, bins = fitted(maps), radial_bins(maps)
    made = measure(simulate_like(maps, fit, SEED, 20), bins)
    deviation = (made.fail - made.fail.mean()) ** 2
    for values, wanted in (
        (made.radial, fit.moments.radial),
        (deviation, fit.moments.variance),
        (made.pairs, fit.moments.pairs),
    ):
        error = values.std(axis=0) / np.sqrt(len(values))
        np.testing.assert_array_less(abs(values.mean(axis=0) - wanted) / error, 4.0)


@pytest.mark.statistical
def test_a_fit_to_the_simulator_finds_what_it_was_given():
    """Maps by the engine, fitted: the engine's own parameters lie in the 99.9 % intervals."""
    shape = (16, 16)
    given = fitted(some_maps(300, shape))
    maps = simulate_like(draw_maps(np.random.default_rng(1), 300, shape=shape), given, 5, 1)
    bins = radial_bins(maps)
    found = fit_clusters(maps, measure(maps, bins), bins, 0.999, "maps", (2, 3, 4))
    for name in ("d0_per_die", "alpha_wafer", "alpha_region", "block_dies"):
        truth, got = getattr(given, name).value, getattr(found, name)
        assert got.low <= truth <= got.high, name


def test_simulated_maps_keep_the_grid_and_the_missing_dies():
    maps = some_maps(30)
    fit = fitted(maps)
    made = simulate_like(maps, fit, SEED, 2)
    assert len(made) == 60
    for w in range(30):
        for copy in (w, w + 30):
            np.testing.assert_array_equal(made.grid(copy) > 0, maps.grid(w) > 0)
    again = simulate_like(maps, fit, SEED, 2)
    np.testing.assert_array_equal(made.die, again.die)
    later = simulate_like(maps, fit, SEED, 2, first_wafer=60)
    assert not np.array_equal(made.die, later.die)


def test_sites_of_a_map_lie_where_the_fit_thinks():
    sites = map_sites(7, 5)
    rho = np.hypot(sites.x_mm, sites.y_mm) / sites.usable_radius_mm
    np.testing.assert_allclose(rho.reshape(7, 5), die_radii(7, 5)[:, :, 0])
    model = fitted_model(fitted(some_maps()), 7, 5)
    assert model.die.width_mm == pytest.approx(sites.width_mm)


def test_compare_is_zero_for_the_same_maps_and_large_for_others():
    maps = some_maps()
    bins = radial_bins(maps)
    figures = measure(maps, bins)
    assert all(row.z == 0.0 for row in compare(figures, figures, bins))
    worse = maps_from_grids([np.where(maps.grid(w) == 1, 2, maps.grid(w)) for w in range(100)])
    half = measure(maps_from_grids([maps.grid(w) for w in range(100)] + grids_of(worse)), bins)
    rows = {row.name: row for row in compare(figures, half, bins)}
    assert rows["mean yield"].z > 5.0
    assert rows["sd between wafers"].z < -5.0


def grids_of(maps):
    return [maps.grid(w) for w in range(len(maps))]


@pytest.mark.statistical
def test_a_mixture_is_split_and_comes_back():
    """Two sizes of dies, one with rings on half its wafers: each is a component of its own."""

    def ring(rng, rho):
        return 2.0 * (rho > 0.9) * (rng.random() < 0.5)

    rng = np.random.default_rng(SEED)
    small = draw_maps(rng, 150, shape=(40, 40), density=lambda r: 0.05 + 0.0 * r, extra=ring)
    large = draw_maps(rng, 150, shape=(20, 20), density=lambda r: 0.2 + 0.0 * r, alpha_wafer=4.0)
    maps = maps_from_grids(grids_of(small) + grids_of(large))
    group = fit_group("mixed", maps, 0.95, 1)
    assert len(group.components) == 3
    assert sum(part.share for part in group.components) == pytest.approx(1.0)
    assert [part.name.endswith("edge_ring") for part in group.components] == [False, True, False]
    for row in group.table:
        assert abs(row.z) < 4.0, row


@pytest.mark.slow
@pytest.mark.skipif(not REAL.exists(), reason=NO_REAL)
@pytest.mark.parametrize("label", ["Near-full", "Donut", "Random", "Scratch"])
def test_real_maps_come_back(label):
    """The refit has the class's mean yield, spread, neighbour-fail ratio and fails by radius.

    Within 3.5 standard errors, or 3 % where a class is so large that its error is smaller.
    """
    result = CliRunner().invoke(command, [str(REAL), "--label", label, "--json"])
    assert result.exit_code == 0, result.output
    rows = json.loads(result.stdout)["groups"][label]["refit"]
    assert [row["name"] for row in rows[:3]] == [
        "mean yield",
        "sd between wafers",
        "neighbour-fail ratio",
    ]
    assert len(rows) == 13
    for row in rows:
        close = abs(row["simulated"] / row["observed"] - 1.0) < 0.03
        assert abs(row["z"]) < 3.5 or close, row


@pytest.mark.skipif(not REAL.exists(), reason=NO_REAL)
def test_signatures_agree_with_the_labels_of_real_maps():
    """Labels serve only here: most signatures are found, and few plain maps have one."""
    from yieldsim.wafer.fit.signatures import KINDS, find_signatures
    from yieldsim.wafer.maps.files import load_maps

    maps = load_maps(REAL)
    rng = np.random.default_rng(SEED)
    least = {"Edge-Ring": 0.8, "Center": 0.8, "Donut": 0.5, "Scratch": 0.6}
    for label, kind in zip(least, KINDS, strict=True):
        some = rng.permutation(np.flatnonzero(maps.label == label))[:150]
        assert find_signatures(maps.select(some))[:, KINDS.index(kind)].mean() >= least[label]
    some = rng.permutation(np.flatnonzero(maps.label == "None"))[:400]
    assert find_signatures(maps.select(some)).mean(axis=0).max() <= 0.08


def test_what_chance_finds_is_known_where_some_maps_are_plain():
    """On plain maps chance finds next to nothing; where all maps have a ring, it is not known."""

    def ring(rng, rho):
        return 2.0 * (rho > 0.9)

    rng = np.random.default_rng(SEED)
    size = {"shape": (30, 30), "density": lambda r: 0.05 + 0.0 * r}
    plain = fit_group("plain", draw_maps(rng, 60, **size), 0.95, 1)
    assert all(0.0 <= one.by_chance < 0.05 for one in plain.signatures)
    ringed = fit_group("ringed", draw_maps(rng, 60, extra=ring, **size), 0.95, 1)
    assert ringed.signatures[0].share > 0.9
    assert all(np.isnan(one.by_chance) for one in ringed.signatures)


@pytest.mark.statistical
def test_a_share_is_corrected_for_what_is_missed():
    """Of faint rings on clustered wafers half are found; the corrected share holds the truth."""
    rows, share = 30, 0.2
    side = 2.0 * 147.0 / rows
    model = wafer_model(
        {
            "die": {"width_mm": side, "height_mm": side},
            "process": {
                "d0_per_cm2": 0.25,
                "alpha_wafer": 3.0,
                "alpha_region": 1.2,
                "region_dies_x": 3,
                "region_dies_y": 3,
                "signatures": {
                    "ring": {
                        "kind": "edge_ring",
                        "probability": share,
                        "peak_per_cm2": 2.0,
                        "width": 0.08,
                    }
                },
            },
        }
    )
    wafers = 300
    sites = map_sites(rows, rows)
    bins = simulate_wafers(model, wafers, SEED, "dies", keep_maps=True, sites=sites).bin_map
    outside = die_radii(rows, rows)[:, :, 0] > 1.0
    codes = np.where(bins == 0, PASS, FAIL).reshape(wafers, rows, rows)
    maps = maps_from_grids(list(np.where(outside, NONE, codes)))
    ring = fit_group("all", maps, 0.99, 1).signatures[0]
    assert ring.found < 0.8 * share
    assert ring.power < 0.8
    assert ring.low <= share <= ring.high
    assert ring.share == pytest.approx(
        (ring.found - ring.by_chance) / (ring.power - ring.by_chance)
    )


def test_wafers_that_are_all_alike():
    """No spread between wafers, no pairs of fails: every figure stays a number."""
    place = np.indices((20, 20)).sum(axis=0)
    group = fit_group("alike", maps_from_grids([1 + (place + k) % 2 for k in range(20)]), 0.95, 1)
    assert np.isinf(group.fit.alpha_wafer.value)
    for row in group.table:
        assert np.isfinite([row.observed, row.simulated, row.z]).all(), row
