"""Signatures are found on maps that were drawn with them, and not on maps without."""

import numpy as np
import pytest
from scipy.stats import binom

from tests.wafer.fake_maps import draw_maps
from yieldsim.wafer.fit.radii import die_radii, radial_bins
from yieldsim.wafer.fit.refit import map_sites
from yieldsim.wafer.fit.signatures import KINDS, find_signatures, signature_shares
from yieldsim.wafer.fit.statistics import measure
from yieldsim.wafer.maps.wafer_maps import FAIL, NONE, PASS, maps_from_grids
from yieldsim.wafer.model.load import wafer_model
from yieldsim.wafer.simulate import simulate_wafers

SEED = 2015
SHAPE = (34, 34)
SHARE = 0.3


def mark(kind):
    """Extra faults per die of one wafer, on a share of the wafers, and a list of who has them."""
    carriers = []

    def extra(rng, rho):
        carriers.append(bool(rng.random() < SHARE))
        if not carriers[-1]:
            return 0.0
        if kind == "edge_ring":
            return 2.0 * (rho > 0.92)
        if kind == "centre":
            return 1.5 * (rho < 0.3)
        if kind == "donut":
            return 1.5 * (abs(rho - 0.5) < 0.14)
        return 5.0 * line(rng, rho.shape)

    return extra, carriers


def line(rng, shape):
    """A chain of 14 dies, one die wide, that passes the centre 7 to 9 dies away."""
    angle = rng.uniform(0.0, 2.0 * np.pi)
    aside = rng.uniform(7.0, 9.0) * np.array([np.cos(angle), -np.sin(angle)])
    middle = 0.5 * np.array(shape) + aside
    steps = np.linspace(-7.0, 7.0, 60)[:, None] * [np.sin(angle), np.cos(angle)]
    cells = np.round(middle + steps).astype(int)
    hit = np.zeros(shape)
    hit[cells[:, 0], cells[:, 1]] = 1.0
    return hit


def plain(r):
    return 0.07 * (1.0 + r**3)


@pytest.mark.statistical
@pytest.mark.parametrize("kind", KINDS)
def test_drawn_signatures_are_found(kind):
    """At least 9 of 10 carriers are found, few others are; the share's interval holds."""
    extra, carriers = mark(kind)
    maps = draw_maps(
        np.random.default_rng(SEED),
        300,
        shape=SHAPE,
        density=plain,
        alpha_wafer=5.0,
        extra=extra,
    )
    has = np.array(carriers)
    found = find_signatures(maps)
    column = KINDS.index(kind)
    assert found[has, column].mean() >= 0.9
    assert found[~has, column].mean() <= 0.02
    others = [k for k in range(len(KINDS)) if k != column]
    assert found[:, others].mean(axis=0).max() <= 0.03
    bins = radial_bins(maps)
    share = signature_shares(found, measure(maps, bins), bins, 0.999)[column]
    assert share.low <= has.mean() <= share.high
    assert share.wafers == found[:, column].sum()
    if kind == "scratch":
        assert np.isnan(share.rho)
    else:
        radius, faults = {"edge_ring": (1.0, 2.0), "centre": (0.0, 1.5), "donut": (0.5, 1.5)}[kind]
        assert abs(share.rho - radius) <= (0.3 if kind == "centre" else 0.1)
        assert 0.4 * faults <= share.peak_faults <= 1.2 * faults


@pytest.mark.statistical
@pytest.mark.parametrize("shape", [(26, 26), (50, 44)])
def test_maps_without_signatures(shape):
    """Plain and blockwise clustered maps with a rise at the edge are seldom mistaken."""
    maps = draw_maps(np.random.default_rng(SEED), 300, shape=shape, density=plain, alpha_wafer=2.0)
    assert find_signatures(maps).mean(axis=0).max() <= 0.03


@pytest.mark.statistical
def test_wilson_intervals_cover():
    """Of 400 draws of a share of 0.1 in 60 wafers, 95 % of the intervals hold it."""
    rng, draws = np.random.default_rng(SEED), 400
    maps = draw_maps(rng, 60, shape=(8, 8))
    bins = radial_bins(maps)
    figures = measure(maps, bins)
    hits = 0
    for _ in range(draws):
        flags = rng.random((60, len(KINDS))) < 0.1
        share = signature_shares(flags, figures, bins, 0.95)[3]
        hits += share.low <= 0.1 <= share.high
    # binomial, 1e-3, about 93 % to 97 %: counts are whole numbers
    assert binom.ppf(1e-3, draws, 0.93) <= hits <= binom.ppf(1 - 1e-3, draws, 0.97)


def test_none_and_all():
    maps = draw_maps(np.random.default_rng(SEED), 12, shape=(9, 9))
    bins = radial_bins(maps)
    figures = measure(maps, bins)
    for value in (False, True):
        for share in signature_shares(np.full((12, 4), value), figures, bins, 0.95):
            assert share.share == float(value)
            assert 0.0 <= share.low < share.high <= 1.0
            assert np.isnan(share.peak_faults)


ENGINE = {
    "edge_ring": {"width": 0.07, "peak_faults": 2.0},
    "centre": {"width": 0.2, "peak_faults": 2.0},
    "donut": {"width": 0.1, "peak_faults": 2.0},
    "scratch": {"width": 0.02, "length": 0.8, "peak_faults": 10.0},
}


def engine_maps(kind, wafers, rows=36):
    """Maps by `simulate_wafers` with a signature on SHARE of the wafers."""
    side = 2.0 * 147.0 / rows
    shape = dict(ENGINE[kind])
    peak = 100.0 * shape.pop("peak_faults") / side**2
    signature = {"kind": kind, "probability": SHARE, "peak_per_cm2": peak, **shape}
    model = wafer_model(
        {
            "die": {"width_mm": side, "height_mm": side},
            "process": {
                "d0_per_cm2": 100.0 * 0.08 / side**2,
                "alpha_wafer": 4.0,
                "signatures": {"mark": signature},
            },
        }
    )
    sites = map_sites(rows, rows)
    bins = simulate_wafers(model, wafers, SEED, "dies", keep_maps=True, sites=sites).bin_map
    outside = die_radii(rows, rows)[:, :, 0] > 1.0
    codes = np.where(bins == 0, PASS, FAIL).reshape(wafers, rows, rows)
    return maps_from_grids(list(np.where(outside, NONE, codes)))


@pytest.mark.statistical
@pytest.mark.parametrize("kind", KINDS)
def test_shares_of_the_engines_own_signatures(kind):
    """The interval holds the share given, in 40 lots of 60 wafers, as often as it says.

    Scratches that are cut by the edge or broken by a gap are missed: at least 0.6 are found.
    """
    lots, wafers = 40, 60
    found = find_signatures(engine_maps(kind, lots * wafers))
    column = KINDS.index(kind)
    if kind == "scratch":
        assert 0.6 * SHARE <= found[:, column].mean() <= 1.1 * SHARE
        return
    maps = draw_maps(np.random.default_rng(SEED), wafers, shape=(8, 8))
    bins = radial_bins(maps)
    figures = measure(maps, bins)
    hits = 0
    for lot in found.reshape(lots, wafers, len(KINDS)):
        share = signature_shares(lot, figures, bins, 0.9)[column]
        hits += share.low <= SHARE <= share.high
    # binomial, 1e-3, about 90 %
    assert binom.ppf(1e-3, lots, 0.9) <= hits
    assert hits <= binom.ppf(1.0 - 1e-3, lots, 0.95)
